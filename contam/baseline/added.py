"""The documents that a baseline does not have, measured by themselves in the one pass of the audit."""

from __future__ import annotations

import hashlib

import numpy as np

from contam.baseline.known import Known
from contam.judging import CorpusFacts
from contam_metrics.accumulators import Arrays
from contam_metrics.batch import Batch
from contam_metrics.metric import Metric, Reading
from contam_metrics.segments import SegmentSample
from contam_metrics.streaming.loops import Loops
from contam_metrics.streaming.volume import Volume
from contam_metrics.view import View


class Added(Metric):
    """The new documents' volume, loops and sample of segments. It costs as much as a second audit of the new documents.

    It needs a filter: `added_to` makes the kind for one baseline. Where the filter is one of a share of all documents,
    all numbers are of that share.
    """

    known: Known
    budget = 250_000
    seed = 0

    def __init__(self) -> None:
        self.volume = Volume()
        self.loops = Loops()
        self.sample = SegmentSample(self.budget, self.seed)

    def update(self, view: View) -> None:
        rows = np.flatnonzero(self.known.new(view.docs)).tolist()
        if not rows:
            return
        only = View(Batch.of(view.text(i) for i in rows), label=lambda i: view.label(rows[i]))
        self.volume.update(only)
        self.loops.update(only)
        self.sample.update(only.words, only.docs, only.label)

    def figures(self) -> dict[str, Reading]:
        return {}

    def merge(self, other: Added) -> None:
        self.volume.merge(other.volume)
        self.loops.merge(other.loops)
        self.sample.merge(other.sample)

    def state(self) -> Arrays:
        parts = {"volume": self.volume.state(), "loops": self.loops.state(), "sample": self.sample.arrays()}
        return {f"{name}:{key}": array for name, part in parts.items() for key, array in part.items()}

    def restore(self, state: Arrays) -> None:
        def of(name: str) -> Arrays:
            return {k.removeprefix(f"{name}:"): v for k, v in state.items() if k.startswith(f"{name}:")}

        self.volume.restore(of("volume"))
        self.loops.restore(of("loops"))
        self.sample.restore(of("sample"))

    @property
    def facts(self) -> CorpusFacts:
        """What the verdict needs to know of the new documents."""
        sums, unk = self.volume.sums, self.volume.figures()["volume.unk_share"].value
        return CorpusFacts(
            sums["words"], sums["documents"], self.loops.looped, self.loops.nonletter_share(self.volume),
            unk if unk == unk else 0.0, looped_bytes=self.loops.sums["looped_bytes"], bytes=sums["bytes"],
        )  # fmt: skip


def added_to(known: Known, seed: int = 0, budget: int = 250_000) -> type[Added]:
    """The kind of metric for one baseline; its name tells the filter, so that no cached measurement of another baseline
    is taken for it."""
    digest = hashlib.sha256(known.to_bytes()).hexdigest()[:16]
    return type("Added", (Added,), {"known": known, "seed": seed, "budget": budget, "name": f"added_to_{digest}"})
