import json
import pickle
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jobs.config import _Builder, load, recorded
from jobs.errors import ConfigError
from jobs.settings import Settings
from jobs.yaml_tree import override, read

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-51b0e7dd"


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NIGHTMILL_PROFILE", raising=False)

    def write(text):
        (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "params.yaml"

    return write


def refusal(*args, **kwargs):
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_defaults_without_a_file(params, tmp_path):
    config = load()
    assert config.settings == Settings()
    assert config.lake == str(tmp_path / "lake")
    assert config.section("dedup").threshold == 0.8


def test_later_wins_and_explain_says_who_won(params):
    params(
        "clean:\n  min_words: 5\n  min_characters: 6\n"
        "profiles:\n  team:\n    clean:\n      min_words: 7\n    engine: {workers: 3}\n"
    )
    config = load(profile="team", overrides=["clean.max_characters=9", "dedup.threshold=1"])
    clean = config.section("clean")
    assert (clean.min_words, clean.min_characters, clean.max_characters) == (7, 6, 9)
    assert config.section("dedup").threshold == 1.0
    origins = {row.key: (row.value, row.origin) for row in config.explained()}
    assert origins["clean.min_words"] == ("7", "params.yaml:7 (profile team)")
    assert origins["clean.min_characters"] == ("6", "params.yaml:3")
    assert origins["clean.max_characters"] == ("9", "--set clean.max_characters")
    assert origins["clean.languages"] == ('["zh", "en"]', "default")
    assert origins["engine.workers"] == ("3", "params.yaml:8 (profile team)")
    assert "clean.min_words" in config.explain()


def test_profile_from_the_environment_and_unknown_profile(params):
    params("profiles:\n  team: {tenant: red}\n")
    assert load(environ={"NIGHTMILL_PROFILE": "team"}).settings.tenant == "red"
    assert refusal(profile="taem") == "--profile taem: params.yaml has no such profile; did you mean `team`?"
    assert "NIGHTMILL_PROFILE blue" in refusal(environ={"NIGHTMILL_PROFILE": "blue"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clean:\n  min_charcters: 3", "2: unknown key `min_charcters` in `clean`; did you mean `min_characters`?"),
        ("tenant: a\nclaen: {}\n", "2: unknown key `claen`; did you mean `clean`?"),
        ("store:\n  qqqq: 1\n", "2: unknown key `qqqq` in `store`; valid: kind, path"),
        ("clean:\n  min_words: thirty\n", "2: clean.min_words: expected a whole number, got text 'thirty'"),
        ("clean:\n  min_words: 2.5\n", "2: clean.min_words: expected a whole number, got 2.5"),
        ("clean:\n  min_words: true\n", "2: clean.min_words: expected a whole number, got true"),
        ("gate:\n  max_violations: 1e2", "2: gate.max_violations: expected a whole number, got text '1e2'; write 100"),
        ("dedup:\n  threshold: .nan\n", "2: dedup.threshold: expected a number, got nan"),
        ("clean:\n  languages: zh\n", "2: clean.languages: expected a list, got text 'zh'"),
        ("clean:\n  off:\n  - a\n  - no", "4: clean.off[1]: expected text, got false; put quotes around it"),
        ("tenant: 2026-01-01\n", "1: tenant: expected text, got a date; put quotes around it"),
        ("tenant: 2026-99-99\n", "1: neither text nor a valid date; put quotes around it"),
        ("tenant: ''\n", "1: tenant: must be letters, digits, - and _"),
        ("timezone: Mars/Base\n", "1: timezone: no time zone is called 'Mars/Base' (examples: UTC, Asia/Shanghai)"),
        ("engine: {workers: -1}\n", "1: engine.workers: must not be negative, got -1"),
        ("store:\n  kind: dcv\n", "2: store.kind: expected one of plain, dvc, got text 'dcv'; did you mean `dvc`?"),
        ("clean: 3\n", "1: clean: expected a mapping, got 3"),
        ("crawl:\n  sources:\n  - seeds: []\n", "3: crawl.sources[0] lacks `name`"),
        ("tenant: a\ntenant: b\n", "2: the key `tenant` stands twice; the first is at params.yaml:1"),
        ("clean: &a {}\nextract: *a\n", "1: anchors and aliases are not accepted; use a profile"),
        ("tenant: !!python/none x", "1: the tag tag:yaml.org,2002:python/none is not accepted"),
        ("? [a]\n: 2\n", "1: keys must be words"),
        ("[a, b]\n", "1: expected sections such as `clean:`, got a list"),
        ("clean:\n\tmin_words: 3\n", "2: not valid YAML: found character '\\t' that cannot start any token"),
        ("a: b: c\n", "1: not valid YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2\n", "2: not valid YAML: but found another document"),
        ("profiles:\n  team:\n    claen: {}\n", "3 (profile team): unknown key `claen`; did you mean `clean`?"),
        ("profiles: [team]\n", "1: profiles: expected a mapping of names, got a list"),
        ("profiles:\n  team: 3\n", "2: profiles.team: expected a mapping, got a whole number"),
    ],
)  # fmt: skip
def test_every_mistake_names_its_place(params, text, message):
    params(text)
    assert refusal() == f"params.yaml:{message}"


def test_unreadable_files(params, tmp_path):
    assert refusal(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory"
    (tmp_path / "params.yaml").write_bytes(b"tenant: \xff\n")
    assert refusal() == "params.yaml:1: not UTF-8 text"
    (tmp_path / "params.yaml").write_bytes(b"tenant: a\x00b\n")
    assert refusal().startswith("params.yaml:1: not valid YAML")
    (tmp_path / "params.yaml").write_text("a: " + "[" * 1_200 + "]" * 1_200)
    assert refusal().startswith("params.yaml:1: ")


def test_keys_are_read_as_written(params):
    """YAML 1.1 reads `off` as false."""
    params("clean:\n  off: [mojibake]\n")
    assert load().section("clean").off == ("mojibake",)


def test_an_empty_section_means_its_defaults(params):
    params("clean:\n# all commented out\n")
    assert load().settings == Settings()
    params("")
    assert load().settings == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clean.min_wrods=3", "--set clean.min_wrods: unknown key `min_wrods` in `clean`; did you mean `min_words`?"),
        ("clean.min_words=x", "--set clean.min_words: clean.min_words: expected a whole number, got text 'x'"),
        ("clean.min_words", "--set clean.min_words: must look like section.key=value"),
        ("clean..x=1", "--set clean..x: must look like section.key=value"),
        ("=1", "--set (nothing): must look like section.key=value"),
        ("clean.languages=[zh", "--set clean.languages: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("crawl.sources.0.x=1", "--set crawl.sources.0.x: crawl.sources: expected a list, got a mapping"),
    ],
)  # fmt: skip
def test_a_wrong_override_names_itself(params, text, message):
    assert refusal(overrides=[text]) == message


_KEYS = st.lists(st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8), min_size=1, max_size=4)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def plain(entry):
    if isinstance(entry.value, dict):
        return {key: plain(each) for key, each in entry.value.items()}
    return [plain(each) for each in entry.value] if isinstance(entry.value, list) else entry.value


