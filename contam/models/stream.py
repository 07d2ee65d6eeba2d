"""Documents as one stream of tokens, and the windows of it that a model is trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.models.noise import uniforms

Ids = NDArray[np.int64]


def packed_stream(ids: NDArray[np.integer], bounds: Ids, end: int) -> Ids:
    """Documents ``ids[bounds[i]:bounds[i + 1]]`` with ``end`` before, between and after them: int64[N + D + 1]."""
    return np.insert(ids.astype(np.int64), bounds, end)


@dataclass(frozen=True, slots=True)
class Windows:
    """A stream of ``length`` tokens in windows of ``block`` predictions; all but the first token are predicted.

    The last window begins earlier than its turn where the stream does not divide evenly, and counts only what no
    window before it predicted: in an epoch, every token counts once.
    """

    length: int
    block: int

    @property
    def predictions(self) -> int:
        return self.length - 1

    def __len__(self) -> int:
        return -(-self.predictions // self.block)

    def start(self, window: Ids) -> Ids:
        """Where windows begin in the stream."""
        return np.minimum(window * self.block, self.predictions - self.block)

    def skipped(self, window: Ids) -> Ids:
        """How many of a window's first predictions do not count."""
        return window * self.block - self.start(window)

    def steps(self, epochs: float, batch_size: int, names: Sequence[object]) -> Iterator[Ids]:
        """The windows of every step: a new order in every epoch, whose last step may have fewer."""
        for epoch in range(math.ceil(epochs)):
            order = np.argsort(uniforms(len(self), *names, "windows", epoch).numpy(), kind="stable")
            order = order[: max(1, round(min(1.0, epochs - epoch) * len(self)))]
            yield from (order[i : i + batch_size] for i in range(0, len(order), batch_size))

    def count(self, epochs: float, batch_size: int) -> int:
        """How many steps these are."""
        whole, part = divmod(epochs, 1.0)
        last = max(1, round(part * len(self))) if part else 0
        return int(whole) * -(-len(self) // batch_size) + -(-last // batch_size)
