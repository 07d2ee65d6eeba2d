"""The words of a source, as a corpus of it lets them be seen: also those that the corpus lacks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contam_metrics.ngrams import Counts, Spectrum, spectrum

Array = NDArray[np.float64]

_RARE = 40
"""Counts above it are taken for what is expected."""
_LEAST = 0.05
"""The rarest expected count: words that are rarer are not told from words that are not there."""
_LEVELS, _STEPS = 64, 400


def source_of(counts: Counts) -> Array:
    """Frequencies of the words of a source, from a corpus of it: float64[types], sums to 1. First the words of the
    corpus in ascending order of their counts (`seen_counts`), then the unseen ones.

    Rare counts are taken as a Poisson mixture whose mixing distribution is the nonparametric maximum-likelihood one
    given that a word was seen (Norris & Pollock 1998), on a grid, by EM; words of one count are spread over what they
    may be expected to occur. The number of unseen words beyond twice the corpus is anybody's guess.
    """
    table = spectrum(counts)
    rare = table.counts <= _RARE
    if not rare.any():
        return _normal(seen_counts(table).astype(np.float64))
    levels = np.geomspace(_LEAST, 2 * _RARE, _LEVELS)
    chances = _poisson(table.counts[rare].astype(np.float64), levels)
    weights, unseen = _mixing(chances, table.types[rare].astype(np.float64), np.exp(-levels))
    parts = [_spread(levels, weights * row, int(k)) for row, k in zip(chances, table.types[rare])]
    common = np.repeat(table.counts[~rare], table.types[~rare]).astype(np.float64)
    return _normal(np.concatenate([*parts, common, _spread(levels, weights * np.exp(-levels), round(unseen))]))


def seen_counts(table: Spectrum) -> NDArray[np.int64]:
    """The counts of a corpus, ascending."""
    return np.repeat(table.counts, table.types)


def _normal(expected: Array) -> Array:
    return expected / expected.sum()


def _poisson(counts: Array, levels: Array) -> Array:
    logs = np.array([math.lgamma(c + 1) for c in counts])
    out: Array = np.exp(np.outer(counts, np.log(levels)) - levels - logs[:, None])
    return out


def _mixing(chances: Array, types: Array, missing: Array) -> tuple[Array, float]:
    """Weights of the levels among all words, and how many words were not seen."""
    weights, unseen = np.full(len(missing), 1 / len(missing)), 0.0
    for _ in range(_STEPS):
        absent = float(weights @ missing)
        unseen = float(types.sum()) * absent / (1 - absent)
        fitting = chances * weights
        found = types @ (fitting / fitting.sum(axis=1, keepdims=True)) + unseen * weights * missing / absent
        weights = found / found.sum()
    return weights, unseen


def _spread(levels: Array, weights: Array, words: int) -> Array:
    """So many words, over the levels as evenly as they go."""
    places = (np.arange(words) + 0.5) / max(words, 1)
    share = np.cumsum(weights) / weights.sum()
    return levels[np.minimum(np.searchsorted(share, places), len(levels) - 1)]
