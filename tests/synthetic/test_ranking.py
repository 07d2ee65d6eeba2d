"""The figures of a pair, the rank test and both bounds, against worked numbers and plain loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam.synthetic.ranking import Bound, bound, exact_bound, pair_of, rank_test

ONE_TO_TEN = np.arange(1.0, 11.0)
AUDITED = np.array([1, 2, 3, 4, 5, 9, 9, 9, 9, 10], float)
scores = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30).map(np.array)


def slow_auc(a, b) -> float:
    return sum((y > x) + 0.5 * (y == x) for x in a for y in b) / (len(a) * len(b))


def slow_left(a, b) -> float:
    """The quantile by its definition: position .8 (n - 1), interpolated between neighbours."""
    a = sorted(a)
    place = 0.8 * (len(a) - 1)
    low = min(math.floor(place), len(a) - 1)
    high = min(low + 1, len(a) - 1)
    x = a[low] + (place - low) * (a[high] - a[low])
    return sum(y <= x + 1e-12 for y in b) / len(b) / 0.8


def slow_exact(a, b, alpha=0.05) -> float:
    e_a, e_b = (math.sqrt(math.log(2 / alpha) / (2 * len(s))) for s in (a, b))
    best = 0.0
    for x in [*a, *b]:
        f_a, f_b = sum(v <= x for v in a) / len(a), sum(v <= x for v in b) / len(b)
        if f_a > e_a:
            best = max(best, 1 - (f_b + e_b) / (f_a - e_a))
    return best


def test_worked_pair():
    pair = pair_of(ONE_TO_TEN, AUDITED)
    assert pair.left == pytest.approx(0.625) and pair.auc == pytest.approx(0.56)


def test_worked_bound():
    """rho = .9 is the second smallest of 39."""
    null = np.array([0.8, 0.9] + [0.95] * 37)
    assert bound(0.625, null) == Bound(pytest.approx(0.305556, abs=1e-6), 0.9)


@pytest.mark.parametrize(("pairs", "k"), [(20, 1), (38, 1), (39, 2), (57, 2), (59, 3), (5, 1)])
def test_which_null_pair_is_the_limit(pairs, k):
    null = np.linspace(0.5, 1.5, pairs)[::-1]
    assert bound(0.1, null).limit == pytest.approx(np.sort(null)[k - 1])


def test_no_bound_where_nothing_is_missing():
    null = np.full(39, 0.9)
    assert bound(0.9, null).share == 0 and bound(1.2, null).share == 0
    assert bound(0.0, null).share == 1
    assert bound(0.0, np.zeros(39)).share == 0, "a null that leaves nothing itself bounds nothing"


def test_rank_test_counts_ties_against_the_alarm():
    null = np.array([0.4, 0.5, 0.6])
    assert rank_test(0.7, null) == 0.25 and rank_test(0.6, null) == 0.5 and rank_test(0.1, null) == 1
    assert rank_test(0.6 + 1e-12, null) == 0.5, "a figure that was written and read back is still a tie"


def test_the_rank_is_uniform_where_pairs_are_alike():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, 40))
    p = np.array([rank_test(row[0], row[1:]) for row in draws])
    for level in (0.05, 0.25, 0.5):
        assert abs((p <= level).mean() - level) < 4 * math.sqrt(level * (1 - level) / 4000)


def test_worked_exact_bound():
    assert exact_bound(np.arange(400.0), np.arange(200.0, 600.0)) == pytest.approx(0.842847, abs=1e-6)
    assert exact_bound(np.arange(400.0), np.arange(400.0)) == 0
    assert exact_bound(np.array([1.0]), np.array([2.0])) == 0


def test_exact_bound_keeps_its_level():
    """Halves of one pool with a true share of .3: the bound lies above it in 5 % of the draws at most."""
    rng = np.random.default_rng(1)
    above = 0
    for _ in range(300):
        audited = np.where(rng.random(150) < 0.3, rng.normal(6, 1, 150), rng.normal(size=150))
        above += exact_bound(rng.normal(size=150), audited) > 0.3
    assert above <= 15


@given(scores, scores)
def test_against_loops(a, b):
    pair = pair_of(a, b)
    assert pair.auc == pytest.approx(slow_auc(a, b))
    assert pair.left == pytest.approx(slow_left(a, b))
    assert exact_bound(a, b) == pytest.approx(slow_exact(a, b), abs=1e-12)


@given(scores, scores)
def test_order_of_documents_does_not_matter(a, b):
    assert pair_of(a[::-1], b[::-1]) == pair_of(a, b)


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf]])
def test_what_is_no_sample_is_refused(bad):
    wrong, good = np.array(bad, float), np.ones(3)
    for call in (lambda: pair_of(wrong, good), lambda: pair_of(good, wrong), lambda: rank_test(0.5, wrong)):
        with pytest.raises(ValueError, match="score"):
            call()
    with pytest.raises(ValueError, match="ranks nowhere"):
        rank_test(math.nan, good)
    with pytest.raises(ValueError, match="ranks nowhere"):
        bound(math.nan, good)
