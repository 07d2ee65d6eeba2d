"""TensorBoard: what is logged, resuming without steps twice, silence where it is missing."""

from __future__ import annotations

import builtins
import math

import pytest
from runs import Course, make_lines

from contam.experiments.selftrain.board import Board, board
from contam.experiments.selftrain.events import Event


def told(lines) -> list[Event]:
    return [Event("iterating", line["iteration"], 99, (line,), "some\ntext \x1b[31m") for line in lines]


@pytest.fixture
def scalars():
    pytest.importorskip("tensorboard")
    pytest.importorskip("torch")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(folder, tag):
        found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        found.Reload()
        return [(event.step, event.value) for event in found.Scalars(tag)], found.Tags()

    return read


def lines_of(count: int = 12) -> list[dict]:
    return make_lines(("tiny", 0.003, 0), Course(), count, ("pydoc",))


def test_every_figure_of_every_iteration_is_logged(tmp_path, scalars):
    lines = lines_of()
    with board(tmp_path) as watch:
        for event in told(lines):
            watch(event)
    place = tmp_path / "tensorboard" / "tiny-lr0.003-seed0"
    steps, tags = scalars(place, "contam/validation/pydoc")
    assert [step for step, _ in steps] == list(range(13))
    assert steps[3][1] == pytest.approx(lines[3]["validation"]["pydoc"], rel=1e-5)
    assert {"contam/train_loss", "contam/entropy.plug_in", "contam/loop_cover"} <= set(tags["scalars"])
    assert tags["tensors"] == ["contam/sample/text_summary"]


def test_resuming_writes_no_step_twice(tmp_path, scalars):
    lines = lines_of()
    for part in (lines[:9], lines[5:]):
        with board(tmp_path) as watch:
            for event in told(part):
                watch(event)
    steps, _ = scalars(tmp_path / "tensorboard" / "tiny-lr0.003-seed0", "contam/train_loss")
    assert [step for step, _ in steps] == list(range(13))


def test_what_was_not_measured_is_left_out(tmp_path, scalars):
    lines = [line | {"validation": {"pydoc": None}, "train_loss": math.nan} for line in lines_of(2)]
    with board(tmp_path) as watch:
        for event in [Event("loading"), Event("iterating", 1, 9, note="token 3"), *told(lines)]:
            watch(event)
    _, tags = scalars(tmp_path / "tensorboard" / "tiny-lr0.003-seed0", "contam/entropy")
    assert not {"contam/validation/pydoc", "contam/train_loss"} & set(tags["scalars"])


def test_without_tensorboard_nothing_is_logged_and_nothing_said(tmp_path, monkeypatch, capsys):
    real = builtins.__import__

    def missing(name, *rest):
        if name.startswith("tensorboard"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with board(tmp_path) as watch:
        assert watch is None
    assert list(tmp_path.iterdir()) == [] and capsys.readouterr() == ("", "")


def test_a_full_disk_ends_the_logging_and_not_the_run(tmp_path):
    class Full:
        def add_scalar(self, *rest):
            raise OSError(28, "No space left on device")

        close = add_scalar

    log = Board(tmp_path, {"tiny-lr0.003-seed0": Full()})
    for event in told(lines_of(2)):
        log.watch(event)
    log.close()
    assert log.broken
