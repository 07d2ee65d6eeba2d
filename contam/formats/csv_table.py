"""``.csv`` and ``.tsv``: rows with a header; quoted fields may hold newlines."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from contam.errors import InputError
from contam.formats.blocks import PADDING, Block, Blocks, count_newlines, too_long
from contam.formats.columns import checked_chunk
from contam.formats.fields import SAMPLE, Field, find_field, missing
from contam.formats.kernels import kernel
from contam.formats.streams import HEAD, Stream, refuse
from contam.formats.task import Chunk, Problem, ReadOptions, SkipLog, Source, Task, Texts

DELIMITERS = b",;\t|"
QUOTE = 0x22


class Rows:
    """A record a row; knows whether the data so far ended inside quotes."""

    def __init__(self, delimiter: int, quote: int) -> None:
        self.dialect = delimiter, quote
        self._state = 0

    def _run(self, data: bytes | bytearray | memoryview, size: int, state: int, first: bool) -> int:
        import numpy as np

        view = np.frombuffer(data, np.uint8)
        end, self._state = kernel("cut_rows")(view, size, *self.dialect, state, int(first))
        return int(end)

    def cut(self, data: bytes | bytearray, size: int) -> int:
        """See ``blocks.Cutter``."""
        return self._run(data, size, 0, False)

    def finish(self, data: bytes) -> int:
        """See ``blocks.Cutter``."""
        return self._run(data, len(data), self._state, True)

    def first(self, data: bytes | memoryview) -> int:
        """The end of the first row; 0 where it does not end."""
        return self._run(data, len(data), 0, True)

    @property
    def quoted(self) -> bool:
        """Whether the last data ended inside a quoted field."""
        from contam.formats.csv_kernel import QUOTED

        return self._state == QUOTED


@dataclass(frozen=True, slots=True)
class Table:
    """How a file is laid out: delimiter and quote (-1: none) as bytes, column names, wanted columns."""

    delimiter: int
    quote: int
    names: tuple[str, ...]
    wanted: tuple[bool, ...] = ()


def read(block: Block, table: Table, limit: int = 1 << 62) -> tuple[Any, Any, Any, Any]:
    """The kernel on a block: text bytes (padded), offsets, lines and odd rows (line, columns, bytes), lines
    from 0.
    """
    import numpy as np

    most = block.newlines + 1
    out = np.empty(block.size + len(PADDING), np.uint8)
    offsets, lines = np.empty(most + 1, np.int64), np.empty(most, np.int64)
    odd = np.empty((most, 3), np.int64)
    data = np.frombuffer(block.data, np.uint8)
    wanted = np.array(table.wanted, np.uint8)
    dialect = (table.delimiter, table.quote, limit)
    documents, odds = kernel("read_rows")(data, block.size, dialect, wanted, out, offsets, lines, odd)
    out[offsets[documents] : offsets[documents] + len(PADDING)] = 0
    return out, offsets[: documents + 1], lines[:documents], odd[:odds]


@dataclass(frozen=True, slots=True)
class TableRows:
    """A block of rows."""

    path: str
    block: Block
    table: Table
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents of the block."""
        log = SkipLog(self.path, self.options.strict)
        if self.block.problem is not None:
            log.add(self.block.problem, self.block.line)
            return Texts((), ()).chunk(log, self.block.consumed)
        most, width = self.options.max_document_bytes, len(self.table.names)
        out, offsets, lines, odd = read(self.block, self.table, most)
        for line, columns, size in odd.tolist():
            reason = f"{columns} columns where the first row has {width}"
            log.add(too_long(size, most) if size > most else reason, line + self.block.line)
        return checked_chunk(out, offsets, lines + self.block.line, log, self.block.consumed)


def _block(data: bytes) -> Block:
    return Block(data + PADDING, len(data), 1, count_newlines(data))


def _head(stream: Stream, cutter: Rows) -> bytes:
    """The first rows, whole; more than one wherever there are."""
    size = HEAD
    while True:
        data = stream.peek(size)
        head = data[:size]
        if len(data) < size:
            return head
        end = cutter.cut(head, len(head))
        if end and head.count(b"\n") > 1:
            return head[:end]
        if size > stream.options.max_document_bytes:
            raise InputError("no row ends within the size limit of a document: is a quote left open?")
        size *= 4


