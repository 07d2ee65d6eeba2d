"""Reference sources in a folder: ``ROOT/DOMAIN/SOURCE``, where a source is a file or a folder of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from contam.errors import InputError
from contam.formats.task import ReadOptions


def find_sources(root: Path) -> tuple[tuple[str, str, Path], ...]:
    """(name, domain, path) of every source, in the order of names; hidden entries are passed over."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; expected a folder for each domain, in it the sources")
    loose = [path.name for path in _entries(root) if not path.is_dir()]
    if loose:
        raise InputError(
            f"{root}: {loose[0]} is not in the folder of a domain; expected {root.name}/DOMAIN/SOURCE, "
            "where a source (an author, a genre, a site) is a file or a folder"
        )
    found = [(domain, path) for domain in _entries(root) for path in _entries(domain)]
    return tuple((f"{domain.name} {_stem(path)}", domain.name, path) for domain, path in found)


def read_sources(root: Path, options: ReadOptions) -> Iterator[tuple[str, str, Iterator[bytes]]]:
    """(name, domain, documents) of every source; documents are read when they are asked for."""
    for name, domain, path in find_sources(root):
        yield name, domain, texts_of(path, options)


def texts_of(path: Path, options: ReadOptions) -> Iterator[bytes]:
    """The documents of a file or folder, in their order."""
    from contam.corpus import Corpus

    for task in Corpus.open([path], options).tasks():
        batch = task.decode().batch
        yield from (batch.text(i) for i in range(len(batch)))


def _entries(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _stem(path: Path) -> str:
    return path.name if path.is_dir() else path.name.partition(".")[0]
