"""What holds for every command: quiet, verbose, progress; given before the command's name or after it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options."""

    quiet: bool = False
    verbose: bool = False
    no_progress: bool = False

    @property
    def progress(self) -> bool:
        """Whether a progress bar is wanted: on a terminal, outside CI, unless told otherwise."""
        wanted = not (self.quiet or self.no_progress or os.environ.get("CI"))
        return wanted and sys.stderr.isatty()


def settings() -> Settings:
    """The global options of the command that is running."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Settings) if context is not None else None
    return found or Settings()


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and parameter.name is not None:
        known = context.find_object(Settings) or Settings()
        root = context.find_root()
        root.obj = context.obj = replace(known, **{parameter.name: True})


def global_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-q``, ``-v`` and ``--no-progress`` to a command."""
    flags = (
        ("-q", "--quiet", "quiet", "Only the verdict line; no progress, no notices."),
        ("-v", "--verbose", "verbose", "With an unexpected error, its traceback."),
        ("--no-progress", "no_progress", "No progress bar (it is off outside a terminal and in CI)."),
    )
    for *names, text in reversed(flags):
        option = click.option(*names, is_flag=True, expose_value=False, callback=_remember, help=text)
        command = option(command)
    return command
