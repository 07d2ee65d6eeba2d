"""Closed forms of the categorical world: tokens drawn again and again from the frequencies of the last draw.

Generation 0 is the truth ``p``; generation t is a model fitted exactly to a corpus that the models before it wrote.
*Heterozygosity* is 1 - sum p^2, the chance that two tokens differ. Recursions are exact unless a docstring says
otherwise. Where no author is named, the form is derived here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam_metrics.ngrams import Counts, spectrum
from contam_metrics.special import digamma

Array = NDArray[np.float64]

SURESH = "Suresh et al. 2024 (arXiv 2412.17646)"
SEDDIK = "Seddik et al. 2024 (arXiv 2404.05090)"
WRIGHT_FISHER = "Wright-Fisher drift; the same as the fully synthetic case of " + SEDDIK


def heterozygosity(p: ArrayLike) -> float:
    """1 - sum p^2, between 0 (one type) and 1 - 1/types."""
    return float(1 - np.square(np.asarray(p, np.float64)).sum())


def replace_heterozygosity(h0: float, samples: int, t: ArrayLike) -> Array:
    """E H_t = H_0 (1 - 1/N)^t where each generation sees only the last one's ``samples`` tokens."""
    return h0 * (1 - 1 / samples) ** np.asarray(t, np.float64)


# --- fresh real text every generation ---


def fresh_heterozygosity(h0: float, samples: float, share: float, t: ArrayLike) -> Array:
    """E H_t where every token comes from the truth with probability ``share`` and from the last model otherwise."""
    kept = (1 - 1 / samples) * (1 - share) ** 2
    limit = h0 * (1 - fresh_loss(samples, share))
    return limit + (h0 - limit) * kept ** np.asarray(t, np.float64)


def fresh_loss(samples: float, share: float) -> float:
    """Share of the heterozygosity that is lost in the long run, D = 1/(1 + (N - 1) r (2 - r)); 1 without real text."""
    return 1 / (1 + (samples - 1) * share * (2 - share))


def fresh_entropy(p: ArrayLike, samples: int, share: float) -> float:
    """Shannon entropy (nats) in the long run, from the Dirichlet distribution of the diffusion limit: approximate."""
    p = np.asarray(p, np.float64)
    theta = (samples - 1) * share * (2 - share)
    return float(digamma(theta + 1) - (p * digamma(theta * p + 1)).sum())


# --- the same real text every generation ---


def reused_heterozygosity(h0: float, kept: int, synthetic: int, generations: int) -> Array:
    """E H_t for t = 0 (the truth) to ``generations``: the first corpus is real, later ones are ``kept`` tokens of it
    and ``synthetic`` tokens of the last model. ``h0`` is the truth's."""
    share, simpson = kept / (kept + synthetic), 1 - h0
    real = simpson + h0 / kept
    both, alone = share * real + (1 - share) * simpson, simpson + h0 / (kept + synthetic)
    out = [h0, 1 - alone]
    for _ in range(generations - 1):
        written = 1 / synthetic + (1 - 1 / synthetic) * alone
        alone = share**2 * real + 2 * share * (1 - share) * both + (1 - share) ** 2 * written
        both = share * real + (1 - share) * both
        out.append(1 - alone)
    return np.array(out[: generations + 1])


def redrawn_heterozygosity(h0: float, kept: int, synthetic: int, generations: int) -> Array:
    """The same where the ``kept`` tokens are drawn anew, without replacement, from the whole first corpus."""
    size = kept + synthetic
    share, simpson = kept / size, 1 - h0 * (1 - 1 / size)
    part = simpson + (1 - simpson) * unread_noise(size, kept)
    alone, out = simpson, [h0, 1 - simpson]
    for _ in range(generations - 1):
        written = 1 / synthetic + (1 - 1 / synthetic) * alone
        alone = share**2 * part + 2 * share * (1 - share) * simpson + (1 - share) ** 2 * written
        out.append(1 - alone)
    return np.array(out[: generations + 1])


def unread_noise(size: int, read: int) -> float:
    """Squared distance of ``read`` tokens, drawn without replacement, to the ``size`` tokens that they come from, over
    the heterozygosity of these."""
    return (size - read) / (size - 1) / read if size > 1 else 0.0


