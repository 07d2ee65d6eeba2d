"""A Gaussian fitted again and again to samples of its own fits, in one dimension. The truth is N(0, 1).

Only sample means and sums of squares matter, so they are drawn themselves (normal and chi-square): exact, and as fast
for a million values as for ten. Where a training set is a part of everything so far, the values are kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from contam.errors import UsageError
from contam.theory import gaussian_forms as forms
from contam.theory.estimates import Floats, Form, averaged, middle
from contam.theory.ranges import check_known, check_ranges, check_size
from contam.theory.record import DERIVED, PAPER, Comparison, Series, Simulation

REGIMES = ("replace", "fresh", "accumulate", "accumulate-subsample")
DIVISORS = ("ml", "unbiased", "known")
LEVELS = (1.0, 0.1)
"""Standard deviations whose undercutting is watched: for the survival bound, and for the first passage."""
_DEEPEST = -300.0
"""Expected log variance up to which everything is a number."""
_RANGES: dict[str, tuple[float, float]] = {
    "samples": (3, 10**6), "generations": (1, 10**5), "trajectories": (2, 10**6), "real_share": (0.0, 1.0),
    "rate": (1e-3, 100.0), "seed": (0, 2**63),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class GaussianOptions:
    """How to simulate.

    ``regime``: every generation is fitted to ``samples`` values, namely values of the last generation (replace);
    with a share ``real_share`` of fresh real ones (fresh); all values so far (accumulate); or a random part of all so
    far, to which every generation adds ``rate`` times as many (accumulate-subsample). None stands for .1 and 1.
    ``divisor`` of the variance: ``ml``, ``unbiased``, or ``known`` where only the mean is estimated.
    """

    regime: str = "replace"
    samples: int = 100
    generations: int = 100
    trajectories: int = 2000
    real_share: float | None = None
    rate: float | None = None
    divisor: str = "ml"
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_known(self, {"regime": REGIMES, "divisor": DIVISORS})
        if self.real_share is not None and self.regime != "fresh":
            raise UsageError(f"--real-share needs --regime fresh, not {self.regime}")
        if self.rate is not None and self.regime != "accumulate-subsample":
            raise UsageError(f"--rate needs --regime accumulate-subsample, not {self.regime}")
        kept = max(self.added, self.samples) if self.regime == "accumulate-subsample" else 1
        check_size(self.generations * kept, self.trajectories)
        fall = forms.log_variance_replaced(self.samples, self.lost, 1)
        if self.regime == "replace" and self.divisor != "known" and self.generations * fall < _DEEPEST:
            most = int(_DEEPEST / fall)
            raise UsageError(f"--generations must be at most {most} with --samples {self.samples}: variances vanish")

    @property
    def lost(self) -> int:
        """d of the divisor n - d."""
        return 1 if self.divisor == "unbiased" else 0

    @property
    def fresh(self) -> int:
        """Fresh real values in a generation."""
        share = 0.1 if self.real_share is None else self.real_share
        return round(share * self.samples) if self.regime == "fresh" else 0

    @property
    def added(self) -> int:
        """Values that a generation adds to what is kept."""
        return self.samples if self.rate is None else max(1, round(self.rate * self.samples))


@dataclass(frozen=True, slots=True)
class Values:
    """Values as their sufficient statistics: how many, their mean, and squares about it; one of each a trajectory."""

    count: int
    mean: Floats
    squares: Floats

    def joined(self, other: Values) -> Values:
        """Both together."""
        count = self.count + other.count
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.count / count)
        squares = self.squares + other.squares + apart**2 * (self.count * other.count / count)
        return Values(count, mean, squares)


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
        log_y=() if options.regime != "replace" or options.divisor == "known" else tuple(s.name for s in series[2:4]),
    )


def fitted(options: GaussianOptions) -> tuple[Floats, Floats]:
    """Fitted means and variances, each (generations + 1, trajectories); generation 0 is the truth."""
    rng = np.random.default_rng(options.seed)
    one = np.ones(options.trajectories)
    course = [(0 * one, one)]
    steps = _subsampled(options, rng) if options.regime == "accumulate-subsample" else _pooled(options, rng)
    for _, values in zip(range(options.generations), steps):
        course.append((values.mean, _variance(values, options)))
    means, variances = (np.stack(part) for part in zip(*course))
    return means, variances


def expected_moments(options: GaussianOptions) -> tuple[Floats, Floats]:
    """E s_t^2 and E mu_t^2 for t = 0..generations: an exact linear recursion for every regime (derived here)."""
    course = [(1.0, 0.0)]
    recursion = _recursion_kept if options.regime.startswith("accumulate") else _recursion_last
    for _, moments in zip(range(options.generations), recursion(options)):
        course.append(moments)
    variances, squares = (np.array(part) for part in zip(*course))
    return variances, squares


def _pooled(options: GaussianOptions, rng: np.random.Generator) -> Iterator[Values]:
    """What the generations are fitted to, where means and squares are enough to know."""
    one = np.ones(options.trajectories)
    values = _drawn(rng, options.samples, 0 * one, one)
    while True:
        yield values
        variance = _variance(values, options)
        new = _drawn(rng, options.samples - options.fresh, values.mean, variance)
        if options.fresh:
            new = new.joined(_drawn(rng, options.fresh, 0 * one, one))
        values = values.joined(new) if options.regime == "accumulate" else new


def _drawn(rng: np.random.Generator, count: int, mean: Floats, variance: Floats) -> Values:
    """The statistics of ``count`` normal values."""
    if count == 0:
        return Values(0, mean, 0 * mean)
    centre = mean + np.sqrt(variance / count) * rng.standard_normal(len(mean))
    squares = variance * rng.chisquare(count - 1, len(mean)) if count > 1 else 0 * mean
    return Values(count, centre, squares)


def _subsampled(options: GaussianOptions, rng: np.random.Generator) -> Iterator[Values]:
    """The same for random parts of all values so far, which are kept (trajectories, values)."""
    n, new, rows = options.samples, options.added, np.arange(options.trajectories)
    kept = np.empty((options.trajectories, n + options.generations * new))
    kept[:, :n] = rng.standard_normal((options.trajectories, n))
    size = n
    while True:
        # The first n steps of a shuffle of every row: a part without replacement, and the order of a row is free.
        for i in range(n if size > n else 0):
            other = rng.integers(i, size, len(rows))
            kept[rows, other], kept[:, i] = kept[:, i].copy(), kept[rows, other]
        part = kept[:, :n]
        mean = part.mean(axis=1)
        values = Values(n, mean, ((part - mean[:, None]) ** 2).sum(axis=1))
        yield values
        width = np.sqrt(_variance(values, options))[:, None]
        kept[:, size : size + new] = mean[:, None] + width * rng.standard_normal((len(rows), new))
        size += new


def _variance(values: Values, options: GaussianOptions) -> Floats:
    if options.divisor == "known":
        return np.ones_like(values.mean)
    return values.squares / (values.count - options.lost)


def _recursion_last(options: GaussianOptions) -> Iterator[tuple[float, float]]:
    """Replacement, with a share r of fresh real values that may be 0.

    With a = 1 - r, the fit (V, M) and W = a V + r: E squares = (n - 1) W + n a r M, E mu^2 = a^2 M + W / n.
    """
    n, r = options.samples, options.fresh / options.samples
    variance, square = 1.0, 0.0
    first = True
    while True:
        share = 1.0 if first else r
        a, first = 1 - share, False
        within = a * variance + share
        squares = (n - 1) * within + n * a * share * square
        variance = 1.0 if options.divisor == "known" else squares / (n - options.lost)
        square = a * a * square + within / n
        yield variance, square


def _recursion_kept(options: GaussianOptions) -> Iterator[tuple[float, float]]:
    """Fits to all N values so far, or to n of them at random; A and P are E of their mean square and squared mean."""
    n, new, size = options.samples, options.added, options.samples
    average, pooled = 1.0, 1 / n
    while True:
        part = n if options.regime == "accumulate-subsample" else size
        spread = (average - pooled) * size / (size - 1)
        square = pooled + spread * (1 / part - 1 / size)
        variance = 1.0 if options.divisor == "known" else spread * (part - 1) / (part - options.lost)
        yield variance, square
        added = square + variance / new
        average = (size * average + new * (square + variance)) / (size + new)
        pooled = (size * size * pooled + 2 * size * new * pooled + new * new * added) / (size + new) ** 2
        size += new


def _series(options: GaussianOptions, means: Floats, variances: Floats) -> tuple[Series, ...]:
    variance, square = expected_moments(options)
    spreads = _known_spreads(options)
    errors = {name: spread / math.sqrt(options.trajectories) for name, spread in spreads.items()}
    skewed = bool(spreads) and _skewed(spreads["variance"][-1], variance[-1], options.trajectories)
    series = [
        averaged("variance, mean", variances, Form(variance, DERIVED, approximate=skewed), errors.get("variance")),
        averaged("squared mean of the fit", means**2, Form(square, DERIVED, approximate=skewed), errors.get("square")),
    ]
    if options.divisor == "known":
        return tuple(series)
    widths = np.sqrt(variances)
    distances = means**2 + (widths - 1) ** 2
    replaced = _replaced(options, skewed) if options.regime == "replace" else {}
    series += [
        averaged("standard deviation, mean", widths, replaced.get("deviation"), errors.get("width")),
        middle("standard deviation, median", widths, replaced.get("median")),
        averaged("log variance, mean", np.log(variances), replaced.get("log")),
        averaged("W2 distance, squared", distances, replaced.get("distance"), errors.get("distance")),
        averaged(f"share with deviation > {LEVELS[0]:g}", widths > LEVELS[0], replaced.get("survival")),
    ]
    return tuple(series)


def _known_spreads(options: GaussianOptions) -> dict[str, Floats]:
    """Exact standard deviations under replacement; those of W_2 are an upper limit, a sum of deviations."""
    if options.regime != "replace" or options.divisor == "known":
        return {}
    n, d, steps = options.samples, options.lost, range(options.generations + 1)
    variance = np.array([forms.variance_spread(n, d, t) for t in steps])
    square = np.array([forms.mean_square_spread(n, d, t) for t in steps])
    width = np.array(
        [math.sqrt(max(forms.variance_replaced(n, d, t) - forms.deviation_replaced(n, d, t) ** 2, 0)) for t in steps]
    )
    return {"variance": variance, "square": square, "width": width, "distance": variance + square + 2 * width}


def _skewed(spread: float, mean: float, trajectories: int) -> bool:
    """Whether the mean of so many log-normal values is itself too skewed for standard errors to test anything."""
    variation = spread / mean
    return bool((variation**2 + 3) * variation > math.sqrt(trajectories))


def _replaced(options: GaussianOptions, skewed: bool) -> dict[str, Form]:
    """The forms that hold under replacement only; ``skewed``: whether the mean variance is."""
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
    if options.regime == "replace" and options.divisor != "known":
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
    if options.regime == "replace" and options.divisor != "known":
        notes.append(
            "The mean variance is carried by ever fewer trajectories: the median shows what a typical one does. "
            "Standard errors of means are exact, not those of the sample, which would miss the few; where the mean is "
            "too skewed for them to test anything, its closed form is marked ~ though it is exact."
        )
    if options.regime == "accumulate-subsample":
        notes.append(f"Every generation adds {options.added} values and is fitted to {options.samples} of all so far.")
    return tuple(notes)
