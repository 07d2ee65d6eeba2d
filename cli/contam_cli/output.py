"""Where results go: stdout in one format, files in others."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contam.errors import ContamError
from contam.reports import FORMATS, Style, parse_output, render, write_whole

if TYPE_CHECKING:
    from contam.reports.failed import Failure
    from contam.reports.findings import Gate


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


def check_outputs(outputs: tuple[str, ...], make: bool = False) -> None:
    """Refuse what cannot be written before anything is measured; ``make`` makes missing folders."""
    for given in outputs:
        parse_output(given, make)


def deliver(
    result: Any, form: str, outputs: tuple[str, ...] = (), quiet: bool = False, gate: Gate | None = None
) -> None:
    """Write the files, tell GitHub where it listens, then print the result. ``gate``: how it is judged."""
    for given in outputs:
        kind, target = parse_output(given)
        write_whole(target, render(result, kind, gate=gate))
    if listening():
        _tell_github(result, form, outputs, gate)
    emit(_brief(result) if quiet and form == "rich" else render(result, form, stdout_style(), gate))


def deliver_failure(failure: Failure, form: str, outputs: tuple[str, ...] = (), gate: Gate | None = None) -> None:
    """Reports of what could not be judged, as far as they can be written; the message itself is told elsewhere.

    Stdout gets the report in every format but rich. What cannot be written is told and never hides the failure.
    """
    for given in outputs:
        try:
            kind, target = parse_output(given)
            write_whole(target, render(failure, kind, gate=gate))
        except ContamError as error:
            _notice(f"no report of the failure: {error}")
    if listening():
        _tell_github(failure, form, outputs, gate)
    if form != "rich":
        emit(render(failure, form, stdout_style(), gate))


@contextmanager
def reported(
    command: str, sources: tuple[str, ...], form: str, outputs: tuple[str, ...], gate: Gate | None = None
) -> Iterator[None]:
    """Reports of the failure where what stands inside cannot judge; the error goes on to be told and to exit 2."""
    try:
        yield
    except Exception as error:
        from contam.reports.failed import Failure

        deliver_failure(Failure.of(error, command, sources), form, outputs, gate)
        raise


def listening() -> bool:
    """Whether a GitHub job runs this and wants to be told: ``CONTAM_GITHUB=0`` says it does not."""
    told = os.environ.get("CONTAM_GITHUB", "").strip().lower()
    return os.environ.get("GITHUB_ACTIONS") == "true" and told not in ("0", "false", "no", "off")


def _tell_github(result: Any, form: str, outputs: tuple[str, ...], gate: Gate | None) -> None:
    """Annotations on stderr, the summary's page, the outputs of the step; nothing of what has no verdict."""
    from contam.reports import github
    from contam.reports.findings import outcome_of

    outcome = outcome_of(result, gate)
    if not outcome.level:
        return
    if form != "github":
        click.echo(github.render(outcome), nl=False, err=True)
    report = next((given.partition(":")[2] for given in outputs if given.startswith("html:")), "")
    summary, values = os.environ.get("GITHUB_STEP_SUMMARY"), os.environ.get("GITHUB_OUTPUT")
    try:
        if summary:
            github.append_summary(Path(summary), render(result, "markdown", gate=gate))
        if values:
            github.append_outputs(Path(values), github.outputs(outcome, report))
    except OSError as error:
        _notice(f"GitHub's summary or outputs could not be written: {error.strerror or error}")


def _notice(message: str) -> None:
    """One line on stderr that changes nothing else; it may quote a corpus, so it is escaped."""
    from contam.reports.escape import visible

    click.echo(f"contam: {visible(message)}", err=True)


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
    """The verdict in one line, or the findings of what has no verdict."""
    from contam.reports import terminal
    from contam.reports.drawing import draw
    from contam.reports.page import Page

    page = draw(result)
    if page.banner is None:
        return terminal.render(Page(page.title, None, page.sections[:1]), stdout_style())
    return terminal.one_line(page.title, page.banner, stdout_style())
