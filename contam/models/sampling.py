"""Choosing the next token: temperature, top-k, nucleus, and one uniform number a token, so that a text is a function of
(weights, prompt, uniforms) and does not depend on what it is generated beside."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

COLDEST = 1e-6
"""Temperatures below are greedy: dividing by them overflows."""
DECODERS = ("exact", "stride", "context")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to generate ``tokens`` tokens after the prompt.

    ``exact``: every token sees the last ``block`` tokens, as if recomputed from nothing each time. Two variants
    change the experiment: ``stride`` keeps a cache and, when ``block`` is full, begins again with its last half;
    ``context`` does the same with the model's whole context. ``temperature`` 0 is greedy; ``top_k`` 0 is no limit;
    ``top_p`` 1 is no limit (`nucleus`).
    """

    tokens: int = 1024
    block: int = 100
    temperature: float = 1.0
    top_k: int = 200
    decoder: str = "exact"
    top_p: float = 1.0


def choose(logits: Tensor, uniform: Tensor, sampling: Sampling) -> Tensor:
    """The next tokens int64[...] for logits float32[..., V] and uniforms float64[...] in [0, 1).

    Inverse of the cumulative distribution in float64; over the ``top_k`` most likely tokens, in their order, or
    over all in the vocabulary's order. With ``top_p``, over the nucleus of what temperature and ``top_k`` leave.
    """
    if sampling.temperature < COLDEST:
        return logits.argmax(-1)
    tokens = None
    if 0 < sampling.top_k < logits.shape[-1]:
        logits, tokens = logits.topk(sampling.top_k, dim=-1)
    scaled = logits / sampling.temperature
    if sampling.top_p < 1:
        scaled = nucleus(scaled, sampling.top_p)
    mass = torch.softmax(scaled, dim=-1).to(torch.float64).cumsum(-1)
    at = (mass <= uniform.unsqueeze(-1) * mass[..., -1:]).sum(-1, keepdim=True)
    at = at.clamp_(max=logits.shape[-1] - 1)
    return (tokens.gather(-1, at) if tokens is not None else at).squeeze(-1)


def nucleus(logits: Tensor, p: float) -> Tensor:
    """Logits float32[..., V] with -inf for all but the fewest most likely tokens whose probabilities sum to ``p``.

    The token with which the sum reaches ``p`` is kept (Holtzman et al. 2020), so at least one is.
    """
    rising, order = logits.sort(-1)
    outside = rising.softmax(-1).cumsum(-1) <= 1 - p
    outside[..., -1] = False
    return logits.masked_fill(outside.scatter(-1, order, outside), -torch.inf)


def penalised(scores: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Scores float32[..., V] with those of the tokens in ``seen`` bool[..., V] made smaller by a penalty above 1.

    Positive scores are divided by it and negative ones multiplied (Keskar et al. 2019, CTRL).
    """
    return torch.where(seen, torch.where(scores < 0, scores * penalty, scores / penalty), scores)


def seen_in(ids: Tensor, vocabulary: int) -> Tensor:
    """Which tokens of the vocabulary occur in texts int64[B, T]: bool[B, vocabulary]."""
    return torch.zeros((len(ids), vocabulary), dtype=torch.bool, device=ids.device).scatter_(1, ids, True)
