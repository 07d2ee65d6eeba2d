"""The page of a recursion: the verdict first, short on a terminal, whole in the report, safe whatever a model wrote."""

from __future__ import annotations

import builtins
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from recursions import Formula, log_of, make_recursion, plan_of, write_recursion

from contam.errors import InputError
from contam.experiments.recurse import pictures
from contam.experiments.recurse.banner import banner_of
from contam.experiments.recurse.claims import judge_claims
from contam.experiments.recurse.history import Run, grouped, read_run
from contam.experiments.recurse.options import RecurseOptions
from contam.experiments.recurse.page import Extras, draw_run, full_page, write_report
from contam.experiments.recurse.settings_table import limits_of, settings_of, shrunk
from contam.experiments.recurse.table_of_samples import beginning, samples_of, shown_generations, table_of_samples
from contam.reports import Style, html, markdown, terminal
from contam.reports.page import Picture, Table

EVIL = "<script>alert(1)</script>\x1b[31m \"x' onload=y> \u202eevil \x00\n"


def formula(rises=None, plan=None, **changes) -> Formula:
    options = replace(RecurseOptions(model="ngram", real=("human.txt",)), **changes)
    return Formula(options, rises or {}, plan or {})


def run_of(rises=None, plan=None, **changes) -> Run:
    return make_recursion(formula(rises, plan, **changes))


def text_of(run: Run, extras: Extras | None = None, width: int = 400) -> str:
    return terminal.render(draw_run(run, judge_claims(run), extras), Style(width))


def rows_of(text: str, title: str) -> dict[str, list[str]]:
    """The rows of a section's table by their first cell."""
    lines = text[text.index(f"\n{title}\n") :].splitlines()[2:]
    cells = [re.split(r" {2,}", line.strip()) for line in lines[: lines.index("") if "" in lines else None]]
    return {row[0]: row[1:] for row in cells}


def test_the_banner_tells_multiples_levels_and_claims():
    run = run_of()
    found = banner_of(run, judge_claims(run))
    assert found.level == "collapsing"
    assert "after 10 generations" in found.headline
    assert "replace x 2.40" in found.headline and "accumulate x 1.01" in found.headline
    assert "collapsing (replace)" in found.detail and "healthy (accumulate, mix-0.5)" in found.detail
    assert "7 confirmed, 3 not tested" in found.detail
    assert "Generation 0" not in found.detail and "not finished" not in found.detail


def test_many_groups_are_told_by_their_ends():
    run = run_of(filters=("none", "likely", "resample"), rises={"mix-0.5+resample": lambda g: 0.9})
    found = banner_of(run, ())
    assert "from mix-0.5+resample x 0.90 to replace x 2.40 in 15 groups" in found.headline
    assert "healthy (8 groups)" in found.detail


def edited(change, **changes) -> Run:
    made = formula(**changes)
    lines = json.loads(json.dumps(log_of(made)))
    for line in lines:
        change(line)
    return Run(plan_of(made), grouped(plan_of(made), lines))


def test_a_generation_0_that_is_judged_itself_is_told():
    def change(line):
        if line["generation"] == 0 and line["seed"] == 1:
            line["verdict"]["level"] = "at_risk"

    run = edited(change)
    assert "Generation 0, which learned from human text alone, is at risk itself." in banner_of(run, ()).detail
    assert any("generation 0 is at risk in 1 of 3 seeds" in told for told in limits_of(run))


def test_an_unfinished_run_says_how_far_it_is():
    made = formula()
    lines = [x for x in log_of(made) if x["generation"] <= (4 if x["group"] == "replace" else 2)]
    run = Run(plan_of(made), grouped(plan_of(made), lines))
    found = banner_of(run, ())
    assert "not finished: lineages have reached generation 2 to 4 of 10" in found.detail
    assert "after 4 generations" in found.headline and "accumulate x 1.01 (generation 2)" in found.headline
    assert rows_of(text_of(run), "Perplexity of held-out text")["accumulate"][4] == "-"


@pytest.mark.parametrize("generations", [None, 0])
def test_nothing_or_hardly_anything_can_be_drawn(generations):
    made = formula()
    lines = [] if generations is None else [line for line in log_of(made) if line["generation"] == 0]
    for plan in ({}, plan_of(made)):
        run = Run(plan, grouped(plan, lines))
        for extras in (None, Extras()):
            text = text_of(run, extras)
            assert "no generation after the first was measured" in text
            assert ("INSUFFICIENT EVIDENCE" in text) == (generations is None)


def test_the_table_has_perplexities_multiples_and_verdicts():
    rows = rows_of(text_of(run_of()), "Perplexity of held-out text")
    assert rows["group"] == ["last text", "0", "1", "5", "10", "x gen. 0"]
    assert rows["replace"] == ["collapsing", "159.1", "181.4", "270.5", "381.9", "2.40"]
    assert rows["accumulate"][0] == "healthy"


