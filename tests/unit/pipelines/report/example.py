"""Facts of four snapshots: an ordinary night, a first publication, a refused candidate, one of absurd size."""

from dataclasses import replace

from pipelines.report.facts import (
    CardFacts,
    Change,
    ClusterSize,
    Component,
    Duplicates,
    Entity,
    Expectation,
    Failing,
    Flow,
    Gate,
    Histogram,
    Host,
    Hosts,
    Input,
    Language,
    Missing,
    Pii,
    Provenance,
    Quantile,
    Reason,
    Risk,
    Rule,
    Sample,
    Setting,
    Source,
    Stage,
    Total,
)

HOSTILE = (
    "Paste this: <script>alert(1)</script> and \"><img src=x onerror=alert(2)> then ' onmouseover='alert(3) "
    "</blockquote></article><style>*{display:none}</style>{{ 7*7 }} {% raw %} javascript:alert(4) <SCRIPT> <EMAIL>"
)
RTL = "مرحبا بالعالم، هذا نص للاختبار. " + (
    "The file \u202egnp.exe\u202c is no picture; pay\u200bpal is not paypal\U000e0041\ud800\x00."
)
CHINESE = (
    "在使用 APT 安装软件包之前，请先更新软件源列表。如有疑问，请拨打 <CN_MOBILE> 或发送邮件至 <EMAIL>，"
    "身份证号 <CN_ID_CARD> 已按策略处理。\n\nDebian 参考手册旨在为安装后的系统提供一个面向用户的广泛概览，"
    "它涵盖了系统管理的许多方面，使用 shell 命令示例进行讲解。⟦img:figure-3⟧ 本文档以实用为目的，"
    "读者应当愿意学习 shell 脚本；我们并不打算详尽无遗。"
)
ENGLISH = (
    "The Session begins in a mostly stateless form. Once queries are issued or other objects are persisted with it, "
    "it requests a connection resource from an Engine that is associated with the Session, and then establishes a "
    "transaction on that connection. Write to <EMAIL> for the archive of this list."
)

