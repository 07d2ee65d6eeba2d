"""A Gaussian that learns from its own samples, in one dimension, beside its closed forms. The truth is N(0, 1)."""

from __future__ import annotations

import math
import time
from dataclasses import asdict

import numpy as np

from contam.theory import gaussian_forms as forms
from contam.theory.estimates import Floats, Form, averaged, middle
from contam.theory.gaussian_spreads import spreads
from contam.theory.gaussian_worlds import GaussianOptions, expected_moments, fitted
from contam.theory.record import DERIVED, PAPER, Comparison, Series, Simulation

LEVELS = (1.0, 0.1)
"""Standard deviations whose undercutting is watched: for the survival bound, and for the first passage."""


def simulate_gaussian(options: GaussianOptions | None = None) -> Simulation:
    """Simulate, beside the closed forms of moments, typical width, survival and distance to the truth."""
    options = options or GaussianOptions()
    start = time.perf_counter()
    means, variances = fitted(options)
    series = _series(options, means, variances)
    return Simulation(
        "gaussian",
        f"a Gaussian trained on its own samples ({options.regime}, {options.samples} a generation)",
        asdict(options),
        series,
        _limits(options, means, variances),
        _notes(options),
        round(time.perf_counter() - start, 3),
        log_y=tuple(s.name for s in series[2:4]) if options.replaces and options.divisor != "known" else (),
    )


def _series(options: GaussianOptions, means: Floats, variances: Floats) -> tuple[Series, ...]:
    variance, square = expected_moments(options)
    scatter = _known_spreads(options)
    known = {"variance": variance, "square": square}
    few = {name: _skewed(scatter[name][-1], known[name][-1], options.trajectories) for name in known if name in scatter}
    # Beside fresh values, a spread that tests nothing may be next to infinite: that of the sample is shown.
    told = {name for name in scatter if options.replaces or not few[name]}
    errors = {name: scatter[name] / math.sqrt(options.trajectories) for name in told}
    wide, far = (Form(known[name], DERIVED, approximate=few.get(name, False)) for name in known)
    series = [
        averaged("variance, mean", variances, wide, errors.get("variance")),
        averaged("squared mean of the fit", means**2, far, errors.get("square")),
    ]
    if options.divisor == "known":
        return tuple(series)
    widths = np.sqrt(variances)
    distances = means**2 + (widths - 1) ** 2
    replaced = _replaced(options, any(few.values())) if options.replaces else {}
    series += [
        averaged("standard deviation, mean", widths, replaced.get("deviation"), errors.get("width")),
        middle("standard deviation, median", widths, replaced.get("median")),
        averaged("log variance, mean", np.log(variances), replaced.get("log")),
        averaged("W2 distance, squared", distances, replaced.get("distance"), errors.get("distance")),
        averaged(f"share with deviation > {LEVELS[0]:g}", widths > LEVELS[0], replaced.get("survival")),
    ]
    return tuple(series)


def _known_spreads(options: GaussianOptions) -> dict[str, Floats]:
    """Exact standard deviations where nothing is kept; those of W_2 are an upper limit, a sum of deviations."""
    if options.regime.startswith("accumulate"):
        return {}
    variance, square = spreads(options)
    if not options.replaces or options.divisor == "known":
        return {"variance": variance, "square": square}
    n, d, steps = options.samples, options.lost, range(options.generations + 1)
    width = np.array(
        [math.sqrt(max(forms.variance_replaced(n, d, t) - forms.deviation_replaced(n, d, t) ** 2, 0)) for t in steps]
    )
    return {"variance": variance, "square": square, "width": width, "distance": variance + square + 2 * width}


def _skewed(spread: float, mean: float, trajectories: int) -> bool:
    """Whether the mean of so many log-normal values is itself too skewed for standard errors to test anything."""
    variation = spread / mean if spread else 0.0
    return bool((variation**2 + 3) * variation > math.sqrt(trajectories))


def _replaced(options: GaussianOptions, skewed: bool) -> dict[str, Form]:
    """The forms that hold under replacement only; ``skewed``: whether a mean of theirs is."""
    n, d, steps = options.samples, options.lost, range(options.generations + 1)
    logs = np.array([forms.log_variance_replaced(n, d, t) for t in steps])
    widths = [forms.deviation_replaced(n, d, t) for t in steps]
    narrow = math.sqrt(max(forms.variance_replaced(n, d, steps[-1]) - widths[-1] ** 2, 0))
    few = _skewed(narrow, widths[-1], options.trajectories)
    origin, source = (PAPER, forms.BERTRAND) if d == 1 else (DERIVED, "")
    return {
        "deviation": Form(widths, origin, source, approximate=few),
        "median": Form(np.exp(logs / 2), DERIVED, approximate=True),
        "log": Form(logs, DERIVED),
        "distance": Form([forms.distance_replaced(n, d, t) for t in steps], DERIVED, approximate=skewed),
        "survival": Form(_telling(n, steps), PAPER, forms.SURESH, bound="upper"),
    }


def _telling(n: int, steps: range) -> list[float]:
    """The survival bound where it says something, nan elsewhere."""
    bounds = (forms.survival_bound(n, t, LEVELS[0]) for t in steps)
    return [bound if bound < 1 else math.nan for bound in bounds]


def _limits(options: GaussianOptions, means: Floats, variances: Floats) -> tuple[Comparison, ...]:
    """First passage under replacement, the limits under accumulation and with fresh real values."""
    if options.replaces and options.divisor != "known":
        return _passage(options, variances)
    if options.regime == "accumulate" and options.divisor == "ml":
        source = "the limit given for Kazdan et al. 2024 (arXiv 2410.16713)"
        return (_limit("variance, limit", variances[-1], forms.accumulated_limit(options.samples), source),)
    if options.regime == "fresh" and options.fresh:
        limit = forms.mean_square_fresh(options.samples, options.fresh / options.samples)
        return (_limit("squared mean, limit", means[-1] ** 2, limit, "of a known variance"),)
    return ()


def _limit(name: str, last: Floats, limit: float, source: str) -> Comparison:
    error = float(last.std(ddof=1) / math.sqrt(len(last)))
    return Comparison(name, float(last.mean()), error, limit, DERIVED, source, True)


def _passage(options: GaussianOptions, variances: Floats) -> tuple[Comparison, ...]:
    """The median generation in which the deviation first is below the lower level, if half of them get there."""
    below = np.sqrt(variances) < LEVELS[1]
    first = np.where(below.any(axis=0), below.argmax(axis=0), np.inf)
    median = float(np.median(first))
    if not math.isfinite(median):
        return ()
    expected = forms.passage_by_drift(options.samples, options.lost, LEVELS[1])
    name = f"first generation below {LEVELS[1]:g}, median"
    return (Comparison(name, median, 0.0, expected, DERIVED, "even fall of the logarithm", True),)


def _notes(options: GaussianOptions) -> tuple[str, ...]:
    notes = ["The truth is N(0, 1); generation 1 is fitted to real values."]
    if options.replaces and options.divisor != "known":
        notes.append(
            "The mean variance is carried by ever fewer trajectories: the median shows what a typical one does. "
            "Standard errors of means are exact, not those of the sample, which would miss the few; where the mean is "
            "too skewed for them to test anything, its closed form is marked ~ though it is exact."
        )
    if options.regime == "accumulate-subsample":
        notes.append(f"Every generation adds {options.added} values and is fitted to {options.samples} of all so far.")
    return tuple(notes)
