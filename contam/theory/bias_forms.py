"""Closed forms of models that err: an error of every generation, and decoding that sharpens.

Wang et al. (arXiv 2412.14872) speak of per-generation errors alpha[j] and alpha_i[j] of a context and a token v_i, of
the rate k at which generated text joins the corpus, and of a limit that is built from the accumulated errors. That
wording is theirs. The equations here are a reconstruction and derived here, not quoted: a model trained on q_n is

    p_n(i) = (1 - alpha[n]) q_n(i) + alpha_i[n],    alpha[n] = sum over i of alpha_i[n], in [0, 1].

Generation n = 1 is trained on the truth p_0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Operator = Callable[[Array], Array]

RECONSTRUCTED = "reconstruction from the wording of Wang et al. (arXiv 2412.14872)"


# --- errors ---


def replace_model(truth: ArrayLike, errors: ArrayLike) -> Array:
    """p_n where each model is trained on the last one: p_0 prod (1 - alpha[j]) + sum of alpha_i[j] prod over l > j.

    ``errors``: alpha_i[j], a row a generation.
    """
    errors = np.asarray(errors, np.float64)
    return _faded(np.asarray(truth, np.float64), 1 - errors.sum(axis=1), errors)


def growing_corpus(truth: ArrayLike, errors: ArrayLike, rate: float) -> Array:
    """c_n, the distribution of a corpus to which n models each added ``rate`` times its first size."""
    errors = np.asarray(errors, np.float64)
    step = rate / (1 + rate * np.arange(1, len(errors) + 1))
    return _faded(np.asarray(truth, np.float64), 1 - step * errors.sum(axis=1), step[:, None] * errors)


def growing_model(truth: ArrayLike, errors: ArrayLike, rate: float) -> Array:
    """p_n where each model is trained on a sample of that corpus."""
    errors = np.asarray(errors, np.float64)
    corpus = growing_corpus(truth, errors[:-1], rate)
    return (1 - errors[-1].sum()) * corpus + errors[-1]


def _faded(truth: Array, kept: Array, added: Array) -> Array:
    """truth prod(kept) + sum of added[j] prod of what is kept after j."""
    after = np.append(np.cumprod(kept[::-1])[::-1], 1.0)
    return truth * after[0] + (added * after[1:, None]).sum(axis=0)


# --- how much of the truth is left, at a constant alpha ---


def replace_weight(alpha: float, n: ArrayLike) -> Array:
    """Weight of the truth in p_n: (1 - alpha)^n."""
    return (1 - alpha) ** np.asarray(n, np.float64)


def growing_weight(alpha: float, rate: float, n: ArrayLike) -> Array:
    """Weight of the truth in c_n: the product of 1 - alpha k/(1 + k j), j to n, about (1 + k n)^-alpha.

    It is G(1/k + 1) G(n + 1/k + 1 - alpha)/(G(1/k + 1 - alpha) G(n + 1/k + 1)), whose logarithms cancel.
    """
    places = np.asarray(n, np.int64)
    j = np.arange(1, int(places.max(initial=0)) + 1, dtype=np.float64)
    logs = np.cumsum(np.log1p(-alpha * rate / (1 + rate * j)))
    out: Array = np.exp(np.append(0.0, logs))[places]
    return out


def fresh_weight(alpha: float, share: float, n: ArrayLike) -> Array:
    """Weight of the truth in what generation n + 1 is trained on, with ``share`` of fresh real text."""
    limit, kept = fresh_weight_limit(alpha, share), (1 - share) * (1 - alpha)
    return limit + (1 - limit) * kept ** np.asarray(n, np.float64)


def fresh_weight_limit(alpha: float, share: float) -> float:
    """The same in the long run: r/(1 - (1 - r)(1 - alpha)), positive wherever there is real text."""
    lost = 1 - (1 - share) * (1 - alpha)
    return share / lost if lost > 0 else 1.0


def replace_half_life(alpha: float) -> float:
    """Generations until half of the truth's weight is gone: ln 2/-ln(1 - alpha)."""
    if alpha in (0, 1):
        return math.inf if alpha == 0 else 1.0
    return math.log(2) / -math.log1p(-alpha)


def growing_half_life(alpha: float, rate: float) -> float:
    """The same for a corpus that keeps all text, (2^(1/alpha) - 1)/k: finite, and often beyond any use. Asymptotic."""
    bits = 1 / alpha if alpha > 0 else math.inf
    return (2.0**bits - 1) / rate if bits < 1000 else math.inf


# --- errors of one size: what a growing corpus makes of them ---


def bias_gain(rate: float, additions: int) -> float:
    """How many times a persistent error of the models is in a corpus after ``additions``: sum of k/(1 + j k).

    About ln(1 + n k), without bound for every k > 0; where each model replaces the last it would be n.
    """
    j = np.arange(1, additions + 1, dtype=np.float64)
    return float((rate / (1 + j * rate)).sum())


def variance_gain(rate: float, additions: int) -> float:
    """The variance in that corpus of independent errors of mean 0 and variance 1: sum of k^2/(1 + j k)^2, bounded."""
    j = np.arange(1, additions + 1, dtype=np.float64)
    return float(np.square(rate / (1 + j * rate)).sum())


# --- decoding ---


def temper(p: ArrayLike, temperature: float) -> Array:
    """p^(1/temperature), normalised over the last axis."""
    p = np.asarray(p, np.float64)
    weights = (p / p.max(axis=-1, keepdims=True)) ** (1 / temperature)
    out: Array = weights / weights.sum(axis=-1, keepdims=True)
    return out


def tempered(p: ArrayLike, temperature: float, generations: int) -> Array:
    """`temper` applied so many times: the exponent is temperature^-generations."""
    # An exponent of e^600 is as good as infinite, and stays a number.
    return temper(p, math.exp(min(max(generations * math.log(temperature), -600.0), 600.0)))


def nucleus(p: ArrayLike, top_p: float) -> Array:
    """The fewest likeliest types that hold ``top_p`` of the mass, normalised over the last axis; the rest is 0."""
    p = np.asarray(p, np.float64)
    order = np.argsort(-p, axis=-1, kind="stable")
    ranked = np.take_along_axis(p, order, axis=-1)
    before = np.cumsum(ranked, axis=-1) - ranked
    # A sum of rounded shares may pass the border by a rounding error only.
    ranked = np.where(before < top_p - 1e-12, ranked, 0.0)
    out = np.zeros_like(p)
    np.put_along_axis(out, order, ranked, axis=-1)
    return out / out.sum(axis=-1, keepdims=True)


def fixed_point(truth: ArrayLike, share: float, decode: Operator, limit: int = 100_000) -> Array:
    """What training on ``share`` of real text and the model's own decoded text for the rest comes to, from the
    truth: x = r p_0 + (1 - r) T(x)."""
    truth = np.asarray(truth, np.float64)
    x = truth
    for _ in range(limit):
        after = share * truth + (1 - share) * decode(x)
        if np.abs(after - x).max() < 1e-15:
            return after
        x = after
    return x
