"""When did a signal turn: the first iteration from which it stays outside what the untouched model does.

The null distribution are the ``baseline`` draws: texts and evaluations of the untouched model. The rule, for a signal
that collapse makes rise (mirrored for one that falls):

    m_i      = median of the five values around evaluated iteration i
    limit    = max + max(0.5 (max - min), 0.02)        over the baseline draws
    turned   = the first i with m_j > limit for j = i and the next eight evaluated iterations

.02 is of a nat, or of a share: without it a figure that is the same in all draws would turn with its first wobble.
Only iterations with an evaluated loss enter, for signals as for losses, so that a loss evaluated at every tenth
iteration is not called late. A signal that every draw had and that cannot be measured any more (a text without words
has no entropy) counts as outside. Where the very first window is outside already, the stretch begins with the first of
its values that stay outside.

False alarms, measured by ``python benchmarks/turning.py`` (8 draws; 4,000 replicas in which nothing changes; the
noise of the signals is that of texts of a word trigram). Within 100 iterations: at most .2 % for any one signal of
texts of 230 or of 1,000 tokens, .8 % of 60 tokens, .6 % for made-up noise that is normal, of heavy tails, skewed or
rare; for any of the 15 signals of a replica .1 % (1,000 tokens), .4 % (230), 1.4 % (60). Within 1,000 iterations any of
them turns falsely in 1.1 %, 2.9 %, 7.1 %. Nine medians are asked for because of skewed and rare noise: with six, such
signals turned falsely in up to 3 % of 100 iterations.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from contam.experiments.selftrain.history import History, Line, Run, number_of, value_of
from contam_metrics.one_text import DIRECTIONS, FALLS, RISES

OWN_LOSS = "train_loss"
VALIDATION = "validation."


@dataclass(frozen=True)
class TurnRule:
    """The numbers of the rule: see the module. Below ``fewest`` draws there is no null, and nothing turns."""

    window: int = 5
    sustain: int = 8
    margin: float = 0.5
    floor: float = 0.02
    fewest: int = 4


TURN = TurnRule()


class RunningMedian:
    """The median of the last ``window`` values, which belongs to the iteration in their middle."""

    def __init__(self, window: int) -> None:
        self.recent: deque[tuple[int, float]] = deque(maxlen=window)
        self.full = 0

    def add(self, iteration: int, value: float) -> tuple[int, float] | None:
        """(middle iteration, median) once there are enough values. The value must not be nan."""
        self.recent.append((iteration, value))
        if len(self.recent) < (self.recent.maxlen or 1):
            return None
        self.full += 1
        return self.middle, statistics.median(value for _, value in self.recent)

    @property
    def middle(self) -> int:
        """The iteration in the middle of the last values."""
        return self.recent[len(self.recent) // 2][0]


class Sustained:
    """Since when something has held at ``needed`` consecutive iterations: ``begun``, which then stays."""

    def __init__(self, needed: int) -> None:
        self.needed = needed
        self.begun: int | None = None
        self._length, self._start = 0, 0

    def add(self, iteration: int, holds: bool) -> None:
        """Whether it holds at the next iteration."""
        if not holds:
            self._length = 0
            return
        if not self._length:
            self._start = iteration
        self._length += 1
        if self.begun is None and self._length >= self.needed:
            self.begun = self._start


class Stretch:
    """The first sustained stretch of a series whose running median is ``outside``; costs the same at any length."""

    def __init__(self, outside: Callable[[float], bool], window: int, needed: int) -> None:
        self.outside = outside
        self.medians = RunningMedian(window)
        self.sustained = Sustained(needed)

    @property
    def begun(self) -> int | None:
        """The first iteration of the stretch, or None as long as there is none."""
        return self.sustained.begun

    def add(self, iteration: int, value: float) -> float | None:
        """Take the next value; the running median, once there is one."""
        found = self.medians.add(iteration, value)
        if found is None:
            return None
        middle, median = found
        holds = self.outside(median)
        self.sustained.add(self._reached_back(middle) if holds and self.medians.full == 1 else middle, holds)
        return median

    def _reached_back(self, middle: int) -> int:
        """Of the first window: where its values began to stay outside, the middle at the latest."""
        first = middle
        for iteration, value in reversed(self.medians.recent):
            if iteration <= middle:
                if not self.outside(value):
                    break
                first = iteration
        return first


@dataclass(frozen=True)
class Band:
    """What the untouched model's draws allow: outside is below ``low`` or above ``high``."""

    low: float
    high: float

    def outside(self, value: float) -> bool:
        """Whether a value lies outside."""
        return value < self.low or value > self.high


def band_of(draws: Sequence[float], direction: str | None = None, rule: TurnRule = TURN) -> Band | None:
    """The band of some draws, open on the side that ``direction`` does not ask for (None: both sides are closed).

    None where there are too few draws to judge by.
    """
    if len(draws) < rule.fewest:
        return None
    low, high = min(draws), max(draws)
    margin = max(rule.margin * (high - low), rule.floor)
    return Band(
        -math.inf if direction == RISES else low - margin,
        math.inf if direction == FALLS else high + margin,
    )


def direction_of(name: str) -> str:
    """Which way collapse moves a figure: losses on human text rise, the loss on own text falls."""
    return RISES if name.startswith(VALIDATION) else DIRECTIONS.get(name, FALLS)


