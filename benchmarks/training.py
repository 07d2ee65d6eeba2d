"""How long `contam.models.training` takes, against a bare PyTorch loop around transformers' module.

    python benchmarks/training.py [gpt2-mini llama-mini gptneo-mini ...] [--batch 16] [--block 128] [--steps 12]
                                  [--rounds 5] [--vocabulary 2048] [--precision fp32]

Both begin with equal weights and go through equal windows with fused AdamW and clipped gradients; they take turns
within a round, so that a busy machine slows both. Printed: tokens a second of each, the median over the rounds of the
ratio of their times (below 1: this one is faster), and the largest difference of a loss. Threads: set OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contam.models.anything import quiet
from contam.models.configurations import CONFIGURATIONS, fitted
from contam.models.loading import device_of, save
from contam.models.network import Device
from contam.models.scratch import files_of, fresh, train_tokenizer
from contam.models.stream import Ids, Windows
from contam.models.training import TrainingSettings, train

NAMES = ("benchmark",)


def bare(module: Any, stream: Ids, settings: TrainingSettings, device: Device) -> list[float]:
    """The loop one would write: losses of its steps."""
    wide, thin = ([p for p in module.parameters() if (p.dim() > 1) == kind] for kind in (True, False))
    groups = [{"params": wide, "weight_decay": settings.weight_decay}, {"params": thin, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, fused=True)
    text = torch.from_numpy(stream).to(device.name)
    losses = []
    for step in Windows(len(stream), settings.block).steps(settings.epochs, settings.batch_size, NAMES):
        rows = torch.stack([text[start : start + settings.block + 1] for start in step[:, 0].tolist()])
        counts = torch.zeros(len(step), settings.block, dtype=torch.bool, device=device.name)
        for row, (_, low, high) in zip(counts, step.tolist()):
            row[low:high] = True
        with torch.autocast(torch.device(device.name).type, device.dtype, enabled=device.precision == "bf16"):
            logits = module(input_ids=rows[:, :-1], use_cache=False).logits
            nats = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), rows[:, 1:].flatten(), reduction="none"
            )
        loss = nats.view(len(step), -1)[counts].mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), settings.clip)
        adam.step()
        adam.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
    return losses


def measured(name: str, given: argparse.Namespace, scratch: Path) -> None:
    """One line of the table."""
    from transformers import AutoModelForCausalLM

    device = device_of("auto", given.precision)
    settings = TrainingSettings(given.block, given.batch, 1.0, 1e-3)
    stream = np.random.default_rng(0).integers(0, given.vocabulary, given.steps * given.batch * given.block + 1)
    tokenizer = train_tokenizer(["no text is encoded here"], 260, scratch / name)
    config = fitted(CONFIGURATIONS[name], given.vocabulary, given.block, 0)
    files = files_of(config, tokenizer, scratch / name, name)
    save(fresh(files, 0, device), 0, files, scratch / f"{name}-saved")
    seconds: list[tuple[float, float]] = []
    apart = 0.0
    for _ in range(given.rounds + 1):
        with quiet():
            module: Any = AutoModelForCausalLM.from_pretrained(scratch / f"{name}-saved", dtype=torch.float32)
        module, network = module.to(device.name).eval(), fresh(files, 0, device)
        began = time.perf_counter()
        theirs = bare(module, stream, settings, device)
        half = time.perf_counter()
        ours = train(network, stream, settings, NAMES).losses
        seconds.append((half - began, time.perf_counter() - half))
        apart = max(apart, float(np.abs(ours - np.array(theirs)).max()))
    bared, own = (statistics.median(column) for column in zip(*seconds[1:]))  # the first round warms up
    ratio = statistics.median(mine / other for other, mine in seconds[1:])
    tokens = len(stream) - 1
    print(f"{name:14}{tokens / bared:12,.0f}{tokens / own:12,.0f}{ratio:10.2f}{apart:14.1e}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["gpt2-mini", "llama-mini", "gptneo-mini"])
    for option, value in (("batch", 16), ("block", 128), ("steps", 12), ("rounds", 5), ("vocabulary", 2048)):
        parser.add_argument(f"--{option}", type=int, default=value)
    parser.add_argument("--precision", default="fp32")
    given = parser.parse_args()
    print(f"{given.batch} windows of {given.block} a step, {torch.get_num_threads()} threads, {given.precision}")
    print(f"{'model':14}{'bare tok/s':>12}{'contam':>12}{'ratio':>10}{'loss apart':>14}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in given.models:
            measured(name, given, Path(scratch))


if __name__ == "__main__":
    main()