def reused_limit(kept: int, synthetic: int) -> float:
    """Heterozygosity in the long run over that of the kept real corpus: (2r - r^2)/(1 - (1-r)^2 (1 - 1/n))."""
    share = kept / (kept + synthetic)
    return (2 * share - share**2) / (1 - (1 - share) ** 2 * (1 - 1 / synthetic))


def reused_variance(p: ArrayLike, kept: int, synthetic: int) -> Array:
    """Variance in the long run of the frequency of a type whose frequency in the kept real text is ``p``."""
    p, a2 = np.asarray(p, np.float64), (synthetic / (kept + synthetic)) ** 2
    return p * (1 - p) * a2 / (synthetic * (1 - a2) + a2)


def reused_distance_bound(types: int, kept: int, synthetic: int) -> float:
    """Upper bound of the L1 distance, in the long run, between the model and the kept real text's frequencies."""
    a2 = (synthetic / (kept + synthetic)) ** 2
    return math.sqrt((types - 1) * a2 / (synthetic * (1 - a2) + a2))


def maximal_synthetic(real: int, tolerance: float) -> float:
    """Synthetic tokens a generation that may join ``real`` reused ones, so that the variance they add is at most
    ``tolerance`` times that of the real sample itself: N tau/(1 - 2 tau).

    Infinite from 1/2 on, since any amount adds at most half of it. It holds for exact counting only: a network errs
    in other ways too, so more than this is certainly too much, and less may be.
    """
    return tolerance * real / (1 - 2 * tolerance) if tolerance < 0.5 else math.inf


def seddik_maximal_synthetic(real: int, types: int, distance: float) -> float:
    """Seddik et al.'s sufficient amount of synthetic tokens for an expected L1 distance below ``distance`` to the
    first model: 2 pi e^-2 min(s - 2, ln(sqrt(2 pi) N eps/(6 e s))), per context; 0 where it allows none.

    A bound, and far from tight: it grows with the logarithm of the real tokens.
    """
    room = math.log(math.sqrt(2 * math.pi) * real * distance / (6 * math.e * types))
    return max(0.0, 2 * math.pi * math.exp(-2) * min(types - 2, room))


# --- a corpus that grows ---


@dataclass(frozen=True, slots=True)
class GrowingCorpus:
    """A corpus of ``start`` real tokens to which every model adds ``added`` of its own. A model is trained on
    ``read`` tokens of it (0: on all), drawn with or without ``replacement``."""

    start: int
    added: int
    read: int = 0
    replacement: bool = False

    def reading_noise(self, additions: int) -> float:
        """What reading only a part adds: the squared distance of the part to the corpus, over its heterozygosity."""
        if not self.read:
            return 0.0
        if self.replacement:
            return 1 / self.read
        return unread_noise(self.start + additions * self.added, self.read)


def growing_heterozygosity(corpus: GrowingCorpus, generations: int) -> Array:
    """E H_t/H_0 of the corpus after t = 0 ... ``generations`` additions, ``H_0`` being the first corpus's."""
    out = [1.0]
    for t in range(1, generations + 1):
        noise = corpus.reading_noise(t - 1)
        weight = corpus.added / (corpus.start + t * corpus.added)
        out.append(out[-1] * (1 - weight**2 * (noise + (1 - noise) / corpus.added)))
    return np.array(out)


def growing_limit(corpus: GrowingCorpus) -> float:
    """The limit of `growing_heterozygosity` for a corpus read whole or with replacement:
    G(a+1)^2/(G(a+1-sqrt c) G(a+1+sqrt c)), a = start/added, c = 1/added + 1/read - 1/(added read)."""
    noise = 1 / corpus.read if corpus.read else 0.0
    a, c = corpus.start / corpus.added, math.sqrt(noise + (1 - noise) / corpus.added)
    return math.exp(2 * math.lgamma(a + 1) - math.lgamma(a + 1 - c) - math.lgamma(a + 1 + c))


def accumulate_heterozygosity(samples: int, generations: int) -> float:
    """E H_T/H_0 against the truth's where all text is kept and ``samples`` tokens join a generation:
    prod (1 - 1/(n k^2)) over k = 1 ... ``generations`` corpora, the first being real."""
    k = np.arange(1, generations + 1, dtype=np.float64)
    return float(np.prod(1 - 1 / (samples * k * k)))


