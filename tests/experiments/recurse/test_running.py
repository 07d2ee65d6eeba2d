"""Whole recursions of n-gram models: side by side, killed and taken up, failing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import contam
from contam.demo import human_documents
from contam.errors import InputError, UsageError
from contam.experiments.recurse import generations, place
from contam.experiments.recurse.backend import Written
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import NgramTrained
from contam.experiments.run import read_lines

SMALL = {"generations": 3, "seeds": 2, "workers": 1, "size": 6000}


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    path = tmp_path_factory.mktemp("human") / "human.jsonl"
    texts = [text for text in human_documents()[1] if len(text.split()) > 100][:120]
    path.write_text("".join(json.dumps({"text": text[:2000]}) + "\n" for text in texts))
    return str(path)


def lines_of(folder: Path) -> list[dict]:
    """The log without times, in an order that does not depend on who was first."""
    found = [{k: v for k, v in line.items() if k != "seconds"} for line in read_lines(folder / "log.jsonl")]
    return sorted(found, key=lambda line: (line["lineage"], line["generation"]))


@pytest.fixture(scope="module")
def undisturbed(human, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    contam.recurse("ngram", human, out=folder, **SMALL)
    return folder


def test_every_lineage_has_every_generation(undisturbed):
    lines = lines_of(undisturbed)
    assert len(lines) == 5 * 2 * 4
    for line in lines:
        assert {"generation", "paradigm", "seed", "real_share", "validation", "signals", "verdict"} <= set(line)
        assert line["validation"]["held-out"]["perplexity"] > 1
    assert {p.name for p in undisturbed.iterdir()} >= {
        "plan.json", "log.jsonl", "samples", "checkpoints", "audit.json", "claims.json", "report.html", "figures"
    }  # fmt: skip


def test_generation_zero_is_one_model_for_all_lineages_of_a_seed(undisturbed):
    zero = [line for line in lines_of(undisturbed) if line["generation"] == 0]
    for seed in (0, 1):
        assert len({line["validation"]["held-out"]["loss"] for line in zero if line["seed"] == seed}) == 1
    assert all(line["real_share"] == 1.0 for line in zero)


def test_nothing_but_its_own_text_is_worse_than_half_human_text(undisturbed):
    last = {line["lineage"]: line["validation"]["held-out"]["loss"] for line in lines_of(undisturbed)}
    for seed in (0, 1):
        assert last[f"replace-seed{seed}"] > last[f"mix-0.1-seed{seed}"] > last[f"mix-0.5-seed{seed}"]


def test_processes_side_by_side_give_the_same_log(human, undisturbed, tmp_path):
    contam.recurse("ngram", human, out=tmp_path / "run", **SMALL | {"workers": 2})
    assert lines_of(tmp_path / "run") == lines_of(undisturbed)


def test_a_lineage_is_the_same_alone(human, undisturbed, tmp_path):
    contam.recurse("ngram", human, out=tmp_path / "run", paradigms=("mix",), real_shares=(0.5,), **SMALL)
    alone = lines_of(tmp_path / "run")
    assert alone == [line for line in lines_of(undisturbed) if line["group"] == "mix-0.5"]


KILLED = """
import sys, contam
if __name__ == "__main__":
    contam.recurse("ngram", sys.argv[1], out=sys.argv[2], generations=3, seeds=2, workers=int(sys.argv[3]), size=6000)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_taken_up_to_the_same_numbers(human, undisturbed, tmp_path, workers):
    folder = tmp_path / "run"
    log = folder / "log.jsonl"
    command = [sys.executable, "-c", KILLED, human, str(folder), str(workers)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") >= 13):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = lines_of(folder)
    assert 13 <= len(before) < 40
    result = contam.recurse("ngram", human, out=folder, resume=True)
    assert result.differing == ()
    assert lines_of(folder) == lines_of(undisturbed)


def test_a_text_that_is_gone_is_made_again(human, tmp_path):
    folder = tmp_path / "run"
    given = {"paradigms": ("replace",), "seeds": 1, "workers": 1, "size": 6000}
    contam.recurse("ngram", human, out=folder, generations=2, **given)
    for path in (folder / "written" / "replace-seed0").iterdir():
        path.unlink()
    result = contam.recurse(out=folder, resume=True, generations=3)
    assert result.differing == ()
    assert [line["generation"] for line in lines_of(folder)] == [0, 1, 2, 3]


def test_more_generations_are_the_ones_of_a_longer_run(human, undisturbed, tmp_path):
    folder = tmp_path / "run"
    contam.recurse("ngram", human, out=folder, **SMALL | {"generations": 1})
    contam.recurse(out=folder, resume=True, generations=3)
    assert lines_of(folder) == lines_of(undisturbed)


def test_other_settings_are_refused_on_resuming(human, undisturbed):
    with pytest.raises(UsageError, match="was begun with --order 3, not 2"):
        contam.recurse("ngram", human, out=undisturbed, resume=True, order=2)
    with pytest.raises(UsageError, match="cannot be lowered"):
        contam.recurse(out=undisturbed, resume=True, generations=1)
    with pytest.raises(UsageError, match="already holds a run"):
        contam.recurse("ngram", human, out=undisturbed)


def test_only_what_is_needed_is_kept_unless_all_is_asked_for(human, tmp_path):
    given = {"paradigms": ("replace", "accumulate"), "seeds": 1, "workers": 1, "size": 6000, "generations": 5}
    for keep, count in (("needed", 3), ("all", 5)):
        contam.recurse("ngram", human, out=tmp_path / keep, keep=keep, **given)
        assert len(list((tmp_path / keep / "written" / "replace-seed0").iterdir())) == count
        assert len(list((tmp_path / keep / "written" / "accumulate-seed0").iterdir())) == 5


def silent(self, like, name, beat):
    """A model that writes nothing from generation 1 on."""
    if name.generation == 0:
        return whole(self, like, name, beat)
    return Written(("",) * len(like), Encoded.of([[]] * len(like)))


whole = NgramTrained.write


def test_a_model_that_writes_nothing_ends_its_lineage_and_nothing_else(human, tmp_path, monkeypatch):
    monkeypatch.setattr(NgramTrained, "write", silent)
    result = contam.recurse("ngram", human, out=tmp_path / "run", paradigms=("replace", "accumulate"), **SMALL)
    assert result.exit_code() == 2
    told = result.failures["replace-seed0"][1]
    assert "generation 2 has nothing to train on: all documents that generation 1 wrote are empty" in told
    kept = lines_of(tmp_path / "run")
    assert [line["generation"] for line in kept if line["lineage"] == "replace-seed0"] == [0, 1]
    assert [line["generation"] for line in kept if line["lineage"] == "accumulate-seed0"] == [0, 1, 2, 3]
    empty = kept[-1]
    assert empty["verdict"]["level"] == "insufficient_evidence"
    assert empty["written"]["empty"] == empty["written"]["documents"]
    assert "could not be finished" in (tmp_path / "run" / "report.html").read_text()


def test_a_full_disk_is_told_and_what_is_finished_kept(human, tmp_path, monkeypatch):
    def full(path, texts):
        if "generation-002" in path.name:
            raise InputError(f"cannot write {path}: No space left on device")
        place.write_texts(path, texts)

    monkeypatch.setattr(generations, "write_texts", full)
    result = contam.recurse("ngram", human, out=tmp_path / "run", paradigms=("replace",), **SMALL)
    assert result.exit_code() == 2
    assert "No space left on device" in result.failures["replace-seed1"][1]
    assert [line["generation"] for line in lines_of(tmp_path / "run")] == [0, 1, 0, 1]
    monkeypatch.undo()
    assert contam.recurse(out=tmp_path / "run", resume=True).exit_code() == 0
    assert len(lines_of(tmp_path / "run")) == 8


def test_other_human_text_is_refused_on_resuming(human, tmp_path):
    path = tmp_path / "human.jsonl"
    path.write_text(Path(human).read_text())
    given = {"paradigms": ("replace",), "seeds": 1, "workers": 1, "generations": 1}
    contam.recurse("ngram", path, out=tmp_path / "run", **given)
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:90]))
    with pytest.raises(InputError, match="the human text has changed since"):
        contam.recurse(out=tmp_path / "run", resume=True, generations=2)
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["generations"] == 1


