"""Lineages side by side: in this process one after another, or in several processes with a queue of units.

A unit is generation 0 of a seed, or a lineage after it. Processes measure and keep text and models; this one alone
writes the log. A process whose parent is gone stops at its next generation.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.errors import ContamError, LimitError
from contam.experiments.recurse.backend import Beat
from contam.experiments.recurse.generations import generation_zero, lineage_from
from contam.experiments.recurse.options import Lineage, RecurseOptions
from contam.experiments.recurse.place import NGRAM, Place, base_name, place_of
from contam.models import launched

WAIT = 0.5
"""Seconds between two looks at whether the processes are alive."""
_COSTS = {"accumulate": 0, "accumulate-subsample": 1, "mix": 2, "replace": 3}
"""The longest lineages begin first."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Generation 0 of ``seed`` (``lineage`` None), or a lineage of which generation ``done`` was the last."""

    seed: int
    lineage: Lineage | None = None
    done: int = 0

    @property
    def name(self) -> str:
        """What it is called in messages and files."""
        return self.lineage.name if self.lineage else base_name(self.seed)


@dataclass(frozen=True, slots=True)
class Message:
    """What a unit tells: ``line`` (with its samples), ``beat``, ``failed``, ``over``, ``bug``."""

    kind: str
    unit: Unit
    content: Any = None


Hear = Callable[[Message], None]


def carry_out(place: Place, units: list[Unit], workers: int, hear: Hear) -> None:
    """Do all units, generation 0 of a seed before its lineages; ``hear`` is told of everything, in this process.

    A unit that fails with an error for people does not stop the others; its message has the error's text.
    """
    if workers <= 1 or not units:
        for unit in _ordered(units):
            _one(place, unit, hear)
        return
    _Crew(place, units, workers, hear).work()


def workers_for(options: RecurseOptions, units: int) -> int:
    """How many processes: as asked for, or one a core for what runs on CPUs, and one for a GPU."""
    if launched.count() > 1:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if options.workers:
        return options.workers
    return min(cores, max(units, 1)) if options.model == NGRAM or _on_cpu(options.device) else 1


def _on_cpu(device: str) -> bool:
    if device != "auto":
        return device == "cpu"
    import torch

    return not torch.cuda.is_available()


def _ordered(units: list[Unit]) -> list[Unit]:
    return sorted(units, key=lambda u: (u.lineage is not None, _COSTS[u.lineage.paradigm] if u.lineage else 0))


def _one(place: Place, unit: Unit, hear: Hear, alive: Callable[[], None] = lambda: None) -> None:
    """One unit in this process."""

    def send(line: dict[str, Any], samples: dict[str, Any]) -> None:
        hear(Message("line", unit, (line, samples)))
        alive()

    def beat(phase: str, share: float) -> None:
        hear(Message("beat", unit, (phase, share)))
        alive()

    try:
        _begun(place, unit, send, beat)
        hear(Message("over", unit))
    except ContamError as error:
        if launched.count() > 1:  # the others wait for this one: all end, and the run can be taken up
            raise
        hear(Message("failed", unit, (type(error).__name__, str(error))))
    except MemoryError:
        hear(Message("failed", unit, ("LimitError", _no_memory(unit))))
    except RuntimeError as error:
        if "out of memory" not in str(error).lower() and "can't allocate" not in str(error).lower():
            raise
        hear(Message("failed", unit, ("LimitError", _no_memory(unit))))


def _begun(place: Place, unit: Unit, send: Any, beat: Beat) -> None:
    if unit.lineage is None:
        generation_zero(place, unit.seed, send, beat)
    else:
        lineage_from(place, unit.lineage, unit.done, send, beat)


def _no_memory(unit: Unit) -> str:
    return (
        f"out of memory in {unit.name}; finished generations are kept: --resume with fewer --workers, or begin anew "
        "with a smaller --batch-size or --write-batch"
    )


