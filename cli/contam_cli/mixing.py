"""Progress of ``contam mix`` on stderr: a bar on a terminal, one notice of a compilation elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from contam_cli.progress import COMPILING
from contam_cli.settings import Settings


def _silent(event: Any) -> None:
    """Nobody is told."""


class _Notice:
    """Without a terminal only a compilation is told, once."""

    def __init__(self) -> None:
        self.told = False

    def __call__(self, event: Any) -> None:
        if event.phase == "compiling" and not self.told:
            self.told = True
            click.echo(COMPILING, err=True)


@contextmanager
def watched(settings: Settings) -> Iterator[Callable[[Any], None]]:
    """A watch for the run."""
    if settings.quiet:
        yield _silent
    elif not settings.progress:
        yield _Notice()
    else:
        with _bar() as watch:
            yield watch


@contextmanager
def _bar() -> Iterator[Callable[[Any], None]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from contam.reports.escape import visible

    columns = (
        SpinnerColumn("line"), TextColumn("{task.description}"), BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(),
    )  # fmt: skip
    told = False
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("starting", total=None)

        def watch(event: Any) -> None:
            nonlocal told
            if event.phase == "compiling" and not told:
                told = True
                display.console.print(COMPILING, highlight=False, markup=False)
            what = escape(visible(f"{event.phase} {event.note}".strip()[-40:]))
            display.update(task, description=what, completed=event.done, total=event.total or None)

        yield watch
