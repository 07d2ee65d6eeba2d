"""Whether counts fit probabilities: Pearson's chi-square, on numpy alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def chi_square(observed: NDArray[np.int64], p: Array, least: float = 5.0) -> tuple[float, int]:
    """Pearson's statistic and its degrees of freedom; rare types share a cell of at least ``least`` expected."""
    order = np.argsort(-p, kind="stable")
    expected, seen = observed.sum() * p[order], observed[order]
    # How many types can stand alone, so that the rest together still fill a cell.
    alone = int((expected >= least).sum())
    while alone and alone < len(p) and expected[alone:].sum() < least:
        alone -= 1
    cells = np.append(expected[:alone], expected[alone:].sum()) if alone < len(p) else expected
    hits = np.append(seen[:alone], seen[alone:].sum()) if alone < len(p) else seen
    return (float((np.square(hits - cells) / cells).sum()), len(cells) - 1) if len(cells) > 1 else (0.0, 0)


def upper_tail(statistic: float, freedom: int) -> float:
    """Chance of a chi-square at least so large (Wilson & Hilferty 1931: to about .003)."""
    spread = 2 / (9 * freedom)
    z = ((statistic / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)
    return 0.5 * math.erfc(z / math.sqrt(2))
