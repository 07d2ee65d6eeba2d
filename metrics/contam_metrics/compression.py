"""How far a text compresses: copying that spans documents and has no words to it. Rises under collapse."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BLOCK = 1 << 20
CODECS = ("zlib", "lzma", "zstd")
SMALL = 1 << 16


@dataclass(frozen=True)
class Compression:
    """Mergeable state of a compression ratio: bytes in and out of some blocks, and which code made them.

    Sizes differ between codecs and their versions: only ratios of one ``codec`` and ``version`` compare.
    """

    raw: int
    compressed: int
    blocks: int
    codec: str
    version: str

    def __add__(self, other: Compression) -> Compression:
        if (self.codec, self.version) != (other.codec, other.version):
            raise ValueError(
                f"sizes of {self.codec} {self.version} and {other.codec} {other.version} do not compare"
            )
        return Compression(
            self.raw + other.raw,
            self.compressed + other.compressed,
            self.blocks + other.blocks,
            self.codec,
            self.version,
        )

    @property
    def value(self) -> float:
        """Raw over compressed bytes; nan for nothing."""
        return self.raw / self.compressed if self.compressed and self.raw else math.nan

    @property
    def reason(self) -> str:
        """Why the value is missing or weak: ``"empty"``, ``"under 64 KiB"``, or ``""``."""
        if self.raw == 0:
            return "empty"
        return "under 64 KiB" if self.raw < SMALL else ""


def version(codec: str) -> str:
    """The version of the compressor; lzma does not tell its own, so the Python that carries it stands in."""
    if codec == "zlib":
        import zlib

        return zlib.ZLIB_RUNTIME_VERSION
    if codec == "zstd":
        import zstandard

        return ".".join(map(str, zstandard.ZSTD_VERSION))
    if codec == "lzma":
        return "python " + ".".join(map(str, sys.version_info[:3]))
    raise ValueError(f"unknown codec {codec!r}: one of {', '.join(CODECS)}")


def compressed_size(data: bytes, codec: str = "zstd") -> int:
    """Bytes after compression: zlib level 6 (sees 32 KiB back), lzma preset 6, zstd level 9 with long
    distance matching (both see the whole block)."""
    if codec == "zlib":
        import zlib

        return len(zlib.compress(data, 6))
    if codec == "lzma":
        import lzma

        return len(lzma.compress(data, preset=6))
    if codec == "zstd":
        import zstandard

        long = zstandard.ZstdCompressionParameters.from_level(9, enable_ldm=True, window_log=24)
        return len(zstandard.ZstdCompressor(compression_params=long).compress(data))
    raise ValueError(f"unknown codec {codec!r}: one of {', '.join(CODECS)}")


def blocks(texts: Iterable[bytes], size: int = BLOCK) -> Iterator[bytes]:
    """Blocks of ``size`` bytes of the texts joined by line feeds. What remains is dropped, because the ratio
    depends on the size of a block, unless it is all there is."""
    pending, first = bytearray(), True
    for text in texts:
        pending += text + b"\n"
        while len(pending) >= size:
            yield bytes(pending[:size])
            del pending[:size]
            first = False
    if first and len(pending) > 1:
        yield bytes(pending[:-1])


def block_compression(texts: Iterable[bytes], codec: str = "zstd", size: int = BLOCK) -> Compression:
    """The compression of the texts (in the order of their hashes) over blocks of a fixed size.

    A corpus split into shards merges exactly if each shard makes its own blocks.
    """
    raw = compressed = number = 0
    for block in blocks(texts, size):
        raw, compressed, number = raw + len(block), compressed + compressed_size(block, codec), number + 1
    return Compression(raw, compressed, number, codec, version(codec))


def document_compression(text: bytes) -> float:
    """zlib's ratio on one document, a rough detector of loops; nan for an empty one."""
    return len(text) / compressed_size(text, "zlib") if text else math.nan
