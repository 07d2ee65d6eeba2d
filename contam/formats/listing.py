"""From what a person typed to the files of a corpus: folders, globs, saved datasets, standard input."""

from __future__ import annotations

import glob
import json
import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from contam.errors import InputError
from contam.formats import FORMATS, PACKED_ITSELF, format_of
from contam.formats.pointers import is_pointer
from contam.formats.task import SkipLog, Source
from contam.result import Skipped

CARDS = ("readme", "license", "licence", "notice", "copying", "changelog", "citation")
"""Files about a corpus; left out of a folder that holds records or tables."""

TABLES = {*FORMATS.values()} - {"text"}


def opener(path: str) -> Callable[[], BinaryIO]:
    """Opens a file when it is called, unbuffered."""
    return partial(open, path, "rb", buffering=0)  # type: ignore[return-value]


class StandardInput:
    """Standard input, which nobody but its owner closes."""

    def read(self, size: int) -> bytes:
        """The next bytes."""
        return getattr(sys.stdin, "buffer", sys.stdin).read(size)  # type: ignore[return-value]

    def close(self) -> None:
        """Does nothing."""


def file_source(path: str, size: int | None, explicit: bool = True) -> Source:
    """A file as a source; its suffix names the format, and its content where the suffix says nothing."""
    kind, compression = format_of(path)
    if compression and kind in PACKED_ITSELF:
        raise InputError(f"{path}: {kind} compresses by itself; unpack this file first")
    return Source(path, size, opener(path), kind, compression, local=path if size is not None else None)


