"""``contam completion``: the script that makes TAB complete contam in a shell."""

from __future__ import annotations

import os
from pathlib import PurePath

import click
from click.shell_completion import get_completion_class

from contam_cli.output import emit
from contam_cli.settings import global_options

SHELLS = ("bash", "zsh", "fish")
EPILOG = """\b
Examples:
  contam completion bash > ~/.local/share/bash-completion/completions/contam
  contam completion zsh > ~/.zfunc/_contam     (with fpath+=~/.zfunc before compinit in ~/.zshrc)
  contam completion fish > ~/.config/fish/completions/contam.fish
"""


@click.command(epilog=EPILOG)
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@global_options
def completion(shell: str | None) -> None:
    """Print the script that completes commands, options, rules and paths in SHELL (default: the shell in $SHELL)."""
    emit(script(shell or _current()) + "\n")


def _current() -> str:
    """The shell of the user, by its name."""
    name = PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise click.UsageError(f"which shell? contam completion {'|'.join(SHELLS)}")
    return name


def script(shell: str) -> str:
    """The script for a shell, which asks ``contam`` itself for what fits."""
    from contam_cli.main import VARIABLE, commands

    kind = get_completion_class(shell)
    assert kind is not None
    return kind(commands, {}, "contam", VARIABLE).source().strip()
