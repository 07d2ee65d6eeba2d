"""The first reading: where every document is, a hash and a signature of it, and which rules point at it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from contam.corpus import Chunk, Corpus, Task
from contam.engine import Progress
from contam.filtering.options import DUP002, PPL001, REP001, REP002, REP004, FilterOptions
from contam.filtering.surprise import Scorer
from contam.formats.task import Problem
from contam.result import Skipped
from contam.shards.seen import slices
from contam_metrics.gopher import PUBLISHED_LIMITS
from contam_metrics.kernels import warm
from contam_metrics.signatures import EMPTY
from contam_metrics.streaming.loops import loop_shares
from contam_metrics.streaming.repetition import gopher_shares
from contam_metrics.view import Scratch, View

EXCERPT = 400
EXCERPTS = 20
"""Worst documents of a rule, of each chunk, whose beginnings are kept for a person to read."""
S = TypeVar("S")
T = TypeVar("T")
Flags = dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Part:
    """What one task gave: a row a document.

    ``paths`` one a document, or one for all; ``lines`` int64, ``docs`` uint64 content hashes, ``sizes`` int64 bytes;
    ``rows`` uint16[n, BINS] signatures, or None; ``flags`` by rule: places and values; ``excerpts``: (rule, place,
    value, beginning). ``problem`` is what was wrong with a whole file.
    """

    paths: tuple[str, ...]
    lines: NDArray[np.int64]
    docs: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    rows: NDArray[np.uint16] | None
    flags: Flags
    excerpts: tuple[tuple[str, int, float, str], ...]
    skipped: tuple[Skipped, ...]
    skipped_total: int
    problem: Skipped | None
    consumed: int


def shares_of(rule: str, view: View) -> NDArray[np.float64]:
    """The value of a rule for every document of a view."""
    from contam_metrics.kernels import columns as k

    if rule == REP001:
        return loop_shares(view.loops, view.sizes)
    if rule == REP002:
        positions = view.ngrams[:, k.POSITIONS_4]
        return np.where(positions > 0, view.ngrams[:, k.LATER_4] / np.maximum(positions, 1), 0.0)
    shares = gopher_shares(view.ngrams, view.lines)
    ratios = np.stack([shares[name] / limit for name, limit in PUBLISHED_LIMITS.items()])
    return np.where(view.sizes > 0, ratios.max(axis=0), 0.0)


def over(rule: str, values: NDArray[np.float64], limit: float) -> NDArray[np.bool_]:
    """Which values count: those at the limit too, but for Gopher's limits, which are to be exceeded."""
    return values > limit if rule == REP004 else values >= limit


def signatures_of(view: View) -> NDArray[np.uint16]:
    """The MinHash signatures of a view, as `contam_metrics.signatures` keeps them."""
    from contam_metrics.kernels.calls import minhash
    from contam_metrics.kernels.columns import BINS

    minima = np.empty((len(view.batch), BINS), np.uint32)
    minhash(view.words.hashes, view.words.bounds, minima)
    none = minima == np.uint32(0xFFFFFFFF)
    return np.where(none, EMPTY, np.minimum(minima & 0xFFFF, 0xFFFE)).astype(np.uint16)


class Measurer:
    """Measures tasks in any thread; every thread has memory of its own."""

    def __init__(self, options: FilterOptions, scorer: Scorer | None = None) -> None:
        self.scorer = scorer
        self.surprise = options.surprise or (-np.inf, np.inf)
        self.rules = [r for r in (REP001, REP002, REP004) if r in options.chosen]
        self.limits = {r: options.limit(r) for r in self.rules}
        self.near = DUP002 in options.chosen
        self._own = threading.local()

    def __call__(self, task: Task) -> Part:
        """The part of a task."""
        chunk = task.decode()
        if not hasattr(self._own, "scratch"):
            self._own.scratch = Scratch()
        problem = None
        if isinstance(task, Problem) and task.reason is not None:
            problem = Skipped(task.path, task.reason, task.line)
        docs, rows, flags, excerpts = self._measured(chunk)
        return Part(
            chunk.paths or (chunk.path,), chunk.lines, docs, np.diff(chunk.batch.offsets), rows, flags,
            excerpts, chunk.skipped, chunk.skipped_total, problem, chunk.consumed,
        )  # fmt: skip

    def _measured(
        self, chunk: Chunk
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint16] | None, Flags, tuple[tuple[str, int, float, str], ...]]:
        docs, rows = [np.empty(0, np.uint64)], []
        values: dict[str, list[NDArray[np.float64]]] = {rule: [np.empty(0)] for rule in self.rules}
        for _, batch in slices(chunk.batch):
            view = View(batch, self._own.scratch)
            docs.append(view.docs)
            if self.near:
                rows.append(signatures_of(view))
            for rule in self.rules:
                values[rule].append(shares_of(rule, view))
        flags, excerpts = self._flagged(chunk, {rule: np.concatenate(found) for rule, found in values.items()})
        return np.concatenate(docs), np.concatenate(rows) if rows else None, flags, excerpts

    def _flagged(
        self, chunk: Chunk, values: dict[str, NDArray[np.float64]]
    ) -> tuple[Flags, tuple[tuple[str, int, float, str], ...]]:
        flags: Flags = {}
        excerpts: list[tuple[str, int, float, str]] = []
        for rule, found in values.items():
            places = np.flatnonzero(over(rule, found, self.limits[rule]))
            flags[rule] = places, found[places]
            excerpts += self._excerpts(chunk, rule, places, found)
        if self.scorer is not None:
            bits = self.scorer.bits([chunk.batch.text(i) for i in range(len(chunk.batch))])
            places = np.flatnonzero((bits < self.surprise[0]) | (bits > self.surprise[1]))
            flags[PPL001] = places, bits[places]
            excerpts += self._excerpts(chunk, PPL001, places, bits)
        return flags, tuple(excerpts)

    def _excerpts(
        self, chunk: Chunk, rule: str, places: NDArray[np.int64], values: NDArray[np.float64]
    ) -> list[tuple[str, int, float, str]]:
        """The beginnings of the worst documents of a rule."""
        worst = places[np.argsort(-values[places], kind="stable")][:EXCERPTS].tolist()
        return [(rule, i, float(values[i]), chunk.batch.text(i)[:EXCERPT].decode("utf-8", "replace")) for i in worst]


