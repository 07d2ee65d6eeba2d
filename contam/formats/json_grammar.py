"""The grammar of JSON for compiled code: strings, numbers, values, 64 bytes at a time.

Everything here says yes or "not sure": positions come back as -1 where the text is not certainly well-formed
(RFC 8259, as ``json.loads`` reads it), or holds what a real parser should see (lone surrogates, NUL, bad UTF-8,
deep nesting). All read up to 64 bytes behind the data, where zeros must be.
"""

from __future__ import annotations

from numba import njit, types

from contam.formats.json_machine import WIDTH, copy, first, high, newlines

MAX_DEPTH = 48
"""Levels of nesting the scanner follows; deeper values go to the real parser."""


@njit(nogil=True)
def line_end(data, i, size):  # type: ignore[no-untyped-def]
    """Position of the next newline at or after ``i``, or ``size``."""
    while i < size:
        mask = newlines(data, i)
        if mask:
            return min(i + first(mask), size)
        i += WIDTH
    return size


@njit(nogil=True)
def blank(data, i):  # type: ignore[no-untyped-def]
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
            i += first(high(data, i))
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
def string(data, i, out, o):  # type: ignore[no-untyped-def]
    """Unescapes the string whose content begins at ``i``: (position behind it or -1, position in ``out``).

    Strings nobody wants are unescaped too, into bytes that the next string overwrites: one reader, compiled
    once.
    """
    start = i
    wide = types.uint64(0)
    while True:
        stops, tops = copy(data, i, out, o)
        if stops == 0:
            wide |= tops
            i += WIDTH
            o += WIDTH
            continue
        wide |= tops & ((stops & (~stops + types.uint64(1))) - types.uint64(1))
        run = first(stops)
        i += run
        o += run
        c = data[i]
        if c == 0x22:
            if wide and not _valid(data, start, i):
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
        return string(data, i + 1, out, o)[0]
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
def skip_name(data, i, out, o):  # type: ignore[no-untyped-def]
    """The position of the value behind the name and colon at ``i``; -1 where there is no name."""
    i = blank(data, i)
    if data[i] != 0x22:
        return -1
    i = string(data, i + 1, out, o)[0]
    if i < 0:
        return -1
    i = blank(data, i)
    if data[i] != 0x3A:
        return -1
    return blank(data, i + 1)


@njit(nogil=True)
def skip_value(data, i, out, o):  # type: ignore[no-untyped-def]
    """The position behind the value at ``i``, whatever it nests; -1 where it is not certainly valid."""
    depth = 0
    objects = types.uint64(0)  # bit 0: the innermost open container is an object
    while True:
        c = data[i]
        opened = False
        if c == 0x7B or c == 0x5B:
            inside = blank(data, i + 1)
            if data[inside] == c + 2:
                i = inside + 1
            else:
                if depth == MAX_DEPTH:
                    return -1
                depth += 1
                objects = (objects << types.uint64(1)) | types.uint64(c == 0x7B)
                i = skip_name(data, inside, out, o) if c == 0x7B else inside
                opened = True
        else:
            i = _skip_scalar(data, i, out, o)
        if i < 0:
            return -1
        while not opened:
            if depth == 0:
                return i
            i = blank(data, i)
            c = data[i]
            inner = objects & types.uint64(1)
            if c == 0x2C:
                i = skip_name(data, i + 1, out, o) if inner else blank(data, i + 1)
                if i < 0:
                    return -1
                opened = True
            elif (c == 0x7D and inner) or (c == 0x5D and not inner):
                depth -= 1
                objects >>= types.uint64(1)
                i += 1
            else:
                return -1
