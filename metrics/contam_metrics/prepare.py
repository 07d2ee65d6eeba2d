"""The matched text: segments in the order of their keys, near copies dropped, cut at exactly N0 words.

References and audited text pass through the same preparation, so that every size-dependent figure is compared
at one size and copied text cannot stand in for new text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam_metrics.segments import Segments

COPY_GRAM = 8
COPY_SHARE = 0.5
"""A segment goes where at least this share of its 8-gram positions was seen in a kept one."""
NUMBER = np.uint64(1)
"""The word that stands for every run of digits."""

_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Up to N0 words of segments that are no copies of each other.

    ``ids`` int64[N], dense word ids; ``bounds`` int64[n + 1], segment ``i`` is ``ids[bounds[i]:bounds[i +
    1]]``; ``types`` uint64[V] and ``type_lengths`` float64[V], hash and mean code points of every id;
    ``documents`` uint64[n], whose segment it is; ``rows`` int64[n], its row among the given segments.
    ``walked`` counts words up to where the walk stopped, ``dropped`` those of them that were copies,
    ``available`` all that were given.
    """

    ids: NDArray[np.int64]
    bounds: NDArray[np.int64]
    types: NDArray[np.uint64]
    type_lengths: NDArray[np.float64]
    documents: NDArray[np.uint64]
    rows: NDArray[np.int64]
    target: int
    walked: int
    dropped: int
    available: int
    symbols: int
    numbers: int
    unks: int

    @property
    def words(self) -> int:
        """Words kept, at most ``target``."""
        return len(self.ids)

    @property
    def reached(self) -> bool:
        """Whether there was enough text that is no copy."""
        return len(self.ids) >= self.target

    @property
    def dropped_share(self) -> float:
        """Share of the walked words that were near copies; 0 for no text."""
        return self.dropped / self.walked if self.walked else 0.0


def normalised(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Word hashes with all runs of digits made one word."""
    return np.where(hashes & NUMBER == 1, NUMBER, hashes)


def gram_starts(bounds: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Positions at which an n-gram begins that stays within its segment."""
    room = np.zeros(int(bounds[-1]), bool)
    for a, b in zip(bounds[:-1].tolist(), bounds[1:].tolist()):
        room[a : b - n + 1 if b - a >= n else a] = True
    return np.flatnonzero(room)


def _gram_hashes(words: NDArray[np.uint64], starts: NDArray[np.int64], n: int) -> NDArray[np.uint64]:
    out = np.zeros(len(starts), np.uint64)
    with np.errstate(over="ignore"):
        for k in range(n):
            out = (out ^ words[starts + k]) * _ODD
            out ^= out >> np.uint64(31)
    return out


def _units(
    words: NDArray[np.uint64], bounds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What is compared: (dense id, segment) of every 8-gram, or of the whole of a segment shorter than
    that."""
    starts = gram_starts(bounds, COPY_GRAM)
    segment = np.searchsorted(bounds, starts, "right") - 1
    grams = [_gram_hashes(words, starts, COPY_GRAM)]
    short = np.flatnonzero(np.diff(bounds) < COPY_GRAM)
    sizes = np.diff(bounds)[short]
    for n in range(COPY_GRAM):
        some = short[sizes == n]
        salted = _gram_hashes(words, bounds[some], n) ^ np.uint64(n + 1)
        grams.append(salted)
    segments = np.concatenate([segment, *(short[sizes == n] for n in range(COPY_GRAM))])
    order = np.argsort(segments, kind="stable")
    _, ids = np.unique(np.concatenate(grams)[order], return_inverse=True)
    return ids.astype(np.int64), segments[order]


def kept_segments(words: NDArray[np.uint64], bounds: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which segments stay when walking from the first to the last and dropping copies of kept ones.

    Only segments whose units mostly occur in *any* earlier one can fall; they alone are walked one by one.
    """
    n = len(bounds) - 1
    ids, segments = _units(words, bounds)
    kept = np.ones(n, bool)
    if not len(ids):
        return kept
    first = np.full(int(ids.max()) + 1, n, np.int64)
    np.minimum.at(first, ids, segments)
    sizes = np.maximum(np.bincount(segments, minlength=n), 1)
    seen = np.bincount(segments, weights=first[ids] < segments, minlength=n)
    doubtful = seen >= COPY_SHARE * sizes
    if not doubtful.any():
        return kept
    first[:] = n
    sure = ~doubtful[segments]
    np.minimum.at(first, ids[sure], segments[sure])
    edges = np.searchsorted(segments, np.arange(n + 1))
    for i in np.flatnonzero(doubtful):
        mine = ids[edges[i] : edges[i + 1]]
        kept[i] = (first[mine] < i).sum() < COPY_SHARE * len(mine)
        if kept[i]:
            np.minimum.at(first, mine, i)
    return kept


def _walk(words: NDArray[np.uint64], bounds: NDArray[np.int64], n0: int) -> tuple[NDArray[np.int64], int]:
    """(kept segments until ``n0`` words, how many segments were walked), reading no further than needed."""
    wanted = n0 + n0 // 8
    while True:
        walked = min(int(np.searchsorted(bounds, wanted)), len(bounds) - 1)
        rows = np.flatnonzero(kept_segments(words[: bounds[walked]], bounds[: walked + 1]))
        sizes = np.cumsum(bounds[rows + 1] - bounds[rows])
        enough = int(np.searchsorted(sizes, n0)) + 1
        if enough <= len(rows):
            return rows[:enough], int(rows[enough - 1]) + 1
        if walked == len(bounds) - 1:
            return rows, walked
        wanted *= 2


def prepare(segments: Segments, n0: int) -> Prepared:
    """Walk the segments in key order, drop near copies, stop at ``n0`` words, truncating the last segment.

    Numbers become one word. The result may hold fewer than ``n0`` words (``reached`` is False).
    """
    words, bounds = normalised(segments.hashes), segments.bounds
    rows, walked = _walk(words, bounds, n0) if len(segments) else (np.empty(0, np.int64), 0)
    sizes = bounds[rows + 1] - bounds[rows]
    ends = np.minimum(np.cumsum(sizes), n0)
    edges = np.concatenate(([0], ends)).astype(np.int64)
    places = np.repeat(bounds[rows] - edges[:-1], np.diff(edges)) + np.arange(edges[-1])
    types, ids = np.unique(words[places], return_inverse=True)
    letters = np.bincount(ids, weights=segments.lengths[places], minlength=len(types))
    kept = np.zeros(walked, bool)
    kept[rows] = True
    return Prepared(
        ids=ids.astype(np.int64),
        bounds=edges,
        types=types,
        type_lengths=letters / np.maximum(np.bincount(ids, minlength=len(types)), 1),
        documents=segments.docs[rows],
        rows=rows,
        target=n0,
        walked=int(bounds[walked]),
        dropped=int(np.diff(bounds[: walked + 1])[~kept].sum()),
        available=int(bounds[-1]),
        symbols=int(segments.symbols[:walked].sum()),
        numbers=int((words[: bounds[walked]] == NUMBER).sum()),
        unks=int(segments.unks[:walked].sum()),
    )