def draws_of(baseline: Iterable[Line], name: str) -> list[float]:
    """A figure's values in the baseline's draws, as far as they were measured."""
    return [value for line in baseline if (value := number_of(line, name)) is not None]


def judged_names(baseline: Sequence[Line]) -> tuple[str, ...]:
    """What can turn: the loss on own text, that on every validation set, and every signal of the baseline."""
    sets = dict.fromkeys(name for line in baseline for name in line.get("validation") or ())
    signals = dict.fromkeys(name for line in baseline for name in line.get("signals") or () if name in DIRECTIONS)
    return OWN_LOSS, *(VALIDATION + name for name in sets), *signals


def evaluated(line: Line) -> bool:
    """Whether any loss was evaluated at this iteration."""
    human = line.get("validation") or {}
    return line.get(OWN_LOSS) is not None or any(value is not None for value in human.values())


class Turns:
    """Watches one replica for the turning of every figure, a line at a time."""

    def __init__(self, baseline: Sequence[Line], rule: TurnRule = TURN) -> None:
        self.watched: dict[str, Stretch] = {}
        self._always: dict[str, float] = {}
        for name in judged_names(baseline):
            draws = draws_of(baseline, name)
            if band := band_of(draws, direction_of(name), rule):
                self.watched[name] = Stretch(band.outside, rule.window, rule.sustain + 1)
                if name in DIRECTIONS and len(draws) == len(baseline):
                    self._always[name] = -math.inf if DIRECTIONS[name] == FALLS else math.inf

    def add(self, line: Line) -> None:
        """Take the line of the next iteration."""
        if not evaluated(line):
            return
        for name, stretch in self.watched.items():
            value = number_of(line, name)
            if value is None and line.get("words") is not None and value_of(line, name) is None:
                value = self._always.get(name)
            if value is not None:
                stretch.add(int(line["iteration"]), value)

    @property
    def turned(self) -> dict[str, int | None]:
        """Of every figure, the iteration at which it turned, or None."""
        return {name: stretch.begun for name, stretch in self.watched.items()}


def turning_points(history: History, baseline: Sequence[Line], rule: TurnRule = TURN) -> dict[str, int | None]:
    """Of every figure that can be judged, the iteration at which it turned in this replica, or None.

    Names: ``train_loss``, ``validation.<set>``, and the signals'. ``baseline`` are the draws of the replica's model.
    """
    turns = Turns(baseline, rule)
    for line in history.lines:
        turns.add(line)
    return turns.turned


@dataclass(frozen=True)
class Lead:
    """How one figure fared over the seeds of a (model, learning rate).

    ``turned``: where it turned, seed by seed; ``median``: the median of these (never counts as later than all), None
    where half of the seeds or more never turned; ``lead``: median over the seeds in which both turned of (turn of the
    validation loss - turn of the figure), in iterations, None where there is no such seed; ``pairs``: those seeds.
    """

    name: str
    turned: tuple[int | None, ...]
    median: float | None
    lead: float | None
    pairs: int


@dataclass(frozen=True)
class Leads:
    """The turning points of one (model, learning rate): of the validation loss, and of every other figure, the
    earliest first; ``first``: the signatures that turned first (more than one where they tie)."""

    model: str
    learning_rate: float
    seeds: tuple[int, ...]
    validation: Lead
    figures: tuple[Lead, ...] = field(default=())

    @property
    def first(self) -> tuple[Lead, ...]:
        """The figures with the earliest median turn; none where nothing turned in most seeds."""
        medians = [lead.median for lead in self.figures if lead.median is not None]
        return tuple(lead for lead in self.figures if medians and lead.median == min(medians))


def leads(run: Run, rule: TurnRule = TURN) -> tuple[Leads, ...]:
    """Which figures turned ahead of the (first) validation loss, and by how much, for every (model, learning rate).

    Medians over seeds. The earliest of some sixteen figures had sixteen chances: a lead of an iteration or two over the
    next is none.
    """
    found = []
    for (model, rate), replicas in run.groups().items():
        points = [turning_points(replica, run.baseline_of(model), rule) for replica in replicas]
        judged = next((VALIDATION + name for replica in replicas for name in replica.validation), "")
        if points and judged in points[0]:
            found.append(_leads_of(model, rate, replicas, (judged, points)))
    return tuple(found)


def _leads_of(
    model: str,
    rate: float,
    replicas: Sequence[History],
    judged: tuple[str, Sequence[Mapping[str, int | None]]],
) -> Leads:
    loss, points = judged
    human = [point[loss] for point in points]
    figures = [_lead(name, [p[name] for p in points], human) for name in points[0] if not name.startswith(VALIDATION)]
    figures.sort(key=lambda lead: (math.inf if lead.median is None else lead.median, lead.name))
    return Leads(model, rate, tuple(r.seed for r in replicas), _lead(loss, human, human), tuple(figures))


def _lead(name: str, turned: Sequence[int | None], human: Sequence[int | None]) -> Lead:
    ahead = [h - t for t, h in zip(turned, human) if t is not None and h is not None]
    middle = statistics.median(math.inf if t is None else t for t in turned)
    return Lead(
        name,
        tuple(turned),
        middle if math.isfinite(middle) else None,
        statistics.median(ahead) if ahead else None,
        len(ahead),
    )
