"""Measuring a corpus: tasks are read and measured by threads, and what they saw is merged."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from contam.corpus import Chunk, Corpus, Task
from contam.result import Skipped
from contam_metrics.batch import Batch
from contam_metrics.metric import Metric
from contam_metrics.segments import Segments, SegmentSample
from contam_metrics.streaming import METRICS
from contam_metrics.view import Scratch, View

SLICE = 1 << 20
"""Bytes measured at a time: the words, ids and tables of so much text stay in a core's cache."""
KEPT_SKIPPED = 200
"""Skipped records that are named one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a measurement is: ``phase`` is compiling, reading or judging."""

    phase: str
    bytes_done: int = 0
    bytes_total: int | None = None
    documents: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to measure: threads, the words that the sample keeps, the seed that chooses them, and which metrics."""

    workers: int = 1
    budget: int = 250_000
    seed: int = 0
    on_progress: Callable[[Progress], None] | None = None
    metrics: tuple[type[Metric], ...] = METRICS


@dataclass(frozen=True)
class Measured:
    """What a measurement found: the metrics by name, the sample, and what could not be used."""

    metrics: dict[str, Metric]
    segments: Segments
    skipped: tuple[Skipped, ...]
    skipped_total: int
    notes: tuple[str, ...]
    seconds: float


def default_workers() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Seen:
    """What one thread has seen."""

    def __init__(self, plan: Plan, shared: dict[str, Metric]) -> None:
        self.metrics = {m.name: shared.get(m.name) or m() for m in plan.metrics}
        self.sample = SegmentSample(plan.budget, plan.seed)
        self.scratch = Scratch()
        self.skipped: list[Skipped] = []
        self.skipped_total = 0
        self.notes: set[str] = set()


@dataclass
class _Counter:
    """What is shared between the threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    bytes_done: int = 0
    documents: int = 0
    failure: BaseException | None = None
    stop: bool = False


def _slices(batch: Batch) -> Iterator[tuple[int, Batch]]:
    """(first document, batch) of about SLICE bytes each; a document is never divided."""
    offsets = batch.offsets
    first = 0
    while first < len(batch):
        last = int(np.searchsorted(offsets, offsets[first] + SLICE))
        last = min(max(last, first + 1), len(batch))
        yield first, Batch(batch.data, offsets[first : last + 1])
        first = last


def _label(chunk: Chunk, first: int, i: int) -> str:
    """The name of document ``i`` of the slice of a chunk that begins at ``first``."""
    return chunk.id(first + i)


def _take(chunk: Chunk, seen: _Seen, counter: _Counter) -> None:
    for first, batch in _slices(chunk.batch):
        view = View(batch, seen.scratch, partial(_label, chunk, first))
        for metric in seen.metrics.values():
            if metric.shared:
                with counter.lock:
                    metric.update(view)
            else:
                metric.update(view)
        seen.sample.update(view.words, view.docs, view.label)
    seen.skipped_total += chunk.skipped_total
    seen.notes.update(chunk.notes)
    seen.skipped += chunk.skipped[: max(0, KEPT_SKIPPED - len(seen.skipped))]
    with counter.lock:
        counter.bytes_done += chunk.consumed
        counter.documents += len(chunk.batch)


def _work(tasks: queue.Queue[Task | None], seen: _Seen, counter: _Counter) -> None:
    """One thread: decode and measure until there is no task, or another thread failed."""
    while (task := tasks.get()) is not None:
        if counter.stop:
            continue
        try:
            _take(task.decode(), seen, counter)
        except BaseException as error:
            counter.failure = counter.failure or error
            counter.stop = True


class _Feed:
    """The queue of tasks, with the progress told while it is filled."""

    def __init__(self, corpus: Corpus, plan: Plan, counter: _Counter) -> None:
        self.tasks: queue.Queue[Task | None] = queue.Queue(2 * plan.workers)
        self.corpus = corpus
        self.plan = plan
        self.counter = counter
        self._told = 0.0

    def tell(self, wait: float = 0.1) -> None:
        """Report the progress, at most ten times a second."""
        now = time.monotonic()
        if self.plan.on_progress and now - self._told >= wait:
            self._told = now
            done, documents = self.counter.bytes_done, self.counter.documents
            self.plan.on_progress(Progress("reading", done, self.corpus.total_bytes, documents))

    def fill(self) -> None:
        """Queue all tasks, each as soon as there is room, until one has failed."""
        for task in self.corpus.tasks():
            while not self.counter.stop:
                self.tell()
                try:
                    self.tasks.put(task, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if self.counter.stop:
                return

    def end(self, threads: int) -> None:
        """Queue an end for every thread: each empties the queue of what it will not do before it gets there."""
        for _ in range(threads):
            self.tasks.put(None)


def measure(corpus: Corpus, plan: Plan) -> Measured:
    """Measure a corpus in one pass; the figures do not depend on the number of workers or the order of files.

    The first error of a thread is raised here once all have stopped (bad records are no errors but skipped).
    """
    begin = time.perf_counter()
    counter = _Counter()
    shared = {m.name: m() for m in plan.metrics if m.shared}
    workers = [_Seen(plan, shared) for _ in range(plan.workers)]
    feed = _Feed(corpus, plan, counter)
    threads = [threading.Thread(target=_work, args=(feed.tasks, s, counter), daemon=True) for s in workers]
    for thread in threads:
        thread.start()
    try:
        feed.fill()
    except BaseException:
        counter.stop = True
        raise
    finally:
        feed.end(len(threads))
    for thread in threads:
        while thread.is_alive():
            thread.join(0.1)
            feed.tell()
    feed.tell(0.0)
    if counter.failure:
        raise counter.failure
    return _merged(corpus, workers, time.perf_counter() - begin)


def _merged(corpus: Corpus, workers: list[_Seen], seconds: float) -> Measured:
    total, *others = workers
    for seen in others:
        for name, metric in total.metrics.items():
            if not metric.shared:
                metric.merge(seen.metrics[name])
        total.sample.merge(seen.sample)
    named = [*corpus.skipped, *(s for seen in workers for s in seen.skipped)]
    count = len(corpus.skipped) + sum(seen.skipped_total for seen in workers)
    named.sort(key=lambda s: (s.path, s.line or 0, s.reason))
    notes = dict.fromkeys([*corpus.notes, *sorted(set().union(*(seen.notes for seen in workers)))])
    kept = tuple(named[:KEPT_SKIPPED])
    return Measured(total.metrics, total.sample.segments(), kept, count, tuple(notes), seconds)
