"""A recursion as it was logged: its plan, the history of every lineage, and seeds taken together.

Everything is read from the run folder, so a run that is still going on, or was killed, is read like a finished one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from contam.errors import InputError, UsageError
from contam.experiments.recurse.options import Lineage, RecurseOptions
from contam.experiments.run import LOG, PLAN, read_lines
from contam.result import Level

Line = Mapping[str, Any]
"""A line of ``log.jsonl`` as decoded, or any mapping of figures by name."""
_SETTINGS = ("paradigms", "real_shares", "rates", "filters", "seeds", "seed")


def value_of(line: Line, name: str) -> Any:
    """The field of a line by its dotted name, or None where it has none.

    ``written.rare_kept``, ``validation.held-out.perplexity``, ``signals.diversity.types``; names inside may have dots
    and spaces of their own (``tracked.there: was.model``).
    """
    if name in line:
        return line[name]
    for place, letter in enumerate(name):
        inside = line.get(name[:place]) if letter == "." else None
        if isinstance(inside, Mapping) and (found := value_of(inside, name[place + 1 :])) is not None:
            return found
    return None


def number_of(line: Line, name: str) -> float | None:
    """The field as a finite number, or None where it is missing, null, or not finite."""
    value = value_of(line, name)
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if sound else None


@dataclass(frozen=True, slots=True)
class History:
    """The lines of one lineage, by generation; generation 0 learned from real text alone."""

    name: str
    group: str
    seed: int
    lines: tuple[Line, ...]

    @property
    def last(self) -> int:
        """The last generation that was logged; -1 for none."""
        return int(self.lines[-1]["generation"]) if self.lines else -1

    @property
    def level(self) -> Level:
        """What the audit said of the last text; a lineage that has not gone beyond generation 0 has none of its own."""
        return self.level_at(self.last) if self.last > 0 else Level.INSUFFICIENT

    def level_at(self, generation: int) -> Level:
        """What the audit said of the text of a generation; insufficient evidence where it was not judged."""
        return _level(value_of(self.at(generation), "verdict.level"))

    def at(self, generation: int) -> Line:
        """The line of one generation, empty where there is none."""
        return next((line for line in self.lines if line["generation"] == generation), {})

    def values(self, name: str) -> dict[int, float]:
        """A field by generation (`number_of`); what was not measured is left out."""
        found = ((int(line["generation"]), number_of(line, name)) for line in self.lines)
        return {generation: value for generation, value in found if value is not None}


@dataclass(frozen=True, slots=True)
class Series:
    """A field by generation over the seeds of a group: their median and range."""

    generations: tuple[int, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """The seeds of one way to go on: paradigm, share of real text or rate, and filter. ``place`` is its number in
    the plan; ``base`` its name without the filter."""

    name: str
    base: str
    paradigm: str
    real_share: float | None
    rate: float | None
    filter: str
    seeds: tuple[History, ...]
    place: int = 0

    @property
    def last(self) -> int:
        """The last generation that every seed has."""
        return min(seed.last for seed in self.seeds)

    @property
    def level(self) -> Level:
        """The worst level of a seed's last text."""
        return max((seed.level for seed in self.seeds), key=lambda level: level.severity)

    def series(self, name: str) -> Series:
        """Median and range over seeds by generation, where at least half of the seeds were measured."""
        found = _by_generation(seed.values(name) for seed in self.seeds)
        kept = sorted(g for g, values in found.items() if 2 * len(values) >= len(self.seeds))
        return Series(tuple(kept), *(tuple(f(found[g]) for g in kept) for f in (median, min, max)))

    def course(self, name: str) -> dict[int, float]:
        """Median over seeds by generation, where every seed was measured: what claims are judged by."""
        return self._complete(seed.values(name) for seed in self.seeds)

    def relative(self, name: str) -> dict[int, float]:
        """Median over seeds of a field as a multiple of the same seed's value at generation 0, by generation."""
        return self._complete(_multiples(seed.values(name)) for seed in self.seeds)

    def _complete(self, seeds: Iterable[Mapping[int, float]]) -> dict[int, float]:
        found = _by_generation(seeds)
        return {g: median(values) for g, values in sorted(found.items()) if len(values) == len(self.seeds)}


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: ``plan`` as written, ``groups`` in the plan's order."""

    plan: Mapping[str, Any]
    groups: tuple[Group, ...]

    @property
    def lineages(self) -> tuple[History, ...]:
        """Every lineage, groups in order and seeds within."""
        return tuple(seed for group in self.groups for seed in group.seeds)

    @property
    def last(self) -> int:
        """The last generation that any lineage has; -1 for none."""
        return max((lineage.last for lineage in self.lineages), default=-1)

    @property
    def finished(self) -> bool:
        """Whether every lineage of the plan has all its generations."""
        planned = self.plan.get("generations")
        reached = [lineage.last for lineage in self.lineages]
        return len(reached) >= len(planned_lineages(self.plan)) and min(reached, default=-1) >= (planned or 0)

    @property
    def held_out(self) -> str:
        """The name of the held-out text that the run is judged by: the first of the log."""
        texts = (line.get("validation") for lineage in self.lineages for line in lineage.lines)
        return next((str(name) for found in texts if isinstance(found, Mapping) for name in found), "held-out")

    @property
    def held_out_text(self) -> str:
        """What the held-out text is called in a sentence."""
        return "held-out text" if self.held_out == "held-out" else self.held_out

    @property
    def perplexity(self) -> str:
        """The field with the perplexity on the held-out text."""
        return f"validation.{self.held_out}.perplexity"

    @property
    def tracked(self) -> tuple[str, ...]:
        """The tracked pairs (``there: was``), in the order of the log."""
        found = (line.get("tracked") for lineage in self.lineages for line in lineage.lines)
        return tuple(dict.fromkeys(str(pair) for one in found if isinstance(one, Mapping) for pair in one))

    def human(self, name: str) -> float | None:
        """A field of the size-matched human sample, by the name that it has in a log line."""
        found = self.plan.get("human")
        return number_of(found, name) if isinstance(found, Mapping) else None

    def human_tracked(self, pair: str, what: str = "text") -> float | None:
        """How often the word follows in the real text (``what`` is ``occurrences``: how often it could)."""
        found = self.plan.get("tracked")
        return number_of(found, f"{pair}.{what}") if isinstance(found, Mapping) else None

    def group(self, paradigm: str, real_share: float | None = None, sieve: str = "none") -> Group | None:
        """The group of a paradigm: of a mix the one with this share, of accumulate-subsample the first rate."""
        for group in self.groups:
            fits = group.paradigm == paradigm and group.filter == sieve
            if fits and (real_share is None or group.real_share == real_share):
                return group
        return None


