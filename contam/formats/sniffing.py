"""What a file or stream is where its name does not say: packed, JSON lines, JSON, or text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import BinaryIO

from contam.errors import InputError
from contam.formats.records import sample
from contam.formats.streams import HEAD, MAGIC, Stream
from contam.formats.task import ReadOptions, Source, Task

RANDOM_ACCESS = {b"PAR1": "parquet", b"ARROW1": "arrow"}


@dataclass(slots=True)
class Prefixed:
    """A stream whose first bytes have been read already."""

    head: bytes
    file: BinaryIO

    def read(self, size: int) -> bytes:
        """The next bytes."""
        head, self.head = self.head, b""
        return head or self.file.read(size)

    def close(self) -> None:
        """Closes the stream."""
        self.file.close()


def unpacked(source: Source) -> Source:
    """The source with the compression and the format that its first bytes tell, where they tell any."""
    try:
        file = source.open()
        head = file.read(8)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None
    for magic, kind in RANDOM_ACCESS.items():
        if head.startswith(magic) and source.local and not source.compression:
            file.close()
            return replace(source, format=kind)
    found = source.compression or next((k for k, m in MAGIC.items() if head.startswith(m)), None)
    return replace(source, open=lambda: Prefixed(head, file), compression=found)  # type: ignore[return-value, arg-type]


def format_within(stream: Stream) -> str:
    """The format of a stream by its beginning: ``jsonl``, ``json_document`` or ``text``."""
    from contam.formats.jsonl import whole_lines

    head = stream.peek(HEAD)[:HEAD].lstrip()
    if head.startswith(b"{"):
        if any(isinstance(r, Mapping) for r in sample(whole_lines(stream))):
            return "jsonl"
        return "json_document" if head[1:].lstrip().startswith(b'"') else "text"
    return "json_document" if head.startswith(b"[") and head[1:].lstrip()[:1] in (b"{", b'"', b"[") else "text"


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """The tasks of a source in the format its content shows; raises ``InputError`` for what is no text."""
    source = unpacked(source)
    if source.format is not None:
        yield from import_module(f"contam.formats.{source.format}").tasks(source, options)
        return
    with Stream(source, options) as stream:
        yield from import_module(f"contam.formats.{format_within(stream)}").tasks_of(stream)
