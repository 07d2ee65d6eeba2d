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
from contam.reports.page import Page, Picture, Section, Table

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


def always(level: str):
    def change(line):
        line["verdict"]["level"] = level

    return change


def test_a_level_that_generation_0_has_is_no_result_of_the_recursion():
    run = edited(always("collapsing"))
    found, text = banner_of(run, ()), text_of(run)
    assert found.level == "no_level" and found.headline.startswith("perplexity of human text after 10 generations")
    told = "No level: what generation 0 writes is already judged collapsing (as is usual of an n-gram model's text)."
    assert found.detail == told
    assert "NO LEVEL" in text and "last text" not in text
    assert rows_of(text, "Perplexity of held-out text")["replace"][:2] == ["159.1", "181.4"]
    page = draw_run(run, ())
    assert 'class="banner no_level"' in html.render(page) and "**no level**" in markdown.render(page)


def test_a_level_that_some_seeds_began_with_is_told_of_the_others():
    def change(line):
        line["verdict"]["level"] = "at_risk" if line["seed"] or line["generation"] else "healthy"

    run = edited(change, plan={"backend": "scratch"}, paradigms=("replace",))
    found = banner_of(run, ())
    assert found.level == "no_level" and "already judged at risk." in found.detail
    assert found.detail.endswith("Above generation 0 of the same seed: at risk (replace-seed0).")


@pytest.mark.parametrize("after", ["healthy", "collapsing"])
def test_a_level_that_changed_stays_a_level(after):
    def change(line):
        line["verdict"]["level"] = after if line["generation"] else "at_risk"

    assert banner_of(edited(change), ()).level == after


def test_a_lineage_that_stopped_at_generation_0_is_named_and_has_no_last_text():
    made = formula(paradigms=("replace",), filters=("none", "likely"), generations=3, seeds=1)
    lines = [x for x in log_of(made) if x["filter"] == "none" or not x["generation"]]
    run = Run(plan_of(made), grouped(plan_of(made), lines))
    assert "1 of 2 lineages stopped at generation 0 of 3: replace+likely-seed0." in banner_of(run, ()).detail
    rows = rows_of(text_of(run), "Perplexity of held-out text")
    assert rows["replace+likely"][:2] == ["not finished", "160.2"] and rows["replace"][0] == "at risk"
    assert "insufficient" not in banner_of(run, ()).detail and "not judged" not in banner_of(run, ()).detail


def test_lineages_that_were_not_begun_are_counted():
    made = formula(paradigms=("replace",), generations=3)
    lines = [x for x in log_of(made) if x["seed"] == 0]
    run = Run(plan_of(made), grouped(plan_of(made), lines))
    told = "2 of 3 lineages stopped before generation 0 of 3: replace-seed1, replace-seed2."
    assert told in banner_of(run, ()).detail


@pytest.mark.parametrize("seeds", [2, 3])
def test_too_few_seeds_are_told_in_the_terminal(seeds):
    text = text_of(run_of(seeds=seeds))
    assert ("2 seeds: too few to tell an effect from chance" in text) == (seeds == 2)
    assert "s of work in all generations" in text


def test_heads_in_the_report_say_that_they_are_generations():
    text = text_of(run_of(), Extras())
    assert re.search(r"last text +gen. 0 +gen. 1 +gen. 5 +gen. 10 +x gen. 0", text)
    assert re.search(r"probe +group +gen. 0 +gen. 1", text)


def test_an_unfinished_run_says_how_far_it_is():
    made = formula()
    lines = [x for x in log_of(made) if x["generation"] <= (4 if x["group"] == "replace" else 2)]
    run = Run(plan_of(made), grouped(plan_of(made), lines))
    found = banner_of(run, ())
    assert "15 of 15 lineages stopped at generation 2 to 4 of 10." in found.detail
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
            assert "INSUFFICIENT EVIDENCE" in text and ("not finished" in text) == (generations is not None)


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
    assert re.search(r"p\(was \| there\) +replace +0.710 +0.710 +0.664 +0.531", short)
    place = short[short.index("Tracked probabilities") : short.index("\nPublished claims\n")]
    assert "mix-0.1" in place and "mix-0.5" not in place and "other groups: report.html" in place
    assert "other groups" not in text_of(run_of(paradigms=("replace", "mix")))
    full = text_of(run_of(), Extras())
    assert re.search(r"p\(were \| there\) +mix-0.5 +written text +0.060 +0.060", full)
    assert re.search(r"p\(were \| there\) +mix-0.5 +by the model +- +0.059", full) and "other groups" not in full


def test_a_tracked_word_that_human_text_lacks_is_told():
    tracked = {"there: was": {"text": None, "occurrences": 0}, "there: were": {"text": None, "occurrences": 0}}
    for extras in (None, Extras()):
        text = text_of(run_of(plan={"tracked": tracked}), extras)
        assert text.count("human text has no 'there': there is nothing to compare with") == 1
    assert "human text has no" not in text_of(run_of())


def test_claims_are_one_line_in_short_and_whole_in_full():
    run = run_of()
    short, full = text_of(run), text_of(run, Extras(), 4000)
    assert re.search(r"11 \(Gerstgrasser\) +confirmed +perplexity rose in 10 of 10 generations", short)
    assert "claim (as published)" in short and "perplexity rises with every generation" not in short
    assert "not tested by this run: 13, 21, filter" in short and "Direction only" not in short
    assert short.count("compared in direction only: a word trigram, not the authors' models") == 1
    for words in ("claim (as published)", "19 (triposat)", "Direction only", "Tested by: contam recurse"):
        assert words in full
    for words in ("Tolerance: none", "Kazdan et al. 2024"):
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
    assert found.outside == [] and found.tags.count("script") <= 1 and found.tags.count("figure") == 3
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
    assert found.outside == [] and found.tags.count("script") <= 1
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


def test_a_table_of_long_cells_is_stacked_on_a_phone_and_names_them():
    text = html.render(draw_run(run_of(), judge_claims(run_of()), Extras()))
    claims = text[text.index('<table class="stacked">') :]
    claims = claims[: claims.index("</table>")]
    assert claims.count('data-name="what was measured"') == 10 == claims.count('<th scope="row" class="short">')
    perplexities = text[text.index("<table>") : text.index("</table>")]
    assert "data-name" not in perplexities and '<th scope="row" class="short">replace</th>' in perplexities


def test_a_long_name_may_break():
    table = Table(("group", "x"), (("a" * 25, "1"), ("b" * 24, "1")))
    text = html.render(Page("", None, (Section("", (table,)),)))
    assert f'<th scope="row">{"a" * 25}</th>' in text and f'<th scope="row" class="short">{"b" * 24}</th>' in text


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
    assert table.columns == ("group", "gen. 1", "gen. 5", "gen. 10")
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
