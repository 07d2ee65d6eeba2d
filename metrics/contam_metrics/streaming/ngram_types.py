"""How many different 2-, 3- and 4-grams there are, by sketches of constant size."""

from __future__ import annotations

import math

import numpy as np

from contam_metrics.accumulators import Counts
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import View

SKETCH = 1 << 16
"""Keys in a sketch: about 0.4 % standard error of the number of different n-grams."""


class NgramTypes(Metric):
    """Different n-grams of the whole corpus, exact up to 65,536 of them.

    Their share of all n-grams falls as a corpus grows: a descriptive; distinct-n is compared at matched size.
    """

    name = "ngram_types"

    def __init__(self) -> None:
        self.two = Counts(SKETCH)
        self.three = Counts(SKETCH)
        self.four = Counts(SKETCH)

    def update(self, view: View) -> None:
        from contam_metrics.kernels.calls import small_ngrams

        sketches = (self.two, self.three, self.four)
        n = len(view.words)
        out = view.scratch.array("small_ngrams", 3 * n, np.uint64)[: 3 * n].reshape(3, n)
        ones = view.scratch.array("ones", n, np.int64)
        ones[:n] = 1
        limits = np.array([s.limit for s in sketches], np.uint64)
        sizes = np.zeros(3, np.int64)
        small_ngrams(view.words.hashes, view.words.bounds, limits, out, sizes)
        for sketch, keys, size in zip(sketches, out, sizes):
            sketch.add(keys[:size], ones[:size])

    def levels(self) -> tuple[int, ...]:
        """See `Metric.levels`."""
        return self.two.level, self.three.level, self.four.level

    def expect(self, levels: tuple[int, ...]) -> None:
        """See `Metric.expect`."""
        self.two.level, self.three.level, self.four.level = levels

    def figures(self) -> dict[str, Reading]:
        readings = {}
        for n, sketch in ((2, self.two), (3, self.three), (4, self.four)):
            value = float(sketch.distinct()) if sketch.used else math.nan
            reason = None if sketch.used else f"no document of {n} words"
            readings[f"diversity.distinct_ngrams_{n}"] = Reading(value, "n-grams", reason=reason)
        return readings
