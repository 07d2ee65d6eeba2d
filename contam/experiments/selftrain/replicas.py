"""Which replicas a run has, and which of them share one program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contam.experiments.selftrain.options import SelfTrainOptions
from contam.models.network import Shape

STACKED_PARAMETERS_CPU = 1e7
"""On a CPU larger models gain nothing from sharing a program (docs/benchmarks.md)."""
MOST = 1000
BYTES_PER_PARAMETER = 24
"""Masters, gradients, two moments, a compute copy, and room for activations."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One (model, learning rate, seed); ``rate`` is what the optimizer uses, ``learning_rate`` what was asked for."""

    model: str
    learning_rate: float
    seed: int
    rate: float

    @property
    def name(self) -> str:
        """``tiny-lr0.003-seed0``: the stem of the replica's files."""
        return f"{self.model}-lr{self.learning_rate:g}-seed{self.seed}"


def replicas_of(label: str, width: int, smallest: int, options: SelfTrainOptions) -> list[Replica]:
    """The replicas of one model; with ``scale_rate`` "width" wider models get proportionally smaller rates."""
    factor = smallest / width if options.scale_rate == "width" else 1.0
    return [Replica(label, rate, seed, rate * factor) for rate in options.rates for seed in options.all_seeds]


def default_stack(shape: Shape, memory: int | None) -> int:
    """How many replicas of a model to stack; ``memory`` is a GPU's free bytes, None on a CPU."""
    if memory is None:
        return MOST if shape.parameters <= STACKED_PARAMETERS_CPU else 1
    return min(MOST, max(1, int(0.8 * memory / (BYTES_PER_PARAMETER * shape.parameters))))


def groups_of(replicas: Sequence[Replica], size: int) -> list[list[Replica]]:
    """The replicas in groups of at most ``size``, which share a program."""
    return [list(replicas[i : i + size]) for i in range(0, len(replicas), size)]


def labels_of(names: Sequence[str]) -> list[str]:
    """Short names that are all different: the last part of a path or hub name, with a number where two are equal."""
    out: list[str] = []
    for name in names:
        short = name.rstrip("/").replace("\\", "/").rpartition("/")[2] or name
        label, i = short, 2
        while label in out:
            label, i = f"{short}-{i}", i + 1
        out.append(label)
    return out
