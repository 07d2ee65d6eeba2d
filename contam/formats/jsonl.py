"""JSON lines: blocks for the scanner, and a real parser for every line it is not certain of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contam.formats.blocks import PADDING, Block, Blocks, Lines, too_long
from contam.formats.fields import Field, find_field
from contam.formats.kernels import kernel
from contam.formats.records import sample, text_of_line
from contam.formats.streams import HEAD, Stream, refuse
from contam.formats.task import Chunk, Problem, ReadOptions, SkipLog, Source, Task, Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class JsonLines:
    """A block of JSON lines and the field that holds their text."""

    path: str
    block: Block
    field: Field
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents of the block."""
        log = SkipLog(self.path, self.options.strict)
        if self.block.problem is not None:
            log.add(self.block.problem, self.block.line)
            return Texts((), ()).chunk(log, self.block.consumed)
        if self.field.plain and self.block.size <= self.options.max_document_bytes:
            return self._scanned(log)
        return self._parsed(log).chunk(log, self.block.consumed)

    def _parsed(self, log: SkipLog) -> Texts:
        lines = enumerate(self.block.content.tobytes().split(b"\n"), self.block.line)
        return self._texts(lines, log)

    def _texts(self, lines: Any, log: SkipLog) -> Texts:
        """The texts of ``(number, line)`` pairs, by the real parser."""
        texts, numbers = [], []
        limit = self.options.max_document_bytes
        for number, line in lines:
            if not line.strip(b" \t\r"):
                continue
            if len(line) > limit:
                log.add(too_long(len(line), limit), number)
            elif (text := text_of_line(line, self.field, log, number)) is not None:
                texts.append(text)
                numbers.append(number)
        return Texts(texts, numbers)

    def _scanned(self, log: SkipLog) -> Chunk:
        import numpy as np

        from contam_metrics.batch import PADDING, Batch

        out, offsets, lines, odd = scan(self.block, self.field.columns)
        pairs = ((self.block.line + int(n), bytes(self.block.data[a:b])) for a, b, n in odd.tolist())
        rest = self._texts(pairs, log)
        lines = lines + self.block.line
        if rest.texts:
            used = offsets[-1]
            tail = np.frombuffer(b"".join((*rest.texts, bytes(PADDING))), np.uint8)
            ends = np.cumsum([len(t) for t in rest.texts]) + used
            out, offsets = np.concatenate((out[:used], tail)), np.concatenate((offsets, ends))
            lines = np.concatenate((lines, np.array(rest.lines, np.int64)))
        batch = Batch(out, offsets)
        return Chunk(batch, lines, tuple(log.named), self.block.consumed, self.path, skipped_total=log.total)


def scan(
    block: Block, keys: tuple[str, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The scanner on a block: text bytes (padded), offsets, lines from 0, and (start, end, line) of the odd
    lines.
    """
    import numpy as np

    names = [k.encode("utf-8", "surrogatepass") for k in keys]
    bounds = np.cumsum([0, *map(len, names)])
    most = block.newlines + 1
    out = np.empty(block.size + len(PADDING), np.uint8)
    offsets, lines = np.empty(most + 1, np.int64), np.empty(most, np.int64)
    odd = np.empty((most, 3), np.int64)
    blob = np.frombuffer(b"".join(names) + b"\0", np.uint8)
    data = np.frombuffer(block.data, np.uint8)
    documents, odds = kernel("scan_lines")(data, block.size, blob, bounds, out, offsets, lines, odd)
    end = offsets[documents]
    out[end : end + len(PADDING)] = 0
    return out, offsets[: documents + 1], lines[:documents], odd[:odds]


def whole_lines(stream: Stream, size: int = HEAD) -> list[bytes]:
    """The first lines of a stream: ``size`` bytes of them, and at least one unless it is beyond all
    limits.
    """
    while True:
        head = stream.peek(size)
        if len(head) < size:
            return head.split(b"\n")
        if b"\n" in head[:size]:
            return head[: head.rindex(b"\n", 0, size)].split(b"\n")
        if size > stream.options.max_document_bytes:
            return []
        size *= 4


def tasks_of(stream: Stream) -> Iterator[Task]:
    """The tasks of an open stream of JSON lines."""
    refuse(stream)
    name, options = stream.source.name, stream.options
    field = find_field(sample(whole_lines(stream)), options.text_field)
    yield from (Problem(name, notes=(note,)) for note in stream.notes)
    for block in Blocks(stream, Lines()):
        yield JsonLines(name, block, field, options)


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """Cuts a file of JSON lines into tasks; raises ``InputError`` where it, or the rest of it, cannot be
    read.
    """
    with Stream(source, options) as stream:
        yield from tasks_of(stream)
