"""Bytes of a file whatever packed them: decompression within limits, byte order marks, a look at the
beginning.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO

from contam.errors import InputError, LimitError
from contam.formats.task import MIB, ReadOptions, Source

READ = MIB
"""Bytes of a plain file read at once."""

HEAD = 1 << 18
"""Bytes looked at, at least, to find out what is in a file."""

PIECE = 1 << 16
"""Compressed bytes given to a decompressor whose output can be limited."""

ZSTD_PIECE = 1 << 12
"""zstandard's output cannot be limited: 4 KB of input are at most 128 MB of it."""

SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd", "bzip2": b"BZh", "xz": b"\xfd7zXZ\0"}
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNITS = {"bytes": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def human(size: float) -> str:
    """A number of bytes for people."""
    unit = next((u for u, scale in reversed(UNITS.items()) if size >= scale), "bytes")
    return f"{size / UNITS[unit]:.4g} {unit}"


def _decompressor(kind: str) -> Callable[[], Any]:
    """A maker of objects that decompress one member of a stream."""
    if kind == "gzip":
        try:
            from isal.isal_zlib import decompressobj  # twice as fast where it is installed
        except ImportError:
            from zlib import decompressobj  # type: ignore[assignment]
        return lambda: decompressobj(31)
    if kind == "zstd":
        import zstandard

        return lambda: zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    if kind == "bzip2":
        import bz2

        return bz2.BZ2Decompressor
    import lzma

    return lambda: lzma.LZMADecompressor(memlimit=1 << 28)


def _failures(kind: str) -> tuple[type[Exception], ...]:
    """What that decompressor raises on damaged input."""
    import zlib
    from lzma import LZMAError

    errors: list[type[Exception]] = [OSError, ValueError, EOFError, zlib.error, LZMAError]
    if kind == "zstd":
        import zstandard

        errors.append(zstandard.ZstdError)
    if kind == "gzip":
        try:
            from isal.isal_zlib import error
        except ImportError:
            return tuple(errors)
        errors.append(error)  # type: ignore[arg-type]
    return tuple(errors)


def _member(kind: str, unit: Any, data: bytes, rest: list[bytes]) -> Iterator[bytes]:
    """Output of one decompressor for ``data``; what belongs to the next member is appended to ``rest``."""
    if kind == "zstd":
        yield unit.decompress(data)
    elif kind == "gzip":
        full = True
        while not unit.eof and (data or full):
            output = unit.decompress(data, READ)
            data, full = unit.unconsumed_tail, len(output) == READ
            yield output
    else:
        yield unit.decompress(data, READ)
        while not unit.eof and not unit.needs_input:
            yield unit.decompress(b"", READ)
    if unit.eof and unit.unused_data:
        rest.append(unit.unused_data)


class Stream:
    """The decompressed bytes of a source, in order, within the limits of the options.

    ``position`` is how far the file on disk has been read. Once it has given everything that could be read,
    ``error`` is what stopped it, if anything did (``InputError``: truncated or damaged; ``LimitError``: a
    decompression bomb), and ``check`` raises it.
    """

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source = source
        self.options = options
        self.position = 0
        self.notes: list[str] = []
        self._given = 0
        self._held, self._at = b"", 0
        self._change: Callable[[bytes], bytes] | None = None
        self._direct = False  # whether the file's bytes are given as they are
        self.error: InputError | None = None
        try:
            self._file: BinaryIO = source.open()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror or error}") from None
        self._pieces = self._unmarked(self._limited())

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _raw(self, size: int) -> Iterator[bytes]:
        while piece := self._file.read(size):
            self.position += len(piece)
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        kind = self.source.compression
        if kind is None:
            yield from self._raw(READ)
            return
        failures, make = _failures(kind), _decompressor(kind)
        unit: Any = None
        first = True
        for piece in self._raw(ZSTD_PIECE if kind == "zstd" else PIECE):
            if first and not piece.startswith(MAGIC[kind][: len(piece)]):
                raise InputError(f"not a {kind} file, though its name says so (rename it if it is plain text)")
            first = False
            waiting = [piece]
            while waiting:
                data = waiting.pop()
                if unit is None and not data.strip(b"\0"):
                    break  # zero padding behind the last member is customary
                unit = unit or make()
                try:
                    yield from _member(kind, unit, data, waiting)
                except failures as error:
                    raise InputError(f"damaged {kind} data after {human(self._given)} of text: {error}") from None
                unit = None if unit.eof else unit
        if unit is not None:
            raise InputError(f"truncated {kind} data: it ends after {human(self._given)} of text")

    def _limited(self) -> Iterator[bytes]:
        """The unpacked pieces, counted; a file that expands without bound is stopped."""
        try:
            for piece in self._unpacked():
                if self.source.compression:
                    self._check_expansion(self._given + len(piece))
                self._given += len(piece)
                if piece:
                    yield piece
        except OSError as error:
            raise InputError(f"reading failed: {error.strerror or error}") from None

    def _check_expansion(self, given: int) -> None:
        limits = self.options
        if given > limits.expansion_floor and given > limits.max_expansion * self.position:
            raise LimitError(
                f"decompression bomb? {human(self.position)} of {self.source.compression} have become"
                f" {human(given)}, over {limits.max_expansion:g} times as much: stopped here"
            )

    def _unmarked(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """UTF-8 without its byte order mark; UTF-16 and UTF-32 with a mark become UTF-8."""
        head = b""
        while len(head) < 4 and (piece := next(pieces, b"")):
            head += piece
        coding = next((name for mark, name in MARKS if head.startswith(mark)), None)
        if coding is None:
            self._direct = self.source.compression is None and hasattr(self._file, "readinto")
            if head := head.removeprefix(codecs.BOM_UTF8):
                yield head
            yield from pieces
            return
        self.notes.append(f"{self.source.name}: read as {coding.upper()}, as its byte order mark says")
        decoder = codecs.getincrementaldecoder(coding)("replace")
        for piece in chain((head,), pieces):
            if text := decoder.decode(piece):
                yield text.encode("utf-8", "replace")
        yield decoder.decode(b"", True).encode("utf-8", "replace")

    def _next(self) -> bytes:
        """One more piece; empty at the end or once an error is waiting."""
        try:
            piece = next(self._pieces, b"") if self.error is None else b""
        except InputError as error:
            self.error = error
            return b""
        return self._change(piece) if self._change else piece

    def through(self, change: Callable[[bytes], bytes]) -> None:
        """From here on, give what ``change`` makes of the bytes; it is called with one piece after the
        other.
        """
        self._held, self._at, self._change = change(self._held[self._at :]), 0, change
        self._direct = False

    def check(self) -> None:
        """Raises what stopped the stream, if anything did."""
        if self.error is not None:
            raise self.error

    def peek(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end, without consuming them."""
        self._hold(size)
        return self._held[self._at : self._at + size]

    def skip(self, size: int) -> None:
        """Passes over bytes that have been peeked at."""
        self._at += size

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end; ``b""`` when there is no more."""
        self._hold(size)
        start, self._at = self._at, min(self._at + size, len(self._held))
        return self._held if start == 0 and self._at == len(self._held) else self._held[start : self._at]

    def fill(self, view: memoryview) -> int:
        """Fills a buffer with the next bytes; how many there were, fewer than it holds only at the end.

        A plain file is read straight into it.
        """
        data = self.read(min(len(view), len(self._held) - self._at) if self._direct else len(view))
        filled = len(data)
        view[:filled] = data
        try:
            while self._direct and filled < len(view):
                count = self._file.readinto(view[filled:])  # type: ignore[attr-defined]
                if not count:
                    break
                filled += count
                self.position += count
        except OSError as error:
            self.error = InputError(f"reading failed: {error.strerror or error}")
        return filled

    def _hold(self, size: int) -> None:
        """Has at least ``size`` bytes at hand, or all there are."""
        have = len(self._held) - self._at
        if have >= size:
            return
        parts = [self._held[self._at :]] if have else []
        while have < size and (piece := self._next()):
            parts.append(piece)
            have += len(piece)
        self._held, self._at = parts[0] if len(parts) == 1 else b"".join(parts), 0


def looks_binary(head: bytes) -> str | None:
    """Why the beginning of a file is no text, or None: control characters are rare in any text."""
    if not head:
        return None
    for kind, magic in (*MAGIC.items(), ("zip", b"PK\x03\x04"), ("PDF", b"%PDF-"), ("parquet", b"PAR1")):
        if head.startswith(magic):
            return f"{kind} data, not text"
    nuls = head.count(0)
    if nuls > 0.3 * len(head) and min(head[::2].count(0), head[1::2].count(0)) < 0.1 * nuls:
        return "looks like UTF-16 without a byte order mark: convert it to UTF-8"
    controls = len(head) - len(head.translate(None, bytes({*range(32)} - {*b"\t\n\v\f\r\b\x1b"})))
    return "binary data, not text" if controls > 0.02 * len(head) + 1 else None


def refuse(stream: Stream) -> None:
    """Raises ``InputError`` for a file that is empty or no text."""
    head = stream.peek(HEAD)[:HEAD]
    if not head.strip() and len(head) < HEAD:
        stream.check()
        raise InputError("nothing but white space" if head else "an empty file")
    if problem := looks_binary(head):
        raise InputError(problem)
