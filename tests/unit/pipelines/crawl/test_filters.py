from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.filters import UrlFilter, lexicon
from pipelines.crawl.urls import UrlError, normalise

#: Health, medicine, music, law, art, teaching, animals, places, names and people: each was lost by some keyword filter,
#: or looks as if it could be.
INNOCENT = """
https://www.essex.ac.uk/courses
https://www.essexlive.news/news/essex-news/
https://www.scunthorpetelegraph.co.uk/
https://en.wikipedia.org/wiki/Scunthorpe_problem
https://www.middlesex.ac.uk/
https://www.middlesexcountyschools.org/
https://www.sussexexpress.co.uk/news
https://www.wessexwater.co.uk/
https://www.nhs.uk/live-well/sexual-health/
https://www.cdc.gov/sexual-health/about/
https://www.breastcancer.org/symptoms/types
https://www.cancer.org/cancer/breast-cancer/screening.html
https://www.cancer.org/cancer/anal-cancer.html
https://medlineplus.gov/analdisorders.html
https://www.mayoclinic.org/diseases-conditions/erectile-dysfunction/symptoms
https://www.webmd.com/sex/default.htm
https://www.webmd.com/sex-relationships/guide/vaginal-dryness
https://www.plannedparenthood.org/learn/sex-and-relationships/orgasms
https://www.health.com/masturbation-benefits-orgasm-health
https://www.healthline.com/health/healthy-sex/anal-sex-safety
https://www.who.int/health-topics/sexual-and-reproductive-health
https://www.nature.com/articles/sex-determination-in-birds
https://www.pnas.org/sex-differences-in-the-brain
https://www.law.cornell.edu/wex/sex_offender
https://www.justice.gov/criminal/child-pornography
https://www.aclu.org/issues/same-sex-marriage
https://www.npr.org/same-sex-couples-dating-rights
https://hiphopdx.com/news/xxxtentacion-album
https://www.xxlmag.com/hip-hop-artists/
https://www.azlyrics.com/lyrics/nwa/fuckthapolice.html
https://genius.com/2-live-crew-me-so-horny-lyrics
https://genius.com/Salt-n-pepa-lets-talk-about-sex-lyrics
https://genius.com/Lil-kim-big-momma-thang-lyrics
https://www.hotnewhiphop.com/hardcore-rap-songs
https://www.rapgenius.com/songs/sexy-bitch-lyrics
https://www.lyrics.com/lyric/naked-and-sexy
https://www.songfacts.com/facts/marvin-gaye/sexual-healing
https://en.wikipedia.org/wiki/Pussy_Riot
https://www.theguardian.com/music/pussy-riot
https://en.wikipedia.org/wiki/Sex_Pistols
https://www.rspb.org.uk/birds/blue-tits-and-great-tits
https://www.allaboutbirds.org/guide/Black-crested_Titmouse
https://en.wikipedia.org/wiki/Naked_mole-rat
https://www.imdb.com/title/tt0295701/xxx-2002
https://www.superbowl.com/super-bowl-xxx-videos
https://www.dickssportinggoods.com/
https://www.pornic.com/office-de-tourisme
https://www.pornainen.fi/
https://www.pornichet.fr/
https://siriporn-restaurant.com/menu
https://www.therapistfinder.com/
https://www.penisland.net/
https://www.expertsexchange.com/
https://www.experts-exchange.com/questions/
https://www.whorepresents.com/
https://www.analytics.example/canal/analysis
https://www.summacumlaude.com/magna-cum-laude
https://www.cockpit-project.org/
https://www.hancock.com/peacock
https://ford.example.com/ford-escort-parts
https://www.fightthenewdrug.org/porn-addiction-recovery
https://www.cps.gov.uk/legal-guidance/revenge-porn
https://www.lawjournal.org/revenge-porn-laws
https://www.reddit.com/r/foodporn
https://www.moma.org/collection/nude-descending
https://www.metmuseum.org/art/naked-maja
https://www.arousa.es/
https://www.mature.com/old-cheese
https://www.gay.com/news/pride
https://www.lesbian-rights.org/teens
https://www.glaad.org/gay-teens
https://www.sextant.com/navigation
https://www.unisexsalon.com/
https://www.sexton-books.com/
https://www.analogdevices.com/
https://www.assess.com/
https://www.cummins.com/engines
https://www.hoover.org/titanic
https://www.chinacdc.cn/jkzt/crb/xb/性病防治
https://www.39.net/nanke/xing-jiankang/
https://www.haodf.com/bingcheng/%E6%80%A7%E7%97%85%E9%98%B2%E6%B2%BB.html
https://baike.baidu.com/item/%E6%80%A7%E6%95%99%E8%82%B2
https://baike.baidu.com/item/%E4%B9%B3%E8%85%BA%E7%99%8C
https://baike.baidu.com/item/%E6%B7%AB%E7%BE%8A%E8%97%BF
https://www.gov.cn/zhengce/%E6%89%93%E5%87%BB%E8%89%B2%E6%83%85
https://news.sina.com.cn/saohuang/daji-seqing-wangzhan.html
https://www.chinanews.com/扫黄打非-色情网站-查处
https://www.chengrengaokao.com/chengren-jiaoyu
https://www.sohu.com/性能-两性健康
https://www.xinli001.com/性心理
https://www.huangse-peise.cn/color
https://www.nvxing.com/男性健康/前列腺
https://www.39.net/自慰的危害-健康
https://zhidao.baidu.com/无码头运输
https://www.fanfou.com/aiav
https://www.avic.com/av-system
https://hot97.com/hip-hop
https://www.hotgirlsummer.com/megan
https://www.sexetc.org/info-center
https://www.livescience.com/sex-ratio
https://www.kinseyinstitute.org/research/sex
https://www.adultlearning.org/adult-education-videos
https://www.adultswim.com/videos
https://www.victoriassecret.com/bras
https://www.escortradar.com/
https://www.breastfeeding.asn.au/
https://www.vaginismus.com/
https://www.prostate.org.uk/anal-exam
https://www.bbc.com/news/man-charged-child-porn
https://www.healthline.com/sex-toys-safety-health
https://www.rollingstone.com/music/hot-girl-summer
https://www.wsj.com/articles/adult-film-star-testimony
https://www.bbc.co.uk/news/escort-agency
https://www.hiphop.com/babes-and-hoes
https://www.pubmed.example/anal-fissure-treatment
https://www.thaiporn.ac.th/siriporn
https://www.gouv.fr/sexe
https://example.com/a?q=%00%ff%fe
https://www.xhs.cn/约会
""".strip().splitlines()

