"""How often a signal turns although nothing changes: false alarms of the rule of ``selftrain/turning.py``.

``python benchmarks/turning.py [RUNS]`` prints shares of replicas (default 2,000) in which a figure turned falsely
within 100 and within 1,000 iterations, judged by 8 draws of the untouched model. The noise of the signals is that of
texts which a word trigram of Python's documentation writes, of 60, 230 and 1,000 tokens; beside them are made-up
noises, among them worse ones than any signal has. Needs no data and no network; takes under a minute of one core.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from contam.demo import Trigram, human_documents
from contam.experiments.selftrain.turning import TURN, TurnRule, Turns
from contam.models.word_text import tokens
from contam_metrics.one_text import DIRECTIONS, FALLS, signals_of

DRAWS, LENGTHS, HORIZONS = 8, {60: 3000, 230: 3000, 1000: 1500}, (100, 1000)
Pool = NDArray[np.float64]


def texts_figures() -> dict[int, Pool]:
    """The signals (columns, in the order of DIRECTIONS) of many texts of each length."""
    model = Trigram([tokens(text) for text in human_documents()[1]])
    chance = random.Random(0)
    found = {}
    for length, texts in LENGTHS.items():
        rows = [list(signals_of(" ".join(model.sample(length, chance))).values()) for _ in range(texts)]
        table = np.array([[np.nan if value is None else value for value in row] for row in rows])
        found[length] = table[~np.isnan(table).any(axis=1)]
    return found


def made_up() -> dict[str, Pool]:
    """Noises of a rising signal."""
    chance = np.random.default_rng(0)
    size = 100_000
    return {
        "normal": 0.3 * chance.standard_normal(size),
        "heavy tails (t, 3 degrees)": 0.3 * chance.standard_t(3, size),
        "skewed (lognormal)": np.exp(chance.standard_normal(size)),
        "one text in ten": 0.2 * (chance.random(size) < 0.1),
        "three texts in ten": 0.2 * (chance.random(size) < 0.3),
        "nearly every other text": 0.2 * (chance.random(size) < 0.45),
    }


def turned(baseline: Pool, runs: Pool, falls: bool, rule: TurnRule = TURN) -> NDArray[np.bool_]:
    """Whether each run (row) turned, judged by its baseline (row): the rule, for many runs at once."""
    sign = -1.0 if falls else 1.0
    baseline, runs = sign * baseline, sign * runs
    margin = np.maximum(rule.margin * np.ptp(baseline, axis=1), rule.floor)
    medians = np.median(sliding_window_view(runs, rule.window, axis=1), axis=-1)
    outside = medians > (baseline.max(axis=1) + margin)[:, None]
    return sliding_window_view(outside, rule.sustain + 1, axis=1).all(axis=-1).any(axis=1)


def single(pool: Pool, falls: bool, iterations: int, runs: int, rule: TurnRule = TURN) -> float:
    """Share of runs in which one figure turned falsely."""
    chance = np.random.default_rng(iterations)
    parts = [
        turned(
            pool[chance.integers(len(pool), size=(100, DRAWS))],
            pool[chance.integers(len(pool), size=(100, iterations))],
            falls,
            rule,
        )
        for _ in range(runs // 100)
    ]
    return float(np.concatenate(parts).mean())


def family(table: Pool, iterations: int, runs: int) -> float:
    """Share of runs in which any signal turned falsely; the signals of one text stay together."""
    chance = np.random.default_rng(iterations)
    alarms = []
    for _ in range(runs // 100):
        some = chance.integers(len(table), size=(100, DRAWS))
        walk = chance.integers(len(table), size=(100, iterations))
        each = [turned(table[some, i], table[walk, i], way == FALLS) for i, way in enumerate(DIRECTIONS.values())]
        alarms.append(np.any(each, axis=0))
    return float(np.concatenate(alarms).mean())


def check(pool: Pool, runs: int = 60, iterations: int = 300) -> None:
    """The rule for many runs at once is the streaming one."""
    chance = np.random.default_rng(1)
    for _ in range(runs):
        draws, walk = chance.choice(pool, DRAWS), chance.choice(pool, iterations) + chance.choice([0, 0.4])
        fast = turned(draws[None], walk[None], falls=False)[0]
        watch = Turns([{"validation": {"x": float(v)}} for v in draws])
        for i, value in enumerate(walk):
            watch.add({"iteration": i, "validation": {"x": float(value)}})
        assert (watch.turned["validation.x"] is not None) == fast


def main() -> None:
    """Print the rates."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    tables, noises = texts_figures(), made_up()
    check(noises["normal"])
    print(f"rule: {TURN}\n| noise | 100 iterations | 1,000 | with six medians, 100 |\n|---|---|---|---|")
    rows = [(name, pool, False) for name, pool in noises.items()]
    for length, table in tables.items():
        rows += [(f"{n}, {length} tokens", table[:, i], w == FALLS) for i, (n, w) in enumerate(DIRECTIONS.items())]
    short = replace(TURN, sustain=5)
    for name, pool, falls in rows:
        rates = [single(pool, falls, HORIZONS[0], runs), single(pool, falls, HORIZONS[1], max(runs // 4, 100))]
        rates.append(single(pool, falls, HORIZONS[0], runs, short))
        print(f"| {name} | " + " | ".join(f"{100 * rate:.2f} %" for rate in rates) + " |", flush=True)
    for length, table in tables.items():
        rates = [family(table, HORIZONS[0], runs), family(table, HORIZONS[1], max(runs // 4, 100))]
        print(f"any of {len(DIRECTIONS)} signals, {length} tokens: " + ", ".join(f"{100 * r:.1f} %" for r in rates))


if __name__ == "__main__":
    main()
