"""CSV by one state machine: cutting at the borders of rows, and picking columns out; runs without the GIL.

As Python's ``csv`` reads it: a quote opens a quoted field only at its beginning, doubled quotes stand for
one, quoted fields may hold newlines, and what follows a closing quote belongs to the field.
"""

from __future__ import annotations

from contam_metrics.kernels.kernel import kernel

START, PLAIN, QUOTED, CLOSED = range(4)
"""States: at the beginning of a field, in a plain one, in a quoted one, behind a quote in a quoted one."""

NEWLINE, RETURN = 0x0A, 0x0D


@kernel("Tuple((int64, int64))(Array(uint8, 1, 'C', readonly=True), int64, int64, int64, int64, int64)")
def cut_rows(data, size, delimiter, quote, state, first):  # type: ignore[no-untyped-def]
    """(end of the last row that ends in ``data[:size]``, or of the first; 0 for none, state behind the
    data).
    """
    end = 0
    for i in range(size):
        c = data[i]
        if state == QUOTED:
            if c == quote:
                state = CLOSED
        elif c == NEWLINE:
            state = START
            end = i + 1
            if first:
                return end, state
        elif c == delimiter:
            state = START
        elif c == quote and state != PLAIN:
            state = QUOTED  # at the beginning of a field, or the second of a doubled quote
        else:
            state = PLAIN
    return end, state


@kernel(
    "Tuple((int64, int64))(Array(uint8, 1, 'C', readonly=True), int64, UniTuple(int64, 3),"
    " Array(uint8, 1, 'C', readonly=True), Array(uint8, 1, 'C'), Array(int64, 1, 'C'), Array(int64, 1, 'C'),"
    " Array(int64, 2, 'C'))"
)
def read_rows(data, size, dialect, wanted, out, offsets, lines, odd):  # type: ignore[no-untyped-def]
    """Texts of the rows in ``data[:size]``: the wanted columns, joined by a newline where several are not
    empty.

    ``dialect``: delimiter, quote (-1: none) and the most bytes a row may have. ``wanted``: a flag for each
    column. ``out`` uint8 of at least ``size`` bytes; ``offsets`` int64 of one more entry than there are
    lines, ``lines`` int64 and ``odd`` int64[:, 3] of as many. Returns (documents, odd rows): odd are rows of
    too many bytes, or another number of columns (line from 0, columns, bytes).
    """
    delimiter, quote, limit = dialect
    columns = len(wanted)
    documents, odds, line, o, i = 0, 0, 0, 0, 0
    offsets[0] = 0
    while i < size:
        begin, first, column, mark, state = i, line, 0, o, START
        part = -1  # where a part began that has a newline before it
        while True:  # one row
            c = data[i] if i < size else NEWLINE
            if state == QUOTED and i < size:
                if column < columns and wanted[column]:
                    while i < size and data[i] != quote:
                        out[o] = data[i]
                        o += 1
                        line += data[i] == NEWLINE
                        i += 1
                else:
                    while i < size and data[i] != quote:
                        line += data[i] == NEWLINE
                        i += 1
                if i == size:
                    continue
                state = CLOSED
            elif c in (NEWLINE, delimiter) or (c == RETURN and i + 1 < size and data[i + 1] == NEWLINE):
                if o == part:
                    o -= 1  # an empty part leaves no newline
                part = -1
                column += 1
                state = START
                if c != delimiter:
                    break
                if column < columns and wanted[column] and o > mark:
                    out[o] = NEWLINE
                    o += 1
                    part = o
            elif c == quote and state != PLAIN:
                if state == CLOSED and column < columns and wanted[column]:
                    out[o] = c
                    o += 1
                state = QUOTED
            else:
                state = PLAIN
                if column < columns and wanted[column]:
                    out[o] = c
                    o += 1
            i += 1
        blank = i == begin
        length = i - begin
        i += 2 if i < size and data[i] == RETURN else 1
        line += 1
        if blank:
            o = mark
        elif column != columns or length > limit:
            o = mark
            odd[odds, 0] = first
            odd[odds, 1] = column
            odd[odds, 2] = length
            odds += 1
        else:
            lines[documents] = first
            documents += 1
            offsets[documents] = o
    return documents, odds
