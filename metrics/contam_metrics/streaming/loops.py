"""Loops: documents that repeat one piece of text end to end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contam_metrics.accumulators import Ratio, Sums, Worst
from contam_metrics.metric import Metric, Reading, ratio_reading
from contam_metrics.streaming.volume import Volume
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
        self.sums = Sums("looped_bytes", "looped_tokens", "looped_other")
        self.worst = Worst(size=20, least=LOOPED - 1e-12)

    def update(self, view: View) -> None:
        from contam_metrics.kernels import columns as k

        shares = loop_shares(view.loops, view.sizes)
        looped = (shares >= LOOPED).astype(np.int64)
        self.documents.add(looped, np.ones(len(looped), np.int64))
        self._add_looped(view, np.flatnonzero(looped))
        self.cover.add(view.loops[:, k.COVERED_WORDS], view.sizes)
        self.worst.add(shares, view.docs, view.label, view.text)

    def _add_looped(self, view: View, rows: NDArray[np.int64]) -> None:
        """What the looped documents of a batch are made of: bytes, tokens, and those that are no words."""
        if not len(rows):
            return
        words, offsets = view.words, view.batch.offsets
        numbers = np.concatenate(([0], np.cumsum(words.hashes & np.uint64(1), dtype=np.int64)))[words.bounds]
        symbols = words.symbols[rows]
        self.sums.add(
            looped_bytes=(offsets[rows + 1] - offsets[rows]).sum(),
            looped_tokens=(view.sizes[rows] + symbols + words.unks[rows]).sum(),
            looped_other=(numbers[rows + 1] - numbers[rows] + symbols).sum(),
        )

    def nonletter_share(self, volume: Volume) -> float:
        """Numbers and signs over all tokens of the documents that do not loop; of all documents where all do.

        Loops of signs must not make a text look like a table, in which repetition is ordinary. 0 for no token.
        """
        sums = volume.sums
        other, tokens = sums["numbers"] + sums["symbols"], sums["words"] + sums["symbols"] + sums["unks"]
        if tokens > self.sums["looped_tokens"]:
            other, tokens = other - self.sums["looped_other"], tokens - self.sums["looped_tokens"]
        return other / tokens if tokens else 0.0

    @property
    def looped(self) -> int:
        """How many documents are looped."""
        return self.documents.moments[0]

    def figures(self) -> dict[str, Reading]:
        return {
            "repetition.looped_documents": ratio_reading(self.documents, "share of documents", "rises"),
            "repetition.loop_cover": ratio_reading(self.cover, "share of words", "rises"),
        }
