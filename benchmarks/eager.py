"""Self-training as a plain eager loop: what the speed of ``contam selftrain`` is measured against.

It does what Herel & Mikolov 2024 describe in the plainest way that is not slow on purpose: an ordinary module, no
cache, the window computed anew for every token, a softmax over the whole vocabulary in which all but the likeliest
``top_k`` are masked out, evaluation windows one by one, one replica after another, torch's AdamW as it comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from contam.experiments.selftrain.bench import Bench
from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.windows import Stream
from contam.models.network import Device
from contam.models.stacked import Weights


class Layer(nn.Module):
    """Attention and feed-forward part, each after a layer norm and added to the stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.ModuleDict({"c_attn": nn.Linear(width, 3 * width), "c_proj": nn.Linear(width, width)})
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x: Tensor) -> Tensor:
        b, t, width = x.shape
        q, k, v = (
            part.view(b, t, self.heads, -1).transpose(1, 2)
            for part in self.attn["c_attn"](self.ln_1(x)).split(width, dim=2)
        )
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.attn["c_proj"](seen.transpose(1, 2).reshape(b, t, width))
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x)), approximate="tanh"))


class PlainGPT2(nn.Module):
    """GPT-2 as one writes it down; the parameters have the names that `contam.models.gpt2` gives them."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        width = int(config["n_embd"])
        self.wte, self.wpe = nn.Embedding(config["vocab_size"], width), nn.Embedding(config["n_positions"], width)
        self.h = nn.ModuleList([Layer(width, int(config["n_head"])) for _ in range(int(config["n_layer"]))])
        self.ln_f = nn.LayerNorm(width)

    def forward(self, ids: Tensor, last: bool = False) -> Tensor:
        """Logits of every token of int64[B, T], or of the last one only."""
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1], device=ids.device))
        for layer in self.h:
            x = layer(x)
        return F.linear(self.ln_f(x[:, -1:] if last else x), self.wte.weight)

    def load(self, weights: Weights) -> PlainGPT2:
        """Take one replica's weights, whose matrices are stored [in, out]."""
        tables = ("wte.weight", "wpe.weight")
        self.load_state_dict({k: v.t() if v.dim() == 2 and k not in tables else v for k, v in weights.items()})
        return self


class Eager:
    """One replica, trained on its own text. ``device.precision`` bf16 means autocast, as such loops have it."""

    def __init__(
        self, config: dict[str, Any], weights: Weights, rate: float, options: SelfTrainOptions, device: Device
    ) -> None:
        self.options, self.device = options, device
        self.model = PlainGPT2(config).load(weights).to(device.name)
        self.chance = np.random.default_rng(0)
        wide = [p for p in self.model.parameters() if p.dim() >= 2]
        thin = [p for p in self.model.parameters() if p.dim() < 2]
        groups = [{"params": wide, "weight_decay": options.weight_decay}, {"params": thin, "weight_decay": 0.0}]
        # As the loops of this family do: the fused kernel where there is a GPU, torch's default elsewhere.
        fused = {"fused": True} if device.name != "cpu" else {}
        self.optimizer = torch.optim.AdamW(groups, lr=rate, betas=options.betas, **fused)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Mixed precision where it is asked for."""
        if self.device.precision != "bf16":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device.name).type, torch.bfloat16)

    @torch.no_grad()
    def generate(self, prompt: Sequence[int], tokens: int) -> Stream:
        """The prompt and ``tokens`` more."""
        o = self.options
        ids = torch.tensor([list(prompt)], device=self.device.name)
        with self.autocast():
            for _ in range(tokens):
                logits = self.model(ids[:, -o.block :], last=True)[:, -1].float() / o.temperature
                if o.top_k:
                    least = logits.topk(min(o.top_k, logits.shape[-1])).values[:, -1:]
                    logits = logits.masked_fill(logits < least, -torch.inf)
                chosen = torch.multinomial(logits.softmax(-1), 1)
                ids = torch.cat((ids, chosen), dim=1)
        return ids[0].cpu().numpy()

    def window(self, stream: Stream) -> Tensor:
        """A random window and its next token, int64[1, block + 1]."""
        block = self.options.block
        start = int(self.chance.integers(max(len(stream) - block, 1)))
        return torch.from_numpy(stream[start : start + block + 1]).to(self.device.name).unsqueeze(0)

    def loss(self, window: Tensor) -> Tensor:
        """Mean nats per token."""
        logits = self.model(window[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())

    @torch.no_grad()
    def evaluate(self, streams: Sequence[Stream], windows: int) -> list[float]:
        """The mean loss on random windows of each stream, one window at a time."""
        with self.autocast():
            return [float(np.mean([self.loss(self.window(s)).item() for _ in range(windows)])) for s in streams]

    def step(self, stream: Stream) -> float:
        """One step on one window (``batch_size`` is 1 in the published set-up); the loss before it."""
        with self.autocast():
            loss = self.loss(self.window(stream))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.options.clip)
        self.optimizer.step()
        return float(loss.detach())

    def iterate(self, bench: Bench) -> list[float]:
        """Generate, decode and encode again, evaluate, step: the losses of before the step."""
        ids = self.generate(bench.prompt, self.options.tokens)
        stream = np.array(bench.tokenizer.encode(bench.tokenizer.decode(ids.tolist())), np.int64)
        streams = [stream, *(human.stream for human in bench.validation)]
        losses = self.evaluate(streams, self.options.eval_windows)
        self.step(stream)
        return losses
