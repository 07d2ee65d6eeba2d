"""Ratios of sums, their intervals, and calibration."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from contam_metrics import perplexity as ppl


def test_the_ratio_is_of_sums():
    assert ppl.ratio([6.0, 1.0], [2, 1]) == pytest.approx(7 / 3)
    assert ppl.perplexity([6.0, 1.0], [2, 1]) == pytest.approx(math.exp(7 / 3))
    assert ppl.bits_per_byte([math.log(2) * 6, math.log(2)], [4, 3]) == pytest.approx(1.0)


def test_nothing_and_too_much():
    for made in (ppl.ratio, ppl.perplexity, ppl.bits_per_byte):
        assert math.isnan(made([], [])) and math.isnan(made([0.0], [0]))
    assert ppl.perplexity([5000.0], [2]) == math.inf
    assert all(math.isnan(x) for x in ppl.document_bootstrap([1.0], [2]))
    assert all(math.isnan(x) for x in ppl.document_bootstrap([1.0, 0.0, 0.0], [2, 0, 0]))
    assert math.isnan(ppl.ece([], []))


def test_wrong_sizes_are_refused():
    with pytest.raises(ValueError, match="one number a document"):
        ppl.document_bootstrap([1.0, 2.0], [1])
    with pytest.raises(ValueError, match="one number a prediction"):
        ppl.ece([0.5, 0.5], [1])


def plain_bootstrap(nats, weights, resamples, seed):
    rng = np.random.default_rng(seed)
    chosen = rng.integers(len(nats), size=(resamples, len(nats)))
    return np.quantile([nats[c].sum() / weights[c].sum() for c in chosen], [0.025, 0.975])


def test_the_interval_is_that_of_a_plain_bootstrap():
    rng = np.random.default_rng(1)
    weights = rng.integers(20, 200, size=80).astype(float)
    nats = weights * rng.gamma(20, 0.1, size=80) + 100  # short documents are harder
    found = ppl.document_bootstrap(nats, weights, resamples=4000)
    expected = plain_bootstrap(nats, weights, 4000, seed=7)
    width = expected[1] - expected[0]
    assert found == pytest.approx(tuple(expected), abs=0.05 * width)
    assert found[0] < ppl.ratio(nats, weights) < found[1]
    assert found == ppl.document_bootstrap(nats, weights, resamples=4000)
    assert found != ppl.document_bootstrap(nats, weights, resamples=4000, seed=1)


def test_a_lower_level_is_narrower():
    nats, weights = np.arange(1.0, 41.0), np.full(40, 10.0)
    wide, narrow = (ppl.document_bootstrap(nats, weights, level=level) for level in (0.99, 0.8))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_resampling_in_parts_changes_nothing(monkeypatch):
    nats, weights = np.arange(1.0, 41.0), np.arange(40.0) % 7 + 1
    whole = ppl.document_bootstrap(nats, weights, resamples=100)
    monkeypatch.setattr(ppl, "CELLS", 400)
    assert ppl.document_bootstrap(nats, weights, resamples=100) == whole


def test_memory_does_not_grow_with_the_resamples(monkeypatch):
    monkeypatch.setattr(ppl, "CELLS", 1 << 14)
    nats = np.random.default_rng(0).gamma(20, size=2000)
    tracemalloc.start()
    ppl.document_bootstrap(nats, np.full(2000, 10.0), resamples=2000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 2e6  # all resamples at once would be 32 MB


def documents(rng, count):
    """Documents of 60 to 300 tokens that differ in how hard they are: their tokens are not independent."""
    tokens = rng.integers(60, 300, size=count)
    hardness = rng.normal(3.0, 0.35, size=count)
    noise = rng.normal(0, 2.5, size=count) * np.sqrt(tokens)
    return tokens * hardness + noise, tokens.astype(float)


def test_it_covers_the_truth_where_an_interval_over_tokens_does_not():
    """300 corpora of 100 documents: nominal .95, statistics of the same simulation elsewhere .94 and .50 to .55."""
    rng = np.random.default_rng(5)
    by_document = by_token = 0
    for trial in range(300):
        nats, tokens = documents(rng, 100)
        low, high = ppl.document_bootstrap(nats, tokens, resamples=300, seed=trial)
        by_document += low <= 3.0 <= high
        spread = math.sqrt(2.5**2 + 0.35**2)  # of one token
        half = 1.96 * spread / math.sqrt(tokens.sum())
        by_token += abs(ppl.ratio(nats, tokens) - 3.0) <= half
    assert 0.90 <= by_document / 300 <= 0.98
    assert by_token / 300 < 0.80
    assert by_document > by_token + 40


def test_pairs_are_compared_document_by_document():
    rng = np.random.default_rng(3)
    nats, tokens = documents(rng, 100)
    worse = nats + tokens * rng.normal(0.05, 0.02, size=100)
    low, high = ppl.paired_bootstrap(worse, nats, tokens)
    assert 0.03 < low < ppl.ratio(worse - nats, tokens) < high < 0.07
    apart = ppl.document_bootstrap(nats, tokens)
    assert high - low < 0.2 * (apart[1] - apart[0])
    assert ppl.paired_bootstrap(nats, nats, tokens) == (0.0, 0.0)


CONFIDENCE, CORRECT = [0.95, 0.9, 0.85, 0.6, 0.55], [1, 1, 0, 1, 0]


def test_calibration_error():
    assert ppl.ece(CONFIDENCE, CORRECT, bins=10, equal_mass=False) == pytest.approx(0.39)
    # two bins of 2.5 each: the middle one is halved
    low = abs(0.55 + 0.6 - 1 + 0.5 * 0.85)
    high = abs(0.5 * 0.85 + 0.9 + 0.95 - 2)
    assert ppl.ece(CONFIDENCE, CORRECT, bins=2) == pytest.approx((low + high) / 5)
    assert ppl.ece([1.0, 0.0], [1, 0], equal_mass=False) == 0
    assert ppl.ece([0.5, 0.5], [0, 1]) == 0


@pytest.mark.parametrize("equal_mass", [True, False])
def test_ties_make_calibration_no_matter_of_order(equal_mass):
    rng = np.random.default_rng(2)
    sure = np.round(rng.uniform(size=400), 1)
    right = rng.uniform(size=400) < 0.8 * sure
    whole = ppl.ece(sure, right, equal_mass=equal_mass)
    for _ in range(5):
        order = rng.permutation(400)
        assert ppl.ece(sure[order], right[order], equal_mass=equal_mass) == pytest.approx(whole, abs=1e-12)
    first = np.argsort(~right, kind="stable")  # hits before misses among equals
    assert ppl.ece(sure[first], right[first], equal_mass=equal_mass) == pytest.approx(whole, abs=1e-12)
    assert whole > 0.05


def test_equal_mass_is_that_of_bins_without_ties():
    rng = np.random.default_rng(4)
    sure, right = rng.uniform(size=300), rng.uniform(size=300) < 0.5
    order = np.argsort(sure)
    expected = sum(
        abs(sure[o].mean() - right[o].mean()) * len(o) / 300 for o in np.array_split(order, 15)
    )
    assert ppl.ece(sure, right) == pytest.approx(expected)
