"""Reading PDF files in a process of its own: a crash, a hang or a bomb ends that process and rejects one file.

One reader stays for many files, since starting it costs more than reading a small file. It holds nothing between them,
and is replaced after so many files that leaks cannot add up. A failure counts only on a fresh one, so that what came
before a file never decides about it.
"""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from pipelines.extract.pdf.spans import Page, Pdf, Rule, Span
from pipelines.extract.unreadable import Unreadable

FILES_PER_READER = 200
CPU_SECONDS = 120  # as in child.py, which must not be imported here: it loads PDFium


class _Died(Exception):
    """The reader ended; `args[0]` is its return code."""


class Readers:
    """Access to the reader of this process. Threads wait for each other; a forked process starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._files = 0

    def ask(self, request: dict[str, Any], body: bytes, frames: int) -> list[bytes]:
        """The frames of a reply. Raises Unreadable."""
        with self._lock:
            for _ in range(2):
                fresh = self._ready()
                try:
                    return self._exchange(request, body, frames)
                except _Died as died:
                    self._end()
                    if fresh:
                        raise _refusal(died.args[0]) from None
            raise AssertionError("a second reader is always fresh")

    def _ready(self) -> bool:
        """See to a running reader; whether it is fresh."""
        if self._child is not None and (self._files >= FILES_PER_READER or self._child.poll() is not None):
            self._end()
        if self._child is None:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
            environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipelines.extract.pdf.child"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            )  # fmt: skip
            self._files = 0
        self._files += 1
        return self._files == 1

    def _exchange(self, request: dict[str, Any], body: bytes, frames: int) -> list[bytes]:
        assert self._child is not None and self._child.stdin is not None and self._child.stdout is not None
        try:
            for frame in (orjson.dumps(request), body):
                self._child.stdin.write(len(frame).to_bytes(8, "big"))
                self._child.stdin.write(frame)
            self._child.stdin.flush()
        except BrokenPipeError:
            raise _Died(self._child.wait()) from None
        out = [self._frame()]
        if not out[0].startswith(b'{"refused"'):
            out += [self._frame() for _ in range(frames - 1)]
        return out

    def _frame(self) -> bytes:
        assert self._child is not None and self._child.stdout is not None
        head = self._child.stdout.read(8)
        length = int.from_bytes(head, "big")
        frame = self._child.stdout.read(length) if len(head) == 8 else b""
        if len(head) < 8 or len(frame) < length:
            raise _Died(self._child.wait())
        return frame

    def close(self) -> None:
        """End the reader; the next file gets a fresh one."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


_READERS = Readers()
atexit.register(_READERS.close)
os.register_at_fork(after_in_child=_READERS.__init__)  # type: ignore[misc]


def close_reader() -> None:
    """End the process that reads PDF files, if there is one."""
    _READERS.close()


def _refusal(code: int) -> Unreadable:
    if code == -signal.SIGXCPU:
        return Unreadable("document_limit", "time", None, CPU_SECONDS)
    return Unreadable("broken_document", "reader crashed")


def _checked(frames: list[bytes]) -> dict[str, Any]:
    reply: dict[str, Any] = orjson.loads(frames[0])
    if "refused" in reply:
        rule, detail, value, threshold = reply["refused"]
        raise Unreadable(rule, detail, value, threshold)
    return reply


def read_pdf(body: bytes) -> Pdf:
    """What the pages of a file show. Raises Unreadable with rule `broken_document`, `encrypted_document` or
    `document_limit`."""
    reply = _checked(_READERS.ask({"do": "read"}, body, 1))
    pages = [_page(number, found) for number, found in enumerate(reply["pages"], 1)]
    outline = tuple((level, page, title) for level, page, title in reply["outline"])
    return Pdf(pages, reply["title"], reply["author"], reply["creationdate"], outline)


def _page(number: int, found: dict[str, Any] | None) -> Page:
    if found is None:  # a page that cannot be loaded shows nothing
        return Page(number, 1.0, 1.0, [], [], 0.0, 0, [])
    return Page(
        number,
        found["width"],
        found["height"],
        [Span(*span) for span in found["spans"]],
        [Rule(*rule) for rule in found["rules"]],
        found["pictured"],
        found["unmapped"],
        found["aside"],
    )


def picture(body: bytes, page: int, scale: float) -> NDArray[np.uint8]:
    """A page (from 1) as grey values, rows from the top. Raises Unreadable."""
    frames = _READERS.ask({"do": "picture", "page": page - 1, "scale": scale}, body, 2)
    head = _checked(frames)
    rows = np.frombuffer(frames[1], np.uint8).reshape(head["height"], head["stride"])
    return rows[:, : head["width"]]
