# Settings of a local Airflow for Nightmill: its own home, SQLite, loopback only. Source it, then use `airflow`:
#
#   source infra/airflow/env.sh && airflow standalone
#
# NIGHTMILL_HOME: deployment folder with params.yaml (default: this checkout). AIRFLOW_HOME: default .airflow there.
# A production deployment sets its own database, executor and login instead; the NIGHTMILL_ variables stay.
_root=$(cd "$(dirname "${BASH_SOURCE[0]:-$0}")/../.." && pwd)

export NIGHTMILL_HOME=${NIGHTMILL_HOME:-$_root}
export NIGHTMILL_PYTHON=${NIGHTMILL_PYTHON:-$_root/.venv/bin/python}
export NIGHTMILL_LAUNCHER=${NIGHTMILL_LAUNCHER:-process}

export AIRFLOW_HOME=${AIRFLOW_HOME:-$NIGHTMILL_HOME/.airflow}
export AIRFLOW__CORE__DAGS_FOLDER=$_root/dags
export AIRFLOW__CORE__LOAD_EXAMPLES=False
export AIRFLOW__CORE__EXECUTOR=${AIRFLOW__CORE__EXECUTOR:-LocalExecutor}
export AIRFLOW__CORE__PARALLELISM=${AIRFLOW__CORE__PARALLELISM:-4}
export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=${AIRFLOW__DATABASE__SQL_ALCHEMY_CONN:-sqlite:///$AIRFLOW_HOME/airflow.db}
export AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False
export AIRFLOW__LOGGING__COLORED_CONSOLE_LOG=False
export AIRFLOW__API__HOST=127.0.0.1
export AIRFLOW__API__PORT=${AIRFLOW__API__PORT:-8080}
export AIRFLOW__API__BASE_URL=http://127.0.0.1:$AIRFLOW__API__PORT
export AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$AIRFLOW__API__PORT/execution/
export AIRFLOW__API__WORKERS=1
export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=admin:admin # a password is generated into AIRFLOW_HOME

# a day ends where params.yaml says
_zone=$(sed -n 's/^timezone: *\([^ #]*\).*/\1/p' "$NIGHTMILL_HOME/params.yaml" 2>/dev/null | head -n 1)
export AIRFLOW__CORE__DEFAULT_TIMEZONE=${_zone:-UTC}

case ":$PATH:" in
*":$_root/.venv/bin:"*) ;;
*) export PATH=$_root/.venv/bin:$PATH ;;
esac
mkdir -p "$AIRFLOW_HOME"
unset _root _zone
