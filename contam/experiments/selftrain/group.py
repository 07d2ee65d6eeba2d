"""Replicas that share one program: an iteration of them, and their state for resuming."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contam.experiments.interrupts import Interrupts
from contam.experiments.run import finite
from contam.experiments.selftrain.bench import Bench
from contam.experiments.selftrain.collapse import is_diverged
from contam.experiments.selftrain.evaluation import Names, Text, evaluated, windows_of, written
from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.replicas import Replica
from contam.experiments.selftrain.windows import random_windows
from contam.models.decode import Beat
from contam.models.network import Network
from contam.models.noise import uniforms
from contam.models.optimizer import AdamSettings, Optimizer
from contam_metrics.one_text import log_fields


@dataclass
class Group:
    """Replicas in one program. ``iterate`` does one iteration; ``state`` and ``restore`` carry it over a kill."""

    network: Network
    bench: Bench
    replicas: Sequence[Replica]
    options: SelfTrainOptions
    clean: bool = True
    """False from a step until its iteration is logged: the weights are then of no iteration that could be resumed."""
    interrupts: Interrupts = field(default_factory=Interrupts)
    """Holds Ctrl-C back as long as it is not ``clean``; whoever logs the iteration releases it."""

    def __post_init__(self) -> None:
        o = self.options
        settings = AdamSettings(o.betas, o.weight_decay, o.clip)
        self.optimizer = Optimizer(self.network, [r.rate for r in self.replicas], settings)

    def iterate(self, iteration: int, beat: Beat | None = None) -> tuple[list[dict[str, Any]], list[Text]]:
        """Generate, measure, evaluate, step: the log lines and the texts. The losses are of before the step.

        ``seconds`` is a replica's share of the time that the program took.
        """
        begin = time.perf_counter()
        names: list[Names] = [(r.seed, iteration) for r in self.replicas]
        texts = [row[0] for row in written(self.network, self.bench, self.options, [[n] for n in names], beat)]
        losses = self._losses(iteration, texts, names)
        steps = self._steps(texts, names)
        measured = [log_fields(text.text) for text in texts]
        seconds = round((time.perf_counter() - begin) / len(self.replicas), 4)
        lines = []
        for i, replica in enumerate(self.replicas):
            head: dict[str, Any] = {"iteration": iteration, "model": replica.model}
            head |= {"learning_rate": replica.learning_rate, "seed": replica.seed}
            tail = {"tokens": len(texts[i].stream), **{k: v[i] for k, v in steps.items()}, "seconds": seconds}
            line = head | losses[i] | measured[i] | tail
            lines.append(finite(line | ({"diverged": True} if is_diverged(line) else {})))
        return lines, texts

    def _losses(self, iteration: int, texts: Sequence[Text], names: Sequence[Names]) -> list[dict[str, Any]]:
        if iteration % self.options.eval_every and iteration != self.options.iterations:
            empty = dict.fromkeys((h.name for h in self.bench.validation), None)
            return [{"train_loss": None, "validation": dict(empty)} for _ in texts]
        return evaluated(self.network, self.bench, self.options, texts, names)

    def _steps(self, texts: Sequence[Text], names: Sequence[Names]) -> dict[str, list[float]]:
        """One or more optimizer steps, each on newly drawn windows; what is told is of the last one."""
        loss = norm = torch.zeros(len(texts))
        for step in range(self.options.steps):
            loss = self._loss(texts, [(*n, step) for n in names])
            loss.sum().backward()
            self.interrupts.hold()
            self.clean = False
            norm = self.optimizer.step()
        return {"step_loss": _numbers(loss), "grad_norm": _numbers(norm)}

    def _loss(self, texts: Sequence[Text], names: Sequence[Names]) -> Tensor:
        """Mean nats per token of every replica's windows, with a share of fresh human text, float32[R]."""
        o, bench = self.options, self.bench
        draws = [uniforms(o.batch_size, "window", *n).numpy() for n in names]
        own = self._mean([random_windows(t.stream, bench.block, d) for t, d in zip(texts, draws)])
        if bench.fresh is None:
            return own
        draws = [uniforms(o.batch_size, "fresh", *n).numpy() for n in names]
        fresh = self._mean([random_windows(bench.fresh, bench.block, d) for d in draws])
        return (1 - o.fresh_share) * own + o.fresh_share * fresh

    def _mean(self, rows: list[list[np.ndarray]]) -> Tensor:
        windows = windows_of(self.network, rows, self.bench.block)
        nats = self.network.losses(windows.ids)
        return (nats * windows.counts).sum((1, 2)) / windows.counts.sum((1, 2)).clamp_min(1)

    def state(self) -> dict[str, Tensor]:
        """Weights and optimizer, for a checkpoint."""
        out = {f"adam.{k}": v for k, v in self.optimizer.state().items()}
        for r in range(len(self.replicas)):
            for name, weight in self.network.masters(r).items():
                out[f"weight.{r}.{name}"] = weight.detach().cpu().contiguous()
        return out

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take up the state of a checkpoint."""
        with torch.no_grad():
            for r in range(len(self.replicas)):
                for name, weight in self.network.masters(r).items():
                    weight.copy_(tensors[f"weight.{r}.{name}"])
        adam = {k.removeprefix("adam."): v for k, v in tensors.items() if k.startswith("adam.")}
        self.optimizer.restore(adam)
        self.network.refresh()


def _numbers(values: Tensor) -> list[float]:
    return [float(v) for v in values.detach().cpu()]
