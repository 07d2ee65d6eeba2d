"""The page of a simulation: closed forms first, whose they are, and what disagrees."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim, ClaimsRun
from contam.errors import InputError
from contam.reports import Style, html, markdown, terminal
from contam.reports.claims_page import draw_claims
from contam.reports.page import Bar
from contam.reports.scale import draw_bar, draw_course, glyphs_for
from contam.theory import page as module
from contam.theory.page import check_folder, draw_simulation, write_result
from contam.theory.pictures import draw_pictures
from contam.theory.record import DERIVED, PAPER, Comparison, Series, Simulation

X = (0.0, 1.0, 2.0, 3.0)
HALVES = (1.0, 0.5, 0.25, 0.125)
WIDTH = Series("width", X, HALVES, (0.0, 0.1, 0.2, 0.1), HALVES, PAPER, "Someone 2024")
DISTANCE = Series("distance", X, (0.0, 1.0, 2.0, 4.0), (0.0,) * 4)
EXACT = Comparison("width @3", 0.125, 0.1, 0.13, PAPER, "Someone 2024")
APART = Comparison("mass @3", 2.0, 0.1, 1.0)
NEARLY = Comparison("half-life", 3.0, 0.1, 9.0, DERIVED, "a diffusion limit", approximate=True)
BOUND = Comparison("survival @3", 0.1, 0.01, 0.9, PAPER, "Another 2025", bound="upper")
RESULT = Simulation(
    "gaussian", "a made-up world", {"samples": 10, "rate": None, "seed": 7}, (WIDTH, DISTANCE),
    (EXACT, NEARLY, BOUND), ("A note.",), 1.25, log_y=("width", "distance"),
)  # fmt: skip


def text_of(result, width: int = 200, ascii_only: bool = False) -> str:
    return terminal.render(result.draw(), Style(width, False, ascii_only))


def test_figures_stand_beside_their_closed_forms():
    text = text_of(RESULT)
    assert "contam simulate gaussian: a made-up world" in text and "all agree within 4 standard errors" in text
    rows = {line.split("  ")[-1].strip(): line.split() for line in text.splitlines()}
    assert rows["width @3"][:5] == ["0.125", "0.1", "0.13", "-0.1", "paper"]
    assert rows["half-life"][:5] == ["3", "0.1", "~", "9", "ours"]
    assert rows["survival @3"][:5] == ["0.1", "0.01", "<=", "0.9", "paper"]
    assert "Someone 2024" in text and "ours (a diffusion limit)" in text and "A note." in text and "seed 7" in text


def test_what_disagrees_is_said_in_words():
    text = text_of(replace(RESULT, comparisons=(EXACT, APART)))
    assert "1 of 2 DISAGREE" in text and "+10.0 !" in text
    crossed = replace(BOUND, simulated=0.99)
    assert "1 of 1 DISAGREE" in text_of(replace(RESULT, comparisons=(crossed, NEARLY)))


def test_without_closed_forms_there_is_no_table():
    assert "Nothing here has a closed form" in text_of(replace(RESULT, comparisons=()))
    assert "hold only nearly" in text_of(replace(RESULT, comparisons=(NEARLY,)))


def test_without_closed_forms_one_line_tells_the_course():
    first = draw_simulation(replace(RESULT, comparisons=())).sections[0]
    assert "From the first generation to 3: width 1 to 0.125; distance 0 to 4." in first.blocks[0].items


def test_what_few_trajectories_cannot_test_is_marked():
    text = text_of(replace(RESULT, comparisons=(replace(BOUND, approximate=True),)))
    assert "~ <= 0.9" in text and "cannot be tested here" in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.7e308])
def test_bars_survive_what_is_no_number(value):
    glyphs = glyphs_for(True)
    for row in (Bar("x", value, "", "falls", (-1.7e308, 0.0, 1.0)), Bar("x", 0.5, "", "falls", (0.0, value, math.inf))):
        assert draw_bar(row, 20, glyphs) == ""


def test_courses_are_small_bars():
    text = text_of(RESULT)
    assert "█" in text and "width, log scale" in text
    plain = text_of(RESULT, ascii_only=True)
    assert plain.isascii() and "\\u" not in plain and "@" in plain


def test_a_course_goes_from_low_to_high_and_is_thinned():
    assert draw_course([1.0, 2.0, 3.0, 8.0], 10) == "▁▂▃█"
    assert draw_course([], 4) == "" and len(set(draw_course([2.0] * 9, 4))) == 1
    assert draw_course([math.nan, 1.0, 2.0], 4) == " ▁█"
    long = draw_course([float(i) for i in range(1000)], 16)
    assert len(long) == 16 and long[0] == "▁" and long[-1] == "█"


@pytest.mark.parametrize("width", [60, 80])
def test_narrow_terminals_lose_no_number(width):
    text = text_of(RESULT, width)
    assert all(number in text for number in ("0.125", "0.13", "0.9", "half-life"))
    assert max(map(len, text.splitlines())) <= width


def test_the_full_page_has_pictures_settings_and_sources():
    shown = html.render(draw_simulation(RESULT, full=True))
    assert shown.count("<figure>") == 1 and "Settings" in shown and "default" in shown and "Another 2025" in shown
    assert "Courses" not in shown
    assert "| 0.125 |" in markdown.render(draw_simulation(RESULT))


def test_hostile_text_is_escaped():
    evil = replace(RESULT, title="<script>alert(1)</script>\x1b[31m")
    assert html.render(draw_simulation(evil, full=True)).count("<script") <= 1 and "\x1b" not in text_of(evil)


def test_pictures_show_every_series():
    (picture,) = draw_pictures(RESULT)
    assert picture.name == "gaussian" and picture.png.startswith(b"\x89PNG") and "<svg" in picture.svg
    assert "width: 1 to 0.125" in picture.alt and "dashed" in picture.caption
    assert draw_pictures(replace(RESULT, series=())) == ()
    still = Series("never", X, (0.0,) * 4, (0.1,) * 4, (0.0, 0.0, 0.0, 1e-70))
    assert draw_pictures(replace(RESULT, series=(still,))) == ()
    assert "dashed" not in draw_pictures(replace(RESULT, series=(DISTANCE,)))[0].caption


def claim(name: str, status: str) -> Claim:
    return Claim(name, "Someone 2024", f"Statement {name}.", "1", "1.02", "within .1", status, seconds=1.5)


RUN = ClaimsRun((claim("1", CONFIRMED), claim("2", CONTRADICTED), claim("10", NOT_TESTED)), 4.0)


def test_claims_as_a_table():
    text = text_of(RUN)
    assert "1 confirmed, 1 contradicted, 1 not tested" in text and "Statement 10. [Someone 2024]" in text
    assert "expected 1. Measured 1.02. Tolerance: within .1" in text and "1.5 s" in text and "not tested" in text
    assert 'class="fail"' in html.render(draw_claims(RUN))


def test_a_folder_of_a_simulation(tmp_path):
    write_result(tmp_path / "out", RESULT)
    names = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*"))
    assert names == ["figures/gaussian.png", "figures/gaussian.svg", "report.html", "simulation.json"]
    assert json.loads((tmp_path / "out" / "simulation.json").read_text())["series"][0]["name"] == "width"


def test_a_folder_of_claims(tmp_path):
    write_result(tmp_path, RUN)
    found = json.loads((tmp_path / "claims.json").read_text())
    assert [c["id"] for c in found["claims"]] == ["1", "2", "10"] and (tmp_path / "report.html").is_file()


@pytest.mark.parametrize("way", ["out", "out/figures"])
def test_a_file_where_a_folder_belongs(tmp_path, way):
    (tmp_path / way).parent.mkdir(exist_ok=True)
    (tmp_path / way).write_text("")
    with pytest.raises(InputError, match=f"cannot write to .*out: .*{way} is not a folder"):
        check_folder(tmp_path / "out")
    with pytest.raises(InputError, match=f"{way} is not a folder"):
        write_result(tmp_path / "out", RESULT)


def test_a_folder_where_a_file_belongs(tmp_path):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(InputError, match=r"report\.html is a folder, where a file belongs"):
        check_folder(tmp_path)


def test_a_folder_without_permission(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(InputError, match="no permission to write in"):
        check_folder(tmp_path / "a" / "b")


def test_a_folder_that_is_only_checked_is_not_made(tmp_path):
    check_folder(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="cannot write to"):
        write_result(tmp_path / "out", RUN)


def test_without_matplotlib_the_report_says_so(tmp_path, monkeypatch):
    def missing(result):
        raise ImportError("no matplotlib")

    monkeypatch.setattr("contam.theory.pictures.draw_pictures", missing)
    write_result(tmp_path, RESULT)
    assert module._NOT_DRAWN.split(":")[0] in (tmp_path / "report.html").read_text()
    assert not list(tmp_path.rglob("*.png"))
