"""What import contracts cannot say: DAG files must parse in milliseconds."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_what_dags_import_needs_the_standard_library_only():
    code = "import sys, jobs.declared, jobs.launch; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) - sys.stdlib_module_names - {"jobs", "__main__"} == set()
