"""Many texts of one network, fast: batches with a cache, which the texts that have ended leave.

Every choice comes from random numbers of the text's own name, so a text is a function of the weights, the prompt, the
settings and its name, and not of what is generated beside it. Only rounding moves with the size of a batch: it can
change a choice whose random number lies within rounding of the boundary between two tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from contam.errors import InputError
from contam.models.network import Network
from contam.models.noise import uniforms
from contam.models.sampling import COLDEST, Sampling, choose, penalised, seen_in

CHECK_GPU = 16
"""Tokens between two looks at which texts have ended; a look makes a GPU wait for the host. A CPU looks every time."""
BEATS = 16
LEAVE = 0.25
"""Share of a batch's texts that must have ended before the batch is narrowed."""

Beat = Callable[[int], None]
"""Told now and then how many texts are done."""


@dataclass(frozen=True, slots=True)
class RolloutSettings:
    """How to write: at most ``tokens`` new tokens (fewer where the prompt leaves less of the model's context);
    ``temperature`` 0 is greedy, ``top_k`` 0 and ``top_p`` 1 no limit; ``repetition_penalty`` 1 is none, over the prompt
    and the new tokens (`contam.models.sampling.penalised`); ``batch`` texts at a time."""

    tokens: int = 256
    temperature: float = 1.0
    top_k: int = 0
    batch: int = 64
    top_p: float = 1.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """One text. ``ids``: the new tokens without the stop token; ``ended``: whether a stop token ended it.

    ``nats``: -ln q summed over the ``predicted`` tokens, which are ``ids`` and the stop token; q is the model's own
    distribution at the temperature of the settings (1 where that is greedy), before any penalty, top-k or top-p.
    """

    ids: tuple[int, ...]
    ended: bool
    nats: float
    predicted: int


def rollouts(
    network: Network,
    prompts: Sequence[Sequence[int]],
    names: Sequence[tuple[object, ...]],
    settings: RolloutSettings,
    stops: frozenset[int] = frozenset(),
    beat: Beat | None = None,
) -> list[Rollout]:
    """One text for each prompt, in their order, from the first replica of a network that has one.

    ``names``: what the random numbers of each text are drawn by; equal names with equal prompts give equal texts.
    Raises ``InputError`` for a prompt that is empty or leaves no room in the model's context.
    """
    _check(network, prompts, names, settings)
    out: dict[int, Rollout] = {}
    for members in _batches(prompts, settings.batch):
        told = _Told(beat, len(out))
        batch = _Batch(network, [prompts[i] for i in members], [names[i] for i in members], settings, stops)
        out.update(zip(members, batch.written(told)))
        told(len(members))
    return [out[i] for i in range(len(prompts))]


def _check(
    network: Network, prompts: Sequence[Sequence[int]], names: Sequence[tuple[object, ...]], settings: RolloutSettings
) -> None:
    if network.replicas != 1:
        raise ValueError(f"rollouts are of one replica, the network has {network.replicas}")
    if len(prompts) != len(names):
        raise ValueError(f"{len(prompts)} prompts, but {len(names)} names")
    if settings.tokens < 1 or settings.batch < 1 or settings.temperature < 0:
        raise InputError(f"{settings}: tokens and batch must be at least 1, the temperature at least 0")
    if not (0 < settings.top_p <= 1 and settings.repetition_penalty > 0):
        raise InputError(f"{settings}: top_p must be above 0 and at most 1, the repetition penalty above 0")
    for number, prompt in enumerate(prompts):
        if not 0 < len(prompt) < network.shape.context:
            what = f"has {len(prompt)} tokens" if prompt else "is empty"
            raise InputError(
                f"prompt {number} {what}; the model takes 1 to {network.shape.context - 1}, so that there is room for "
                "new ones"
            )


