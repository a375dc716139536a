"""The command line: help of every command, exit codes, suggestions, machine-readable output, and no secrets."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from nights import day

from jobs.app import print_table
from jobs.cli import COMMANDS, main
from jobs.errors import GateRefused, NotEnoughData, Terminal, Transient

REPOSITORY = Path(__file__).resolve().parents[3]
CANARY = "canary-7f3a9c"


@pytest.fixture
def nightmill(monkeypatch, capfdbinary):
    """Run the command line in this process; returns (exit code, standard output, standard error)."""
    monkeypatch.chdir(REPOSITORY)

    def run(*words):
        try:
            main([str(w) for w in words])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


def found(nightmill, *words):
    code, out, err = nightmill(*words)
    assert code == 0, err
    return json.loads(out)


def test_help_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from jobs.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'pyarrow', 'numpy', 'numba', 'duckdb', 'httpx', 'lxml', 'fasttext'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=REPOSITORY, timeout=60)
    assert done.returncode == 0, done.stderr
    for name, (_, words) in COMMANDS.items():
        assert name in done.stdout and words.split(".")[0] in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(nightmill, name):
    code, out, err = nightmill(name, "--help")
    assert code == 0 and err == "" and out.startswith(f"Usage: nightmill {name}")
    assert nightmill(name, "-h")[1] == out


def test_version(nightmill):
    code, out, _ = nightmill("--version")
    assert code == 0 and "0.1.0" in out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["shwo", "corpus"], 2, "no command 'shwo'; did you mean show?"),
        (["zzzz"], 2, "no command 'zzzz'"),
        (["show"], 2, "Missing argument"),
        (["show", "corpus", "--nope"], 2, "No such option"),
        (["show", "corpsu"], 2, "did you mean corpus?"),
        (["show", "corpus@ffff"], 2, "no published version"),
        (["show", "corpus", "--rows", "-1"], 2, "--rows"),
        (["run", "extrakt", "--date", "2026-01-01"], 2, "did you mean extract?"),
        (["run", "extract"], 2, "--date"),
        (["run", "extract", "--date", "2026-1-1"], 2, "YYYY-MM-DD"),
        (["run", "extract", "--date", "2026-01-01", "--run", "a/b"], 2, "run name"),
        (["run", "extract", "--date", "2026-01-01", "--current", "--as-recorded"], 2, "exclude"),
        (["plan", "--date", "yesterday"], 2, "YYYY-MM-DD"),
        (["diff", "head", "corpus"], 2, "give two snapshots"),
        (["trace", "not a url"], 2, "neither a document id nor a URL"),
        (["trace", "0" * 32], 2, "nothing in snapshot"),
        (["trace", "0" * 32, "--snapshot", "2020-01-01"], 2, "nightmill history"),
        (["rollback", "2020-01-01"], 2, "nightmill history"),
        (["export", "documents"], 2, "pass --raw"),
        (["export", "corpus", "--parquet"], 2, "--parquet needs -o FILE"),
        (["export", "corpus", "--columns", "nose"], 2, "no column 'nose'"),
        (["outcome", "extract"], 2, "--date DATE or --run NAME"),
        (["outcome", "gate", "--run", "never"], 2, "never started"),
        (["try", "clean", "/no/such"], 2, "does not exist"),
        (["try", "zzz", "setup.cfg"], 2, "zzz"),
        (["card", "2020-01-01"], 2, "2020-01-01"),
        (["gc", "--keep-days", "-1"], 2, "--keep-days"),
        (["--set", "clean.min_charakters=5", "config"], 2, "min_characters"),
        (["--params", "/no/such.yaml", "config"], 2, "/no/such.yaml"),
        (["--lake", "s3://bucket/x", "history"], 2, "no compare-and-set"),
        (["models", "fetch", "nothing"], 2, "nothing"),
    ],
)
def test_wrong_use_is_exit_code_2_and_says_what_to_do(nightmill, made_lake, words, code, says):
    given = words if "--lake" in words else ["--lake", made_lake, *words]
    got, out, err = nightmill(*given)
    assert got == code and says in err, err
    assert "Traceback" not in err and out == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Transient("x"), 1),
        (Terminal("x"), 4),
        (GateRefused("x"), 3),
        (NotEnoughData("x"), 5),
        (OSError("x"), 1),
        (KeyboardInterrupt(), 1),
        (click.Abort(), 1),
        (BrokenPipeError(), 0),
    ],
)
def test_exit_codes(monkeypatch, error, code):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("jobs.cli.cli.main", fail)
    monkeypatch.setattr(sys, "stderr", open(os.devnull, "w"))  # noqa: SIM115 - a broken pipe closes it
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == code


@pytest.mark.parametrize(("error", "code"), [(Terminal("x"), 4), (OSError("x"), 1)])
def test_debug_shows_where_and_keeps_the_exit_code(monkeypatch, capsys, error, code):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("jobs.cli.cli.main", fail)
    with pytest.raises(SystemExit) as end:
        main(["--debug", "history"])
    shown = capsys.readouterr().err
    assert end.value.code == code and "Traceback" in shown and "error: x" in shown


def test_show(nightmill, made_lake):
    facts = found(nightmill, "--lake", made_lake, "show", "corpus", "--json")
    assert facts["dataset"] == "corpus" and facts["rejects"] and facts["owner"] == "data-platform"
    code, out, _ = nightmill("--lake", made_lake, "show", facts["version"])
    assert code == 0 and facts["digest"] in out and "near_duplicate" in out
    code, out, _ = nightmill("--lake", made_lake, "show", "corpus", "--run", f"nightly_corpus-{day(0)}")
    assert code == 0 and f"nightly_corpus-{day(0)}" in out


def test_show_rows_are_json_lines(nightmill, made_lake):
    code, out, _ = nightmill("--lake", made_lake, "show", "corpus", "--rows", "2")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and len(lines) == 2 and lines[0]["text"]
    code, out, _ = nightmill("--lake", made_lake, "show", "documents", "--rows", "2")
    assert code == 0 and "text" not in json.loads(out.splitlines()[0])
    code, out, _ = nightmill("--lake", made_lake, "show", "documents", "--rows", "2", "--raw")
    assert code == 0 and json.loads(out.splitlines()[0])["text"]


def test_diff(nightmill, made_lake):
    value = found(nightmill, "--lake", made_lake, "diff", day(0), "head", "--json")
    assert value["documents"]["reasons"] == {"superseded": 1, "retracted": 1}
    code, out, _ = nightmill("--lake", made_lake, "diff", day(0), "head")
    assert code == 0 and "superseded: 1 rows hidden" in out
    code, out, _ = nightmill("--lake", made_lake, "diff", "head", "head")
    assert code == 0 and out.count("same") == len(value)


@pytest.mark.req("LIN-02")
def test_trace(nightmill, made_lake):
    value = found(nightmill, "--lake", made_lake, "trace", "https://example.org/3", "--json")
    (document,) = value["documents"]
    assert document["spans"][0]["page_start"] < document["spans"][0]["page_end"]
    code, out, _ = nightmill("--lake", made_lake, "trace", document["doc_id"][:8], "--snapshot", day(0))
    assert code == 0 and document["doc_id"] in out and "page span" in out


def test_outline(nightmill, made_lake):
    (document,) = found(nightmill, "--lake", made_lake, "outline", "https://example.org/3", "--json")["documents"]
    assert [s["title"] for s in document["sections"]] == ["T"]
    code, out, _ = nightmill("--lake", made_lake, "outline", document["doc_id"][:8])
    assert code == 0 and document["doc_id"] in out and "T" in out
    code, out, _ = nightmill("--lake", made_lake, "outline", "https://example.org/7")
    assert code == 0 and "no document" in out


def test_history(nightmill, made_lake, tmp_path):
    rows = found(nightmill, "--lake", made_lake, "history", "--json")
    assert [r["date"] for r in rows] == [day(1), day(0)] and [r["state"] for r in rows] == ["head", ""]
    code, out, _ = nightmill("--lake", made_lake, "history")
    assert code == 0 and rows[0]["snapshot"] in out
    assert "nothing is published yet" in nightmill("--lake", tmp_path / "none", "history")[1]


def test_plan_and_jobs_and_rules(nightmill, made_lake):
    value = found(nightmill, "--lake", made_lake, "plan", "--date", day(2), "--json")
    assert value["parent"] and value["steps"][0]["job"] == "crawl"
    code, out, _ = nightmill("--lake", made_lake, "plan", "--date", day(2))
    assert code == 0 and "building on" in out
    assert [j["job"] for j in found(nightmill, "jobs", "--json")][:2] == ["crawl", "extract"]
    assert {"rule", "profile", "threshold"} <= set(found(nightmill, "rules", "--json")[0])
    assert nightmill("jobs")[0] == nightmill("rules")[0] == nightmill("models", "list")[0] == 0


def test_doctor(nightmill, made_lake, tmp_path):
    words = ("--lake", tmp_path / "lake", "--set", "models=/nonexistent", "doctor")
    states = {f["what"]: f["state"] for f in found(nightmill, *words, "--json")}
    assert states["python"] == states["lake"] == states["configuration"] == "ok"
    code, out, _ = nightmill(*words)
    assert code == 0 and "nothing published yet" in out
    (tmp_path / "file").write_text("x")
    code, out, err = nightmill("--lake", tmp_path / "file", "doctor")
    assert code == 1 and "✗ lake" in out and "Traceback" not in err
    code, out, _ = nightmill("--params", tmp_path / "none.yaml", "doctor")
    assert code == 1 and "✗ configuration" in out


def test_rollback_and_gc_ask_first(nightmill, lake):
    root = lake.storage.root
    code, out, _ = nightmill("--lake", root, "rollback", day(0))
    assert code == 0 and "would publish" in out and "--yes" in out
    assert len(found(nightmill, "--lake", root, "history", "--json")) == 2
    assert "published" in nightmill("--lake", root, "rollback", day(0), "--yes")[1]
    rows = found(nightmill, "--lake", root, "history", "--json")
    assert len(rows) == 3 and rows[0]["note"].startswith("rollback from")
    (root / "data" / "corpus" / "x.parquet").write_bytes(b"1234")
    code, out, _ = nightmill("--lake", root, "gc", "--keep-days", "0")
    assert code == 0 and "would delete" in out and (root / "data" / "corpus" / "x.parquet").exists()
    assert "deleted" in nightmill("--lake", root, "gc", "--keep-days", "0", "--yes")[1]
    assert not (root / "data" / "corpus" / "x.parquet").exists()
    assert found(nightmill, "--lake", root, "show", "corpus", "--json")["rows"]


def test_export(nightmill, made_lake, tmp_path):
    code, out, err = nightmill("--lake", made_lake, "export", "corpus", "--columns", "doc_id,text")
    assert code == 0 and all(set(json.loads(line)) == {"doc_id", "text"} for line in out.splitlines())
    assert f"{len(out.splitlines())} rows" in err
    assert nightmill("--lake", made_lake, "export", "corpus", "--parquet", "-o", tmp_path / "x.parquet")[0] == 0
    assert (tmp_path / "x.parquet").exists()


def test_try(nightmill, tmp_path):
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "short"}\n{\n')
    words = ("--set", "models=/nonexistent", "try", "clean", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl")
    value = found(nightmill, *words, "--json")
    assert (value["in"], value["out"], value["rejected"]) == (2, 0, 2)
    code, out, _ = nightmill(*words, "--rejects", tmp_path / "gone.jsonl")
    assert code == 0 and "2 rows in, 0 stay, 2 go" in out
    assert len((tmp_path / "gone.jsonl").read_text().splitlines()) == 2


def test_run_and_outcome(nightmill, lake):
    root = lake.storage.root
    from jobs.runner import Options

    lake.captured(day(2), {}, Options())
    words = ("--lake", root, "--set", "models=/nonexistent", "--set", "tenant=t", "--quiet")
    code, out, err = nightmill(*words, "run", "extract", "clean", "--date", day(2))
    assert code == 0 and "documents@" in out and "clean@" in out, err
    assert "up to date" in nightmill(*words, "run", "extract", "--date", day(2))[1]
    code, out, err = nightmill(*words, "run", "gate", "--date", day(2))
    assert code == 2 and "nightmill run" in err
    assert found(nightmill, *words, "outcome", "gate", "--date", day(2), "--json")["exit_code"] == 2
    assert nightmill(*words, "outcome", "clean", "--date", day(2))[1].startswith("clean: done at")
    code, _, err = nightmill(*words, "--set", "clean.min_characters=7", "run", "clean", "--date", day(2))
    assert code == 2 and "--as-recorded" in err
    code, out, _ = nightmill(
        *words, "--set", "clean.min_characters=7", "run", "clean", "--date", day(2), "--as-recorded"
    )
    assert code == 0 and "up to date" in out


@pytest.mark.req("PII-09")
def test_a_secret_is_never_printed_or_stored(nightmill, lake, tmp_path, monkeypatch):
    """The canary is a secret that a job uses; it must be in no output and in no file."""
    monkeypatch.setenv("NIGHTMILL_TEST_SECRET", CANARY)
    params = tmp_path / "params.yaml"
    text = (REPOSITORY / "params.yaml").read_text()
    params.write_text(text.replace("secrets: {}", "secrets: {pii: env:NIGHTMILL_TEST_SECRET}"))
    from jobs.runner import Options

    sets = (
        "--set",
        "models=/nonexistent",
        "--set",
        "tenant=t",
        "--set",
        "scrub.hash_key=pii",
        "--set",
        "scrub.policies={EMAIL: hash}",
    )
    words = ("--params", params, "--lake", lake.storage.root, *sets)
    shown = []
    for rest in (
        ("config",),
        ("config", "--json"),
        ("doctor", "--json"),
        ("show", "scrubbed", "--json"),
        ("plan", "--date", day(2), "--json"),
        ("--debug", "config"),
    ):
        code, out, err = nightmill(*words, *rest)
        assert code == 0, err
        shown += [out, err]
    lake.config = _config(params, lake.storage.root, sets)
    lake.captured(day(2), {}, Options())
    code, out, err = nightmill(*words, "run", "extract", "clean", "scrub", "--date", day(2))
    assert code == 0, err
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "Mail anna@example.com"}\n')
    tried = nightmill(*words, "try", "scrub", tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl")
    assert tried[0] == 0
    shown += [out, err, *tried[1:]]
    assert CANARY not in "".join(shown) and any("***" in s for s in shown)
    for path in [*lake.storage.root.rglob("*"), tmp_path / "out.jsonl"]:
        assert path.is_dir() or CANARY.encode() not in path.read_bytes(), path


def _config(params, root, sets):
    from jobs.config import load

    return load(params, overrides=[*sets[1::2], f"lake={root}"])


def test_a_name_from_outside_does_not_steer_a_terminal(capsys):
    print_table([{"url": "item:a\x1b[31m\n红.txt"}], ["url"])
    assert capsys.readouterr().out == "url\nitem:a\\x1b[31m\\n红.txt\n"
