"""Documents as one stream of tokens, and the windows of it that a model is trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.models.noise import starts, uniforms

Ids = NDArray[np.int64]


def packed_stream(ids: NDArray[np.integer], bounds: Ids, end: int) -> Ids:
    """Documents ``ids[bounds[i]:bounds[i + 1]]`` with ``end`` before, between and after them: int64[N + D + 1]."""
    return np.insert(ids.astype(np.int64), bounds, end)


@dataclass(frozen=True, slots=True)
class Windows:
    """A stream of ``length`` tokens in windows of ``block`` predictions; all but the first token are predicted.

    Every epoch cuts the stream at other places and goes through the windows in another order. At the two ends of the
    stream, windows lie over their neighbours and count only what these do not: in an epoch, every token counts once.
    Were the cuts always the same, a model would know a token by its place in its window.
    """

    length: int
    block: int

    @property
    def predictions(self) -> int:
        return self.length - 1

    def cut(self, shift: int) -> Ids:
        """All windows where the first full one begins at ``shift`` (below ``block``): int64[windows, 3], where each
        begins in the stream, and from which up to which of its predictions it counts."""
        low = np.arange(shift - self.block if shift else 0, self.predictions, self.block)
        high = np.minimum(low + self.block, self.predictions)
        start = np.clip(low, 0, self.predictions - self.block)
        return np.stack([start, np.maximum(low, 0) - start, high - start], axis=1)

    def steps(self, epochs: float, batch_size: int, names: Sequence[object]) -> Iterator[Ids]:
        """The windows of every step, [at most ``batch_size``, 3] as `cut` has them; an epoch's last has the rest."""
        for epoch in range(math.ceil(epochs)):
            windows = self.cut(self._shift(epoch, names))
            order = np.argsort(uniforms(len(windows), *names, "windows", epoch).numpy(), kind="stable")
            order = order[: max(1, round(min(1.0, epochs - epoch) * len(windows)))]
            yield from (windows[order[i : i + batch_size]] for i in range(0, len(order), batch_size))

    def count(self, epochs: float, batch_size: int, names: Sequence[object]) -> int:
        """How many steps these are."""
        total = 0
        for epoch in range(math.ceil(epochs)):
            shift = self._shift(epoch, names)
            windows = -(-(self.predictions - shift) // self.block) + (shift > 0)
            total += -(-max(1, round(min(1.0, epochs - epoch) * windows)) // batch_size)
        return total

    def _shift(self, epoch: int, names: Sequence[object]) -> int:
        return int(starts(1, min(self.block, self.predictions), *names, "cut", epoch))
