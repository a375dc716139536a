"""Text files that hold many records, a line each or several: logs of requests, logs of chat channels.

They look like any other text, so a source has to name their shape: `request_log` or `irc`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

from pipelines.acquire import documents
from pipelines.acquire.dialogues import Lettered, Speakers
from pipelines.acquire.items import Item, Refused
from pipelines.acquire.records import BadRow, Row, items
from pipelines.acquire.request_logs import parse_line
from pipelines.acquire.shapes import LINE_SHAPES
from pipelines.acquire.textfile import Text
from pipelines.acquire.values import Malformed, tidy
from pipelines.extract.decode import Undecodable
from pipelines.params import SourceParams

MAX_LINE = 1_000_000  # characters
GAP_MINUTES = 30  # of silence end a conversation
MAX_TURNS = 400
MAX_NICKS = 100_000  # of a file that are remembered
_SAID = re.compile(r"\[?(\d\d):(\d\d)(?::\d\d)?\]?\s+<[ @+%~&]?([^<>\s]{1,64})>\s?(.*)\Z", re.DOTALL)
_ELSE = re.compile(r"(?:\[?\d\d:\d\d(?::\d\d)?\]?\s+)?(?:\*|===|-!-|---|\*\*\*|-->|<--)")
_NICK = re.compile(r"[A-Za-z0-9_\-\[\]\\^{}|`]+")


def read_text(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """A text file: a document, or the records of a log where the source names a shape of logs."""
    yield from (read if source.shape in LINE_SHAPES else documents.read)(stream, name, source)


def read(stream: IO[bytes], name: str, source: SourceParams) -> Iterator[Item | Refused]:
    """The records of a log as items."""
    try:
        text = Text(stream)
    except Undecodable as error:
        yield Refused(name, "undecodable", error.value, detail=error.rule, lost=True)
        return
    rows = chat_rows(_lines(text)) if source.shape == "irc" else _requests(_lines(text))
    yield from items(rows, name, source)


def _lines(text: Text) -> Iterator[tuple[int, str] | BadRow]:
    for number, line in text.lines(MAX_LINE):
        if line is None:
            yield BadRow(number, "too_large", threshold=MAX_LINE)
        elif text.damaged(line):
            yield BadRow(number, "undecodable", detail=text.charset)
        elif line.strip():
            yield number, line


def _requests(lines: Iterator[tuple[int, str] | BadRow]) -> Iterator[Row | BadRow]:
    for line in lines:
        if isinstance(line, BadRow):
            yield line
            continue
        try:
            yield Row(line[0], parse_line(line[1]))
        except Malformed as error:
            yield BadRow(line[0], error.rule)


def chat_rows(lines: Iterator[tuple[int, str] | BadRow]) -> Iterator[Row | BadRow]:
    """Conversations of a channel log: ended by half an hour of silence or by their length.

    Nicks become letters, also where somebody is called by one. Joins, parts and actions are no part of a conversation.
    """
    talk = _Talk()
    for line in lines:
        if isinstance(line, BadRow):
            yield line
            continue
        number, text = line
        match = _SAID.match(text)
        if match is None:
            if not _ELSE.match(text):
                yield BadRow(number, "bad_line")
            continue
        minute = int(match[1]) * 60 + int(match[2])
        if talk.turns and (talk.silence(minute) >= GAP_MINUTES or len(talk.turns) >= MAX_TURNS):
            yield talk.finish()
        talk.say(number, minute, match[3], match[4])
    if talk.turns:
        yield talk.finish()


class _Talk:
    """The conversation that is being read, and every nick of the file so far."""

    def __init__(self) -> None:
        self.turns: list[dict[str, Any]] = []
        self._nicks: set[str] = set()
        self._speakers = Speakers()
        self._first = self._minute = 0

    def silence(self, minute: int) -> int:
        """Minutes since the last word; logs go on past midnight."""
        return (minute - self._minute) % (24 * 60)

    def say(self, number: int, minute: int, nick: str, words: str) -> None:
        if not self.turns:
            self._first = number
        self._minute = minute
        if len(self._nicks) < MAX_NICKS:
            self._nicks.add(nick.casefold())
        words = tidy(words)
        if words:
            self.turns.append({"speaker": nick, "text": words})

    def finish(self) -> Row:
        """The conversation with letters for nicks: only now all who took part are known."""
        here = {turn["speaker"].casefold() for turn in self.turns}
        turns = Lettered(
            {"speaker": self._letter(turn["speaker"]), "text": self._masked(turn["text"], here)} for turn in self.turns
        )
        row = Row(self._first, {"turns": turns})
        self.turns, self._speakers = [], Speakers()
        return row

    def _letter(self, nick: str) -> str:
        return self._speakers.letter(nick.casefold())

    def _masked(self, text: str, here: set[str]) -> str:
        """Nicks as letters: everywhere those who speak `here` and those that are no plain word, others where called."""

        def letter(match: re.Match[str]) -> str:
            nick = match[0]
            if nick.casefold() not in self._nicks:
                return nick
            called = match.start() == 0 and text[match.end() : match.end() + 1] in (":", ",")
            called = called or text[max(0, match.start() - 1) : match.start()] == "@"
            return self._letter(nick) if called or nick.casefold() in here or not nick.isalpha() else nick

        return _NICK.sub(letter, text)