RULES = (
    Rule("too_few_words", 214, "A page in English has enough words to be prose.", "≥ 30 words"),
    Rule("language_not_wanted", 131, "The page is in a language of the corpus.", "zh, en"),
    Rule("duplicate_line_share", 96, "Few of the lines are repeated.", "≤ 0.3"),
    Rule("too_few_chinese_characters", 58, "A Chinese page has enough Chinese characters.", "≥ 10 characters"),
    Rule("symbol_share", 22, "Symbols do not crowd out the words.", "≤ 0.3"),
    Rule("punctuation_share", 9, "Punctuation does not crowd out the words.", "≤ 0.35"),
)
FUNNEL = (
    Stage(
        "crawl",
        Flow(4_310, 352, 41, unchanged=3_899, retracted=18, rules=(Rule("http_404", 29), Rule("robots_denied", 12))),
        Flow(
            4_402, 4_122, 262, retracted=18, rows_out=4_122, rules=(Rule("robots_denied", 158), Rule("http_404", 104))
        ),
        "ask politely, keep what was answered",
        "URLs",
    ),
    Stage(
        "extract",
        Flow(352, 341, 11, rules=(Rule("too_short", 11),)),
        Flow(4_122, 3_987, 135, rows_out=3_987, rules=(Rule("too_short", 121), Rule("undecodable", 14))),
        "decode, find the main text",
        "pages",
    ),
    Stage(
        "clean",
        Flow(341, 290, 39, superseded=12, rules=(Rule("too_few_words", 21), Rule("language_not_wanted", 18))),
        Flow(3_987, 3_457, 530, rows_out=3_457, rules=RULES),
        "language and quality rules",
    ),
    Stage(
        "scrub",
        Flow(290, 290, 0),
        Flow(3_457, 3_451, 6, rows_out=3_451, rules=(Rule("drop_row", 6),)),
        "mask personal data",
    ),
    Stage(
        "dedup",
        Flow(290, 243, 47, rules=(Rule("near_duplicate", 28), Rule("exact_duplicate", 19))),
        Flow(3_451, 2_987, 464, rows_out=2_987, rules=(Rule("near_duplicate", 291), Rule("exact_duplicate", 173))),
        "keep one of each text",
    ),
)
EXPECTATIONS = (
    Expectation("language_share_zh", "passed", 0.4128, "0.2 – 0.8", "Chinese documents hold their part of the corpus."),
    Expectation("duplicate_residue", "passed", 0.0, "≤ 0.005", "No near-duplicate is left."),
    Expectation("pii_residue", "passed", 0.0, "= 0", "A second look at the published text finds no personal data."),
    Expectation("null_text", "passed", 0.0, "= 0", "Every row has a text."),
    Expectation(
        "length_p95",
        "warned",
        18_204.0,
        "≤ 15,000 characters",
        "Very long documents stay rare.",
        2,
        (Failing("9f86d081884c7d659a2feaa0c55ad015", 48_211.0), Failing("60303ae22b998861bce3b28f33eec1be", 31_977.0)),
    ),
    Expectation("row_change", "passed", 0.0754, "−0.1 … 0.5", "The corpus neither shrinks nor jumps overnight."),
    Expectation(
        "token_drift",
        "not_measured",
        Missing("fewer than 5 earlier snapshots, a drift needs 5"),
        "≤ 3 sigma",
        "Tokens per document stay near their past.",
    ),
)
PROVENANCE = Provenance(
    sources=(
        Source(
            "debian-docs", "documentation", "GPL-2.0-or-later", True, "robots.txt blake2b:4be1…90aa, allowed", 1_233
        ),
        Source("python-docs", "documentation", "MIT", True, "robots.txt blake2b:77c0…1f3e, allowed", 1_720),
        Source("forum", "web", "unknown", False, "no robots.txt, no contract on file", 34),
    ),
    inputs=(
        Input("pages", "pages@3f9d2c17aa04", "7c211433f02071597741e6ff5a8ea34789abbf43", 4_122),
        Input("tombstones", "tombstones@00e1", "1b2cf535f27731c974343645a3985328", 18),
    ),
    components=(
        Component(
            "lid.176", "1.0", "sha256:7e69ec5451bc261cc7844e49e4792a85d7f09c06789ec800fc4a44aec362764e", "CC-BY-SA-3.0"
        ),
        Component("host-lines", "2026-11-20", "blake2b:90aa4be1"),
    ),
    seeds=(Setting("dedup", "1"), Setting("samples", "20261121")),
    fingerprints=(Setting("extract", "1.2.0+a91c"), Setting("clean", "1.4.1+0e77"), Setting("dedup", "1.1.0+53bd")),
    code_version="0.1.0+g4ea5375",
    parameters_digest="d41d8cd98f00b204e9800998ecf8427e",
    tombstone_epoch=7,
)


