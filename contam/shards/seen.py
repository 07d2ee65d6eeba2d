"""What was seen of some documents: the metrics, the sample, and what could not be used."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from contam.formats.task import Chunk
from contam.result import Skipped
from contam_metrics.accumulators import Arrays
from contam_metrics.batch import Batch
from contam_metrics.metric import Metric
from contam_metrics.segments import SegmentSample
from contam_metrics.view import SOURCE, Scratch, View

SLICE = 1 << 20
"""Bytes measured at a time: the words, ids and tables of so much text stay in a core's cache."""
ALL = (1 << 64) - 1
ROOM = 3
"""A corpus may halve about one time less before the parts that were kept of it are too coarse."""
KEPT_SKIPPED = 200
"""Skipped records that are named one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be seen: the metrics, and the words and the seed of the sample."""

    metrics: tuple[type[Metric], ...]
    budget: int
    seed: int


@dataclass(frozen=True, slots=True)
class Fineness:
    """How finely is sampled: the levels of metrics by name, and the largest key of the sample of segments."""

    levels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    limit: int = ALL

    def of_parts(self) -> Fineness:
        """For the parts of a whole that samples like this: finer, so that they still serve when it has shrunk."""
        levels = {name: tuple(max(0, level - ROOM) for level in found) for name, found in self.levels.items()}
        return Fineness(levels, min(ALL, self.limit << ROOM))

    def coarsest(self, other: Fineness) -> Fineness:
        """Of each the coarser one."""
        names = {*self.levels, *other.levels}
        pairs = {name: (self.levels.get(name), other.levels.get(name)) for name in names}
        levels = {n: tuple(map(max, a, b)) if a and b else a or b or () for n, (a, b) in pairs.items()}
        return Fineness(levels, min(self.limit, other.limit))


@dataclass(frozen=True, slots=True)
class Numbered:
    """The sources of a piece by name, numbered from ``first``."""

    numbers: Mapping[str, int]
    first: int = 0

    def places(self, chunk: Chunk, first: int, size: int) -> np.ndarray:
        """Where documents ``first`` to ``first + size`` of a chunk are: uint64[size], see `View.places`."""
        lines = chunk.lines[first : first + size].astype(np.uint64)
        if not chunk.paths:
            return lines + np.uint64((self.first + self.numbers.get(chunk.path, 0)) * SOURCE)
        sources = [self.numbers.get(path, 0) for path in chunk.paths[first : first + size]]
        return lines + (np.array(sources, np.uint64) + np.uint64(self.first)) * np.uint64(SOURCE)


def slices(batch: Batch) -> Iterator[tuple[int, Batch]]:
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


def _order(skipped: Skipped) -> tuple[str, int, str]:
    return skipped.path, skipped.line or 0, skipped.reason


class Seen:
    """What was seen; any cutting and order of the documents, and any merging, gives the same.

    ``shared`` are metrics that several of these update together. ``born`` is how finely a part of a larger whole
    samples from the beginning: see `exact`.
    """

    def __init__(
        self, asked: Asked, shared: Mapping[str, Metric] | None = None, born: Fineness | None = None
    ) -> None:
        self.metrics = {m.name: (shared or {}).get(m.name) or m() for m in asked.metrics}
        self.sample = SegmentSample(asked.budget, asked.seed)
        self.born = born or Fineness()
        for name, levels in self.born.levels.items():
            self.metrics[name].expect(levels)
        self.sample.expect(self.born.limit)
        self.skipped: list[Skipped] = []
        self.skipped_total = 0
        self.notes: set[str] = set()
        self.documents = 0
        self.consumed = 0

    def take(self, chunk: Chunk, scratch: Scratch, sources: Numbered, lock: threading.Lock) -> None:
        """Measure the documents of a chunk; ``lock`` guards the shared metrics."""
        for first, batch in slices(chunk.batch):
            places = sources.places(chunk, first, len(batch))
            view = View(batch, scratch, partial(_label, chunk, first), places)
            for metric in self.metrics.values():
                if metric.shared:
                    with lock:
                        metric.update(view)
                else:
                    metric.update(view)
            self.sample.update(view.words, view.docs, view.label)
        self._skip(list(chunk.skipped), chunk.skipped_total)
        self.notes.update(chunk.notes)
        self.documents += len(chunk.batch)
        self.consumed += chunk.consumed

    def _skip(self, skipped: list[Skipped], total: int) -> None:
        """Count what could not be used; the first ones by their places are named, whoever came first."""
        self.skipped_total += total
        if skipped:
            self.skipped = sorted([*self.skipped, *skipped], key=_order)[:KEPT_SKIPPED]

    def merge(self, other: Seen) -> None:
        """Take what another has seen; metrics that both share are left as they are."""
        for name, metric in self.metrics.items():
            if metric is not other.metrics[name]:
                metric.merge(other.metrics[name])
        self.sample.merge(other.sample)
        self.born = self.born.coarsest(other.born)
        self._skip(other.skipped, other.skipped_total)
        self.notes |= other.notes
        self.documents += other.documents
        self.consumed += other.consumed

    def fineness(self) -> Fineness:
        """How finely it samples by now."""
        levels = {name: metric.levels() for name, metric in self.metrics.items() if metric.levels()}
        return Fineness(levels, self.sample.limit)

    def exact(self) -> bool:
        """Whether it is what it would be if no part had been sampled more coarsely from its beginning.

        It is where more was seen than every such part could show: the samples had to thin out beyond it.
        """
        levels = ((self.metrics[name].levels(), born) for name, born in self.born.levels.items())
        thinned = all(now > then or then == 0 for found, born in levels for now, then in zip(found, born))
        return thinned and (self.born.limit == ALL or self.sample.full)

    def shift(self, sources: int) -> None:
        """Number the sources on from ``sources``."""
        for metric in self.metrics.values():
            metric.shift(sources)

    def arrays(self) -> Arrays:
        """All of it, for a file."""
        rest = {
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "numbers": [self.skipped_total, self.documents, self.consumed],
            "notes": sorted(self.notes),
            "born": [dict(self.born.levels), self.born.limit],
        }
        found = {"rest": np.frombuffer(json.dumps(rest).encode(), np.uint8)}
        found |= {f"sample.{key}": array for key, array in self.sample.arrays().items()}
        for name, metric in self.metrics.items():
            found |= {f"metric.{name}.{key}": array for key, array in metric.state().items()}
        return found

    def restore(self, arrays: Arrays) -> None:
        """Become what wrote ``arrays``; ValueError, KeyError, IndexError or TypeError where it was something else."""
        rest = json.loads(arrays["rest"].tobytes())
        self.skipped = [Skipped(**row) for row in rest["skipped"]]
        self.skipped_total, self.documents, self.consumed = map(int, rest["numbers"])
        self.notes = set(rest["notes"])
        levels, limit = rest["born"]
        self.born = Fineness({name: tuple(map(int, found)) for name, found in levels.items()}, int(limit))
        self.sample.restore(_below("sample.", arrays))
        for name, metric in self.metrics.items():
            metric.restore(_below(f"metric.{name}.", arrays))


def _below(prefix: str, arrays: Arrays) -> Arrays:
    return {key.removeprefix(prefix): array for key, array in arrays.items() if key.startswith(prefix)}
