"""Diversity inside documents: different words in sliding windows."""

from __future__ import annotations

import math

import numpy as np

from contam_metrics.accumulators import Sums
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import View

WIDTH = 500


class Windows(Metric):
    """Moving-average type-token ratio (Covington and McFall 2010) of windows of 500 words within documents.

    Free of corpus size; documents shorter than a window take no part, and are counted.
    """

    name = "windows"

    def __init__(self) -> None:
        self.sums = Sums("types", "windows", "short")

    def update(self, view: View) -> None:
        from contam_metrics.kernels.calls import window_types

        last = view.scratch.array("last", len(view.types.hashes), np.int64)
        last[: len(view.types.hashes)] = -1
        out = np.zeros(3, np.int64)
        window_types(view.types.ids, view.words.bounds, WIDTH, last, out)
        self.sums.add(types=out[0], windows=out[1], short=out[2])

    def figures(self) -> dict[str, Reading]:
        windows = self.sums["windows"]
        value = self.sums["types"] / (windows * WIDTH) if windows else math.nan
        reason = None if windows else f"no document of {WIDTH} words"
        return {f"diversity.mattr_{WIDTH}": Reading(value, "types/token", reason=reason)}
