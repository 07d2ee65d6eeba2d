"""The live view of a self-training run on stderr: losses as small curves, states, the current sample, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from contam_cli.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

Watch = Callable[[Any], None]
PHASES = {
    "loading": "loading models and text",
    "baseline": "measuring the untouched model",
    "iterating": "self-training",
    "drawing": "judging, drawing, writing the report",
}
REFRESH = 4
"""Pictures a second at most."""
ROWS = 12
_EVERY_SECONDS, _EVERY_SHARE = 30.0, 0.1
_BARS, _ASCII_BARS = "▁▂▃▄▅▆▇█", "_.-=+*#@"
_WORST = ("diverged", "collapsing", "at_risk", "healthy")
_COLOURS = {"diverged": "red", "collapsing": "red", "at_risk": "yellow", "healthy": "green"}
_CURVE = 16
_SAMPLE = 600
_LEAST = 0.5


@contextmanager
def live(settings: Settings) -> Iterator[Watch | None]:
    """A callback for the run: a view that stays in place on a terminal, a line now and then elsewhere."""
    if settings.quiet:
        yield None
    elif not settings.progress:
        yield Lines().watch
    else:
        with _view() as watch:
            yield watch


@contextmanager
def _view() -> Iterator[Watch]:
    """The view; whatever ends it, the cursor is back and the last picture is wiped away."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    encoding = (sys.stderr.encoding or "ascii").lower().replace("-", "")
    shown = Scene(ascii=not encoding.startswith("utf"))
    with Live(
        console=console, refresh_per_second=REFRESH, transient=True, get_renderable=lambda: paint(shown, console)
    ):
        yield shown.watch


@dataclass
class Curve:
    """A loss of one group over its iterations: the median over seeds."""

    values: list[float] = field(default_factory=list)

    @property
    def last(self) -> float | None:
        """The newest value."""
        return self.values[-1] if self.values else None


@dataclass
class Row:
    """One (model, learning rate), its seeds together."""

    label: str
    human: Curve = field(default_factory=Curve)
    own: Curve = field(default_factory=Curve)
    names: set[str] = field(default_factory=set)


@dataclass
class Scene:
    """What the view shows: kept up to date by events, painted on demand."""

    ascii: bool = False
    event: Any = None
    rows: dict[tuple[str, float], Row] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    sample: str = ""
    seconds: float | None = None
    left: float | None = None
    _seen: float | None = None

    def watch(self, event: Any) -> None:
        """Take an event; a heartbeat within an iteration brings no lines and keeps what is known."""
        self.event = event
        self.states = dict(event.states) or self.states
        self.sample = event.sample or self.sample
        self.left = event.seconds_left if event.lines or event.phase != "iterating" else self.left
        if event.lines:
            self._take(event.lines)
            now = time.monotonic()
            self.seconds = now - self._seen if self._seen is not None else None
            self._seen = now

    def _take(self, lines: tuple[dict[str, Any], ...]) -> None:
        """Sort lines into rows. Nothing that is being painted changes its size but lists, which only grow."""
        from contam.experiments.selftrain.history import replica_name

        groups: dict[tuple[str, float], list[dict[str, Any]]] = {}
        for line in lines:
            groups.setdefault((str(line["model"]), float(line["learning_rate"])), []).append(line)
        for (model, rate), seeds in groups.items():
            row = self.rows.setdefault((model, rate), Row(f"{model} {rate:g}"))
            row.names = row.names | {replica_name(model, rate, line["seed"]) for line in seeds}
            _append(row.human, [_first(line.get("validation") or {}) for line in seeds])
            _append(row.own, [line.get("train_loss") for line in seeds])


def _first(validation: dict[str, Any]) -> Any:
    return next(iter(validation.values()), None)


def _append(curve: Curve, values: list[Any]) -> None:
    """Append the median of what was measured; nothing where nothing was."""
    found = sorted(v for v in values if isinstance(v, int | float) and v == v and abs(v) != float("inf"))
    if found:
        middle = len(found) // 2
        curve.values.append(found[middle] if len(found) % 2 else (found[middle - 1] + found[middle]) / 2)


def sparkline(values: list[float], width: int, ascii_only: bool = False) -> str:
    """Values as small bars from lowest to highest, the newest at the right; many are thinned to the width.

    The bars span half a nat at least, so that the noise of a healthy model looks like noise.
    """
    if not values:
        return ""
    bars = _ASCII_BARS if ascii_only else _BARS
    step = max(len(values) / width, 1.0)
    ends = [round((i + 1) * step) for i in range(min(len(values), width))]
    shown = [values[min(end, len(values)) - 1] for end in ends]
    low, high = min(values), max(values)
    span = max(high - low, _LEAST)
    return "".join(bars[min(int((value - low) / span * len(bars)), len(bars) - 1)] for value in shown)