def test_a_run_does_not_read_itself(human, tmp_path):
    with pytest.raises(UsageError, match="would read itself"):
        contam.recurse("ngram", Path(human).parent, out=Path(human).parent / "run")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty and holds no run"):
        contam.recurse("ngram", human, out=tmp_path)


def test_the_pool_takes_its_rate_of_every_generation(human, tmp_path):
    given = {"paradigms": ("accumulate-subsample",), "rates": (3.0,), "seeds": 8, "workers": 1, "generations": 3}
    contam.recurse("ngram", human, out=tmp_path / "run", size=6000, **given)
    lines = lines_of(tmp_path / "run")
    shares = [sum(x["real_share"] for x in lines if x["generation"] == g) / 8 for g in range(4)]
    expected = [1 / (1 + 3 * generation) for generation in range(4)]
    assert shares == pytest.approx(expected, abs=0.06)
    assert len({line["written"]["documents"] for line in lines_of(tmp_path / "run")}) == 1


def test_workers_that_cannot_read_the_text_end_the_run(human, tmp_path, monkeypatch):
    path = tmp_path / "human.jsonl"
    path.write_text(Path(human).read_text())

    def gone(event):
        if event.phase == "generations":
            path.unlink(missing_ok=True)

    with pytest.raises(InputError, match="no such file"):
        contam.recurse("ngram", path, out=tmp_path / "run", watcher=gone, **SMALL | {"workers": 2, "seeds": 4})


