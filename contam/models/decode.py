"""Generating text with a network: the exact sliding window, and variants that are faster and are not the same."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from contam.models.network import Network
from contam.models.sampling import Sampling, choose

Beat = Callable[[int], None]
"""Told now and then how many tokens there are, so that a long generation can show that it lives."""
BEATS = 16


def generate(
    network: Network, prompt: Tensor, uniforms: Tensor, sampling: Sampling, beat: Beat | None = None
) -> Tensor:
    """Texts int64[R, B, P + tokens] that begin with the prompt int64[R, B, P].

    ``uniforms`` float64[R, B, tokens] decide every choice. On a GPU the exact decoder replays one captured
    program a token and never waits for the host (`contam.models.graphs`).
    """
    r, b, p = prompt.shape
    out = torch.empty((r, b, p + sampling.tokens), dtype=torch.int64, device=prompt.device)
    out[:, :, :p] = prompt
    if sampling.decoder != "exact":
        room = sampling.block if sampling.decoder == "stride" else network.shape.context
        return _strided(network, out, p, uniforms, (sampling, min(room, network.shape.context)), beat)
    if prompt.is_cuda:
        from contam.models.graphs import replayed

        return replayed(network, out, p, uniforms, sampling)
    return _exact(network, out, p, uniforms, sampling, beat)


def _exact(
    network: Network, out: Tensor, start: int, uniforms: Tensor, sampling: Sampling, beat: Beat | None
) -> Tensor:
    """A cache while no token has left the window; after that every position changes with every token, so the
    window is computed anew, its last layer for the last position only."""
    first = max(0, start - sampling.block)
    cache, logits = network.prefill(out[:, :, first:start], sampling.block)
    for i in range(sampling.tokens):
        t = start + i
        if i and t <= sampling.block:
            logits = network.advance(cache, out[:, :, t - 1])
        elif i:
            logits = network.last(out[:, :, t - sampling.block : t])
        out[:, :, t] = choose(logits, uniforms[:, :, i], sampling)
        if beat and i % BEATS == 0:
            beat(i)
    return out


def _strided(
    network: Network, out: Tensor, start: int, uniforms: Tensor, how: tuple[Sampling, int], beat: Beat | None
) -> Tensor:
    """A cache of ``room`` tokens; when it is full it begins again with its last half."""
    sampling, room = how
    cache, logits = network.prefill(out[:, :, max(0, start - room) : start], room)
    length = min(start, room)
    for i in range(sampling.tokens):
        t = start + i
        if i and length == room:
            length = room // 2
            cache, logits = network.prefill(out[:, :, t - length : t], room)
        elif i:
            logits = network.advance(cache, out[:, :, t - 1])
            length += 1
        out[:, :, t] = choose(logits, uniforms[:, :, i], sampling)
        if beat and i % BEATS == 0:
            beat(i)
    return out
