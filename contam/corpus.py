"""Any path to documents: files, folders, globs, standard input, the hub, or texts in memory.

``Corpus.open(...)`` lists what there is; ``tasks()`` cuts it into units of work in order, cheaply; any thread
decodes a task to a ``Chunk`` of documents. Nothing holds more than a few blocks at a time.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any

from contam.errors import InputError
from contam.formats import listing
from contam.formats.kernels import modules_for
from contam.formats.pointers import not_fetched
from contam.formats.task import DEFAULTS, Chunk, Problem, ReadOptions, Source, Task
from contam.result import Skipped

__all__ = ["Chunk", "Corpus", "Piece", "ReadOptions", "Reading", "Task"]

ALONE = 1 << 18
"""Bytes from which a small text file is read by itself."""
BORDERS = 256
"""One in so many small files ends its group, by its name: so a file that comes or goes moves few borders."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is read as one: a file, several small ones, a dataset of the hub, texts in memory.

    ``names`` are what the documents' names begin with. ``sources`` are its files; ``again`` says whether all of them
    lie on this machine and can be read a second time. What is wrong with a ``guarded`` piece is skipped and told.
    """

    names: tuple[str, ...]
    make: Callable[[], Iterator[Task]]
    sources: tuple[Source, ...] = ()
    guarded: bool = True

    @property
    def again(self) -> bool:
        """Whether it can be read a second time."""
        return bool(self.sources) and all(source.local is not None for source in self.sources)


@dataclass(slots=True)
class Reading:
    """A corpus that is being read piece by piece: what is wrong with a piece becomes a task that says so.

    ``good`` counts the pieces that gave something.
    """

    strict: bool = False
    given: list[str] = field(default_factory=list)
    problems: list[Skipped] = field(default_factory=list)
    good: int = 0

    def tasks(self, piece: Piece) -> Iterator[Task]:
        """The tasks of a piece; raises ``InputError`` where the reading is strict, or the piece not guarded."""
        self.given += piece.names if piece.sources else ()
        good = not piece.guarded
        try:
            for task in piece.make():
                good |= not isinstance(task, Problem)
                yield task
        except InputError as error:
            name = piece.names[0]
            if not piece.guarded:
                raise
            if self.strict:
                raise type(error)(f"{name}: {error}") from None
            self.problems.append(Skipped(name, str(error)))
            yield Problem(name, str(error))
        self.good += good

    def check(self) -> None:
        """Raises ``InputError`` where no piece at all could be read."""
        if not self.good:
            raise nothing_to_read(self.given, self.problems)


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus to be read once.

    ``sources``: what was given. ``files``: how many files. ``total_bytes``: their size on disk, None where it
    is not known. ``skipped``: what could not be used while listing; the rest comes with the chunks.
    ``notes``: remarks.
    ``kernels``: modules of compiled code that reading may need. ``pieces``: what it is read in, in order.
    ``repeatable``: whether all of it can be read a second time.
    """

    sources: tuple[str, ...]
    files: int
    total_bytes: int | None
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    options: ReadOptions
    kernels: tuple[str, ...]
    pieces: Callable[[], Iterator[Piece]]
    repeatable: bool = False

    @classmethod
    def open(
        cls,
        sources: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
        options: ReadOptions = DEFAULTS,
        keep: Callable[[str], bool] | None = None,
    ) -> Corpus:
        """Lists files, folders, globs, ``-``, ``hf://`` and other URLs, each file once.

        ``keep`` says of the name of each file whether it belongs to the corpus (default: every one does). Raises
        ``InputError`` for a path that does not exist, or where nothing is left to read. Where files are pointers of
        Git LFS, reading raises it, before anything is read: a part of such a corpus says nothing of the whole.
        """
        given = [os.fspath(s) for s in ([sources] if isinstance(sources, (str, os.PathLike)) else sources)]
        if not given:
            raise InputError("nothing to read: give a file, a folder, or - for standard input")
        found = listing.Listing(options.strict)
        hub = [g for g in given if g.startswith("hf://")]
        for path in given:
            if "://" in path and path not in hub:
                from contam.formats import remote

                found.sources += remote.sources(path)
            elif path not in hub:
                found.add(path)
        if keep is not None:
            found.sources = [source for source in found.sources if keep(source.name)]
            found.log.named = [s for s in found.log.named if keep(s.path)]
            found.pointers = [path for path in found.pointers if keep(path)]
            hub = [url for url in hub if keep(url)]
        if not found.sources and not hub and not found.pointers:
            raise nothing_to_read(given, found.skipped)
        sizes = [s.size for s in found.sources]
        total = None if hub or None in sizes else sum(s or 0 for s in sizes)
        files = len(sizes) + len(hub) + len(found.pointers)
        pieces = partial(_pieces, found.sources, hub, options)
        if found.pointers:
            pieces = partial(_refused, not_fetched(found.pointers, files))
        return cls(
            tuple(given),
            files,
            total,
            found.skipped,
            tuple(found.notes),
            options,
            modules_for(s.format for s in found.sources),
            pieces,
            not hub and all(s.local is not None for s in found.sources),
        )

    @classmethod
    def from_texts(cls, texts: Any, options: ReadOptions = DEFAULTS) -> Corpus:
        """Texts in memory: an iterable of ``str``, bytes or records, a mapping of columns, or a ``datasets``
        object.

        An iterator is consumed as it is read. Raises ``InputError`` for a single string.
        """
        from contam.formats import memory

        memory.check(texts)
        name = memory.NAME
        names: tuple[str, ...] = (name,)
        if memory.is_dataset(texts):
            produce = partial(memory.dataset_tasks, texts, options, name)
            names = tuple(f"{name}/{split}" for split in texts) if isinstance(texts, Mapping) else names
        else:
            items = memory.rows(texts) if isinstance(texts, Mapping) else texts
            produce = partial(memory.tasks, items, options)
        piece = Piece(names, produce, guarded=False)
        return cls((name,), 1, None, (), (), options, (), lambda: iter((piece,)))

    def tasks(self) -> Iterator[Task]:
        """The units of work, in order; one thread at a time may ask for the next.

        Raises ``InputError`` where the options are strict, or where no file at all could be read.
        """
        reading = Reading(self.options.strict)
        for piece in self.pieces():
            yield from reading.tasks(piece)
        reading.check()


