"""The files of a gate: what each would hold, and whether it is written, extended or kept. Nothing is overwritten."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contam.errors import InputError
from contam.starting.github import one_branch, one_path, verbatim
from contam.starting.hooks import has_hook, with_hook
from contam.starting.installed import Requirement
from contam.starting.watching import watched

CONFIGURATION = "contam.toml"
BASELINE = "contam.baseline.json"
CACHE = ".contam-cache/"
REPORT = "contam-report"
IGNORED = (CACHE, f"{REPORT}/")
"""What git is told to leave out: what an audit keeps for itself, and what the workflow writes."""
WORKFLOW = ".github/workflows/contam.yml"
"""Of the first project of a repository; each further one has a file of its own, see `workflow_place`."""
HOOKS = ".pre-commit-config.yaml"
_TEMPLATES = Path(__file__).with_name("templates")

Action = Literal["write", "replace", "extend", "keep"]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the files depend on.

    ``folder`` is the project's, ``top`` that of its git repository (the same where there is none). ``corpus`` is
    relative to the folder, ``branch`` the one that pull requests go to, ``baseline`` whether there is one already.
    """

    folder: Path
    top: Path
    corpus: str
    fail_on: str
    requirement: Requirement
    branch: str = "main"
    baseline: bool = False

    @property
    def below(self) -> str:
        """The project's folder within the repository: ``.`` or such as ``models/de``."""
        return self.folder.relative_to(self.top).as_posix()

    @property
    def prefix(self) -> str:
        """What paths of the project begin with, seen from the repository's folder."""
        return "" if self.below == "." else f"{self.below}/"


@dataclass(frozen=True, slots=True)
class File:
    """A file, what it would hold, what is done with it and why."""

    path: Path
    content: str
    action: Action
    why: str


def files(choices: Choices, force: bool = False) -> tuple[File, ...]:
    """The files of a gate as they would be written."""
    return (
        _settings(choices, force),
        _new(workflow_place(choices), workflow(choices), force),
        _hooks(choices.top / HOOKS, hook(choices), choices),
        _ignored(choices.folder / ".gitignore"),
    )


def configuration(choices: Choices) -> str:
    """The text of ``contam.toml``."""
    marks = {
        "CORPUS": _quoted(choices.corpus),
        "FAIL_ON": _quoted(choices.fail_on),
        "BASELINE": "" if choices.baseline else "# ",
        "EXAMPLE": "data" if "*" in choices.corpus or '"' in choices.corpus else choices.corpus.rstrip("/"),
    }
    return _filled("contam.toml", marks)


def workflow_place(choices: Choices) -> Path:
    """Where the workflow goes: beside that of another project of the repository, never over it."""
    first = choices.top / WORKFLOW
    if not first.is_file() or _works_in(_text(first)) in (None, choices.below):
        return first
    name = "root" if choices.below == "." else re.sub(r"[^\w.-]+", "-", choices.below)
    return first.with_name(f"contam-{name}.yml")


def _works_in(text: str) -> str | None:
    """The folder that a workflow works in, as `workflow` writes it; None where it does not say."""
    found = re.search(r"^ *working-directory: *(\S.*)$", text, re.M)
    if found is None:
        return None
    written = found[1].strip()
    folder: str = json.loads(written) if re.fullmatch(r'"(?:[^"\\]|\\.)*"', written) else written.strip("'")
    return folder.replace(verbatim("${{"), "${{")


def _titled(name: str, choices: Choices) -> str:
    """A name that tells the projects of a repository apart."""
    return name if choices.below == "." else f"{name} {choices.below}"


def workflow(choices: Choices) -> str:
    """The text of the GitHub workflow."""
    marks = {
        "NAME": _quoted(verbatim(_titled("contam", choices))),
        "BRANCH": _quoted(one_branch(choices.branch)),
        "FOLDER": _quoted(verbatim(choices.below)),
        "CACHE": _quoted(one_path(choices.prefix + CACHE.rstrip("/"))),
        "REPORT": _quoted(one_path(f"{choices.prefix}{REPORT}")),
        "SARIF": _quoted(verbatim(f"{choices.prefix}{REPORT}/contam.sarif")),
        "INSTALL": _install(choices.requirement),
        "REQUIREMENT": _quoted(verbatim(choices.requirement.text)),
    }
    return _filled("workflow.yml", marks)