def level_of(run: Run) -> Level:
    """The worst level of a lineage's last generation; insufficient evidence where none was judged."""
    levels = (group.level for group in run.groups)
    return max(levels, key=lambda level: level.severity, default=Level.INSUFFICIENT)


def first_level(run: Run) -> Level:
    """The worst level of what a generation 0 wrote, which learned from human text alone."""
    levels = (lineage.level_at(0) for lineage in run.lineages)
    return max(levels, key=lambda level: level.severity, default=Level.INSUFFICIENT)


def level_gained(run: Run) -> Level:
    """The worst level of a last generation that is above the level of the same seed's generation 0: what the
    recursion did. Healthy where none is above; insufficient evidence where no last generation was judged."""
    gained = [h.level for h in run.lineages if h.level.severity > max(h.level_at(0).severity, 0)]
    none = Level.INSUFFICIENT if level_of(run) is Level.INSUFFICIENT else Level.HEALTHY
    return max(gained, key=lambda level: level.severity, default=none)


def read_run(folder: Path) -> Run:
    """Read a run folder, finished or not. A torn last line of the log is passed over.

    Raises InputError where the folder holds no run, or a line of it is damaged.
    """
    path = folder / PLAN
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(f"{folder} is not the folder of a run: it has no {PLAN}") from None
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); restore it, or start a new run in another folder") from None
    if not isinstance(plan, dict):
        raise InputError(f"{path} is damaged (no object); restore it, or start a new run in another folder")
    return Run(plan, grouped(plan, _sound(folder / LOG)))


def grouped(plan: Mapping[str, Any], lines: Iterable[Line]) -> tuple[Group, ...]:
    """The groups of a log's lines in the plan's order. Of a generation that was logged twice, the first line counts."""
    found: dict[str, dict[int, Line]] = {}
    for line in lines:
        found.setdefault(str(line["lineage"]), {}).setdefault(int(line["generation"]), line)
    histories = [_history(name, by) for name, by in found.items()]
    planned = {lineage.group: lineage for lineage in planned_lineages(plan)}
    begun = {history.group for history in histories}
    names = dict.fromkeys([*(name for name in planned if name in begun), *(history.group for history in histories)])
    return tuple(_group(planned.get(n), [h for h in histories if h.group == n], i) for i, n in enumerate(names))


def planned_lineages(plan: Mapping[str, Any]) -> tuple[Lineage, ...]:
    """The lineages that a plan asks for; none where it does not say."""
    asked = {name: plan[name] for name in _SETTINGS if name in plan}
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in asked.items()}
    try:
        return RecurseOptions(**given).lineages() if given else ()
    except (UsageError, TypeError):
        return ()


def _history(name: str, by: Mapping[int, Line]) -> History:
    lines = tuple(by[generation] for generation in sorted(by))
    return History(name, str(lines[0].get("group", name)), int(lines[0].get("seed", 0)), lines)


def _group(planned: Lineage | None, seeds: list[History], place: int) -> Group:
    """A group from its lineages, described by the plan or, where that does not know it, by its first line."""
    line, name = seeds[0].lines[0], seeds[0].group
    if planned is not None:
        about = (planned.paradigm, planned.real_share, planned.rate, planned.filter)
    else:
        about = (str(line.get("paradigm", name)), None, number_of(line, "rate"), str(line.get("filter", "none")))
    base = name.removesuffix(f"+{about[3]}")
    return Group(name, base, *about, tuple(sorted(seeds, key=lambda seed: seed.seed)), place)


def _sound(path: Path) -> Iterable[Line]:
    """The lines of a log, each with what tells it from the others."""
    for number, line in enumerate(read_lines(path), start=1):
        sound = isinstance(line, dict) and isinstance(line.get("lineage"), str)
        if not sound or not isinstance(line.get("generation"), int):
            raise InputError(f"{path}, line {number} is damaged; remove the line and read the run again")
        yield line


def _by_generation(seeds: Iterable[Mapping[int, float]]) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for values in seeds:
        for generation, value in values.items():
            found.setdefault(generation, []).append(value)
    return found


def _multiples(values: Mapping[int, float]) -> dict[int, float]:
    start = values.get(0)
    return {generation: value / start for generation, value in values.items()} if start else {}


def _level(name: Any) -> Level:
    try:
        return Level(name)
    except ValueError:
        return Level.INSUFFICIENT
