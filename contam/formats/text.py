"""Plain text: a document a file, a line or a paragraph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contam.errors import InputError
from contam.formats.blocks import NEWLINE, PADDING, Block, Blocks, Cutter, Lines, after_blank_line, too_long
from contam.formats.columns import checked_chunk
from contam.formats.records import keep
from contam.formats.streams import Stream, human, refuse
from contam.formats.task import Chunk, Problem, ReadOptions, SkipLog, Source, Task, Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RETURN, SPACE = 0x0D, 0x20
MAX_FILES = 256
"""Small files in one unit of work."""


def border(data: bytes | bytearray, size: int) -> int:
    """Where to cut a text of more than ``size`` bytes: behind a blank line, a line, a space, a character."""
    head = data[:size]
    for end in (after_blank_line(head), head.rfind(b"\n") + 1, head.rfind(b" ") + 1):
        if end > size // 2:
            return end
    end = size
    while end > size - 4 and end > 1 and data[end] & 0xC0 == 0x80:
        end -= 1
    return end


class Paragraphs:
    """A record up to a blank line; one that goes on for too long is cut at a border of lines or words."""

    def __init__(self, most: int) -> None:
        self.most = most

    def cut(self, data: bytearray, size: int) -> int:
        """See ``blocks.Cutter``."""
        return after_blank_line(data, size) or (border(data, self.most) if size > self.most else 0)

    def finish(self, data: bytes) -> int:
        """See ``blocks.Cutter``."""
        return len(data)


def parts(stream: Stream) -> Iterator[tuple[int, bytes, int]]:
    """(first line, text, bytes read) of a whole text, in pieces of at most ``part_bytes``."""
    most, line, done, rest = stream.options.part_bytes, 1, 0, b""
    while True:
        rest += stream.read(most + 1 - len(rest)) if len(rest) <= most else b""
        if not rest:
            return
        end = border(rest, most) if len(rest) > most else len(rest)
        data, rest = rest[:end], rest[end:]
        yield line, data, stream.position - done
        line, done = line + data.count(b"\n"), stream.position


@dataclass(frozen=True, slots=True)
class TextParts:
    """Whole texts, or parts of one: (line, text) each."""

    path: str
    parts: tuple[tuple[int, bytes], ...]
    consumed: int
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents."""
        log = SkipLog(self.path, self.options.strict)
        kept = [(line, text) for line, data in self.parts if (text := keep(data, log, line)) is not None]
        return Texts([t for _, t in kept], [n for n, _ in kept]).chunk(log, self.consumed)


@dataclass(frozen=True, slots=True)
class TextFiles:
    """Several small files, a document each; they are opened by the thread that decodes them."""

    sources: tuple[Source, ...]
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents."""
        texts: list[bytes] = []
        lines: list[int] = []
        paths: list[str] = []
        notes: list[str] = []
        log = SkipLog("", self.options.strict)
        for source in self.sources:
            log.path = source.name
            try:
                with Stream(source, self.options) as stream:
                    refuse(stream)
                    for line, data, _ in parts(stream):
                        if (text := keep(data, log, line)) is not None:
                            texts.append(text)
                            lines.append(line)
                            paths.append(source.name)
                    notes += stream.notes
                    stream.check()
            except InputError as error:
                log.add(str(error))
        consumed = sum(s.size or 0 for s in self.sources)
        chunk = Texts(texts, lines).chunk(log, consumed, paths=tuple(paths), notes=tuple(notes))
        return chunk


@dataclass(frozen=True, slots=True)
class TextRecords:
    """A block of lines, or of paragraphs, each a document."""

    path: str
    block: Block
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents of the block."""
        import numpy as np

        log = SkipLog(self.path, self.options.strict)
        if self.block.problem:
            log.add(self.block.problem, self.block.line)
        starts, ends, lines = spans(self.block)
        if self.options.split == "blank-lines":
            starts, ends, lines = runs(starts, ends, lines)
        most = self.options.max_document_bytes
        kept = ends - starts <= most
        for k in np.flatnonzero(~kept):
            log.add(too_long(int(ends[k] - starts[k]), most), self.block.line + int(lines[k]))
        body = bytes(self.block.content)
        pieces = [body[a:b] for a, b in zip(starts[kept].tolist(), ends[kept].tolist())]
        data = np.frombuffer(b"".join((*pieces, PADDING)), np.uint8)
        offsets = np.concatenate(([0], np.cumsum((ends - starts)[kept]))).astype(np.int64)
        return checked_chunk(data, offsets, lines[kept] + self.block.line, log, self.block.consumed)


Spans = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def spans(block: Block) -> Spans:
    """(start, end, number from 0) of the lines of a block that are not blank, without their line ends."""
    import numpy as np

    data = np.frombuffer(block.data, np.uint8)
    ends = np.append(np.flatnonzero(data[: block.size] == NEWLINE), block.size)
    starts = np.append(0, ends[:-1] + 1)
    ends -= (data[ends - 1] == RETURN) & (ends > starts)
    full = (ends > starts) & ((data[starts] > SPACE) | (data[ends - 1] > SPACE))
    for k in np.flatnonzero((ends > starts) & ~full):  # blank, most likely
        full[k] = bool(block.data[starts[k] : ends[k]].strip())
    return starts[full], ends[full], np.flatnonzero(full)


def runs(starts: NDArray[np.int64], ends: NDArray[np.int64], lines: NDArray[np.int64]) -> Spans:
    """The paragraphs that lines form: those that follow each other are one."""
    import numpy as np

    first = np.append(True, np.diff(lines) > 1)[: len(lines)]
    last = np.append(first[1:], True)[: len(lines)]
    return starts[first], ends[last], lines[first]


def tasks_of(stream: Stream) -> Iterator[Task]:
    """The tasks of an open stream of text."""
    refuse(stream)
    name, options = stream.source.name, stream.options
    yield from (Problem(name, notes=(note,)) for note in stream.notes)
    if options.split is not None:
        cutter: Cutter = Lines() if options.split == "lines" else Paragraphs(options.part_bytes)
        for block in Blocks(stream, cutter, keep_tail=True):
            yield TextRecords(name, block, options)
        return
    count = 0
    for line, data, consumed in parts(stream):
        count += 1
        yield TextParts(name, ((line, data),), consumed, options)
    if count > 1:
        note = f"{name}: one text longer than {human(options.part_bytes)}, audited as {count} parts"
        yield Problem(name, notes=(note,))
    stream.check()


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """Cuts a text file into tasks; raises ``InputError`` where it, or the rest of it, cannot be read."""
    with Stream(source, options) as stream:
        yield from tasks_of(stream)


def small(source: Source, options: ReadOptions) -> bool:
    """Whether a file is one of those that are grouped."""
    plain = source.format == "text" and source.compression is None and options.split is None
    return plain and source.size is not None and source.size <= options.part_bytes