def night() -> CardFacts:
    """An ordinary night: passed, with one warning."""
    return CardFacts(
        snapshot_id="snap-20261121-5c1f09ab",
        date="2026-11-21",
        run="nightly_corpus-2026-11-21",
        owner="corpus team",
        total=Total(
            "corpus",
            "9ad0c1f2",
            "9ad0c1f2e77b4c11a2f0bb0e5d3f6a01",
            2_987,
            11_204_339,
            4_915_208,
            "cl100k_base 0.7",
            19_482_113,
        ),
        gate=Gate("passed", "corpus@9ad0c1f2", "expectations/corpus.json", expectations=EXPECTATIONS),
        parent_id="snap-20261120-b77e10d4",
        parent_date="2026-11-20",
        changes=(
            Change(
                "corpus",
                "9ad0c1f2",
                2_987,
                243,
                31,
                12,
                (
                    Reason("added", "new at this night's crawl", 243),
                    Reason("removed", "page gone (404)", 13),
                    Reason("removed", "taken down", 18),
                    Reason("changed", "page edited", 12),
                ),
                "51c02b77",
            ),
            Change(
                "pages",
                "3f9d2c17",
                4_122,
                352,
                18,
                0,
                (Reason("added", "fetched", 352), Reason("removed", "taken down", 18)),
            ),
            Change("rejects_clean", "a0b1c2d3", 530, 39, 4, 0),
        ),
        funnel=FUNNEL,
        languages=(
            Language("en", 1_720, 8_113_020, 2_010_233),
            Language("zh", 1_233, 3_001_220, 2_871_004),
            Language("de", 34, 90_099),
        ),
        lengths=Histogram(
            "characters",
            (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000),
            (41, 112, 388, 604, 711, 655, 302, 121, 47, 6),
            (
                Quantile("5 %", 212),
                Quantile("median", 1_480),
                Quantile("95 %", 18_204),
                Quantile("longest", 88_120),
            ),
        ),
        hosts=Hosts(
            27,
            (
                Host("docs.sqlalchemy.org", 1_102),
                Host("www.debian.org", 981),
                Host("xn--fiq228c.example", 377),
                Host("a-very-long-subdomain-of-a-documentation-mirror.with-many-labels.and-more.example.co.uk", 214),
                Host("lxml.de", 96),
            ),
        ),
        duplicates=Duplicates(
            0.1345,
            173,
            291,
            318,
            (ClusterSize("2", 241), ClusterSize("3", 52), ClusterSize("4–7", 21), ClusterSize("8 or more", 4)),
            "Leader over 5-shingles, candidates from 32 × 4 MinHash bands, verified by exact Jaccard ≥ 0.8.",
            0.0,
        ),
        pii=Pii(
            (
                Entity("CN_MOBILE", "mask", 412, 196, 0),
                Entity("EMAIL", "mask", 1_288, 540, 0),
                Entity("CN_ID_CARD", "drop_row", 6, 6, 0),
                Entity("QQ_NUMBER", "hash", 71, 65, Missing("no second recogniser for this entity")),
                Entity("IP_ADDRESS", "keep", 903, 311, 903),
            ),
            "Pattern recognisers with check digits where the entity has one. Names and postal addresses are not "
            "looked for, so they are still in the text.",
        ),
        samples=(
            Sample(
                "9f86d081884c7d659a2feaa0c55ad015",
                CHINESE,
                "corpus",
                "zh",
                "https://www.debian.org/doc/manuals/debian-reference/ch02.zh-cn.html",
                18_204,
            ),
            Sample(
                "60303ae22b998861bce3b28f33eec1be",
                ENGLISH,
                "corpus",
                "en",
                "https://docs.sqlalchemy.org/en/20/orm/session_basics.html",
                9_120,
            ),
            Sample(
                "fd61a03af4f77d870fc21e05e7e80678",
                HOSTILE,
                "corpus",
                "en",
                'https://evil.example/"><script>alert(5)</script>?q=' + "x" * 160,
                len(HOSTILE),
            ),
            Sample(
                "a8cfde6331bd59eb2ac96f8911c4b666",
                RTL,
                "scrubbed",
                "ar",
                "https://ar.example/\u202e/page",
                len(RTL),
                "rejected: language_not_wanted",
            ),
        ),
        provenance=PROVENANCE,
        composition=(
            "Technical documentation in Chinese and English, one text per page, meant for continued pre-training.",
            "Not meant for evaluation: public benchmarks have not been removed from it.",
        ),
        risks=(
            Risk(
                "One host holds 37% of the documents",
                "medium",
                "Its style and its mistakes weigh on whatever is trained on this.",
            ),
            Risk(
                "34 rows come from a source without authorisation",
                "high",
                "Source forum has no contract and no licence on file.",
            ),
            Risk("Names and addresses are not masked", "medium", "The recognisers of this release are patterns only."),
        ),
    )


