"""The pictures of a mixture: what they draw, and that they tell it in words."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from mixes import SCORES, make_dose, make_forecast, make_mix, make_share

pytest.importorskip("matplotlib")

from contam.mixing import pictures as module
from contam.mixing.pictures import draw_pictures
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL


def drawn(**parts):
    return {picture.name: picture for picture in draw_pictures(make_mix("full", **parts))}


@pytest.fixture
def charts(monkeypatch):
    """What is handed to the drawing, without drawing it."""
    found = []

    def kept(given, x_name, **more):
        found.extend(given)
        return "<svg xmlns='http://www.w3.org/2000/svg'/>", b"png"

    monkeypatch.setattr(module, "draw_charts", kept)
    return found


def test_each_part_has_its_picture_and_no_part_none():
    assert set(drawn()) == {"dose-response", "forecast"}
    assert set(drawn(forecast=None)) == {"dose-response"}
    assert set(drawn(dose_response=None)) == {"forecast"}
    assert drawn(dose_response=None, forecast=None) == {}
    assert [p.name for p in draw_pictures(make_mix("estimate"))] == ["scores", "share"]
    assert draw_pictures(make_mix("unmeasured")) == ()


def test_pictures_are_svg_and_png_with_their_contents_in_words():
    for picture in draw_pictures(make_mix("full")):
        assert ElementTree.fromstring(picture.svg).tag.endswith("svg")
        assert picture.png.startswith(b"\x89PNG") and picture.alt and picture.caption
    found = drawn()
    assert "+0.170 at 50 %" in found["dose-response"].alt and "+0.136 at 50 %" in found["dose-response"].alt
    assert "model forecast" in found["forecast"].alt and "vocabulary: 82.7 %" in found["forecast"].alt


def test_both_designs_begin_at_0_and_carry_their_intervals(charts):
    drawn(forecast=None)
    (chart,) = charts
    assert chart.level == 0.0
    total, real = chart.lines
    assert total.x == (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0) and real.x == total.x[:-1]
    assert total.y[0] == total.low[0] == total.high[0] == 0.0
    assert total.low[4] == pytest.approx(0.15) and real.high[4] == pytest.approx(0.156)


def test_effects_without_intervals_have_no_band(charts):
    drawn(dose_response=make_dose(half=0.0), forecast=None)
    assert all(not line.low and not line.high for line in charts[0].lines)


def test_a_design_that_was_not_measured_has_no_line(charts):
    found = make_dose()
    drawn(dose_response=replace(found, doses=found.of(FIXED_TOTAL)), forecast=None)
    assert [line.label for line in charts[0].lines] == [module.DESIGN_NAMES[FIXED_TOTAL]]
    assert FIXED_REAL in module.DESIGN_NAMES


def test_a_forecast_begins_at_the_whole_and_its_band_is_of_the_vocabulary(charts):
    drawn(dose_response=None)
    lines = {line.label: line for line in charts[0].lines}
    assert list(lines) == ["vocabulary", "tail (words used once)", "head (frequent words)", "next words"]
    assert all(line.x[0] == 0 and line.y[0] == 100 for line in lines.values())
    assert len(lines["vocabulary"].low) == 11 and not lines["tail (words used once)"].low


def test_a_forecast_that_has_generation_0_is_not_given_another(charts):
    found = make_forecast()
    whole = replace(found.generations[0], generation=0, vocabulary_retained=1.0, interval=None)
    drawn(dose_response=None, forecast=replace(found, generations=(whole, *found.generations)))
    first = charts[0].lines[0]
    assert first.x == tuple(float(k) for k in range(11)) and first.low[0] == first.high[0] == 100.0


def test_a_forecast_without_a_stated_error_has_no_band(charts):
    found = make_forecast()
    bare = replace(found, generations=tuple(replace(r, interval=None) for r in found.generations))
    drawn(dose_response=None, forecast=bare)
    assert all(not line.low for line in charts[0].lines)


def test_other_regimes_are_a_table_and_no_lines(charts):
    """Five names at one height cannot be read."""
    picture = drawn(dose_response=None)["forecast"]
    assert not charts[0].limits and len(charts[0].lines) == 4
    assert "reused" not in picture.alt and picture.caption.startswith("Regime fresh, 50 % synthetic text.")
    bound = drawn(dose_response=None, forecast=make_forecast(share_is="lower bound"))["forecast"]
    assert "at least 50 % synthetic text" in bound.caption


def test_scores_are_two_rising_curves_and_the_quantile_they_are_compared_at(charts):
    draw_pictures(make_mix("estimate"))
    trusted, audited, at = charts[0].lines
    assert trusted.label == "trusted text" and audited.label == "audited text" and at.expected
    assert list(trusted.x) == sorted(trusted.x) and trusted.y[0] == 0 and trusted.y[-1] == 100
    share = sum(x <= at.x[0] for x in SCORES["trusted"]) / 200
    assert share == pytest.approx(0.8, abs=0.01)


def test_scores_of_one_side_alone_are_not_drawn():
    for compared in ({"audited": (1.0,), "trusted": ()}, {"trusted": (1.0,)}, {}):
        assert [p.name for p in draw_pictures(make_mix("estimate", compared=compared))] == ["share"]


def test_one_generation_and_one_share_can_be_drawn():
    found = make_dose()
    one = replace(found, doses=tuple(d for d in found.doses if d.share in (0.0, 0.5)))
    assert set(drawn(dose_response=one, forecast=make_forecast(last=1))) == {"dose-response", "forecast"}


def test_the_share_is_drawn_as_intervals(charts):
    share = make_share(bound=0.3, exact_bound=0.25)
    result = make_mix("estimate", synthetic_share=share, compared={})
    (picture,) = [d for d in module.draw_pictures(result) if d.name == "share"]
    (chart,) = [c for c in charts if "share lies" in c.title]
    assert [line.x for line in chart.lines[:2]] == [(30.0, 100.0), (25.0, 100.0)] and chart.nameless_y
    assert "30 % to 100 %" in picture.alt
    nothing = make_mix("estimate", synthetic_share=make_share(bound=0.0), compared={})
    assert not [d for d in module.draw_pictures(nothing) if d.name == "share"]
