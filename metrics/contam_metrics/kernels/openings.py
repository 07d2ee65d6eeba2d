"""The beginnings of documents as prepared text, and what a score of documents counts in it.

Prepared text is a run of code points (int32): case folded, white space as single blanks, typographic quotes and dashes
as their ASCII marks. Line breaks, indentation and typography then cannot be told apart from plain typing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.cutting import DIGIT, LETTER, SPACE, _decode
from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import finish, mix

BLANK, QUOTE, APOSTROPHE, HYPHEN, STOP = 32, 34, 39, 45, 46
ELLIPSIS = 0x2026
MARKS = 17
"""Columns that `count_marks` fills before the endings: see `contam.synthetic.features.MARKS`."""
GRAMS = 1 << 16
"""Buckets that the hashed character n-grams fall into."""
SHORTEST, LONGEST = 3, 5
"""Characters of an n-gram."""


@njit(inline="always")
def _plain(code: Any) -> int:
    """The ASCII mark that a typographic quote or dash stands for; every other code point itself."""
    if (code >= 0x2018 and code <= 0x201B) or code == 0x2032 or code == 0x60 or code == 0xB4:
        return APOSTROPHE
    if (code >= 0x201C and code <= 0x201F) or code == 0x2033 or code == 0xAB or code == 0xBB:
        return QUOTE
    if (code >= 0x2010 and code <= 0x2015) or code == 0x2212:
        return HYPHEN
    return code


@kernel("int64(uint8[::1], int64[::1], int64[::1], uint8[::1], int32[::1], int64, int32[::1], int64[::1])")
def prepare_text(
    data: Any, begins: Any, ends: Any, classes: Any, fold: Any, most: int, points: Any, bounds: Any
) -> int:
    """Prepare the bytes ``[begins[d], ends[d])`` of each document; the number of code points written.

    At most ``most`` of a document; ``points`` has room for as many as there are bytes. Runs of hyphens become one,
    two apostrophes a quote, an ellipsis three stops.
    """
    n = 0
    bounds[0] = 0
    for d in range(len(begins)):
        first, position, blank = n, begins[d], False
        while position < ends[d] and n - first < most:
            code, size = _decode(data, position, ends[d])
            position += size
            if classes[code] == SPACE:
                blank = n > first
                continue
            if blank:
                points[n] = BLANK
                n += 1
                blank = False
            mark = _plain(np.int64(fold[code]))
            if mark == HYPHEN and n > first and points[n - 1] == HYPHEN:
                continue
            if mark == APOSTROPHE and n > first and points[n - 1] == APOSTROPHE:
                points[n - 1] = QUOTE
                continue
            if mark == ELLIPSIS:
                points[n], points[n + 1], mark = STOP, STOP, STOP
                n += 2
            points[n] = mark
            n += 1
        n = min(n, first + most)
        bounds[d + 1] = n
    return n


@njit(inline="always")
def _column(code: Any) -> int:
    """The column of a mark, without looking at its neighbours; 16 for those without a name."""
    if code == 44:
        return 0
    if code == STOP:
        return 1
    if code == 59:
        return 2
    if code == 58:
        return 3
    if code == 33:
        return 4
    if code == 63:
        return 5
    if code == QUOTE:
        return 6
    if code == 40 or code == 41:
        return 9
    return 16


@njit(inline="always")
def _marked(points: Any, classes: Any, i: int, first: int, last: int) -> int:
    """The column of the mark at ``i``: apostrophes and hyphens count apart inside a word, stops apart in a row."""
    code = np.int64(points[i])
    before = i > first and classes[points[i - 1]] == LETTER
    after = i + 1 < last and classes[points[i + 1]] == LETTER
    if code == APOSTROPHE:
        return 7 if before and after else 8
    if code == HYPHEN:
        return 10 if before and after else 11
    if code == STOP and i > first and points[i - 1] == STOP:
        return 12
    return _column(code)


@njit(inline="always")
def _add_ending(points: Any, start: int, end: int, endings: Any, counts: Any) -> None:
    """Count the endings of the word ``[start, end)``; ``endings`` (E, 5): how long, and the letters, last one first."""
    for e in range(len(endings)):
        size = endings[e, 0]
        if end - start < size + 2:
            continue
        k = 0
        while k < size and points[end - 1 - k] == endings[e, 1 + k]:
            k += 1
        if k == size:
            counts[MARKS + e] += 1


@kernel("int64(int32[::1], int64[::1], uint8[::1], int32[:, ::1], int32[:, ::1])")
def count_marks(points: Any, bounds: Any, classes: Any, endings: Any, counts: Any) -> int:
    """Count marks, numbers, sentences and word endings of each prepared document into ``counts`` (D, MARKS + E).

    Columns 13 to 15 are numbers, sentences that ended, and the sum of their squared lengths in words; a sentence ends
    at a stop, an exclamation or a question mark with no letter or digit right behind it.
    """
    counts[:] = 0
    for d in range(len(bounds) - 1):
        first, last = bounds[d], bounds[d + 1]
        words = 0
        i = first
        while i < last:
            kind = classes[points[i]]
            start = i
            i += 1
            if kind in (LETTER, DIGIT):
                while i < last and classes[points[i]] == kind:
                    i += 1
                words += 1
                if kind == DIGIT:
                    counts[d, 13] += 1
                else:
                    _add_ending(points, start, i, endings, counts[d])
            elif kind == 0:
                column = _marked(points, classes, start, first, last)
                counts[d, column] += 1
                behind = np.int64(classes[points[i]]) if i < last else 0
                if column in (1, 4, 5) and words > 0 and behind not in (LETTER, DIGIT):
                    counts[d, 14] += 1
                    counts[d, 15] += words * words
                    words = 0
    return 0


@njit(inline="always")
def _at(points: Any, i: int, start: int, end: int) -> np.uint64:
    """A code point of a word with a blank on both sides."""
    return np.uint64(points[i]) if i >= start and i < end else np.uint64(BLANK)


@kernel("int64(int32[::1], int64[::1], int32[::1], int32[::1], int32[::1], int64[::1])")
def count_grams(points: Any, bounds: Any, seen: Any, buckets: Any, counts: Any, gram_bounds: Any) -> int:
    """Count hashed character n-grams of SHORTEST to LONGEST within blank-separated words, a blank on both sides.

    ``seen`` int32[GRAMS] is zeros, and is again afterwards. Those of document d are
    ``buckets[gram_bounds[d]:gram_bounds[d + 1]]``, in the order of their first appearance. Returns how many there are.
    """
    n = 0
    gram_bounds[0] = 0
    for d in range(len(bounds) - 1):
        first = n
        start = bounds[d]
        while start < bounds[d + 1]:
            end = start
            while end < bounds[d + 1] and points[end] != BLANK:
                end += 1
            for i in range(start - 1, end - 1):
                state = mix(np.uint64(0), (_at(points, i, start, end) << np.uint64(32)) | np.uint64(points[i + 1]))
                for k in range(2, LONGEST):
                    if i + k > end:
                        break
                    state = mix(state, _at(points, i + k, start, end))
                    bucket = np.int64(finish(state) & np.uint64(GRAMS - 1))
                    if seen[bucket] == 0:
                        buckets[n] = bucket
                        n += 1
                    seen[bucket] += 1
            start = end + 1
        for j in range(first, n):
            counts[j] = seen[buckets[j]]
            seen[buckets[j]] = 0
        gram_bounds[d + 1] = n
    return n
