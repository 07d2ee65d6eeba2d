"""A project with a gate: text that anyone can make on the spot, and ``contam`` as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contam.demo import make_demo, write_demo

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def texts(tmp_path_factory) -> dict[str, list[str]]:
    """Lines of JSONL: ``human``, and ``collapsing``, its recursion."""
    files = write_demo(make_demo(seed=0), tmp_path_factory.mktemp("texts"))
    return {name: path.read_text("utf-8").splitlines(keepends=True) for name, path in files.items()}


@pytest.fixture(scope="session")
def programs(tmp_path_factory) -> Path:
    """A folder with ``contam`` and ``python``, as a virtual environment has them."""
    folder = tmp_path_factory.mktemp("bin")
    for name, module in (("contam", "-P -m contam "), ("python", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def job(tmp_path, programs, monkeypatch) -> Path:
    """The environment of a GitHub job: its variables, and the folder for the files behind them."""
    folder = tmp_path / "runner"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("CONTAM_", "GITHUB_", "RUNNER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("RUNNER_TEMP", str(folder))
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(folder / name))
        (folder / name).touch()
    return folder


@pytest.fixture
def project(tmp_path, texts) -> Path:
    """A repository of git with a healthy corpus in it."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "data/text.jsonl").write_text("".join(texts["human"]), "utf-8")
    git(folder, "init", "-q", "-b", "main")
    return folder


def git(folder: Path, *args: str) -> str:
    """A command of git, as somebody."""
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *who, *args], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def poison(project: Path, texts: dict[str, list[str]], share: float = 0.3) -> range:
    """Append self-recursive text until it is a share of the documents; the lines it has."""
    human = len(texts["human"])
    added = texts["collapsing"][: round(share / (1 - share) * human)]
    with (project / "data/text.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(added)
    return range(human + 1, human + len(added) + 1)


def told(file: Path) -> dict[str, str]:
    """The outputs of a step, from the file behind ``GITHUB_OUTPUT``; the last of a name counts."""
    found: dict[str, str] = {}
    lines = iter(file.read_text("utf-8").splitlines())
    for line in lines:
        name, heredoc, end = line.partition("<<")
        if heredoc:
            found[name] = "\n".join(iter(lambda: next(lines), end))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found


def level(report: Path) -> str:
    """The verdict of a JSON report."""
    return json.loads(report.read_text("utf-8"))["verdict"]["level"]
