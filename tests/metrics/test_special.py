"""The special functions against scipy."""

from __future__ import annotations

import numpy as np
import pytest

from contam_metrics.special import (
    digamma,
    exp_integral_scaled,
    log_factorial,
    log_falling_factorial,
    student_t_quantile,
)

special = pytest.importorskip("scipy.special")
stats = pytest.importorskip("scipy.stats")


def test_digamma() -> None:
    x = np.concatenate([np.arange(1, 200), [0.1, 0.5, 9.99, 10.0, 1e4, 1e9]])
    np.testing.assert_allclose(digamma(x), special.digamma(x), rtol=1e-13, atol=1e-13)


def test_log_factorial() -> None:
    n = np.concatenate([np.arange(0, 300), [10**6, 10**9]])
    np.testing.assert_allclose(log_factorial(n), special.gammaln(n + 1.0), rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize(("n", "k"), [(0, 0), (5, 0), (5, 5), (30, 7), (30, 30), (1000, 999)])
def test_log_falling_factorial_small(n: int, k: int) -> None:
    direct = sum(np.log(n - j) for j in range(k))
    assert float(log_falling_factorial(n, k)) == pytest.approx(direct, rel=1e-12, abs=1e-12)


def test_log_falling_factorial_keeps_its_digits_where_log_gamma_loses_them() -> None:
    n, k = 10**12, 3
    assert float(log_falling_factorial(n, k)) == pytest.approx(3 * np.log(n) - 3 / n, rel=1e-15)
    assert abs(special.gammaln(n + 1.0) - special.gammaln(n - k + 1.0) - 3 * np.log(n)) > 1e-4


@pytest.mark.parametrize("y", [1e-9, 1e-3, 0.3, 0.999, 1.0, 1.001, 2.0, 7.5, 40.0, 600.0])
def test_exp_integral(y: float) -> None:
    assert exp_integral_scaled(y) == pytest.approx(special.exp1(y) * np.exp(y), rel=1e-12)


def test_exp_integral_stays_finite_where_the_exponential_does_not() -> None:
    assert exp_integral_scaled(1e6) == pytest.approx(1e-6 * (1 - 1e-6), rel=1e-11)


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 9, 19, 30, 99, 100, 999, 1000, 1001, 20_000])
@pytest.mark.parametrize("p", [0.5, 0.75, 0.9, 0.975, 0.995])
def test_student_t(df: int, p: float) -> None:
    assert student_t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-10, abs=1e-10)


def test_student_t_of_19_degrees_and_of_none() -> None:
    assert student_t_quantile(0.975, 19) == pytest.approx(2.093024, abs=5e-7)
    assert np.isnan(student_t_quantile(0.975, 0))
