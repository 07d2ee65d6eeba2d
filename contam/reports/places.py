"""Where a finding is, as editors and code hosts name it: paths relative to the repository, lines that exist."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

_STDIN = ("-", "<stdin>")
_LOOKED_AT = 10_000
"""Entries of a folder that are looked at for a first file."""


def root(sources: Iterable[str] = ()) -> Path:
    """What paths are relative to: the workspace of a GitHub job, the repository around the working folder, else the
    one around the first of ``sources``, else the working folder itself."""
    here = Path.cwd()
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if workspace and here.is_relative_to(Path(workspace)):
        return Path(workspace)
    return _repository(here) or _repository_of(first_file(sources)) or here


def _repository(folder: Path) -> Path | None:
    """The nearest folder, upwards, that is a repository."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def _repository_of(source: str) -> Path | None:
    """The repository that a source lies in; None where it is no file or folder."""
    if not source or source in _STDIN or "://" in source or "\0" in source:
        return None
    try:
        return _repository(Path(os.path.abspath(source)))  # noqa: PTH100 - links are not followed
    except OSError:
        return None


def relative(path: str, base: Path) -> str | None:
    """A path under ``base`` with forward slashes; None for what lies elsewhere or is no file (stdin, an address)."""
    if not path or path in _STDIN or "://" in path or "\0" in path:
        return None
    for form in (os.path.abspath, os.path.realpath):
        full = Path(form(path))
        if full.is_relative_to(base):
            return full.relative_to(base).as_posix()
    return None


def uri(path: str, base: Path) -> tuple[str, bool] | None:
    """A percent-encoded address and whether it is relative to ``base``; None for no path at all.

    Stdin is called ``stdin``: code hosts refuse a finding without a file.
    """
    if path in _STDIN:
        return "stdin", True
    path = path.replace("\0", "")
    near = relative(path, base)
    if near is not None:
        return _quoted(near), True
    if "://" in path:
        return _quoted(path, ":/"), False
    return ("file://" + _quoted(str(Path.cwd() / path)), False) if path else None


def _quoted(path: str, safe: str = "/") -> str:
    """A path's bytes, percent-encoded; a name that no file system can have is written with escapes."""
    try:
        return quote(os.fsencode(path), safe=safe)
    except UnicodeEncodeError:
        return quote(path.encode("utf-8", "backslashreplace"), safe=safe)


def split_label(label: str) -> tuple[str, int | None]:
    """``path:line`` as its parts; the path may hold colons."""
    path, colon, line = label.rpartition(":")
    if colon and line.isascii() and line.isdigit() and int(line) > 0:
        return path, int(line)
    return label, None


def first_file(sources: Iterable[str]) -> str:
    """The first file that sources (files, folders, patterns) name; the first source itself where none has a file."""
    given = list(sources)
    found = (path for source in given for path in _files(source))
    return next(found, given[0] if given else "")


def _files(source: str) -> Iterator[str]:
    if source in _STDIN or "://" in source or "\0" in source:
        return
    place = Path(source)
    try:
        if place.is_file():
            yield source
        elif place.is_dir():
            yield from _inside(place)
        elif any(mark in source for mark in "*?["):
            found = glob.iglob(source, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute patterns
            yield from (path for path in sorted(found) if Path(path).is_file())
    except OSError:
        return


def _inside(folder: Path) -> Iterator[str]:
    """The first file of a folder by name, hidden ones left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files)[:_LOOKED_AT]:
            if not name.startswith("."):
                yield str(Path(parent) / name)
