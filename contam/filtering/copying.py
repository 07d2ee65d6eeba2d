"""Files copied without some of their records; every other byte stays as it is.

A record is named by its line as the readers count them: the line it begins on, the row, the number of the element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.filtering.packing import Write
from contam.filtering.places import BOM, marked
from contam.formats.blocks import PADDING, Block, count_newlines
from contam.formats.csv_table import Rows, Table, TableRows, read
from contam.formats.json_document import Elements
from contam.formats.task import MIB
from contam.formats.text import border

Lines = NDArray[np.int64]
NEWLINE, SPACE = 10, 0x20
_WHITE = b" \t\r\n"
MARK = 4
"""Bytes of the longest byte order mark."""
MOST = 64 * MIB
"""Bytes of a row that are looked through for its end."""


def copy_lines(pieces: Iterable[bytes], begins: Lines, ends: Lines, write: Write) -> None:
    """Leave out the lines from each of ``begins`` up to the one before ``ends`` (from 1, ascending, apart)."""
    line = 1
    for data in _marked(pieces, write):
        stops = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE) + 1
        starts = np.concatenate(([0], stops))
        last = line + len(stops)  # the line that goes on behind this piece
        position = 0
        for a, b in _between(begins, ends, line, last):
            write(data[position : starts[max(a, line) - line]])
            position = len(data) if b > last else int(starts[b - line])
        write(data[position:])
        line = last


def _between(begins: Lines, ends: Lines, first: int, last: int) -> Iterator[tuple[int, int]]:
    """The ranges that touch the lines ``first`` to ``last``."""
    i = int(np.searchsorted(ends, first, "right"))
    while i < len(begins) and begins[i] <= last:
        yield int(begins[i]), int(ends[i])
        i += 1


def _marked(pieces: Iterable[bytes], write: Write) -> Iterator[bytes]:
    """The pieces behind a byte order mark, which is written: it belongs to the file, not to its first record."""
    waiting = iter(pieces)
    head = b""
    while len(head) < MARK and (piece := next(waiting, b"")):
        head += piece
    if marked(head):
        raise InputError("UTF-16 or UTF-32 cannot be written back in parts: convert it to UTF-8 first")
    if head.startswith(BOM):
        write(BOM)
        head = head.removeprefix(BOM)
    if head:
        yield head
    yield from waiting


def joined(begins: Lines, ends: Lines) -> tuple[Lines, Lines]:
    """Ranges that touch each other as one."""
    if not len(begins):
        return begins, ends
    new = np.append(True, begins[1:] > ends[:-1])
    return begins[new], ends[np.append(new[1:], True)]


def filled_lines(pieces: Iterable[bytes]) -> Lines:
    """The lines with something on them."""
    line, held, found = 1, b"", []
    for piece in _marked(pieces, lambda _: None):
        *whole, held = (held + piece).split(b"\n")
        found += [line + i for i, text in enumerate(whole) if text.strip(b" \t\r")]
        line += len(whole)
    if held.strip(b" \t\r"):
        found.append(line)
    return np.array(found, np.int64)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out: its table, and the line behind its header."""

    table: Table
    line: int

    @classmethod
    def of(cls, task: TableRows) -> Layout:
        """The layout that the first rows of a file were read with."""
        return cls(task.table, task.block.line)


@dataclass(frozen=True, slots=True)
class Run:
    """Whole rows, the line of the first."""

    data: bytes
    line: int


def row_runs(pieces: Iterable[bytes], layout: Layout) -> Iterator[Run]:
    """A table in runs of whole rows."""
    cutter = Rows(layout.table.delimiter, layout.table.quote)
    rest, line = b"", 1
    for piece in pieces:
        rest += piece
        end = cutter.cut(rest, len(rest))
        if end:
            yield Run(rest[:end], line)
            line += count_newlines(memoryview(rest)[:end])
            rest = rest[end:]
        elif len(rest) > MOST:
            raise InputError(f"the row that begins on line {line} does not end within {MOST >> 20} MiB")
    if rest:
        yield Run(rest, line)


def row_lines(run: Run, table: Table) -> Lines:
    """The lines on which the rows of a run begin, blank ones left out."""
    block = Block(run.data + PADDING, len(run.data), run.line, count_newlines(run.data))
    _, _, lines, odd = read(block, table)
    return np.sort(np.concatenate((lines, odd[:, 0]))) + run.line


