"""Tokens, n-grams and their counts as arrays: exact, and never across the border of a document.

A corpus is a ragged array: ``ids`` (any integer dtype) holds the tokens of all documents end to end,
``bounds`` (int64, one more than there are documents) says where each begins: document ``i`` is
``ids[bounds[i]:bounds[i + 1]]``. Everything here is exact: two n-grams share a code only if they are equal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[Any]
Bounds = NDArray[np.int64]


def reason(size: int, needed: int = 1, noun: str = "tokens") -> str:
    """Why a figure is nan: ``"empty"``, ``"fewer than 4 tokens"``, or ``""`` where there is enough."""
    if size <= 0:
        return "empty"
    return f"fewer than {needed} {noun}" if size < needed else ""


@dataclass(frozen=True)
class Spectrum:
    """How many types occur exactly r times: ``counts`` (r, ascending) and ``types`` (f_r).

    All that the entropy, diversity and tail estimators need of a count table. It does not depend on the order
    of the types, so figures computed from it are the same to the last bit however the counts were gathered.
    Spectra do not merge: add the counts, then take the spectrum.
    """

    counts: NDArray[np.int64]
    types: NDArray[np.int64]

    @cached_property
    def n(self) -> int:
        """Tokens."""
        return int(np.dot(self.counts, self.types))

    @cached_property
    def v(self) -> int:
        """Types."""
        return int(self.types.sum())

    def f(self, r: int) -> int:
        """Types that occur exactly ``r`` times."""
        return int(self.types[self.counts == r].sum())


Counts = NDArray[Any] | Spectrum
"""Counts of types, in any order (zeros are passed over), or their spectrum."""


def spectrum(counts: Counts) -> Spectrum:
    """The spectrum of an array of counts (a spectrum is handed back as it is)."""
    if isinstance(counts, Spectrum):
        return counts
    array = np.asarray(counts).astype(np.int64).ravel()
    values, types = np.unique(array[array > 0], return_counts=True)
    return Spectrum(values, types.astype(np.int64))


@dataclass(frozen=True)
class TypeCounts:
    """Types and how often each occurs: ``types`` ascending without repeats, ``counts`` int64. Merge = add."""

    types: Ids
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, ids: Ids) -> TypeCounts:
        """Counts of a run of tokens."""
        types, counts = np.unique(ids, return_counts=True)
        return cls(types, counts.astype(np.int64))

    def __add__(self, other: TypeCounts) -> TypeCounts:
        types, inverse = np.unique(np.concatenate([self.types, other.types]), return_inverse=True)
        counts = np.zeros(len(types), np.int64)
        np.add.at(counts, inverse, np.concatenate([self.counts, other.counts]))
        return TypeCounts(types, counts)

    def of_types(self, types: Ids) -> NDArray[np.int64]:
        """The counts of the given types, 0 for one that never occurs."""
        if len(self.types) == 0:
            return np.zeros(len(types), np.int64)
        place = np.minimum(np.searchsorted(self.types, types), len(self.types) - 1)
        return np.where(self.types[place] == types, self.counts[place], 0)

    @property
    def n(self) -> int:
        """Tokens."""
        return int(self.counts.sum())


@dataclass(frozen=True)
class Ngrams:
    """Every n-gram of a corpus: ``codes`` (dense, 0 <= code < ``types``), ``starts`` (position of its first
    token in ``ids``), ``bounds`` (document i has the n-grams bounds[i]:bounds[i + 1])."""

    n: int
    codes: NDArray[np.int64]
    starts: NDArray[np.int64]
    bounds: Bounds
    types: int

    def __len__(self) -> int:
        return len(self.codes)

    def counts(self) -> NDArray[np.int64]:
        """How often each code occurs."""
        return np.bincount(self.codes, minlength=self.types).astype(np.int64)

    def documents(self) -> NDArray[np.int64]:
        """The document of each n-gram."""
        return document_of(self.bounds)

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every (document, code) that occurs, once: two arrays of equal length, in order of document."""
        keys = np.unique(self.documents() * max(self.types, 1) + self.codes)
        return keys // max(self.types, 1), keys % max(self.types, 1)

    def document_frequency(self) -> NDArray[np.int64]:
        """In how many documents each code occurs."""
        return np.bincount(self.pairs()[1], minlength=self.types).astype(np.int64)


def document_of(bounds: Bounds) -> NDArray[np.int64]:
    """The document of every position."""
    return np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))


def documents(ids: Ids, bounds: Bounds) -> Iterator[Ids]:
    """The documents, one array each."""
    for start, end in pairwise(bounds.tolist()):
        yield ids[start:end]


def ragged(parts: list[Any]) -> tuple[Ids, Bounds]:
    """``ids`` and ``bounds`` of a list of token sequences; any hashable tokens, coded by first occurrence."""
    codes: dict[Any, int] = {}
    flat = [codes.setdefault(token, len(codes)) for part in parts for token in part]
    bounds = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=bounds[1:])
    return np.array(flat, np.int64), bounds


def truncated(ids: Ids, bounds: Bounds, limit: int) -> tuple[Ids, Bounds]:
    """The corpus with every document cut to its first ``limit`` tokens."""
    lengths = np.diff(bounds)
    within = np.arange(bounds[0], bounds[-1]) - np.repeat(bounds[:-1], lengths)
    shorter = np.zeros(len(bounds), np.int64)
    np.cumsum(np.minimum(lengths, limit), out=shorter[1:])
    return ids[bounds[0] : bounds[-1]][within < limit], shorter


def recode(ids: Ids) -> tuple[NDArray[np.int64], int]:
    """Dense codes 0..V-1 of tokens, and V."""
    types, inverse = np.unique(ids, return_inverse=True)
    return inverse.astype(np.int64).ravel(), len(types)


def ngrams(ids: Ids, bounds: Bounds, n: int) -> Ngrams:
    """All n-grams of the corpus, exactly.

    A code of length ``a`` at a position and one of length ``b`` that overlaps or touches it determine the
    longer n-gram, so lengths double: a 13-gram takes five sorts instead of thirteen, and no hash is
    involved.
    """
    codes, types = recode(ids[bounds[0] : bounds[-1]])
    ends = np.repeat(bounds[1:], np.diff(bounds)) - bounds[0]
    starts = np.arange(len(codes))
    length = 1
    while length < n:
        longer = min(2 * length, n)
        table = np.zeros(len(ends), np.int64)
        table[starts] = codes
        keep = starts + longer <= ends[starts]
        starts, left = starts[keep], codes[keep]
        codes, types = recode(left * max(types, 1) + table[starts + longer - length])
        length = longer
    grown = np.searchsorted(starts, bounds - bounds[0]).astype(np.int64)
    return Ngrams(n, codes, starts + bounds[0], grown, types)


def previous_occurrence(ids: Ids, bounds: Bounds) -> NDArray[np.int64]:
    """For every position the last earlier one with the same token in the same document, else the document's
    start minus one. Positions count from ``bounds[0]``."""
    codes, types = recode(ids[bounds[0] : bounds[-1]])
    keys = document_of(bounds) * max(types, 1) + codes
    order = np.argsort(keys, kind="stable")
    previous = np.repeat(bounds[:-1] - bounds[0], np.diff(bounds)) - 1
    same = keys[order[1:]] == keys[order[:-1]]
    previous[order[1:][same]] = order[:-1][same]
    return previous


def mean(values: NDArray[np.float64]) -> float:
    """The mean, nan where there is nothing; exactly summed, so that the order of the values cannot show."""
    return math.fsum(values) / len(values) if len(values) else math.nan