def in_order(tasks: Iterator[S], work: Callable[[S], T], threads: int) -> Iterator[T]:
    """What ``work`` makes of each task, in the order of the tasks, some of them ahead of what is asked for."""
    waiting: deque[Future[T]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Documents:
    """All documents in the order in which they were decoded.

    ``files`` int32 (number among ``names``), ``lines`` int64, ``docs`` uint64, ``sizes`` int64, ``rows``
    uint16[n, BINS] or None; ``flags`` by rule: places and values; ``counts``: documents of each task; ``excerpts``:
    (rule, place, value, beginning). ``skipped`` names what could not be read or was mended, ``incomplete`` the files
    in which something is wrong as a whole, ``odd`` the files with records that may be none.
    """

    names: tuple[str, ...]
    files: NDArray[np.int32]
    lines: NDArray[np.int64]
    docs: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    rows: NDArray[np.uint16] | None
    flags: Flags
    counts: tuple[int, ...]
    excerpts: tuple[tuple[str, int, float, str], ...]
    skipped: tuple[Skipped, ...]
    incomplete: tuple[Skipped, ...]
    odd: frozenset[str]

    def __len__(self) -> int:
        return len(self.lines)

    def id(self, i: int) -> str:
        """The name of a document: its file and line."""
        return f"{self.names[self.files[i]]}:{self.lines[i]}"


def measure_documents(
    corpus: Corpus, names: tuple[str, ...], options: FilterOptions, scorer: Scorer | None = None
) -> Documents:
    """Measure every document of a corpus whose files have ``names``; memory grows with the documents, not their text:
    about 30 bytes for each, and 256 more for near duplicates."""
    if not warm.compiled((*warm.MODULES, *corpus.kernels)):
        if options.on_progress:
            options.on_progress(Progress("compiling"))
        warm.compile_all(corpus.kernels)
    parts: list[Part] = []
    rows: list[NDArray[np.uint16]] = []
    done = documents = 0
    for part in in_order(corpus.tasks(), Measurer(options, scorer), options.threads):
        if part.rows is not None:
            rows.append(part.rows)
        parts.append(replace(part, rows=None))
        done, documents = done + part.consumed, documents + len(part.lines)
        if options.on_progress:
            options.on_progress(Progress("reading", done, corpus.total_bytes, documents))
    return replace(_joined(parts, names), rows=_stacked(rows, documents) if rows else None)


def _stacked(parts: list[NDArray[np.uint16]], count: int) -> NDArray[np.uint16]:
    """Signatures one below the other; ``parts`` are emptied on the way, so that memory does not hold them twice."""
    out = np.empty((count, parts[0].shape[1]), np.uint16)
    end = count
    while parts:
        part = parts.pop()
        out[end - len(part) : end] = part
        end -= len(part)
    return out


def _joined(parts: list[Part], names: tuple[str, ...]) -> Documents:
    """The documents of all parts, without signatures."""
    numbers = {name: i for i, name in enumerate(names)}
    counts = tuple(len(part.lines) for part in parts)
    starts = np.concatenate(([0], np.cumsum(counts))).astype(np.int64).tolist()
    files = [_files(part, numbers) for part in parts]
    rules = dict.fromkeys(rule for part in parts for rule in part.flags)
    flags: Flags = {}
    for rule in rules:
        found = [(start + part.flags[rule][0], part.flags[rule][1]) for start, part in zip(starts, parts)]
        flags[rule] = np.concatenate([p for p, _ in found]), np.concatenate([v for _, v in found])
    skipped = tuple(s for part in parts for s in part.skipped)
    return Documents(
        names,
        np.concatenate([np.empty(0, np.int32), *files]),
        np.concatenate([np.empty(0, np.int64), *(part.lines for part in parts)]),
        np.concatenate([np.empty(0, np.uint64), *(part.docs for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.sizes for part in parts)]),
        None,
        flags,
        counts,
        tuple((r, start + i, v, t) for start, part in zip(starts, parts) for r, i, v, t in part.excerpts),
        skipped,
        tuple(part.problem for part in parts if part.problem is not None),
        frozenset(s.path for s in skipped),
    )


def _files(part: Part, numbers: dict[str, int]) -> NDArray[np.int32]:
    if len(part.paths) == 1 or not len(part.lines):
        return np.full(len(part.lines), numbers.get(part.paths[0], -1) if part.paths else -1, np.int32)
    return np.array([numbers[path] for path in part.paths], np.int32)
