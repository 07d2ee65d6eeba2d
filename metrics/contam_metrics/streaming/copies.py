"""Exact duplicates: documents with the same bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from contam_metrics.accumulators import Counts, Places, Worst
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import SOURCE, View

MOST_DOCUMENTS = 1 << 20
"""Different documents that are counted one by one; beyond it a sample of them, unbiased for the share."""
MOST_COPIED = 10
"""Documents that are named."""


@dataclass(frozen=True, slots=True)
class Leader:
    """A document that came ``times`` times, by its content hash: its first and its last place (`View.places`).

    ``text`` is how it begins; None where no two copies were seen by one instance.
    """

    doc: int
    times: int
    first: int
    last: int
    text: bytes | None


@dataclass(frozen=True, slots=True)
class Copied:
    """A copied document for people: how often it came, the name of its last copy, that of the first, how it begins."""

    times: float
    label: str
    of: str
    text: bytes


class Copies(Metric):
    """Share of documents that repeat another one byte for byte: 1 - different documents / documents."""

    name = "copies"
    shared = True

    def __init__(self, cap: int = MOST_DOCUMENTS) -> None:
        self.counts = Counts(cap)
        self.places = Places()
        self.worst = Worst(size=MOST_COPIED, least=1)
        self.names: dict[int, tuple[str, str, bytes]] = {}

    def update(self, view: View) -> None:
        self.counts.add(view.docs, np.ones(len(view.docs), np.int64))
        self.places.add(view.docs, view.places)
        self.places.limit = self.counts.limit
        times = self.counts.count_of(view.docs).astype(np.float64)
        self.worst.add(times, view.docs, view.label, view.text)

    def merge(self, other: Copies) -> None:
        """See `Metric.merge`; a document that each has seen once has no excerpt, see `leaders`."""
        super().merge(other)
        self.places.limit = self.counts.limit

    def shift(self, sources: int) -> None:
        """See `Metric.shift`."""
        self.places.shift(sources * SOURCE)

    def leaders(self) -> list[Leader]:
        """The documents that were seen most often, at most `MOST_COPIED`."""
        docs, times = self.counts.largest(MOST_COPIED, 1)
        first, last = self.places.of(docs)
        rows = zip(docs.tolist(), times.tolist(), first.tolist(), last.tolist())
        return [Leader(*row, self.worst.rows[row[0]][2] if row[0] in self.worst.rows else None) for row in rows]

    def most_copied(self) -> list[Copied]:
        """The documents that were seen most often; ``names`` has their last and first labels and their beginnings."""
        given = {doc: (label, "", text) for doc, (_, label, text) in self.worst.rows.items()} | self.names
        rows = [Copied(float(found.times), *given.get(found.doc, ("", "", b""))) for found in self.leaders()]
        return sorted(rows, key=lambda row: (-row.times, row.label))

    @property
    def later_copies(self) -> int:
        """Documents beyond the first of their kind (an estimate once the cap is passed)."""
        kept = self.counts.counts()
        return int(kept.sum() - len(kept)) << self.counts.level

    def figures(self) -> dict[str, Reading]:
        kept = self.counts.counts()
        n = int(kept.sum())
        value = 1 - len(kept) / n if n else math.nan
        interval = None
        if self.counts.level and n:
            # The sample is of different documents, a ratio estimate over clusters of copies.
            error = math.sqrt(float(((1 - kept * (1 - value)) ** 2).sum())) / n
            interval = (max(0.0, value - 1.96 * error), value + 1.96 * error)
        reason = None if n else "empty"
        return {"duplicates.exact": Reading(value, "share of documents", "rises", interval, reason, n)}
