"""Replace recursion with a Witten-Bell trigram: each generation is trained on the text of the one before.

A context that was seen c times with T different successors answers from its own successors with c / (c + T)
and backs off otherwise; the last resort is a word drawn evenly from the vocabulary (Witten & Bell 1991).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """Dense word ids end to end; document ``i`` is ``ids[bounds[i]:bounds[i + 1]]``."""

    ids: Ints
    bounds: Ints
    types: int


def _occurrences(contexts: Ints, successors: Ints, types: int) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """(contexts sorted, first row of each, rows, different successors of each, successors in that order)."""
    pairs = np.sort(contexts * types + successors)
    fresh = np.concatenate(([True], np.diff(pairs) != 0))
    ordered, following = pairs // types, pairs % types
    keys, first = np.unique(ordered, return_index=True)
    different = np.add.reduceat(fresh.astype(np.int64), first)
    return keys, first, np.diff(np.append(first, len(pairs))), different, following


@njit(cache=True)
def _sample(bounds, types, tokens, uni, bi, tri, two, rng):  # type: ignore[no-untyped-def]
    """Generate text with the documents' lengths; ``two`` and ``tri`` are the occurrence tables."""
    out = np.empty(bounds[-1], np.int64)
    keys2, first2, size2, kinds2, next2 = bi
    keys3, first3, size3, kinds3, next3 = tri
    for d in range(len(bounds) - 1):
        a, b = types, types
        for i in range(bounds[d], bounds[d + 1]):
            word = -1
            k = np.searchsorted(keys3, a * two + b)
            known = k < len(keys3) and keys3[k] == a * two + b
            if known and rng.random() * (size3[k] + kinds3[k]) < size3[k]:
                word = next3[first3[k] + int(rng.random() * size3[k])]
            if word < 0:
                k = np.searchsorted(keys2, b)
                if k < len(keys2) and keys2[k] == b and rng.random() * (size2[k] + kinds2[k]) < size2[k]:
                    word = next2[first2[k] + int(rng.random() * size2[k])]
            if word < 0 and rng.random() * (len(tokens) + len(uni)) < len(tokens):
                word = tokens[int(rng.random() * len(tokens))]
            if word < 0:
                word = uni[int(rng.random() * len(uni))]
            out[i] = word
            a, b = b, word
    return out


def generation(text: Text, rng: np.random.Generator, bounds: Ints | None = None) -> Text:
    """Text of a trigram model of ``text``, with documents of the same lengths (or those of ``bounds``)."""
    start = np.zeros(len(text.ids), bool)
    start[text.bounds[:-1]] = True
    second = np.zeros(len(text.ids), bool)
    later = text.bounds[:-1] + 1
    second[later[later < text.bounds[1:]]] = True
    before = np.where(start, text.types, np.roll(text.ids, 1))
    before2 = np.where(start | second, text.types, np.roll(text.ids, 2))
    two = text.types + 1
    bi = _occurrences(before, text.ids, text.types)
    tri = _occurrences(before2 * two + before, text.ids, text.types)
    bounds = text.bounds if bounds is None else bounds
    ids = _sample(bounds, text.types, text.ids, np.unique(text.ids), bi, tri, two, rng)
    return Text(ids, bounds, text.types)


def generations(text: Text, upto: int, seed: int) -> list[Text]:
    """Generations 0 (the text itself) to ``upto``, each trained on the one before."""
    rng = np.random.default_rng(seed)
    out = [text]
    for _ in range(upto):
        out.append(generation(out[-1], rng))
    return out
