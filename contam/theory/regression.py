"""Linear regression on labels of its own making, without a ridge; inputs are standard normal, labels have noise.

Generation 1 is fitted to real labels; generation t + 1 to labels that generation t predicts, with new noise. The error
is the squared distance of the weights from the true ones, which is the excess test error for such inputs. Measured as
a multiple of the base, the expected error of generation 1, it has exact forms for every design and regime.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass

import numpy as np

from contam.errors import UsageError
from contam.theory.estimates import Floats, Form, averaged
from contam.theory.ranges import check_known, check_ranges, check_size
from contam.theory.record import DERIVED, Comparison, Simulation

REGIMES = ("replace", "accumulate")
DESIGNS = ("fixed", "fresh")
GERSTGRASSER = "as reported of Gerstgrasser et al. 2024 (arXiv 2404.01413)"
_RANGES: dict[str, tuple[float, float]] = {
    "samples": (3, 10**6), "dimension": (1, 1000), "generations": (1, 10**4), "trajectories": (2, 10**5),
    "noise": (1e-9, 1e9), "seed": (0, 2**63),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegressionOptions:
    """``samples`` labelled inputs of ``dimension`` a generation, drawn once (``design`` fixed) or anew (fresh); every
    generation is fitted to the last labels (replace) or to all (accumulate). ``noise``: its standard deviation."""

    regime: str = "accumulate"
    design: str = "fixed"
    samples: int = 100
    dimension: int = 10
    generations: int = 50
    trajectories: int = 2000
    noise: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, _RANGES)
        check_known(self, {"regime": REGIMES, "design": DESIGNS})
        if self.samples < self.dimension + 4:
            raise UsageError(
                f"--samples must be at least --dimension + 4, here {self.dimension + 4}: with fewer the error of a "
                "fit has no finite variance"
            )
        check_size(self, "samples", "dimension", "trajectories")
        check_size(self, "generations", "trajectories")


def simulate_regression(options: RegressionOptions | None = None) -> Simulation:
    """Simulate by refitting to the labels that were really made, beside the exact form and the bound."""
    options = options or RegressionOptions()
    start = time.perf_counter()
    errors, base = refitted(options)
    ratio = errors / base
    told = f"{options.regime}, {options.design} inputs, d = {options.dimension}, {options.samples} a generation"
    source = GERSTGRASSER if options.regime == "replace" or options.design == "fixed" else ""
    return Simulation(
        "regression",
        f"regression on its own labels ({told})",
        asdict(options),
        (averaged("error / base", ratio, Form(multiples(options), DERIVED, source)),),
        (_bound(ratio),) if options.regime == "accumulate" else (),
        _notes(options, base),
        round(time.perf_counter() - start, 3),
    )


def refitted(options: RegressionOptions) -> tuple[Floats, Floats]:
    """Squared errors (generations + 1, trajectories) of fits to the labels made, and the base of every trajectory.

    The base is noise^2 tr((X'X)^-1) for fixed inputs, its expectation noise^2 d / (T - d - 1) for fresh ones.
    """
    rng = np.random.default_rng(options.seed)
    count, size, d = options.trajectories, options.samples, options.dimension
    inputs: Floats = rng.standard_normal((count, size, d))
    # The true weights are 0: the error of least squares does not depend on them.
    weights: Floats = np.zeros((count, d, 1))
    gram, moment = np.zeros((count, d, d)), np.zeros((count, d, 1))
    base = np.full(count, base_error(options))
    if options.design == "fixed":
        base = options.noise**2 * np.trace(np.linalg.inv(_gram(inputs)), axis1=1, axis2=2)
    errors = [np.zeros(count)]
    for step in range(options.generations):
        if step and options.design == "fresh":
            inputs = rng.standard_normal((count, size, d))
        labels = inputs @ weights + options.noise * rng.standard_normal((count, size, 1))
        kept = float(options.regime == "accumulate")
        gram, moment = kept * gram + _gram(inputs), kept * moment + inputs.transpose(0, 2, 1) @ labels
        weights = np.asarray(np.linalg.solve(gram, moment), dtype=np.float64)
        errors.append((weights[:, :, 0] ** 2).sum(axis=1))
    return np.stack(errors), base


def recursed(options: RegressionOptions) -> Floats:
    """The same errors (generations + 1, trajectories) by w_t = w_(t-1) + c_t eta_t, for fixed inputs only.

    eta_t is the error of an ordinary fit to real labels, with the noise that `refitted` would draw; c_t is 1 under
    replacement, 1 / t where all labels are kept: the fit to t stacked copies of the inputs is a mean of t fits.
    """
    rng = np.random.default_rng(options.seed)
    count, size, d = options.trajectories, options.samples, options.dimension
    inputs = rng.standard_normal((count, size, d))
    solver = np.linalg.inv(_gram(inputs)) @ inputs.transpose(0, 2, 1)
    weights, errors = np.zeros((count, d)), [np.zeros(count)]
    for step in range(1, options.generations + 1):
        fitted = solver @ (options.noise * rng.standard_normal((count, size, 1)))
        weights = weights + fitted[:, :, 0] / (step if options.regime == "accumulate" else 1)
        errors.append((weights**2).sum(axis=1))
    return np.stack(errors)


def base_error(options: RegressionOptions) -> float:
    """The expected error of a fit to real labels: noise^2 d / (T - d - 1)."""
    return options.noise**2 * options.dimension / (options.samples - options.dimension - 1)


def multiples(options: RegressionOptions) -> Floats:
    """E error / base for t = 0..generations, exact (derived here).

    Replacement: t. Kept labels: the sum of 1 / i^2 for fixed inputs; for fresh ones, with G_i the summed X'X,
    w_i = w_(i-1) + G_i^-1 X_i' e_i, so the sum of noise^2 E tr(G_i^-1) / i = noise^2 d / (i (i T - d - 1)).
    """
    i = np.arange(1, options.generations + 1, dtype=np.float64)
    if options.regime == "replace":
        terms = np.ones_like(i)
    elif options.design == "fixed":
        terms = 1 / i**2
    else:
        lost = options.dimension + 1
        terms = (options.samples - lost) / (i * (i * options.samples - lost))
    return np.concatenate(([0.0], np.cumsum(terms)))


def _gram(inputs: Floats) -> Floats:
    found: Floats = inputs.transpose(0, 2, 1) @ inputs
    return found


def _bound(ratio: Floats) -> Comparison:
    """The last generation of kept labels against the bound that no generation passes."""
    last = ratio[-1]
    error = float(last.std(ddof=1) / math.sqrt(len(last)))
    name = f"error / base @{len(ratio) - 1}"
    return Comparison(name, float(last.mean()), error, math.pi**2 / 6, DERIVED, GERSTGRASSER, bound="upper")


def _notes(options: RegressionOptions, base: Floats) -> tuple[str, ...]:
    notes = [
        f"base: {base.mean():.4g}, the squared error of the weights of a fit to real labels "
        f"(noise^2 d / (T - d - 1) = {base_error(options):.4g} for normal inputs)."
    ]
    if options.regime == "accumulate":
        notes.append("Keeping all labels bounds the error at pi^2 / 6 times the base; replacing them lets it grow.")
    return tuple(notes)
