"""``contam selftrain`` from the command line: a small run, its output, and what goes wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from checkpoints import LINES, save_model

SMALL = ("--lr", "1e-2,1e-3", "--iterations", "2", "--tokens", "40", "--block", "12", "--eval-windows", "4")
LESS = ("--baseline", "4", "--top-k", "50")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "little", "llama")


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    path = tmp_path_factory.mktemp("human") / "harbour.txt"
    path.write_text("\n".join(LINES * 20), encoding="utf-8")
    return path


def test_a_run(cli, model, human, tmp_path):
    out = tmp_path / "run"
    page = tmp_path / "r.html"
    told = cli("selftrain", str(model), "--valid", str(human), "--out", str(out), *SMALL, *LESS, "-o", f"html:{page}")
    assert told.code == 0
    text = " ".join(told.out.split())
    for part in ("Claims of Herel & Mikolov", "H1", "H5", "report.html", "What the model wrote"):
        assert part in text
    assert "<svg" in page.read_text(encoding="utf-8")
    again = cli("selftrain", "--resume", "--out", str(out), "--format", "json")
    found = json.loads(again.out)
    assert again.code == 0 and found["command"] == "selftrain" and found["differing"] == []
    assert {r["name"] for r in found["replicas"]} == {"little-lr0.01-seed0", "little-lr0.001-seed0"}


def test_a_run_that_is_too_short_to_judge_passes_no_gate(cli, model, human, tmp_path):
    settings = (*SMALL, *LESS, "--fail-on", "at_risk", "-q")
    told = cli("selftrain", str(model), "--valid", str(human), "--out", str(tmp_path / "a"), *settings)
    assert told.code == 2 and "INSUFFICIENT" in told.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "name a model"),
        (("no/such/model/at/all",), "no such folder"),
        (("tiny", "--lr", "fast"), "not a list of numbers"),
        (("tiny", "--valid", "no-such-file.txt"), "no-such-file.txt"),
        (("tiny", "--preset", "paper"), "no preset"),
        (("tiny", "--resume"), "no run selftrain-tiny"),
        (("tiny", "--fresh-share", "0.5"), "--fresh-text"),
    ],
)
def test_what_cannot_be(cli, args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = cli("selftrain", *args)
    assert told.code == 2 and message in " ".join((told.out + told.err).split())
    assert "Traceback" not in told.err and not list(tmp_path.iterdir())


def test_an_interrupt_says_how_to_go_on(model, human, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "contam_cli.main", "selftrain", str(model), "--valid", str(human)]
    many = ("--out", str(out), *SMALL[:3], "100000", *SMALL[4:], *LESS, "--no-stop-when-collapsed")
    process = subprocess.Popen([*command, *many], stderr=subprocess.PIPE, text=True, env={**os.environ, "CI": "1"})
    while process.poll() is None and not (out / "log.jsonl").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    err = process.communicate()[1]
    assert process.returncode == 130
    assert f"contam selftrain --resume --out {out}" in err and "Traceback" not in err
    assert list((out / "checkpoints").glob("*.safetensors"))
