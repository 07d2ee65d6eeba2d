"""The exact decoder as one fixed program a token, captured once as a CUDA graph and replayed.

All shapes are fixed: the window is computed whole, with room for tokens that are not there yet; attention looks back
only, so they cannot be seen. Choosing, shifting and counting happen on the device, and the host waits once, at the
end. Without a GPU the same program runs uncaptured (so that it can be tested).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from contam.models.network import Network
from contam.models.sampling import Sampling, choose

WARM_UP = 3


@dataclass
class Program:
    """Buffers at fixed addresses and what is done with them for one token.

    ``window`` int64[R, B, block], filled up to and including ``at``; ``drawn`` float64[R, B, tokens] the uniforms;
    ``chosen`` int64[R, B, tokens], ``count`` how many of them there are.
    """

    network: Network
    sampling: Sampling
    window: Tensor
    at: Tensor
    drawn: Tensor
    chosen: Tensor
    count: Tensor
    graph: torch.cuda.CUDAGraph | None = field(default=None)

    def step(self) -> None:
        """One token."""
        logits = self.network.last(self.window, self.at)
        uniform = self.drawn.index_select(2, self.count.view(1))[:, :, 0]
        token = choose(logits, uniform, self.sampling).unsqueeze(2)
        self.chosen.index_copy_(2, self.count.view(1), token)
        full = self.at == self.window.shape[2] - 1
        self.window.copy_(torch.where(full, self.window.roll(-1, 2), self.window))
        self.at.copy_(torch.where(full, self.at, self.at + 1))
        self.window.index_copy_(2, self.at.view(1), token)
        self.count.add_(1)

    def begin(self, prompt: Tensor, uniforms: Tensor) -> None:
        """Put the end of a prompt int64[R, B, P] and the uniforms in place."""
        kept = prompt[:, :, -self.window.shape[2] :]
        self.window.zero_()
        self.window[:, :, : kept.shape[2]] = kept
        self.at.fill_(kept.shape[2] - 1)
        self.drawn.copy_(uniforms)
        self.count.zero_()

    def capture(self) -> None:
        """Record the step; warmed up on another stream, as capturing demands."""
        stream = torch.cuda.Stream(self.window.device)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                self.step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            self.step()
        self.graph = graph

    def run(self, prompt: Tensor, uniforms: Tensor) -> Tensor:
        """The tokens that follow a prompt."""
        if self.graph is None and prompt.is_cuda and self.network.capturable and uniforms.shape[2] > WARM_UP + 1:
            self.begin(prompt, uniforms)
            with torch.cuda.device(prompt.device):
                self.capture()
        self.begin(prompt, uniforms)
        for _ in range(uniforms.shape[2]):
            if self.graph is None:
                self.step()
            else:
                self.graph.replay()
        return self.chosen


@torch.no_grad()
def replayed(network: Network, out: Tensor, start: int, uniforms: Tensor, sampling: Sampling) -> Tensor:
    """Fill ``out`` int64[R, B, P + tokens] after its prompt of ``start`` tokens; the program is kept for next time."""
    r, b = out.shape[:2]
    programs, key = network.programs, (r, b, sampling)
    if key not in programs:
        whole: dict[str, Any] = {"dtype": torch.int64, "device": out.device}
        programs[key] = Program(
            network, sampling, torch.zeros((r, b, sampling.block), **whole), torch.zeros((), **whole),
            torch.zeros_like(uniforms), torch.zeros((r, b, sampling.tokens), **whole), torch.zeros((), **whole),
        )  # fmt: skip
    out[:, :, start:] = programs[key].run(out[:, :, :start], uniforms)
    return out
