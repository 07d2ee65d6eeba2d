"""Reports: order, width, escaping, whole files."""

from __future__ import annotations

import json
import re
import stat

import pytest
from examples import figure, make_audit, nasty_audit, signals
from hypothesis import given
from hypothesis import strategies as st

from contam.errors import InputError, UsageError
from contam.reports import FORMATS, Style, parse_output, render, write_whole
from contam.reports.escape import shorten, visible
from contam.reports.markdown import code, plain
from contam.reports.page import Bar
from contam.reports.scale import draw_bar, glyphs_for
from contam.result import Figure, Level, Provenance
from contam.wording import name_of, probability, written

ALL_LEVELS = list(Level)


def control(text: str) -> list[str]:
    return re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("level", ALL_LEVELS)
def test_every_level_renders_in_every_format(form, level):
    text = render(make_audit(level), form)
    assert text.endswith("\n") and level.value.split("_")[0] in text.lower()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("style", [Style(), Style(60), Style(ascii=True)])
def test_nothing_hostile_reaches_a_report(form, style):
    assert control(render(nasty_audit(), form, style)) == []


def test_colour_is_the_only_escape_sequence():
    text = render(nasty_audit(), "rich", Style(colour=True))
    assert "\x1b[" in text
    assert control(re.sub(r"\x1b\[[0-9;]*m", "", text)) == []
    assert "\x1b]0;" not in text and "\x1b[2J" not in text


def test_markdown_has_no_markup_from_the_corpus():
    text = render(nasty_audit(), "markdown")
    outside = re.sub(r"(`+) .*? \1", "", text)
    assert "<script>" not in outside and "@someone" not in outside
    assert "` tick `" not in outside


@pytest.mark.parametrize("width", [60, 80, 100])
def test_lines_fit_the_width(width):
    for audit in (make_audit(), nasty_audit()):
        lines = render(audit, "rich", Style(width)).splitlines()
        assert max(map(len, lines)) <= width


def test_ascii_style_is_ascii():
    assert render(nasty_audit(), "rich", Style(ascii=True)).isascii()


def test_the_verdict_comes_first_then_why_then_what_to_do_then_figures_rules_documents():
    text = render(nasty_audit(), "rich")
    headings = ["Why", "What to do", "Figures at", "Rules", "Worst of", "Whole corpus", "Skipped"]
    places = [text.index("COLLAPSING"), *(text.index(f"\n{heading}") for heading in headings)]
    assert places == sorted(places)


def test_the_verdict_line_has_p_score_reference_and_floor():
    text = render(make_audit(), "rich", Style(100))
    assert "p = 0.410, score 0.3, " in text
    assert "builtin:english (161 sources, 20,000 matched words)" in text
    assert make_audit().verdict.detection_floor in text


def test_an_audit_out_of_scope_prints_no_p_value():
    assert "p =" not in render(make_audit(Level.INSUFFICIENT), "rich")


def test_unmeasured_figures_and_skipped_rules_say_why():
    text = render(make_audit(), "rich", Style(110))
    assert "not measured (no trusted text (--reference) was given): tail survival" in text
    assert "skipped DIV007: no trusted text" in text
    assert "11 skipped" in text


def test_single_gopher_limits_stay_in_the_json():
    audit = make_audit()
    assert "dup line" not in render(audit, "rich")
    assert "repetition.gopher_dup_line_frac" in json.loads(render(audit, "json"))["whole"]


def test_skipped_inputs_are_counted_and_the_rest_is_told():
    text = render(nasty_audit(), "rich")
    assert "Skipped: 40 inputs" in text and "and 39 more" in text


def test_json_is_the_contract():
    data = json.loads(render(nasty_audit(), "json"))
    assert data["schema_version"] == 1 and data["tool"]["name"] == "contam" and data["command"] == "audit"
    corpus = {"sources", "files", "documents", "tokens", "bytes", "skipped", "skipped_total", "digest"}
    assert set(data["corpus"]) == corpus
    assert set(data["verdict"]) == {"level", "p_value", "score", "reasons", "detection_floor", "advice", "tests"}
    assert set(data["rules"][0]) == {"id", "name", "status", "value", "limit", "message", "enforced"}
    assert set(data["documents"]["worst"][0]) == {"id", "rule", "value", "excerpt", "of"}
    made = {"config_digest", "seed", "seconds", "bytes_per_second", "engine", "workers"}
    assert set(data["provenance"]) >= made
    assert set(data["reference"]) >= {"name", "sources", "matched_tokens", "paired"}
    some = data["signals"]["diversity.distinct_2"]
    assert set(some) >= {"value", "unit", "interval", "z", "p_value", "family"}


