"""The level of a mixture from evidence made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mixes import LOSS, NOT_MEASURED, dose, make_dose, make_forecast, make_mix, make_share

from contam.mixing.asked import NEAR, Evidence, kind_of
from contam.mixing.dose.effects import HARM, MARGIN
from contam.mixing.judging import LOST, judge_mix, rules_of
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Retained
from contam.result import Level, Verdict
from contam.synthetic.share import Declared

HEALTHY, AT_RISK, COLLAPSING, INSUFFICIENT = Level
HARMLESS = {"real_scale": 0.1, "scale": 0.1, "rises": 0.0}


def kept(value, **more):
    """A forecast whose only generation retains ``value`` of the vocabulary."""
    return replace(make_forecast(**more), generations=(Retained(10, 0.999, value, value / 2),))


def level(**evidence):
    verdict, _ = judge_mix(Evidence(**evidence))
    return verdict.level if verdict else None


def one(effect, half=0.01, share=0.5, later=(), design=FIXED_REAL):
    """A dose-response with one share, measured in both designs."""
    doses = [dose(0.0, d, 0.0) for d in (FIXED_REAL, FIXED_TOTAL)]
    if share < 1:
        doses.append(dose(share, FIXED_REAL, effect, half))
    doses.append(dose(share, FIXED_TOTAL, effect, half, tuple(LOSS + effect + rise for rise in later)))
    return replace(make_dose(), doses=tuple(doses), kinds={f"{share:g}": "harmful"})


@pytest.mark.parametrize(
    ("left", "expected"),
    [(0.97, HEALTHY), (0.90, HEALTHY), (0.8999, AT_RISK), (0.60, AT_RISK), (0.5999, COLLAPSING), (0.01, COLLAPSING)],
)
def test_the_forecast_alone_decides_by_the_limits_of_its_rule(left, expected):
    assert level(forecast=kept(left)) is expected


def test_a_forecast_from_a_lower_bound_is_never_healthy():
    assert level(forecast=kept(0.97, share_is="lower bound")) is INSUFFICIENT
    assert level(forecast=kept(0.85, share_is="lower bound")) is AT_RISK
    verdict, _ = judge_mix(Evidence(forecast=kept(0.97, share_is="lower bound")))
    assert "at best" in verdict.reasons[0] and "lower bound" in verdict.reasons[0]


def test_a_lower_bound_beside_a_dose_response_without_harm_is_not_healthy_either():
    found = Evidence(dose=make_dose(**HARMLESS), forecast=kept(0.97, share_is="lower bound"))
    assert judge_mix(found)[0].level is INSUFFICIENT


@pytest.mark.parametrize(
    ("effect", "half", "expected"),
    [
        (0.3, 0.2, AT_RISK),
        (MARGIN + 0.001, 0.01, AT_RISK),  # certain, and of account
        (MARGIN - 0.001, 0.01, HEALTHY),  # certain, and of no account
        (HARM, 0.1, INSUFFICIENT),  # as likely none as twice as much
        (0.0, HARM + 0.001, INSUFFICIENT),  # nothing could have been seen
        (0.0, HARM - 0.001, HEALTHY),
        (-0.2, 0.01, HEALTHY),  # help
        (0.3, None, INSUFFICIENT),  # no interval, no finding
    ],
)
def test_harm_counts_where_it_is_certain_and_of_account(effect, half, expected):
    assert level(dose=one(effect, half or 0), forecast=kept(0.97)) is expected


def test_harm_is_read_from_the_same_real_text_and_not_from_a_fixed_total():
    wasted = make_dose(scale=1.0, real_scale=0.0, half=0.01, rises=0.0)
    assert level(dose=wasted, forecast=kept(0.97)) is HEALTHY


def test_harm_is_read_at_the_share_that_is_asked_about():
    found = make_dose(half=0.01, rises=0.0)
    assert level(dose=found, forecast=kept(0.97, share=0.05)) is HEALTHY
    assert level(dose=found, forecast=kept(0.97, share=0.5)) is AT_RISK
    assert level(dose=found, forecast=kept(0.97, share=0.05), asked=0.5) is AT_RISK


def test_a_share_that_was_not_measured_borrows_from_its_neighbour_only():
    found = Evidence(dose=make_dose(), asked=0.4)
    assert found.measured(FIXED_REAL).share == 0.5
    verdict, _ = judge_mix(found)
    assert any("asked: 40 %" in reason for reason in verdict.reasons)
    assert Evidence(dose=make_dose(), asked=0.88).measured(FIXED_REAL) is None
    assert Evidence(dose=make_dose(), asked=0.5 + NEAR).measured(FIXED_REAL) is not None
    assert Evidence(dose=make_dose()).measured(FIXED_REAL) is None


@pytest.mark.parametrize(
    ("later", "effect", "expected"),
    [
        ((0.11, 0.22, 0.33), 0.2, COLLAPSING),
        ((0.11, 0.22, 0.33), 0.0, AT_RISK),  # without harm of the text itself
        ((0.11, 0.13, 0.14), 0.2, AT_RISK),  # it levels off: the harm of the text itself remains
        ((0.18, 0.25, 0.27), 0.0, HEALTHY),  # it levels off
        ((0.18, 0.25, 0.31), 0.0, AT_RISK),
        ((0.30,), 0.2, AT_RISK),  # one generation is no course
        ((0.04, 0.05, 0.06), 0.0, HEALTHY),
        ((0.20, 0.10, 0.05), 0.0, HEALTHY),  # the last one counts
    ],
)
def test_generations_of_proxies(later, effect, expected):
    assert level(dose=one(effect, later=later), forecast=kept(0.97, regime="reused")) is expected
    if effect == 0.0:  # proxies keep their real text: nothing is said of a regime that gets new text
        assert level(dose=one(effect, later=later), forecast=kept(0.97)) is HEALTHY


def test_what_could_not_be_measured_at_the_share_is_said():
    found = one(0.0, share=0.25)
    verdict, _ = judge_mix(Evidence(dose=found, forecast=kept(0.97), asked=0.6))
    told = " ".join(verdict.reasons)
    assert verdict.level is INSUFFICIENT and "60 % synthetic text does beside real text was not measured" in told
    alone = one(0.3, share=1.0)
    assert level(dose=alone, forecast=kept(0.97), asked=1.0) is AT_RISK
    assert level(dose=one(0.0, share=1.0), forecast=kept(0.97), asked=1.0) is HEALTHY


def test_a_loss_that_the_generator_may_flatter_is_said_so():
    for apart in (True, False):
        verdict, _ = judge_mix(Evidence(dose=one(-0.1), forecast=kept(0.97), apart=apart))
        assert any("too favourable" in reason for reason in verdict.reasons) is not apart


def test_where_no_real_text_is_left_a_steady_loss_is_enough():
    alone = one(0.0, share=1.0, later=(0.11, 0.22, 0.33))
    assert level(dose=alone, asked=1.0) is COLLAPSING
    assert level(dose=alone, forecast=kept(0.97, share=0.2, regime="replace")) is COLLAPSING


def test_proxies_that_keep_no_text_say_nothing_of_a_regime_that_does():
    found = one(0.0, later=(0.2, 0.4, 0.6))
    assert Evidence(dose=found, forecast=kept(0.97, regime="accumulate")).generations() == ()
    assert level(dose=found, forecast=kept(0.97, regime="accumulate")) is HEALTHY
    assert len(Evidence(dose=found, forecast=kept(0.97)).generations()) == 4


def test_two_mild_findings_do_not_make_a_bad_one():
    assert level(dose=one(0.2), forecast=kept(0.8), share=make_share()) is AT_RISK


def test_the_worst_finding_is_told_first():
    verdict, _ = judge_mix(Evidence(dose=one(0.2), forecast=kept(0.5)))
    assert verdict.level is COLLAPSING and verdict.reasons[0].startswith("model forecast")
    assert any("worse" in reason for reason in verdict.reasons[1:])


def test_an_estimate_without_a_difference_is_no_verdict():
    assert judge_mix(Evidence(share=make_share(0.4, 0.0)))[0] is None
    assert judge_mix(Evidence(share=make_share(0.4, 0.0), forecast=kept(0.97, share_is="lower bound")))[0] is None
    assert level(share=make_share(0.4, 0.0), forecast=kept(0.5)) is COLLAPSING


def test_an_estimate_with_a_difference_is_at_risk_even_where_its_bound_is_0():
    assert level(share=make_share(0.017, 0.32)) is AT_RISK
    verdict, _ = judge_mix(Evidence(share=make_share(0.05, 0.0)))
    assert verdict.level is AT_RISK and "not bounded away from 0" in verdict.reasons[0] and verdict.p_value == 0.05
    bounded = judge_mix(Evidence(share=make_share(0.017, 0.3199)))[0]
    assert "31.9 %" in bounded.reasons[0]


def test_a_declared_share_counts_with_its_whole_interval():
    def estimated(low):
        declared = Declared("gpt-x", 0.3, (low, 0.5), 0.31, 0.9, 0.05, 200, 200)
        return level(share=make_share(0.4, 0.0, declared=declared))

    assert estimated(0.12) is AT_RISK and estimated(0.08) is None


def test_a_share_that_could_not_be_measured_cannot_be_judged():
    verdict, _ = judge_mix(Evidence(share=NOT_MEASURED))
    assert verdict.level is INSUFFICIENT and "no trusted text" in verdict.reasons[0]
    assert level(share=NOT_MEASURED, forecast=kept(0.5)) is COLLAPSING


def test_nothing_at_all_is_no_evidence():
    verdict, _ = judge_mix(Evidence())
    assert verdict.level is INSUFFICIENT and verdict.reasons and not verdict.detection_floor


def test_a_verdict_says_what_it_cannot_see():
    verdict, _ = judge_mix(Evidence(dose=make_dose(**HARMLESS), forecast=kept(0.97)))
    assert verdict.level is HEALTHY
    assert "100,000 words" in verdict.detection_floor and "network" in verdict.detection_floor


def test_rules_are_those_of_what_was_asked():
    assert [rule.id for rule in rules_of(Evidence(dose=make_dose()))] == ["MIX001"]
    assert [rule.id for rule in rules_of(Evidence(share=make_share()))] == ["SYN001", "SYN002"]
    both = rules_of(Evidence(share=make_share(), forecast=kept(0.97)))
    assert [(rule.id, rule.status) for rule in both] == [("SYN001", "warn"), ("SYN002", "skipped"), ("MIX001", "pass")]
    assert rules_of(Evidence(dose=make_dose()))[0].status == "skipped"


def test_exit_codes_follow():
    assert make_mix("forecast", forecast=kept(0.97)).exit_code() == 0
    assert make_mix("forecast", forecast=kept(0.5)).exit_code() == 1
    assert make_mix("unmeasured").exit_code() == 2 and make_mix("none").exit_code() == 0


def test_kinds_are_found_by_the_value_of_their_share():
    found = replace(make_dose(), kinds={"1.0": "wasted", "0.25": "harmful"})
    assert kind_of(found, 1) == "wasted" and kind_of(found, 0.25) == "harmful" and kind_of(found, 0.5) == ""
    assert Evidence(dose=found, asked=0.3).kind() == (0.25, "harmful")
    assert Evidence(dose=found, asked=0.6).kind() is None


def test_what_counts_as_lost_is_the_drift_of_a_failed_checkpoint():
    from contam.probing.judging import FAILED
    from contam.rules import find_rule

    assert LOST == FAILED == find_rule("CKP003").limit and FAILED / 2 == HARM


def test_a_dose_response_that_was_refused_leaves_no_healthy_mixture():
    assert level(forecast=kept(0.97)) is HEALTHY
    verdict, _ = judge_mix(Evidence(forecast=kept(0.97), refused="another language"))
    assert verdict.level is INSUFFICIENT and any("another language" in reason for reason in verdict.reasons)
    assert level(forecast=kept(0.5), refused="another language") is COLLAPSING


def test_a_forecast_of_few_words_is_not_judged():
    few = replace(kept(0.2), tokens=19_999)
    verdict, rules = judge_mix(Evidence(forecast=few))
    assert verdict.level is INSUFFICIENT and "too small to judge" in verdict.reasons[0]
    assert [r.status for r in rules if r.id == "MIX001"] == ["skipped"]
    assert judge_mix(Evidence(forecast=replace(few, tokens=20_000)))[0].level is COLLAPSING


def beside(tail_loss=0.4, level=Level.AT_RISK, tests=True):
    """The verdict of a paired audit."""
    found = {"tail_loss": tail_loss, "changed": 0.009} if tests else {}
    return Verdict(level, 0.018, reasons=("loops",), tests=found)


def test_rare_words_that_the_synthetic_text_lacks_count_whatever_the_loss_is():
    calm = {"dose": one(-0.2), "forecast": kept(0.97, share=0.5)}
    assert level(**calm) is HEALTHY
    assert level(**calm, beside=beside(0.009)) is AT_RISK
    assert level(**calm, beside=beside(0.026)) is HEALTHY  # changed, but its rare words are there
    little = {"dose": one(-0.2, share=0.05), "forecast": kept(0.97, share=0.05)}
    assert level(**little, beside=beside(0.009)) is HEALTHY
    assert level(beside=beside(0.4)) is INSUFFICIENT  # that no loss was found is no evidence
    assert level(**calm, beside=beside(0.4, Level.COLLAPSING)) is AT_RISK  # loops
    assert level(**calm, beside=beside(level=INSUFFICIENT, tests=False)) is HEALTHY
    helpful = replace(one(-0.2), kinds={"0.5": "helpful"})
    verdict, _ = judge_mix(Evidence(dose=helpful, forecast=kept(0.97, share=0.5), beside=beside(0.009)))
    assert "tail loss or copying, p = 0.009" in verdict.reasons[0]
    assert any("fewer rare words" in told and "keep it" not in told for told in verdict.advice)


def test_two_generations_do_not_tell_whether_losses_settle():
    kept_text = kept(0.97, regime="reused")
    assert level(dose=one(0.0, later=(0.2, 0.4)), forecast=kept_text) is HEALTHY
    assert level(dose=one(0.0, later=(0.2, 0.4, 0.6)), forecast=kept_text) is AT_RISK
