"""Arrays as the bytes of one file: a mark, a digest of the rest, then zstandard of a head and the arrays.

Nothing in such a file is ever executed. Sorted keys are kept as differences, and numbers byte by byte side by side, so
that they pack well.
"""

from __future__ import annotations

import hashlib
import json
import math

import numpy as np
import zstandard
from numpy.typing import NDArray

from contam_metrics.accumulators import Arrays

MARK = b"contam-shard-1\n"
LEVEL = 1
"""How hard zstandard tries: higher levels save a few per cent and take several times as long."""
LARGEST = 1 << 30
"""Bytes that a file may unpack to; a whole shard's arrays are some tens of MB."""
_DIGEST = 32


def packed(arrays: Arrays) -> bytes:
    """The file that holds some arrays of numbers, by name."""
    head, bodies = [], []
    for name, array in arrays.items():
        ascending = _ascending(array)
        numbers = np.diff(array, prepend=array.dtype.type(0)) if ascending else np.ascontiguousarray(array)
        head.append([name, array.dtype.str, list(array.shape), ascending])
        bodies.append(numbers.reshape(-1).view(np.uint8).reshape(-1, array.dtype.itemsize).T.tobytes())
    body = json.dumps(head).encode() + b"\0" + b"".join(bodies)
    data = zstandard.ZstdCompressor(LEVEL).compress(body)
    return MARK + hashlib.blake2b(data, digest_size=_DIGEST).digest() + data


def _ascending(array: NDArray) -> bool:
    return array.dtype == np.uint64 and array.ndim == 1 and len(array) > 1 and bool((array[1:] >= array[:-1]).all())


def unpacked(file: bytes) -> Arrays:
    """The arrays of a file; ValueError where it is not whole, or no such file."""
    start = len(MARK) + _DIGEST
    digest, data = file[len(MARK) : start], file[start:]
    if not file.startswith(MARK) or hashlib.blake2b(data, digest_size=_DIGEST).digest() != digest:
        raise ValueError("not a whole file of a shard")
    try:
        if zstandard.frame_content_size(data) > LARGEST:
            raise ValueError("more than a shard can have")
        body = zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise ValueError(f"cannot be unpacked: {error}") from None
    end = body.index(b"\0")
    at, arrays = end + 1, {}
    for name, kind, shape, ascending in json.loads(body[:end]):
        dtype, count = np.dtype(kind), math.prod(shape)
        if dtype.kind not in "uif":
            raise ValueError(f"numbers, not {kind}")
        raw = np.frombuffer(body, np.uint8, count * dtype.itemsize, at)
        at += count * dtype.itemsize
        flat = raw.reshape(dtype.itemsize, count).T.copy().view(dtype).reshape(-1)
        arrays[name] = np.cumsum(flat, dtype=np.uint64) if ascending else flat.reshape(shape)
    return arrays
