"""The page of a mixture in every format, and the folder that is written."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from mixes import NOT_MEASURED, documents, make_dose, make_forecast, make_mix, make_share, nasty_mix

from contam.errors import InputError
from contam.mixing.page import banner_of, check_folder, draw_mix, write_mix
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL
from contam.reports import FORMATS, Style, render
from contam.reports.page import Excerpts, Picture, Table
from contam.result import Skipped

KINDS = ("full", "neural", "forecast", "estimate", "none", "unmeasured")


def section(result, title, full=False):
    return next(s for s in draw_mix(result, full).sections if s.title == title)


def table(result, title, full=False):
    return next(block for block in section(result, title, full).blocks if isinstance(block, Table))


def terminal(result, width=80):
    return render(result, "rich", Style(width=width))


@pytest.fixture
def quick(monkeypatch):
    """Pictures without drawing them."""
    blank = '<svg xmlns="http://www.w3.org/2000/svg"/>'
    monkeypatch.setattr("contam.mixing.pictures.draw_charts", lambda charts, x_name: (blank, b"png"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_kind_of_result_is_drawn_in_every_format(kind, form, quick):
    text = render(make_mix(kind), form)
    assert text.endswith("\n") and len(text) > (50 if form == "github" else 200)
    assert "nan" not in re.findall(r"[a-z]+", text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_terminal_of_80_columns_is_enough(kind):
    text = terminal(make_mix(kind))
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.replace("1, 2, ...", "").replace("\u2026", "...")
    assert render(make_mix(kind), "rich", Style(ascii=True)).isascii()


def test_the_dose_response_has_a_row_a_share_with_both_designs():
    found = make_dose()
    shown = table(make_mix("full", dose_response=found), "Dose-response")
    assert shown.columns == ("share", "replacing real text", "added to real text", "synthetic text is")
    rows = {row[0]: row[1:] for row in shown.rows}
    assert rows["0 %"] == ("loss 6.420", "loss 6.420", "")
    assert rows["50 %"] == ("+0.170 (+0.150 to +0.190)", "+0.136 (+0.116 to +0.156)", "harmful")
    assert rows["100 %"][1:] == ("-", "harmful")


def test_later_generations_are_told_against_the_first_of_the_same_share():
    rows = {row[0]: row for row in table(make_mix("full"), "Generations of proxies", full=True).rows}
    assert rows["50 %"][1:] == ("6.590", "+0.150  +0.300  +0.450")


def test_a_forecast_is_always_called_one(quick):
    for form in ("rich", "markdown", "html"):
        text = " ".join(render(make_mix("forecast"), form).split())
        assert "Model forecast" in text and "model forecast: 82.7 % of the vocabulary" in text
        assert "Assumptions of the model forecast" in text


def test_a_forecast_is_a_row_a_generation(quick):
    shown = table(make_mix("forecast", forecast=make_forecast(last=12)), "Model forecast")
    assert [row[0] for row in shown.rows] == ["1", "2", "3", "5", "10", "12"]
    assert shown.rows[0][1] == "98.0 % (94 to 100)" and shown.rows[0][3] == "100.0 %"
    whole = table(make_mix("forecast", forecast=make_forecast(last=12)), "Model forecast", full=True)
    assert len(whole.rows) == 12
    long = table(make_mix("forecast", forecast=make_forecast(rate=0.001, last=900)), "Model forecast", full=True)
    assert [row[0] for row in long.rows][-3:] == ["200", "500", "900"]


def test_a_forecast_without_contexts_has_no_empty_column():
    found = make_forecast()
    bare = replace(found, generations=tuple(replace(r, contexts_retained=None) for r in found.generations))
    assert "next words" in table(make_mix("forecast"), "Model forecast").columns
    assert "next words" not in table(make_mix("forecast", forecast=bare), "Model forecast").columns


def test_what_never_comes_is_said_so():
    text = " ".join(terminal(make_mix("forecast")).split())
    assert "half is lost: vocabulary after 14 generations" in text and "head after" not in text
    tail = make_forecast(regime="reused", half_lives={"head": None, "vocabulary": None, "tail": 3.0})
    text = " ".join(terminal(make_mix("forecast", forecast=tail)).split())
    assert "half is lost: tail after 3 generations" in text
    never = make_forecast(half_lives={"head": None, "vocabulary": None, "tail": 3.0})
    assert "half is lost" not in terminal(make_mix("forecast", forecast=never))
    found = make_forecast(fresh_share_for={"0.8": None})
    assert "no share keeps 80 %" in " ".join(terminal(make_mix("forecast", forecast=found)).split())


def test_the_banner_tells_the_share_the_forecast_and_the_harm():
    full = banner_of(make_mix("full"))
    assert full.level == "collapsing"
    told = "+0.450 nats after 3 generations, and each loses 0.1 or more again"
    cause, *found = full.headline.split("; ")
    assert cause.startswith("proxies ") and cause.endswith(told)
    assert found == [
        "harm detected from 25 % on",
        "82.7 % of the vocabulary after 10 generations with fresh real text in every generation, 50 % synthetic (model "
        "forecast)",
    ]
    assert "not seen" in full.detail
    assert "at least 32.0 % of the documents" in banner_of(make_mix("estimate")).headline
    none = banner_of(make_mix("none"))
    assert none.level == "no_level" and none.headline.startswith("no difference from the trusted text found")
    assert "no difference was found" in " ".join(terminal(make_mix("none")).split())
    assert banner_of(make_mix("unmeasured")).headline == "synthetic share not measured"
    bound = make_mix("estimate", forecast=make_forecast(share_is="lower bound"))
    assert "at best 82.7 %" in banner_of(bound).headline


def test_a_share_that_is_not_bounded_is_not_called_none():
    shown = banner_of(make_mix("estimate", synthetic_share=make_share(0.03, 0.0))).headline
    assert "not bounded away from 0" in shown and "0.0 %" not in shown


def test_the_limit_of_the_user_is_answered():
    over = make_mix("estimate", limits={"share": 0.2})
    assert banner_of(over).headline.startswith("more than the limit of 20 % is proven (--max-share)")
    text = " ".join(terminal(over).split())
    assert "the lower bound is above the limit of 20 % (--max-share)" in text and over.exit_code() == 1
    under = make_mix("estimate", limits={"share": 0.5})
    assert "the lower bound is not above the limit of 50 % (--max-share)" in " ".join(terminal(under).split())
    assert "is proven" not in banner_of(under).headline and under.exit_code() == 0


def test_no_effect_is_told_as_not_detected():
    found = replace(make_dose(), detectable={FIXED_REAL: None, FIXED_TOTAL: None})
    text = " ".join(terminal(make_mix("full", dose_response=found)).split())
    assert "no harm detected" in text and "harm is detected at no share" in text


def test_documents_are_told_with_their_scores(quick):
    shown = table(make_mix("estimate"), "Most machine-like documents")
    assert shown.columns == ("score", "percentile", "fast detect gpt", "binoculars", "document")
    assert shown.rows[0] == ("3.20", "99.5", "2.10", "0.80", "crawl/000.jsonl:1")
    many = make_mix("estimate", documents=documents(40))
    assert len(table(many, "Most machine-like documents").rows) == 8
    assert len(table(many, "Most machine-like documents", full=True).rows) == 20
    kept = [b for b in section(many, "Most machine-like documents", True).blocks if isinstance(b, Excerpts)]
    assert len(kept[0].items) == 20 and kept[0].items[0].text == "It is important: 0"
    bare = make_mix("estimate", documents=(replace(documents(1)[0], percentile=None, detection={}, excerpt=""),))
    assert table(bare, "Most machine-like documents").rows == (("3.20", "-", "crawl/000.jsonl:1"),)


def test_what_was_skipped_is_told():
    base = make_mix("full").real
    lost = tuple(Skipped(f"f{k}.jsonl", "invalid JSON", k) for k in range(1, 6))
    text = " ".join(terminal(make_mix("full", real=replace(base, skipped=lost, skipped_total=9))).split())
    assert "f1.jsonl:1: invalid JSON" in text and "9 altogether" in text and "f4.jsonl" not in text


@pytest.mark.parametrize("form", ["rich", "markdown", "html"])
def test_hostile_text_stays_text(form):
    text = render(nasty_mix(), form, Style(colour=False))
    for bad in ("\x1b", "\u202e", "\x00", "\x07"):
        assert bad not in text
    assert form == "rich" or text.count("<script") <= (form == "html")
    assert "\\x1b" in text.replace("\\\\x1b", "\\x1b")
    assert form != "markdown" or "@someone" not in text


def test_hostile_text_is_escaped_in_json():
    text = render(nasty_mix(), "json")
    assert "\x1b" not in text and "\x00" not in text and json.loads(text)["command"] == "mix"


def test_the_json_has_the_fields_of_the_contract():
    body = json.loads(render(make_mix("full"), "json"))
    assert {"share", "design", "loss_nats", "interval"} <= set(body["dose_response"][0])
    assert {"regime", "generations", "fresh_share_for", "assumptions", "label"} <= set(body["forecast"])
    assert body["verdict"]["level"] == "collapsing" and body["rules"][0]["id"] == "MIX001"


def test_settings_are_told_on_a_full_page_alone(quick):
    assert ("regime", "fresh") in table(make_mix("estimate"), "Settings", full=True).rows
    assert "Settings" not in {s.title for s in draw_mix(make_mix("estimate")).sections}


def test_full_pages_have_their_pictures_beside_the_tables(quick):
    assert [type(b) for b in section(make_mix("full"), "Dose-response", True).blocks].count(Picture) == 1
    assert [type(b) for b in section(make_mix("full"), "Model forecast", True).blocks].count(Picture) == 1
    assert [type(b) for b in section(make_mix("estimate"), "Synthetic share", True).blocks].count(Picture) == 2
    assert not any(isinstance(b, Picture) for s in draw_mix(make_mix("full")).sections for b in s.blocks)


def test_without_matplotlib_the_page_says_so(tmp_path, monkeypatch):
    def missing(result):
        raise ImportError("matplotlib")

    monkeypatch.setattr("contam.mixing.pictures.draw_pictures", missing)
    write_mix(tmp_path / "out", make_mix("full"))
    assert "No pictures" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "out" / "figures").exists()


def test_a_folder_holds_report_figures_and_json(tmp_path):
    out = tmp_path / "deep" / "mix"
    write_mix(out, make_mix("full"))
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    pictures = [f"figures/{name}.{kind}" for name in ("dose-response", "forecast") for kind in ("png", "svg")]
    assert names == [*pictures, "mix.json", "report.html"]
    assert json.loads((out / "mix.json").read_text(encoding="utf-8"))["command"] == "mix"
    html = (out / "report.html").read_text(encoding="utf-8")
    assert html.count("<svg") == 2 and "://" not in html
    write_mix(out, make_mix("unmeasured"))  # again, over what is there


def test_equal_results_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write_mix(tmp_path / name, make_mix("full"))
    for path in (p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


@pytest.mark.parametrize("name", ["report.html", "mix.json"])
def test_a_folder_where_a_file_belongs_is_refused(tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="where a file belongs"):
        check_folder(tmp_path)


def test_a_file_where_a_folder_belongs_is_refused_and_nothing_is_made(tmp_path):
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(InputError, match="is not a folder"):
            check_folder(place)
    check_folder(tmp_path / "new" / "deep")
    assert not (tmp_path / "new").exists()


def test_a_share_without_sentences_gives_its_reason():
    bare = replace(NOT_MEASURED, sentences=())
    assert "no trusted text of this source" in terminal(make_mix("unmeasured", synthetic_share=bare))
