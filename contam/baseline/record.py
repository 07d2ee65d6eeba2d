"""The record of a baseline and of what changed since; what is kept is figures and hashes, never text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BASELINE_VERSION = 1


@dataclass(frozen=True)
class Parts:
    """The baseline at one matched size.

    ``whole`` float64[C]: the signals of its matched sample, as an audit gives them, by ``columns``. ``parts``
    float64[K, C]: the same signals of K disjoint sets of its documents, each prepared to the same size; K is 0 where
    the corpus is too small to be divided.
    """

    size: int
    columns: tuple[str, ...]
    whole: NDArray[np.float64]
    parts: NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """A corpus as it was: ``sizes`` by matched size, ``whole`` figures of the whole corpus that rules read (value and
    the documents they rest on), ``known`` a filter of its documents' content hashes (see `contam.baseline.known`).

    ``facts`` are for people and checks: version of contam, corpus digest, documents, words, seed, profile, level of
    the audit that wrote it.
    """

    facts: Mapping[str, object]
    sizes: Mapping[int, Parts]
    whole: Mapping[str, float]
    known: bytes = b""


@dataclass(frozen=True, slots=True)
class Moved:
    """One figure now and in the baseline, at the same matched size.

    ``difference`` is now minus base. ``noise`` is the standard deviation that such a difference has between parts of
    the baseline itself, ``effect`` the difference in units of it (None where there is no noise to compare with).
    ``beyond`` whether it exceeds what the baseline's own parts show, ``toward_collapse`` whether it lies on the side to
    which collapse moves the figure.
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
    """What changed since a baseline: by figure, at ``matched_tokens``; ``new_documents`` are not in it (None where that
    was not counted)."""

    name: str
    matched_tokens: int | None
    changes: Mapping[str, Moved] = field(default_factory=dict)
    parts: int = 0
    new_documents: int | None = None
    documents: int = 0
    facts: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None
