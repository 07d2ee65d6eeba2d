"""A mixture of Gaussians in the plane, fitted by expectation maximisation to samples of the last fit.

The set-up of Shumailov et al. 2024 made smaller: scikit-learn's GaussianMixture with two full components, tolerance
1e-5 and at most 2000 steps, started anew by k-means in every generation.
"""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import asdict, dataclass

import numpy as np

from contam.errors import InputError, UsageError
from contam.theory.estimates import Floats, Form, averaged, middle
from contam.theory.gaussian_forms import SURESH
from contam.theory.ranges import check_ranges, check_size
from contam.theory.record import DERIVED, PAPER, Series, Simulation
from contam_metrics.special import digamma

DISTANCE, LEVEL, HELD_OUT = 4.0, 1.0, 2000
"""Between the means of neighbouring true components (their deviation is 1); the deviation that is watched; the real
points under which a fit is judged."""
NARROWEST = 1e-6
"""A trajectory with a narrower component has ended: the points of a generation can hardly be told apart."""
PUBLISHED = (
    "Shumailov et al. 2024 (arXiv 2305.17493), 1,000 points a generation: the components' deviations fell from .902 "
    "and .888 to .0100 and .0112, and the L2 distance from the first fit reached 536 after some 2,050 generations. "
    "Other points than here; time runs with generations / points."
)
_RANGES: dict[str, tuple[float, float]] = {
    "samples": (20, 10**6), "generations": (1, 10**5), "trajectories": (1, 1000), "components": (1, 20),
    "seed": (0, 2**31),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MixtureOptions:
    """``samples`` points a generation of a mixture of ``components`` in a row; ``trajectories`` repetitions."""

    samples: int = 100
    generations: int = 250
    trajectories: int = 5
    components: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        if self.samples <= 2 * self.components:
            raise UsageError(
                f"--samples must be more than 2 for each of {self.components} --components, here at least "
                f"{2 * self.components + 1}: fewer have no covariance"
            )
        check_size(self, "generations", "trajectories", "components")


@dataclass(frozen=True, slots=True)
class Mixture:
    """Weights (k), means (k, 2) and covariances (k, 2, 2)."""

    weights: Floats
    means: Floats
    covariances: Floats

    @property
    def deviations(self) -> Floats:
        """One for each component: the square root of the geometric mean of its two variances, det^(1/4)."""
        found: Floats = np.maximum(np.linalg.det(self.covariances), 0.0) ** 0.25
        return found

    def overlap(self, other: Mixture) -> float:
        """The integral of the product of two densities, by the product of Gaussians."""
        apart = self.means[:, None] - other.means[None]
        spread = self.covariances[:, None] + other.covariances[None]
        inside = np.linalg.solve(spread, apart[..., None])[..., 0]
        exponents = np.exp(-0.5 * (apart * inside).sum(axis=-1))
        densities = exponents / (2 * math.pi * np.sqrt(np.linalg.det(spread)))
        return float(self.weights @ densities @ other.weights)

    def distance(self, other: Mixture) -> float:
        """The L2 distance between two densities: the square root of the integral of their squared difference."""
        square = self.overlap(self) - 2 * self.overlap(other) + other.overlap(other)
        return math.sqrt(max(square, 0.0))

    def sampled(self, rng: np.random.Generator, count: int) -> Floats:
        """So many points (count, 2)."""
        kinds = rng.choice(len(self.weights), count, p=self.weights)
        roots = np.linalg.cholesky(self.covariances)
        points: Floats = self.means[kinds] + (roots[kinds] @ rng.standard_normal((count, 2, 1)))[..., 0]
        return points


def truth(components: int) -> Mixture:
    """Equal round components of deviation 1 in a row."""
    places = DISTANCE * (np.arange(components) - (components - 1) / 2)
    means = np.stack([places, np.zeros(components)], axis=1)
    return Mixture(np.full(components, 1 / components), means, np.tile(np.eye(2), (components, 1, 1)))


def simulate_mixture(options: MixtureOptions | None = None) -> Simulation:
    """Simulate: widths of the components, distance from the truth, loss of real points, with Suresh's bound.

    Raises InputError where scikit-learn is not installed.
    """
    options = options or MixtureOptions()
    start = time.perf_counter()
    widths, distances, losses = _followed(options)
    series = _series(options, widths, distances, losses)
    return Simulation(
        "mixture",
        f"a mixture of {options.components} Gaussians trained on its own samples ({options.samples} a generation)",
        asdict(options),
        series,
        (),
        _notes(widths),
        round(time.perf_counter() - start, 3),
        log_y=(series[0].name, series[2].name, series[3].name),
    )


def _notes(widths: Floats) -> tuple[str, ...]:
    ended = int((widths[-1].min(axis=1) <= NARROWEST).sum())
    told = (f"{ended} trajectories ended early, with a component narrower than {NARROWEST:g}.",) if ended else ()
    return (f"Real components have deviation 1 and lie {DISTANCE:g} apart.", *told, PUBLISHED)


def fit(points: Floats, components: int, seed: int) -> Mixture:
    """A mixture fitted to points (n, 2)."""
    from sklearn.mixture import GaussianMixture

    # Widths far below the ridge that scikit-learn adds to covariances must still shrink.
    ridge = 1e-6 * min(1.0, float(points.var(axis=0).min()) + 1e-300)
    model = GaussianMixture(components, tol=1e-5, max_iter=2000, reg_covar=ridge, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(points)
    return Mixture(model.weights_ / model.weights_.sum(), model.means_, model.covariances_)


def _followed(options: MixtureOptions) -> tuple[Floats, Floats, Floats]:
    """Widths (generations + 1, trajectories, components), L2 distances and losses of real points (the same without)."""
    try:
        import sklearn.mixture  # noqa: F401
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError("contam simulate mixture needs scikit-learn: pip install scikit-learn") from error
    # With so few points, threads wait for each other far longer than they work. Only libraries that are loaded
    # already are limited.
    with threadpool_limits(1):
        runs = [_trajectory(options, number) for number in range(options.trajectories)]
    widths, distances, losses = (np.stack(part, axis=1) for part in zip(*runs))
    return widths, distances, losses


def _trajectory(options: MixtureOptions, number: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng((options.seed, number))
    real = truth(options.components)
    held_out, points = real.sampled(rng, HELD_OUT), real.sampled(rng, options.samples)
    widths, distances, losses = [real.deviations], [0.0], [_loss(real, held_out)]
    found = real
    for _ in range(options.generations):
        if found.deviations.min() > NARROWEST:
            found = fit(points, options.components, int(rng.integers(2**31)))
        widths.append(found.deviations)
        distances.append(real.distance(found))
        losses.append(_loss(found, held_out))
        points = found.sampled(rng, options.samples)
    return np.array(widths), np.array(distances), np.array(losses)


def _loss(mixture: Mixture, points: Floats) -> float:
    """Mean negative log density of points, in nats."""
    apart = points[:, None] - mixture.means
    inverse = np.linalg.inv(mixture.covariances)
    squares = np.einsum("nki,kij,nkj->nk", apart, inverse, apart)
    logs = np.log(mixture.weights) - 0.5 * (squares + np.log(np.linalg.det(mixture.covariances)))
    top = logs.max(axis=1)
    return math.log(2 * math.pi) - float(np.mean(top + np.log(np.exp(logs - top[:, None]).sum(axis=1))))


def width_by_drift(samples: int, components: int, generations: int) -> Floats:
    """The typical deviation of components that do not overlap, each fitted to its share of the points (derived here).

    A fitted covariance of m points is Wishart, so ln det falls by 2 ln(m / 2) - psi((m - 1) / 2) - psi((m - 2) / 2) a
    generation; about 5 / m.
    """
    m = samples / components
    fall = 2 * math.log(m / 2) - float(digamma((m - 1) / 2)) - float(digamma((m - 2) / 2))
    widths: Floats = np.exp(-0.25 * fall * np.arange(generations + 1))
    return widths


def _series(options: MixtureOptions, widths: Floats, distances: Floats, losses: Floats) -> tuple[Series, ...]:
    steps = np.arange(options.generations + 1)
    bound = np.exp(-steps / (4 * options.samples)) / LEVEL
    bound[bound >= 1] = math.nan
    return (
        middle(
            "deviation, median",
            widths.reshape(len(widths), -1),
            Form(width_by_drift(options.samples, options.components, options.generations), DERIVED, approximate=True),
        ),
        averaged(
            f"share with deviation > {LEVEL:g}",
            (widths > LEVEL).mean(axis=2),
            Form(bound, PAPER, SURESH, bound="upper"),
        ),
        averaged("L2 distance from the truth", distances),
        averaged("loss of real points (nats)", losses),
    )
