"""Pictures of a recursion: which are drawn, the same bytes twice, human levels, colours that keep their meaning."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

import pytest
from recursions import HUMAN, PAIRS, SIGNALS, Formula, log_of, make_recursion, plan_of

from contam.experiments.recurse import pictures
from contam.experiments.recurse.history import Run, grouped
from contam.experiments.recurse.options import RecurseOptions
from contam.experiments.recurse.pictures import draw_pictures, title_of
from contam.reports.charts import Chart
from contam.reports.vector import inline

pytest.importorskip("matplotlib")


def run_of(**changes) -> Run:
    return make_recursion(Formula(replace(RecurseOptions(model="ngram", real=("human.txt",)), **changes)))


@pytest.fixture
def charts(monkeypatch):
    """The charts that are asked for, picture by picture, without drawing them."""
    found: list[list[Chart]] = []

    def take(charts, *rest, **more):
        found.append(list(charts))
        return "<svg/>", b""

    monkeypatch.setattr(pictures, "draw_charts", take)
    return found


def test_a_run_has_three_pictures_in_both_forms():
    drawn = draw_pictures(run_of(paradigms=("replace", "mix"), seeds=2, generations=3))
    assert [picture.name for picture in drawn] == ["perplexity", "tracked", "signals"]
    for picture in drawn:
        assert "<svg" in inline(picture.svg, "p-", picture.alt)
        width, height = struct.unpack(">II", picture.png[16:24])
        assert picture.png[:4] == b"\x89PNG" and width == 1200 and height > 300
        assert picture.caption.endswith(".") and "mathdefault" not in picture.svg


def test_the_same_run_gives_the_same_bytes(monkeypatch):
    monkeypatch.setattr(pictures, "SIGNALS", pictures.SIGNALS[:1])
    first, second = (draw_pictures(run_of(paradigms=("replace",), generations=2)) for _ in range(2))
    assert first == second


def test_nothing_is_drawn_of_nothing():
    assert draw_pictures(Run({}, ())) == ()


def test_what_was_not_measured_has_no_panel(charts):
    formula = Formula()
    lines = [dict(line) | {"tracked": {}, "written": {}, "verdict": {"score": None}} for line in log_of(formula)]
    drawn = draw_pictures(Run(plan_of(formula), grouped(plan_of(formula), lines)))
    assert [picture.name for picture in drawn] == ["perplexity", "signals"]
    titles = [chart.title for chart in charts[1]]
    assert "rare words kept" not in titles and "score of the audit" not in titles and "types" in titles


def test_a_line_is_a_group_with_a_band_over_seeds(charts):
    run = run_of()
    draw_pictures(run)
    ((chart,), tracked, signals) = charts
    assert [line.label for line in chart.lines] == [group.name for group in run.groups]
    assert [line.place for line in chart.lines] == list(range(5))
    for line in chart.lines:
        assert line.x == tuple(range(11))
        assert all(low < middle < high for low, middle, high in zip(line.low, line.y, line.high))
    assert len(tracked) == len(PAIRS) and len(signals) == len(pictures.SIGNALS)


def test_one_seed_has_no_band(charts):
    draw_pictures(run_of(seeds=1))
    assert all(line.low == () for picture in charts for chart in picture for line in chart.lines)


def test_levels_are_those_of_human_text(charts):
    run = run_of()
    draw_pictures(run)
    assert [chart.level for chart in charts[1]] == [HUMAN[pair] for pair in PAIRS]
    assert [chart.title for chart in charts[1]] == ["p(was | there)", "p(were | there)"]
    levels = {chart.title: chart.level for chart in charts[2]}
    assert levels["types"] == SIGNALS["diversity.types"][0]
    assert levels["perplexity under generation 0"] == run.groups[0].course(run.perplexity)[0]
    assert levels["score of the audit"] is None


def test_axes_have_units_and_the_score_its_limit(charts):
    drawn = draw_pictures(run_of())
    units = {chart.title: chart.y_name for chart in charts[2]}
    assert units["window entropy"] == "bits" and units["distinct-2"] == units["rare words kept"] == "share"
    assert units["perplexity under generation 0"] == "" and units["types"] == "words"
    limits = {chart.title: chart.limits for chart in charts[2] if chart.limits}
    assert limits == {"score of the audit": ((4.0, "collapsing from 4"),)}
    assert "counts tail loss up to 8 and copying up to 4 more" in drawn[2].caption


def test_what_smoothing_does_to_a_growing_corpus_is_told_where_it_is_smoothed(charts):
    told = "an n-gram model smooths more as its corpus grows"
    assert told in draw_pictures(run_of())[2].caption
    assert told not in draw_pictures(run_of(paradigms=("replace", "mix")))[2].caption
    assert told not in draw_pictures(make_recursion(Formula(plan={"backend": "scratch"})))[2].caption


def test_the_dotted_line_is_named_in_the_legend(monkeypatch):
    """Letters are paths with the text as a comment before them."""
    monkeypatch.setattr(pictures, "SIGNALS", pictures.SIGNALS[-1:])
    _, tracked, score = draw_pictures(run_of(paradigms=("replace",), generations=2))
    assert "<!-- human text -->" in tracked.svg and "<!-- human text -->" not in score.svg
    assert "<!-- collapsing from 4 -->" in score.svg


def spread(pair: str, by: float, **changes) -> Run:
    """A run whose seeds lie so far apart in one tracked probability."""
    made = Formula(replace(RecurseOptions(model="ngram", real=("human.txt",)), **changes))
    lines = [dict(line) for line in log_of(made)]
    for line in lines:
        text = line["tracked"][pair]["text"] + by * (line["seed"] - 1)
        line["tracked"] = line["tracked"] | {pair: line["tracked"][pair] | {"text": text}}
    return Run(plan_of(made), grouped(plan_of(made), lines))


def test_tracked_words_get_a_panel_a_group_where_bands_overlap(charts):
    draw_pictures(spread(PAIRS[0], 0.2))
    panels = charts[1]
    assert [chart.title for chart in panels[:-1]] == [group.name for group in run_of().groups]
    assert {chart.y_name for chart in panels[:-1]} == {"p(was | there)"} and len({c.span for c in panels[:-1]}) == 1
    low, high = panels[0].span or (0, 0)
    assert all(low < y < high for chart in panels[:-1] for line in chart.lines for y in (*line.low, *line.high))
    assert all(chart.level == HUMAN[PAIRS[0]] and len(chart.lines) == 1 for chart in panels[:-1])
    assert panels[-1].title == "p(were | there)" and len(panels[-1].lines) == 5


@pytest.mark.parametrize(
    "changes", [{"paradigms": ("replace", "accumulate")}, {"rates": (1.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)}]
)
def test_two_groups_and_very_many_share_their_panel(charts, changes):
    draw_pictures(spread(PAIRS[0], 0.2, **changes))
    assert [chart.title for chart in charts[1]] == ["p(was | there)", "p(were | there)"]


def test_what_is_drawn_of_a_pair_is_the_written_text(charts):
    run = run_of()
    draw_pictures(run)
    assert charts[1][0].lines[0].y[0] == run.groups[0].course(f"tracked.{PAIRS[0]}.text")[0] == HUMAN[PAIRS[0]]


def test_filters_stand_beside_their_twin_and_keep_their_colour(charts):
    run = run_of(paradigms=("replace", "mix"), filters=("none", "likely", "resample"))
    names = [picture.name for picture in draw_pictures(run)]
    assert names == ["perplexity"] + [f"{n}{s}" for s in ("", "-likely", "-resample") for n in ("tracked", "signals")]
    first, *panels = charts[0]
    assert [line.label for line in first.lines] == ["replace", "mix-0.1", "mix-0.5"]
    assert [chart.title for chart in panels] == ["replace, filtered", "mix-0.1, filtered", "mix-0.5, filtered"]
    for place, panel in enumerate(panels):
        assert [line.label for line in panel.lines][1:] == ["filter likely", "filter resample"]
        assert [line.place for line in panel.lines] == [place, 3, 4]
    assert [line.place for line in charts[-1][0].lines] == [0, 1, 2]


def test_a_filter_alone_is_drawn(charts):
    draw_pictures(run_of(paradigms=("replace",), filters=("likely",)))
    assert [chart.title for chart in charts[0]] == ["replace, filtered"]


def test_perplexity_that_spans_much_is_logarithmic_and_nothing_else_is(charts):
    formula = Formula(rises={"replace": lambda g: 2.0**g})
    draw_pictures(make_recursion(formula))
    assert charts[0][0].log
    assert not any(chart.log for chart in charts[2] if "perplexity" not in chart.title)
    draw_pictures(run_of(generations=2))
    assert not charts[3][0].log


def test_logarithmic_axes_have_plain_numbers_and_generations_whole_ones(monkeypatch):
    monkeypatch.setattr(pictures, "SIGNALS", ())
    options = RecurseOptions(model="ngram", real=("human.txt",), paradigms=("replace",), generations=3, seeds=1)
    svg = draw_pictures(make_recursion(Formula(options, {"replace": lambda g: 4.0**g})))[0].svg
    ticks = re.findall(r"<!-- (.*?) -->", svg)
    assert {"200", "500", "1000", "2000", "5000"} <= set(ticks) and "mathdefault" not in svg
    assert {"0", "1", "2", "3"} <= set(ticks) and "0.5" not in ticks


def test_alternative_text_has_the_figures(charts):
    alt = draw_pictures(run_of(paradigms=("replace",), generations=2))[0].alt
    assert "replace from 159.1 to 203.7" in alt


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ("signals.diversity.types", "types"),
        ("signals.tail.hapax_share", "hapax share f1/N"),
        ("written.rare_kept", "rare words kept"),
        ("verdict.score", "score of the audit"),
    ],
)
def test_fields_are_called_for_people(field, title):
    assert title_of(field) == title
