"""One generation of the preset wang2024-33m on a GPU: what it must cost by arithmetic, and what a share of it takes.

    python benchmarks/recurse_gpu.py --share 0.01          # a hundredth of one generation, extrapolated
    python benchmarks/recurse_gpu.py --tiny                # a small shape on any machine: does the script run

A generation trains a GPT-Neo from nothing on a million stories and has it write a million more. The stories here are
synthetic, Zipf-distributed tokens ended with the probability that gives them the mean length `--story`, so no data is
needed, and the trained model's documents get lengths like theirs. Three figures are printed for training and for
writing: the floor, which is the larger of the time of the floating-point operations and that of the bytes, at rates
measured on the card itself (without a GPU: at those of an H200's data sheet, as arithmetic alone); the share as
measured; and the whole, extrapolated in proportion. Launching kernels takes time that the floor does not know of.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from selftrain_gpu import OPTIMIZER_BYTES, Machine, machine_of, printed

from contam.experiments.recurse.backend import Name
from contam.experiments.recurse.presets import PRESETS
from contam.models.configurations import CONFIGURATIONS, fitted
from contam.models.loading import device_of
from contam.models.network import Device, Network
from contam.models.scratch import files_of, fresh, train_tokenizer
from contam.models.stream import Ids, packed_stream
from contam.models.training import TrainingSettings, train
from contam.models.writing import WritingSettings, write_documents

H200 = Machine(4.8e12, 989e12)
"""Bytes a second, and bf16 operations a second without sparsity, by the data sheet."""
LOGIT_BYTES = 40
"""Of choosing among V tokens, for each: a float32 softmax (read and written), the same as float64 (read as float32 and
written), its running sum (read and written), and the comparison (read)."""
END = 0


@dataclass(frozen=True)
class Work:
    """One generation: a configuration, its stories, how it is trained and how it writes."""

    model: str
    vocabulary: int
    stories: int
    story: float
    training: TrainingSettings
    writing: WritingSettings

    @property
    def config(self) -> dict[str, Any]:
        return fitted(CONFIGURATIONS[self.model], self.vocabulary, self.training.block, END)

    def scaled(self, share: float) -> Work:
        """A share of the stories, once through."""
        return replace(self, stories=max(1, round(self.stories * share)), training=replace(self.training, epochs=1.0))


def published(story: float) -> Work:
    """The preset, with GPT-Neo's own vocabulary."""
    told = PRESETS["wang2024-33m"].settings
    names = ("block", "batch_size", "epochs", "learning_rate", "schedule", "betas", "weight_decay")
    training = TrainingSettings(**{name: told[name] for name in names})
    writing = WritingSettings(told["max_tokens"], told["temperature"], batch=told["write_batch"], stop=END)
    return Work(told["model"], 50_257, told["most_documents"], story, training, writing)


def tiny() -> Work:
    """The same in small."""
    training = TrainingSettings(block=32, batch_size=8, epochs=1.0, learning_rate=2e-3)
    return Work("gptneo-mini", 512, 4000, 20.0, training, WritingSettings(48, batch=32, stop=END))


def floors(work: Work, machine: Machine, size: int) -> dict[str, tuple[float, float, float, float]]:
    """Part -> operations, bytes, steps, and the seconds below which it cannot go; a weight has ``size`` bytes.

    Training reads and writes the weights three times a step, and the optimizer's states; writing reads the weights for
    every token of a batch, the keys and values before each token of a document (lengths are taken to be geometric, so
    that there are story^2 of them on average), and the logits.
    """
    config, settings = work.config, work.training
    width, layers = config["hidden_size"], config["num_layers"]
    weights = 12 * width**2 * layers + work.vocabulary * width
    parameters = weights + settings.block * width
    tokens = work.stories * (work.story + 1)
    steps = settings.epochs * tokens / (settings.block * settings.batch_size)
    trained = 3 * settings.epochs * tokens * (2 * weights + 4 * width * layers * settings.block)
    moved = steps * (3 * size * weights + OPTIMIZER_BYTES * parameters)
    turns = work.stories / work.writing.batch * work.writing.max_tokens
    written = tokens * 2 * weights + work.stories * work.story**2 * 4 * width * layers
    read = turns * size * weights + work.stories * work.story**2 * 2 * width * layers * size
    read += tokens * work.vocabulary * LOGIT_BYTES
    parts = {"training": (trained, moved, steps), "writing": (written, read, turns)}
    return {
        name: (flop, byte, count, max(flop / machine.peak, byte / machine.bandwidth))
        for name, (flop, byte, count) in parts.items()
    }


