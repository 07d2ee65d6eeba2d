"""The most copied documents as people know them: where its last copy is and where its first, and how it begins.

A document that came once in each of two files which were measured apart was seen twice by nobody; how it begins is
then read from its file again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from contam.corpus import Piece
from contam.errors import InputError
from contam.formats.task import Chunk, Task
from contam_metrics.accumulators import Worst
from contam_metrics.segments import document_hashes
from contam_metrics.streaming.copies import Copies
from contam_metrics.view import SOURCE

Place = tuple[str, int]
"""A file and a line."""


def name_copies(copies: Copies, pieces: Sequence[tuple[int, Piece]]) -> None:
    """Set the names and excerpts of the most copied documents; ``pieces`` come with the numbers of their sources."""
    pieces = sorted(pieces, key=lambda row: row[0])
    wanted: dict[int, dict[Place, int]] = defaultdict(dict)
    for leader in copies.leaders():
        first, last = (_found(place, pieces) for place in (leader.first, leader.last))
        if first is None or last is None:
            continue
        at, place = first
        names = ["{}:{}".format(*found) for found in (last[1], place)]
        copies.names[leader.doc] = names[0], names[1] if names[0] != names[1] else "", leader.text or b""
        if leader.text is None and pieces[at][1].again:
            wanted[at][place] = leader.doc
    for at, places in wanted.items():
        for doc, text in _read(pieces[at][1], places):
            copies.names[doc] = *copies.names[doc][:2], text


def _found(place: int, pieces: Sequence[tuple[int, Piece]]) -> tuple[int, Place] | None:
    """Which piece a place is in, and the name and line that people know it by; None where no piece has it."""
    number, line = divmod(place, SOURCE)
    at = bisect_right(pieces, number, key=lambda row: row[0]) - 1
    if at < 0 or number - pieces[at][0] >= len(pieces[at][1].names):
        return None
    return at, (pieces[at][1].names[number - pieces[at][0]], line)


def _read(piece: Piece, places: dict[Place, int]) -> Iterator[tuple[int, bytes]]:
    """(document, how it begins) of some places of a piece; a document that is there no longer is left out."""
    left = dict(places)
    try:
        for task in piece.make():
            if not left:
                return
            if not _may_hold(task, [line for _, line in left]):
                continue
            chunk = task.decode()
            for place in [p for p in left if _row(chunk, p) is not None]:
                row, doc = _row(chunk, place), left.pop(place)
                if row is not None and int(document_hashes(chunk.batch)[row]) == doc:
                    yield doc, chunk.batch.text(row)[: Worst.EXCERPT]
    except InputError:
        return


def _may_hold(task: Task, lines: list[int]) -> bool:
    """Whether a task may have one of some lines: those that hold a block know its lines, without decoding it."""
    block = getattr(task, "block", None)
    return block is None or any(block.line <= line <= block.line + block.newlines for line in lines)


def _row(chunk: Chunk, place: Place) -> int | None:
    """The row of a chunk that is at a place."""
    path, line = place
    for row in np.flatnonzero(chunk.lines == line).tolist():
        if (chunk.paths[row] if chunk.paths else chunk.path) == path:
            return int(row)
    return None
