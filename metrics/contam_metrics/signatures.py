"""MinHash signatures of documents, kept in bounded memory, and the clusters of near duplicates among them.

One-permutation hashing (Li, Owen and Zhang 2012) with empty bins filled from their neighbours for the bands
(Shrivastava 2017 gives the idea); similarity is estimated on the bins as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import Arrays
from contam_metrics.segments import mixed

BINS = 128
EMPTY = np.uint16(0xFFFF)
BANDS, ROWS = 25, 5
"""Two documents of similarity J share a band, and are compared, with chance 1 - (1 - J^5)^25: .99995 at J = .8."""
_EMPTY_BIN = 0xFFFFFFFF


class Signatures:
    """Signatures of different documents, at most ``cap`` after trimming.

    Past the cap, documents are sampled by a hash of the smallest value in their signature, which similar
    documents mostly share. Trimming and merging are exact: what is kept depends on the documents alone.
    """

    def __init__(self, cap: int = 1 << 16) -> None:
        self.cap = cap
        self.level = 0
        self._parts: list[tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint16]]] = []
        self._held = 0

    def add(self, minima: NDArray[np.uint32], docs: NDArray[np.uint64]) -> None:
        """Take the signatures uint32[n, BINS] of some documents with content hashes ``docs``."""
        smallest = minima.min(axis=1, initial=_EMPTY_BIN).astype(np.uint64)
        keys = mixed(smallest, np.zeros(len(smallest), np.uint64))
        kept = np.flatnonzero((smallest != _EMPTY_BIN) & (keys <= self._limit))
        chosen = minima[kept]
        # The low bits of a minimum are as good as random; its high bits are small in long documents.
        short = np.where(chosen == _EMPTY_BIN, EMPTY, np.minimum(chosen & 0xFFFF, 0xFFFE)).astype(np.uint16)
        self._put(keys[kept], docs[kept], short)

    @property
    def _limit(self) -> np.uint64:
        return np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(self.level)

    def _put(self, keys: NDArray[np.uint64], docs: NDArray[np.uint64], rows: NDArray[np.uint16]) -> None:
        self._parts.append((keys, docs, rows))
        self._held += len(keys)
        if self._held > 1.5 * self.cap:
            self._trim()

    def _trim(self) -> None:
        """One part, every document once, at most ``cap`` of them, in the order of their hashes."""
        if not self._parts:
            return
        keys, docs, rows = (np.concatenate(column) for column in zip(*self._parts))
        docs, first = np.unique(docs, return_index=True)
        keys = keys[first]
        while (keys <= self._limit).sum() > self.cap:
            self.level += 1
        kept = keys <= self._limit
        self._parts = [(keys[kept], docs[kept], rows[first[kept]])]
        self._held = int(kept.sum())

    def rows(self) -> NDArray[np.uint16]:
        """The signatures uint16[documents, BINS], EMPTY where a bin is."""
        self._trim()
        return self._parts[0][2] if self._parts else np.empty((0, BINS), np.uint16)

    def merge(self, other: Signatures) -> None:
        self.level = max(self.level, other.level)
        for part in other._parts:
            self._put(*part)

    def arrays(self) -> Arrays:
        rows = self.rows()
        keys, docs = self._parts[0][:2] if self._parts else (np.empty(0, np.uint64),) * 2
        return {"keys": keys, "docs": docs, "rows": rows, "level": np.array([self.level])}

    def restore(self, arrays: Arrays) -> None:
        self.level = int(arrays["level"][0])
        self._parts = [(arrays["keys"], arrays["docs"], arrays["rows"].reshape(-1, BINS))]
        self._held = len(arrays["keys"])


def similarity(left: NDArray[np.uint16], right: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Estimated Jaccard similarity, row by row; bins that are empty on both sides say nothing."""
    told = (left != EMPTY) | (right != EMPTY)
    return ((left == right) & told).sum(axis=1) / np.maximum(told.sum(axis=1), 1)


def _filled(rows: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Empty bins filled with the next bin that is not, and how far it was, so that short documents have bands too.

    uint16[BINS, documents]: a bin a row.
    """
    out = np.ascontiguousarray(rows.T)
    for _ in range(2):
        for i in range(BINS - 1, -1, -1):
            gap = out[i] == EMPTY
            if gap.any():
                out[i, gap] = out[(i + 1) % BINS, gap] * np.uint16(31) + np.uint16(7)
    return out


def _band_keys(filled: NDArray[np.uint16], band: int) -> NDArray[np.uint64]:
    """One key a document for the bins of a band: four of them side by side, hashed with the fifth."""
    columns = filled[band * ROWS : (band + 1) * ROWS].astype(np.uint64)
    packed = columns[0]
    for i in range(1, ROWS - 1):
        packed |= columns[i] << np.uint64(16 * i)
    return mixed(packed, columns[ROWS - 1])


def clusters(rows: NDArray[np.uint16], similar: float) -> NDArray[np.int64]:
    """The cluster of each document: joined wherever two that share a band are at least ``similar``.

    Within a band each document is compared with the first one and with its neighbour, so that a cluster of
    thousands costs thousands of comparisons and not millions.
    """
    parent = np.arange(len(rows))
    if len(rows) < 2:
        return parent
    filled = _filled(rows)
    for band in range(BANDS):
        key = _band_keys(filled, band)
        order = np.argsort(key)
        equal = key[order][1:] == key[order][:-1]
        # The sort leaves equal keys in any order: the few that have company are put in that of the documents.
        members = np.sort(order[np.append(equal, False) | np.append(False, equal)])
        if not len(members):
            continue
        order = members[np.argsort(key[members], kind="stable")]
        ranked = key[order]
        starts = np.flatnonzero(np.concatenate(([True], ranked[1:] != ranked[:-1])))
        first = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
        same = np.flatnonzero(ranked[1:] == ranked[:-1])
        pairs = [(order[same], order[same + 1]), (first[same + 1], order[same + 1])]
        for left, right in pairs:
            apart = np.flatnonzero(parent[left] != parent[right])
            left, right = left[apart], right[apart]
            close = similarity(rows[left], rows[right]) >= similar
            for a, b in zip(left[close].tolist(), right[close].tolist()):
                _join(parent, a, b)
    while not np.array_equal(parent, parent[parent]):
        parent = parent[parent]
    return parent


def _root(parent: NDArray[np.int64], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i


def _join(parent: NDArray[np.int64], a: int, b: int) -> None:
    a, b = _root(parent, a), _root(parent, b)
    parent[max(a, b)] = min(a, b)
