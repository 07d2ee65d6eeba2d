"""Documents on their way through the metrics: UTF-8 bytes end to end, and where each document starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PADDING = 64
"""Bytes of zeros kept behind the last document, so that kernels may read whole machine words past the end."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some documents as one run of bytes (the layout of Arrow's large_string).

    ``data`` is uint8 of at least ``offsets[-1] + PADDING`` bytes; document ``i`` is
    ``data[offsets[i]:offsets[i + 1]]``; ``offsets`` is int64 of one more entry than there are documents.
    The bytes need not be valid UTF-8: a stray byte counts as one symbol. Arrays that are read-only or strided
    are copied: the kernels are compiled for plain ones alone.
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", np.require(self.data, np.uint8, ["C", "W"]))
        object.__setattr__(self, "offsets", np.require(self.offsets, np.int64, ["C", "W"]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def nbytes(self) -> int:
        """Bytes of text, without the padding."""
        return int(self.offsets[-1] - self.offsets[0])

    def text(self, i: int) -> bytes:
        """The bytes of document ``i``."""
        return self.data[self.offsets[i] : self.offsets[i + 1]].tobytes()

    @classmethod
    def of(cls, texts: Iterable[str | bytes]) -> Batch:
        """A batch of texts held in memory; a lone surrogate in a ``str`` is kept as its three bytes."""
        parts = [t if isinstance(t, bytes) else t.encode("utf-8", "surrogatepass") for t in texts]
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(p) for p in parts], out=offsets[1:])
        data = np.frombuffer(bytearray(b"".join(parts) + b"\0" * PADDING), np.uint8)
        return cls(data, offsets)
