"""Regression on its own labels: exact multiples of the base, by refitting and by recursion."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.errors import UsageError
from contam.theory.regression import RegressionOptions, base_error, multiples, recursed, refitted, simulate_regression


def ratio(options: RegressionOptions) -> tuple[np.ndarray, np.ndarray]:
    """Mean error over base in every generation, and its standard error."""
    errors, base = refitted(options)
    return (errors / base).mean(axis=1), (errors / base).std(axis=1) / math.sqrt(options.trajectories)


def test_multiples_to_the_printed_digits():
    kept = multiples(RegressionOptions("accumulate", generations=50))
    assert kept[[1, 2, 5, 10, 50]] == pytest.approx([1, 1.25, 1.464, 1.550, 1.625], abs=5e-4)
    assert multiples(RegressionOptions("replace", generations=50))[[1, 50]] == pytest.approx([1, 50])
    assert kept[-1] < math.pi**2 / 6
    assert base_error(RegressionOptions()) == pytest.approx(10 / 89)


@pytest.mark.parametrize(
    ("regime", "printed"),
    [
        ("accumulate", {1: 1.002, 2: 1.248, 5: 1.461, 10: 1.550, 50: 1.621}),
        ("replace", {1: 0.99, 2: 1.98, 5: 4.97, 10: 10.03, 50: 50.26}),
    ],
)
def test_refitting_fixed_inputs(regime, printed):
    options = RegressionOptions(regime, trajectories=1000, seed=1)
    found, error = ratio(options)
    exact = multiples(options)
    assert np.all(np.abs(found - exact) <= 4 * error + 1e-12)
    for t, value in printed.items():
        assert value == pytest.approx(exact[t], abs=4 * error[t]) and found[t] == pytest.approx(value, abs=5 * error[t])


@pytest.mark.parametrize(("regime", "printed"), [("replace", 10.0), ("accumulate", 1.555), ("accumulate", 1.588)])
def test_ten_generations(regime, printed):
    found, error = ratio(RegressionOptions(regime, generations=10, trajectories=1000, seed=2))
    assert found[10] == pytest.approx(printed, abs=4 * error[10])


@pytest.mark.parametrize("regime", ["replace", "accumulate"])
def test_refitting_stacked_data_is_the_recursion(regime):
    options = RegressionOptions(regime, samples=30, dimension=5, generations=12, trajectories=20, seed=3)
    assert refitted(options)[0] == pytest.approx(recursed(options), rel=1e-9)


@pytest.mark.parametrize("regime", ["replace", "accumulate"])
def test_fresh_inputs_have_their_own_exact_form(regime):
    options = RegressionOptions(regime, "fresh", 20, 3, 30, 3000, noise=2.0, seed=4)
    found, error = ratio(options)
    assert np.all(np.abs(found - multiples(options)) <= 4.5 * error + 1e-12)
    fixed = multiples(RegressionOptions("accumulate", samples=20, dimension=3, generations=30))[-1]
    assert regime == "replace" or multiples(options)[-1] < fixed


def test_fresh_inputs_top_out_lower():
    exact = multiples(RegressionOptions("accumulate", "fresh", generations=30))[30]
    fixed = multiples(RegressionOptions("accumulate", generations=30))[30]
    found, error = ratio(RegressionOptions("accumulate", "fresh", generations=30, trajectories=500, seed=5))
    assert exact < fixed and found[30] == pytest.approx(exact, abs=4 * error[30])


def test_the_error_is_that_of_least_squares():
    """One generation of one trajectory against numpy's own least squares."""
    options = RegressionOptions("replace", samples=40, dimension=4, generations=1, trajectories=2, seed=6)
    rng = np.random.default_rng(6)
    inputs, noise = rng.standard_normal((2, 40, 4)), rng.standard_normal((2, 40, 1))
    own = [float((np.linalg.lstsq(x, e[:, 0], rcond=None)[0] ** 2).sum()) for x, e in zip(inputs, noise)]
    assert refitted(options)[0][1] == pytest.approx(own)


def test_a_simulation_names_the_bound():
    result = simulate_regression(RegressionOptions(generations=10, trajectories=200))
    (bound,) = result.comparisons
    assert bound.expected == pytest.approx(1.6449, abs=1e-4) and bound.bound == "upper" and bound.agrees
    assert simulate_regression(RegressionOptions("replace", generations=3, trajectories=20)).comparisons == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 12}, "--samples must be at least --dimension"),
        ({"design": "random"}, "--design must be one of fixed, fresh"),
        ({"noise": 0.0}, "--noise must be between"),
        ({"samples": 100_000, "dimension": 1000}, "must be at most"),
        ({"samples": 1000, "dimension": 100}, "--samples times --dimension times --trajectories must be at most 50,0"),
        (
            {"dimension": 1, "samples": 5, "generations": 10_000, "trajectories": 6000},
            "--generations times --trajectories must be at most 50,000,000, not 60,000,000",
        ),
    ],
)
def test_what_cannot_be(changes, message):
    with pytest.raises(UsageError, match=message):
        RegressionOptions(**changes)
