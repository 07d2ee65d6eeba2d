"""What the document score gave for a corpus: the part that the tests read, and each document for those who filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of the usable documents of a corpus, in the ascending order of ``keys`` (a hash of their content).

    ``keys`` uint64[D]; ``scores`` float64[D], larger is more like instruct-model text; ``labels`` what each document
    is called (path:line). Documents that begin with the same 200 characters count once. ``short`` documents had fewer
    words than the score reads, ``copies`` began as another; neither is among the D. ``documents`` is how many there
    were altogether; where only a sample was scored, ``sampled`` is true, D is the size of the sample, and ``short``,
    ``copies`` and ``documents`` are those of the sample.
    """

    keys: NDArray[np.uint64]
    scores: NDArray[np.float64]
    labels: tuple[str, ...]
    documents: int
    short: int
    copies: int
    sampled: bool = False

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def short_share(self) -> float:
        """Share of the documents that were too short; 0 of none."""
        return self.short / self.documents if self.documents else 0.0
