"""Two figures of a pair of score samples, their rank among pairs of human text, and the lower bound of a share.

a are the scores of a trusted block, b those of audited text of the same source. Above a threshold that the block sets,
human text leaves little; generated text leaves more, whoever generated it, because the audited text's distribution
function is at least that of its human part times the human share. Nothing here is fitted to the audited text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUANTILE = 0.8
"""The one threshold, fixed before any text was seen: the block's quantile up to which the audited text is counted."""
LEVEL = 20
"""1 / .05: of R + 1 exchangeable pairs one in so many lies beyond the bound's limit."""
_TIE = 1e-9
"""Figures that passed through a file are equal where they differ by less."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two figures of audited text beside a block: ``auc`` (u), the probability that an audited document scores above
    one of the block, ties half; ``left`` (r), the share of the audited documents at or below the block's .8 quantile,
    over .8: 1 where both are alike."""

    auc: float
    left: float


@dataclass(frozen=True, slots=True)
class Bound:
    """A lower bound of the share of documents (``share``, 0 where there is none), and ``limit`` (rho), the figure r
    that human pairs fall below at a rate of about .05."""

    share: float
    limit: float


def pair_of(trusted: Floats, audited: Floats) -> Pair:
    """Both figures of ``audited`` scores (b) beside ``trusted`` ones (a).

    The quantile is interpolated linearly. ValueError where a side is empty or a score is not finite.
    """
    a, b = np.sort(_checked(trusted)), np.sort(_checked(audited))
    below = np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")
    auc = float(below.sum()) / (2 * len(a) * len(b))
    threshold = np.quantile(a, QUANTILE)
    return Pair(auc, float(np.searchsorted(b, threshold, "right")) / len(b) / QUANTILE)


def rank_test(auc: float, null: Floats) -> float:
    """The exact p-value of ``auc`` among the ``null`` pairs': (1 + how many are at least as high) / (R + 1).

    Exact where the pair is exchangeable with the null pairs. ValueError for figures that rank nowhere.
    """
    among = _checked(null)
    if not math.isfinite(auc):
        raise ValueError(f"{auc} ranks nowhere")
    return float((1 + np.count_nonzero(among >= auc - _TIE)) / (len(among) + 1))


def bound(left: float, null: Floats) -> Bound:
    """The lower bound of the share, ``max(0, 1 - r / rho)``, rho the k-th smallest r of the ``null`` pairs with
    k = max(1, floor(.05 (R + 1))).

    A human pair's r falls below rho with probability k / (R + 1) at most, where it is exchangeable with the null pairs;
    approximate for a share above 0, because the human part is smaller than the whole and scatters more.
    """
    among = np.sort(_checked(null))
    limit = float(among[max(1, (len(among) + 1) // LEVEL) - 1])
    if not math.isfinite(left):
        raise ValueError(f"{left} ranks nowhere")
    if limit <= 0 or left >= limit - _TIE:
        return Bound(0.0, limit)
    return Bound(1.0 - left / limit, limit)


def exact_bound(trusted: Floats, audited: Floats, alpha: float = 0.05) -> float:
    """A lower bound of the share that needs no null pairs, where the block is a *random* part of the same pool.

    The largest ``1 - (F_b(x) + e) / (F_a(x) - e')`` over all x, e and e' the widths of the bands of both distribution
    functions at ``alpha`` together (Dvoretzky, Kiefer & Wolfowitz 1956, with Massart's constant). It is wrong for a
    block of another source or another time. Raises ValueError as `pair_of`.
    """
    a, b = np.sort(_checked(trusted)), np.sort(_checked(audited))
    at = np.union1d(a, b)
    wide_a, wide_b = (math.sqrt(math.log(2 / alpha) / (2 * len(x))) for x in (a, b))
    human = np.searchsorted(a, at, "right") / len(a) - wide_a
    whole = np.searchsorted(b, at, "right") / len(b) + wide_b
    usable = human > 0
    return float(max(0.0, (1 - whole[usable] / human[usable]).max(initial=0.0)))


def _checked(scores: Floats) -> Floats:
    """The scores as they are, or a ValueError: a test must not be run on what is no sample of numbers."""
    found = np.asarray(scores, np.float64)
    if not len(found):
        raise ValueError("no scores")
    if not np.isfinite(found).all():
        raise ValueError("a score is not a finite number")
    return found
