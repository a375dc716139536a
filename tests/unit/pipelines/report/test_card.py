import os
import runpy
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.report.card import ranked_rules, render, ribbon, scale
from pipelines.report.facts import (
    Duplicates,
    Flow,
    Gate,
    Histogram,
    Host,
    Hosts,
    Language,
    Missing,
    Provenance,
    Rule,
    Sample,
    Stage,
    Total,
    to_json,
)

NIGHT = runpy.run_path(str(Path(__file__).with_name("example.py")))["night"]()
VOID = {"meta", "link"}


class Page(HTMLParser):
    """Elements, attributes and visible words of a page; fails on a tag that is not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attr) for attr in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def test_every_state_is_a_well_formed_page_that_needs_nothing_from_elsewhere(facts):
    html = render(facts)
    html.encode("utf-8")
    page = Page(html)
    assert "script" not in page.tags and "iframe" not in page.tags and "img" not in page.tags
    assert not any(name.startswith("on") or name in ("src", "srcset", "action") for _, name, _ in page.attributes)
    assert all(value == "data:," or value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html


def test_links_inside_the_page_have_a_target(facts):
    page = Page(render(facts))
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for _, name, value in page.attributes if name == "href" and value.startswith("#")}
    assert wanted <= set(ids) | ({"every-rule"} if not facts.funnel else set())


def test_the_page_says_what_the_facts_say(example):
    text = Page(render(example("night"))).text
    for words in (
        "2,987 documents passed the gate, 212 more than in the last snapshot.",
        "snap-20261121-5c1f09ab",
        "nightly_corpus-2026-11-21",
        "corpus team",
        "cl100k_base 0.7",
        "530 rejected 13.3%",
        "3,899 unchanged",
        "too_few_words 214",
        "and 3 more rules",
        "page gone (404) −13",
        "docs.sqlalchemy.org",
        "GPL-2.0-or-later",
        "robots.txt blake2b:4be1…90aa, allowed",
        "sha256:7e69ec5451bc261cc7844e49e4792a85d7f09c06789ec800fc4a44aec362764e",
        "d41d8cd98f00b204e9800998ecf8427e",
        "drop_row",
        "Names and addresses are not masked",
        "not measured: fewer than 5 earlier snapshots, a drift needs 5",
    ):
        assert words in text


def test_every_rule_stands_in_the_table(example):
    facts = example("huge")
    text = Page(render(facts)).text
    assert all(rule.rule in text for rule in facts.funnel[0].version.rules)


def test_a_first_publication_shows_no_change(example):
    text = Page(render(example("first"))).text
    assert "there is no earlier snapshot, so no figure of change exists" in text
    assert "not measured: the scrub stage was switched off for this run" in text
    assert "not measured: no tokenizer is installed on this machine" in text


@pytest.mark.req("GAT-01")
def test_a_refusal_names_the_expectation_and_its_rows_first(example):
    html = render(example("refused"))
    text = Page(html).text
    assert text.index("pii_residue") < text.index("Where the rows went")
    assert "140 rows of corpus@00000000, the first 100 here" in text
    assert f"{99:032x}" in text
    assert html.count("<details") > 0 and '<details class="behind" open>' in html


def test_lost_inputs_are_shown_as_an_alarm(example):
    assert "5 without a disposition" in Page(render(example("huge"))).text


def test_hostile_text_is_text(example):
    html = render(example("night"))
    page = Page(html)
    assert "<script>alert(1)</script> and \"><img src=x onerror=alert(2)> then ' onmouseover='alert(3)" in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\u202e" not in html and "\u200b" not in html and "\x00" not in html
    assert '<mark class="mask">&lt;CN_MOBILE&gt;</mark>' in html
    assert '<mark class="mask">&lt;SCRIPT' not in html


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(codec=None) | st.sampled_from("<>&\"'/\u202e\x00\ud800{}%`= onscript")).filter(
        lambda t: t.strip()
    )
)
def test_no_text_makes_an_element_or_an_attribute(text):
    def page(word):
        facts = replace(
            NIGHT,
            title=word,
            owner=word,
            run=word,
            composition=(word,),
            hosts=Hosts(1, (Host(word, 1),)),
            lengths=Missing(word),
            samples=(Sample(word, "text", "corpus", word, word, 3, "rejected: " + word),),
        )
        return Page(render(facts))

    hostile, harmless = page(text), page("x")
    assert hostile.tags == harmless.tags
    assert [a[:2] for a in hostile.attributes] == [a[:2] for a in harmless.attributes]


def test_the_same_facts_give_the_same_bytes_whatever_the_hash_seed(example, tmp_path):
    (tmp_path / "facts.json").write_text(to_json(example("night")), "utf-8")
    script = (
        "import hashlib, sys; from pathlib import Path; from pipelines.report.card import render; "
        "from pipelines.report.facts import from_json; "
        "print(hashlib.sha256(render(from_json(Path(sys.argv[1]).read_text('utf-8'))).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "facts.json")],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_rules_are_ranked_by_what_they_turned_away():
    rules = (Rule("b", 1), Rule("z", Missing("lost")), Rule("a", 1), Rule("c", 9))
    assert [r.rule for r in ranked_rules(Flow(11, 0, 11, rules=rules))] == ["c", "a", "b", "z"]


def test_the_scale_leaves_out_unchanged_inputs(example):
    assert scale(example("night"), "night") == 352 + 41 + 18
    assert scale(example("night"), "version") == 4_402
    assert scale(replace(example("night"), funnel=()), "night") == 0


@pytest.mark.parametrize(
    "change",
    [
        {"lengths": Histogram("characters", (1,), ())},
        {"lengths": Histogram("characters", (1, 2), (0,))},
        {"languages": (Language("zh", 0),)},
        {"gate": Gate("not_run", "corpus@1"), "changes": (), "risks": ()},
        {"duplicates": Duplicates(0.0, 0, 0, 0, ()), "provenance": Provenance()},
        {"total": Total("corpus", "1", "1", Missing("the count failed"))},
        {"funnel": (Stage("crawl", Flow(Missing("a"), Missing("b"), Missing("c")), Missing("d")),)},
    ],
)
def test_sparse_facts_make_a_page(change):
    Page(render(replace(NIGHT, **change)))


def test_a_card_without_a_funnel_says_so(example):
    assert "not measured: the run recorded no funnel" in Page(render(replace(example("night"), funnel=()))).text


def test_a_band_leads_to_what_the_next_stage_had_to_judge():
    """Of 100 inputs 60 are as before and 15 are gone: 25 remain, a quarter of the track."""
    stages = (
        Stage("crawl", Missing("-"), Flow(100, 50, 50)),
        Stage("extract", Missing("-"), Flow(100, 25, 0, 60, 0, 15)),
    )
    assert "50.000,0 25.000,10" in ribbon(stages, 0, "version", 100, None)
