"""The files whose change makes the hook run, as git names them: relative to the folder of the repository."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from glob import has_magic
from pathlib import Path

from contam.gate.sources import pattern


def watched(corpus: str, settings: Iterable[str], folder: Path, top: Path) -> str:
    """A regular expression for pre-commit that takes a corpus and files of settings, and nothing else.

    ``corpus`` is as ``contam audit`` takes it in ``folder``: a file, folder or glob, absolute or not. One that lies
    outside the repository, or at an address, never changes by a commit: then the settings alone are watched. Raises
    ``InputError`` where a glob means nothing.
    """
    prefix = _prefix(folder, top) or ""
    expressions = [_expression(corpus, folder, top), *(prefix + re.escape(name) for name in settings)]
    return f"^({'|'.join(part for part in expressions if part)})$"


def inside(path: str, folder: Path) -> str | None:
    """A path of a person as one relative to ``folder``, without ``./`` and the like; None where it is not in it."""
    base, name = _relative(path, folder) or (None, "")
    return name if base == folder else None


def _expression(corpus: str, folder: Path, top: Path) -> str:
    """What a corpus is called by git, with all below it; empty where git has no name for it."""
    base, name = _relative(corpus, folder) or (None, "")
    prefix = _prefix(base, top) if base else None
    if prefix is None:
        return ""
    if name == ".":
        return f"{prefix}.*"
    literal = not has_magic(corpus) or os.path.lexists(folder / corpus)
    return prefix + (f"{re.escape(name)}(/.*)?" if literal else pattern(name).pattern)


def _relative(path: str, folder: Path) -> tuple[Path, str] | None:
    """The nearest folder at or above ``folder`` that a path lies in, and what it is called there.

    Links on the way are followed where that brings the two nearer; one at the path's end is not: git has the name of
    the link. None for what is no path.
    """
    if path == "-" or "://" in path:
        return None
    place = folder / path
    ways = [Path(os.path.relpath(way, folder)).parts for way in (place, place.parent.resolve() / place.name)]
    parts = min(ways, key=_steps_up)
    up = _steps_up(parts)
    return (folder, *folder.parents)[up], "/".join(parts[up:]) or "."


def _steps_up(parts: tuple[str, ...]) -> int:
    return sum(part == ".." for part in parts)


def _prefix(folder: Path, top: Path) -> str | None:
    """What names of files in a folder begin with, as an expression; None where it is not in the repository."""
    if folder == top:
        return ""
    return f"{re.escape(folder.relative_to(top).as_posix())}/" if folder.is_relative_to(top) else None
