"""Reading a recursion: dotted names, seeds taken together, runs that are not finished, folders that are no run."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from statistics import median

import pytest
from recursions import Formula, log_of, make_recursion, plan_of, write_recursion

from contam.errors import InputError
from contam.experiments.recurse.history import (
    Run,
    first_level,
    grouped,
    level_gained,
    level_of,
    number_of,
    planned_lineages,
    read_run,
    value_of,
)
from contam.experiments.recurse.options import RecurseOptions
from contam.result import Level


def options(**changes) -> RecurseOptions:
    return replace(RecurseOptions(model="ngram", real=("human.txt",)), **changes)


def test_a_run_read_back_is_the_run_that_was_written(tmp_path):
    run = read_run(write_recursion(tmp_path))
    assert run == make_recursion()
    assert [group.name for group in run.groups] == [
        "replace", "accumulate", "accumulate-subsample", "mix-0.1", "mix-0.5"
    ]  # fmt: skip
    assert run.finished and run.last == 10 and len(run.lineages) == 15


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("generation", 3),
        ("written.rare_kept", 0.5),
        ("validation.a.b.txt.perplexity", 9.0),
        ("signals.diversity.types", 70.0),
        ("tracked.there: was.model", 0.4),
        ("tracked.e.g. this: was.model", 0.3),
        ("written", {"rare_kept": 0.5}),
        ("written.other", None),
        ("diversity.types", None),
        ("written.rare_kept.more", None),
    ],
)
def test_a_field_is_found_by_its_dotted_name(name, value):
    line = {
        "generation": 3,
        "written": {"rare_kept": 0.5},
        "validation": {"a.b.txt": {"perplexity": 9.0}},
        "signals": {"diversity.types": 70.0},
        "tracked": {"there: was": {"model": 0.4}, "e.g. this: was": {"model": 0.3}},
    }
    assert value_of(line, name) == value


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "7", True, [1.0], {}])
def test_what_is_no_finite_number_is_not_measured(value):
    assert number_of({"x": value}, "x") is None


def test_groups_stand_in_the_order_of_the_plan_whatever_the_log_does():
    formula = Formula(options(paradigms=("mix", "replace"), filters=("none", "resample")))
    names = ["mix-0.1", "mix-0.1+resample", "mix-0.5", "mix-0.5+resample", "replace", "replace+resample"]
    groups = grouped(plan_of(formula), reversed(log_of(formula)))
    assert [group.name for group in groups] == names
    assert [group.place for group in groups] == list(range(6))
    assert groups[1].base == "mix-0.1" and groups[1].filter == "resample" and groups[1].real_share == 0.1
    assert all([seed.seed for seed in group.seeds] == [0, 1, 2] for group in groups)


def test_medians_and_ranges_are_over_seeds():
    run = make_recursion()
    group = run.groups[0]
    values = sorted(seed.values(run.perplexity)[4] for seed in group.seeds)
    series = group.series(run.perplexity)
    assert (series.low[4], series.middle[4], series.high[4]) == tuple(values)
    assert group.course(run.perplexity)[4] == median(values)
    assert group.relative(run.perplexity)[4] == pytest.approx(1 + 0.14 * 4)


def test_multiples_are_of_the_same_seed():
    """Seeds at levels 1, 10 and 100 that each double: no ratio of medians over different seeds shows 2 alone."""
    lines = [
        {"lineage": f"replace-seed{s}", "group": "replace", "seed": s, "generation": g, "x": 10.0**s * (1 + g)}
        for s in (0, 1, 2)
        for g in (0, 1)
    ]
    (group,) = grouped({}, lines)
    assert group.relative("x") == {0: 1.0, 1: 2.0}


def test_claims_see_what_all_seeds_have_and_pictures_what_half_have():
    formula = Formula(options(paradigms=("replace",), generations=6))
    lines = [line for line in log_of(formula) if line["generation"] <= (6, 4, 2)[line["seed"]]]
    (group,) = grouped(plan_of(formula), lines)
    run = Run(plan_of(formula), (group,))
    assert max(group.course(run.perplexity)) == 2 == group.last
    assert max(group.series(run.perplexity).generations) == 4
    assert not run.finished and run.last == 6


def test_a_lineage_that_has_not_begun_is_not_finished():
    formula = Formula(options(paradigms=("replace",)))
    lines = [line for line in log_of(formula) if line["seed"] < 2]
    run = Run(plan_of(formula), grouped(plan_of(formula), lines))
    assert len(run.lineages) == 2 and not run.finished


def test_a_null_is_left_out():
    lines = [dict(line) for line in log_of(Formula(options(paradigms=("replace",), seeds=1)))]
    lines[3]["validation"] = {"held-out": {"loss": None, "perplexity": None}}
    (group,) = grouped({}, lines)
    assert 3 not in group.course("validation.held-out.perplexity")
    assert 3 not in group.series("validation.held-out.perplexity").generations


def test_the_level_is_the_worst_of_the_last_texts():
    run = make_recursion()
    assert level_of(run) is Level.COLLAPSING
    held = Run(run.plan, tuple(group for group in run.groups if group.name in ("accumulate", "mix-0.5")))
    assert level_of(held) is Level.HEALTHY
    assert level_of(Run({}, ())) is Level.INSUFFICIENT


def test_only_the_last_text_counts_and_one_seed_is_enough():
    lines = [dict(line) for line in log_of(Formula(options(paradigms=("accumulate",), generations=2)))]
    lines[1]["verdict"] = {"level": "collapsing"}
    assert level_of(Run({}, grouped({}, lines))) is Level.HEALTHY
    lines[2]["verdict"] = {"level": "at_risk"}
    assert level_of(Run({}, grouped({}, lines))) is Level.AT_RISK


def judged(*levels: tuple[str, ...]) -> Run:
    """A lineage a seed with these levels, from generation 0 on."""
    lines = [
        {"lineage": f"replace-seed{s}", "group": "replace", "seed": s, "generation": g, "verdict": {"level": level}}
        for s, by in enumerate(levels)
        for g, level in enumerate(by)
    ]
    return Run({}, grouped({}, lines))


BAD, ODD, FINE, NONE = "collapsing", "at_risk", "healthy", "insufficient_evidence"


@pytest.mark.parametrize(
    ("levels", "last", "gained"),
    [
        (((FINE, BAD),), Level.COLLAPSING, Level.COLLAPSING),
        (((BAD, BAD),), Level.COLLAPSING, Level.HEALTHY),
        (((BAD, ODD),), Level.AT_RISK, Level.HEALTHY),
        (((BAD, BAD), (FINE, ODD)), Level.COLLAPSING, Level.AT_RISK),
        (((ODD, BAD), (ODD, ODD)), Level.COLLAPSING, Level.COLLAPSING),
        (((NONE, ODD),), Level.AT_RISK, Level.AT_RISK),
        (((NONE, NONE),), Level.INSUFFICIENT, Level.INSUFFICIENT),
        (((BAD, NONE),), Level.INSUFFICIENT, Level.INSUFFICIENT),
        (((FINE, FINE),), Level.HEALTHY, Level.HEALTHY),
    ],
)
def test_a_level_is_gained_where_the_same_seed_did_not_begin_with_it(levels, last, gained):
    run = judged(*levels)
    assert level_of(run) is last and level_gained(run) is gained


def test_generation_0_is_no_last_text():
    assert level_of(judged((BAD,))) is Level.INSUFFICIENT is level_gained(judged((BAD,)))
    assert level_of(judged((BAD,), (FINE, ODD))) is Level.AT_RISK
    assert first_level(judged((FINE, BAD), (ODD, FINE))) is Level.AT_RISK
    assert first_level(Run({}, ())) is Level.INSUFFICIENT


@pytest.mark.parametrize("verdict", [{"level": "insufficient_evidence"}, {"level": "excellent"}, {}])
def test_a_text_that_was_not_judged_has_no_level(verdict):
    lines = [dict(line) | {"verdict": verdict} for line in log_of(Formula(options(seeds=1, generations=1)))]
    assert level_of(Run({}, grouped({}, lines))) is Level.INSUFFICIENT


def test_human_values_are_those_of_the_plan():
    run = make_recursion()
    assert run.human("signals.diversity.types") == 3600.0
    assert run.human("written.rare_kept") is None
    assert run.human_tracked("there: was") == 0.71 and run.human_tracked("there: was", "occurrences") == 300
    assert run.tracked == ("there: was", "there: were")


def test_a_torn_last_line_is_passed_over_and_a_doubled_one_counts_once(tmp_path):
    folder = write_recursion(tmp_path)
    log = folder / "log.jsonl"
    whole = log.read_bytes()
    first = json.loads(whole.splitlines()[0])
    log.write_bytes(whole + json.dumps(first | {"seconds": 99.0}).encode() + b'\n{"lineage": "repl')
    assert read_run(folder) == make_recursion()


@pytest.mark.parametrize("line", [b"17\n", b'{"lineage": 3, "generation": 1}\n', b'{"lineage": "a"}\n', b"{torn\n{}\n"])
def test_a_damaged_line_is_named(tmp_path, line):
    folder = write_recursion(tmp_path)
    with (folder / "log.jsonl").open("ab") as file:
        file.write(line)
    with pytest.raises(InputError, match="damaged"):
        read_run(folder)


def test_a_folder_without_a_run_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"plan\.json"):
        read_run(tmp_path)
    for broken in ("{", "[]"):
        (tmp_path / "plan.json").write_text(broken)
        with pytest.raises(InputError, match="damaged"):
            read_run(tmp_path)


def test_a_run_without_a_log_has_no_lineages(tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps(plan_of(Formula())))
    run = read_run(tmp_path)
    assert run.groups == () and run.last == -1 and not run.finished and level_of(run) is Level.INSUFFICIENT


@pytest.mark.parametrize("plan", [{}, {"paradigms": ["nonsense"]}, {"paradigms": 7}, {"seeds": "three"}])
def test_a_plan_that_does_not_say_plans_nothing(plan):
    assert planned_lineages(plan) == ()
    groups = grouped(plan, log_of(Formula(options(paradigms=("mix",), filters=("resample",), seeds=1))))
    assert [(g.paradigm, g.filter) for g in groups] == [("mix", "resample")] * 2
    assert [g.base for g in groups] == ["mix-0.1", "mix-0.5"]
