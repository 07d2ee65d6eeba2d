"""What every format has in common: how to read, one unit of work, and what it decodes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from contam.errors import InputError, UsageError
from contam.result import Skipped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from contam_metrics.batch import Batch

MIB = 1 << 20
MAX_NAMED = 100
"""Skipped records named for each chunk; ``Chunk.skipped_total`` counts all of them."""

SPLITS = (None, "lines", "blank-lines")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a corpus is read.

    ``text_field``: column or key, dotted for nested ones (``a.b``); None finds it. ``split``: None (one
    document a text file), ``lines`` or ``blank-lines``. ``strict``: the first bad record raises
    ``InputError``. ``max_document_bytes``: a longer record is skipped without being held in memory.
    ``part_bytes``: a longer plain text is cut into parts. ``max_expansion``: ratio at which a compressed file
    that has already given ``expansion_floor`` bytes is taken for a decompression bomb. ``block_bytes``: size
    of one unit of work.
    """

    text_field: str | None = None
    split: str | None = None
    strict: bool = False
    max_document_bytes: int = 16 * MIB
    part_bytes: int = 4 * MIB
    max_expansion: float = 100.0
    expansion_floor: int = 256 * MIB
    block_bytes: int = 2 * MIB

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UsageError(f"split is lines or blank-lines, not {self.split!r}")
        for name in ("max_document_bytes", "part_bytes", "block_bytes", "expansion_floor"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, not {getattr(self, name)}")


DEFAULTS = ReadOptions()


@dataclass(frozen=True, slots=True)
class Chunk:
    """What a task decodes to.

    ``batch``: the documents. ``lines``: int64, for each document its 1-based line (JSON lines, CSV, text
    split into lines or paragraphs, parts of a long text), its row + 1 (parquet, arrow, JSON arrays), or 1 for
    a whole file; not always ascending. ``skipped``: at most ``MAX_NAMED`` of the ``skipped_total`` records
    that could not be used or had to be mended. ``consumed``: input bytes done, for a progress bar. ``path``:
    the file; ``paths`` where the documents come from several files. ``notes``: remarks that are no fault of
    the input.
    """

    batch: Batch
    lines: NDArray[np.int64]
    skipped: tuple[Skipped, ...] = ()
    consumed: int = 0
    path: str = ""
    paths: tuple[str, ...] = ()
    skipped_total: int = 0
    notes: tuple[str, ...] = ()

    def id(self, i: int) -> str:
        """The name of document ``i``: its file and line."""
        return f"{self.paths[i] if self.paths else self.path}:{self.lines[i]}"


class Task(Protocol):
    """One unit of work, independent of every other: any thread may decode it, once."""

    def decode(self) -> Chunk:
        """The documents; raises ``InputError`` for a bad record where the options are strict."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """One file or stream of a corpus.

    ``name`` is what ids start with, ``size`` its bytes on disk where known, ``open`` gives its bytes from the
    start and raises ``OSError``. ``format`` and ``compression`` follow from the suffix; ``format`` is None
    where the content has to tell. ``local`` is the path of an ordinary file, for libraries that open files
    themselves.
    """

    name: str
    size: int | None
    open: Callable[[], BinaryIO]
    format: str | None = None
    compression: str | None = None
    local: str | None = None


@dataclass(slots=True)
class SkipLog:
    """Counts what could not be used, names the first of it, and raises where the reading is strict."""

    path: str
    strict: bool = False
    named: list[Skipped] = field(default_factory=list)
    total: int = 0
    most: int = MAX_NAMED

    def add(self, reason: str, line: int | None = None, path: str | None = None) -> None:
        """One more record (or file) with something wrong."""
        where = path or self.path
        if self.strict:
            raise InputError(f"{where}{'' if line is None else f':{line}'}: {reason}")
        self.total += 1
        if len(self.named) < self.most:
            self.named.append(Skipped(where, reason, line))


@dataclass(frozen=True, slots=True)
class Texts:
    """Documents on their way into a chunk: their bytes, and a line for each."""

    texts: Sequence[bytes]
    lines: Sequence[int]

    def chunk(self, log: SkipLog, consumed: int = 0, **more: Any) -> Chunk:
        """The chunk of these documents."""
        import numpy as np

        from contam_metrics.batch import Batch

        lines = np.array(self.lines, np.int64)
        return Chunk(Batch.of(self.texts), lines, tuple(log.named), consumed, log.path, skipped_total=log.total, **more)


@dataclass(frozen=True, slots=True)
class Problem:
    """A task without documents: something was wrong with a whole file, or there is something to say of it."""

    path: str
    reason: str | None = None
    line: int | None = None
    consumed: int = 0
    notes: tuple[str, ...] = ()

    def decode(self) -> Chunk:
        """An empty chunk that names the problem."""
        log = SkipLog(self.path)
        if self.reason is not None:
            log.add(self.reason, self.line)
        return Texts((), ()).chunk(log, self.consumed, notes=self.notes)
