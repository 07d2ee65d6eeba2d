"""Choosing the next token: temperature, top-k, and one uniform number a token, so that a text is a function of
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
    ``context`` does the same with the model's whole context. ``temperature`` 0 is greedy; ``top_k`` 0 is no limit.
    """

    tokens: int = 1024
    block: int = 100
    temperature: float = 1.0
    top_k: int = 200
    decoder: str = "exact"


def choose(logits: Tensor, uniform: Tensor, sampling: Sampling) -> Tensor:
    """The next tokens int64[...] for logits float32[..., V] and uniforms float64[...] in [0, 1).

    Inverse of the cumulative distribution in float64; over the ``top_k`` most likely tokens, in their order, or
    over all in the vocabulary's order.
    """
    if sampling.temperature < COLDEST:
        return logits.argmax(-1)
    tokens = None
    if 0 < sampling.top_k < logits.shape[-1]:
        logits, tokens = logits.topk(sampling.top_k, dim=-1)
    mass = torch.softmax(logits / sampling.temperature, dim=-1).to(torch.float64).cumsum(-1)
    at = (mass <= uniform.unsqueeze(-1) * mass[..., -1:]).sum(-1, keepdim=True)
    at = at.clamp_(max=logits.shape[-1] - 1)
    return (tokens.gather(-1, at) if tokens is not None else at).squeeze(-1)
