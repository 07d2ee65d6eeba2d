"""Exact duplicates: documents with the same bytes."""

from __future__ import annotations

import math

import numpy as np

from contam_metrics.accumulators import Counts, Worst
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import View

MOST_DOCUMENTS = 1 << 20
"""Different documents that are counted one by one; beyond it a sample of them, unbiased for the share."""


class Copies(Metric):
    """Share of documents that repeat another one byte for byte: 1 - different documents / documents."""

    name = "copies"
    shared = True

    def __init__(self, cap: int = MOST_DOCUMENTS) -> None:
        self.counts = Counts(cap)
        self.worst = Worst(size=10, least=1)

    def update(self, view: View) -> None:
        self.counts.add(view.docs, np.ones(len(view.docs), np.int64))
        times = self.counts.count_of(view.docs).astype(np.float64)
        self.worst.add(times, view.docs, view.label, view.text)

    def most_copied(self) -> list[tuple[float, str, bytes]]:
        """(times, label, excerpt) of documents seen most often, with their final counts."""
        docs = np.array(sorted(self.worst.rows), np.uint64)
        times = self.counts.count_of(docs) if len(docs) else docs
        rows = [(float(t), *self.worst.rows[int(d)][1:]) for t, d in zip(times, docs)]
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