def accumulate_limit(samples: int) -> float:
    """The limit of `accumulate_heterozygosity`: sin(pi/sqrt n)/(pi/sqrt n)."""
    x = math.pi / math.sqrt(samples)
    return math.sin(x) / x


# --- rare types: branching ---


def extinct(generations: int) -> Array:
    """q_0 ... q_t: the chance that the descendants of one copy are gone (Poisson Galton-Watson, q_t = e^(q_(t-1)-1)).

    ``q_t ** n`` for a type with n copies: approximate, for types that are rare in a large corpus.
    """
    out = [0.0]
    for _ in range(generations):
        out.append(math.exp(out[-1] - 1))
    return np.array(out)


def median_extinction(copies: int) -> int:
    """The first generation at which a type of ``copies`` copies is more likely gone than not; about 2.885 a copy."""
    t, q = 0, 0.0
    while q**copies < 0.5:
        t, q = t + 1, math.exp(q - 1)
    return t


def vocabulary(counts: Counts, t: int) -> float:
    """Expected types t generations after a corpus with these counts: sum of f_r (1 - q_t^r). Approximate."""
    s, q = spectrum(counts), extinct(t)[t]
    return float((s.types * (1 - q ** s.counts.astype(np.float64))).sum())


def suresh_rate(k: int) -> float:
    """g_k of Suresh et al.: k times x -> 1 - e^-x from infinity; between 1/k and 3/k, about 2/k."""
    return math.inf if k == 0 else float(1 - extinct(k - 1)[k - 1])


def suresh_survival(expected: ArrayLike, k: int) -> Array:
    """Lower bound of the chance that a type with ``expected`` copies in a corpus is there in generation k:
    1 - e^(-c g_k) (Suresh et al.). It is close for rare types."""
    expected = np.asarray(expected, np.float64)
    if k == 0:
        return (expected > 0).astype(np.float64)
    out: Array = -np.expm1(-expected * suresh_rate(k))
    return out


def suresh_types(p: ArrayLike, samples: int, k: int) -> tuple[float, float]:
    """Lower and upper bound of the expected number of types in generation k >= 1 (Suresh et al.)."""
    p = np.asarray(p, np.float64)
    low = suresh_survival(samples * p, k)
    slack = np.maximum(1 - 3 * samples * p * p - 3 * k * p, 0)
    return float(low.sum()), float((1 - (1 - low) * slack).sum())


# --- the end: one type ---


def diffusion_time(p: ArrayLike, samples: int) -> float:
    """Mean generations until one type is left, -2N sum (1 - p) ln(1 - p): approximate.

    Follows from the diffusion limit of the time to fixation (Kimura & Ohta 1969), a type fixing with chance p.
    """
    p = np.asarray(p, np.float64)
    rest = np.maximum(1 - p, 1e-300)
    return float(-2 * samples * (rest * np.log(rest)).sum())


def diffusion_time_distinct(samples: int) -> float:
    """The same from ``samples`` tokens of as many types: 2N(1 - 1/N) (coalescent limit)."""
    return 2 * samples * (1 - 1 / samples)


def seddik_simpson(s0: float, samples: int, m: ArrayLike) -> Array:
    """E sum p^2 after m fully synthetic generations: 1 - (1 - 1/n)^m (1 - S_0) (Seddik et al.)."""
    return 1 - replace_heterozygosity(1 - s0, samples, m)


def seddik_collapsed(p: ArrayLike, samples: int, m: int) -> tuple[float, float]:
    """Lower and upper bound of the chance that one type is left at generation m >= 1 (Seddik et al.)."""
    p = np.asarray(p, np.float64)
    left = heterozygosity(p) * (1 - 1 / samples) ** m
    return max(0.0, 1 - samples * left), max(0.0, 1 - left / _most_even(p, samples))


def seddik_time(p: ArrayLike, samples: int) -> tuple[float, float]:
    """Lower and upper bound of the mean generations until one type is left (Seddik et al.); the upper one grows
    with n^2, the truth with n."""
    p = np.asarray(p, np.float64)
    h0 = heterozygosity(p)
    return 1 + h0 / _most_even(p, samples) * (samples - 1), 1 + h0 * samples * (samples - 1)


def _most_even(p: Array, samples: int) -> float:
    # The largest heterozygosity that a corpus can have; the paper's s-tilde read as the smaller of types and tokens.
    return 1 - 1 / max(2, min(int((p > 0).sum()), samples))
