"""Hashes of documents, and tables of counts by 64-bit key."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from contam_metrics.kernels.kernel import kernel
from contam_metrics.kernels.machine import finish, load64, mix

_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(inline="always")
def hash_bytes(data: Any, start: int, end: int) -> np.uint64:
    """A 64-bit hash of ``data[start:end]``, eight bytes at a time in two independent lanes."""
    left = np.uint64(end - start)
    right = np.uint64(0x243F6A8885A308D3)
    position = start
    while end - position >= 16:
        left = mix(left, load64(data, position))
        right = mix(right, load64(data, position + 8))
        position += 16
    if end - position >= 8:
        left = mix(left, load64(data, position))
        position += 8
    rest = end - position
    if rest > 0:
        right = mix(right, load64(data, position) & (_ONES >> np.uint64(64 - 8 * rest)))
    return finish(mix(left, right))


@kernel("void(uint8[::1], int64[::1], uint64[::1])")
def hash_documents(data: Any, offsets: Any, out: Any) -> None:
    """The content hash of every document into ``out`` uint64[documents]."""
    for i in range(len(offsets) - 1):
        out[i] = hash_bytes(data, offsets[i], offsets[i + 1])


@kernel("int64(uint64[::1], int64[::1], uint64[::1], int64[::1], uint64)")
def add_counts(keys: Any, counts: Any, new_keys: Any, new_counts: Any, limit: np.uint64) -> int:
    """Add counts to an open-addressing table; the number of keys that were not there yet.

    ``keys`` uint64[2^k] with 0 for an empty slot, ``counts`` int64[2^k]; new keys above ``limit`` and with
    count 0 are passed over. The caller keeps the table at most half full.
    """
    mask = np.uint64(len(keys) - 1)
    fresh = 0
    for i in range(len(new_keys)):
        key = new_keys[i]
        if key > limit or key == 0 or new_counts[i] == 0:
            continue
        slot = (key >> np.uint64(20)) & mask
        while keys[slot] != key and keys[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        if keys[slot] == 0:
            keys[slot] = key
            fresh += 1
        counts[slot] += new_counts[i]
    return fresh


@kernel(
    "int64(uint64[::1], int32[::1], uint64[::1], int64[::1], uint64[::1], int32[::1], int32[::1])",
)
def number_words(hashes: Any, ids: Any, types: Any, counts: Any, keys: Any, numbers: Any, used: Any) -> int:
    """Give the words of a batch small numbers in order of appearance; how many different ones there are.

    ``ids`` int32[n] the number of each word; ``types`` uint64, ``counts`` int64 by number; ``keys`` uint64[2^k],
    ``numbers`` int32[2^k], ``used`` int32[n]: an empty table and a list of its slots in use, left empty again.
    """
    mask = np.uint64(len(keys) - 1)
    size = 0
    for i in range(len(hashes)):
        key = hashes[i]
        slot = (key >> np.uint64(20)) & mask
        while keys[slot] != key and keys[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        if keys[slot] == 0:
            keys[slot] = key
            numbers[slot] = size
            used[size] = np.int32(slot)
            types[size] = key
            counts[size] = 0
            size += 1
        number = numbers[slot]
        ids[i] = number
        counts[number] += 1
    for i in range(size):
        keys[used[i]] = 0
    return size


@kernel("void(uint64[::1], int64[::1], uint64[::1], int64[::1])")
def get_counts(keys: Any, counts: Any, wanted: Any, out: Any) -> None:
    """The counts of ``wanted`` uint64[n] in a table of `add_counts` into ``out`` int64[n], 0 where absent."""
    mask = np.uint64(len(keys) - 1)
    for i in range(len(wanted)):
        slot = (wanted[i] >> np.uint64(20)) & mask
        while keys[slot] != wanted[i] and keys[slot] != 0:
            slot = (slot + np.uint64(1)) & mask
        out[i] = counts[slot] if keys[slot] == wanted[i] else 0
