"""Worlds of tokens: simulations against closed forms, regime by regime."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from contam.errors import UsageError
from contam.theory import token_forms as forms
from contam.theory.estimates import comparisons_of
from contam.theory.forecasting import exposure
from contam.theory.record import DERIVED, PAPER, Z_LIMIT, Series
from contam.theory.token_worlds import REGIMES, collapse_times, world, zipf
from contam.theory.tokens import TokensOptions, entropy_bits, simulate_tokens, total_variation

FOUR = (0.5, 0.25, 0.15, 0.1)
EVEN_FALL = (0.4, 0.3, 0.2, 0.1)


def by_name(simulation) -> dict[str, Series]:
    return {s.name: s for s in simulation.series}


def agree(series: Series) -> bool:
    """Whether every generation lies within the limit of its closed form, or on the right side of its bound."""
    assert len(series.x) == len(series.mean) == len(series.error) == len(series.expected)
    apart = np.array(series.mean) - np.array(series.expected)
    slack = Z_LIMIT * np.array(series.error) + 1e-12
    return bool(np.all({"upper": apart, "lower": -apart}.get(series.bound, np.abs(apart)) <= slack))


def model(options: TokensOptions, t: int) -> np.ndarray:
    """The models of generation ``t``, a row a trajectory."""
    return next(islice(world(options, np.random.default_rng(options.seed)), t - 1, None)).model


def lost(q: np.ndarray) -> tuple[float, float]:
    """Mean heterozygosity and its standard error."""
    h = 1 - np.square(q).sum(axis=1)
    return float(h.mean()), float(h.std(ddof=1)) / math.sqrt(len(h))


def near(found: tuple[float, float], wanted: float) -> bool:
    return abs(found[0] - wanted) <= Z_LIMIT * found[1]


# --- every regime ---


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("truth", [FOUR, ()])
def test_every_closed_form_holds(regime, truth):
    options = TokensOptions(
        regime=regime, types=200, samples=60, generations=25, trajectories=600, probabilities=truth, seed=3
    )
    simulation = simulate_tokens(options)
    forms_seen = [s for s in simulation.series if s.expected and not s.approximate]
    assert "heterozygosity" in {s.name for s in forms_seen}
    for series in forms_seen:
        assert agree(series), series.name
        assert series.origin in (PAPER, DERIVED)
        assert series.source
    assert all(c.agrees in (True, None) for c in simulation.comparisons)


@pytest.mark.parametrize("regime", REGIMES)
def test_generation_0_is_the_truth(regime):
    simulation = simulate_tokens(TokensOptions(regime=regime, types=30, samples=20, generations=3, trajectories=5))
    series = by_name(simulation)
    truth = zipf(30, 1, 2.7)
    assert series["heterozygosity"].mean[0] == pytest.approx(forms.heterozygosity(truth))
    assert series["entropy (bits)"].mean[0] == pytest.approx(-(truth * np.log2(truth)).sum())
    assert (series["surviving types"].mean[0], series["total variation"].mean[0]) == (1, 0)
    assert all(s.error[0] == 0 for s in simulation.series if s.x[0] == 0)
    assert all(len(s.x) == 4 for s in simulation.series if s.x[0] == 0)
    assert simulation.to_dict()["what"] == "tokens"


def test_the_same_seed_the_same_figures():
    options = TokensOptions(types=20, samples=30, generations=5, trajectories=10, seed=9)
    assert simulate_tokens(options).series == simulate_tokens(options).series
    other = TokensOptions(types=20, samples=30, generations=5, trajectories=10, seed=10)
    assert simulate_tokens(options).series != simulate_tokens(other).series


def test_one_generation_two_trajectories():
    for regime in REGIMES:
        simulation = simulate_tokens(TokensOptions(regime=regime, types=5, samples=20, generations=1, trajectories=2))
        assert all(math.isfinite(v) for s in simulation.series for v in (*s.mean, *s.error))


# --- worked figures ---


def test_replace():
    options = TokensOptions(samples=50, probabilities=FOUR, trajectories=6000, generations=100, seed=1)
    h = by_name(simulate_tokens(options))["heterozygosity"]
    for t, told in ((1, 0.6416), (10, 0.53482), (50, 0.23828), (100, 0.08722)):
        found = (h.mean[t], h.error[t])
        assert near(found, float(forms.replace_heterozygosity(forms.heterozygosity(FOUR), 50, t)))
        assert abs(h.mean[t] - told) < 0.01


@pytest.mark.parametrize(
    ("n", "r", "told"), [(50, 0.01, 0.4947), (50, 0.1, 0.9030), (200, 0.02, 0.8870), (20, 0.5, 0.9344)]
)
def test_fresh_equilibrium(n, r, told):
    options = TokensOptions(
        regime="fresh", samples=n, real_share=r, probabilities=EVEN_FALL, trajectories=4000, generations=150, seed=2
    )
    found, error = lost(model(options, 150))
    h0 = forms.heterozygosity(EVEN_FALL)
    assert near((found, error), float(forms.fresh_heterozygosity(h0, n, r, 150)))
    assert abs(found / h0 - told) < 5 * error / h0 + (0.03 if r == 0.01 else 0)


def test_fresh_course_and_entropy():
    options = TokensOptions(
        regime="fresh", samples=50, real_share=0.02, probabilities=EVEN_FALL, trajectories=20_000, generations=10,
        seed=3,
    )  # fmt: skip
    found = lost(model(options, 10))
    assert near(found, float(forms.fresh_heterozygosity(forms.heterozygosity(EVEN_FALL), 50, 0.02, 10)))
    assert abs(found[0] - 0.59215) < Z_LIMIT * 1.5 * found[1]
    for n, r, told in ((200, 0.02, 1.1117), (50, 0.1, 1.1329), (500, 0.05, 1.2498)):
        options = TokensOptions(
            regime="fresh", samples=n, real_share=r, probabilities=EVEN_FALL, trajectories=2000, generations=120, seed=4
        )
        entropy = entropy_bits(model(options, 120)) * math.log(2)
        error = float(entropy.std(ddof=1)) / math.sqrt(len(entropy))
        assert abs(entropy.mean() - told) < Z_LIMIT * error + 0.002
        assert entropy.mean() == pytest.approx(forms.fresh_entropy(EVEN_FALL, n, r), rel=0.01)


@pytest.mark.parametrize(
    ("r", "g", "told", "theory"),
    [(0, 5, 1645.8, 1640.9), (0.05, 10, 1735.0, 1739.6), (0.1, 50, 2052.0, 2048.2), (0.5, 20, 2909.3, 2912.4)],
)
def test_vocabulary_with_fresh_text(r, g, told, theory):
    options = TokensOptions(
        regime="fresh", types=4000, samples=20_000, real_share=r, trajectories=8, generations=g + 1, seed=5
    )
    assert (-np.expm1(-20_000 * options.truth * exposure(r, g)[-1])).sum() == pytest.approx(theory, abs=0.06)
    types = (model(options, g + 1) > 0).sum(axis=1)
    error = float(types.std(ddof=1)) / math.sqrt(len(types))
    assert abs(types.mean() - theory) < Z_LIMIT * error + 0.002 * theory
    assert abs(types.mean() - told) < 2 * Z_LIMIT * error


def test_extinction_by_copies():
    options = TokensOptions(samples=1000, generations=21, trajectories=300, seed=6)
    first, after = islice(world(options, np.random.default_rng(6)), 0, 21, 20)
    those = np.rint(first.model * 1000) == 3
    share = (after.model == 0)[those].mean()
    assert share == pytest.approx(0.7586, abs=0.006)


@pytest.mark.parametrize(
    ("kept", "written", "told"), [(100, 100, 0.99669), (100, 400, 0.99561), (100, 20, 0.99856)]
)
def test_reused(kept, written, told):
    n = kept + written
    options = TokensOptions(
        regime="reused", samples=n, real_share=kept / n, probabilities=EVEN_FALL, trajectories=8000, generations=60,
        seed=7,
    )  # fmt: skip
    last = next(islice(world(options, np.random.default_rng(7)), 59, None))
    assert last.real is not None
    ratio = (1 - np.square(last.model).sum(axis=1)) / (1 - np.square(last.real).sum(axis=1))
    error = float(ratio.std(ddof=1)) / math.sqrt(len(ratio))
    assert near((float(ratio.mean()), error), forms.reused_limit(kept, written))
    assert abs(ratio.mean() - told) < 2 * Z_LIMIT * error
    assert np.all(last.model[last.real > 0] > 0)
    # The variance of the first type about its real frequency; the kept text itself differs between trajectories.
    variance = np.square(last.model[:, 0] - last.real[:, 0]).mean()
    real = last.real[:, 0]
    assert variance == pytest.approx(forms.reused_variance(real, kept, written).mean(), rel=0.08)


@pytest.mark.parametrize(("n", "told"), [(4, 0.6378), (10, 0.8421), (50, 0.9670)])
def test_accumulate(n, told):
    options = TokensOptions(
        regime="accumulate", samples=n, probabilities=EVEN_FALL, trajectories=8000, generations=200, seed=8
    )
    h0 = forms.heterozygosity(EVEN_FALL)
    found, error = lost(model(options, 200))
    assert near((found / h0, error / h0), forms.accumulate_heterozygosity(n, 200))
    assert abs(found / h0 - told) < Z_LIMIT * error / h0 + 0.001


@pytest.mark.parametrize(
    ("start", "read", "added", "t", "told"),
    [(50, 20, 25, 100, 0.96622), (50, 50, 50, 100, 0.97489), (20, 10, 40, 50, 0.8916)],
)
def test_accumulate_subsample(start, read, added, t, told):
    options = TokensOptions(
        regime="accumulate-subsample", corpus=start, samples=read, rate=added / start, replacement=True,
        probabilities=EVEN_FALL, trajectories=6000, generations=t + 1, seed=9,
    )  # fmt: skip
    first, last = islice(world(options, np.random.default_rng(9)), 0, t + 1, t)
    begun, ended = (1 - np.square(x.corpus).sum(axis=1) for x in (first, last))
    wanted = forms.growing_heterozygosity(forms.GrowingCorpus(start, added, read, True), t)[t]
    apart = ended - wanted * begun
    assert abs(apart.mean()) < Z_LIMIT * apart.std(ddof=1) / math.sqrt(len(apart))
    assert abs(ended.mean() / begun.mean() - told) < 0.006


# --- a control run: Zipf 1/(rank + 2.7), 1,000 types, 1,000 tokens ---

CONTROL = {
    "replace": ({}, [7.71, 6.84, 6.27, 4.75, 3.59], (391, 17), [0.31, 0.62, 0.79, 0.88]),
    "10 % kept": (
        {"regime": "redrawn", "real_share": 0.1}, [7.71, 6.98, 6.79, 6.75, 6.74], (392, 188), [0.31, 0.51, 0.52, 0.53],
    ),
    "10 % fresh": (
        {"regime": "fresh", "real_share": 0.1}, [7.70, 7.10, 6.95, 6.87, 6.88], (389, 215), [0.32, 0.49, 0.50, 0.50],
    ),
    "50 % kept": (
        {"regime": "redrawn", "real_share": 0.5}, [7.71, 7.42, 7.41, 7.42, 7.43], (391, 304), [0.31, 0.39, 0.39, 0.39],
    ),
    "subsample, k=1": (
        {"regime": "accumulate-subsample"}, [7.71, 7.31, 7.25, 7.20, 7.18], (392, 251), [0.31, 0.43, 0.44, 0.44],
    ),
    "subsample, k=.1": (
        {"regime": "accumulate-subsample", "rate": 0.1}, [7.69, 7.50, 7.40, 7.23, 7.20], (387, 255),
        [0.32, 0.39, 0.42, 0.43],
    ),
    "accumulate": ({"regime": "accumulate"}, [7.69, 7.57, 7.55, 7.53, 7.53], (387, 387), [0.31, 0.35, 0.36, 0.36]),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTROL)
def test_control_run(name):
    """The figures are of few trajectories, so they may differ from the mean as trajectories do."""
    settings, entropy, types, distance = CONTROL[name]
    options = TokensOptions(trajectories=20, generations=100, seed=11, **settings)
    assert entropy_bits(options.truth) == pytest.approx(8.35, abs=0.005)
    found = dict(zip(range(1, 101), (now.model for now in islice(world(options, np.random.default_rng(11)), 100))))

    def like(values: np.ndarray, told: float, rounding: float) -> bool:
        return abs(values.mean() - told) <= 3 * values.std(ddof=1) + rounding

    assert all(like(entropy_bits(found[t]), told, 0.005) for t, told in zip((1, 5, 10, 40, 100), entropy))
    assert all(
        like(total_variation(found[t], options.truth), told, 0.005) for t, told in zip((1, 10, 40, 100), distance)
    )
    assert all(like((found[t] > 0).sum(axis=1), told, 0.5) for t, told in zip((1, 100), types))


# --- the end ---


def test_times_and_winners():
    rng = np.random.default_rng(12)
    times, winners = collapse_times(np.full(100, 0.01), 100, 1500, rng)
    # Not all distinct at the beginning: the first corpus is drawn.
    assert abs(times.mean() - 189.6) < Z_LIMIT * times.std() / math.sqrt(1500) + 3
    times, winners = collapse_times(np.array([0.3, 0.7]), 20, 4000, rng)
    assert set(winners.tolist()) == {0, 1}
    assert abs((winners == 1).mean() - 0.7) < Z_LIMIT * math.sqrt(0.21 / 4000)
    times, _ = collapse_times(np.array([0.5, 0.5]), 100, 2000, rng)
    assert abs(times.mean() - 137.1) < Z_LIMIT * times.std() / math.sqrt(2000)


def test_what_has_not_ended_says_so():
    times, winners = collapse_times(np.array([0.5, 0.5]), 1000, 5, np.random.default_rng(0), limit=3)
    assert times.tolist() == [3] * 5
    assert winners.tolist() == [-1] * 5


def test_the_last_token_is_i_with_probability_p_i():
    simulation = simulate_tokens(TokensOptions(types=8, samples=30, generations=2, trajectories=2000, seed=13))
    chi = next(c for c in simulation.comparisons if "chi-square" in c.name)
    assert chi.agrees
    assert chi.expected == 7


# --- options ---


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"regime": "replaced"}, "--regime must be one of replace, fresh"),
        ({"distribution": "normal"}, "--distribution must be one of"),
        ({"samples": 1}, "--samples must be between"),
        ({"generations": 0}, "--generations must be between"),
        ({"trajectories": 1}, "--trajectories must be between"),
        ({"real_share": 0.1}, "--real-share needs --regime fresh"),
        ({"rate": 0.1}, "--rate and --corpus need --regime accumulate"),
        ({"corpus": 50, "regime": "reused"}, "--rate and --corpus need"),
        ({"regime": "fresh", "real_share": 1.5}, "--real-share must be between 0 and 1"),
        ({"regime": "reused", "real_share": 0.0}, "leaves no real or no synthetic one"),
        ({"regime": "redrawn", "real_share": 1.0}, "leaves no real or no synthetic one"),
        ({"regime": "accumulate-subsample", "corpus": 100}, "take fewer, or --replacement"),
        ({"probabilities": (0.5, 0.6)}, "--probabilities must be"),
        ({"probabilities": (1.0, 0.0)}, "--probabilities must be"),
        ({"probabilities": (math.nan, 0.5)}, "--probabilities must be"),
        ({"types": 10**6}, "use fewer --trajectories or --types"),
        (
            {"regime": "accumulate-subsample", "corpus": 10**8, "types": 10},
            "grows to 2,000,000,000 tokens.*lower --corpus, --rate or --generations, or take --replacement",
        ),
        ({"regime": "accumulate-subsample", "samples": 10**8, "types": 10}, "lower --samples, --rate"),
    ],
)
def test_what_cannot_be(settings, told):
    with pytest.raises(UsageError, match=told):
        TokensOptions(**settings)


def test_distributions():
    assert TokensOptions(distribution="uniform", types=4).truth.tolist() == [0.25] * 4
    assert TokensOptions(types=3, shift=0).truth == pytest.approx(np.array([6, 3, 2]) / 11)
    assert TokensOptions(probabilities=FOUR).truth == pytest.approx(FOUR)
    assert TokensOptions(probabilities=FOUR).settings()["probabilities"] == list(FOUR)


def test_beyond_the_chain_branching_serves():
    simulation = simulate_tokens(TokensOptions(samples=5000, types=3000, generations=4, trajectories=10))
    gone = by_name(simulation)["extinct, of 1 copy"]
    assert gone.approximate
    assert gone.expected == pytest.approx(forms.extinct(3))
    assert simulation.comparisons == ()
    assert any("up to 1500" in note for note in simulation.notes)


def test_the_largest_corpus_that_is_sampled_without_replacement():
    """What the check lets through, numpy can sample; one token more and it cannot."""
    size = (10**9 - 1) // 3
    options = TokensOptions("accumulate-subsample", types=10, samples=100, corpus=10**8, generations=9, trajectories=2)
    assert options.start + options.added * 8 == 9 * 10**8 and len(simulate_tokens(options).series[0].mean) == 10
    rng = np.random.default_rng(0)
    assert rng.multivariate_hypergeometric([size, size, size], 9).sum() == 9
    with pytest.raises(ValueError, match="1000000000"):
        rng.multivariate_hypergeometric([size, size, size + 1], 9)
    TokensOptions("accumulate-subsample", types=10, corpus=10**8, generations=20, replacement=True)


def test_few_trajectories_are_not_said_to_disagree():
    """A skewed mean of twenty is more than 4 of its own errors away now and then."""
    tested = []
    for seed in range(40):
        result = simulate_tokens(TokensOptions("fresh", types=100, samples=200, trajectories=20, seed=seed))
        tested += [c for c in comparisons_of(result.series) if c.agrees is not None]
    assert not [c for c in tested if not c.agrees]