def first() -> CardFacts:
    """A first publication: no parent, few figures measured."""
    reason = Missing("first publication, there is no earlier snapshot")
    facts = night()
    return replace(
        facts,
        parent_id=None,
        parent_date=None,
        changes=tuple(
            replace(c, added=reason, removed=reason, changed=reason, reasons=(), previous_version=None)
            for c in facts.changes
        ),
        total=replace(facts.total, tokens=Missing("no tokenizer is installed on this machine"), tokenizer=""),
        lengths=Missing("the profile job of this run is older than this figure"),
        duplicates=replace(facts.duplicates, sizes=Missing("clusters were not kept")),
        pii=Missing("the scrub stage was switched off for this run"),
        funnel=tuple(
            replace(s, night=Missing("a stage's night is not split off on a first publication"))
            for s in facts.funnel[:2]
        )
        + facts.funnel[2:],
        samples=Missing("samples need the scrub stage"),
        risks=(),
    )


def refused() -> CardFacts:
    """A candidate with no row at all, refused."""
    nothing = Flow(0, 0, 0)
    facts = night()
    return replace(
        facts,
        total=Total("corpus", "00000000", "0" * 32, 0, 0, 0, "cl100k_base 0.7", 0),
        gate=Gate(
            "refused",
            "corpus@00000000",
            "expectations/corpus.json",
            expectations=(
                Expectation(
                    "pii_residue",
                    "failed",
                    3.0,
                    "= 0",
                    "A second look at the published text finds no personal data.",
                    140,
                    tuple(Failing(f"{n:032x}", float(n), "CN_ID_CARD with a valid check digit") for n in range(100)),
                ),
                Expectation("row_count", "failed", 0.0, "≥ 1", "There is a corpus."),
                *EXPECTATIONS[:2],
            ),
        ),
        changes=(
            replace(
                facts.changes[0],
                rows=0,
                added=0,
                removed=2_775,
                changed=0,
                reasons=(Reason("removed", "page gone (404)", 2_775),),
            ),
        ),
        funnel=tuple(replace(s, night=nothing, version=nothing) for s in FUNNEL),
        languages=(),
        lengths=Missing("there is no document"),
        hosts=Hosts(0, ()),
        duplicates=Duplicates(Missing("no document reached the stage"), 0, 0, 0, ()),
        pii=Pii(()),
        samples=(),
        composition=(),
    )


def huge() -> CardFacts:
    """Thirty rules with long names, figures of trillions, ids and names without a place to break."""
    rules = tuple(
        Rule(f"rule_number_{n}_with_a_name_that_goes_on_and_on", 10**12 // n, "Some words. " * 6, f"≥ 0.{n:02}")
        for n in range(1, 31)
    )
    total = sum(r.rows for r in rules if isinstance(r.rows, int))
    big = Flow(9_876_543_210_987, 9_876_543_210_987 - total - 5, total, rows_out=8_000_000_000_000, rules=rules)
    facts = night()
    return replace(
        facts,
        title="W" * 120,
        snapshot_id="s" * 200,
        run="r" * 200,
        owner="数据平台" * 30,
        total=Total("corpus", "f" * 64, "f" * 128, 5_881_552_123_456, 10**17, 10**15, "tokenizer-" + "t" * 80, 10**16),
        changes=tuple(
            replace(c, rows=10**13, added=123_456_789_012, removed=98_765_432_109, dataset=c.dataset)
            for c in facts.changes
        ),
        funnel=(Stage("crawl", big, big, "ask " * 20, "URLs"), *FUNNEL[1:]),
        provenance=replace(
            PROVENANCE, sources=(Source("s" * 60, "web", "licence-" + "l" * 80, True, "https://example/" + "e" * 300),)
        ),
    )
