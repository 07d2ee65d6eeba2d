"""GitHub Actions: commands that no text can forge, the worst first, a summary that fits, outputs of one line each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from examples import NASTY, make_audit, nasty_audit
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.errors import InputError
from contam.reports import render
from contam.reports.failed import Failure
from contam.reports.findings import Gate, outcome_of
from contam.reports.github import PER_KIND, SUMMARY_BYTES, append_outputs, append_summary, fitted, outputs
from contam.result import CorpusInfo, DocumentFinding, Documents, Level, RuleResult, Skipped
from contam_cli.output import deliver, deliver_failure

COMMAND = re.compile(r"::(error|warning|notice) ([^\n]*?)::([^\n]*)")


def commands(result, gate=None) -> list[tuple[str, dict[str, str], str]]:
    """Every line as GitHub parses it: kind, properties, message."""
    found = []
    for line in render(result, "github", gate=gate).removesuffix("\n").split("\n"):
        match = COMMAND.fullmatch(line)
        assert match, line
        pairs = dict(pair.split("=", 1) for pair in match[2].split(","))
        assert set(pairs) <= {"file", "line", "title"}
        found.append((match[1], {k: decoded(v) for k, v in pairs.items()}, decoded(match[3])))
    return found


def decoded(value: str) -> str:
    for code, char in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        value = value.replace(code, char)
    return value


def failing(documents: int = 2, rules: int = 1):
    worst = tuple(DocumentFinding(f"data/x.jsonl:{i}", "REP001", 0.9, f"text {i}") for i in range(1, documents + 1))
    results = tuple(RuleResult(f"REP00{i}", "name", "fail", 0.3, 0.1, f"rule {i}", True) for i in range(1, rules + 1))
    corpus = CorpusInfo(("data/x.jsonl",), 1, 1, 1, 1)
    return make_audit(Level.COLLAPSING, corpus=corpus, rules=results, documents=Documents(documents, worst))


def test_verdict_rule_and_documents_are_errors_with_places():
    found = commands(failing())
    assert [(kind, p.get("title"), p.get("line")) for kind, p, _ in found] == [
        ("error", "CONTAM-VERDICT", "1"), ("error", "REP001", "1"), ("error", "REP001", "1"), ("error", "REP001", "2"),
        ("notice", "contam", None),
    ]  # fmt: skip
    assert all(p["file"] == "data/x.jsonl" for _, p, _ in found[:-1])
    assert "4 errors; gate failed by REP001; exit code 1" in found[-1][2]


def test_a_healthy_corpus_is_one_notice():
    ((kind, _, said),) = commands(make_audit())
    assert kind == "notice" and said.startswith("healthy") and said.endswith("nothing found; exit code 0")


@pytest.mark.parametrize(("documents", "rules"), [(9, 1), (40, 1), (40, 9), (1, 9), (0, 9), (0, 40)])
def test_at_most_ten_of_a_kind_and_documents_keep_some(documents, rules):
    audit = failing(documents, rules)
    kinds = [kind for kind, _, _ in commands(audit)]
    total = 1 + documents + rules
    assert kinds.count("error") == min(total, PER_KIND)
    said = [text for kind, _, text in commands(audit) if kind == "error"]
    if total > PER_KIND:
        assert said[-1].startswith(f"{total - PER_KIND + 1} more")
        assert sum(": text " in text for text in said) >= min(documents, 4)
    assert said[0].startswith("collapsing")


def test_an_input_that_was_not_read_is_a_notice():
    corpus = CorpusInfo(("x",), 1, 1, 1, 1, (Skipped("data/x.jsonl", "invalid JSON", 7),), 1)
    kind, place, said = commands(make_audit(corpus=corpus))[0]
    assert (kind, place["file"], place["line"]) == ("notice", "data/x.jsonl", "7") and "invalid JSON" in said


def test_what_could_not_be_judged_is_an_error():
    kind, _, said = commands(Failure.of(InputError("no documents in data"), "audit", ("data",)))[0]
    assert kind == "error" and "no documents in data" in said
    assert commands(make_audit(Level.INSUFFICIENT))[0][0] == "error"
    assert commands(make_audit(Level.INSUFFICIENT), Gate(allow_insufficient=True))[0][0] == "notice"


@settings(max_examples=80, deadline=None)
@given(st.text(st.characters() | st.sampled_from("\r\n%:,=\x1b\u202e"), max_size=40))
def test_no_text_forges_a_command_or_a_property(raw):
    worst = (DocumentFinding(f"{raw}:3", "REP001", 0.9, f"\n::error::{raw}\r\n::set-output name=x::{raw}"),)
    rule = RuleResult("REP001", "name", "fail", 0.3, 0.1, f"%0A::error::{raw}", True)
    found = commands(make_audit(rules=(rule,), documents=Documents(1, worst)))
    assert [kind for kind, _, _ in found] == ["error", "error", "notice"]


def test_places_are_relative_to_the_workspace(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.jsonl").write_text("{}")
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    audit = make_audit(Level.COLLAPSING, corpus=CorpusInfo(("x.jsonl",), 1, 1, 1, 1))
    assert commands(audit)[0][1]["file"] == "sub/x.jsonl"
    assert commands(audit, Gate(configuration=Path("contam.toml")))[0][1]["file"] == "sub/contam.toml"


@pytest.mark.parametrize(
    "name", ("two  spaces.jsonl", "a\ttab.jsonl", "a\nline: 100%, or so.jsonl", "long/" * 200 + "x.jsonl")
)
def test_a_path_is_told_as_it_is(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    audit = make_audit(Level.COLLAPSING, corpus=CorpusInfo((name,), 1, 1, 1, 1))
    assert commands(audit)[0][1]["file"] == name


def test_a_path_that_is_no_text_can_be_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    audit = make_audit(Level.COLLAPSING, corpus=CorpusInfo(("a\udcff.jsonl",), 1, 1, 1, 1))
    assert "file=a\\udcff.jsonl" in render(audit, "github").encode().decode()


def test_places_are_those_of_the_repository_that_the_corpus_lies_in(tmp_path, monkeypatch):
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "data").mkdir()
    (tmp_path / "elsewhere").mkdir()
    source = tmp_path / "repository" / "data" / "x.jsonl"
    source.write_text("{}")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path / "elsewhere")
    for named in (str(source), str(source.parent), "../repository/data/*.jsonl"):
        audit = make_audit(Level.COLLAPSING, corpus=CorpusInfo((named,), 1, 1, 1, 1))
        assert commands(audit)[0][1]["file"] == "data/x.jsonl"
    (tmp_path / "elsewhere" / ".git").mkdir()
    assert commands(audit)[0][1]["file"] == "../repository/data/x.jsonl"


def test_a_long_summary_is_cut_at_a_line_and_says_so(tmp_path):
    page = "".join(f"line {i} ü\n" for i in range(200_000))
    shown = fitted(page)
    assert len(shown.encode()) <= SUMMARY_BYTES and "did not fit" in shown
    assert page.startswith(shown.split("\n\n(the rest")[0])
    assert fitted("short\n") == "short\n"
    target = tmp_path / "summary.md"
    for _ in range(3):
        append_summary(target, page)
    assert target.stat().st_size <= SUMMARY_BYTES


def test_outputs_cannot_hold_a_second_output(tmp_path):
    target = tmp_path / "output"
    target.write_text("before<<x\n1\nx\n")
    append_outputs(target, outputs(outcome_of(failing()), "out/a\nlevel=healthy\n.html"))
    found = read_outputs(target)
    assert found == {"before": "1", "level": "collapsing", "exit-code": "1", "report": "out/a\nlevel=healthy\n.html"}


def read_outputs(path: Path) -> dict[str, str]:
    """The file as GitHub reads it: name<<END, lines, END."""
    found, lines = {}, iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, end = line.split("<<")
        body = []
        while (inside := next(lines)) != end:
            body.append(inside)
        found[name] = "\n".join(body)
    return found


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A GitHub job: its summary and its outputs."""
    for name in ("GITHUB_WORKSPACE", "CONTAM_GITHUB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    return tmp_path


def test_a_job_is_told_on_stderr_and_stdout_stays_the_result(job, capfd):
    report = job / "report.html"
    deliver(failing(), "json", (f"html:{report}",), gate=Gate())
    said = capfd.readouterr()
    assert said.out.startswith("{") and said.err.startswith("::error ") and "::" not in said.out.split('"excerpt"')[0]
    assert (job / "summary.md").read_text().startswith("# contam audit")
    assert read_outputs(job / "output") == {"level": "collapsing", "exit-code": "1", "report": str(report)}


def test_the_format_goes_to_stdout_once(job, capfd):
    deliver(failing(), "github")
    said = capfd.readouterr()
    assert said.out.count("title=CONTAM-VERDICT") == 1 and said.err == ""


@pytest.mark.parametrize("setting", [("CONTAM_GITHUB", "0"), ("GITHUB_ACTIONS", "")])
def test_nothing_is_told_where_nobody_listens(job, capfd, monkeypatch, setting):
    monkeypatch.setenv(*setting)
    deliver(failing(), "json")
    assert capfd.readouterr().err == "" and not (job / "summary.md").exists() and not (job / "output").exists()


def test_a_summary_that_cannot_be_written_is_told_and_not_fatal(job, capfd, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job / "missing" / "summary.md"))
    deliver(failing(), "json")
    assert "summary or outputs could not be written" in capfd.readouterr().err


