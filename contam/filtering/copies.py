"""Which documents copy an earlier one: exactly, or nearly (Jaccard similarity of their 5-word pieces).

Near copies are decided greedily in reading order: a document is dropped where it is similar enough to an earlier one
that is kept. So of a chain A, B, C, in which only neighbours are similar, A and C stay. Candidates come from MinHash
signatures, whose estimates are off by .035 (standard deviation at .8); what is decided on is the similarity itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from contam_metrics.batch import Batch
from contam_metrics.segments import mixed
from contam_metrics.signatures import BANDS, EMPTY, _band_keys, _filled, similarity
from contam_metrics.words import cut

SHINGLE = 5
SLACK = 0.15
"""How far below the limit an estimate may be for a pair to be looked at: four standard deviations at .8."""
NEAR = 16
"""Documents with a band in common that are compared with each other: each with so many before it, and the first."""
BLOCK = 1 << 14
"""Pairs whose signatures are compared at once."""
ROUNDS = 20
_GOLDEN = 0x9E3779B97F4A7C15
Ints = NDArray[np.int64]


def first_copies(docs: NDArray[np.uint64], sizes: Ints) -> Ints:
    """For every document the first one with the same content (itself, where it is the first)."""
    n = len(docs)
    order = np.lexsort((np.arange(n), sizes, docs))
    new = np.ones(n, bool)
    new[1:] = (docs[order][1:] != docs[order][:-1]) | (sizes[order][1:] != sizes[order][:-1])
    starts = np.flatnonzero(new)
    first = np.empty(n, np.int64)
    first[order] = np.repeat(order[starts], np.diff(np.append(starts, n)))
    return first


@dataclass(frozen=True, slots=True)
class Candidates:
    """Pairs of rows, ``left`` before ``right``, and the rows that have a band in common with more rows than they were
    compared with (``crowded``)."""

    left: Ints
    right: Ints
    crowded: Ints


def candidates(rows: NDArray[np.uint16], least: float) -> Candidates:
    """Pairs of rows that share a band and whose estimated similarity is at least ``least``.

    ``rows`` are in reading order. Of many rows with the same band each is compared with the first and with `NEAR`
    before it; `near_copies` asks again for these once copies are gone.
    """
    some = np.flatnonzero((rows != EMPTY).any(axis=1))
    n = len(rows)
    known = np.empty(0, np.int64)
    crowded = np.zeros(n, bool)
    if len(some) > 1:
        filled = _filled(rows if len(some) == n else rows[some])
        for band in range(BANDS):
            key = _band_keys(filled, band)
            order = np.argsort(key, kind="stable")
            bounds = _runs(key[order])
            found = [known]
            for left, right in _neighbours(some[order], bounds):
                keys = np.sort(left * n + right)  # in order, so that memory is read along and not here and there
                keys = keys[~_among(keys, known)]
                found.append(keys[_close(rows, keys // n, keys % n, least)])
            known = np.sort(np.concatenate(found))
            sizes = np.diff(bounds)
            crowded[some[order[np.repeat(sizes > NEAR + 1, sizes)]]] = True
    return Candidates(known // n, known % n, np.flatnonzero(crowded))


def _runs(ranked: NDArray[np.uint64]) -> Ints:
    """Where the runs of equal keys begin, and the end."""
    return np.append(np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])), len(ranked))


def _among(keys: Ints, known: Ints) -> NDArray[np.bool_]:
    """Which keys are among known ones, which ascend."""
    if not len(known):
        return np.zeros(len(keys), bool)
    return known[np.minimum(np.searchsorted(known, keys), len(known) - 1)] == keys


def _neighbours(order: Ints, bounds: Ints) -> Iterable[tuple[Ints, Ints]]:
    """The pairs of one band."""
    sizes = np.diff(bounds)
    places = np.arange(len(order)) - np.repeat(bounds[:-1], sizes)
    for apart in range(1, NEAR + 1):
        later = np.flatnonzero(places >= apart)
        if not len(later):
            return
        yield order[later - apart], order[later]
    later = np.flatnonzero(places > NEAR)
    yield order[later - places[later]], order[later]


def _close(rows: NDArray[np.uint16], left: Ints, right: Ints, least: float) -> NDArray[np.bool_]:
    parts = [
        similarity(rows[left[i : i + BLOCK]], rows[right[i : i + BLOCK]]) >= least for i in range(0, len(left), BLOCK)
    ]
    return np.concatenate(parts) if parts else np.empty(0, bool)


def shingles(batch: Batch) -> list[NDArray[np.uint32]]:
    """The different 5-word pieces of every document, as 32-bit hashes in ascending order."""
    words = cut(batch)
    with np.errstate(over="ignore"):
        rolling = np.zeros(max(0, len(words.hashes) - SHINGLE + 1), np.uint64)
        for i in range(SHINGLE):
            rolling = rolling * np.uint64(_GOLDEN) + words.hashes[i : i + len(rolling)]
    hashes = (mixed(rolling, np.full(len(rolling), SHINGLE, np.uint64)) >> np.uint64(32)).astype(np.uint32)
    ends = np.maximum(words.bounds[1:] - SHINGLE + 1, words.bounds[:-1])
    return [np.unique(hashes[a:b]) for a, b in zip(words.bounds[:-1].tolist(), ends.tolist())]


class Pieces:
    """The pieces of those of ``count`` documents that have to be compared, in a file."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self.file = file
        self.where = np.zeros((count, 2), np.int64)
        """Where the pieces of each document begin and end."""
        self.held = np.zeros(count, bool)
        """Of which documents there are pieces."""
        self._end = 0

    def put(self, document: int, pieces: NDArray[np.uint32]) -> None:
        """Keep the pieces of a document, which ascend."""
        self.file.write(pieces.tobytes())
        self.where[document] = self._end, self._end + len(pieces)
        self.held[document] = True
        self._end += len(pieces)

    def similarities(self, left: Ints, right: Ints) -> NDArray[np.float64]:
        """The Jaccard similarities of pairs: shared over all different pieces; 0 where there are none."""
        self.file.flush()
        pieces = np.memmap(self.file, np.uint32, "r") if self._end else np.empty(0, np.uint32)
        out = np.empty(len(left))
        _kernel("compare_pairs")(np.asarray(pieces), self.where, left, right, out)
        return out


