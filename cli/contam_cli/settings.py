"""What holds for every command: its configuration, quiet, verbose, progress; given before the command's name or after
it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from contam.configuration.record import Configuration


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options."""

    quiet: bool = False
    verbose: bool = False
    no_progress: bool = False
    config: str | None = None

    @property
    def configuration(self) -> Configuration:
        """What the configuration says, with the environment and the running command's own options over it.

        Raises UsageError where the file cannot be used.
        """
        from contam_cli.configured import resolved

        return resolved(self.config)

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


class Configured(click.Context):
    """A command's context; its help is there, with the built-in defaults, whatever the configuration says."""

    def get_help(self) -> str:
        """The help, without a look at the configuration."""
        self.default_map = None
        return super().get_help()


def _remember(context: click.Context, parameter: click.Parameter, value: bool | str | None) -> None:
    if value and parameter.name is not None:
        known = context.find_object(Settings) or Settings()
        root = context.find_root()
        changes: dict[str, Any] = {parameter.name: value}
        root.obj = context.obj = replace(known, **changes)


def _configure(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Remember the file, and give the options of a command their configured defaults."""
    _remember(context, parameter, value)
    name, parent = context.info_name, context.parent
    if context.resilient_parsing or name is None or parent is None or parent.parent is not None:
        return
    from contam_cli.configured import SHARED, Late

    if name in SHARED:
        context.default_map = Late(context.command, name, settings().config)


def global_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--config``, ``-q``, ``-v`` and ``--no-progress`` to a command."""
    flags = (
        ("-q", "--quiet", "quiet", "Only the verdict line; no progress, no notices."),
        ("-v", "--verbose", "verbose", "With an unexpected error, its traceback."),
        ("--no-progress", "no_progress", "No progress bar (it is off outside a terminal and in CI)."),
    )
    for *names, text in reversed(flags):
        option = click.option(*names, is_flag=True, expose_value=False, callback=_remember, help=text)
        command = option(command)
    told = "Configuration instead of the nearest contam.toml or pyproject.toml; none: no file."
    configure = click.option(
        "--config", metavar="FILE", is_eager=True, expose_value=False, callback=_configure, help=told
    )
    return configure(command)
