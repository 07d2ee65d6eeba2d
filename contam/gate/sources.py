"""Which files belong to which part of a corpus: globs relative to the folder of the configuration."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from contam.errors import UsageError


@lru_cache(maxsize=256)
def pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression over whole paths: ``*`` and ``?`` stay within a folder, ``**`` crosses folders.

    A glob that ends in ``/``, or that names a folder, takes everything below it. UsageError for a class of characters
    that is none, such as ``[z-a]``.
    """
    parts = re.split(r"(\*\*/?|\*|\?|\[!?[^\]]+\])", glob if "://" in glob else posixpath.normpath(glob))
    try:
        return re.compile("".join(_translated(part) for part in parts) + "(?:/.*)?", re.DOTALL)
    except re.error as error:
        raise UsageError(f"{glob!r} is no glob: {error.msg}") from None


def _translated(part: str) -> str:
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in known:
        return known[part]
    if len(part) > 2 and part.startswith("[") and part.endswith("]"):
        inner = part[1:-1].replace("\\", r"\\")
        return f"[^{inner[1:]}]" if inner.startswith("!") else f"[{inner}]"
    return re.escape(part)


def matches(name: str, globs: Iterable[str], folder: Path) -> str | None:
    """The first of some globs that a file fits, None where none does.

    ``name`` is a path as the reader calls it, or an address, which is compared as it is. Relative globs are compared
    with the path from ``folder``, absolute ones with the absolute path; both also behind symbolic links.
    """
    places = (name,) if "://" in name or name == "-" else _places(name, folder)
    return next((glob for glob in globs if any(pattern(glob).fullmatch(place) for place in places)), None)


def _places(name: str, folder: Path) -> tuple[str, ...]:
    """What a file is called: from the folder and from the root, as it was given and behind symbolic links."""
    pairs = ((Path(name).absolute(), folder.absolute()), (Path(name).resolve(), folder.resolve()))
    found = [place for file, base in pairs for place in (os.path.relpath(file, base), os.path.normpath(file))]
    return tuple(dict.fromkeys(Path(place).as_posix() for place in found))
