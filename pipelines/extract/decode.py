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
SAMPLE = 2_000  # non-ASCII characters tested
DETECT_BYTES = 100_000
SCORED = (16_000, 100_000, 600_000)  # bytes on which encodings are compared: the first that hold enough to tell
TOLERATED = 0.02  # share of impossible characters among the non-ASCII ones that a declared encoding may have
HOPELESS = 0.15  # ... above which no decoding is taken for text
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
# U+FFFD, C1 controls, private use: what a wrong decoding leaves behind.
_IMPOSSIBLE = re.compile("[\ufffd\x80-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff]")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uff61-\uff9f]")
_HALF_WIDTH = re.compile("[\uff61-\uff9f]")
# Accented letters stand singly among ASCII letters in the languages of these encodings.
_LATIN = words("windows-1252 windows-1250 windows-1254 windows-1257 macintosh iso-8859-2 iso-8859-15")
_ODD = re.compile(
    "[\xa4-\xa6\xa8\xac\xaf\xb1-\xb6\xb8\xb9\xbc-\xbe\xd7\xf7\u0192\u02c6\u02dc]"
)  # signs that text rarely has
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
# Encodings that differ in quotation marks and accented capitals only, or that a Mac used for the same languages.
_SIBLINGS = {
    "windows-1253": ("iso-8859-7",),
    "iso-8859-7": ("windows-1253",),
    **dict.fromkeys(_LATIN - {"macintosh"}, ("macintosh",)),
}
_BROKEN_CASE = re.compile("[a-z\xdf-\xf6\xf8-\xff\u03ac-\u03ce][\xc0-\xd6\xd8-\xde\u0150\u0160\u0170\u0386-\u03ab]")

_NEARBY = 65_536  # bytes looked at beyond a damaged character
_AHEAD = 40  # bytes behind a damaged one that tell how to go on
_FEW = 5  # damaged characters that are worth mending before encodings are compared
_DAMAGES = 50  # damaged characters after which enough has been seen
_ASCII = bytes(range(128))
_LEADS = bytes(range(0xC2, 0xF5))
# Windows-1252 as browsers read it: bytes without a character stand for C1 controls.
_BYTE_OF = {bytes([b]).decode("cp1252", "ignore") or chr(b): b for b in range(256)}
_TRAIL = "[" + "".join(re.escape(c) for c, b in _BYTE_OF.items() if 0x80 <= b < 0xC0) + "]"
_TWICE = re.compile(rb"\xc3[\x82-\xb4][\xc2\xc5\xc6\xcb\xe2]")
_DOUBLED = re.compile(f"[\xc2-\xdf]{_TRAIL}|[\xe0-\xef]{_TRAIL}{{2}}|[\xf0-\xf4]{_TRAIL}{{3}}")


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
        text = _decode(body[length:], name)
        lost = impossible_share(_foreign(text, name))
        if lost <= TOLERATED or (lost <= HOPELESS and name == "utf-8"):
            return Decoded(text, name)
        if name != "utf-8":
            raise Undecodable("mojibake", name, lost)
        body = body[length:]  # a mark that somebody put before text in another encoding
    unmarked = sniff.wide(body)
    if unmarked:
        text = _decode(body, unmarked)
        lost = impossible_share(_foreign(text, unmarked))
        if lost > HOPELESS:
            raise Undecodable("mojibake", unmarked, lost)
        return Decoded(text, unmarked)
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
            return Decoded(undoubled(text) if _twice(body) else text, "utf-8")
    except UnicodeDecodeError as error:
        if _nearly_utf8(body, error.start):
            text = body.decode("utf-8", "replace")
            return Decoded(undoubled(text) if _twice(body) else text, "utf-8")
    for name in declared:
        if name and not name.startswith(("utf-16", "utf-32")):
            text = _decode(body, name)
            if _believable(text, name):
                return Decoded(text, name)
    score, sketch, name = max(_candidates(body, declared), key=lambda c: c[0])
    if score < -HOPELESS * 10:
        raise Undecodable("mojibake", name, impossible_share(_foreign(sketch, name)))
    name = _best_sibling(name, sketch, body)
    return Decoded(_decode(body, name), name)