ADULT = """
https://www.pornhub.com/view_video.php?viewkey=1
https://cn.pornhub.com/
https://xvideos.com/video123
https://example.xxx/
https://www.something.porn/a
https://freeporn.example.com/
https://www.bestfreesexvideos.com/
https://hdporntube.net/videos/123
https://91porn.net/v.php
https://livesexcams.example/
https://www.site.com/free-porn/teen-xxx-videos
https://www.site.com/sex-videos/hot-milf
https://www.nudegirls.com/
https://www.site.com/naked-girls/pics
https://www.hentaiworld.tv/
https://tubesex.example/categories/anal
https://www.adultdating.example/
https://sexychat.example/nude
https://site.example/xxx/pussy
https://www.camgirls.example/
https://bigtits.example/gallery
https://zh.example/%E6%88%90%E4%BA%BA%E7%94%B5%E5%BD%B1/1
https://zh.example/%B3%C9%C8%CB%B5%E7%D3%B0/1
https://zh.example/色情-无码
https://www.seqingwang.example/
https://chengrendianying.example/
https://www.huangsexiaoshuo.example/book/1
https://caoliu.example/
https://www.luoliao.example/
https://xn--gmq602bq2bfu4a0rl.example/
https://www.gangbang.example/
https://www.teenporn.example/
https://m.t66y.com/htm_data/1
""".strip().splitlines()


def refused(url: str, **lists) -> str | None:
    found = UrlFilter.of(**lists).refusal(normalise(url))
    return f"{found.rule}: {found.detail}" if found else None


@pytest.mark.req("CRL-04")
@pytest.mark.parametrize("url", INNOCENT)
def test_what_only_looks_adult_survives(url):
    assert refused(url) is None


@pytest.mark.req("CRL-05")
@pytest.mark.parametrize("url", ADULT)
def test_adult_urls_are_refused_with_the_class_of_words(url):
    assert (refused(url) or "").startswith("adult_url: ")


