"""The matched subsample: documents cut into segments, and the segments with the smallest keys.

A document is identified by its content and not by its name or place, so a sample is the same however the
documents are spread over files and in whatever order they come; equal documents count once here (how many
there are is measured on the whole corpus). The sample of a union is the union of the samples, cut again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import Arrays, packed, unpacked
from contam_metrics.batch import Batch
from contam_metrics.words import Words, cut

SEGMENT_WORDS = 200
"""Longer documents are cut into round(words / SEGMENT_WORDS) equal segments."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)


def mixed(state: NDArray[np.uint64], value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A 64-bit hash of two arrays of 64-bit values, element by element."""
    with np.errstate(over="ignore"):
        x = (state ^ (value * _MIX)) * _GOLDEN
        x ^= x >> np.uint64(32)
        x *= _MIX
        x ^= x >> np.uint64(29)
        x *= _GOLDEN
        return x ^ (x >> np.uint64(32))


def document_hashes(batch: Batch) -> NDArray[np.uint64]:
    """The 64-bit content hash of every document, of its bytes as they are."""
    from contam_metrics.kernels.calls import hash_documents

    out = np.empty(len(batch), np.uint64)
    hash_documents(batch.data, batch.offsets, out)
    return out


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments in ascending order of their keys, cut into words.

    ``keys``, ``docs`` uint64[n] (key; content hash of the document), ``hashes`` uint64[N] and ``lengths``
    int32[N] the words, ``bounds`` int64[n + 1], ``symbols``, ``unks`` int64[n], ``texts`` the raw bytes,
    ``labels`` what the documents are called for people, "" where nobody named them (empty: nobody named any).
    """

    keys: NDArray[np.uint64]
    docs: NDArray[np.uint64]
    hashes: NDArray[np.uint64]
    lengths: NDArray[np.int32]
    bounds: NDArray[np.int64]
    symbols: NDArray[np.int64]
    unks: NDArray[np.int64]
    texts: tuple[bytes, ...]
    labels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def words(self) -> int:
        """Words in all segments together."""
        return len(self.hashes)

    def head(self, words: int) -> Segments:
        """The segments with the smallest keys, as many as it takes to reach ``words`` words."""
        n = int(np.searchsorted(self.bounds, words))
        return self if n >= len(self) else _from_rows(self.keys[:n], self.docs[:n], self.texts[:n], self.labels[:n])

    def take(self, rows: NDArray[np.int64]) -> Segments:
        """Some of the segments, by ascending row."""
        labels = [self.labels[i] for i in rows] if self.labels else []
        return _from_rows(self.keys[rows], self.docs[rows], [self.texts[i] for i in rows], labels)

    @staticmethod
    def concatenate(parts: Sequence[Segments]) -> Segments:
        """The union; a segment that is in several parts is kept once."""
        keys = np.concatenate([p.keys for p in parts]) if parts else np.empty(0, np.uint64)
        docs = np.concatenate([p.docs for p in parts]) if parts else np.empty(0, np.uint64)
        texts = [t for p in parts for t in p.texts]
        labels = [label for p in parts for label in p.labels or ("",) * len(p)]
        _, first = np.unique(keys, return_index=True)
        return _from_rows(keys[first], docs[first], [texts[i] for i in first], [labels[i] for i in first])


def _from_rows(
    keys: NDArray[np.uint64], docs: NDArray[np.uint64], texts: Sequence[bytes], labels: Sequence[str] = ()
) -> Segments:
    """Segments from rows that are in order and all different."""
    w = cut(Batch.of(texts))
    named = tuple(labels) if any(labels) else ()
    return Segments(keys, docs, w.hashes, w.lengths, w.bounds, w.symbols, w.unks, tuple(texts), named)


def _segment_rows(
    words: Words, docs: NDArray[np.uint64], seed: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Of every segment: (key, document row, its number within the document, segments of that document)."""
    n = np.diff(words.bounds)
    per_document = np.where(n > 0, np.maximum(1, np.rint(n / SEGMENT_WORDS)), 0).astype(np.int64)
    rows = np.repeat(np.arange(len(n)), per_document)
    numbers = np.arange(len(rows)) - np.repeat(np.cumsum(per_document) - per_document, per_document)
    salt = np.full(len(rows), seed, np.uint64)
    keys = mixed(mixed(docs[rows], salt), numbers.astype(np.uint64))
    return keys, rows, numbers, per_document[rows]


def _segment_text(words: Words, row: int, number: int, total: int) -> bytes:
    """The bytes of one segment: from its first word (or the document's start) up to the next segment's first word."""
    low, high = int(words.bounds[row]), int(words.bounds[row + 1])
    n = high - low
    begin = words.batch.offsets[row] if number == 0 else words.starts[low + number * n // total]
    end = words.batch.offsets[row + 1] if number == total - 1 else words.starts[low + (number + 1) * n // total]
    return words.batch.data[begin:end].tobytes()


class _Row(NamedTuple):
    """A segment that is kept: its words, its document's hash, its bytes, what its document is called."""

    size: int
    doc: int
    text: bytes
    label: str


class SegmentSample:
    """Keeps the segments with the smallest keys, ``budget`` words of them; ``merge`` is exact.

    ``seed`` chooses the sample. Memory is a small multiple of the budget.
    """

    def __init__(self, budget: int = 250_000, seed: int = 0) -> None:
        self.budget = budget
        self.seed = seed
        self._rows: dict[int, _Row] = {}
        self._words = 0
        self._limit = np.uint64(0xFFFFFFFFFFFFFFFF)

    def update(self, words: Words, docs: NDArray[np.uint64], label: Callable[[int], str] | None = None) -> None:
        """Take the segments of a batch whose keys are small enough; ``docs`` from `document_hashes`.

        ``label(i)`` names document ``i`` of the batch; it is asked for documents of which a segment is taken.
        """
        keys, rows, numbers, totals = _segment_rows(words, docs, self.seed)
        for i in np.flatnonzero(keys <= self._limit):
            row, number, total = int(rows[i]), int(numbers[i]), int(totals[i])
            n = int(words.bounds[row + 1] - words.bounds[row])
            size = (number + 1) * n // total - number * n // total
            text = _segment_text(words, row, number, total)
            self._add(int(keys[i]), _Row(size, int(docs[row]), text, label(row) if label else ""))
        self._shrink()

    @property
    def limit(self) -> int:
        """The largest key that can still be taken."""
        return int(self._limit)

    @property
    def full(self) -> bool:
        """Whether there are as many words as wanted."""
        return self._words >= self.budget

    def expect(self, limit: int) -> None:
        """Before anything is seen: take no larger keys, as part of a whole that needs none."""
        self._limit = np.uint64(limit)

    def _add(self, key: int, row: _Row) -> None:
        """Keep a segment; of equal documents the first name in the alphabet, so that no order matters."""
        old = self._rows.get(key)
        if old is None:
            self._rows[key] = row
            self._words += row.size
        elif row.label < old.label:
            self._rows[key] = row

    def _shrink(self, slack: float = 1.5) -> None:
        """Forget the largest keys once there are half as many words again as wanted."""
        if self._words <= slack * self.budget:
            return
        kept: dict[int, _Row] = {}
        self._words = 0
        for key in sorted(self._rows):
            kept[key] = self._rows[key]
            self._words += kept[key].size
            self._limit = np.uint64(key)
            if self._words >= self.budget:
                break
        self._rows = kept

    def merge(self, other: SegmentSample) -> None:
        """Take what another sample (same budget and seed) kept."""
        for key, row in other._rows.items():
            self._add(key, row)
        self._limit = min(self._limit, other._limit)
        self._rows = {k: v for k, v in self._rows.items() if k <= int(self._limit)}
        self._words = sum(row.size for row in self._rows.values())
        self._shrink()

    def arrays(self) -> Arrays:
        """The whole state."""
        self._shrink(1.0)
        keys = sorted(self._rows)
        rows = [self._rows[k] for k in keys]
        return {
            "keys": np.array(keys, np.uint64),
            "sizes": np.array([r.size for r in rows], np.int64),
            "docs": np.array([r.doc for r in rows], np.uint64),
            "texts": packed([r.text for r in rows]),
            "labels": packed([r.label.encode("utf-8", "surrogatepass") for r in rows]),
            "limit": np.array([self._limit], np.uint64),
        }

    def restore(self, arrays: Arrays) -> None:
        """Become the sample whose state ``arrays`` is."""
        labels = [b.decode("utf-8", "surrogatepass") for b in unpacked(arrays["labels"])]
        rows = zip(arrays["sizes"].tolist(), arrays["docs"].tolist(), unpacked(arrays["texts"]), labels)
        self._rows = {key: _Row(*row) for key, row in zip(arrays["keys"].tolist(), rows)}
        self._words = int(arrays["sizes"].sum())
        self._limit = arrays["limit"][0]

    def segments(self) -> Segments:
        """The sample, exactly ``budget`` words or the first segment that passes it."""
        self._shrink(1.0)
        keys = sorted(self._rows)
        rows = [self._rows[k] for k in keys]
        docs = np.array([r.doc for r in rows], np.uint64)
        return _from_rows(np.array(keys, np.uint64), docs, [r.text for r in rows], [r.label for r in rows])


def segments_of(batch: Batch, seed: int = 0) -> Segments:
    """Every segment of a batch, in the order of the keys."""
    sample = SegmentSample(budget=2**62, seed=seed)
    sample.update(cut(batch), document_hashes(batch))
    return sample.segments()


def segments_of_texts(texts: Iterable[str | bytes], seed: int = 0) -> Segments:
    """Every segment of some texts, in the order of the keys."""
    return segments_of(Batch.of(texts), seed)
