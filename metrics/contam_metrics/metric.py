"""What a streaming metric is: it sees batches, remembers in accumulators, and says its figures at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from contam_metrics.accumulators import Accumulator, Arrays, Ratio
from contam_metrics.spread import RatioSums
from contam_metrics.view import View


@dataclass(frozen=True, slots=True)
class Reading:
    """One figure as a metric gives it: nan with a ``reason`` where it cannot be measured.

    ``direction`` is where collapse moves it: ``falls``, ``rises`` or ``both``. ``interval`` is the 95 %
    interval over documents, None where there is none. ``documents`` how many it rests on.
    """

    value: float
    unit: str
    direction: str = "falls"
    interval: tuple[float, float] | None = None
    reason: str | None = None
    documents: int | None = None


class Metric:
    """A measure of a whole corpus in one pass, exact under any cutting, order and merging of its parts.

    A kind of metric sets its accumulators as attributes in ``__init__`` (no arguments needed), and writes
    ``update`` and ``figures``; merging and state are inherited.
    """

    name: ClassVar[str]
    shared: ClassVar[bool] = False
    """One instance serves all threads, under a lock: for what is quick to update and better seen together."""
    kernels: ClassVar[tuple[str, ...]] = ()
    """Modules of kernels that it needs beside those of every audit."""
    settings: ClassVar[str] = ""
    """What its memory depends on beside its code; a kind that is made for one audit must say it here."""

    def update(self, view: View) -> None:
        """Take the documents of one batch."""
        raise NotImplementedError(f"{type(self).__name__}.update")

    def figures(self) -> Mapping[str, Reading]:
        """The figures by their dotted names; never an exception, whatever was seen."""
        raise NotImplementedError(f"{type(self).__name__}.figures")

    def levels(self) -> tuple[int, ...]:
        """How far its samples have thinned out; empty where it keeps none."""
        return ()

    def expect(self, levels: tuple[int, ...]) -> None:
        """Before anything is seen: sample as thinly as ``levels``, as part of a whole that needs no more."""

    def shift(self, sources: int) -> None:
        """Number the sources of what was seen on from ``sources``: a part of a corpus knows its own files alone."""

    def _accumulators(self) -> dict[str, Accumulator]:
        return {name: value for name, value in vars(self).items() if hasattr(value, "merge")}

    def merge(self, other: Self) -> None:
        """Take what another metric of the same kind and settings has seen."""
        theirs = other._accumulators()
        for name, accumulator in self._accumulators().items():
            accumulator.merge(theirs[name])

    def state(self) -> Arrays:
        """The whole memory as arrays, for another process or a file."""
        return {
            f"{name}.{key}": array
            for name, accumulator in self._accumulators().items()
            for key, array in accumulator.arrays().items()
        }

    def restore(self, state: Arrays) -> None:
        """Become the metric whose ``state`` this is."""
        for name, accumulator in self._accumulators().items():
            prefix = f"{name}."
            accumulator.restore({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})


def ratio_reading(ratio: Ratio, unit: str, direction: str, scale: int = 1, empty: str = "empty") -> Reading:
    """A ratio of sums with its linearised interval over documents; ``scale`` divides fixed-point numerators."""
    s, t, ss, st, tt, n = ratio.moments
    if t == 0:
        return Reading(math.nan, unit, direction, reason=empty, documents=n)
    sums = RatioSums(n, s / scale, float(t), ss / scale**2, st / scale, float(tt))
    interval = sums.interval()
    known = math.isfinite(interval.low)
    limits = (max(0.0, interval.low), interval.high) if known else None
    return Reading(interval.value, unit, direction, limits, documents=n)