def nothing_to_read(given: Iterable[str], skipped: Iterable[Skipped]) -> InputError:
    """The error for a corpus without a single readable file or document, with the reasons."""
    named = [f"{s.path}{'' if s.line is None else f':{s.line}'}: {s.reason}" for s in skipped]
    if not named:
        return InputError(f"no documents in {', '.join(given)}")
    more = f" (and {len(named) - 5} more)" if len(named) > 5 else ""
    return InputError("nothing to read: " + "; ".join(named[:5]) + more)


def _refused(error: InputError) -> Iterator[Piece]:
    """The pieces of a corpus that is not to be read as it is."""
    raise error


def _pieces(sources: list[Source], hub: list[str], options: ReadOptions) -> Iterator[Piece]:
    """The pieces of some files and datasets."""
    from contam.formats import text

    small: list[Source] = []
    held = 0
    for source in sources:
        if not text.small(source, options):
            yield Piece((source.name,), partial(_tasks_of, source, options), (source,))
            continue
        size = source.size or 0
        if small and size >= ALONE:
            yield _group(small, options)
            small, held = [], 0
        small.append(source)
        held += size
        full = size >= ALONE or held >= options.block_bytes or len(small) == text.MAX_FILES
        if full or zlib.crc32(os.fsencode(source.name.rpartition("/")[2])) % BORDERS == 0:
            yield _group(small, options)
            small, held = [], 0
    if small:
        yield _group(small, options)
    for url in hub:
        yield Piece((url,), partial(_hub_tasks, url, options))


def _group(small: list[Source], options: ReadOptions) -> Piece:
    """Small text files that are read as one."""
    from contam.formats import text

    files = tuple(small)
    return Piece(tuple(s.name for s in files), lambda: iter((text.TextFiles(files, options),)), files)


def _tasks_of(source: Source, options: ReadOptions) -> Iterator[Task]:
    if source.format is None:
        from contam.formats import sniffing

        return sniffing.tasks(source, options)
    return import_module(f"contam.formats.{source.format}").tasks(source, options)


def _hub_tasks(url: str, options: ReadOptions) -> Iterator[Task]:
    from contam.formats import hub

    return hub.tasks(url, options)
