"""Has a replica collapsed: a rule that must hold for some time, because losses bounce after the collapse.

Collapsed: the running median of the loss on human text is at least one nat above the untouched model's, and either the
running median of the loss on own text is at most a quarter of the untouched model's or the texts loop (the running
median of the share in loops is at least a quarter); and that at ``patience`` consecutive evaluated iterations. The last
value says nothing: a collapsed model's loss on human text sinks again, that on its own text jumps.

Where there are several validation sets, the first one is judged by.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from contam.experiments.selftrain.history import History, Line, number_of
from contam.experiments.selftrain.turning import (
    OWN_LOSS,
    TURN,
    VALIDATION,
    RunningMedian,
    Stretch,
    Sustained,
    TurnRule,
    Turns,
    draws_of,
    evaluated,
)

_LOOPS = ("loop_cover", "signals.repetition.loop_cover", "signals.repetition.loop_characters")


class State(StrEnum):
    """How a replica fares.

    ``at_risk``: a signal or a loss has turned; ``diverged``: a loss is infinite or no number.
    """

    HEALTHY = "healthy"
    AT_RISK = "at_risk"
    COLLAPSING = "collapsing"
    DIVERGED = "diverged"


@dataclass(frozen=True)
class CollapseRule:
    """The numbers of the rule.

    ``rise`` nats of the loss on human text; ``own_share`` of the start of the loss on own text; ``loops`` share of a
    text; ``patience`` evaluated iterations. A collapsed replica is ``finished`` when its loss on own text has come down
    to ``almost_zero`` of its start, or ``linger`` evaluated iterations after the rule first held.
    """

    window: int = 5
    patience: int = 5
    rise: float = 1.0
    own_share: float = 0.25
    loops: float = 0.25
    almost_zero: float = 0.1
    linger: int = 50


RULE = CollapseRule()


@dataclass(frozen=True)
class Outcome:
    """What became of a replica, so far.

    ``collapsed_at``, ``diverged_at``; ``risen_at``: since when the loss on human text was a nat up; ``halved_at``:
    since when the loss on own text was at most half of its start: each the first iteration of the first sustained
    stretch, or None. ``start``, ``own_start``: both losses of the untouched model, nats per token (medians over the
    baseline and iteration 0); ``highest``, ``own_lowest``: the extremes of their running medians, nan before there
    is one. ``turned``: the turning points; ``after``: evaluated iterations since ``collapsed_at``.
    """

    state: State
    collapsed_at: int | None
    diverged_at: int | None
    risen_at: int | None
    halved_at: int | None
    start: float
    own_start: float
    highest: float
    own_lowest: float
    turned: dict[str, int | None]
    after: int

    @property
    def own_share(self) -> float:
        """The lowest running median of the loss on own text, as a share of its start; nan before there is one."""
        return self.own_lowest / self.own_start if self.own_start > 0 else math.nan


class Watch:
    """Follows one replica a line at a time: its state, and whether it is worth going on.

    ``baseline`` are the draws of the replica's untouched model. Every line costs the same.
    """

    def __init__(self, baseline: Sequence[Line], rule: CollapseRule = RULE, turn: TurnRule = TURN) -> None:
        self.rule = rule
        self.turns = Turns(baseline, turn)
        self.diverged_at: int | None = None
        self._baseline = tuple(baseline)
        self._set: str | None = None
        self._start = self._own_start = math.nan
        self._highest, self._own, self._own_lowest = -math.inf, math.inf, math.inf
        self._loops = RunningMedian(rule.window)
        self._risen = Stretch(lambda v: v >= self._start + rule.rise, rule.window, rule.patience)
        self._halved = Stretch(lambda v: v <= self._own_start / 2, rule.window, rule.patience)
        self._collapsed = Sustained(rule.patience)
        self._evaluated: list[int] = []

    def add(self, line: Line) -> State:
        """Take the line of the next iteration; the state after it."""
        if self.diverged_at is None and is_diverged(line):
            self.diverged_at = int(line["iteration"])
        if self.diverged_at is None and evaluated(line):
            self.turns.add(line)
            self._judge(line)
        return self.state

    def _judge(self, line: Line) -> None:
        if self._set is None:
            self._begin(line)
        iteration = int(line["iteration"])
        self._evaluated.append(iteration)
        if (own := number_of(line, OWN_LOSS)) is not None and (low := self._halved.add(iteration, own)) is not None:
            self._own, self._own_lowest = low, min(self._own_lowest, low)
        loops = self._loops.add(iteration, loop_share(line))
        human = number_of(line, f"{VALIDATION}{self._set}")
        high = self._risen.add(iteration, human) if human is not None else None
        if high is None:
            return
        self._highest = max(self._highest, high)
        own_gone = self._own <= self.rule.own_share * self._own_start
        looped = loops is not None and loops[1] >= self.rule.loops
        risen = high >= self._start + self.rule.rise
        self._collapsed.add(self._risen.medians.middle, risen and (own_gone or looped))

    def _begin(self, line: Line) -> None:
        """The untouched model's losses, by its draws and the first evaluation (of iteration 0)."""
        self._set = next(iter(line.get("validation") or {}), "")
        self._start = start_of(self._baseline, line, VALIDATION + self._set)
        self._own_start = start_of(self._baseline, line, OWN_LOSS)

    @property
    def state(self) -> State:
        """The state so far. It never gets better: a turn or a collapse that was sustained stays."""
        if self.diverged_at is not None:
            return State.DIVERGED
        if self._collapsed.begun is not None:
            return State.COLLAPSING
        turned = any(at is not None for at in self.turns.turned.values())
        return State.AT_RISK if turned or self._risen.begun is not None else State.HEALTHY

    @property
    def finished(self) -> bool:
        """Whether going on shows nothing new: diverged, or collapsed and down to the bottom (or long enough ago)."""
        if self.diverged_at is not None:
            return True
        bottom = self._own_lowest <= self.rule.almost_zero * self._own_start
        return self._collapsed.begun is not None and (bottom or self._after() >= self.rule.linger)

    def _after(self) -> int:
        begun = self._collapsed.begun
        return 0 if begun is None else len(self._evaluated) - bisect_right(self._evaluated, begun)

    def outcome(self) -> Outcome:
        """Everything that claims and reports ask for."""
        return Outcome(
            state=self.state,
            collapsed_at=self._collapsed.begun,
            diverged_at=self.diverged_at,
            risen_at=self._risen.begun,
            halved_at=self._halved.begun,
            start=self._start,
            own_start=self._own_start,
            highest=self._highest if math.isfinite(self._highest) else math.nan,
            own_lowest=self._own_lowest if math.isfinite(self._own_lowest) else math.nan,
            turned=self.turns.turned,
            after=self._after(),
        )


