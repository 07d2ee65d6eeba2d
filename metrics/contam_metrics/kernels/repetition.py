"""Repetition inside a document: n-grams, lines and paragraphs that occur more than once.

An (n+1)-gram can only repeat where both of its n-grams do, so each length looks at the positions that
survived the one before, and names an n-gram by the pair of names of its two parts: exact, no collisions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.columns import (
    CHARACTERS,
    DUPLICATED,
    END_REPEAT,
    LATER_4,
    LATER_LINE_CHARACTERS,
    LATER_LINES,
    LINE_CHARACTERS,
    LINES,
    NEAR_REPEAT,
    POSITIONS_4,
    TOP,
)
from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import GOLDEN, MIX, bit_count, leading_zeros, mix, trailing_zeros
from contam_metrics.kernels.tables import hash_bytes

TOP_LENGTHS = (2, 3, 4)
DUPLICATE_LENGTHS = (5, 6, 7, 8, 9, 10)
_LONGEST = 10


@njit
def _first_names(ids: Any, lengths: Any, low: int, m: int, tally: Any, names: Any, active: Any, prefix: Any) -> int:
    """Name words that repeat by their ids, others -1; the number of active positions. Sums characters on the way."""
    prefix[0] = 0
    for i in range(m):
        prefix[i + 1] = prefix[i] + lengths[low + i]
        tally[ids[low + i]] += 1
    size = 0
    for i in range(m):
        repeats = tally[ids[low + i]] > 1
        names[i] = ids[low + i] if repeats else -1
        active[size] = i
        size += repeats
    names[m] = -1
    for i in range(m):
        tally[ids[low + i]] = 0
    return size


@njit
def _candidates(names: Any, active: Any, size: int, last: int, pairs: Any) -> int:
    """Active positions up to ``last`` whose follower repeats too, with the names of both; all names become -1.

    Written without branches: whether a position goes on is as good as random.
    """
    kept = 0
    for k in range(size):
        i = active[k]
        following = names[i + 1]
        active[kept] = i
        pairs[0, kept] = names[i]
        pairs[1, kept] = following
        names[i] = -1
        kept += (following >= 0) & (i <= last)
    return kept


@njit
def _name_pairs(active: Any, kept: int, pairs: Any, groups: Any, table: Any, stamp: int) -> None:
    """Name each pair by the order of its first appearance.

    ``pairs`` goes in as the two names and comes out as (name, position of the pair before or -1); ``groups``
    gets (occurrences, last position) by name.
    """
    # A new stamp empties the table, so each length uses only as much of it as it needs: less cache.
    bits = np.uint64(64 - leading_zeros(np.uint64(2 * kept + 15)))
    shift = np.uint64(64) - bits
    mask = (np.uint64(1) << bits) - np.uint64(1)
    mark = np.uint64(stamp) << np.uint64(32)
    fresh = 0
    for k in range(kept):
        a, b = np.uint64(pairs[0, k]), np.uint64(pairs[1, k])
        key = (a << np.uint64(32)) | b
        slot = (key * GOLDEN ^ (key >> np.uint64(29))) * MIX >> shift
        while (table[slot, 1] ^ mark) >> np.uint64(32) == 0 and table[slot, 0] != key:
            slot = (slot + np.uint64(1)) & mask
        if (table[slot, 1] ^ mark) >> np.uint64(32) != 0:
            table[slot, 0] = key
            table[slot, 1] = mark | np.uint64(fresh)
            groups[0, fresh] = 0
            groups[1, fresh] = -1
            fresh += 1
        group = np.int64(table[slot, 1] & np.uint64(0xFFFFFFFF))
        pairs[0, k] = group
        pairs[1, k] = groups[1, group]
        groups[0, group] += 1
        groups[1, group] = active[k]


@njit
def _survivors(names: Any, active: Any, kept: int, pairs: Any, groups: Any) -> int:
    """Keep the positions whose n-gram occurs twice at least, and name them; how many there are."""
    size = 0
    for k in range(kept):
        i, group = active[k], pairs[0, k]
        repeats = groups[0, group] > 1
        names[i] = group if repeats else -1
        active[size] = i
        size += repeats
    return size


@njit
def _note_repeats(row: Any, n: int, m: int, limit: int, active: Any, kept: int, pairs: Any) -> None:
    """Later occurrences of 4-grams, and the signs that there can be loops."""
    reach = 2 if n == 4 else 4 if n == 6 else 64
    for k in range(kept):
        i, before = active[k], pairs[1, k]
        if before < 0:
            continue
        if n == 4:
            row[LATER_4] += i + 4 <= limit
        row[NEAR_REPEAT] |= i - before <= reach
        row[END_REPEAT] |= i + n == m and (n == 10 or i - before <= reach)


@njit
def _top(prefix: Any, active: Any, size: int, names: Any, groups: Any, n: int) -> int:
    """The name of the most frequent n-gram; among equals the one with more characters, then the earlier; or -1."""
    best, most, longest = -1, 1, 0
    for k in range(size):
        i = active[k]
        count = groups[0, names[i]]
        if count >= most:
            length = prefix[i + n] - prefix[i]
            if count > most or length > longest:
                best, most, longest = names[i], count, length
    return best


@njit
def _covered(prefix: Any, active: Any, size: int, names: Any, only: int, n: int) -> int:
    """Characters of words in n-grams at the active positions (of name ``only``, or all where it is -1), each once."""
    total = 0
    done = 0
    for k in range(size):
        i = active[k]
        if only < 0 or names[i] == only:
            begin = max(i, done)
            done = i + n
            total += prefix[done] - prefix[begin]
    return total


@kernel(
    "int64(int32[::1], int32[::1], int64[::1], int64, int32[::1], int32[::1], int32[::1], int32[::1], int32[:, ::1],"
    " int32[:, ::1], uint64[:, ::1], int64, int64[:, ::1])",
)
def repeated_ngrams(
    ids: Any, lengths: Any, bounds: Any, limit: int, tally: Any, names: Any, active: Any, prefix: Any, pairs: Any,
    groups: Any, table: Any, stamp: int, out: Any
) -> int:
    """What repeats in each document, for n-grams of 2 to 10 words; the last ``stamp`` used.

    ``limit`` words of a document count for seq-rep-4. ``tally`` int32[types] zeros, left zeros; ``names``,
    ``active``, ``prefix`` int32[longest + 1] and ``pairs``, ``groups`` int32[2, longest + 1] are scratch;
    ``table`` uint64[2^k, 2] with room for four times the longest document. ``out`` int64[documents,
    NGRAM_COLUMNS]: characters in words; characters in the most frequent 2-, 3-, 4-gram; characters in any 5- to
    10-gram that repeats; later occurrences of 4-grams and 4-gram positions within ``limit`` words; whether
    there can be a loop of up to 64 words, and whether there can be one at the end. A loop of period p matches
    itself at distance p over at least 2p words (4 or 5 for p = 2, 1), so it shows as a 4-gram repeated within
    2 words, a 6-gram within 4, or a 10-gram.
    """
    for document in range(len(bounds) - 1):
        low = bounds[document]
        m = bounds[document + 1] - low
        row = out[document]
        row[:] = 0
        size = _first_names(ids, lengths, low, m, tally, names, active, prefix)
        row[CHARACTERS] = prefix[m]
        row[POSITIONS_4] = max(0, min(m, limit) - 3)
        for n in range(2, _LONGEST + 1):
            if size == 0:
                break
            stamp += 1
            kept = _candidates(names, active, size, m - n, pairs)
            _name_pairs(active, kept, pairs, groups, table, stamp)
            if n == 4 or n == 6 or n == 10:
                _note_repeats(row, n, m, limit, active, kept, pairs)
            size = _survivors(names, active, kept, pairs, groups)
            if n <= 4:
                best = _top(prefix, active, size, names, groups, n)
                row[TOP + n - 2] = _covered(prefix, active, size, names, best, n) if best >= 0 else 0
            else:
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


@kernel("int64(uint8[::1], int64[::1], uint64[::1], uint64[:, ::1], int64, int64[:, ::1])")
def repeated_lines(data: Any, offsets: Any, newlines: Any, table: Any, stamp: int, out: Any) -> int:
    """Lines and paragraphs that came before in their document; the last ``stamp`` used.

    Lines are stripped of ASCII white space, empty ones are not counted; a paragraph is a run of lines without
    an empty one. ``newlines`` is the bit mask from cutting; ``table`` uint64[2^k, 2] has room for four
    times the newlines of the batch plus 512. ``out`` int64[documents, LINE_COLUMNS]: lines, lines that came
    before, characters (code points) of both; the same for paragraphs.
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
        continuation = 0
        for i in range(offsets[document], offsets[document + 1]):
            continuation += (data[i] & 0xC0) == 0x80
        wide = continuation > 0
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
                characters = right - left
                if wide:
                    for i in range(left, right):
                        characters -= (data[i] & 0xC0) == 0x80
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
