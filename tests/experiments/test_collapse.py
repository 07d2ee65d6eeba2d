"""The collapse rule: held for some time, by medians, whatever happens afterwards."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from runs import Course, make_baseline, make_history, make_lines

from contam.experiments.selftrain.collapse import (
    CollapseRule,
    State,
    Watch,
    all_finished,
    is_diverged,
    loop_share,
    outcome_of,
    start_of,
)
from contam.experiments.selftrain.history import History

BASELINE = tuple(make_baseline("tiny"))


def watched(course: Course, iterations: int = 80, rule: CollapseRule | None = None) -> tuple[Watch, list[State]]:
    watch = Watch(BASELINE, rule or CollapseRule())
    return watch, [watch.add(line) for line in make_lines(("tiny", 0.003, 0), course, iterations)]


def changed(history: History, **fields) -> History:
    """The history with some fields of every line replaced; a function gets the iteration."""
    lines = [
        line | {name: value(line["iteration"]) if callable(value) else value for name, value in fields.items()}
        for line in history.lines
    ]
    return History(*history.key, tuple(lines))


def test_states_only_get_worse():
    _, states = watched(Course(onset=30))
    order = [State.HEALTHY, State.AT_RISK, State.COLLAPSING]
    assert [state for i, state in enumerate(states) if i == 0 or state != states[i - 1]] == order


def test_a_quiet_replica_is_healthy():
    watch, states = watched(Course(onset=None), 200)
    assert set(states) == {State.HEALTHY} and not watch.finished
    found = watch.outcome()
    assert found.collapsed_at is found.risen_at is found.halved_at is None
    assert abs(found.start - 4.6) < 0.1 and abs(found.own_start - 4.3) < 0.2


def test_a_loss_that_sinks_after_the_collapse_does_not_undo_it():
    course = Course(onset=20, rise=2.5, sag=2.4)
    history = make_history(course, 150)
    assert history.lines[-1]["validation"]["pydoc"] < 4.6 + 0.5
    found = outcome_of(history, BASELINE)
    assert found.state is State.COLLAPSING
    assert 20 < found.risen_at <= found.collapsed_at <= 30
    assert found.highest > found.start + 2


def test_own_loss_that_bounces_is_judged_by_its_median():
    bounced = make_history(Course(onset=20))
    bounced = changed(bounced, train_loss=lambda i: 4.3 if i < 20 or i % 5 == 0 else 0.02, loop_cover=0.0, signals=None)
    found = outcome_of(bounced, BASELINE)
    assert found.state is State.COLLAPSING and found.own_share < 0.01


def test_a_rise_without_own_loss_or_loops_is_no_collapse():
    drifted = changed(make_history(Course(onset=20)), train_loss=4.3, loop_cover=0.0, signals=None)
    found = outcome_of(drifted, BASELINE)
    assert found.state is State.AT_RISK and found.risen_at is not None and found.collapsed_at is None
    looped = changed(drifted, loop_cover=lambda i: 0.3 if i > 40 else 0.0)
    assert 40 <= outcome_of(looped, BASELINE).collapsed_at <= 42


def test_loops_without_a_rise_are_no_collapse():
    course = Course(onset=20, rise=0.0, sag=0.0)
    assert outcome_of(make_history(course), BASELINE).state is State.AT_RISK


def test_the_rule_must_hold_for_as_long_as_patience_says():
    history = make_history(Course(onset=20, span=4), 31)
    assert outcome_of(history, BASELINE, CollapseRule(patience=3)).state is State.COLLAPSING
    assert outcome_of(history, BASELINE, CollapseRule(patience=20)).state is State.AT_RISK


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["train_loss", "step_loss", "validation"])
def test_a_loss_that_is_no_number_is_divergence(bad, where):
    value = {"pydoc": bad} if where == "validation" else bad
    history = make_history(Course(onset=None), 20)
    lines = [line | ({where: value} if line["iteration"] == 12 else {}) for line in history.lines]
    found = outcome_of(History(*history.key, tuple(lines)), BASELINE)
    assert found.state is State.DIVERGED and found.diverged_at == 12
    again = json.loads(json.dumps(lines[12]))
    assert is_diverged(again) and not is_diverged(lines[11]) and is_diverged({"diverged": True})


def test_diverged_after_the_collapse_is_both():
    found = outcome_of(make_history(Course(onset=10, nan_at=60)), BASELINE)
    assert found.state is State.DIVERGED and found.diverged_at == 60
    assert found.collapsed_at is not None and math.isfinite(found.highest)


def test_nothing_is_judged_after_divergence():
    history = make_history(Course(onset=20), 60)
    lines = [line | ({"train_loss": math.nan} if line["iteration"] == 5 else {}) for line in history.lines]
    found = outcome_of(History(*history.key, tuple(lines)), BASELINE)
    assert found.state is State.DIVERGED and found.diverged_at == 5
    assert found.collapsed_at is found.risen_at is found.halved_at is None
    assert set(found.turned.values()) == {None}


def test_missing_evaluations_are_passed_over():
    history = make_history(Course(onset=40, every=4), 160)
    found = outcome_of(history, BASELINE)
    assert found.state is State.COLLAPSING and found.collapsed_at % 4 == 0
    assert 40 < found.collapsed_at <= 52


def test_missing_own_losses_leave_the_loops_to_judge_by():
    silent = changed(make_history(Course(onset=20)), train_loss=None)
    found = outcome_of(silent, BASELINE)
    assert found.state is State.COLLAPSING
    assert math.isnan(found.own_lowest) and found.halved_at is None


def test_without_a_baseline_the_untouched_model_is_iteration_0():
    history = make_history(Course(onset=20))
    found = outcome_of(history, ())
    assert found.start == history.lines[0]["validation"]["pydoc"]
    assert found.state is State.COLLAPSING and found.turned == {}


def test_the_start_is_the_median_of_draws_and_iteration_0():
    draws = [{"validation": {"x": v}} for v in (1.0, 5.0)]
    assert start_of(draws, {"validation": {"x": 2.0}}, "validation.x") == 2.0
    assert math.isnan(start_of((), {}, "train_loss"))


def test_the_first_validation_set_is_judged_by():
    history = make_history(Course(onset=20), sets=("a", "b"))
    flat = changed(history, validation=None)
    lines = [f | {"validation": {"a": 4.6, "b": h["validation"]["b"]}} for f, h in zip(flat.lines, history.lines)]
    assert outcome_of(History(*history.key, tuple(lines)), ()).risen_at is None
    lines = [f | {"validation": {"b": h["validation"]["b"], "a": 4.6}} for f, h in zip(flat.lines, history.lines)]
    assert outcome_of(History(*history.key, tuple(lines)), ()).risen_at is not None


def test_a_run_goes_on_after_the_collapse_until_the_bottom_or_for_a_while():
    down, _ = watched(Course(onset=10, floor=0.01), 60)
    assert down.finished
    rule = CollapseRule(linger=20)
    above = Course(onset=10, floor=0.2)
    assert [watched(above, n, rule)[0].finished for n in (25, 30, 60)] == [False, False, True]
    assert watched(Course(onset=None, nan_at=5), 10)[0].finished
    assert all_finished([down, down]) and not all_finished([])
    assert not all_finished([down, watched(Course(onset=None))[0]])


def test_loops_of_words_and_of_characters_count():
    assert loop_share({"loop_cover": 0.1, "signals": {"repetition.loop_characters": 0.7}}) == 0.7
    assert loop_share({"loop_cover": None, "signals": None}) == 0.0


def test_an_empty_history_says_nothing():
    found = outcome_of(History("tiny", 0.003, 0, ()), BASELINE)
    assert found.state is State.HEALTHY and math.isnan(found.own_share) and found.after == 0


def test_streaming_and_reading_again_agree():
    course = replace(Course(), onset=15)
    watch, _ = watched(course)
    assert watch.outcome() == outcome_of(make_history(course), BASELINE)
