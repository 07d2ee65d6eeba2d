"""Where a project keeps its corpus: what contam can read, looked for in the usual places first."""

from __future__ import annotations

import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contam.formats import FORMATS, format_of

USUAL = ("data", "corpus", "corpora", "dataset", "datasets", "texts", "text", "train", "training")
"""Names of folders that hold corpora, the likeliest first."""
NEVER = frozenset(
    ("node_modules", "venv", "env", "site-packages", "build", "dist", "docs", "doc", "src", "tests", "test", "target")
)
"""Folders that hold other files which contam could read."""
RECORDS = frozenset(("jsonl", "parquet", "arrow", "csv_table"))
"""Formats that hold documents wherever they lie; ``.txt``, ``.md`` and ``.json`` may be anything."""
MOST = 20_000
"""Files to look at before what was seen so far decides."""
DEFAULT = "data"


@dataclass(frozen=True, slots=True)
class Found:
    """A corpus: its path as ``contam audit`` takes it, relative to the project, and why it was chosen.

    ``sure`` is False where there was nothing to choose.
    """

    path: str
    why: str
    sure: bool = True


def find_corpus(folder: Path) -> Found:
    """The corpus of a project: a folder of a usual name, else the fullest folder with records, else files beside
    each other."""
    for name in USUAL:
        kinds = _kinds(folder / name, frozenset(FORMATS.values()))
        if kinds:
            return Found(name, f"it holds {_told(kinds)}")
    return _fullest(folder) or _beside(folder) or Found(DEFAULT, "nothing that contam reads was found", sure=False)


def configured_corpus(folder: Path) -> Found | None:
    """What ``contam.toml`` includes, where it is there and that is one path; a person has chosen it."""
    try:
        include = tomllib.loads((folder / "contam.toml").read_text("utf-8")).get("include")
    except (OSError, ValueError):
        return None
    match include:
        case str(path) | [str(path)] if path:
            return Found(path, "contam.toml says so")
    return None


def bytes_below(path: Path) -> int:
    """The bytes of a file, or of the files below a folder as far as they are looked at; 0 where there is nothing."""
    try:
        if path.is_file():
            return path.stat().st_size
        found = (Path(folder) / name for folder, name in _named(path))
        return sum(file.lstat().st_size for file in found)
    except OSError:
        return 0


def _fullest(folder: Path) -> Found | None:
    """The folder with most files of records."""
    kinds = {sub: _kinds(sub, RECORDS) for sub in _folders(folder) if sub.name not in NEVER}
    best = max(kinds, key=lambda sub: kinds[sub].total(), default=None)
    if best is None or not kinds[best]:
        return None
    return Found(best.name, f"it holds {_told(kinds[best])}, more than any other folder")


def _beside(folder: Path) -> Found | None:
    """Files of records in the project's own folder: the commonest suffix, as a glob where there are several."""
    names = [name for name in _files(folder, deep=False) if format_of(name)[0] in RECORDS]
    if not names:
        return None
    kinds = Counter(_suffix(name) for name in names)
    suffix, count = kinds.most_common(1)[0]
    if count == 1:
        return Found(next(n for n in names if _suffix(n) == suffix), "the only such file here")
    return Found(f"*{suffix}", f"{count} such files are here")


def _kinds(folder: Path, formats: frozenset[str]) -> Counter[str]:
    """The suffixes of the files below a folder that contam reads, counted."""
    return Counter(_suffix(name) for name in _files(folder) if format_of(name)[0] in formats)


def _suffix(name: str) -> str:
    _, compression = format_of(name)
    return "".join(Path(name).suffixes[-2 if compression else -1 :]).lower()


def _told(kinds: Counter[str]) -> str:
    parts = [f"{count} {suffix} file{'s' if count > 1 else ''}" for suffix, count in kinds.most_common(3)]
    return ", ".join(parts) + (" and others" if len(kinds) > 3 else "")


def _folders(folder: Path) -> list[Path]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return []
    return [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False) and _plain(e.name)]


def _plain(name: str) -> bool:
    """Whether a name is no hidden one and can be written into a file of settings."""
    return not name.startswith(".") and name.isprintable()


def _files(folder: Path, deep: bool = True) -> Iterator[str]:
    """Names of files below a folder, not those of hidden folders; at most ``MOST``."""
    return (name for _, name in _named(folder, deep))


def _named(folder: Path, deep: bool = True) -> Iterator[tuple[str, str]]:
    """Folder and name of each of them."""
    seen = 0
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _plain(name) and name not in NEVER) if deep else []
        for name in sorted(files):
            seen += 1
            if seen > MOST:
                return
            if _plain(name):
                yield here, name
