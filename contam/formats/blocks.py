"""Cutting a stream into blocks of whole lines, paragraphs or records, each knowing the line it begins on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from contam.formats.streams import Stream, human

PADDING = bytes(64)
"""Zeros behind the data of a block, so that the scanners may read whole machine words."""

BLANK_LINE = re.compile(rb"\n[ \t\r\f\v]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records: ``data[:size]``, zeros behind; ``line`` is the number of its first line.

    ``newlines`` counts the newlines in it; ``consumed`` are the bytes of the file on disk read for it. A
    block with a ``problem`` stands for a record too long to be held.
    """

    data: bytes
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

    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == 10))


def after_blank_line(data: bytes) -> int:
    """Where the last blank line of ``data`` ends; 0 where there is none."""
    window = 1 << 12
    while True:
        begin = max(0, len(data) - window)
        found = 0
        for match in BLANK_LINE.finditer(data, begin):
            found = match.end()
        if found or begin == 0:
            return found
        window *= 8


class Cutter(Protocol):
    """Where records end."""

    def cut(self, data: bytes) -> int:
        """The end of the last whole record in ``data``, which begins with one; 0 where none ends."""
        ...

    def finish(self, data: bytes) -> int:
        """The end of the record that went on when ``cut`` last found none; 0 where it goes on."""
        ...


class Lines:
    """A record a line."""

    def cut(self, data: bytes) -> int:
        """See ``Cutter``."""
        return data.rfind(b"\n") + 1

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
        while data := self.stream.read(options.block_bytes):
            data = rest + data if rest else data
            end = self.cutter.cut(data)
            if end:
                yield self._block(memoryview(data)[:end])
                rest = data[end:]
            elif len(data) <= options.max_document_bytes:
                rest = data
            else:
                block, rest = self._drop(data)
                yield block
        if rest and (self.keep_tail or self.stream.error is None):
            yield self._block(rest)
        self.stream.check()

    def _block(self, content: bytes | memoryview, problem: str | None = None) -> Block:
        data = b"".join((content, PADDING))
        newlines = count_newlines(content)
        block = Block(data, len(content), self.line, newlines, self._consumed(), problem)
        self.line += newlines
        return block

    def _consumed(self) -> int:
        before, self._done = self._done, self.stream.position
        return self._done - before

    def _drop(self, data: bytes) -> tuple[Block, bytes]:
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
        block = Block(PADDING, 0, self.line, newlines, self._consumed(), problem)
        self.line += newlines
        return block, data[end:]


def too_long(size: int, limit: int) -> str:
    """Why a record of ``size`` bytes is skipped."""
    return f"a record of {human(size)}, over the limit of {human(limit)}"
