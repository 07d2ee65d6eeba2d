"""Token entropy (nats): how evenly a corpus spreads over its words. Falls as a corpus collapses, but late.

Every estimator takes counts of types (or their ``Spectrum``) and returns a float: nan for no tokens, 0 for
one type. Plug-in entropy grows with the size of the corpus, so compare it at equal size only
(``window_entropy`` is the form that does not depend on size); ``chao_wang_jost`` is the one to quote as an
absolute value.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contam_metrics.ngrams import Bounds, Counts, Ids, Spectrum, mean, ngrams, recode, spectrum
from contam_metrics.special import digamma, exp_integral_scaled


def plug_in(counts: Counts) -> float:
    """Maximum-likelihood entropy ln N - sum c ln c / N; biased low by about (V-1)/2N (Miller 1955)."""
    s = spectrum(counts)
    if s.n == 0:
        return math.nan
    return max(0.0, math.log(s.n) - float(np.dot(s.types, s.counts * np.log(s.counts))) / s.n)


def miller_madow(counts: Counts) -> float:
    """Plug-in plus (V-1)/2N: mends the bias of the types that were seen, not of those that were not."""
    s = spectrum(counts)
    return plug_in(s) + (s.v - 1) / (2 * s.n) if s.n else math.nan


def chao_shen(counts: Counts) -> float:
    """Coverage-adjusted Horvitz-Thompson estimator (Chao & Shen 2003)."""
    s = spectrum(counts)
    if s.n == 0:
        return math.nan
    singletons = s.n - 1 if s.f(1) == s.n else s.f(1)
    p = (1 - singletons / s.n) * s.counts / s.n
    with np.errstate(divide="ignore"):
        included = -np.expm1(s.n * np.log1p(-p))
    return max(0.0, float(np.dot(s.types, -p * np.log(p) / included)))


def chao_wang_jost(counts: Counts) -> float:
    """Entropy with the unseen types estimated from those seen once and twice (Chao, Wang & Jost 2013)."""
    s = spectrum(counts)
    if s.n == 0:
        return math.nan
    seen = float(np.dot(s.types, s.counts / s.n * (digamma(s.n) - digamma(s.counts))))
    return max(0.0, seen + s.f(1) / s.n * _unseen_term(s))


def _unseen_term(s: Spectrum) -> float:
    """(1-A)^(1-n) {-ln A - sum_{r<n} (1-A)^r / r} of Chao, Wang & Jost, without its cancellation.

    The bracket is the rest of the series of -ln A, so the term equals sum_{k>=1} x^k / (n-1+k), x = 1-A: all
    positive. It is summed directly where it is short and by Euler-Maclaurin otherwise, for any n.
    """
    f1, f2, n = s.f(1), s.f(2), s.n
    if f1 == 0 or (f2 == 0 and f1 == 1) or n == 1:
        return 0.0
    odds = (n - 1) * f1 / (2 * f2) if f2 else (n - 1) * (f1 - 1) / 2  # (1-A)/A
    rate = math.log1p(1 / odds)  # -ln(1-A)
    if rate > 0.02:
        k = np.arange(1, int(40 / rate) + 2)
        return float(np.sum(np.exp(-rate * k) / (n - 1 + k)))
    return _slow_series(rate, n - 1)


def _slow_series(rate: float, m: int, head: int = 100) -> float:
    """sum_{k>=1} e^(-rate k) / (m+k) for a small rate: the first terms, an integral, and its corrections."""
    k = np.arange(1, head)
    first = float(np.sum(np.exp(-rate * k) / (m + k)))
    x = m + head
    f = math.exp(-rate * head) / x
    slope = f * (rate + 1 / x)  # -f'
    third = f * (rate**3 + 3 * rate**2 / x + 6 * rate / x**2 + 6 / x**3)  # -f'''
    integral = math.exp(-rate * head) * exp_integral_scaled(rate * x)
    return first + integral + f / 2 + slope / 12 - third / 720


def ngram_entropy(ids: Ids, bounds: Bounds, n: int = 1) -> float:
    """Plug-in entropy of the n-grams of a corpus; nan where no document has n tokens."""
    return plug_in(ngrams(ids, bounds, n).counts())


def conditional_entropy(ids: Ids, bounds: Bounds, n: int = 2) -> float:
    """H(last token | the n-1 before it): a proxy of the entropy rate, which sees copying between documents.

    Contexts are counted at the n-gram positions only. The difference H_n - H_{n-1} of the two whole tables is
    something else: it also counts the contexts at the ends of documents, which nothing follows.
    """
    if n < 2:
        return ngram_entropy(ids, bounds, n)
    grams = ngrams(ids, bounds, n)
    if len(grams) == 0:
        return math.nan
    shorter = ngrams(ids, bounds, n - 1)
    contexts = shorter.codes[np.searchsorted(shorter.starts, grams.starts)]
    return max(0.0, plug_in(grams.counts()) - plug_in(np.bincount(contexts)))


def windows(ids: Ids, width: int, bounds: Bounds | None = None) -> NDArray[np.int64]:
    """The window each token falls in: consecutive windows of ``width`` inside each stream, -1 for remainders.

    ``bounds`` are the borders that no window crosses (default: all of ``ids`` is one stream).
    """
    borders = np.array([0, len(ids)]) if bounds is None else bounds
    lengths = np.diff(borders)
    within = np.arange(borders[0], borders[-1]) - np.repeat(borders[:-1], lengths)
    first = np.cumsum(lengths // width) - lengths // width
    whole = np.repeat(lengths // width * width, lengths)
    return np.where(within < whole, np.repeat(first, lengths) + within // width, -1)


def window_entropies(ids: Ids, width: int = 1000, bounds: Bounds | None = None) -> NDArray[np.float64]:
    """Plug-in entropy of each whole window: keep (number, sum, sum of squares) to merge corpora."""
    place = windows(ids, width, bounds)
    start = 0 if bounds is None else int(bounds[0])
    codes, types = recode(ids[start : start + len(place)][place >= 0])
    place = place[place >= 0]
    keys, counts = np.unique(place * max(types, 1) + codes, return_counts=True)
    total = len(codes) // width
    return math.log(width) - np.bincount(keys // max(types, 1), counts * np.log(counts), total) / width


def window_entropy(ids: Ids, width: int = 1000, bounds: Bounds | None = None) -> float:
    """Mean entropy of consecutive windows: its expectation does not depend on the size of the corpus.

    nan below one window of tokens. It cannot see text copied between windows.
    """
    return mean(window_entropies(ids, width, bounds))
