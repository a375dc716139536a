import copy
import json
import pickle

import pytest

from jobs import secrets
from jobs.errors import ConfigError
from jobs.secrets import Secret, mask

CANARY = "canary-7f3a91c2"


@pytest.fixture
def secret(monkeypatch):
    monkeypatch.setattr(secrets, "_revealed", set())
    monkeypatch.setenv("NIGHTMILL_TEST_SECRET", CANARY + "\n")
    return Secret("env:NIGHTMILL_TEST_SECRET")


def test_reveals_without_the_line_end(secret):
    assert secret.reveal() == CANARY


def test_shows_itself_nowhere(secret):
    secret.reveal()
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>8}", f"{secret!r}", "%s" % secret]  # noqa: UP031
    shown += [repr({"a": secret}), json.dumps({"a": secret}, default=str)]
    assert all("***" in each and CANARY not in each for each in shown)
    with pytest.raises(TypeError):
        json.dumps(secret)
    assert CANARY.encode() not in pickle.dumps(secret)
    assert pickle.loads(pickle.dumps(secret)) == secret == copy.deepcopy(secret)
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize("literal", [CANARY, "env:", "env:9X", "env: X", "file:", "vault:x", "", "ENV:X", 12345, None])
def test_a_literal_is_refused_and_not_repeated(literal):
    with pytest.raises(ConfigError) as caught:
        Secret(literal)
    assert "env:NAME" in str(caught.value)
    assert CANARY not in str(caught.value) and "12345" not in str(caught.value)


def test_file(tmp_path):
    (tmp_path / "key").write_text(CANARY + "\r\n")
    assert Secret(f"file:{tmp_path / 'key'}").reveal() == CANARY
    with pytest.raises(ConfigError, match="No such file"):
        Secret(f"file:{tmp_path / 'none'}").reveal()
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        Secret(f"file:{tmp_path / 'binary'}").reveal()


def test_missing_and_empty_say_what_to_do(monkeypatch):
    monkeypatch.delenv("NIGHTMILL_NONE", raising=False)
    with pytest.raises(ConfigError, match="set the environment variable NIGHTMILL_NONE"):
        Secret("env:NIGHTMILL_NONE").reveal()
    monkeypatch.setenv("NIGHTMILL_NONE", "\n")
    with pytest.raises(ConfigError, match="is empty"):
        Secret("env:NIGHTMILL_NONE").reveal()


def test_airflow_connection(monkeypatch, tmp_path):
    pytest.importorskip("airflow.sdk", reason="Airflow is not installed")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_NIGHTMILL_KEY", f"http://user:{CANARY}@localhost/")
    assert Secret("airflow:NIGHTMILL_KEY").reveal() == CANARY
    with pytest.raises(ConfigError, match="no connection NOTHING_HERE"):
        Secret("airflow:NOTHING_HERE").reveal()


def test_mask_hides_longest_first_and_leaves_short_words(secret):
    secret.reveal()
    secrets.remember(CANARY + "-longer")
    secrets.remember("the")
    assert mask(f"the {CANARY}-longer and {CANARY}.") == "the *** and ***."
