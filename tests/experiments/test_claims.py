"""H1 to H5 judged on runs of which the answer is known: every status, and what must not decide."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest
from runs import Course, Plan, collapsing_run, make_baseline, make_lines, make_run

from contam.experiments.selftrain.claims import CONTROL, STATEMENTS, first_signature, judge_claims, told_name
from contam.experiments.selftrain.collapse import CollapseRule
from contam.experiments.selftrain.history import Run, histories
from contam.experiments.selftrain.seeds import groups_of, order_of, rank_correlation, up_to
from contam_metrics.one_text import DIRECTIONS

QUIET = Course(onset=None)


def judged(courses, **how):
    """Claims by their ids, of a run of these courses (by rate, or by model and rate)."""
    pairs = {key if isinstance(key, tuple) else ("tiny", key): course for key, course in courses.items()}
    return {claim.id: claim for claim in judge_claims(make_run(Plan(pairs, **how)))}


def statuses(claims):
    return {name: claim.status for name, claim in claims.items()}


def edited(run: Run, change) -> Run:
    """The run with every line of its log changed."""
    return Run(run.plan, run.baseline, histories([change(dict(line)) for r in run.replicas for line in r.lines]))


def test_a_collapsing_run_confirms_what_it_can():
    claims = {claim.id: claim for claim in judge_claims(collapsing_run())}
    assert list(claims) == list(STATEMENTS)
    assert statuses(claims) == dict.fromkeys(("H1", "H2", "H3", "H5"), "confirmed") | {"H4": "not_tested"}
    assert claims["H4"].measured == "The run has no two sizes at one learning rate."


def test_claims_are_what_claims_json_holds():
    for claim in judge_claims(collapsing_run()):
        again = json.loads(json.dumps(claim.to_dict(), allow_nan=False))
        assert set(again) >= {"id", "source", "statement", "expected", "measured", "tolerance", "status", "seconds"}
        assert again["seconds"] == pytest.approx(0.2 * 9 * 121, abs=0.01)


def test_a_quiet_run_tests_nothing():
    claims = judged({0.001: QUIET, 0.003: QUIET})
    assert set(statuses(claims).values()) == {"not_tested"}
    assert "At no learning rate did anything move for long enough" in claims["H1"].measured
    assert claims["H1"].measured.count("; no movement that lasted") == 2
    assert "No two rates could be told apart" in claims["H3"].measured
    assert "No loss rose beyond the noise" in claims["H5"].measured


def test_an_empty_run_tests_nothing_and_raises_nothing():
    run = Run({}, (), ())
    assert {claim.status for claim in judge_claims(run)} == {"not_tested"}
    assert "cannot be said" in first_signature(run)


def test_the_literal_share_is_told_and_does_not_decide():
    claim = judged({0.003: Course(onset=0, span=60)})["H1"]
    share = claim.figures["rate 0.003"]["rose"]
    assert claim.status == "confirmed" and 0.5 < share < 1
    assert f"up in {100 * share:.0f} % of the single iterations" in claim.measured
    assert "no movement" not in claim.measured
    assert 'Literally, "with every iteration" is false' in claim.measured


def test_without_noise_the_loss_rises_with_every_iteration():
    run = edited(
        make_run(Plan({("tiny", 0.003): QUIET}, iterations=40)),
        lambda line: line | {"validation": {"pydoc": 4.6 + 0.05 * line["iteration"]}},
    )
    (h1, *_) = judge_claims(run)
    assert h1.status == "confirmed" and h1.figures["rate 0.003"]["rose"] == 1.0
    assert "Literally" not in h1.measured


def test_a_loss_that_sinks_after_the_collapse_still_rose():
    claims = judged({0.003: Course(onset=15, rise=3.0, sag=2.9)}, iterations=150)
    assert claims["H1"].status == "confirmed" and claims["H1"].figures["rate 0.003"]["rise"] > 2.5


def test_a_loss_that_sinks_contradicts_h1():
    claims = judged({0.003: Course(onset=15, rise=-1.0, sag=0.0)})
    assert claims["H1"].status == "contradicted" and "not above the noise for good" in claims["H1"].measured


def test_a_loss_that_jumps_and_then_sinks_slowly_contradicts_h1():
    def jump(line):
        i = line["iteration"]
        return line | {"validation": {"pydoc": 4.6 if i < 5 else 6.5 - 0.01 * i}, "train_loss": 4.3, "loop_cover": 0.0}

    run = edited(make_run(Plan({("tiny", 0.003): QUIET}, iterations=80)), jump)
    (h1, *_) = judge_claims(run)
    assert h1.status == "contradicted" and h1.figures["rate 0.003"]["trend"] < 0


def test_own_loss_that_stays_contradicts_h2_once_the_run_was_long_enough():
    stays = Course(onset=10, floor=0.37)
    long = judged({0.003: stays}, iterations=120)["H2"]
    assert long.status == "contradicted" and "37" in long.measured
    short = judged({0.003: replace(stays, onset=30)}, iterations=55)["H2"]
    assert short.status == "not_tested" and "ended too soon to say, at iteration 55" in short.measured


def test_one_rate_that_did_not_get_there_in_time_does_not_spoil_h2():
    claims = judged({0.003: Course(onset=10), 0.001: Course(onset=70)}, iterations=80)
    assert claims["H2"].status == "confirmed"
    assert "rate 0.001: " in claims["H2"].measured and "ended too soon" in claims["H2"].measured


def test_most_rates_decide_h2():
    stays, falls = Course(onset=10, floor=0.4), Course(onset=10)
    assert judged({0.001: stays, 0.002: falls, 0.003: falls})["H2"].status == "confirmed"
    assert judged({0.001: stays, 0.002: stays, 0.003: falls})["H2"].status == "contradicted"


def test_a_creeping_rise_within_the_noise_is_no_rise():
    def creep(line):
        i = line["iteration"]
        return line | {"validation": {"pydoc": 4.6 + 0.001 * i}, "train_loss": 4.3 if i < 20 else 0.1}

    run = edited(make_run(Plan({("tiny", 0.003): QUIET})), creep)
    (h1, *_) = judge_claims(run)
    assert h1.figures["rate 0.003"]["trend"] == pytest.approx(1.0) and h1.status == "contradicted"


def test_h2_goes_by_the_running_median_not_by_single_values():
    def spiked(line):
        return line | {"train_loss": 0.0 if line["iteration"] % 7 == 6 else 4.0}

    run = edited(make_run(Plan({("tiny", 0.003): Course(onset=10)}, iterations=90)), spiked)
    h2 = judge_claims(run)[1]
    assert h2.status == "contradicted" and h2.figures["rate 0.003"]["share"] > 0.9


def test_a_higher_rate_that_collapses_later_contradicts_h3():
    claims = judged({0.001: Course(onset=10), 0.003: Course(onset=40)})
    assert claims["H3"].status == "contradicted"
    assert claims["H3"].figures["pairs"] == {"faster": 0, "slower": 1, "tied": 0, "open": 0}


def test_a_threshold_that_is_not_reached_is_later_than_the_end():
    claims = judged({0.001: QUIET, 0.003: Course(onset=20)})
    assert claims["H3"].status == "confirmed"
    assert claims["H3"].figures["rate 0.001"] == {"nat_up": None, "own_halved": None}
    assert "rate 0.001: human text a nat worse not by iteration 80" in claims["H3"].measured


def test_rates_that_tie_are_not_told_apart():
    claims = judged({0.002: Course(onset=20), 0.003: Course(onset=21)})
    assert claims["H3"].status == "not_tested" and claims["H3"].figures["pairs"]["tied"] == 1


def test_late_collapses_tie_within_a_share():
    late = judged({0.002: Course(onset=104), 0.003: Course(onset=90)}, iterations=160)["H3"]
    assert late.figures["pairs"]["tied"] == 1
    apart = judged({0.002: Course(onset=130), 0.003: Course(onset=90)}, iterations=160)["H3"]
    assert apart.figures["pairs"]["faster"] == 1


def test_one_rate_tests_no_rates():
    assert judged({0.003: Course()})["H3"].measured == "The run has one learning rate."


def test_larger_models_that_collapse_faster_confirm_h4_and_slower_ones_contradict_it():
    courses = {("tiny", 0.003): Course(onset=10), ("tiny-half", 0.003): Course(onset=40)}
    right = judged(courses)["H4"]
    assert right.status == "confirmed" and CONTROL not in right.measured
    assert judged(courses, sizes=(("tiny", 1), ("tiny-half", 2)))["H4"].status == "contradicted"
    assert judged(courses, sizes=(("tiny", 2), ("tiny-half", 2)))["H4"].status == "not_tested"


def test_models_at_different_rates_are_not_compared():
    claims = judged({("tiny", 0.003): Course(onset=10), ("tiny-half", 0.001): Course(onset=40)})
    assert claims["H4"].status == "not_tested" and claims["H3"].status == "not_tested"


def test_the_width_scaled_control_says_that_it_is_one():
    courses = {("tiny", 0.003): Course(onset=10), ("tiny-half", 0.003): Course(onset=40)}
    claim = judged(courses, scale_rate="width")["H4"]
    assert CONTROL in claim.measured and CONTROL in claim.expected


def test_one_validation_set_is_none_to_compare_with():
    claims = judged({0.003: Course()}, sets=("pydoc",))
    assert claims["H5"].status == "not_tested" and claims["H5"].measured == "The run has one validation set."


def test_a_second_set_that_does_not_rise_contradicts_h5():
    run = edited(
        make_run(Plan({("tiny", 0.003): Course()})),
        lambda line: line | {"validation": line["validation"] | {"wikitext2": 4.9}},
    )
    h5 = judge_claims(run)[4]
    assert h5.status == "contradicted" and h5.figures["rate 0.003"]["rise"]["wikitext2"] == pytest.approx(0.0, abs=0.1)


def test_sets_that_rise_apart_contradict_h5():
    def apart(line):
        i = line["iteration"]
        return line | {"validation": {"pydoc": 4.6 + 0.05 * min(i, 40), "wikitext2": 6.9 - 0.05 * min(i, 40)}}

    run = edited(make_run(Plan({("tiny", 0.003): QUIET})), apart)
    assert judge_claims(run)[4].status == "contradicted"


def test_one_seed_is_enough_and_is_named():
    claims = judged({0.001: Course(onset=40), 0.003: Course(onset=15)}, seeds=1, iterations=100)
    assert statuses(claims) == dict.fromkeys(("H1", "H2", "H3", "H5"), "confirmed") | {"H4": "not_tested"}
    assert "Medians over seed 0." in claims["H1"].measured


def test_one_seed_of_three_decides_nothing():
    fast, slow = (make_run(Plan({("tiny", rate): Course(onset=10)})) for rate in (0.001, 0.003))
    quiet = make_run(Plan({("tiny", 0.003): QUIET, ("tiny", 0.001): QUIET}))
    rest = [r for r in quiet.replicas if r.seed > 0]
    run = Run(quiet.plan, quiet.baseline, (fast.replicas[0], *rest, slow.replicas[0]))
    assert {claim.status for claim in judge_claims(run)} == {"not_tested"}


def test_a_seed_that_diverges_is_left_out_and_named():
    run = make_run(Plan({("tiny", 0.001): Course(onset=30), ("tiny", 0.003): Course(onset=12)}, iterations=100))
    gone = edited(
        run,
        lambda line: line | ({"train_loss": math.nan} if line["learning_rate"] == 0.003 and line["seed"] == 1 else {}),
    )
    claims = {claim.id: claim for claim in judge_claims(gone)}
    assert claims["H3"].status == "confirmed"
    assert "rate 0.003: seeds 0, 1, 2, 1 of them diverged" in claims["H3"].measured


def test_rates_at_which_every_seed_diverged_are_not_compared():
    claims = judged({0.001: Course(onset=30), 0.1: replace(QUIET, nan_at=2)})
    assert claims["H3"].status == "not_tested" and "every seed diverged" in claims["H3"].measured
    assert claims["H1"].status == "confirmed" and "3 evaluations are too few" not in claims["H1"].measured


def test_evaluations_between_which_there_are_none_judge_as_well():
    claims = judged({0.001: Course(onset=100, every=5), 0.003: Course(onset=40, every=5)}, iterations=300)
    assert statuses(claims) == dict.fromkeys(("H1", "H2", "H3", "H5"), "confirmed") | {"H4": "not_tested"}


def test_a_run_of_a_few_iterations_judges_nothing():
    claims = judged({0.001: Course(onset=0, span=3), 0.003: Course(onset=1, span=2)}, iterations=6)
    assert claims["H1"].status == "not_tested" and "7 evaluations are too few" in claims["H1"].measured
    assert claims["H3"].status == "not_tested"


def test_the_plans_patience_is_used():
    plan = Plan({("tiny", 0.001): QUIET, ("tiny", 0.003): Course(onset=20)}, iterations=38)
    run = make_run(plan)
    assert judge_claims(run)[2].status == "confirmed"
    patient = Run({**run.plan, "patience": 30}, run.baseline, run.replicas)
    assert judge_claims(patient)[2].status == "not_tested"
    assert judge_claims(patient, CollapseRule(patience=5))[2].status == "confirmed"


def test_comparisons_with_logs_that_ended_early_stay_open():
    lines = [*make_lines(("tiny", 0.001, 0), QUIET, 20), *make_lines(("tiny", 0.003, 0), Course(onset=40), 80)]
    run = Run({}, tuple(make_baseline("tiny")), histories(lines))
    low, high = groups_of(run, CollapseRule())
    assert order_of(low, high) == "open" and order_of(high, low) == "open"
    assert order_of(low, low) == "open" and order_of(high, high) == "tied"


def test_without_draws_of_the_untouched_model_a_tenth_of_a_nat_is_the_noise():
    run = collapsing_run()
    claims = {claim.id: claim for claim in judge_claims(Run(run.plan, (), run.replicas))}
    assert claims["H1"].status == claims["H3"].status == "confirmed"


def test_rank_correlation_is_spearmans():
    stats = pytest.importorskip("scipy.stats")
    chance = random.Random(0)
    x = [chance.randrange(12) for _ in range(50)]
    y = [chance.randrange(9) + a / 3 for a in x]
    assert rank_correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert rank_correlation([1, 2, 3], [3.0, 5.0, 9.0]) == pytest.approx(1.0)
    assert math.isnan(rank_correlation([1, 2, 3], [2.0, 2.0, 2.0])) and math.isnan(rank_correlation([1], [1.0]))


def test_up_to_takes_one_more():
    iterations = [0, 5, 10, 15]
    assert [up_to(iterations, end) for end in (0, 7, 10, 99, math.inf, math.nan)] == [1, 3, 3, 4, 4, 4]


def test_the_first_signature_is_told_with_its_lead():
    told = first_signature(collapsing_run())
    assert told.count(" turned first, at iteration ") == 3
    assert "iterations ahead of the loss on pydoc (median of 3 seeds)" in told
    later = first_signature(make_run(Plan({("tiny", 0.003): Course(onset=20, signals_lead=-12)})))
    assert "of the signatures the loss on own text turned first" in later
    assert "after the loss on pydoc" in later
    quiet = first_signature(make_run(Plan({("tiny", 0.003): QUIET})))
    assert quiet.startswith("Rate 0.003: no signature turned (median of 3 seeds). Human text was a nat worse not by")
    alone = first_signature(make_run(Plan({("tiny", 0.003): Course(onset=20, rise=0.0, sag=0.0)}, seeds=1)))
    assert "the loss on pydoc did not turn (one seed)" in alone


def test_every_figure_has_a_name_of_its_own():
    names = [told_name(name) for name in (*DIRECTIONS, "train_loss", "validation.ptb")]
    assert len(set(names)) == len(names)
    assert not any("." in name or "_" in name for name in names)


def test_verdicts_do_not_hang_on_the_order_of_the_lines():
    run = collapsing_run()
    lines = [line for replica in run.replicas for line in replica.lines]
    mixed = [lines[i] for i in np.random.default_rng(0).permutation(len(lines))]
    again = Run(run.plan, run.baseline, histories(mixed))
    one, other = ({c.id: (c.status, c.figures) for c in judge_claims(r)} for r in (run, again))
    assert one == other
