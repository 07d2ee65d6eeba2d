"""What the document score gave for a corpus: the part that the tests read, and each document for those who filter."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of the usable documents of a corpus, in the ascending order of ``keys`` (a hash of their content).

    ``keys`` uint64[D]; ``scores`` float64[D], larger is more like instruct-model text; ``labels`` what each document
    is called (path:line). Documents that begin with the same 200 characters count once. Of all ``documents``, ``short``
    had fewer words than the score reads. Of the others, ``copies`` began as another, and ``shared`` were taken out
    because they are in another text (`without`); neither is among the D. Where ``sampled``, D, ``copies`` and
    ``shared`` are those of a sample of the documents that are not short.
    """

    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]
    labels: tuple[str, ...]
    documents: int
    short: int
    copies: int
    sampled: bool = False
    shared: int = 0

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def short_share(self) -> float:
        """Share of the documents that were too short; 0 of none."""
        return self.short / self.documents if self.documents else 0.0

    @property
    def looked_at(self) -> int:
        """Documents whose beginnings were read: all that are not short, or a sample of them."""
        return len(self) + self.copies + self.shared

    @property
    def different_share(self) -> float:
        """The D as a share of all documents; an estimate where there is only a sample; 0 of none."""
        return (1 - self.short_share) * len(self) / self.looked_at if self.looked_at else 0.0

    def without(self, keys: NDArray[np.uint64]) -> Scored:
        """Without the documents of some keys, which count as shared."""
        left = np.flatnonzero(~np.isin(self.keys, keys))
        if len(left) == len(self):
            return self
        return replace(
            self, keys=self.keys[left], scores=self.scores[left], labels=tuple(self.labels[i] for i in left),
            shared=self.shared + len(self) - len(left),
        )  # fmt: skip