def test_json_writes_null_for_what_is_not_finite():
    odd = {"tail.hapax_share": Figure(float("nan"), "share", "tail")}
    made = Provenance("x", 0, 0.0, float("inf"))
    data = json.loads(render(make_audit(signals=odd, provenance=made), "json"))
    assert data["signals"]["tail.hapax_share"]["value"] is None
    assert data["provenance"]["bytes_per_second"] is None


@given(st.text())
def test_visible_text_has_no_control_or_direction_characters(text):
    shown = visible(text)
    assert control(shown) == [] and "\n" not in shown


@given(st.text())
def test_visible_leaves_plain_text_alone(text):
    words = " ".join("".join(c for c in text if c.isalnum() and c.isascii()).split())
    assert visible(words) == words


def test_visible_keeps_scripts_and_shows_tricks():
    assert visible("नमस्ते می\u200cخواهم 日本") == "नमस्ते می\u200cخواهم 日本"
    assert visible("a\x1b[31mb") == "a\\x1b[31mb"
    assert visible("a\u202eb") == "a\\u202eb"
    assert visible("e" + "\u0301" * 9).count("\\u0301") == 5


@given(st.text(max_size=400), st.integers(10, 50))
def test_shortened_text_keeps_its_length(text, length):
    assert len(shorten(text, length)) <= length


def test_short_text_is_not_shortened():
    assert shorten("as it is", 20) == "as it is"
    assert shorten("a" * 30, 20) == "a" * 17 + "..."


@given(st.text())
def test_a_code_span_cannot_be_left_from_inside(text):
    span = code(text)
    fence = re.match(r"`+", span)[0]
    assert fence not in span[len(fence) : -len(fence)]


@given(st.text())
def test_plain_markdown_has_no_bare_html(text):
    shown = plain(text)
    assert "<" not in shown and ">" not in shown and re.search(r"@(?!&#8203;)", shown) is None


def bar(value, band=(0.2, 0.5, 0.8), direction="falls"):
    return draw_bar(Bar("x", value, str(value), direction, band), 30, glyphs_for(True))


def test_a_bar_marks_value_median_and_band_in_order():
    text = bar(0.65)
    assert len(text) == 30
    assert text.index("[") < text.index("|") < text.index("*") < text.index("]")


@pytest.mark.parametrize(("value", "end"), [(-5.0, 0), (7.0, 29)])
def test_a_value_far_outside_is_still_on_the_bar(value, end):
    assert bar(value).index("*") == end and bar(value).count("|") == 1


def test_a_band_without_width_draws():
    assert "*" in bar(0.5, (0.5, 0.5, 0.5)) and "*" in bar(0.0, (0.0, 0.0, 0.0))


def test_a_figure_outside_its_band_stands_out_in_markdown():
    low = signals() | {"tail.hapax_share": figure(0.01, (0.06, 0.085, 0.12))}
    assert "(outside)" in render(make_audit(signals=low), "markdown")
    high = signals() | {"tail.hapax_share": figure(0.5, (0.06, 0.085, 0.12))}
    assert "(outside)" not in render(make_audit(signals=high), "markdown")


def test_names_and_numbers_are_for_people():
    assert name_of("diversity.distinct_2") == "distinct-2"
    assert name_of("diversity.types_at_5000") == "types at 5,000"
    assert written(3105.4) == "3,105" and written(0.012344) == "0.01234" and written(None) == "-"
    assert written(0.5) == "0.5000" and written(5.0) == "5" and written(0.0) == "0"
    assert written(0.3, "duplicates.exact") == "30.0 %"
    assert probability(0.0004) == "< 0.001" and probability(0.05) == "0.050"


def test_outputs_are_parsed_and_refused_early(tmp_path):
    assert parse_output(f"json:{tmp_path}/a:b.json") == ("json", tmp_path / "a:b.json")
    for wrong in ("out.json", "yaml:x", "json:", f"json:{tmp_path}", f"json:{tmp_path}/no/such/x.json"):
        with pytest.raises(UsageError, match="-o"):
            parse_output(wrong)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    target = tmp_path / "report.json"
    write_whole(target, "old")
    monkeypatch.setattr("pathlib.Path.replace", _full_disk)
    with pytest.raises(InputError, match="No space left"):
        write_whole(target, "new")
    assert target.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["report.json"]


def _full_disk(self, target):
    raise OSError(28, "No space left on device")


def test_a_written_file_keeps_its_permissions(tmp_path):
    target = tmp_path / "report.json"
    write_whole(target, "old")
    target.chmod(0o640)
    write_whole(target, "lone surrogate \ud800")
    assert stat.S_IMODE(target.stat().st_mode) == 0o640 and "\\ud800" in target.read_text()


def test_an_unknown_format_is_a_usage_error():
    with pytest.raises(UsageError, match="known are rich, json, markdown"):
        render(make_audit(), "yaml")
