"""How many words a smaller text of the source would have, and how many new ones a longer one would bring.

The words of a corpus are taken as exchangeable, which those of documents are not: see docs/forecast.md.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contam_metrics.diversity import rarefied_types
from contam_metrics.ngrams import Spectrum

FARTHEST = 2.0
"""Times the corpus: the series of Good & Toulmin (1956) holds no further."""
_TERMS = 24
"""Of the smoothed series: words that occur oftener than this are not lacking anywhere."""


def types_at(table: Spectrum, tokens: float) -> float:
    """Expected different words among ``tokens`` of the corpus's own: rarefaction (Hurlbert 1971), between whole numbers
    linear. nan for an empty table and beyond the corpus."""
    if not table.n or tokens > table.n:
        return math.nan
    low = math.floor(max(tokens, 0.0))
    below = rarefied_types(table, low)
    if low == tokens:
        return below
    return below + (tokens - low) * (rarefied_types(table, min(low + 1, table.n)) - below)


def new_types_at(table: Spectrum, tokens: float) -> float:
    """Expected new words that one more word of the source brings after ``tokens``: those that occur once among
    ``tokens``, over ``tokens``.

    Above the corpus, up to twice its size, by the series of Good & Toulmin (1956), smoothed as by Efron & Thisted
    (1976). nan for an empty table, ValueError beyond.
    """
    if not table.n:
        return math.nan
    beyond = tokens / table.n - 1
    if beyond > FARTHEST - 1 + 1e-9:
        raise ValueError(f"{tokens:g} words are more than {FARTHEST:g} times the {table.n} of the corpus")
    if beyond > 0:
        return _slope(table, beyond)
    counts = table.counts.astype(np.float64)
    return float(table.types @ (counts * max(-beyond, 0.0) ** (counts - 1))) / table.n


def _slope(table: Spectrum, beyond: float) -> float:
    """f_1 - 2 t f_2 + 3 t^2 f_3 - ... with falling weights."""
    k = np.arange(1, _TERMS + 1)
    return float(np.sum(k * (-beyond) ** (k - 1) * _rare(table) * _weights(beyond))) / table.n


def _rare(table: Spectrum) -> NDArray[np.float64]:
    found = np.zeros(_TERMS + 1)
    few = table.counts <= _TERMS
    found[table.counts[few]] = table.types[few]
    return found[1:]


def _weights(beyond: float) -> NDArray[np.float64]:
    """P(B >= k), B binomial of _TERMS trials at 2/(2 + t): a sum that alternates ends softly."""
    chance = 2 / (2 + beyond)
    k = np.arange(_TERMS + 1)
    ways = np.array([math.comb(_TERMS, int(i)) for i in k], np.float64)
    alone = ways * chance**k * (1 - chance) ** (_TERMS - k)
    return alone[::-1].cumsum()[::-1][1:]
