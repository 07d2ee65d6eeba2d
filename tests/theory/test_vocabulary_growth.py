"""Words at other sizes: rarefaction below, the series above, and known sources."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.theory.token_worlds import zipf
from contam.theory.vocabulary_growth import new_types_at, types_at
from contam_metrics.diversity import rarefied_types
from contam_metrics.ngrams import Spectrum, spectrum

TABLE = spectrum(np.array([50, 20, 10, 5, 3, 1, 1, 1, 1]))


def test_below_the_corpus():
    assert types_at(TABLE, 20) == pytest.approx(5.032034, abs=5e-7)
    assert types_at(TABLE, 20.25) == pytest.approx(
        0.75 * rarefied_types(TABLE, 20) + 0.25 * rarefied_types(TABLE, 21)
    )
    assert types_at(TABLE, 0) == 0
    assert types_at(TABLE, TABLE.n) == TABLE.v == 9
    assert new_types_at(TABLE, TABLE.n) == pytest.approx(4 / TABLE.n)
    assert new_types_at(TABLE, 0) == pytest.approx(1)


def test_the_slope_is_that_of_the_curve():
    table = spectrum(np.random.default_rng(0).multinomial(30_000, zipf(20_000, 1.0, 2.7)))
    for at in (3_000, 15_000, 29_000):
        run = (types_at(table, at + 50) - types_at(table, at - 50)) / 100
        assert new_types_at(table, at) == pytest.approx(run, rel=2e-3)


@pytest.mark.parametrize("exponent", [1.0, 1.2])
@pytest.mark.parametrize("times", [0.5, 1.0, 1.25, 1.5, 2.0])
def test_new_words_of_a_known_source(exponent, times):
    p, n, rng = zipf(100_000, exponent, 2.7), 50_000, np.random.default_rng(3)
    slopes = np.array([new_types_at(spectrum(rng.multinomial(n, p)), times * n) for _ in range(8)])
    wanted = float((p * np.exp(-p * n * times)).sum())
    assert abs(slopes.mean() - wanted) < 4 * slopes.std(ddof=1) / math.sqrt(8) + 0.03 * wanted


def test_what_cannot_be_told():
    empty = spectrum(np.array([], int))
    assert math.isnan(types_at(empty, 3)) and math.isnan(new_types_at(empty, 3))
    assert math.isnan(types_at(TABLE, TABLE.n + 1))
    with pytest.raises(ValueError, match="more than 2 times"):
        new_types_at(TABLE, 2.01 * TABLE.n)


def test_a_spectrum_of_one_word():
    one = Spectrum(np.array([7]), np.array([1]))
    assert types_at(one, 3) == pytest.approx(1)
    assert new_types_at(one, 7) == 0
