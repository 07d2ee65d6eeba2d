"""Bytes in and out: files decompressed as they are, and compressed again in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

from contam.filtering.places import Raw
from contam.formats.streams import Stream
from contam.formats.task import MIB, ReadOptions, Source

Write = Callable[[bytes], object]
LEVELS = {"gzip": 6, "zstd": 3, "bzip2": 9, "xz": 6}
"""How hard a file is compressed again: the default of each format's own tool, because files do not tell theirs."""


@contextmanager
def raw_pieces(source: Source, options: ReadOptions) -> Iterator[Iterator[bytes]]:
    """The decompressed bytes of a source, piece by piece; raises InputError where they cannot be read to the end."""
    with Raw(source, options) as stream:
        yield _pieces(stream)


def _pieces(stream: Stream) -> Iterator[bytes]:
    while piece := stream.read(MIB):
        yield piece
    stream.check()


@contextmanager
def packed(path: Path, compression: str | None) -> Iterator[Write]:
    """Writes a new file, compressed as it is said; equal content gives equal bytes."""
    with path.open("xb") as file, _packer(compression, file) as out:
        yield out.write


def _packer(kind: str | None, file: BinaryIO) -> IO[bytes]:
    if kind == "gzip":
        import gzip

        return cast(IO[bytes], gzip.GzipFile("", "wb", LEVELS[kind], file, mtime=0))
    if kind == "zstd":
        import zstandard

        return cast(IO[bytes], zstandard.ZstdCompressor(LEVELS[kind]).stream_writer(file, closefd=False))
    if kind == "bzip2":
        import bz2

        return cast(IO[bytes], bz2.BZ2File(file, "wb", compresslevel=LEVELS[kind]))
    if kind == "xz":
        import lzma

        return cast(IO[bytes], lzma.LZMAFile(file, "wb", preset=LEVELS[kind]))
    return cast(IO[bytes], _Plain(file))


class _Plain:
    """A file that its owner closes."""

    def __init__(self, file: BinaryIO) -> None:
        self.write = file.write

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_: object) -> None:
        pass