def paint(scene: Scene, console: Console) -> RenderableType:
    """The view as it is now: phase and time, a row a learning rate, the sample; never higher than the terminal."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(_headline(scene), no_wrap=True, overflow="ellipsis", style="bold")]
    room = max(min(ROWS, console.height - 5), 1)
    if scene.rows:
        parts += _table(scene, room, console.width)
    if scene.sample:
        parts.append(Text(_sample(scene, console.width), no_wrap=True, overflow="ellipsis", style="dim"))
    return Group(*parts)


def _headline(scene: Scene) -> str:
    """``self-training: iteration 12/60, 0.4 s each, 20 s left``."""
    event = scene.event
    if event is None:
        return "starting"
    told = PHASES.get(event.phase, event.phase)
    if event.phase == "baseline" and event.iterations:
        told += f": token {event.iteration}/{event.iterations}"
    if event.phase == "iterating":
        told += f": iteration {event.iteration}/{event.iterations}"
        told += f", {duration(scene.seconds)} each" if scene.seconds is not None else ""
        told += f", {duration(scene.left)} left" if scene.left is not None else ""
    return f"{told} ({plain(event.note, 60, scene.ascii)})" if event.note else told


def _table(scene: Scene, room: int, width: int) -> list[RenderableType]:
    """A line a row, aligned; what there is no room for is counted."""
    from rich.text import Text

    shown = list(scene.rows.values())[-room:]
    names = max(len(plain(row.label, 24, scene.ascii)) for row in shown)
    curve = max(min(_CURVE, (width - names - 34) // 2), 4)
    lines: list[RenderableType] = [_heads(names, curve)]
    for row in shown:
        line = Text(plain(row.label, 24, scene.ascii).ljust(names + 2), no_wrap=True, overflow="crop")
        for of in (row.human, row.own):
            line.append(sparkline(of.values, curve, scene.ascii).ljust(curve), style="cyan")
            line.append(f"{_number(of.last):>7}  ")
        state, told = _state(scene, row)
        line.append(told, style=_COLOURS.get(state, ""))
        lines.append(line)
    left = len(scene.rows) - len(shown)
    return [*lines, *([Text(f"and {left} more", style="dim")] if left else [])]


def _heads(names: int, curve: int) -> Text:
    from rich.text import Text

    line = Text(" " * (names + 2), style="dim", no_wrap=True, overflow="crop")
    for head in ("human text", "own text"):
        line.append(head[: curve + 7].ljust(curve + 9))
    return line.append("state")


def _state(scene: Scene, row: Row) -> tuple[str, str]:
    """The worst state of a row's seeds, and how many are in it."""
    states = [scene.states.get(name, "") for name in row.names]
    worst = next((state for state in _WORST if state in states), "")
    count = states.count(worst)
    told = worst.replace("_", " ")
    return worst, told if count == len(states) or not worst else f"{told} {count}/{len(states)}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1e}"


def _sample(scene: Scene, width: int) -> str:
    return "now writes: " + plain(scene.sample, max(width - 13, 10), scene.ascii)


def plain(text: str, length: int, ascii_only: bool) -> str:
    """Text of a model or a person on one line of a terminal: short, nothing hidden, ASCII where need be."""
    from contam.reports.escape import shorten

    shown = shorten(text[:_SAMPLE], length)
    return shown.encode("ascii", "backslashreplace").decode("ascii")[:length] if ascii_only else shown


def duration(seconds: float) -> str:
    """``0.4 s``, ``20 s``, ``3:05 min``, ``2:07 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


@dataclass
class Lines:
    """Without a terminal: a line when a phase begins, then at each tenth of the iterations, twice a minute at most."""

    scene: Scene = field(default_factory=lambda: Scene(ascii=True))
    phase: str = ""
    told_at: float = 0.0
    told_share: float = 0.0

    def watch(self, event: Any) -> None:
        """Take an event and print a line where it is time for one."""
        self.scene.watch(event)
        now = time.monotonic()
        share = event.iteration / event.iterations if event.iterations else 0.0
        if event.phase != self.phase:
            self.phase, self.told_at, self.told_share = event.phase, now, share
            self._print(PHASES.get(event.phase, event.phase))
        elif event.phase == "iterating" and event.lines and self._is_time(now, share):
            self.told_at, self.told_share = now, share
            losses = (f"{plain(row.label, 24, True)} {_number(row.human.last)}" for row in self._rows())
            self._print(f"{_headline(self.scene)}; loss on human text: {', '.join(losses)}")

    def _is_time(self, now: float, share: float) -> bool:
        late = now - self.told_at >= _EVERY_SECONDS
        return late and abs(share - self.told_share) >= _EVERY_SHARE

    def _rows(self) -> list[Row]:
        return list(self.scene.rows.values())[-ROWS:]

    def _print(self, told: str) -> None:
        click.echo(f"contam: {told}", err=True)
