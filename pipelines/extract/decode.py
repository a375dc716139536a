"""Raw bytes to text: what the page declares, checked against what its bytes say.

Order: byte order mark; UTF-16/32 by its NUL bytes; valid UTF-8; the declared encoding (HTTP header before <meta>, as
the HTML Standard has it) if the text passes a decoding test; then the encoding that uchardet (in resiliparse) detects
and the multi-byte encodings of East Asia, the one with the most plausible text first. A page is given up only if no
decoding is plausible.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from resiliparse.parse.encoding import detect_encoding

from pipelines.extract import sniff
from pipelines.extract.charsets import MULTIBYTE, codecs_of, name_of
from pipelines.extract.markup import words

SEARCHED = 50_000  # characters searched for non-ASCII ones in a decoding test; six times as many if there are none
SAMPLE = 5_000  # non-ASCII characters tested
DETECT_BYTES = 100_000
TOLERATED = 0.02  # share of impossible characters among the non-ASCII ones that a declared encoding may have
HOPELESS = 0.15  # ... above which no decoding is taken for text
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# U+FFFD, C1 controls, private use: what a wrong decoding leaves behind.
_IMPOSSIBLE = re.compile("[\ufffd\x80-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff61-\uff9f]")
# Accented letters stand singly among ASCII letters in the languages of these encodings.
_LATIN = words("windows-1252 windows-1250 windows-1254 windows-1257 macintosh iso-8859-2 iso-8859-15")
# The most frequent characters of running text; each covers a third to a half of it, and about 3 % of random code points
# of its block. Function words and numerals of simplified and traditional Chinese, Japanese and Korean.
_COMMON = re.compile(
    "[的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小"
    "么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长"
    "這來國個說們為時會過學對裡後沒於還發當開無見經頭動兩長與業關點電體現實機種區東車書網新月者"
    "\u3041-\u3093\u30fc日本年大人中"
    "이다는을의에가하고지은도로를한기사어서리자나그시대니해인들스과으아있수것정일부게라]"
)


_KANA = re.compile("[\u3041-\u3093\u30fc]")


@dataclass(frozen=True)
class Decoded:
    """A decoded page. `charset` is a name of the Encoding Standard."""

    text: str
    charset: str


class Undecodable(ValueError):
    """`rule` is the reject rule, `detail` a word that says more (never text of the page)."""

    def __init__(self, rule: str, detail: str | None = None, value: float | None = None) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.value = rule, detail, value


def decode(
    body: bytes, content_type: str | None = None, max_bytes: int = 10_000_000, *, markup: bool = True
) -> Decoded:
    """The text of a page. Raises Undecodable with rule `not_html`, `page_too_large` or `mojibake`.

    Without `markup` a <meta> or XML declaration is text like any other and says nothing about the encoding.
    """
    if body.startswith(b"\x1f\x8b"):
        body = _gunzip(body, max_bytes)
    marked = sniff.bom(body)
    if marked:
        name, length = marked
        return Decoded(_decode(body[length:], name), name)
    unmarked = sniff.wide(body)
    if unmarked:
        return Decoded(_decode(body, unmarked), unmarked)
    kind = sniff.binary_kind(body)
    if kind:
        raise Undecodable("not_html", kind)
    return _ascii_compatible(body, [sniff.of_header(content_type), sniff.of_meta(body) if markup else None])


def _ascii_compatible(body: bytes, declared: list[str | None]) -> Decoded:
    if body.isascii() and not any(d in ("iso-2022-jp", "hz-gb-2312") for d in declared) and b"\x1b$" not in body:
        return Decoded(body.decode("ascii"), "utf-8")
    # Text in a legacy encoding is valid UTF-8 only by accident and only if it is very short.
    try:
        text = body.decode("utf-8")
        if not body.isascii() and (len(body) - len(text) >= 8 or not any(d in MULTIBYTE for d in declared)):
            return Decoded(text, "utf-8")
    except UnicodeDecodeError:
        pass
    for name in declared:
        if name and not name.startswith(("utf-16", "utf-32")):
            text = _decode(body, name)
            if _believable(text, name):
                return Decoded(text, name)
    best = max(_candidates(body, declared), key=lambda c: c[0])
    if best[0] < -HOPELESS * 10:
        raise Undecodable("mojibake", best[2], impossible_share(foreign_runs(best[1])))
    return Decoded(best[1], best[2])


def _candidates(body: bytes, declared: list[str | None]) -> list[tuple[float, str, str]]:
    """(plausibility, text, name) of every encoding worth a try, the detected one first (it wins a tie)."""
    detected = name_of(detect_encoding(body[:DETECT_BYTES], html5_compatible=False) or "")
    names = [detected, *declared, "utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp", "windows-1252", "johab"]
    out = []
    for name in dict.fromkeys(n for n in names if n and not n.startswith(("utf-16", "utf-32"))):
        text = _decode(body, name)
        runs = foreign_runs(text)
        score = common_share(runs, name) if name in MULTIBYTE or name == "utf-8" else 0.0
        # uchardet has models of many languages; our own evidence (frequent characters) outvotes it when it is strong.
        score += 0.25 * (name == detected) - 10 * impossible_share(runs)
        if not _plausible(runs, name):
            score -= 10 * HOPELESS + 0.3
        out.append((score, text, name))
    return out


def _believable(text: str, name: str) -> bool:
    """Whether a declared encoding gave text."""
    runs = foreign_runs(text)
    return impossible_share(runs) <= TOLERATED and _plausible(runs, name)


def _plausible(runs: list[str], name: str) -> bool:
    """Frequent characters for East Asia; accented letters that stand singly for Latin scripts."""
    if name in MULTIBYTE:
        sample = _sample(runs)
        return len(sample) < 40 or len(_WIDE.findall(sample)) < len(sample) * 0.3 or common_share(runs, name) > 0.12
    if name in _LATIN:
        size = sum(map(len, runs))
        return size < 20 or sum(len(run) for run in runs if len(run) > 3) <= 0.5 * size
    return True


def foreign_runs(text: str) -> list[str]:
    """The first runs of non-ASCII characters of a text."""
    return _NON_ASCII.findall(text, 0, SEARCHED) or _NON_ASCII.findall(text, 0, 6 * SEARCHED)


def _sample(runs: list[str]) -> str:
    return "".join(runs)[:SAMPLE]


def impossible_share(runs: list[str]) -> float:
    """Share of characters that a right decoding does not have."""
    sample = _sample(runs)
    return len(_IMPOSSIBLE.findall(sample)) / len(sample) if sample else 0.0


def common_share(runs: list[str], name: str = "utf-8") -> float:
    """Share of the frequent characters of Chinese, Japanese and Korean.

    GB 2312 has its kana in the places of JIS X 0208, so that kana in a GBK text speak for EUC-JP: they do not count.
    """
    sample = _sample(runs)
    if not sample:
        return 0.0
    kana = len(_KANA.findall(sample)) if name in ("gbk", "gb18030") else 0
    return (len(_COMMON.findall(sample)) - 2 * kana) / len(sample)


def _decode(body: bytes, name: str) -> str:
    """Decode with the codec that loses least; what cannot be decoded becomes U+FFFD."""
    codecs = codecs_of(name)
    for codec in codecs:
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    texts = [body.decode(codec, "replace") for codec in codecs]
    return min(texts, key=lambda t: t.count("\ufffd"))


def _gunzip(body: bytes, max_bytes: int) -> bytes:
    """The content of a gzip body that nobody unpacked. Members beyond the first are ignored."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        out = unpack.decompress(body, max_bytes + 1)
    except zlib.error:
        raise Undecodable("not_html", "gzip_broken") from None
    if len(out) > max_bytes:
        raise Undecodable("page_too_large", "gzip", float(len(out)))
    if not unpack.eof:
        raise Undecodable("not_html", "gzip_truncated")
    return out
