"""The second reading: every file written without what is dropped, whole or not at all."""

from __future__ import annotations

import errno
import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.filtering import copying
from contam.filtering.copying import Layout
from contam.filtering.packing import packed, raw_pieces
from contam.filtering.places import (
    ARROW,
    ELEMENTS,
    LINES,
    PARAGRAPHS,
    PARQUET,
    ROWS,
    WHOLE,
    Item,
    Output,
)
from contam.formats.task import ReadOptions

Lines = NDArray[np.int64]
HIDDEN = ".contam-"
"""How names begin that are there only while something is written; short, for names have a greatest length."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """What happens to one file.

    ``documents``: the lines of all its documents, ``dropped`` those that go, ``unread`` the records that are no
    documents; all ascending. ``layout`` is that of a table.
    """

    item: Item
    documents: Lines
    dropped: Lines
    unread: Lines
    layout: Layout | None = None

    @property
    def left(self) -> int:
        """How many records stay."""
        return len(self.documents) + len(self.unread) - len(self.dropped)


def unread_lines(item: Item, documents: Lines, layout: Layout | None, options: ReadOptions) -> Lines:
    """The records of a file that are no documents."""
    if item.kind in (WHOLE, PARAGRAPHS):
        return np.empty(0, np.int64)
    if item.kind in (PARQUET, ARROW):
        from contam.filtering.tables import count_rows

        return np.setdiff1d(count_rows(item.source.name, item.kind), documents)
    with raw_pieces(item.source, options) as pieces:
        if item.kind == ELEMENTS:
            found = copying.count_elements(pieces)
        elif item.kind == ROWS and layout is not None:
            found = copying.table_rows(pieces, layout)
        else:
            found = copying.filled_lines(pieces)
    return np.setdiff1d(found, documents)


def write_item(cuts: Cuts, made: Path, output: Output, options: ReadOptions) -> None:
    """Write the copy of one file to its place, and link it to those of the file's other paths."""
    target = made / cuts.item.target if output.folder else made
    target.parent.mkdir(parents=True, exist_ok=True)
    write_file(cuts, target, options)
    for _, name in cuts.item.links:
        other = made / name
        other.parent.mkdir(parents=True, exist_ok=True)
        try:
            other.hardlink_to(target)
        except OSError:  # not every file system has links
            shutil.copy(target, other)


def write_file(cuts: Cuts, target: Path, options: ReadOptions) -> None:
    """Write the copy of one file with its permissions: the very same bytes where nothing is dropped."""
    _write_bytes(cuts, target, options)
    shutil.copymode(cuts.item.source.name, target)


def _write_bytes(cuts: Cuts, target: Path, options: ReadOptions) -> None:
    source = cuts.item.source
    if not len(cuts.dropped):
        shutil.copyfile(source.name, target)
        return
    if cuts.item.kind in (PARQUET, ARROW):
        from contam.filtering import tables

        copy = tables.copy_parquet if cuts.item.kind == PARQUET else tables.copy_arrow
        copy(source.name, target, cuts.dropped)
        return
    try:
        with raw_pieces(source, options) as pieces, packed(target, source.compression) as write:
            _copy(cuts, pieces, write, options)
    except InputError as error:
        raise type(error)(f"{source.name}: {error}") from None


def _copy(cuts: Cuts, pieces: Iterator[bytes], write: Callable[[bytes], object], options: ReadOptions) -> None:
    kind, dropped = cuts.item.kind, cuts.dropped
    if kind == LINES:
        copying.copy_lines(pieces, *copying.joined(dropped, dropped + 1), write)
    elif kind == PARAGRAPHS:
        following = np.append(cuts.documents, np.iinfo(np.int64).max)
        ends = following[np.searchsorted(cuts.documents, dropped, "right")]
        copying.copy_lines(pieces, *copying.joined(dropped, ends), write)
    elif kind == ROWS and cuts.layout is not None:
        copying.copy_rows(pieces, cuts.layout, dropped, write)
    elif kind == ELEMENTS:
        copying.copy_elements(pieces, dropped, write)
    else:
        copying.copy_text(pieces, dropped, write, options.part_bytes)


@contextmanager
def whole_or_not(output: Output) -> Iterator[Path]:
    """A place beside the output to write to; when all went well it becomes the output, else nothing is left of it."""
    parent = output.path.parent
    try:
        place = Path(tempfile.mkdtemp(prefix=HIDDEN, dir=parent))
        try:
            made = place / "made"
            if output.folder:
                made.mkdir()
            yield made
            _exchange(made, output, place)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except OSError as error:
        raise _told(error, output) from error


def _exchange(made: Path, output: Output, place: Path) -> None:
    """Put the new output where the old one is, which goes last."""
    old = place / "replaced"
    if output.replaced:
        output.path.rename(old)
    try:
        made.rename(output.path)
    except OSError:
        if output.replaced:
            old.rename(output.path)
        raise


def _told(error: OSError, output: Output) -> InputError:
    """What went wrong with the disk, for people."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InputError(f"no space left for {output.path}: nothing is written; it may need as much as the corpus")
    return InputError(f"cannot write {output.path}: {error.strerror or error}; nothing is written")


@contextmanager
def manifest_beside(path: Path, rows: Iterator[Mapping[str, Any]]) -> Iterator[None]:
    """Write the list of what was dropped, a JSON object a line; it is put in place when all else is."""
    temporary = path.with_name(HIDDEN + secrets.token_hex(8))
    try:
        with temporary.open("x", encoding="ascii") as out:
            out.writelines(json.dumps(row, ensure_ascii=True) + "\n" for row in rows)
        yield
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
