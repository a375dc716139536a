import json
import random
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from candidates import ROOT, Document, Night, tables_of

from jobs import gate
from jobs.config import Config
from jobs.errors import ConfigError, GateRefused, Transient, UsageError
from jobs.gates import engines
from jobs.gates.engines import BuiltIn
from jobs.gates.suite import BETWEEN, IN_SET, PAIR_EQUAL, load, parse
from jobs.gates.verdict import check, differences, expected, judge, pivot
from jobs.runner import run_job
from jobs.runs import Record
from jobs.settings import GateParams, Settings
from pipelines.evaluate.figures import Failing, Figure, metrics_table
from pipelines.params import ProfileParams
from pipelines.schemas import METRICS

SUITE = ROOT / "expectations" / "corpus.json"
TEXT = "The ferry leaves the harbour at seven in the morning and returns with the evening tide."
DOCUMENTS = (Document("a", TEXT), Document("b", "清晨七点渡船离开港口，傍晚随着潮水返回码头。" * 3, "zh"))


@pytest.fixture(autouse=True)
def built_in(monkeypatch):
    """Importing Great Expectations takes ten seconds: tests that want it say so."""
    monkeypatch.setattr("jobs.gate.evaluator", lambda name: BuiltIn())


def suite_of(*entries):
    return parse({"name": "s", "expectations": list(entries)}, "s.json")


def between(column, low=None, high=None, severity="critical", **meta):
    bounds = {"min_value": low, "max_value": high}
    return {"type": BETWEEN, "kwargs": {"column": column, **bounds}, "severity": severity, "meta": meta}


def metrics(**values):
    """One metric per keyword; a text is the reason of a missing value."""
    figures = [Figure(n, None, reason=v) if isinstance(v, str) else Figure(n, v) for n, v in values.items()]
    return metrics_table(figures, "corpus@x")


def statuses(result):
    return {r["id"].rpartition(":")[2]: r["status"] for r in result["results"]}


def gated(night):
    night.profile()
    result = gate.run(night.context("gate")).result
    night.run.finish(Record("gate", {}, "", {}, result))
    return result


@pytest.mark.req("GAT-01")
def test_a_sound_candidate_passes_and_the_verdict_names_its_content():
    night = Night(DOCUMENTS)
    result = gated(night)
    assert result["passed"] and result == night.run.read("gate.json")
    assert result["content"] == {name: e.digest for name, e in night.run.outputs().items()}
    assert {"corpus", "metrics", "violations", "pages", "url_aliases"} <= result["content"].keys()
    found = {r["id"]: r["status"] for r in result["results"]}
    not_measured = {"sensitive_share", "change.usual", "change.credible"}
    assert {i for i, s in found.items() if s == "not_measured"} == not_measured
    assert set(found.values()) == {"passed", "not_measured"}
    assert (result["engine"], result["suite"]) == ("built-in", "corpus")
    json.dumps(result, allow_nan=False)


@pytest.mark.req("GAT-07")
def test_a_planted_identity_number_is_refused_and_named():
    planted = Document("p", f"{TEXT} 身份证号 11010519491231002X 已登记。")
    night = Night([*DOCUMENTS, planted])
    night.profile()
    with pytest.raises(GateRefused) as refused:
        gate.run(night.context("gate"))
    message = str(refused.value)
    assert refused.value.exit_code == 3
    assert f"pii_residue is 1, expected = 0 in rows {planted.id}" in message
    assert f"`nightmill show violations --run {night.run.name} --rows 100`" in message
    assert "11010519491231002X" not in message
    written = night.run.read("gate.json")
    assert not written["passed"] and "11010519491231002X" not in str(written)
    failed = [r for r in written["results"] if r["blocks"]]
    assert [(r["id"], r["observed"], r["status"]) for r in failed] == [("pii_residue", 1, "failed")]
    assert failed[0]["failing"] == [{"doc_id": planted.id, "value": 1, "detail": "CN_ID_CARD"}]
    assert "corpus" in night.run.outputs()  # the candidate stays


