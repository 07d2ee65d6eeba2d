"""Entropy: the worked numbers, the biases, the degenerate cases and the laws (sections: docs/metrics.md)."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contam_metrics import entropy
from contam_metrics.entropy import (
    chao_shen,
    chao_wang_jost,
    conditional_entropy,
    miller_madow,
    ngram_entropy,
    plug_in,
    window_entropies,
    window_entropy,
    windows,
)
from contam_metrics.ngrams import Spectrum, TypeCounts, ragged, spectrum

ESTIMATORS = (plug_in, miller_madow, chao_shen, chao_wang_jost)
count_lists = st.lists(st.integers(1, 60), min_size=1, max_size=50)


def zipf_mandelbrot(types: int = 50_000, s: float = 1.05, q: float = 2.7) -> NDArray[np.float64]:
    """The source of the bias table of section 1: its true entropy is 7.865 nats."""
    p = (np.arange(1, types + 1) + q) ** -s
    return p / p.sum()


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([4, 2, 1, 1], (1.213008, 1.400508, 1.578373, 1.565163)),
        ([1], (0, 0, 0, 0)),
        ([5], (0, 0, 0, 0)),
        ([1, 1, 1], (1.098612, 1.431946, 2.460487, 1.971878)),
    ],
)
def test_section_1_vectors(counts: list[int], expected: tuple[float, ...]) -> None:
    found = [estimator(np.array(counts)) for estimator in ESTIMATORS]
    assert found == pytest.approx(expected, abs=6e-7)


def test_section_1_5_vector_of_ngram_and_conditional_entropies() -> None:
    corpus = ragged(["ababac"])
    assert [ngram_entropy(*corpus, n) for n in (1, 2, 3)] == pytest.approx(
        [1.011404, 1.054920, 1.039721], abs=5e-7
    )
    assert conditional_entropy(*corpus, 2) == pytest.approx(0.381909, abs=5e-7)
    assert conditional_entropy(*corpus, 3) == pytest.approx(0.346574, abs=5e-7)
    naive = ngram_entropy(*corpus, 2) - ngram_entropy(*corpus, 1)
    assert naive == pytest.approx(0.0435, abs=5e-5)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_tokens_is_nan_and_zeros_are_passed_over(estimator) -> None:  # type: ignore[no-untyped-def]
    assert math.isnan(estimator(np.zeros(0, np.int64)))
    assert math.isnan(estimator(np.zeros(3, np.int64)))
    assert estimator(np.array([3, 0, 2])) == estimator(np.array([3, 2]))


def test_too_short_for_the_ngram_is_nan() -> None:
    corpus = ragged(["ab", "", "c"])
    assert math.isnan(ngram_entropy(*corpus, 3))
    assert math.isnan(conditional_entropy(*corpus, 3))
    assert math.isnan(window_entropy(corpus[0], 4))
    assert math.isnan(window_entropy(np.zeros(0, np.int64), 4))
    assert conditional_entropy(*corpus, 2) == 0


@given(count_lists, st.randoms())
def test_estimators_do_not_see_the_order_of_types(counts: list[int], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(counts, len(counts))
    for estimator in ESTIMATORS:
        assert estimator(np.array(counts)) == estimator(np.array(shuffled))


@given(count_lists)
def test_estimators_are_finite_and_never_negative(counts: list[int]) -> None:
    for estimator in ESTIMATORS:
        assert 0 <= estimator(np.array(counts)) < math.inf
    assert miller_madow(np.array(counts)) >= plug_in(np.array(counts))
    assert chao_wang_jost(np.array(counts)) >= plug_in(np.array(counts)) - 1e-9


def printed_unseen(s: Spectrum) -> float:
    """(1-A)^(1-n) {-ln A - sum_{r<n} (1-A)^r / r} as printed, with digits enough for its cancellation."""
    n, f1, f2 = s.n, s.f(1), s.f(2)
    with localcontext() as context:
        context.prec = 400
        a = Decimal(2 * f2) / ((n - 1) * f1 + 2 * f2) if f2 else Decimal(2) / ((n - 1) * (f1 - 1) + 2)
        bracket = -a.ln() - sum((1 - a) ** r / r for r in range(1, n))
        return float((1 - a) ** (1 - n) * bracket)


@pytest.mark.parametrize(
    "counts",
    [[4, 2, 1, 1], [1] * 9, [3, 1, 1, 1], [2, 2, 1], [1, 1, 2, 2, 2, 9], [1] * 90 + [2] * 60 + [300]],
)
def test_the_unseen_term_is_that_of_the_paper(counts: list[int]) -> None:
    s = spectrum(np.array(counts))
    assert entropy._unseen_term(s) == pytest.approx(printed_unseen(s), rel=1e-12)


@pytest.mark.parametrize(
    ("f1", "f2", "high"), [(900, 300, 50), (5000, 0, 3), (3, 700, 90), (20000, 4000, 7), (2, 0, 100_000)]
)
def test_the_unseen_term_of_large_counts_is_its_integral(f1: int, f2: int, high: int) -> None:
    """sum_{k>=1} x^k/(m+k) is the integral of x e^(-mt)/(e^t - x) over t > 0; here with e^-t = u."""
    integrate = pytest.importorskip("scipy.integrate")
    s = Spectrum(np.array([1, 2, high]), np.array([f1, f2, 1000]))
    m = s.n - 1
    a = 2 * f2 / (m * f1 + 2 * f2) if f2 else 2 / (m * (f1 - 1) + 2)
    # With v = m t the integrand is smooth on the scale of one but for a kink near v = m a.
    integral = integrate.quad(
        lambda v: (1 - a) * math.exp(-v) / (math.expm1(v / m) + a) / m, 0, 60, points=[m * a, 1], limit=500
    )
    assert entropy._unseen_term(s) == pytest.approx(integral[0], rel=1e-7)


def test_chao_wang_jost_has_no_jump_at_any_size() -> None:
    """The printed form must be dropped above some millions of tokens; the stable one goes on."""
    p = zipf_mandelbrot(2000)
    values = [chao_wang_jost(np.maximum((p * n).astype(np.int64), 1)) for n in (1e6, 1.9e6, 2.1e6, 1e9)]
    assert all(math.isfinite(v) for v in values)
    assert abs(values[2] - values[1]) < 0.01


@pytest.mark.parametrize(
    ("n", "expected", "draws"),
    [
        (200, (-2.96, -2.56, -1.81, -1.33), 60),
        (1000, (-1.88, -1.57, -1.24, -0.76), 60),
        (5000, (-1.08, -0.84, -0.66, -0.33), 60),
        (20_000, (-0.58, -0.41, -0.26, -0.12), 20),
        (100_000, (-0.22, -0.13, 0.02, -0.02), 10),
    ],
)
def test_section_1_table_of_biases(n: int, expected: tuple[float, ...], draws: int) -> None:
    p = zipf_mandelbrot()
    true = -float(np.sum(p * np.log(p)))
    assert true == pytest.approx(7.865, abs=5e-4)
    generator = np.random.default_rng(1)
    samples = [generator.multinomial(n, p) for _ in range(draws)]
    found = [np.mean([estimator(c) for c in samples]) - true for estimator in ESTIMATORS]
    assert found == pytest.approx(expected, abs=0.08 if n == 200 else 0.03)


def test_section_1_means_on_a_uniform_source() -> None:
    samples = np.random.default_rng(2).multinomial(200, np.full(100, 0.01), 2000)
    found = [np.mean([estimator(c) for c in samples]) for estimator in ESTIMATORS]
    assert found == pytest.approx((4.322, 4.536, 4.670, 4.607), abs=0.006)


def test_section_1_6_window_entropy_does_not_depend_on_size_and_plug_in_does() -> None:
    generator = np.random.default_rng(3)
    streams = [generator.choice(50_000, n, p=zipf_mandelbrot()) for n in (5000, 50_000, 500_000)]
    assert [window_entropy(x) for x in streams] == pytest.approx([6.00, 5.99, 5.98], abs=0.06)
    assert [plug_in(np.bincount(x)) for x in streams] == pytest.approx([6.82, 7.52, 7.81], abs=0.06)


@given(
    st.lists(st.lists(st.integers(0, 3), max_size=20), max_size=5),
    st.integers(1, 7),
)
def test_windows_stay_inside_their_stream(streams: list[list[int]], width: int) -> None:
    ids, bounds = ragged(streams)
    pieces = [s[i : i + width] for s in streams for i in range(0, len(s) - width + 1, width)]
    expected = [-sum(c / width * math.log(c / width) for c in Counter(p).values()) for p in pieces]
    assert window_entropies(ids, width, bounds).tolist() == pytest.approx(expected, abs=1e-12)
    place = windows(ids, width, bounds)
    assert np.bincount(place[place >= 0], minlength=len(pieces)).tolist() == [width] * len(pieces)


def test_window_entropies_of_parts_are_those_of_the_whole() -> None:
    x = np.random.default_rng(4).integers(0, 50, 6000)
    parts = np.concatenate([window_entropies(x[:2000]), window_entropies(x[2000:])])
    assert window_entropies(x).tolist() == parts.tolist()


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), max_size=12), max_size=6), st.integers(2, 4))
def test_conditional_entropy_by_brute_force(documents: list[list[int]], n: int) -> None:
    grams = Counter(tuple(d[i : i + n]) for d in documents for i in range(len(d) - n + 1))
    contexts: Counter[tuple[int, ...]] = Counter()
    for gram, c in grams.items():
        contexts[gram[:-1]] += c
    m = grams.total()
    found = conditional_entropy(*ragged(documents), n)
    if m == 0:
        assert math.isnan(found)
    else:
        expected = -sum(c / m * math.log(c / contexts[g[:-1]]) for g, c in grams.items())
        assert found == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=6), st.randoms())
def test_the_order_of_documents_does_not_matter(documents: list[list[int]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(documents, len(documents))
    for figure in (ngram_entropy, conditional_entropy):
        assert figure(*ragged(documents), 2) == pytest.approx(
            figure(*ragged(shuffled), 2), abs=0, nan_ok=True
        )


tokens = st.lists(st.integers(0, 8), max_size=40)


@given(tokens, tokens)
def test_counts_of_parts_give_the_figures_of_the_whole(a: list[int], b: list[int]) -> None:
    added = TypeCounts.of(np.array(a, np.int64)) + TypeCounts.of(np.array(b, np.int64))
    whole = TypeCounts.of(np.array(a + b, np.int64))
    for estimator in ESTIMATORS:
        assert estimator(added.counts) == pytest.approx(estimator(whole.counts), abs=0, nan_ok=True)
