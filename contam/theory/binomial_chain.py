"""Exact figures of pure resampling: the copies of one type are a Markov chain with binomial steps.

What a sum over types needs follows from one type's chain, however many types there are: the chance that a type is
gone, and the chance that it is the only one. Derived here; the cost is the square of the tokens (a solve: the cube).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam_metrics.special import log_factorial

Array = NDArray[np.float64]

LARGEST = 1500
"""Tokens a generation up to which the chain is worth its cost; beyond, branching is as good."""
_PRODUCTS = 2e9
_ROWS = 2000
_TINY = 1e-300


def affordable(n: int, generations: int) -> bool:
    """Whether the chain of so many generations takes a second or two at most."""
    return n <= LARGEST and n * n * generations <= _PRODUCTS


def binomial(p: ArrayLike, n: int) -> Array:
    """Chances of 0 ... n successes, a row for each of ``p``."""
    p = np.asarray(p, np.float64).reshape(-1, 1)
    k = np.arange(n + 1, dtype=np.float64)
    ways = log_factorial(n) - log_factorial(k) - log_factorial(n - k)
    # Clipped, 0 log 0 is 0 and every other impossible count has a chance of e^-690 or less.
    return np.exp(ways + k * np.log(np.maximum(p, _TINY)) + (n - k) * np.log(np.maximum(1 - p, _TINY)))


@lru_cache(maxsize=2)
def steps(n: int) -> Array:
    """Chances of going from x copies to y in one generation of ``n`` tokens."""
    return binomial(np.arange(n + 1) / n, n)


@lru_cache(maxsize=4)
def absent(n: int, generations: int) -> Array:
    """Row t: the chance that x = 0 ... n copies have no descendant after t generations (t up to ``generations``)."""
    out = np.zeros((generations + 1, n + 1))
    out[0, 0] = 1
    for t in range(generations):
        out[t + 1] = steps(n) @ out[t]
    return out


def first_counts(p: ArrayLike, n: int) -> Array:
    """Expected number of types with 0 ... n copies in a corpus of ``n`` tokens drawn from ``p``."""
    p = np.asarray(p, np.float64)
    out: Array = sum((binomial(p[i : i + _ROWS], n).sum(axis=0) for i in range(0, len(p), _ROWS)), np.zeros(n + 1))
    return out


def surviving_types(p: ArrayLike, n: int, generations: int) -> Array:
    """Expected types at generations 0 (the truth) to ``generations``."""
    p = np.asarray(p, np.float64)
    gone = absent(n, max(generations - 1, 0)) @ first_counts(p, n)
    return np.concatenate([[np.count_nonzero(p)], len(p) - gone])[: generations + 1]


def collapsed(p: ArrayLike, n: int, generations: int) -> Array:
    """Chance that one type is left, at generations 0 to ``generations``."""
    p = np.asarray(p, np.float64)
    # A type is alone when all the others, taken as one, are gone.
    alone = absent(n, max(generations - 1, 0))[:, ::-1] @ first_counts(p, n)
    return np.concatenate([[float(np.count_nonzero(p) == 1)], alone])[: generations + 1]


def collapse_time(p: ArrayLike, n: int) -> float:
    """Mean generations until one type is left, starting with a corpus drawn from ``p`` (at least two types)."""
    inner = steps(n)[1:-1, 1:-1]
    # Summed over generations, what a type's chance of being alone still lacks of its limit, its share x/n.
    lacking = np.linalg.solve(np.eye(n - 1) - inner, np.arange(1, n) / n)
    return float(1 + first_counts(p, n)[1:-1] @ lacking)