@pytest.mark.parametrize(
    ("documents", "sections", "change", "refusal"),
    [
        ((), {}, {}, "rows: rows is 0, expected ≥ 1"),
        ((Document("x", "  \n "), *DOCUMENTS), {}, {}, "empty_texts: empty_texts is 1, expected = 0"),
        ((Document("x", TEXT, "fr"), *DOCUMENTS), {}, {}, "foreign_rows: foreign_rows is 1, expected = 0"),
        ((Document("x", TEXT), *DOCUMENTS), {}, {}, "duplicate_residue: duplicate_residue is 2, expected = 0"),
        ((Document("x", "bad"), *DOCUMENTS), {"profile": ProfileParams(("bad",))}, {}, "is 0.333333, expected ≥ 0"),
        (DOCUMENTS, {}, {"clean": lambda rows: rows[1:]}, "disposition_gap.clean: disposition_gap.clean is 1"),
        (DOCUMENTS, {}, {"dedup_index": lambda rows: rows[1:]}, "not measured (duplicate_residue: 1 documents of the"),
        ([replace(d, columns={"authorised": False}) for d in DOCUMENTS], {}, {}, "unauthorised_rows is 2"),
        ([replace(d, columns={"licence": None}) for d in DOCUMENTS], {}, {}, "null_share.licence is 1, expected = 0"),
    ],
)  # fmt: skip
@pytest.mark.req("GAT-01")
def test_what_blocks(documents, sections, change, refusal):
    with pytest.raises(GateRefused) as refused:
        gated(Night(documents, change=change, **sections))
    assert refusal in str(refused.value)


@pytest.mark.req("GAT-10")
def test_files_that_do_not_hold_what_was_written_are_refused():
    night, other = Night(DOCUMENTS), Night([Document("z", TEXT)])
    intact = other.storage.read(other.storage.list("data/corpus")[0])
    night.storage.put(night.storage.list("data/corpus")[0], intact)
    with pytest.raises(GateRefused) as refused:
        gated(night)
    assert "readback_rows: readback_rows, manifest_rows is 1 and 2, expected equal" in str(refused.value)
    assert "readback_digest: digest_ok is 0, expected = 1" in str(refused.value)


def test_a_refusal_stays_short_and_names_a_few():
    documents = [
        Document(str(n), "  ", "fr", columns={"licence": None, "url": None, "source": None}) for n in range(50)
    ]
    with pytest.raises(GateRefused) as refused:
        gated(Night(documents))
    message = str(refused.value)
    assert "and 1 more" in message and " …" in message and len(message) < 2000


def test_deletions_alone_skip_volume_and_drift():
    many = [Document(f"d{n}", f"{TEXT} Number {n}.") for n in range(9)] + [DOCUMENTS[1]]
    first = Night(many)
    first.publish(gated(first))
    few = gated(Night(many[:2], storage=first.storage, day="2026-01-02"))
    assert few["passed"] and few["deletions_only"]
    skipped = {r["id"] for r in few["results"] if r["status"] == "skipped"}
    assert skipped == {
        "rows",
        "change.usual",
        "change.credible",
        "duplicate_rate",
        "language_share.zh",
        "language_share.en",
    }
    none = gated(Night([], storage=first.storage, day="2026-01-02"))  # a takedown of everything can be published
    assert none["passed"]
    with pytest.raises(GateRefused, match=r"change.credible: change_rows is -0\.7"):
        gated(Night([*many[:2], Document("n", "new" * 30)], storage=first.storage, day="2026-01-02"))


def test_a_null_figure_never_passes_silently():
    suite = suite_of(
        between("a", 0),
        between("b", 0, unmeasured="allow"),
        between("c", 0, severity="warning"),
        between("gone", 0, unmeasured="allow"),
        {"type": PAIR_EQUAL, "kwargs": {"column_A": "a", "column_B": "d"}},
    )
    result = judge(metrics(a="broken", b="first publication", c="no list", d=1), suite)
    assert set(statuses(result).values()) == {"not_measured"}
    assert [r["blocks"] for r in result["results"]] == [True, False, False, True, True]
    assert [r["reason"] for r in result["results"]][:4] == [
        "a: broken", "b: first publication", "c: no list", "gone: there is no such figure"
    ]  # fmt: skip
    assert result["results"][0]["observed"] is None and result["results"][4]["observed"] == [None, 1]
    assert not result["passed"]


def test_severities():
    warning, info = (between("a", 6, severity=severity) | {"id": severity[0]} for severity in ("warning", "info"))
    suite = suite_of(between("a", 5), warning, info)
    result = judge(metrics(a=1), suite)
    assert statuses(result) == {"a": "failed", "w": "warned", "i": "warned"} and not result["passed"]
    assert judge(metrics(a=5), suite)["passed"]


