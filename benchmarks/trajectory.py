"""How often a trajectory of checkpoints says something although nothing changes: alarms, turns, the sign-flip test.

``python benchmarks/trajectory.py [RUNS]`` prints three tables (default 4,000 series each): how often the sign-flip test
calls a series risen; how often a series of unchanged checkpoints raises an alarm, beside the bound that is printed; how
often a figure, or any of twenty, turns. All noise is made up: normal, every checkpoint against one baseline, the null
pairs with noise on both sides. Needs no data and no network; takes under a minute of one core.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from contam.probing.trajectory import Course, alarm_level, sign_flip

Series = NDArray[np.float64]
Noise = Callable[[np.random.Generator, int, int], Series]
LEVEL, FIGURES = 0.05, 20
LENGTHS, COUNTS, PAIRS = (6, 8, 10), (2, 5, 12), (59, 106, 239, 479)


def walk(chance: np.random.Generator, runs: int, n: int) -> Series:
    """A random walk without drift."""
    return np.cumsum(chance.standard_normal((runs, n)), axis=1)


def skewed(chance: np.random.Generator, runs: int, n: int) -> Series:
    """A random walk whose increments are lognormal, their mean taken off: not symmetric."""
    return np.cumsum(np.exp(chance.standard_normal((runs, n))) - math.exp(0.5), axis=1)


def mirrored(chance: np.random.Generator, runs: int, n: int) -> Series:
    """The same upside down: many small rises, few deep falls."""
    return -skewed(chance, runs, n)


def independent(chance: np.random.Generator, runs: int, n: int) -> Series:
    """Nothing but the noise of measurement."""
    return chance.standard_normal((runs, n))


def sluggish(chance: np.random.Generator, runs: int, n: int) -> Series:
    """Autoregressive, .8, begun in its stationary state."""
    out = chance.standard_normal((runs, n))
    out[:, 0] /= math.sqrt(1 - 0.8**2)
    for i in range(1, n):
        out[:, i] += 0.8 * out[:, i - 1]
    return out


def drifting(chance: np.random.Generator, runs: int, n: int) -> Series:
    """A random walk that rises by one standard deviation at every step."""
    return np.cumsum(1.0 + chance.standard_normal((runs, n)), axis=1)


NOISES: dict[str, Noise] = {
    "random walk": walk,
    "random walk, skewed up": skewed,
    "random walk, skewed down": mirrored,
    "independent": independent,
    "autoregressive .8": sluggish,
    "rising by 1 sd a step": drifting,
}


def called_risen(noise: Noise, runs: int, n: int) -> float:
    """The share of series whose sign-flip p is .05 or less."""
    series = noise(np.random.default_rng(n), runs, n)
    p_values = (sign_flip(row.tolist(), "rises") for row in series)
    return sum(p is not None and p <= LEVEL for p in p_values) / runs


def alarmed(runs: int, count: int, pairs: int) -> float:
    """The share of series with any alarm: two tests, each ranked among the null pairs, p twice the smaller."""
    chance = np.random.default_rng((count, pairs))
    hit = 0
    for _ in range(runs):
        null = chance.standard_normal((pairs, 2))
        scores = (chance.standard_normal((1, 2)) + chance.standard_normal((count, 2))) / math.sqrt(2)
        larger = (null[None] >= scores[:, None]).sum(axis=1)
        p = np.minimum(1.0, 2.0 * (1 + larger.min(axis=1)) / (pairs + 1))
        hit += bool((p <= alarm_level(count, pairs) * (1 + 1e-9)).any())
    return hit / runs


def turned(runs: int, count: int, pairs: int) -> tuple[float, float, float]:
    """Of figures that nothing moves: the share that turns, that turns before the last checkpoint, and the share of
    series in which any of twenty independent ones turns before the last."""
    chance = np.random.default_rng((7, count, pairs))
    all_of_them, early = 0, np.zeros(runs, dtype=bool)
    for run in range(runs):
        null = chance.standard_normal((2, pairs))
        limit = float(np.quantile(null[1] - null[0], 0.99))
        moved = chance.standard_normal(count) - chance.standard_normal()
        sides = (0, *(int(value > limit) for value in moved))
        at = Course("figure", "rises", (0.0,) * len(sides), sides).turned
        all_of_them += at is not None
        early[run] = at is not None and at < count
    any_of_many = 1 - (1 - early.mean()) ** FIGURES
    return all_of_them / runs, float(early.mean()), float(any_of_many)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    print(f"sign-flip test, share of {runs:,} series with p <= .05")
    print(f"{'':24}" + "".join(f"{n:>4} values" for n in LENGTHS))
    for name, noise in NOISES.items():
        print(f"{name:24}" + "".join(f"{called_risen(noise, runs, n):11.3f}" for n in LENGTHS))
    print("\nany alarm in a series of unchanged checkpoints (in brackets: the bound that is printed)")
    print(f"{'':24}" + "".join(f"{count:>6} checkpoints" for count in COUNTS))
    for pairs in PAIRS:
        bounds = (min(1.0, count * alarm_level(count, pairs)) for count in COUNTS)
        rates = (f"{alarmed(runs, count, pairs):.3f} ({bound:.3f})" for count, bound in zip(COUNTS, bounds))
        print(f"{pairs:>4} null pairs         " + "".join(f"{told:>18}" for told in rates))
    print("\nunchanged figures that turn: one of them; one before the last checkpoint; any of 20 before the last")
    for count in COUNTS:
        falsely = turned(4 * runs, count, 106)
        print(f"{count:>4} checkpoints        " + "".join(f"{rate:11.3f}" for rate in falsely))


if __name__ == "__main__":
    main()
