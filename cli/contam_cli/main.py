"""The table of commands; a command's module is imported when it is used."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from contam import __version__
from contam.errors import ContamError
from contam_cli.settings import Configured, Settings, global_options

COMMANDS = {
    "audit": "Judge whether a corpus is collapsing.",
    "probe": "Judge whether a language model, or a series of checkpoints, is collapsing.",
    "compare": "Show how two corpora, or two saved audits, differ beyond noise.",
    "selftrain": "Reproduce the collapse of a self-trained language model.",
    "recurse": "Retrain a model generation after generation on its own output.",
    "mix": "Judge a mixture of real and synthetic text: share, effect on a model, forecast.",
    "filter": "Write a corpus without looping and duplicate documents.",
    "simulate": "Show what the theory of collapse says, simulated beside its closed forms.",
    "profile": "Build, list and show reference populations.",
    "rule": "List the rules, or explain one.",
    "demo": "Make a human and a collapsing corpus on the spot and audit both.",
    "init": "Make the audit a gate: contam.toml, a GitHub workflow, a hook for commits.",
    "config": "Show every setting and where it comes from.",
    "completion": "Print the script that completes contam in bash, zsh or fish.",
}

EPILOG = """\b
Examples:
  contam demo
  contam audit data/*.jsonl.gz
  contam audit new/ --reference trusted/ -o json:report.json
  contam probe ./checkpoint --baseline ./base --text held-out.jsonl
  contam rule DIV006

\b
Exit codes:
  0    judged; nothing at or above --fail-on (default: collapsing)
  1    judged; the data, or the checkpoint, fails
  2    could not judge: bad usage, unreadable input, insufficient evidence
  130  interrupted
"""


EXTRAS = {
    "torch": "models", "transformers": "models", "tokenizers": "models", "safetensors": "models", "datasets": "models",
    "matplotlib": "models", "sklearn": "stats", "scipy": "stats", "nltk": "stats",
}  # fmt: skip
"""Packages that some commands need, and the extra that installs each."""


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that has no room left: no bug, wherever they come up."""


VARIABLE = "_CONTAM_COMPLETE"
"""The variable by which a shell asks for completions; see `contam_cli.completing`."""


class Commands(click.Group):
    """The command table; short helps come from the table, so ``--help`` imports no command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"contam_cli.{cmd_name}"), cmd_name)
        command.context_class = Configured
        if VARIABLE in os.environ:
            from contam_cli.completing import offer

            return offer(command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names of the table, without importing a command; options once a dash is typed."""
        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=what) for name, what in COMMANDS.items() if name.startswith(incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for an unknown one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Commands: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table as the help shows it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="contam", message="%(prog)s %(version)s")
@global_options
def commands() -> None:
    """Is this corpus, or this model, collapsing from training on model output?"""


def main(name: str = "contam") -> None:
    """The entry point: runs the command and leaves with its exit code. ``name`` is how it was called."""
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by whoever called us: the exit code is all they want
            setattr(sys, stream, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for all of the run
    sys.exit(run(sys.argv[1:], name))


def run(args: Sequence[str], name: str = "contam") -> int:
    """Run one command line; the exit code is 0, 1 (a verdict only), 2 or 130."""
    if VARIABLE in os.environ:
        commands.main(list(args), prog_name="contam")
    try:
        with commands.make_context(name, list(args), obj=Settings()) as context:
            code = commands.invoke(context)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except (KeyboardInterrupt, click.Abort) as interrupt:
        _say("\n".join(["interrupted", *getattr(interrupt, "__notes__", ())]))
        return 130
    except BrokenPipeError:
        _close_output()
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except ContamError as error:
        _say(f"contam: {error}")
        return 2
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            _bug(error, args)
        else:
            extra = EXTRAS[error.name]
            _say(
                f"contam: this needs {error.name}, which is not installed: pip install 'contam[{extra}]', or in a "
                f"clone: pip install -c constraints.txt '.[{extra}]'"
            )
        return 2
    except OSError as error:
        if error.errno not in FULL:
            _bug(error, args)
            return 2
        _close_output()
        where = f" to {error.filename}" if error.filename else ""
        _say(f"contam: the output could not be written{where}: {error.strerror}")
        return 2
    except Exception as error:
        _bug(error, args)
        return 2


def _say(message: str) -> None:
    """One message on stderr; it may quote a corpus, so it is escaped."""
    from contam.reports.escape import visible

    lines = (visible(line) for line in message.splitlines())
    click.echo("\n".join(lines), err=True)


def _bug(error: Exception, args: Sequence[str]) -> None:
    verbose = {"-v", "--verbose"} & set(args)
    if verbose:
        traceback.print_exception(error)
    _say(f"contam: unexpected {type(error).__name__}: {error}")
    more = "" if verbose else "; run it again with -v for the traceback"
    _say(f"This is a bug in contam {__version__}, not a verdict{more}.")


def _close_output() -> None:
    """Whoever read our output has left: let nothing more be written, at exit neither."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())


if __name__ == "__main__":
    main()
