"""The project that a gate is for: its git repository and branch, read from files, without git."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

UNKNOWN = ".invalid"
"""What ``HEAD`` names where git keeps its branches in a table of its own (reftable)."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The folder that holds ``.git``, and the branch that pull requests go to as far as files tell."""

    top: Path
    branch: str


def repository(folder: Path) -> Repository | None:
    """The git repository that a folder is in; None outside one."""
    for top in (folder, *folder.parents):
        git = top / ".git"
        if git.exists():
            return Repository(top, _branch(git))
    return None


def _branch(git: Path) -> str:
    """The default branch of ``origin`` where a clone knows it, else the branch that is checked out.

    In a worktree that is the branch of the repository it belongs to: its own is the one being worked on.
    """
    if git.is_file():
        git = (git.parent / _line(git).removeprefix("gitdir: ")).resolve()
    git = (git / (_line(git / "commondir") or ".")).resolve()
    origin = _line(git / "refs/remotes/origin/HEAD").removeprefix("ref: refs/remotes/origin/")
    here = _line(git / "HEAD")
    name = origin or (here.removeprefix("ref: refs/heads/") if here.startswith("ref: ") else "")
    return name if name and name.isprintable() and name != UNKNOWN else "main"


def _line(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
