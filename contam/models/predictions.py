"""What a network predicts at every position, as five figures of the distribution over its vocabulary."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from contam.models.network import Network


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


def predictions_of(logits: Tensor, targets: Tensor) -> Predictions:
    """The figures of logits float32[R, n, V], which are overwritten, for targets int64[R, n].

    With d = logit - largest logit and p = softmax: ln q = d + ln max p, so H = -ln max p - E[d], and the variance is
    that of d. Seven passes over the logits, of which one takes exponentials.
    """
    most = logits.amax(-1, keepdim=True)
    shifted = logits.sub_(most)
    own = shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    p = torch.softmax(shifted, -1)
    confidence = p.amax(-1)
    lifted = confidence.log()
    weighted = p.mul_(shifted)
    mean = weighted.sum(-1)
    square = weighted.mul_(shifted).sum(-1)
    variance = (square - mean * mean).clamp_(min=0)
    return Predictions(-own - lifted, -lifted - mean, variance, confidence, own == 0)


def joined(chunks: Iterable[Tensor], targets: Tensor) -> Predictions:
    """The figures of all pieces of logits float32[R, n, V], in order, for targets int64[R, N]."""
    parts: list[Predictions] = []
    start = 0
    for logits in chunks:
        end = start + logits.shape[1]
        parts.append(predictions_of(logits, targets[:, start:end]))
        start = end
    names = Predictions.__slots__
    return Predictions(*(torch.cat([getattr(part, name) for part in parts], dim=1) for name in names))


@torch.no_grad()
def predictions(network: Network, ids: Tensor, first: int = 0) -> Predictions:
    """What a network predicts of the tokens after position ``first`` in int64[R, B, T + 1]: figures
    [R, B * (T - first)], text after text."""
    return joined(network.chunks(ids, first), ids[:, :, first + 1 :].flatten(1))
