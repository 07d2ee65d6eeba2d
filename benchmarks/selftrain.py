"""Speed of self-training on a CPU beside a plain eager loop that does the same work (``eager.py``).

    python benchmarks/selftrain.py                          # tiny: 1 and 9 replicas, whole iterations
    python benchmarks/selftrain.py --shape 124M             # a tenth of the tokens and windows of an iteration
    python benchmarks/selftrain.py --shape 124M --share 1 --rounds 1    # whole iterations
    python benchmarks/selftrain.py --quick                  # does it run: seconds

Both loops run in one process, in turn, with all threads; each round measures all of them, and a ratio is taken
within a round: the table has the median of the rounds and their range. With ``--share`` below 1 every growing token
(the window is not full yet), a share of the sliding ones and of the evaluation windows, and a whole step are done,
and the whole iteration is computed from these parts; with 1 whole iterations are timed besides. What contam does
beyond the plain loop, measuring every text, counts against it. The weights of ``124M`` are random: time does not
depend on them.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from eager import Eager

from contam.experiments.selftrain.bench import Bench, HumanSet
from contam.experiments.selftrain.evaluation import Names, Text, evaluated
from contam.experiments.selftrain.group import Group
from contam.experiments.selftrain.options import PRESETS, SelfTrainOptions
from contam.experiments.selftrain.replicas import replicas_of
from contam.models import gpt2
from contam.models.decode import generate
from contam.models.network import Device, Shape
from contam.models.noise import uniforms
from contam.models.sampling import Sampling
from contam.models.stacked import Weights, stack
from contam_metrics.one_text import log_fields

SHAPES = {
    "quick": {"n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 512, "n_positions": 64},
    "tiny": {"n_embd": 128, "n_layer": 3, "n_head": 4, "vocab_size": 2048, "n_positions": 128},
    "124M": {"n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024},
    "1.5B": {"n_embd": 1600, "n_layer": 48, "n_head": 25, "vocab_size": 50257, "n_positions": 1024},
}
"""``tiny`` is the embedded model, the others are GPT-2's smallest and largest size."""
PRESET = {"quick": "small", "tiny": "small", "124M": "herel2024", "1.5B": "herel2024"}
UNITS = ("growing token", "sliding token", "evaluation window", "step", "text")


class Numbers:
    """A tokenizer for weights that have none: every id is a word. Only the time of it matters."""

    def decode(self, ids: Sequence[int]) -> str:
        """Ids as words."""
        return " ".join(f"word{i}" for i in ids)

    def encode(self, text: str) -> list[int]:
        """Words as ids."""
        return [int(i) for i in re.findall(r"word(\d+)", text)]


@dataclass(frozen=True)
class Case:
    """What both loops do: a shape, its settings and its texts; every replica begins with the same weights."""

    config: dict[str, int]
    options: SelfTrainOptions
    weights: Weights
    bench: Bench

    @property
    def replicas(self) -> int:
        """Learning rates times seeds."""
        return len(self.options.rates) * self.options.seeds

    def counts(self, share: float) -> dict[str, int]:
        """How many of each unit a share of an iteration has, of one replica; all are whole with share 1."""
        o, sets = self.options, 1 + len(self.bench.validation)
        slid = o.tokens - (o.block + 1 - len(self.bench.prompt))
        windows = max(1, round(share * o.eval_windows)) * sets
        return dict(zip(UNITS, (o.tokens - slid, max(1, round(share * slid)), windows, o.steps, 1)))


def case_of(shape: str, sets: int = 1, **settings: Any) -> Case:
    """A shape with the preset that belongs to it; ``settings`` are fields of SelfTrainOptions."""
    config, preset = SHAPES[shape], PRESET[shape]
    options = replace(SelfTrainOptions(preset=preset), **(PRESETS[preset] | settings))
    weights = gpt2.initial(config, 0)
    chance = np.random.default_rng(0)
    human = chance.integers(config["vocab_size"], size=50_000).astype(np.int64)
    valid = tuple(HumanSet(f"human {i}", 1, human, ()) for i in range(sets))
    count = sum(w.numel() for w in weights.values())
    layers, width, heads = (config[k] for k in ("n_layer", "n_embd", "n_head"))
    known = Shape("gpt2", layers, width, heads, config["vocab_size"], config["n_positions"], count)
    tokenizer: Any = Numbers()
    return Case(config, options, weights, Bench(shape, known, tokenizer, (198,), options.block, valid, None))


