"""The formulas of the forecast: worked figures, laws, and the world they are about."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam.errors import UsageError
from contam.theory import forecasting as forecast
from contam.theory.token_worlds import TokensOptions, world, zipf

SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)


def test_exposure():
    limits = [forecast.exposure_limit(r) for r in SHARES]
    assert limits == pytest.approx([0.0813, 0.2582, 0.3997, 0.5874, 0.7129, 0.8703, 0.9560, 0.9951], abs=5.1e-5)
    assert forecast.exposure(0.1, 10)[10] == pytest.approx(0.412141, abs=5e-7)
    assert forecast.exposure(0.1, 1)[1] == pytest.approx(0.693430, abs=5e-7)
    assert forecast.exposure(0.0, 10)[10] == pytest.approx(0.158235, abs=5e-7)
    assert forecast.exposure_limit(0) == 0
    assert forecast.exposure_limit(1) == 1


@given(st.floats(0, 1), st.integers(0, 40))
def test_exposure_falls_from_one_to_its_limit(share, generations):
    e = forecast.exposure(share, generations)
    assert e[0] == 1
    assert np.all(np.diff(e) <= 1e-15)
    assert e[-1] >= forecast.exposure_limit(share) - 1e-12
    assert len(forecast.survival(share, generations)) == generations + 1


@pytest.mark.parametrize("share", [1e-3, 5e-4, 1e-4])
def test_the_limit_with_hardly_any_fresh_text(share):
    generations = round(25 / share)
    assert forecast.exposure(share, generations)[-1] == pytest.approx(forecast.exposure_limit(share), rel=1e-6)
    assert forecast.exposure_limit(1e-300) == 0 < forecast.exposure_limit(1e-12) < 1e-10


@given(st.floats(0.02, 1))
def test_the_limit_is_that_of_the_sum(share):
    assert forecast.exposure(share, 3000)[-1] == pytest.approx(forecast.exposure_limit(share), abs=1e-12)


def test_heaps():
    found = [forecast.heaps_retention(0.6, r, None) for r in SHARES]
    assert found == pytest.approx([0.222, 0.444, 0.577, 0.727, 0.816, 0.920, 0.973, 0.997], abs=5.1e-4)


@pytest.mark.parametrize(
    ("generations", "shares"),
    [(None, (0.068, 0.279, 0.450, 0.596)), (10, (0.057, 0.278, 0.450, 0.596)), (3, (0, 0.259, 0.446, 0.595))],
)
def test_minimum_share(generations, shares):
    for wanted, told in zip((0.5, 0.8, 0.9, 0.95), shares):
        found = forecast.minimum_share(lambda r: forecast.heaps_retention(0.6, r, generations), wanted)
        assert found == pytest.approx(told, abs=6e-4)
        assert forecast.heaps_retention(0.6, found, generations) >= wanted


def test_minimum_share_at_the_ends():
    assert forecast.minimum_share(lambda r: r, 0.0) == 0
    assert forecast.minimum_share(lambda r: r, 1.0) == pytest.approx(1)
    assert math.isnan(forecast.minimum_share(lambda r: 0.5 * r, 0.8))
    assert math.isnan(forecast.minimum_share(lambda r: math.nan, 0.8))


def test_tail_retention_by_hand():
    # Four tokens, three types (2, 1, 1): a sample of two holds 2 types, or 1 with chance 1/6.
    counts = np.array([2, 1, 1])
    share = forecast.minimum_share(forecast.exposure_limit, 0.5)
    assert forecast.tail_retention(counts, share, None) == pytest.approx((2 - 1 / 6) / 3)
    assert forecast.tail_retention(counts, 1.0, None) == pytest.approx(1)
    assert forecast.tail_retention(counts, 0.3, 0) == pytest.approx(1)
    assert forecast.tail_retention(counts, 0.0, None) == 0
    assert math.isnan(forecast.tail_retention(np.array([], int), 0.1, 5))


def test_tail_retention_against_the_world_it_is_about():
    """A real corpus, then models of it with a fifth of fresh text: the vocabulary of the tenth, over the corpus's."""
    options = TokensOptions(
        regime="fresh", types=8000, samples=10_000, real_share=0.2, trajectories=12, generations=11, seed=1
    )
    first, last = islice(world(options, np.random.default_rng(1)), 0, 11, 10)
    told = [forecast.tail_retention(np.rint(row * 10_000), 0.2, 10) for row in first.model]
    ratio = (last.model > 0).sum(axis=1) / (first.model > 0).sum(axis=1)
    apart = ratio - np.array(told)
    assert abs(apart.mean()) < 4 * apart.std(ddof=1) / math.sqrt(12) + 0.002
    assert 0.5 < ratio.mean() < 0.8


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_real_text_never_hurts(a, b):
    counts = np.array([50, 20, 10, 5, 3, 1, 1, 1, 1])
    low, high = sorted((a, b))
    for generations in (None, 4):
        assert forecast.tail_retention(counts, low, generations) <= forecast.tail_retention(
            counts, high, generations
        ) * (1 + 1e-9)
        head = [forecast.head_retention(1000, r, generations) for r in (low, high)]
        assert head[0] <= head[1] + 1e-12


def test_head():
    assert 1 - forecast.head_retention(1000, 0.01, None) == pytest.approx(0.047892, abs=5e-7)
    assert 1 - forecast.head_retention(20, 0.1, None) == pytest.approx(0.216920, abs=5e-7)
    assert forecast.head_retention(1000, 0.01, 10**5) == pytest.approx(forecast.head_retention(1000, 0.01, None))
    # Generation 0 is a real corpus: it lacks what any sample lacks.
    assert forecast.head_retention(100, 0.0, 0) == pytest.approx(0.99)
    # The head asks for about 1/N of real text where the tail asks for nearly half.
    assert forecast.head_retention(10**6, 1e-5, None) > 0.9
    assert forecast.heaps_retention(0.6, 1e-5, None) < 0.01


def test_contexts():
    n, r = np.array([1, 10, 1000]), 0.1
    wanted = (10 / (1 + 9 * 0.19) * 9 * 0.19 + 1000 / (1 + 999 * 0.19) * 999 * 0.19) / 1010
    assert forecast.context_retention(n, r) == pytest.approx(wanted)
    assert forecast.context_retention(n, r) < forecast.head_retention(1000, r, None)
    assert math.isnan(forecast.context_retention([1, 1], r))


def test_the_spectrum_serves_as_counts():
    from contam_metrics.ngrams import spectrum

    counts = np.random.default_rng(2).multinomial(5000, zipf(3000))
    assert forecast.tail_retention(spectrum(counts), 0.2, 7) == forecast.tail_retention(counts, 0.2, 7)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_shares_that_are_none(share):
    for call in (
        lambda: forecast.exposure(share, 3),
        lambda: forecast.exposure_limit(share),
        lambda: forecast.head_retention(10, share, None),
        lambda: forecast.context_retention([5], share),
    ):
        with pytest.raises(UsageError, match="between 0 and 1"):
            call()


def test_assumptions_are_sentences():
    assert all(sentence.endswith(".") for sentence in forecast.ASSUMPTIONS)
