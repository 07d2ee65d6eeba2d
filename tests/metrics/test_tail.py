"""The tail: worked numbers, and what drift does to it (sections: docs/metrics.md)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from contam_metrics.entropy import plug_in
from contam_metrics.ngrams import TypeCounts, ragged
from contam_metrics.tail import (
    coverage,
    coverage_chao_jost,
    halves,
    hapax_share,
    hapax_type_share,
    missing_tail_mass,
    tail_band,
    tail_type_survival,
)

SENTENCE = ["the", "cat", "sat", "on", "the", "mat", "and", "the", "dog", "sat", "on", "the", "rug"]


def test_section_2_6_vectors() -> None:
    counts = np.bincount(ragged([SENTENCE])[0])
    assert hapax_share(counts) == pytest.approx(0.384615, abs=5e-7)
    assert hapax_type_share(counts) == 0.625
    assert coverage(counts) == pytest.approx(1 - 0.384615, abs=5e-7)
    assert coverage_chao_jost(np.array([4, 2, 1, 1])) == 0.78125


def test_section_2_6_floor_of_the_spread() -> None:
    p = 1 / np.arange(1, 5001)
    samples = np.random.default_rng(1).multinomial(4000, p / p.sum(), 500)
    f1 = (samples == 1).sum(axis=1)
    assert np.std(f1 / 4000) >= 0.6 * math.sqrt(f1.mean()) / 4000
    assert np.std(f1 / 4000) <= 1.3 * math.sqrt(f1.mean()) / 4000


@pytest.mark.parametrize("figure", [hapax_share, hapax_type_share, coverage, coverage_chao_jost])
def test_nothing_is_nan(figure) -> None:  # type: ignore[no-untyped-def]
    assert math.isnan(figure(np.zeros(0, np.int64)))


def test_coverage_at_the_edges() -> None:
    assert math.isnan(coverage_chao_jost(np.array([1])))
    assert coverage_chao_jost(np.array([3])) == 1
    assert coverage_chao_jost(np.array([1, 1, 1])) == pytest.approx(1 / 3)
    assert coverage(np.array([1, 1, 1])) == 0


@given(st.lists(st.integers(1, 9), min_size=1).filter(lambda c: sum(c) > 1))
def test_coverage_is_a_share(counts: list[int]) -> None:
    assert 0 <= coverage(np.array(counts)) <= 1
    assert -1e-12 <= coverage_chao_jost(np.array(counts)) <= 1


def test_halves_take_every_other_document() -> None:
    ids, bounds = np.array([9, 1, 1, 2, 3, 3]), np.array([1, 3, 4, 6])
    first, second = halves(ids, bounds)
    assert first.tolist() == [1, 1, 3, 3]
    assert second.tolist() == [2]


def test_survival_and_missing_mass_by_hand() -> None:
    a = TypeCounts.of(np.array([1, 1, 1, 1, 2, 2, 3, 4, 5]))  # 1 is too frequent for the band
    b = TypeCounts.of(np.array([1, 1, 2, 2, 3, 4, 7, 7, 7, 7]))
    audit = TypeCounts.of(np.array([1, 1, 1, 2, 6]))
    control = TypeCounts.of(np.array([1, 2, 3, 3]))
    band = tail_band(a)
    assert band.tolist() == [2, 3, 4, 5]
    assert tail_type_survival(band, audit, b) == 1 / 3
    # The audit lacks 3 and 4 (two of ten tokens of b), the control lacks 4 (one of ten).
    assert missing_tail_mass(band, audit, b, control) == pytest.approx(0.1)


def test_without_a_band_nothing_is_known() -> None:
    some, none = TypeCounts.of(np.array([1, 1, 2])), TypeCounts.of(np.zeros(0, np.int64))
    empty = tail_band(none)
    assert len(empty) == 0
    assert math.isnan(tail_type_survival(empty, some, some))
    assert math.isnan(tail_type_survival(tail_band(some), some, none))
    assert tail_type_survival(tail_band(some), none, some) == 0
    assert math.isnan(missing_tail_mass(empty, some, some, some))
    assert math.isnan(missing_tail_mass(tail_band(some), none, some, some))


def as_types(counts: NDArray[np.int64]) -> TypeCounts:
    return TypeCounts(np.flatnonzero(counts), counts[counts > 0])


def test_section_0_types_die_first_and_tail_mass_does_not_move() -> None:
    """Pure resampling drift of a Zipf source: the table's first, second and fifth generation."""
    n = 100_000
    p = (np.arange(1, 50_001) + 2.7) ** -1.05
    generator = np.random.default_rng(7)
    a, b, c, sample = (generator.multinomial(n, p / p.sum()) for _ in range(4))
    band = tail_band(as_types(a))
    table = {  # H1, V, f1/N, mass of the band, types of the band
        1: (0.986, 0.753, 0.480, 0.990, 0.745),
        2: (0.975, 0.622, 0.297, 0.995, 0.614),
        5: (0.951, 0.424, 0.120, 0.996, 0.401),
    }
    for generation in range(1, 6):
        sample = generator.multinomial(n, sample / n)
        if generation not in table:
            continue
        found = (
            plug_in(sample) / plug_in(b),
            np.count_nonzero(sample) / np.count_nonzero(b),
            hapax_share(sample) / hapax_share(b),
            sample[band].sum() / b[band].sum(),
            tail_type_survival(band, as_types(sample), as_types(b)),
        )
        assert found == pytest.approx(table[generation], abs=0.045)
        assert missing_tail_mass(band, as_types(sample), as_types(b), as_types(c)) > 0.01
    fresh = as_types(generator.multinomial(n, p / p.sum()))
    assert abs(missing_tail_mass(band, fresh, as_types(b), as_types(c))) < 0.004
    assert tail_type_survival(band, fresh, as_types(b)) == pytest.approx(1, abs=0.02)
