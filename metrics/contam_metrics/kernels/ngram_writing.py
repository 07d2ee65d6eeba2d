"""The n-gram model: writing. What the arrays hold says `ngram_model`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import GOLDEN, finish, mix, prefetch
from contam_metrics.kernels.ngram_model import AHEAD, COUNT, HISTORY, SHORTER, WORD, child

_UNIT = 1.0 / 9007199254740992.0
"""2^-53: the step of numbers drawn from [0, 1)."""


@kernel("void(int32[:, ::1], int64[::1], float64[::1], float64[:, ::1], int32[:, ::1], float64[::1])")
def list_successors(nodes: Any, starts: Any, weights: Any, ways: Any, rows: Any, running: Any) -> None:
    """Make the lists that `write_ladder` draws from: ``weights`` float64[M] of nodes to ``rows``, ``running`` and the
    sums in ``ways``, whose first column counts up from the first row of a history to that of the next.
    """
    for node in range(1, len(nodes)):
        if node + AHEAD < len(nodes):
            prefetch(ways, 4 * np.int64(nodes[node + AHEAD, HISTORY]))
        if nodes[node, COUNT] > 0:
            h = nodes[node, HISTORY]
            row = np.int64(ways[h, 0])
            ways[h, 0] += 1.0
            ways[h, 1] += weights[node]
            rows[row, 0] = nodes[node, WORD]
            rows[row, 1] = nodes[node, SHORTER] if node >= starts[-2] else node
            running[row] = ways[h, 1]


@njit(inline="always")
def _uniform(state: np.uint64) -> float:
    """A number in [0, 1) for a state of the generator SplitMix64, which goes from one to the next by adding GOLDEN."""
    z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * _UNIT


@njit(inline="always")
def _lengthened(nodes: Any, table: Any, starts: Any, histories: Any, word: Any) -> Any:
    """The longest seen history after a word, of the one it was drawn for, the one it was drawn from, and the latter
    with the word."""
    history, drawn, found = histories
    if history >= starts[-3]:
        history = np.int64(nodes[history, SHORTER])
    while history != drawn:
        longer = child(table, history, word)
        if longer >= 0:
            return longer
        history = np.int64(nodes[history, SHORTER])
    return found


@njit(inline="always")
def _drawn(sums: Any, low: Any, high: Any, wanted: Any) -> Any:
    """The first row whose running sum is above a number; the last one where none is."""
    size = high - low
    while size > 1:
        half = size >> 1
        low += half if sums[low + half - 1] <= wanted else 0
        size -= half
    return low


POSITION, END, CURRENT, DRAWN, WANTED = 0, 1, 2, 3, 4
"""Columns of ``lanes``: where a document goes on and ends, its history, that of the next word's list, the weight."""


@njit(inline="always")
def _begin(lanes: Any, states: Any, lane: int, bounds: Any, following: int, begun: Any, seed: Any) -> int:
    """Give a lane the next document that is not empty; the number of the one after it."""
    while following < len(bounds) - 1 and lanes[lane, POSITION] == lanes[lane, END]:
        lanes[lane, POSITION], lanes[lane, END] = bounds[following], bounds[following + 1]
        lanes[lane, CURRENT] = begun
        states[lane] = finish(mix(seed, np.uint64(following)))
        following += 1
    return following


@njit(inline="always")
def _descend(lanes: Any, states: Any, lane: int, ways: Any) -> Any:
    """How far down the ladder the next word is drawn: the history whose successors it is one of."""
    h: Any = np.int64(lanes[lane, CURRENT])
    while True:
        if ways[h, 1] > 0:
            states[lane] += GOLDEN
            wanted = _uniform(states[lane]) * (ways[h, 1] + ways[h, 2])
            if wanted < ways[h, 1] or h == 0:
                break
        h = np.int64(ways[h, 3])
    lanes[lane, DRAWN], lanes[lane, WANTED] = h, wanted
    return h


