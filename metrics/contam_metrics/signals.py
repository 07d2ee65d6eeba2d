"""The figures of a matched text: what the verdict reads, what it allows for, and what is printed beside
it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam_metrics.compression import block_compression
from contam_metrics.diversity import mattr, window_types
from contam_metrics.entropy import chao_wang_jost, plug_in, window_entropies
from contam_metrics.ngrams import Ngrams, TypeCounts, mean, ngrams, recode
from contam_metrics.prepare import NUMBER, Prepared
from contam_metrics.repetition import seq_rep_documents
from contam_metrics.spread import delete_group_jackknife
from contam_metrics.tail import halves, hapax_share, tail_band, tail_type_survival

GROUPS = 20
"""Document groups of the delete-group jackknife."""

Figures = dict[str, float]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Tables:
    """Everything counted once: word ids, the segment of each, and the n-grams with theirs.

    ``ids`` int64[N], ``segments`` int64[N]; ``grams[n]`` the n-grams (documents are segments here);
    ``pairs[n]`` every (segment, n-gram) that occurs, for n of 4, 8 and 13; ``repeated`` float64[n],
    seq-rep-4 of each segment.
    """

    ids: NDArray[np.int64]
    bounds: NDArray[np.int64]
    types: int
    segments: NDArray[np.int64]
    count: int
    repeated: NDArray[np.float64]
    grams: dict[int, Ngrams]
    pairs: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]]


def tables(ids: NDArray[Any], bounds: NDArray[np.int64]) -> Tables:
    """The tables of a ragged text (ids dense from 0)."""
    grams = {2: ngrams(ids, bounds, 2)}
    for n, half in ((3, 2), (4, 2), (8, 4), (13, 8)):
        grams[n] = longer(grams[half], bounds, n)
    return Tables(
        ids=np.asarray(ids, np.int64),
        bounds=bounds,
        types=int(ids.max()) + 1 if len(ids) else 0,
        segments=np.repeat(np.arange(len(bounds) - 1), np.diff(bounds)),
        count=len(bounds) - 1,
        repeated=seq_rep_documents(ids, bounds) if len(ids) else np.empty(0),
        grams=grams,
        pairs={n: grams[n].pairs() for n in (4, 8, 13)},
    )


def longer(grams: Ngrams, bounds: NDArray[np.int64], n: int) -> Ngrams:
    """The n-grams of a text (``bounds`` from 0) out of its m-grams, n at most 2m: an m-gram at the beginning and
    one at the end determine the n-gram."""
    table = np.zeros(int(bounds[-1]) + 1, np.int64)
    table[grams.starts] = grams.codes
    ends = np.repeat(bounds[1:], np.diff(grams.bounds))
    keep = grams.starts + n <= ends
    starts = grams.starts[keep]
    codes, types = recode(grams.codes[keep] * max(grams.types, 1) + table[starts + n - grams.n])
    return Ngrams(n, codes, starts, np.searchsorted(starts, bounds).astype(np.int64), types)


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
    """The figures that are printed, over the segments of ``keep`` (default: all); nan where undefined."""
    keep = np.ones(t.count, bool) if keep is None else keep
    ids = t.ids[keep[t.segments]]
    if not len(ids):
        return {}
    counts = np.bincount(ids, minlength=t.types)
    seen = counts[counts > 0]
    bounds = np.concatenate(([0], np.cumsum(np.diff(t.bounds)[keep])))
    repeated = t.repeated[keep]
    return {
        "diversity.types": float(len(seen)),
        "diversity.mattr": mattr(ids, bounds, 100),
        "tail.hapax_share": hapax_share(seen),
        "entropy.window": mean(window_entropies(ids)),
        "entropy.conditional": _conditional(t, keep),
        "entropy.chao_wang_jost": chao_wang_jost(seen),
        "repetition.seq_rep_4": mean(repeated[~np.isnan(repeated)]),
        "diversity.distinct_1": len(seen) / len(ids),
        **{f"diversity.distinct_{n}": _distinct(t, n, keep) for n in (2, 3, 4)},
        "repetition.cover_4": _elsewhere(t, 4, keep)[0],
        **{f"duplicates.cross_{n}": _elsewhere(t, n, keep)[1] for n in (4, 8, 13)},
    }


def _distinct(t: Tables, n: int, keep: Mask) -> float:
    alive = t.grams[n].codes[keep[t.grams[n].documents()]]
    return int(np.count_nonzero(np.bincount(alive))) / len(alive) if len(alive) else math.nan


def shape(t: Tables) -> Figures:
    """The figures that only the verdict reads: the end of the frequency curve, local variety, concentration."""
    if not len(t.ids):
        return {}
    counts = np.bincount(t.ids)
    v = np.count_nonzero(counts)
    return {
        "tail.hapax_types": int((counts == 1).sum()) / v,
        "tail.dis_types": int((counts == 2).sum()) / v,
        "text.window_types": mean(window_types(t.ids, 1000).astype(float)),
        "text.window_ttr": mean(window_types(t.ids, 100).astype(float)) / 100,
        "text.simpson": float(((counts / len(t.ids)) ** 2).sum()),
    }


def letter_words(prepared: Prepared) -> TypeCounts:
    """Counts of the words that are no numbers, by hash."""
    counts = np.bincount(prepared.ids, minlength=len(prepared.types)).astype(np.int64)
    letters = prepared.types != NUMBER
    return TypeCounts(prepared.types[letters], counts[letters])


def word_profile(counts: TypeCounts, words: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Share of each listed word; float64[len(words)]."""
    return counts.of_types(words) / max(counts.n, 1)


