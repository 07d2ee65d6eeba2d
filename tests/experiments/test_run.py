"""The run folder: whole lines, whole checkpoints, one process at a time, and records that are compared when redone."""

from __future__ import annotations

import json
import math

import pytest
import torch

from contam.errors import InputError, UsageError
from contam.experiments.run import RunFolder, finite, read_lines

PLAN = {"seed": 0}


def line(i, **more):
    return {"iteration": i, "model": "m", "learning_rate": 0.1, "seed": 0, "seconds": 0.5, **more}


def test_a_log_survives_a_torn_end(tmp_path):
    with RunFolder.start(tmp_path / "run", PLAN) as run:
        for i in range(3):
            run.append("log.jsonl", line(i))
    log = tmp_path / "run" / "log.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"iteration": 3, "mod')
    assert [r["iteration"] for r in read_lines(log)] == [0, 1, 2]
    with RunFolder.resume(tmp_path / "run") as run:
        run.append("log.jsonl", line(2))
        run.append("log.jsonl", line(3))
        assert run.differing == []
    assert [r["iteration"] for r in read_lines(log)] == [0, 1, 2, 3]
    assert log.read_bytes().startswith(whole)


def test_a_record_that_comes_out_otherwise_is_told_and_the_log_kept(tmp_path):
    with RunFolder.start(tmp_path / "run", PLAN) as run:
        run.append("log.jsonl", line(0, train_loss=1.0))
        run.append("log.jsonl", line(0, train_loss=1.0, seconds=9.0))
        assert run.differing == []
        run.append("log.jsonl", line(0, train_loss=1.5))
        assert run.differing == ["log.jsonl: m/0.1/0/0"]
    (kept,) = read_lines(tmp_path / "run" / "log.jsonl")
    assert kept["train_loss"] == 1.0


def test_checkpoints_carry_tensors_and_facts_and_are_replaced_whole(tmp_path, monkeypatch):
    with RunFolder.start(tmp_path / "run", PLAN) as run:
        assert run.load_state("a") is None
        run.save_state("a", {"x": torch.arange(3.0)}, {"next": 4})

        def full(*_args, **_kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr("safetensors.torch.save_file", full)
        with pytest.raises(InputError, match="No space left on device; the log is kept"):
            run.save_state("a", {"x": torch.zeros(3)}, {"next": 5})
        tensors, facts = run.load_state("a")
        assert tensors["x"].tolist() == [0.0, 1.0, 2.0] and facts == {"next": 4}
        assert [p.name for p in (run.path / "checkpoints").iterdir()] == ["a.safetensors"]


def test_a_damaged_checkpoint_is_named(tmp_path):
    with RunFolder.start(tmp_path / "run", PLAN) as run:
        (run.path / "checkpoints" / "a.safetensors").write_bytes(b"\x08" + bytes(20))
        with pytest.raises(InputError, match=r"a\.safetensors cannot be read .* delete it"):
            run.load_state("a")


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(UsageError, match="no run in"):
        RunFolder.resume(tmp_path)
    with RunFolder.start(tmp_path / "run", PLAN):
        with pytest.raises(UsageError, match="already holds a run"):
            RunFolder.start(tmp_path / "run", PLAN)
        with pytest.raises(UsageError, match="another process is running"):
            RunFolder.resume(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        RunFolder.start(tmp_path / "file", PLAN)
    (tmp_path / "run" / "plan.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        RunFolder.resume(tmp_path / "run")


def test_json_has_no_numbers_that_are_none():
    told = finite({"a": math.nan, "b": [math.inf, 1.0], "c": {"d": -math.inf}})
    assert json.dumps(told, allow_nan=False) == '{"a": null, "b": [null, 1.0], "c": {"d": null}}'
