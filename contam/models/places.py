"""Documents written at a fixed number of places: where one ends, the next begins, at a position of its own.

A token of every place is one program of fixed shapes. On a GPU it is captured once as a CUDA graph and replayed, and
the host looks at it now and then. A prompt is read a token at a time by the same program.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from contam.models.batches import CHECK_GPU, Document, Job, Told
from contam.models.sampling import choose, seen_in
from contam.models.stacked import Stacked

WARM_UP = 3
EVEN = 8
"""The room of a cache is a multiple of it: kernels for attention want whole words."""


def fits(job: Job) -> bool:
    """Whether a job can be written like this: a stacked network that can be captured, nothing outgrows its context."""
    longest = max(len(prompt) + target for prompt, target in zip(job.prompts, job.targets)) - 1
    network = job.network
    return isinstance(network, Stacked) and network.capturable and longest <= network.shape.context


class Places:
    """B places at fixed addresses; each tensor has a row for each.

    ``token`` is read next, at position ``at``; ``prompts`` and ``starts``, what a document begins with and how many
    tokens that are; ``new``, what has been written so far, ``count`` of at most ``targets`` tokens.
    """

    def __init__(self, job: Job) -> None:
        self.job, self.network = job, cast(Stacked, job.network)
        count, device = min(job.settings.batch, len(job.numbers)), job.device
        self.most, longest = max(job.targets), max(map(len, job.prompts))
        whole: dict[str, Any] = {"dtype": torch.int64, "device": device}
        self.token, self.at, self.count, self.starts, self.targets = (torch.zeros(count, **whole) for _ in range(5))
        self.prompts, self.new = (torch.zeros((count, n), **whole) for n in (longest, self.most))
        self.drawn = torch.zeros((count, self.most), dtype=torch.float64, device=device)
        self.over, self.stopped = (torch.zeros(count, dtype=torch.bool, device=device) for _ in range(2))
        room = longest + self.most - 1
        self.cache = self.network.blank(count, room + -room % EVEN)
        self.seen: Tensor | None = None
        if job.settings.repetition_penalty != 1:
            self.seen = torch.zeros((count, job.network.shape.vocabulary), dtype=torch.bool, device=device)
        self.members: list[int | None] = [None] * count
        self.graph: torch.cuda.CUDAGraph | None = None

    def step(self) -> None:
        """One token at every place: the prompt's next, or a new one. Nothing here waits for a GPU."""
        settings = self.job.settings
        logits = self.network.advance_each(self.cache, self.token.unsqueeze(0), self.at)[0]
        here = self.count.clamp(max=self.most - 1).unsqueeze(1)
        uniform = self.drawn.gather(1, here).squeeze(1)
        token = choose(self.job.scores(logits, self.seen), uniform, settings.sampling)
        after = self.at + 1
        reading = after < self.starts
        writing = ~(reading | self.over)
        stops = writing & (token == settings.stop) if settings.ends else torch.zeros_like(writing)
        kept = writing & ~stops
        self.new.scatter_(1, here, torch.where(kept, token, self.new.gather(1, here).squeeze(1)).unsqueeze(1))
        self.count.add_(kept)
        self.stopped.logical_or_(stops)
        self.over.logical_or_(stops | (writing & (self.count >= self.targets)))
        given = self.prompts.gather(1, after.clamp(max=self.prompts.shape[1] - 1).unsqueeze(1)).squeeze(1)
        self.token.copy_(torch.where(reading, given, token))
        if self.seen is not None:
            self.seen.scatter_(1, self.token.unsqueeze(1), True)
        self.at.copy_(torch.where(self.over, self.at, after))

    def begin(self, places: Sequence[int], members: Sequence[int]) -> None:
        """Put documents of the job at places."""
        job, count = self.job, len(places)
        prompts = torch.zeros((count, self.prompts.shape[1]), dtype=torch.int64)
        drawn = torch.zeros((count, self.most), dtype=torch.float64)
        for row, member in enumerate(members):
            self.members[places[row]] = member
            prompts[row, : len(job.prompts[member])] = torch.tensor(job.prompts[member], dtype=torch.int64)
            drawn[row, : job.targets[member]] = job.draws(member)
        starts = torch.tensor([len(job.prompts[member]) for member in members])
        targets = torch.tensor([job.targets[member] for member in members])
        at = torch.tensor(places, device=job.device)
        given = (self.prompts, prompts), (self.drawn, drawn), (self.starts, starts), (self.targets, targets)
        for held, value in (*given, (self.token, prompts[:, 0])):
            held[at] = value.to(job.device)
        for counted in (self.at, self.count, self.over, self.stopped):
            counted[at] = 0
        if self.seen is not None:
            # What fills up a shorter prompt is no token of it: its first one stands there instead.
            inside = torch.arange(prompts.shape[1]) < starts.unsqueeze(1)
            self.seen[at] = seen_in(torch.where(inside, prompts, prompts[:, :1]), self.seen.shape[1]).to(job.device)

    def capture(self) -> None:
        """Record the step; warmed up on another stream, as capturing demands. Documents have to begin afterwards."""
        stream = torch.cuda.Stream(self.job.device)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self.step()
        self.graph = graph

    @torch.no_grad()
    def written(self, told: Told) -> list[Document]:
        """All documents, in the order of the job."""
        waiting = deque(range(len(self.job.numbers)))
        found: dict[int, Document] = {}
        gpu = self.job.device.type == "cuda"
        if gpu:
            with torch.cuda.device(self.job.device):
                self.capture()
        first = list(range(len(self.members)))
        self.begin(first, [waiting.popleft() for _ in first])
        while any(member is not None for member in self.members):
            for _ in range(CHECK_GPU if gpu else 1):
                self.graph.replay() if self.graph else self.step()
            ended = self._ended()
            found |= ended
            if ended:
                free = [place for place, member in enumerate(self.members) if member in ended]
                for place in free:
                    self.members[place] = None
                again = free[: len(waiting)]
                if again:
                    self.begin(again, [waiting.popleft() for _ in again])
                told(len(found))
        return [found[member] for member in range(len(self.job.numbers))]

    def _ended(self) -> dict[int, Document]:
        """The documents that are finished, by member."""
        over = [p for p in self.over.nonzero().squeeze(1).tolist() if self.members[p] is not None]
        if not over:
            return {}
        ids, counts, stopped = (x[over].cpu() for x in (self.new, self.count, self.stopped))
        rows = zip(over, ids.numpy().astype(np.int32), counts.tolist(), stopped.tolist())
        return {int(self.members[p] or 0): (row[:n].copy(), ended) for p, row, n, ended in rows}
