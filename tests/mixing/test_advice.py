"""Advice: sentences that carry the numbers they rest on."""

from __future__ import annotations

from dataclasses import replace

from mixes import NOT_MEASURED, make_dose, make_forecast, make_share

from contam.mixing.advice import advise
from contam.mixing.asked import Evidence
from contam.mixing.result import Retained


def told(**evidence):
    return " ".join(advise(Evidence(**evidence)))


def forecast(left, **more):
    return replace(make_forecast(**more), generations=(Retained(10, 0.9999, left, left / 3),))


def test_harm_names_where_it_begins_and_how_large_it_is():
    text = told(dose=make_dose(), asked=0.5)
    assert "detected from 25 % synthetic text on" in text
    assert "At 50 % the proxies are +0.136 (+0.116 to +0.156) nats a word" in text
    assert "same real text alone: leave the synthetic text out, or filter it" in text


def test_at_a_share_without_real_text_the_comparison_is_with_real_text():
    text = told(dose=make_dose(), asked=1.0)
    assert "At 100 %" in text and "+0.550" in text and "with real text in its place" in text


def test_help_is_no_reason_to_replace_real_text():
    text = told(dose=make_dose(scale=0.5, real_scale=-0.5), asked=0.5)
    assert "helps (-0.085 (-0.105 to -0.065) nats)" in text
    assert "+0.085" in text and "never replace" in text
    both = told(dose=make_dose(scale=-0.5, real_scale=-0.5), asked=0.5)
    assert "keep it" in both and "never" not in both


def test_waste_is_not_called_harm():
    text = told(dose=make_dose(scale=1.0, real_scale=0.0), asked=0.5)
    assert "wasted, not harmful" in text and "+0.170" in text and "leave" not in text
    alone = told(dose=replace(make_dose(), kinds={"1.0": "wasted"}), asked=1.0)
    assert "At 100 % the synthetic text costs +0.550" in alone and "not harmful" not in alone


def test_where_no_effect_is_seen_its_bounds_are_told():
    text = told(dose=make_dose(scale=0.0, real_scale=0.0), asked=0.5)
    assert "no effect was detected" in text and "-0.020" in text and "+0.020" in text


def test_retention_comes_with_the_real_share_that_would_do_better():
    text = told(forecast=forecast(0.74, share=0.8))
    assert "74.0 % of the vocabulary is left after 10 generations" in text and text.startswith("Model forecast")
    assert "27.9 % fresh real text would keep 80 %" in text and "45 % fresh real text would keep 90 %" in text
    assert "accumulate 98.5 %" in text


def test_a_share_that_is_there_already_is_no_advice():
    text = told(forecast=forecast(0.89, share=0.5))
    assert "59.6 % fresh" in text and "45 %" not in text.replace("would keep 95 %", "")
    assert "27.9" not in text


def test_another_regime_gains_from_fresh_text_even_where_it_has_that_much():
    assert "45 % fresh real text" in told(forecast=forecast(0.7, share=0.5, regime="reused"))


def test_where_no_share_is_enough_that_is_said():
    found = forecast(0.5, fresh_share_for={"0.8": None, "0.9": None, "0.95": None}, regimes={})
    assert "no share of fresh real text keeps 80 %" in told(forecast=found)


def test_what_keeps_enough_needs_no_change():
    text = told(forecast=forecast(0.97))
    assert "no change is needed" in text and "accumulate" not in text


def test_a_lower_bound_makes_it_at_most():
    text = told(forecast=forecast(0.7, share_is="lower bound"), share=make_share())
    assert "at most 70.0 %" in text and "at least 50 % synthetic" in text and "plan with more" in text


def test_what_is_fed_back_comes_with_the_share_at_which_less_is_lost():
    text = told(dose=make_dose(), asked=0.5)
    assert "costs them +0.450 nats in 3 generations; at 10 % synthetic text it would be +0.090" in text
    assert "do not feed back" in told(dose=make_dose(rises=9.0), asked=0.5)
    assert "fed back" not in told(dose=make_dose(rises=0.01), asked=0.5)
    assert "fed back" not in told(dose=make_dose(), forecast=forecast(0.97, regime="accumulate"))


def test_copies_are_blamed_only_for_what_they_do():
    found = {"dose": make_dose(), "asked": 0.5}
    text = told(**found, deduplicated={"duplicates": 0.32, "before": 0.136, "effect_nats": 0.03})
    assert "32 % of the synthetic documents are near copies" in text and "+0.030 nats, all of it +0.136" in text
    assert "remove them first" in text
    assert "not what matters" in told(**found, deduplicated={"duplicates": 0.32, "before": 0.136, "effect_nats": 0.13})
    assert "remove them first" in told(**found, deduplicated={"duplicates": 0.32, "effect_nats": None})
    assert "copies" not in told(**found, deduplicated={"duplicates": 0.0, "effect_nats": None})


def test_the_head_is_never_advised_from():
    for head in (0.0, 0.5, 1.0):
        row = Retained(10, head, 0.74, 0.2)
        assert advise(Evidence(forecast=replace(make_forecast(), generations=(row,)))) == advise(
            Evidence(forecast=forecast(0.74))
        )
    assert "head" not in told(forecast=forecast(0.74), dose=make_dose())


def test_an_estimate_says_what_to_look_at_or_what_is_missing():
    assert "--scores" in told(share=make_share())
    assert "--reference" in told(share=NOT_MEASURED)
    assert told(share=make_share(0.5, 0.0)) == ""
