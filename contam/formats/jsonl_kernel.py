"""One pass over a block of JSON lines: checks each line, finds the text, unescapes it; runs without the GIL.

The scanner only says yes or "not sure". A line it takes is one JSON object (RFC 8259, as ``json.loads`` reads
it) whose wanted strings have been copied out; every line it is not certain of (escaped keys, a key twice,
lone surrogates, other types, bad UTF-8, deep nesting, malformed) is listed for a real parser.

Helpers live in this file because numba's cache only watches the file of the compiled function.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

WIDTH = 64
"""Bytes looked at together; blocks need as many zero bytes behind them, and so does the output."""

MAX_DEPTH = 48
"""Levels of nesting the scanner follows; deeper values go to the real parser."""


def _lanes(builder: Any, pointer: Any, position: Any) -> Any:
    """Pointer to the 64 bytes that begin ``position`` bytes behind ``pointer``."""
    lanes = ir.VectorType(ir.IntType(8), WIDTH)
    return builder.bitcast(builder.gep(pointer, [position]), lanes.as_pointer())


def _splat(value: int) -> Any:
    """A vector constant with ``value`` in every byte."""
    lanes = ir.VectorType(ir.IntType(8), WIDTH)
    return ir.Constant(lanes, [value] * WIDTH)


def _stops(builder: Any, lanes: Any) -> Any:
    """Bit mask of quotes, backslashes and control characters, and bit mask of bytes >= 0x80."""
    word = ir.IntType(64)
    stop = builder.or_(
        builder.or_(builder.icmp_unsigned("==", lanes, _splat(0x22)), builder.icmp_unsigned("==", lanes, _splat(0x5C))),
        builder.icmp_unsigned("<", lanes, _splat(0x20)),
    )
    high = builder.icmp_signed("<", lanes, _splat(0))
    return builder.bitcast(stop, word), builder.bitcast(high, word)


@intrinsic
def _pointer(typing: Any, array: Any) -> Any:
    """Where a byte array begins: helpers take pointers, which compile and run faster than arrays."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(types.uint8)(array), generate


