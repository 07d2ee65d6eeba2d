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
    """Chance of a chi-square at least so large: the finite sum for whole degrees of freedom."""
    half = statistic / 2
    if half <= 0:
        return 1.0
    first, start = (math.erfc(math.sqrt(half)), 0.5) if freedom % 2 else (0.0, 0.0)
    powers = (start + i for i in range(freedom // 2))
    return first + sum(math.exp(k * math.log(half) - half - math.lgamma(k + 1)) for k in powers)
