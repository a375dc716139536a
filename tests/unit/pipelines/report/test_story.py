from dataclasses import replace

import pytest

from pipelines.report import story
from pipelines.report.facts import Flow, Gate, Missing, Risk, Stage


def test_the_sentence_of_each_state(example):
    assert story.sentence(example("night")) == "2,987 documents passed the gate, 212 more than in the last snapshot."
    assert story.sentence(example("first")) == "First publication: 2,987 documents passed the gate."
    assert story.sentence(example("refused")) == (
        "The gate refused this candidate of 0 documents: 2 of 4 expectations failed. Nothing was published."
    )


@pytest.mark.parametrize(
    ("verdict", "reason", "sentence"),
    [
        (
            "not_enough_data",
            "12 rows, the gate asks for 100",
            "There is no verdict on 2,987 documents: 12 rows, the gate asks for 100.",
        ),
        ("not_enough_data", "", "There is no verdict on 2,987 documents: the gate had not enough data."),
        ("not_run", "", "The gate has not judged 2,987 documents: it did not run."),
    ],
)
def test_no_verdict_is_said_plainly(example, verdict, reason, sentence):
    assert story.sentence(replace(example("night"), gate=Gate(verdict, "corpus@1", reason=reason))) == sentence


@pytest.mark.parametrize(
    ("added", "removed", "changed", "words"),
    [
        (5, 1, 0, "4 more than in the last snapshot"),
        (1, 5, 0, "4 fewer than in the last snapshot"),
        (5, 5, 0, "as many as in the last snapshot, though not the same ones"),
        (0, 0, 3, "as many as in the last snapshot, though not the same ones"),
        (0, 0, 0, "the same as in the last snapshot"),
        (Missing("x"), 0, 0, "with the change against the last snapshot not measured"),
    ],
)
def test_difference(example, added, removed, changed, words):
    facts = example("night")
    change = replace(facts.changes[0], added=added, removed=removed, changed=changed)
    assert story.difference(replace(facts, changes=(change,))) == words


def test_difference_without_a_comparison(example):
    assert story.difference(replace(example("night"), changes=())) == "with no comparison at hand"


def test_yield_is_published_over_first_inputs(example):
    assert story.overall_yield(example("night")) == 2_987 / 4_402
    assert isinstance(story.overall_yield(example("refused")), Missing)
    for flow in (Missing("gone"), Flow(Missing("gone"), 0, 0)):
        assert story.overall_yield(replace(example("night"), funnel=(Stage("crawl", flow, flow),))) == Missing("gone")


def test_headlines(example):
    shown = {h.label: (h.value, h.exact, h.measured) for h in story.headlines(example("night"))}
    assert shown == {
        "Documents": ("2,987", "", True),
        "Tokens": ("4,915,208", "", True),
        "Kept": ("67.9%", "", True),
        "Since the last snapshot": ("+243 −31", "", True),
    }


def test_a_shortened_headline_keeps_the_exact_figure(example):
    assert (story.headlines(example("huge"))[0].value, story.headlines(example("huge"))[0].exact) == (
        "5.88 trillion",
        "5,881,552,123,456",
    )


def test_a_first_publication_has_no_change_figure(example):
    change = story.headlines(example("first"))[3]
    assert (change.value, change.measured) == ("not measured: a first publication has no snapshot before it", False)


def test_order_of_attention(example):
    assert [e.status for e in story.worst_first(example("refused").gate.expectations)] == [
        "failed",
        "failed",
        "passed",
        "passed",
    ]
    assert story.tally(example("night").gate.expectations) == "5 passed, 1 not measured, 1 warned"
    assert story.tally(()) == "no expectations"
    risks = (Risk("a", "note", ""), Risk("b", "high", ""), Risk("c", "high", ""))
    assert [r.title for r in story.gravest_first(risks)] == ["b", "c", "a"]