def test_a_run_of_another_command_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    plan = json.dumps({"command": "selftrain"})
    (tmp_path / "run" / "plan.json").write_text(plan)
    with pytest.raises(UsageError, match="is one of contam selftrain"):
        contam.recurse(out=tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "plan.json").read_text() == plan


def test_a_finished_run_says_that_nothing_was_left(undisturbed):
    result = contam.recurse(out=undisturbed, resume=True)
    assert any("nothing was left to do" in note for note in result.notes)


def test_single_values_and_lists_are_taken_as_they_are_meant(human, tmp_path):
    result = contam.recurse(
        "ngram", human, out=tmp_path / "run", paradigms="mix", real_shares=[0.5], track="of: the", **SMALL
    )
    assert [group.name for group in result.run.groups] == ["mix-0.5"]
    with pytest.raises(UsageError, match="no setting 'generation': did you mean generations"):
        contam.recurse("ngram", human, generation=3)


def test_a_filter_has_a_twin_without(human, tmp_path):
    result = contam.recurse(
        "ngram", human, out=tmp_path / "run", paradigms=("replace",), filters=("none", "resample"), **SMALL
    )
    assert result.exit_code() == 0
    lines = lines_of(tmp_path / "run")
    filtered = [line for line in lines if line["filter"] == "resample" and line["generation"]]
    assert len(filtered) == 6
    assert all(line["filtered"]["dropped"] > 0 and 0 < line["filtered"]["sieve"]["auc"] <= 1 for line in filtered)
    assert all(abs(line["training"]["tokens"] / lines[0]["training"]["tokens"] - 1) < 0.1 for line in lines)


def test_words_are_tracked_beside_human_text(human, tmp_path):
    result = contam.recurse(
        "ngram", human, out=tmp_path / "run", paradigms=("replace",), track=("the: module, same",), **SMALL
    )
    assert set(result.run.plan["tracked"]) == {"the: module", "the: same"}
    assert all(0 <= line["tracked"]["the: same"]["model"] <= 1 for line in lines_of(tmp_path / "run"))


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"real": "no-such-file.txt"}, InputError, "no such file"),
        ({"model": "ngramm"}, UsageError, "did you mean ngram"),
        ({"track": ("there was",)}, UsageError, "--track takes"),
        ({"beams": 5}, UsageError, "--beams is for neural models"),
        ({"epochs": 3.0}, UsageError, "--epochs is for neural models"),
        ({"paradigms": "replace", "real_shares": 0.1}, UsageError, "--real-share belongs to mix"),
        ({"paradigms": "mix", "real_shares": (0.1, 0.1000001)}, UsageError, "are one"),
        ({"valid": "no-such-file.txt"}, InputError, "no such file"),
    ],
)
def test_what_cannot_run_leaves_no_folder(human, tmp_path, given, error, told):
    asked = {"model": "ngram", "real": human, **given}
    with pytest.raises(error, match=told):
        contam.recurse(**asked, out=tmp_path / "run", workers=1)
    assert not (tmp_path / "run").exists()