@dataclass(slots=True)
class Listing:
    """The files found so far, each once, and what could not be used.

    ``pointers`` are files that Git LFS has not fetched.
    """

    strict: bool = False
    sources: list[Source] = field(default_factory=list)
    pointers: list[str] = field(default_factory=list)
    log: SkipLog = field(init=False)
    notes: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    """Paths that are a file found before, by a link or given again, and how that one was called."""
    _files: dict[tuple[int, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = SkipLog("", self.strict, most=sys.maxsize)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What could not be used."""
        return tuple(self.log.named)

    def add(self, given: str) -> None:
        """One path, glob or ``-``; raises ``InputError`` where there is no such thing."""
        if not given:
            raise InputError("an empty path: name a file or a folder, . for this one, or - for standard input")
        if given == "-":
            self.sources.append(Source("-", None, StandardInput))  # type: ignore[arg-type]
            return
        try:
            Path(given).lstat()
        except OSError:
            self._glob(given)
            return
        self._path(given)

    def _glob(self, pattern: str) -> None:
        if not glob.has_magic(pattern):
            raise InputError(f"{pattern}: no such file or folder")
        matching = glob.glob(pattern, recursive=True)  # noqa: PTH207 - pathlib's has no absolute patterns
        found = sorted(path for path in matching if os.path.lexists(path))  # "nothing/**" matches a folder that is not
        if not found:
            raise InputError(f"{pattern}: no file matches")
        for path in found:
            self._path(path)

    def _path(self, path: str) -> None:
        """A path that was typed, or matched by a glob."""
        try:
            status = Path(path).stat()
        except OSError as error:
            self.log.add(_reason(error, path), path=path)
            return
        if stat.S_ISDIR(status.st_mode):
            before = len(self.sources)
            self._folder(path)
            if len(self.sources) == before and not self._repeated(path):
                self.log.add("a folder without files to read", path=path)
        else:
            self._file(path, status)

    def _repeated(self, path: str) -> bool:
        """Whether a folder holds files, all of which are in the listing already."""
        return any((s.st_dev, s.st_ino) in self._files for f in Path(path).rglob("*") if (s := _status(f)))

    def _file(self, path: str, status: os.stat_result) -> None:
        key = status.st_dev, status.st_ino
        if key in self._files:
            self.links.append((path, self._files[key]))
            return
        self._files[key] = path
        regular = stat.S_ISREG(status.st_mode)
        if regular and status.st_size == 0:
            self.log.add("an empty file", path=path)
            return
        if regular and is_pointer(path, status):
            self.pointers.append(path)
            return
        try:
            self.sources.append(file_source(path, status.st_size if regular else None))
        except InputError as error:
            self.log.add(str(error).removeprefix(f"{path}: "), path=path)

    def _folder(self, path: str) -> None:
        if shards := _saved(path):
            for shard in shards:
                self._path(shard)
            return
        found: list[tuple[str, os.stat_result]] = []
        unknown: Counter[str] = Counter()
        for name, status in self._walk(path, ()):
            kind, _ = format_of(name)
            if kind is None and Path(name).suffix:
                unknown[Path(name).suffix.lower()] += 1
            else:
                found.append((name, status))
        records = any(format_of(name)[0] in TABLES for name, _ in found)
        for name, status in found:
            if records and Path(name).stem.lower() in CARDS and format_of(name)[0] in (None, "text"):
                self.notes.append(f"{name}: about the corpus by its name, not audited")
            else:
                self._file(name, status)
        for suffix, count in sorted(unknown.items()):
            self._unread(path, suffix, count)

    def _unread(self, path: str, suffix: str, count: int) -> None:
        """Files of a suffix that no format has: named, and no reason for ``--strict`` to stop."""
        files = "1 file" if count == 1 else f"{count} files"
        self.log.total += 1
        known = " ".join(FORMATS)
        self.log.named.append(Skipped(path, f"{files} ending in {suffix} not read (known: {known})"))

    def _walk(self, folder: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, os.stat_result]]:
        """The regular files below a folder in the order of their names; hidden ones are left out."""
        try:
            status = Path(folder).stat()
            entries = sorted(os.scandir(folder), key=lambda e: e.name)
        except OSError as error:
            self.log.add(_reason(error, folder), path=folder)
            return
        here = (status.st_dev, status.st_ino)
        if here in above:
            self.log.add("a loop of symbolic links", path=folder)
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                status = entry.stat()
            except OSError as error:
                self.log.add(_reason(error, entry.path), path=entry.path)
                continue
            if stat.S_ISDIR(status.st_mode):
                if shards := _saved(entry.path):
                    yield from ((s, Path(s).stat()) for s in shards)
                else:
                    yield from self._walk(entry.path, (*above, here))
            elif stat.S_ISREG(status.st_mode):
                yield entry.path, status
            else:
                self.log.add("not a regular file", path=entry.path)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _reason(error: OSError, path: str) -> str:
    """Why a path cannot be used, for people."""
    import errno

    if error.errno == errno.ELOOP:
        return "a loop of symbolic links"
    if isinstance(error, FileNotFoundError) and Path(path).is_symlink():
        return f"a symbolic link to nothing ({Path(path).readlink()})"
    return f"cannot be read: {error.strerror or error}"


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _saved(folder: str) -> list[str]:
    """The Arrow files of a folder written by ``datasets.save_to_disk`` (of all its splits); empty for
    another.
    """
    here = Path(folder)
    splits = _json(here / "dataset_dict.json") if (here / "dataset_dict.json").is_file() else None
    if isinstance(splits, dict) and isinstance(splits.get("splits"), list):
        return [shard for name in splits["splits"] for shard in _saved(str(here / str(name)))]
    state = _json(here / "state.json") if (here / "state.json").is_file() else None
    files = state.get("_data_files") if isinstance(state, dict) else None
    if not isinstance(files, list):
        return []
    names = [f["filename"] for f in files if isinstance(f, dict) and isinstance(f.get("filename"), str)]
    return [str(here / name) for name in names]


def listing(given: Iterable[str | os.PathLike[str]], strict: bool = False) -> Listing:
    """The files behind paths, globs and ``-``, each file once."""
    found = Listing(strict)
    for path in given:
        found.add(os.fspath(path))
    return found
