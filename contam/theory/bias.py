"""The world of models that err the same way every time: simulated, with sampling noise or without, beside its forms."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam.errors import UsageError
from contam.theory import bias_forms as forms
from contam.theory.bias_spreads import linear_spread
from contam.theory.estimates import too_skewed
from contam.theory.ranges import check_known, check_ranges
from contam.theory.record import DERIVED, Comparison, Series, Simulation
from contam.theory.token_worlds import CELLS, FRESH, REPLACE, SUBSAMPLE, check_probabilities, zipf
from contam.theory.tokens import entropy_bits, total_variation

Array = NDArray[np.float64]

BIAS_REGIMES = (REPLACE, FRESH, SUBSAMPLE)
WEIGHT, LIKELIEST, DISTANCE = "weight of the truth", "probability of the likeliest type", "total variation"
ENTROPY, TYPES = "entropy (bits)", "surviving types"


@dataclass(frozen=True, slots=True)
class BiasOptions:
    """Models with a lasting error.

    Every model gives ``alpha`` of its mass to all types alike (None: 0.05, or 0 where decoding is biased) and writes
    at ``temperature`` from the ``top_p`` nucleus. ``regime``: ``replace``; ``fresh``, with ``real_share`` of real text
    in every generation; ``accumulate-subsample``, each model adding ``rate`` times the first corpus. ``samples``:
    tokens that a model is trained on, 0 for no sampling noise. The truth is Zipf-Mandelbrot over ``types``, or
    ``probabilities``. UsageError for what cannot be.
    """

    regime: str = REPLACE
    types: int = 100
    samples: int = 1000
    generations: int = 50
    trajectories: int = 200
    real_share: float | None = None
    rate: float | None = None
    alpha: float | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    exponent: float = 1.0
    shift: float = 2.7
    probabilities: tuple[float, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_known(self, {"regime": BIAS_REGIMES})
        check_ranges(self, _RANGES)
        if self.real_share is not None and self.regime != FRESH:
            raise UsageError(f"--real-share needs --regime {FRESH}, not {self.regime}")
        if self.rate is not None and self.regime != SUBSAMPLE:
            raise UsageError(f"--rate needs --regime {SUBSAMPLE}, not {self.regime}")
        check_probabilities(self.probabilities)
        if len(self.truth) * max(self.rows, self.generations) > CELLS:
            raise UsageError(f"more than {CELLS} frequencies: use fewer --trajectories, --generations or --types")

    @property
    def truth(self) -> Array:
        """The true frequencies, in the order of the ranks."""
        given = np.array(self.probabilities, np.float64)
        return given / given.sum() if len(given) else zipf(self.types, self.exponent, self.shift)

    @property
    def decodes(self) -> bool:
        """Whether text is written with a bias of its own."""
        return self.temperature != 1 or self.top_p < 1

    @property
    def error(self) -> float:
        """The alpha in force."""
        return self.alpha if self.alpha is not None else 0.0 if self.decodes else 0.05

    @property
    def share(self) -> float:
        """The real share in force."""
        return 0.0 if self.regime != FRESH else 0.1 if self.real_share is None else self.real_share

    @property
    def pace(self) -> float:
        """The rate in force."""
        return 1.0 if self.rate is None else self.rate

    @property
    def rows(self) -> int:
        """Trajectories that differ."""
        return self.trajectories if self.samples else 1

    def settings(self) -> dict[str, Any]:
        """Every setting as JSON can hold it."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return told | {"alpha": self.error, "probabilities": list(self.probabilities)}


_RANGES: dict[str, tuple[float, float]] = {
    "types": (2, 10**6), "samples": (0, 10**8), "generations": (1, 10**5), "trajectories": (2, 10**6),
    "real_share": (0, 1), "rate": (1e-6, 1e3), "alpha": (0, 1), "temperature": (0.01, 100), "top_p": (0.001, 1),
    "exponent": (0, 20), "shift": (0, 1e6), "seed": (0, 2**31),
}  # fmt: skip


