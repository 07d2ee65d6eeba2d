"""Exact conformal ranks of one text among references: what is left of tail loss and copying once style is
known.

All rows, the references and the audited text, go through the same steps and none is treated apart. The rank
of the audited row is therefore uniform whenever it is exchangeable with the references (Vovk et al. 2005),
and only then: a reference population of another kind of text breaks it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

SPREAD_FLOOR = 1e-3
RIDGE = 1.0
LOWEST, HIGHEST = -6.0, 8.0


def robust(x: Matrix) -> Matrix:
    """Distance from the column median in robust standard deviations (1.4826 MAD, at least `SPREAD_FLOOR`)."""
    centred = x - np.median(x, axis=0)
    return centred / np.maximum(1.4826 * np.median(np.abs(centred), axis=0), SPREAD_FLOOR)


def residuals(y: Matrix, covariates: Matrix, ridge: float = RIDGE) -> Matrix:
    """Leave-one-out residuals of the columns of ``y`` regressed on ``covariates`` (free intercept), as
    robust z.

    ``y`` is (n, k), ``covariates`` (n, m), standardised here; the result (n, k) is clipped to [-6, 8].
    """
    x = np.clip(robust(covariates), -4.0, 4.0)
    z = np.hstack([np.ones((len(x), 1)), x])
    penalty = ridge * np.eye(z.shape[1])
    penalty[0, 0] = 0.0
    hat = z @ np.linalg.solve(z.T @ z + penalty, z.T)
    left_out = (y - hat @ y) / np.maximum(1.0 - np.diag(hat), 1e-9)[:, None]
    return np.clip(robust(left_out), LOWEST, HIGHEST)


def rank_p(scores: Matrix, row: int = -1) -> float:
    """Conformal p-value of one row: the share of rows, itself included, that score at least as high.

    At least 1 / rows. ValueError for a score that is not a number: it would rank nowhere.
    """
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    return float((scores >= scores[row]).sum() / len(scores))


def tail_score(tail: Matrix, copying: Matrix, weight: float = 0.5) -> Matrix:
    """S of every row: tail loss, averaged where it was measured in several ways, plus the weighted
    copying."""
    mean_tail = tail.mean(axis=1) if tail.ndim == 2 else tail
    return np.maximum(0.0, mean_tail) + weight * np.maximum(0.0, copying)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores of all rows and the p-value of the last one."""

    scores: Matrix
    p_value: float

    @property
    def score(self) -> float:
        """The score of the last row, the audited one."""
        return float(self.scores[-1])


def directed(tails: Matrix, copying: Matrix, covariates: Matrix, weight: float = 0.5) -> Ranked:
    """Rank the last row by tail loss and copying that its covariates do not explain.

    ``tails`` (n, k), ``copying`` (n,) and ``covariates`` (n, m), larger meaning more collapsed; the audited
    text is the last row. With k = 1 this is the population test, with differences of pairs the paired test
    D.
    """
    left = residuals(np.column_stack([tails, copying]), covariates)
    scores = tail_score(left[:, :-1], left[:, -1], weight)
    return Ranked(scores, rank_p(scores))


def changed(differences: Matrix, floors: Matrix) -> Ranked:
    """Rank the last row by its Mahalanobis distance from the middle of all: test M, two-sided.

    ``differences`` (n, k); ``floors`` (k,) the least scale of each column, so that a column in which the
    pairs hardly differ cannot decide alone. The covariance of the clipped z is shrunk: 0.7 C + 0.3 diag C.

    What could not be measured in the last row (a window of 100 words in shorter texts) is left out for all rows, and
    so is any other row in which something is missing then.
    """
    kept = np.isfinite(differences[-1])
    differences, floors = differences[:, kept], floors[kept]
    differences = differences[np.isfinite(differences).all(axis=1)]
    centred = differences - np.median(differences, axis=0)
    scale = np.maximum(1.4826 * np.median(np.abs(centred), axis=0), floors)
    z = np.clip(centred / scale, -6.0, 12.0)
    mild = np.clip(z, -4.0, 4.0)
    covariance = np.cov(mild, rowvar=False)
    # the small ridge keeps columns in which all pairs agree (nothing copied anywhere) from being singular
    covariance = 0.7 * covariance + 0.3 * np.diag(np.diag(covariance)) + 1e-6 * np.eye(len(covariance))
    scores = np.sqrt(np.einsum("ij,ij->i", z, np.linalg.solve(covariance, z.T).T))
    return Ranked(scores, rank_p(scores))
