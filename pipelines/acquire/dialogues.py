"""Conversations as turns: ShareGPT, OpenAI messages, OpenAssistant trees, transcripts, plain dialogues.

Who speaks is a letter in the order of first words (A, B, …): names and handles of people never get into a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipelines.acquire.values import Malformed, View, entries, fold, nested, plain, tidy

Fields = dict[str, Any]
_SPEAKER = ("from", "role", "speaker", "author", "user", "name", "nick", "sender", "角色", "说话人")
_WORDS = ("value", "content", "text", "utterance", "message", "内容", "文本")
_HH = re.compile(r"(?:\A|\n\n)(Human|Assistant|H|A):")
MAX_TREE_DEPTH = 200


class Speakers:
    """Letters for whoever speaks, by order of appearance: A … Z, AA, AB, …"""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def letter(self, who: str) -> str:
        return self._letters.setdefault(who, _letters(len(self._letters)))

    def known(self, who: str) -> str | None:
        return self._letters.get(who)


def _letters(number: int) -> str:
    out = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        out = chr(65 + rest) + out
    return out


def turns_of(value: Any, field: str) -> tuple[str, list[Fields]]:
    """System text (empty where there is none) and turns of a list of messages or bare strings, taken by turns."""
    speakers, system, turns = Speakers(), [], []
    for place, message in enumerate(entries(value, field)):
        if isinstance(message, str):
            who, words = str(place % 2), tidy(message)
        elif isinstance(message, Mapping):
            folded = {fold(name): each for name, each in message.items()}
            who = str(next((folded[name] for name in _SPEAKER if folded.get(name) is not None), place % 2))
            words = _words(next((folded[name] for name in _WORDS if folded.get(name) is not None), None), field)
        else:
            raise Malformed("field_type", field)
        if who.lower() in ("system", "developer"):
            system.append(words)
        elif words:
            turns.append({"speaker": speakers.letter(who), "text": words})
    return "\n\n".join(filter(None, system)), turns


def _words(value: Any, field: str) -> str:
    """What was said; the text parts of a message that has parts."""
    if not isinstance(value, list):
        return plain(value, field)
    texts = [part if isinstance(part, str) else part.get("text") for part in value if isinstance(part, str | Mapping)]
    return "\n\n".join(filter(None, (plain(text, field) for text in texts)))


def dialogue(view: View) -> Iterator[Fields]:
    """One conversation; a message list under `turns` in any of the usual forms."""
    system, turns = turns_of(view.get("turns"), "turns")
    if not turns:
        raise Malformed("missing_field", "turns")
    yield {"title": view.text("title"), "system": view.text("system") or system, "turns": turns}


class Lettered(list[Fields]):
    """Turns whose speakers are letters already, in the texts too (see `rows_lines`)."""


def channel(view: View) -> Iterator[Fields]:
    """A conversation of a channel log, or any other with turns."""
    turns = view.get("turns")
    if isinstance(turns, Lettered):
        yield {"turns": turns}
    else:
        yield from dialogue(view)


def transcript(text: str) -> list[Fields]:
    """The turns of an HH-RLHF transcript ("\\n\\nHuman: … \\n\\nAssistant: …"); one turn of A where it is none."""
    marks = list(_HH.finditer(text))
    if not marks or text[: marks[0].start()].strip():
        return [{"speaker": "A", "text": tidy(text)}] if text.strip() else []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    turns = [
        {"speaker": "A" if mark[1][0] == "H" else "B", "text": tidy(text[mark.end() : end])}
        for mark, end in zip(marks, ends, strict=True)
    ]
    return [turn for turn in turns if turn["text"]]


def is_transcript(value: Any) -> bool:
    return isinstance(value, str) and bool(_HH.match(value))


# OpenAssistant: trees of messages, as one nested record or as one row per message


def tree(messages: Iterable[Mapping[str, Any]]) -> Fields:
    """The tree of messages that name their parent, depth first, best rank first, each with its outline number.

    Replies to a deleted or unknown message go with it. Raises Malformed where no message is the root.
    """
    children: dict[str, list[Mapping[str, Any]]] = {}
    roots = []
    for message in messages:
        if message.get("deleted") is True:
            continue
        parent = message.get("parent_id")
        if parent in (None, ""):
            roots.append(message)
        else:
            children.setdefault(str(parent), []).append(message)
    if not roots:
        raise Malformed("missing_field", "parent_id")
    turns: list[Fields] = []
    speakers = Speakers()
    stack = [(root, str(at) if len(roots) > 1 else "1") for at, root in enumerate(roots, 1)][::-1]
    while stack:
        message, number = stack.pop()
        words = plain(message.get("text"), "text")
        if words:
            turns.append({"number": number, "speaker": speakers.letter(str(message.get("role"))), "text": words})
        replies = sorted(children.pop(str(message.get("message_id")), []), key=_rank)
        if replies and number.count(".") >= MAX_TREE_DEPTH:
            raise Malformed("too_deep", "parent_id", number.count("."), MAX_TREE_DEPTH)
        stack += [(reply, f"{number}.{at}") for at, reply in enumerate(replies, 1)][::-1]
    if not turns:
        raise Malformed("missing_field", "text")
    lang = next((m.get("lang") for m in roots if isinstance(m.get("lang"), str)), None)
    return {"lang": lang, "turns": _linear(turns)}


def _rank(message: Mapping[str, Any]) -> tuple[float, str]:
    rank = message.get("rank")
    return (float(rank) if isinstance(rank, int | float) else float("inf"), str(message.get("message_id")))


def _linear(turns: list[Fields]) -> list[Fields]:
    """Without numbers where nothing branches."""
    if any(set(turn["number"].split(".")) != {"1"} for turn in turns):
        return turns
    return [{"speaker": turn["speaker"], "text": turn["text"]} for turn in turns]


def nested_tree(view: View) -> Iterator[Fields]:
    """A tree whose messages hold their `replies`, as OpenAssistant publishes them."""
    root = nested(view.get("prompt"))
    if not isinstance(root, Mapping):
        raise Malformed("field_type", "prompt")
    flat: list[Fields] = []
    stack: list[tuple[Mapping[str, Any], str | None, int]] = [(root, None, 0)]
    while stack:
        message, parent, depth = stack.pop()
        if depth > MAX_TREE_DEPTH:
            raise Malformed("too_deep", "replies", depth, MAX_TREE_DEPTH)
        key = str(len(flat)).zfill(9)
        flat.append({**message, "message_id": key, "parent_id": parent})
        replies = message.get("replies") or []
        if not isinstance(replies, list) or not all(isinstance(each, Mapping) for each in replies):
            raise Malformed("field_type", "replies")
        stack += [(reply, key, depth + 1) for reply in reversed(replies)]
    yield tree(flat)
