"""Reading a run: dotted names, nulls, torn and doubled lines, folders that are no run."""

from __future__ import annotations

import json
import math

import pytest
from runs import Course, collapsing_run, make_history, make_lines, write_run

from contam.errors import InputError
from contam.experiments.selftrain.history import Recorder, histories, read_run, replica_name


def test_a_run_read_back_is_the_run_that_was_written(tmp_path):
    run = collapsing_run()
    again = read_run(write_run(tmp_path, run))
    assert again.plan == run.plan and again.baseline == run.baseline
    assert {r.key: r.lines for r in again.replicas} == {r.key: r.lines for r in run.replicas}


@pytest.mark.parametrize(
    "name", ["train_loss", "validation.pydoc", "distinct_4", "signals.entropy.plug_in", "entropy.plug_in", "words"]
)
def test_a_field_is_found_by_its_dotted_name(name):
    history = make_history(Course(), iterations=5)
    line = history.lines[3]
    plain = {
        "validation.pydoc": line["validation"]["pydoc"],
        "signals.entropy.plug_in": line["signals"]["entropy.plug_in"],
        "entropy.plug_in": line["signals"]["entropy.plug_in"],
    }
    iterations, values = history.series(name)
    assert iterations == [0, 1, 2, 3, 4, 5]
    assert values[3] == plain.get(name, line.get(name))


def test_a_validation_set_may_have_dots_in_its_name():
    history = make_history(Course(), iterations=3, sets=("a.b.txt",))
    assert history.validation == ("a.b.txt",)
    assert len(history.series("validation.a.b.txt")[0]) == 4


def test_what_was_not_measured_is_left_out():
    history = make_history(Course(every=4, nan_at=8), iterations=10)
    assert history.series("train_loss")[0] == [0, 4]
    assert history.series("entropy")[0] == list(range(11))
    assert history.series("nothing.of.the.kind") == ([], [])


def test_a_torn_last_line_is_passed_over_and_a_whole_one_without_its_line_feed_is_read(tmp_path):
    folder = write_run(tmp_path, collapsing_run())
    log = folder / "log.jsonl"
    whole = log.read_bytes()
    lines = sum(len(r.lines) for r in read_run(folder).replicas)
    log.write_bytes(whole[:-40])
    assert sum(len(r.lines) for r in read_run(folder).replicas) == lines - 1
    log.write_bytes(whole[:-1])
    assert sum(len(r.lines) for r in read_run(folder).replicas) == lines
    log.write_bytes(whole + b"17")
    assert sum(len(r.lines) for r in read_run(folder).replicas) == lines


def test_of_an_iteration_logged_twice_the_first_line_counts():
    lines = make_lines(("tiny", 0.003, 0), Course(), 4)
    second = [line | {"train_loss": 99.0} for line in lines[2:]]
    (history,) = histories([*lines[:4], *second])
    assert [line["iteration"] for line in history.lines] == [0, 1, 2, 3, 4]
    assert history.lines[3] == lines[3] and history.lines[4]["train_loss"] == 99.0


def test_a_damaged_line_is_named(tmp_path):
    folder = write_run(tmp_path, collapsing_run())
    log = folder / "log.jsonl"
    rows = log.read_text(encoding="utf-8").splitlines()
    rows[6] = rows[6][:30]
    log.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.jsonl, line 7 is damaged"):
        read_run(folder)


@pytest.mark.parametrize("content", ["{", "[]", "\ufeff"])
def test_a_damaged_plan_is_an_error_for_people(tmp_path, content):
    (tmp_path / "plan.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"plan\.json is damaged"):
        read_run(tmp_path)


def test_a_folder_without_a_plan_is_no_run_and_a_run_without_lines_is_empty(tmp_path):
    with pytest.raises(InputError, match="not the folder of a run"):
        read_run(tmp_path)
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")
    run = read_run(tmp_path)
    assert run.replicas == () and run.baseline == () and run.models == ()


def test_models_are_ordered_by_size_and_groups_by_rate():
    run = collapsing_run()
    assert run.learning_rates == (0.001, 0.003, 0.01)
    assert [len(seeds) for seeds in run.groups().values()] == [3, 3, 3]
    assert run.validation == ("pydoc", "wikitext2")
    assert len(run.baseline_of("tiny")) == 8 and run.baseline_of("other") == ()


def test_a_recorder_hands_out_copies():
    recorder = Recorder("tiny", 0.003, 0)
    recorder.add({"iteration": 0, "train_loss": 1.0})
    before = recorder.history()
    recorder.add({"iteration": 1, "train_loss": math.nan})
    assert before.last == 0 and recorder.history().last == 1
    assert recorder.history().name == replica_name("tiny", 0.003, 0) == "tiny-lr0.003-seed0"


def test_not_a_number_survives_the_log(tmp_path):
    history = make_history(Course(nan_at=2), iterations=3)
    assert math.isnan(json.loads(json.dumps(history.lines[3]))["train_loss"])
