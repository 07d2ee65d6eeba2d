"""The figures of a matched text: what the verdict reads, what it allows for, and what is printed beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam_metrics.entropy import chao_wang_jost, plug_in
from contam_metrics.ngrams import Ngrams, ngrams
from contam_metrics.prepare import NUMBER, Prepared

GROUPS = 20
"""Document groups of the delete-group jackknife."""

Figures = dict[str, float]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Tables:
    """Everything counted once: word ids, the segment of each, and the n-grams with theirs.

    ``ids`` int64[N], ``segments`` int64[N]; ``grams[n]`` the n-grams (documents are segments here); ``pairs[n]``
    every (segment, n-gram) that occurs, for n of 4, 8 and 13.
    """

    ids: NDArray[np.int64]
    types: int
    segments: NDArray[np.int64]
    count: int
    grams: dict[int, Ngrams]
    pairs: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]


def tables(ids: NDArray[Any], bounds: NDArray[np.int64]) -> Tables:
    """The tables of a ragged text (ids dense from 0)."""
    grams = {n: ngrams(ids, bounds, n) for n in (2, 3, 4, 8, 13)}
    return Tables(
        ids=np.asarray(ids, np.int64),
        types=int(ids.max()) + 1 if len(ids) else 0,
        segments=np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)),
        count=len(bounds) - 1,
        grams=grams,
        pairs={n: grams[n].pairs() for n in (4, 8, 13)},
    )


def window_types(ids: NDArray[np.int64], width: int) -> float:
    """Mean number of types in consecutive windows of ``width`` words; nan below one window."""
    rows = len(ids) // width
    if rows == 0:
        return math.nan
    ordered = np.sort(ids[: rows * width].reshape(rows, width), axis=1)
    return float((np.diff(ordered, axis=1) != 0).sum() / rows + 1)


def window_entropy(ids: NDArray[np.int64], width: int = 1000) -> float:
    """Mean plug-in entropy of consecutive windows of ``width`` words (nats); nan below one window."""
    rows = len(ids) // width
    if rows == 0:
        return math.nan
    keys = np.sort((ids[: rows * width].reshape(rows, width) + np.arange(rows)[:, None] * (ids.max() + 1)).ravel())
    counts = np.diff(np.flatnonzero(np.concatenate(([True], np.diff(keys) != 0, [True]))))
    return math.log(width) - float((counts * np.log(counts)).sum()) / (rows * width)


def _elsewhere(t: Tables, n: int, keep: Mask) -> tuple[float, float]:
    """(share of n-gram positions, share of segments) whose n-gram also occurs in another segment."""
    grams, (segments, codes) = t.grams[n], t.pairs[n]
    alive = keep[segments]
    spread = np.bincount(codes[alive], minlength=grams.types) > 1
    positions = spread[grams.codes[keep[grams.documents()]]]
    if not len(positions):
        return math.nan, math.nan
    touched = np.zeros(t.count, bool)
    touched[segments[alive & spread[codes]]] = True
    return float(positions.mean()), float(touched.sum() / keep.sum())


def _conditional(t: Tables, keep: Mask) -> float:
    """H(w2|w1), contexts counted at bigram positions only."""
    grams = t.grams[2]
    alive = keep[grams.documents()]
    contexts = t.ids[grams.starts[alive]]
    return plug_in(np.bincount(grams.codes[alive])) - plug_in(np.bincount(contexts)) if len(contexts) else math.nan


def figures(t: Tables, keep: Mask | None = None) -> Figures:
    """Every figure of the word ids alone, over the segments of ``keep`` (default: all); nan where undefined."""
    keep = np.ones(t.count, bool) if keep is None else keep
    ids = t.ids[keep[t.segments]]
    if not len(ids):
        return {}
    counts = np.bincount(ids, minlength=t.types)
    seen = counts[counts > 0]
    v, f1, n = len(seen), int((seen == 1).sum()), len(ids)
    out = {
        "diversity.types": float(v),
        "diversity.distinct_1": v / n,
        "tail.hapax_share": f1 / n,
        "tail.hapax_types": f1 / v,
        "entropy.window": window_entropy(ids),
        "entropy.conditional": _conditional(t, keep),
        "entropy.chao_wang_jost": chao_wang_jost(seen),
        "text.window_types": window_types(ids, 1000),
        "text.window_ttr": window_types(ids, 100) / 100,
        "text.simpson": float(((seen / n) ** 2).sum()),
    }
    for size in (2, 3, 4):
        alive = t.grams[size].codes[keep[t.grams[size].documents()]]
        distinct = int(np.count_nonzero(np.bincount(alive, minlength=1)))
        out[f"diversity.distinct_{size}"] = distinct / len(alive) if len(alive) else math.nan
    out["repetition.cover_4"], out["duplicates.cross_4"] = _elsewhere(t, 4, keep)
    for size in (8, 13):
        out[f"duplicates.cross_{size}"] = _elsewhere(t, size, keep)[1]
    return out


def word_profile(prepared: Prepared, words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Share of each listed word among the words that are no numbers; float64[len(words)]."""
    counts = np.bincount(prepared.ids, minlength=len(prepared.types)).astype(float)
    if not len(counts):
        return np.zeros(len(words))
    letters = counts[prepared.types != NUMBER].sum()
    place = np.minimum(np.searchsorted(prepared.types, words), len(prepared.types) - 1)
    return np.where(prepared.types[place] == words, counts[place], 0.0) / max(letters, 1.0)


def style(prepared: Prepared, words: NDArray[np.uint64]) -> Figures:
    """The figures that need to know the words: mass of the listed (function) words, word length, raw tokens."""
    if not prepared.words:
        return {}
    counts = np.bincount(prepared.ids)
    letters = prepared.types != NUMBER
    raw = prepared.walked + prepared.symbols + prepared.unks
    length = (counts * prepared.type_lengths)[letters].sum() / max(counts[letters].sum(), 1)
    return {
        "text.function_words": float(word_profile(prepared, words).sum()),
        "text.word_length": float(length),
        "text.nonletter": (prepared.symbols + prepared.numbers) / raw,
        "text.unk": prepared.unks / raw,
        "duplicates.near_dropped": prepared.dropped_share,
    }
