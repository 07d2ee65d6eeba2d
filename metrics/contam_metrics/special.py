"""The few special functions the estimators need, on numpy alone: scipy stays out of the base installation."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EULER = 0.5772156649015329
_EXACT_BELOW = 16
_RESIDUE_TABLE = np.array(
    [math.lgamma(z + 1) - (z * math.log(z) - z if z else 0.0) for z in range(_EXACT_BELOW)]
)


def digamma(x: ArrayLike) -> NDArray[np.float64]:
    """psi(x) for x > 0, to about 1e-14: shifted up by ten, then the asymptotic series."""
    x = np.asarray(x, np.float64)
    small = np.where(x < 10, x, 1.0)
    shift = sum(1.0 / (small + j) for j in range(10))
    y = np.where(x < 10, x + 10, x)
    w = 1.0 / (y * y)
    series = w * (1 / 12 - w * (1 / 120 - w * (1 / 252 - w * (1 / 240 - w * (1 / 132 - w * 691 / 32760)))))
    return np.log(y) - 0.5 / y - series - np.where(x < 10, shift, 0.0)


def _stirling_residue(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln z! - (z ln z - z) for whole z >= 0: the small part of the log-factorial, free of cancellation."""
    table = _RESIDUE_TABLE[np.minimum(z, _EXACT_BELOW - 1).astype(np.int64)]
    y = np.maximum(z, _EXACT_BELOW)
    w = 1.0 / (y * y)
    series = (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))) / y
    return np.where(z < _EXACT_BELOW, table, 0.5 * np.log(2 * math.pi * y) + series)


def log_factorial(n: ArrayLike) -> NDArray[np.float64]:
    """ln n! for whole n >= 0."""
    z = np.asarray(n, np.float64)
    return z * np.log(np.maximum(z, 1)) - z + _stirling_residue(z)


def log_falling_factorial(n: ArrayLike, k: ArrayLike) -> NDArray[np.float64]:
    """ln n!/(n-k)! for whole 0 <= k <= n, with an error that grows with k and not with n."""
    n, k = np.broadcast_arrays(np.asarray(n, np.float64), np.asarray(k, np.float64))
    rest = n - k
    share = np.where(rest > 0, k / np.maximum(n, 1), 0.0)
    main = k * np.log(np.maximum(n, 1)) - rest * np.log1p(-share) - k
    return main + _stirling_residue(n) - _stirling_residue(rest)


def exp_integral_scaled(y: float) -> float:
    """e^y E1(y) for y > 0, which stays finite where e^y does not (Abramowitz & Stegun 5.1.11, 5.1.22)."""
    if y <= 1:
        term, total = 1.0, -_EULER - math.log(y)
        for k in range(1, 30):
            term *= -y / k
            total -= term / k
        return math.exp(y) * total
    value = 0.0
    for k in range(int(20 + 200 / y), 0, -1):  # the continued fraction, evaluated from its far end
        value = k * k / (y + 2 * k + 1 - value)
    return 1.0 / (y + 1 - value)


def _student_t_mass(theta: float, df: int) -> float:
    """P(|t| <= sqrt(df) tan(theta)) for a whole number of degrees (Abramowitz & Stegun 26.7.3-4)."""
    cosine = math.cos(theta)
    term = cosine if df % 2 else 1.0
    total = 0.0
    for k in range(df % 2 + 1, df, 2):
        total += term
        term *= k / (k + 1) * cosine * cosine
    if df % 2:
        return 2 / math.pi * (theta + math.sin(theta) * total)
    return math.sin(theta) * total


@lru_cache(maxsize=256)
def student_t_quantile(p: float, df: int) -> float:
    """The p-quantile of Student's t, .5 <= p < 1; exact for df <= 1000, then the series in 1/df (26.7.5)."""
    if df < 1:
        return math.nan
    if df > 1000:
        return _student_t_series(p, df)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _student_t_mass(middle, df) < 2 * p - 1:
            low = middle
        else:
            high = middle
    return math.sqrt(df) * math.tan((low + high) / 2)


def _student_t_series(p: float, df: int) -> float:
    from statistics import NormalDist

    z = NormalDist().inv_cdf(p)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / df + second / df**2 + third / df**3
