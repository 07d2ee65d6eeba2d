"""Exact duplicates: documents with the same bytes."""

from __future__ import annotations

import math

import numpy as np

from contam_metrics.accumulators import Counts, Firsts, Worst
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import SOURCE, View

MOST_DOCUMENTS = 1 << 20
"""Different documents that are counted one by one; beyond it a sample of them, unbiased for the share."""
MOST_COPIED = 10
"""Documents that are named."""


class Copies(Metric):
    """Share of documents that repeat another one byte for byte: 1 - different documents / documents."""

    name = "copies"
    shared = True

    def __init__(self, cap: int = MOST_DOCUMENTS) -> None:
        self.counts = Counts(cap)
        self.firsts = Firsts()
        self.worst = Worst(size=MOST_COPIED, least=1)
        self.names: dict[int, tuple[str, bytes]] = {}

    def update(self, view: View) -> None:
        self.counts.add(view.docs, np.ones(len(view.docs), np.int64))
        self.firsts.add(view.docs, view.places)
        self.firsts.limit = self.counts.limit
        times = self.counts.count_of(view.docs).astype(np.float64)
        self.worst.add(times, view.docs, view.label, view.text)

    def merge(self, other: Copies) -> None:
        """See `Metric.merge`; a document that each has seen once has no excerpt, see `leaders`."""
        super().merge(other)
        self.firsts.limit = self.counts.limit

    def shift(self, sources: int) -> None:
        """See `Metric.shift`."""
        self.firsts.shift(sources * SOURCE)

    def leaders(self) -> list[tuple[int, int, int, bytes | None]]:
        """(document, times, first place, excerpt) of those seen most often, at most `MOST_COPIED`.

        The excerpt is None where no two copies were seen by one instance.
        """
        docs, times = self.counts.largest(MOST_COPIED, 1)
        rows = zip(docs.tolist(), times.tolist(), self.firsts.place_of(docs).tolist())
        return [(doc, n, place, self.worst.rows[doc][2] if doc in self.worst.rows else None) for doc, n, place in rows]

    def most_copied(self) -> list[tuple[float, str, bytes]]:
        """(times, label, excerpt) of documents seen most often; ``names`` has the labels and excerpts by document."""
        given = {doc: row[1:] for doc, row in self.worst.rows.items()} | self.names
        rows = [(float(times), *given.get(doc, ("", b""))) for doc, times, _, _ in self.leaders()]
        return sorted(rows, key=lambda r: (-r[0], r[1]))

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
