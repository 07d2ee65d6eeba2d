"""The page of a run: the verdict first, honest about what it cannot show, safe whatever a model wrote."""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from runs import Course, Plan, collapsing_run, make_run, write_run

from contam.errors import InputError
from contam.experiments.selftrain.banner import NEEDED, banner_of
from contam.experiments.selftrain.claims import (
    CONFIRMED,
    CONTRADICTED,
    NOT_TESTED,
    Claim,
    groups_of,
    judge_claims,
    rule_of,
)
from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.page import Extras, draw_run, write_report
from contam.experiments.selftrain.settings_table import limits_of, settings_of
from contam.experiments.selftrain.table_of_samples import sample_iterations, samples_of, table_of_samples, told
from contam.reports import Style, html, markdown, terminal

EVIL = "<script>alert(1)</script>\x1b[31m \"x' onload=y> \u202eevil \x00\n"


def claim(name: str, status: str, measured: str = "4.5 to 9.2 nats") -> Claim:
    return Claim(name, "Herel & Mikolov 2024", f"Statement {name}.", "up", measured, "1 nat", status)


CLAIMS = (claim("H1", CONFIRMED), claim("H2", CONTRADICTED), claim("H3", NOT_TESTED, "one rate only"))


def text_of(run: Run, claims=CLAIMS, extras: Extras | None = None) -> str:
    """The page on a wide terminal."""
    return terminal.render(draw_run(run, claims, extras), Style(400))


def one_rate(seeds: int = 1, iterations: int = 60, **course) -> Run:
    return make_run(Plan({("tiny", 0.01): Course(**course)}, seeds=seeds, iterations=iterations, sets=("pydoc",)))


def banner(run: Run):
    return banner_of(groups_of(run, rule_of(run)), CLAIMS)


def test_the_verdict_says_at_which_rates_after_how_many_iterations():
    found = banner(collapsing_run())
    assert found.level == "collapsing"
    after = [float(n) for n in re.findall(r"after ([\d.]+) iterations", found.headline)]
    assert len(after) == 3 and after == sorted(after, reverse=True) and "(every seed)" in found.headline
    assert "1 confirmed, 1 contradicted, 1 not tested" in found.detail


def test_rates_that_did_not_collapse_are_named():
    run = make_run(Plan({("tiny", 0.001): Course(onset=None), ("tiny", 0.01): Course(onset=8)}, iterations=40))
    found = banner(run)
    assert found.level == "collapsing" and found.headline.endswith("not within 40 iterations: lr 0.001")


def test_part_of_the_seeds_is_not_all_of_them():
    good, bad = one_rate(1, onset=None), one_rate(1, onset=8)
    other = replace(good.replicas[0], seed=1)
    found = banner(replace(bad, replicas=(*bad.replicas, other)))
    assert "(1 of 2 seeds)" in found.headline and "every seed" not in found.headline


@pytest.mark.parametrize(
    ("course", "level", "words"),
    [
        ({"onset": None}, "healthy", "no figure has turned within 60 iterations"),
        ({"onset": 20, "rise": 0.5, "floor": 0.9, "signals_lead": -1000}, "at_risk", "figures have turned"),
        ({"onset": None, "nan_at": 20}, "diverged", "infinite or no number: lr 0.01"),
    ],
)
def test_every_state_has_its_verdict(course, level, words):
    found = banner(one_rate(**course))
    assert found.level == level and words in found.headline


@pytest.mark.parametrize("iterations", [0, 1, NEEDED - 2])
def test_a_run_too_short_is_not_called_healthy(iterations):
    found = banner(one_rate(iterations=iterations, onset=None))
    assert found.level == "insufficient_evidence" and f"evaluated {iterations + 1} times" in found.headline


def test_nothing_at_all_can_be_drawn():
    for extras in (None, Extras()):
        assert "INSUFFICIENT EVIDENCE" in text_of(Run({}, (), ()), (), extras)


def test_claims_stand_with_status_and_numbers():
    text = text_of(collapsing_run())
    rows = {row.split()[0]: row for row in text.splitlines() if re.match(r"  H\d ", row)}
    assert "confirmed" in rows["H1"] and "Measured: 4.5 to 9.2 nats" in rows["H1"]
    assert "contradicted" in rows["H2"]
    assert "not tested" in rows["H3"] and "Measured" not in rows["H3"] and "one rate only" in rows["H3"]