def _kernel(name: str) -> Callable[..., None]:
    """A compiled part; it is compiled first where no run on this machine has done so."""
    from contam_metrics.kernels import store

    return store.kernel("contam.filtering.pairs_kernel", name)


@dataclass(frozen=True, slots=True)
class Asked:
    """What near copies are looked for in: ``rows`` of documents in reading order, the first ``fixed`` of which always
    stay; ``limit`` is the similarity that counts; ``read`` puts the pieces of documents (their numbers) into a store.
    """

    rows: NDArray[np.uint16]
    limit: float
    fixed: int
    read: Callable[[Ints, Pieces], None]


@dataclass(slots=True)
class Pairs:
    """Pairs that were compared, ascending by the later document (of ``count``), then the earlier: a key and the
    similarity of each."""

    count: int
    keys: Ints
    values: NDArray[np.float64]

    def unknown(self, left: Ints, right: Ints) -> tuple[Ints, Ints]:
        """Those of some pairs that were not compared."""
        new = ~_among(right * self.count + left, self.keys)
        return left[new], right[new]

    def add(self, left: Ints, right: Ints, values: NDArray[np.float64]) -> None:
        """Pairs that were compared now."""
        keys = np.concatenate((self.keys, right * self.count + left))
        order = np.argsort(keys, kind="stable")
        self.keys, self.values = keys[order], np.concatenate((self.values, values))[order]

    def dropped(self, limit: float) -> tuple[Ints, NDArray[np.float64]]:
        """For every document the one that it copies and stays, -1 for what stays itself; and their similarity."""
        close = np.flatnonzero(self.values >= limit)
        of, value = np.empty(self.count, np.int64), np.zeros(self.count)
        keys = self.keys[close]
        _kernel("drop_greedily")(keys % self.count, keys // self.count, self.values[close], limit, of, value)
        return of, value


def near_copies(asked: Asked) -> tuple[dict[int, tuple[int, float]], int]:
    """For every document that is dropped the kept one it copies and their similarity; and how many pairs were compared.

    Pairs are looked for again among what is kept, until no new ones are found.
    """
    n = len(asked.rows)
    pairs = Pairs(n, np.empty(0, np.int64), np.empty(0))
    crowded = np.zeros(n, bool)
    of, value = np.full(n, -1), np.zeros(n)
    alive = np.arange(n)
    with tempfile.TemporaryFile() as file:
        pieces = Pieces(file, n)
        for _ in range(ROUNDS):
            found = candidates(asked.rows if len(alive) == n else asked.rows[alive], asked.limit - SLACK)
            counted = alive[found.right] >= asked.fixed
            left, right = pairs.unknown(alive[found.left[counted]], alive[found.right[counted]])
            if not len(left):
                break
            wanted = np.zeros(n, bool)
            wanted[left] = wanted[right] = True
            asked.read(np.flatnonzero(wanted & ~pieces.held), pieces)
            pairs.add(left, right, pieces.similarities(left, right))
            of, value = pairs.dropped(asked.limit)
            crowded[alive[found.crowded]] = True
            alive = np.flatnonzero(crowded & (of < 0))
    gone = np.flatnonzero(of >= 0)
    return dict(zip(gone.tolist(), zip(of[gone].tolist(), value[gone].tolist()))), len(pairs.keys)
