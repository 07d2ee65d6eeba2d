"""Gaussians that learn from themselves: closed forms against printed figures, simulations against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.errors import UsageError
from contam.theory import gaussian_forms as forms
from contam.theory.estimates import comparisons_of
from contam.theory.gaussian import simulate_gaussian
from contam.theory.gaussian_spreads import spreads
from contam.theory.gaussian_worlds import GaussianOptions, expected_moments, fitted


def agreeing(options: GaussianOptions) -> dict:
    """Every comparison of a simulation, all of which must hold."""
    result = simulate_gaussian(options)
    found = {c.name: c for c in (*comparisons_of(result.series), *result.comparisons)}
    assert not [c for c in found.values() if c.agrees is False]
    return found


def test_closed_forms_to_the_printed_digits():
    assert forms.variance_replaced(20, 0, 40) == pytest.approx(0.1285, abs=5e-5)
    assert forms.log_variance_replaced(20, 0, 40) == pytest.approx(-4.194, abs=5e-4)
    assert forms.deviation_replaced(20, 0, 40) == pytest.approx(0.2118, abs=5e-5)
    assert forms.mean_square_replaced(20, 0, 40) == pytest.approx(0.8715, abs=5e-5)
    assert forms.variance_replaced(100, 0, 100) == pytest.approx(0.366, abs=5e-4)
    assert [forms.deviation_replaced(100, 1, k) for k in (100, 500)] == pytest.approx([0.777, 0.283], abs=5e-4)
    assert [forms.passage_by_drift(n, 0, 0.1) for n in (20, 50, 100)] == pytest.approx([43.9, 113, 228.1], abs=0.06)
    assert [forms.distance_first_order(100, t) for t in (1, 2, 3)] == pytest.approx([0.015, 0.030, 0.045])
    assert [forms.mean_square_fresh(100, r) for r in (0.1, 0.5)] == pytest.approx([0.05263, 0.01333], abs=5e-6)
    assert forms.accumulated(10, 151) == pytest.approx(0.8440, abs=5e-5)
    limits = [forms.accumulated_limit(n) for n in (4, 10, 50, 100)]
    assert limits == pytest.approx([0.6366, 0.8434, 0.9674, 0.9836], abs=5e-5)
    assert [1 - forms.accumulated_limit(n) for n in (10, 100)] == pytest.approx([0.1566, 0.0164], abs=5e-5)


@pytest.mark.parametrize(("d", "slope"), [(0, -2 / 1000), (1, -1 / 999)])
def test_the_logarithm_falls_as_the_expansion_says(d, slope):
    assert forms.log_variance_replaced(1000, d, 1) == pytest.approx(slope, rel=2e-3)


def test_first_order_distance_is_that_of_unbiased_estimates():
    exact = [forms.distance_replaced(100, 1, t) for t in (1, 2, 3)]
    assert exact == pytest.approx([0.015, 0.030, 0.045], rel=0.01)
    assert exact == pytest.approx([0.01503, 0.0300, 0.04516], rel=0.01)
    far = [forms.distance_replaced(100, 1, t) for t in (10, 100, 1000)]
    assert far == sorted(far) and far[-1] > 10


def test_replacement_is_what_the_closed_forms_say():
    found = agreeing(GaussianOptions("replace", 20, 40, 20_000, seed=1))
    simulated = {
        "variance, mean @40": (0.1286, 0.02), "log variance, mean @40": (-4.201, 0.06),
        "standard deviation, mean @40": (0.2116, 0.01), "squared mean of the fit @40": (0.8676, 0.06),
    }  # fmt: skip
    for name, (expected, within) in simulated.items():
        assert found[name].simulated == pytest.approx(expected, abs=within), name
    agreeing(GaussianOptions("replace", 50, 60, 4000, divisor="unbiased", seed=2))


def test_replacement_with_a_hundred_values():
    _, variances = fitted(GaussianOptions("replace", 100, 100, 20_000, seed=3))
    assert variances[100].mean() == pytest.approx(0.366, abs=0.025)
    _, unbiased = fitted(GaussianOptions("replace", 100, 500, 4000, divisor="unbiased", seed=4))
    widths = np.sqrt(unbiased)
    assert widths[100].mean() == pytest.approx(0.777, abs=0.04)
    assert widths[500].mean() == pytest.approx(0.283, abs=0.04)
    known = fitted(GaussianOptions("replace", 100, 100, 20_000, divisor="known", seed=5))[0]
    assert (known[100] ** 2).mean() == pytest.approx(1.0, abs=4 * math.sqrt(2 / 20_000))


@pytest.mark.parametrize(("n", "generation"), [(20, 41), (50, 105), (100, 218)])
def test_the_median_first_generation_below_a_tenth(n, generation):
    found = agreeing(GaussianOptions("replace", n, 4 * n, 4000, seed=n))
    first = found["first generation below 0.1, median"]
    assert first.simulated == pytest.approx(generation, rel=0.04)
    assert first.expected == pytest.approx(generation, rel=0.08) and first.agrees is None


def test_distances_in_the_first_generations():
    means, variances = fitted(GaussianOptions("replace", 100, 3, 100_000, divisor="unbiased", seed=6))
    distance = means**2 + (np.sqrt(variances) - 1) ** 2
    error = distance.std(axis=1) / math.sqrt(100_000)
    for t, printed in ((1, 0.01503), (2, 0.0300), (3, 0.04516)):
        assert distance[t].mean() == pytest.approx(forms.distance_replaced(100, 1, t), abs=4 * error[t])
        assert distance[t].mean() == pytest.approx(printed, abs=4 * error[t] + 2e-4)


def test_exact_standard_errors_are_those_of_many_small_samples():
    means, variances = fitted(GaussianOptions("replace", 30, 12, 200_000, seed=7))
    assert variances[12].std() == pytest.approx(forms.variance_spread(30, 0, 12), rel=0.03)
    assert (means[12] ** 2).std() == pytest.approx(forms.mean_square_spread(30, 0, 12), rel=0.03)


@pytest.mark.parametrize("divisor", ["ml", "unbiased", "known"])
@pytest.mark.parametrize("share", [0.1, 0.7, 1.0])
def test_exact_errors_beside_fresh_values(share, divisor):
    options = GaussianOptions("fresh", 20, 10, 100_000, share, divisor=divisor, seed=3)
    variance, square = spreads(options)
    means, variances = fitted(options)
    for t in (1, 2, 10):
        assert variances[t].std() == pytest.approx(variance[t], rel=0.03, abs=1e-12)
        assert (means[t] ** 2).std() == pytest.approx(square[t], rel=0.03)


@pytest.mark.parametrize("d", [0, 1])
def test_the_recursion_of_errors_is_their_closed_form(d):
    variance, square = spreads(GaussianOptions("replace", 30, 12, 20, divisor=("ml", "unbiased")[d]))
    assert variance == pytest.approx([forms.variance_spread(30, d, t) for t in range(13)], abs=1e-12)
    assert square == pytest.approx([forms.mean_square_spread(30, d, t) for t in range(13)], abs=1e-12)


@pytest.mark.parametrize("divisor", ["ml", "known"])
def test_no_real_values_are_replacement(divisor):
    none = simulate_gaussian(GaussianOptions("fresh", generations=9, real_share=0.0, divisor=divisor))
    replaced = simulate_gaussian(GaussianOptions("replace", generations=9, divisor=divisor))
    assert none.series == replaced.series and none.comparisons == replaced.comparisons
    assert (none.notes, none.log_y) == (replaced.notes, replaced.log_y)


@pytest.mark.parametrize("seed", range(4))
def test_one_real_value_carries_no_test(seed):
    """Heavy tails: of such runs, one in four had a mean more than 4 of its own errors away."""
    options = GaussianOptions("fresh", 100, 1000, 2000, 0.01, divisor="unbiased", seed=seed)
    found = agreeing(options)
    assert found["variance, mean @1000"].agrees is None and found["squared mean of the fit @1000"].agrees is None
    assert all(math.isfinite(c.error) and c.error < 10 for c in found.values())


def test_few_values_and_few_trajectories_carry_no_test():
    tested = 0
    for seed in range(30):
        options = GaussianOptions("accumulate-subsample", 5, 30, 20, divisor="unbiased", rate=0.2, seed=seed)
        tested += sum(c.agrees is not None for c in agreeing(options).values())
    assert tested <= 3


def test_means_that_few_trajectories_carry_are_shown_and_not_tested():
    found = agreeing(GaussianOptions("replace", 10, 60, 4000, divisor="unbiased"))
    assert found["variance, mean @60"].agrees is None and found["standard deviation, mean @60"].agrees is None
    assert found["log variance, mean @60"].agrees
    assert all(c.agrees for c in agreeing(GaussianOptions()).values() if "median" not in c.name)


def test_everything_kept():
    found = agreeing(GaussianOptions("accumulate", 10, 151, 10_000, seed=8))
    variance, limit = found["variance, mean @151"], found["variance, limit"]
    assert variance.expected == pytest.approx(0.8440, abs=5e-5)
    assert variance.simulated == pytest.approx(0.8457, abs=0.02)
    assert limit.expected == pytest.approx(0.8434, abs=5e-5) and limit.agrees is None
    assert found["squared mean of the fit @151"].simulated == pytest.approx(0.1566, abs=0.012)
    hundred = agreeing(GaussianOptions("accumulate", 100, 200, 4000, seed=9))
    assert hundred["variance, mean @200"].simulated == pytest.approx(0.985, abs=0.008)
    assert hundred["squared mean of the fit @200"].simulated == pytest.approx(0.0171, abs=0.002)
    agreeing(GaussianOptions("accumulate", 10, 50, 4000, divisor="unbiased", seed=10))


def test_the_recursion_of_kept_data_is_the_product():
    for n in (4, 10, 50):
        variance, square = expected_moments(GaussianOptions("accumulate", n, 200))
        assert variance[1:] == pytest.approx([forms.accumulated(n, t) for t in range(1, 201)])
        assert variance + square == pytest.approx(np.ones(201))


def test_a_part_of_what_is_kept():
    options = GaussianOptions("accumulate-subsample", 100, 100, 1000, seed=11)
    means, _ = fitted(options)
    variance, square = expected_moments(options)
    for t, printed in ((1, 0.011), (10, 0.029), (50, 0.027), (100, 0.032)):
        error = (means[t] ** 2).std() / math.sqrt(1000)
        assert (means[t] ** 2).mean() == pytest.approx(square[t], abs=4 * error)
        # The printed figures are simulated too, from no more trajectories than here.
        assert square[t] == pytest.approx(printed, abs=4 * error)
    assert variance[1:] == pytest.approx(np.ones(100), abs=0.04)
    agreeing(GaussianOptions("accumulate-subsample", 20, 30, 2000, divisor="unbiased", rate=0.2, seed=12))


@pytest.mark.parametrize(("share", "printed"), [(0.1, 0.05327), (0.5, 0.01324)])
def test_fresh_real_values_bound_the_error_of_the_mean(share, printed):
    found = agreeing(GaussianOptions("fresh", 100, 60, 20_000, share, divisor="known", seed=13))
    limit = found["squared mean, limit"]
    assert limit.simulated == pytest.approx(limit.expected, abs=4 * limit.error)
    assert limit.simulated == pytest.approx(printed, abs=4 * limit.error + 1e-4)
    for divisor in ("ml", "unbiased"):
        agreeing(GaussianOptions("fresh", 100, 60, 4000, share, divisor=divisor, seed=14))


def test_the_bound_of_survival():
    assert forms.survival_bound(10, 5, 0.5) == 1.0
    assert forms.survival_bound(10, 100, 0.5) == pytest.approx(2 * math.exp(-100 / 39))
    found = agreeing(GaussianOptions("replace", 10, 60, 4000, divisor="unbiased"))
    (survival,) = [c for name, c in found.items() if name.startswith("share with deviation > 1")]
    assert survival.bound == "upper" and survival.agrees and "Suresh" in survival.source


def test_equal_seeds_give_equal_figures():
    first, second = (simulate_gaussian(GaussianOptions(generations=5, seed=3)) for _ in range(2))
    assert first.series == second.series
    assert first.series != simulate_gaussian(GaussianOptions(generations=5, seed=4)).series


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 2}, "--samples must be between 3"),
        ({"regime": "mix"}, "--regime must be one of replace"),
        ({"divisor": "n"}, "--divisor must be one of ml"),
        ({"real_share": 0.1}, "--real-share needs --regime fresh"),
        ({"rate": 1.0}, "--rate needs --regime accumulate-subsample"),
        ({"regime": "fresh", "real_share": float("nan")}, "--real-share must be between"),
        ({"generations": 100_000, "trajectories": 1_000_000}, "times --trajectories"),
        ({"samples": 3, "generations": 10_000}, "--generations must be at most"),
        ({"samples": 3, "generations": 10_000, "regime": "fresh", "real_share": 0.0}, "--generations must be at most"),
        ({"regime": "fresh", "samples": 4}, "--real-share 0.1 of --samples 4 is no whole real value.*0.25 or more"),
        (
            {"regime": "accumulate-subsample", "samples": 1000},
            r"\(--samples \+ --generations times --rate times --samples\) times --trajectories must be at most 5",
        ),
    ],
)
def test_what_cannot_be(changes, message):
    with pytest.raises(UsageError, match=message):
        GaussianOptions(**changes)


@pytest.mark.parametrize("divisor", ["ml", "unbiased"])
@pytest.mark.parametrize("n", [3, 4, 5, 100, 10_000])
def test_the_longest_run_has_finite_figures(n, divisor):
    d, most = int(divisor == "unbiased"), 10**5
    fall = forms.log_variance_replaced(n, d, 1)
    steps = min(most, int(-300 / fall))
    assert math.isfinite(forms.variance_spread(n, d, steps)) and math.isfinite(forms.mean_square_spread(n, d, steps))
