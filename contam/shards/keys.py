"""What kept measurements are named by: a digest of everything that they depend on."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from contam import __version__
from contam.corpus import Piece
from contam.formats.task import ReadOptions
from contam.shards.seen import Asked
from contam_metrics.metric import Metric

READ = 1 << 20
PACKAGES = ("numpy", "pyarrow", "zstandard")
SOURCES = ("contam_metrics", "contam.formats", "contam.shards")
FILES = ("engine.py", "corpus.py")


def settings_key(asked: Asked, options: ReadOptions) -> str:
    """Digest of how is read and measured: options, metrics, their code, and the versions of what they call."""
    modules = {metric.__module__.rpartition(".")[0] for metric in asked.metrics}
    given = {
        "contam": __version__,
        "python": platform.python_version(),
        "unicode": unicodedata.unidata_version,
        "packages": [_version(name) for name in PACKAGES],
        "code": [_code(name) for name in sorted({*SOURCES, *modules})] + [_engine()],
        "reading": asdict(options),
        "metrics": [[m.__module__, m.__qualname__, m.name, m.settings, _constants(m)] for m in asked.metrics],
        "sample": [asked.budget, asked.seed],
    }
    return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()


def _constants(metric: type[Metric]) -> list[tuple[str, str]]:
    """What a kind that was made for one audit was made with."""
    return sorted((name, repr(value)) for name, value in vars(metric).items() if isinstance(value, (int, float, str)))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@cache
def _code(package: str) -> str:
    """Digest of the modules of a package and of those below it."""
    spec = find_spec(package)
    if spec is None or not spec.origin:
        return ""
    return _digest(sorted(Path(spec.origin).parent.rglob("*.py")))


@cache
def _engine() -> str:
    return _digest(Path(__file__).parent.parent / name for name in FILES)


def _digest(files: Iterable[Path]) -> str:
    parts = (hashlib.sha256(path.read_bytes()).digest() for path in files)
    return hashlib.sha256(b"".join(parts)).hexdigest()


@dataclass(frozen=True, slots=True)
class Identity:
    """A piece as it was on disk: its key, and sizes and times of its files, to notice that one was written to."""

    key: str
    status: tuple[tuple[int, int], ...]

    def holds(self, piece: Piece) -> bool:
        """Whether the files are still what they were, as far as their sizes and times tell."""
        try:
            return self.status == _status(piece)
        except OSError:
            return False


def _status(piece: Piece) -> tuple[tuple[int, int], ...]:
    found = (os.stat(source.local or "") for source in piece.sources)  # noqa: PTH116 - the paths are strings
    return tuple((status.st_size, status.st_mtime_ns) for status in found)


def identity(piece: Piece, settings: str, stopped: Callable[[], bool]) -> Identity | None:
    """The identity of a piece by the content of its files; None where one cannot be read, or ``stopped`` said so."""
    total = hashlib.sha256(settings.encode())
    try:
        status = _status(piece)
        for source in piece.sources:
            total.update(json.dumps([source.name, source.format, source.compression]).encode())
            content = hashlib.sha256()
            with source.open() as file:
                while data := file.read(READ):
                    content.update(data)
                    if stopped():
                        return None
            total.update(content.digest())
    except OSError:
        return None
    return Identity(total.hexdigest(), status)
