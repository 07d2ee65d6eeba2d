"""The report of a probe: what it says, in 80 columns and in HTML, nothing hostile, and its pictures."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest
from probes import (
    PAIRED,
    PAIRS,
    checkpoint,
    collapsing_series,
    estimate,
    generation,
    later,
    nasty_probe,
    probe_of,
    signals,
    text_score,
)

from contam.probing.course_page import first_told
from contam.probing.page import banner_of, declared, draw_probe, series_of, shown_of
from contam.probing.result import Probe
from contam.probing.trajectory import trajectory
from contam.probing.wording import signed
from contam.reports import FORMATS, Style, html, render, terminal
from contam.reports.page import Bars, Excerpts, Page, Picture, Table
from contam.result import Figure, Level, Verdict
from contam.rules import apply_rules


def one_of_two() -> Probe:
    return probe_of([later(300, 0.14, 0.4, p=0.012)], checkpoint(0))


def alone() -> Probe:
    return probe_of([checkpoint(0)])


def printed(probe: Probe, style: Style | None = None) -> str:
    return terminal.render(draw_probe(probe, False), style or Style())


def joined(text: str) -> str:
    """A text with its line breaks gone."""
    return " ".join(text.split())


def blocks(page: Page, kind: type) -> list:
    return [block for section in page.sections for block in section.blocks if isinstance(block, kind)]


def titles(page: Page) -> list[str]:
    return [section.title for section in page.sections]


def worse(step: int, loss: float = 0.0):
    """A checkpoint whose loss alone has risen, and with ``loss`` its samples are poorer too."""
    text = text_score(nats=3.5, drift=0.3)
    assert text.drift is not None
    moved = replace(text.drift, entropy=estimate(0.0), gap=estimate(0.0))
    return later(step, loss=loss, texts=(replace(text, drift=moved),))


def long_series(count: int) -> Probe:
    return probe_of([checkpoint(0), *(later(k * 10, 0.02 * k, 0.03 * k) for k in range(1, count))])


@pytest.fixture
def undrawn(monkeypatch):
    """Full reports without pictures, which take their time."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


PROBES = {
    "alone": alone,
    "baseline": one_of_two,
    "series": lambda: probe_of(collapsing_series()),
    "nasty": nasty_probe,
    "long": lambda: long_series(40),
}


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("style", [Style(80), Style(80, ascii=True), Style(60)])
def test_lines_fit_and_nothing_hostile_is_printed(name, style):
    text = printed(PROBES[name](), style)
    assert max(map(len, text.splitlines())) <= style.width
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert text.isascii() or not style.ascii


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.usefixtures("undrawn")
def test_every_format_renders(name):
    probe = PROBES[name]()
    texts = {form: render(probe, form) for form in FORMATS}
    assert all(text.endswith("\n") for text in texts.values())
    assert json.loads(texts["json"])["command"] == "probe"
    word = {"at_risk": "at risk"}.get(probe.level.value, probe.level.value)
    assert all(word in texts[form].lower() for form in ("rich", "markdown", "html"))


def test_nothing_hostile_is_markup():
    page, text = render(nasty_probe(), "html"), render(nasty_probe(), "markdown")
    assert page.count("<script") <= 1 and "&lt;script&gt;" in page
    outside = re.sub(r"(`+) .*? \1", "", text)
    assert "<script>" not in outside and "@someone" not in outside


def test_the_banner_says_drift_and_what_the_samples_said():
    banner = banner_of(one_of_two())
    assert banner.level == "at_risk"
    assert banner.headline == "drift +0.14 (0.12 to 0.16) nats, samples p = 0.012 against 106 pairs"
    assert banner.detail == "a change of a tenth of the text"
    assert banner_of(probe_of(collapsing_series())).headline.startswith("step 700, drift +0.90 (")
    assert banner_of(alone()).headline == "3.20 nats a token on pydoc, samples p = 0.410 against 147 sources"


