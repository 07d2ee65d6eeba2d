"""Documents that are written side by side, which those that are finished leave."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contam.models.network import Network
from contam.models.noise import uniforms
from contam.models.sampling import COLDEST, Sampling, choose, penalised, seen_in
from contam.models.window import Window

CHECK_GPU = 16
"""Tokens between two looks at which documents have ended; a look makes a GPU wait for the host."""
BEATS = 16
LEAVE = 0.25
"""Share of a batch's documents that must have ended before the batch is narrowed."""

Document = tuple[NDArray[np.int32], bool]
"""The new tokens, and whether the stop token ended them."""
Told = Callable[[float], None]
"""Hears how many documents of a job are finished; parts of one count."""


@dataclass(frozen=True, slots=True)
class WritingSettings:
    """How documents are written.

    ``max_tokens`` new tokens at most, where the model ends its documents itself (``lengths`` = ``model``) with the
    token ``stop`` (-1: it has none). With ``real`` each document has a length of its own, ``max_tokens`` does not
    count, and the stop token has probability zero. ``temperature`` 0 is greedy, ``top_k`` 0 and ``top_p`` 1 no limit,
    ``repetition_penalty`` 1 none (over prompt and new tokens). ``beams`` above 1 searches for the likeliest document
    instead of drawing one, without regard to temperature, top-k and top-p. ``batch`` documents at a time.
    """

    max_tokens: int = 256
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    beams: int = 1
    repetition_penalty: float = 1.0
    batch: int = 64
    lengths: str = "model"
    stop: int = 0

    @property
    def sampling(self) -> Sampling:
        """How a token is chosen."""
        return Sampling(temperature=self.temperature, top_k=self.top_k, top_p=self.top_p)

    @property
    def ends(self) -> bool:
        """Whether the model can end a document."""
        return self.lengths == "model" and self.stop >= 0


@dataclass(frozen=True, slots=True)
class Job:
    """Documents to be written: the ``numbers`` that name them, their prompts, and how many tokens they may have.

    ``name``: what the random numbers of all are named by. Targets are above 0, prompts are not empty.
    """

    network: Network
    settings: WritingSettings
    name: tuple[object, ...]
    numbers: Sequence[int]
    prompts: Sequence[Sequence[int]]
    targets: Sequence[int]

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        return torch.device(self.network.device.name)

    def parts(self, size: int) -> Iterator[Job]:
        """The job in parts of that many documents."""
        for first in range(0, len(self.numbers), size):
            own = (of[first : first + size] for of in (self.numbers, self.prompts, self.targets))
            yield Job(self.network, self.settings, self.name, *own)  # type: ignore[arg-type]

    def draws(self, at: int) -> Tensor:
        """The random numbers of one document, float64[target]; none are needed by a greedy one."""
        if self.settings.temperature < COLDEST:
            return torch.zeros(self.targets[at], dtype=torch.float64)
        return uniforms(self.targets[at], "writing", *self.name, self.numbers[at])

    def scores(self, logits: Tensor, seen: Tensor | None) -> Tensor:
        """What tokens are chosen by: logits float32[B, V] after the penalty for those ``seen``, and without the stop
        token where the length of a document is given."""
        if seen is not None:
            logits = penalised(logits, seen, self.settings.repetition_penalty)
        if self.settings.lengths == "real" and self.settings.stop >= 0:
            logits = logits.index_fill(-1, _one(self.settings.stop, logits.device), -torch.inf)
        return logits


def _one(token: int, device: torch.device) -> Tensor:
    return torch.full((1,), token, dtype=torch.int64, device=device)


class Batch:
    """A job whose prompts are equally long, all written at once.

    Every tensor has a row for each document that is still in the cache; ``members`` says which ones these are.
    """

    def __init__(self, job: Job) -> None:
        self.job, place = job, job.device
        prompts = torch.tensor(job.prompts, dtype=torch.int64, device=place)
        count, self.start = prompts.shape
        self.most = max(job.targets)
        self.window = Window(job.network, prompts, self.start + self.most)
        self.texts = torch.zeros((count, self.start + self.most), dtype=torch.int64, device=place)
        self.texts[:, : self.start] = prompts
        self.drawn = torch.zeros((count, self.most), dtype=torch.float64)
        for at, target in enumerate(job.targets):
            self.drawn[at, :target] = job.draws(at)
        self.drawn = self.drawn.to(place)
        self.members = torch.arange(count, device=place)
        self.lengths = torch.tensor(job.targets, dtype=torch.int64, device=place)
        """Tokens of each: what it may have, or, once stopped, what it has."""
        self.stopped = torch.zeros(count, dtype=torch.bool, device=place)
        penalty, vocabulary = job.settings.repetition_penalty, job.network.shape.vocabulary
        self.seen = seen_in(prompts, vocabulary) if penalty != 1 else None
        self.found: dict[int, Document] = {}

    @torch.no_grad()
    def written(self, told: Told) -> list[Document]:
        """All documents, in the order of the job."""
        count, every = len(self.texts), CHECK_GPU if self.job.device.type == "cuda" else 1
        for i in range(self.most):
            self._step(i)
            if i + 1 == self.most:
                break
            if i % BEATS == BEATS - 1:
                told(len(self.found))
            if i % every == every - 1:
                self._leave(i + 1)
                if not len(self.members):
                    break
            self.window.feed(self.texts[:, : self.start + i + 1])
        self._collect(torch.arange(len(self.members), device=self.job.device))
        return [self.found[at] for at in range(count)]

    def _step(self, i: int) -> None:
        """Choose and note token ``i`` of every document; nothing here waits for a GPU."""
        settings = self.job.settings
        token = choose(self.job.scores(self.window.logits, self.seen), self.drawn[:, i], settings.sampling)
        self.texts[:, self.start + i] = token
        if self.seen is not None:
            self.seen.scatter_(1, token.unsqueeze(1), True)
        if settings.ends:
            now = (token == settings.stop) & (self.lengths > i)
            self.lengths = torch.where(now, i, self.lengths)
            self.stopped |= now

    def _leave(self, done: int) -> None:
        """Let finished documents go after ``done`` tokens, where these are enough for the batch to change."""
        over = self.stopped | (self.lengths <= done)
        if int(over.sum()) < max(1.0, LEAVE * len(over)):
            return
        self._collect(over.nonzero().squeeze(1))
        kept = (~over).nonzero().squeeze(1)
        if len(kept):
            self.window.keep(kept)
        self.members, self.texts, self.drawn = self.members[kept], self.texts[kept], self.drawn[kept]
        self.lengths, self.stopped = self.lengths[kept], self.stopped[kept]
        if self.seen is not None:
            self.seen = self.seen[kept]

    def _collect(self, rows: Tensor) -> None:
        """Note the documents of these rows."""
        held = (self.members, self.texts[:, self.start :], self.lengths, self.stopped)
        self.found |= _documents(*(x[rows] for x in held))


def _documents(members: Tensor, new: Tensor, lengths: Tensor, stopped: Tensor) -> dict[int, Document]:
    """Member -> its document, of tokens int64[B, n] that go on after the document's length."""
    ids = new.cpu().numpy().astype(np.int32)
    rows = enumerate(zip(members.tolist(), lengths.tolist(), stopped.tolist()))
    return {member: (ids[row, :length].copy(), ended) for row, (member, length, ended) in rows}
