"""Lexical diversity: the worked numbers, brute force, degenerate cases (sections: docs/metrics.md)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contam_metrics.diversity import (
    WindowTypes,
    distinct_n,
    ead,
    hdd,
    heaps_exponent,
    mattr,
    mtld,
    rarefied_types,
    sliding_types,
    type_token_ratio,
    window_types,
    zipf_exponent,
)
from contam_metrics.ngrams import ragged, spectrum

SENTENCE = ["the", "cat", "sat", "on", "the", "mat", "and", "the", "dog", "sat", "on", "the", "rug"]
NOTHING = np.zeros(0, np.int64)
corpora = st.lists(st.lists(st.integers(0, 4), max_size=25), max_size=6)


def zipf_mandelbrot(n: int, seed: int = 0) -> NDArray[np.int64]:
    p = (np.arange(1, 50_001) + 2.7) ** -1.05
    return np.random.default_rng(seed).multinomial(n, p / p.sum())


def test_section_2_1_distinct() -> None:
    corpus = ragged(["ababac"])
    assert [distinct_n(*corpus, n) for n in (1, 2, 3)] == [0.5, 0.6, 0.75]
    assert type_token_ratio(np.array([3, 2, 1])) == 0.5


def test_section_2_2_ead_with_tokens_before_vocabulary() -> None:
    """The worked numbers stand in the order (distinct, tokens, vocabulary)."""
    vectors = {(3, 6, 10): 0.640261, (50, 100, 1000): 0.525167, (95, 100, 1000): 0.997817}
    for (distinct, tokens, vocabulary), expected in vectors.items():
        assert ead(distinct, vocabulary, tokens) == pytest.approx(expected, abs=5e-7)
    assert math.isnan(ead(1, 1, 5))
    assert math.isnan(ead(0, 10, 0))


def test_section_2_3_mattr_mtld_hdd() -> None:
    ids, bounds = ragged([SENTENCE])
    assert mattr(ids, bounds, 5) == pytest.approx(0.911111, abs=5e-7)
    assert mtld(ids) == 13.0
    assert hdd(np.bincount(ids), 5) == pytest.approx(0.821445, abs=5e-7)
    assert math.isnan(hdd(np.bincount(ids)))  # 42 draws of 13 tokens


def test_section_2_4_rarefaction() -> None:
    counts = np.array([50, 20, 10, 5, 3, 1, 1, 1, 1])
    assert rarefied_types(counts, 20) == pytest.approx(5.032034, abs=5e-7)
    bag = np.repeat(np.arange(9), counts)
    generator = np.random.default_rng(0)
    drawn = [len(np.unique(generator.choice(bag, 20, replace=False))) for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(5.032, abs=5 * np.std(drawn) / math.sqrt(4000))


def test_section_2_4_rarefied_types_do_not_depend_on_the_size_of_the_corpus() -> None:
    """The table's single draws are 2356, 2321, 2317; the expectation of the source itself is 2316."""
    p = (np.arange(1, 50_001) + 2.7) ** -1.05
    expected = float(-np.expm1(5000 * np.log1p(-p / p.sum())).sum())
    small = np.mean([rarefied_types(zipf_mandelbrot(5000, seed), 5000) for seed in range(30)])
    found = [small, *(rarefied_types(zipf_mandelbrot(n), 5000) for n in (50_000, 500_000))]
    assert found == pytest.approx([expected] * 3, rel=0.01)
    assert found == pytest.approx([2356, 2321, 2317], rel=0.03)


@settings(deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.data())
def test_rarefaction_is_the_ratio_of_binomials(counts: list[int], data: st.DataObject) -> None:
    n = sum(counts)
    m = data.draw(st.integers(0, n))
    exact = sum(1 - math.comb(n - c, m) / math.comb(n, m) for c in counts)
    assert rarefied_types(np.array(counts), m) == pytest.approx(exact, rel=1e-11, abs=1e-12)


