"""What a network predicts at every position, as five figures of the distribution over its vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from contam.models.network import Network

BLOCK_CPU = 1 << 18
"""Logits that a CPU goes over at a time: few enough for its cache, many enough that calls cost little."""


LOWEST = -1e4
"""A logit so far below the largest has no probability in float32; those of pieces that a model rules out are -inf."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """Figures of predictions q of the tokens x, each [R, N] (N positions of R replicas).

    ``nats``: -ln q(x). ``entropy``: H(q), nats. ``variance``: of ln q under q. ``confidence``: the largest q. ``hit``:
    whether x is the likeliest token (or one of several equally likely, as happens in bf16).
    """

    nats: Tensor
    entropy: Tensor
    variance: Tensor
    confidence: Tensor
    hit: Tensor


class Moments:
    """What is kept of the logits of N positions, float32[R, N] each, while they are gone over piece by piece.

    With d = logit - largest logit and p = softmax: d of the target, the largest p, E[d] and E[d^2].
    """

    def __init__(self, targets: Tensor) -> None:
        """``targets``: int64[R, N]."""
        self.targets = targets
        self.own, self.top, self.mean, self.square = torch.empty((4, *targets.shape), device=targets.device)
        self._p: Tensor | None = None

    def take(self, logits: Tensor, start: int) -> None:
        """The moments of positions ``start``, ... from their logits float32[R, n, V], which are overwritten.

        Eight passes, of which one takes exponentials.
        """
        at = slice(start, start + logits.shape[1])
        shifted = logits.sub_(logits.amax(-1, keepdim=True))
        self.own[:, at] = shifted.gather(-1, self.targets[:, at].unsqueeze(-1)).squeeze(-1)
        p = torch.softmax(shifted, -1, out=self._memory(logits))
        self.top[:, at] = p.amax(-1)
        mean = p.mul_(shifted).sum(-1)
        if not bool(torch.isfinite(mean).all()):  # pieces ruled out: 0 times -inf
            torch.softmax(shifted, -1, out=p)
            mean = p.mul_(shifted.clamp_(min=LOWEST)).sum(-1)
        self.mean[:, at] = mean
        self.square[:, at] = p.mul_(shifted).sum(-1)

    def _memory(self, logits: Tensor) -> Tensor:
        """Room for the softmax, the same every time: new memory can cost more than the arithmetic."""
        if self._p is None or self._p.shape[1] < logits.shape[1]:
            self._p = torch.empty(logits.shape, device=logits.device)
        return self._p[:, : logits.shape[1]]

    def figures(self) -> Predictions:
        """ln q = d + ln max p, so H = -ln max p - E[d], and the variance of ln q is that of d."""
        lifted = self.top.log()
        variance = (self.square - self.mean * self.mean).clamp_(min=0)
        return Predictions(-self.own - lifted, -lifted - self.mean, variance, self.top, self.own == 0)


def blocks(logits: Tensor) -> tuple[Tensor, ...]:
    """A piece of logits [R, n, V] as a device goes over it best: all of it, or on a CPU some positions at a time."""
    r, n, v = logits.shape
    return logits.split(max(1, BLOCK_CPU // (r * v)) if logits.device.type == "cpu" else max(n, 1), dim=1)


@torch.no_grad()
def joined(chunks: Iterable[Tensor], targets: Tensor) -> Predictions:
    """The figures of pieces of logits float32[R, n, V], in order, which are overwritten, for targets int64[R, N]."""
    moments = Moments(targets)
    start = 0
    for logits in chunks:
        for block in blocks(logits):
            moments.take(block, start)
            start += block.shape[1]
    return moments.figures()


def predictions(network: Network, ids: Tensor, first: int = 0) -> Predictions:
    """What a network predicts of the tokens after position ``first`` in int64[R, B, T + 1]: figures
    [R, B * (T - first)], text after text."""
    return joined(network.chunks(ids, first), ids[:, :, first + 1 :].flatten(1))
