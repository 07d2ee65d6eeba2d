"""Folders that reports are written into: checked before anything is computed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from contam.errors import InputError


def check_folder(folder: Path, files: Sequence[str], folders: Sequence[str] = ()) -> None:
    """Raise InputError where ``files`` and ``folders`` could not be written under ``folder``; nothing is made."""
    for place in (folder, *(folder / name for name in folders)):
        near = next(path for path in (place, *place.parents) if os.path.lexists(path))
        if not near.is_dir():
            raise InputError(f"cannot write to {folder}: {near} is not a folder")
        if not os.access(near, os.W_OK | os.X_OK):
            raise InputError(f"cannot write to {folder}: no permission to write in {near}")
    for name in files:
        if (folder / name).is_dir():
            raise InputError(f"cannot write to {folder}: {folder / name} is a folder, where a file belongs")


def make_folder(folder: Path) -> None:
    """Make a folder with all above it; InputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror or error}") from error