def copy_rows(pieces: Iterable[bytes], layout: Layout, dropped: Lines, write: Write) -> None:
    """Leave out the rows that begin on some lines."""
    cutter = Rows(layout.table.delimiter, layout.table.quote)
    for run in row_runs(_marked(pieces, write), layout):
        low, high = np.searchsorted(dropped, (run.line, run.line + run.data.count(b"\n") + 1)).tolist()
        starts = np.append(0, np.flatnonzero(np.frombuffer(run.data, np.uint8) == NEWLINE) + 1)
        position, data = 0, memoryview(run.data)
        for line in dropped[low:high].tolist():
            begin = int(starts[line - run.line])
            write(run.data[position:begin])
            position = begin + (cutter.first(data[begin:]) or len(data) - begin)
        write(run.data[position:])


def table_rows(pieces: Iterable[bytes], layout: Layout) -> Lines:
    """The lines on which rows begin, without the header."""
    found = [row_lines(run, layout.table) for run in row_runs(_marked(pieces, lambda _: None), layout)]
    lines = np.concatenate([np.empty(0, np.int64), *found])
    return lines[lines >= layout.line]


def copy_elements(pieces: Iterable[bytes], dropped: Lines, write: Write) -> None:
    """Leave some elements of a JSON array out (numbers from 1), each with one comma."""
    out = _Array(frozenset(dropped.tolist()), write)
    elements = Elements()
    for piece in _marked(pieces, write):
        before = int(elements.state[_phase()])
        flat = elements.flatten(piece)
        out.take(piece, flat, before)


def _phase() -> int:
    from contam.formats.json_kernel import PHASE

    return PHASE


class _Array:
    """An array as it streams past: its elements one after the other, written or not."""

    def __init__(self, dropped: frozenset[int], write: Write) -> None:
        self.dropped = dropped
        self.write = write
        self.element = 0
        self.written = 0
        self.lead = b""
        """White space before the first element: it goes before the first one that stays."""
        self.space = b""
        """White space at the end of a dropped element: of the last one it stays, before the bracket."""
        self.bare = False
        """Whether nothing but white space of this element has come so far."""

    def take(self, piece: bytes, flat: bytes, phase: int) -> None:
        """The next bytes and what the flattening made of them, newlines for commas between elements."""
        position = 0
        if phase == 0:
            position = piece.find(b"[") + 1
            self.write(piece[:position] if position else piece)
            if not position:
                return
            phase = 1
            self._begin()
        if phase == 2:
            self.write(piece)
            return
        close = _closing(piece, flat, position)
        stop = len(piece) if close < 0 else close
        while (comma := flat.find(b"\n", position, stop)) >= 0:
            self._content(piece[position:comma])
            self._begin()
            position = comma + 1
        self._content(piece[position:stop])
        if close >= 0:
            if self.element in self.dropped:
                self.write(self.space)
            self.write(piece[close:])

    def _begin(self) -> None:
        self.element += 1
        self.space, self.bare = b"", True
        if self.element not in self.dropped:
            if self.written:
                self.write(b",")
            elif self.element > 1:
                self.write(self.lead)
            self.written += 1

    def _content(self, data: bytes) -> None:
        body = data.lstrip(_WHITE) if self.bare else data
        if self.element == 1 and self.bare:
            self.lead += data[: len(data) - len(body)]
        if self.element in self.dropped:
            kept = data.rstrip(_WHITE)
            self.space = data[len(kept) :] if kept else self.space + data
        else:
            moved = self.element > 1 and self.written == 1
            self.write(body if moved else data)
        self.bare = self.bare and not body


def _closing(piece: bytes, flat: bytes, start: int) -> int:
    """Where the array ends, or -1: the bracket that was made a space."""
    position = piece.find(b"]", start)
    while position >= 0 and flat[position] != SPACE:
        position = piece.find(b"]", position + 1)
    return position


def count_elements(pieces: Iterable[bytes]) -> Lines:
    """The numbers of the elements of a JSON array."""
    from contam.formats.json_kernel import ROWS

    elements = Elements()
    some = False
    for piece in _marked(pieces, lambda _: None):
        some |= bool(elements.flatten(piece).strip())
    return np.arange(1, int(elements.state[ROWS]) + 1 + some, dtype=np.int64)


def copy_text(pieces: Iterable[bytes], dropped: Lines, write: Write, most: int) -> None:
    """Leave out parts of one long text, by their first lines; the parts are those that it was read in."""
    left_out = frozenset(dropped.tolist())
    rest, line = b"", 1
    waiting = _marked(pieces, write)
    more = True
    while more or rest:
        while more and len(rest) <= most:
            piece = next(waiting, b"")
            rest, more = rest + piece, bool(piece)
        end = border(rest, most) if len(rest) > most else len(rest)
        data, rest = rest[:end], rest[end:]
        if line not in left_out:
            write(data)
        line += data.count(b"\n")
