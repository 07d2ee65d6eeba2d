"""Near duplicates: documents that share most of their 5-word shingles with another one."""

from __future__ import annotations

import math

import numpy as np

from contam_metrics.metric import Metric, Reading
from contam_metrics.signatures import Signatures, clusters
from contam_metrics.view import View

SIMILAR = 0.8
"""Estimated Jaccard similarity of the shingles from which on two documents are near duplicates."""


class NearCopies(Metric):
    """Share of different documents that are near duplicates of another one: 1 - clusters / documents.

    Exact copies are counted apart (`Copies`) and taken out here; documents of fewer than five words have no
    shingle and take no part. Up to 65,536 different documents all are compared; of a larger corpus a sample
    drawn so that near duplicates tend to be drawn together: a pair of similarity J is seen with chance J, so
    the share comes out a little low there.
    """

    name = "near_copies"

    def __init__(self) -> None:
        self.signatures = Signatures()

    def update(self, view: View) -> None:
        from contam_metrics.kernels.calls import minhash
        from contam_metrics.kernels.columns import BINS

        out = np.empty((len(view.batch), BINS), np.uint32)
        minhash(view.words.hashes, view.words.bounds, out)
        self.signatures.add(out, view.docs)

    def levels(self) -> tuple[int, ...]:
        """See `Metric.levels`."""
        return (self.signatures.level,)

    def expect(self, levels: tuple[int, ...]) -> None:
        """See `Metric.expect`."""
        (self.signatures.level,) = levels

    def figures(self) -> dict[str, Reading]:
        rows = self.signatures.rows()
        n = len(rows)
        value = 1 - len(np.unique(clusters(rows, SIMILAR))) / n if n else math.nan
        reason = None if n else "no document of 5 words"
        return {"duplicates.near": Reading(value, "share of documents", "rises", reason=reason, documents=n)}
