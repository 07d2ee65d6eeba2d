"""Comparison of two audits: differences, intervals, and what is not compared."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from examples import figure, make_audit, signals
from hypothesis import given
from hypothesis import strategies as st

from contam.comparing import BEYOND, UNKNOWN, WITHIN, compare, compare_audits, drift
from contam.reports import render
from contam.result import Figure

BAND = (0.1, 0.2, 0.3)
VALUES = st.floats(-10, 10)
WIDTHS = st.floats(0.001, 5)


def measured(value, low, high, **more):
    return Figure(value, "share", "diversity", interval=(low, high), matched_tokens=20_000, **more)


def test_a_symmetric_interval_is_the_usual_one():
    found = drift(measured(0.6, 0.58, 0.62), measured(0.5, 0.47, 0.53))
    half = math.sqrt(0.02**2 + 0.03**2)
    assert found.difference == pytest.approx(-0.1)
    assert found.interval == pytest.approx((-0.1 - half, -0.1 + half))
    assert found.status == BEYOND and found.toward_collapse is True


def test_an_asymmetric_interval_uses_the_sides_that_face_each_other():
    found = drift(measured(1.0, 0.9, 1.4), measured(2.0, 1.7, 2.05))
    assert found.interval == pytest.approx((1.0 - math.hypot(0.3, 0.4), 1.0 + math.hypot(0.05, 0.1)))


@given(VALUES, VALUES, WIDTHS, WIDTHS)
def test_swapping_the_sides_mirrors_the_difference(a, b, wa, wb):
    one, two = measured(a, a - wa, a + wa), measured(b, b - wb, b + wb)
    there, back = drift(one, two), drift(two, one)
    assert there.difference == -back.difference
    assert there.interval == pytest.approx((-back.interval[1], -back.interval[0]))
    assert there.status == back.status


def test_a_corpus_does_not_differ_from_itself():
    found = compare(make_audit(), make_audit())
    assert found.beyond == () and {d.difference for d in found.drifts.values()} <= {0.0, None}
    assert found.drifts["diversity.distinct_2"].status == WITHIN


def test_figures_of_different_sizes_are_not_compared():
    other = replace(measured(0.5, 0.4, 0.6), matched_tokens=10_000)
    found = drift(measured(0.6, 0.5, 0.7), other)
    assert found.status == UNKNOWN and found.difference is None and "20000 and 10000" in found.reason


def test_what_one_side_lacks_is_told():
    found = drift(Figure(None, "share", "tail", reason="too short"), measured(0.5, 0.4, 0.6))
    assert found.status == UNKNOWN and found.reason == "base: too short"
    fewer = make_audit(signals={})
    assert compare_audits(fewer, make_audit()).drifts["entropy.window"].reason == "base: not measured"


def test_the_side_of_collapse_follows_the_direction():
    rising = drift(measured(0.1, 0.09, 0.11, direction="rises"), measured(0.3, 0.29, 0.31, direction="rises"))
    assert rising.toward_collapse is True
    falling = drift(measured(0.1, 0.09, 0.11), measured(0.3, 0.29, 0.31))
    assert falling.toward_collapse is False


def test_nothing_comparable_is_no_judgement():
    nothing = {"tail.hapax_share": Figure(None, "share", "tail", reason="too short")}
    short = make_audit(signals=nothing, whole={})
    assert compare(short, short).exit_code() == 2
    assert "nothing could be compared" in render(compare(short, short), "rich")
    assert compare(make_audit(), make_audit()).exit_code() == 0


def test_saved_audits_and_the_report(tmp_path):
    low = make_audit(signals=signals() | {"diversity.distinct_2": figure(0.4, BAND, interval=(0.39, 0.41))})
    for name, audit in (("base", make_audit()), ("head", low)):
        (tmp_path / f"{name}.json").write_text(render(audit, "json"))
    found = compare(str(tmp_path / "base.json"), str(tmp_path / "head.json"))
    assert found.beyond == ("diversity.distinct_2",)
    assert "toward collapse: distinct-2" in render(found, "rich")
    data = json.loads(render(found, "json"))
    assert data["command"] == "compare" and data["differences"]["diversity.distinct_2"]["status"] == BEYOND
    assert data["base"]["verdict"]["level"] == "healthy" and data["schema_version"] == 1
    assert "| distinct-2 |" in render(found, "markdown")


def parted(deciding: str, **values: float):
    """An audit in parts with one figure each; the record is the deciding part."""
    names = {"whole": "the whole corpus", "new": "new since the baseline", "rest": "everything else"}
    parts = tuple(
        replace(make_audit(), name=names.get(key, key), signals={"diversity.types": figure(value, BAND)})
        for key, value in values.items()
    )
    return replace(next(part for part in parts if part.name == names.get(deciding, deciding)), parts=parts)


@pytest.mark.parametrize(
    ("base", "head", "sides", "told"),
    [
        (parted("new", whole=0.5, new=0.1), parted("whole", whole=0.6, new=0.2), (0.5, 0.6), "of both sides the whole"),
        (parted("a", rest=0.5, a=0.1), parted("rest", a=0.2, rest=0.6), (0.5, 0.6), "of both sides everything else is"),
        (parted("a", a=0.1, b=0.3), parted("b", b=0.4, c=0.6), (0.3, 0.4), "b is compared; not compared: a, c"),
        (parted("a", rest=0.5, a=0.1), parted("new", whole=0.6, new=0.2), (0.5, 0.6), "the two were not divided alike"),
    ],
)  # fmt: skip
def test_of_audits_in_parts_the_same_part_is_compared(base, head, sides, told):
    found = compare(base, head)
    drifted = found.drifts["diversity.types"]
    assert (drifted.base, drifted.head) == sides and told in found.notes[0]
    assert found.to_dict()["notes"] == list(found.notes) and found.to_dict()["base"]["name"] == found.base.name
    assert found.notes[0] in render(found, "json") and found.notes[0][:20] in render(found, "markdown")


def test_a_whole_corpus_is_compared_with_the_whole_of_one_in_parts():
    alone = replace(make_audit(), signals={"diversity.types": figure(0.6, BAND)})
    found = compare(parted("new", whole=0.5, new=0.1), alone)
    assert found.drifts["diversity.types"].base == 0.5 and "of both sides the whole corpus" in found.notes[0]
    assert compare(alone, alone).notes == ()
    divided = compare(alone, parted("a", rest=0.5, a=0.1))
    assert "the whole corpus of base is compared with everything else of head" in divided.notes[0]
