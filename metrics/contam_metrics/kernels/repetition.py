"""Repetition inside a document: n-grams, lines and paragraphs that occur more than once.

An (n+1)-gram can only repeat where both of its n-grams do, so each length looks at the positions that
survived the one before, and names an n-gram by the pair of names of its two parts: exact, no collisions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.machine import GOLDEN, MIX, bit_count, leading_zeros, mix, trailing_zeros
from contam_metrics.kernels.tables import hash_bytes

TOP_LENGTHS = (2, 3, 4)
DUPLICATE_LENGTHS = (5, 6, 7, 8, 9, 10)
# Columns of the result of repeated_ngrams.
CHARACTERS, TOP, DUPLICATED, LATER_4, POSITIONS_4, NEAR_REPEAT, END_REPEAT = 0, 1, 4, 10, 11, 12, 13
NGRAM_COLUMNS = 14
# Columns of the result of repeated_lines: for lines, then for paragraphs.
LINES, LATER_LINES, LINE_CHARACTERS, LATER_LINE_CHARACTERS = 0, 1, 2, 3
LINE_COLUMNS = 8
_LONGEST = 10


@njit(inline="always")
def _slot(table: Any, shift: np.uint64, mask: np.uint64, stamp: int, a: int, b: int, fresh: int) -> int:
    """The group of the pair (a, b) in a table that is empty to every new ``stamp``; ``fresh`` where it is new."""
    key = (np.uint64(a) << np.uint64(32)) | np.uint64(b)
    slot = ((np.uint64(a) * GOLDEN) ^ (np.uint64(b) * MIX)) * GOLDEN >> shift
    while True:
        if table[slot, 1] >> np.uint64(32) != np.uint64(stamp):
            table[slot, 0] = key
            table[slot, 1] = (np.uint64(stamp) << np.uint64(32)) | np.uint64(fresh)
            return fresh
        if table[slot, 0] == key:
            return np.int64(table[slot, 1] & np.uint64(0xFFFFFFFF))
        slot = (slot + np.uint64(1)) & mask


@njit(inline="always")
def _covered(prefix: Any, active: Any, size: int, names: Any, only: int, n: int) -> int:
    """Characters of words in n-grams at the active positions (of group ``only``, or all where it is -1), each once."""
    total = 0
    done = 0
    for k in range(size):
        i = active[k]
        if only < 0 or names[i] == only:
            begin = max(i, done)
            done = i + n
            total += prefix[done] - prefix[begin]
    return total


@njit(
    "int64(int32[::1], int32[::1], int64[::1], int64, int32[::1], int32[::1], int32[::1], int32[::1], int32[:, ::1],"
    " uint64[:, ::1], int64, int64[:, ::1])",
    nogil=True,
    cache=True,
)
def repeated_ngrams(
    ids: Any, lengths: Any, bounds: Any, limit: int, tally: Any, names: Any, active: Any, prefix: Any, groups: Any,
    table: Any, stamp: int, out: Any
) -> int:
    """What repeats in each document, for n-grams of 2 to 10 words; the last ``stamp`` used.

    ``limit`` words of a document count for seq-rep-4. ``tally`` int32[types] zeros, left zeros; ``names``,
    ``active``, ``prefix`` int32[longest + 1] and ``groups`` int32[4, longest + 1] are scratch; ``table``
    uint64[2^k, 2] with room for four times the longest document. ``out`` int64[documents, NGRAM_COLUMNS]:
    characters in words; characters in the most frequent 2-, 3-, 4-gram; characters in any 5- to 10-gram that
    repeats; later occurrences of 4-grams and 4-gram positions within ``limit`` words; whether there can be a
    loop of up to 64 words, and whether there can be one at the end. A loop of period p matches itself at
    distance p over at least 2p words (4 or 5 for p = 2, 1), so it shows as a 4-gram repeated within 2 words, a
    6-gram within 4, or a 10-gram.
    """
    for document in range(len(bounds) - 1):
        low = bounds[document]
        m = bounds[document + 1] - low
        row = out[document]
        row[:] = 0
        prefix[0] = 0
        for i in range(m):
            prefix[i + 1] = prefix[i] + lengths[low + i]
            tally[ids[low + i]] += 1
        row[CHARACTERS] = prefix[m]
        row[POSITIONS_4] = max(0, min(m, limit) - 3)
        size = 0
        for i in range(m):
            names[i] = ids[low + i] if tally[ids[low + i]] > 1 else -1
            active[size] = i
            size += names[i] >= 0
        names[m] = -1
        for i in range(m):
            tally[ids[low + i]] = 0
        fresh = 0
        for n in range(2, _LONGEST + 1):
            if size == 0:
                break
            stamp += 1
            # A new stamp empties the table, so each length uses only as much of it as it needs: less cache.
            bits = np.uint64(64 - leading_zeros(np.uint64(2 * size + 15)))
            shift = np.uint64(64) - bits
            mask = (np.uint64(1) << bits) - np.uint64(1)
            # Most n-grams that come again go on the same way: the first way is kept with the n-gram itself.
            if n > 2:
                groups[2, :fresh] = -1
            fresh = 0
            kept = 0
            for k in range(size):
                i = active[k]
                if i + n > m or names[i + 1] < 0:
                    names[i] = -1
                    continue
                name, following = names[i], names[i + 1]
                if n > 2 and groups[2, name] == following:
                    group = np.int64(groups[3, name])
                else:
                    group = _slot(table, shift, mask, stamp, name, following, fresh)
                    if n > 2 and groups[2, name] < 0:
                        groups[2, name] = following
                        groups[3, name] = group
                if group == fresh:
                    groups[0, group] = 0
                    fresh += 1
                elif n == 4 or n == 6 or n == 10:
                    if n == 4:
                        row[LATER_4] += i + 4 <= limit
                    reach = 2 if n == 4 else 4 if n == 6 else 64
                    row[NEAR_REPEAT] |= i - groups[1, group] <= reach
                    row[END_REPEAT] |= i + n == m and (n == 10 or i - groups[1, group] <= reach)
                groups[0, group] += 1
                groups[1, group] = i
                names[i] = group
                active[kept] = i
                kept += 1
            size = 0
            best, most, longest = -1, 1, 0
            for k in range(kept):
                i = active[k]
                count = groups[0, names[i]]
                if count < 2:
                    names[i] = -1
                    continue
                active[size] = i
                size += 1
                if n <= 4 and count >= most:
                    length = prefix[i + n] - prefix[i]
                    if count > most or length > longest:
                        best, most, longest = names[i], count, length
            if n <= 4 and best >= 0:
                row[TOP + n - 2] = _covered(prefix, active, size, names, best, n)
            elif n > 4:
                row[DUPLICATED + n - 5] = _covered(prefix, active, size, names, -1, n)
    return stamp


@njit(inline="always")
def _is_white(byte: int) -> bool:
    return byte == 32 or (byte >= 9 and byte <= 13) or (byte >= 28 and byte <= 31)


@njit(inline="always")
def _count_line(
    row: Any, column: int, key: np.uint64, characters: int, seen: Any, shift: np.uint64, mask: np.uint64, stamp: int
) -> None:
    """Add one line or paragraph to the tallies of its document, and whether it was there before."""
    row[column + LINES] += 1
    row[column + LINE_CHARACTERS] += characters
    slot = key >> shift
    while seen[slot, 1] == np.uint64(stamp):
        if seen[slot, 0] == key:
            row[column + LATER_LINES] += 1
            row[column + LATER_LINE_CHARACTERS] += characters
            return
        slot = (slot + np.uint64(1)) & mask
    seen[slot, 0] = key
    seen[slot, 1] = np.uint64(stamp)


@njit(
    "int64(uint8[::1], int64[::1], uint64[::1], uint64[:, ::1], int64, int64[:, ::1])", nogil=True, cache=True
)
def repeated_lines(data: Any, offsets: Any, newlines: Any, table: Any, stamp: int, out: Any) -> int:
    """Lines and paragraphs that came before in their document; the last ``stamp`` used.

    Lines are stripped of ASCII white space, empty ones are not counted; a paragraph is a run of lines without
    an empty one. ``newlines`` is the bit mask from cutting; ``table`` uint64[2^k, 2] has room for four
    times the newlines of the batch plus 512. ``out`` int64[documents, LINE_COLUMNS]: lines, lines that came before, characters (code points) of
    both; the same for paragraphs.
    """
    first = offsets[0]
    for document in range(len(offsets) - 1):
        row = out[document]
        row[:] = 0
        stamp += 1
        end = offsets[document + 1] - first
        position = offsets[document] - first
        lines = 1
        for block in range(position >> 6, (end + 63) >> 6):
            lines += bit_count(newlines[block])
        bits = np.uint64(64 - leading_zeros(np.uint64(4 * lines + 15)))
        shift = np.uint64(64) - bits
        mask = (np.uint64(1) << bits) - np.uint64(1)
        paragraph = np.uint64(0)
        gathered = 0
        while position < end:
            stop = position
            while stop < end:
                word = newlines[stop >> 6] >> np.uint64(stop & 63)
                if word != 0:
                    stop = min(stop + trailing_zeros(word), end)
                    break
                stop = (stop | 63) + 1
            stop = min(stop, end)
            left, right = position + first, stop + first
            while left < right and _is_white(data[left]):
                left += 1
            while right > left and _is_white(data[right - 1]):
                right -= 1
            if right > left:
                characters = 0
                for i in range(left, right):
                    characters += (data[i] & 0xC0) != 0x80
                key = hash_bytes(data, left, right)
                _count_line(row, 0, key, characters, table, shift, mask, stamp)
                paragraph = mix(paragraph, key)
                gathered += characters
            if gathered > 0 and (right == left or stop + 1 >= end):
                # Lines and paragraphs share the table: the factor keeps a one-line paragraph from its line.
                _count_line(row, 4, paragraph * MIX, gathered, table, shift, mask, stamp)
                paragraph = np.uint64(0)
                gathered = 0
            position = stop + 1
    return stamp
