#!/usr/bin/env bash
# Make .venv from requirements.lock and install this checkout into it. Does nothing when nothing changed.
# Needs a Python 3.11 with venv and pip; uses uv where it is and otherwise installs it into .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true} UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180} UV_NO_PROGRESS=${UV_NO_PROGRESS:-1}

stamp=.venv/.nightmill-setup
wanted=$(cat requirements.lock setup.cfg infra/setup.sh | cksum)
if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
  exit 0
fi

runs() { command -v "$1" >/dev/null && "$1" --version >/dev/null 2>&1; } # a shim may be there and still not run

if ! [ -x .venv/bin/python ]; then
  python=""
  for candidate in "${PYTHON:-python3.11}" python3 python; do
    if runs "$candidate" && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
      python=$candidate
      break
    fi
  done
  if [ -z "$python" ]; then
    echo "setup: no Python 3.11 found. Install it, or name it: make setup PYTHON=/path/to/python3.11" >&2
    exit 2
  fi
  echo "setup: making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi

uv=uv
if ! runs uv; then
  uv=.venv/bin/uv
  if ! [ -x "$uv" ]; then
    echo "setup: installing uv into .venv"
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
  fi
fi

echo "setup: installing $(grep -c == requirements.lock) pinned packages"
"$uv" pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
echo "$wanted" >"$stamp"
echo "setup: done, $(du -sm .venv | cut -f1) MB in .venv"