@given(keys=_KEYS, value=_VALUES)
def test_an_override_means_what_yaml_says(keys, value):
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**9)
    path, entry = override(".".join(keys) + "=" + text)
    assert path == keys
    assert plain(entry) == yaml.safe_load(text)


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "params.yaml"
    path.touch()
    return path


@given(text=st.text(max_size=60))
def test_any_override_is_a_configuration_or_a_clear_refusal(empty, text):
    try:
        load(empty, overrides=[text], environ={})
    except ConfigError as error:
        assert str(error).startswith("--set ")


def test_secrets_stay_out_of_everything(params, monkeypatch):
    monkeypatch.setenv("NIGHTMILL_TEST_KEY", CANARY)
    params("secrets:\n  pii_key: env:NIGHTMILL_TEST_KEY\nscrub:\n  hash_key: pii_key\n")
    config = load()
    assert config.secret("pii_key") == CANARY
    everything = [repr(config), str(config), json.dumps(config.as_dict()), config.explain(), config.digest()]
    everything += [json.dumps(config.parameters_of("scrub")), str(pickle.dumps(config))]
    assert not any(CANARY in each for each in everything)
    assert config.as_dict()["secrets"] == {"pii_key": "***"}
    row = next(row for row in config.explained() if row.key == "secrets.pii_key")
    assert (row.value, row.origin) == ("***", "params.yaml:2")
    params("secrets:\n  pii_key: env:ANOTHER\nscrub:\n  hash_key: pii_key\n")
    assert load().digest() == config.digest()
    with pytest.raises(ConfigError, match="no secret `pii_kye`; did you mean `pii_key`"):
        config.secret("pii_kye")


