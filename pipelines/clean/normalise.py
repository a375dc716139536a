"""Light normalisation of texts, with edits over the text before.

What is done, and nothing else: control, zero-width, directional and tag characters go; every line break becomes one
newline; spaces at the end of a line and empty lines beyond two go, at both ends of the text all of them; in Chinese
texts spaces (not tabs) between two Chinese characters go, except in fenced code; what is then not in Unicode
normalisation form C is composed (Unicode Standard Annex 15: canonical equivalents only, never NFKC, which would change
figures and full-width forms).
Media keys are copied as they are.

Two compiled passes over UTF-8: `mark` says for each byte what becomes of it, `rewrite` writes texts and edits.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import regex
from numba import njit
from numpy.typing import NDArray

from pipelines.atoms import MEDIA_KEY
from pipelines.characters import decode, is_han, is_space, media_end
from pipelines.edits import Edit, apply_edits, as_dicts, compose
from pipelines.schemas import EDITS
from pipelines.texts import Texts

KEEP, DELETE, BREAK, JOIN = 0, 1, 2, 3  # JOIN: a space between Chinese characters, deleted in Chinese texts only
KEPT_NEWLINES = 3  # two empty lines
_STARTS = KEPT_NEWLINES  # a text starts as if its empty lines had been used up

# A character in front, then everything that may change or compose under NFC.
_UNSTABLE = regex.compile(rf"{MEDIA_KEY}(*SKIP)(*FAIL)|[^\n⟧]?[\P{{ccc=0}}\p{{NFC_QC=M}}\p{{NFC_QC=N}}]+")


class Marked(NamedTuple):
    actions: NDArray[np.uint8]  # per byte of the buffer
    unstable: NDArray[np.bool_]  # per text: holds characters that NFC might change
    removed: NDArray[np.int64]  # per text: control characters that go


class Rewritten(NamedTuple):
    texts: Texts
    edits: pa.Array  # per text: list of edits


def mark(texts: Texts) -> Marked:
    actions = np.zeros(len(texts.data), np.uint8)
    unstable = np.zeros(len(texts), np.bool_)
    removed = np.zeros(len(texts), np.int64)
    _mark(texts.data, texts.offsets, actions, unstable, removed)
    return Marked(actions, unstable, removed)


def rewrite(texts: Texts, marked: Marked, chinese: NDArray[np.bool_]) -> Rewritten:
    """The normalised texts; `chinese` says in which of them spaces between Chinese characters go."""
    data, offsets = texts.data, texts.offsets
    counts = _count_edits(offsets, marked.actions, chinese)
    at = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    out = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    ends = np.zeros(len(texts) + 1, np.int64)
    edits = np.empty((3, int(at[-1])), np.int64)
    _rewrite(data, offsets, marked.actions, chinese, out, ends, at, edits)
    values = pa.StructArray.from_arrays([pa.array(column) for column in edits], fields=list(EDITS.value_type))
    return Rewritten(Texts(out[: ends[-1]], ends), pa.ListArray.from_arrays(pa.array(at, pa.int32()), values, EDITS))


def compose_marks(text: str) -> tuple[str, list[Edit]]:
    """`text` in normalisation form C outside media keys, with edits over `text` (per sequence that changes)."""
    if unicodedata.is_normalized("NFC", text):
        return text, []
    replacements = []
    for match in _UNSTABLE.finditer(text):
        old, new = match.group(), unicodedata.normalize("NFC", match.group())
        if old != new:
            kept = 1 if old[0] == new[0] else 0
            replacements.append((match.start() + kept, match.end(), new[kept:]))
    return apply_edits(text, replacements)


def precompose(texts: Texts, marked: Marked) -> dict[int, tuple[str, list[Edit]]]:
    """Texts that are not in form C once control characters are gone: row → composed text and its edits."""
    done: dict[int, tuple[str, list[Edit]]] = {}
    for row in np.flatnonzero(marked.unstable).tolist():
        start, end = texts.offsets[row], texts.offsets[row + 1]
        one = Texts(texts.data[start:end], np.array([0, end - start], np.int64))
        plain = rewrite(one, mark(one), np.zeros(1, np.bool_))
        text, edits = compose_marks(plain.texts.text(0))
        if edits:
            before = [Edit(e["start"], e["end"], e["new_length"]) for e in plain.edits[0].as_py()]
            done[row] = text, compose(before, edits)
    return done


def prepend(edits: pa.Array, earlier: dict[int, tuple[str, list[Edit]]]) -> pa.Array:
    """`edits`, preceded in some rows by those of an earlier pass."""
    if not earlier:
        return edits
    rows = edits.to_pylist()
    for row, (_, before) in earlier.items():
        rows[row] = as_dicts(compose(before, [Edit(e["start"], e["end"], e["new_length"]) for e in rows[row]]))
    return pa.array(rows, EDITS)


@njit(cache=True, inline="always")
def _goes(c):  # type: ignore[no-untyped-def]
    """Control characters, zero-width and directional ones, tags and noncharacters: nothing that a reader sees."""
    if c < 0x80:
        return c < 0x20 or c == 0x7F
    if c < 0x2000:
        return c < 0xA0 or c == 0xAD or c == 0x61C or c == 0x180E
    if c < 0x2070:
        return 0x200B <= c <= 0x200F or 0x202A <= c <= 0x202E or 0x2060 <= c <= 0x206F
    return c == 0xFEFF or 0xFFF9 <= c <= 0xFFFB or 0xFDD0 <= c <= 0xFDEF or (c & 0xFFFE) == 0xFFFE \
        or 0xE0000 <= c <= 0xE007F  # fmt: skip


@njit(cache=True, inline="always")
def _stable(c):  # type: ignore[no-untyped-def]
    """Ranges in which every character is its own NFC and composes with nothing: the bulk of real texts."""
    return c < 0x300 or 0x4E00 <= c <= 0x9FFF or 0x2010 <= c <= 0x20CF or 0x2190 <= c <= 0x2328 \
        or 0x2500 <= c <= 0x27FF or 0x3000 <= c <= 0x3029 or 0x3030 <= c <= 0x3098 or 0x309B <= c <= 0x4DBF \
        or 0x370 <= c <= 0x373 or 0x375 <= c <= 0x377 or 0x388 <= c <= 0x482 or 0x48A <= c <= 0x52F \
        or 0xAC00 <= c <= 0xD7A3 or 0xFE30 <= c <= 0xFE4F or 0xFF01 <= c <= 0xFFEE or 0x1F000 <= c <= 0x1FAFF \
        or 0x20000 <= c <= 0x2F7FF  # fmt: skip


@njit(cache=True, inline="always")
def _breaks(c):  # type: ignore[no-untyped-def]
    """Ends of lines of every kind."""
    return 0x0A <= c <= 0x0D or 0x1C <= c <= 0x1E or c == 0x85 or c == 0x2028 or c == 0x2029


@njit(cache=True)
def _ticks(data, i, end):  # type: ignore[no-untyped-def]
    """The number of backticks that open a fence on the line at `i` (behind quotation marks and spaces), else 0;
    negative where more than spaces follows, so that they cannot close one (CommonMark 0.31, section 4.5)."""
    if i < end and (0xE4 <= data[i] < 0xEA or (0x20 < data[i] < 0x7F and data[i] != 0x60 and data[i] != 0x3E)):
        return 0  # most lines begin with a letter
    count = 0
    behind = False  # the run of backticks
    bare = True
    while i < end:
        c, size = decode(data, i)
        i += size
        if _breaks(c):
            break
        space = is_space(c)
        if _goes(c) and not space:
            continue
        if c == 0x60:
            if behind:
                return 0
            count += 1
        elif count:
            if count < 3:
                return 0
            behind = True
            bare = bare and space
        elif not space and c != 0x3E:
            return 0
    if count < 3:
        return 0
    return count if bare else -count


@njit(cache=True)
def _mark(data, offsets, actions, unstable, removed):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        i, end = offsets[row], offsets[row + 1]
        spaces = -1  # where the current run of spaces began; vanishing characters may lie within
        tab = False  # in that run
        after_han = False  # the last visible character on this line is Chinese
        newlines = _STARTS
        last = i  # behind the last visible character
        fence = abs(_ticks(data, i, end))  # backticks around the code that this line is in; 0 outside
        while i < end:
            b = data[i]
            if 0x20 < b < 0x7F:
                spaces = -1
                after_han = False
                newlines = 0
                i += 1
                last = i
                continue
            c, size = decode(data, i)
            newline = False
            if c == 0x0A:
                newline = True
            elif c == 0x0D and i + 1 < end and data[i + 1] == 0x0A:
                actions[i] = DELETE
            elif _breaks(c):
                newline = True
                actions[i] = BREAK
                actions[i + 1 : i + size] = DELETE
            elif is_space(c):
                if spaces < 0:
                    spaces = i
                    tab = False
                tab = tab or c == 0x09
                unstable[row] |= not _stable(c)  # en quad and em quad
            elif _goes(c):
                actions[i : i + size] = DELETE
                removed[row] += c < 0xA0
            else:
                atom = media_end(data, i, end) if c == 0x27E6 else -1
                if atom >= 0:
                    size = atom - i
                elif not _stable(c):
                    unstable[row] = True
                han = is_han(c)
                if han and after_han and spaces >= 0 and not tab and not fence:
                    for j in range(spaces, i):
                        if actions[j] == KEEP:
                            actions[j] = JOIN
                after_han = han
                spaces = -1
                newlines = 0
                last = i + size
            if newline:
                if spaces >= 0:
                    actions[spaces:i] = DELETE
                newlines += 1
                if newlines > KEPT_NEWLINES:
                    actions[i : i + size] = DELETE
                spaces = -1
                after_han = False
                run = _ticks(data, i + size, end)
                if run and not fence:
                    fence = abs(run)
                elif run >= fence:
                    fence = 0
            i += size
        actions[last:end] = DELETE


@njit(cache=True, inline="always")
def _action(actions, i, chinese):  # type: ignore[no-untyped-def]
    """What becomes of a byte: KEEP, DELETE or BREAK."""
    a = actions[i]
    if a == JOIN:
        return DELETE if chinese else KEEP
    return a


@njit(cache=True)
def _count_edits(offsets, actions, chinese):  # type: ignore[no-untyped-def]
    counts = np.zeros(len(offsets) - 1, np.int64)
    for row in range(len(offsets) - 1):
        edit = False
        for i in range(offsets[row], offsets[row + 1]):
            kept = _action(actions, i, chinese[row]) == KEEP
            if not kept and not edit:
                counts[row] += 1
            edit = not kept
    return counts


@njit(cache=True)
def _rewrite(data, offsets, actions, chinese, out, ends, at, edits):  # type: ignore[no-untyped-def]
    written = 0
    for row in range(len(offsets) - 1):
        place = 0  # of the current character in the old text
        edit = at[row] - 1
        editing = False
        for i in range(offsets[row], offsets[row + 1]):
            b = data[i]
            action = _action(actions, i, chinese[row])
            if action == KEEP:
                out[written] = b
                written += 1
                editing = False
                place += (b & 0xC0) != 0x80
                continue
            if not editing:
                edit += 1
                edits[0, edit] = place
                edits[2, edit] = 0
                editing = True
            if action == BREAK:
                out[written] = 0x0A
                written += 1
                edits[2, edit] += 1
            place += (b & 0xC0) != 0x80
            edits[1, edit] = place
        ends[row + 1] = written
