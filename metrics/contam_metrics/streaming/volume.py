"""How much text there is, and what it is made of."""

from __future__ import annotations

import numpy as np

from contam_metrics.accumulators import Sums
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import View


class Volume(Metric):
    """Documents, bytes, words, numbers, symbols and ``<unk>``; and a digest of the content, order-free."""

    name = "volume"

    def __init__(self) -> None:
        names = ("documents", "wordless", "bytes", "words", "numbers", "symbols", "unks", "digest")
        self.sums = Sums(*names)

    def update(self, view: View) -> None:
        words = view.words
        self.sums.add(
            documents=len(view.batch),
            wordless=int((view.sizes == 0).sum()),
            bytes=view.batch.nbytes,
            words=len(words),
            numbers=int((words.hashes & np.uint64(1)).sum()),
            symbols=int(words.symbols.sum()),
            unks=int(words.unks.sum()),
            # A sum of document hashes does not depend on order, and copies do not cancel as they would in xor.
            digest=int(view.docs.astype(object).sum()) if len(view.docs) else 0,
        )

    @property
    def digest(self) -> str:
        """Hexadecimal digest of the documents as a collection: the same in any order and any files."""
        return f"{self.sums['digest'] % 2**64:016x}{self.sums['documents'] % 2**32:08x}"

    def figures(self) -> dict[str, Reading]:
        s = self.sums
        raw = s["words"] + s["symbols"] + s["unks"]
        nan, reason = float("nan"), None if raw else "empty"
        other = (s["numbers"] + s["symbols"]) / raw if raw else nan
        unks = s["unks"] / raw if raw else nan
        return {
            "volume.nonletter_share": Reading(other, "share of tokens", "both", reason=reason),
            "volume.unk_share": Reading(unks, "share of tokens", "both", reason=reason),
        }
