"""Fitting a document score to labelled text; needs scikit-learn (``pip install 'contam[stats]'``).

Train on human text and on text of models that were taught to answer. Text of base models lies on the other side of
human text, and spoils the direction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.synthetic.features import GRAMS, Features, WordTable, featurised
from contam.synthetic.score import Score, standardised
from contam_metrics.batch import Batch

STRENGTHS = (0.05, 10.0)
"""C of the two logistic regressions: dense features, character n-grams."""
PARTS = (0.6, 1.4)
"""What the standard deviation of both becomes in their sum. Measured on audits made up from labelled sets
(benchmarks/shares.py): with equal parts the rank test finds less at the same rate of false alarms."""
_FEWEST = 20

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of D training texts: ``machine`` bool[D], and ``sources``, where each comes from.

    Each class weighs the same, and within a class a source weighs as the square root of its texts, so that none
    dominates and a small one is not taken for more than it is. Of the human class, sources that also have machine text
    weigh as much as all others together: they say what the writing differs in where the subject does not.
    ``trained_on`` is kept with the score.
    """

    machine: NDArray[np.bool_]
    sources: Sequence[str]
    trained_on: Mapping[str, Any]

    def weights(self, rows: NDArray[np.int64]) -> Floats:
        """The weight of each of some texts; 1 on average, and half of all on each side."""
        machine = self.machine[rows]
        _, source = np.unique([self.sources[i] for i in rows.tolist()], return_inverse=True)
        cells = 2 * source + machine
        weights = 1.0 / np.sqrt(np.bincount(cells)[cells])
        both = np.isin(source, source[machine])
        _share(weights, [~machine & both, ~machine & ~both], len(rows) / 2)
        _share(weights, [machine], len(rows) / 2)
        return weights


def _share(weights: Floats, parts: Sequence[NDArray[np.bool_]], total: float) -> None:
    """Scale parts of the weights so that all parts that there are have equal sums, ``total`` together."""
    there = [part for part in parts if part.any()]
    for part in there:
        weights[part] *= total / len(there) / weights[part].sum()


def fit(texts: Batch | Iterable[str | bytes], labels: Labels, table: WordTable | None = None) -> Score:
    """Fit a score to texts; those that are too short are left out."""
    return fit_features(featurised(texts, table), labels)


def fit_features(features: Features, labels: Labels, rows: NDArray[np.int64] | None = None) -> Score:
    """Fit a score to some rows (default: all) of texts whose features are known. InputError where a class is small."""
    chosen = np.arange(len(features)) if rows is None else np.asarray(rows, np.int64)
    chosen = chosen[features.usable[chosen]]
    machine = labels.machine[chosen]
    if min(int(machine.sum()), int((~machine).sum())) < _FEWEST:
        raise InputError(f"a score needs at least {_FEWEST} texts of at least 80 words on each side")
    weights = labels.weights(chosen)
    centre, scale, dense, dense_margin = _dense(features, chosen, machine, weights)
    grams, gram_margin = _grams(features, chosen, machine, weights)
    spreads = [_spread(m, weights) / part for m, part in zip((dense_margin, gram_margin), PARTS)]
    middle = [float(np.average(m, weights=weights)) for m in (dense_margin, gram_margin)]
    return Score(
        centre, scale, (dense / spreads[0]).astype(np.float32), (grams / spreads[1]).astype(np.float32),
        -sum(m / s for m, s in zip(middle, spreads)), labels.trained_on,
    )  # fmt: skip


def _spread(margin: Floats, weights: Floats) -> float:
    """The weighted standard deviation."""
    return float(np.sqrt(np.average((margin - np.average(margin, weights=weights)) ** 2, weights=weights)))


def _dense(
    features: Features, rows: NDArray[np.int64], machine: NDArray[np.bool_], weights: Floats
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats, Floats]:
    """(centre, scale, coefficients, margin without its intercept) of the regression on the dense features."""
    from sklearn.linear_model import LogisticRegression

    dense = features.dense[rows]
    centre = np.average(dense, axis=0, weights=weights).astype(np.float32)
    spread = np.sqrt(np.average((dense - centre) ** 2, axis=0, weights=weights))
    scale = np.maximum(spread, 1e-3).astype(np.float32)
    values = standardised(dense, centre, scale)
    model = LogisticRegression(C=STRENGTHS[0], max_iter=500).fit(values, machine, sample_weight=weights)
    return centre, scale, model.coef_[0], values @ model.coef_[0]


def _grams(
    features: Features, rows: NDArray[np.int64], machine: NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats]:
    """(coefficients, margin without its intercept) of the regression on the n-grams."""
    from sklearn.linear_model import LogisticRegression

    values = gram_matrix(features)[rows]
    model = LogisticRegression(C=STRENGTHS[1], max_iter=200, tol=1e-3).fit(values, machine, sample_weight=weights)
    return model.coef_[0], values @ model.coef_[0]


def gram_matrix(features: Features) -> Any:
    """The n-grams' square-root counts at unit length as a sparse matrix (D, GRAMS)."""
    from scipy.sparse import csr_matrix

    sizes = np.diff(features.bounds)
    totals = np.add.reduceat(np.append(features.counts, 0).astype(np.float64), features.bounds[:-1])
    totals = np.where(sizes > 0, totals, 1.0)
    values = np.sqrt(features.counts / np.repeat(totals, sizes))
    return csr_matrix((values, features.buckets.astype(np.int32), features.bounds), shape=(len(features), GRAMS))
