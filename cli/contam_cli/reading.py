"""Options of every command that reads and measures a corpus."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that become ``AuditOptions``."""
    options = (
        click.option(
            "--profile",
            default="auto",
            show_default=True,
            metavar="NAME|FILE",
            help="Reference population (see contam profile list).",
        ),
        click.option("--text-field", metavar="NAME", help="Field or column that holds the text."),
        click.option("--split-lines", "split", flag_value="lines", help="Each line of a .txt is a document."),
        click.option(
            "--split-blank-lines",
            "split",
            flag_value="blank-lines",
            help="Blank lines part documents in a .txt.",
        ),
        click.option("--workers", type=click.IntRange(1), metavar="N", help="Default: one for each core."),
        click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Default: 0."),
        click.option("--sample-tokens", type=click.IntRange(1), metavar="N", help="Matched sample size."),
        click.option("--strict", is_flag=True, help="Stop (exit 2) at the first thing that cannot be read."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def source_of(paths: tuple[str, ...]) -> Any:
    """The paths as the measurement takes them.

    One is a string; several are path objects, because a list of strings could be a list of texts. Standard
    input and addresses stay strings: a path object would fold their slashes.
    """
    if len(paths) == 1:
        return paths[0]
    return [path if path == "-" or "://" in path else Path(path) for path in paths]
