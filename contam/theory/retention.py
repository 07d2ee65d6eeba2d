"""What a recursion leaves of the words of its real text, by regime: exposures and heterozygosity.

A word that a real corpus of N tokens has c times is missing from generation g with chance (1 - e)^c, where the
*exposure* e is a function of the regime, the real share r and g alone: generation g has the words of a real corpus of e
N tokens. The copies of a word are taken to fare independently, and the tokens that descend from one as Poisson: good
where N is large, whatever the word. Derived here; `contam.theory.forecasting` has the exposure of fresh real text.

Generation 0 is trained on N real tokens. All figures are relative to it, so that they begin with 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam.errors import UsageError
from contam.theory.forecasting import exposure, exposure_limit, survival
from contam.theory.token_worlds import ACCUMULATE, FRESH, REDRAWN, REGIMES, REPLACE, REUSED, SUBSAMPLE

Array = NDArray[np.float64]

_FAR = 20_000
"""Generations after which a limit that is reached like 1/g is read off, from two points."""
_SLOW = 0.01
"""A rate below which the limit is that of an ever slower growth, which is reached ever later."""


@dataclass(frozen=True, slots=True)
class Regime:
    """What generations after the first are trained on: ``name`` of `REGIMES`, ``share`` of real text (fresh, reused,
    redrawn), ``rate``: what a generation adds to a pool, over N (accumulate-subsample; accumulate adds N)."""

    name: str
    share: float = 0.0
    rate: float = 1.0

    def __post_init__(self) -> None:
        if self.name not in REGIMES:
            raise UsageError(f"no regime {self.name!r}: known are {', '.join(REGIMES)}")
        if not 0 <= self.share <= 1:
            raise UsageError(f"the real share must be between 0 and 1, not {self.share:g}")
        if not self.rate > 0:
            raise UsageError(f"the rate must be above 0, not {self.rate:g}")

    @property
    def real(self) -> float:
        """The real share in force: none where all text is the last generation's."""
        return 0.0 if self.name == REPLACE else self.share


def exposures(regime: Regime, generations: int) -> Array:
    """e_0 ... e_g of a regime, float64[g + 1], from 1 downwards."""
    if regime.name == ACCUMULATE:
        return np.ones(generations + 1)
    if regime.name == SUBSAMPLE:
        return _subsampled(regime.rate, generations)
    u, r = survival(regime.real, generations), regime.real
    if regime.name == REUSED:
        return r + (1 - r) * u
    if regime.name == REDRAWN:
        return 1 - (1 - u) * np.concatenate(([1.0], np.cumprod(1 - r * u[:-1])))
    return exposure(r, generations)