def _names(head: bytes, delimiter: int, quote: int) -> list[str]:
    """The fields of the first row."""
    lines = head.decode("utf-8", "replace").splitlines(keepends=True)
    rows = csv.reader(
        lines,
        delimiter=chr(delimiter),
        quotechar='"',
        quoting=csv.QUOTE_MINIMAL if quote > 0 else csv.QUOTE_NONE,
    )
    try:
        return next((row for row in rows if row), [])
    except csv.Error as error:
        raise InputError(f"the header cannot be read: {error}") from None


def is_header(names: Sequence[str]) -> bool:
    """Whether a first row names columns: short, different, and no numbers."""
    plain = all(n.strip() and len(n) <= 64 and "\n" not in n for n in names)
    return plain and len(set(names)) == len(names) and not any(n.strip().lstrip("-").isdecimal() for n in names)


def _columns(head: bytes, table: Table, skip: int) -> list[dict[str, str]]:
    """The first rows below the header as records."""
    columns = []
    for k in range(len(table.names)):
        wanted = tuple(j == k for j in range(len(table.names)))
        out, offsets, _, _ = read(_block(head), Table(table.delimiter, table.quote, table.names, wanted))
        ends = offsets[: SAMPLE + skip + 1].tolist()
        texts = [out[a:b].tobytes().decode("utf-8", "replace") for a, b in pairwise(ends)]
        columns.append(texts[skip:])
    return [dict(zip(table.names, row)) for row in zip(*columns)]


def _fit(head: bytes, delimiter: int, quote: int) -> tuple[int, int]:
    """How badly a dialect fits the first rows: (rows of another number of columns than the first, minus rows).

    An open quote counts as such a row.
    """
    names = _names(head, delimiter, quote)
    cutter = Rows(delimiter, quote)
    cutter.cut(head, len(head))
    _, offsets, _, odd = read(_block(head), Table(delimiter, quote, tuple(names), (False,) * len(names)))
    return len(odd) + cutter.quoted, 1 - len(offsets)


def _dialect(head: bytes, tabs: bool) -> tuple[int, int]:
    """Delimiter and quote; quotes mean nothing in a ``.tsv`` whose rows fit better, or are more, without."""
    first = head.split(b"\n", 1)[0]
    delimiter = 9 if tabs else max(DELIMITERS, key=lambda d: (first.count(d), d == 44))
    if tabs and 9 in first and _fit(head, delimiter, -1) < _fit(head, delimiter, QUOTE):
        return delimiter, -1
    return delimiter, QUOTE


def _wanted(field: Field, names: Sequence[str], text_field: str | None) -> tuple[bool, ...]:
    columns = [path[0] for path in field.paths]
    if text_field is not None and text_field not in names:
        raise missing(text_field, names)
    return tuple(n in columns for n in names)


def _skip_header(stream: Stream, head: bytes, cutter: Rows) -> int:
    """Passes over the header and blank lines before it; the line behind it."""
    end = 0
    while end < len(head):
        size = cutter.first(head[end:]) or len(head) - end
        blank = not head[end : end + size].strip()
        end += size
        if not blank:
            break
    stream.skip(end)
    return 1 + head.count(b"\n", 0, end)


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """Cuts a table into tasks; raises ``InputError`` where it, or the rest of it, cannot be read."""
    with Stream(source, options) as stream:
        refuse(stream)
        delimiter, quote = _dialect(stream.peek(HEAD)[:HEAD], ".tsv" in source.name.lower())
        cutter = Rows(delimiter, quote)
        head = _head(stream, cutter)
        names = _names(head, delimiter, quote)
        if not names:
            raise InputError("nothing but white space")
        header = is_header(names)
        if not header:
            names = [str(k) for k in range(1, len(names) + 1)]
            stream.notes.append(f"{source.name}: no header found, its columns are called {', '.join(names[:20])}")
        field = find_field(_columns(head, Table(delimiter, quote, tuple(names)), int(header)), options.text_field)
        table = Table(delimiter, quote, tuple(names), _wanted(field, names, options.text_field))
        line = _skip_header(stream, head, cutter) if header else 1
        yield from (Problem(source.name, notes=(note,)) for note in stream.notes)
        yield from _rows(stream, cutter, table, line)


def _rows(stream: Stream, cutter: Rows, table: Table, line: int) -> Iterator[Task]:
    name = stream.source.name
    for block in Blocks(stream, cutter, line):
        line = block.line
        yield TableRows(name, block, table, stream.options)
    if cutter.quoted:
        reason = "a quote is left open: from its row on, the rest of the file is one field"
        if stream.options.strict:
            raise InputError(reason)
        yield Problem(name, reason, line)
