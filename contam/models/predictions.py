"""What a network predicts at every position, as five figures of the distribution over its vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from contam.models.network import Network

BLOCK_CPU = 1 << 16
"""Logits that a CPU takes the figures of at a time: they and their softmax stay in the cache of one core."""


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

    @classmethod
    def room(cls, like: Tensor) -> Predictions:
        """Figures to be filled in, of the shape and on the device of the targets."""
        return cls(*(torch.empty(like.shape, device=like.device) for _ in range(4)), torch.empty_like(like).bool())

    def fill(self, part: slice, found: Predictions) -> None:
        """Put the figures of some positions where they belong."""
        for field in fields(self):
            getattr(self, field.name)[:, part] = getattr(found, field.name)


def predictions_of(logits: Tensor, targets: Tensor, scratch: Tensor | None = None) -> Predictions:
    """The figures of logits float32[R, n, V], which are overwritten, for targets int64[R, n].

    With d = logit - largest logit and p = softmax: ln q = d + ln max p, so H = -ln max p - E[d], and the variance is
    that of d. Eight passes over the logits, of which one takes exponentials. ``scratch``: memory for p of the shape
    of the logits; new memory can cost more than the arithmetic.
    """
    shifted = logits.sub_(logits.amax(-1, keepdim=True))
    own = shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    p = torch.softmax(shifted, -1) if scratch is None else torch.softmax(shifted, -1, out=scratch)
    confidence = p.amax(-1)
    lifted = confidence.log()
    weighted = p.mul_(shifted)
    mean = weighted.sum(-1)
    square = weighted.mul_(shifted).sum(-1)
    variance = (square - mean * mean).clamp_(min=0)
    return Predictions(-own - lifted, -lifted - mean, variance, confidence, own == 0)


@torch.no_grad()
def joined(chunks: Iterable[Tensor], targets: Tensor) -> Predictions:
    """The figures of pieces of logits float32[R, n, V], in order, which are overwritten, for targets int64[R, N]."""
    out = Predictions.room(targets)
    scratch: Tensor | None = None
    start = 0
    for logits in chunks:
        r, n, v = logits.shape
        step = max(1, BLOCK_CPU // (r * v)) if logits.device.type == "cpu" else n
        for first in range(0, n, step):
            block = logits[:, first : first + step]
            if scratch is None or scratch.shape[1] < block.shape[1]:
                scratch = torch.empty(block.shape, device=block.device)
            part = slice(start + first, start + first + block.shape[1])
            out.fill(part, predictions_of(block, targets[:, part], scratch[:, : block.shape[1]]))
        start += n
    return out


def predictions(network: Network, ids: Tensor, first: int = 0) -> Predictions:
    """What a network predicts of the tokens after position ``first`` in int64[R, B, T + 1]: figures
    [R, B * (T - first)], text after text."""
    return joined(network.chunks(ids, first), ids[:, :, first + 1 :].flatten(1))