def _candidates(body: bytes, declared: list[str | None]) -> list[tuple[float, str, str]]:
    """(plausibility, text, name) of every encoding worth a try, the detected one first (it wins a tie).

    The text is that of the beginning: tests do not look further.
    """
    body = _scored(body)
    detected = name_of(detect_encoding(body[:DETECT_BYTES], html5_compatible=False) or "")
    names = [detected, *declared, "utf-8", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp", "windows-1252", "johab"]
    out = []
    for name in dict.fromkeys(n for n in names if n and not n.startswith(("utf-16", "utf-32"))):
        text = _sketch(body, name)
        if 0 < text.count("\ufffd") <= _FEW:
            text = _decode(body, name)
        runs = _foreign(text, name)
        score = common_share(runs, name) if name in MULTIBYTE or name == "utf-8" else 0.0
        # uchardet has models of many languages; our own evidence (frequent characters) outvotes it when it is strong.
        score += 0.25 * (name == detected) - 10 * impossible_share(runs)
        if not _plausible(runs, name):
            score -= 10 * HOPELESS + 0.3
        out.append((score, text, name))
    return out


def _scored(body: bytes) -> bytes:
    """As much of the body's beginning as tells encodings apart."""
    for size in SCORED:
        part = body[:size]
        if len(part.translate(None, _ASCII)) >= 2 * SAMPLE:
            break
    return part


def _believable(text: str, name: str) -> bool:
    """Whether a declared encoding gave text. One broken character may always be: pages are cut and patched."""
    runs = _foreign(text, name)
    size = min(sum(map(len, runs)), SAMPLE)
    return impossible_share(runs) <= max(TOLERATED, 1 / size if size >= 5 else 0) and _plausible(runs, name)


def _plausible(runs: list[str], name: str) -> bool:
    """Frequent characters for East Asia; accented letters that stand singly for Latin scripts."""
    if name in MULTIBYTE:
        sample = _sample(runs)
        # Shift JIS has a half-width kana for nearly every byte, and nobody writes whole texts in them.
        if name == "shift_jis" and len(sample) >= 6 and len(_HALF_WIDTH.findall(sample)) > 0.4 * len(sample):
            return False
        return len(sample) < 40 or len(_WIDE.findall(sample)) < len(sample) * 0.3 or common_share(runs, name) > 0.12
    if name in _LATIN:
        size = sum(map(len, runs))
        # A rule of dashes or dots is one sign many times.
        long = sum(len(run) for run in runs if len(run) > 3 and len(set(run)) > 1)
        odd = _ODD.findall(_sample(runs))  # lead bytes of Big5 and Shift JIS, whose second bytes may be ASCII
        return size < 8 or (long <= 0.5 * size and (len(set(odd)) < 3 or len(odd) <= 0.3 * min(size, SAMPLE)))
    return True


def _nearly_utf8(body: bytes, start: int) -> bool:
    """Whether a body whose first invalid byte is at `start` is UTF-8 with some damaged characters.

    Text in another encoding is invalid at nearly every character, so the first few errors tell.
    """
    good, bad = _characters(body[max(start - _NEARBY, 0) : start]), 1
    at = _after_damage(body, start)
    while bad <= _DAMAGES:
        part = body[at : at + _NEARBY]
        try:
            part.decode("utf-8")
            good += _characters(part)
            break
        except UnicodeDecodeError as error:
            good += _characters(part[: error.start])
            if len(part) == _NEARBY and error.start > _NEARBY - 4:
                break  # the window cuts a character
            bad += 1
            at = _after_damage(body, at + error.start)
        if bad > 3 and good < 8 * bad:
            return False
    return good >= 8 * bad or (bad <= 2 and good >= 4 * bad)


def _characters(part: bytes) -> int:
    """Bytes that begin a character beyond ASCII in UTF-8."""
    return len(part) - len(part.translate(None, _LEADS))


def _after_damage(body: bytes, at: int) -> int:
    """The place after an invalid byte and what is left of its character."""
    at += 1
    end = min(at + 3, len(body))
    while at < end and 0x80 <= body[at] < 0xC0:
        at += 1
    return at


def _twice(body: bytes) -> bool:
    """A quick look for letters "Â" to "ô" before the characters that stand for trailing bytes in Windows-1252."""
    return len(_TWICE.findall(body, 0, 6 * SEARCHED)) >= 3


def undoubled(text: str) -> str:
    """Text whose UTF-8 was taken for Windows-1252 and encoded again ("Ã©" for "é") as it was before; else unchanged."""
    sample = _sample(foreign_runs(text))
    found = _DOUBLED.findall(sample)
    if len(found) < 3 or sum(map(len, found)) < 0.5 * len(sample):
        return text
    return _DOUBLED.sub(_once, text)


def _once(doubled: re.Match[str]) -> str:
    try:
        return bytes(_BYTE_OF[c] for c in doubled[0]).decode("utf-8")
    except UnicodeDecodeError:
        return doubled[0]


def _broken_case(text: str) -> int:
    """Capitals with accents behind small letters: in a word they come from a wrong decoding."""
    return len(_BROKEN_CASE.findall(text, 0, 6 * SEARCHED))


def _best_sibling(name: str, sketch: str, body: bytes) -> str:
    """Encodings that agree on most bytes: the one without capitals inside words, if the best one has some."""
    for sibling in _SIBLINGS.get(name, ()) if _broken_case(sketch) else ():
        other = _sketch(body[: SCORED[-1]], sibling)
        if not _broken_case(other) and impossible_share(_foreign(other, sibling)) <= TOLERATED:
            return sibling
    return name


def _foreign(text: str, name: str) -> list[str]:
    """The first non-ASCII characters of a text: in runs where the test of an encoding needs runs, else in one piece."""
    if name in _LATIN:
        return foreign_runs(text)
    for size in (SEARCHED, 6 * SEARCHED):
        # Ten times as fast as an expression.
        found = text[:size].encode("utf-8", "surrogatepass").translate(None, _ASCII)
        if found:
            return [found.decode("utf-8", "surrogatepass")]
    return []


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


def _sketch(body: bytes, name: str) -> str:
    """A quick decoding for comparisons; what cannot be decoded becomes U+FFFD."""
    codecs = codecs_of(name)
    for codec in codecs:
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    texts = [body.decode(codec, "replace") for codec in codecs]
    return min(texts, key=lambda t: t.count("\ufffd"))


def _decode(body: bytes, name: str) -> str:
    """Decode with the codec that loses least; what cannot be decoded becomes U+FFFD."""
    text = _sketch(body, name)
    if name not in MULTIBYTE or "\ufffd" not in text:
        return text
    texts = [text, *(_mended(body, codec) for codec in codecs_of(name))]
    return min(texts, key=lambda t: (impossible_share(_foreign(t, name)), -common_share(_foreign(t, name), name)))


def _mended(body: bytes, codec: str) -> str:
    """Decode with another step after a damaged byte where that reads better: otherwise the second half of a character
    is taken for a first one, and so on to the end of the line."""
    pieces: list[str] = []
    at = 0
    for _ in range(_DAMAGES):
        try:
            pieces.append(body[at:].decode(codec))
            return "".join(pieces)
        except UnicodeDecodeError as error:
            bad = at + error.start
            pieces += (body[at:bad].decode(codec, "replace"), "\ufffd")
            skips = (bad + 1, bad + 2) if bad + 1 < len(body) and body[bad + 1] >= 0x40 else (bad + 1,)
            at = min(skips, key=lambda start: _oddness(body[start : start + _AHEAD], codec))
    pieces.append(body[at:].decode(codec, "replace"))
    return "".join(pieces)


def _oddness(part: bytes, codec: str) -> int:
    text = part.decode(codec, "replace")
    return 3 * len(_IMPOSSIBLE.findall(text[:-1])) - len(_COMMON.findall(text))


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
