"""Measuring a corpus: tasks are read and measured by threads, and what they saw is merged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contam.corpus import Corpus
from contam.result import Skipped
from contam.shards.feeding import Feed
from contam.shards.naming import name_copies
from contam.shards.seen import KEPT_SKIPPED, Asked
from contam.shards.store import Store
from contam.shards.work import Workers
from contam_metrics.metric import Metric
from contam_metrics.segments import Segments
from contam_metrics.streaming import METRICS
from contam_metrics.streaming.copies import Copies


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a measurement is: ``phase`` is compiling, reading or judging."""

    phase: str
    bytes_done: int = 0
    bytes_total: int | None = None
    documents: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """How to measure: threads, the words that the sample keeps, the seed that chooses them, and which metrics.

    ``cache_dir`` is the folder that keeps what is measured, and gives what was measured before; None keeps nothing.
    ``resume`` says that something is expected there.
    """

    workers: int = 1
    budget: int = 250_000
    seed: int = 0
    on_progress: Callable[[Progress], None] | None = None
    metrics: tuple[type[Metric], ...] = METRICS
    cache_dir: Path | None = None
    resume: bool = False


@dataclass(frozen=True)
class Measured:
    """What a measurement found: the metrics by name, the sample, and what could not be used.

    ``restored_files`` were not measured: all of theirs was kept from an earlier time.
    """

    metrics: dict[str, Metric]
    segments: Segments
    skipped: tuple[Skipped, ...]
    skipped_total: int
    notes: tuple[str, ...]
    seconds: float
    measured_files: int = 0
    restored_files: int = 0


def default_workers() -> int:
    """The processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Told:
    """The progress of a corpus as it is told, at most ten times a second."""

    def __init__(self, corpus: Corpus, plan: Plan, workers: Workers) -> None:
        self.total = corpus.total_bytes
        self.report = plan.on_progress
        self.workers = workers
        self._last = 0.0

    def __call__(self, wait: float = 0.1) -> None:
        now = time.monotonic()
        if self.report and now - self._last >= wait:
            self._last = now
            self.report(Progress("reading", self.workers.bytes_done, self.total, self.workers.documents))


def measure(corpus: Corpus, plan: Plan) -> Measured:
    """Measure a corpus in one pass; what is found does not depend on the number of workers, the order of files, or on
    what was measured before.

    The first error of a thread is raised here once all have stopped (bad records are no errors but skipped).
    """
    begin = time.perf_counter()
    store = Store(plan.cache_dir) if plan.cache_dir is not None else None
    try:
        feed = _measured(corpus, plan, store)
        if store is not None and feed.workers.total and not feed.workers.total.exact():
            # Parts of a much larger corpus were kept, and too little of them for this one.
            store.blind, damaged = True, feed.workers.damaged
            feed = _measured(corpus, plan, store)
            feed.workers.damaged = damaged
    except KeyboardInterrupt as interrupt:
        if store is not None and store.written:
            interrupt.add_note(f"what was measured is kept in {store.folder}: the same command goes on from there")
        raise
    return _merged(corpus, plan, feed, time.perf_counter() - begin)


def _measured(corpus: Corpus, plan: Plan, store: Store | None) -> Feed:
    """One pass over a corpus; raises the first error of a thread."""
    workers = Workers(plan.workers, Asked(plan.metrics, plan.budget, plan.seed), store)
    tell = _Told(corpus, plan, workers)
    feed = Feed(corpus, workers, store, tell)
    _run(feed, workers)
    tell(0.0)
    if workers.failure:
        raise workers.failure
    return feed


def _run(feed: Feed, workers: Workers) -> None:
    """Queue everything and wait until it is done, or something failed."""
    try:
        feed.fill()
    except BaseException:
        workers.stop = True
        raise
    finally:
        workers.end()
    try:
        for thread in workers.threads:
            while thread.is_alive():
                thread.join(0.1)
                feed.tell()
    except BaseException:
        workers.stop = True
        raise


def _merged(corpus: Corpus, plan: Plan, feed: Feed, seconds: float) -> Measured:
    seen = feed.workers.total
    assert seen is not None
    copies = seen.metrics.get(Copies.name)
    if isinstance(copies, Copies):
        name_copies(copies, feed.pieces)
    named = sorted([*corpus.skipped, *seen.skipped], key=lambda s: (s.path, s.line or 0, s.reason))
    notes = dict.fromkeys([*corpus.notes, *sorted(seen.notes), *_kept_notes(plan, feed)])
    files = corpus.files, feed.restored_files
    return Measured(
        seen.metrics, seen.sample.segments(), tuple(named[:KEPT_SKIPPED]), len(corpus.skipped) + seen.skipped_total,
        tuple(notes), seconds, files[0] - files[1], files[1],
    )  # fmt: skip


def _kept_notes(plan: Plan, feed: Feed) -> list[str]:
    """What there is to say of measurements that are kept."""
    store, workers = feed.store, feed.workers
    notes: list[str] = []
    if store is None:
        return notes
    if plan.resume and not workers.restored:
        notes.append(f"{store.folder}: nothing of this audit is kept there: measured from the beginning")
    if workers.damaged:
        files = "1 file is" if workers.damaged == 1 else f"{workers.damaged} files are"
        notes.append(f"{store.folder}: {files} damaged: measured again")
    streams = [name for _, piece in feed.pieces if not piece.again for name in piece.names]
    if streams:
        more = f" and {len(streams) - 3} more" if len(streams) > 3 else ""
        notes.append(f"{', '.join(streams[:3])}{more}: measured every time, only files of this machine are kept")
    if store.problem:
        notes.append(f"{store.folder}: cannot keep what is measured: {store.problem}")
    return notes
