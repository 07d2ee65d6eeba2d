"""A small classifier of human and generated documents that judges no document it was trained on.

Documents are shared out to five folds by a hash of their bytes, and a model is trained for each fold on the others. A
document is always judged by the model of its own fold, whether it was among the training documents or not; equal
documents lie in one fold. So generation 0's documents can be told from real ones and then be judged themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.experiments.recurse.document_scores import DocumentScores
from contam_metrics.batch import Batch

Floats = NDArray[np.float64]
FOLDS = 5
LEAST = 20
"""Different documents needed of either kind."""
MOST = 2000
"""Documents of either kind that are learnt from."""
COLUMN_BITS = 12
LONGEST = 3
SHARE_OF_SCORES = 0.1
"""What a standard deviation of a score counts for, where the n-grams of a document have length 1 together."""
STRENGTH = 10.0
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Fold:
    """A model trained without one fold: scores are standardised by ``mean`` and ``spread`` [S], then weighed by
    ``weights`` [S + 4096], n-grams too. ``slope`` and ``shift`` turn its values into calibrated log odds."""

    mean: Floats
    spread: Floats
    weights: Floats
    bias: float
    slope: float = 1.0
    shift: float = 0.0

    def value(self, scores: Floats, grams: Any) -> Floats:
        """The uncalibrated log odds of documents, [D]."""
        return columns(standardised(scores, self.mean, self.spread), grams) @ self.weights + self.bias


@dataclass(frozen=True, slots=True)
class Classifier:
    """Tells generated from human documents, both taken to be equally frequent beforehand.

    ``auc`` and ``calibration_error`` (expected, 15 bins) are of the ``real`` + ``generated`` documents it was made
    from, each judged by a model that had not seen it.
    """

    folds: tuple[Fold, ...]
    auc: float
    calibration_error: float
    real: int
    generated: int

    @classmethod
    def trained(
        cls, real: tuple[Sequence[str], DocumentScores], generated: tuple[Sequence[str], DocumentScores],
        chance: np.random.Generator,
    ) -> Classifier:  # fmt: skip
        """Train on documents of either kind and their scores; copies count once, at most 2,000 are taken of a kind.

        Logistic regression (scikit-learn, L2, classes weighed equally) on the standardised document scores and on the
        log counts of hashed byte 1- to 3-grams, then Platt scaling on values of documents that a model had not
        seen. Raises InputError for fewer than 20 different documents of a kind, or without scikit-learn.
        """
        check_installed()
        chosen = [_chosen(kind, scores, chance) for kind, (_, scores) in zip(("real", "generated"), (real, generated))]
        texts = [part[0][i] for part, rows in zip((real, generated), chosen) for i in rows]
        scores = np.concatenate([features(part[1])[rows] for part, rows in zip((real, generated), chosen)])
        contents = np.concatenate([part[1].contents[rows] for part, rows in zip((real, generated), chosen)])
        machine = np.repeat([0, 1], [len(rows) for rows in chosen])
        fold, grams = fold_of(contents), byte_grams(texts)
        raw = [_fitted(scores[fold != k], grams[fold != k], machine[fold != k]) for k in range(FOLDS)]
        values = np.zeros(len(texts))
        for k in range(FOLDS):
            values[fold == k] = raw[k].value(scores[fold == k], grams[fold == k])
        folds = tuple(_calibrated(raw[k], values[fold != k], machine[fold != k]) for k in range(FOLDS))
        odds = _each_by_its_own(folds, fold, values)
        return cls(folds, *_quality(odds, machine), len(chosen[0]), len(chosen[1]))

    def log_odds(self, texts: Sequence[str], scores: DocumentScores) -> Floats:
        """ln p(generated) / p(human) of each document, float64[D], by the model that was trained without its fold."""
        fold, grams, rows = fold_of(scores.contents), byte_grams(texts), features(scores)
        values = np.zeros(len(texts))
        for k, model in enumerate(self.folds):
            mine = np.flatnonzero(fold == k)
            values[mine] = model.value(rows[mine], grams[mine])
        return _each_by_its_own(self.folds, fold, values)


def check_installed() -> None:
    """Raises InputError where scikit-learn is missing: to be asked before a run that will need it."""
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise InputError("--filter resample needs scikit-learn: pip install 'contam[stats]'")


def fold_of(contents: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The fold of each document by the hash of its bytes."""
    return ((contents >> np.uint64(20)) % np.uint64(FOLDS)).astype(np.int64)


def features(scores: DocumentScores) -> Floats:
    """The scores that are learnt from, [D, S]: all but the number of words, which tells where a document was cut
    rather than who wrote it."""
    return np.column_stack([scores.loop, scores.gopher, scores.rep_4, scores.distinct_2, scores.surprise])


