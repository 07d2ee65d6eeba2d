"""The closed forms of the world of tokens: worked figures, limits, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam.theory import binomial_chain as chain
from contam.theory import token_forms as forms
from contam.theory.goodness import chi_square, upper_tail
from contam.theory.token_worlds import zipf

FOUR = (0.5, 0.25, 0.15, 0.1)
EVEN_FALL = (0.4, 0.3, 0.2, 0.1)
ZIPF = zipf(1000, 1.0, 2.7)


def close(found, wanted, digits: int) -> bool:
    return bool(np.all(np.abs(np.asarray(found, float) - np.asarray(wanted, float)) <= 0.5001 * 10.0**-digits))


# --- replace ---


def test_replace():
    h = forms.replace_heterozygosity(forms.heterozygosity(FOUR), 50, [1, 10, 50, 100])
    assert close(h, [0.64190, 0.53518, 0.23853, 0.08687], 5)


def test_simpson_of_seddik():
    s0 = 1 - forms.heterozygosity(zipf(50))
    assert close(forms.seddik_simpson(s0, 100, [1, 10, 50]), [0.0895, 0.1682, 0.4436], 4)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=9), st.integers(2, 500))
def test_one_generation_of_replacement_is_a_multinomials_second_moment(weights, n):
    p = np.array(weights) / sum(weights)
    moment = (p * (1 - p) / n + p * p).sum()
    assert 1 - forms.replace_heterozygosity(forms.heterozygosity(p), n, 1) == pytest.approx(moment, abs=1e-12)


# --- branching ---


def test_survival_of_one_copy():
    u = 1 - forms.extinct(100)
    assert close(u[[1, 2, 3, 5, 10, 20, 50, 100]],
                 [0.63212, 0.46854, 0.37408, 0.26808, 0.15824, 0.08757, 0.03765, 0.01935], 5)  # fmt: skip
    assert close(forms.extinct(20)[20] ** 3, 0.7596, 4)
    assert [forms.median_extinction(c) for c in (1, 2, 5, 10, 20, 30)] == [2, 5, 13, 27, 56, 85]
    assert forms.median_extinction(1000) / 1000 == pytest.approx(2.885, abs=0.01)


def test_extinction_is_about_e_to_the_minus_2n_over_t():
    assert forms.extinct(2000)[2000] ** 500 == pytest.approx(math.exp(-2 * 500 / 2000), rel=0.01)


def test_vocabulary_sums_over_the_spectrum():
    q = forms.extinct(4)[4]
    assert forms.vocabulary(np.array([1, 1, 3, 0, 7]), 4) == pytest.approx(2 * (1 - q) + (1 - q**3) + (1 - q**7))
    assert forms.vocabulary(np.array([1, 1, 3, 0, 7]), 0) == 4


def test_rates_of_suresh():
    assert close([forms.suresh_rate(k) for k in (1, 2)], [1.0, 0.632], 3)
    assert close([forms.suresh_rate(k) for k in (5, 10)], [0.312, 0.172], 3)
    assert close([forms.suresh_rate(k) for k in (50, 100)], [0.0384, 0.0195], 4)
    assert all(1 / k <= forms.suresh_rate(k) <= 3 / k for k in range(1, 300))
    assert forms.suresh_rate(0) == math.inf


@pytest.mark.parametrize(("c", "told"), [(1, [0.632, 0.268, 0.158, 0.038]), (10, [1, 0.956, 0.821, 0.319])])
def test_a_word_of_c_copies(c, told):
    assert close([forms.suresh_survival(c, k) for k in (1, 5, 10, 50)], told, 3)
    assert forms.suresh_survival([0.0, c], 0).tolist() == [0, 1]


def test_types_kept_of_a_first_corpus():
    """What 1 - e^(-c g_k) says of the types that a corpus of 1,000 tokens holds; the figures of one such corpus lie
    within what corpora differ by."""
    told = [0.738, 0.598, 0.508, 0.444, 0.396, 0.359, 0.329, 0.304, 0.283, 0.265]
    simulated = [0.737, 0.595, 0.505, 0.441, 0.394, 0.357, 0.327, 0.303, 0.282, 0.264]
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        counts = rng.multinomial(1000, ZIPF)
        counts = counts[counts > 0]
        found.append([forms.suresh_survival(counts, k).mean() for k in range(1, 11)])
    mean, spread = np.mean(found, axis=0), np.std(found, axis=0)
    assert np.all(np.abs(mean - told) < 3 * spread)
    assert np.all(np.abs(mean - simulated) < 3 * spread)
    # Of the truth's types, 1,000 tokens cannot show so many: evenly spread they show most.
    assert forms.suresh_types(np.full(1000, 0.001), 1000, 1)[0] / 1000 == pytest.approx(1 - math.exp(-1))


@pytest.mark.parametrize("p", [ZIPF[:300] / ZIPF[:300].sum(), np.array(FOUR), np.full(20, 0.05)])
def test_bounds_of_suresh_hold_for_the_exact_chain(p):
    exact = chain.surviving_types(p, 200, 30)
    for k in range(1, 31):
        low, high = forms.suresh_types(p, 200, k)
        assert low <= exact[k] + 1e-9 <= high + 2e-9


def test_the_lower_bound_is_close_for_rare_types():
    exact = chain.surviving_types(ZIPF, 1000, 10)
    bound = [forms.suresh_types(ZIPF, 1000, k)[0] for k in range(1, 11)]
    assert np.all(np.abs(exact[1:] - bound) < 1)


# --- the chain ---


def test_the_chain_against_every_path():
    """Three tokens a generation, from p: all paths by hand over two generations."""
    p, n = np.array([0.6, 0.3, 0.1]), 3
    ways = [(a, b, n - a - b) for a in range(n + 1) for b in range(n + 1 - a)]

    def chance(q, counts):
        many = math.factorial(n) / math.prod(math.factorial(c) for c in counts)
        return many * math.prod(x**c for x, c in zip(q, counts))

    types, alone = 0.0, 0.0
    for first in ways:
        for second in ways:
            weight = chance(p, first) * chance(np.array(first) / n, second)
            types += weight * sum(c > 0 for c in second)
            alone += weight * (max(second) == n)
    assert chain.surviving_types(p, n, 2)[2] == pytest.approx(types)
    assert chain.collapsed(p, n, 2)[2] == pytest.approx(alone)


def test_the_chain_keeps_the_martingale_and_the_heterozygosity():
    n = 40
    x = np.arange(n + 1) / n
    assert np.allclose(chain.steps(n) @ x, x)
    assert np.allclose(chain.steps(n) @ (x * (1 - x)), (1 - 1 / n) * x * (1 - x))
    assert chain.first_counts(ZIPF, n).sum() == pytest.approx(1000)


def test_branching_is_the_limit_of_the_chain():
    exact = chain.absent(1000, 20)[:, [1, 2, 5]]
    assert np.all(np.abs(exact - forms.extinct(20)[:, None] ** [1, 2, 5]) < 0.01)
    assert exact[20, 1] ** 1.5 == pytest.approx(0.7586, abs=0.01)


def test_the_chain_is_offered_where_it_is_cheap():
    assert chain.affordable(1000, 100)
    assert not chain.affordable(1000, 10**6)
    assert not chain.affordable(10**5, 1)


# --- the end ---


@pytest.mark.parametrize(("n", "told", "error"), [(10, 17.2, 0.6), (100, 184, 6), (1000, 2051, 147)])
def test_times_to_one_token(n, told, error):
    uniform = np.full(10, 0.1)
    exact, (low, high) = chain.collapse_time(uniform, n), forms.seddik_time(uniform, n)
    assert abs(exact - told) < 3 * error
    assert exact / n == pytest.approx(1.8, rel=0.1)
    assert low < exact < high
    assert forms.diffusion_time(uniform, n) == pytest.approx(exact, rel=2 / n)


def test_bounds_and_time_of_seddik_for_zipf():
    low, high = forms.seddik_time(zipf(50), 100)
    assert close(low, 93.9, 1)
    assert close(high, 9106, 0)
    assert chain.collapse_time(zipf(50), 100) == pytest.approx(191.5, abs=4)


def test_diffusion_times():
    assert forms.diffusion_time_distinct(100) == pytest.approx(198)
    assert close(forms.diffusion_time([0.5, 0.5], 100), 138.6, 1)
    assert forms.diffusion_time(np.full(100, 0.01), 100) == pytest.approx(198, rel=0.01)
    assert chain.collapse_time([0.5, 0.5], 100) == pytest.approx(137.1, abs=2)
    # All tokens distinct: the first corpus is given, not drawn.
    inner = chain.steps(100)[1:-1, 1:-1]
    lacking = np.linalg.solve(np.eye(99) - inner, np.arange(1, 100) / 100)
    assert 100 * lacking[0] == pytest.approx(194.1, abs=4 * 1.9)


@pytest.mark.parametrize("p", [zipf(50), np.array(FOUR)])
def test_the_chance_of_one_type_lies_within_seddiks_bounds(p):
    exact = chain.collapsed(p, 50, 200)
    for m in range(1, 201):
        low, high = forms.seddik_collapsed(p, 50, m)
        assert low - 1e-9 <= exact[m] <= high + 1e-9
    assert chain.collapse_time(p, 50) == pytest.approx((1 - chain.collapsed(p, 50, 3000)).sum(), rel=1e-6)


# --- fresh real text ---


def test_fresh_equilibrium():
    left = [1 - forms.fresh_loss(*x) for x in ((50, 0.01), (50, 0.1), (200, 0.02), (20, 0.5))]
    assert close(left, [0.4937, 0.9030, 0.8874, 0.9344], 4)
    assert close([forms.fresh_loss(1000, 0.01), forms.fresh_loss(20, 0.1)], [0.047892, 0.216920], 6)
    assert forms.fresh_loss(1000, 0.01) == pytest.approx(1 / (1 + 2 * 1000 * 0.01), rel=0.01)
    assert forms.fresh_loss(50, 0) == 1


def test_fresh_course():
    h0 = forms.heterozygosity(EVEN_FALL)
    assert close(forms.fresh_heterozygosity(h0, 50, 0.02, 10), 0.5918, 4)
    h = h0
    for _ in range(10):
        h = (1 - 1 / 50) * ((1 - 0.98**2) * h0 + 0.98**2 * h)
    assert forms.fresh_heterozygosity(h0, 50, 0.02, 10) == pytest.approx(h, rel=1e-12)
    no_fresh = forms.fresh_heterozygosity(h0, 50, 0.0, [1, 7])
    assert no_fresh == pytest.approx(forms.replace_heterozygosity(h0, 50, [1, 7]))


def test_fresh_entropy():
    found = [forms.fresh_entropy(EVEN_FALL, *x) for x in ((200, 0.02), (50, 0.1), (500, 0.05))]
    assert close(found, [1.1144, 1.1368, 1.2497], 4)


# --- the same real text ---


def test_reused():
    assert close([forms.reused_limit(100, s) for s in (100, 400, 20)], [0.99668, 0.99558, 0.99857], 5)
    variances = [float(forms.reused_variance(0.4, 100, s)) for s in (100, 400, 20)]
    assert close(variances, [0.000797, 0.001062, 0.000342], 6)
    assert forms.reused_variance(0.4, 1000, 500) == pytest.approx(0.24 * 500 / (1000 * 2000), rel=0.01)


@pytest.mark.parametrize(("kept", "synthetic"), [(100, 100), (100, 400), (100, 20), (1, 5)])
def test_reused_course_ends_at_the_limit(kept, synthetic):
    h = forms.reused_heterozygosity(0.7, kept, synthetic, 4000)
    assert h[0] == 0.7
    assert h[1] == pytest.approx(0.7 * (1 - 1 / (kept + synthetic)))
    assert h[-1] == pytest.approx(0.7 * (1 - 1 / kept) * forms.reused_limit(kept, synthetic))
    assert len(forms.reused_heterozygosity(0.7, kept, synthetic, 1)) == 2


def test_maximal_synthetic_amount():
    assert forms.maximal_synthetic(1000, 0.1) == pytest.approx(125)
    assert forms.maximal_synthetic(1000, 0.25) == pytest.approx(500)
    assert forms.maximal_synthetic(1000, 0.5) == math.inf
    # At that amount the added variance is the tolerance times s/N, for large corpora.
    added = forms.reused_variance(0.3, 10**6, 125_000)
    assert added == pytest.approx(0.1 * 0.21 / 10**6, rel=1e-3)
    assert forms.reused_distance_bound(50, 1000, 125) == pytest.approx(math.sqrt(49 * 125 / (1000 * 1250)), rel=0.01)


def test_the_distance_bound_holds():
    rng, kept, written = np.random.default_rng(5), 100, 50
    real = np.tile(rng.multinomial(kept, zipf(20)), (500, 1))
    model = real / kept
    for _ in range(40):
        model = (real + rng.multinomial(written, model)) / (kept + written)
    # What reaches the bound is the newest model without its sampling: compare what it was trained from.
    distance = np.abs(model - real / kept).sum(axis=1).mean()
    assert 0.5 * forms.reused_distance_bound(20, kept, written) < distance
    assert distance < forms.reused_distance_bound(20, kept, written)


def test_maximal_amount_of_seddik():
    assert forms.seddik_maximal_synthetic(10**6, 65, 1.0) == pytest.approx(
        2 * math.pi / math.e**2 * math.log(math.sqrt(2 * math.pi) * 1e6 / (6 * math.e * 65))
    )
    assert forms.seddik_maximal_synthetic(100, 65, 0.1) == 0
    assert forms.seddik_maximal_synthetic(10**30, 4, 1.0) == pytest.approx(4 * math.pi / math.e**2)


# --- a growing corpus ---


@pytest.mark.parametrize(("n", "limit"), [(4, 0.6366), (10, 0.8434), (50, 0.9674)])
def test_accumulate(n, limit):
    assert close(forms.accumulate_limit(n), limit, 4)
    assert forms.accumulate_heterozygosity(n, 100_000) == pytest.approx(forms.accumulate_limit(n), rel=1e-4)
    assert forms.accumulate_limit(10_000) == pytest.approx(1 - math.pi**2 / 60_000, rel=1e-6)


def test_accumulate_is_a_corpus_that_is_read_whole():
    whole = forms.growing_heterozygosity(forms.GrowingCorpus(10, 10), 30)
    wanted = [forms.accumulate_heterozygosity(10, t) for t in range(1, 32)]
    assert (1 - 1 / 10) * whole == pytest.approx(wanted)
    assert (1 - 1 / 10) * forms.growing_limit(forms.GrowingCorpus(10, 10)) == pytest.approx(forms.accumulate_limit(10))


@pytest.mark.parametrize(
    ("start", "read", "added", "t", "told", "limit"),
    [(50, 20, 25, 100, 0.96660, 0.96577), (50, 50, 50, 100, 0.97510, 0.97472), (20, 10, 40, 50, 0.89232, 0.89018)],
)
def test_growing_corpus(start, read, added, t, told, limit):
    corpus = forms.GrowingCorpus(start, added, read, replacement=True)
    assert close(forms.growing_heterozygosity(corpus, t)[t], told, 5)
    assert close(forms.growing_limit(corpus), limit, 5)
    weight = [added / (start + k * added) for k in range(1, t + 1)]
    noise = 1 / added + 1 / read - 1 / (added * read)
    assert forms.growing_heterozygosity(corpus, t)[t] == pytest.approx(math.prod(1 - w * w * noise for w in weight))


def test_without_replacement_less_is_lost():
    read = forms.GrowingCorpus(50, 25, 20)
    assert forms.growing_heterozygosity(read, 50)[-1] > forms.growing_heterozygosity(
        forms.GrowingCorpus(50, 25, 20, replacement=True), 50
    )[-1]
    assert forms.GrowingCorpus(50, 25, 50).reading_noise(0) == 0
    assert forms.unread_noise(50, 1) == 1


# --- goodness of fit ---


def test_chi_square_and_its_tail():
    stats = pytest.importorskip("scipy.stats")
    p = np.array([0.4, 0.3, 0.2, 0.06, 0.04])
    seen = np.array([35, 38, 15, 9, 3])
    statistic, freedom = chi_square(seen, p)
    assert freedom == 3
    wanted = stats.chisquare([35, 38, 15, 12], [40, 30, 20, 10])
    assert statistic == pytest.approx(wanted.statistic)
    assert upper_tail(statistic, freedom) == pytest.approx(wanted.pvalue)
    for freedom in (1, 3, 9, 50):
        for x in np.linspace(0.3, 3, 10) * freedom:
            assert upper_tail(float(x), freedom) == pytest.approx(stats.chi2.sf(x, freedom))
    assert chi_square(np.array([3, 1]), np.array([0.7, 0.3])) == (0.0, 0)
