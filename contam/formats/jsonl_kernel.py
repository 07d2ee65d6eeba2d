"""One pass over a block of JSON lines: checks each line, finds the text, unescapes it; runs without the GIL.

A line it takes is one JSON object whose wanted strings have been copied out; every line it is not certain of
(escaped keys, a key twice, other types, and what `json_grammar` leaves open) is listed for a real parser.
"""

from __future__ import annotations

from numba import njit, types

from contam.formats.json_grammar import blank, line_end, skip_value, string
from contam.formats.json_machine import pointer
from contam_metrics.kernels.kernel import kernel

GRAMMAR = "cb2e27f88b05e048"
"""Digest of the two: compiled code is kept as long as this file is the same, so it must tell of them."""


@njit(nogil=True)
def _wanted(data, start, end, keys, bounds):  # type: ignore[no-untyped-def]
    """Which of the wanted keys is ``data[start:end]``; -1 where none."""
    for k in range(len(bounds) - 1):
        if bounds[k + 1] - bounds[k] == end - start:
            same = True
            for j in range(end - start):
                if data[start + j] != keys[bounds[k] + j]:
                    same = False
                    break
            if same:
                return k
    return -1


@njit(nogil=True)
def _plain_name(data, start, end):  # type: ignore[no-untyped-def]
    """Whether a name has no escapes, so that its bytes are its meaning."""
    escapes = 0
    for j in range(start, end):
        escapes += data[j] == 0x5C
    return escapes == 0


@njit(nogil=True)
def _record(data, i, keys, bounds, out, start):  # type: ignore[no-untyped-def]
    """The object at ``i``: (position behind it or -1, position in ``out``); wanted keys must come in
    order.
    """
    o = start
    found = 0
    while True:
        i = blank(data, i)
        if data[i] != 0x22:
            return -1, start
        name = i + 1
        i = string(data, name, out, o)[0]
        if i < 0:
            return -1, start
        end = i - 1
        i = blank(data, i)
        if data[i] != 0x3A or not _plain_name(data, name, end):
            return -1, start
        i = blank(data, i + 1)
        key = _wanted(data, name, end, keys, bounds)
        if key < 0:
            i = skip_value(data, i, out, o)
        else:
            if key != found or data[i] != 0x22:
                return -1, start
            found += 1
            part = o
            if o > start:
                out[o] = 0x0A
                part += 1
            i, after = string(data, i + 1, out, part)
            if after > part:
                o = after
        if i < 0:
            return -1, start
        i = blank(data, i)
        if data[i] == 0x7D:
            break
        if data[i] != 0x2C:
            return -1, start
        i += 1
    return (i + 1 if found == len(bounds) - 1 else -1), o


@njit(nogil=True)
def _only_space(out, i, end):  # type: ignore[no-untyped-def]
    """Whether ``out[i:end]`` is nothing but ASCII white space."""
    while i < end and (out[i] == 0x20 or 0x09 <= out[i] <= 0x0D):
        i += 1
    return i >= end


@kernel(
    "Tuple((int64, int64))(Array(uint8, 1, 'C', readonly=True), int64, Array(uint8, 1, 'C', readonly=True),"
    " Array(int64, 1, 'C'), Array(uint8, 1, 'C'), Array(int64, 1, 'C'), Array(int64, 1, 'C'), Array(int64, 2, 'C'))"
)
def scan_lines(data, size, keys, bounds, out, offsets, lines, odd):  # type: ignore[no-untyped-def]
    """Texts of the JSON lines in ``data[:size]``, and the lines left to a real parser.

    ``data`` uint8 of at least ``size + 64`` bytes, zeros behind ``size``; the keys (UTF-8, end to end in
    ``keys``, key k = ``keys[bounds[k]:bounds[k + 1]]``) are joined by a newline, in this order. ``out`` uint8
    of at least ``size + 64`` bytes; ``offsets`` int64 of one more entry than there are lines, ``lines`` int64
    and ``odd`` int64[:, 3] of as many as there are lines.

    Returns (documents, odd lines). Document d is ``out[offsets[d]:offsets[d + 1]]`` on line ``lines[d]``
    (from 0); odd line k is ``data[odd[k, 0]:odd[k, 1]]``, line ``odd[k, 2]``. Blank lines are neither.
    """
    source = pointer(data)
    target = pointer(out)
    names = pointer(keys)
    i = types.int64(0)
    o = types.int64(0)
    line = 0
    documents = 0
    odds = 0
    offsets[0] = 0
    while i < size:
        start = i
        i = blank(source, i)
        if i < size and source[i] != 0x0A:
            after = o
            stop = -1
            if source[i] == 0x7B:
                stop, after = _record(source, i + 1, names, bounds, target, o)
                if stop >= 0:
                    stop = blank(source, stop)
            if stop < 0 or (stop < size and source[stop] != 0x0A) or _only_space(target, o, after):
                stop = line_end(source, i, size)
                odd[odds, 0] = start
                odd[odds, 1] = stop
                odd[odds, 2] = line
                odds += 1
            else:
                o = after
                lines[documents] = line
                documents += 1
                offsets[documents] = o
            i = stop
        i += 1
        line += 1
    return documents, odds