def test_a_failure_is_reported_whole_in_every_file(job, capfd):
    kinds = ("json", "sarif", "junit", "html", "markdown", "metrics", "github")
    files = tuple(f"{kind}:{job}/contam.{kind}" for kind in kinds)
    failure = Failure.of(InputError(f"no documents in data {NASTY}"), "audit", ("data",))
    deliver_failure(failure, "rich", (*files, f"json:{job}/missing/x.json"), Gate())
    said = capfd.readouterr()
    assert said.out == "" and said.err.count("no report of the failure") == 1 and "::error " in said.err
    for kind in kinds:
        assert "no documents in data" in (job / f"contam.{kind}").read_text() or kind == "metrics"
    assert read_outputs(job / "output")["exit-code"] == "2"
    written = {path.name for path in job.iterdir()}
    assert written == {*(f"contam.{kind}" for kind in kinds), "output", "summary.md"}


def test_nothing_hostile_is_in_a_command():
    text = render(nasty_audit(), "github")
    assert re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text) is None


@pytest.mark.parametrize(
    "args",
    [
        ["audit", "missing.jsonl"], ["probe", "missing"], ["compare", "missing.jsonl", "gone.jsonl"],
        ["mix", "missing.txt", "gone.txt"], ["mix", "--estimate", "missing.txt", "--reference", "gone.txt"],
        ["selftrain", "missing"], ["recurse", "missing"], ["simulate", "nothing"],
        ["filter", "missing.jsonl", "-o", "clean.jsonl"],
    ],
    ids=lambda args: " ".join(args[:2]),
)  # fmt: skip
def test_every_command_reports_what_it_could_not_judge(args, tmp_path, monkeypatch, capfd):
    from contam_cli.main import run

    monkeypatch.chdir(tmp_path)
    option = "--report" if args[0] == "filter" else "-o"
    assert run([*args, option, "json:failed.json", option, "junit:failed.xml", "--no-progress"]) == 2
    said = json.loads((tmp_path / "failed.json").read_text())
    assert said["command"] == args[0] and said["error"]["message"].split("\n")[0][:20] in capfd.readouterr().err
    assert "<error " in (tmp_path / "failed.xml").read_text()
