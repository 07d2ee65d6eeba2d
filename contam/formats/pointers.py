"""Git LFS pointers: small texts that stand where the files of a corpus would be, had they been fetched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from contam.errors import InputError

MARKS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
"""What a pointer begins with, by the specification of Git LFS and by that of its first releases."""
LARGEST = 1024
"""Bytes below which a pointer has to be, by the specification."""
NAMED = 3


def is_pointer(path: str, status: os.stat_result) -> bool:
    """Whether a regular file is a pointer; one that cannot be read is none."""
    if status.st_size >= LARGEST:
        return False
    try:
        with Path(path).open("rb", buffering=0) as file:
            return file.read(LARGEST).startswith(MARKS)
    except OSError:
        return False


def not_fetched(pointers: Sequence[str], files: int) -> InputError:
    """The error for a corpus of which some of the ``files`` are pointers: part of it is not there to be judged."""
    what = "is a Git LFS pointer, not the file" if len(pointers) == 1 else "are Git LFS pointers, not the files"
    more = f" and {len(pointers) - NAMED} more" if len(pointers) > NAMED else ""
    named = ", ".join(pointers[:NAMED]) + more
    if files == 1:
        return InputError(f"{named} {what}: run git lfs pull")
    return InputError(f"{len(pointers)} of {files} files {what} ({named}): run git lfs pull, or leave them out")
