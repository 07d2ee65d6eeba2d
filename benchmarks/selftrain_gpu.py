"""Speed of self-training on one GPU beside a plain eager loop that does the same work, and beside the roofline.

    python benchmarks/selftrain_gpu.py                                  # 124M: one replica, and four learning rates
    python benchmarks/selftrain_gpu.py --shape 1.5B --replicas 1 --precision bf16 --no-eager    # GPT-2's largest size
    python benchmarks/selftrain_gpu.py --device cpu --shape quick --iterations 1                # does it run

Whole iterations of the preset with random weights: warmed up (graphs are captured then), the card waited for before
and after. The eager loop (``eager.py``) does them in the same precision (bf16: autocast), one replica after another.
The floor is the sum over the parts of an iteration of the larger of two times: that of its floating-point operations
at the rate of a large matrix product, and that of reading its weights at the rate of a large copy, both measured on
the card itself in the same minute. Launching a kernel takes time that the floor does not know of.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from selftrain import SHAPES, Case, Ours, Plain, Side, Times, Way, case_of, measured

from contam.models.loading import device_of
from contam.models.network import Device

RATES = (1e-5, 2e-5, 4e-5, 8e-5)
OPTIMIZER_BYTES = 28
"""Read: weight, gradient, two moments; written: weight, two moments; 4 bytes each."""


@dataclass(frozen=True)
class Machine:
    """Measured rates of a device: bytes a second (read and written) and floating-point operations a second."""

    bandwidth: float
    peak: float


def synchronised(device: Device) -> Callable[[], float]:
    """A clock that waits for the device first."""

    def clock() -> float:
        if device.name.startswith("cuda"):
            torch.cuda.synchronize(device.name)
        return time.perf_counter()

    return clock


def machine_of(device: Device) -> Machine:
    """Measure a large copy and a large matrix product, the best of ten each."""
    gpu, clock = device.name.startswith("cuda"), synchronised(device)
    source = torch.ones(1 << (28 if gpu else 22), device=device.name)
    target, side = torch.empty_like(source), 8192 if gpu else 512
    a = torch.ones((side, side), device=device.name, dtype=device.dtype)

    def best(work: Callable[[], object]) -> float:
        work()
        way = Way(clock=clock)
        return min(way.seconds(work) for _ in range(10))

    moved, multiplied = best(lambda: target.copy_(source)), best(lambda: a @ a)
    return Machine(2 * source.numel() * 4 / moved, 2 * side**3 / multiplied)


def work_of(case: Case, device: Device) -> dict[str, tuple[float, float, int]]:
    """Part of an iteration -> (operations, bytes, how many of it), for all replicas together.

    Bytes are the weights' (the activations of one window stay in the cache) and the optimizer's. A growing token
    needs one row only; a sliding one needs the window, in the last layer keys and values alone.
    """
    config, t = case.config, case.options.block
    width, layers, vocabulary = config["n_embd"], config["n_layer"], config["vocab_size"]
    size = 2 if device.precision == "bf16" else 4
    blocks, head = 12 * width**2 * layers, vocabulary * width
    attention = 4 * t * t * width * layers
    window = 2 * (blocks + head) * t + attention
    trimmed = 2 * (blocks * t - 10 * width**2 * (t - 1) + head) + attention
    read, whole = float(size * (blocks + head)), case.bench.shape.parameters
    counts = case.counts(1)
    copies = (OPTIMIZER_BYTES + (4 + size if size == 2 else 0)) * whole
    parts = {
        "growing token": (2.0 * (blocks + head), read, counts["growing token"]),
        "sliding token": (float(trimmed), read, counts["sliding token"]),
        "evaluation": (float(window * counts["evaluation window"]), read, 1),
        "step": (3.0 * window, 3 * read + copies, counts["step"]),
    }
    return {name: (case.replicas * flop, case.replicas * moved, n) for name, (flop, moved, n) in parts.items()}


def floors_of(case: Case, device: Device, machine: Machine) -> dict[str, float]:
    """Seconds below which no part of an iteration, and no iteration, can go; for all replicas together."""
    work = work_of(case, device)
    out = {name: max(flop / machine.peak, moved / machine.bandwidth) for name, (flop, moved, _) in work.items()}
    out["iteration"] = sum(seconds * work[name][2] for name, seconds in list(out.items()))
    return out


@dataclass(frozen=True)
class Result:
    """What was measured of one loop: whole iterations in seconds, its parts, and the peak of its memory in bytes."""

    name: str
    seconds: tuple[float, ...]
    parts: Times
    memory: int

    @property
    def median(self) -> float:
        """Seconds of an iteration of all replicas together."""
        return statistics.median(self.seconds)


def run(make: Callable[[], Side], iterations: int, device: Device) -> Result:
    """Build one loop, warm it up, measure it, and let go of it again."""
    gpu, way = device.name.startswith("cuda"), Way(clock=synchronised(device))
    gc.collect()
    if gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device.name)
    side = make()
    side.whole()
    seconds = tuple(way.seconds(side.whole) for _ in range(iterations))
    memory = torch.cuda.max_memory_allocated(device.name) if gpu else 0
    parts: Times = {}
    if isinstance(side, Ours):
        sampled = Way(share=1.0 if gpu else 0.1, clock=way.clock)
        measured(side, sampled)
        parts = measured(side, sampled)
    return Result(side.name, seconds, parts, memory)


def row(case: Case, result: Result, floor: float, eager: Result | None) -> list[str]:
    """One line of the table."""
    ratio = f"{eager.median / result.median:.1f}" if eager else "-"
    spread = f"{result.median:.3f} ({min(result.seconds):.3f}-{max(result.seconds):.3f})"
    memory = f"{result.memory / 2**30:.1f}" if result.memory else "-"
    minutes, times = f"{result.median * 1000 / 60:.1f}", f"{result.median / floor:.1f}"
    return [result.name, str(case.replicas), spread, minutes, f"{floor:.3f}", times, ratio, memory]


def parts_row(case: Case, result: Result, floors: dict[str, float]) -> list[str]:
    """Milliseconds of each part for all replicas together, and the floor's."""
    n, windows = case.replicas, case.counts(1)["evaluation window"]
    times = {k: result.parts[k] * n for k in ("growing token", "sliding token", "step")}
    times["evaluation"] = result.parts["evaluation window"] * n * windows
    cells = [f"{1e3 * times[k]:.3f} / {1e3 * floors[k]:.3f}" for k in floors if k != "iteration"]
    return [result.name, str(n), *cells, f"{1e3 * result.parts['text'] * n:.1f}"]


