"""The seeds of one (model, learning rate) taken together: medians over seeds of curves and of iterations."""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contam.experiments.selftrain.collapse import CollapseRule, Outcome, outcome_of
from contam.experiments.selftrain.history import History, Line, Run
from contam.experiments.selftrain.turning import TURN, Band, RunningMedian, Stretch, band_of, draws_of

LEAST_RISE = 0.1
"""Nats above the untouched model, beyond its noise as well, from which a sustained rise counts as one."""
TIE_ITERATIONS, TIE_SHARE = 2, 0.2
FEWEST_RANKED = 8


@dataclass(frozen=True)
class Group:
    """The seeds of one (model, learning rate), and what became of them; ``label`` names it among the others."""

    label: str
    model: str
    learning_rate: float
    replicas: tuple[History, ...]
    outcomes: tuple[Outcome, ...]
    baseline: tuple[Line, ...]

    @property
    def seeds(self) -> str:
        """Which seeds these are, in words, and how many of them diverged."""
        numbers = ", ".join(str(replica.seed) for replica in self.replicas)
        lost = sum(outcome.diverged_at is not None for outcome in self.outcomes)
        diverged = f", {lost} of them diverged" if lost else ""
        return f"seed{'s' if len(self.replicas) > 1 else ''} {numbers}{diverged}"

    @property
    def last(self) -> int:
        """The last iteration that every seed has."""
        return min(replica.last for replica in self.replicas)

    def reached(self, what: str) -> float:
        """Median over seeds of an iteration of the outcomes, infinite where half of them or more never got there.

        A seed whose loss became no number before it got there is left out; nan where all of them are.
        """
        found = [(getattr(o, what), o.diverged_at) for o in self.outcomes]
        kept = [math.inf if at is None else at for at, diverged in found if at is not None or diverged is None]
        return statistics.median(kept) if kept else math.nan

    def told(self, what: str) -> str:
        """When the seeds got there, in words."""
        at = self.reached(what)
        if math.isnan(at):
            return "never (every seed diverged before)"
        return f"not by iteration {self.last}" if math.isinf(at) else f"from iteration {at:g}"

    def curve(self, name: str) -> tuple[list[int], list[float]]:
        """Median over seeds of a loss, at the iterations at which every seed that has any was evaluated."""
        series = [dict(zip(*replica.series(name))) for replica in self.replicas]
        series = [one for one in series if one]
        common = sorted(set.intersection(*map(set, series))) if series else []
        return common, [statistics.median(one[i] for one in series) for i in common]

    def rise(self, name: str) -> Rise:
        """How the loss on one validation set went."""
        iterations, values = self.curve(name)
        untouched = draws_of([*self.baseline, *(replica.lines[0] for replica in self.replicas)], name)
        start = statistics.median(untouched) if untouched else math.nan
        noise = band_of(draws_of(self.baseline, name)) or Band(start, start)
        band = Band(min(noise.low, start - LEAST_RISE), max(noise.high, start + LEAST_RISE))
        up = Stretch(lambda v: v > band.high, TURN.window, TURN.sustain + 1)
        down = Stretch(lambda v: v < band.low, TURN.window, TURN.sustain + 1)
        medians = [up.add(i, v) for i, v in zip(iterations, values)]
        for i, v in zip(iterations, values):
            down.add(i, v)
        highest = max((m for m in medians if m is not None), default=math.nan)
        return Rise(start, highest - start, up.begun, down.begun, tuple(iterations), tuple(values))


@dataclass(frozen=True)
class Rise:
    """A loss on human text, median over seeds: its start, how far its running median rose (nats), since when it stayed
    above (``up``) or below (``down``) the untouched model's noise, and the curve itself."""

    start: float
    most: float
    up: int | None
    down: int | None
    iterations: tuple[int, ...]
    values: tuple[float, ...]

    def trend(self, end: float) -> float:
        """Rank correlation with the iteration, from where it left the noise (or 0) up to the evaluation after ``end``,
        over eight evaluations at least. On the plateau before, the ranks are those of the noise."""
        first = 0 if self.up is None else max(bisect_left(self.iterations, self.up) - TURN.window, 0)
        last = max(up_to(self.iterations, end), first + FEWEST_RANKED)
        return rank_correlation(self.iterations[first:last], self.values[first:last])

    @property
    def told(self) -> str:
        """Start, rise and since when, in words."""
        since = f"above the noise from iteration {self.up}" if self.up is not None else "not above the noise for good"
        return f"{self.start:.2f} {self.most:+.2f} nats, {since}"


def groups_of(run: Run, rule: CollapseRule) -> tuple[Group, ...]:
    """The groups of a run whose replicas have any lines, with their outcomes."""
    several = len(run.models) > 1
    found = []
    for (model, rate), replicas in run.groups().items():
        baseline = run.baseline_of(model)
        outcomes = tuple(outcome_of(replica, baseline, rule) for replica in replicas)
        label = f"{model}, rate {rate:g}" if several else f"rate {rate:g}"
        found.append(Group(label, model, rate, replicas, outcomes, baseline))
    return tuple(found)


def order_of(slow: Group, fast: Group, what: str = "risen_at") -> str:
    """Whether the second group was faster, as claimed: ``faster``, ``slower``, ``tied`` or ``open``.

    A threshold that was not reached lies after the end of the log, so the comparison is open where the other one
    was reached later than that, or not at all.
    """
    a, b = slow.reached(what), fast.reached(what)
    if math.isnan(a) or math.isnan(b):
        return "open"
    if math.isinf(a):
        return "faster" if slow.last > b else "open"
    if math.isinf(b):
        return "slower" if fast.last > a else "open"
    if abs(a - b) <= max(TIE_ITERATIONS, TIE_SHARE * max(a, b)):
        return "tied"
    return "faster" if b < a else "slower"


def share_of_rises(group: Group, name: str) -> float:
    """Share of the evaluations at which a loss was higher than at the one before, up to the collapse of each seed; mean
    over seeds, nan where there are none."""
    shares = []
    for replica, outcome in zip(group.replicas, group.outcomes):
        iterations, values = replica.series(name)
        end = up_to(iterations, math.inf if outcome.collapsed_at is None else outcome.collapsed_at)
        steps = [later > earlier for earlier, later in pairwise(values[:end])]
        if steps:
            shares.append(sum(steps) / len(steps))
    return statistics.fmean(shares) if shares else math.nan


def up_to(iterations: Sequence[int], end: float) -> int:
    """How many of the iterations lie before ``end``, and one more; all where there is no end."""
    return len(iterations) if not math.isfinite(end) else min(bisect_left(iterations, end) + 1, len(iterations))


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's rank correlation, ties by their mean rank; nan where either does not vary."""
    return correlation(_ranks(x), _ranks(y))


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson's correlation; nan where either does not vary."""
    if len(a) < 2:
        return math.nan
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale else math.nan


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    _, inverse, counts = np.unique(np.asarray(values, float), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def agreement(one: Rise, other: Rise) -> float:
    """Correlation of the running medians of two losses, at the iterations that both have; nan where either is flat.

    Not of their ranks: after the collapse, as before it, ranks are those of the noise.
    """
    a, b = (dict(smoothed(rise)) for rise in (one, other))
    common = sorted(a.keys() & b.keys())
    return correlation(np.array([a[i] for i in common]), np.array([b[i] for i in common]))


def smoothed(rise: Rise) -> list[tuple[int, float]]:
    """(iteration, running median) of a loss."""
    median = RunningMedian(TURN.window)
    found = (median.add(i, value) for i, value in zip(rise.iterations, rise.values))
    return [one for one in found if one is not None]