def limit_exposure(regime: Regime) -> float:
    """The same after endless generations; 0 where nothing real comes back."""
    r = regime.real
    if regime.name == ACCUMULATE:
        return 1.0
    if regime.name == SUBSAMPLE:
        rate = max(regime.rate, _SLOW)
        half, whole = _subsampled_once(rate, _FAR // 2), _subsampled_once(rate, _FAR)
        return max(0.0, 2 * whole - half)
    if regime.name in (REUSED, REPLACE) or r in (0.0, 1.0):
        return r
    if regime.name == FRESH:
        return exposure_limit(r)
    u = survival(r, min(_FAR, math.ceil(50 / r)))
    return float(1 - np.prod(1 - r * u))


def inherited(regime: Regime, generations: int) -> Array:
    """The part of the exposure that comes from the N real tokens of generation 0: all of it, but for fresh text."""
    return survival(regime.real, generations) if regime.name == FRESH else exposures(regime, generations)


def _subsampled(rate: float, generations: int) -> Array:
    """Of a pool of N (1 + k t) tokens, N are read: a copy is read with chance s = 1/(1 + k t) and then has Poisson(k)
    more. Backwards from each generation, the chance that no descendant is read: y <- y (1 - s + s e^(-k (1 - y)))."""
    read = 1 / (1 + rate * np.arange(generations + 1))
    missing = 1 - read
    for t in range(generations - 1, -1, -1):
        later = missing[t + 1 :]
        missing[t + 1 :] = later * (1 + read[t] * np.expm1(-rate * (1 - later)))
    return 1 - missing


def _subsampled_once(rate: float, generation: int) -> float:
    present = 1 / (1 + rate * generation)
    for t in range(generation - 1, -1, -1):
        # 1 - y (1 - s(1 - e^(-k(1-y)))), without the cancellation where y is close to 1.
        present += (1 - present) / (1 + rate * t) * -math.expm1(-rate * present)
    return present


def written_exposure(generation: int) -> float:
    """The exposure of N tokens that a generation *writes* where all text is kept (accumulate): its pool of g + 1 times
    N tokens has every word, but what is drawn from it has not."""
    missing = math.exp(-1 / (generation + 1))
    for t in range(generation, 0, -1):
        missing *= math.exp(-(1 - missing) / t)
    return 1 - missing


def heterozygosity_left(regime: Regime, samples: ArrayLike, generations: int) -> Array:
    """Heterozygosity of generation 0 to ``generations`` over that of generation 0, float64[generations + 1, ...] for
    ``samples`` tokens each: of all words (N), or of what follows each word (its count)."""
    n = np.maximum(np.asarray(samples, np.float64), 1.0)
    if regime.name in (ACCUMULATE, SUBSAMPLE):
        return _growing(1.0 if regime.name == ACCUMULATE else regime.rate, n, generations, regime.name == SUBSAMPLE)
    steps = {REUSED: _reused, REDRAWN: _redrawn}
    return steps.get(regime.name, _fresh)(n, regime.real, generations)


def _fresh(n: Array, r: float, generations: int) -> Array:
    """H_t = (1 - 1/N)[(1 - (1-r)^2) H + (1-r)^2 H_(t-1)] against the truth's H, over H_0 = (1 - 1/N) H."""
    out, kept = [np.ones_like(n)], (1 - r) ** 2
    for _ in range(generations):
        out.append(1 - kept + kept * (1 - 1 / n) * out[-1])
    return np.array(out)


def _reused(n: Array, r: float, generations: int) -> Array:
    """Second moments of the kept r N tokens and of the model; ``both`` is their product's."""
    if r in (0.0, 1.0):
        return _fresh(n, r, generations)
    whole = np.maximum(1 - 1 / n, 1e-12)
    real, written = np.maximum(1 - 1 / (r * n), 0.0), np.maximum(1 - 1 / ((1 - r) * n), 0.0)
    both, model = r * real + (1 - r), whole
    out = [model]
    for _ in range(generations):
        model = r * r * real + 2 * r * (1 - r) * both + (1 - r) ** 2 * written * model
        both = r * real + (1 - r) * both
        out.append(model)
    return np.minimum(np.array(out) / whole, 1.0)


def _redrawn(n: Array, r: float, generations: int) -> Array:
    """The same where r N tokens are drawn anew, without replacement, from the N of generation 0."""
    if r in (0.0, 1.0):
        return _fresh(n, r, generations)
    noise = np.minimum((1 - r) / np.maximum(r * (n - 1), 1e-12), 1.0)
    written = np.maximum(1 - 1 / ((1 - r) * n), 0.0)
    out = [np.ones_like(n)]
    for _ in range(generations):
        out.append(r * r * (1 - noise) + 2 * r * (1 - r) + (1 - r) ** 2 * written * out[-1])
    return np.array(out)


def _growing(rate: float, n: Array, generations: int, read: bool) -> Array:
    """A pool of n (1 + k t) tokens, of which all or n are read."""
    pool, out = np.ones_like(n), []
    added = np.maximum(rate * n, 1.0)
    for t in range(generations + 1):
        size = n + t * rate * n
        noise = np.where(size > 1, (size - n) / np.maximum(size - 1, 1e-12) / n, 0.0) if read else np.zeros_like(n)
        out.append(pool * (1 - noise))
        weight = rate / (1 + (t + 1) * rate)
        pool = pool * (1 - weight**2 * (noise + (1 - noise) / added))
    return np.array(out)
