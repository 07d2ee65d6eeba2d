"""Loops: a piece of text repeated end to end, at the end of a document or anywhere in it."""

from __future__ import annotations

from typing import Any

from numba import njit

from contam_metrics.kernels.columns import (
    CHARACTER_PERIOD,
    CHARACTER_TAIL,
    COVERED_WORDS,
    LONGEST_PERIOD,
    TAIL_CHARACTERS,
    TAIL_PERIOD,
    TAIL_SIZE,
    TAIL_WORDS,
    WORD_TAIL,
)
from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import load64


@njit
def _word_tail(values: Any, end: int, size: int, failure: Any) -> tuple[int, int]:
    """(period, length) of the longest periodic end of ``values[end - size:end]``: three periods and six words.

    Knuth, Morris and Pratt's failure function of the reversed text: position i of it has smallest period
    i - failure[i].
    """
    period, length = 0, 0
    failure[0] = 0
    k = 0
    for i in range(1, size):
        value = values[end - 1 - i]
        while k > 0 and value != values[end - 1 - k]:
            k = failure[k - 1]
        if value == values[end - 1 - k]:
            k += 1
        failure[i] = k
        p = i + 1 - k
        if i + 1 >= 3 * p and i + 1 >= 6:
            period, length = p, i + 1
    return period, length


@njit
def _cover(ids: Any, low: int, m: int, marks: Any) -> int:
    """Words in blocks of at least three periods (and six words) of a period of up to 64 words."""
    marks[:m] = 0
    for k in range(1, min(LONGEST_PERIOD, m - 1) + 1):
        shortest = max(2 * k, 6 - k)
        # A run that is long enough passes over a multiple of its least length: only those are looked at.
        probe = 0
        while probe < m - k:
            if ids[low + probe] != ids[low + probe + k]:
                probe += shortest
                continue
            begin, end = probe, probe + 1
            while begin > 0 and ids[low + begin - 1] == ids[low + begin - 1 + k]:
                begin -= 1
            while end < m - k and ids[low + end] == ids[low + end + k]:
                end += 1
            if end - begin >= shortest:
                marks[begin : end + k] = 1
            probe += shortest * ((end - probe - 1) // shortest + 1)
    covered = 0
    for i in range(m):
        covered += marks[i]
    return covered


@njit
def _character_tail(data: Any, start: int, end: int) -> tuple[int, int]:
    """(period, length) in bytes of the longest loop at the end of ``data[start:end]``: three periods and 24 bytes.

    A loop repeats its last 16 bytes one period before, so only those distances are tried; the multiples of a
    period that was found reach no farther than it.
    """
    last, before = load64(data, end - 8), load64(data, end - 16)
    period, length = 0, 0
    for distance in range(1, min((end - start) // 3, end - start - 16) + 1):
        place = end - 16 - distance
        if load64(data, place) != before or load64(data, place + 8) != last:
            continue
        if period > 0 and distance % period == 0:
            continue
        reach = end - distance - 16
        while reach > start and data[reach - 1] == data[reach - 1 + distance]:
            reach -= 1
        found = end - reach
        if found > length and found >= 3 * distance and found >= 24:
            period, length = distance, found
    return period, length


@kernel(
    "void(uint8[::1], int64[::1], int32[::1], int64[::1], int64[:, ::1], int32[::1], uint8[::1], int64[:, ::1])",
)
def find_loops(data: Any, offsets: Any, ids: Any, bounds: Any, hints: Any, failure: Any, marks: Any, out: Any) -> None:
    """Loops of every document, on words and on characters.

    ``hints`` int64[2, documents] from `repeated_ngrams`: whether there can be a loop of words, and one at the
    end. ``failure`` int32[WORD_TAIL], ``marks`` uint8[longest document] are scratch.
    ``out`` int64[documents, LOOP_COLUMNS]: period and length in words of the loop at
    the end (last 2048 words); words covered by loops; period in bytes and length in characters of the loop at
    the end (last 4096 bytes, 24 characters at least); characters in that window.
    """
    for document in range(len(bounds) - 1):
        row = out[document]
        row[:] = 0
        low = bounds[document]
        m = bounds[document + 1] - low
        if hints[1, document] and m >= 6:
            row[TAIL_PERIOD], row[TAIL_WORDS] = _word_tail(ids, low + m, min(m, WORD_TAIL), failure)
        if hints[0, document] and m >= 6:
            row[COVERED_WORDS] = _cover(ids, low, m, marks)
        start, end = offsets[document], offsets[document + 1]
        while end > start and (data[end - 1] == 32 or (data[end - 1] >= 9 and data[end - 1] <= 13)):
            end -= 1
        start = max(start, end - CHARACTER_TAIL)
        if end - start < 24:
            continue
        period, length = _character_tail(data, start, end)
        characters = 0
        for i in range(end - length, end):
            characters += (data[i] & 0xC0) != 0x80
        if characters >= 24:
            row[CHARACTER_PERIOD], row[TAIL_CHARACTERS] = period, characters
            for i in range(start, end):
                row[TAIL_SIZE] += (data[i] & 0xC0) != 0x80
