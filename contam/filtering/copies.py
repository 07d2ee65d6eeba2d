"""Which documents copy an earlier one: exactly, or nearly (Jaccard similarity of their 5-word pieces).

Near copies are decided greedily in reading order: a document is dropped where it is similar enough to an earlier one
that is kept. So of a chain A, B, C, in which only neighbours are similar, A and C stay. Candidates come from MinHash
signatures, whose estimates are off by .035 (standard deviation at .8); what is decided on is the similarity itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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
IN_MEMORY = 64 << 20
"""Bytes of pieces of candidates that are held before they go to a temporary file."""
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
            ranked = key[order]
            found = [known]
            for left, right in _neighbours(some[order], ranked):
                close = _close(rows, left, right, least)
                found.append(left[close] * n + right[close])
            known = np.unique(np.concatenate(found))
            far = np.flatnonzero(ranked[NEAR + 1 :] == ranked[: -NEAR - 1])
            crowded[some[order[np.flatnonzero(np.isin(ranked, ranked[far]))]]] = True
    return Candidates(known // n, known % n, np.flatnonzero(crowded))


def _neighbours(order: Ints, ranked: NDArray[np.uint64]) -> Iterable[tuple[Ints, Ints]]:
    """The pairs of one band."""
    for apart in range(1, NEAR + 1):
        same = np.flatnonzero(ranked[apart:] == ranked[:-apart])
        if not len(same):
            return
        yield order[same], order[same + apart]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))
    first = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
    yield first[same + NEAR], order[same + NEAR]


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


@dataclass
class Pieces:
    """The pieces of documents that have to be compared, in a temporary file once they are many."""

    file: tempfile.SpooledTemporaryFile[bytes]
    where: dict[int, tuple[int, int]] = field(default_factory=dict)
    _end: int = 0

    def put(self, document: int, pieces: NDArray[np.uint32]) -> None:
        """Keep the pieces of a document."""
        self.file.seek(self._end)
        self.file.write(pieces.tobytes())
        self.where[document] = self._end, pieces.nbytes
        self._end += pieces.nbytes

    def get(self, document: int) -> NDArray[np.uint32]:
        """The pieces of a document."""
        start, size = self.where[document]
        self.file.seek(start)
        return np.frombuffer(self.file.read(size), np.uint32)


def jaccard(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    """Shared over all different pieces; 0 where there are none."""
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / max(1, len(left) + len(right) - shared)


@dataclass(frozen=True, slots=True)
class Asked:
    """What near copies are looked for in: ``rows`` of documents in reading order, the first ``fixed`` of which always
    stay; ``limit`` is the similarity that counts; ``read`` puts the pieces of documents (their numbers) into a store.
    """

    rows: NDArray[np.uint16]
    limit: float
    fixed: int
    read: Callable[[Ints, Pieces], None]


def near_copies(asked: Asked) -> tuple[dict[int, tuple[int, float]], int]:
    """For every document that is dropped the kept one it copies and their similarity; and how many pairs were compared.

    Pairs are looked for again among what is kept, until no new ones are found.
    """
    edges: dict[int, dict[int, float]] = {}
    crowded = np.empty(0, np.int64)
    compared = 0
    dropped: dict[int, tuple[int, float]] = {}
    alive = np.arange(len(asked.rows))
    rows = asked.rows
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        pieces = Pieces(file)
        for _ in range(ROUNDS):
            found = candidates(rows, asked.limit - SLACK)
            left, right = alive[found.left].tolist(), alive[found.right].tolist()
            pairs = [(i, j) for i, j in zip(left, right) if j >= asked.fixed]
            new = [(i, j) for i, j in pairs if i not in edges.get(j, ())]
            if not new:
                break
            wanted = {d for pair in new for d in pair if d not in pieces.where}
            asked.read(np.array(sorted(wanted), np.int64), pieces)
            compared += len(new)
            for i, j in new:
                edges.setdefault(j, {})[i] = jaccard(pieces.get(i), pieces.get(j))
            dropped = _greedy(edges, asked.limit)
            crowded = np.union1d(crowded, alive[found.crowded])
            alive = np.setdiff1d(crowded, np.fromiter(dropped, np.int64, len(dropped)))
            rows = asked.rows[alive]
    return dropped, compared


def _greedy(edges: dict[int, dict[int, float]], limit: float) -> dict[int, tuple[int, float]]:
    """In reading order: a document goes where it is similar to an earlier one that stays, to the most similar one."""
    dropped: dict[int, tuple[int, float]] = {}
    for j in sorted(edges):
        close = [(-value, i) for i, value in edges[j].items() if value >= limit and i not in dropped]
        if close:
            value, i = min(close)
            dropped[j] = i, -value
    return dropped
