"""How alike the texts of a set are, and how alike two sets: self-BLEU, Vendi, MAUVE's discrete core.

They look at whole texts or at their embeddings, need a fixed number of texts, and are off by default.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam_metrics.ngrams import mean


def self_bleu(texts: Sequence[Sequence[Hashable]], order: int = 4, epsilon: float = 0.1) -> float:
    """Mean BLEU of each text against all others (Zhu et al. 2018); rises under collapse.

    Where no n-gram of some order matches, ``epsilon`` stands for the matches, so that short texts do not
    fall to zero. Texts below ``order`` tokens are left out; nan for fewer than two. Grows with the number
    of texts and costs its square: give it about a hundred, cut to one length.
    """
    used = [tuple(t) for t in texts if len(t) >= order]
    if len(used) < 2:
        return math.nan
    grams = [[_ngram_counts(t, n) for n in range(1, order + 1)] for t in used]
    return mean(np.array([_bleu(i, used, grams, epsilon) for i in range(len(used))]))


def _ngram_counts(text: tuple[Hashable, ...], n: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(text[i : i + n] for i in range(len(text) - n + 1))


def _bleu(i: int, texts: list[Any], grams: list[Any], epsilon: float) -> float:
    others = [j for j in range(len(texts)) if j != i]
    logs = 0.0
    for n, counts in enumerate(grams[i]):
        matched = sum(min(c, max(grams[j][n][g] for j in others)) for g, c in counts.items())
        logs += math.log((matched or epsilon) / counts.total())
    size = len(texts[i])
    closest = min((abs(len(texts[j]) - size), len(texts[j])) for j in others)[1]
    return min(1.0, math.exp(1 - closest / size)) * math.exp(logs / len(grams[i]))


def vendi_of_kernel(kernel: ArrayLike) -> float:
    """Vendi score exp(-sum l ln l), l the eigenvalues of K/n (Friedman & Dieng 2023): the effective number
    of different texts, 1..n. ``kernel`` is a positive semidefinite similarity matrix with ones on its
    diagonal."""
    k = np.asarray(kernel, np.float64)
    return _exp_entropy(np.linalg.eigvalsh(k / len(k))) if len(k) else math.nan


def _exp_entropy(eigenvalues: NDArray[np.floating]) -> float:
    positive = eigenvalues[eigenvalues > 0]
    return math.exp(-float(np.sum(positive * np.log(positive))))


@dataclass(frozen=True)
class Vendi:
    """Mergeable state of the Vendi score under the cosine kernel: X'X of the unit rows, and their number.

    X'X/n (d x d) has the non-zero eigenvalues of XX'/n (n x n). Bounded by min(n, d): compare at equal n.
    """

    gram: NDArray[np.float64]
    n: int

    @classmethod
    def of(cls, embeddings: ArrayLike) -> Vendi:
        """The state of some embeddings (n x d); rows of zeros have no direction and are left out."""
        x = np.atleast_2d(np.asarray(embeddings, np.float64))
        norms = np.linalg.norm(x, axis=1)
        x = x[norms > 0] / norms[norms > 0, None]
        return cls(x.T @ x, len(x))

    def __add__(self, other: Vendi) -> Vendi:
        return Vendi(self.gram + other.gram, self.n + other.n)

    @property
    def value(self) -> float:
        """The score; nan for no texts."""
        return _exp_entropy(np.linalg.eigvalsh(self.gram / self.n)) if self.n else math.nan


def mauve(p: ArrayLike, q: ArrayLike, scaling: float = 5.0, points: int = 25) -> float:
    """Area under the divergence curve of two discrete distributions (Pillutla et al. 2021): 1 for equal ones.

    ``p`` and ``q`` are the shares (or counts) of two corpora over one joint clustering. The curve is
    (exp(-c KL(q|r)), exp(-c KL(p|r))) along the mixtures r = l p + (1-l) q; it needs a thousand texts a
    side and depends on the embedder and on the number of clusters. nan where a side is empty.
    """
    a, b = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if a.sum() <= 0 or b.sum() <= 0:
        return math.nan
    a, b = a / a.sum(), b / b.sum()
    weights = np.linspace(1e-6, 1 - 1e-6, points)
    mixtures = [w * a + (1 - w) * b for w in weights]
    x = np.array([1.0, *(math.exp(-scaling * _kl(b, r)) for r in mixtures), 0.0])
    y = np.array([0.0, *(math.exp(-scaling * _kl(a, r)) for r in mixtures), 1.0])
    return abs(float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)))


def _kl(p: NDArray[np.float64], r: NDArray[np.float64]) -> float:
    seen = p > 0
    return float(np.sum(p[seen] * np.log(p[seen] / r[seen])))
