"""Beam search, many texts at once: the likeliest continuations that a search of fixed width finds.

The rules are those of transformers' ``generate(num_beams=...)`` at its default settings: twice as many candidates as
beams are ranked; a candidate that ends is finished only if it is among the best half; finished ones are compared by
log-probability over length; a text is done when as many are finished as there are beams and the best open one, at its
present length, is no better than the worst of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contam.models.batches import Document, Told
from contam.models.network import Network
from contam.models.sampling import penalised, seen_in
from contam.models.window import Window

IMPOSSIBLE = -1e9
"""Added to the log-probability of what may not be chosen, or stands for one that is not there yet."""
BEATS = 16


@dataclass(frozen=True, slots=True)
class BeamSettings:
    """``beams`` kept side by side, at least ``least`` and at most ``tokens`` new tokens, the token that ends a text
    (-1: none), the penalty for tokens seen before, on log-probabilities, and the power of the length that finished
    texts are compared by."""

    beams: int
    tokens: int
    least: int = 0
    stop: int = -1
    repetition_penalty: float = 1.0
    length_penalty: float = 1.0


@torch.no_grad()
def search(network: Network, prompts: Tensor, settings: BeamSettings, told: Told | None = None) -> list[Document]:
    """The best text found for each prompt, from the first replica of a network that has one: prompts int64[B, P].

    Beyond the model's context the search goes on as `contam.models.window.Window` does.
    """
    going = _Search(network, prompts, settings)
    for n in range(settings.tokens):
        going.step(n)
        if n + 1 == settings.tokens or not len(going.members):
            break
        if told and n % BEATS == BEATS - 1:
            told(len(prompts) - len(going.members))
        going.feed()
    return going.found()


def _rows(x: Tensor, at: Tensor) -> Tensor:
    """x [D, N, ...] -> [D, M, ...] by indices int64[D, M]."""
    return x[torch.arange(len(x), device=x.device).unsqueeze(1), at]


class _Search:
    """D texts whose search goes on, K beams each; ``members`` says which texts these are."""

    def __init__(self, network: Network, prompts: Tensor, settings: BeamSettings) -> None:
        count, self.start = prompts.shape
        self.settings, place = settings, prompts.device
        self.members = torch.arange(count, device=place)
        self.window = Window(network, prompts, self.start + settings.tokens)
        self.window.keep(self.members.repeat_interleave(settings.beams))
        self.logits = self.window.logits.repeat_interleave(settings.beams, 0)
        self.texts = prompts.repeat_interleave(settings.beams, 0).view(count, settings.beams, -1)
        self.scores = torch.full((count, settings.beams), IMPOSSIBLE, device=place)
        self.scores[:, 0] = 0.0  # the beams are equal at first: only one of them counts
        self.done = torch.zeros((count, settings.beams), dtype=torch.bool, device=place)
        self.done_scores = torch.full((count, settings.beams), IMPOSSIBLE, device=place)
        self.best = torch.zeros((count, settings.tokens), dtype=torch.int64, device=place)
        self.lengths = torch.zeros(count, dtype=torch.int64, device=place)
        self.stopped = torch.zeros(count, dtype=torch.bool, device=place)
        self.parents = self.members

    def _candidates(self, n: int) -> tuple[Tensor, Tensor, Tensor]:
        """The 2K best ways to go on: summed log-probabilities, beams, tokens, each [D, 2K]."""
        told, (d, k) = self.settings, self.scores.shape
        single = self.logits.log_softmax(-1)
        if told.repetition_penalty != 1:
            seen = seen_in(self.texts.flatten(0, 1), single.shape[-1])
            single = penalised(single, seen, told.repetition_penalty)
        if n < told.least and told.stop >= 0:
            single[:, told.stop] = -torch.inf
        whole = (single.view(d, k, -1) + self.scores.unsqueeze(-1)).view(d, -1)
        top, at = whole.topk(2 * k)
        return top, at // single.shape[-1], at % single.shape[-1]

    def step(self, n: int) -> None:
        """Token ``n`` of every text."""
        told, k = self.settings, self.settings.beams
        top, beams, tokens = self._candidates(n)
        over = (tokens == told.stop) | (n + 1 == told.tokens)
        self._finish(n, top / (n + 1) ** told.length_penalty, (beams, tokens, over))
        opened = torch.where(over, top + IMPOSSIBLE, top)
        chosen = opened.topk(k).indices
        self.scores, self.parents, tokens = (x.gather(1, chosen) for x in (opened, beams, tokens))
        self.texts = torch.cat((_rows(self.texts, self.parents), tokens.unsqueeze(-1)), dim=-1)
        worst = torch.where(self.done, self.done_scores.amin(1, keepdim=True), IMPOSSIBLE)
        hopeful = (self.scores[:, :1] / (n + 1) ** told.length_penalty > worst).any(1)
        self._leave(hopeful.nonzero().squeeze(1))

    def _finish(self, n: int, final: Tensor, candidates: tuple[Tensor, Tensor, Tensor]) -> None:
        """Note candidates that ended, [D, 2K], where they are better than those noted before."""
        beams, tokens, over = candidates
        k = self.settings.beams
        ended = over & (torch.arange(2 * k, device=final.device) < k)
        final = torch.where(ended, final, IMPOSSIBLE)
        score, at = final.max(1, keepdim=True)
        better = (score > self.done_scores[:, :1]).squeeze(1).nonzero().squeeze(1)
        if len(better):
            at, members = at[better], self.members[better]
            self.best[members, :n] = _rows(self.texts[better], beams[better].gather(1, at))[:, 0, self.start :]
            last = tokens[better].gather(1, at).squeeze(1)
            self.best[members, n] = last
            self.stopped[members] = last == self.settings.stop
            self.lengths[members] = n + 1 - self.stopped[members].long()
        self.done_scores, kept = torch.cat((self.done_scores, final), 1).topk(k)
        self.done = torch.cat((self.done, ended), 1).gather(1, kept)

    def _leave(self, kept: Tensor) -> None:
        """Go on with these texts only."""
        self.members, self.texts, self.scores = self.members[kept], self.texts[kept], self.scores[kept]
        self.done, self.done_scores = self.done[kept], self.done_scores[kept]
        k = self.settings.beams
        self.parents = (kept.unsqueeze(1) * k + self.parents[kept]).flatten()

    def feed(self) -> None:
        """The cache goes on from the beams that were chosen."""
        self.window.keep(self.parents)
        self.window.feed(self.texts.flatten(0, 1))
        self.logits = self.window.logits

    def found(self) -> list[Document]:
        """The best text of each prompt."""
        ids, lengths = self.best.cpu().numpy().astype(np.int32), self.lengths.tolist()
        return [(ids[row, : lengths[row]].copy(), over) for row, over in enumerate(self.stopped.tolist())]
