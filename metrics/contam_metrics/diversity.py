"""Lexical diversity: how many different words and n-grams a text of a given size has. Falls under collapse.

All of these depend on the size of the corpus except ``mattr`` and ``window_types`` (fixed windows) and
``rarefied_types`` (fixed sample size): compare the others at equal size only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam_metrics.entropy import windows
from contam_metrics.ngrams import (
    Bounds,
    Counts,
    Ids,
    Spectrum,
    ngrams,
    previous_occurrence,
    recode,
    spectrum,
)
from contam_metrics.special import log_falling_factorial


def type_token_ratio(counts: Counts) -> float:
    """Types over tokens; nan for no tokens."""
    s = spectrum(counts)
    return s.v / s.n if s.n else math.nan


def distinct_n(ids: Ids, bounds: Bounds, n: int) -> float:
    """Different n-grams over all n-grams, pooled over documents (Li et al. 2016)."""
    grams = ngrams(ids, bounds, n)
    return grams.types / len(grams) if len(grams) else math.nan


def ead(distinct: int, vocabulary: int, tokens: int) -> float:
    """Expectation-adjusted distinct (Liu et al. 2022): distinct types over those expected of ``tokens``
    uniform draws from ``vocabulary`` types. Text is not uniform, so it still falls with size, more
    slowly."""
    if vocabulary <= 1 or tokens <= 0:
        return math.nan
    return distinct / (-vocabulary * math.expm1(tokens * math.log1p(-1 / vocabulary)))


def rarefied_types(counts: Counts, m: int) -> float:
    """Types expected among ``m`` tokens drawn without replacement (Hurlbert 1971): exact, not simulated.

    nan for no tokens and for m above the number of tokens. Tokens are taken as exchangeable, which real text
    is not: compare rarefied values with rarefied values.
    """
    s = spectrum(counts)
    if s.n == 0 or not 0 <= m <= s.n:
        return math.nan
    return float(np.dot(s.types, -np.expm1(_log_absent(s, m))))


def _log_absent(s: Spectrum, m: int) -> NDArray[np.float64]:
    """ln C(N-c, m)/C(N, m) of each count c: the type is not among m of the N tokens; -inf where it must
    be."""
    possible = s.counts <= s.n - m
    c = np.where(possible, s.counts, 0)
    return np.where(possible, log_falling_factorial(s.n - m, c) - log_falling_factorial(s.n, c), -np.inf)


def hdd(counts: Counts, draws: int = 42) -> float:
    """HD-D (McCarthy & Jarvis 2010): expected type-token ratio of ``draws`` tokens; nan for fewer tokens."""
    return rarefied_types(counts, draws) / draws if draws > 0 else math.nan


def zipf_exponent(counts: Counts, min_tokens: int = 5000, smallest: int = 1) -> float:
    """Exponent of the count distribution, 1 + V / sum ln(c / (smallest - .5)) (Clauset et al. 2009).

    The rank-frequency exponent is 1/(a - 1). With ``smallest`` = 1 the approximation is low (1.79 for a true
    2): a description, not a test. nan below ``min_tokens``.
    """
    s = spectrum(counts)
    if s.n == 0 or s.n < min_tokens:
        return math.nan
    used = s.counts >= smallest
    if not used.any():
        return math.nan
    logs = np.log(s.counts[used] / (smallest - 0.5))
    return 1 + int(s.types[used].sum()) / float(np.dot(s.types[used], logs))


def heaps_exponent(counts: Counts, largest: int | None = None, min_tokens: int = 5000) -> float:
    """Slope of ln V(m) on ln m at m = largest / 2^k, k = 0..5, V(m) by rarefaction, so no order of the
    documents enters. ``largest`` defaults to all tokens. nan below ``min_tokens``."""
    s = spectrum(counts)
    largest = s.n if largest is None else largest
    if s.n == 0 or s.n < min_tokens or not 64 <= largest <= s.n:
        return math.nan
    sizes = [largest // 2**k for k in range(6)]
    x = np.log(sizes) - np.mean(np.log(sizes))
    y = np.log([rarefied_types(s, m) for m in sizes])
    return float(np.dot(x, y) / np.dot(x, x))


@dataclass(frozen=True)
class WindowTypes:
    """Mergeable state of MATTR: the type counts of all sliding windows, summed, and how many windows.

    Documents shorter than the window are kept apart: their types (each counted within its document) and
    tokens.
    """

    width: int
    types: int = 0
    windows: int = 0
    short_types: int = 0
    short_tokens: int = 0

    def __add__(self, other: WindowTypes) -> WindowTypes:
        if other.width != self.width:
            raise ValueError(f"windows of {self.width} and of {other.width} tokens do not merge")
        return WindowTypes(
            self.width,
            self.types + other.types,
            self.windows + other.windows,
            self.short_types + other.short_types,
            self.short_tokens + other.short_tokens,
        )

    @property
    def value(self) -> float:
        """MATTR; where no document reaches the window, types over tokens within documents; nan for
        nothing."""
        if self.windows:
            return self.types / (self.windows * self.width)
        return self.short_types / self.short_tokens if self.short_tokens else math.nan

    @property
    def reason(self) -> str:
        """``""``, or why the value is not a moving average."""
        if self.windows:
            return ""
        return f"no document of {self.width} tokens: type-token ratio" if self.short_tokens else "empty"


def sliding_types(ids: Ids, bounds: Bounds, width: int = 500) -> WindowTypes:
    """The state of MATTR over every window of ``width`` tokens inside a document.

    Instead of walking the windows, each token adds the number of windows in which it is the first of its
    type.
    """
    lengths = np.diff(bounds)
    begin = np.repeat(bounds[:-1] - bounds[0], lengths)
    last = np.repeat(bounds[1:] - bounds[0], lengths) - width
    here = np.arange(len(begin))
    previous = previous_occurrence(ids, bounds)
    earliest = np.maximum(np.maximum(previous + 1, here - width + 1), begin)
    first_in = np.maximum(np.minimum(here, last) - earliest + 1, 0)
    short = (lengths > 0) & (lengths < width)
    new = np.concatenate([[0], np.cumsum(previous < begin)])
    types = new[bounds[1:] - bounds[0]] - new[bounds[:-1] - bounds[0]]
    return WindowTypes(
        width,
        int(first_in[last >= begin].sum()),
        int(np.maximum(lengths - width + 1, 0).sum()),
        int(types[short].sum()),
        int(lengths[short].sum()),
    )


def mattr(ids: Ids, bounds: Bounds, width: int = 500) -> float:
    """Moving-average type-token ratio (Covington & McFall 2010), pooled over all windows of all documents.

    nan where no document is as long as the window: a plain ratio of short texts looks diverse whatever they
    are (``sliding_types`` gives it, with the reason).
    """
    state = sliding_types(ids, bounds, width)
    return state.value if state.windows else math.nan


def window_types(ids: Ids, width: int, bounds: Bounds | None = None) -> NDArray[np.int64]:
    """The number of types in each of the consecutive windows of a stream (``entropy.windows``)."""
    place = windows(ids, width, bounds)
    start = 0 if bounds is None else int(bounds[0])
    codes, types = recode(ids[start : start + len(place)][place >= 0])
    keys = np.unique(place[place >= 0] * max(types, 1) + codes)
    return np.bincount(keys // max(types, 1), minlength=len(codes) // width).astype(np.int64)


def mtld(tokens: Ids, threshold: float = 0.72) -> float:
    """Measure of textual lexical diversity of one document (McCarthy & Jarvis 2010): tokens per factor, a
    factor being a stretch whose type-token ratio falls below the threshold; forward and backward, averaged.

    Where no stretch falls at all, the ratio is infinite; the number of tokens stands in for it, a lower
    bound.
    """
    words = list(tokens)
    if not words:
        return math.nan
    return (_tokens_per_factor(words, threshold) + _tokens_per_factor(words[::-1], threshold)) / 2


def _tokens_per_factor(words: list[int], threshold: float) -> float:
    factors, length, seen = 0.0, 0, set[int]()
    for word in words:
        length += 1
        seen.add(word)
        if len(seen) < threshold * length:
            factors, length, seen = factors + 1, 0, set()
    if length:
        factors += (1 - len(seen) / length) / (1 - threshold)
    return len(words) / factors if factors else float(len(words))