def test_rarefaction_keeps_its_digits_in_a_large_corpus() -> None:
    n = 10**11
    s = spectrum(np.array([n - 2, 1, 1]))
    assert rarefied_types(s, 1) == pytest.approx(1, abs=1e-9)
    assert rarefied_types(s, n) == 3
    assert rarefied_types(s, n // 2) == pytest.approx(2, abs=1e-9)


def test_section_2_5_zipf_and_its_floor() -> None:
    counts = np.array([4, 2, 1, 1])
    assert zipf_exponent(counts, min_tokens=1) == pytest.approx(1.824397, abs=5e-7)
    assert math.isnan(zipf_exponent(counts))
    assert math.isnan(heaps_exponent(counts))


def test_heaps_of_a_source_whose_curve_is_known() -> None:
    """A uniform vocabulary much larger than the sample grows almost in step with it; an exhausted one not."""
    generator = np.random.default_rng(5)
    wide = np.bincount(generator.integers(0, 10_000_000, 6400))
    narrow = np.bincount(generator.integers(0, 20, 6400))
    assert heaps_exponent(wide) == pytest.approx(1, abs=0.01)
    assert heaps_exponent(narrow) == pytest.approx(0, abs=0.01)
    p = np.arange(1, 2_000_001) ** -2.0  # the number of types grows like the square root
    root = np.bincount(generator.choice(len(p), 200_000, p=p / p.sum()))
    assert heaps_exponent(root) == pytest.approx(0.5, abs=0.02)


def test_zipf_exponent_recovers_its_source() -> None:
    """The approximation is a tenth low when single counts are in, and good from five on."""
    counts = np.random.default_rng(6).zipf(2.0, 20_000)
    assert zipf_exponent(counts) == pytest.approx(1.79, abs=0.02)
    assert zipf_exponent(counts, smallest=5) == pytest.approx(2.0, abs=0.05)


@settings(deadline=None, max_examples=200)
@given(corpora, st.integers(1, 9))
def test_mattr_is_the_mean_over_sliding_windows(documents: list[list[int]], width: int) -> None:
    windows = [len(set(d[i : i + width])) for d in documents for i in range(len(d) - width + 1)]
    short = [d for d in documents if 0 < len(d) < width]
    state = sliding_types(*ragged(documents), width)
    expected = (sum(windows), len(windows), sum(len(set(d)) for d in short), sum(map(len, short)))
    assert (state.types, state.windows, state.short_types, state.short_tokens) == expected


@given(corpora, corpora)
def test_mattr_states_add(a: list[list[int]], b: list[list[int]]) -> None:
    parts = sliding_types(*ragged(a), 4) + sliding_types(*ragged(b), 4)
    assert parts == sliding_types(*ragged(a + b), 4)


def test_mattr_of_short_documents_says_so() -> None:
    state = sliding_types(*ragged(["aab", "c"]), 10)
    assert state.value == 3 / 4
    assert math.isnan(mattr(*ragged(["aab", "c"]), 10))
    assert state.reason == "no document of 10 tokens: type-token ratio"
    assert WindowTypes(10).reason == "empty"
    assert math.isnan(WindowTypes(10).value)
    assert sliding_types(*ragged(["a" * 10]), 10).reason == ""
    with pytest.raises(ValueError, match="do not merge"):
        WindowTypes(10) + WindowTypes(11)


def test_bounds_may_begin_behind_the_start() -> None:
    ids = np.array([7, 7, 7, 1, 2, 1, 3])
    assert mattr(ids, np.array([3, 7]), 2) == 1
    assert mattr(ids, np.array([1, 5]), 2) == pytest.approx((1 + 2 + 2) / 6)
    assert window_types(ids, 2, np.array([1, 7])).tolist() == [1, 2, 2]


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 6))
def test_window_types(tokens: list[int], width: int) -> None:
    expected = [len(set(tokens[i : i + width])) for i in range(0, len(tokens) - width + 1, width)]
    assert window_types(np.array(tokens, np.int64), width).tolist() == expected


def test_mtld_without_a_factor_is_the_number_of_tokens() -> None:
    assert mtld(np.arange(30)) == 30
    assert mtld(np.zeros(30, np.int64)) == 2  # every second token ends a factor
    assert mtld(np.arange(1)) == 1


def test_mtld_counts_part_of_a_factor() -> None:
    tokens = np.array([0, 1, 2, 3, 0])  # a type-token ratio of .8 at the end, either way: .2/.28 of a factor
    assert mtld(tokens) == pytest.approx(5 / (0.2 / 0.28))


def test_nothing_is_nan() -> None:
    empty = (NOTHING, np.array([0]))
    figures = [
        distinct_n(*empty, 1),
        distinct_n(*ragged(["ab"]), 3),
        type_token_ratio(NOTHING),
        mattr(*empty),
        mtld(NOTHING),
        hdd(NOTHING),
        rarefied_types(NOTHING, 0),
        rarefied_types(np.array([2, 1]), 4),
        zipf_exponent(NOTHING, 0),
        heaps_exponent(NOTHING, min_tokens=0),
    ]
    assert all(math.isnan(figure) for figure in figures)
    assert window_types(NOTHING, 5).tolist() == []


def test_one_token() -> None:
    assert distinct_n(*ragged(["a"]), 1) == 1
    assert rarefied_types(np.array([1]), 1) == 1


@settings(deadline=None)
@given(corpora.filter(lambda c: sum(map(len, c)) > 0), st.randoms(), st.integers(1, 4))
def test_order_of_documents_does_not_matter(documents: list[list[int]], random, n: int) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(documents, len(documents))
    for figure in (distinct_n, mattr):
        assert figure(*ragged(documents), n) == pytest.approx(
            figure(*ragged(shuffled), n), abs=0, nan_ok=True
        )