def _install(requirement: Requirement) -> str:
    lines = [f"What pip installs: {requirement.note}."]
    if not requirement.reachable:
        lines += [
            "A runner cannot install from there. Put here where it can get contam from: a version of your package",
            'index, or "contam @ git+https://HOST/OWNER/contam@COMMIT".',
        ]
    return "\n".join(f"      # {line}" for line in lines)


def hook(choices: Choices) -> str:
    """The entry of ``.pre-commit-config.yaml``; it uses the contam at hand where no other machine can install it."""
    where = f" --config {_shell(choices.prefix + CONFIGURATION)}" if choices.prefix else ""
    dependencies = f"      additional_dependencies: [{_quoted(choices.requirement.text)}]"
    marks = {
        "ENTRY": _quoted(f"contam audit{where}"),
        "NAME": _quoted(_titled("contam audit", choices)),
        "LANGUAGE": "python" if choices.requirement.reachable else "system",
        "DEPENDENCIES": dependencies if choices.requirement.reachable else "",
        "FILES": _quoted(watched(choices.corpus, (CONFIGURATION, BASELINE), choices.folder, choices.top)),
    }
    return "\n".join(line for line in _filled("hook.yaml", marks).splitlines() if line.strip()) + "\n"


def _filled(template: str, marks: dict[str, str]) -> str:
    """A template with its marks replaced, in one pass: a value that looks like a mark stays what it is."""
    text = (_TEMPLATES / template).read_text("utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda found: marks[found[1]], text)


def _quoted(text: str) -> str:
    """A string of TOML and of YAML alike."""
    return json.dumps(text, ensure_ascii=False)


def _shell(text: str) -> str:
    import shlex

    return shlex.quote(text)


def _present(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _new(path: Path, content: str, force: bool) -> File:
    if not _present(path):
        return File(path, content, "write", "")
    if _text(path) == content:
        return File(path, content, "keep", "it is as it would be written")
    if force:
        return File(path, content, "replace", "--force")
    return File(path, content, "keep", "it exists; --force replaces it")


def _settings(choices: Choices, force: bool) -> File:
    """contam.toml; not where another file of the folder has the settings, which it would hide."""
    path, project = choices.folder / CONFIGURATION, choices.folder / "pyproject.toml"
    there = ".contam.toml is there" if _present(choices.folder / ".contam.toml") else ""
    if project.is_file() and re.search(r"^\s*\[tool\.contam\b", _text(project), re.M):
        there = "pyproject.toml has [tool.contam]"
    if there and not _present(path):
        return File(path, configuration(choices), "keep", f"not written: {there}")
    return _new(path, configuration(choices), force)


def _hooks(path: Path, entry: str, choices: Choices) -> File:
    if not _present(path):
        body = "\n".join(f"  {line}" for line in entry.splitlines())
        return File(path, f"repos:\n{body}\n", "write", "")
    text = _text(path)
    if has_hook(text, choices.prefix + CONFIGURATION if choices.prefix else ""):
        return File(path, text, "keep", "the hook is in it")
    extended = with_hook(text, entry)
    if extended is None:
        return File(path, entry, "keep", "its repos are not a list of lines; add this entry yourself")
    return File(path, extended, "extend", "the hook is added at the end of repos")


def _ignored(path: Path) -> File:
    if not _present(path):
        return File(path, "".join(f"{folder}\n" for folder in IGNORED), "write", "")
    text = _text(path)
    there = {line.strip().strip("/") for line in text.splitlines()}
    missing = [folder for folder in IGNORED if folder.strip("/") not in there]
    if not missing:
        return File(path, text, "keep", f"{' and '.join(IGNORED)} are in it")
    gap = "" if not text or text.endswith("\n") else "\n"
    added = "".join(f"{folder}\n" for folder in missing)
    return File(path, f"{text}{gap}{added}", "extend", f"{' and '.join(missing)} added")


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); nothing was written") from error