def test_samples_that_could_not_be_judged_are_called_so():
    unjudged = generation(p=None, verdict=Verdict(Level.INSUFFICIENT, reasons=("too short",)))
    probe = probe_of([checkpoint(0, Level.INSUFFICIENT, generation=unjudged)])
    assert banner_of(probe).headline.endswith("samples not judged")
    assert "too little to judge them" in joined(printed(probe))


def test_the_last_of_the_worst_is_shown():
    probe = probe_of([checkpoint(0), later(1, 0.2), later(2, 0.2), later(3)])
    assert probe.level is Level.AT_RISK and shown_of(probe).step == 2
    assert "Human text (step 2)" in titles(draw_probe(probe, False))


def test_the_order_is_verdict_reasons_checkpoints_texts_samples_rules_method():
    text = printed(probe_of(collapsing_series()))
    heads = ["Why", "What to do", "Checkpoints", "Which figure turned first", "Human text", "What it writes"]
    heads += ["A sample of what it wrote", "Rules", "How it was measured", "What this cannot show"]
    places = [text.index("COLLAPSING"), *(text.index(f"\n{head}") for head in heads)]
    assert places == sorted(places)


def test_one_checkpoint_needs_no_table_of_checkpoints():
    page = draw_probe(one_of_two(), False)
    assert "Checkpoints" not in titles(page) and "Against the baseline" in titles(page)
    told = joined(printed(one_of_two()))
    assert "beyond the limit: types, window entropy" in told and "within: distinct-2" in told
    assert "Against the baseline" not in titles(draw_probe(alone(), False))


def test_human_text_has_its_intervals_and_its_drift():
    text = printed(one_of_two())
    assert re.search(r"nats a token +3\.340 +3\.290 to 3\.390 +\+0\.140 \(0\.120 to 0\.160\)", text)
    assert re.search(r"perplexity +28\.22 +26\.84 to 29\.67 +x 1\.15 \(1\.13 to 1\.17\)", text)
    assert "120 documents, 48,231 tokens, 201.1 kB; intervals resample documents" in joined(text)
    assert re.search(r"nats a token +3\.200 +3\.150 to 3\.250\n", printed(alone()))


def test_another_tokenizer_is_told():
    score = text_score(drift=0.2)
    assert score.drift is not None
    moved = replace(score.drift, same_tokens=False, entropy=None, gap=None, ece=None)
    text = joined(printed(probe_of([later(1, texts=(replace(score, drift=moved),))], checkpoint(0))))
    assert "another tokenizer than the baseline's" in text


def test_the_table_of_checkpoints_has_levels_drifts_and_alarms():
    text = printed(probe_of(collapsing_series()))
    assert re.search(r"step 0 \(baseline\) +healthy +3\.200 +- +2\.900 +-\n", text)
    assert re.search(r"step 200 +healthy +3\.210 +\+0\.010 +2\.500 +0\.041\n", text)
    assert re.search(r"step 700 +collapsing +4\.100 +\+0\.900 +1\.460 +0\.019 +alarm\n", text)
    assert "279 pairs would keep that at 5 %" in joined(text)


def test_few_enough_checkpoints_tell_the_rate_of_false_alarms():
    probe = probe_of([checkpoint(0), later(1), later(2)])
    assert "any false alarm in such a series: at most 5 %" in joined(printed(probe))


@pytest.mark.usefixtures("undrawn")
def test_a_long_series_is_thinned_in_the_terminal_only():
    probe = long_series(40)
    found = probe.trajectory
    assert found is not None and found.failed is not None
    short = next(b for b in blocks(draw_probe(probe, False), Table) if "alarm" in b.columns)
    whole = next(b for b in blocks(draw_probe(probe, True), Table) if "alarm" in b.columns)
    assert len(short.rows) == 12 and len(whole.rows) == 40
    kept = [row[0] for row in short.rows]
    assert kept[0] == "step 0 (baseline)" and kept[-1] == "step 390" and f"step {10 * found.failed}" in kept
    assert len(printed(probe).splitlines()) < 120


