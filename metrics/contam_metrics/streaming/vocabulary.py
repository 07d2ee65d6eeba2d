"""The words of the corpus and how often each occurs: entropy, types, hapaxes, Zipf and Heaps."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import Counts
from contam_metrics.diversity import heaps_exponent, rarefied_types, zipf_exponent
from contam_metrics.entropy import chao_wang_jost, plug_in
from contam_metrics.metric import Metric, Reading
from contam_metrics.tail import hapax_share
from contam_metrics.view import View

MOST_TYPES = 1 << 22
"""Different words that are counted one by one; beyond it a sample of them (about 130 MB of table)."""
RAREFIED = (20_000, 100_000, 1_000_000)
_PASSED = "more than 4 million different words: only numbers of types are estimated"


class Vocabulary(Metric):
    """Counts of every word of the corpus.

    All figures but the rarefied types depend on the size of the corpus: descriptives, never to be compared
    between corpora of different size.
    """

    name = "vocabulary"

    def __init__(self, cap: int = MOST_TYPES) -> None:
        self.counts = Counts(cap)

    def update(self, view: View) -> None:
        self.counts.add(view.types.hashes, view.types.counts)

    def figures(self) -> dict[str, Reading]:
        counts = self.counts.counts()
        if self.counts.level:
            return self._estimates(counts)
        figures = {
            "entropy.unigram": _reading(plug_in(counts), "nats/token", counts),
            "entropy.unigram_cwj": _reading(chao_wang_jost(counts), "nats/token", counts),
            "diversity.types": _reading(float(len(counts)) if len(counts) else math.nan, "types", counts),
            "diversity.zipf": _reading(zipf_exponent(counts), "exponent", counts, "rises", 5000),
            "diversity.heaps": _reading(heaps_exponent(counts), "exponent", counts, "falls", 5000),
            "tail.hapax_share": _reading(hapax_share(counts), "share of tokens", counts),
        }
        for m in RAREFIED:
            value = rarefied_types(counts, m) if counts.sum() >= m else math.nan
            figures[f"diversity.types_at_{m}"] = _reading(value, "types", counts, "falls", m)
        return figures

    def _estimates(self, counts: NDArray[np.int64]) -> dict[str, Reading]:
        """What a sample of the types can still tell."""
        names = ("entropy.unigram", "entropy.unigram_cwj", "diversity.zipf", "diversity.heaps", "tail.hapax_share")
        figures = {n: Reading(math.nan, "", reason=_PASSED) for n in names}
        figures |= {f"diversity.types_at_{m}": Reading(math.nan, "types", reason=_PASSED) for m in RAREFIED}
        return figures | {"diversity.types": Reading(float(self.counts.distinct()), "types")}


def _reading(
    value: float, unit: str, counts: NDArray[np.int64], direction: str = "falls", needs: int = 1
) -> Reading:
    total = int(counts.sum())
    reason = None if math.isfinite(value) else "empty" if not total else f"fewer than {needs} words"
    return Reading(value, unit, direction, reason=reason)
