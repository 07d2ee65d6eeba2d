"""The n-gram model: counting in a tree of n-grams, and predicting.

A node stands for an n-gram: 0 for the empty one, then those of one word, of two and so on; ``starts`` int64[order + 2]
says where each length begins. The first of a length is that of nothing but start symbols, it occurs 0 times. ``nodes``
int32[M, 4] holds of each its history (the n-gram without its last word), its last word, the n-gram without its first
word, and how often it occurs. A table finds the node of a history and a word, both by their numbers, so that nothing
can overflow and no two can be mistaken for one another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import finish, prefetch

HISTORY, WORD, SHORTER, COUNT = 0, 1, 2, 3
"""Columns of ``nodes``."""
TOTAL, KINDS = 0, 1
"""Columns of ``sums`` int64[H, 2]: how often a history goes on, and with how many different words."""
AHEAD = 12
"""So many positions ahead memory is fetched."""
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@njit(inline="always")
def _key(history: int, word: int) -> np.uint64:
    return (np.uint64(history) << np.uint64(32)) | np.uint64(word)


@njit(inline="always")
def _slot(table: Any, key: np.uint64) -> int:
    """Where a key stands in a table uint64[2^k, 2], or where it would be put; beside it are node and count."""
    mask = np.int64(len(table) - 1)
    slot = np.int64(finish(key)) & mask
    while table[slot, 0] != key and table[slot, 0] != 0:
        slot = (slot + 1) & mask
    return slot


@njit(inline="always")
def _fetch(table: Any, histories: Any, words: Any, position: int) -> None:
    """Have the slot of a position fetched: a table is larger than the caches, and waiting for it takes longest."""
    if position < len(words):
        slot = np.int64(finish(_key(histories[position], words[position]))) & np.int64(len(table) - 1)
        prefetch(table, 2 * slot)


@njit(inline="always")
def child(table: Any, history: Any, word: Any) -> Any:
    """The node of a history (not the empty one) with a word after it; -1 where it was never seen."""
    key = _key(history, word)
    slot = _slot(table, key)
    return np.int64(table[slot, 1] >> _HALF) if table[slot, 0] == key else -1


@kernel("int64(int32[::1], int32[::1], int32[::1], int32[::1], uint64[:, ::1], int32[:, ::1], int64[::1])")
def count_ngrams(
    words: Any, histories: Any, shorter: Any, found: Any, table: Any, nodes: Any, reached: Any
) -> int:
    """Count the n-grams that end at each position; 1 when all are counted, 0 when the table must grow first.

    ``words``, ``histories`` and ``shorter`` int32[N] of each position; ``found`` int32[N] takes its n-gram. ``reached``
    int64[2]: the position to go on from, and how many nodes there are.
    """
    size = reached[1]
    room = len(table) // 8 * 5
    for i in range(reached[0], len(words)):
        _fetch(table, histories, words, i + AHEAD)
        key = _key(histories[i], words[i])
        slot = _slot(table, key)
        if table[slot, 0] == 0:
            if size >= room:
                reached[0], reached[1] = i, size
                return 0
            table[slot, 0], table[slot, 1] = key, np.uint64(size) << _HALF
            nodes[size, HISTORY], nodes[size, WORD] = histories[i], words[i]
            nodes[size, SHORTER], nodes[size, COUNT] = shorter[i], 0
            size += 1
        table[slot, 1] += np.uint64(1)
        found[i] = np.int32(table[slot, 1] >> _HALF)
    reached[0], reached[1] = len(words), size
    return 1


@kernel("void(uint64[:, ::1], uint64[:, ::1])")
def move_entries(table: Any, larger: Any) -> None:
    """Put the entries of a table into a larger one, which is empty."""
    for old in range(len(table)):
        if table[old, 0] != 0:
            slot = _slot(larger, table[old, 0])
            larger[slot, 0], larger[slot, 1] = table[old, 0], table[old, 1]


@kernel("void(uint64[:, ::1], int32[:, ::1])")
def copy_counts(table: Any, nodes: Any) -> None:
    """The counts of a table's n-grams into their nodes."""
    for slot in range(len(table)):
        if table[slot, 0] != 0:
            nodes[np.int64(table[slot, 1] >> _HALF), COUNT] = np.int32(table[slot, 1] & _LOW)


