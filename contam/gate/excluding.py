"""Globs of ``exclude`` that leave nothing out: a typing error that would otherwise never be noticed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from contam.gate.sources import matches


def told_of_excludes(globs: Iterable[str], names: Iterable[str], folder: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """A note for each glob that fits none of the files ``names``, nor any other file below ``paths``.

    The files of a corpus are looked at first: only where none fits are the folders walked, for files that no format has
    or that are hidden.
    """
    names, paths = list(names), list(paths)
    left = [glob for glob in globs if not any(matches(name, (glob,), folder) for name in names)]
    for place in _everything(paths) if left else ():
        left = [glob for glob in left if matches(place, (glob,), folder) is None]
    return tuple(f"exclude: no file fits {glob!r}{_nearly(glob, names, folder)}" for glob in left)


def _everything(paths: Iterable[str]) -> Iterator[str]:
    """All files and folders below some paths."""
    for path in paths:
        yield path
        for parent, folders, files in os.walk(path):
            yield from (os.path.join(parent, name) for name in (*folders, *files))  # noqa: PTH118 - names as read


def _nearly(glob: str, names: Iterable[str], folder: Path) -> str:
    """What to write instead, where the glob would fit a file in another folder."""
    if glob.startswith(("/", "**/")) or "://" in glob:
        return ""
    anywhere = f"**/{glob}"
    found = next((name for name in names if matches(name, (anywhere,), folder)), None)
    return f"; {anywhere!r} would fit {found}" if found else ""
