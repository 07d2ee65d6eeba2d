"""How far the moments of a Gaussian that learns from itself scatter: exact second moments of its fits, derived here.

Given the last fit, a generation is normal and chi-square numbers. So the expectations of 1, V, U, V^2, V U and U^2,
with the variance V = s_t^2 and U = mu_t^2, follow linearly from those of the generation before. For replacement, and
with fresh real values.
"""

from __future__ import annotations

import numpy as np

from contam.theory.estimates import Floats
from contam.theory.gaussian_worlds import GaussianOptions

_MOST = 1e200
"""Moments beyond are as good as infinite, and stay numbers."""
_ONE, _V, _U = np.eye(3)


def spreads(options: GaussianOptions) -> tuple[Floats, Floats]:
    """The standard deviations of s_t^2 and mu_t^2 for t = 0..generations, where nothing is accumulated."""
    first, later = _step(options, 0), _step(options, options.fresh)
    moments = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    course = [moments]
    for t in range(options.generations):
        moments = np.minimum((later if t else first) @ moments, _MOST)
        course.append(moments)
    found = np.array(course)
    variance = np.sqrt(np.maximum(found[:, 3] - found[:, 1] ** 2, 0))
    square = np.sqrt(np.maximum(found[:, 5] - found[:, 2] ** 2, 0))
    return variance, square


def _step(options: GaussianOptions, fresh: int) -> Floats:
    """The matrix that takes the six expectations on by a generation with so many fresh values.

    With m values of N(mu, V) and f real ones, a = m / n and r = f / n: the squares are A + k D^2, where A is
    V chi^2(m - 1) + chi^2(f - 1), k = m f / n, and D, the distance of the two means, is normal; so is the new mean X.
    """
    n, f, m = options.samples, fresh, options.samples - fresh
    a, r, k = m / n, f / n, m * f / n
    inner = max(m - 1, 0) * _V + max(f - 1, 0) * _ONE
    # k times the variance of D, the variance of X, and their covariance.
    apart = r * _V + a * _ONE if k else 0 * _ONE
    spread, both = (a * _V + r * _ONE) / n, (_V - _ONE) / n
    square = a * a * _U + spread
    between = k * _U + apart
    fourth = a**4 * _times(_U, _U) + 6 * a * a * _times(_U, spread) + 3 * _times(spread, spread)
    if options.divisor == "known":
        return np.stack([_lifted(_ONE), _lifted(_ONE), _lifted(square), _lifted(_ONE), _lifted(square), fourth])
    chi = 2 * max(m - 1, 0) * _times(_V, _V) + 2 * max(f - 1, 0) * _lifted(_ONE)
    squares = chi + _times(inner, inner) + 2 * _times(inner, between)
    squares = squares + k * k * _times(_U, _U) + 6 * k * _times(_U, apart) + 3 * _times(apart, apart)
    mixed = _times(inner + between, square) + k * (2 * _times(both, both) + 4 * a * _times(_U, both))
    d = n - options.lost
    return np.stack(
        [_lifted(_ONE), _lifted(inner + between) / d, _lifted(square), squares / d**2, mixed / d, fourth]
    )


def _times(p: Floats, q: Floats) -> Floats:
    """The product of two polynomials p0 + p1 V + p2 U, as coefficients of the six."""
    outer = np.outer(p, q)
    both = outer + outer.T
    return np.array([outer[0, 0], both[0, 1], both[0, 2], outer[1, 1], both[1, 2], outer[2, 2]])


def _lifted(p: Floats) -> Floats:
    return _times(p, _ONE)
