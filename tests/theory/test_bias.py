"""Models that err the same way every time: the reconstructed forms against iteration, and the simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam.errors import UsageError
from contam.theory import bias_forms as forms
from contam.theory.bias import BIAS_REGIMES, BiasOptions, closed_form, half_life, models, simulate_bias, truth_weight
from contam.theory.bias_spreads import linear_spread
from contam.theory.estimates import comparisons_of
from contam.theory.record import Z_LIMIT
from contam.theory.token_worlds import zipf

TWO = np.array([0.7, 0.3])


def random_errors(n: int, types: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(types), size=n) * rng.uniform(0, 0.3, size=(n, 1))


def iterated(truth, errors, rate):
    """Corpora c_0, c_1, ... and models p_1, p_2, ..., step by step."""
    corpus, total, corpora, told = truth, 1.0, [truth], []
    for error in errors:
        written = (1 - error.sum()) * corpus + error
        told.append(written)
        corpus = (corpus * total + rate * written) / (total + rate)
        total += rate
        corpora.append(corpus)
    return corpora, told


# --- errors ---


def test_worked_figures():
    errors = np.full((10, 2), 0.05)
    for n, told in ((1, 0.68), (2, 0.662), (10, 0.569736)):
        assert forms.replace_model(TWO, errors[:n]) == pytest.approx([told, 1 - told], abs=5e-7)
    for n, told in ((1, 0.69), (2, 0.683667), (10, 0.662955)):
        assert forms.growing_corpus(TWO, errors[:n], 1.0) == pytest.approx([told, 1 - told], abs=5.1e-7)


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_forms_against_iteration(rate):
    truth, errors = zipf(6), random_errors(60, 6)
    p = truth
    for error in errors:
        p = (1 - error.sum()) * p + error
    assert forms.replace_model(truth, errors) == pytest.approx(p, abs=1e-15)
    corpora, told = iterated(truth, errors, rate)
    assert forms.growing_corpus(truth, errors, rate) == pytest.approx(corpora[-1], abs=1e-15)
    assert forms.growing_model(truth, errors, rate) == pytest.approx(told[-1], abs=1e-15)
    assert forms.growing_model(truth, errors[:1], rate) == pytest.approx(told[0], abs=1e-15)


@given(st.floats(0, 1), st.sampled_from([0.01, 0.1, 1.0, 3.0]), st.integers(0, 60))
def test_weights_are_those_of_the_forms(alpha, rate, n):
    errors = np.full((n, 2), alpha / 2)
    growing = forms.growing_corpus([1, 0], errors, rate) @ [1, -1]
    assert forms.growing_weight(alpha, rate, n) == pytest.approx(growing, rel=1e-9, abs=1e-12)
    assert forms.replace_weight(alpha, n) == pytest.approx(forms.replace_model([1, 0], errors) @ [1, -1], abs=1e-12)


def test_weight_of_a_growing_corpus_falls_as_a_power():
    for alpha in (0.01, 0.05, 0.2):
        ratio = forms.growing_weight(alpha, 1.0, 10**6) / (1 + 10**6) ** -alpha
        assert ratio == pytest.approx(1 / math.gamma(2 - alpha), rel=1e-4)
    assert forms.growing_weight(0.05, 1e-7, 100) == pytest.approx((1 + 1e-5) ** -0.05)


def test_weight_of_a_slowly_growing_corpus_keeps_its_digits():
    exact = math.exp(sum(math.log1p(-0.05 * 1e-4 / (1 + 1e-4 * j)) for j in range(1, 50)))
    assert forms.growing_weight(0.05, 1e-4, 49) == pytest.approx(exact, rel=1e-14)
    assert forms.growing_weight(0.05, 1e-4, [0, 49]).tolist() == [1, float(forms.growing_weight(0.05, 1e-4, 49))]


def test_half_lives():
    assert forms.replace_half_life(0.01) == pytest.approx(69, abs=0.05)
    assert forms.replace_half_life(0.05) == pytest.approx(13.5, abs=0.05)
    assert forms.growing_half_life(0.01, 1) == pytest.approx(1e30, rel=0.3)
    assert forms.growing_half_life(0.05, 1) == pytest.approx(1e6, rel=0.05)
    assert forms.growing_half_life(0.05, 0.1) == pytest.approx(1e7, rel=0.05)
    assert (forms.replace_half_life(0), forms.replace_half_life(1)) == (math.inf, 1)
    assert forms.growing_half_life(0, 1) == forms.growing_half_life(1e-6, 1) == math.inf
    assert forms.replace_weight(0.05, forms.replace_half_life(0.05)) == pytest.approx(0.5)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 30))
def test_fresh_weight(alpha, share, n):
    weight = 1.0
    for _ in range(n):
        weight = share + (1 - share) * (1 - alpha) * weight
    assert forms.fresh_weight(alpha, share, n) == pytest.approx(weight, abs=1e-9)
    if share > 0.01:
        assert forms.fresh_weight_limit(alpha, share) == pytest.approx(share / (1 - (1 - share) * (1 - alpha)))


# --- gains ---


@pytest.mark.parametrize(
    ("rate", "bias", "variance"),
    [
        (1.0, (2.02, 4.20, 6.49, 8.79), (0.558, 0.635, 0.644, 0.645)),
        (0.1, (0.67, 2.35, 4.57, 6.86), (0.046, 0.086, 0.094, 0.095)),
        (0.01, (0.09, 0.69, 2.39, 4.61), (0.0009, 0.005, 0.009, 0.0099)),
    ],
)
def test_gains(rate, bias, variance):
    for n, b, v in zip((10, 100, 1000, 10_000), bias, variance):
        # .0947 stands as .09 in the table: cut, not rounded.
        assert forms.bias_gain(rate, n) == pytest.approx(b, abs=0.0051)
        assert forms.variance_gain(rate, n) == pytest.approx(v, abs=5e-5 if v < 0.01 and v != 0.005 else 5e-4)
    assert forms.bias_gain(rate, 10_000) == pytest.approx(math.log1p(10_000 * rate), abs=1)


def test_gains_are_what_a_corpus_does_with_errors():
    """A persistent error b, and independent ones: telescoped, against the recursion."""
    rate, n, b = 0.3, 40, 1e-3
    corpus, total = 0.0, 1.0
    for _ in range(n):
        corpus, total = (corpus * total + rate * (corpus + b)) / (total + rate), total + rate
    assert corpus == pytest.approx(b * forms.bias_gain(rate, n))
    noise = np.random.default_rng(1).normal(size=(20_000, n))
    state, total = np.zeros(20_000), 1.0
    for j in range(n):
        state, total = (state * total + rate * (state + noise[:, j])) / (total + rate), total + rate
    assert state.var() == pytest.approx(forms.variance_gain(rate, n), rel=4 * math.sqrt(2 / 20_000))


# --- decoding ---


def test_temperature():
    for t, told in ((1, 0.742523), (2, 0.789830), (5, 0.929939), (10, 0.999626)):
        assert forms.tempered(TWO, 0.8, t)[0] == pytest.approx(told, abs=5e-7)
    p = TWO
    for _ in range(5):
        p = forms.temper(p, 0.8)
    assert forms.tempered(TWO, 0.8, 5) == pytest.approx(p)
    assert forms.tempered(TWO, 0.8, 10**6).tolist() == [1, 0]
    assert forms.tempered(TWO, 1.25, 10**6) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(
    ("share", "told"), [(0.05, 0.97569), (0.1, 0.94497), (0.2, 0.87627), (0.3, 0.81556), (0.5, 0.74773)]
)
def test_fixed_points_at_a_low_temperature(share, told):
    found = forms.fixed_point(TWO, share, lambda x: forms.temper(x, 0.8))
    assert found[0] == pytest.approx(told, abs=5.1e-6)
    assert found == pytest.approx(share * TWO + (1 - share) * forms.temper(found, 0.8), abs=1e-12)


def test_nucleus():
    p = np.array([0.1, 0.5, 0.15, 0.25])
    assert forms.nucleus(p, 0.5) == pytest.approx([0, 1, 0, 0])
    assert forms.nucleus(p, 0.51) == pytest.approx([0, 2 / 3, 0, 1 / 3])
    assert forms.nucleus(p, 0.9) == pytest.approx([0, 5 / 9, 1.5 / 9, 2.5 / 9])
    assert forms.nucleus(p, 1.0) == pytest.approx(p)
    assert forms.nucleus(np.tile(p, (3, 1)), 0.51)[2] == pytest.approx([0, 2 / 3, 0, 1 / 3])


def test_outside_the_nucleus_only_real_text_remains():
    truth = zipf(50)
    trained_on = forms.fixed_point(truth, 0.2, lambda x: forms.nucleus(x, 0.9))
    outside = forms.nucleus(trained_on, 0.9) == 0
    assert outside.any()
    assert trained_on[outside] == pytest.approx(0.2 * truth[outside], abs=1e-14)
    gone = forms.fixed_point(truth, 0.0, lambda x: forms.nucleus(x, 0.9))
    assert (gone > 0).sum() < 50


# --- the simulation ---


@pytest.mark.parametrize("regime", BIAS_REGIMES)
@pytest.mark.parametrize("alpha", [0.0, 0.05, 0.4])
def test_sampling_noise_does_not_shift_the_weight_of_the_truth(regime, alpha):
    options = BiasOptions(regime=regime, alpha=alpha, types=20, generations=20, trajectories=3000, samples=300, seed=2)
    exact = [s for s in simulate_bias(options).series if s.expected and not s.approximate]
    assert [s.name for s in exact] == ["weight of the truth", "probability of the likeliest type"]
    for series in exact:
        apart = np.abs(np.array(series.mean) - np.array(series.expected))
        assert np.all(apart <= Z_LIMIT * np.array(series.error) + 1e-12)
        assert "Wang" in series.source


@pytest.mark.parametrize("regime", BIAS_REGIMES)
def test_exact_errors_are_those_of_many_trajectories(regime):
    options = BiasOptions(regime=regime, alpha=0.1, types=8, generations=12, trajectories=20_000, samples=30, seed=3)
    runs = np.stack(list(models(options, np.random.default_rng(3))))
    measure = np.arange(8) ** 2.0
    assert (runs @ measure).std(axis=1) == pytest.approx(linear_spread(options, measure)[1:], rel=0.03)


def test_few_trajectories_are_not_said_to_disagree():
    for seed in range(25):
        result = simulate_bias(BiasOptions(alpha=0.001, samples=50, trajectories=20, seed=seed))
        assert not [c for c in comparisons_of(result.series) if c.agrees is False]


@pytest.mark.parametrize("regime", BIAS_REGIMES)
def test_without_noise_forms_and_iteration_are_one(regime):
    options = BiasOptions(regime=regime, alpha=0.1, samples=0, types=12, generations=40, rate=None)
    wanted = closed_form(options)
    assert np.concatenate(list(models(options, None))) == pytest.approx(wanted[1:], abs=1e-13)
    for series in simulate_bias(options).series:
        assert series.mean == pytest.approx(series.expected, abs=1e-12)
        assert set(series.error) == {0}
        assert not series.approximate


def test_temperature_without_noise():
    options = BiasOptions(temperature=0.8, probabilities=(0.7, 0.3), samples=0, generations=10)
    likeliest = simulate_bias(options).series[0]
    told = [0.742523, 0.789830, 0.929939, 0.999626]
    assert [likeliest.mean[t] for t in (1, 2, 5, 10)] == pytest.approx(told, abs=5e-7)
    assert likeliest.mean == pytest.approx(likeliest.expected)


def test_fixed_point_of_a_run():
    options = BiasOptions(
        regime="fresh", real_share=0.1, temperature=0.8, probabilities=(0.7, 0.3), samples=0, generations=300
    )
    (comparison,) = simulate_bias(options).comparisons
    assert comparison.simulated == pytest.approx(comparison.expected, abs=1e-9)
    assert 0.1 * 0.7 + 0.9 * comparison.expected == pytest.approx(0.94497, abs=5.1e-6)


def test_top_p_kills_types():
    series = {s.name: s for s in simulate_bias(BiasOptions(top_p=0.9, generations=5, trajectories=20)).series}
    assert series["surviving types"].mean[5] < 0.5
    assert series["surviving types"].approximate
    assert "weight of the truth" not in series


def test_half_life_of_a_run():
    simulation = simulate_bias(BiasOptions(alpha=0.05, samples=0, generations=30))
    assert simulation.comparisons[0].simulated == 14
    assert simulation.comparisons[0].expected == pytest.approx(13.5, abs=0.05)
    slow = BiasOptions(alpha=0.05, regime="accumulate-subsample", generations=30)
    assert half_life(slow) == pytest.approx(1e6, rel=0.05)
    assert simulate_bias(slow).comparisons == ()
    assert half_life(BiasOptions(alpha=0.05, regime="fresh", real_share=0.5)) == math.inf
    fresh = BiasOptions(alpha=0.2, regime="fresh", real_share=0.02)
    assert truth_weight(fresh, int(half_life(fresh))) <= 0.5 < truth_weight(fresh, int(half_life(fresh)) - 1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"regime": "accumulate"}, "--regime must be one of"),
        ({"alpha": 1.5}, "--alpha must be between"),
        ({"temperature": 0.0}, "--temperature must be between"),
        ({"top_p": 0.0}, "--top-p must be between"),
        ({"real_share": 0.1}, "--real-share needs --regime fresh"),
        ({"rate": 0.1}, "--rate needs --regime accumulate-subsample"),
        ({"probabilities": (0.5, 0.2)}, "--probabilities must be"),
        ({"types": 10**6}, "use fewer"),
    ],
)
def test_what_cannot_be(settings, told):
    with pytest.raises(UsageError, match=told):
        BiasOptions(**settings)


def test_settings():
    assert BiasOptions().settings()["alpha"] == 0.05
    assert BiasOptions(top_p=0.9).settings()["alpha"] == 0
    assert simulate_bias(BiasOptions(types=2, shift=0, exponent=0, generations=2, trajectories=3)).what == "bias"
