"""Any path to documents: files, folders, globs, standard input, the hub, or texts in memory.

``Corpus.open(...)`` lists what there is; ``tasks()`` cuts it into units of work in order, cheaply; any thread
decodes a task to a ``Chunk`` of documents. Nothing holds more than a few blocks at a time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from contam.errors import InputError
from contam.formats import listing
from contam.formats.kernels import modules_for
from contam.formats.task import DEFAULTS, Chunk, Problem, ReadOptions, Source, Task
from contam.result import Skipped

__all__ = ["Chunk", "Corpus", "ReadOptions", "Task"]


@dataclass(frozen=True, slots=True)
class Corpus:
    """A corpus to be read once.

    ``sources``: what was given. ``files``: how many files. ``total_bytes``: their size on disk, None where it
    is not known. ``skipped``: what could not be used while listing; the rest comes with the chunks.
    ``notes``: remarks.
    ``kernels``: modules of compiled code that reading may need.
    """

    sources: tuple[str, ...]
    files: int
    total_bytes: int | None
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    options: ReadOptions
    kernels: tuple[str, ...]
    _produce: Callable[[], Iterator[Task]]

    @classmethod
    def open(
        cls,
        sources: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
        options: ReadOptions = DEFAULTS,
        keep: Callable[[str], bool] | None = None,
    ) -> Corpus:
        """Lists files, folders, globs, ``-``, ``hf://`` and other URLs, each file once.

        ``keep`` says of the name of each file whether it belongs to the corpus (default: every one does). Raises
        ``InputError`` for a path that does not exist, or where nothing is left to read.
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
            hub = [url for url in hub if keep(url)]
        if not found.sources and not hub:
            raise nothing_to_read(given, found.skipped)
        sizes = [s.size for s in found.sources]
        total = None if hub or None in sizes else sum(s or 0 for s in sizes)
        return cls(
            tuple(given),
            len(sizes) + len(hub),
            total,
            found.skipped,
            tuple(found.notes),
            options,
            modules_for(s.format for s in found.sources),
            lambda: _all_tasks(found.sources, hub, options),
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
        if memory.is_dataset(texts):
            produce = partial(memory.dataset_tasks, texts, options, name)
        else:
            items = memory.rows(texts) if isinstance(texts, Mapping) else texts
            produce = partial(memory.tasks, items, options)
        return cls((name,), 1, None, (), (), options, (), produce)

    def tasks(self) -> Iterator[Task]:
        """The units of work, in order; one thread at a time may ask for the next.

        Raises ``InputError`` where the options are strict, or where no file at all could be read.
        """
        return self._produce()


def nothing_to_read(given: Iterable[str], skipped: Iterable[Skipped]) -> InputError:
    """The error for a corpus without a single readable file or document, with the reasons."""
    named = [f"{s.path}{'' if s.line is None else f':{s.line}'}: {s.reason}" for s in skipped]
    if not named:
        return InputError(f"no documents in {', '.join(given)}")
    more = f" (and {len(named) - 5} more)" if len(named) > 5 else ""
    return InputError("nothing to read: " + "; ".join(named[:5]) + more)


def _all_tasks(sources: list[Source], hub: list[str], options: ReadOptions) -> Iterator[Task]:
    """The tasks of all files; raises ``InputError`` where none of them could be read."""
    from contam.formats import text

    problems: list[Skipped] = []
    good = 0
    small: list[Source] = []
    held = 0
    for source in sources:
        if text.small(source, options):
            small.append(source)
            held += source.size or 0
            if held >= options.block_bytes or len(small) == text.MAX_FILES:
                yield text.TextFiles(tuple(small), options)
                small, held, good = [], 0, good + 1
            continue
        good += yield from _watched(source.name, lambda s=source: _tasks_of(s, options), options, problems)  # type: ignore[misc]
    if small:
        good += 1
        yield text.TextFiles(tuple(small), options)
    for url in hub:
        good += yield from _watched(url, lambda u=url: _hub_tasks(u, options), options, problems)  # type: ignore[misc]
    if not good:
        raise nothing_to_read([s.name for s in sources], problems)


def _watched(
    name: str, make: Callable[[], Iterator[Task]], options: ReadOptions, problems: list[Skipped]
) -> Generator[Task, None, int]:
    """The tasks of one file; what is wrong with it becomes a task that says so. Returns 1 where it gave
    any.
    """
    good = 0
    try:
        for task in make():
            good |= not isinstance(task, Problem)
            yield task
    except InputError as error:
        if options.strict:
            raise type(error)(f"{name}: {error}") from None
        problems.append(Skipped(name, str(error)))
        yield Problem(name, str(error))
    return int(good)


def _tasks_of(source: Source, options: ReadOptions) -> Iterator[Task]:
    if source.format is None:
        from contam.formats import sniffing

        return sniffing.tasks(source, options)
    return import_module(f"contam.formats.{source.format}").tasks(source, options)


def _hub_tasks(url: str, options: ReadOptions) -> Iterator[Task]:
    from contam.formats import hub

    return hub.tasks(url, options)
