"""The threads that measure, and the shards that they fill: what is kept together is a shard."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from dataclasses import dataclass, field

from contam.corpus import Piece
from contam.formats.task import Task
from contam.shards.keys import Identity
from contam.shards.seen import Asked, Fineness, Numbered, Seen
from contam.shards.store import Store
from contam_metrics.metric import Metric
from contam_metrics.view import Scratch

TRANSIENT = ("cannot be read", "reading failed")
"""What begins the reasons that may be gone the next time: a shard with such a one is not kept."""


@dataclass(slots=True)
class Kept:
    """A piece whose measurement is kept: it as it was, the number of its first source, whether any of it was
    measured, and the shards that could not be restored."""

    piece: Piece
    identity: Identity
    first: int
    measured: bool = False
    lost: set[int] = field(default_factory=set)

    def name(self, number: int, last: bool = False) -> str:
        """The name in the store of one of its shards."""
        return f"{self.identity.key}.{number:05}{'.last' if last else ''}"


class Shard:
    """What several threads see of one run of tasks: each for itself, and the shared metrics together.

    ``kept`` is the piece that it belongs to and ``name`` what it is kept under; None where it is not kept. ``born`` is
    how finely it samples from the beginning.
    """

    def __init__(self, asked: Asked, kept: Kept | None = None, born: Fineness | None = None) -> None:
        self.asked = asked
        self.kept = kept
        self.born = born
        self.name: str | None = None
        self.lock = threading.Lock()
        self.shared: dict[str, Metric] = {m.name: m() for m in asked.metrics if m.shared}
        self.parts: dict[int, Seen] = {}
        self.open = 1
        """Tasks that are not done, and one until it is closed."""

    def part(self) -> Seen:
        """What this thread sees."""
        me = threading.get_ident()
        with self.lock:
            if me not in self.parts:
                self.parts[me] = Seen(self.asked, self.shared, self.born)
            return self.parts[me]

    def began(self) -> None:
        """One more task."""
        with self.lock:
            self.open += 1

    def ended(self) -> bool:
        """One task less, or closed: whether it is complete."""
        with self.lock:
            self.open -= 1
            return self.open == 0

    def seen(self) -> Seen:
        """What all threads saw together."""
        first, *others = self.parts.values() or [Seen(self.asked, self.shared, self.born)]
        for other in others:
            first.merge(other)
        return first


@dataclass(frozen=True, slots=True)
class Work:
    """A task of a shard; without a task, the end of the shard."""

    shard: Shard
    task: Task | None
    sources: Numbered


@dataclass(frozen=True, slots=True)
class Restore:
    """A shard that is in the store."""

    kept: Kept
    number: int
    name: str


class Workers:
    """Threads that measure or restore, and the total of what they saw.

    ``parts`` is how finely a part has to sample by now. ``failure`` is the first error; all stop then.
    """

    def __init__(self, count: int, asked: Asked, store: Store | None) -> None:
        self.asked = asked
        self.store = store
        self.tasks: queue.Queue[Work | Restore | None] = queue.Queue(2 * count)
        self.lock = threading.Lock()
        self.total: Seen | None = None
        self.parts: Fineness | None = None
        self.bytes_done = 0
        self.documents = 0
        self.restored = 0
        self.damaged = 0
        self.waiting = 0
        self.failure: BaseException | None = None
        self.stop = False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def pause(self) -> None:
        """Wait a moment for the threads."""
        self.threads[0].join(0.01)

    def end(self) -> None:
        """Queue an end for every thread: each empties the queue of what it will not do before it gets there."""
        for _ in self.threads:
            self.tasks.put(None)

    def _run(self) -> None:
        scratch = Scratch()
        while (work := self.tasks.get()) is not None:
            try:
                if not self.stop:
                    self._restore(work) if isinstance(work, Restore) else self._measure(work, scratch)
            except BaseException as error:
                self.failure = self.failure or error
                self.stop = True
            finally:
                with self.lock:
                    self.waiting -= 1

    def _measure(self, work: Work, scratch: Scratch) -> None:
        if work.task is not None:
            chunk = work.task.decode()
            work.shard.part().take(chunk, scratch, work.sources, work.shard.lock)
            with self.lock:
                self.bytes_done += chunk.consumed
                self.documents += len(chunk.batch)
        if work.shard.ended():
            self._finish(work.shard)

    def _finish(self, shard: Shard) -> None:
        """Keep a complete shard and add it to the total."""
        seen = shard.seen()
        kept = shard.kept
        if kept is not None and self.store is not None:
            lasting = not any(skipped.reason.startswith(TRANSIENT) for skipped in seen.skipped)
            if shard.name and lasting and not self.store.problem and kept.identity.holds(kept.piece):
                self.store.write(shard.name, seen.arrays())
            seen.shift(kept.first)
        self.add(seen)

    def add(self, seen: Seen) -> None:
        """Add to the total; nothing else may use ``seen`` afterwards."""
        with self.lock:
            if self.total is None:
                self.total = seen
            else:
                self.total.merge(seen)
            self.parts = self.total.fineness().of_parts() if self.store is not None else None

    def _restore(self, work: Restore) -> None:
        """Add a shard from the store; one that is gone, damaged or not to be read is remembered as lost."""
        assert self.store is not None
        seen = Seen(self.asked)
        try:
            seen.restore(self.store.read(work.name))
            seen.shift(work.kept.first)
        except OSError:
            with self.lock:
                work.kept.lost.add(work.number)
            return
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError):
            with self.lock:
                self.damaged += 1
                work.kept.lost.add(work.number)
            with suppress(OSError):
                self.store.remove(work.name)
            return
        with self.lock:
            self.restored += 1
            self.bytes_done += seen.consumed
            self.documents += seen.documents
        self.add(seen)
