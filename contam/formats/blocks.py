"""Cutting a stream into blocks of whole lines, paragraphs or records, each knowing the line it begins on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from contam.formats.streams import Stream, human

PADDING = bytes(64)
"""Zeros behind the data of a block, so that the scanners may read whole machine words."""

NEWLINE = 10
STEP = 1 << 16
"""Bytes whose newlines are counted together: what numpy makes on the way stays in the cache."""

BLANK_LINE = re.compile(rb"\n[ \t\r\f\v]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records: ``data[:size]``, zeros behind; ``line`` is the number of its first line.

    ``newlines`` counts the newlines in it; ``consumed`` are the bytes of the file on disk read for it. A
    block with a ``problem`` stands for a record too long to be held.
    """

    data: bytes | bytearray
    size: int
    line: int
    newlines: int
    consumed: int = 0
    problem: str | None = None

    @property
    def content(self) -> memoryview:
        """The data without its padding."""
        return memoryview(self.data)[: self.size]


def count_newlines(data: bytes | memoryview) -> int:
    """Newlines in ``data``; vectorised and without the GIL."""
    import numpy as np

    view = np.frombuffer(data, np.uint8)
    parts = (view[i : i + STEP] for i in range(0, len(view), STEP))
    return sum(int(np.count_nonzero(part == NEWLINE)) for part in parts)


def after_blank_line(data: bytes | bytearray, size: int | None = None) -> int:
    """Where the last blank line of ``data[:size]`` ends; 0 where there is none."""
    size = len(data) if size is None else size
    window = 1 << 12
    while True:
        begin = max(0, size - window)
        found = 0
        for match in BLANK_LINE.finditer(data, begin, size):
            found = match.end()
        if found or begin == 0:
            return found
        window *= 8


class Cutter(Protocol):
    """Where records end."""

    def cut(self, data: bytearray, size: int) -> int:
        """The end of the last whole record in ``data[:size]``, which begins with one; 0 where none ends."""
        ...

    def finish(self, data: bytes) -> int:
        """The end of the record that went on when ``cut`` last found none; 0 where it goes on."""
        ...


class Lines:
    """A record a line."""

    def cut(self, data: bytearray, size: int) -> int:
        """See ``Cutter``."""
        return data.rfind(b"\n", 0, size) + 1

    def finish(self, data: bytes) -> int:
        """See ``Cutter``."""
        return data.find(b"\n") + 1


class Blocks:
    """The blocks of a stream, in order.

    A record above ``max_document_bytes`` is dropped as it is read, and its block carries the problem. When
    the stream ends with an error, the record that it cuts off is dropped, unless ``keep_tail``, and the error
    raised.
    """

    def __init__(self, stream: Stream, cutter: Cutter, line: int = 1, keep_tail: bool = False) -> None:
        self.stream = stream
        self.cutter = cutter
        self.line = line
        self.keep_tail = keep_tail
        self._done = 0

    def __iter__(self) -> Iterator[Block]:
        rest = b""
        options = self.stream.options
        while True:
            data, size = self._filled(rest)
            if size == len(rest):
                break
            end = self.cutter.cut(data, size)
            if end:
                rest = bytes(memoryview(data)[end:size])
                yield self._block(data, end)
            elif size <= options.max_document_bytes:
                rest = bytes(memoryview(data)[:size])
            else:
                block, rest = self._drop(memoryview(data)[:size])
                yield block
        if rest and (self.keep_tail or self.stream.error is None):
            yield self._block(bytearray(rest + PADDING), len(rest))
        self.stream.check()

    def _filled(self, rest: bytes) -> tuple[bytearray, int]:
        """A new buffer that begins with ``rest`` and goes on with the stream, and how many bytes it has."""
        data = bytearray(len(rest) + self.stream.options.block_bytes + len(PADDING))
        data[: len(rest)] = rest
        return data, len(rest) + self.stream.fill(memoryview(data)[len(rest) : -len(PADDING)])

    def _block(self, data: bytearray, size: int) -> Block:
        data[size : size + len(PADDING)] = PADDING
        newlines = count_newlines(memoryview(data)[:size])
        block = Block(data, size, self.line, newlines, self._consumed())
        self.line += newlines
        return block

    def _consumed(self) -> int:
        before, self._done = self._done, self.stream.position
        return self._done - before

    def _drop(self, data: bytes | memoryview) -> tuple[Block, bytes]:
        """The block that stands for a record which is too long, and what follows that record."""
        size, newlines, end = 0, 0, 0
        while data and not end:
            size += len(data)
            newlines += count_newlines(data)
            data = self.stream.read(self.stream.options.block_bytes)
            end = self.cutter.finish(data)
        size += max(0, end - 1)
        newlines += count_newlines(memoryview(data)[:end])
        problem = too_long(size, self.stream.options.max_document_bytes)
        block = Block(bytearray(PADDING), 0, self.line, newlines, self._consumed(), problem)
        self.line += newlines
        return block, bytes(data[end:])


def too_long(size: int, limit: int) -> str:
    """Why a record of ``size`` bytes is skipped."""
    return f"a record of {human(size)}, over the limit of {human(limit)}"
