"""Texts drawn from an n-gram model.

A word is drawn from p(w|h) without its uniform level: single words have the frequencies of the corpus, so that a word
that died out cannot come back. At temperature 1 that is a ladder: with probability c(h) / (c(h) + T(h)) a successor
of the history in proportion to its count, else the same with the history one word shorter.

A temperature t raises the probabilities to the power a = 1/t. Since p(w|h) >= f p(w|h') with f = T(h) / (c(h) + T(h)),
and equal for words that did not follow h, the powers are f^a p(w|h')^a for every word, and for successors of h the
difference on top: the ladder again, with other weights, hence exact. Top-k and nucleus walk through the successors of
the history and of all shorter ones, likeliest first, until the kept words are complete: exact too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from contam.models.ngram import Floats, Ids, Ints, Ngram, Tree

COLDEST = 1e-6
"""Temperatures below are greedy."""
LANES = 16
"""Documents written side by side; it changes the speed and nothing else."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How words are drawn: the probabilities changed by ``temperature`` (0 is greedy), then the ``top_k`` likeliest
    words (0: all), and of these the fewest whose probabilities sum to ``top_p``."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    @property
    def greedy(self) -> bool:
        """Whether the likeliest word is always taken."""
        return self.temperature < COLDEST or self.top_k == 1


def write(model: Ngram, bounds: Ints, how: Drawing, *names: object) -> Ids:
    """Documents of the lengths that ``bounds`` int64[D + 1] gives, end to end: int32[bounds[-1]].

    Random numbers are a function of the names and of each document's number, so that a longer collection begins as a
    shorter one does. At temperature 1 texts are the same on every machine. At others the power function of another
    machine may round differently and so, about once in 10^15 words, draw another word. ValueError for a model of an
    empty corpus.
    """
    if not model.tree.sums[0, 0]:
        raise ValueError("a model of an empty corpus cannot write")
    seed = int.from_bytes(hashlib.blake2b("/".join(map(str, names)).encode(), digest_size=8).digest(), "little")
    out = np.empty(int(bounds[-1]), np.int32)
    if how.greedy or 0 < how.top_k < model.vocabulary or how.top_p < 1:
        _write_truncated(model, bounds, how, seed, out)
    else:
        _write_ladder(model.tree, bounds, how, seed, out)
    return out


def _write_ladder(tree: Tree, bounds: Ints, how: Drawing, seed: int, out: Ids) -> None:
    from contam_metrics.kernels.calls import list_successors, write_ladder

    first = np.concatenate(([0], np.cumsum(tree.sums[:, 1])))
    ways = np.zeros((len(first), 4))
    ways[:, 0], ways[:-1, 3] = first, tree.nodes[: len(tree.sums), 2]
    if how.temperature == 1:
        weights, ways[1:-1, 2] = tree.nodes[:, 3].astype(np.float64), tree.kinds[1:]
    else:
        powers = _powers(tree, how.temperature)
        weights, ways[:-1, 2] = powers.gains, powers.rests
    rows, running = np.empty((int(first[-1]), 2), np.int32), np.empty(int(first[-1]))
    list_successors(tree.nodes, tree.starts, weights, ways, rows, running)
    ways[:, 0] = first
    scratch = (np.zeros((LANES, 5)), np.zeros(LANES, np.uint64))
    write_ladder(bounds, out, tree.nodes, tree.table, tree.starts, rows, ways, running, *scratch, seed)


def _write_truncated(model: Ngram, bounds: Ints, how: Drawing, seed: int, out: Ids) -> None:
    from contam_metrics.kernels.calls import write_truncated

    tree, size = model.tree, model.vocabulary
    powers = _powers(tree, 1.0 if how.greedy else how.temperature)
    nodes = np.flatnonzero(tree.nodes[:, 3] > 0).astype(np.int32)
    successors = nodes[np.lexsort((-powers.values[nodes], tree.nodes[nodes, 0]))]
    first = np.concatenate(([0], np.cumsum(tree.sums[:, 1])))
    limits = np.array([1 if how.greedy else how.top_k or size, how.top_p], np.float64)
    scratch = (np.full(size, -1), np.empty(size, np.int32), np.empty(size), np.empty((model.order, 3)))
    write_truncated(
        bounds, out, tree.nodes, tree.table, tree.starts, successors, first, powers.values, powers.falls,
        powers.wholes, limits, *scratch, seed,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Powers:
    """Probabilities to the power of 1/temperature, in units of that of the likeliest word after the same history, so
    that no low temperature makes all of them zero: ``values`` float64[M] of each n-gram, ``falls`` float64[H] the
    factor to those after the shorter history, ``gains`` float64[M] what a value is above that of the shorter n-gram,
    ``rests`` float64[H] the sum of the values of all words after the shorter history, ``wholes`` float64[H] that of all
    words after the history itself."""

    values: Floats
    falls: Floats
    gains: Floats
    rests: Floats
    wholes: Floats


def _powers(tree: Tree, temperature: float) -> _Powers:
    power, chances, shares = 1 / temperature, tree.chances(0.0), tree.falls
    history, shorter = tree.nodes[:, 0], tree.nodes[:, 2]
    _, highest = tree.first_choices(chances, shares)
    shares[0] = 0
    values = (chances / highest[history]) ** power
    falls = (shares * highest[shorter[: len(shares)]] / highest) ** power
    gains = np.maximum(values - falls[history] * values[shorter], 0)
    gains[tree.nodes[:, 3] == 0] = 0
    sums: Floats = np.bincount(history, weights=gains, minlength=len(shares)).astype(np.float64)
    rests = np.zeros(len(shares))
    for low, high in zip(tree.starts[1:-2], tree.starts[2:-1]):
        rests[low:high] = falls[low:high] * sums[shorter[low:high]]
        sums[low:high] += rests[low:high]
    return _Powers(values, falls, gains, rests, sums)