def outcome_of(history: History, baseline: Sequence[Line], rule: CollapseRule = RULE) -> Outcome:
    """What became of a replica, from its whole history."""
    watch = Watch(baseline, rule)
    for line in history.lines:
        watch.add(line)
    return watch.outcome()


def all_finished(watches: Iterable[Watch]) -> bool:
    """Whether a run may stop: no replica has anything new to show. False for no replicas."""
    found = [watch.finished for watch in watches]
    return bool(found) and all(found)


def is_diverged(line: Line) -> bool:
    """Whether a loss of this line is infinite or no number (or the line says ``"diverged": true``)."""
    losses = [line.get(OWN_LOSS), line.get("step_loss"), *(line.get("validation") or {}).values()]
    return bool(line.get("diverged")) or any(isinstance(x, float) and not math.isfinite(x) for x in losses)


def loop_share(line: Line) -> float:
    """The largest of a line's loop figures, of words and of characters; 0 where there is none."""
    return max((value for name in _LOOPS if (value := number_of(line, name)) is not None), default=0.0)


def start_of(baseline: Sequence[Line], first: Line, name: str) -> float:
    """A loss of the untouched model: the median of its draws and of iteration 0; nan where nothing was measured."""
    found = draws_of([*baseline, first], name)
    return statistics.median(found) if found else math.nan
