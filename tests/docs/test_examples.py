"""The examples of the documents and of ``--help``: every one is understood, and those that can be run here are run.

They run in a folder that has small corpora under the names that the examples use. What is not run is listed with the
reason (`NOT_RUN`), what is told to end otherwise than in a judgement too (`ENDS_IN_2`).
"""

from __future__ import annotations

import gzip
import json
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import click
import pytest

from contam_cli.main import COMMANDS, commands, run
from contam_cli.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NOT_RUN = {
    r"contam selftrain": "minutes to hours of training; tests/experiments runs small ones",
    r"contam recurse (?!--)": "minutes to hours; tests/experiments runs small ones",
    r"contam recurse --": "a published set-up, or a run to take up; tests/experiments runs small ones",
    r"contam probe": "needs checkpoints; tests/probing makes some",
    r".* --proxy neural": "minutes of training",
    r"contam mix \S+ \S+ --share": "half a minute each; contam mix real.jsonl synthetic.jsonl is run",
    r"contam simulate (--claims|gaussian|regression)": "many seconds; tests/theory runs them smaller",
    r"contam demo": "tests/cli/test_demo.py runs it",
    r".*hf://": "reads the Hugging Face hub",
    r"contam init --install": "names a repository that is no real one",
}
"""Patterns of command lines that are only parsed, and why."""
ENDS_IN_2 = {
    r"contam mix --estimate": "the documents here are too few and too short for a share",
    r"contam profile build": "a profile needs 39 sources of 5,000 words",
}
"""Patterns of command lines that cannot judge the small corpora of this folder, and why."""
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.S | re.M)
LINE = re.compile(r"^\s*(?:\$ |- run: |run: )?(?=(?:[\w.&'\"\[\] -]+&& )?contam [a-z-])")
"""What stands before an example on its line."""


CONFIGURED = r"contam (audit|filter)( -|$)"
"""Command lines that take their corpus from contam.toml."""


@dataclass(frozen=True)
class Example:
    """A command line (without ``contam``) and where it stands."""

    place: str
    args: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join(["contam", *self.args])