def decoded(p: Array, options: BiasOptions) -> Array:
    """How a model with these probabilities writes."""
    if options.temperature != 1:
        p = forms.temper(p, options.temperature)
    return forms.nucleus(p, options.top_p) if options.top_p < 1 else p


def models(options: BiasOptions, rng: np.random.Generator | None) -> Iterator[Array]:
    """What model 1, 2, ... writes, a row a trajectory; without ``rng`` one row and no sampling noise."""
    truth, share, alpha = options.truth, options.share, options.error
    rows = options.rows if rng is not None and options.samples else 1
    trained_on = np.tile(truth, (rows, 1))
    for n in range(1, options.generations + 1):
        learned = trained_on
        if rng is not None and options.samples:
            learned = rng.multinomial(options.samples, trained_on) / options.samples
        written = decoded((1 - alpha) * learned + alpha / len(truth), options)
        yield written
        if options.regime == SUBSAMPLE:
            step = options.pace / (1 + options.pace * n)
            trained_on = (1 - step) * trained_on + step * written
        else:
            trained_on = share * truth + (1 - share) * written
        # Rounding may leave a sum a hair above 1, which numpy's multinomial refuses.
        trained_on = trained_on / trained_on.sum(axis=1, keepdims=True)


def closed_form(options: BiasOptions) -> Array | None:
    """The distribution of generations 0, 1, ... without noise, from its closed form; None where there is none."""
    truth, times = options.truth, np.arange(1, options.generations + 1)
    if not options.decodes:
        weights = np.append(1.0, truth_weight(options, times))[:, None]
        return weights * truth + (1 - weights) / len(truth)
    if options.top_p == 1 and options.regime == REPLACE and options.error == 0:
        return np.stack([forms.tempered(truth, options.temperature, t) for t in range(options.generations + 1)])
    return None


def truth_weight(options: BiasOptions, n: ArrayLike) -> Array:
    """Weight of the truth in each model n >= 1, where only ``alpha`` errs."""
    alpha, n = options.error, np.asarray(n, np.int64)
    if options.regime == REPLACE:
        return forms.replace_weight(alpha, n)
    if options.regime == FRESH:
        return (1 - alpha) * forms.fresh_weight(alpha, options.share, n - 1)
    return (1 - alpha) * forms.growing_weight(alpha, options.pace, n - 1)


def simulate_bias(options: BiasOptions) -> Simulation:
    """Simulate ``options`` and hand back every series with its closed form, or with the same world without noise.

    Generation 0 is the truth, generation t what the t-th model writes.
    """
    began, rng = time.perf_counter(), np.random.default_rng(options.seed)
    known = closed_form(options)
    plain = known
    if known is None and options.samples:
        plain = np.concatenate([options.truth[None], *models(options, None)])
    found: dict[str, list[Array]] = {}
    for model in (options.truth[None], *models(options, rng)):
        for name, values in _measured(model, options).items():
            found.setdefault(name, []).append(values)
    wanted = {} if plain is None else _measured(plain, options)
    series = tuple(_series(name, v, wanted.get(name), known is not None, options) for name, v in found.items())
    return Simulation(
        what="bias", title=_title(options), settings=options.settings(), series=series,
        comparisons=_long_run(options, series), notes=_notes(options), seconds=time.perf_counter() - began,
    )  # fmt: skip


def _measured(model: Array, options: BiasOptions) -> dict[str, Array]:
    truth = options.truth
    found = {
        LIKELIEST: model[:, int(truth.argmax())],
        DISTANCE: total_variation(model, truth),
        ENTROPY: entropy_bits(model),
    }
    if options.decodes:
        return found | {TYPES: (model > 0).sum(axis=1) / np.count_nonzero(truth)}
    apart = truth - 1 / len(truth)
    # Projected on the line from the error to the truth; linear in the model, so noise does not shift its mean.
    return {WEIGHT: (model - 1 / len(truth)) @ apart / (apart @ apart), **found} if apart.any() else found


