#!/usr/bin/env bash
# Two nights of real pages through real Airflow, in the folder demo/. Options: infra/demo/run.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if ! [ -x .venv/bin/python ]; then
  echo "demo: there is no .venv yet: run make setup" >&2
  exit 2
fi
exec .venv/bin/python -m infra.demo.night "$@"
