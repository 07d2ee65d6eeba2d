"""A self-training run as it was logged: its plan, the untouched model's draws, and the history of every replica."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contam.errors import InputError

Line = Mapping[str, Any]
"""A line of ``log.jsonl`` or ``baseline.jsonl``, as decoded."""

Key = tuple[str, float, int]
"""What tells replicas apart: (model, learning rate, seed)."""

PLAN, BASELINE, LOG = "plan.json", "baseline.jsonl", "log.jsonl"
_NESTED = ("validation", "signals")
_WHERE = ("iteration", "learning_rate", "seed")


def replica_name(model: str, learning_rate: float, seed: int) -> str:
    """The name of a replica, also of its files: ``tiny-lr0.003-seed0``."""
    return f"{model}-lr{learning_rate:g}-seed{seed}"


def value_of(line: Line, name: str) -> Any:
    """The field of a line by its dotted name, or None where it has none.

    ``train_loss``, ``validation.ptb``, ``signals.entropy.plug_in``; a signal's own name (``entropy.plug_in``) also
    finds it.
    """
    if name in line:
        return line[name]
    head, _, rest = name.partition(".")
    inside = line.get(head) if head in _NESTED else line.get("signals")
    return inside.get(rest if head in _NESTED else name) if isinstance(inside, Mapping) else None


def number_of(line: Line, name: str) -> float | None:
    """The field as a finite number, or None where it is missing, null, or not finite."""
    value = value_of(line, name)
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


@dataclass(frozen=True)
class History:
    """The lines of one replica, in ascending order of iteration; iteration 0 is the untouched model."""

    model: str
    learning_rate: float
    seed: int
    lines: tuple[Line, ...]

    @property
    def key(self) -> Key:
        """(model, learning rate, seed)."""
        return self.model, self.learning_rate, self.seed

    @property
    def name(self) -> str:
        """The replica's name, as in the names of its files."""
        return replica_name(*self.key)

    @property
    def last(self) -> int:
        """The last iteration that was logged; -1 for none."""
        return int(self.lines[-1]["iteration"]) if self.lines else -1

    @property
    def validation(self) -> tuple[str, ...]:
        """The names of the validation sets, in the order of the log; the first is the one that is judged by."""
        return next((tuple(line["validation"]) for line in self.lines if line.get("validation")), ())

    def series(self, name: str) -> tuple[list[int], list[float]]:
        """(iterations, values) of a field by its dotted name (`value_of`); what was not measured is left out."""
        found = [(int(line["iteration"]), number_of(line, name)) for line in self.lines]
        kept = [(iteration, value) for iteration, value in found if value is not None]
        return [iteration for iteration, _ in kept], [value for _, value in kept]


@dataclass
class Recorder:
    """The history of one replica while it grows: appending costs the same at any length."""

    model: str
    learning_rate: float
    seed: int
    lines: list[Line] = field(default_factory=list)

    def add(self, line: Line) -> None:
        """Append the line of one iteration."""
        self.lines.append(line)

    def history(self) -> History:
        """The history so far, as a copy that no longer changes."""
        return History(self.model, self.learning_rate, self.seed, tuple(self.lines))


@dataclass(frozen=True)
class Run:
    """A whole run: ``plan`` as written, ``baseline`` the draws of the untouched models, ``replicas`` in the order of
    their first lines."""

    plan: Mapping[str, Any]
    baseline: tuple[Line, ...]
    replicas: tuple[History, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models, smallest first where the plan says how large they are."""
        found = tuple(dict.fromkeys(replica.model for replica in self.replicas))
        return tuple(sorted(found, key=lambda model: (self.parameters(model) or 0, found.index(model))))

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """All learning rates, ascending."""
        return tuple(sorted({replica.learning_rate for replica in self.replicas}))

    @property
    def validation(self) -> tuple[str, ...]:
        """The names of the validation sets, in the order of the log."""
        return tuple(dict.fromkeys(name for replica in self.replicas for name in replica.validation))

    def parameters(self, model: str) -> int | None:
        """How many parameters a model has, by the plan."""
        shapes = self.plan.get("models") or ()
        return next((s.get("parameters") for s in shapes if isinstance(s, Mapping) and s.get("name") == model), None)

    def baseline_of(self, model: str) -> tuple[Line, ...]:
        """The draws of one untouched model."""
        return tuple(line for line in self.baseline if line.get("model", model) == model)

    def group(self, model: str, learning_rate: float) -> tuple[History, ...]:
        """The replicas of one model at one learning rate, by seed."""
        found = (r for r in self.replicas if r.model == model and r.learning_rate == learning_rate)
        return tuple(sorted(found, key=lambda replica: replica.seed))

    def groups(self) -> dict[tuple[str, float], tuple[History, ...]]:
        """(model, learning rate) -> its seeds: models by size, rates ascending."""
        pairs = [(model, rate) for model in self.models for rate in self.learning_rates]
        return {pair: seeds for pair in pairs if (seeds := self.group(*pair))}


def read_run(folder: Path) -> Run:
    """Read a run folder. A torn last line of a log is passed over: the run was killed, or is still writing.

    Raises InputError where the folder holds no run, or a line of it is damaged.
    """
    path = folder / PLAN
    if not path.is_file():
        raise InputError(f"{folder} is not the folder of a run: it has no {PLAN}")
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); restore it, or start a new run in another folder") from None
    if not isinstance(plan, dict):
        raise InputError(f"{path} is damaged (no object); restore it, or start a new run in another folder")
    return Run(plan, tuple(_lines(folder / BASELINE, _has_model)), histories(_lines(folder / LOG, _is_log_line)))


def histories(lines: Iterable[Line]) -> tuple[History, ...]:
    """The histories of a log's lines. Of an iteration that was logged twice, the first line counts."""
    found: dict[Key, dict[int, Line]] = {}
    for line in lines:
        key = (str(line["model"]), float(line["learning_rate"]), int(line["seed"]))
        found.setdefault(key, {}).setdefault(int(line["iteration"]), line)
    return tuple(History(*key, tuple(by[i] for i in sorted(by))) for key, by in found.items())


def _has_model(line: Any) -> bool:
    return isinstance(line, dict) and "model" in line


def _is_log_line(line: Any) -> bool:
    return _has_model(line) and all(isinstance(line.get(name), int | float) for name in _WHERE)


def _lines(path: Path, sound: Callable[[Any], bool]) -> list[Line]:
    """The lines of a file of JSON lines; none where there is no such file."""
    if not path.is_file():
        return []
    rows = path.read_bytes().split(b"\n")
    torn = rows.pop()
    found = []
    for number, row in enumerate(rows, start=1):
        line = _decoded(row)
        if row.strip() and not sound(line):
            raise InputError(f"{path}, line {number} is damaged; remove the line and read the run again")
        if row.strip():
            found.append(line)
    last = _decoded(torn)
    return [*found, last] if sound(last) else found


def _decoded(row: bytes) -> Any:
    try:
        return json.loads(row)
    except ValueError:
        return None