def standardised(scores: Floats, mean: Floats, spread: Floats) -> Floats:
    """Scores in standard deviations; one that is missing is taken as average."""
    return np.nan_to_num((scores - mean) / spread, nan=0.0)


def columns(scores: Floats, grams: Any) -> Any:
    """Standardised scores and n-grams side by side, sparse [D, S + 4096]."""
    from scipy import sparse

    return sparse.hstack([sparse.csr_matrix(SHARE_OF_SCORES * scores), grams]).tocsr()


def byte_grams(texts: Sequence[str]) -> Any:
    """ln(1 + count) of the hashed byte 1- to 3-grams of each document, rows of length 1, sparse [D, 4096]."""
    from scipy import sparse

    batch = Batch.of(texts)
    n = int(batch.offsets[-1])
    ends = np.repeat(batch.offsets[1:], np.diff(batch.offsets))
    data = batch.data[: n + LONGEST].astype(np.uint64)
    code, counts = np.zeros(n, np.uint64), sparse.csr_matrix((len(texts), 1 << COLUMN_BITS))
    for length in range(1, LONGEST + 1):
        code = (code << np.uint64(8)) | data[length - 1 : n + length - 1]
        starts = np.flatnonzero(np.arange(length, n + length) <= ends)
        hashed = ((code[starts] + (np.uint64(length) << np.uint64(32))) * _GOLDEN) >> np.uint64(64 - COLUMN_BITS)
        places = hashed.astype(np.int32), np.searchsorted(starts, batch.offsets)
        counts = counts + sparse.csr_matrix((np.ones(len(starts)), *places), counts.shape)
    counts.data = np.log1p(counts.data)
    sizes = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    return sparse.diags(1 / np.maximum(sizes, 1e-12)) @ counts


def _chosen(kind: str, scores: DocumentScores, chance: np.random.Generator) -> NDArray[np.int64]:
    """Which documents of a kind are learnt from: different ones that say something."""
    able = np.flatnonzero(~scores.copy & (scores.words > 0))
    if len(able) < LEAST:
        raise InputError(
            f"--filter resample learns to tell generated documents from real ones and needs {LEAST} different ones of "
            f"each: there are {len(able)} {kind} documents with words; give more text in more documents, or use "
            "another filter"
        )
    return able if len(able) <= MOST else np.sort(chance.choice(able, MOST, replace=False))


def _fitted(scores: Floats, grams: Any, machine: NDArray[np.int64]) -> Fold:
    known = np.isfinite(scores)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, scores, 0).sum(axis=0) / counts
    spread = np.sqrt(np.where(known, (scores - mean) ** 2, 0).sum(axis=0) / counts)
    spread = np.where(spread > 1e-9, spread, 1.0)
    model = _logistic(STRENGTH, class_weight="balanced", max_iter=1000)
    model.fit(columns(standardised(scores, mean, spread), grams), machine)
    return Fold(mean, spread, model.coef_[0].astype(np.float64), float(model.intercept_[0]))


def _calibrated(fold: Fold, values: Floats, machine: NDArray[np.int64]) -> Fold:
    """Platt scaling with his smoothed targets, both kinds weighed equally: (n + 1)/(n + 2) for generated ones."""
    sizes = np.bincount(machine, minlength=2)
    target = np.where(machine == 1, (sizes[1] + 1) / (sizes[1] + 2), 1 / (sizes[0] + 2))
    weight = len(machine) / (2 * sizes[machine])
    model = _logistic(1e6)
    model.fit(
        np.concatenate([values, values])[:, None],
        np.repeat([1, 0], len(values)),
        np.concatenate([weight * target, weight * (1 - target)]),
    )
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Fold(fold.mean, fold.spread, fold.weights, fold.bias, slope, shift)


def _each_by_its_own(folds: Sequence[Fold], fold: NDArray[np.int64], values: Floats) -> Floats:
    slopes, shifts = np.array([[f.slope, f.shift] for f in folds]).T
    return slopes[fold] * values + shifts[fold]


def _quality(odds: Floats, machine: NDArray[np.int64]) -> tuple[float, float]:
    """Area under the ROC curve, and expected calibration error of p(generated) over equally many of either kind."""
    from sklearn.metrics import roc_auc_score

    from contam_metrics.perplexity import ece

    equal = min(np.bincount(machine, minlength=2))
    rows = np.concatenate([np.flatnonzero(machine == kind)[:equal] for kind in (0, 1)])
    chances = 1 / (1 + np.exp(-np.clip(odds[rows], -700, 700)))
    return float(roc_auc_score(machine, odds)), ece(chances, machine[rows])


def _logistic(strength: float, **settings: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, **settings)