def test_the_page_says_what_turned_first_and_how_far_ahead():
    text = text_of(collapsing_run())
    place = text.index("Which signature turned first")
    told_there = text[place : text.index("Outcome by learning rate")]
    found = re.findall(r"at iteration (\d+) .*?, (\d+) iterations ahead of the loss on pydoc \((\d+)\)", told_there)
    assert len(found) == 3
    assert all(int(loss) - int(first) == int(lead) > 0 for first, lead, loss in found)


def test_the_short_page_is_short_and_the_full_one_is_full():
    short, full = text_of(collapsing_run()), text_of(collapsing_run(), extras=Extras(notes=("a note",)))
    more = ["When each figure turned", "Settings, and what differs", "What falls short", "a note", "a smaller model"]
    assert not any(words in short for words in more) and all(words in full for words in more)
    order = ["COLLAPSING", "Claims of", "Which signature", "Outcome by", *more[:3]]
    assert [full.index(words) for words in order] == sorted(full.index(words) for words in order)


@pytest.mark.parametrize("width", [60, 80])
def test_the_page_fits_a_terminal(width):
    for run in (collapsing_run(), one_rate(iterations=3)):
        text = terminal.render(draw_run(run, judge_claims(run)), Style(width))
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in terminal.render(draw_run(run, judge_claims(run)), Style(80))


def test_few_seeds_and_coarse_evaluation_are_told():
    run = replace(one_rate(1, every=5), plan={"eval_every": 5, "scale_rate": "width"}, baseline=())
    limits = " ".join(limits_of(run))
    for words in ("1 seed:", "0 draws of the untouched tiny", "every 5th iteration", "scaled by width"):
        assert words in limits
    assert "seed" not in " ".join(limits_of(collapsing_run()))


def test_settings_are_written_out_and_what_is_unknown_left_out():
    from contam.experiments.selftrain.options import SelfTrainOptions

    shape = {"name": "tiny", "architecture": "gpt2", "layers": 4, "width": 128, "heads": 4, "parameters": 1_000_000}
    sets = {"tiny": [{"name": "ptb", "documents": 3, "tokens": 92_830, "mode": "random windows"}]}
    plan = SelfTrainOptions(rates=(2e-5, 4e-5), seeds=3).plan() | {"models": [shape], "validation": sets}
    rows = dict(settings_of(plan))
    assert rows["model tiny"] == "gpt2, 4 layers of 128, 4 heads, 1,000,000 parameters"
    assert rows["human text ptb"] == "3 documents, 92,830 tokens, random windows"
    assert rows["learning rates"] == "2e-05, 4e-05" and rows["seeds"] == "3, from 0"
    assert "1,024 tokens" in rows["generation"] and "top-k 200" in rows["generation"]
    assert settings_of({}) == ()