def test_what_turned_first_is_a_sentence():
    found = trajectory(collapsing_series(), PAIRS)
    assert found is not None
    told = first_told(found)
    assert told.startswith("turned first: ") and "(step 200), 2 checkpoints before the loss on pydoc" in told
    healthy = trajectory([checkpoint(0), later(1), later(2)], PAIRS)
    assert healthy is not None and first_told(healthy) == "no figure has turned"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        ([later(1), later(2, loss=0.5)], "(step 2); the loss on human text has not turned"),
        ([later(1), later(2, 0.3)], "(step 2), together with the loss on pydoc"),
        ([later(1, loss=0.5), later(2, 0.3, loss=0.5)], "(step 1), 1 checkpoint before the loss on pydoc"),
        ([worse(1), worse(2)], "only the loss on pydoc turned at step 1"),
        ([worse(1), worse(2, 0.9), worse(3, 0.9)], "window entropy and 4 more (step 2)"),
    ],
)
def test_the_loss_may_turn_later_together_earlier_or_not(made, told):
    found = trajectory([checkpoint(0), *made], PAIRS)
    assert found is not None and first_told(found).endswith(told)
    first = "the loss on pydoc turned at step 1, before every other figure; then distinct-2, types,"
    assert first_told(found).startswith(first) == told.startswith("window")


@pytest.mark.usefixtures("undrawn")
def test_figures_outside_come_first_and_the_rest_is_counted():
    many = signals(0.5) | {f"diversity.x_{k}": figure for k in range(9) for figure in [signals()["entropy.window"]]}
    probe = probe_of([later(1, generation=generation(2.0, -0.9, signals=many))], checkpoint(0))
    (short,) = blocks(draw_probe(probe, False), Bars)
    (whole,) = blocks(draw_probe(probe, True), Bars)
    assert len(short.rows) == 8 and len(whole.rows) == 16
    outside = [bar.outside for bar in short.rows]
    assert outside == sorted(outside, reverse=True) and sum(outside) == sum(bar.outside for bar in whole.rows)
    beyond = f"{sum(outside)} lie beyond the bar on the side of collapse"
    assert f"8 of 16 figures are shown; of all, {beyond}" in joined(printed(probe))


def test_the_caption_says_what_the_bar_is():
    assert "second samples of the baseline" in joined(printed(one_of_two()))
    assert "the references' 5 to 95 %" in joined(printed(alone()))
    beside_text = probe_of([checkpoint(0, generation=generation(reference=PAIRED))])
    assert "texts of the human source would lie" in joined(printed(beside_text))


@pytest.mark.usefixtures("undrawn")
def test_excerpts_are_one_in_the_terminal_and_all_in_the_full_report():
    (short,) = blocks(draw_probe(one_of_two(), False), Excerpts)
    (whole,) = blocks(draw_probe(one_of_two(), True), Excerpts)
    assert len(short.items) == 1 and len(whole.items) == 4
    assert [item.finding for item in whole.items] == ["step 300"] * 2 + ["step 0, the baseline"] * 2
    assert blocks(draw_probe(probe_of([checkpoint(0, generation=generation(examples=()))]), True), Excerpts) == []


def test_rules_tell_what_was_skipped():
    text = joined(printed(alone()))
    assert "CKP002 skipped: needs a baseline (--baseline)" in text
    series = printed(probe_of(collapsing_series()))
    assert re.search(r"CKP003 +warn", series)


def test_the_rules_are_those_of_the_checkpoint_that_is_shown():
    own = apply_rules(signals(0.9), {}, subject="checkpoint")
    probe = probe_of([checkpoint(0), later(1, 0.2, 0.9, rules=own), later(2)])
    page = draw_probe(probe, False)
    section = next(s for s in page.sections if s.title == "Rules (step 1)")
    assert section.blocks[0].rows == (("CKP001", "warn", own[0].message),)


def test_figures_of_the_model_are_no_bars():
    drift = Figure(0.3, "nats/token", "checkpoint", "rises", (0.2, 0.4))
    more = signals() | {"checkpoint.validation_drift": drift, "checkpoint.x": Figure(None, "", "checkpoint")}
    (bars,) = blocks(draw_probe(probe_of([checkpoint(0, generation=generation(signals=more))]), False), Bars)
    assert "validation drift" not in [bar.name for bar in bars.rows]


