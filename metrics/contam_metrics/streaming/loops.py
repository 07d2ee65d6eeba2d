"""Loops: documents that repeat one piece of text end to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import Ratio, Sums, Worst
from contam_metrics.metric import Metric, Reading, ratio_reading
from contam_metrics.view import View

LOOPED = 0.25
"""A document is looped where a loop covers at least this share of it (of words, or of characters at its end)."""


def loop_shares(loops: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.float64]:
    """The share of each document that is loop: the largest of the end's words, all words, the end's characters.

    ``loops`` are the rows of `View.loops`, ``words`` the words of each document. Ends are measured in their
    window (2048 words, 4096 bytes), so that a long text that has ended in a loop counts.
    """
    from contam_metrics.kernels import columns as k

    window = np.maximum(np.minimum(words, k.WORD_TAIL), 1)
    tail = loops[:, k.TAIL_WORDS] / window
    cover = loops[:, k.COVERED_WORDS] / np.maximum(words, 1)
    characters = loops[:, k.TAIL_CHARACTERS] / np.maximum(loops[:, k.TAIL_SIZE], 1)
    return np.maximum(np.maximum(tail, cover), characters)


class Loops(Metric):
    """Share of looped documents, and of words in loops with a period of up to 64 words."""

    name = "loops"

    def __init__(self) -> None:
        self.documents = Ratio()
        self.cover = Ratio()
        self.sums = Sums("looped_bytes")
        self.worst = Worst(size=20, least=LOOPED - 1e-12)

    def update(self, view: View) -> None:
        from contam_metrics.kernels import columns as k

        shares = loop_shares(view.loops, view.sizes)
        looped = (shares >= LOOPED).astype(np.int64)
        self.documents.add(looped, np.ones(len(looped), np.int64))
        self.sums.add(looped_bytes=int(np.diff(view.batch.offsets)[looped > 0].sum()))
        self.cover.add(view.loops[:, k.COVERED_WORDS], view.sizes)
        self.worst.add(shares, view.docs, view.label, view.text)

    @property
    def looped(self) -> int:
        """How many documents are looped."""
        return self.documents.moments[0]

    def figures(self) -> dict[str, Reading]:
        return {
            "repetition.looped_documents": ratio_reading(self.documents, "share of documents", "rises"),
            "repetition.loop_cover": ratio_reading(self.cover, "share of words", "rises"),
        }