def test_part_of_the_seeds_is_counted():
    def change(line):
        if line["group"] == "accumulate" and line["seed"] == 1:
            line["verdict"]["level"] = "at_risk"

    rows = rows_of(text_of(edited(change)), "Perplexity of held-out text")
    assert rows["accumulate"][0] == "at risk 1/3" and rows["mix-0.5"][0] == "healthy"


def test_the_full_table_says_how_much_was_real():
    rows = rows_of(text_of(run_of(), Extras()), "Perplexity of held-out text")
    assert rows["mix-0.1"][-1] == "10.0 %" and rows["replace"][-1] == "0.0 %" and rows["accumulate"][-1] == "9.1 %"


def test_tracked_words_stand_beside_human_text():
    short = text_of(run_of())
    assert re.search(r"there: was +replace +0.710 +0.696 +0.655", short)
    place = short.index("Tracked probabilities")
    assert "mix-0.5" not in short[place : short.index("Published claims")]
    assert re.search(r"there: were +mix-0.5 +0.060", text_of(run_of(), Extras()))


def test_claims_are_one_line_in_short_and_whole_in_full():
    run = run_of()
    short, full = text_of(run), text_of(run, Extras(), 4000)
    assert re.search(r"11 +confirmed +replace: perplexity rises with every generation", short)
    assert "not tested by this run: 13, 21, filter" in short and "Direction only" not in short
    for words in ("Direction only", "Tested by: contam recurse", "Tolerance: none", "Kazdan et al. 2024"):
        assert words in full


def test_the_short_page_is_short_and_the_full_one_is_full():
    picture = Picture("<svg/>", "what it shows", "how", "figures/perplexity.svg")
    samples = (Table(("group", "generation 1"), (("replace", "some text"),), header=True),)
    run = run_of()
    short, full = text_of(run), text_of(run, Extras((picture,), samples, ("a note",)))
    more = ["what it shows", "some text", "Probes on held-out text", "Settings, and what differs", "a note"]
    assert not any(words in short for words in more) and all(words in full for words in more)
    order = ["COLLAPSING", "Perplexity of", "Tracked", "\nPublished claims\n", "\nPictures\n", *more]
    places = [full.index(words) for words in order]
    assert places == sorted(places)
    assert "41.0 %" in full and "chance is 25 %" in full


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"filters": ("none", "flagged", "likely", "resample"), "rates": (1.0, 0.1), "generations": 40},
        {"generations": 3, "seeds": 1},
    ],
)
def test_the_short_page_fits_a_terminal(changes):
    run = run_of(**changes)
    text = terminal.render(draw_run(run, judge_claims(run)), Style(80))
    assert len(text.splitlines()) <= 60
    assert max(map(len, text.splitlines())) <= 80 and "…" not in text


def test_settings_are_written_out_and_what_is_unknown_left_out():
    rows = dict(settings_of(run_of()))
    assert rows["model"] == "a word n-gram model of order 3" and "training" not in rows
    assert rows["real text"] == "48 documents, 120,000 tokens"
    assert rows["writing"] == "temperature 1, as long as a real document"
    plan = {"backend": "scratch", "model": "gpt2-9m"}
    neural = dict(settings_of(run_of(plan=plan, preset="kazdan2024-tinystories", scale=0.1, beams=5, lengths="real")))
    assert neural["model"] == "gpt2-9m trained from scratch" and "AdamW at 0.001, constant" in neural["training"]
    assert neural["preset"] == "kazdan2024-tinystories, scaled to 0.1"
    assert neural["writing"] == "5 beams, as long as a real document"
    assert settings_of(Run({}, ())) == ()


@pytest.mark.parametrize(
    ("changes", "plan", "words"),
    [
        ({"seeds": 1}, {}, "1 seed: too few"),
        ({}, {}, "n-gram model repeats what it counted"),
        ({}, {}, "37 % of the words that occur once in 120,000 tokens"),
        ({}, {}, "15 lineages were judged"),
        ({}, {}, "nothing is known beyond generation 10"),
        ({}, {"human": None}, "lack their baseline"),
        ({}, {"human": {"level": "at_risk", "reason": "shorter"}}, "as much human text is at risk"),
        ({}, {"human": {"level": "insufficient_evidence", "reason": "small"}}, "could not be judged (small)"),
        ({}, {"notes": ["the fresh text ran out"]}, "the fresh text ran out"),
    ],
)
def test_what_falls_short_is_told(changes, plan, words):
    assert words in " ".join(limits_of(run_of(plan=plan, **changes)))


def test_human_text_that_ran_out_is_told():
    def change(line):
        if line["group"] == "mix-0.5" and line["generation"] == 10:
            line["real_share"] = 0.2

    assert "mix-0.5 had 20.0 % human text at generation 10: it had run out" in limits_of(edited(change))


def test_what_is_no_limit_is_not_told():
    told = " ".join(limits_of(run_of(plan={"backend": "scratch"}, paradigms=("replace",))))
    assert "seeds" not in told and "n-gram" not in told and "baseline" not in told and "lineages were" not in told


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


