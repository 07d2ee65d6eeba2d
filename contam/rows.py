"""From figures to the rows that are ranked: signals first, then the covariates that stand for style.

Larger always means more collapsed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Figures = Mapping[str, float]
Matrix = NDArray[np.float64]

COPYING_WEIGHT = 0.65
"""Weight of copying in the population score; in the paired score it is 0.5."""
MANY = 1e-3
CHANGED_FLOORS = np.full(8, 0.01)
"""Least scales of test M."""


def copying(f: Figures) -> float:
    """ln of the share of 4-gram positions whose 4-gram occurs in another segment, plus .001."""
    cover = f["repetition.cover_4"]
    return math.log((cover if math.isfinite(cover) else 0.0) + MANY)


def curvature(f: Figures) -> float:
    """ln of the words used twice over those used once: a lost tail bends the frequency curve down at its
    end."""
    return math.log((f["tail.dis_types"] + 0.002) / (f["tail.hapax_types"] + 0.002))


def population_row(f: Figures) -> list[float]:
    """Tail, copying; types, local type-token ratio, function words, word length."""
    return [
        curvature(f),
        copying(f),
        -math.log(f["diversity.types"]),
        -f["text.window_ttr"],
        f["text.function_words"],
        f["text.word_length"],
    ]


def population_rows(figures: Sequence[Figures]) -> Matrix:
    """The rows of several texts."""
    return np.array([population_row(f) for f in figures])


def tail_row(f: Figures) -> list[float]:
    """The three measures of the tail of test D."""
    return [-f["tail.hapax_types"], -math.log(f["tail.hapax_share"] + MANY), -math.log(f["diversity.types"])]


def style_row(f: Figures) -> list[float]:
    """The covariates of test D."""
    return [
        -math.log(f["text.window_types"]),
        -f["text.window_ttr"],
        math.log(f["text.simpson"]),
        f["text.function_words"],
        f["text.word_length"],
    ]


def changed_row(f: Figures) -> list[float]:
    """The eight figures of test M."""
    return [
        *tail_row(f),
        copying(f),
        math.log(1.0 - f["diversity.distinct_2"] + 0.002),
        -f["entropy.conditional"],
        -f["diversity.mattr"],
        math.log(f["text.simpson"]),
    ]


def difference(row: Sequence[float], trusted: Sequence[float]) -> Matrix:
    """What the audited text has more of than the trusted one."""
    return np.subtract(row, trusted)
