"""What each regime retains: by hand, against the recursions of the worlds of tokens, and as laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam.errors import UsageError
from contam.theory import forecasting
from contam.theory import token_forms as forms
from contam.theory.retention import (
    Regime,
    exposures,
    heterozygosity_left,
    inherited,
    limit_exposure,
    written_exposure,
)
from contam.theory.token_worlds import REGIMES

SHARES = (0.01, 0.1, 0.3, 0.5, 0.9)
CASES = [Regime("replace"), Regime("accumulate"), *(Regime("accumulate-subsample", rate=k) for k in (0.1, 1, 3))]
CASES += [Regime(name, share) for name in ("fresh", "reused", "redrawn") for share in SHARES]


def test_exposures_by_hand():
    e = math.exp
    assert exposures(Regime("replace"), 2) == pytest.approx([1, 1 - e(-1), 1 - e(-(1 - e(-1)))])
    # A copy is missing from generation 1 when it is not drawn again (1 - r) and not written (e^-(1-r)).
    assert exposures(Regime("redrawn", 0.3), 1)[1] == pytest.approx(1 - 0.7 * e(-0.7))
    # One that is not among the kept ones is missing when it is not written.
    assert exposures(Regime("reused", 0.3), 1)[1] == pytest.approx(1 - 0.7 * e(-0.7))
    assert exposures(Regime("reused", 0.3), 2)[2] == pytest.approx(0.3 + 0.7 * (1 - e(-0.7 * (1 - e(-0.7)))))
    # A pool of two corpora of which half is read: neither the copy is read nor any of its Poisson(1) descendants.
    assert exposures(Regime("accumulate-subsample", rate=1), 1)[1] == pytest.approx(1 - 0.5 * e(-0.5))
    assert written_exposure(0) == pytest.approx(1 - e(-1))
    assert written_exposure(1) == pytest.approx(1 - e(-0.5) * e(-(1 - e(-0.5))))


def test_fresh_text_is_as_published_figures_of_the_exposure_have_it():
    assert exposures(Regime("fresh", 0.1), 10)[10] == pytest.approx(0.412141, abs=5e-7)
    assert exposures(Regime("fresh", 0.1), 1)[1] == pytest.approx(0.693430, abs=5e-7)
    assert exposures(Regime("replace"), 10)[10] == pytest.approx(0.158235, abs=5e-7)
    assert limit_exposure(Regime("fresh", 0.1)) == forecasting.exposure_limit(0.1)


@pytest.mark.parametrize("regime", CASES, ids=str)
def test_exposures_fall_from_one_to_their_limit(regime):
    e = exposures(regime, 300)
    assert e[0] == 1
    assert np.all(np.diff(e) <= 1e-12)
    limit = limit_exposure(regime)
    assert e[-1] >= limit - 1e-6
    far = exposures(regime, 3000)[-1]
    assert far == pytest.approx(limit, abs=2e-3)
    assert np.all(inherited(regime, 300) <= e + 1e-12)


@pytest.mark.parametrize("name", REGIMES)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_of_the_share(name, share):
    """Without real text every share is replace; with nothing else nothing is lost but what fresh text lacks."""
    if name in ("fresh", "reused", "redrawn"):
        wanted = exposures(Regime("replace"), 8) if share == 0 else np.ones(9)
        assert exposures(Regime(name, share), 8) == pytest.approx(wanted)
        n = np.array([50.0])
        wanted = heterozygosity_left(Regime("replace"), n, 8) if share == 0 else np.ones((9, 1))
        assert heterozygosity_left(Regime(name, share), n, 8) == pytest.approx(wanted)


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["fresh", "reused", "redrawn"]), st.integers(0, 30))
def test_more_real_text_never_hurts(a, b, name, generations):
    low, high = sorted((a, b))
    assert np.all(
        exposures(Regime(name, low), generations) <= exposures(Regime(name, high), generations) + 1e-9
    )


@given(st.floats(0.001, 1), st.integers(1, 30))
def test_new_real_text_beats_redrawn_text_which_beats_the_same(share, generations):
    fresh, redrawn, reused = (exposures(Regime(n, share), generations)[-1] for n in ("fresh", "redrawn", "reused"))
    assert fresh >= redrawn - 1e-9 >= reused - 2e-9


def test_slow_growth_has_the_limit_of_slower_growth():
    limits = [limit_exposure(Regime("accumulate-subsample", rate=k)) for k in (0.02, 0.01, 1e-6)]
    assert limits == pytest.approx([0.5] * 3, abs=1e-3)


def test_heterozygosity_against_the_recursions_of_the_worlds():
    n, kept, last = 1000, 300, 7
    size = np.array([float(n)])
    for name, form in (("reused", forms.reused_heterozygosity), ("redrawn", forms.redrawn_heterozygosity)):
        wanted = form(0.9, kept, n - kept, last + 1)[1:]
        found = heterozygosity_left(Regime(name, kept / n), size, last)[:, 0]
        assert found == pytest.approx(wanted / wanted[0], rel=1e-12)
    wanted = forms.fresh_heterozygosity(1.0, n, 0.3, np.arange(1, last + 2))
    assert heterozygosity_left(Regime("fresh", 0.3), size, last)[:, 0] == pytest.approx(wanted / wanted[0])
    wanted = forms.replace_heterozygosity(1.0, n, np.arange(last + 1))
    assert heterozygosity_left(Regime("replace"), size, last)[:, 0] == pytest.approx(wanted)
    corpus = forms.GrowingCorpus(n, 500, n)
    wanted = [h * (1 - corpus.reading_noise(t)) for t, h in enumerate(forms.growing_heterozygosity(corpus, last))]
    assert heterozygosity_left(Regime("accumulate-subsample", rate=0.5), size, last)[:, 0] == pytest.approx(wanted)
    wanted = forms.growing_heterozygosity(forms.GrowingCorpus(n, n), last)
    assert heterozygosity_left(Regime("accumulate"), size, last)[:, 0] == pytest.approx(wanted)


def test_heterozygosity_of_the_long_run():
    for n, share, loss in ((1000, 0.01, 0.047892), (20, 0.1, 0.216920)):
        left = heterozygosity_left(Regime("fresh", share), np.array([float(n)]), 3000)[-1, 0]
        assert 1 - left * (1 - 1 / n) == pytest.approx(loss, abs=5e-7)
    # (kept, synthetic): heterozygosity in the long run over that of the kept text.
    for kept, synthetic, ratio in ((100, 100, 0.99668), (100, 400, 0.99558), (100, 20, 0.99857)):
        n = kept + synthetic
        left = heterozygosity_left(Regime("reused", kept / n), np.array([float(n)]), 2000)[-1, 0]
        assert left * (1 - 1 / n) / (1 - 1 / kept) == pytest.approx(ratio, abs=6e-6)
    pool = heterozygosity_left(Regime("accumulate"), np.array([10.0]), 4000)[-1, 0]
    assert pool * (1 - 1 / 10) == pytest.approx(0.8434, abs=1e-4)


@pytest.mark.parametrize("regime", CASES, ids=str)
def test_heterozygosity_of_few_tokens_stays_a_share(regime):
    left = heterozygosity_left(regime, np.array([1.0, 2.0, 3.0, 1e7]), 20)
    assert left.shape == (21, 4)
    assert np.all(np.isfinite(left)) and np.all(left >= 0) and np.all(left <= 1 + 1e-12)


@pytest.mark.parametrize("bad", [{"name": "other"}, {"share": -0.1}, {"share": 1.1}, {"share": math.nan}, {"rate": 0}])
def test_regimes_that_cannot_be(bad):
    with pytest.raises(UsageError):
        Regime(**{"name": "fresh"} | bad)