class _Crew:
    """Processes that take units from a queue."""

    def __init__(self, place: Place, units: list[Unit], workers: int, hear: Hear) -> None:
        self.place, self.hear = place, hear
        self.waiting = _ordered(units)
        self.running: dict[Unit, None] = {}
        self.failed: set[int] = set()
        context: Any = multiprocessing.get_context("spawn")
        self.tasks, self.told = context.Queue(), context.Queue()
        threads = max(1, (os.cpu_count() or 1) // workers)
        workers = min(workers, len(units))
        given = (place.folder, place.options, self.tasks, self.told, threads, os.getpid())
        self.crew = [context.Process(target=_member, args=given, daemon=True) for _ in range(workers)]

    def work(self) -> None:
        """Until all is done, or an error that is a bug of ours."""
        with _without_main(), _memory_kept(), _uninterrupted():
            for member in self.crew:
                member.start()
        try:
            while self.waiting or self.running:
                for unit in list(self._ready()):
                    self.waiting.remove(unit)
                    self.running[unit] = None
                    self.tasks.put(unit)
                self._hear_one()
        finally:
            self._end()

    def _ready(self) -> Iterator[Unit]:
        """Units whose generation 0 is there, no more at a time than there are processes."""
        bases = {u.seed for u in (*self.waiting, *self.running) if u.lineage is None}
        free = len(self.crew) - len(self.running)
        able = (u for u in self.waiting if u.lineage is None or u.seed not in bases)
        for unit, _ in zip(able, range(free)):
            yield unit

    def _hear_one(self) -> None:
        try:
            message: Message = self.told.get(timeout=WAIT)
        except queue.Empty:
            dead = [m for m in self.crew if m.exitcode is not None]
            if dead:
                raise LimitError(
                    f"a process ended without a word (exit code {dead[0].exitcode}; out of memory?); finished "
                    "generations are kept: --resume with fewer --workers"
                ) from None
            return
        if message.kind == "bug":
            raise RuntimeError(message.content)
        if message.kind in ("over", "failed"):
            del self.running[message.unit]
        self.hear(message)
        if message.kind == "failed" and message.unit.lineage is None:
            self.waiting = [u for u in self.waiting if u.seed != message.unit.seed]

    def _end(self) -> None:
        for _ in self.crew:
            self.tasks.put(None)
        for member in self.crew:
            member.join(timeout=5.0 if not self.running else 0.0)
            if member.is_alive():
                member.terminate()
                member.join()
        for line in (self.tasks, self.told):
            line.cancel_join_thread()
            line.close()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Processes that begin in here ignore Ctrl-C, which is told to this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _memory_kept() -> Iterator[None]:
    """Processes that begin in here keep freed memory for their next arrays. Asking the system for the same hundred
    megabytes in every generation costs a tenth of the time of n-gram models (glibc; others do not look)."""
    names = {"MALLOC_MMAP_THRESHOLD_": 1 << 32, "MALLOC_TRIM_THRESHOLD_": 1 << 33, "MALLOC_TOP_PAD_": 1 << 26}
    fresh = {name: str(value) for name, value in names.items() if name not in os.environ}
    os.environ.update(fresh)
    try:
        yield
    finally:
        for name in fresh:
            del os.environ[name]


@contextmanager
def _without_main() -> Iterator[None]:
    """A spawned process would run the program's main file again, which may not be written for that; nothing in it is
    needed there."""
    main = sys.modules["__main__"]
    known = vars(main)
    kept = {name: known[name] for name in list(known) if name in ("__spec__", "__file__")}
    try:
        main.__spec__ = None
        known.pop("__file__", None)
        yield
    finally:
        known.update(kept)


def _member(folder: Path, options: RecurseOptions, tasks: Any, told: Any, threads: int, parent: int) -> None:
    """A process: make the place once, then do units until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told of Ctrl-C, and ends this process
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))

    def alive() -> None:
        if os.getppid() != parent:
            os._exit(1)

    unit = Unit(0)
    try:
        if options.model != NGRAM:
            import torch

            torch.set_num_threads(threads)
        place = None
        while (unit := tasks.get()) is not None:
            try:
                place = place or place_of(folder, options)
            except ContamError as error:
                told.put(Message("failed", unit, (type(error).__name__, str(error))))
                continue
            _one(place, unit, told.put, alive)
    except BaseException:
        told.put(Message("bug", unit, traceback.format_exc()))