def hostile(name, dimension, value, reason=None, dataset="corpus"):
    row = {"metric_id": f"{name}{dimension}{value}", "dataset": dataset, "version": "v", "name": name}
    return row | {"dimension": dimension, "value": value, "reason": reason}


def test_hostile_metrics():
    rows = [
        hostile("rows", "", 1.0),
        hostile("rows", "", 1.0, dataset="other"),
        hostile("a.b", "", 1.0), hostile("a", "b", 2.0),  # one column, two values
        hostile("nan", "", float("nan")), hostile("inf", "", float("inf")),
        hostile("silent", "", None),
        hostile("x'; DROP TABLE metrics; --", "\n\u202e\0{}`$", 3.0),
        hostile(None, None, 4.0),
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=METRICS.schema)
    row = pivot(table, "corpus")
    assert row["rows"].value == 1 and row["x'; DROP TABLE metrics; --.\n\u202e\0{}`$"].value == 3
    names = ("a.b", "nan", "inf", "silent")
    result = judge(table, suite_of(*(between(n, -10, 10, unmeasured="allow") for n in names)))
    assert {r["status"] for r in result["results"]} == {"not_measured"} and not result["passed"]
    assert [r["reason"] for r in result["results"]] == [
        "a.b: two figures have this name", "nan: it is not a finite number",
        "inf: it is not a finite number", "silent: no reason given",
    ]  # fmt: skip
    json.dumps(result, allow_nan=False)


def test_failing_rows_are_those_of_the_named_figure_and_at_most_twenty():
    failing = Failing(100)
    failing.add("shown", [f"{n:03}" for n in range(60)], [float(n) for n in range(60)])
    failing.add("a", ["other"])
    table = failing.table("corpus@x")
    shown = judge(metrics(a=9), suite_of(between("a", 0, 1, violations="shown")), table)["results"][0]["failing"]
    assert [r["doc_id"] for r in shown] == [f"{n:03}" for n in range(20)]
    assert judge(metrics(a=9), suite_of(between("a", 0, 1)), table)["results"][0]["failing"] == [
        {"doc_id": "other", "value": None, "detail": None}
    ]
    assert judge(metrics(a=1), suite_of(between("a", 0, 1)), table)["results"][0]["failing"] == []


