"""Subtitles and transcripts (SubRip, WebVTT): cues joined to sentences and paragraphs.

WebVTT: https://www.w3.org/TR/webvtt1/. Times, styles and notes are left out; a speaker's name leads each of his turns.
"""

from __future__ import annotations

import re
from html import unescape
from typing import NamedTuple

from pipelines.extract.building import Builder, Built
from pipelines.extract.decode import Undecodable
from pipelines.extract.prose import ends_sentence, glue
from pipelines.extract.result import Extracted
from pipelines.extract.textfile import decoded, refusal, too_little
from pipelines.params import ExtractParams
from pipelines.stage import Verdict

PAUSE_SECONDS = 4.0  # a silence that ends a paragraph
ROLLING_SECONDS = 0.05  # captions that follow on each other so closely may say the lines before once more
PARAGRAPH = 600  # characters after which the next end of a sentence ends the paragraph
_STAMP = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMES = re.compile(rf"[ \t]*{_STAMP}[ \t]*--?>[ \t]*{_STAMP}")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# What a cue holds beside words: tags, styles of Advanced SubStation, signs of music, sounds in brackets.
_NOISE = re.compile(
    r"</?(?:[biuvc]|ruby|rt|lang|font|\d{1,4}:)(?![a-zA-Z])[^<>\n]{0,200}>|</?(?:font|ruby|rt|lang)\b[^<>\n]{0,200}>"
    r"|\{\\[^{}\n]{0,100}\}|[♪♫♬#＃]+(?=\s|$)|(?:^|(?<=\s))[♪♫♬]+"
    r"|[\[［【][^\[\]［］【】\n]{1,40}[\]］】]|[\x00-\x08\x0b-\x1f\x7f\ufeff]+"
)
_ENTITY = re.compile(r"&(?:amp|lt|gt|nbsp|lrm|rlm|quot|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{1,50})*[ \t]+([^<>\n]{1,80})>")
_TURN = re.compile(r"\s{0,5}(?:[-–—‐]\s{0,3}(?=[^\s-])|>>\s{0,3})")


class Piece(NamedTuple):
    """One line of a cue: its span, its times in seconds, the span of the speaker's name, whether another speaks."""

    start: int
    end: int
    begins: float
    ends: float
    voice: tuple[int, int] | None
    turn: bool


class Word(NamedTuple):
    """A span of a line that is said, and the text it stands for."""

    start: int
    end: int
    text: str


def source_text(body: bytes, content_type: str | None, max_bytes: int) -> str:
    """The decoded file. Raises Undecodable."""
    return decoded(body, content_type, max_bytes).text


def read(body: bytes, content_type: str | None, params: ExtractParams, url: str | None = None) -> Extracted | Verdict:
    """What is said, without times."""
    try:
        found = decoded(body, content_type, params.max_page_bytes)
    except Undecodable as error:
        return refusal(error, params)
    built = build(found.text, params.structure)
    verdict = too_little(built, params)
    if verdict:
        return verdict
    return Extracted(
        None, built.text, found.charset, _language(found.text), 1.0, built.edits, kind="subtitles", blocks=built.blocks
    )


def _language(source: str) -> str | None:
    """`Language: en` in the head of a WebVTT file."""
    head = re.match(r"WEBVTT[^\n]{0,200}\n(?:[^\n]{1,200}\n){0,8}?Language:[ \t]*([A-Za-z]{2,3})\b", source)
    return head[1].lower() if head else None


def build(source: str, structure: bool = True) -> Built:
    """One block per paragraph of what is said."""
    builder = Builder(source, structure)
    last = speaker = ""  # the end of the text so far, for joints; who speaks
    said: tuple[str, ...] = ()  # lines of the cue before
    length, before = 0, 0.0
    for cue in _cues(source):
        lines = tuple(source[p.start : p.end].strip() for p in cue)
        rolling = bool(cue) and cue[0].begins - before < ROLLING_SECONDS
        for piece, line in zip(cue, lines, strict=True):
            words = _words(source, piece)
            if not words or (rolling and line in said):
                continue
            named = piece.voice if piece.voice and piece.voice[1] <= words[0].start else None
            name = source[slice(*named)].strip() if named else ""
            changed = piece.turn or (bool(name) and name != speaker)
            full = length > PARAGRAPH and ends_sentence(last)
            if not last or changed or piece.begins - before > PAUSE_SECONDS or full:
                builder.block("paragraph")
                length = 0
                if named and (changed or not last):
                    builder.copy(*_trimmed(source, *named))
                    builder.join(": ")
            else:
                builder.join(glue(last, words[0].text))
            if name or piece.turn:
                speaker = name
            _write(builder, words)
            length += sum(len(w.text) for w in words)
            last, before = words[-1].text, piece.ends
        said, before = lines, max(before, cue[0].ends if cue else before)
    return builder.finish()


def _write(builder: Builder, words: list[Word]) -> None:
    for at, (start, end, text) in enumerate(words):
        if at and any(c.isspace() for c in _NOISE.sub("", builder.source[words[at - 1].end : start])):
            builder.join(glue(words[at - 1].text, text))
        if text == builder.source[start:end]:
            builder.copy(start, end)
        else:
            builder.replace(start, end, text)


def _cues(source: str) -> list[list[Piece]]:
    """The lines of each cue: those between a line of times and the next blank line."""
    cues: list[list[Piece]] = []
    times: tuple[float, float] | None = None
    for found in _LINE.finditer(source):
        line = found[0]
        if not line:
            break
        stamp = _TIMES.match(line)
        if stamp:
            times = (_seconds(stamp.groups()[:4]), _seconds(stamp.groups()[4:]))
            cues.append([])
        elif not line.strip():
            times = None
        elif times:
            cues[-1].append(_piece(found.start(), line, *times))
    return cues


def _piece(at: int, line: str, begins: float, ends: float) -> Piece:
    voice = _VOICE.search(line)
    name = (at + voice.start(1), at + voice.end(1)) if voice else None
    turn = _TURN.match(line)
    return Piece(at, at + len(line.rstrip("\r\n")), begins, ends, name, bool(turn))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (p or "0" for p in parts)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def _trimmed(source: str, start: int, end: int) -> tuple[int, int]:
    text = source[start:end]
    return start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())


def _words(source: str, piece: Piece) -> list[Word]:
    """What is said in a line, in order."""
    out: list[Word] = []

    def plain(start: int, end: int) -> None:
        start, end = _trimmed(source, start, end)
        at = start
        for entity in _ENTITY.finditer(source, start, end):
            if entity.start() > at:
                out.append(Word(at, entity.start(), source[at : entity.start()]))
            text = unescape(entity[0]).strip("\u200e\u200f")
            if text.strip():
                out.append(Word(*entity.span(), text))
            at = entity.end()
        if at < end:
            out.append(Word(at, end, source[at:end]))

    at = piece.start
    if piece.turn:
        found = _TURN.match(source, at, piece.end)
        at = found.end() if found else at
    for noise in _NOISE.finditer(source, at, piece.end):
        plain(at, noise.start())
        at = noise.end()
    plain(at, piece.end)
    return out
