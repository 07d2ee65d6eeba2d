"""Completion in bash, zsh and fish: what is offered, that nothing heavy is imported for it, that shells take it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

from contam.reports import FORMATS
from contam.rules import RULES
from contam_cli.completing import FILTERED
from contam_cli.main import COMMANDS, VARIABLE, commands

IDS = [rule.id for rule in RULES]


@pytest.fixture
def offered(monkeypatch):
    """``offered("audit", "--fail-on", "")``: the items that complete the last word, as (kind, value)."""
    monkeypatch.setenv(VARIABLE, "zsh_complete")

    def call(*words: str) -> list[tuple[str, str]]:
        shell = get_completion_class("zsh")(commands, {}, "contam", VARIABLE)
        return [(item.type, item.value) for item in shell.get_completions(list(words[:-1]), words[-1])]

    return call


def names(items) -> list[str]:
    return [value for kind, value in items if kind == "plain"]


def test_commands(offered):
    assert names(offered("")) == list(COMMANDS)
    assert names(offered("pro")) == ["probe", "profile"]
    assert names(offered("--ver")) == ["--version", "--verbose"]


@pytest.mark.parametrize("name", COMMANDS)
def test_options_of_every_command(offered, name):
    assert {"--help", "--quiet"} <= set(names(offered(name, "--")))


def test_rules_and_lists_of_rules(offered):
    assert names(offered("rule", "")) == IDS
    assert names(offered("rule", "div00")) == [i for i in IDS if i.startswith("DIV00")]


@pytest.mark.skipif("--select" not in {o for p in commands.get_command(None, "audit").params for o in p.opts},
                    reason="contam audit has no --select")  # fmt: skip
def test_rules_after_a_comma(offered):
    assert "REP" in names(offered("audit", "--select", ""))
    assert names(offered("audit", "--select", "DIV,dup00")) == [f"DIV,{i}" for i in IDS if i.startswith("DUP")]


def test_rules_and_limits_of_filter(offered):
    from contam.filtering.options import DOCUMENT_RULES

    assert set(FILTERED) == set(DOCUMENT_RULES)
    assert names(offered("filter", "--rules", "D")) == ["DUP", "DUP001", "DUP002"]
    assert names(offered("filter", "--rules", "DUP,rep00")) == ["DUP,REP001", "DUP,REP002", "DUP,REP004"]
    assert names(offered("filter", "--limit", "d")) == ["DUP002="]
    limited = {item.removesuffix("=") for item in names(offered("filter", "--limit", ""))}
    assert limited == {rule.id for rule in DOCUMENT_RULES.values() if rule.bounds} | {"PPL001"}


def test_choices_profiles_formats_and_paths(offered):
    assert names(offered("audit", "--fail-on", "")) == ["at_risk", "collapsing", "never"]
    assert {"auto", "english", "code"} <= set(names(offered("audit", "--profile", "")))
    assert names(offered("audit", "-o", "")) == [f"{form}:" for form in FORMATS]
    assert offered("audit", "da") == [("file", "da")]
    assert offered("audit", "--reference", "da") == [("file", "da")]
    assert offered("init", "da") == [("dir", "da")]
    assert ("plain", "tiny") in offered("probe", "t") and ("dir", "t") in offered("probe", "t")
    assert names(offered("profile", "s")) == ["show"] and "english" in names(offered("profile", "show", "e"))


HEAVY = {"numpy", "numba", "pyarrow", "torch", "transformers", "scipy"}
LINES = ["contam ", "contam rule D", "contam audit --profile ", "contam probe ", "contam audit -o j", "contam mix --"]
LINES += ["contam filter --rules D"]


@pytest.mark.parametrize("line", LINES)
def test_completing_imports_nothing_heavy(line):
    asked = {VARIABLE: "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(' '.join(sys.modules), file=sys.stderr))\n"
        "from contam_cli.main import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip()
    assert not {name.partition(".")[0] for name in done.stderr.split()} & HEAVY


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell(cli, shell, monkeypatch):
    outcome = cli("completion", shell)
    assert outcome.code == 0 and f"{VARIABLE}={shell}_complete" in outcome.out and outcome.err == ""
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert cli("completion").out == outcome.out


def test_an_unknown_shell_is_2(cli, monkeypatch):
    monkeypatch.setenv("SHELL", "/bin/oddsh")
    outcome = cli("completion")
    assert outcome.code == 2 and "bash|zsh|fish" in outcome.err


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """A ``contam`` to be found by a shell, and the scripts of ``contam completion``."""
    program = tmp_path / "bin/contam"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m contam "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


ASKED = {
    "bash": "source ./script; COMP_WORDS=(contam rule DUP); COMP_CWORD=2; _contam_completion contam;"
    ' echo "${COMPREPLY[@]}"',
    "zsh": "autoload -U compinit; compinit -u -D; source ./script; compadd() { :; };"
    ' _describe() { print -l -- "${completions_with_descriptions[@]}" };'
    " words=(contam rule DUP); CURRENT=3; _contam_completion",
    "fish": "source ./script; complete --do-complete 'contam rule DUP'",
}


@pytest.mark.parametrize("shell", ASKED)
def test_a_shell_completes_a_rule(cli, on_path, shell):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (on_path / "script").write_text(cli("completion", shell).out)
    plain = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    done = subprocess.run([shell, *plain, "-c", ASKED[shell]], cwd=on_path, capture_output=True, text=True, timeout=120)
    found = {word.partition(":")[0] for word in done.stdout.split()}
    assert {i for i in IDS if i.startswith("DUP")} <= found, done.stderr
    assert not {i for i in IDS if i.startswith("DIV")} & found


def test_the_module_is_the_command(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "contam", "audit"], capture_output=True, text=True, cwd=tmp_path, timeout=120
    )
    assert done.returncode == 2 and "python -m contam audit" in done.stderr
