"""``contam recurse`` as a person types it: options, output, exit codes, the view."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from contam.demo import human_documents
from contam.experiments.recurse.events import Event
from contam.experiments.recurse.history import level_gained, read_run
from contam_cli.generations import Lines, Scene, headline, paint
from contam_cli.main import run

SMALL = ["--size", "5000", "--generations", "2", "--seeds", "1", "--workers", "1"]


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    path = tmp_path_factory.mktemp("human") / "human.jsonl"
    texts = [text for text in human_documents()[1] if len(text.split()) > 100][:90]
    path.write_text("".join(json.dumps({"text": text[:2000]}) + "\n" for text in texts))
    return str(path)


def test_a_run_tells_what_happened_and_where_it_is(human, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = run(["recurse", "ngram", "--real", human, "--paradigm", "replace,mix", "--out", "run", *SMALL])
    told = capsys.readouterr()
    assert code == 0
    for part in ("replace", "mix-0.1", "mix-0.5", "perplexity"):
        assert part in told.out
    assert "run/report.html" in told.out
    assert "3 lineages, 2 generations each, on 5,000 words" in told.err
    assert "contam: generations" in told.err
    assert len(told.out.splitlines()) <= 60


def test_json_is_the_documented_object(human, tmp_path, capsys):
    out = str(tmp_path / "run")
    given = ["--paradigm", "replace", "--out", out, "--format", "json", "-q"]
    assert run(["recurse", "ngram", "--real", human, *given, *SMALL]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["command"] == "recurse"
    assert data["lineages"][0]["generations"] == 2
    assert {claim["id"] for claim in data["claims"]} >= {"11", "12", "15", "18", "19", "21"}


def test_fail_on_a_level_that_is_reached(human, tmp_path, capsys):
    given = ["--paradigm", "replace", "--out", str(tmp_path / "run"), "--fail-on", "at_risk"]
    assert run(["recurse", "ngram", "--real", human, *given, *SMALL]) in (1, 2)
    data = json.loads((tmp_path / "run" / "audit.json").read_text())
    level = data["audits"][0]["verdict"]["level"]
    capsys.readouterr()
    again = run(["recurse", "--resume", "--out", str(tmp_path / "run"), "--fail-on", "at_risk", "-q"])
    gained = level_gained(read_run(tmp_path / "run")).value
    assert gained == level or gained == "healthy"
    assert again == {"healthy": 0, "at_risk": 1, "collapsing": 1, "insufficient_evidence": 2}[gained]


def test_claims_come_from_several_runs(human, tmp_path, capsys):
    out = tmp_path / "run"
    given = ["--claims", "--real", human, "--out", str(out), "-q", "--format", "json", "--track", "the: same"]
    small = ["--size", "5000", "--generations", "5", "--seeds", "1", "--workers", "1"]
    assert run(["recurse", *given, *small]) == 0
    claims = {claim["id"]: claim for claim in json.loads(capsys.readouterr().out)["claims"]}
    assert claims["21"]["status"] != "not_tested"
    assert "generations" in claims["13"]["measured"]
    assert (out / "narrow" / "log.jsonl").exists() and (out / "smaller" / "log.jsonl").exists()
    assert json.loads((out / "claims.json").read_text())["claims"] == list(claims.values())


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["recurse"], "name a model"),
        (["recurse", "ngram"], "--real PATH"),
        (["recurse", "ngram", "--real", "nowhere.txt"], "nowhere.txt"),
        (["recurse", "ngram", "--real", "pydoc", "--paradigm", "replac"], "--paradigm must be one of"),
        (["recurse", "--preset", "wang"], "no preset 'wang'"),
        (["recurse", "--resume"], "there is no run"),
        (["recurse", "ngram", "--real", "pydoc", "--real-share", "a,b"], "not a list of numbers"),
        (["recurse", "gpt3-mini", "--real", "pydoc"], "gpt3-mini"),
        (["recurse", "ngram", "--real", "pydoc", "--track", "nothing"], "--track takes"),
        (["recurse", "ngram", "--real", "pydoc", "--claims", "--preset", "wang2024-1m"], "--preset"),
    ],
)
def test_what_cannot_run_is_told_in_one_message(args, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [*args, *(["--out", "missing"] if args[-1] == "--resume" else [])]
    assert run(given) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(human, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "contam_cli.main", "recurse", "ngram", "--real", human, "--out", str(out)]
    options = ["--size", "5000", "--generations", "60", "--seeds", "2", "--workers", "2"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    log = out / "log.jsonl"
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") > 14):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"contam recurse --resume --out {out}" in told
    assert "Traceback" not in told


LINE = {
    "lineage": "replace-seed0", "group": "replace", "generation": 1, "seed": 0,
    "validation": {"held-out": {"loss": 5.0, "perplexity": 148.4}}, "verdict": {"level": "collapsing"},
}  # fmt: skip


def test_the_view_shows_every_group_with_its_curve():
    scene = Scene()
    scene.watch(Event("generations", 0, 20))
    for generation, perplexity in enumerate((100.0, 150.0, 260.0)):
        line = LINE | {"generation": generation, "validation": {"held-out": {"perplexity": perplexity}}}
        scene.watch(Event("generations", generation + 1, 20, line, "replace-seed0", seconds_left=30.0))
    scene.watch(Event("generations", 3, 20, unit="mix-0.1-seed0", note="writing 50%"))
    console = Console(file=io.StringIO(), width=100, height=20)
    console.print(paint(scene, console))
    shown = console.file.getvalue()
    assert "3/20" in headline(scene) and "30 s left" in headline(scene)
    for part in ("replace", "260", "collapsing", "mix-0.1-seed0 writing 50%", "█"):
        assert part in shown


def test_without_a_terminal_a_line_a_phase(capsys):
    lines = Lines()
    for phase in ("loading", "human", "generations", "generations", "drawing"):
        lines.watch(Event(phase, 1, 20, LINE if phase == "generations" else None))
    assert capsys.readouterr().err.count("\n") == 4
