"""The rule: what the untouched model's draws allow, and which level two checks running amount to.

A *symptom* is noted at every check; it counts when it was there at the check before as well. A signal has turned when
it lies outside the band of the baseline's draws (`contam.experiments.selftrain.turning.band_of`) at both. The levels:

* ``collapsing``: the samples loop; or the entropy rate of the model's own text is half of what it was or less, and
  the loss on human text has risen or three families of signals have turned.
* ``at_risk``: two families have turned, and that rate is three quarters or less, or nine tenths or less while the loss
  on human text has risen.

A loss on human text that rises alone is forgetting, not collapse: fine-tuning on a few windows of human text made it
rise by half a nat while the model's own text became *more* varied.

Measured with ``benchmarks/monitor.py``, on two models of .3 and .9 million parameters, with the runs that the
numbers were settled on: none of 24 fine-tunings on human text of 12 domains warned, with or without human text to
watch; of 8 trainings on collapsed or own output all warned with it and 7 without, 7 were called collapsing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contam.experiments.selftrain.turning import Band, band_of
from contam.monitoring.reading import FAMILIES, LOOPED, OWN, VALIDATION, WHICH_WAY, Reading
from contam.result import Level
from contam_metrics.one_text import FALLS, Signals

LOOPS, DRIFT = "loops", "validation drift"
HALF, LOW, LESS = "own entropy halved", "own entropy low", "own entropy less"


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the rule.

    ``loops``: share of looped texts, and ``loops_least`` of them; ``half``, ``low`` and ``less``: the own entropy rate
    over the baseline's; ``drift``: nats per token that the loss on human text may rise; ``collapsing`` and ``at_risk``:
    families of signals that must have turned; ``untrained``: an own entropy rate over ln(vocabulary) from which on a
    baseline says nothing.
    """

    loops: float = 0.10
    loops_least: int = 4
    half: float = 0.50
    low: float = 0.75
    less: float = 0.90
    drift: float = 0.10
    collapsing: int = 3
    at_risk: int = 2
    untrained: float = 0.85


LIMITS = Limits()
SHOWN = 4
"""Signals that a reason names; `Check.turned` has all."""


@dataclass(frozen=True)
class Check:
    """What a check found. ``signals``: by name, None where not measured; ``turned``: names outside the untouched
    model's band at this and the previous check; ``reasons``: one sentence each, for people."""

    step: int
    signals: Signals
    level: Level
    turned: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Baseline:
    """The untouched model: its draws, its loss on human text (nats per token), and the size of its vocabulary."""

    draws: tuple[Reading, ...]
    validation: float | None = None
    vocabulary: int = 0
    bands: Mapping[str, Band] = field(init=False)

    def __post_init__(self) -> None:
        bands = {}
        for name, way in WHICH_WAY.items():
            values = [v for d in self.draws if name in d.complete and (v := d.signals.get(name)) is not None]
            if len(values) == len(self.draws) and (band := band_of(values, way)):
                bands[name] = band
        object.__setattr__(self, "bands", bands)

    @property
    def own_rate(self) -> float:
        """Mean entropy rate of its own text, nats per token."""
        values = [v for d in self.draws if (v := d.signals.get(OWN)) is not None]
        return sum(values) / len(values) if values else math.nan

    def untrained(self, limits: Limits = LIMITS) -> bool:
        """Whether it writes nearly at random, as before training."""
        return self.vocabulary > 1 and self.own_rate > limits.untrained * math.log(self.vocabulary)

    def as_json(self) -> dict[str, Any]:
        """For a log: what `from_json` reads."""
        draws = [{"signals": dict(d.signals), "complete": sorted(d.complete)} for d in self.draws]
        return {"draws": draws, "validation": self.validation, "vocabulary": self.vocabulary}

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> Baseline:
        """A baseline from a log."""
        draws = tuple(Reading(dict(d["signals"]), frozenset(d["complete"])) for d in told["draws"])
        return Baseline(draws, told["validation"], told["vocabulary"])


class Judge:
    """Judges the checks of one run, in their order."""

    def __init__(self, baseline: Baseline, samples: int, limits: Limits = LIMITS) -> None:
        self.baseline, self.samples, self.limits = baseline, samples, limits
        self._before: frozenset[str] | None = None

    def check(self, step: int, signals: Signals) -> Check:
        """Judge the next check."""
        now = self.symptoms(signals)
        before, self._before = self._before, now
        if before is None:
            return Check(step, signals, Level.INSUFFICIENT, reasons=("the first check: two running are judged",))
        lasting = now & before
        turned = tuple(name for name in self.baseline.bands if name in lasting)
        level = level_of(lasting, self.limits)
        reasons = self._reasons(lasting, signals, turned)
        if level is Level.HEALTHY and self.baseline.untrained(self.limits):
            told = "the baseline was drawn from a model that writes nearly at random: only loops are judged"
            return Check(step, signals, Level.INSUFFICIENT, turned, (told,))
        return Check(step, signals, level, turned, reasons if level is not Level.HEALTHY else ())

    def symptoms(self, signals: Signals) -> frozenset[str]:
        """What is beyond the rule's numbers at one check."""
        found = {name for name, band in self.baseline.bands.items() if band.outside(_placed(name, signals.get(name)))}
        limits, looped, human = self.limits, signals.get(LOOPED) or 0.0, signals.get(VALIDATION)
        if LOOPED in found and looped >= limits.loops and round(looped * self.samples) >= limits.loops_least:
            found.add(LOOPS)
        if human is not None and self.baseline.validation is not None:
            found |= {DRIFT} if human - self.baseline.validation >= limits.drift else set()
        if self.baseline.untrained(limits):
            return frozenset(found & {LOOPS, LOOPED})
        own = (signals.get(OWN) or 0.0) / self.baseline.own_rate if self.baseline.own_rate else math.nan
        steps = {HALF: limits.half, LOW: limits.low, LESS: limits.less}
        return frozenset(found | {name for name, limit in steps.items() if own <= limit})

    def _reasons(self, lasting: frozenset[str], signals: Signals, turned: Sequence[str]) -> tuple[str, ...]:
        told = []
        if LOOPS in lasting:
            told.append(f"{signals[LOOPED]:.0%} of the samples repeat themselves")
        if LESS in lasting:
            now, then = signals[OWN], self.baseline.own_rate
            told.append(f"its own text has {now:.2f} nats a token, {then:.2f} at the beginning")
        if DRIFT in lasting:
            rise = (signals[VALIDATION] or 0.0) - (self.baseline.validation or 0.0)
            told.append(f"the loss on human text has risen by {rise:.2f} nats a token")
        if turned:
            more = f" and {len(turned) - SHOWN} more" if len(turned) > SHOWN else ""
            told.append(f"outside what the untouched model does: {', '.join(turned[:SHOWN])}{more}")
        return tuple(told)


def level_of(lasting: frozenset[str], limits: Limits = LIMITS) -> Level:
    """The level of the symptoms that were there at two checks running."""
    families = len({FAMILIES[name] for name in lasting if name in FAMILIES})
    worst = HALF in lasting and (DRIFT in lasting or families >= limits.collapsing)
    if LOOPS in lasting or worst:
        return Level.COLLAPSING
    if families >= limits.at_risk and (LOW in lasting or lasting >= {LESS, DRIFT}):
        return Level.AT_RISK
    return Level.HEALTHY


def _placed(name: str, value: float | None) -> float:
    """A value; of a signal that most texts had and hardly any has now, the far end of where collapse moves it."""
    if value is not None:
        return value
    return -math.inf if WHICH_WAY[name] == FALLS else math.inf
