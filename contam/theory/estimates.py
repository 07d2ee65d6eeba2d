"""From simulated trajectories to series with standard errors, and to comparisons with closed forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.theory.record import DERIVED, Z_LIMIT, Comparison, Series

Floats = NDArray[np.float64]
MOST_SKEWNESS = 0.2
"""Skewness of a mean up to which a distance of 4 standard errors is no chance."""


@dataclass(frozen=True, slots=True)
class Form:
    """A closed form: its values over the generations of a series, whose it is, and how it may be read."""

    values: Sequence[float] | Floats
    origin: str = DERIVED
    source: str = ""
    approximate: bool = False
    bound: str = ""


def averaged(name: str, values: NDArray[Any], form: Form | None = None, error: Floats | None = None) -> Series:
    """The mean over trajectories of ``values`` (generations from 0, trajectories), with its standard error.

    ``error`` is the exact standard error where it is known: that of the sample itself is useless where a few
    trajectories carry the mean. Without it, values that are too skewed make the form one that is not tested.
    """
    found = np.asarray(values, dtype=np.float64)
    if error is None and form is not None and not form.bound and too_skewed(found[-1]):
        form = replace(form, approximate=True)
    spread = _standard_error(found) if error is None else error
    return _series(name, found.mean(axis=1), spread, form)


def middle(name: str, values: Floats, form: Form | None = None) -> Series:
    """The median over trajectories of positive ``values``; its error is that of the median of their logarithms.

    Logarithms of products of independent factors are close to normal, whose median has pi/2 times the variance of
    the mean.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.nan_to_num(_standard_error(np.log(values))) * math.sqrt(math.pi / 2)
    found = np.median(values, axis=1)
    return _series(name, found, error * found, form)


def compared(series: Series) -> Comparison | None:
    """A series beside its closed form: in the last generation, or where it is closest to being said to cross a bound.

    None where there is no closed form, or where a bound says nothing in any generation.
    """
    places = [i for i, value in enumerate(series.expected) if math.isfinite(value)]
    if not places:
        return None
    at = places[-1]
    if series.bound:
        at = max(places, key=lambda i: _beyond(series, i) - 1e-9 * i)
    return Comparison(
        f"{series.name} @{series.x[at]:g}",
        series.mean[at],
        series.error[at],
        series.expected[at],
        series.origin,
        series.source,
        series.approximate,
        series.bound,
    )


def _beyond(series: Series, i: int) -> float:
    """How far the simulation is beyond its bound, less what errors excuse: what is tested."""
    sign = 1 if series.bound == "upper" else -1
    return sign * (series.mean[i] - series.expected[i]) - Z_LIMIT * series.error[i]


def comparisons_of(series: Sequence[Series]) -> tuple[Comparison, ...]:
    """All of them that have a closed form; see `compared`."""
    return tuple(found for found in map(compared, series) if found is not None)


def too_skewed(values: Floats) -> bool:
    """Whether the mean of these values (one a trajectory) is too far from normal for standard errors to test it."""
    spread = float(values.std())
    if spread <= 1e-12 * float(np.abs(values).max()):
        return False
    skewness = float((((values - values.mean()) / spread) ** 3).mean())
    # So few values may hide their skewness: its own standard error comes on top.
    return abs(skewness) + math.sqrt(6 / len(values)) > MOST_SKEWNESS * math.sqrt(len(values))


def _standard_error(values: Floats) -> Floats:
    count = values.shape[1]
    error: Floats = values.std(axis=1, ddof=1) / math.sqrt(count) if count > 1 else np.zeros(len(values))
    return error


def _series(name: str, mean: Floats, error: Floats, form: Form | None) -> Series:
    form = form or Form((), "")
    return Series(
        name,
        tuple(float(x) for x in range(len(mean))),
        tuple(mean.tolist()),
        tuple(error.tolist()),
        tuple(float(value) for value in form.values),
        form.origin,
        form.source,
        form.approximate,
        form.bound,
    )