@kernel(
    "void(int64[::1], int32[::1], int32[:, ::1], uint64[:, ::1], int64[::1], int32[:, ::1], float64[:, ::1],"
    " float64[::1], float64[:, ::1], uint64[::1], uint64)"
)
def write_ladder(
    bounds: Any, out: Any, nodes: Any, table: Any, starts: Any, rows: Any, ways: Any, running: Any, lanes: Any,
    states: Any, seed: Any,
) -> None:
    """Documents drawn down the ladder: a successor of the history, or one of the next shorter history.

    ``ways`` float64[H + 1, 4] of each history: its first row, the weight of its successors, that of the shorter
    history, and its node; in the last row the number of rows. ``rows`` int32[R, 2] of each successor: the word, and the
    history that it ends; ``running`` float64[R] sums of their weights, history by history. Several documents are
    written at once, in lanes, so that the memory one needs is fetched while the others go on: ``lanes`` float64[L, 5]
    and ``states`` uint64[L] are scratch, zeros at first.
    """
    following, busy = 0, True
    while busy:
        busy = False
        for lane in range(len(states)):
            following = _begin(lanes, states, lane, bounds, following, starts[-3], seed)
            if lanes[lane, POSITION] < lanes[lane, END]:
                busy = True
                h = _descend(lanes, states, lane, ways)
                prefetch(running, np.int64(ways[h, 0] + ways[h + 1, 0] - 1) >> 1)
                prefetch(rows, np.int64(ways[h, 0] + ways[h + 1, 0] - 1))
        for lane in range(len(states)):
            if lanes[lane, POSITION] < lanes[lane, END]:
                h = np.int64(lanes[lane, DRAWN])
                row = _drawn(running, np.int64(ways[h, 0]), np.int64(ways[h + 1, 0]), lanes[lane, WANTED])
                history: Any = np.int64(rows[row, 1])
                out[np.int64(lanes[lane, POSITION])] = rows[row, 0]
                if h < starts[-3]:
                    known = (np.int64(lanes[lane, CURRENT]), h, history)
                    history = _lengthened(nodes, table, starts, known, rows[row, 0])
                lanes[lane, CURRENT] = history
                lanes[lane, POSITION] += 1
                prefetch(ways, 4 * history)


@njit(inline="always")
def _likeliest(cursors: Any, levels: int, successors: Any, values: Any, nodes: Any, marks: Any, mark: int) -> int:
    """The history, of those that are ends of one, with the likeliest successor that is not marked; -1 where all are.

    ``cursors`` float64[order, 3]: where each list goes on, where it ends, and the factor of its values.
    """
    best, highest = -1, -1.0
    for n in range(levels):
        row, end = np.int64(cursors[n, 0]), np.int64(cursors[n, 1])
        while row < end and marks[nodes[successors[row], WORD]] == mark:
            row += 1
        cursors[n, 0] = row
        if row < end and cursors[n, 2] * values[successors[row]] > highest:
            best, highest = n, cursors[n, 2] * values[successors[row]]
    return best


@njit(inline="always")
def _gather(
    cursors: Any, levels: int, successors: Any, values: Any, nodes: Any, marks: Any, mark: int, limits: Any, whole: Any,
    chosen: Any, sums: Any,
) -> int:
    """The words to draw from into ``chosen``, likeliest first, with running sums; how many they are."""
    size, total = 0, 0.0
    few = limits[0] < len(chosen)
    while size < limits[0] and (few or total < limits[1] * whole):
        n = _likeliest(cursors, levels, successors, values, nodes, marks, mark)
        if n < 0:
            break
        node = successors[np.int64(cursors[n, 0])]
        total += cursors[n, 2] * values[node]
        chosen[size], sums[size] = node, total
        marks[nodes[node, WORD]] = mark
        size += 1
    while few and size > 1 and sums[size - 2] >= limits[1] * total:
        size -= 1
    return size


@kernel(
    "void(int64[::1], int32[::1], int32[:, ::1], uint64[:, ::1], int64[::1], int32[::1], int64[::1], float64[::1],"
    " float64[::1], float64[::1], float64[::1], int64[::1], int32[::1], float64[::1], float64[:, ::1], uint64)"
)
def write_truncated(
    bounds: Any, out: Any, nodes: Any, table: Any, starts: Any, successors: Any, first: Any, values: Any, falls: Any,
    wholes: Any, limits: Any, marks: Any, chosen: Any, sums: Any, cursors: Any, seed: Any,
) -> None:
    """Documents drawn from the likeliest words alone: ``limits`` holds how many, and their share of the probability.

    ``successors`` are listed likeliest first. ``values`` float64[M] of nodes, ``falls`` float64[H] the factor to those
    of the shorter history, ``wholes`` float64[H] their sum over all words. ``marks`` int64[V], ``chosen`` int32[V],
    ``sums`` float64[V] and ``cursors`` float64[order, 3] are scratch, the marks negative at first.
    """
    for d in range(len(bounds) - 1):
        state = finish(mix(seed, np.uint64(d)))
        history: Any = starts[-3]
        for i in range(bounds[d], bounds[d + 1]):
            h: Any = history
            levels, factor = 0, 1.0
            while True:
                cursors[levels, 0], cursors[levels, 1], cursors[levels, 2] = first[h], first[h + 1], factor
                levels += 1
                if h == 0:
                    break
                factor *= falls[h]
                h = np.int64(nodes[h, SHORTER])
            size = _gather(
                cursors, levels, successors, values, nodes, marks, i, limits, wholes[history], chosen, sums
            )
            state += GOLDEN
            node = np.int64(chosen[_drawn(sums, 0, size, _uniform(state) * sums[size - 1])])
            out[i] = nodes[node, WORD]
            if node >= starts[-2]:
                history = np.int64(nodes[node, SHORTER])
            else:
                known = (history, np.int64(nodes[node, HISTORY]), node)
                history = _lengthened(nodes, table, starts, known, nodes[node, WORD])
