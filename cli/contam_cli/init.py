"""``contam init``: the files that make an audit a gate."""

from __future__ import annotations

import contextlib
import glob
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
INTERRUPTED = 130
AT_ONCE = 1_000_000_000
"""Bytes of a corpus up to which a baseline is made without being asked for: half a minute."""
EPILOG = """\b
Examples:
  contam init
  contam init --yes --corpus data/ --baseline
  contam init --dry-run
  contam init --install "contam @ git+https://git.example.org/ml/contam@v0.1.0"

\b
Exit codes: 0 the files are there; 2 they could not be written, or the
baseline could not be made; 130 interrupted.
"""


@click.command(epilog=EPILOG)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.option("--corpus", metavar="PATH", help="File, folder or glob, relative to DIR.  [default: it is looked for]")
@click.option("--fail-on", type=click.Choice(LEVELS), help="The level from which the gate fails.  [default: at_risk]")
@click.option(
    "--baseline/--no-baseline",
    default=None,
    help="Audit the corpus now and keep what it measures, if it is healthy.  [default: up to 1 GB]",
)
@click.option("--install", metavar="REQUIREMENT", help="What pip installs in CI.  [default: as it is installed here]")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; nothing is asked outside a terminal either.")
@click.option("--force", is_flag=True, help="Replace contam.toml and the workflow where they exist.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@global_options
def init(folder: Path, install: str | None, yes: bool, force: bool, dry_run: bool, **given: str | bool | None) -> int:
    """Make the audit a gate: write contam.toml, a GitHub workflow, a pre-commit hook and .gitignore in DIR.

    Files that exist are kept and told; a hook configuration and .gitignore get what they lack. The corpus is looked
    for: a folder such as data/, or files that hold records. What it measures today becomes the baseline that later
    audits compare with.
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
    code = _baseline(choices) if baseline and not choices.baseline else None
    if code == INTERRUPTED:
        return INTERRUPTED
    emit(_next(choices, planned, made=code == 0))
    return 2 if given["baseline"] and code != 0 and not choices.baseline else 0


def _terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and not settings().quiet


def _chosen(
    folder: Path, install: str | None, given: dict[str, str | bool | None], ask: bool
) -> tuple[Choices, bool, str]:
    """The choices, whether a baseline is wanted now, and what is said of them; questions are asked on a terminal."""
    from contam.starting.files import BASELINE, Choices
    from contam.starting.finding import configured_corpus, find_corpus
    from contam.starting.installed import Requirement, requirement
    from contam.starting.project import repository

    corpus = given["corpus"]
    found = _said(str(corpus), folder) if corpus else configured_corpus(folder) or find_corpus(folder)
    if ask and not corpus:
        found = _asked(found, folder)
    level = str(given["fail_on"] or (_level() if ask else LEVELS[0]))
    baseline = _wanted(folder / found.path, given["baseline"], ask)
    needed = Requirement(install, True, "as you said") if install else requirement()
    there = repository(folder)
    choices = Choices(folder, there.top if there else folder, _checked(found.path, "--corpus"), level, needed)
    _checked(choices.below, "DIR")
    choices = replace(choices, branch=there.branch if there else "main", baseline=(folder / BASELINE).is_file())
    return choices, baseline, _told(choices, found, there is not None)


def _asked(found: Found, folder: Path) -> Found:
    told = f"Where is the corpus? ({found.why})"
    answer = click.prompt(told, default=found.path, err=True)
    return found if answer == found.path else _said(answer, folder)


def _said(corpus: str, folder: Path) -> Found:
    """A corpus that was named; relative to the project where it is in it, as others have the project elsewhere."""
    from contam.starting.finding import Found
    from contam.starting.watching import inside

    address = "://" in corpus or corpus == "-"
    there = address or (folder / corpus).exists() or any(glob.iglob(corpus, root_dir=folder, recursive=True))  # noqa: PTH207
    return Found(inside(corpus, folder) or corpus, "as you said" + ("" if there else "; nothing is there yet"))


def _level() -> str:
    kind = click.Choice(LEVELS)
    return str(click.prompt("From which level does the gate fail?", default=LEVELS[0], type=kind, err=True))


def _wanted(corpus: Path, given: str | bool | None, ask: bool) -> bool:
    """Whether to make a baseline now: as was said, else for a corpus that is there and takes seconds."""
    from contam.starting.finding import bytes_below

    if given is not None:
        return bool(given)
    size = bytes_below(corpus)
    if not size:
        return False
    told = "Audit it now and keep what it measures as the baseline?"
    return click.confirm(told, default=size <= AT_ONCE, err=True) if ask else size <= AT_ONCE


def _checked(name: str, what: str) -> str:
    if not name.isprintable() or not name.strip():
        raise click.UsageError(f"{what} {name!r}: a name with such characters cannot be written into settings")
    return name


def _told(choices: Choices, found: Found, in_git: bool) -> str:
    lines = [f"The corpus is {found.path}: {found.why}."]
    if not found.sure:
        lines = [f"{found.why[0].upper()}{found.why[1:]}: contam.toml says {found.path}; put your path there."]
    if not in_git:
        lines.append("This folder is in no git repository: the workflow and the hook begin to work once it is.")
    elif choices.prefix:
        lines.append(f"The git repository is {choices.top}: the workflow and the hook go there.")
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


def _baseline(choices: Choices) -> int:
    """Audit the corpus; where it is healthy, what it measures is the baseline, and contam.toml names it.

    The audit's exit code; there is a baseline where it is 0.

    What the gate lets pass may be no baseline: with ``--fail-on never`` that is a corpus in any state.
    """
    from contam.starting.files import BASELINE, CONFIGURATION
    from contam_cli.main import run

    file, place = choices.folder / BASELINE, choices.folder / CONFIGURATION
    named = ["--config", CONFIGURATION] if place.is_file() else []
    with contextlib.chdir(choices.folder):
        code = run(["audit", *named, "--fail-on", LEVELS[0], "--write-baseline", BASELINE, "-q"])
    if code:
        did = f"removed   {choices.prefix}{BASELINE} again" if file.exists() else "no baseline"
        file.unlink(missing_ok=True)
        why = "the corpus is not healthy today" if code == 1 else "the corpus could not be judged"
        told = "interrupted; the files above are complete" if code == INTERRUPTED else f"{why}; contam audit says more"
        emit(f"{did}: {told}\n")
        return code
    text, line = place.read_text("utf-8") if named else "", f'baseline = "{BASELINE}"'
    if f"# {line}\n" in text:
        place.write_text(text.replace(f"# {line}\n", f"{line}\n"), "utf-8")
    told = "" if line in text else f"   (to compare with it, put into your settings: {line})"
    emit(f"wrote     {choices.prefix}{BASELINE}{told}\n")
    return 0


def _next(choices: Choices, planned: tuple[File, ...], made: bool) -> str:
    """The commands to go on with, and what a runner cannot know by itself."""
    from contam.starting.files import BASELINE

    there = made or choices.baseline
    files = [file.path for file in planned if file.path.exists()] + [choices.folder / BASELINE] * there
    added = shlex.join(os.path.relpath(path, choices.folder) for path in files)
    commands = [
        *([f"cd {shlex.quote(str(choices.folder))}"] if choices.folder != Path.cwd() else []),
        *([] if (choices.top / ".git").exists() else ["git init"]),
        "contam audit             # what the gate says today",
        *([] if there else ["contam init --baseline   # once it is healthy, keep what it measures as the baseline"]),
        f"git add {added} && git commit -m 'A gate for training text'",
        "pre-commit install       # to audit before each commit too (pip install pre-commit)",
    ]
    needs = "".join(f"\n{need}\n" for need in _needs(choices, planned))
    return "\nNext:\n" + "".join(f"  {command}\n" for command in commands) + needs


def _needs(choices: Choices, planned: tuple[File, ...]) -> list[str]:
    """What the workflow needs, where it was written now: a contam that can be installed, and the corpus."""
    from contam.starting.files import workflow_place

    place = workflow_place(choices)
    if not any(file.path == place and file.action != "keep" for file in planned):
        return []
    name = place.relative_to(choices.top).as_posix()
    corpus = f"GitHub has only what you push: commit the corpus too, or fetch it in a step of {name}."
    needs = [] if "://" in choices.corpus else [corpus]
    if choices.requirement.reachable:
        return needs
    contam = (
        f"{choices.requirement.note[0].upper()}{choices.requirement.note[1:]}, where GitHub cannot get it.\n"
        f"Before you push, write into the line REQUIREMENT of {name} what pip can install there, such as\n"
        '"contam @ git+https://HOST/OWNER/contam@COMMIT".'
    )
    return [*needs, contam]