@pytest.mark.parametrize("text", [f"secrets:\n  key: {CANARY}", f"secrets: {CANARY}", f"secrets:\n  key: [{CANARY}]"])
def test_a_literal_secret_is_refused_and_not_repeated(params, text):
    params(text)
    assert CANARY not in refusal()
    assert refusal().startswith("params.yaml:")


def test_a_literal_secret_on_the_command_line_is_not_repeated(params):
    message = refusal(overrides=[f"secrets.pii_key={CANARY}"])
    assert message.startswith("--set secrets.pii_key: ") and CANARY not in message


def test_the_digest_follows_what_decides_the_outcome_only(params):
    base = load().digest()
    assert base == load(overrides=["engine.workers=7", "logs.level=debug", "lake=s3://b/p"]).digest()
    assert base == load(overrides=["dedup.threshold=0.80", "clean.min_words=30"]).digest()
    assert base != load(overrides=["clean.min_words=31"]).digest()
    assert base != load(overrides=["tenant=red"]).digest()
    assert load(overrides=["lake=s3://b/p"]).lake == "s3://b/p"


def test_the_digest_is_the_same_in_any_process(params):
    code = "from jobs.config import load; print(load().digest())"
    seen = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                       env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed}).stdout.strip()
        for seed in ("0", "1")
    }  # fmt: skip
    assert seen == {load().digest()}


def test_parameters_of_a_stage(params):
    assert load().parameters_of("dedup")["threshold"] == 0.8
    assert load().parameters_of("clean")["languages"] == ["zh", "en"]
    with pytest.raises(ConfigError, match="did you mean `dedup`"):
        load().parameters_of("dedpu")
    with pytest.raises(ConfigError, match="did you mean `clean`"):
        load().section("claen")


def test_the_params_file_of_the_repository_is_complete_and_says_the_defaults():
    config = load(ROOT / "params.yaml", environ={})
    assert config.settings == Settings()
    told = {row.key.partition("[")[0] for row in config.explained() if row.origin != "default"}
    silent = {row.key for row in config.explained()} - told
    assert silent == set()
    assert config.root == ROOT


