"""Text that repeats itself: inside a document, in loops, and between documents. Rises under collapse.

These are the plain, exact forms; the kernels compute the per-document ones for whole corpora and are tested
against them. A document too short to hold an n-gram has no figure (nan): it is neither repetitive nor
diverse.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from contam_metrics.ngrams import Bounds, Ids, Ngrams, documents, mean, ngrams, truncated

TAIL_TOKENS, TAIL_CHARACTERS = 2048, 4096
SHORTEST_LOOP, SHORTEST_CHARACTER_LOOP = 6, 24
LONGEST_PERIOD = 64


def seq_rep_documents(ids: Ids, bounds: Bounds, n: int = 4, limit: int = 200) -> NDArray[np.float64]:
    """1 - unique/all n-grams of each document's first ``limit`` tokens; nan for fewer than n tokens."""
    grams = ngrams(*truncated(ids, bounds, limit), n)
    total = np.diff(grams.bounds)
    unique = np.bincount(grams.pairs()[0], minlength=len(total))
    return np.where(total > 0, 1 - unique / np.maximum(total, 1), np.nan)


def seq_rep_n(ids: Ids, bounds: Bounds, n: int = 4, limit: int = 200) -> float:
    """Mean over documents of the share of n-grams that came before (seq-rep-n, Welleck et al. 2020).

    Documents are cut to ``limit`` tokens because the figure grows with length; shorter ones than n count not.
    """
    values = seq_rep_documents(ids, bounds, n, limit)
    return mean(values[~np.isnan(values)])


def rep_l(
    targets: Ids, predictions: Ids, bounds: Bounds | None = None, length: int = 128
) -> tuple[float, float]:
    """(rep/l, wrep/l) of Welleck et al. 2020: positions whose predicted token is among the ``length`` true
    tokens before it, and those of them where the prediction is wrong, as shares of all positions."""
    borders = np.array([0, len(targets)]) if bounds is None else bounds
    repeated = wrong = 0
    for true, guessed in zip(documents(targets, borders), documents(predictions, borders)):
        last: dict[int, int] = {}
        for t, (token, guess) in enumerate(zip(true.tolist(), guessed.tolist())):
            hit = t - last.get(guess, -length - 1) <= length
            repeated += hit
            wrong += hit and guess != token
            last[token] = t
    total = int(borders[-1] - borders[0])
    return (repeated / total, wrong / total) if total else (math.nan, math.nan)


def tail_loop(
    tokens: Sequence[Hashable], limit: int = TAIL_TOKENS, shortest: int = SHORTEST_LOOP
) -> tuple[int, int]:
    """(period, length) of the loop in which a document ends; (0, 0) where it does not.

    The longest suffix of the last ``limit`` tokens that is at least three of its smallest periods and
    ``shortest`` tokens long, a partial last cycle included. Works on words, and on characters (a ``str``,
    with TAIL_CHARACTERS and SHORTEST_CHARACTER_LOOP) for a piece repeated without spaces.

    The failure function of the reversed text (Knuth, Morris & Pratt 1977): its prefix of length i has the
    smallest period i - failure[i].
    """
    x = list(tokens)[::-1][:limit]
    period, length, k = 0, 0, 0
    failure = [0] * (len(x) + 1)
    for i in range(2, len(x) + 1):
        while k and x[i - 1] != x[k]:
            k = failure[k]
        k += x[i - 1] == x[k]
        failure[i] = k
        if i >= 3 * (i - k) and i >= shortest:
            period, length = i - k, i
    return period, length