class Reader(HTMLParser):
    """The elements, links and text of a report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.outside: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            asks = name in ("href", "src", "xlink:href") and not (value or "").startswith(("#", "data:,"))
            self.outside += [f"{name}={value}"] if asks or name.startswith("on") else []

    def handle_data(self, data):
        self.words.append(data)


def test_a_run_folder_becomes_a_report_with_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    folder = write_run(tmp_path / "run", collapsing_run())
    write_report(folder)
    found = Reader((folder / "report.html").read_text(encoding="utf-8"))
    assert found.outside == [] and found.tags.count("script") <= 1 and found.tags.count("figure") == 3
    text = " ".join(found.words)
    for words in (
        "Collapsing",
        "H1",
        "H5",
        "When each figure turned",
        "What the model wrote",
        "iteration 120",
        "Settings",
    ):
        assert words in text
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {f"{n}.{kind}" for n in ("losses-pydoc", "losses-wikitext2", "signals") for kind in ("svg", "png")}


def test_the_same_folder_gives_the_same_report(tmp_path):
    folder = write_run(tmp_path / "run", one_rate(onset=10))
    write_report(folder)
    first = (folder / "report.html").read_bytes()
    write_report(folder)
    assert (folder / "report.html").read_bytes() == first


def test_hostile_names_and_samples_stay_text(tmp_path):
    run = one_rate(iterations=20, onset=5)
    lines = tuple(dict(line) | {"validation": {EVIL: line["validation"]["pydoc"]}} for line in run.replicas[0].lines)
    plan = dict(run.plan) | {"preset": EVIL, "departures": [EVIL], "versions": {EVIL: EVIL}}
    evil = replace(run, plan=plan, replicas=(replace(run.replicas[0], lines=lines),))
    folder = write_run(tmp_path / "run", evil)
    rows = [{"iteration": i, "text": EVIL * 400} for i in range(21)]
    (folder / "samples" / "tiny-lr0.01-seed0.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (folder / "audit.json").write_text(json.dumps({"audits": [{"learning_rate": 0.1, "level": EVIL, "reason": EVIL}]}))
    write_report(folder, notes=(EVIL,))
    text = (folder / "report.html").read_text(encoding="utf-8")
    found = Reader(text)
    assert found.outside == [] and found.tags.count("script") <= 1
    assert re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", text) is None


def test_without_matplotlib_the_report_says_so(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    folder = write_run(tmp_path / "run", one_rate(onset=10))
    monkeypatch.setattr(builtins, "__import__", missing)
    write_report(folder)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "matplotlib is not installed" in text and "<figure" not in text and not (folder / "figures").exists()


def test_the_audit_of_the_generated_text_is_on_the_page(tmp_path):
    folder = write_run(tmp_path / "run", one_rate(iterations=20, onset=5))
    audits = [{"model": "tiny", "learning_rate": 0.01, "level": "collapsing", "reason": "words in loops: 90 %"}]
    (folder / "audit.json").write_text(json.dumps({"audits": audits}))
    write_report(folder)
    assert "words in loops: 90 %" in (folder / "report.html").read_text(encoding="utf-8")
    (folder / "audit.json").write_text("torn {")
    write_report(folder)
    assert "The audit of" not in (folder / "report.html").read_text(encoding="utf-8")


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"plan\.json"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("last", "shown"),
    [(1000, (0, 50, 100, 1000)), (101, (0, 50, 100, 101)), (60, (0, 20, 40, 60)), (1, (0, 1)), (0, (0,))],
)
def test_samples_are_those_of_the_papers_table(last, shown):
    assert sample_iterations(last) == shown


def test_samples_come_with_what_was_measured(tmp_path):
    run = one_rate(iterations=60, onset=10)
    samples = samples_of(write_run(tmp_path, run), run.replicas[0])
    assert [sample.iteration for sample in samples] == [0, 20, 40, 60]
    line = run.replicas[0].lines[20]
    assert f"loss on pydoc {line['validation']['pydoc']:.2f}" in samples[1].measured
    assert f"distinct-4 {line['distinct_4']:.2f}" in samples[1].measured
    assert [title for title, _ in table_of_samples(tmp_path, run)] == ["tiny, learning rate 0.01, seed 0"]


def test_torn_or_missing_samples_are_passed_over(tmp_path):
    run = one_rate(iterations=60)
    folder = write_run(tmp_path, run)
    path = folder / "samples" / "tiny-lr0.01-seed0.jsonl"
    path.write_bytes(path.read_bytes()[:-30] + b"\n[]\nnull\n{}\n")
    assert [sample.iteration for sample in samples_of(folder, run.replicas[0])] == [0, 20, 40, 59]
    path.unlink()
    assert samples_of(folder, run.replicas[0]) == () and table_of_samples(folder, run) == ()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\n" * 5000, r"\n (5000 times)"),
        ("one\n\ntwo", r"one \n \n two"),
        ("the " * 500 + "end", "the ... (500 times) end"),
        ("a" * 400, "aa... (400 times)"),
        ("Ood" + "ly" * 99, "Oodlyly... (99 times)"),
        ("plain text", "plain text"),
        ("", ""),
    ],
)
def test_repetition_is_told_not_shown(text, shown):
    assert told(text).strip() == shown


def test_a_long_sample_is_cut():
    assert len(told(" ".join(map(str, range(100_000))))) < 1000


def test_pictures_are_named_where_they_cannot_be_shown():
    from contam.reports.page import Picture

    page = draw_run(one_rate(onset=10), CLAIMS, Extras((Picture("<svg/>", "what it shows", "how", "figures/a b.svg"),)))
    assert "figures/a b.svg: what it shows" in terminal.render(page, Style(200))
    assert "![what it shows](figures/a%20b.svg)" in markdown.render(page)
    with pytest.raises(ValueError, match="not an SVG"):
        html.render(replace(page, sections=(replace(page.sections[0], blocks=(Picture("no", "x"),)),)))
