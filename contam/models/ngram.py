"""An interpolated Witten-Bell n-gram model of any order, fast enough to be retrained generation after generation.

p(w|h) = (c(h,w) + T(h) p(w|h')) / (c(h) + T(h)), where c(h) is how often the history h was followed by a word, T(h) by
how many different ones, and h' is h without its first word (Witten & Bell 1991); a history never followed by anything
answers as h' does. The last resort is 1/|V|. Documents begin with order - 1 start symbols, which are histories like
any other and are never predicted: first words are predicted from first words.

Witten & Bell take every occurrence for evidence. A corpus of several generations says much of it several times over:
two copies of one text would make the model twice as sure, and worse. So T(h) can be multiplied by a ``worth`` above 1,
which is the same as dividing all counts by it: a corpus of eleven copies then makes the model that one copy makes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Ids = NDArray[np.int32]
Floats = NDArray[np.float64]

MOST = 5
"""The longest n-grams offered."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The n-grams of a corpus: ``nodes`` int32[M, 4] (history, last word, n-gram without its first word, occurrences),
    ``starts`` int64[order + 2] the first node of each length, ``table`` uint64[2^k, 2] (key, node) for n-grams of two
    words and more, ``sums`` int64[H, 2] c(h) and T(h) of all that are short enough to be histories; ``worth``, what T
    is multiplied by."""

    nodes: NDArray[np.int32]
    starts: Ints
    table: NDArray[np.uint64]
    sums: Ints
    worth: float = 1.0

    @property
    def kinds(self) -> Floats:
        """What the different successors of each history weigh, float64[H]."""
        return self.sums[:, 1].astype(np.float64) * self.worth

    @property
    def falls(self) -> Floats:
        """T(h) / (c(h) + T(h)), the share of the shorter history: float64[H], 1 where a history never goes on."""
        kinds = self.kinds
        whole = self.sums[:, 0] + kinds
        return np.where(whole > 0, kinds / np.maximum(whole, 1), 1.0)

    def chances(self, uniform: float) -> Floats:
        """p(w|h) of each n-gram hw, float64[M]; ``uniform`` is the weight of the uniform level, T of no history or 0.

        Without the uniform level the single words have the frequencies that they have in the corpus.
        """
        from contam_metrics.kernels.calls import mix_levels

        words = self.nodes[: self.starts[2], 3].astype(np.float64)
        total = float(self.sums[0, 0]) + uniform
        chances = np.zeros(len(self.nodes))
        chances[: len(words)] = (words + uniform / (len(words) - 2)) / total if total else 1 / (len(words) - 2)
        mix_levels(self.nodes, int(self.starts[2]), self.sums, chances, self.worth)
        return chances

    def first_choices(self, chances: Floats, falls: Floats) -> tuple[Ids, Floats]:
        """The likeliest word after each history, and its probability: int32[H], float64[H]."""
        from contam_metrics.kernels.calls import choose_first

        best, highest = np.zeros(len(self.sums), np.int32), np.zeros(len(self.sums))
        choose_first(self.nodes, self.starts, chances, falls, highest, best)
        return best, highest


@dataclass(frozen=True, slots=True)
class Ngram:
    """A trained model. ``chances`` float64[M] p(w|h) of each n-gram hw that occurs, ``best`` int32[H] the likeliest
    word after each history that occurs, ``falls`` float64[H] the share of the shorter history."""

    order: int
    vocabulary: int
    tree: Tree
    chances: Floats
    best: Ids
    falls: Floats

    @classmethod
    def train(cls, ids: Ids, bounds: Ints, order: int, vocabulary: int, worth: float = 1.0) -> Ngram:
        """Count n-grams of 1 to ``order`` (at most 5) words; none crosses the border of a document.

        ``ids`` int32[N], document ``i`` is ``ids[bounds[i]:bounds[i + 1]]``; the vocabulary is 0 .. ``vocabulary`` - 1.
        ``worth``, at least 1, is how many occurrences count as one. ValueError for another order and for ids outside
        the vocabulary.
        """
        if worth < 1:
            raise ValueError(f"worth must be at least 1, not {worth}")
        if not 1 <= order <= MOST or vocabulary < 1:
            raise ValueError(f"order must be 1 to {MOST} and the vocabulary not empty")
        _check(ids, vocabulary)
        tree = replace(_counted(np.ascontiguousarray(ids, np.int32), bounds, order, vocabulary), worth=float(worth))
        chances, falls = tree.chances(float(tree.kinds[0])), tree.falls
        return cls(order, vocabulary, tree, chances, tree.first_choices(chances, falls)[0], falls)

    @property
    def ngrams(self) -> list[int]:
        """How many different n-grams of each length occur."""
        counts, starts = self.tree.nodes[:, 3], self.tree.starts
        return [int((counts[a:b] > 0).sum()) for a, b in pairwise(starts[1:])]

    @property
    def loss(self) -> float:
        """Nats a token on the text it was trained on, nan without a token."""
        longest = slice(int(self.tree.starts[self.order]), None)
        counts = self.tree.nodes[longest, 3].astype(np.float64)
        seen = counts > 0
        total = counts.sum()
        return float(-(counts[seen] @ np.log(self.chances[longest][seen])) / total) if total else float("nan")

    def predicted(self, ids: Ids, bounds: Ints) -> tuple[Floats, NDArray[np.uint8]]:
        """p of every token given those before it in its document, float64[N], and whether it is the model's first
        choice there, uint8[N]. ValueError for ids outside the vocabulary."""
        from contam_metrics.kernels.calls import predict_words

        _check(ids, self.vocabulary)
        ids = np.ascontiguousarray(ids, np.int32)
        found = ids + np.int32(2)
        out, first = self.chances[found], (ids == self.best[0]).astype(np.uint8)
        falls = self.falls
        for length in range(1, self.order):
            histories = histories_of(found, bounds, int(self.tree.starts[length]))
            found = np.empty_like(ids)
            predict_words(ids, histories, found, self.tree.table, self.chances, falls, self.best, out, first)
        return out, first


def compile_kernels() -> None:
    """Compile what counting and writing need, side by side, where no run on this machine has done so: else either is
    compiled when it is first used."""
    from contam_metrics.kernels import store, warm
    from contam_metrics.kernels.calls import MODELS

    if store.usable():
        modules = (f"contam_metrics.kernels.{home}" for home in dict.fromkeys(MODELS.values()))
        warm.fill(tuple(module for module in modules if not store.ready(module)))


def _check(ids: Ids, vocabulary: int) -> None:
    if len(ids) and not 0 <= ids.min() <= ids.max() < vocabulary:
        raise ValueError(f"ids must be 0 to {vocabulary - 1}")


def histories_of(found: Ids, bounds: Ints, start: int) -> Ids:
    """The n-gram before each position, from those that end at each; ``start`` where a document begins."""
    histories = np.empty_like(found)
    histories[1:] = found[:-1]
    first = bounds[:-1]
    histories[first[first < bounds[1:]]] = start
    return histories


def _counted(ids: Ids, bounds: Ints, order: int, vocabulary: int) -> Tree:
    """All n-grams of a corpus, one length after another."""
    from contam_metrics.kernels.calls import copy_counts, count_ngrams, move_entries, sum_successors

    size = 2 + vocabulary
    nodes = np.empty((size + (order - 1) * (len(ids) + 1), 4), np.int32)
    nodes[0], nodes[1] = (0, -1, 0, 0), (0, -1, 0, 0)
    nodes[2:size, 1], nodes[2:size, 0], nodes[2:size, 2] = np.arange(vocabulary), 0, 0
    nodes[2:size, 3] = np.bincount(ids, minlength=vocabulary)
    starts, found, table = [0, 1, size], ids + np.int32(2), _table(len(ids))
    for length in range(2, order + 1):
        nodes[size] = (starts[length - 1], -1, starts[length - 1], 0)
        histories, shorter = histories_of(found, bounds, starts[length - 1]), found
        reached, found = np.array([0, size + 1], np.int64), np.empty_like(ids)
        while not count_ngrams(ids, histories, shorter, found, table, nodes, reached):
            smaller, table = table, _table(2 * len(table))
            move_entries(smaller, table)
        size = int(reached[1])
        starts.append(size)
    nodes, sums = nodes[:size], np.zeros((starts[order], 2), np.int64)
    copy_counts(table, nodes)
    sum_successors(nodes, sums)
    return Tree(nodes, np.array(starts, np.int64), table, sums)


def _table(least: int) -> NDArray[np.uint64]:
    return np.zeros((1 << max(4, (least - 1).bit_length()), 2), np.uint64)