@intrinsic
def _copy(typing: Any, data: Any, position: Any, out: Any, written: Any) -> Any:
    """Copies the 64 bytes at ``position`` to ``out`` at ``written``: their ``(stops, high)`` masks."""
    signature = types.UniTuple(types.uint64, 2)(data, types.int64, out, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = builder.load(_lanes(builder, args[0], args[1]), align=1)
        builder.store(lanes, _lanes(builder, args[2], args[3]), align=1)
        return cgutils.pack_array(builder, _stops(builder, lanes))

    return signature, generate


@intrinsic
def _newlines(typing: Any, data: Any, position: Any) -> Any:
    """Mask of the newlines among the 64 bytes at ``position``."""
    signature = types.uint64(data, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = builder.load(_lanes(builder, args[0], args[1]), align=1)
        return builder.bitcast(builder.icmp_unsigned("==", lanes, _splat(0x0A)), ir.IntType(64))

    return signature, generate


@intrinsic
def _high(typing: Any, data: Any, position: Any) -> Any:
    """Mask of the bytes >= 0x80 among the 64 at ``position``."""
    signature = types.uint64(data, types.int64)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = builder.load(_lanes(builder, args[0], args[1]), align=1)
        return builder.bitcast(builder.icmp_signed("<", lanes, _splat(0)), ir.IntType(64))

    return signature, generate


@intrinsic
def _first(typing: Any, mask: Any) -> Any:
    """Index of the lowest set bit; 64 for an empty mask."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate


@njit(nogil=True)
def _line_end(data, i, size):  # type: ignore[no-untyped-def]
    """Position of the next newline at or after ``i``, or ``size``."""
    while i < size:
        mask = _newlines(data, i)
        if mask:
            return min(i + _first(mask), size)
        i += WIDTH
    return size


@njit(nogil=True)
def _blank(data, i):  # type: ignore[no-untyped-def]
    """The next position that holds no JSON white space (a newline ends the record, so it is not skipped)."""
    while data[i] == 0x20 or data[i] == 0x09 or data[i] == 0x0D:
        i += 1
    return i


@njit(nogil=True)
def _valid(data, i, end):  # type: ignore[no-untyped-def]
    """Whether ``data[i:end]`` is valid UTF-8 (no surrogates, no overlong forms, nothing above U+10FFFF)."""
    while i < end:
        c = data[i]
        if c < 0x80:
            i += _first(_high(data, i))
        elif c < 0xE0:
            if c < 0xC2 or (data[i + 1] & 0xC0) != 0x80:
                return False
            i += 2
        elif c < 0xF0:
            d = data[i + 1]
            if (d & 0xC0) != 0x80 or (data[i + 2] & 0xC0) != 0x80:
                return False
            if (c == 0xE0 and d < 0xA0) or (c == 0xED and d > 0x9F):
                return False
            i += 3
        else:
            d = data[i + 1]
            if c > 0xF4 or (d & 0xC0) != 0x80 or (c == 0xF0 and d < 0x90) or (c == 0xF4 and d > 0x8F):
                return False
            if (data[i + 2] & 0xC0) != 0x80 or (data[i + 3] & 0xC0) != 0x80:
                return False
            i += 4
    return True  # a character cannot reach over the end: a quote follows, and that continues none


@njit(nogil=True)
def _hex(data, i):  # type: ignore[no-untyped-def]
    """The four hexadecimal digits at ``i`` as a number, or -1."""
    value = 0
    for k in range(i, i + 4):
        c = data[k]
        if 0x30 <= c <= 0x39:
            value = value * 16 + (c - 0x30)
        elif 0x41 <= c <= 0x46 or 0x61 <= c <= 0x66:
            value = value * 16 + ((c & 0x5F) - 0x37)
        else:
            return -1
    return value


@njit(nogil=True)
def _simple(c):  # type: ignore[no-untyped-def]
    """What the escape ``\\c`` stands for, or 0 where it is no one-letter escape."""
    if c == 0x6E:
        return 0x0A
    if c == 0x22 or c == 0x5C or c == 0x2F:
        return int(c)
    if c == 0x74:
        return 0x09
    if c == 0x72:
        return 0x0D
    if c == 0x62:
        return 0x08
    if c == 0x66:
        return 0x0C
    return 0


@njit(nogil=True)
def _put(out, o, code):  # type: ignore[no-untyped-def]
    """Writes a code point as UTF-8 and returns the position behind it."""
    if code < 0x80:
        out[o] = code
        return o + 1
    if code < 0x800:
        out[o] = 0xC0 | (code >> 6)
        out[o + 1] = 0x80 | (code & 0x3F)
        return o + 2
    if code < 0x10000:
        out[o] = 0xE0 | (code >> 12)
        out[o + 1] = 0x80 | ((code >> 6) & 0x3F)
        out[o + 2] = 0x80 | (code & 0x3F)
        return o + 3
    out[o] = 0xF0 | (code >> 18)
    out[o + 1] = 0x80 | ((code >> 12) & 0x3F)
    out[o + 2] = 0x80 | ((code >> 6) & 0x3F)
    out[o + 3] = 0x80 | (code & 0x3F)
    return o + 4


@njit(nogil=True)
def _unicode(data, i):  # type: ignore[no-untyped-def]
    """Code point and length of the escape at ``i``; a surrogate pair is one code point.

    NUL and lone surrogates are for the real parser: -1.
    """
    code = _hex(data, i + 2)
    if code <= 0:
        return -1, 0
    if code < 0xD800 or code > 0xDFFF:
        return code, 6
    if code > 0xDBFF or data[i + 6] != 0x5C or data[i + 7] != 0x75:
        return -1, 0
    low = _hex(data, i + 8)
    if low < 0xDC00 or low > 0xDFFF:
        return -1, 0
    return 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), 12


@njit(nogil=True)
def _string(data, i, out, o):  # type: ignore[no-untyped-def]
    """Unescapes the string whose content begins at ``i``: (position behind it or -1, position in ``out``).

    Strings nobody wants are unescaped too, into bytes that the next string overwrites: one reader, compiled
    once.
    """
    start = i
    high = types.uint64(0)
    while True:
        stops, tops = _copy(data, i, out, o)
        if stops == 0:
            high |= tops
            i += WIDTH
            o += WIDTH
            continue
        high |= tops & ((stops & (~stops + types.uint64(1))) - types.uint64(1))
        run = _first(stops)
        i += run
        o += run
        c = data[i]
        if c == 0x22:
            if high and not _valid(data, start, i):
                return -1, o
            return i + 1, o
        if c != 0x5C:
            return -1, o
        plain = _simple(data[i + 1])
        if plain:
            out[o] = plain
            o += 1
            i += 2
        elif data[i + 1] == 0x75:
            code, length = _unicode(data, i)
            if code < 0:
                return -1, o
            o = _put(out, o, code)
            i += length
        else:
            return -1, o


@njit(nogil=True)
def _digits(data, i):  # type: ignore[no-untyped-def]
    """The position behind the digits at ``i``."""
    while 0x30 <= data[i] <= 0x39:
        i += 1
    return i


@njit(nogil=True)
def _skip_number(data, start):  # type: ignore[no-untyped-def]
    """The position behind the number at ``start``; -1 where it is none."""
    i = start
    if data[i] == 0x2D:
        i += 1
    whole = _digits(data, i)
    if whole == i or (data[i] == 0x30 and whole > i + 1):
        return -1
    i = whole
    if data[i] == 0x2E:
        part = _digits(data, i + 1)
        if part == i + 1:
            return -1
        i = part
    if data[i] == 0x65 or data[i] == 0x45:
        i += 1
        if data[i] == 0x2B or data[i] == 0x2D:
            i += 1
        part = _digits(data, i)
        if part == i:
            return -1
        i = part
    return i


@njit(nogil=True)
def _skip_scalar(data, i, out, o):  # type: ignore[no-untyped-def]
    """The position behind the string, number or literal at ``i``; -1 where there is none."""
    c = data[i]
    if c == 0x22:
        return _string(data, i + 1, out, o)[0]
    if c == 0x74:
        return i + 4 if data[i + 1] == 0x72 and data[i + 2] == 0x75 and data[i + 3] == 0x65 else -1
    if c == 0x6E:
        return i + 4 if data[i + 1] == 0x75 and data[i + 2] == 0x6C and data[i + 3] == 0x6C else -1
    if c == 0x66:
        if data[i + 1] == 0x61 and data[i + 2] == 0x6C and data[i + 3] == 0x73 and data[i + 4] == 0x65:
            return i + 5
        return -1
    return _skip_number(data, i)


@njit(nogil=True)
def _skip_name(data, i, out, o):  # type: ignore[no-untyped-def]
    """The position of the value behind the name and colon at ``i``; -1 where there is no name."""
    i = _blank(data, i)
    if data[i] != 0x22:
        return -1
    i = _string(data, i + 1, out, o)[0]
    if i < 0:
        return -1
    i = _blank(data, i)
    if data[i] != 0x3A:
        return -1
    return _blank(data, i + 1)


@njit(nogil=True)
def _skip_value(data, i, out, o):  # type: ignore[no-untyped-def]
    """The position behind the value at ``i``, whatever it nests; -1 where it is not certainly valid."""
    depth = 0
    objects = types.uint64(0)  # bit 0: the innermost open container is an object
    while True:
        c = data[i]
        opened = False
        if c == 0x7B or c == 0x5B:
            inside = _blank(data, i + 1)
            if data[inside] == c + 2:
                i = inside + 1
            else:
                if depth == MAX_DEPTH:
                    return -1
                depth += 1
                objects = (objects << types.uint64(1)) | types.uint64(c == 0x7B)
                i = _skip_name(data, inside, out, o) if c == 0x7B else inside
                opened = True
        else:
            i = _skip_scalar(data, i, out, o)
        if i < 0:
            return -1
        while not opened:
            if depth == 0:
                return i
            i = _blank(data, i)
            c = data[i]
            inner = objects & types.uint64(1)
            if c == 0x2C:
                i = _skip_name(data, i + 1, out, o) if inner else _blank(data, i + 1)
                if i < 0:
                    return -1
                opened = True
            elif (c == 0x7D and inner) or (c == 0x5D and not inner):
                depth -= 1
                objects >>= types.uint64(1)
                i += 1
            else:
                return -1


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
        i = _blank(data, i)
        if data[i] != 0x22:
            return -1, start
        name = i + 1
        i = _string(data, name, out, o)[0]
        if i < 0:
            return -1, start
        end = i - 1
        i = _blank(data, i)
        if data[i] != 0x3A or not _plain_name(data, name, end):
            return -1, start
        i = _blank(data, i + 1)
        key = _wanted(data, name, end, keys, bounds)
        if key < 0:
            i = _skip_value(data, i, out, o)
        else:
            if key != found or data[i] != 0x22:
                return -1, start
            found += 1
            part = o
            if o > start:
                out[o] = 0x0A
                part += 1
            i, after = _string(data, i + 1, out, part)
            if after > part:
                o = after
        if i < 0:
            return -1, start
        i = _blank(data, i)
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


@njit(
    "Tuple((int64, int64))(Array(uint8, 1, 'C', readonly=True), int64, Array(uint8, 1, 'C', readonly=True),"
    " Array(int64, 1, 'C'), Array(uint8, 1, 'C'), Array(int64, 1, 'C'), Array(int64, 1, 'C'),"
    " Array(int64, 2, 'C'))",
    nogil=True,
    cache=True,
    boundscheck=False,
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
    source = _pointer(data)
    target = _pointer(out)
    names = _pointer(keys)
    i = types.int64(0)
    o = types.int64(0)
    line = 0
    documents = 0
    odds = 0
    offsets[0] = 0
    while i < size:
        start = i
        i = _blank(source, i)
        if i < size and source[i] != 0x0A:
            after = o
            stop = -1
            if source[i] == 0x7B:
                stop, after = _record(source, i + 1, names, bounds, target, o)
                if stop >= 0:
                    stop = _blank(source, stop)
            if stop < 0 or (stop < size and source[stop] != 0x0A) or _only_space(target, o, after):
                stop = _line_end(source, i, size)
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