class Ours:
    """contam's loop: all replicas in one program."""

    def __init__(self, case: Case, device: Device) -> None:
        self.case, self.device, self.name = case, device, f"contam {device.precision}"
        network = gpt2.GPT2(case.config, stack([case.weights] * case.replicas), device)
        replicas = replicas_of(case.bench.label, case.config["n_embd"], case.config["n_embd"], case.options)
        self.group = Group(network, case.bench, replicas, case.options)
        self.names: list[Names] = [(r.seed, 0) for r in replicas]

    def tokens(self, prompt: Sequence[int], count: int) -> None:
        """Generate after a prompt."""
        o, place = self.case.options, torch.device(self.device.name)
        noise = torch.stack([uniforms(count, *n) for n in self.names]).unsqueeze(1)
        ids = torch.tensor([[list(prompt)]] * len(self.names), device=place)
        generate(self.group.network, ids, noise.to(place), Sampling(count, o.block, o.temperature, o.top_k)).cpu()

    def windows(self, texts: Sequence[Text], count: int) -> None:
        """Evaluate on windows of the own text and of every validation set."""
        options = replace(self.case.options, eval_windows=count)
        evaluated(self.group.network, self.case.bench, options, texts, self.names)

    def step(self, texts: Sequence[Text]) -> None:
        """The optimizer's step, with its windows."""
        self.group._steps(texts, self.names)

    def text(self, ids: list[int]) -> None:
        """Decode, encode again, and measure."""
        for _ in self.names:
            text = self.case.bench.tokenizer.decode(ids)
            self.case.bench.tokenizer.encode(text)
            log_fields(text)

    def whole(self) -> None:
        """An iteration."""
        self.group.iterate(1)


class Plain:
    """The eager loop: one replica after another."""

    def __init__(self, case: Case, device: Device) -> None:
        self.case, self.device, self.name = case, device, f"eager {device.precision}"
        rates = [rate for rate in case.options.rates for _ in case.options.all_seeds]
        self.loops = [Eager(case.config, case.weights, rate, case.options, device) for rate in rates]

    def tokens(self, prompt: Sequence[int], count: int) -> None:
        """Generate after a prompt."""
        for loop in self.loops:
            loop.generate(prompt, count)

    def windows(self, texts: Sequence[Text], count: int) -> None:
        """Evaluate on windows of the own text and of every validation set."""
        for loop, text in zip(self.loops, texts):
            loop.evaluate([text.stream, *(h.stream for h in self.case.bench.validation)], count)

    def step(self, texts: Sequence[Text]) -> None:
        """The optimizer's step, with its window."""
        for loop, text in zip(self.loops, texts):
            loop.step(text.stream)

    def text(self, ids: list[int]) -> None:
        """Decode and encode again."""
        for _ in self.loops:
            self.case.bench.tokenizer.encode(self.case.bench.tokenizer.decode(ids))

    def whole(self) -> None:
        """An iteration."""
        for loop in self.loops:
            loop.iterate(self.case.bench)


Side = Ours | Plain
Clock = Callable[[], float]
Times = dict[str, float]
"""Seconds of one replica: per unit, and of the whole iteration, computed and measured."""


@dataclass(frozen=True)
class Way:
    """How to measure: how many rounds, which share of an iteration, and by which clock."""

    rounds: int = 5
    share: float = 1.0
    clock: Clock = time.perf_counter

    def seconds(self, work: Callable[[], object]) -> float:
        """How long something takes."""
        begin = self.clock()
        work()
        return self.clock() - begin


def measured(side: Side, way: Way) -> Times:
    """One round of one loop."""
    case, block = side.case, side.case.options.block
    done = case.counts(way.share)
    ids = np.arange(case.options.tokens) * 7919 % case.config["vocab_size"]
    texts = [Text(ids, "")] * case.replicas
    full = ids[: block + 1].tolist()
    windows = done["evaluation window"] // (1 + len(case.bench.validation))
    # Group takes all the steps of an iteration at once.
    calls = done["step"] if isinstance(side, Plain) else 1
    work: dict[str, Callable[[], object]] = {
        "growing token": lambda: side.tokens(case.bench.prompt, done["growing token"]),
        "sliding token": lambda: side.tokens(full, done["sliding token"]),
        "evaluation window": lambda: side.windows(texts, windows),
        "step": lambda: [side.step(texts) for _ in range(calls)],
        "text": lambda: side.text(ids.tolist()),
    }
    each = {unit: way.seconds(work[unit]) / done[unit] / case.replicas for unit in UNITS}
    each["iteration, computed"] = sum(each[unit] * count for unit, count in case.counts(1).items())
    if way.share == 1:
        each["iteration, measured"] = way.seconds(side.whole) / case.replicas
    return each