@pytest.mark.parametrize(
    ("url", "detail", "value"),
    [
        ("http://cn.pornhub.com/", "host", None),
        ("http://a.xxx/", "tld", None),
        ("http://a.example/porn", "hard", 1.0),
        ("http://a.example/sex/videos/x", "pair", 1.0),
        ("http://a.example/naked/1/busty", "soft+soft", 1.0),
        ("http://bestfreesexvideos.example/", "pair", 1.0),
        ("http://a.example/porn/porn/porn-lyrics-xnxx", "hard+hard", 1.5),
    ],
)
def test_scores_by_hand(url, detail, value):
    found = UrlFilter.of().refusal(url)
    assert (found.rule, found.detail, found.value) == ("adult_url", detail, value)
    assert found.threshold == (None if value is None else 1.0)


def test_the_threshold_and_the_lists_are_the_deployments():
    url = "http://a.example/porn"
    assert refused(url, adult_threshold=1.5) is None and refused(url, adult_threshold=None) is None
    hosts = ["# list", "0.0.0.0 Bad.example # x", "www.worse.example", ""]
    assert refused("http://sub.bad.example/", adult_hosts=hosts) == "adult_url: host"
    assert refused("http://worse.example/", adult_hosts=hosts) == "adult_url: host"
    assert refused("http://notbad.example/", adult_hosts=hosts) is None


def test_blocking_by_host_word_and_pattern():
    block = [
        "example.org",
        "word:casino",
        "a.example/private/",
        "b.example/*.php$",
        "http://www.c.example/x*",
        "赌场.example",
    ]
    assert refused("http://www.sub.example.org/x", block=block) == "blocked: host example.org"
    assert refused("http://x.example/best-Casino/1", block=block) == "blocked: word casino"
    assert refused("http://x.example/casinos", block=block) is None
    assert refused("http://www.a.example/private/1", block=block) == "blocked: pattern a.example/private/"
    assert refused("http://a.example/public/1", block=block) is None
    assert refused("http://b.example/x/index.php", block=block) == "blocked: pattern b.example/*.php$"
    assert refused("http://b.example/x/index.php?y", block=block) is None
    assert refused("http://c.example/xyz", block=block) == "blocked: pattern c.example/x*"
    assert refused("http://赌场.example/", block=block) == "blocked: host xn--mes317j.example"


@pytest.mark.req("CRL-04")
def test_the_allow_list_wins():
    allow = ["pornhub.com", "a.example/porn/history", "word:lecture"]
    assert refused("http://www.pornhub.com/x", allow=allow, block=["pornhub.com"]) is None
    assert refused("http://a.example/porn/history-of", allow=allow) is None
    assert refused("http://a.example/porn/lecture", allow=allow) is None
    assert refused("http://a.example/porn/other", allow=allow) == "adult_url: hard"


def test_the_words_are_consistent():
    words = lexicon()
    for first, second in words.neutral | words.pairs:
        assert first.isascii() and second.isascii() and first == first.lower()
    assert not words.neutral & words.pairs
    assert not any(kind == "context" and weight > -0.5 for kind, weight in words.weights.values())


def test_words_written_together_cost_linear_time():
    """Work is counted in dictionary look-ups of pieces: at most the longest piece for each place."""

    class Counting(frozenset):
        looked = 0

        def __contains__(self, item):
            type(self).looked += 1
            return super().__contains__(item)

    from dataclasses import replace

    from pipelines.crawl import filters

    counts = []
    for size in (1_000, 2_000, 4_000):
        words = replace(lexicon(), pieces=Counting(lexicon().pieces))
        original, filters.lexicon = filters.lexicon, lambda words=words: words
        Counting.looked = 0
        try:
            UrlFilter.of().refusal(
                "http://a.example/" + "-".join(["freefreefreefreefreefreefreefreefree"] * (size // 40))
            )
        finally:
            filters.lexicon = original
        counts.append(Counting.looked)
    assert all(1.5 < b / a < 2.5 for a, b in pairwise(counts))


@given(st.text(max_size=80))
def test_never_raises(text):
    try:
        url = normalise("http://a.example/" + text)
    except UrlError:
        return
    UrlFilter.of(block=[text], allow=["word:" + text]).refusal(url)
