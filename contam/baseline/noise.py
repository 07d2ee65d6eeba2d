"""How much the figures of a baseline vary between samples of one size: what a change has to exceed.

The variance between the baseline's own parts is known from few of them, so it is shrunk toward what halves of human
sources differ by at that size (the moderated variance of Smyth 2004, with a fixed weight for the prior). The noise
does not depend on how large the corpora are: it is that of samples of the matched size, so a corpus that grows does not
turn a small difference into a change, as it would by a p-value.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from contam.baseline.record import Parts
from contam.gate.policy import LEAST_EFFECT
from contam.profile import Profile
from contam_metrics.special import student_t_quantile

PRIOR = 4
"""How many parts the halves of human sources count as."""
TRIMMED = 0.95
"""Quantile of the squared differences of halves above which they are left out: sources that change midway."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """``deviations`` float64[C] of the difference between two samples of the size, already widened for ``freedom``
    degrees: nan where nothing is known of a figure. ``reason`` says what it rests on where that is not the parts."""

    deviations: Vector
    freedom: int
    reason: str | None = None


def noise_of(parts: Parts, profile: Profile | None, words: int | None = None) -> Noise:
    """The noise of a difference between the baseline and another sample of its source, at the size of ``parts``: a
    sample of a text of ``words`` words, so few documents are compared by sets of few.

    ``profile`` gives the halves of human sources; None, or one without pairs at that size, leaves the parts alone.
    """
    table = parts.few if parts.of_few(words) else parts.parts
    count = len(table)
    own = np.var(table, axis=0, ddof=1) if count >= 2 else np.full(len(parts.columns), np.nan)
    prior = prior_of(parts, profile)
    known, expected = np.isfinite(own), np.isfinite(prior)
    weights = np.where(known, count - 1, 0) + np.where(expected, PRIOR, 0)
    total = np.where(known, (count - 1) * own, 0.0) + np.where(expected, PRIOR * prior, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(2.0 * total / weights)
    widened = np.array([widening(int(n)) if n else np.nan for n in weights])
    reason = None if count >= 2 else _without_parts(bool(expected.any()))
    return Noise(np.where(deviation > 0, deviation, np.nan) * widened, int(weights.max(initial=0)), reason)


def _without_parts(halves: bool) -> str:
    told = "the baseline is too small to be divided at this size"
    return f"{told}; the noise is that of halves of human sources" if halves else told


def prior_of(parts: Parts, profile: Profile | None) -> Vector:
    """Variance of one sample among the halves of human sources, float64[C]; nan where the profile does not tell."""
    pairs = profile.sizes.get(parts.size) if profile is not None else None
    out = np.full(len(parts.columns), np.nan)
    if profile is None or pairs is None or len(pairs.pair_rows) < 2:
        return out
    for i, key in enumerate(parts.columns):
        if key in profile.columns:
            column = profile.columns.index(key)
            squares = (pairs.second[:, column] - pairs.first[:, column]) ** 2 / 2
            squares = np.sort(squares[np.isfinite(squares)])
            out[i] = squares[: max(1, int(TRIMMED * len(squares)))].mean() if len(squares) else np.nan
    return out


def widening(freedom: int) -> float:
    """How much farther Student's t of ``freedom`` degrees reaches than a normal at `LEAST_EFFECT` deviations."""
    return student_t_quantile(NormalDist().cdf(LEAST_EFFECT), freedom) / LEAST_EFFECT