def test_expected_in_signs():
    given = [
        between("a", 1), between("a", None, 2), between("a", 0, 0), between("a", 1, 2),
        {"type": IN_SET, "kwargs": {"column": "a", "value_set": [1, 2]}, "id": "x"},
        {"type": BETWEEN, "kwargs": {"column": "a", "min_value": 0, "strict_min": True}, "id": "y"},
        {"type": PAIR_EQUAL, "kwargs": {"column_A": "a", "column_B": "b"}},
    ]  # fmt: skip
    found = [expected(suite_of(e).expectations[0]) for e in given]
    assert found == ["≥ 1", "≤ 2", "= 0", "≥ 1 and ≤ 2", "one of 1, 2", "> 0", "equal"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ('{"name": "a", "name": "b", "expectations": [1]}', "key 'name' stands twice"),
        ("[]", "expected {"),
        ('{"name": "a", "expectations": []}', "at least one"),
        ('{"expectations": [1]}', "`name` is missing"),
        ('{"name": "a", "expectations": [7]}', "expectation 1: expected a mapping"),
        ('{"name": "a", "expectations": [{"type": "x", "kwargs": {}}]}', "expectation 1: `type` must name"),
        ('{"name": "a", "expectations": [{"tpye": "x"}]}', "unknown key 'tpye'"),
        ([between("a", 1), between("a", 2)], f"expectation 2: the id '{BETWEEN}:a' is taken"),
        ([between("a")], "give `min_value`, `max_value` or both"),
        ([between("a", "1")], "`min_value` must be a number, got '1'"),
        ([between("a", True)], "`min_value` must be a number"),
        ([between("a", 2, 1)], "min_value 2 is above max_value 1"),
        ([between("a", 1e300)], "must be a number"),
        ([between("", 1)], "`column` must name a figure"),
        ([between("a", 1, severity="fatal")], "severity 'fatal'"),
        ([between("a", 1, sys="x")], "meta: unknown key 'sys'"),
        ([between("a", 1, skip_when="weekend")], "meta.skip_when: deletions_only only"),
        ([{**between("a", 1), "kwargs": {"column": "a", "minvalue": 1}}], "unknown argument 'minvalue'"),
        ([{"type": IN_SET, "kwargs": {"column": "a", "value_set": ["x"]}}], "`value_set` must be a list of numbers"),
        ([{"type": PAIR_EQUAL, "kwargs": {"column_A": "a"}}], "`column_B` must name a figure"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_malformed_suite_names_file_and_entry(tmp_path, text, message):
    path = tmp_path / "mine.json"
    path.write_text(text if isinstance(text, str) else json.dumps({"name": "a", "expectations": text}))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_a_suite_that_is_missing_and_types_that_need_the_extra(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.json: the expectation suite cannot be read .*gate\.suite"):
        load(tmp_path / "none.json")
    with pytest.raises(ConfigError, match="install the extra `gate`"):
        judge(metrics(a=1), suite_of({"type": "expect_column_max_to_be_between", "kwargs": {"column": "a"}}))


def test_through_the_runner_a_refusal_leaves_no_record_and_is_forgotten_when_the_content_is_sound_again():
    planted = Document("p", f"{TEXT} Write to jane.doe@example.com.")
    night = Night(DOCUMENTS)
    config = Config(Settings(), ROOT, {})
    night.run.pin(replace(night.pins, configuration=config.digest()))
    sound, broken = (tables_of(d) for d in (DOCUMENTS, [*DOCUMENTS, planted]))

    def run(job):
        return run_job(job, night.pins.date, config=config, storage=night.storage, run=night.run.name)

    def outcome():
        found = night.run.read("outcome/gate.json")
        return found["class"], found["exit_code"]

    run("profile")
    assert not run("gate").skipped and run("gate").skipped and outcome() == ("done", 0)
    night.write(broken)
    run("profile")
    with pytest.raises(GateRefused, match="pii_residue is 1"):
        run("gate")
    assert outcome() == ("refused", 3) and night.run.record("gate") is None
    night.write(sound)
    run("profile")
    assert not run("gate").skipped and night.run.read("gate.json")["passed"]


def test_figures_of_other_content_are_refused():
    night = Night(DOCUMENTS)
    night.profile()
    night.write({})
    with pytest.raises(Transient, match="clean was written again after the figures were measured; run `nightmill run"):
        gate.run(night.context("gate"))


def test_fingerprint_follows_suite_and_content(tmp_path, monkeypatch):
    night = Night(DOCUMENTS)
    night.profile()
    mark = gate.fingerprint(night.context("gate"))
    assert mark == gate.fingerprint(night.context("gate"))
    changed = json.loads(SUITE.read_text())
    changed["expectations"][3]["kwargs"]["min_value"] = 2
    (tmp_path / "s.json").write_text(json.dumps(changed))
    monkeypatch.setattr(night.config, "path", lambda name: Path(tmp_path / "s.json"))
    assert gate.fingerprint(night.context("gate")) != mark
    monkeypatch.undo()
    other = Night([*DOCUMENTS, Document("g", "g", fate="gone")])
    other.profile()
    assert gate.fingerprint(other.context("gate")) != mark


def test_check_tells_whether_what_is_published_passed():
    night = Night(DOCUMENTS)
    with pytest.raises(UsageError, match="nothing published is called 'corpus'"):
        check(night.storage)
    result = gated(night)
    snapshot = night.publish(result)
    digest = night.run.outputs()["corpus"].digest
    for reference in ("corpus", f"corpus@{digest[:9]}", f"corpus@{snapshot.id}", snapshot.id, "metrics"):
        answer = check(night.storage, reference)
        assert answer["passed"] and answer["snapshot"] == snapshot.id and answer["gate"]["suite"] == "corpus"
    assert check(night.storage)["content"] == {"corpus": digest}
    with pytest.raises(UsageError, match="corpus@feed"):
        check(night.storage, "corpus@feed")


def test_check_of_what_was_judged_otherwise_or_never():
    content = {"corpus": "1", "metrics": "2"}
    assert differences({"passed": True, "content": content}, content) == []
    assert differences({}, content) == ["no gate has judged it"]
    assert differences({"passed": False, "content": content}, content) == ["the gate refused it"]
    assert differences({"passed": "yes", "content": {"corpus": "9"}}, content) == [
        "the gate refused it", "corpus@1 differs from corpus@9 that was judged", "metrics was not judged"
    ]  # fmt: skip


def test_the_shipped_suite_asks_for_figures_that_exist_and_says_what_it_wants():
    suite = load(SUITE)
    figures = Night(DOCUMENTS).profile()
    assert {c for e in suite.expectations for c in e.columns} <= figures.keys()
    assert all(e.says.endswith(".") for e in suite.expectations)
    assert GateParams().suite == "expectations/corpus.json"


def cases(seed, count):
    """Values around the bounds of random expectations, as one wide row."""
    numbers = random.Random(seed)
    grid = [-1e9, -1, -0.5, -1e-6, -0.0, 0.0, 1e-6, 0.333333, 0.5, 1, 1.5, 2, 1e9, 2.0**53]
    row, entries = {}, []
    for at in range(count):
        row[f"c'{at}.\n{at}"] = numbers.choice(grid)
        column = numbers.choice(list(row))
        low, high = sorted(numbers.choices(grid, k=2))
        bounds = numbers.choice([{"min_value": low}, {"max_value": high}, {"min_value": low, "max_value": high}])
        strict = {k: numbers.random() < 0.4 for k in ("strict_min", "strict_max")}
        entries.append({"id": f"b{at}", "type": BETWEEN, "kwargs": {"column": column, **bounds, **strict}})
        values = numbers.choices(grid, k=3)
        entries.append({"id": f"s{at}", "type": IN_SET, "kwargs": {"column": column, "value_set": values}})
        pair = {"column_A": column, "column_B": numbers.choice(list(row))}
        entries.append({"id": f"p{at}", "type": PAIR_EQUAL, "kwargs": pair})
    return row, suite_of(*entries).expectations


@pytest.fixture(scope="module")
def great_expectations():
    pytest.importorskip("great_expectations")
    engine = engines.evaluator()
    assert engine.name == "great_expectations"
    return engine


@pytest.mark.slow
def test_both_evaluators_agree_on_random_rows(great_expectations):
    for seed in range(2):
        row, expectations = cases(seed, 35)
        ours = BuiltIn().evaluate(row, expectations)
        assert great_expectations.evaluate(row, expectations) == ours
        assert 0.2 < sum(ours) / len(ours) < 0.8


@pytest.mark.slow
def test_both_evaluators_agree_on_the_shipped_suite(great_expectations):
    night = Night(DOCUMENTS)
    night.profile()
    table, suite, numbers = night.table("metrics"), load(SUITE), random.Random(1)
    for _ in range(8):
        values = [
            None if v is None or numbers.random() < 0.05 else v + numbers.choice([0, 0, 0, 1, -1, 1e6])
            for v in table["value"].to_pylist()
        ]
        reasons = [
            None if v is not None else r or "gone" for v, r in zip(values, table["reason"].to_pylist(), strict=True)
        ]
        rows = table.set_column(5, "value", pa.array(values, pa.float64())).set_column(6, "reason", pa.array(reasons))
        ours, theirs = judge(rows, suite, engine=BuiltIn()), judge(rows, suite, engine=great_expectations)
        drop = ("engine", "engine_version")
        assert {k: v for k, v in ours.items() if k not in drop} == {k: v for k, v in theirs.items() if k not in drop}


@pytest.mark.slow
def test_great_expectations_reads_the_shipped_suite_as_it_stands(great_expectations):
    from great_expectations.core.expectation_suite import ExpectationSuite

    given = json.loads(SUITE.read_text())
    suite = ExpectationSuite(**given)
    assert len(suite.expectations) == len(given["expectations"])
    assert {e.severity for e in suite.expectations} == {"critical", "warning"}


@pytest.mark.slow
def test_types_of_great_expectations_work_where_it_is_installed(great_expectations):
    entry = {"type": "expect_column_max_to_be_between", "kwargs": {"column": "a", "max_value": 3}}
    assert judge(metrics(a=2), suite_of(entry), engine=great_expectations)["passed"]
    assert not judge(metrics(a=4), suite_of(entry), engine=great_expectations)["passed"]
    with pytest.raises(ConfigError, match="Great Expectations cannot use expect_wonders"):
        judge(metrics(a=4), suite_of({**entry, "type": "expect_wonders"}), engine=great_expectations)