def looped_positions(
    tokens: Ids, longest_period: int = LONGEST_PERIOD, shortest: int = SHORTEST_LOOP
) -> NDArray[np.bool_]:
    """Which tokens of a document lie in a loop: a stretch of period k <= ``longest_period``, at least 3k and
    ``shortest`` tokens long."""
    x = np.asarray(tokens)
    marked = np.zeros(len(x), bool)
    for k in range(1, min(longest_period, len(x) - 1) + 1):
        equal = np.concatenate([[False], x[:-k] == x[k:], [False]])
        edges = np.flatnonzero(equal[1:] != equal[:-1])
        for start, end in zip(edges[::2], edges[1::2]):
            if end + k - start >= max(3 * k, shortest):
                marked[start : end + k] = True
    return marked


def loop_cover(tokens: Ids) -> float:
    """Share of a document's tokens that lie in a loop (``looped_positions``); nan for no tokens."""
    return float(looped_positions(tokens).mean()) if len(tokens) else math.nan


def loop_share(words: Ids, characters: str = "") -> float:
    """The largest of three shares of a document: its final loop of words, its final loop of characters, and
    all its loops of words together; nan for no text.

    Final loops are measured against the window they are looked for in (2048 words, 4096 characters), so
    that a long text that has ended in a loop shows; white space at the very end is passed over.
    """
    text = characters.rstrip()[-TAIL_CHARACTERS:]
    if not len(words) and not text:
        return math.nan
    tail = tail_loop(np.asarray(words).tolist())[1] / max(min(len(words), TAIL_TOKENS), 1)
    spelled = tail_loop(text, TAIL_CHARACTERS, SHORTEST_CHARACTER_LOOP)[1] / max(len(text), 1)
    return max(tail, spelled, loop_cover(words) if len(words) else 0.0)


def looped(words: Ids, characters: str = "", share: float = 0.25) -> bool:
    """Whether loops take up at least ``share`` of a document (``loop_share``)."""
    return loop_share(words, characters) >= share


def shared_grams(grams: Ngrams) -> NDArray[np.bool_]:
    """For every n-gram position: does its n-gram occur in another document too?"""
    return (grams.document_frequency() > 1)[grams.codes]


def cross_document_share(ids: Ids, bounds: Bounds, n: int = 4) -> float:
    """Share of the documents (of n tokens or more) with an n-gram that occurs in another document.

    Grows with the number of documents and their length: compare at equal ones. n = 4 is common in human text.
    """
    grams = ngrams(ids, bounds, n)
    able = int(np.count_nonzero(np.diff(grams.bounds)))
    return len(np.unique(grams.documents()[shared_grams(grams)])) / able if able else math.nan


def copied_share(ids: Ids, bounds: Bounds, n: int = 4) -> float:
    """Share of the n-gram positions whose n-gram occurs in another document too ("copying")."""
    grams = ngrams(ids, bounds, n)
    return float(shared_grams(grams).mean()) if len(grams) else math.nan


def self_repetition(ids: Ids, bounds: Bounds, n: int = 4) -> float:
    """Mean over documents of ln(1 + the number of other documents each of its n-grams is in, summed).

    The self-repetition score of Salkar et al. (2022) in the form of the ``diversity`` package, except that
    n-grams stay inside documents and documents below n tokens are left out. Grows with the number of
    documents.
    """
    grams = ngrams(ids, bounds, n)
    document, code = grams.pairs()
    size = len(grams.bounds) - 1
    others = np.bincount(document, grams.document_frequency()[code] - 1, size)
    return mean(np.log1p(others[np.diff(grams.bounds) > 0]))


def minhash_variance(jaccard: float, hashes: int) -> float:
    """Variance J(1-J)/k of the share of k MinHash values that agree, an unbiased estimate of J (Broder
    1997)."""
    return jaccard * (1 - jaccard) / hashes


def lsh_threshold(bands: int, rows: int) -> float:
    """The similarity (1/b)^(1/r) near which b bands of r rows begin to find pairs."""
    return (1 / bands) ** (1 / rows)


def lsh_probability(similarity: float, bands: int, rows: int) -> float:
    """Chance 1 - (1 - s^r)^b that a pair of this similarity agrees on all rows of some band."""
    return 1 - (1 - similarity**rows) ** bands
