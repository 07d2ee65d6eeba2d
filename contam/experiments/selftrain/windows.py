"""Windows of token streams: what replicas are evaluated and trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contam.models.network import Network

Stream = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows of tokens int64[R, W, T + 1] and which of their next tokens count, float32[R, W, T]."""

    ids: Tensor
    counts: Tensor

    def mean(self, nats: Tensor) -> Tensor:
        """Mean nats per counted token of every replica: float32[R, W, T] -> float64[R]."""
        weights = self.counts.to(torch.float64)
        return (nats.to(torch.float64) * weights).sum((1, 2)) / weights.sum((1, 2))


def rows_of(rows: Sequence[Sequence[Stream]], length: int, device: torch.device) -> Windows:
    """Rows of at most ``length`` + 1 tokens for each replica, padded on the right where they are shorter.

    What is padded does not count; it cannot reach the tokens before it, since a network looks back only.
    """
    ids = np.zeros((len(rows), len(rows[0]), length + 1), np.int64)
    counts = np.zeros((len(rows), len(rows[0]), length), np.float32)
    for r, several in enumerate(rows):
        for w, row in enumerate(several):
            ids[r, w, : len(row)] = row
            counts[r, w, : max(len(row) - 1, 0)] = 1
    return Windows(torch.from_numpy(ids).to(device), torch.from_numpy(counts).to(device))


def random_windows(stream: Stream, block: int, shares: NDArray[np.float64]) -> list[Stream]:
    """A window of ``block`` + 1 tokens for each of the numbers in [0, 1); all there is where the stream is shorter."""
    room = max(len(stream) - block, 1)
    return [stream[s : s + block + 1] for s in np.minimum((shares * room).astype(np.int64), room - 1)]


def document_rows(stream: Stream, starts: NDArray[np.int64], context: int, first: int | None) -> list[Stream]:
    """Every document in rows of up to ``context`` predicted tokens; each row begins with ``first`` (the token that
    begins a text) or, where there is none, with its own first token, which is then not predicted."""
    rows = []
    for low, high in zip(starts, [*starts[1:], len(stream)]):
        document = stream[low:high]
        if first is not None and len(document) and document[0] != first:
            document = np.concatenate(([first], document))
        rows += [document[i : i + context + 1] for i in range(0, max(len(document) - 1, 0), context)]
    return rows


def mean_losses(network: Network, parts: Sequence[Windows]) -> list[Tensor]:
    """Mean nats per token of several sets of windows, each float64[R] on the CPU.

    Sets of equal row length are scored together, in as few and as large batches as the network allows.
    """
    out: list[Tensor | None] = [None] * len(parts)
    for length in {p.ids.shape[2] for p in parts}:
        members = [i for i, p in enumerate(parts) if p.ids.shape[2] == length]
        nats = network.score(torch.cat([parts[i].ids for i in members], dim=1))
        for i, one in zip(members, nats.split([parts[i].ids.shape[1] for i in members], dim=1)):
            out[i] = parts[i].mean(one).cpu()
    return [value for value in out if value is not None]
