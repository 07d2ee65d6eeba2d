"""The synthetic share of a corpus as it is told: a test, a lower bound, and what they rest on; or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ORDERS = ("known", "unknown", "random")
"""How the trusted block and the audited text stand to each other: the block was written before (known), nobody knows,
or the block is a random part of the same pool."""

ALARM = 0.05
"""The level of the rank test."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The share where the user has labelled text of the source and of a named generator (adjusted classify and count).

    ``estimate`` with its approximate 95 % ``interval``; ``emq`` is a second point without one (Saerens et al. 2002).
    ``true_positive`` and ``false_positive`` are rates out of fold. ``human`` and ``machine`` are numbers of labelled
    documents; ``shared`` others were in the audited text and left out. ``estimate`` is None with a ``reason``.
    """

    generator: str
    estimate: float | None
    interval: tuple[float, float] | None
    emq: float | None
    true_positive: float | None
    false_positive: float | None
    human: int
    machine: int
    reason: str | None = None
    shared: int = 0


@dataclass(frozen=True, slots=True)
class SyntheticShare:
    """What can be said of the synthetic share.

    ``measured`` is false where nothing can, and ``reason`` says why. ``lower_bound`` is a share of all documents that
    are text which this score can see, whoever generated it: copies, short documents and those of the trusted text count
    as not proven. ``lower_bound_compared`` is the share of the others, the different documents that the score reads.
    Both are 0 without an alarm of the rank test, whose p-value is ``p_value``. ``auc`` (u) and ``left`` (r) are the
    two figures that are ranked, ``limit`` (rho) what ``left`` is compared with. ``documents``: how many were compared
    on each side. ``excluded``: by side (``audited``, ``trusted``) and by reason, counts. ``trained_on``: ``human`` and
    ``generators``, lists of the score's training sources. ``null_pairs`` human pairs of ``null_families`` families.
    ``false_alarms`` and ``false_bounds``: of ``false_pairs`` human pairs of a family that the score and the null did
    not know, the share that alarmed at p <= .05, and that got a bound above 0. ``exact_bound``, of all documents too,
    holds without null pairs where the trusted block is a random part of the same pool.
    """

    measured: bool
    order: str
    lower_bound: float | None = None
    lower_bound_compared: float | None = None
    p_value: float | None = None
    reason: str | None = None
    documents: int | None = None
    excluded: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    null_pairs: int = 0
    null_families: int = 0
    auc: float | None = None
    left: float | None = None
    limit: float | None = None
    false_alarms: float | None = None
    false_bounds: float | None = None
    false_pairs: int | None = None
    exact_bound: float | None = None
    declared: Declared | None = None
    sentences: tuple[str, ...] = ()

    @property
    def alarmed(self) -> bool:
        """Whether the rank test found a difference."""
        return self.p_value is not None and self.p_value <= ALARM

    @property
    def proven(self) -> float:
        """The larger of both bounds; 0 where nothing was measured."""
        return max(self.lower_bound or 0.0, self.exact_bound or 0.0)