def commands_in(line: str) -> Iterator[tuple[str, ...]]:
    """The command lines of contam in a line of a shell: parts of it, without what the shell takes for itself."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    part: list[str] = []
    for word in [*lexer, ";"]:
        if word in ("&&", "||", "|", ";", "(", ")"):
            while ">" in part or "<" in part or ">>" in part:
                place = next(i for i, one in enumerate(part) if one in (">", ">>", "<"))
                del part[place : place + 2]
            if part[:1] == ["contam"] and len(part) > 1:
                yield tuple(part[1:])
            part = []
        else:
            part.append(word)


def in_block(text: str, place: str) -> Iterator[Example]:
    """The examples of a block of shell, lines that go on joined."""
    for line in text.replace("\\\n", " ").splitlines():
        if before := LINE.match(line):
            yield from (Example(place, args) for args in commands_in(line[before.end() :]))


def gathered() -> list[Example]:
    """Every example, equal ones once."""
    found = []
    for page in PAGES:
        for language, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in ("", "sh", "bash", "shell", "console", "yaml", "yml"):
                found += in_block(text, page.name)
    for path in sorted((ROOT / "cli/contam_cli").glob("*.py")):
        epilog = getattr(import_module(f"contam_cli.{path.stem}"), "EPILOG", "")
        found += in_block(epilog, path.name)
    return list({example.args: example for example in reversed(found)}.values())[::-1]


EXAMPLES = gathered()


def reason(example: Example, patterns: dict[str, str]) -> str | None:
    return next((why for pattern, why in patterns.items() if re.match(pattern, str(example))), None)


RUN = [example for example in EXAMPLES if reason(example, NOT_RUN) is None]


def parsed(args: Sequence[str]) -> None:
    """Parse a command line as ``contam`` does; a click error where an option or a command is unknown."""
    context = commands.make_context("contam", [*args], obj=Settings())
    command: click.Command = commands
    rest = [*context._protected_args, *context.args]
    while isinstance(command, click.Group) and rest:
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None and name is not None
        command, context = found, found.make_context(name, rest, parent=context)
        rest = [*context._protected_args, *context.args]


def test_there_are_examples():
    assert len(EXAMPLES) > 80 and len(RUN) > 25
    assert {example.args[0] for example in EXAMPLES} >= set(COMMANDS)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_is_understood(example, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(click.Path, "convert", lambda self, value, param, context: value)
    parsed(example.args)


def test_an_option_that_does_not_exist_is_found_out(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (args,) = commands_in("contam audit data/ --no-such-option  # a remark")
    assert args == ("audit", "data/", "--no-such-option")
    with pytest.raises(click.UsageError):
        parsed(args)
    with pytest.raises(click.UsageError):
        parsed(("adit", "data/"))


def test_a_line_of_a_shell_is_taken_apart():
    line = "pip install '.[a]' && contam demo --out d/ && contam audit 'd/*.gz' -q > out.txt  # and a remark"
    assert list(commands_in(line)) == [("demo", "--out", "d/"), ("audit", "d/*.gz", "-q")]


@pytest.mark.parametrize("pattern", [*NOT_RUN, *ENDS_IN_2])
def test_the_lists_name_nothing_that_is_gone(pattern):
    assert any(re.match(pattern, str(example)) for example in EXAMPLES), pattern


# --- running --------------------------------------------------------------------------------------------------------


def lines(texts: Sequence[str], field: str = "text") -> str:
    return "".join(json.dumps({field: text}) + "\n" for text in texts)


@pytest.fixture(scope="session")
def corpora(tmp_path_factory) -> Path:
    """Human text of Python's documentation, and its recursion, under the names that the examples use."""
    from contam.demo import make_demo

    place = tmp_path_factory.mktemp("examples")
    demo = make_demo(3)
    human, trusted, made = demo.human, demo.trusted, demo.collapsing
    texts = {"new": human, "trusted": trusted, "real": human, "synthetic": made, "held-out": trusted[::4]}
    texts |= {"last-year": trusted, "this-year": human, "human": human, "corpus": human, "data": human}
    texts |= {"train": human, "test": trusted[::9], "demo": made}
    texts |= {"stories": human, "valid": trusted[::4], "novels": human, "base": trusted, "head": human}
    for name, some in texts.items():
        (place / f"{name}.jsonl").write_text(lines(some), encoding="utf-8")
        (place / name).mkdir()
        (place / name / "a.jsonl").write_text(lines(some[: len(some) // 2]), encoding="utf-8")
        (place / name / "b.jsonl").write_text(lines(some[len(some) // 2 :]), encoding="utf-8")
    _others(place, human, trusted)
    return place


def _others(place: Path, human: Sequence[str], trusted: Sequence[str]) -> None:
    """Other formats, saved audits, and a profile's sources."""
    import pyarrow
    import pyarrow.parquet
    import zstandard

    (place / "data/c.jsonl.gz").write_bytes(gzip.compress(lines(human, "body").encode()))
    for name in ("new", "dump"):
        (place / f"{name}.jsonl.gz").write_bytes(gzip.compress(lines(human).encode()))
    (place / "demo/collapsing.jsonl").write_text(lines(trusted), encoding="utf-8")
    (place / "demo/trusted.jsonl").write_text(lines(human), encoding="utf-8")
    (place / "shards").mkdir()
    (place / "shards/a.jsonl.zst").write_bytes(zstandard.compress(lines(human).encode()))
    pyarrow.parquet.write_table(pyarrow.table({"text": human}), place / "a.parquet")
    (place / "b.txt").write_text("\n".join(" ".join(text.split()) for text in trusted), encoding="utf-8")
    for i in range(4):
        (place / f"sources/domain{i % 2}").mkdir(parents=True, exist_ok=True)
        (place / f"sources/domain{i % 2}/s{i}.jsonl").write_text(lines([*human, *trusted][i::4]), encoding="utf-8")
    shutil.copy(ROOT / "contam/profiles/english.profile", place / "mine.profile")
    for name in ("base", "head"):
        assert run(["audit", str(place / f"{name}.jsonl"), "-q", "-o", f"json:{place / f'{name}.json'}"]) in (0, 1)
    assert run(["audit", str(place / "data"), "-q", "--write-baseline", str(place / "contam.baseline.json")]) in (0, 1)
    for name in ("last-year", "this-year"):
        shutil.copy(place / "contam.baseline.json", place / f"{name}.baseline.json")
    (place / "other.toml").write_text('[rules.DIV006]\nseverity = "error"\n', encoding="utf-8")


@pytest.fixture
def sandbox(corpora, tmp_path, monkeypatch) -> Path:
    """A copy of the folder, the working directory of an example."""
    place = tmp_path / "here"
    shutil.copytree(corpora, place)
    (place / ".git").mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("example", RUN, ids=str)
def test_an_example_does_what_it_says(example, sandbox, capsys):
    if re.match(CONFIGURED, str(example)):
        assert run(["init", "--yes", "--corpus", "data/"]) == 0
    code = run(example.args)
    told = capsys.readouterr()
    assert "This is a bug" not in told.err
    expected = {2} if reason(example, ENDS_IN_2) else {0, 1}
    assert code in expected, told.err
