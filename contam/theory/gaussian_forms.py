"""Closed forms of a Gaussian that is fitted to samples of its own fits. The truth is N(0, 1).

Generation 1 is fitted to n real values, generation t + 1 to values drawn from generation t. The variance is estimated
with divisor n - d: d = 0 is maximum likelihood, d = 1 unbiased. Unless a paper is named, the derivation is ours.
"""

from __future__ import annotations

import math

from contam_metrics.special import digamma

SURESH = "Suresh et al. 2024 (arXiv 2412.17646)"
BERTRAND = "Bertrand et al. 2023 (arXiv 2310.00429)"


def variance_replaced(n: int, d: int, t: int) -> float:
    """E s_t^2 under replacement: ((n - 1) / (n - d))^t."""
    return ((n - 1) / (n - d)) ** t


def variance_spread(n: int, d: int, t: int) -> float:
    """The standard deviation of s_t^2 under replacement, from the second moment of the chi-square distribution."""
    second = ((n - 1) * (n + 1) / (n - d) ** 2) ** t
    return math.sqrt(max(second - variance_replaced(n, d, t) ** 2, 0.0))


def deviation_factor(n: int, d: int) -> float:
    """E of the estimated over the true standard deviation, sqrt(2 / (n - d)) Gamma(n / 2) / Gamma((n - 1) / 2).

    With d = 1 this is alpha(n) of Bertrand et al. 2023.
    """
    return math.sqrt(2 / (n - d)) * math.exp(math.lgamma(n / 2) - math.lgamma((n - 1) / 2))


def deviation_replaced(n: int, d: int, t: int) -> float:
    """E s_t under replacement: `deviation_factor` to the power t."""
    return deviation_factor(n, d) ** t


def log_variance_replaced(n: int, d: int, t: int) -> float:
    """E ln s_t^2 under replacement: t (digamma((n - 1) / 2) - ln((n - d) / 2)), about -2t/n (d = 0) or -t/(n - 1)."""
    return t * (float(digamma((n - 1) / 2)) - math.log((n - d) / 2))


def passage_by_drift(n: int, d: int, level: float) -> float:
    """The generation in which ln s^2 would pass ln level^2 if it fell evenly; for the median first passage."""
    return 2 * math.log(level) / log_variance_replaced(n, d, 1)


def mean_square_replaced(n: int, d: int, t: int) -> float:
    """E mu_t^2 under replacement: the sum of E s_k^2 for k < t, over n; t / n with d = 1."""
    return sum(variance_replaced(n, d, k) for k in range(t)) / n


def mean_square_spread(n: int, d: int, t: int) -> float:
    """The standard deviation of mu_t^2 under replacement.

    Given all s_k, mu_t is normal with variance S = sum of s_k^2 / n, k < t, so Var mu_t^2 = 3 E S^2 - (E S)^2; E S^2
    follows from E s_i^2 s_j^2 = b^i a^(j - i) for i <= j, with a and b the factors of the first two moments.
    """
    a, b = (n - 1) / (n - d), (n - 1) * (n + 1) / (n - d) ** 2
    total = cross = 0.0
    for k in range(t):
        total += 2 * cross + b**k
        cross = a * (cross + b**k)
    return math.sqrt(3 * total - (n * mean_square_replaced(n, d, t)) ** 2) / n if t else 0.0


def distance_replaced(n: int, d: int, t: int) -> float:
    """E W_2^2 between generation t and the truth under replacement: E mu_t^2 + E (s_t - 1)^2, exactly."""
    spread = variance_replaced(n, d, t) - 2 * deviation_replaced(n, d, t) + 1
    return mean_square_replaced(n, d, t) + spread


def distance_first_order(n: int, t: int) -> float:
    """E W_2^2 to first order in 1 / n: (3 / 2) t / n, as in Shumailov et al. 2024 for unbiased estimates."""
    return 1.5 * t / n


def survival_bound(n: int, t: int, level: float) -> float:
    """Suresh et al. 2024: P(s_t > level) is at most exp(-t / (4 n - 1)) / level; 1 where that says nothing."""
    return min(1.0, math.exp(-t / (4 * n - 1)) / level)


def accumulated(n: int, t: int) -> float:
    """E s_t^2 when all t generations of n values each are kept (d = 0): the product of 1 - 1 / (n k^2), k = 1..t.

    E mu_t^2 is one minus this.
    """
    return math.prod(1 - 1 / (n * k * k) for k in range(1, t + 1))


def accumulated_limit(n: int) -> float:
    """The limit of `accumulated`: sin(pi / sqrt n) / (pi / sqrt n); the one given for Kazdan et al. 2024."""
    angle = math.pi / math.sqrt(n)
    return math.sin(angle) / angle


def mean_square_fresh(n: int, real_share: float) -> float:
    """The limit of E mu^2 with a share of fresh real values and a variance that is known: 1 / (n r (2 - r))."""
    return 1 / (n * real_share * (2 - real_share))
