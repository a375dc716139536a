"""Repetition within a text: lines and paragraphs seen before, the most frequent n-gram, n-grams seen before.

The measures are those of Gopher (Rae et al. 2021, table A1) as its open implementations compute them: shares of the
characters of the text; a repeated n-gram counts once where it overlaps with itself.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipelines.clean.words import Words

TOP = (2, 3, 4)  # words of the n-grams whose most frequent one is looked for
REPEATED = (5, 6, 7, 8, 9, 10)  # words of the n-grams that may be seen before

_BASE = np.uint64(0x9E3779B97F4A7C15)


def of_words(words: Words, characters: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Shares by name (`top_2_gram`, `repeated_5_gram`, ...) of texts that are `characters` long; NaN for empty ones."""
    sizes = np.array((*TOP, *REPEATED), np.int64)
    covered = _ngrams(words.offsets, words.hashes, words.characters, sizes, len(TOP))
    whole = characters.astype(np.float64)[:, None]
    shares = np.divide(covered, whole, out=np.full(covered.shape, np.nan), where=whole > 0)
    names = (*(f"top_{n}_gram" for n in TOP), *(f"repeated_{n}_gram" for n in REPEATED))
    return {name: shares[:, at] for at, name in enumerate(names)}


@njit(cache=True, inline="always")
def slot_of(keys, stamps, stamp, key):  # type: ignore[no-untyped-def]
    """Place of `key` in an open-addressing table, and whether it is new there; entries with other stamps are empty."""
    mask = np.uint64(len(keys) - 1)
    at = ((key ^ key >> np.uint64(32)) * _BASE >> np.uint64(20)) & mask
    while stamps[at] == stamp and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    new = stamps[at] != stamp
    if new:
        stamps[at] = stamp
        keys[at] = key
    return at, new


@njit(cache=True)
def table_size(entries):  # type: ignore[no-untyped-def]
    """A power of two that `entries` fill at most to the half."""
    size = 64
    while size < 2 * entries:
        size *= 2
    return size


@njit(cache=True)
def _ngrams(offsets, hashes, characters, sizes, tops):  # type: ignore[no-untyped-def]
    """float64[texts, sizes]: characters that the most frequent n-gram covers, or that repeated n-grams cover."""
    rows = len(offsets) - 1
    out = np.zeros((rows, len(sizes)))
    longest = 0
    for row in range(rows):
        longest = max(longest, offsets[row + 1] - offsets[row])
    size = table_size(longest)
    keys, stamps = np.empty(size, np.uint64), np.zeros(size, np.int64)
    counts, first = np.empty(size, np.int64), np.empty(size, np.int64)
    prefix = np.empty(longest + 1, np.uint64)
    lengths = np.empty(longest + 1, np.int64)
    stamp = 0
    for row in range(rows):
        a, n_words = offsets[row], offsets[row + 1] - offsets[row]
        prefix[0] = 0
        lengths[0] = 0
        for k in range(n_words):
            prefix[k + 1] = prefix[k] * _BASE + hashes[a + k]
            lengths[k + 1] = lengths[k] + characters[a + k]
        size = table_size(n_words)
        some_keys, some_stamps = keys[:size], stamps[:size]
        for place in range(len(sizes)):
            n = sizes[place]
            stamp += 1
            power = np.uint64(1)
            for _ in range(n):
                power *= _BASE
            if place < tops:
                best = best_first = 0
                for k in range(n_words - n + 1):
                    key = prefix[k + n] - prefix[k] * power
                    at, new = slot_of(some_keys, some_stamps, stamp, key)
                    if new:
                        counts[at] = 0
                        first[at] = k
                    counts[at] += 1
                    if counts[at] > best or (counts[at] == best and first[at] < best_first):
                        best, best_first = counts[at], first[at]
                if best:
                    out[row, place] = best * (lengths[best_first + n] - lengths[best_first] + n - 1)
            else:
                k = 0
                while k < n_words - n + 1:
                    key = prefix[k + n] - prefix[k] * power
                    _, new = slot_of(some_keys, some_stamps, stamp, key)
                    if new:
                        k += 1
                    else:
                        out[row, place] += lengths[k + n] - lengths[k]
                        k += n
    return out