def rounds_of(sides: Sequence[Side], way: Way) -> list[list[Times]]:
    """times[round][side]; the order turns around from round to round. One short round before is not counted."""
    for side in sides:
        measured(side, replace(way, share=0.02))
    out = []
    for i in range(way.rounds):
        order = list(range(len(sides)))[:: -1 if i % 2 else 1]
        found = {k: measured(sides[k], way) for k in order}
        out.append([found[k] for k in range(len(sides))])
    return out


def table(case: Case, sides: Sequence[Side], times: list[list[Times]], share: float) -> str:
    """Milliseconds of one replica, medians of the rounds; ratios to the first side, median and range."""
    counts = case.counts(1)
    head = [f"ms of one of {case.replicas} replica(s)", "in an iteration", sides[0].name]
    for side in sides[1:]:
        head += [side.name, "times as fast (range)"]
    lines = [head, ["---"] * len(head)]
    for unit in times[0][0]:
        line = [unit, str(counts.get(unit, 1)), f"{1e3 * statistics.median(t[0][unit] for t in times):,.2f}"]
        for k in range(1, len(sides)):
            ratios = [t[0][unit] / t[k][unit] for t in times]
            line.append(f"{1e3 * statistics.median(t[k][unit] for t in times):,.2f}")
            line.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")
        lines.append(line)
    done = ", ".join(f"{n} {unit}s" for unit, n in case.counts(share).items())
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\ndone in a round: {done}"


def compared(case: Case, precisions: Sequence[str], way: Way) -> str:
    """The table of one case."""
    sides: list[Side] = [Plain(case, Device()), *(Ours(case, Device(precision=p)) for p in precisions)]
    return table(case, sides, rounds_of(sides, way), way.share)


def cases(shape: str, sets: int, replicas: Sequence[int], quick: bool) -> list[Case]:
    """A case for every number of replicas: seeds times three rates where it is divisible by 3, else one rate."""
    out = []
    for count in replicas:
        rates = (1e-3, 2e-3, 3e-3) if count % 3 == 0 else (1e-3,)
        settings: dict[str, Any] = {"tokens": 60, "block": 16, "eval_windows": 4} if quick else {}
        out.append(case_of(shape, sets, rates=rates, seeds=count // len(rates), **settings))
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for every number of replicas."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="tiny")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--share", type=float, help="of sliding tokens and evaluation windows (tiny: 1, 124M: 0.1)")
    parser.add_argument("--sets", type=int, default=1, help="validation sets")
    parser.add_argument("--replicas", type=int, nargs="+", help="how many, one table each (tiny: 1 9, 124M: 1)")
    parser.add_argument("--precision", nargs="+", choices=("fp32", "bf16"))
    parser.add_argument("--threads", type=int, help="of both loops (all)")
    parser.add_argument("--cpu", action="store_true", help="processor seconds: with one thread, on a busy machine")
    parser.add_argument("--quick", action="store_true", help="a minute share of work on the smallest shape")
    given = parser.parse_args(arguments)
    if given.threads:
        torch.set_num_threads(given.threads)
    shape = "quick" if given.quick else given.shape
    big = shape in ("124M", "1.5B")
    clock = time.process_time if given.cpu else time.perf_counter
    way = Way(1 if given.quick else given.rounds, given.share or (0.1 if big else 1.0), clock)
    print(f"{shape}, torch {torch.__version__}, {torch.get_num_threads()} threads, {way.rounds} rounds")
    replicas = given.replicas or ((1,) if big else (1, 3) if given.quick else (1, 9))
    for case in cases(shape, given.sets, replicas, given.quick):
        precisions = given.precision or (("fp32", "bf16") if big else ("fp32",))
        print("\n" + compared(case, precisions, way), flush=True)


if __name__ == "__main__":
    main()
