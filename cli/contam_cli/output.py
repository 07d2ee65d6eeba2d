"""Where results go: stdout in one format, files in others."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import Any

import click

from contam.reports import FORMATS, Style, parse_output, render, write_whole


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format`` and ``-o`` to a command."""
    form = click.option(
        "--format", "form", type=click.Choice(FORMATS), default="rich", show_default=True, help="On stdout."
    )
    files = click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT:PATH",
        help="Also write a file, such as json:report.json or markdown:report.md (repeatable).",
    )
    return form(files(command))


def check_outputs(outputs: tuple[str, ...]) -> None:
    """Refuse what cannot be written before anything is measured."""
    for given in outputs:
        parse_output(given)


def deliver(result: Any, form: str, outputs: tuple[str, ...] = (), quiet: bool = False) -> None:
    """Write the files, then print the result."""
    for given in outputs:
        kind, target = parse_output(given)
        write_whole(target, render(result, kind))
    emit(_brief(result) if quiet and form == "rich" else render(result, form, stdout_style()))


def emit(text: str) -> None:
    """Print; a reader that has left early (``| head``) does not change the exit code."""
    stream = sys.stdout
    try:
        shown = text.encode(stream.encoding or "utf-8", "backslashreplace").decode(stream.encoding or "utf-8")
        stream.write(shown)
        stream.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def stdout_style() -> Style:
    """What stdout can show: colour only on a terminal that wants it, ASCII where the encoding has no more."""
    terminal = sys.stdout.isatty()
    width = min(shutil.get_terminal_size((80, 24)).columns, 110) if terminal else 80
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return Style(max(width, 60), terminal and not plain, not encoding.startswith("utf"))


def _brief(result: Any) -> str:
    """The verdict line alone, or the findings of what has no verdict."""
    from contam.reports import terminal
    from contam.reports.drawing import draw
    from contam.reports.page import Page

    page = draw(result)
    kept = () if page.banner else page.sections[:1]
    return terminal.render(Page(page.title, page.banner, kept), stdout_style())
