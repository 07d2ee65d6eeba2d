"""Reports: one neutral page for every command, and a renderer for each format.

A format is a module here; its name is its name on the command line.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.errors import InputError, UsageError

if TYPE_CHECKING:
    from contam.reports.findings import Gate

FORMATS = ("rich", "json", "markdown", "html", "sarif", "junit", "github", "metrics")
_DATA = ("json", "sarif", "junit", "github", "metrics")


@dataclass(frozen=True, slots=True)
class Style:
    """What the place of output can show: its width in columns, colour, and characters beyond ASCII."""

    width: int = 80
    colour: bool = False
    ascii: bool = False


def render(result: Any, form: str, style: Style | None = None, gate: Gate | None = None) -> str:
    """Any command's result as text in one of ``FORMATS``; the text ends with a line break.

    ``gate`` says how it is judged, for the formats that tell errors from warnings and for corpora in parts.
    """
    if form in _DATA:
        return _data(result, form, gate)
    from contam.reports.drawing import draw

    if form == "markdown":
        from contam.reports import markdown

        return markdown.render(draw(result, gate=gate))
    if form == "html":
        from contam.reports import html

        return html.render(draw(result, full=True, gate=gate))
    if form == "rich":
        from contam.reports import terminal

        return terminal.render(draw(result, gate=gate), style or Style())
    raise UsageError(f"no report format {form!r}: known are {', '.join(FORMATS)}")


def _data(result: Any, form: str, gate: Gate | None) -> str:
    """A format for programs, each a module of its own."""
    if form == "json":
        from contam.reports import json

        return json.render(result)
    if form == "metrics":
        from contam.reports import flat

        return flat.render(result, gate)
    from contam.reports.findings import outcome_of

    outcome = outcome_of(result, gate)
    if form == "sarif":
        from contam.reports import sarif

        return sarif.render(outcome)
    if form == "junit":
        from contam.reports import junit

        return junit.render(outcome)
    from contam.reports import github

    return github.render(outcome)


def parse_output(given: str, make: bool = False) -> tuple[str, Path]:
    """``FORMAT:PATH`` as its parts; a usage error says what is wrong before anything is measured.

    A missing folder is one, unless ``make`` says that it is to be made: a configuration names folders of reports,
    where on the command line it is a slip.
    """
    form, colon, path = given.partition(":")
    if not colon or form not in FORMATS or not path:
        known = ", ".join(FORMATS)
        raise UsageError(f"-o {given!r}: expected FORMAT:PATH such as json:report.json (formats: {known})")
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"-o {given!r}: {path} is a folder, not a file")
    if make and not target.parent.is_dir():
        from contam.reports.folders import make_folder

        make_folder(target.parent)
    if not target.parent.is_dir():
        raise UsageError(f"-o {given!r}: the folder {target.parent} does not exist")
    return form, target


def write_whole(target: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a temporary file beside it, then a rename. What is no file, such as a pipe, is
    written to; InputError where that is not possible."""
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    temporary = None
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(raw)
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
        Path(temporary).chmod(_mode(target))
        Path(temporary).replace(target)
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _mode(target: Path) -> int:
    """The permissions an ordinary write would give: those of the old file, or what the umask allows."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
