"""A batch as the metrics see it: cut once, everything derived from it computed once, in reused memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contam_metrics.batch import Batch
from contam_metrics.segments import document_hashes
from contam_metrics.words import Words, Workspace, cut

SEQ_REP_WORDS = 200
"""Words of a document that count for seq-rep-4, which grows with length."""
SOURCE = 1 << 38
"""Lines of one source that places have room for."""


class Scratch:
    """Memory that one worker reuses for every batch: tables that are left empty, and scratch arrays."""

    def __init__(self) -> None:
        self.workspace = Workspace()
        self.stamp = 0
        self._sizes: dict[str, NDArray] = {}
        self.table(1 << 12)

    def array(self, name: str, size: int, dtype: type = np.int32) -> NDArray:
        """An array of at least ``size`` entries; its content is whatever was left there, zeros at first."""
        old = self._sizes.get(name)
        if old is None or len(old) < size:
            self._sizes[name] = np.zeros(size + size // 4, dtype)
        return self._sizes[name]

    def pair(self, name: str, size: int) -> NDArray:
        """Two rows of at least ``size`` int32 each."""
        flat = self.array(name, 2 * size)
        return flat[: len(flat) // 2 * 2].reshape(2, -1)

    def table(self, size: int) -> NDArray[np.uint64]:
        """A table of pairs, at least ``size`` rows, a power of two; a new stamp makes it an empty one."""
        old = self._sizes.get("table")
        if old is None or len(old) < size or self.stamp > 2**31:
            self._sizes["table"] = np.zeros((1 << max(12, int(size - 1).bit_length()), 2), np.uint64)
            self.stamp = 0
        return self._sizes["table"]


@dataclass(frozen=True, slots=True)
class Types:
    """The different words of a batch: ``ids`` int32[words] into ``hashes`` uint64 and ``counts`` int64."""

    ids: NDArray[np.int32]
    hashes: NDArray[np.uint64]
    counts: NDArray[np.int64]


class View:
    """One batch with its words and all that several metrics share; arrays are valid until the next view.

    ``label(i)`` names document ``i`` for a person (path and line); ``places`` uint64[D] says the same as numbers, the
    source times `SOURCE` plus the line, in the order in which people look.
    """

    def __init__(
        self,
        batch: Batch,
        scratch: Scratch | None = None,
        label: Callable[[int], str] = str,
        places: NDArray[np.uint64] | None = None,
    ) -> None:
        self.batch = batch
        self.label = label
        self.places = np.arange(len(batch), dtype=np.uint64) if places is None else places
        self.scratch = scratch or Scratch()
        self.words: Words = cut(batch, self.scratch.workspace)

    @cached_property
    def docs(self) -> NDArray[np.uint64]:
        """Content hash of every document."""
        return document_hashes(self.batch)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Words of every document."""
        return np.diff(self.words.bounds)

    @cached_property
    def types(self) -> Types:
        """The words of the batch, numbered in order of appearance."""
        from contam_metrics.kernels.calls import number_words

        n = len(self.words)
        size = 1 << max(10, int(2 * n).bit_length())
        s = self.scratch
        ids = s.array("ids", n)
        hashes, counts = s.array("types", n, np.uint64), s.array("type_counts", n, np.int64)
        keys, numbers, used = s.array("keys", size, np.uint64), s.array("numbers", size), s.array("used", n)
        keys = keys[: 1 << (len(keys).bit_length() - 1)]
        v = number_words(self.words.hashes, ids, hashes, counts, keys, numbers, used)
        return Types(ids[:n], hashes[:v], counts[:v])

    @cached_property
    def ngrams(self) -> NDArray[np.int64]:
        """Rows of `kernels.repetition.repeated_ngrams`, one a document."""
        from contam_metrics.kernels.calls import repeated_ngrams
        from contam_metrics.kernels.columns import NGRAM_COLUMNS

        longest = int(self.sizes.max(initial=0)) + 2
        s = self.scratch
        out = np.empty((len(self.batch), NGRAM_COLUMNS), np.int64)
        tally = s.array("tally", len(self.types.hashes))
        names, active, prefix = s.array("names", longest), s.array("active", longest), s.array("prefix", longest)
        s.stamp = repeated_ngrams(
            self.types.ids, self.words.lengths, self.words.bounds, SEQ_REP_WORDS, tally, names, active, prefix,
            s.pair("pairs", longest), s.pair("groups", longest), s.table(4 * longest + 64), s.stamp, out,
        )  # fmt: skip
        return out

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        """Rows of `kernels.repetition.repeated_lines`, one a document."""
        from contam_metrics.kernels.calls import repeated_lines
        from contam_metrics.kernels.columns import LINE_COLUMNS

        s = self.scratch
        out = np.empty((len(self.batch), LINE_COLUMNS), np.int64)
        batch, newlines = self.batch, self.words.newlines
        table = s.table(8 * int(np.bitwise_count(newlines).sum()) + 2048)
        s.stamp = repeated_lines(batch.data, batch.offsets, newlines, table, s.stamp, out)
        return out

    @cached_property
    def loops(self) -> NDArray[np.int64]:
        """Rows of `kernels.loops.find_loops`, one a document."""
        from contam_metrics.kernels.calls import find_loops
        from contam_metrics.kernels.columns import END_REPEAT, LOOP_COLUMNS, NEAR_REPEAT, WORD_TAIL

        out = np.empty((len(self.batch), LOOP_COLUMNS), np.int64)
        hints = np.ascontiguousarray(self.ngrams[:, [NEAR_REPEAT, END_REPEAT]].T)
        failure = self.scratch.array("failure", WORD_TAIL)
        marks = self.scratch.array("marks", int(self.sizes.max(initial=0)) + 1, np.uint8)
        batch = self.batch
        find_loops(batch.data, batch.offsets, self.types.ids, self.words.bounds, hints, failure, marks, out)
        return out

    def text(self, i: int) -> bytes:
        """The bytes of document ``i``."""
        return self.batch.text(i)
