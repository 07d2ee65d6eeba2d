"""The live view of a recursion on stderr: perplexity of each group by generation, verdicts, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from contam.reports.escape import visible
from contam_cli.live import Watch, duration, plain, sparkline
from contam_cli.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PHASES = {
    "loading": "reading the human text",
    "human": "judging a human sample",
    "generations": "generations",
    "drawing": "judging, drawing, writing the report",
}
REFRESH = 4
"""Pictures a second at most."""
_CURVE, _ROWS, _NAME = 24, 14, 32
_COLOURS = {"collapsing": "red", "at_risk": "yellow", "healthy": "green"}
_EVERY_SECONDS = 30.0


@contextmanager
def watched(settings: Settings, first: Watch) -> Iterator[Watch]:
    """A callback for the run, which tells ``first`` too: a view that stays in place on a terminal, lines elsewhere."""
    if settings.quiet:
        yield first
    elif not settings.progress:
        yield _both(first, Lines().watch)
    else:
        with _view() as watch:
            yield _both(first, watch)


def _both(one: Watch, other: Watch) -> Watch:
    def tell(event: Any) -> None:
        one(event)
        other(event)

    return tell


@contextmanager
def _view() -> Iterator[Watch]:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    encoding = (sys.stderr.encoding or "ascii").lower().replace("-", "")
    scene = Scene(ascii=not encoding.startswith("utf"))
    with Live(
        console=console, refresh_per_second=REFRESH, transient=True, get_renderable=lambda: paint(scene, console)
    ):
        yield scene.watch


@dataclass
class Row:
    """One group of lineages: perplexities by generation, one a seed, and the newest verdict of each seed."""

    perplexities: dict[int, list[float]] = field(default_factory=dict)
    levels: dict[int, str] = field(default_factory=dict)

    @property
    def values(self) -> list[float]:
        """Medians by generation."""
        return [median(self.perplexities[g]) for g in sorted(self.perplexities)]


@dataclass
class Scene:
    """What the view shows: kept up to date by events, painted on demand."""

    ascii: bool = False
    event: Any = None
    rows: dict[str, Row] = field(default_factory=dict)
    working: dict[str, str] = field(default_factory=dict)
    left: float | None = None

    def watch(self, event: Any) -> None:
        """Take an event."""
        self.event = event
        if event.phase in ("loading", "drawing"):  # another run begins, or this one is over
            self.working.clear()
            self.rows = {} if event.phase == "loading" else self.rows
            self.left = None
        if event.unit and not event.line:
            self.working.pop(event.unit, None)
            self.working |= {event.unit: event.note} if event.note else {}
        if event.line:
            self.working.pop(event.unit, None)
            self.left = event.seconds_left
            self._take(event.line)

    def _take(self, line: dict[str, Any]) -> None:
        row = self.rows.setdefault(line["group"], Row())
        found = next((v.get("perplexity") for v in line["validation"].values()), None)
        if isinstance(found, int | float) and found == found and found != float("inf"):
            row.perplexities.setdefault(line["generation"], []).append(float(found))
        row.levels[line["seed"]] = line["verdict"]["level"]


def paint(scene: Scene, console: Console) -> RenderableType:
    """The view as it is now, never higher than the terminal."""
    from rich.console import Group
    from rich.text import Text

    crop: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"}
    parts: list[RenderableType] = [Text(headline(scene), style="bold", **crop)]
    room = max(min(_ROWS, console.height - 5), 1)
    shown = list(scene.rows.items())[:room]
    for name, row in shown:
        line = Text(plain(name, _NAME, scene.ascii).ljust(_NAME), **crop)
        line.append(sparkline(row.values, _CURVE, scene.ascii).ljust(_CURVE), style="cyan")
        line.append(f"{row.values[-1]:>10.4g}  " if row.values else " " * 12)
        level = _worst(row)
        line.append(level.replace("_", " "), style=_COLOURS.get(level, ""))
        parts.append(line)
    if len(scene.rows) > room:
        parts.append(Text(f"and {len(scene.rows) - room} more", style="dim"))
    if scene.working:
        told = ", ".join(f"{plain(name, _NAME, scene.ascii)} {note}" for name, note in list(scene.working.items())[-2:])
        parts.append(Text(f"now: {told}", style="dim", **crop))
    return Group(*parts)


def _worst(row: Row) -> str:
    levels = set(row.levels.values())
    return next((x for x in ("collapsing", "at_risk", "healthy") if x in levels), "insufficient_evidence")


def headline(scene: Scene) -> str:
    """``generations: 12/80, 20 s left (perplexity on held-out human text)``."""
    event = scene.event
    if event is None:
        return "starting"
    told = PHASES.get(event.phase, event.phase)
    if event.phase != "generations":
        return told
    told += f": {event.done}/{event.total}"
    told += f", {duration(scene.left)} left" if scene.left is not None else ""
    return f"{told} (perplexity on held-out human text by generation)"


@dataclass
class Lines:
    """Without a terminal: a line when a phase begins, and twice a minute at most in between."""

    scene: Scene = field(default_factory=lambda: Scene(ascii=True))
    phase: str = ""
    told_at: float = 0.0

    def watch(self, event: Any) -> None:
        """Take an event and print a line where it is time for one."""
        self.scene.watch(event)
        now = time.monotonic()
        if event.phase != self.phase:
            self.phase, self.told_at = event.phase, now
            note = f": {event.note}" if event.phase == "generations" and event.note else ""
            click.echo(f"contam: {PHASES.get(event.phase, event.phase)}{visible(note)}", err=True)
        elif now - self.told_at >= _EVERY_SECONDS:
            self.told_at = now
            rows = [(plain(name, _NAME, True), row.values) for name, row in self.scene.rows.items()]
            last = (f"{name} {values[-1]:.4g}" for name, values in rows if values)
            working = (f"{plain(name, _NAME, True)} {note}" for name, note in self.scene.working.items())
            click.echo(f"contam: {headline(self.scene)}: {', '.join((*last, *working))}", err=True)
