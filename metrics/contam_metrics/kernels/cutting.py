"""Bytes to words: one pass over a batch, 64 bytes at a time; only runs beyond ASCII are decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import (
    bit_count,
    block_masks,
    finish,
    load64,
    mix,
    trailing_zeros,
)

LETTER, DIGIT, SINGLE, SPACE = 1, 2, 3, 4
_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
_LOWER = np.uint64(0x2020202020202020)
REPLACEMENT = 0xFFFD


@njit(inline="always")
def _next_bit(masks: Any, row: int, position: int, end: int) -> int:
    """The first position >= ``position`` whose bit is set in ``masks[row]``; ``end`` where there is none."""
    while position < end:
        word = masks[row, position >> 6] >> np.uint64(position & 63)
        if word != 0:
            return min(position + trailing_zeros(word), end)
        position = (position | 63) + 1
    return end


@njit(inline="always")
def _run_end(masks: Any, row: int, position: int, end: int) -> int:
    """The first position >= ``position`` whose bit is clear in ``masks[row]``, ``end`` at most."""
    while position < end:
        word = ~(masks[row, position >> 6] >> np.uint64(position & 63))
        step = trailing_zeros(word)
        room = 64 - (position & 63)
        if step < room:
            return min(position + step, end)
        position += room
    return end


@njit(inline="always")
def _ascii_hash(data: Any, start: int, end: int) -> np.uint64:
    """The hash of an ASCII run, letters lower-cased (digits have that bit already)."""
    state = np.uint64(0)
    position = start
    while end - position >= 8:
        state = mix(state, load64(data, position) | _LOWER)
        position += 8
    rest = end - position
    if rest > 0:
        chunk = (load64(data, position) | _LOWER) & (_ONES >> np.uint64(64 - 8 * rest))
        state = mix(state, chunk)
    return finish(state)


@njit
def _decode(data: Any, position: int, end: int) -> tuple[int, int]:
    """(code point, bytes) of the UTF-8 sequence at ``position``; a stray byte is U+FFFD and one byte."""
    first = np.int64(data[position])
    if first < 0x80:
        return first, 1
    size = 2 if first >= 0xC2 and first < 0xE0 else 3 if (first & 0xF0) == 0xE0 else 4 if (first & 0xF8) == 0xF0 else 1
    if size == 1 or position + size > end:
        return REPLACEMENT, 1
    code = first & (0x7F >> size)
    for k in range(1, size):
        follower = np.int64(data[position + k])
        if (follower & 0xC0) != 0x80:
            return REPLACEMENT, 1
        code = (code << 6) | (follower & 0x3F)
    return (code if code < 0x110000 else REPLACEMENT), size


@njit
def _decoded_run(data: Any, start: int, end: int, classes: Any, fold: Any) -> tuple[int, int, int, np.uint64]:
    """One token or symbol read code point by code point: (class, end, code points, hash)."""
    code, size = _decode(data, start, end)
    kind = np.int64(classes[code])
    state = mix(np.uint64(0), np.uint64(fold[code]))
    position = start + size
    length = 1
    while position < end and kind in (LETTER, DIGIT):
        code, size = _decode(data, position, end)
        if classes[code] != kind:
            break
        state = mix(state, np.uint64(fold[code]))
        position += size
        length += 1
    return kind, position, length, finish(state)


@njit(inline="always")
def _ascii_symbols(masks: Any, start: int, end: int) -> int:
    """ASCII symbols of ``[start, end)``: bytes that are no letter, digit, white space or part of a wide character."""
    count = 0
    position = start
    while position < end:
        block = position >> 6
        word = ~(masks[0, block] | masks[1, block] | masks[2, block] | masks[3, block])
        word = word >> np.uint64(position & 63)
        room = min(64 - (position & 63), end - position)
        if room < 64:
            word = word & ((np.uint64(1) << np.uint64(room)) - np.uint64(1))
        count += bit_count(word)
        position += room
    return count


@kernel(
    "int64(uint8[::1], int64[::1], uint8[::1], int32[::1], uint64[:, ::1], uint64[::1], int32[:, ::1], int64[::1],"
    " int64[:, ::1], uint64)",
)
def cut_batch(
    data: Any, offsets: Any, classes: Any, fold: Any, masks: Any, hashes: Any, places: Any, bounds: Any,
    tallies: Any, unk: Any
) -> int:
    """Fill the word arrays of a batch; the number of words.

    ``masks`` uint64[6, blocks] is scratch that keeps the byte masks (letters, digits, wide, white, newline,
    anything that starts a token); ``places`` int32[3, words] takes byte start, byte end and code points;
    ``tallies`` int64[2, documents] symbols and ``<unk>``; ``unk`` the hash of the word "unk".
    """
    first = offsets[0]
    blocks = (offsets[-1] - first + 63) >> 6
    for b in range(blocks):
        letters, digits, wide, white, newline = block_masks(data, first + b * 64)
        masks[0, b], masks[1, b], masks[2, b] = letters, digits, wide
        masks[3, b], masks[4, b], masks[5, b] = white, newline, letters | digits | wide
    n = 0
    bounds[0] = 0
    view = data[first:]
    for document in range(len(offsets) - 1):
        start = offsets[document] - first
        end = offsets[document + 1] - first
        symbols = _ascii_symbols(masks, start, end)
        unks = 0
        position = _next_bit(masks, 5, start, end)
        while position < end:
            stop = position
            word = np.uint64(0)
            kind = LETTER
            length = 0
            bit = np.uint64(1) << np.uint64(position & 63)
            if masks[2, position >> 6] & bit == 0:
                kind = LETTER if masks[0, position >> 6] & bit else DIGIT
                stop = _run_end(masks, kind - 1, position, end)
                if stop >= end or (masks[2, stop >> 6] >> np.uint64(stop & 63)) & np.uint64(1) == 0:
                    word = _ascii_hash(view, position, stop)
                    length = stop - position
            if length == 0:
                kind, stop, length, word = _decoded_run(view, position, end, classes, fold)
                if length == stop - position:
                    # Plain ASCII that only touches a wide symbol: the same word as anywhere else.
                    word = _ascii_hash(view, position, stop)
            if kind in (LETTER, DIGIT, SINGLE):
                word = (word | np.uint64(1)) if kind == DIGIT else (word & ~np.uint64(1))
                if word == 0:
                    word = np.uint64(2)
                if (
                    word == unk and stop - position == 3 and position > start and stop < end
                    and view[position - 1] == 60 and view[stop] == 62
                ):
                    unks += 1
                    symbols -= 2
                else:
                    hashes[n] = word
                    places[0, n] = position + first
                    places[1, n] = stop + first
                    places[2, n] = length
                    n += 1
            elif kind == 0:
                symbols += 1
            position = _next_bit(masks, 5, stop, end)
        tallies[0, document] = symbols
        tallies[1, document] = unks
        bounds[document + 1] = n
    return n
