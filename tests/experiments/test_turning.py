"""When a signal turned: steps found where they are, noise left alone, and leads over the loss on human text."""

from __future__ import annotations

import random
import statistics

import pytest
from runs import Course, Plan, collapsing_run, make_baseline, make_history, make_run

from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.turning import (
    TURN,
    RunningMedian,
    Stretch,
    Sustained,
    TurnRule,
    band_of,
    leads,
    turning_points,
)
from contam_metrics.one_text import DIRECTIONS, FALLS, RISES


def above(limit: float = 1.0, sustain: int = TURN.sustain) -> Stretch:
    return Stretch(lambda v: v > limit, TURN.window, sustain + 1)


def begun(values: list[float], **how) -> int | None:
    stretch = above(**how)
    for i, value in enumerate(values):
        stretch.add(i, value)
    return stretch.begun


@pytest.mark.parametrize("at", [1, 2, 3, 4, 10, 37])
def test_a_step_is_found_where_it_is(at):
    assert begun([0.0] * at + [2.0] * 40) == at


def test_single_peaks_are_no_turn():
    assert begun([0.0, 0.0, 9.0, 9.0] * 20) is None


def test_a_stretch_that_ends_too_soon_is_none_and_the_next_one_counts():
    short = [0.0] * 5 + [2.0] * 9 + [0.0] * 10
    assert begun(short) == 5
    assert begun([0.0] * 5 + [2.0] * 8 + [0.0] * 10) is None
    assert begun([0.0] * 5 + [2.0] * 8 + [0.0] * 10 + [2.0] * 20) == 23


def test_the_first_turn_stays():
    assert begun([0.0] * 10 + [2.0] * 20 + [0.0] * 50 + [2.0] * 20) == 10


def test_the_log_may_end_before_the_stretch_is_long_enough():
    assert begun([0.0] * 10 + [2.0] * (TURN.sustain + 1 + 2)) == 10
    assert begun([0.0] * 10 + [2.0] * (TURN.sustain + 2)) is None


def test_the_running_median_is_that_of_the_window():
    chance = random.Random(0)
    values = [chance.random() for _ in range(60)]
    median = RunningMedian(5)
    for i, value in enumerate(values):
        found = median.add(i, value)
        assert (found is None) == (i < 4)
        if found:
            assert found == (i - 2, statistics.median(values[i - 4 : i + 1]))


def test_sustained_is_consecutive():
    for pattern, expected in (("0110111", 4), ("0110110", None), ("1110000", 0)):
        sustained = Sustained(3)
        for i, holds in enumerate(pattern):
            sustained.add(i, holds == "1")
        assert sustained.begun == expected


def test_the_band_is_open_on_the_other_side():
    draws = [1.0, 1.2, 1.1, 1.4]
    falls, rises, both = (band_of(draws, way) for way in (FALLS, RISES, None))
    assert falls.outside(0.79) and not falls.outside(0.81) and not falls.outside(99)
    assert rises.outside(1.61) and not rises.outside(1.59) and not rises.outside(-99)
    assert both.outside(0.79) and both.outside(1.61) and not both.outside(1.0)


def test_equal_draws_still_leave_some_room_and_too_few_no_band():
    band = band_of([2.0] * 8, RISES)
    assert not band.outside(2.019) and band.outside(2.021)
    assert band_of([1.0] * 3, RISES) is None


def test_everything_turns_in_a_collapse_and_the_texts_before_the_loss():
    points = turning_points(make_history(Course(onset=25)), make_baseline("tiny"))
    assert set(points) == {"train_loss", "validation.pydoc", *DIRECTIONS}
    assert None not in points.values()
    assert 25 < points["validation.pydoc"] <= 32
    assert points["entropy.plug_in"] < points["validation.pydoc"]


@pytest.mark.parametrize("seed", range(12))
def test_nothing_turns_where_nothing_happens(seed):
    run = make_run(Plan({("tiny", 1e-5 * (seed + 1)): Course(onset=None)}, seeds=1, iterations=150))
    points = turning_points(run.replicas[0], run.baseline)
    assert set(points.values()) == {None}


def test_signals_are_judged_at_the_iterations_at_which_the_loss_is():
    every = turning_points(make_history(Course(onset=40, every=5), 200), make_baseline("tiny"))
    assert all(at % 5 == 0 for at in every.values())
    assert 40 < every["validation.pydoc"] <= 50


def test_too_few_evaluations_or_draws_judge_nothing():
    seldom = turning_points(make_history(Course(onset=10, every=10), 60), make_baseline("tiny"))
    assert set(seldom.values()) == {None}
    assert turning_points(make_history(Course()), make_baseline("tiny", draws=3)) == {}
    assert turning_points(make_history(Course()), ()) == {}


def test_a_signal_that_can_no_longer_be_measured_has_turned():
    history = make_history(Course(onset=None))
    gone = [
        line | {"signals": line["signals"] | {"entropy.plug_in": None}, "words": 0} if line["iteration"] >= 30 else line
        for line in history.lines
    ]
    points = turning_points(type(history)(*history.key, tuple(gone)), make_baseline("tiny"))
    assert points["entropy.plug_in"] == 30
    assert points["compression.zlib"] is None
    unmeasured = [line | {"signals": {}, "words": None} if line["iteration"] >= 30 else line for line in history.lines]
    points = turning_points(type(history)(*history.key, tuple(unmeasured)), make_baseline("tiny"))
    assert points["entropy.plug_in"] is None


def test_leads_are_medians_over_seeds():
    run = collapsing_run()
    found = leads(run)
    assert [(one.model, one.learning_rate, one.seeds) for one in found] == [
        ("tiny", rate, (0, 1, 2)) for rate in (0.001, 0.003, 0.01)
    ]
    slow = found[0]
    assert 50 < slow.validation.median < 60
    entropy = next(lead for lead in slow.figures if lead.name == "entropy.plug_in")
    ahead = [h - t for t, h in zip(entropy.turned, slow.validation.turned)]
    assert entropy.lead == statistics.median(ahead) > 0 and entropy.pairs == 3
    assert slow.first[0].median == min(lead.median for lead in slow.figures)
    assert [lead.median for lead in slow.figures] == sorted(lead.median for lead in slow.figures)


def test_a_figure_that_turned_in_half_of_the_seeds_has_no_median():
    quiet = make_run(Plan({("tiny", 0.003): Course(onset=None)}, seeds=4))
    loud = make_run(Plan({("tiny", 0.003): Course(onset=20)}, seeds=4))
    mixed = Run(quiet.plan, quiet.baseline, (*loud.replicas[:2], *quiet.replicas[2:]))
    (one,) = leads(mixed)
    assert one.validation.median is None and one.validation.pairs == 2
    assert one.first == () and all(lead.median is None for lead in one.figures)
    assert next(lead for lead in one.figures if lead.name == "diversity.distinct_2").lead > 0


def test_a_stricter_rule_turns_later_or_never():
    history, baseline = make_history(Course(onset=20)), make_baseline("tiny")
    usual, strict = (turning_points(history, baseline, rule) for rule in (TURN, TurnRule(margin=5.0)))
    assert all(strict[name] is None or strict[name] >= usual[name] for name in usual)
    assert set(turning_points(history, baseline, TurnRule(sustain=200)).values()) == {None}
