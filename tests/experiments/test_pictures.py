"""Pictures of a run: which are drawn, the same bytes twice, nothing empty, colours that can be told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from runs import Course, Plan, collapsing_run, make_run

from contam.experiments.selftrain.curves import Curve, curve_of, running_median
from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.pictures import draw_pictures, size_of
from contam.experiments.selftrain.strips import standardised, strips_of, turned_at
from contam.experiments.selftrain.turning import turning_points
from contam.reports.plotting import COLOURS, file_name, write_pictures
from contam.reports.vector import inline

pytest.importorskip("matplotlib")


def drawn(run: Run):
    """The pictures of a run by their names."""
    points = {r.name: turning_points(r, run.baseline_of(r.model)) for r in run.replicas}
    return {picture.name: picture for picture in draw_pictures(run, points)}


def short_run(iterations: int = 1, **course) -> Run:
    return make_run(Plan({("tiny", 0.01): Course(**course)}, seeds=1, iterations=iterations, sets=("pydoc",)))


def two_sizes(scale: str | None = None) -> Run:
    courses = {("tiny", 0.01): Course(onset=8), ("tiny-half", 0.01): Course(onset=15)}
    return make_run(Plan(courses, iterations=40, sets=("ptb",), scale_rate=scale))


def test_a_run_has_a_picture_for_each_validation_set_and_one_of_signals():
    found = drawn(collapsing_run())
    assert list(found) == ["losses-pydoc", "losses-wikitext2", "signals"]
    assert "Figure 2" in found["losses-pydoc"].caption and "Figure 4" in found["losses-wikitext2"].caption


def test_several_models_are_compared_by_size_and_the_control_is_labelled():
    plain, scaled = drawn(two_sizes())["sizes-ptb"], drawn(two_sizes("width"))["sizes-ptb"]
    assert "Figure 3" in plain.caption and "tiny-half 120k" in plain.alt and "tiny 540k" in plain.alt
    assert "smallest width / width" in scaled.alt and "control" in scaled.caption
    assert "smallest width" not in plain.alt and "control" not in plain.caption
    assert {"losses-ptb-tiny", "losses-ptb-tiny-half"} <= set(drawn(two_sizes()))


def test_the_same_run_gives_the_same_bytes():
    run = short_run(30)
    first, second = drawn(run), drawn(run)
    assert all(first[name].svg == second[name].svg and first[name].png == second[name].png for name in first)


def test_pictures_carry_no_date_and_nothing_about_the_machine():
    for picture in drawn(short_run(5)).values():
        assert not re.search(r"dc:date|dc:creator|\b20\d\d-\d\d", picture.svg)
        assert b"Software" not in picture.png and b"Creation" not in picture.png


def test_the_own_settings_of_a_person_do_not_matter():
    import matplotlib

    run = short_run(12)
    before = drawn(run)["losses-pydoc"].svg
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black", "lines.linewidth": 9}):
        assert drawn(run)["losses-pydoc"].svg == before
        assert matplotlib.rcParams["font.size"] == 30


def test_a_run_of_one_iteration_shows_its_points():
    picture = drawn(short_run(0))["losses-pydoc"]
    assert picture.png.startswith(b"\x89PNG") and "at iteration 0" in picture.alt
    assert len(re.findall(r"<use ", picture.svg)) > 0


def test_what_was_never_measured_is_not_drawn():
    run = short_run(12)
    silent = [dict(line) | {"train_loss": None, "validation": {"pydoc": None}} for line in run.replicas[0].lines]
    bare = replace(run, replicas=(replace(run.replicas[0], lines=tuple(silent)),))
    assert "losses-pydoc" not in drawn(bare)
    own = [dict(line) | {"train_loss": None} for line in run.replicas[0].lines]
    human_only = drawn(replace(run, replicas=(replace(run.replicas[0], lines=tuple(own)),)))["losses-pydoc"]
    assert "own text:" not in human_only.alt
    assert drawn(Run({}, (), ())) == {}


def test_a_diverged_replica_is_drawn_up_to_there():
    picture = drawn(short_run(30, nan_at=12))["losses-pydoc"]
    assert "nan" not in picture.svg.lower() and "iteration" in picture.alt


def test_long_runs_stay_small():
    long = drawn(short_run(1500, onset=700, noise=0.4))
    assert all(len(picture.svg) < 600_000 for picture in long.values())


def test_names_cannot_leave_the_folder_or_become_formulas(tmp_path):
    evil = "../../$x^2$\x1b[31m<script>"
    run = short_run(12)
    lines = tuple(dict(line) | {"validation": {evil: 1.0 + line["iteration"]}} for line in run.replicas[0].lines)
    found = drawn(replace(run, replicas=(replace(run.replicas[0], lines=lines),)))
    write_pictures(tmp_path / "figures", tuple(found.values()))
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert len(names) == 2 * len(found) and all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)
    assert list(tmp_path.iterdir()) == [tmp_path / "figures"]
    assert all("script" not in inline(p.svg, "x-", "y").lower() for p in found.values())


@pytest.mark.parametrize(("name", "safe"), [("a b/c", "a_b_c"), ("..", "_"), ("", "_"), ("x-1.5_y", "x-1.5_y")])
def test_file_names_are_safe(name, safe):
    assert file_name(name) == safe


def test_sizes_are_for_people():
    assert [size_of(n) for n in (124_439_808, 1_557_611_200, 540_000, 12, None)] == ["124M", "1.56B", "540k", "12", ""]


def test_the_alt_text_says_where_a_loss_went():
    alt = drawn(short_run(40, onset=10, rise=3.0))["losses-pydoc"].alt
    start, end, top = map(float, re.findall(r"0\.01 from ([\d.]+) to ([\d.]+), highest ([\d.]+)", alt)[0])
    assert start < 5 < end <= top and top - start == pytest.approx(3.0, abs=0.5)


def test_the_median_over_seeds_is_the_line_and_their_range_the_band():
    run = collapsing_run()
    curve = curve_of(run.group("tiny", 0.003), "validation.pydoc")
    values = sorted(r.lines[30]["validation"]["pydoc"] for r in run.group("tiny", 0.003))
    assert (curve.low[30], curve.middle[30], curve.high[30]) == tuple(values)


def test_one_survivor_does_not_pass_for_all():
    run = collapsing_run()
    seeds = list(run.group("tiny", 0.003))
    cut = [replace(seed, lines=seed.lines[:20]) for seed in seeds[:2]]
    assert curve_of([*cut, seeds[2]], "train_loss").iterations[-1] == 19
    assert curve_of([cut[0], *seeds[1:]], "train_loss").iterations[-1] == 120
    assert curve_of(seeds, "no.such") is None


def test_long_curves_are_smoothed_and_keep_their_ends():
    values = tuple(float(i % 2) + i / 100 for i in range(1000))
    curve = Curve("", 0, tuple(range(1000)), values, values, values, 1)
    iterations, line = curve.line
    assert len(line) < 260 and iterations[0] == 0 and iterations[-1] == 999
    lowest, highest = curve.band[1:]
    assert min(lowest) == min(values) and max(highest) == max(values)
    assert running_median([1, 9, 2, 3, 2], 3) == (5.0, 2, 3, 2, 2.5)


def test_distance_is_up_where_collapse_leads():
    curve = Curve("", 0, (0, 1), (1.0, 0.5), (0.9, 0.4), (1.1, 0.6), 3)
    falls = standardised(curve, [0.9, 1.1], "falls")
    assert falls.middle == pytest.approx((0.0, 5.0)) and falls.low == pytest.approx((-1.0, 4.0))
    assert standardised(curve, [0.9, 1.1], "rises").middle == pytest.approx((0.0, -5.0))
    assert standardised(curve, [1.0, 1.0], "falls").middle == pytest.approx((0.0, 500.0))
    assert standardised(curve, [], "falls").middle[0] == 0.0


def test_turned_is_the_median_over_seeds_and_never_counts_as_late():
    turns = [{"a": 3, "b": None}, {"a": 9, "b": None}, {"a": 5, "b": 4}]
    assert turned_at(turns, "a") == 5 and turned_at(turns, "b") is None and turned_at(turns, "c") is None


def test_the_loss_on_human_text_is_the_first_strip_and_the_rest_follow_by_turn():
    run = collapsing_run()
    points = {r.name: turning_points(r, run.baseline_of(r.model)) for r in run.replicas}
    strips = strips_of(run, "tiny", 0.001, points)
    assert strips[0].is_loss and strips[0].turned is not None
    turned = [strip.turned for strip in strips[1:] if strip.turned is not None]
    assert turned == sorted(turned) and len(turned) > 5
    assert min(turned) < strips[0].turned


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("paper", ["#ffffff", "#0f141a"])
def test_lines_stand_out_on_light_and_on_dark_paper(colour, paper):
    high, low = sorted((luminance(colour), luminance(paper)), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3