def _series(name: str, values: list[Array], wanted: Array | None, closed: bool, options: BiasOptions) -> Series:
    x = tuple(float(t) for t in range(len(values)))
    mean, errors = tuple(float(v.mean()) for v in values), tuple(_error(v) for v in values)
    if wanted is None:
        return Series(name, x, mean, errors)
    exact = closed and (not options.samples or (name in (WEIGHT, LIKELIEST) and not options.decodes))
    if exact and options.samples:
        errors = _exact_errors(name, options)
        exact = not too_skewed(values[-1])
    source = "the same without sampling noise"
    if closed:
        source = "powers of the truth" if options.decodes else forms.RECONSTRUCTED
    return Series(name, x, mean, errors, tuple(wanted.tolist()), DERIVED, source, approximate=not exact)


def _exact_errors(name: str, options: BiasOptions) -> tuple[float, ...]:
    """Standard errors of what is linear in the model: those of a few trajectories miss the rare ones that fixate."""
    truth = options.truth
    apart = truth - 1 / len(truth)
    measure = apart / (apart @ apart) if name == WEIGHT else np.eye(1, len(truth), int(truth.argmax()))[0]
    errors = linear_spread(options, measure) / math.sqrt(options.trajectories)
    return tuple(errors.tolist())


def _error(values: Array) -> float:
    return float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def half_life(options: BiasOptions) -> float:
    """Generations until half of the truth's weight is gone; inf where it never is."""
    alpha = options.error
    if options.regime == SUBSAMPLE:
        return forms.growing_half_life(alpha, options.pace)
    if options.regime == REPLACE:
        return forms.replace_half_life(alpha)
    if (1 - alpha) * forms.fresh_weight_limit(alpha, options.share) >= 0.5:
        return math.inf
    return next((float(n) for n in range(1, 100_000) if truth_weight(options, n) <= 0.5), math.inf)


def _long_run(options: BiasOptions, series: tuple[Series, ...]) -> tuple[Comparison, ...]:
    by_name = {s.name: s for s in series}
    if not options.decodes:
        weight = by_name.get(WEIGHT)
        reached = next((n for n, w in enumerate(weight.mean) if w <= 0.5), None) if weight else None
        if reached is None:
            return ()
        name = "generations until half of the truth's weight is gone"
        return (Comparison(name, float(reached), 0.0, half_life(options), DERIVED, approximate=True),)
    if options.regime != FRESH or options.error:
        return ()
    trained_on = forms.fixed_point(options.truth, options.share, lambda x: decoded(x, options))
    expected = float(decoded(trained_on, options)[int(options.truth.argmax())])
    last = by_name[LIKELIEST]
    name = "probability of the likeliest type, against its fixed point"
    return (Comparison(name, last.mean[-1], last.error[-1], expected, DERIVED, approximate=True),)


def _title(options: BiasOptions) -> str:
    told = [f"an error of {options.error:g} a generation"] if options.error else []
    told += [f"temperature {options.temperature:g}"] if options.temperature != 1 else []
    told += [f"top-p {options.top_p:g}"] if options.top_p < 1 else []
    return f"Models that err the same way every time: {', '.join(told) or 'no error'} ({options.regime})"


def _notes(options: BiasOptions) -> tuple[str, ...]:
    told = []
    if not options.decodes:
        told.append(
            "The error goes to all types alike. The equations are reconstructed from the wording of Wang et al. "
            "(arXiv 2412.14872); theirs were not at hand."
        )
        gone = half_life(options)
        told.append(
            f"Half of the truth's weight is gone after about {gone:.3g} generations."
            if gone < math.inf
            else "The truth's weight never falls to a half."
        )
        if options.regime == FRESH:
            limit = (1 - options.error) * forms.fresh_weight_limit(options.error, options.share)
            told.append(f"Fresh real text holds the truth's weight at {limit:.3g} in the long run.")
    if options.regime == SUBSAMPLE:
        told.append("That a corpus which keeps all text is lost in the end says nothing about when: see the half-life.")
    return tuple(told)
