"""The folder of kept measurements: files written whole or not at all, and the least recently used removed.

Several audits may use one folder at the same time. A file's name is its key, so two that write the same file write the
same bytes.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

from contam.errors import InputError, UsageError
from contam.formats.streams import human
from contam.shards.container import packed, unpacked
from contam_metrics.accumulators import Arrays

GIB = 1 << 30
LIMIT = 10
"""GiB that the folder may have; ``CONTAM_CACHE_LIMIT`` sets another number."""
TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of contam; it may be deleted at any time.\n"
STALE = 3600
"""Seconds after which a file that was begun and not finished is removed."""


def default_folder() -> Path:
    """Where ``--resume`` keeps what was measured if no folder is given; `InputError` where there is no home."""
    if given := os.environ.get("CONTAM_CACHE_DIR"):
        return Path(given).expanduser() / "audits"
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    except RuntimeError:
        raise InputError("there is no home folder to keep an audit in: give a folder with --cache-dir") from None
    return Path(root) / "contam" / "audits"


def limit_of_environment() -> int:
    """Bytes that a folder may have."""
    given = os.environ.get("CONTAM_CACHE_LIMIT", "")
    try:
        size = float(given or LIMIT)
        if not 0 <= size < 1 << 30:
            raise ValueError
    except ValueError:
        raise UsageError(f"CONTAM_CACHE_LIMIT is a number of GiB, not {given!r}") from None
    return int(size * GIB)


class Store:
    """Kept measurements by name. What goes wrong with writing is remembered in ``problem``, and nothing more written.

    A ``blind`` one only writes. Raises `InputError` where ``folder`` is a file.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self.folder = folder
        self.limit = limit_of_environment() if limit is None else limit
        self.blind = False
        self.begin = time.time()
        self.problem: str | None = None
        self.written = 0
        self._unchecked = 0
        self._lock = threading.Lock()
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: a file, not a folder to keep measurements in")

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.shard"

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        try:
            return not self.blind and self._path(name).is_file()
        except OSError:
            return False

    def read(self, name: str) -> Arrays:
        """The arrays of a name, which then counts as just used; OSError or ValueError where there are none."""
        path = self._path(name)
        arrays = unpacked(path.read_bytes())
        with suppress(OSError):
            os.utime(path)
        return arrays

    def remove(self, name: str) -> None:
        """Forget a name; OSError where that cannot be done."""
        self._path(name).unlink(missing_ok=True)

    def write(self, name: str, arrays: Arrays) -> None:
        """Keep arrays under a name, whole or not at all."""
        if self.problem:
            return
        data = packed(arrays)
        try:
            if self._full(len(data)):
                self.problem = f"it has reached {human(self.limit)}, its limit (CONTAM_CACHE_LIMIT, in GiB)"
                return
            self._write(self._path(name), data)
        except OSError as error:
            self.problem = error.strerror or type(error).__name__

    def _write(self, path: Path, data: bytes) -> None:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._mark()
        temporary = path.with_name("." + secrets.token_hex(8))
        try:
            with temporary.open("xb") as file:
                file.write(data)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise

    def _mark(self) -> None:
        """Say to backups and to git that the folder is a cache."""
        for name, text in (("CACHEDIR.TAG", TAG), (".gitignore", "*\n")):
            if not (self.folder / name).exists():
                self._write(self.folder / name, text.encode())

    def _full(self, size: int) -> bool:
        """Whether there is no room for ``size`` more bytes; looks at the folder now and then, and makes room."""
        with self._lock:
            self.written += size
            self._unchecked += size
            if self._unchecked < self.limit // 16 and self.written != size:
                return False
            self._unchecked = 0
            return self._make_room(size)

    def _make_room(self, size: int) -> bool:
        """Remove what was not used for longest, but nothing of this audit: whether there is still no room."""
        files = self._files()
        held = sum(status.st_size for _, status in files) + size
        for path, status in sorted(files, key=lambda row: row[1].st_mtime):
            hidden = path.name.startswith(".") and status.st_mtime < time.time() - STALE
            if hidden or (held > self.limit and status.st_mtime < self.begin):
                with suppress(OSError):
                    path.unlink()
                    held -= status.st_size
        return held > self.limit

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for path in [*self.folder.glob("??/*.shard"), *self.folder.glob("??/.*")]:
            with suppress(OSError):
                found.append((path, path.stat()))
        return found