def test_what_was_declared_is_said():
    told = declared({"window": 512, "stride": 128, "bos": False, "samples": 64, "tokens": 32, "prompted_share": 0.0,
                     "temperature": 0.7, "top_k": 40, "seed": 3, "text": ["a", "b"], "fast": True})  # fmt: skip
    read = "human text: read in windows of 512 tokens, moved by 128 tokens, without the token that begins a text (BOS)"
    assert told[0] == read
    drawn = "samples: 64 texts of at most 32 tokens (more where these hold few words), all from nothing"
    assert told[1] == f"{drawn}, temperature 0.7, top-k 40, seed 3"
    assert told[2] == "text: a, b; fast: yes"
    assert declared({}) == ()


def test_sampling_that_makes_text_poorer_is_warned_of():
    probe = replace(alone(), settings={"samples": 64, "temperature": 0.7})
    assert "poorer anyway" in joined(printed(probe)) and "poorer anyway" not in joined(printed(alone()))


def test_without_a_baseline_the_limits_say_so():
    assert "whether it has got worse" in printed(alone()) and "whether it has got worse" not in printed(one_of_two())


def test_differences_have_no_negative_zero():
    assert [signed(x, 2) for x in (-0.001, 0.001, -0.5)] == ["+0.00", "+0.00", "-0.50"]


def test_the_series_begins_with_the_baseline_once():
    series = collapsing_series()
    assert series_of(probe_of(series)) == series
    assert [c.step for c in series_of(one_of_two())] == [0, 300]


# --- pictures ---


def test_the_full_report_has_pictures_with_words():
    pytest.importorskip("matplotlib")
    found = blocks(draw_probe(probe_of(collapsing_series()), True), Picture)
    assert len(found) == 3 and all(picture.alt and picture.caption for picture in found)
    trajectory_alt, turning_alt, drifts_alt = (picture.alt for picture in found)
    assert "pydoc from 3.20 to 4.10" in trajectory_alt and "step 700 collapsing" in trajectory_alt
    assert "entropy of own text at step 200" in turning_alt and "loss on pydoc at step 400" in turning_alt
    assert "loss on pydoc +0.90 (0.88 to 0.92)" in drifts_alt


def test_what_cannot_be_shown_is_not_drawn():
    pytest.importorskip("matplotlib")
    from contam.probing.pictures import draw_pictures

    assert [p.name for p in draw_pictures(alone())] == []
    assert [p.name for p in draw_pictures(one_of_two())] == ["drifts"]


def test_pictures_are_written_as_svg_and_png(tmp_path):
    pytest.importorskip("matplotlib")
    from contam.probing.pictures import write_pictures

    paths = write_pictures(probe_of(collapsing_series()), tmp_path / "figures")
    assert [p.name for p in paths] == [f"{n}{e}" for n in ("trajectory", "turning", "drifts") for e in (".svg", ".png")]
    assert all(p.read_bytes().startswith(b"\x89PNG" if p.suffix == ".png" else b"<?xml") for p in paths)
    assert write_pictures(alone(), tmp_path / "none") == [] and not (tmp_path / "none").exists()


def test_pictures_are_the_same_twice_and_survive_missing_values():
    pytest.importorskip("matplotlib")
    from contam.probing.pictures import draw_pictures

    made = list(collapsing_series())
    other = replace(later(250), texts=(text_score("other", 2.0, 0.1, half=None),), step=None)
    broken = replace(later(260), texts=(text_score(nats=float("nan"), drift=float("nan")),), step=None)
    probe = probe_of([*made[:3], other, broken, *made[3:]])
    first, second = draw_pictures(probe), draw_pictures(probe)
    assert [p.svg for p in first] == [p.svg for p in second] and len(first) == 3
    assert "checkpoint-250" in first[0].alt


@pytest.mark.usefixtures("undrawn")
def test_without_matplotlib_the_report_says_so():
    page = html.render(draw_probe(probe_of(collapsing_series()), True))
    assert "matplotlib is not installed" in page and "Collapsing" in page
