"""``contam audit``: options in, exit code out."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from examples import make_audit

from contam.result import Level


def event(phase, done=0, total=None, documents=0):
    return SimpleNamespace(phase=phase, bytes_done=done, bytes_total=total, documents=documents)


@pytest.mark.parametrize(
    ("level", "flags", "code"),
    [
        (Level.HEALTHY, (), 0),
        (Level.AT_RISK, (), 0),
        (Level.AT_RISK, ("--fail-on", "at_risk"), 1),
        (Level.COLLAPSING, (), 1),
        (Level.COLLAPSING, ("--fail-on", "never"), 0),
        (Level.INSUFFICIENT, (), 2),
        (Level.INSUFFICIENT, ("--fail-on", "never"), 2),
        (Level.INSUFFICIENT, ("--allow-insufficient",), 0),
    ],
)
def test_the_exit_code_is_the_verdicts(cli, measurement, level, flags, code):
    measurement.result = make_audit(level)
    outcome = cli("audit", "x", *flags)
    assert outcome.code == code and level.value.split("_")[0] in outcome.out.lower()


def test_options_reach_the_measurement(cli, measurement):
    flags = "--reference t --profile p --text-field f --split-lines --workers 3 --seed 7 --sample-tokens 9"
    flags += " --order known --model m --valid v --proxy neural --device cpu --precision bf16"
    flags += " --select DIV,DUP --ignore DUP002 --write-baseline new.json --cache-dir c --resume"
    cli("audit", "a", "b", "--strict", *flags.split())
    source, options = measurement.asked[0]
    assert source == [Path("a"), Path("b")]
    given = vars(options)
    given.pop("on_progress")
    policy = given.pop("policy")
    assert (policy.select, policy.ignore) == (("DIV", "DUP"), ("DUP002",))
    assert given == {
        "baseline": None,
        "write_baseline": "new.json",
        "cache_dir": Path("c"),
        "resume": True,
        "reference": "t",
        "profile": "p",
        "text_field": "f",
        "split": "lines",
        "workers": 3,
        "seed": 7,
        "sample_tokens": 9,
        "strict": True,
        "model": "m",
        "valid": "v",
        "proxy": "neural",
        "order": "known",
        "device": "cpu",
        "precision": "bf16",
    }


def test_defaults_are_those_of_the_call(cli, measurement):
    cli("audit", "a")
    source, options = measurement.asked[0]
    assert source == "a"
    assert (options.profile, options.seed, options.strict) == ("auto", 0, False)
    assert options.reference is options.text_field is options.split is options.workers is None


def test_standard_input_and_addresses_keep_their_spelling(cli, measurement):
    cli("audit", "-", "hf://some/set", "data/*.txt")
    assert measurement.asked[0][0] == ["-", "hf://some/set", Path("data/*.txt")]


def test_blank_lines_split(cli, measurement):
    cli("audit", "a", "--split-blank-lines")
    assert measurement.asked[0][1].split == "blank-lines"


BAD = ["", "x --workers 0", "x --seed -1", "x --fail-on healthy", "x --format yaml", "x -o x.json", "x --order known"]


@pytest.mark.parametrize("flags", BAD)
def test_bad_usage_is_2_and_nothing_is_measured(cli, measurement, flags):
    outcome = cli("audit", *flags.split())
    assert outcome.code == 2 and measurement.asked == [] and outcome.out == ""


def test_json_on_stdout_is_only_json(cli, measurement):
    measurement.events = (event("compiling"), event("reading", 5))
    outcome = cli("audit", "x", "--format", "json")
    assert json.loads(outcome.out)["verdict"]["level"] == "healthy"


def test_files_are_written_beside_stdout(cli, measurement, tmp_path):
    kinds = {"json": "json", "markdown": "md", "rich": "txt"}
    outputs = [f"-o{form}:{tmp_path}/r.{suffix}" for form, suffix in kinds.items()]
    outcome = cli("audit", "x", *outputs)
    assert "HEALTHY" in outcome.out
    assert json.loads((tmp_path / "r.json").read_text()) == make_audit().to_dict()
    assert (tmp_path / "r.md").read_text().startswith("# contam audit")
    assert "HEALTHY" in (tmp_path / "r.txt").read_text()


def test_quiet_is_the_verdict_line(cli, measurement):
    measurement.events = (event("compiling"),)
    for flags in (("audit", "x", "-q"), ("-q", "audit", "x")):
        outcome = cli(*flags)
        assert "HEALTHY" in outcome.out and "Rules" not in outcome.out and outcome.err == ""


def test_compilation_is_told_once_without_a_terminal(cli, measurement):
    measurement.events = (event("compiling"), event("compiling"), event("reading", 10, 100, 1))
    outcome = cli("audit", "x")
    assert outcome.err.count("compiling") == 1 and "reading" not in outcome.err


def test_a_progress_bar_draws_on_a_terminal(cli, measurement, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    measurement.events = (event("compiling"), event("reading", 10, 100, 1), event("judging", 100, 100, 9))
    assert "HEALTHY" in cli("audit", "x").out
    assert cli("audit", "x", "--no-progress").err.count("\n") == 1
    monkeypatch.setenv("CI", "true")
    assert cli("audit", "x").err.count("\n") == 1


def test_without_a_terminal_there_is_no_colour(cli, measurement):
    assert "\x1b" not in cli("audit", "x").out


def test_an_order_counts_where_only_a_part_has_trusted_text(cli, measurement, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "contam.toml").write_text('order = "known"\n[per-source."a/**"]\nreference = "t"\n')
    assert cli("audit", "x").code == 0 and measurement.asked[-1][1].order == "known"
