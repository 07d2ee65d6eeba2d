"""Hashes of n-grams for sketches: distinct n-grams, MinHash signatures, types in sliding windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.columns import EMPTY
from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import GOLDEN, MIX, finish

SHINGLE = 5
_FIRST = np.uint64(pow(0x9E3779B97F4A7C15, SHINGLE - 1, 1 << 64))


@njit(inline="always")
def _join(left: np.uint64, word: np.uint64) -> np.uint64:
    """The running hash of an n-gram with one more word."""
    state = (left ^ (left >> np.uint64(32))) * GOLDEN + word
    return (state ^ (state >> np.uint64(31))) * MIX


@kernel("void(uint64[::1], int64[::1], uint64[::1], uint64[:, ::1], int64[::1])")
def small_ngrams(hashes: Any, bounds: Any, limits: Any, out: Any, sizes: Any) -> None:
    """The hashes of 2-, 3- and 4-grams that are at most ``limits`` uint64[3].

    ``out`` uint64[3, words]; ``sizes`` int64[3] how many of each.
    """
    sizes[:] = 0
    for document in range(len(bounds) - 1):
        low, high = bounds[document], bounds[document + 1]
        one, two, three = np.uint64(0), np.uint64(0), np.uint64(0)
        for i in range(low, high):
            word = hashes[i]
            four = _join(three, word)
            three = _join(two, word)
            two = _join(one, word)
            one = word
            if two <= limits[0] and i > low:
                out[0, sizes[0]] = two
                sizes[0] += 1
            if three <= limits[1] and i > low + 1:
                out[1, sizes[1]] = three
                sizes[1] += 1
            if four <= limits[2] and i > low + 2:
                out[2, sizes[2]] = four
                sizes[2] += 1


@kernel("void(uint64[::1], int64[::1], uint32[:, ::1])")
def minhash(hashes: Any, bounds: Any, out: Any) -> None:
    """One-permutation MinHash of the 5-word shingles of every document.

    ``out`` uint32[documents, BINS]: the smallest hash in each bin, EMPTY where there is none (all of them in a
    document of fewer than five words).
    """
    for document in range(len(bounds) - 1):
        low, high = bounds[document], bounds[document + 1]
        row = out[document]
        row[:] = EMPTY
        rolling = np.uint64(0)
        for i in range(low, min(low + SHINGLE - 1, high)):
            rolling = rolling * GOLDEN + hashes[i]
        for i in range(low, high - SHINGLE + 1):
            # A polynomial of the five words: the next one comes in, and the first one goes out again below.
            rolling = rolling * GOLDEN + hashes[i + SHINGLE - 1]
            state = finish(rolling)
            rolling -= hashes[i] * _FIRST
            value = np.uint32(state & np.uint64(0xFFFFFFFF))
            place = state >> np.uint64(57)
            if value < row[place]:
                row[place] = value


@kernel("void(int32[::1], int64[::1], int64, int64[::1], int64[::1])")
def window_types(ids: Any, bounds: Any, width: int, last: Any, out: Any) -> None:
    """Different words in every window of ``width`` words that fits into its document.

    ``last`` int64[types] is scratch, set to -1 before. ``out`` int64[3]: the sum over windows, the windows,
    and the documents shorter than one.
    """
    for document in range(len(bounds) - 1):
        low, high = bounds[document], bounds[document + 1]
        if high - low < width:
            out[2] += high > low
            continue
        types = 0
        for i in range(low, high):
            if i - low >= width:
                types -= last[ids[i - width]] == i - width
            types += last[ids[i]] < max(low, i - width + 1)
            last[ids[i]] = i
            if i - low >= width - 1:
                out[0] += types
        out[1] += high - low - width + 1
