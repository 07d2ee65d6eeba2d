"""The record of a baseline and of what changed since; what is kept is figures and hashes, never text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BASELINE_VERSION = 1
NEW = "new since the baseline"
"""The name of the part of an audit that is the documents which the baseline does not have."""
WHOLE = "the whole corpus"
"""That of the part that is all of it."""
NOT_WRITTEN = "no baseline was written to"
WROTE = "wrote the baseline"
DOUBTFUL = "the new baseline"
KEPT = "baselines of parts stay as they are"
"""How the notes begin that say what became of a baseline which was to be written: not written, written, written of a
corpus that is no norm, left alone."""


@dataclass(frozen=True)
class Parts:
    """The baseline at one matched size.

    ``whole`` float64[C]: the signals of its matched sample, as an audit gives them, by ``columns``. ``parts``
    float64[K, C]: the same signals of K disjoint sets of its documents, each prepared to the same size; K is 0 where
    the corpus is too small to be divided. ``few`` float64[L, C]: those of L sets of whole documents, of hardly more
    words than the size: what an addition of few documents has to be compared with. ``spread`` is the share of its
    corpus that the matched sample is, ``few_spread`` that of its documents that a set of ``few`` is.
    """

    size: int
    columns: tuple[str, ...]
    whole: NDArray[np.float64]
    parts: NDArray[np.float64]
    few: NDArray[np.float64]
    spread: float = 0.0
    few_spread: float = 1.0

    def expected(self, words: int | None = None) -> NDArray[np.float64]:
        """What a sample from a text of ``words`` words of the same source would measure, float64[C].

        That of the whole for a corpus as large as it was or larger (None); toward the mean of ``few`` in proportion, as
        the sample is a larger share of its text.
        """
        weight = self._weight(words)
        return self.whole + weight * (self.few.mean(axis=0) - self.whole) if weight else self.whole

    def of_few(self, words: int | None) -> bool:
        """Whether a text of ``words`` words is more like the sets of few documents than like the whole."""
        return self._weight(words) > 0.5

    def _weight(self, words: int | None) -> float:
        share = min(1.0, self.size / words) if words else self.spread
        if share <= 1.0001 * self.spread or not len(self.few) or self.few_spread <= self.spread:
            return 0.0
        return min(1.0, (share - self.spread) / (self.few_spread - self.spread))


@dataclass(frozen=True, slots=True)
class Held:
    """A figure of the whole corpus: its value, and its standard deviation over documents (None: unknown)."""

    value: float
    deviation: float | None = None


@dataclass(frozen=True)
class Baseline:
    """A corpus as it was: ``sizes`` by matched size, ``whole`` the figures of the whole corpus that rules read,
    ``known`` a filter of its documents' content hashes (see `contam.baseline.known`).

    ``facts`` are for people and checks: version of contam, corpus digest, documents, words, seed, profile, level of
    the audit that wrote it. ``path`` is the file that it was read from.
    """

    facts: Mapping[str, object]
    sizes: Mapping[int, Parts]
    whole: Mapping[str, Held]
    known: bytes = b""
    path: str = ""

    @property
    def profile(self) -> str:
        """The name of the profile whose function words it was measured with."""
        return str(self.facts["profile"])

    @property
    def seed(self) -> int:
        """The seed that its documents were sampled with."""
        return int(str(self.facts["seed"]))


@dataclass(frozen=True, slots=True)
class Moved:
    """One figure now and in the baseline, at the same matched size.

    ``difference`` is now minus base. ``noise`` is the standard deviation that such a difference has between parts of
    the baseline itself, widened where few parts tell it (see `contam.baseline.noise`), ``effect`` the difference in
    units of it (None where there is no noise to compare with). ``beyond`` whether it exceeds what the baseline's own
    parts show, ``toward_collapse`` whether it lies on the side to which collapse moves the figure.
    """

    base: float
    value: float
    difference: float
    noise: float | None
    effect: float | None
    beyond: bool
    toward_collapse: bool | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since a baseline: by figure, at ``matched_tokens``, against ``parts`` parts of its own.

    ``new_documents`` of ``documents`` are not in it, with ``new_words`` words (None where that was not counted): both
    are estimates where only a share ``new_share`` of all documents was looked up.
    """

    name: str
    matched_tokens: int | None
    changes: Mapping[str, Moved] = field(default_factory=dict)
    parts: int = 0
    new_documents: int | None = None
    documents: int = 0
    facts: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None
    new_words: int | None = None
    new_share: float = 1.0
