"""The rare words, which collapse takes first: hapax legomena, coverage, and what is left of a reference's
tail."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contam_metrics.ngrams import Bounds, Counts, Ids, TypeCounts, spectrum


def hapax_share(counts: Counts) -> float:
    """Tokens whose type occurs once, f1/N: Good and Turing's estimate of the mass of the unseen types.

    Depends on size: compare at equal size. Its sampling error is at least sqrt(f1)/N.
    """
    s = spectrum(counts)
    return s.f(1) / s.n if s.n else math.nan


def hapax_type_share(counts: Counts) -> float:
    """Types that occur once among all types, f1/V."""
    s = spectrum(counts)
    return s.f(1) / s.v if s.n else math.nan


def coverage(counts: Counts) -> float:
    """Good-Turing coverage 1 - f1/N: the share of the source's mass that the seen types hold."""
    return 1 - hapax_share(counts)


def coverage_chao_jost(counts: Counts) -> float:
    """Coverage with a correction from the types seen twice (Chao & Jost 2012); nan below two tokens."""
    s = spectrum(counts)
    f1, f2, n = s.f(1), s.f(2), s.n
    if n < 2:
        return math.nan
    if f1 == 0:
        return 1.0
    seen_once = (n - 1) * f1 if f2 else (n - 1) * (f1 - 1)
    return 1 - f1 / n * seen_once / (seen_once + 2 * (f2 or 1))


def halves(ids: Ids, bounds: Bounds) -> tuple[Ids, Ids]:
    """The tokens of every other document: two halves of a reference whose documents stand in hash order."""
    odd = np.repeat(np.arange(len(bounds) - 1) % 2 == 1, np.diff(bounds))
    used = ids[bounds[0] : bounds[-1]]
    return used[~odd], used[odd]


def tail_band(half: TypeCounts, low: int = 1, high: int = 3) -> NDArray[np.generic]:
    """The types seen ``low`` to ``high`` times in one half of the reference."""
    return half.types[(half.counts >= low) & (half.counts <= high)]


def tail_type_survival(band: NDArray[np.generic], audit: TypeCounts, other_half: TypeCounts) -> float:
    """Types of the band that the audited text has, over those that the reference's other half has.

    1 for text like the reference, falling under collapse. The band comes from the first half and the
    comparison from the second, or the types would be judged on the tokens they were picked for. All three
    counts must be of equally many tokens, and the reference of the same subject and language. nan where the
    other half has none.
    """
    expected = int(np.count_nonzero(other_half.of_types(band)))
    return int(np.count_nonzero(audit.of_types(band))) / expected if expected else math.nan


def missing_tail_mass(
    band: NDArray[np.generic], audit: TypeCounts, other_half: TypeCounts, control: TypeCounts
) -> float:
    """Mass (in the reference's other half) of the band's types that the audit lacks, less what ``control``,
    an independent sample of the reference of the same size, lacks: 0 for text like the reference, rising.

    Not the mass of the band itself: drift leaves that unchanged on average (it is a martingale).
    """
    if other_half.n == 0 or audit.n == 0 or control.n == 0 or len(band) == 0:
        return math.nan
    mass = other_half.of_types(band)
    absent = int(mass[audit.of_types(band) == 0].sum()) - int(mass[control.of_types(band) == 0].sum())
    return absent / other_half.n
