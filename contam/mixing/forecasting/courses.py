"""The course of a recursion, generation by generation: by closed form, or drawn where there is none."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contam.mixing.forecasting.chains import Chain, Course, Real, simulated
from contam.mixing.options import MixOptions
from contam.theory.forecasting import exposed, minimum_share
from contam.theory.retention import Regime, exposures, heterozygosity_left, inherited, limit_exposure
from contam.theory.token_worlds import ACCUMULATE, FRESH, REPLACE, REUSED
from contam.theory.vocabulary_growth import new_types_at, types_at
from contam_metrics.ngrams import Spectrum

Array = NDArray[np.float64]

HORIZON = 1000
"""Generations within which half-lives are looked for."""
DRAWN_HORIZON = 100
DRAWN_TOKENS = 1_000_000
"""Words of a generation that are drawn one by one at the most."""
_DRAWN, _BESIDE = 5, 2
_MANY = 100_000
"""Words from which on few recursions say what many would."""


def regime_of(options: MixOptions, name: str | None = None) -> Regime:
    """The regime of the options, or what is like it under another name; the synthetic share must be known."""
    assert options.share is not None
    return Regime(name or options.regime, 1 - options.share, options.rate)


class Courses(Protocol):
    """What a forecast asks of either way."""

    @property
    def method(self) -> str:
        """How it is done."""

    @property
    def horizon(self) -> int:
        """Generations within which half-lives are looked for."""

    def own(self) -> Course:
        """Of the options' regime, to the last generation at the least: a single row."""

    def half_lives(self, course: Course) -> dict[str, float | None]:
        """By ``head``, ``vocabulary`` and ``tail``, the generations until half is lost."""

    def at_last(self, name: str) -> float:
        """Vocabulary left at the last generation in another regime."""

    def share_for(self, wanted: float) -> float:
        """The least share of fresh real text that keeps ``wanted`` of the vocabulary; nan where none does."""

    def limit(self) -> float | None:
        """Vocabulary left after endless generations, None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Closed:
    """By closed form, at temperature 1: words of N = ``tokens`` words of the corpus whose counts ``table`` has."""

    table: Spectrum
    options: MixOptions
    tokens: int
    method: str = "closed form"

    def kept(self, exposure: float) -> float:
        """Different words among a share of the N words, over those of all; one word always stays."""
        whole = types_at(self.table, self.tokens)
        return max(types_at(self.table, exposure * self.tokens), 1.0) / whole

    @property
    def horizon(self) -> int:
        return max(HORIZON, self.options.generations)

    def own(self) -> Course:
        regime, last = regime_of(self.options), self.options.generations
        vocabulary = np.array([self.kept(e) for e in exposures(regime, last)])
        return Course(self._head(regime, last)[None], vocabulary[None], self._tail(regime, last)[None])

    def half_lives(self, course: Course) -> dict[str, float | None]:
        regime, last = regime_of(self.options), self.horizon
        e = exposures(regime, last).tolist()
        # The vocabulary falls with the exposure: where it is first below a half is found by halving.
        after = bisect_left(range(last + 1), True, key=lambda g: _halved(self.kept(e[g])))
        around = np.array([self.kept(x) for x in e[max(after - 1, 0) : after + 1]])
        found = half_life(around)
        return {
            "head": half_life(self._head(regime, last)),
            "vocabulary": None if found is None else max(after - 1, 0) + found,
            "tail": half_life(self._tail(regime, last)),
        }

    def _head(self, regime: Regime, last: int) -> Array:
        return heterozygosity_left(regime, np.array([float(self.tokens)]), last)[:, 0]

    def _tail(self, regime: Regime, last: int) -> Array:
        """Of a word that is once among the N: its descendants, or it comes again in fresh text."""
        whole, old = exposures(regime, last), inherited(regime, last)
        slope = new_types_at(self.table, self.tokens)
        if not slope:
            return np.full(last + 1, math.nan)
        if regime.name != FRESH:
            return old
        absent = [new_types_at(self.table, self.tokens * (1 + e)) / slope for e in np.minimum(whole - old, 1.0)]
        return 1 - (1 - old) * np.clip(absent, 0.0, 1.0)

    def at_last(self, name: str) -> float:
        last = self.options.generations
        return self.kept(float(exposures(regime_of(self.options, name), last)[-1]))

    def share_for(self, wanted: float) -> float:
        return minimum_share(lambda share: self.kept(exposed(share, self.options.generations)), wanted)

    def limit(self) -> float | None:
        return self.kept(limit_exposure(regime_of(self.options)))


@dataclass(frozen=True)
class Drawn:
    """Drawn word by word: any temperature. Of more than a million words a generation, a million are drawn."""

    table: Spectrum
    options: MixOptions
    tokens: int
    method: str = "simulated"

    @cached_property
    def _known(self) -> dict[float, float]:
        """Vocabulary left by share of fresh real text."""
        return {}

    @cached_property
    def real(self) -> Real:
        """The real text and its source."""
        return Real.of(self.table)

    @property
    def horizon(self) -> int:
        return max(DRAWN_HORIZON, self.options.generations)

    def own(self) -> Course:
        runs = _BESIDE if self.tokens > _MANY else _DRAWN
        found = self._drawn(regime_of(self.options), self.horizon, runs)
        return Course(*(row.mean(axis=0)[None] for row in (found.head, found.vocabulary, found.tail)))

    def half_lives(self, course: Course) -> dict[str, float | None]:
        return {name: half_life(getattr(course, name)[0]) for name in ("head", "vocabulary", "tail")}

    def _drawn(self, regime: Regime, last: int, trajectories: int) -> Course:
        chain = Chain(regime, min(self.tokens, DRAWN_TOKENS), self.options.temperature)
        return simulated(chain, self.real, last, trajectories, self.options.seed)

    def at_last(self, name: str) -> float:
        found = self._drawn(regime_of(self.options, name), self.options.generations, _BESIDE)
        return float(found.vocabulary[:, -1].mean())

    def share_for(self, wanted: float) -> float:
        """Halving an interval of shares, each time with the same random numbers; to 1/256."""
        if self._at_share(1.0) < wanted:
            return math.nan
        low, high = 0.0, 1.0
        while high - low > 1 / 256:
            middle = (low + high) / 2
            low, high = (low, middle) if self._at_share(middle) >= wanted else (middle, high)
        return high

    def _at_share(self, share: float) -> float:
        if share not in self._known:
            regime, runs = replace(regime_of(self.options, FRESH), share=share), 1 if self.tokens > _MANY else _BESIDE
            self._known[share] = float(self._drawn(regime, self.options.generations, runs).vocabulary[:, -1].mean())
        return self._known[share]

    def limit(self) -> float | None:
        """Known where real words cannot vanish, and where all do but one."""
        regime, closed = regime_of(self.options), Closed(self.table, self.options, self.tokens)
        known = regime.name in (ACCUMULATE, REUSED, REPLACE) or regime.real in (0.0, 1.0)
        return closed.limit() if known and regime.name != "accumulate-subsample" else None


def _halved(left: Any) -> Any:
    """Below one half: a course that comes to exactly that in the end never gets there."""
    return left < 0.5 - 1e-9


def half_life(curve: Array) -> float | None:
    """The generation at which a course reaches one half, between generations linear; None where it does not."""
    low = np.flatnonzero(_halved(curve))
    if not len(low):
        return None
    after = int(low[0])
    if not after:
        return 0.0
    above, below = float(curve[after - 1]), float(curve[after])
    return after - 1 + (above - 0.5) / (above - below)
