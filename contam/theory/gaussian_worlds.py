"""Gaussians that are fitted again and again to samples of their own fits: how they are simulated, and their moments.

Only sample means and sums of squares matter, so they are drawn themselves (normal and chi-square): exact, and as fast
for a million values as for ten. Where a training set is a part of everything so far, the values are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from contam.errors import UsageError
from contam.theory import gaussian_forms as forms
from contam.theory.estimates import Floats
from contam.theory.ranges import check_count, check_known, check_ranges, check_size

REGIMES = ("replace", "fresh", "accumulate", "accumulate-subsample")
DIVISORS = ("ml", "unbiased", "known")
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
        if self.regime == "fresh" and self.share and not self.fresh:
            raise UsageError(
                f"--real-share {self.share:g} of --samples {self.samples} is no whole real value: take --real-share "
                f"{1 / self.samples:.2g} or more, or more --samples (0 is none at all, as --regime replace)"
            )
        check_size(self, "generations", "trajectories")
        if self.regime == "accumulate-subsample":
            kept = self.samples + self.generations * self.added
            check_count("(--samples + --generations times --rate times --samples) times --trajectories",
                        kept * self.trajectories)
        fall = forms.log_variance_replaced(self.samples, self.lost, 1)
        if self.replaces and self.divisor != "known" and self.generations * fall < _DEEPEST:
            most = int(_DEEPEST / fall)
            raise UsageError(f"--generations must be at most {most} with --samples {self.samples}: variances vanish")

    @property
    def lost(self) -> int:
        """d of the divisor n - d."""
        return 1 if self.divisor == "unbiased" else 0

    @property
    def share(self) -> float:
        """The real share in force."""
        return 0.0 if self.regime != "fresh" else 0.1 if self.real_share is None else self.real_share

    @property
    def fresh(self) -> int:
        """Fresh real values in a generation."""
        return round(self.share * self.samples)

    @property
    def replaces(self) -> bool:
        """Whether nothing but the last generation is seen: replacement, or a real share of 0."""
        return self.regime == "replace" or (self.regime == "fresh" and not self.fresh)

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
