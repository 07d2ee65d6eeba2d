"""Documents as token ids, end to end: what the generations of a recursion hand to one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """``ids`` int32[N]: the tokens of all documents end to end, without marks between them; document ``i`` is
    ``ids[bounds[i]:bounds[i + 1]]``, ``bounds`` int64[D + 1] from 0. A document may be empty."""

    ids: NDArray[np.int32]
    bounds: Ints

    @classmethod
    def of(cls, documents: Sequence[Sequence[int] | NDArray[np.integer]]) -> Encoded:
        """From the ids of each document."""
        lengths = np.fromiter((len(d) for d in documents), np.int64, len(documents))
        parts = [np.asarray(d, np.int32) for d in documents]
        ids = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        return cls(ids, np.concatenate(([0], np.cumsum(lengths))).astype(np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Encoded]) -> Encoded:
        """Several collections, one after another."""
        if len(parts) == 1:
            return parts[0]
        lengths = np.concatenate([p.lengths for p in parts]) if parts else np.zeros(0, np.int64)
        ids = np.concatenate([p.ids for p in parts]) if parts else np.zeros(0, np.int32)
        return cls(ids, np.concatenate(([0], np.cumsum(lengths))).astype(np.int64))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Ints:
        """Tokens of each document, int64[D]."""
        return np.diff(self.bounds)

    @property
    def tokens(self) -> int:
        """Tokens of all."""
        return len(self.ids)

    def document(self, index: int) -> NDArray[np.int32]:
        """The ids of one."""
        return self.ids[self.bounds[index] : self.bounds[index + 1]]

    def take(self, indices: Sequence[int] | Ints, last: int | None = None) -> Encoded:
        """Some documents in the order asked for; the last one cut to ``last`` tokens where that is given."""
        parts = [self.document(int(i)) for i in indices]
        if parts and last is not None:
            parts[-1] = parts[-1][:last]
        return Encoded.of(parts)
