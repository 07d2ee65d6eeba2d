"""Which checkpoints a name stands for: folders made by hand, nothing is loaded."""

from __future__ import annotations

import json

import pytest
from checkpoints import write_files

from contam.errors import InputError, UsageError
from contam.probing.series import Candidate, distinct, expand, in_order, is_checkpoint, passed_over


def names(found):
    return [(one.name.rpartition("/")[2], one.step) for one in found]


@pytest.fixture
def run(tmp_path):
    """A run of two replicas, one of which kept weights; both have a last state."""
    import numpy as np
    from safetensors.numpy import save_file

    base = write_files(tmp_path / "base")
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    plan = {"command": "selftrain", "models": [{"name": "base", "source": str(base)}]}
    (folder / "plan.json").write_text(json.dumps(plan))
    replicas = ["base-lr0.01-seed0", "base-lr0.01-seed1"]
    for step in (10, 5):
        write_files(folder / "checkpoints" / replicas[0] / f"step-{step:06d}")
    facts = {"next": 12, "replicas": replicas}
    tensors = {f"weight.{r}.w": np.zeros(2, np.float32) for r in (0, 1)}
    save_file(tensors, folder / "checkpoints" / "both.safetensors", metadata={"contam": json.dumps(facts)})
    return folder


def test_a_folder_of_checkpoints_is_in_the_order_of_its_numbers(tmp_path):
    for step in (1000, 500, 20):
        write_files(tmp_path / "out" / f"checkpoint-{step}")
    (tmp_path / "out" / "logs").mkdir()
    found = expand(str(tmp_path / "out"))
    assert names(found) == [("checkpoint-20", 20), ("checkpoint-500", 500), ("checkpoint-1000", 1000)]
    assert is_checkpoint(str(tmp_path / "out"))


def test_a_number_in_a_name_is_not_always_a_step(tmp_path):
    from contam.probing.series import _step

    assert [_step(n) for n in ("stories260k", "gpt2", "pythia-160m", "model")] == [None] * 4
    assert [_step(n) for n in ("checkpoint-500", "step-000012", "epoch3", "ckpt_7", "20")] == [500, 12, 3, 7, 20]


def test_one_model_is_one_checkpoint(tmp_path):
    write_files(tmp_path / "model")
    assert names(expand(str(tmp_path / "model"))) == [("model", None)]
    assert names(expand("tiny")) == [("tiny", None)]


def test_a_replica_of_a_run_begins_with_its_model_and_ends_with_its_state(run):
    (found,) = (expand(f"{run}:base-lr0.01-seed0"),)
    assert [one.step for one in found] == [0, 5, 10, 12]
    assert found[0].files.folder.name == "base" and found[0].run is None
    assert found[-1].replica == "base-lr0.01-seed0" and found[-1].run == run
    assert [one.step for one in expand(f"{run}:base-lr0.01-seed1")] == [0, 12]
    assert [one.step for one in expand(str(run / "checkpoints" / "base-lr0.01-seed0"))] == [0, 5, 10, 12]


@pytest.mark.parametrize("way", ["{run}", "{run}/checkpoints/both.safetensors"])
def test_a_run_of_several_replicas_asks_which(run, way):
    with pytest.raises(UsageError, match=r"2 replicas; name one.*:base-lr0\.01-seed0"):
        expand(way.format(run=run))
    with pytest.raises(UsageError, match="no replica 'other'"):
        expand(f"{run}:other")


def test_a_state_has_another_revision_than_its_model_and_each_replica_its_own(run):
    first = expand(f"{run}:base-lr0.01-seed0")
    other = expand(f"{run}:base-lr0.01-seed1")
    revisions = {one.revision() for one in (first[0], first[-1], other[-1])}
    assert len(revisions) == 3 and first[0].revision() == other[0].revision()


def test_other_weights_are_another_revision(tmp_path):
    from checkpoints import write_safetensors

    folder = write_files(tmp_path / "model")
    (before,) = expand(str(folder))
    told = before.revision()
    write_safetensors(folder / "model.safetensors", {"wte.weight": 9})
    assert expand(str(folder))[0].revision() != told


def test_a_corpus_is_no_checkpoint(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "config.json").write_text("{}")
    (tmp_path / "corpus" / "a.txt").write_text("text")
    assert not is_checkpoint(str(tmp_path / "corpus")) and not is_checkpoint(str(tmp_path / "corpus" / "a.txt"))


def test_a_run_without_checkpoints_says_so(tmp_path):
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    (tmp_path / "run" / "plan.json").write_text('{"command": "selftrain", "models": []}')
    with pytest.raises(InputError, match="no checkpoint yet"):
        expand(str(tmp_path / "run"))
    (tmp_path / "run" / "plan.json").write_text('{"command": "recurse"}')
    with pytest.raises(InputError, match="not a run of contam selftrain"):
        expand(str(tmp_path / "run"))


def test_equal_names_are_numbered(tmp_path):
    write_files(tmp_path / "model")
    one: Candidate = expand(str(tmp_path / "model"))[0]
    assert [c.name.rpartition("/")[2] for c in distinct([one, one])] == ["model", "model (2)"]


def test_checkpoints_that_a_shell_lists_are_put_in_order(tmp_path):
    folders = [write_files(tmp_path / f"checkpoint-{step}") for step in (1000, 1500, 500)]
    found, told = in_order([expand(str(folder))[0] for folder in folders])
    assert [one.step for one in found] == [500, 1000, 1500] and "order of their steps" in told
    assert in_order(found) == (found, None)
    apart = [expand(str(write_files(tmp_path / place / "checkpoint-5")))[0] for place in ("b", "a")]
    assert in_order(apart) == (apart, None)


def test_what_is_passed_over_is_told(tmp_path):
    write_files(tmp_path / "checkpoint-1")
    pickled = write_files(tmp_path / "checkpoint-2")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert names(expand(str(tmp_path))) == [("checkpoint-1", 1)]
    (told,) = passed_over(str(tmp_path))
    assert "checkpoint-2" in told and "no safetensors" in told
    write_files(tmp_path)
    (told,) = passed_over(str(tmp_path))
    assert "1 more below are not" in told and passed_over("tiny") == []


def test_a_corpus_that_also_holds_a_model_is_a_corpus(tmp_path):
    write_files(tmp_path / "model")
    assert is_checkpoint(str(tmp_path))
    (tmp_path / "data.jsonl").write_text("{}")
    assert not is_checkpoint(str(tmp_path)) and is_checkpoint(str(tmp_path / "model"))
