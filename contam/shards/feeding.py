"""A corpus on its way to the threads: pieces whose measurement is in the store are restored, the others cut into
tasks."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from itertools import count

from contam.corpus import Corpus, Piece, Reading
from contam.shards.keys import Identity, identity, settings_key
from contam.shards.seen import Fineness, Numbered
from contam.shards.store import Store
from contam.shards.work import Kept, Restore, Shard, Work, Workers

RUN = 16
"""Tasks of a shard: about 32 MB of a large file."""
STREAMS = 1 << 25
"""Sources that cannot be read again are numbered from here on, so that of equal documents one in a file is named."""
PAUSE = 0.1
"""Seconds between two looks at whether to stop."""


class Feed:
    """Queues the work of a corpus; ``tell`` is called while it waits.

    ``pieces`` are all that were queued, with the numbers of their sources.
    """

    def __init__(self, corpus: Corpus, workers: Workers, store: Store | None, tell: Callable[[], None]) -> None:
        self.corpus = corpus
        self.workers = workers
        self.store = store
        self.tell = tell
        self.reading = Reading(corpus.options.strict)
        self.pieces: list[tuple[int, Piece]] = []
        self.kept: list[Kept] = []
        self._rest = Shard(workers.asked)
        self._numbers = {True: 0, False: STREAMS}

    @property
    def restored_files(self) -> int:
        """Files of which nothing had to be measured."""
        return sum(len(kept.piece.names) for kept in self.kept if not kept.measured)

    def fill(self) -> None:
        """Queue everything, each as soon as there is room, until something has failed.

        Raises what reading the corpus raises.
        """
        for piece, found in self._identified():
            first = self._numbered(piece)
            if found is None:
                self._measure(piece, first)
            else:
                self._known(Kept(piece, found, first))
            if self.workers.stop:
                return
        self._put(Work(self._rest, None, Numbered({})))
        self.reading.check()
        if self.store is not None:
            self._again()

    def _numbered(self, piece: Piece) -> int:
        first = self._numbers[piece.again]
        self._numbers[piece.again] += len(piece.names)
        self.pieces.append((first, piece))
        return first

    def _measure(self, piece: Piece, first: int) -> None:
        """Queue a piece that is not kept."""
        sources = Numbered(_numbers(piece), first)
        for task in self.reading.tasks(piece):
            self._rest.began()
            self._put(Work(self._rest, task, sources))
            if self.workers.stop:
                return

    def _known(self, kept: Kept) -> None:
        """Queue a piece that is kept: what is in the store is restored."""
        assert self.store is not None
        self.kept.append(kept)
        names = []
        for number in count():
            if self.store.has(kept.name(number, last=True)):
                names.append(kept.name(number, last=True))
                break
            if not self.store.has(kept.name(number)):
                self._shards(kept, self.reading, self._restored)
                return
            names.append(kept.name(number))
        self.reading.good += 1
        for number, name in enumerate(names):
            self._put(Restore(kept, number, name))

    def _restored(self, kept: Kept, number: int) -> bool:
        """Whether a shard is in the store; it is queued then."""
        assert self.store is not None
        for name in (kept.name(number), kept.name(number, last=True)):
            if self.store.has(name):
                self._put(Restore(kept, number, name))
                return True
        return False

    def _shards(self, kept: Kept, reading: Reading, passed: Callable[[Kept, int], bool]) -> None:
        """Queue the tasks of a piece, shard by shard, but for those of which ``passed`` says so."""
        sources, good = Numbered(_numbers(kept.piece)), reading.good
        shard: Shard | None = None
        number = 0
        for at, task in enumerate(reading.tasks(kept.piece)):
            number, within = divmod(at, RUN)
            if within == 0:
                self._close(shard, kept.name(number - 1))
                shard = None if passed(kept, number) else Shard(self.workers.asked, kept, self._born())
            if shard is not None:
                kept.measured = True
                shard.began()
                self._put(Work(shard, task, sources))
            if self.workers.stop:
                return
        self._close(shard, kept.name(number, last=True) if reading.good > good else None)

    def _born(self) -> Fineness | None:
        """How finely the next shard samples: as all of the corpus where some of it cannot be measured again."""
        return self.workers.parts if self.corpus.repeatable else None

    def _close(self, shard: Shard | None, name: str | None) -> None:
        if shard is not None:
            shard.name = name
            self._put(Work(shard, None, Numbered({})))

    def _put(self, work: Work | Restore) -> None:
        with self.workers.lock:
            self.workers.waiting += 1
        while not self.workers.stop:
            self.tell()
            try:
                self.workers.tasks.put(work, timeout=PAUSE)
                return
            except queue.Full:
                continue

    def _again(self) -> None:
        """Measure what was in the store and could not be restored: damaged, or removed by another audit."""
        while self.workers.waiting and not self.workers.stop:
            self.workers.pause()
            self.tell()
        for kept in self.kept:
            if kept.lost and not self.workers.stop:
                self._shards(kept, Reading(self.corpus.options.strict), _not_lost)

    def _identified(self) -> Iterator[tuple[Piece, Identity | None]]:
        """The pieces with their identities, which are found a little ahead, several at a time."""
        if self.store is None:
            yield from ((piece, None) for piece in self.corpus.pieces())
            return
        settings = settings_key(self.workers.asked, self.corpus.options) + str(self.corpus.repeatable)
        ahead = len(self.workers.threads)
        pool = ThreadPoolExecutor(ahead)
        waiting: deque[tuple[Piece, Future[Identity | None] | None]] = deque()
        try:
            for piece in self.corpus.pieces():
                found = pool.submit(identity, piece, settings, lambda: self.workers.stop) if piece.again else None
                waiting.append((piece, found))
                if len(waiting) > 2 * ahead:
                    yield self._first(waiting)
            while waiting:
                yield self._first(waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _first(
        self, waiting: deque[tuple[Piece, Future[Identity | None] | None]]
    ) -> tuple[Piece, Identity | None]:
        piece, found = waiting.popleft()
        while found is not None and not self.workers.stop:
            try:
                return piece, found.result(PAUSE)
            except TimeoutError:
                self.tell()
        return piece, None


def _not_lost(kept: Kept, number: int) -> bool:
    return number not in kept.lost


def _numbers(piece: Piece) -> dict[str, int]:
    return {name: number for number, name in enumerate(piece.names)}
