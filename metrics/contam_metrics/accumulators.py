"""The memories of the metrics: each adds, merges exactly in any order, and travels as a few arrays.

Sums are integers (ratios are kept as fixed-point numbers), because sums of floating-point numbers depend on
the order in which the parts of a corpus happen to be finished.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray]

FIXED_POINT = 1 << 24
"""Ratios are summed in units of 1/FIXED_POINT."""

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


class Accumulator(Protocol):
    """What a metric may remember with."""

    def merge(self, other: Self) -> None:
        """Take what ``other`` has seen; the same result in any order and grouping."""

    def arrays(self) -> Arrays:
        """The whole state."""

    def restore(self, arrays: Arrays) -> None:
        """Become the accumulator whose state ``arrays`` is."""


class Sums:
    """Integer sums by name, of any size."""

    def __init__(self, *names: str) -> None:
        self.values: dict[str, int] = dict.fromkeys(names, 0)

    def __getitem__(self, name: str) -> int:
        return self.values[name]

    def add(self, **amounts: int) -> None:
        """Add to some of the sums."""
        for name, amount in amounts.items():
            self.values[name] += int(amount)

    def merge(self, other: Sums) -> None:
        self.add(**other.values)

    def arrays(self) -> Arrays:
        # Python integers do not fit an array; 16 bytes each are room for any corpus there is.
        return {n: np.frombuffer(v.to_bytes(16, "little", signed=True), np.uint8) for n, v in self.values.items()}

    def restore(self, arrays: Arrays) -> None:
        self.values = {n: int.from_bytes(a.tobytes(), "little", signed=True) for n, a in arrays.items()}


class Ratio:
    """A ratio of sums over documents, with the moments that its interval needs."""

    _NAMES = ("s", "t", "ss", "st", "tt", "n")

    def __init__(self) -> None:
        self.sums = Sums(*self._NAMES)

    def add(self, s: NDArray[np.int64], t: NDArray[np.int64]) -> None:
        """Add documents: ``s`` the numerators, ``t`` the denominators, both non-negative integers.

        Where int64 is too small for the products, Python's integers take over.
        """
        wide = len(s) and float(max(s.max(), t.max())) ** 2 * len(s) > 2.0**62
        a, b = (s.astype(object), t.astype(object)) if wide else (s, t)
        self.sums.add(s=s.sum(), t=t.sum(), ss=(a * a).sum(), st=(a * b).sum(), tt=(b * b).sum(), n=len(s))

    def add_flags(self, flagged: int, documents: int) -> None:
        """Add documents of which some have a property: a share of documents."""
        self.sums.add(s=flagged, t=documents, ss=flagged, st=flagged, tt=documents, n=documents)

    @property
    def moments(self) -> tuple[int, int, int, int, int, int]:
        """(sum s, sum t, sum s^2, sum st, sum t^2, documents)."""
        v = self.sums.values
        return v["s"], v["t"], v["ss"], v["st"], v["tt"], v["n"]

    def merge(self, other: Ratio) -> None:
        self.sums.merge(other.sums)

    def arrays(self) -> Arrays:
        return self.sums.arrays()

    def restore(self, arrays: Arrays) -> None:
        self.sums.restore(arrays)


class Counts:
    """Counts by 64-bit key: exact up to ``cap`` different keys, then of a sample of the keys.

    Past the cap only keys below a power-of-two threshold are kept, with their exact counts (Bar-Yossef et al.
    2002, the k minimum values idea): numbers of different keys, and of keys seen once or twice, then follow by
    multiplying with ``2 ** level``; anything that weights keys by their counts does not.
    """

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.level = 0
        self.used = 0
        self._keys = np.zeros(1 << 10, np.uint64)
        self._counts = np.zeros(1 << 10, np.int64)

    @property
    def limit(self) -> np.uint64:
        """The largest key that is kept."""
        return _ALL >> np.uint64(self.level)

    def add(self, keys: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
        """Add to the counts of ``keys`` (a key may come more than once)."""
        from contam_metrics.kernels.calls import add_counts

        self._make_room(len(keys))
        self.used += add_counts(self._keys, self._counts, keys, counts, self.limit)
        while self.used > self.cap:
            self._rebuild(len(self._keys), self.level + 1)

    def count_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The counts of some keys, 0 for keys that are not kept."""
        from contam_metrics.kernels.calls import get_counts

        out = np.empty(len(keys), np.int64)
        get_counts(self._keys, self._counts, keys, out)
        return out

    def _make_room(self, extra: int) -> None:
        size = len(self._keys)
        while size < 2 * (self.used + extra):
            size *= 2
        if size > len(self._keys):
            self._rebuild(size, self.level)

    def _rebuild(self, size: int, level: int) -> None:
        from contam_metrics.kernels.calls import add_counts

        old_keys, old_counts = self._keys, self._counts
        self.level = level
        self._keys = np.zeros(size, np.uint64)
        self._counts = np.zeros(size, np.int64)
        self.used = add_counts(self._keys, self._counts, old_keys, old_counts, self.limit)

    def counts(self) -> NDArray[np.int64]:
        """The counts that are kept, in ascending order."""
        return np.sort(self._counts[self._counts > 0])

    def largest(self, size: int, least: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """(keys, counts) of the ``size`` largest counts above ``least``, of equal ones the smaller keys."""
        many = np.flatnonzero(self._counts > least)
        keys, counts = self._keys[many], self._counts[many]
        order = np.lexsort((keys, -counts))[:size]
        return keys[order], counts[order]

    def distinct(self) -> int:
        """How many different keys there were; an estimate once ``level`` is above 0."""
        return self.used << self.level

    def merge(self, other: Counts) -> None:
        if other.level > self.level:
            self._rebuild(len(self._keys), other.level)
        filled = other._keys > 0
        self.add(other._keys[filled], other._counts[filled])

    def arrays(self) -> Arrays:
        filled = np.flatnonzero(self._keys)
        order = filled[np.argsort(self._keys[filled])]
        level = np.array([self.level], np.int64)
        return {"keys": self._keys[order], "counts": self._counts[order], "level": level}

    def restore(self, arrays: Arrays) -> None:
        if len(arrays["keys"]) != len(arrays["counts"]):
            raise ValueError("as many counts as keys")
        self.__init__(self.cap)  # type: ignore[misc]
        self.level = int(arrays["level"][0])
        self.add(arrays["keys"].astype(np.uint64), arrays["counts"].astype(np.int64))


class Places:
    """The first and the last place at which each 64-bit key was seen, of the keys up to ``limit``; 24 bytes a key and a
    sort now and then."""

    def __init__(self) -> None:
        self.limit = _ALL
        self._parts: list[tuple[NDArray[np.uint64], ...]] = []
        self._held = 0
        self._kept = 0

    def add(self, keys: NDArray[np.uint64], places: NDArray[np.uint64]) -> None:
        """Take keys (one may come more than once) and where each was seen."""
        self._take(keys, places, places)

    def _take(self, *part: NDArray[np.uint64]) -> None:
        self._parts.append(part)
        self._held += len(part[0])
        if self._held > 2 * self._kept + (1 << 16):
            self._trim()

    def _trim(self) -> tuple[NDArray[np.uint64], ...]:
        """(keys, first places, last places): every key once, in order."""
        if not self._parts:
            return (np.empty(0, np.uint64),) * 3
        keys, first, last = (np.concatenate(column) for column in zip(*self._parts))
        order = np.argsort(keys, kind="stable")
        order = order[keys[order] <= self.limit]
        keys = keys[order]
        begins = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
        if len(keys):
            first, last = np.minimum.reduceat(first[order], begins), np.maximum.reduceat(last[order], begins)
        self._parts = [(keys[begins], first[: len(begins)], last[: len(begins)])]
        self._held = self._kept = len(begins)
        return self._parts[0]

    def of(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """The first and the last places of keys that were seen and are within the limit."""
        known, first, last = self._trim()
        rows = np.searchsorted(known, keys)
        return first[rows], last[rows]

    def shift(self, amount: int) -> None:
        """Add to every place."""
        keys, first, last = self._trim()
        self._parts = [(keys, first + np.uint64(amount), last + np.uint64(amount))]

    def merge(self, other: Places) -> None:
        self.limit = min(self.limit, other.limit)
        for part in other._parts:
            self._take(*part)

    def arrays(self) -> Arrays:
        keys, first, last = self._trim()
        return {"keys": keys, "first": first, "last": last, "limit": np.array([self.limit], np.uint64)}

    def restore(self, arrays: Arrays) -> None:
        columns = tuple(arrays[name].astype(np.uint64) for name in ("keys", "first", "last"))
        if len({len(column) for column in columns}) > 1:
            raise ValueError("as many places as keys")
        self.limit = np.uint64(arrays["limit"][0])
        self._parts = [columns]
        self._held = self._kept = len(columns[0])


class Worst:
    """The ``size`` documents with the largest values: value, content hash, label and the start of the text."""

    EXCERPT = 400

    def __init__(self, size: int = 20, least: float = 0.0) -> None:
        self.size = size
        self.least = least
        self.rows: dict[int, tuple[float, str, bytes]] = {}

    @property
    def threshold(self) -> float:
        """A value below this one cannot enter any more."""
        return min(v for v, _, _ in self.rows.values()) if len(self.rows) >= self.size else self.least

    def add(
        self,
        values: NDArray[np.float64],
        docs: NDArray[np.uint64],
        label: Callable[[int], str],
        text: Callable[[int], bytes],
    ) -> None:
        """Offer the documents of a batch; ``label(i)`` and ``text(i)`` are asked for those that enter."""
        for i in np.flatnonzero((values >= self.threshold) & (values > self.least)):
            self._put(int(docs[i]), float(values[i]), label(int(i)), text(int(i))[: self.EXCERPT])
            self._trim()

    def _put(self, doc: int, value: float, label: str, text: bytes) -> None:
        if doc in self.rows:
            old_value, old_label, _ = self.rows[doc]
            value, label = max(value, old_value), min(label, old_label)
        self.rows[doc] = (value, label, text)

    def _trim(self) -> None:
        if len(self.rows) > self.size:
            ranked = sorted(self.rows, key=lambda d: (-self.rows[d][0], d))
            self.rows = {d: self.rows[d] for d in ranked[: self.size]}

    def ranked(self) -> list[tuple[float, str, bytes]]:
        """(value, label, excerpt), largest value first."""
        order = sorted(self.rows, key=lambda d: (-self.rows[d][0], d))
        return [self.rows[d] for d in order]

    def merge(self, other: Worst) -> None:
        for doc, (value, label, text) in other.rows.items():
            self._put(doc, value, label, text)
        self._trim()

    def arrays(self) -> Arrays:
        docs = sorted(self.rows)
        rows = [self.rows[d] for d in docs]
        return {
            "docs": np.array(docs, np.uint64),
            "values": np.array([r[0] for r in rows], np.float64),
            "labels": packed([r[1].encode("utf-8", "surrogatepass") for r in rows]),
            "texts": packed([r[2] for r in rows]),
        }

    def restore(self, arrays: Arrays) -> None:
        labels = [b.decode("utf-8", "surrogatepass") for b in unpacked(arrays["labels"])]
        rows = zip(arrays["values"].tolist(), labels, unpacked(arrays["texts"]))
        self.rows = dict(zip(arrays["docs"].tolist(), rows))


def packed(parts: list[bytes]) -> NDArray[np.uint8]:
    """Some byte strings as one array: the number of them, their lengths, then the bytes."""
    head = np.array([len(parts), *(len(p) for p in parts)], np.int64)
    return np.frombuffer(head.tobytes() + b"".join(parts), np.uint8)


def unpacked(array: NDArray[np.uint8]) -> list[bytes]:
    """The byte strings that `packed` put together."""
    raw = array.tobytes()
    count = int.from_bytes(raw[:8], "little")
    sizes = np.frombuffer(raw[8 : 8 + 8 * count], np.int64)
    ends = 8 + 8 * count + np.cumsum(sizes)
    return [raw[e - s : e] for s, e in zip(sizes, ends)]
