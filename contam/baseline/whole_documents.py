"""A sample of whole documents: what a few documents measure, as an addition to a corpus is a few documents.

The matched sample of a corpus takes a segment here and there; the same number of words from few documents has fewer
types and more repetition, human or not. So a baseline keeps what sets of whole documents of it measure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from contam.baseline.known import keys_of
from contam_metrics.accumulators import Arrays, packed, unpacked
from contam_metrics.batch import Batch
from contam_metrics.metric import Metric, Reading
from contam_metrics.segments import Segments, segments_of
from contam_metrics.view import View

WORDS = 290_000
"""Words that are kept: twelve sets of 20,000 and some more."""
LONGEST = 400_000
"""Bytes of a document that are kept."""


class _Row(NamedTuple):
    words: int
    text: bytes


class DocumentSample:
    """Keeps the different documents with the smallest keys, ``budget`` words of them; merging is exact."""

    def __init__(self, budget: int = WORDS) -> None:
        self.budget = budget
        self.rows: dict[int, _Row] = {}
        self.limit = (1 << 64) - 1
        self._words = 0

    def add(self, key: int, words: int, text: bytes) -> None:
        """Offer a document."""
        if key <= self.limit and key not in self.rows:
            self.rows[key] = _Row(words, text)
            self._words += words

    def shrink(self, slack: float = 1.0) -> None:
        """Forget the largest keys once there are ``slack`` times as many words as wanted."""
        if self._words <= slack * self.budget:
            return
        total = 0
        for key in sorted(self.rows):
            total += self.rows[key].words
            if total >= self.budget:
                self.limit = key
                break
        self.rows = {key: row for key, row in self.rows.items() if key <= self.limit}
        self._words = sum(row.words for row in self.rows.values())

    def merge(self, other: DocumentSample) -> None:
        """Take what another one kept."""
        self.limit = min(self.limit, other.limit)
        self.rows = {key: row for key, row in (self.rows | other.rows).items() if key <= self.limit}
        self._words = sum(row.words for row in self.rows.values())
        self.shrink(1.5)

    def arrays(self) -> Arrays:
        """The whole state."""
        keys = sorted(self.rows)
        return {
            "keys": np.array(keys, np.uint64),
            "words": np.array([self.rows[k].words for k in keys], np.int64),
            "texts": packed([self.rows[k].text for k in keys]),
            "limit": np.array([self.limit], np.uint64),
        }

    def restore(self, arrays: Arrays) -> None:
        """Become what ``arrays`` is the state of."""
        rows = zip(arrays["keys"].tolist(), arrays["words"].tolist(), unpacked(arrays["texts"]))
        self.rows = {key: _Row(words, text) for key, words, text in rows}
        self.limit, self._words = int(arrays["limit"][0]), int(arrays["words"].sum())


class WholeDocuments(Metric):
    """The sample of whole documents that a baseline is measured on; it has no figures."""

    name = "whole_documents"

    def __init__(self) -> None:
        self.sample = DocumentSample()

    def update(self, view: View) -> None:
        keys = keys_of(view.docs, 3)
        for i in np.flatnonzero(keys <= np.uint64(self.sample.limit)).tolist():
            self.sample.add(int(keys[i]), int(view.sizes[i]), view.text(i)[:LONGEST])
        self.sample.shrink(1.5)

    def figures(self) -> dict[str, Reading]:
        return {}

    def segments(self, seed: int = 0) -> Segments:
        """Every segment of the documents that were kept."""
        self.sample.shrink()
        return segments_of(Batch.of(self.sample.rows[key].text for key in sorted(self.sample.rows)), seed)
