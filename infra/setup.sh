#!/usr/bin/env bash
# Make .venv and install this checkout into it, with what runs it (requirements.lock), or with `dev` as its argument
# also with what tests it (requirements-dev.lock, which holds the same versions and more). Does nothing when nothing
# changed; a .venv for development serves both.
# Needs a Python 3.11 with venv and pip; uses uv where it is and otherwise installs it into .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true} UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180} UV_NO_PROGRESS=${UV_NO_PROGRESS:-1}

stamp=.venv/.nightmill-setup
content=$(cat requirements.lock requirements-dev.lock setup.cfg infra/setup.sh | cksum)
lock=requirements.lock
[ "${1:-}" = dev ] && lock=requirements-dev.lock
made=$(cat "$stamp" 2>/dev/null || true)
if [ -x .venv/bin/python ] && { [ "$made" = "$lock $content" ] || [ "$made" = "requirements-dev.lock $content" ]; }; then
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

echo "setup: installing $(grep -c == "$lock") pinned packages"
"$uv" pip install --quiet --python .venv/bin/python --require-hashes -r "$lock"
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
echo "$lock $content" >"$stamp"
echo "setup: done, $(du -sm .venv | cut -f1) MB in .venv"
