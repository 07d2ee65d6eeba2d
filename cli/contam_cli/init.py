"""``contam init``: the files that make an audit a gate."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from contam_cli.output import emit
from contam_cli.settings import global_options, settings

if TYPE_CHECKING:
    from contam.starting.files import Choices, File
    from contam.starting.finding import Found

LEVELS = ("at_risk", "collapsing", "never")
EPILOG = """\b
Examples:
  contam init
  contam init --yes --corpus data/ --baseline
  contam init --dry-run
  contam init --install "contam @ git+https://git.example.org/ml/contam@v0.1.0"

\b
Exit codes: 0 the files are there; 2 they could not be written, or the baseline could not be made.
"""


@click.command(epilog=EPILOG)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--corpus", metavar="PATH", help="File, folder or glob, relative to DIR.  [default: it is looked for]")
@click.option("--fail-on", type=click.Choice(LEVELS), help="The level from which the gate fails.  [default: at_risk]")
@click.option("--baseline", is_flag=True, help="Audit the corpus now and keep what it measures as the baseline.")
@click.option("--install", metavar="REQUIREMENT", help="What pip installs in CI.  [default: as it is installed here]")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; nothing is asked outside a terminal either.")
@click.option("--force", is_flag=True, help="Replace contam.toml and the workflow where they exist.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@global_options
def init(folder: Path, install: str | None, yes: bool, force: bool, dry_run: bool, **given: str | bool | None) -> int:
    """Make the audit a gate: write contam.toml, a GitHub workflow, a pre-commit hook and .gitignore in DIR.

    Files that exist are kept and told; a hook configuration and .gitignore get what they lack. The corpus is looked
    for: a folder such as data/, or files that hold records.
    """
    from contam.starting.files import files

    folder = folder.resolve()
    choices, baseline, told = _chosen(folder, install, given, ask=not (yes or dry_run) and _terminal())
    planned = files(choices, force)
    emit(told)
    if dry_run:
        emit("".join(_shown(file) for file in planned))
        return 0
    for file in planned:
        _write(file)
    emit("".join(_line(file, choices) for file in planned))
    made = baseline and _baseline(choices)
    emit(_next(choices, planned, bool(made)))
    return 2 if baseline and not made else 0


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and not settings().quiet


def _chosen(
    folder: Path, install: str | None, given: dict[str, str | bool | None], ask: bool
) -> tuple[Choices, bool, str]:
    """The choices, whether a baseline is wanted now, and what is said of them; questions are asked on a terminal."""
    from contam.starting.files import BASELINE, Choices
    from contam.starting.finding import Found, find_corpus
    from contam.starting.installed import Requirement, requirement
    from contam.starting.project import repository

    corpus = given["corpus"]
    found = Found(str(corpus), "as you said") if corpus else find_corpus(folder)
    if ask and not corpus:
        found = _asked(found)
    level = str(given["fail_on"] or (_level() if ask else LEVELS[0]))
    baseline = bool(given["baseline"]) or (ask and found.sure and _wanted())
    needed = Requirement(install, True, "as you said") if install else requirement()
    there = repository(folder)
    choices = Choices(folder, there.top if there else folder, _checked(found.path), level, needed)
    choices = replace(choices, branch=there.branch if there else "main", baseline=(folder / BASELINE).is_file())
    return choices, baseline, _told(choices, found, there is not None)


def _asked(found: Found) -> Found:
    from contam.starting.finding import Found

    told = f"Where is the corpus? ({found.why})"
    answer = click.prompt(told, default=found.path, err=True)
    return found if answer == found.path else Found(answer, "as you said")


def _level() -> str:
    kind = click.Choice(LEVELS)
    return str(click.prompt("From which level does the gate fail?", default=LEVELS[0], type=kind, err=True))


def _wanted() -> bool:
    return click.confirm("Audit it now and keep what it measures as the baseline?", default=False, err=True)


def _checked(corpus: str) -> str:
    if not corpus.isprintable() or not corpus.strip():
        raise click.UsageError(f"--corpus {corpus!r}: a name with such characters cannot be written into contam.toml")
    return corpus


def _told(choices: Choices, found: Found, in_git: bool) -> str:
    lines = [f"The corpus is {found.path}: {found.why}."]
    if not found.sure:
        lines = [f"{found.why[0].upper()}{found.why[1:]}: contam.toml says {found.path}; put your path there."]
    if not in_git:
        lines.append("This is no git repository: workflow and hook begin to work when it is one.")
    elif choices.prefix:
        lines.append(f"The git repository is {choices.top}: workflow and hook go there.")
    if not choices.requirement.reachable:
        lines.append(f"{choices.requirement.note}: say in the workflow where a runner can get it (--install).")
    return "\n".join(lines) + "\n"


def _shown(file: File) -> str:
    head = {"write": "would write", "replace": "would replace", "extend": "would extend", "keep": "would keep"}
    why = f" ({file.why})" if file.why else ""
    body = "" if file.action == "keep" else "".join(f"    {line}\n" for line in file.content.splitlines())
    return f"\n{head[file.action]} {file.path}{why}\n{body}"


def _write(file: File) -> None:
    from contam.errors import InputError
    from contam.reports import write_whole

    if file.action == "keep":
        return
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {file.path.parent}: {error.strerror or error}") from error
    write_whole(file.path, file.content)


def _line(file: File, choices: Choices) -> str:
    did = {"write": "wrote", "replace": "replaced", "extend": "extended", "keep": "kept"}[file.action]
    name = file.path.relative_to(choices.top).as_posix()
    line = f"{did:9s} {name}" + (f"   ({file.why})" if file.why else "") + "\n"
    if file.action == "keep" and "yourself" in file.why:
        line += "".join(f"    {part}\n" for part in file.content.splitlines())
    return line


def _baseline(choices: Choices) -> bool:
    """Audit the corpus and write the baseline; contam.toml then names it. False where there is none to write."""
    from contam.starting.files import BASELINE, CONFIGURATION
    from contam_cli.main import run

    with contextlib.chdir(choices.folder):
        run(["audit", "--write-baseline", BASELINE, "--fail-on", "never", "-q"])
    if not (choices.folder / BASELINE).is_file():
        return False
    place = choices.folder / CONFIGURATION
    text = place.read_text("utf-8")
    place.write_text(text.replace(f'# baseline = "{BASELINE}"', f'baseline = "{BASELINE}"'), "utf-8")
    return True


def _next(choices: Choices, planned: tuple[File, ...], made: bool) -> str:
    """Three commands."""
    from contam.starting.files import BASELINE

    there = made or choices.baseline
    names = [os.path.relpath(file.path, choices.folder) for file in planned]
    added = shlex.join([*names, *([BASELINE] if there else [])])
    commands = [
        *([f"cd {shlex.quote(str(choices.folder))}"] if choices.folder != Path.cwd() else []),
        "contam audit             # is it healthy?",
        *([] if there else ["contam init --baseline   # then keep what it measures as the baseline"]),
        f"git add {added} && git commit -m 'A gate for training text'",
    ]
    return "\nNext:\n" + "".join(f"  {command}\n" for command in commands)
