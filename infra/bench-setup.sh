#!/usr/bin/env bash
# One environment per file of benchmarks/peers/: benchmarks/peers/NAME.txt becomes .venvs/NAME. Nightmill depends on none.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true} UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-180} UV_NO_PROGRESS=${UV_NO_PROGRESS:-1}
uv=uv
"$uv" --version >/dev/null 2>&1 || uv=.venv/bin/uv
missing=""
for list in benchmarks/peers/*.txt; do
  name=$(basename "$list" .txt)
  stamp=.venvs/$name/.nightmill-setup
  wanted=$(cksum <"$list")
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    continue
  fi
  echo "bench-setup: .venvs/$name"
  [ -x ".venvs/$name/bin/python" ] || .venv/bin/python -m venv --without-pip ".venvs/$name"
  if "$uv" pip install --quiet --python ".venvs/$name/bin/python" -r "$list"; then
    echo "$wanted" >"$stamp"
  else
    missing="$missing $name"
  fi
done
if [ -n "$missing" ]; then
  echo "bench-setup: could not make:$missing (their benchmarks say so and go on)" >&2
  exit 1
fi
