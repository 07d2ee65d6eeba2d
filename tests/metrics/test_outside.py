"""The same figures by other people's code: scipy, nltk, scikit-learn, where they compute the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam_metrics.diversity import distinct_n, type_token_ratio
from contam_metrics.entropy import conditional_entropy, ngram_entropy, plug_in
from contam_metrics.ngrams import ngrams, ragged
from contam_metrics.repetition import cross_document_share
from contam_metrics.similarity import mauve, self_bleu
from contam_metrics.spread import ratio_interval
from contam_metrics.tail import coverage, hapax_share

TEXTS = """it was the best of times it was the worst of times it was the age of wisdom
it was the age of foolishness it was the epoch of belief
we had everything before us we had nothing before us
short text
"""
DOCUMENTS = [line.split() for line in TEXTS.split("\n")]
CORPUS = ragged(DOCUMENTS)


@pytest.fixture(scope="module")
def synthetic() -> list[list[int]]:
    generator = np.random.default_rng(0)
    return [generator.geometric(0.1, size).tolist() for size in generator.integers(0, 60, 80)]


def test_scipy_entropy() -> None:
    stats = pytest.importorskip("scipy.stats")
    counts = np.random.default_rng(1).geometric(0.2, 500)
    assert plug_in(counts) == pytest.approx(stats.entropy(counts), rel=1e-12)
    assert plug_in(counts) / math.log(2) == pytest.approx(stats.entropy(counts, base=2), rel=1e-12)


def test_scipy_t_interval_of_a_mean() -> None:
    """With one token a document the ratio is a mean, and the linearised interval is Student's."""
    stats = pytest.importorskip("scipy.stats")
    x = np.random.default_rng(2).normal(3, 2, 40)
    low, high = stats.t.interval(0.95, 39, loc=x.mean(), scale=stats.sem(x))
    found = ratio_interval(x, np.ones(40))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 8])
def test_nltk_ngram_counts(n: int, synthetic: list[list[int]]) -> None:
    nltk = pytest.importorskip("nltk")
    expected = nltk.FreqDist(gram for d in synthetic for gram in nltk.ngrams(d, n))
    grams = ngrams(*ragged(synthetic), n)
    assert sorted(grams.counts().tolist()) == sorted(expected.values())
    assert distinct_n(*ragged(synthetic), n) == pytest.approx(expected.B() / expected.N())
    assert hapax_share(grams.counts()) == pytest.approx(len(expected.hapaxes()) / expected.N())


@pytest.mark.parametrize("n", [2, 3])
def test_nltk_conditional_frequencies(n: int, synthetic: list[list[int]]) -> None:
    nltk = pytest.importorskip("nltk")
    pairs = [(gram[:-1], gram[-1]) for d in synthetic for gram in nltk.ngrams(d, n)]
    table = nltk.ConditionalFreqDist(pairs)
    expected = -sum(
        count / len(pairs) * math.log(table[context].freq(token))
        for context in table
        for token, count in table[context].items()
    )
    assert conditional_entropy(*ragged(synthetic), n) == pytest.approx(expected, rel=1e-12)


def test_nltk_good_turing_mass_of_the_unseen() -> None:
    nltk = pytest.importorskip("nltk")
    frequencies = nltk.FreqDist(np.random.default_rng(3).geometric(0.05, 400).tolist())
    good_turing = nltk.SimpleGoodTuringProbDist(frequencies, bins=frequencies.B() + 1)
    unseen = good_turing.prob("a type that never occurred, the only one left")
    assert 1 - coverage(np.array(list(frequencies.values()))) == pytest.approx(unseen)


def test_nltk_bleu(synthetic: list[list[int]]) -> None:
    """nltk gives 0 where not even a word matches; there the definition in use here stays above 0."""
    bleu = pytest.importorskip("nltk.translate.bleu_score")
    texts = [d for d in synthetic if len(d) >= 4][:25]
    smoothing = bleu.SmoothingFunction(epsilon=0.1).method1
    scores = [
        bleu.sentence_bleu(texts[:i] + texts[i + 1 :], text, smoothing_function=smoothing)
        for i, text in enumerate(texts)
    ]
    assert min(scores) > 0
    assert self_bleu(texts) == pytest.approx(np.mean(scores), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_sklearn_count_vectorizer(n: int) -> None:
    text = pytest.importorskip("sklearn.feature_extraction.text")
    vectorizer = text.CountVectorizer(ngram_range=(n, n), token_pattern=r"\S+")
    matrix = vectorizer.fit_transform([" ".join(d) for d in DOCUMENTS])
    totals = np.asarray(matrix.sum(axis=0)).ravel()
    grams = ngrams(*CORPUS, n)
    assert sorted(grams.counts().tolist()) == sorted(totals.tolist())
    in_documents = np.asarray((matrix > 0).sum(axis=0)).ravel()
    assert sorted(grams.document_frequency().tolist()) == sorted(in_documents.tolist())
    assert ngram_entropy(*CORPUS, n) == pytest.approx(plug_in(totals), rel=1e-12)
    assert type_token_ratio(totals) == pytest.approx(distinct_n(*CORPUS, n))
    present = matrix[np.asarray(matrix.sum(axis=1)).ravel() > 0]
    shared = np.asarray(present[:, in_documents > 1].sum(axis=1)).ravel() > 0
    assert cross_document_share(*CORPUS, n) == pytest.approx(shared.mean())


def test_scipy_divergences_along_mauves_curve() -> None:
    stats = pytest.importorskip("scipy.stats")
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.6, 0.1, 0.3])
    mixtures = [w * p + (1 - w) * q for w in np.linspace(1e-6, 1 - 1e-6, 25)]
    x = [1, *(math.exp(-5 * stats.entropy(q, r)) for r in mixtures), 0]
    y = [0, *(math.exp(-5 * stats.entropy(p, r)) for r in mixtures), 1]
    assert mauve(p, q) == pytest.approx(-np.trapezoid(y, x), rel=1e-12)
