"""The trajectory of checkpoints: the sign-flip test, alarms shared out over a series, and when figures turn."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from probes import PAIRS, POPULATION, checkpoint, collapsing_series, estimate, generation, later, text_score

from contam.probing.result import Trajectory
from contam.probing.trajectory import (
    Course,
    alarm_level,
    courses,
    first_signatures,
    pairs_needed,
    place_of,
    sign_flip,
    title_of,
    trajectory,
    unconfirmed,
)
from contam.result import Figure


def followed(*checkpoints, pairs: int | None = PAIRS) -> Trajectory:
    found = trajectory(checkpoints, pairs)
    assert found is not None
    return found


def turn(found: Trajectory, key: str):
    return next(t for t in found.turns if t.key == key)


def rejected(series: np.ndarray, level: float = 0.05) -> float:
    """The share of series (rows) that the test calls risen."""
    found = [sign_flip(row.tolist(), "rises") for row in series]
    return float(np.mean([p is not None and p <= level for p in found]))


def all_patterns(values: list[float], sign: float) -> float:
    """The test by its definition, pattern by pattern."""
    steps = [b - a for a, b in pairwise(values)]
    sums = [sum(s if k >> i & 1 else -s for i, s in enumerate(steps)) for k in range(2 ** len(steps))]
    return sum(sign * x >= sign * sum(steps) - 1e-9 for x in sums) / len(sums)


# --- the sign-flip test ---


@pytest.mark.parametrize("n", range(4, 18))
def test_the_smallest_p_is_two_to_the_minus_increments(n):
    assert sign_flip(list(range(n)), "rises") == 2.0 ** -(n - 1)
    assert sign_flip(list(range(n)), "falls") == 1.0
    assert sign_flip(list(range(n, 0, -1)), "both") == 2.0 ** -(n - 2)


@given(st.lists(st.integers(-6, 6), min_size=4, max_size=9))
def test_it_counts_all_patterns_with_ties(values):
    assert sign_flip(values, "rises") == all_patterns(values, 1.0)
    assert sign_flip(values, "falls") == all_patterns(values, -1.0)


def test_nothing_moved_gives_one():
    assert sign_flip([2.0] * 6, "rises") == sign_flip([2.0] * 6, "both") == 1.0


@pytest.mark.parametrize("values", [[], [1.0, 2.0, 3.0], [1.0, 2.0, None, 3.0, 4.0]])
def test_too_little_or_incomplete_is_not_tested(values):
    assert sign_flip(values, "rises") is None


def test_rounding_does_not_break_ties():
    for row in np.random.default_rng(0).integers(-5, 6, (200, 8)):
        tenths = [0.1 * int(value) for value in row]
        assert sign_flip(tenths, "rises") == sign_flip(row.tolist(), "rises")


def test_long_series_are_drawn_and_agree_with_the_exact_test():
    chance = np.random.default_rng(5)
    values = np.cumsum(chance.standard_normal(17) + 0.4)
    exact = sign_flip(values.tolist(), "rises")
    longer = sign_flip([*values.tolist(), float(values[-1])], "rises")
    assert exact is not None and longer is not None
    assert longer == pytest.approx(exact, abs=5 * math.sqrt(exact / 100_000))
    assert sign_flip([*values.tolist(), float(values[-1])], "rises") == longer
    assert sign_flip(list(range(60)), "rises") == pytest.approx(1 / 100_001)


@pytest.mark.parametrize(("n", "level"), [(6, 0.032), (10, 0.053)])
def test_a_driftless_random_walk_is_called_risen_as_often_as_stated(n, level):
    walks = np.cumsum(np.random.default_rng(n).standard_normal((3000, n)), axis=1)
    assert rejected(walks) == pytest.approx(level, abs=0.014)


def test_a_trend_is_found():
    walks = np.cumsum(np.random.default_rng(1).standard_normal((300, 8)) + 2.0, axis=1)
    assert rejected(walks) > 0.9


# --- alarms ---


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_as_many_pairs_as_needed_keep_the_rate(count):
    pairs = pairs_needed(count)
    assert alarm_level(count, pairs) == pytest.approx(0.05 / count)
    assert alarm_level(count, pairs - 1) > 0.05 / count * (1 + 1e-9)
    kept = followed(checkpoint(0), *(later(k) for k in range(1, count + 1)), pairs=pairs)
    assert kept.family_rate == pytest.approx(0.05) and not any("null pairs" in note for note in kept.notes)


def test_few_pairs_raise_the_level_and_say_so():
    found = followed(*collapsing_series())
    assert found.alarm_level == 2 / (PAIRS + 1)
    assert found.family_rate == pytest.approx(14 / 107)
    note = next(note for note in found.notes if "null pairs" in note)
    assert "13 %" in note and "279 pairs" in note and "0.019" in note


def test_alarms_are_where_p_is_small_enough_and_never_the_baseline():
    found = followed(*collapsing_series())
    assert found.alarms == (3, 4, 5, 6, 7)
    base = checkpoint(0, generation=generation(p=0.001))
    alone = followed(base, later(1), later(2, p=None))
    assert alone.alarms == () and alone.p_values == (None, 0.41, None)


def test_the_smallest_p_of_a_paired_judgement_can_alarm():
    for pairs in range(39, 400):
        smallest = min(1.0, 2.0 * (1 / (pairs + 1)))
        assert followed(checkpoint(0), *(later(k, p=smallest) for k in range(1, 12)), pairs=pairs).alarms


def test_p_values_without_pairs_give_no_alarm():
    found = followed(checkpoint(0), later(1, p=0.001), pairs=None)
    assert found.alarms == () and found.family_rate == 1.0
    assert any("no alarms" in note for note in found.notes)


def test_the_family_rate_bounds_false_alarms_of_ranks_that_share_their_baseline():
    """Scores of pairs and of eight checkpoints against one baseline, nothing changed in any."""
    chance = np.random.default_rng(2)
    runs, count = 2000, 8
    null = chance.standard_normal((runs, PAIRS, 2))
    shared, own = chance.standard_normal((runs, 1, 2)), chance.standard_normal((runs, count, 2))
    scores = (shared + own) / math.sqrt(2)
    larger = (null[:, None] >= scores[:, :, None]).sum(axis=2)
    p = np.minimum(1.0, 2.0 * (1 + larger.min(axis=-1)) / (PAIRS + 1))
    level = alarm_level(count, PAIRS)
    rate = float((p <= level * (1 + 1e-9)).any(axis=1).mean())
    assert 0.02 < rate <= count * level + 0.02


def test_one_checkpoint_has_no_trajectory():
    assert trajectory([checkpoint(0)], PAIRS) is None and trajectory([], PAIRS) is None


# --- turns ---


def test_a_collapse_turns_its_signatures_before_the_loss():
    found = followed(*collapsing_series())
    assert found.names[0] == "checkpoint-0" and found.steps[-1] == 700 and found.levels[-1] == "collapsing"
    assert found.failed == 4 and turn(found, "validation.pydoc").turned == 4
    assert turn(found, "own_entropy").turned == 2 and turn(found, "own_entropy").lead == 2
    assert {t.key for t in first_signatures(found)} >= {"own_entropy", "repetition.seq_rep_4"}
    assert place_of(found, 2) == "step 200"
    assert turn(found, "own_entropy").sign_flip == 2 / 2**7


def test_turns_come_earliest_first_then_by_name():
    turns = followed(*collapsing_series()).turns
    order = [(math.inf if t.turned is None else t.turned, t.key) for t in turns]
    assert order == sorted(order) and order[0][0] == 2


def test_healthy_checkpoints_turn_nothing():
    found = followed(checkpoint(0), *(later(k) for k in range(1, 6)))
    assert all(t.turned is None for t in found.turns) and found.failed is None
    assert first_signatures(found) == () and unconfirmed(found) == ()


def test_figures_that_collapse_moves_nowhere_and_unmeasured_ones_are_left_out():
    keys = {t.key for t in followed(*collapsing_series()).turns}
    assert "text.word_length" not in keys and "tail.type_survival" not in keys
    assert {"validation.pydoc", "entropy_gap.pydoc", "next_token_entropy.pydoc", "ece.pydoc", "own_entropy"} <= keys


@pytest.mark.parametrize(
    ("sides", "turned"),
    [
        ((0, 0, 0), None),
        ((0, 1, 0, 1, 1, 1), 3),
        ((0, 1, 1, 0, 0), None),
        ((0, 1, 1, 1, 0, 0), 1),
        ((0, 0, 0, 1), 3),
        ((0, 0, 1, 1), 2),
        ((0, 1), 1),
        ((0, -1, 1, 1), 2),
        ((0, 1, None, 1, 1, 0), 1),
        ((0, 1, None, None), 1),
        ((0, 1, None, 0), None),
        ((0, None, None), None),
    ],
)
def test_turning_is_staying_beyond(sides, turned):
    assert Course("x", "rises", (1.0,) * len(sides), sides).turned == turned


def test_the_last_checkpoint_alone_turns_and_is_called_unconfirmed():
    found = followed(checkpoint(0), later(1), later(2, loss=0.5))
    assert turn(found, "own_entropy").turned == 2
    assert turn(found, "own_entropy") in unconfirmed(found)
    assert any("later one has to confirm" in note for note in found.notes)


@pytest.mark.parametrize(("drift", "half", "turned"), [(0.13, 0.02, 1), (0.11, 0.02, None), (0.13, None, None)])
def test_the_whole_interval_has_to_be_beyond(drift, half, turned):
    texts = (text_score(nats=3.2 + drift, drift=drift, half=half),)
    found = followed(checkpoint(0), later(1, texts=texts))
    assert next((t.turned for t in found.turns if t.key == "validation.pydoc"), None) == turned
    assert found.failed == 1
    if half is None:
        assert any("without a limit" in note and "loss on pydoc" in note for note in found.notes)


@pytest.mark.parametrize(("sure", "turned"), [(0.2, 1), (-0.2, 1), (0.1, None)])
def test_next_token_entropy_turns_either_way(sure, turned):
    found = followed(checkpoint(0), later(1, texts=(text_score(drift=0.0, sure=sure),)))
    assert turn(found, "next_token_entropy.pydoc").turned == turned


def test_own_entropy_falls_by_a_tenth_of_the_baseline():
    for fall, turned in ((-0.40, 1), (-0.30, None)):
        written = replace(generation(2.9 + fall, fall), own_drift=estimate(fall, 0.05))
        assert turn(followed(checkpoint(0), later(1, generation=written)), "own_entropy").turned == turned


def test_calibration_turns_when_it_is_five_points_worse():
    for ece, turned in ((0.0801, 1), (0.07, None)):
        found = followed(checkpoint(0), later(1, texts=(text_score(drift=0.0, ece=ece),)))
        assert turn(found, "ece.pydoc").turned == turned


def test_figures_of_the_model_do_not_enter_twice():
    drift = Figure(0.3, "nats/token", "checkpoint", "rises", (0.2, 0.4))
    written = generation(2.9, 0.0)
    written = replace(written, signals=written.signals | {"checkpoint.validation_drift": drift})
    found = followed(checkpoint(0), later(1, generation=written))
    assert not any(t.key.startswith("checkpoint.") for t in found.turns)
    assert not any("validation drift" in note for note in found.notes)


def test_signals_judged_against_a_population_cannot_turn():
    written = replace(generation(1.0, -1.9, loss=0.9), reference=POPULATION)
    found = followed(checkpoint(0), later(1, generation=written))
    assert not any(t.key.startswith("tail.") for t in found.turns)
    assert any("not compared with the baseline" in note for note in found.notes)


def test_another_tokenizer_gives_losses_in_tokens_of_the_baseline():
    score = text_score(nats=9.9, drift=0.4)
    assert score.drift is not None
    moved = replace(score.drift, same_tokens=False, entropy=None, gap=None, ece=None)
    found = followed(checkpoint(0), later(1, texts=(replace(score, drift=moved),)))
    assert turn(found, "validation.pydoc").values == (3.2, pytest.approx(3.6))
    assert not any(t.key == "entropy_gap.pydoc" for t in found.turns)


def test_a_text_that_is_missing_at_one_checkpoint_is_no_number_there():
    found = courses([checkpoint(0), later(1, texts=(text_score("other", drift=0.2),))])
    by_key = {course.key: course for course in found}
    assert by_key["validation.pydoc"].values == (3.2, None) and not by_key["validation.pydoc"].judged
    assert by_key["validation.other"].values == (None, 3.2) and by_key["validation.other"].turned == 1


def test_no_number_never_breaks_a_trajectory():
    broken = text_score(nats=math.nan, drift=math.nan)
    found = followed(checkpoint(0), *(later(k, texts=(broken,)) for k in range(1, 5)))
    assert found.failed is None and not any(t.key == "validation.pydoc" for t in found.turns)


def test_places_without_a_step_are_called_by_name():
    found = followed(replace(checkpoint(None), name="a"), replace(later(1), step=None, name="b"))
    assert [place_of(found, i) for i in (0, 1)] == ["a", "b"]


def test_few_checkpoints_are_told_what_the_sign_flip_test_cannot_show():
    four = followed(checkpoint(0), *(later(k) for k in range(1, 4)))
    assert any("0.125" in note for note in four.notes)
    six = followed(checkpoint(0), *(later(k) for k in range(1, 6)))
    assert not any("sign-flip" in note for note in six.notes)


def test_titles_are_words():
    assert title_of("validation.news.v2") == "loss on news.v2"
    assert title_of("own_entropy") == "entropy of own text"
    assert title_of("tail.hapax_share") == "hapax share f1/N"
