"""Text to words: the one segmentation that every measure of contam shares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from contam_metrics import unicode_tables
from contam_metrics.batch import Batch


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a batch, documents kept apart: document ``i`` has words ``bounds[i]:bounds[i + 1]``.

    A word is a maximal run of letters and marks, or of digits; in scripts without spaces (Han, kana, Thai,
    Lao, Khmer, Myanmar) each code point is one. Words are case-folded and stand as 64-bit hashes that are the
    same on every machine; bit 0 is set for numbers. Everything else but white space is a *symbol*: counted,
    no word. The literal ``<unk>`` is counted apart.

    ``hashes`` uint64[n]; ``starts``, ``ends`` int32[n], byte positions in ``batch.data``; ``lengths`` int32[n]
    in code points; ``bounds`` int64[documents + 1]; ``symbols``, ``unks`` int64[documents].
    """

    batch: Batch
    hashes: NDArray[np.uint64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    lengths: NDArray[np.int32]
    bounds: NDArray[np.int64]
    symbols: NDArray[np.int64]
    unks: NDArray[np.int64]
    newlines: NDArray[np.uint64]
    """Bit mask of the newline bytes, counted from ``batch.offsets[0]`` on."""

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return len(self.bounds) - 1


class Workspace:
    """Arrays reused from one batch to the next, so that cutting does not ask the system for memory each time."""

    def __init__(self) -> None:
        self._size = -1

    def arrays(self, size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32]]:
        """(byte masks, hashes, places) with room for ``size`` bytes of text."""
        if size > self._size:
            self._size = size + size // 4 + 64
            self._masks = np.empty((6, (self._size >> 6) + 2), np.uint64)
            self._hashes = np.empty(self._size, np.uint64)
            self._places = np.empty((3, self._size), np.int32)
        return self._masks, self._hashes, self._places


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    return unicode_tables.load()


def _cut(batch: Batch, workspace: Workspace, unk: int) -> Words:
    from contam_metrics.kernels.calls import cut_batch

    classes, fold = _tables()
    masks, hashes, places = workspace.arrays(batch.nbytes)
    bounds = np.empty(len(batch) + 1, np.int64)
    tallies = np.empty((2, len(batch)), np.int64)
    n = cut_batch(
        batch.data, batch.offsets, classes, fold, masks, hashes, places, bounds, tallies, np.uint64(unk)
    )
    starts, ends, lengths = places[:, :n]
    blocks = (batch.nbytes + 63) >> 6
    return Words(batch, hashes[:n], starts, ends, lengths, bounds, tallies[0], tallies[1], masks[4, :blocks])


def cut(batch: Batch, workspace: Workspace | None = None) -> Words:
    """Cut a batch into words.

    With a ``workspace`` the arrays of the result are views that the next cut with it overwrites.
    Batches hold at most 2 GiB.
    """
    if batch.nbytes >= 2**31:
        raise ValueError(f"a batch holds at most 2 GiB of text, this one {batch.nbytes} bytes")
    return _cut(batch, workspace or Workspace(), word_hash("unk"))


@cache
def word_hash(word: str) -> int:
    """The hash that stands for one word, for instance ``word_hash("the")``; the text must be exactly one word."""
    words = _cut(Batch.of([word]), Workspace(), 0)
    if len(words) != 1:
        raise ValueError(f"{word!r} is {len(words)} words, not one")
    return int(words.hashes[0])
