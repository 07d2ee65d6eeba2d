"""Progress on stderr: bytes, documents, rate, time left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from contam_cli.settings import Settings

Report = Callable[[Any], None]
COMPILING = "contam: compiling the measuring code for this machine (first run only, some seconds) ..."


@contextmanager
def progress(settings: Settings) -> Iterator[Report | None]:
    """A callback for the measurement: a bar on a terminal, one notice elsewhere, nothing when quiet."""
    if settings.quiet:
        yield None
    elif not settings.progress:
        yield _Notice().report
    else:
        with _bar() as report:
            yield report


@contextmanager
def probing(settings: Settings) -> Iterator[Report | None]:
    """A callback for a probe: a bar on a terminal, the notice of a compilation elsewhere, nothing when quiet."""
    if settings.quiet:
        yield None
    elif not settings.progress:
        yield _Notice().report
    else:
        with _probe_bar() as report:
            yield report


@contextmanager
def _probe_bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from contam.reports.escape import visible

    columns = (
        SpinnerColumn("line"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    notice = _Notice()
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("starting", total=None)

        def report(event: Any) -> None:
            if event.phase == "compiling" and not notice.told:
                notice.told = True
                display.console.print(COMPILING, highlight=False, markup=False)
            place = f"{event.index + 1}/{event.count} " if event.count > 1 else ""
            name = escape(visible(event.name.rstrip("/").rpartition("/")[2][-24:]))
            display.update(
                task, description=f"{event.phase} {place}{name}", completed=event.done, total=event.total or None
            )

        yield report


class _Notice:
    """Without a terminal only the compilation is told, once: a first run must not look hung."""

    def __init__(self) -> None:
        self.told = False

    def report(self, event: Any) -> None:
        if event.phase == "compiling" and not self.told:
            self.told = True
            click.echo(COMPILING, err=True)


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (
        SpinnerColumn("line"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TextColumn("{task.fields[documents]:,} documents"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    notice = _Notice()
    with Progress(*columns, console=console, transient=True) as display:
        task = display.add_task("starting", total=None, documents=0)

        def report(event: Any) -> None:
            if event.phase == "compiling" and not notice.told:
                notice.told = True
                display.console.print(COMPILING, highlight=False, markup=False)
            display.update(
                task,
                description=event.phase,
                completed=event.bytes_done,
                total=event.bytes_total,
                documents=event.documents,
            )

        yield report