def printed(head: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A table."""
    print("\n" + "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)), flush=True)


HEAD = ("loop", "replicas", "s per iteration (range)", "minutes per 1000", "floor, s", "times the floor",
        "times as fast as eager", "peak GiB")  # fmt: skip
PARTS = ("ms, measured / floor", "replicas", "growing token", "sliding token", "evaluation", "step", "text, ms")


def compared(case: Case, device: Device, iterations: int, eager: bool) -> None:
    """Measure both loops on one case and print what was found."""
    machine = machine_of(device)
    floors = floors_of(case, device, machine)
    plain = run(lambda: Plain(case, device), iterations, device) if eager else None
    ours = run(lambda: Ours(case, device), iterations, device)
    print(f"\n{device.precision}: copy {machine.bandwidth / 1e9:,.0f} GB/s, product {machine.peak / 1e12:,.2f} TFLOP/s")
    lines = [row(case, plain, floors["iteration"], None)] if plain else []
    printed(HEAD, [*lines, row(case, ours, floors["iteration"], plain)])
    printed(PARTS, [parts_row(case, ours, floors)])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print tables for every number of replicas and every precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--shape", choices=SHAPES, default="124M")
    parser.add_argument("--replicas", type=int, nargs="+", choices=(1, 2, 3, 4), default=(1, 4), help="learning rates")
    parser.add_argument("--precision", nargs="+", choices=("bf16", "tf32", "fp32"))
    parser.add_argument("--iterations", type=int, default=5, help="timed ones of each loop")
    parser.add_argument("--sets", type=int, default=1, help="validation sets")
    parser.add_argument("--no-eager", dest="eager", action="store_false", help="without the loop beside it")
    given = parser.parse_args(arguments)
    gpu = device_of(given.device, "fp32").name.startswith("cuda")
    name = torch.cuda.get_device_name(device_of(given.device, "fp32").name) if gpu else "CPU"
    print(f"{given.shape}, {name}, torch {torch.__version__}, {given.iterations} iterations")
    for count in given.replicas:
        case = case_of(given.shape, given.sets, rates=RATES[:count], seeds=1)
        for precision in given.precision or (("bf16", "tf32", "fp32") if gpu else ("bf16", "fp32")):
            compared(case, device_of(given.device, precision), given.iterations, given.eager)


if __name__ == "__main__":
    main()
