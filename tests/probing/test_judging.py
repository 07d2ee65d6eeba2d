"""The level of a checkpoint, from measurements made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from probes import estimate, generation, text_score

from contam.probing.judging import Seen, level_of, rules_of
from contam.probing.result import Estimate
from contam.result import Figure, Level, ReferenceInfo, Verdict

PAIRED = ReferenceInfo("the samples of base; null pairs of english", 106, 20_000, paired=True, profile="english")
TESTS = {"tail_loss": 0.3, "changed": 0.01}
ALARM = Verdict(Level.AT_RISK, 0.019, 2.0, ("changed from the trusted text",), tests=TESTS)


def seen(drift=0.0, half=0.02, own=2.9, base=None, alarm_level=None, **more):
    texts = (text_score(drift=drift, half=half),)
    base = generation() if base is None else base
    made = generation(own, own - base.own.value, **more)
    return Seen(texts, made, base, alarm_level)


def test_nothing_found_is_healthy_and_says_what_was_looked_at():
    found = level_of(seen())
    assert found.level is Level.HEALTHY and not found.advice
    assert any("no tail loss" in reason for reason in found.reasons)
    assert any("+0.000 (-0.020 to +0.020)" in reason for reason in found.reasons)


@pytest.mark.parametrize(
    ("drift", "half", "level"),
    [
        (0.09, 0.0, Level.HEALTHY),
        (0.11, 0.02, Level.HEALTHY),
        (0.13, 0.02, Level.AT_RISK),
        (0.99, 0.01, Level.AT_RISK),
        (1.05, 0.02, Level.COLLAPSING),
        (-2.0, 0.02, Level.HEALTHY),
    ],
)
def test_drift_counts_with_its_whole_interval(drift, half, level):
    assert level_of(seen(drift, half)).level is level


def test_worse_on_human_text_and_sure_of_itself_is_collapsing():
    assert level_of(seen(0.3, own=1.6)).level is Level.AT_RISK
    found = level_of(seen(0.3, own=1.3))
    assert found.level is Level.COLLAPSING and "sure of its own text" in found.reasons[0]
    assert level_of(seen(0.0, own=1.3)).level is Level.HEALTHY


def test_tokens_of_another_kind_say_nothing_of_being_sure():
    other = replace(seen(0.3, own=1.3), generation=generation(1.3, None))
    assert level_of(other).level is Level.AT_RISK


def test_loops_beyond_the_baselines_are_collapsing():
    assert level_of(seen(looped=30)).level is Level.COLLAPSING
    assert level_of(seen(looped=30, base=generation(looped=20))).level is Level.HEALTHY
    assert level_of(seen(looped=4)).level is Level.HEALTHY


def test_samples_without_words_are_collapsing():
    empty = Verdict(Level.INSUFFICIENT, reasons=("no documents in the given input",))
    found = level_of(seen(wordless=200, verdict=empty))
    assert found.level is Level.COLLAPSING and "200 of 256 samples hold no word" in found.reasons[0]


def test_samples_that_cannot_be_judged_have_not_passed():
    short = Verdict(Level.INSUFFICIENT, reasons=("the corpus has 700 words",))
    found = level_of(seen(verdict=short))
    assert found.level is Level.INSUFFICIENT and "700 words" in " ".join(found.reasons) and found.advice
    assert level_of(seen(0.5, verdict=short)).level is Level.AT_RISK


def test_any_change_counts_beside_a_baseline_and_not_beside_human_text():
    beside = seen(verdict=ALARM, reference=PAIRED)
    assert level_of(beside).level is Level.AT_RISK
    texts = (text_score(),)
    alone = Seen(texts, generation(verdict=ALARM, reference=PAIRED), None)
    found = level_of(alone)
    assert found.level is Level.HEALTHY and "as most models are" in found.reasons[0] and found.p_value == 0.3
    tail = replace(ALARM, tests={"tail_loss": 0.01, "changed": 0.4})
    assert level_of(replace(alone, generation=generation(verdict=tail, reference=PAIRED))).level is Level.AT_RISK


def test_many_checkpoints_share_the_error_rate():
    assert level_of(seen(verdict=ALARM, reference=PAIRED, alarm_level=0.019)).level is Level.AT_RISK
    found = level_of(seen(verdict=ALARM, reference=PAIRED, alarm_level=0.0187))
    assert found.level is Level.HEALTHY and "so many checkpoints" in " ".join(found.reasons)


def test_a_model_that_learns_is_not_collapsing():
    """It predicts all human text better than its baseline: that it writes otherwise, with rarer words or not, is no
    alarm; loops are."""
    tail = replace(ALARM, level=Level.COLLAPSING, tests={"tail_loss": 0.009, "changed": 0.2})
    assert level_of(seen(0.0, verdict=tail, reference=PAIRED)).level is Level.COLLAPSING
    better = seen(-0.2, verdict=tail, reference=PAIRED)
    found = level_of(better)
    assert found.level is Level.HEALTHY and "better than its baseline" in " ".join(found.reasons)
    assert level_of(replace(better, declared=False)).level is Level.COLLAPSING
    assert level_of(seen(-0.2, verdict=tail, reference=PAIRED, looped=60)).level is Level.COLLAPSING


def test_a_drift_without_an_interval_decides_nothing():
    texts = (text_score(drift=0.5, half=None),)
    found = level_of(Seen(texts, generation(2.9, 0.0), generation()))
    assert found.level is Level.INSUFFICIENT and "too little text" in " ".join(found.reasons)
    looped = level_of(Seen(texts, generation(2.9, 0.0, looped=200), generation()))
    assert looped.level is Level.COLLAPSING


def test_the_rules_of_checkpoints():
    def drifted(low, value, high):
        return Figure(value, "nats/token", "checkpoint", "rises", (low, high))

    def told(**figures):
        keys = {"drift": "checkpoint.validation_drift", "gap": "checkpoint.entropy_gap_drift"}
        return {r.id: r for r in rules_of({keys[k]: v for k, v in figures.items()})}

    found = told(drift=drifted(0.11, 0.13, 0.15), gap=drifted(0.09, 0.13, 0.17))
    assert set(found) == {"CKP001", "CKP002", "CKP003"}
    assert found["CKP003"].status == "warn" and "0.1300 (0.1100 to 0.1500)" in found["CKP003"].message
    assert found["CKP002"].status == "pass" and "whole interval" in found["CKP002"].message
    assert told()["CKP003"].status == "skipped" and "--baseline" in told()["CKP003"].message


def test_estimates_are_told_with_their_interval():
    from contam.probing.judging import span

    assert span(estimate(0.5, 0.25)) == "+0.500 (+0.250 to +0.750)" and span(Estimate(-0.5)) == "-0.500"
