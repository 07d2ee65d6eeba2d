"""Repetition inside documents: seq-rep-4 and Gopher's repetition rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import FIXED_POINT, Ratio, Worst
from contam_metrics.gopher import DUPLICATE_LENGTHS, PUBLISHED_LIMITS, TOP_LENGTHS
from contam_metrics.metric import Metric, Reading, ratio_reading
from contam_metrics.view import View


def gopher_shares(ngrams: NDArray[np.int64], lines: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Every rule's share of every document, by the names of `gopher.PUBLISHED_LIMITS`; 0 where nothing can repeat.

    ``ngrams`` and ``lines`` are the rows of `View.ngrams` and `View.lines`.
    """
    from contam_metrics.kernels import columns as k

    characters = np.maximum(ngrams[:, k.CHARACTERS], 1)
    shares = {f"top_{n}_gram": ngrams[:, k.TOP + i] / characters for i, n in enumerate(TOP_LENGTHS)}
    shares |= {
        f"duplicate_{n}_grams": ngrams[:, k.DUPLICATED + i] / characters for i, n in enumerate(DUPLICATE_LENGTHS)
    }
    for noun, base in (("line", 0), ("paragraph", 4)):
        many, much = np.maximum(lines[:, base], 1), np.maximum(lines[:, base + k.LINE_CHARACTERS], 1)
        shares[f"duplicate_{noun}s"] = lines[:, base + k.LATER_LINES] / many
        shares[f"duplicate_{noun}_characters"] = lines[:, base + k.LATER_LINE_CHARACTERS] / much
    return shares


class Repetition(Metric):
    """seq-rep-4 (Welleck 2019; the first 200 words of each document) and the share of documents over each limit
    of Gopher's repetition filter (Rae 2021, definition ``contam-1``)."""

    name = "repetition"

    def __init__(self) -> None:
        self.seq_rep = Ratio()
        self.any_rule = Ratio()
        for rule in PUBLISHED_LIMITS:
            setattr(self, rule, Ratio())
        self.worst = Worst(size=10, least=0.5)

    def update(self, view: View) -> None:
        from contam_metrics.kernels import columns as k

        rows = view.ngrams
        positions = rows[:, k.POSITIONS_4]
        long_enough = np.flatnonzero(positions > 0)
        later, positions = rows[long_enough, k.LATER_4], positions[long_enough]
        # Rounded down to fixed point, so that the sum over documents is exact in any order.
        self.seq_rep.add(later * FIXED_POINT // positions, np.ones(len(later), np.int64))
        shares = gopher_shares(rows, view.lines)
        worded = int((view.sizes > 0).sum())
        anywhere = np.zeros(len(rows), bool)
        for rule, limit in PUBLISHED_LIMITS.items():
            over = (shares[rule] > limit) & (view.sizes > 0)
            getattr(self, rule).add_flags(int(over.sum()), worded)
            anywhere |= over
        self.any_rule.add_flags(int(anywhere.sum()), worded)
        values = np.zeros(len(view.batch))
        values[long_enough] = later / positions
        self.worst.add(values, view.docs, view.label, view.text)

    def figures(self) -> dict[str, Reading]:
        short = "no document of 4 words"
        figures = {
            "repetition.seq_rep_4": ratio_reading(self.seq_rep, "share of 4-grams", "rises", FIXED_POINT, short),
            "repetition.gopher_documents": ratio_reading(self.any_rule, "share of documents", "rises"),
        }
        for rule in PUBLISHED_LIMITS:
            reading = ratio_reading(getattr(self, rule), "share of documents", "rises")
            figures[f"repetition.gopher_{rule}"] = reading
        return figures