@kernel("void(int32[:, ::1], int64[:, ::1])")
def sum_successors(nodes: Any, sums: Any) -> None:
    """Add up c(h) and T(h) of every history."""
    for node in range(1, len(nodes)):
        if nodes[node, COUNT] > 0:
            sums[nodes[node, HISTORY], TOTAL] += nodes[node, COUNT]
            sums[nodes[node, HISTORY], KINDS] += 1


@kernel("void(int32[:, ::1], int64, int64[:, ::1], float64[::1], float64)")
def mix_levels(nodes: Any, first: int, sums: Any, chances: Any, worth: float) -> None:
    """p(w|h) of every node from ``first`` on into ``chances`` float64[M], which holds those of shorter n-grams;
    ``worth`` is what a different successor weighs against an occurrence."""
    for node in range(first, len(nodes)):
        count = nodes[node, COUNT]
        chances[node] = 0.0
        if count > 0:
            total, kinds = sums[nodes[node, HISTORY], TOTAL], worth * sums[nodes[node, HISTORY], KINDS]
            chances[node] = (count + kinds * chances[nodes[node, SHORTER]]) / (total + kinds)


@kernel("void(int32[:, ::1], int64[::1], float64[::1], float64[::1], float64[::1], int32[::1])")
def choose_first(nodes: Any, starts: Any, chances: Any, falls: Any, highest: Any, best: Any) -> None:
    """The likeliest word after every history into ``best`` int32[H], its probability into ``highest`` float64[H].

    A word that does not follow a history in the corpus is its likeliest only where it is that of the shorter history,
    so that a history is compared with its own successors and one other.
    """
    for n in range(len(starts) - 2):
        for h in range(starts[n], starts[n + 1]):
            best[h], highest[h] = 0, 0.0
            if h > 0:
                best[h] = best[nodes[h, SHORTER]]
                highest[h] = falls[h] * highest[nodes[h, SHORTER]]
        for node in range(starts[n + 1], starts[n + 2]):
            h = nodes[node, HISTORY]
            if nodes[node, COUNT] > 0 and chances[node] > highest[h]:
                highest[h], best[h] = chances[node], nodes[node, WORD]


@kernel(
    "void(int32[::1], int32[::1], int32[::1], uint64[:, ::1], float64[::1], float64[::1], int32[::1], float64[::1],"
    " uint8[::1])"
)
def predict_words(
    words: Any, histories: Any, found: Any, table: Any, chances: Any, falls: Any, best: Any, out: Any, first: Any
) -> None:
    """From p(w|shorter history) in ``out`` float64[N] to p(w|history); ``first`` uint8[N]: whether w is its likeliest.

    ``histories`` int32[N] is -1 where the history was never seen; ``found`` int32[N] takes the n-grams, -1 likewise.
    """
    for i in range(len(words)):
        if i + AHEAD < len(words) and histories[i + AHEAD] >= 0:
            _fetch(table, histories, words, i + AHEAD)
            prefetch(best, np.int64(histories[i + AHEAD]))
            prefetch(falls, np.int64(histories[i + AHEAD]))
        h = np.int64(histories[i])
        found[i] = child(table, h, words[i]) if h >= 0 else -1
        if h >= 0:
            first[i] = best[h] == words[i]
            if found[i] < 0:
                out[i] *= falls[h]
    for i in range(len(words)):
        if i + AHEAD < len(words) and found[i + AHEAD] >= 0:
            prefetch(chances, np.int64(found[i + AHEAD]))
        if found[i] >= 0:
            out[i] = chances[found[i]]
