"""Which files belong to which part of a corpus: globs relative to the folder of the configuration."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=256)
def pattern(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression over whole paths: ``*`` and ``?`` stay within a folder, ``**`` crosses folders.

    A glob that ends in ``/``, or that names a folder, takes everything below it.
    """
    parts = re.split(r"(\*\*/?|\*|\?|\[!?[^\]]+\])", glob.removeprefix("./").rstrip("/"))
    return re.compile("".join(_translated(part) for part in parts) + "(?:/.*)?", re.DOTALL)


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

    ``name`` is a path as the reader calls it, or an address, which is compared as it is.
    """
    place = name
    if "://" not in name and name != "-":
        place = Path(os.path.relpath(Path(name).absolute(), folder.absolute())).as_posix()
    return next((glob for glob in globs if pattern(glob).fullmatch(place)), None)