@pytest.fixture
def few_panels(monkeypatch):
    """Two panels where there would be eight: drawing takes most of a report's time."""
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(pictures, "SIGNALS", pictures.SIGNALS[:2])


def test_a_run_folder_becomes_the_same_report_twice(tmp_path, few_panels):
    folder = write_recursion(tmp_path / "run", formula(generations=4, seeds=2, paradigms=("replace", "mix")))
    write_report(folder, notes=("a note",))
    first = (folder / "report.html").read_bytes()
    write_report(folder, judge_claims(read_run(folder)), ("a note",))
    assert (folder / "report.html").read_bytes() == first
    found = Reader(first.decode())
    assert found.outside == [] and "script" not in found.tags and found.tags.count("figure") == 3
    text = " ".join(found.words)
    for words in ("Collapsing", "Published claims", "Generation 4 of replace wrote", "a note"):
        assert words in text
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("perplexity", "tracked", "signals") for kind in ("svg", "png")}


def test_hostile_names_and_samples_stay_text(tmp_path, few_panels):
    plan = {"preset": EVIL, "departures": [EVIL], "versions": {EVIL: EVIL}, "notes": [EVIL]}
    made = formula(plan=plan, generations=3, seeds=1, paradigms=("replace",))
    folder = write_recursion(tmp_path / "run", made)
    (folder / "plan.json").write_text(json.dumps(plan_of(made) | {"model": EVIL, "real": [EVIL], "paradigms": EVIL}))
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    for line in lines:
        line["validation"] = {EVIL: line["validation"]["held-out"]}
        line["tracked"] = {f"{EVIL}: {EVIL}": {"model": 0.5}}
        line["group"] = line["group"] + EVIL
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in (folder / "samples").iterdir():
        path.write_text("".join(json.dumps({"generation": g, "documents": [EVIL * 99]}) + "\n" for g in range(4)))
    write_report(folder, notes=(EVIL,))
    text = (folder / "report.html").read_text(encoding="utf-8")
    found = Reader(text)
    assert found.outside == [] and "script" not in found.tags
    assert re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", text) is None
    run = read_run(folder)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", text_of(run))
    assert "<script>" not in markdown.render(draw_run(run, ()))


def test_without_matplotlib_the_report_says_so(tmp_path, monkeypatch):
    real = builtins.__import__

    def missing(name, *rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *rest)

    folder = write_recursion(tmp_path / "run", formula(generations=2, seeds=1))
    monkeypatch.setattr(builtins, "__import__", missing)
    text = html.render(full_page(folder))
    assert "matplotlib is not installed" in text and "<figure" not in text and not (folder / "figures").exists()


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"plan\.json"):
        write_report(tmp_path)


@pytest.mark.parametrize(
    ("last", "shown"), [(40, (0, 1, 20, 40)), (3, (0, 1, 2, 3)), (2, (0, 1, 2)), (1, (0, 1)), (0, (0,)), (-1, ())]
)
def test_the_first_the_middle_and_the_last_are_shown(last, shown):
    assert shown_generations(last) == shown


def test_samples_stand_side_by_side(tmp_path):
    folder = write_recursion(tmp_path, formula(seeds=2))
    first, table = table_of_samples(folder, read_run(folder))
    assert first.items[0].text.startswith("Generation 0 wrote:")
    assert table.columns == ("group", "generation 1", "generation 5", "generation 10")
    assert [row[0] for row in table.rows][:2] == ["replace", "accumulate"]
    assert table.rows[0][3].startswith("Generation 10 of replace wrote:")


def test_torn_or_missing_samples_are_passed_over(tmp_path):
    folder = write_recursion(tmp_path, formula(seeds=1, paradigms=("replace",)))
    path = Path(folder / "samples" / "replace-seed0.jsonl")
    run = read_run(folder)
    torn = path.read_bytes()[:-30] + b'\n[]\nnull\n{}\n{"generation": 10}\n{"generation": 9, "documents": []}\n'
    path.write_bytes(torn)
    assert set(samples_of(folder, run.groups[0].seeds[0])) == set(range(10))
    assert table_of_samples(folder, run)[1].rows[0][3] == "-"
    path.unlink()
    assert table_of_samples(folder, run) == ()


@pytest.mark.parametrize(
    ("text", "shown"), [("", "(empty)"), (" \n", r"\n"), ("the " * 99, "the ... (99 times)"), ("one two", "one two")]
)
def test_a_sample_is_told_by_its_beginning(text, shown):
    assert beginning(text) == shown
    assert len(beginning(" ".join(map(str, range(10_000))))) < 400


def test_a_corpus_that_shrinks_is_told():
    run = make_recursion()
    lines = [line for lineage in run.lineages for line in lineage.lines]
    assert not shrunk(run)
    for line in lines:
        line["written"]["tokens"] = line["training"]["tokens"] // 4
    assert "25 % as many tokens" in shrunk(run)[0]
