"""Interpolated Witten-Bell n-gram model over a closed vocabulary (Witten & Bell 1991), as sorted arrays.

p(w|h) = (c(h,w) + T(h) p(w|h')) / (c(h) + T(h)), where c(h) is how often the history h was followed by a word, T(h)
by how many different ones, and h' is h without its first word; a history never followed by anything answers as h'
does. The last resort is 1/|V|. Nothing is estimated but counts, so the model is a distribution for any text, one that
repeats a single word included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST = 3
"""The longest n-grams offered."""


@dataclass(frozen=True, slots=True)
class _Level:
    """All n-grams of one length: ``grams`` their codes in ascending order, ``counts`` how often each occurs;
    ``histories`` the different codes of their first n - 1 words, ``totals`` c(h), ``kinds`` T(h)."""

    grams: Ints
    counts: Ints
    histories: Ints
    totals: Ints
    kinds: Ints


def _rows(keys: Ints, wanted: Ints) -> Ints:
    """Where each wanted number stands among the (ascending) keys, -1 for one that is not there."""
    if not len(keys):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)


def _places(bounds: Ints) -> Ints:
    """Of every token, how many tokens of its document come before it."""
    return np.arange(bounds[-1]) - np.repeat(bounds[:-1], np.diff(bounds))


def _codes(ids: Ints, ends: Ints, n: int, radix: int) -> Ints:
    """One number for each n-gram that ends at the given positions; n = 0 gives zeros."""
    codes = np.zeros(len(ends), np.int64)
    for back in range(n - 1, -1, -1):
        codes = codes * radix + ids[ends - back]
    return codes


def _level(codes: Ints, radix: int) -> _Level:
    grams, counts = np.unique(codes, return_counts=True)
    if not len(grams):
        empty = np.zeros(0, np.int64)
        return _Level(empty, empty, empty, empty, empty)
    histories, first = np.unique(grams // radix, return_index=True)
    kinds = np.diff(np.append(first, len(grams)))
    return _Level(grams, counts.astype(np.int64), histories, np.add.reduceat(counts, first).astype(np.int64), kinds)


@dataclass(frozen=True, slots=True)
class WittenBell:
    """A trained model: ``train`` makes it, ``nats`` says how surprising a text is to it.

    There are no start symbols: the first word of a document is predicted without a history and the second from the
    first alone, so a passage that begins in the middle of a text is treated as any other.
    """

    vocabulary: int
    radix: int
    levels: tuple[_Level, ...]

    @classmethod
    def train(cls, ids: Ints, bounds: Ints, order: int, vocabulary: int) -> WittenBell:
        """Count n-grams of 1 to ``order`` (at most 3) words; none crosses the border of a document.

        ``ids`` int64[N], document ``i`` is ``ids[bounds[i]:bounds[i + 1]]``; the vocabulary is 0 .. ``vocabulary`` - 1.
        Larger ids are foreign words: they take the probability that their counts claim, and are never asked for.
        ValueError for another order, a negative id, or more types than 64-bit codes can tell apart.
        """
        radix = max(vocabulary, int(ids.max(initial=0)) + 1)
        if not 1 <= order <= MOST or vocabulary < 1 or ids.min(initial=0) < 0:
            raise ValueError(f"order must be 1 to {MOST}, the vocabulary not empty and no id negative")
        if radix**order >= 2**63:
            raise ValueError(f"{radix} types are too many for n-grams of {order} words")
        places = _places(bounds)
        levels = [_level(_codes(ids, np.flatnonzero(places >= n), n + 1, radix), radix) for n in range(order)]
        return cls(vocabulary, radix, tuple(levels))

    def nats(self, ids: Ints, bounds: Ints) -> Floats:
        """-ln p of every token given those before it in its document, float64[N]; all ids of the vocabulary."""
        if len(ids) and not 0 <= ids.min() <= ids.max() < self.vocabulary:
            raise ValueError("a word outside the vocabulary has no probability")
        places = _places(bounds)
        chance = np.full(len(ids), 1.0 / self.vocabulary)
        for n, level in enumerate(self.levels):
            ends = np.flatnonzero(places >= n)
            chance[ends] = self._mixed(level, _codes(ids, ends, n + 1, self.radix), chance[ends])
        return -np.log(chance)

    def probabilities(self, history: Sequence[int] = ()) -> Floats:
        """p(w | history) of every word of the vocabulary, float64[|V|]; of the history the last words count."""
        chance = np.full(self.vocabulary, 1.0 / self.vocabulary)
        words = np.arange(self.vocabulary)
        for n, level in enumerate(self.levels[: len(history) + 1]):
            code = 0
            for word in history[len(history) - n :]:
                code = code * self.radix + int(word)
            chance = self._mixed(level, code * self.radix + words, chance)
        return chance

    def _mixed(self, level: _Level, codes: Ints, shorter: Floats) -> Floats:
        """The probabilities of n-grams from those with the shorter history."""
        row = _rows(level.histories, codes // self.radix)
        known = np.flatnonzero(row >= 0)
        total, kinds = level.totals[row[known]], level.kinds[row[known]]
        gram = _rows(level.grams, codes[known])
        count = np.where(gram >= 0, level.counts[gram], 0) if len(level.counts) else np.zeros(0)
        chance = shorter.copy()
        chance[known] = (count + kinds * shorter[known]) / (total + kinds)
        return chance
