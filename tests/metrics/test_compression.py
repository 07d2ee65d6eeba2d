"""Compression ratios: sizes differ between versions of the codecs, so the tolerances are wide."""

from __future__ import annotations

import math
import random

import pytest

from contam_metrics.compression import (
    CODECS,
    Compression,
    block_compression,
    blocks,
    compressed_size,
    document_compression,
    version,
)

NOISE = random.Random(0).randbytes(200_000)


def test_section_1_7_zlib_on_a_loop() -> None:
    assert compressed_size(b"the " * 1000, "zlib") == pytest.approx(34, abs=12)
    assert document_compression(b"the " * 1000) == pytest.approx(117.6, rel=0.3)
    if version("zlib") == "1.2.13":
        assert compressed_size(b"the " * 1000, "zlib") == 34


def test_blocks_are_whole_and_the_rest_is_dropped() -> None:
    assert list(blocks([b"abc", b"de", b"f"], 4)) == [b"abc\n", b"de\nf"]
    assert list(blocks([b"abcdefghij"], 4)) == [b"abcd", b"efgh"]
    assert list(blocks([b"ab", b"c"], 100)) == [b"ab\nc"]
    assert list(blocks([], 4)) == list(blocks([b""], 4)) == []


@pytest.mark.parametrize("codec", CODECS)
def test_ratio_rises_with_copying_and_is_about_one_for_noise(codec: str) -> None:
    noise = block_compression([NOISE], codec, 1 << 17)
    loop = block_compression([b"the cat sat "] * 20_000, codec, 1 << 17)
    assert noise.value == pytest.approx(1, abs=0.01)
    assert loop.value > 50
    assert (loop.codec, loop.version, loop.blocks) == (codec, version(codec), 1)
    assert loop.reason == ""


@pytest.mark.parametrize("codec", ["lzma", "zstd"])
def test_copies_far_apart_are_seen_by_the_long_windows_only(codec: str) -> None:
    doubled = [NOISE, NOISE]
    assert block_compression(doubled, codec).value == pytest.approx(2, abs=0.05)
    assert block_compression(doubled, "zlib").value == pytest.approx(1, abs=0.05)


def test_states_add_only_within_one_codec_and_version() -> None:
    a, b = (block_compression([NOISE[:n]], "zlib") for n in (1000, 3000))
    assert (a + b).raw == 4000
    assert (a + b).blocks == 2
    assert (a + b).compressed == a.compressed + b.compressed
    with pytest.raises(ValueError, match="do not compare"):
        a + Compression(1, 1, 1, "zlib", "another")


def test_nothing_and_little() -> None:
    assert math.isnan(block_compression([]).value)
    assert block_compression([]).reason == "empty"
    assert math.isnan(document_compression(b""))
    assert block_compression([b"x"]).value < 1
    assert block_compression([b"x"]).reason == "under 64 KiB"


def test_an_unknown_codec_is_named() -> None:
    for call in (version, lambda codec: compressed_size(b"x", codec)):
        with pytest.raises(ValueError, match="unknown codec 'rar': one of zlib, lzma, zstd"):
            call("rar")
