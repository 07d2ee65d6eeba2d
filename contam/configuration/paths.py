"""Relative paths of a configuration: relative to its file, told relative to the working folder."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from contam.configuration.schema import Kind


def placed(kind: Kind, value: object, folder: Path, cwd: Path) -> object:
    """A value of a file in ``folder`` as it is to be used from ``cwd``; what is no path stays."""
    if isinstance(value, tuple):
        return tuple(placed(kind, item, folder, cwd) for item in value)
    if not isinstance(value, str) or folder == cwd:
        return value
    if kind == "reports":
        form, colon, path = value.partition(":")
        return f"{form}:{moved(path, folder, cwd)}" if colon else value
    if kind == "inputs":
        return moved(value, folder, cwd, pattern=True)
    if kind == "path" or (kind == "name" and _is_there(value, folder)):
        return moved(value, folder, cwd)
    return value


def rebased(pattern: str, folder: Path, onto: Path) -> str:
    """A glob relative to ``folder`` as one relative to ``onto``; as a folder with its ``**`` stays below it."""
    return pattern if folder == onto else moved(pattern, folder, onto, pattern=True)


def moved(path: str, folder: Path, cwd: Path, pattern: bool = False) -> str:
    """A path relative to ``folder``, from ``cwd``; absolute paths, addresses and ``-`` stay."""
    if path == "-" or "://" in path or Path(path).is_absolute() or folder == cwd:
        return path
    step = os.path.relpath(folder, cwd)
    step = glob.escape(step) if pattern else step
    joined = os.path.normpath(Path(step) / path)
    return f"{joined}/" if path.endswith("/") else joined


def _is_there(value: str, folder: Path) -> bool:
    """Whether a name that can also be a path is meant as one."""
    if value.startswith(("./", "../")):
        return True
    try:
        return (folder / value).exists()
    except (OSError, ValueError):
        return False
