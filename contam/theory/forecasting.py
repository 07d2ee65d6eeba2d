"""What recursive training with a share of fresh real text leaves of a corpus: the formulas of the forecast.

Assumed throughout: fresh (not reused) human tokens from a source that does not change, exact counting instead of a
network, temperature 1 without filtering, exchangeable tokens, and equally many in every generation. Derived here.
Generation 0 is a model of a corpus that is all real.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam.errors import UsageError
from contam.theory.token_forms import fresh_heterozygosity, fresh_loss
from contam_metrics.diversity import rarefied_types
from contam_metrics.ngrams import Counts, spectrum

Array = NDArray[np.float64]

ASSUMPTIONS = (
    "The real tokens of every generation are fresh, not reused, and come from one source that does not change.",
    "Text is generated at temperature 1 without filtering; a lower temperature or top-p loses more.",
    "The model counts exactly; a network adds errors of its own.",
    "Tokens are exchangeable: text in which words come in bursts has fewer effective tokens.",
    "Every generation is trained on equally many tokens; a corpus that keeps all text loses far less.",
)


_STEPS = 20_000
"""Generations that are summed one by one."""
_NONE = 1e-15
"""A share that is as good as none: its exposure is lost in rounding."""


def survival(share: float, generations: int) -> Array:
    """u_0 ... u_g: the chance that a real token has descendants k generations later, u_k = 1 - e^(-(1-r) u_(k-1))."""
    _check(share)
    out = [1.0]
    for _ in range(generations):
        out.append(-math.expm1(-(1 - share) * out[-1]))
    return np.array(out)


def exposure(share: float, generations: int) -> Array:
    """e_0 ... e_g, the effective exposure r (u_0 + ... + u_(g-1)) + u_g.

    A type that is expected c times in a real corpus of N tokens is absent in generation g with chance e^(-c e_g): the
    vocabulary is that of a real corpus of e_g N tokens.
    """
    u = survival(share, generations)
    return share * (np.cumsum(u) - u) + u


def exposure_limit(share: float) -> float:
    """The exposure after endless generations; 0 without fresh text."""
    _check(share)
    if share < _NONE:
        return 0.0
    total, u, kept = 0.0, 1.0, 1 - share
    for _ in range(_STEPS):
        total, u = total + u, -math.expm1(-kept * u)
        if u < 1e-17:
            return share * total
    # With hardly any fresh text the sum is long: 1/u then grows as (1/u)/(1-r) + 1/2, whose sum is a logarithm.
    curve = kept / (2 * share)
    return share * (total + u / 2 + math.log1p(curve * u) / (-curve * math.log1p(-share)))


def exposed(share: float, generations: int | None) -> float:
    """The exposure after ``generations`` (None: endless)."""
    return exposure_limit(share) if generations is None else float(exposure(share, generations)[-1])


def tail_retention(counts: Counts, share: float, generations: int | None) -> float:
    """Types that are left, over those of the real corpus with these counts: rarefied to the exposed part of it.

    Between whole numbers of tokens, linear. nan without tokens.
    """
    table = spectrum(counts)
    if not table.n:
        return math.nan
    tokens = exposed(share, generations) * table.n
    low = math.floor(tokens)
    below = rarefied_types(table, low) if low else 0.0
    above = rarefied_types(table, min(low + 1, table.n))
    return (below + (tokens - low) * (above - below)) / table.v


def heaps_retention(beta: float, share: float, generations: int | None) -> float:
    """The same where the types grow as tokens^beta (Heaps): e^beta."""
    return exposed(share, generations) ** beta


def head_retention(samples: float, share: float, generations: int | None) -> float:
    """Heterozygosity that is left, 1 - D in the long run: it says how the frequent types fare, never the rare ones."""
    _check(share)
    if generations is None:
        return 1 - fresh_loss(samples, share)
    return float(fresh_heterozygosity(1.0, samples, share, generations + 1))


def context_retention(tokens: ArrayLike, share: float) -> float:
    """Heterozygosity that is left of the next-token distributions, in the long run: 1 - D of each context, weighted
    by its ``tokens``. Contexts seen once tell nothing and are left out; nan where there are no others."""
    _check(share)
    n = np.asarray(tokens, np.float64)
    n = n[n > 1]
    if not len(n):
        return math.nan
    left = 1 - 1 / (1 + (n - 1) * share * (2 - share))
    return float((n * left).sum() / n.sum())


def minimum_share(retention: Callable[[float], float], wanted: float) -> float:
    """The least real share at which ``retention`` (rising with the share) reaches ``wanted``, to 1e-9.

    nan where even real text alone does not.
    """
    if retention(0.0) >= wanted:
        return 0.0
    if not retention(1.0) >= wanted:
        return math.nan
    low, high = 0.0, 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if retention(middle) >= wanted else (middle, high)
    return high


def _check(share: float) -> None:
    if not 0 <= share <= 1:
        raise UsageError(f"the real share must be between 0 and 1, not {share:g}")
