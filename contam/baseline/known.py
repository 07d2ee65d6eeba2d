"""Which documents a baseline has: a Bloom filter of their content hashes, at most 56 kB.

Ten bits and seven probes a document: of 1,000 new documents about eight are taken for old ones (Bloom 1970). Of a
corpus with more than `MOST` documents only those with the smallest keys are kept, a known share of all: the same share
of the new documents is then looked up, and numbers of documents are scaled. No document can be read back; whoever has
a document can ask whether it was there.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import Arrays
from contam_metrics.metric import Metric, Reading
from contam_metrics.segments import mixed
from contam_metrics.view import View

BITS, PROBES, MOST = 10, 7, 45_000
"""Bits and probes a document; documents from which the filter is one of a share of them."""
_ALL = (1 << 64) - 1
_HEAD = struct.Struct("<QQ")

Keys = NDArray[np.uint64]


def keys_of(docs: Keys, salt: int = 0) -> Keys:
    """What documents are sampled by: hashes of their content hashes."""
    return mixed(docs, np.full(len(docs), 0x6B6E6F776E + salt, np.uint64))


@dataclass(frozen=True)
class Known:
    """The filter: documents with keys up to ``limit`` are in ``bits`` (uint8), ``documents`` different ones."""

    limit: int
    documents: int
    bits: NDArray[np.uint8]

    @property
    def share(self) -> float:
        """The share of all documents that is looked up: 1 up to `MOST` documents."""
        return (self.limit + 1) / (_ALL + 1)

    def looked_up(self, docs: Keys) -> NDArray[np.bool_]:
        """Which of some content hashes the filter speaks about."""
        return keys_of(docs) <= np.uint64(self.limit)

    def new(self, docs: Keys) -> NDArray[np.bool_]:
        """Which of some content hashes are looked up and were not in the baseline."""
        asked = np.flatnonzero(self.looked_up(docs))
        places = _places(docs[asked], 8 * len(self.bits))
        there = (self.bits[places >> 3] >> (places & 7).astype(np.uint8)) & 1
        out = np.zeros(len(docs), bool)
        out[asked] = ~there.all(axis=0)
        return out

    def to_bytes(self) -> bytes:
        """As it is kept."""
        return _HEAD.pack(self.limit, self.documents) + self.bits.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Known:
        """Read back; ValueError for what is no filter."""
        if len(data) <= _HEAD.size:
            raise ValueError("the filter of known documents is cut short")
        limit, documents = _HEAD.unpack_from(data)
        return cls(limit, documents, np.frombuffer(data, np.uint8, offset=_HEAD.size))

    @classmethod
    def of(cls, docs: Keys, limit: int = _ALL) -> Known:
        """A filter of content hashes, all of which have keys up to ``limit``."""
        bits = np.zeros(max(8, -(-BITS * len(docs) // 8)), np.uint8)
        places = _places(docs, 8 * len(bits)).ravel()
        np.bitwise_or.at(bits, places >> 3, np.left_shift(1, places & 7).astype(np.uint8))
        return cls(limit, len(docs), bits)


def _places(docs: Keys, size: int) -> NDArray[np.int64]:
    """int64[PROBES, n]: the bits of every document, by double hashing (Kirsch & Mitzenmacher 2006)."""
    first, second = keys_of(docs, 1), keys_of(docs, 2) | np.uint64(1)
    with np.errstate(over="ignore"):
        probes = np.array([first + np.uint64(i) * second for i in range(PROBES)], np.uint64)
    return (probes % np.uint64(size)).astype(np.int64).reshape(PROBES, len(docs))


class SmallestKeys:
    """Remembers the content hashes with the ``cap`` smallest keys, each once."""

    def __init__(self, cap: int = MOST) -> None:
        self.cap = cap
        self.limit = _ALL
        self.docs = np.empty(0, np.uint64)
        self._waiting: list[Keys] = []

    def add(self, docs: Keys) -> None:
        """Offer the documents of a batch."""
        self._waiting.append(docs[keys_of(docs) <= np.uint64(self.limit)])
        if sum(map(len, self._waiting)) > self.cap:
            self.settle()

    def settle(self) -> Keys:
        """The hashes that are kept, ascending."""
        docs = np.unique(np.concatenate([self.docs, *self._waiting]))
        docs = docs[keys_of(docs) <= np.uint64(self.limit)]
        if len(docs) > self.cap:
            self.limit = int(np.partition(keys_of(docs), self.cap - 1)[self.cap - 1])
            docs = docs[keys_of(docs) <= np.uint64(self.limit)]
        self.docs, self._waiting = docs, []
        return docs

    def merge(self, other: SmallestKeys) -> None:
        """Take what another one kept."""
        other.settle()
        self.limit = min(self.limit, other.limit)
        self.add(other.docs)
        self.settle()

    def arrays(self) -> Arrays:
        """The whole state."""
        return {"docs": self.settle(), "limit": np.array([self.limit], np.uint64)}

    def restore(self, arrays: Arrays) -> None:
        """Become what ``arrays`` is the state of."""
        self.docs, self.limit, self._waiting = arrays["docs"].astype(np.uint64), int(arrays["limit"][0]), []


class ContentHashes(Metric):
    """The content hashes that a baseline keeps; it has no figures."""

    name = "content_hashes"

    def __init__(self) -> None:
        self.smallest = SmallestKeys()

    def update(self, view: View) -> None:
        self.smallest.add(view.docs)

    def figures(self) -> dict[str, Reading]:
        return {}

    def known(self) -> Known:
        """The filter of what was seen."""
        return Known.of(self.smallest.settle(), self.smallest.limit)
