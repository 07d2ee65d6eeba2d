"""Which documents are dropped and for what: the flags of single documents, and copies of earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.corpus import Chunk, Corpus, Task
from contam.engine import Progress
from contam.errors import InputError
from contam.filtering.copies import Asked, Ints, Pieces, first_copies, near_copies, shingles
from contam.filtering.measuring import Documents, Flags, in_order
from contam.filtering.options import DUP001, DUP002, FilterOptions
from contam_metrics.batch import Batch
from contam_metrics.segments import document_hashes


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a document is dropped: ``of`` is the document that it copies (a number), -1 for other rules."""

    rule: str
    value: float
    of: int = -1


@dataclass(frozen=True, slots=True)
class Read:
    """A corpus that can be opened again, and what was measured of its documents."""

    open: Callable[[], Corpus]
    documents: Documents


@dataclass(frozen=True, slots=True)
class Decided:
    """The documents of all corpora in reading order, text to compare with first.

    ``order`` int64: number of each in the order of decoding; ``fixed``: how many are text to compare with; ``findings``
    by number in reading order.
    """

    order: Ints
    fixed: int
    findings: dict[int, list[Finding]]
    pairs: int


def reading_order(documents: Documents) -> Ints:
    """The numbers of documents by file and line."""
    return np.lexsort((documents.lines, documents.files))


def decide(corpus: Read, against: Read | None, options: FilterOptions) -> Decided:
    """Judge every document. Raises InputError where the files have changed between the readings."""
    reads = [against, corpus] if against is not None else [corpus]
    orders, start = [], 0
    for read in reads:
        orders.append(start + reading_order(read.documents))
        start += len(read.documents)
    order = np.concatenate(orders)
    fixed = len(against.documents) if against is not None else 0
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    findings: dict[int, list[Finding]] = {}
    _own(corpus.documents.flags, place[fixed:] if fixed else place, findings)
    docs = np.concatenate([r.documents.docs for r in reads])[order]
    sizes = np.concatenate([r.documents.sizes for r in reads])[order]
    first = first_copies(docs, sizes)
    compared = 0
    if DUP002 in options.chosen:
        alone = first == np.arange(len(first))
        alone[[i for i in findings if i >= fixed]] = False
        alone[:fixed] = True
        compared = _near(reads, order, np.flatnonzero(alone), fixed, options, findings)
    copies = np.flatnonzero(first != np.arange(len(first)))
    for i in copies[copies >= fixed].tolist():
        near = [f for f in findings.get(int(first[i]), []) if f.rule == DUP002]
        exact = [Finding(DUP001, 1.0, int(first[i]))] if DUP001 in options.chosen else []
        if not exact and not near and DUP002 in options.chosen:
            exact = [Finding(DUP002, 1.0, int(first[i]))]
        findings.setdefault(i, []).extend((*exact, *near))
    return Decided(order, fixed, {i: f for i, f in findings.items() if f}, compared)


def _own(flags: Flags, place: Ints, findings: dict[int, list[Finding]]) -> None:
    """The flags of rules about single documents."""
    for rule, (places, values) in flags.items():
        for i, value in zip(place[places].tolist(), values.tolist()):
            findings.setdefault(i, []).append(Finding(rule, value))


def _near(
    reads: list[Read], order: Ints, chosen: Ints, fixed: int, options: FilterOptions,
    findings: dict[int, list[Finding]],
) -> int:  # fmt: skip
    """Near copies among the chosen documents (numbers in reading order), into ``findings``; the pairs compared."""
    rows = _rows(reads)
    numbers = order[chosen]
    if not np.array_equal(numbers, np.arange(len(rows))):
        rows = rows[numbers]

    if options.on_progress:
        options.on_progress(Progress("comparing"))

    def read(wanted: Ints, pieces: Pieces) -> None:
        read_pieces(reads, order[chosen[wanted]], wanted, pieces, options.threads)

    asked = Asked(rows, options.limit(DUP002), int((chosen < fixed).sum()), read)
    dropped, compared = near_copies(asked)
    for j, (i, value) in dropped.items():
        findings.setdefault(int(chosen[j]), []).append(Finding(DUP002, value, int(chosen[i])))
    return compared


def _rows(reads: list[Read]) -> NDArray[np.uint16]:
    from contam_metrics.signatures import BINS

    rows = [r.documents.rows for r in reads if r.documents.rows is not None]
    if len(rows) == 1:
        return rows[0]
    return np.concatenate(rows) if rows else np.empty((0, BINS), np.uint16)


@dataclass(frozen=True, slots=True)
class Again:
    """A task that is read again for some of its documents.

    ``wanted``: their places in it; ``names``: what they are called in the store; ``docs``: the content hashes that all
    of its documents had.
    """

    task: Task
    wanted: Ints
    names: Ints
    docs: NDArray[np.uint64]

    def pieces(self) -> list[tuple[int, NDArray[np.uint32]]]:
        """The pieces of the wanted documents; raises InputError where the text is another one now."""
        chunk: Chunk = self.task.decode()
        if not np.array_equal(document_hashes(chunk.batch), self.docs):
            raise changed(chunk.path or ", ".join(chunk.paths[:1]))
        batch = Batch.of([chunk.batch.text(i) for i in self.wanted.tolist()])
        return list(zip(self.names.tolist(), shingles(batch)))


def changed(name: str) -> InputError:
    """The error for a file that is not what it was at the first reading."""
    return InputError(f"{name or 'the corpus'} changed while it was read: nothing is written")


def read_pieces(reads: list[Read], numbers: Ints, names: Ints, pieces: Pieces, threads: int) -> None:
    """Read documents again (``numbers`` in the order of decoding) and put their pieces into a store under ``names``."""
    ranked = np.argsort(numbers)
    numbers, names = numbers[ranked], names[ranked]
    start = 0
    for read in reads:
        end = start + len(read.documents)
        a, b = np.searchsorted(numbers, (start, end)).tolist()
        if a < b:
            again = _again(read, numbers[a:b] - start, names[a:b])
            for found in in_order(again, lambda asked: asked.pieces(), threads):
                for name, some in found:
                    pieces.put(name, some)
        start = end


def _again(read: Read, numbers: Ints, names: Ints) -> Iterator[Again]:
    """The tasks with documents that are wanted."""
    low = seen = 0
    for task, count in zip(read.open().tasks(), read.documents.counts):
        a, b = np.searchsorted(numbers, (low, low + count)).tolist()
        if a < b:
            yield Again(task, numbers[a:b] - low, names[a:b], read.documents.docs[low : low + count])
        low, seen = low + count, seen + b - a
    if seen < len(numbers):
        raise changed("")