def style(prepared: Prepared, words: NDArray[np.uint64]) -> Figures:
    """The figures that need to know the words: mass of the listed (function) words, word length, raw
    tokens."""
    if not prepared.words:
        return {}
    counts = np.bincount(prepared.ids)
    letters = prepared.types != NUMBER
    raw = prepared.walked + prepared.symbols + prepared.unks
    length = (counts * prepared.type_lengths)[letters].sum() / max(counts[letters].sum(), 1)
    return {
        "text.function_words": float(word_profile(letter_words(prepared), words).sum()),
        "text.word_length": float(length),
        "text.nonletter": (prepared.symbols + prepared.numbers) / raw,
        "text.unk": prepared.unks / raw,
        "duplicates.near_dropped": prepared.dropped_share,
    }


def type_survival(trusted: Prepared, audit: Prepared) -> float:
    """Of the types seen 1 to 3 times in one half of the trusted text: those in the audited text over those in
    the other half, all at half the matched size."""
    first, second = halves(trusted.types[trusted.ids], trusted.bounds)
    size = min(len(first), len(second), audit.words)
    one, other = TypeCounts.of(first[:size]), TypeCounts.of(second[:size])
    return tail_type_survival(tail_band(one), TypeCounts.of(audit.types[audit.ids[:size]]), other)


@dataclass(frozen=True)
class Measured:
    """All figures of one matched text, their 95 % intervals where there are enough documents, and its profile
    (share of every listed word)."""

    values: Figures
    intervals: dict[str, tuple[float, float]]
    words: NDArray[np.float64]


def measure(
    prepared: Prepared, words: NDArray[np.uint64], texts: Sequence[bytes] = (), spread: bool = False
) -> Measured:
    """Measure a matched text.

    ``words`` are the hashes, ascending, of the function words of the profile it is compared with; ``texts``
    the raw segments it was made of (for the compression figure); ``spread`` asks for intervals as well.
    """
    t = tables(prepared.ids, prepared.bounds)
    values = figures(t) | shape(t) | style(prepared, words)
    if texts:
        values["compression.block"] = block_compression(texts, "lzma").value
    return Measured(
        values,
        intervals(t, prepared.documents, values) if spread else {},
        word_profile(letter_words(prepared), words),
    )


def intervals(t: Tables, documents: NDArray[np.uint64], values: Figures) -> dict[str, tuple[float, float]]:
    """95 % intervals of the figures of `figures`, by leaving out each of 20 groups of documents in turn.

    The documents are dealt to the groups in the order of their hashes. None below 20 documents.
    """
    _, rank = np.unique(documents, return_inverse=True)
    if not len(rank) or rank.max() + 1 < GROUPS:
        return {}
    without = [figures(t, rank % GROUPS != g) for g in range(GROUPS)]
    out = {}
    for key in without[0]:
        found = delete_group_jackknife(values[key], np.array([w[key] for w in without]))
        if math.isfinite(found.low):
            out[key] = (found.low, found.high)
    return out
