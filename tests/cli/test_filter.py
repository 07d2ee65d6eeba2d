"""``contam filter``: from options to files, reports and exit codes."""

from __future__ import annotations

import json

import pytest

LOOP = "round and round it goes and " * 40
GOOD = ("a text of some words that nobody repeats", "and another one with other words in it", "a third, shorter one")


def lines(*texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in with a corpus of four documents."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(lines(*GOOD, LOOP))
    return tmp_path


def test_a_file_without_its_loops(cli, place):
    outcome = cli("filter", "a.jsonl", "-o", "b.jsonl", "--no-audit")
    assert outcome.code == 0, outcome.err
    assert (place / "b.jsonl").read_text() == lines(*GOOD)
    assert "1 of 4 documents dropped" in outcome.out and "REP001" in outcome.out and "b.jsonl.dropped" in outcome.out
    row = json.loads((place / "b.jsonl.dropped").read_text())
    assert row == {"path": "a.jsonl", "line": 4, "rule": "REP001", "value": 1.0, "limit": 0.25}


def test_before_and_after(cli, place):
    outcome = cli("filter", "a.jsonl", "-o", "b.jsonl", "--format", "json", "--report", "html:r.html")
    found = json.loads(outcome.out)
    assert outcome.code == 0 and found["command"] == "filter" and found["kept"] == 3
    assert found["before"]["corpus"]["documents"] == 4 and found["after"]["corpus"]["documents"] == 3
    assert "before" in (place / "r.html").read_text()


def test_fail_on_judges_the_output(cli, place):
    assert cli("filter", "a.jsonl", "-o", "b.jsonl", "--fail-on", "at_risk").code == 2  # too little to judge
    again = ("filter", "a.jsonl", "-o", "b.jsonl", "--force", "--fail-on", "at_risk", "--allow-insufficient")
    assert cli(*again).code == 0
    assert cli("filter", "a.jsonl", "--dry-run", "--fail-on", "at_risk").code == 2


def test_a_dry_run_needs_no_output(cli, place):
    outcome = cli("filter", "a.jsonl", "--dry-run")
    assert outcome.code == 0 and "would be dropped" in outcome.out and "nothing is written" in outcome.out
    assert [p.name for p in place.iterdir()] == ["a.jsonl"]
    outcome = cli("filter", "a.jsonl")
    assert outcome.code == 2 and "--dry-run" in outcome.err


def test_without_a_path_it_reads_what_the_audit_reads(cli, place):
    assert cli("filter", "--dry-run").code == 2
    (place / "contam.toml").write_text('include = ["a.jsonl"]\n')
    assert "1 of 4 documents would be dropped" in cli("filter", "--dry-run").out
    (place / "contam.toml").write_text('include = ["."]\nexclude = ["b.jsonl"]\n')
    outcome = cli("filter", "--dry-run")
    assert outcome.code == 2 and "contam.toml has exclude: say which files are to be filtered" in outcome.err


def test_nothing_to_drop_is_told(cli, place):
    (place / "a.jsonl").write_text(lines(*GOOD))
    outcome = cli("filter", "a.jsonl", "-o", "b.jsonl", "--no-audit")
    assert outcome.code == 0 and "nothing to drop" in outcome.out
    assert (place / "b.jsonl").read_bytes() == (place / "a.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("args", "told"),
    (
        (("missing.jsonl",), "no such file"),
        (("a.jsonl", "--rules", "DUP999"), "known are"),
        (("a.jsonl", "--limit", "DUP002"), "RULE=VALUE"),
        (("a.jsonl", "--limit", "DUP002=high"), "RULE=VALUE"),
        (("a.jsonl", "--against", "missing.txt"), "missing.txt"),
        (("a.jsonl", "--text-field", "body"), "body"),
        (("-",), "read twice"),
    ),
)
def test_what_is_wrong_is_said(cli, place, args, told):
    outcome = cli("filter", *args, "-o", "out", "--no-audit")
    assert outcome.code == 2 and told in outcome.err and "bug" not in outcome.err
    assert [p.name for p in place.iterdir()] == ["a.jsonl"]


def test_rules_and_limits(cli, place):
    (place / "a.jsonl").write_text(lines(*GOOD, LOOP, GOOD[0]))
    outcome = cli("filter", "a.jsonl", "-o", "b.jsonl", "--rules", "dup", "--no-audit", "--format", "json")
    found = json.loads(outcome.out)
    assert [r["rule"] for r in found["by_rule"]] == ["DUP001", "DUP002"] and found["dropped"] == 1
    assert cli("filter", "a.jsonl", "-o", "c.jsonl", "--limit", "REP001=1", "--no-audit").code == 0


def test_a_configuration_leaves_rules_out(cli, place):
    (place / "contam.toml").write_text('schema = 1\nignore = ["REP001"]\n')
    outcome = cli("filter", "a.jsonl", "--dry-run", "--format", "json")
    assert [r["rule"] for r in json.loads(outcome.out)["by_rule"]] == ["DUP001", "DUP002"]
    outcome = cli("filter", "a.jsonl", "--dry-run", "--rules", "REP001", "--format", "json")
    assert json.loads(outcome.out)["dropped"] == 1


def test_a_github_job_is_no_trouble(cli, place, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(place / "summary.md"))
    assert cli("filter", "a.jsonl", "-o", "b.jsonl").code == 0
    assert cli("filter", "a.jsonl", "-o", "c.jsonl", "--no-audit").code == 0


def test_quiet_is_short(cli, place):
    outcome = cli("filter", "a.jsonl", "-o", "b.jsonl", "--no-audit", "-q")
    assert outcome.code == 0 and outcome.err == "" and len(outcome.out.splitlines()) < 9