def _batches(prompts: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
    """Indices of prompts of equal length, up to ``size`` at a time."""
    groups: dict[int, list[int]] = {}
    for i, prompt in enumerate(prompts):
        groups.setdefault(len(prompt), []).append(i)
    for members in groups.values():
        for first in range(0, len(members), size):
            yield members[first : first + size]


class _Told:
    """Adds the texts of earlier batches to what a beat hears."""

    def __init__(self, beat: Beat | None, before: int) -> None:
        self.beat, self.before = beat, before

    def __call__(self, done: int) -> None:
        if self.beat:
            self.beat(self.before + done)


class _Batch:
    """Texts that are written side by side; ``rows`` are those that are still in the cache."""

    def __init__(
        self,
        network: Network,
        prompts: Sequence[Sequence[int]],
        names: Sequence[tuple[object, ...]],
        settings: RolloutSettings,
        stops: frozenset[int],
    ) -> None:
        self.network, self.place = network, torch.device(network.device.name)
        self.prompts = torch.tensor(prompts, dtype=torch.int64, device=self.place)
        count, length = self.prompts.shape
        self.tokens = min(settings.tokens, network.shape.context - length)
        self.sampling = Sampling(
            self.tokens, temperature=settings.temperature, top_k=settings.top_k, top_p=settings.top_p
        )
        self.penalty = settings.repetition_penalty
        self.seen = seen_in(self.prompts, network.shape.vocabulary) if self.penalty != 1 else None
        drawn = torch.stack([uniforms(settings.tokens, "rollout", *name)[: self.tokens] for name in names])
        self.uniforms = drawn.to(self.place)
        self.stops = torch.tensor(sorted(stops), dtype=torch.int64, device=self.place)
        self.ids = torch.zeros((count, self.tokens), dtype=torch.int64, device=self.place)
        self.nats = torch.zeros((count, self.tokens), dtype=torch.float32, device=self.place)
        self.rows = torch.arange(count, device=self.place)
        self.ended = torch.zeros(count, dtype=torch.bool, device=self.place)
        """Of the rows in the cache."""

    def written(self, told: _Told) -> list[Rollout]:
        """All texts."""
        cache, logits = self.network.prefill(self.prompts.unsqueeze(0), self.prompts.shape[1] + self.tokens)
        every = CHECK_GPU if self.place.type == "cuda" else 1
        for i in range(self.tokens):
            token = self._step(i, logits[0])
            if i + 1 == self.tokens:
                break
            if i % BEATS == BEATS - 1:
                told(len(self.ids) - len(self.rows))
            if len(self.stops) and i % every == every - 1 and (kept := self._remaining()) is not None:
                if not len(kept):
                    break
                cache, token = self.network.narrowed(cache, kept), token[kept]
            logits = self.network.advance(cache, token.unsqueeze(0))
        return self._collected()

    def _step(self, i: int, logits: Tensor) -> Tensor:
        """Choose and note token ``i`` of every row; nothing here waits for a GPU."""
        scores = logits
        if self.seen is not None:
            scores = penalised(logits, self.seen[self.rows], self.penalty)
        token = choose(scores, self.uniforms[self.rows, i], self.sampling)
        if self.seen is not None:
            self.seen[self.rows, token] = True
        heat = self.sampling.temperature
        scaled = logits / heat if heat >= COLDEST and heat != 1 else logits
        self.ids[self.rows, i] = token
        self.nats[self.rows, i] = scaled.logsumexp(-1) - scaled.gather(-1, token.unsqueeze(-1)).squeeze(-1)
        if len(self.stops):
            self.ended |= torch.isin(token, self.stops)
        return token

    def _remaining(self) -> Tensor | None:
        """Which of the rows go on (none: all have ended), or None where too few have ended for the batch to change."""
        over = int(self.ended.sum())
        if over < max(1.0, LEAVE * len(self.rows)):
            return None
        kept = (~self.ended).nonzero().squeeze(1)
        self.rows, self.ended = self.rows[kept], self.ended[kept]
        return kept

    def _collected(self) -> list[Rollout]:
        """What was noted, up to each text's first stop token."""
        ids, nats, out = self.ids.cpu(), self.nats.double().cpu(), []
        stops = torch.isin(ids, self.stops.cpu())
        for row in range(len(ids)):
            found = stops[row].nonzero()
            length = int(found[0]) if len(found) else self.tokens
            predicted = min(length + 1, self.tokens)
            told = float(nats[row, :predicted].sum())
            out.append(Rollout(tuple(ids[row, :length].tolist()), len(found) > 0, told, predicted))
        return out
