"""When jobs run. A DAG file imports `jobs.declared`, `job_operator` and Airflow, and does no work."""
