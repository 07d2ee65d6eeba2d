"""The forecast of a corpus: known figures, what it says beside them, and corpora that are hardly any."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from contam.corpus import Corpus
from contam.errors import InputError, UsageError
from contam.mixing.forecasting.counting import RealCounts, count_corpus, counts_of
from contam.mixing.forecasting.courses import half_life
from contam.mixing.forecasting.forecast import forecast
from contam.mixing.options import REGIMES, MixOptions
from contam.theory import forecasting
from contam.theory.retention import Regime, exposures
from contam.theory.token_worlds import zipf
from contam.theory.vocabulary_growth import types_at
from contam_metrics.accumulators import Counts as Table
from contam_metrics.ngrams import spectrum

N = 30_000
COUNTS = np.random.default_rng(1).multinomial(N, zipf(30_000, 1.05, 2.7))
TABLE = spectrum(COUNTS)
OPTIONS = MixOptions(share=0.7)


def test_fresh_text_is_rarefaction_to_the_exposed_part():
    found = forecast(COUNTS, OPTIONS)
    assert found.regime == "fresh" and found.method == "closed form" and found.label == "model forecast"
    assert (found.tokens, found.vocabulary, found.share, found.share_is) == (N, TABLE.v, 0.7, "given")
    assert [r.generation for r in found.generations] == list(range(11))
    for row in found.generations:
        wanted = forecasting.tail_retention(TABLE, 0.3, row.generation)
        assert row.vocabulary_retained == pytest.approx(wanted, rel=1e-12)
    first, last = found.generations[0], found.generations[-1]
    assert first.vocabulary_retained == first.head_retained == first.tail_retained == first.contexts_retained == 1
    assert last.head_retained > 0.999 > 0.99 > last.vocabulary_retained > last.tail_retained
    assert found.limit == pytest.approx(forecasting.tail_retention(TABLE, 0.3, None))


def test_the_head_in_the_long_run():
    found = forecast(np.full(100, 10), MixOptions(share=0.99, generations=1000))
    assert 1 - found.generations[-1].head_retained * (1 - 1 / 1000) == pytest.approx(0.047892, abs=5e-7)


def test_contexts_are_judged_each_by_its_own_count():
    counts = np.array([1, 10, 1000])
    found = forecast(counts, MixOptions(share=0.9, generations=1000)).generations[-1]
    wanted = [(1 - 1 / (1 + (n - 1) * 0.19)) / (1 - 1 / n) for n in (10, 1000)]
    assert found.contexts_retained == pytest.approx((10 * wanted[0] + 1000 * wanted[1]) / 1010)
    assert found.contexts_retained < found.head_retained
    assert forecast(np.array([1, 1]), OPTIONS).generations[1].contexts_retained is None


@pytest.mark.parametrize("share", [0.0, 0.7, 1.0])
def test_every_regime_beside_the_others(share):
    found = forecast(COUNTS, replace(OPTIONS, share=share))
    assert tuple(found.regimes) == REGIMES
    for name in REGIMES:
        own = forecast(COUNTS, replace(OPTIONS, share=share, regime=name))
        assert own.regimes == pytest.approx(found.regimes)
        assert own.generations[-1].vocabulary_retained == pytest.approx(found.regimes[name])
        assert own.share == (1.0 if name == "replace" else share)
    e = exposures(Regime("redrawn", 1 - share), 10)[-1]
    assert found.regimes["redrawn"] == pytest.approx(types_at(TABLE, e * N) / TABLE.v)
    assert found.regimes["accumulate"] == 1
    assert found.regimes["fresh"] >= found.regimes["redrawn"] - 1e-9 >= found.regimes["reused"] - 2e-9
    assert found.regimes["reused"] >= found.regimes["replace"] - 1e-9


def test_the_least_share_of_fresh_text():
    found = forecast(COUNTS, OPTIONS)
    assert list(found.fresh_share_for) == ["0.8", "0.9", "0.95"]
    for wanted, share in found.fresh_share_for.items():
        assert share is not None
        again = forecast(COUNTS, replace(OPTIONS, share=1 - share))
        assert again.generations[-1].vocabulary_retained == pytest.approx(float(wanted), abs=1e-6)
    # One generation forgives what ten do not.
    fewer = forecast(COUNTS, replace(OPTIONS, generations=1)).fresh_share_for
    assert all(fewer[w] <= found.fresh_share_for[w] for w in fewer)


def test_half_lives():
    assert half_life(np.array([1.0, 0.8, 0.4, 0.2])) == pytest.approx(1.75)
    assert half_life(np.array([1.0, 0.6, 0.5])) is None
    assert half_life(np.full(4, math.nan)) is None
    found = forecast(COUNTS, MixOptions(share=0.5, regime="replace")).half_lives
    assert found["head"] is None and found["tail"] == pytest.approx(1 + 0.13212 / 0.16358, abs=1e-3)
    curve = [types_at(TABLE, e * N) / TABLE.v for e in exposures(Regime("replace"), 40)]
    assert found["vocabulary"] == pytest.approx(half_life(np.array(curve)))
    assert forecast(COUNTS, MixOptions(share=0.5, regime="accumulate")).half_lives["tail"] is None
    few = forecast(np.array([5, 5]), MixOptions(share=0.5, regime="replace")).half_lives
    # (1 - 1/10)^t = 1/2
    assert few["head"] == pytest.approx(math.log(2) / -math.log(0.9), abs=0.02)


def test_words_of_a_generation():
    """Fewer than the corpus has: rarefied; more: as many, and said so."""
    whole, half = forecast(COUNTS, OPTIONS), forecast(COUNTS, replace(OPTIONS, tokens=N // 2))
    assert half.tokens == N // 2 and half.vocabulary == TABLE.v
    e = exposures(Regime("fresh", 0.3), 10)[-1]
    wanted = types_at(TABLE, e * N / 2) / types_at(TABLE, N / 2)
    assert half.generations[-1].vocabulary_retained == pytest.approx(wanted)
    more = forecast(COUNTS, replace(OPTIONS, tokens=10**9))
    assert more.tokens == N and more.generations == whole.generations
    assert any("1,000,000,000 words is forecast as one of 30,000" in note for note in more.notes)
    assert not any("forecast as one of" in note for note in whole.notes)


def test_another_temperature_is_drawn():
    cold = forecast(COUNTS, replace(OPTIONS, temperature=0.8, generations=4))
    plain = forecast(COUNTS, replace(OPTIONS, generations=4))
    assert cold.method == "simulated" and cold.limit is None and cold.horizon == 100
    assert cold.generations[0].vocabulary_retained == 1 and len(cold.generations) == 5
    assert cold.generations[-1].vocabulary_retained < plain.generations[-1].vocabulary_retained
    assert cold.fresh_share_for["0.8"] > plain.fresh_share_for["0.8"]
    assert cold.generations[-1].contexts_retained is None
    assert any("no formula" in note for note in cold.notes)
    assert cold == forecast(COUNTS, replace(OPTIONS, temperature=0.8, generations=4))
    kept = forecast(COUNTS, replace(OPTIONS, temperature=0.8, generations=2, regime="reused"))
    assert kept.limit == pytest.approx(types_at(TABLE, 0.3 * N) / TABLE.v)


def test_close_to_temperature_one_drawing_agrees_with_the_formulas():
    drawn, told = (forecast(COUNTS, replace(OPTIONS, temperature=t, generations=5)) for t in (1 + 1e-9, 1.0))
    assert drawn.method == "simulated"
    for a, b in zip(drawn.generations, told.generations):
        assert a.vocabulary_retained == pytest.approx(b.vocabulary_retained, abs=0.012)
        assert a.head_retained == pytest.approx(b.head_retained, abs=0.002)
    assert drawn.regimes == pytest.approx(told.regimes, abs=0.02)
    for wanted, share in told.fresh_share_for.items():
        assert drawn.fresh_share_for[wanted] == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("regime", REGIMES)
def test_its_error_is_stated(regime):
    found = forecast(COUNTS, replace(OPTIONS, regime=regime, generations=30))
    widths = []
    for row in found.generations:
        low, high = row.interval
        assert low <= row.vocabulary_retained <= high <= 1
        widths.append((high - low) / row.vocabulary_retained)
    assert widths[0] == 0 and (regime == "accumulate") == (max(widths) == 0)
    assert widths[30] == pytest.approx(widths[10], rel=0.1) and widths[10] >= widths[1] - 0.02
    assert found.error.endswith(".") and ("Later generations" in found.error) == (regime != "accumulate")
    assert "Later" not in forecast(COUNTS, replace(OPTIONS, regime=regime)).error
    cold = forecast(COUNTS[:2000], replace(OPTIONS, regime=regime, generations=1, temperature=0.9))
    assert cold.generations[1].interval is None and "temperature .8" in cold.error


def test_what_it_says():
    for regime in REGIMES:
        found = forecast(COUNTS, replace(OPTIONS, regime=regime))
        assert all(s.endswith(".") for s in (*found.assumptions, *found.notes))
        assert len(set(found.assumptions)) == len(found.assumptions) >= 5
    bound = forecast(COUNTS, OPTIONS, share_is="lower bound")
    assert bound.share_is == "lower bound" and "best case" in bound.notes[0]
    assert not any("best case" in note for note in forecast(COUNTS, OPTIONS).notes)
    grown = forecast(COUNTS, replace(OPTIONS, regime="accumulate"))
    assert grown.generations[-1].vocabulary_retained == 1
    assert any("What a generation writes has less" in note for note in grown.notes)


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize(
    ("counts", "share"), [([1], 0.5), ([40], 0.5), ([1, 1], 0.0), ([2, 2, 2], 1.0), ([1000, 1], 0.9)], ids=str
)
def test_corpora_that_are_hardly_any(regime, temperature, counts, share):
    found = forecast(np.array(counts), MixOptions(share=share, regime=regime, temperature=temperature, generations=1))
    assert len(found.generations) == 2
    for row in found.generations:
        assert 0 < row.vocabulary_retained <= 2
        assert math.isnan(row.tail_retained) or 0 <= row.tail_retained <= 1
        assert math.isnan(row.head_retained) or 0 <= row.head_retained <= 1.5
    assert all(value is None or 0 <= value <= 1 for value in found.fresh_share_for.values())


def test_what_cannot_be_forecast():
    with pytest.raises(InputError, match="there are none"):
        forecast(np.array([], int), OPTIONS)
    with pytest.raises(UsageError, match="--share"):
        forecast(COUNTS, MixOptions())


class TestCounting:
    TEXTS = ("The cat sat on the mat.", "the dog, the DOG", "")

    def test_words_are_counted_as_everywhere(self):
        told = []
        found = count_corpus(Corpus.from_texts(self.TEXTS), OPTIONS, told.append)
        assert found.tokens == 10 and not found.sampled
        assert found.types.counts.tolist() == [1, 2, 4] and found.types.types.tolist() == [4, 1, 1]
        assert {event.phase for event in told} == {"reading"}
        assert forecast(found, OPTIONS).vocabulary == 6

    def test_no_documents(self):
        with pytest.raises(InputError):
            count_corpus(Corpus.from_texts([]), OPTIONS)

    def test_a_sample_of_the_words_stands_for_all(self):
        """More different words than are counted: forecasts of the sample and of all words agree."""
        from contam.mixing.forecasting import counting

        rng = np.random.default_rng(0)
        table = Table(4000)
        keys = rng.integers(1, 2**64, len(COUNTS), dtype=np.uint64)
        present = COUNTS > 0
        table.add(keys[present], COUNTS[present].astype(np.int64))
        assert table.level >= 1
        types = counting._table(table, N)
        assert types.n == N
        sampled = RealCounts(types, 1, True)
        found, wanted = forecast(sampled, OPTIONS), forecast(COUNTS, OPTIONS)
        assert found.vocabulary == pytest.approx(wanted.vocabulary, rel=0.05)
        assert found.generations[-1].vocabulary_retained == pytest.approx(
            wanted.generations[-1].vocabulary_retained, abs=0.01
        )
        assert any("sample of the words" in note for note in found.notes)

    def test_a_pass_of_somebody_else_serves(self):
        from contam.auditing import AuditOptions, measured_of
        from contam.mixing.forecasting.counting import METRICS

        measured = measured_of(Corpus.from_texts(self.TEXTS), AuditOptions(), METRICS)
        assert counts_of(measured).types.counts.tolist() == [1, 2, 4]
        assert counts_of(measured).documents == 2
