"""Intervals: how far a figure would move on other documents of the same source.

Documents are the units, never tokens (an interval that takes tokens as independent covers about half of
what it says). Two kinds of figures need two methods:

* ratios of sums over documents (shares, perplexity): ``ratio_interval`` or ``document_bootstrap``;
* figures of types (entropy, vocabulary, f1/N, distinct-n): ``delete_group_jackknife``. Never bootstrap these:
  drawing a document twice makes its rare words look common.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam_metrics.special import student_t_quantile

GROUPS = 20


@dataclass(frozen=True)
class Interval:
    """A value, its standard error, and an interval around it; nan where it cannot be known."""

    value: float
    error: float
    low: float
    high: float


def _symmetric(value: float, error: float, df: int, level: float) -> Interval:
    reach = student_t_quantile((1 + level) / 2, df) * error
    return Interval(value, error, value - reach, value + reach)


def no_interval(value: float) -> Interval:
    """The value alone: too few documents to say how far it would move."""
    return Interval(value, math.nan, math.nan, math.nan)


def delete_group_jackknife(value: float, without: NDArray[np.float64], level: float = 0.95) -> Interval:
    """The interval of a figure from its values ``without`` each of the groups of documents.

    Variance (G-1)/G sum (value_g - mean)^2, Student's t with G-1 degrees. Groups are drawn by the
    documents' hash. nan for fewer than two groups, or where one of the values is nan. Figures that a
    smaller sample moves (types, plug-in entropy) are moved alike in all groups, which the variance does not
    see.
    """
    groups = len(without)
    if groups < 2 or not math.isfinite(value) or not np.all(np.isfinite(without)):
        return no_interval(value)
    centred = np.asarray(without, np.float64) - np.mean(without)
    return _symmetric(value, math.sqrt((groups - 1) / groups * float(centred @ centred)), groups - 1, level)


def jackknife_of_counts(
    statistic: Callable[[NDArray[np.int64]], float], group_counts: NDArray[np.int64], level: float = 0.95
) -> Interval:
    """The interval of a statistic of type counts, given the counts of each group of documents (groups x
    types)."""
    total = group_counts.sum(axis=0)
    without = np.array([statistic(total - group) for group in group_counts])
    return delete_group_jackknife(statistic(total), without, level)


@dataclass(frozen=True)
class RatioSums:
    """Mergeable state of a ratio sum(s)/sum(t) over n documents: sums, squares and products."""

    n: int = 0
    s: float = 0.0
    t: float = 0.0
    ss: float = 0.0
    st: float = 0.0
    tt: float = 0.0

    @classmethod
    def of(cls, s: NDArray[np.float64], t: NDArray[np.float64]) -> RatioSums:
        """The sums over some documents."""
        s, t = np.asarray(s, np.float64), np.asarray(t, np.float64)
        products = (s, t, s * s, s * t, t * t)
        return cls(len(s), *(math.fsum(values) for values in products))

    def __add__(self, other: RatioSums) -> RatioSums:
        return RatioSums(
            self.n + other.n,
            self.s + other.s,
            self.t + other.t,
            self.ss + other.ss,
            self.st + other.st,
            self.tt + other.tt,
        )

    def interval(self, level: float = 0.95) -> Interval:
        """The ratio with its linearised interval: se = sqrt(n/(n-1) sum (s - ratio t)^2) / sum t, Student's
        t.

        nan for no documents; no interval for one. Below thirty documents it is a little too short.
        """
        if self.t == 0:
            return no_interval(math.nan)
        ratio = self.s / self.t
        if self.n < 2:
            return no_interval(ratio)
        squares = max(0.0, self.ss - 2 * ratio * self.st + ratio * ratio * self.tt)
        return _symmetric(ratio, math.sqrt(self.n / (self.n - 1) * squares) / self.t, self.n - 1, level)


def ratio_interval(s: NDArray[np.float64], t: NDArray[np.float64], level: float = 0.95) -> Interval:
    """``RatioSums.interval`` of documents at hand."""
    return RatioSums.of(s, t).interval(level)


def document_bootstrap(
    s: NDArray[np.float64], t: NDArray[np.float64], draws: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Percentile interval of sum(s)/sum(t) over documents drawn with replacement; the error is their spread.

    Documents are sorted by (s, t) first, so that with one seed their order does not matter.
    """
    s, t = np.asarray(s, np.float64), np.asarray(t, np.float64)
    value = RatioSums.of(s, t).interval().value
    if len(s) < 2 or not math.isfinite(value):
        return no_interval(value)
    order = np.lexsort((t, s))
    s, t = s[order], t[order]
    generator = np.random.default_rng(seed)
    ratios = np.empty(draws)
    for i in range(draws):
        chosen = generator.integers(0, len(s), len(s))
        total = t[chosen].sum()
        ratios[i] = s[chosen].sum() / total if total else math.nan
    low, high = np.nanquantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(np.nanstd(ratios, ddof=1)), float(low), float(high))