def synthetic(work: Work) -> Ids:
    """The stories as one stream."""
    drawn = np.random.default_rng(0)
    lengths = np.minimum(drawn.geometric(1 / work.story, work.stories), work.writing.max_tokens)
    bounds = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    mass = 1 / (np.arange(1, work.vocabulary) + 2.7)
    ids = drawn.choice(np.arange(1, work.vocabulary), int(bounds[-1]), p=mass / mass.sum())
    return packed_stream(ids, bounds, END)


@dataclass(frozen=True)
class Measured:
    """Seconds of a share, and what was done in it."""

    training: float
    steps: int
    writing: float
    tokens: int
    ended: float
    memory: int


def measured(work: Work, device: Device, scratch: Path) -> Measured:
    """Train and write, warmed up by a few steps of each."""
    tokenizer = train_tokenizer(["a b c"], 260, scratch)  # no text is encoded here
    network = fresh(files_of(work.config, tokenizer, scratch, work.model), 0, device)
    stream = synthetic(work)
    few = stream[: 3 * work.training.batch_size * work.training.block + 1]
    train(network, few, work.training, ("warm",))
    _write(network, replace(work.writing, max_tokens=8), min(work.stories, work.writing.batch))
    if device.name.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device.name)
    began = time.perf_counter()
    trained = train(network, stream, work.training, ("benchmark",))
    between = time.perf_counter()
    tokens, ended = _write(network, work.writing, work.stories)
    memory = torch.cuda.max_memory_allocated(device.name) if device.name.startswith("cuda") else 0
    return Measured(between - began, trained.steps, time.perf_counter() - between, tokens, ended, memory)


def _write(network: Network, settings: WritingSettings, stories: int) -> tuple[int, float]:
    """How many tokens came out, and the share of stories that ended."""
    found = write_documents(network, [[END]] * stories, settings, Name("benchmark", 0, 1))
    return sum(map(len, found.ids)), found.ended


def arithmetic(work: Work, machine: Machine, device: Device) -> dict[str, float]:
    """Print what one generation must cost; the floor's seconds by part."""
    found = floors(work, machine, 2 if device.precision == "bf16" else 4)
    lines = [
        [name, f"{flop:.3g}", f"{byte:.3g}", f"{steps:,.0f}", f"{seconds / 60:.2f}"]
        for name, (flop, byte, steps, seconds) in found.items()
    ]
    rates = f"at {machine.bandwidth / 1e9:,.0f} GB/s and {machine.peak / 1e12:,.2f} TFLOP/s"
    printed(("one generation", "operations", "bytes", "steps", f"floor, minutes, {rates}"), lines)
    return {name: seconds for name, (_, _, _, seconds) in found.items()}


def extrapolated(work: Work, share: float, device: Device, floor: dict[str, float]) -> None:
    """Measure a share and print the whole."""
    with tempfile.TemporaryDirectory() as scratch:
        part = work.scaled(share)
        found = measured(part, device, Path(scratch))
    whole = {
        "training": found.training * work.training.epochs * work.stories / part.stories,
        "writing": found.writing * work.stories / part.stories,
    }
    told = {
        "training": f"{found.training:.1f} s, {found.steps:,} steps",
        "writing": f"{found.writing:.1f} s, {found.tokens:,} tokens of {part.stories:,} stories",
    }
    lines = [[k, told[k], f"{whole[k] / 60:.1f}", f"{whole[k] / floor[k]:.1f}"] for k in whole]
    printed((f"measured, {device.precision}", "share", "whole generation, minutes", "times the floor"), lines)
    memory = f", peak {found.memory / 2**30:.1f} GiB" if found.memory else ""
    print(f"\none generation: {sum(whole.values()) / 3600:.2f} h; {found.ended:.0%} of the stories ended{memory}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.01, help="of the stories")
    parser.add_argument("--story", type=float, default=220.0, help="mean tokens of a story")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", choices=("bf16", "tf32", "fp32"))
    parser.add_argument("--batch", type=int, help="stories written at a time, instead of the preset's 2000")
    parser.add_argument("--tiny", action="store_true", help="a small shape, to see that the script runs")
    given = parser.parse_args(arguments)
    gpu = device_of(given.device, "fp32").name.startswith("cuda")
    device = device_of(given.device, given.precision or ("bf16" if gpu else "fp32"))
    name = torch.cuda.get_device_name(device.name) if gpu else "CPU"
    print(f"{name}, torch {torch.__version__}, {device.precision}")
    work = published(given.story)
    if not gpu:
        print("\nno GPU here: the preset as arithmetic with an H200's data sheet; a small shape is what is measured")
        arithmetic(work, H200, Device(precision="bf16"))
    if given.tiny or not gpu:
        work = tiny()
        print(f"\nthe small shape: {work.model}, {work.stories:,} stories, share {given.share:g}")
    if given.batch:
        work = replace(work, writing=replace(work.writing, batch=given.batch))
    extrapolated(work, given.share, device, arithmetic(work, machine_of(device), device))


if __name__ == "__main__":
    main()
