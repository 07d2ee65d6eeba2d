"""Recursions drawn word by word against every closed form, at temperature 1 and at others."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from contam.mixing.forecasting.chains import Chain, Real, drawn, generations, simulated
from contam.mixing.forecasting.source import seen_counts, source_of
from contam.theory.retention import Regime, exposures, heterozygosity_left, inherited, written_exposure
from contam.theory.token_worlds import zipf
from contam.theory.vocabulary_growth import new_types_at, types_at
from contam_metrics.ngrams import spectrum

N, LAST, RUNS = 20_000, 8, 30
TABLE = spectrum(np.random.default_rng(1).multinomial(N, zipf(20_000, 1.05, 2.7)))
REAL = Real.of(TABLE)
REGIMES = [
    Regime("replace"), Regime("redrawn", 0.1), Regime("redrawn", 0.5), Regime("reused", 0.1), Regime("reused", 0.6),
    Regime("accumulate-subsample", rate=0.1), Regime("accumulate-subsample", rate=1),
    Regime("accumulate-subsample", rate=3),
]  # fmt: skip


def z(values, wanted):
    """Standard errors between the mean of some values and what was expected of it."""
    values = np.asarray(values)
    return (values.mean() - wanted) / (values.std(ddof=1) / math.sqrt(len(values)))


@pytest.mark.parametrize("regime", REGIMES, ids=str)
def test_conditional_on_the_real_text(regime):
    """Vocabulary, words that were there once, heterozygosity: the counts of the real text are given."""
    found = simulated(Chain(regime, N), REAL, LAST, RUNS, 3)
    e, left = exposures(regime, LAST), heterozygosity_left(regime, np.array([float(N)]), LAST)[:, 0]
    for g in (1, 2, LAST):
        assert abs(z(found.vocabulary[:, g], types_at(TABLE, e[g] * N) / TABLE.v)) < 4
        assert abs(z(found.tail[:, g], e[g])) < 4
        assert abs(z(found.head[:, g], left[g])) < 4


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_fresh_text(share):
    """Real text and fresh text come from one source: means over corpora, with what each corpus lets one forecast."""
    p, regime = zipf(20_000, 1.05, 2.7), Regime("fresh", share)
    e, old = exposures(regime, LAST)[-1], inherited(regime, LAST)[-1]
    words, once = [], []
    for seed in range(RUNS):
        rng = np.random.default_rng([7, seed])
        first = rng.multinomial(N, p)
        table, last = spectrum(first), next(islice(generations(Chain(regime, N), first, p, rng), LAST, None))
        words.append(np.count_nonzero(last) - types_at(table, e * N))
        absent = (1 - old) * new_types_at(table, N * (1 + e - old)) / new_types_at(table, N)
        once.append((last[first == 1] > 0).mean() - (1 - absent))
    assert abs(z(words, 0.0)) < 4
    assert abs(z(once, 0.0)) < 4


def test_accumulating_keeps_every_word_and_writes_fewer():
    chain, rng = Chain(Regime("accumulate"), N), np.random.default_rng(5)
    first, source = REAL.first(N, rng), REAL.source
    pools = list(islice(generations(chain, first, source, rng), LAST + 1))
    assert all(np.count_nonzero(pool) == TABLE.v for pool in pools)
    assert [int(pool.sum()) for pool in pools] == [N * (g + 1) for g in range(LAST + 1)]
    for g in (0, 1, LAST):
        runs = []
        for seed in range(RUNS):
            rng = np.random.default_rng([11, seed])
            pools = list(islice(generations(chain, first, source, rng), g + 2))
            runs.append(np.count_nonzero(pools[g + 1] - pools[g]))
        assert abs(z(runs, types_at(TABLE, written_exposure(g) * N))) < 4


@pytest.mark.parametrize(
    ("regime", "generation", "wanted"),
    [(Regime("replace"), g, p) for g, p in ((1, 0.742523), (2, 0.789830), (5, 0.929939), (10, 0.999626))]
    + [(Regime("fresh", r), 400, p) for r, p in ((0.1, 0.94497), (0.2, 0.87627), (0.3, 0.81556), (0.5, 0.74773))],
    ids=str,
)
def test_a_temperature_below_one(regime, generation, wanted):
    """Two words, .7 and .3, at temperature .8: known values and fixed points, in a corpus so large that chance is
    small."""
    n, rng = 10**9 // 2, np.random.default_rng(2)
    real = Real.of(np.array([3 * n // 10, 7 * n // 10]))
    chain = Chain(regime, n, 0.8)
    corpus = next(islice(generations(chain, real.first(n, rng), real.source, rng), generation, None))
    assert corpus.max() / corpus.sum() == pytest.approx(wanted, abs=5e-4)


@pytest.mark.parametrize("regime", [Regime("fresh", 0.3), Regime("replace")], ids=str)
def test_temperatures_move_the_vocabulary_their_way(regime):
    left = [simulated(Chain(regime, N, t), REAL, 5, 3, 0).vocabulary[:, -1].mean() for t in (0.8, 1, 1.1)]
    assert left[0] < left[1] < left[2]


def test_one_word_and_one_token():
    for regime in (*REGIMES, Regime("fresh", 0.3), Regime("accumulate")):
        for counts, n in ((np.array([9]), 9), (np.array([1]), 1), (np.array([1, 1, 3]), 1)):
            found = simulated(Chain(regime, n, 0.9), Real.of(counts), 3, 2, 0)
            assert np.all(found.vocabulary >= 1 / 3)
    with pytest.raises(ValueError, match="without words"):
        Real.of(np.array([], int))


def test_drawing_tokens():
    rng = np.random.default_rng(0)
    counts = np.array([5, 0, 7])
    assert drawn(counts, 12, rng).tolist() == [5, 0, 7]
    assert drawn(counts, 4, rng).sum() == 4
    huge = np.array([10**9, 10**9])
    assert drawn(huge, 1000, rng).sum() == 1000


class TestSource:
    @pytest.mark.parametrize(("types", "exponent"), [(20_000, 1.05), (100_000, 1.2), (5_000, 0.8)])
    def test_it_brings_as_many_new_words_as_the_true_one(self, types, exponent):
        p, n, rng = zipf(types, exponent, 2.7), 20_000, np.random.default_rng(4)
        ratios = []
        for _ in range(5):
            first = rng.multinomial(n, p)
            source, seen = source_of(first), np.count_nonzero(first)
            new = -np.expm1(-n * source[seen:])
            ratios.append(new.sum() / (-np.expm1(-n * p[first == 0])).sum())
            assert source.sum() == pytest.approx(1) and np.all(source > 0)
            assert len(seen_counts(spectrum(first))) == seen
        assert np.mean(ratios) == pytest.approx(1, abs=0.06)

    def test_frequent_words_are_what_they_are(self):
        assert source_of(np.array([700, 300])) == pytest.approx([0.3, 0.7])
        source = source_of(np.array([5000, 1, 1, 2]))
        assert source[3] == pytest.approx(5000 / 5004, abs=2e-3)

    def test_a_smaller_and_a_larger_corpus_of_it(self):
        rng = np.random.default_rng(0)
        for n in (5_000, 60_000):
            first = REAL.first(n, rng)
            assert first.sum() == n and len(first) == len(REAL.source)
        assert REAL.first(N, rng)[: TABLE.v].tolist() == seen_counts(TABLE).tolist()
