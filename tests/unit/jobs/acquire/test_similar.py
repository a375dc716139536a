"""Synonym candidates against a count by hand and a second implementation."""

import json
import random
from collections import defaultdict
from itertools import combinations
from math import sqrt

import pytest
from click.testing import CliRunner

from jobs.acquire.similar import Limits, mine
from jobs.app import App
from jobs.commands.new_messages import command as new_messages
from jobs.commands.similar_queries import command as similar_queries
from jobs.errors import UsageError


def log(path, clicks):
    path.write_text("query,clicked,user\n" + "".join(f"{q},{i},{u}\n" for q, i, u in clicks), encoding="utf-8")
    return path


def pairs(tmp_path, clicks, **limits):
    done = mine(log(tmp_path / "log.csv", clicks), tmp_path / "pairs.jsonl", {}, Limits(**limits))
    found = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    assert done.pairs == len(found)
    return found


@pytest.mark.req("CRL-17")
def test_queries_that_lead_to_the_same_clicks_are_found(tmp_path):
    # 手机壳: item 1 by three people, item 2 by one; 手机保护套: item 1 by two, item 2 by one, item 3 by two
    clicks = [("手机壳", 1, u) for u in "abc"] + [("手机壳", 2, "a")]
    clicks += [("手机保护套", 1, u) for u in "de"] + [("手机保护套", 2, "d")] + [("手机保护套", 3, u) for u in "de"]
    clicks += [("laptop bag", 9, u) for u in "ab"]
    (pair,) = pairs(tmp_path, clicks, min_users=2, min_common=2, min_cosine=0.1)
    assert {pair["a"], pair["b"]} == {"手机壳", "手机保护套"}
    assert pair["cosine"] == round((3 * 2 + 1 * 1) / (sqrt(9 + 1) * sqrt(4 + 1 + 4)), 6)
    assert pair["jaccard"] == round(2 / 3, 6) and pair["common_items"] == 2
    assert sorted((pair["users_a"], pair["users_b"])) == [2, 3]


def test_what_too_few_people_asked_is_never_shown(tmp_path):
    clicks = [(q, i, u) for q in ("ann's illness", "cough") for i in (1, 2) for u in "ab"]
    clicks += [(q, i, u) for q in ("cough", "coughing") for i in (1, 2) for u in "abcde"]
    clicks += [("ann's illness", 1, "a")] * 100  # often, but by the same two
    found = pairs(tmp_path, clicks, min_users=5)
    assert [(p["a"], p["b"]) for p in found] == [("cough", "coughing")]
    assert "ann" not in (tmp_path / "pairs.jsonl").read_text()


def test_an_item_that_everything_leads_to_says_nothing(tmp_path):
    clicks = [(q, "home", u) for q in ("a", "b", "c", "d") for u in "xyz"]
    assert len(pairs(tmp_path, clicks, min_users=3, min_common=1)) == 6
    assert pairs(tmp_path, clicks, min_users=3, min_common=1, max_queries=3) == []


def reference(clicks, limits):
    """Cosine and Jaccard over all pairs, without a database."""
    users, weights = defaultdict(set), defaultdict(lambda: defaultdict(set))
    for query, item, user in clicks:
        users[query].add(user)
        weights[query][item].add(user)
    asked = sorted(q for q in users if len(users[q]) >= limits.min_users)
    out = {}
    for a, b in combinations(asked, 2):
        x, y = ({i: len(u) for i, u in weights[q].items()} for q in (a, b))
        common = x.keys() & y.keys()
        norm = sqrt(sum(v * v for v in x.values()) * sum(v * v for v in y.values()))
        cosine = round(sum(x[i] * y[i] for i in common) / norm, 6)
        if len(common) >= limits.min_common and cosine >= limits.min_cosine:
            out[a, b] = (cosine, round(len(common) / len(x.keys() | y.keys()), 6))
    return out


@pytest.mark.req("CRL-17")
def test_the_figures_are_those_of_a_second_implementation_in_any_order(tmp_path):
    rng = random.Random(7)
    clicks = [(f"q{rng.randrange(12)}", rng.randrange(8), rng.randrange(9)) for _ in range(600)]
    limits = {"min_users": 4, "min_common": 2, "min_cosine": 0.6, "top": 100}
    found = pairs(tmp_path, clicks, **limits)
    first = (tmp_path / "pairs.jsonl").read_bytes()
    expected = reference([(q, i, u) for q, i, u in clicks], Limits(**limits))
    assert {(p["a"], p["b"]): (p["cosine"], p["jaccard"]) for p in found} == expected and len(expected) > 10
    rng.shuffle(clicks)
    pairs(tmp_path, clicks + clicks, **limits)
    assert (tmp_path / "pairs.jsonl").read_bytes() == first


def test_only_the_best_pairs_of_a_query_are_kept(tmp_path):
    clicks = [(f"q{n}", item, u) for n in range(6) for item in range(3) for u in "ab"]
    assert len(pairs(tmp_path, clicks, min_users=2)) == 15
    assert len(pairs(tmp_path, clicks, min_users=2, top=1)) < 15


def run(command, *args):
    return CliRunner().invoke(
        command, [str(arg) for arg in args], obj=App(None, None, (), True, False), help_option_names=["-h", "--help"]
    )


def test_the_command_in_chinese_and_with_columns_of_other_names(tmp_path):
    rows = [{"s": {"词": q}, "货": i, "会话": u} for q in ("雨伞", "伞") for i in (1, 2) for u in range(5)]
    rows += [{"s": {"词": "13800138000"}, "货": 1, "会话": 1}, {"x": 1}]
    source = tmp_path / "日志.jsonl"
    source.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n{bad\n", encoding="utf-8")
    options = ["-o", tmp_path / "p.jsonl", "--query", "s.词", "--item", "货", "--json"]
    result = run(similar_queries, source, *options)
    assert json.loads(result.output) == {
        "rows": 23, "refused": {"bad_json": 1, "missing_field:query": 1, "personal": 1}, "pairs": 1,
    }  # fmt: skip
    assert "13800138000" not in (tmp_path / "p.jsonl").read_text()
    assert "同义词候选" in run(similar_queries, "--help").output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.jsonl", "日志.jsonl"]


def test_a_log_without_clicks_is_an_error_and_leaves_no_output(tmp_path):
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match="no row has a query"):
        mine(tmp_path / "log.csv", tmp_path / "pairs.jsonl", {}, Limits())
    assert not (tmp_path / "pairs.jsonl").exists()
    (tmp_path / "log.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(300))
    with pytest.raises(UsageError, match="no text"):
        mine(tmp_path / "log.csv", tmp_path / "pairs.jsonl", {}, Limits())


@pytest.mark.req("CRL-16")
def test_new_messages_are_appended_once(tmp_path):
    dump, mark, out = (tmp_path / name for name in ("group.txt", "group.mark", "all.txt"))
    for text in ("2024-03-01 09:00\n在吗\n", "2024-03-01 09:00\n在吗\n在的\n", "2024-03-01 09:00\n在吗\n在的\n"):
        dump.write_text(text, encoding="utf-8")
        result = run(new_messages, dump, "--mark", mark, "-o", out)
        assert result.exit_code == 0, result.output
    assert out.read_text(encoding="utf-8") == "在吗\n在的\n" and "在吗" not in mark.read_text()
    dump.write_text("2024-03-02 09:00\nmorning\n")
    assert "1 new" in run(new_messages, dump, "--mark", mark, "-o", out).output
    mark.write_text("{}")
    assert isinstance(run(new_messages, dump, "--mark", mark, "-o", out).exception, UsageError)