def test_a_wrong_key_fails_without_heavy_imports(params):
    params("clean:\n  min_charcters: 3\n")
    code = (
        "import sys\nfrom jobs.config import load\ntry: load()\nexcept Exception as error: print(error)\n"
        "print(sorted({'numpy', 'pyarrow', 'numba', 'duckdb', 'httpx', 'rich', 'structlog'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(ROOT)})
    assert result.stdout.splitlines() == [
        "params.yaml:2: unknown key `min_charcters` in `clean`; did you mean `min_characters`?",
        "[]",
    ]


@dataclass(frozen=True)
class More:
    limit: int | None = None
    rates: tuple[tuple[float, ...], ...] = ()
    shares: dict[str, float] = field(default_factory=dict)

    def __post_init__(self):
        if self.limit == 13:
            raise ValueError("limit 13 brings bad luck")


def test_types_that_a_stage_may_add():
    tree = read("limit: 4\nrates: [[1, 2.5], []]\nshares: {zh: 0.5}", "f")
    assert _Builder().build(More, tree, "more") == More(4, ((1.0, 2.5), ()), {"zh": 0.5})
    assert _Builder().build(More, read("limit: null", "f"), "more") == More()
    with pytest.raises(ConfigError, match="f:1: more: limit 13 brings bad luck"):
        _Builder().build(More, read("limit: 13", "f"), "more")


def test_a_recorded_configuration_decides_and_today_serves(params, monkeypatch):
    params("clean: {min_words: 5}\nlake: old\nsecrets: {pii_key: env:OLD}\n")
    night = load()
    pinned = json.loads(json.dumps(night.as_dict()))
    params("clean: {min_words: 6}\nlake: new\nengine: {workers: 3}\nsecrets: {pii_key: env:NIGHTMILL_TEST_KEY}\n")
    monkeypatch.setenv("NIGHTMILL_TEST_KEY", CANARY)
    again = recorded(load(), pinned)
    assert again.section("clean").min_words == 5
    assert again.digest() == night.digest() != load().digest()
    assert again.settings.lake == "new" and again.settings.engine.workers == 3
    assert again.secret("pii_key") == CANARY


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("scrub:\n  policies:\n    EMIAL: mask\n", "no entity is called 'EMIAL'"),
        ("scrub:\n  policies:\n    EMAIL: msak\n", "params.yaml:3: scrub.policies.EMAIL: expected one of mask, hash"),
        ("scrub:\n  default_policy: msak\n", "did you mean `mask`?"),
    ],
)
def test_a_scrub_policy_that_cannot_be_is_refused_before_anything_runs(params, text, says):
    params(text)
    assert says in refusal()


@pytest.mark.parametrize(
    "given",
    [
        'seeds: ["https://e.org/", "https://me:CANARY@e.org/"]',
        'seeds: [" HTTPS:\\\\me:CANARY@e.org"]',
        'sitemap_urls: ["https://CANARY@e.org/sitemap.xml"]',
        'kind: sql, query: SELECT 1, connection: "postgresql://me:CANARY@db/shop"',
        'kind: api, seeds: ["https://e.org/"], auth: "Bearer CANARY"',
    ],
)
def test_a_source_that_holds_a_secret_is_refused_before_a_run_records_it(params, given):
    with pytest.raises(ConfigError, match=r"params.yaml:2: crawl.sources\[0\]\.\w+: ") as caught:
        load(params("crawl:\n  sources: [{name: s, " + given + "}]"), environ={})
    assert "CANARY" not in str(caught.value)


def test_an_at_sign_behind_the_host_is_no_password(params):
    seeds = ("https://e.org/@me", "https://e.org//me@you", "https://e.org?mail=a@b.org", "https://e.org/#a@b")
    loaded = load(params(f"crawl:\n  sources: [{{name: s, seeds: {list(seeds)}}}]"), environ={})
    assert loaded.section("crawl").sources[0].seeds == seeds


@pytest.mark.parametrize(
    "given",
    ["concurrency: 0", "timeout_seconds: 0", "attempts: 0", "max_redirects: -1", 'sources: [{name: ""}]',
     "sources: [{name: s, max_pages: 0}]", "sources: [{name: s, max_depth: -1}]", 'sources: [{name: "a\\nb"}]'],
)  # fmt: skip
def test_a_crawl_that_cannot_be_is_refused(params, given):
    with pytest.raises(ConfigError, match=r"params.yaml:[12]: crawl"):
        load(params("crawl:\n  " + given), environ={})


def test_the_entities_of_the_configuration_are_those_of_the_recognisers():
    from pipelines.params import PII_ENTITIES
    from pipelines.pii.recognisers import ENTITIES

    assert PII_ENTITIES == ENTITIES
