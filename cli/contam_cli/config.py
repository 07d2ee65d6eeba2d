"""``contam config``: what is set, and where each value comes from."""

from __future__ import annotations

import click

from contam_cli.output import emit, stdout_style
from contam_cli.settings import global_options, settings

FORMATS = ("rich", "json", "toml")
EPILOG = """\b
Examples:
  contam config
  contam config --config other.toml --format toml > contam.toml
  CONTAM_FAIL_ON=at_risk contam config --format json

\b
Exit codes: 0; 2 where a configuration cannot be used, with its file and line.
"""


@click.command(epilog=EPILOG)
@click.option("--format", "form", type=click.Choice(FORMATS), default="rich", show_default=True, help="On stdout.")
@global_options
def config(form: str) -> None:
    """Show every setting, its value, and the place it comes from: file and line, environment, or default.

    The nearest contam.toml, .contam.toml or pyproject.toml with [tool.contam] is read, from the working folder upward.
    The environment (CONTAM_SEED, CONTAM_FAIL_ON, ...) is over the file, the command line over both.
    """
    from contam.configuration.showing import as_json, as_toml, config_page
    from contam.reports import terminal
    from contam_cli.configured import tables

    found = settings().configuration
    commands = tables(found)
    if form == "rich":
        emit(terminal.render(config_page(found, commands, settings().config), stdout_style()))
    else:
        emit((as_json if form == "json" else as_toml)(found, commands))
