"""Published claims: confirmed, contradicted and not tested by the figures of a log, and by nothing else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from recursions import Formula, log_of, make_recursion, plan_of

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim, write_claims
from contam.experiments.recurse.across import compare_sampling, compare_sizes
from contam.experiments.recurse.claim_rules import PUBLISHED, Part, compared_told, concluded, course_told, steps, tau
from contam.experiments.recurse.claims import gains, judge_claims
from contam.experiments.recurse.history import Run, grouped
from contam.experiments.recurse.options import RecurseOptions

IDS = ("11", "12", "13", "14", "15", "18", "19", "21", "W", "filter")
Change = Callable[[dict[str, Any]], None]


def options(**changes) -> RecurseOptions:
    return replace(RecurseOptions(model="ngram", real=("human.txt",)), **changes)


def judged(run: Run) -> dict[str, Claim]:
    return {claim.id: claim for claim in judge_claims(run)}


def run_of(changes: dict[str, Any] | None = None, rises: dict[str, Any] | None = None, **plan) -> Run:
    return make_recursion(Formula(options(**(changes or {})), rises or {}, plan))


def edited(change: Change, **changes) -> Run:
    """A run whose lines went through ``change`` one by one."""
    formula = Formula(options(**changes))
    lines = json.loads(json.dumps(log_of(formula)))
    for line in lines:
        change(line)
    return Run(plan_of(formula), grouped(plan_of(formula), lines))


def test_every_claim_is_judged_once_with_what_it_needs():
    claims = judge_claims(make_recursion())
    assert tuple(claim.id for claim in claims) == IDS == tuple(PUBLISHED)
    for claim in claims:
        assert claim.status in (CONFIRMED, CONTRADICTED, NOT_TESTED)
        assert claim.source and claim.statement and claim.expected and claim.measured and claim.tolerance
        assert claim.seconds == pytest.approx(15 * 11 * 1.25)


def test_a_run_as_published_confirms_what_it_can():
    found = {name: claim.status for name, claim in judged(make_recursion()).items()}
    untested = {"13", "21", "filter"}
    assert found == {name: NOT_TESTED if name in untested else CONFIRMED for name in IDS}


def test_claims_can_be_written(tmp_path):
    write_claims(tmp_path, judge_claims(make_recursion()))
    assert len(json.loads((tmp_path / "claims.json").read_text())["claims"]) == len(IDS)


def test_a_claim_that_is_not_tested_names_the_run_that_would_test_it():
    run = run_of({"paradigms": ("accumulate",)})
    for claim in judge_claims(run):
        if claim.status == NOT_TESTED:
            assert "Tested by: contam recurse " in claim.measured
    assert "contam recurse ngram --real human.txt --paradigm replace" in judged(run)["11"].measured


BACKWARDS = {name: lambda g: 1 - 0.01 * g for name in ("replace", "accumulate", "mix-0.1", "mix-0.5")}


@pytest.mark.parametrize("rises", [{}, BACKWARDS | {"replace+likely": lambda g: 1 + g}])
def test_one_generation_confirms_and_contradicts_nothing(rises):
    """However far everything went, in whichever direction."""
    changes = {"filters": ("none", "likely"), "generations": 1}
    assert {claim.status for claim in judge_claims(run_of(changes, rises))} == {NOT_TESTED}


def test_a_claim_says_in_short_what_failed_and_whether_the_rest_held():
    down = edited(set_("signals/repetition.seq_rep_4", lambda g: 0.1 + 0.01 * (g % 2)))
    assert judged(down)["18"].brief == "rep-4 rose in 5 of 10 generations (the other parts hold)"
    assert judged(make_recursion())["18"].brief == "distinct-2 fell in 10 of 10 generations (all 5 parts hold)"
    assert judged(make_recursion())["11"].brief == "perplexity rose in 10 of 10 generations"
    half = run_of({"paradigms": ("accumulate",)}, {"accumulate": lambda g: 1 + 0.1 * g})
    assert judged(half)["12"].brief == "accumulate at most +100.0 %, 2 % allowed (1 not tested)"
    assert judged(half)["12"].to_dict()["brief"].startswith("accumulate at most")
    near = judged(run_of(rises={"mix-0.1": lambda g: 1.001}))["19"].brief
    assert near.startswith("mix-0.1: perplexity +0.1 %") and near.endswith("(1 other part holds)")


@pytest.mark.parametrize(
    ("name", "author"), [("11", "Gerstgrasser"), ("18", "Guo"), ("19", "triposat"), ("filter", "Drayson")]
)
def test_a_claim_has_an_author(name, author):
    assert PUBLISHED[name].author == author


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({}, "compared in direction only: a word trigram, not the authors' models"),
        ({"order": 5, "unit": "token"}, "compared in direction only: a token 5-gram, not the authors' models"),
        ({"backend": "base", "model": "x"}, "compared in direction only: x, fine-tuned every generation, not the"),
    ],
)
def test_one_line_says_how_far_figures_can_be_compared(plan, told):
    run = run_of(**plan)
    assert compared_told(run, judge_claims(run)).startswith(told)
    theirs = run_of(backend="scratch", model="gpt2-9m")
    assert compared_told(theirs, [judged(theirs)["11"]]) == "" == compared_told(run, ())


@pytest.mark.parametrize("name", IDS)
def test_nothing_is_judged_of_an_empty_run(name):
    assert judged(Run({}, ()))[name].status == NOT_TESTED
    assert judged(run_of({"generations": 1}))[name].status == NOT_TESTED


def test_11_a_single_step_down_contradicts():
    dip = run_of(rises={"replace": lambda g: 1 + 0.14 * g - (0.2 if g == 6 else 0)})
    claim = judged(dip)["11"]
    assert claim.status == CONTRADICTED and claim.figures["rises"] == 9 and "up in 9 of 10" in claim.measured


def test_11_is_judged_by_the_median_over_seeds():
    def change(line):
        if line["group"] == "replace" and line["seed"] == 2:
            line["validation"]["held-out"]["perplexity"] = 1000.0 - line["generation"]

    assert judged(edited(change))["11"].status == CONFIRMED


@pytest.mark.parametrize(("top", "status"), [(0.019, CONFIRMED), (0.021, CONTRADICTED)])
def test_12_allows_two_per_cent(top, status):
    run = run_of(rises={"accumulate": lambda g: 1 + (top if g == 5 else 0.0)})
    claim = judged(run)["12"]
    assert claim.status == status and claim.figures["accumulate_highest"] == pytest.approx(1 + top)


def test_12_accumulate_subsample_must_lie_between():
    for rise in (lambda g: 1 + 0.2 * g, lambda g: 1 - 0.01 * g):
        assert judged(run_of(rises={"accumulate-subsample": rise}))["12"].status == CONTRADICTED


@pytest.mark.parametrize(
    "changes", [{"generations": 4}, {"paradigms": ("accumulate", "replace")}, {"paradigms": ("replace",)}]
)
def test_12_half_a_claim_is_not_confirmed(changes):
    assert judged(run_of(changes))["12"].status == NOT_TESTED


def test_12_half_a_claim_can_contradict():
    run = run_of({"paradigms": ("accumulate",)}, {"accumulate": lambda g: 1 + 0.1 * g})
    assert judged(run)["12"].status == CONTRADICTED


def tracked(values: Callable[[int], float]) -> Change:
    def change(line):
        line["tracked"] = {"there: was": {"text": values(line["generation"]), "model": 0.5, "occurrences": 300}}

    return change


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (lambda g: 0.70 - 0.02 * g, CONFIRMED),
        (lambda g: 0.72 + 0.02 * g, CONFIRMED),
        (lambda g: 0.50 - 0.02 * g, CONTRADICTED),
        (lambda g: 0.60 + 0.01 * g, CONTRADICTED),
        (lambda g: 0.70 + 0.001 * (g % 2), CONTRADICTED),
    ],
)
def test_14_close_first_and_further_away_with_the_generations(values, status):
    claim = judged(edited(tracked(values)))["14"]
    assert claim.status == status
    assert claim.figures["there: was human"] == 0.71
    assert set(claim.figures["there: was model"].values()) == {0.5}
    assert "p(was | there): human text 0.7100; written " in claim.measured
    assert "the model's own 0.5000" in claim.measured


def test_14_a_rare_word_judges_nothing():
    tracked_human = {"there: was": {"text": 0.7, "occurrences": 29}, "there: were": {"text": None, "occurrences": 0}}
    assert judged(run_of(tracked=tracked_human))["14"].status == NOT_TESTED
    tracked_human["there: was"]["occurrences"] = 30
    claim = judged(run_of(tracked=tracked_human))["14"]
    assert claim.status == CONFIRMED
    assert "p(were | there): its first word does not occur in the human text" in claim.measured


def test_15_a_spike_with_a_plateau_is_worse_throughout():
    run = run_of(rises={"replace": lambda g: 1.6 if g == 1 else 1.2, "mix-0.1": lambda g: 1.19})
    assert judged(run)["15"].status == CONFIRMED and judged(run)["11"].status == CONTRADICTED


@pytest.mark.parametrize(
    "rises",
    [{"replace": lambda g: 1 - 0.01 * (g == 7)}, {"mix-0.1": lambda g: 5.0}, {"mix-0.1": lambda g: 1 + 0.14 * g}],
)
def test_15_can_be_contradicted(rises):
    assert judged(run_of(rises=rises))["15"].status == CONTRADICTED


def test_15_needs_the_original_text_kept():
    assert judged(run_of({"real_kind": "fresh"}))["15"].status == NOT_TESTED
    assert judged(run_of({"real_shares": (0.2,)}))["15"].status == NOT_TESTED


def set_(path: str, value: Callable[[int], float]) -> Change:
    """Change one field of the replace lines: ``path`` with slashes."""

    def change(line):
        inside, *names = (line, *path.split("/"))
        for name in names[:-1]:
            inside = inside[name]
        if line["group"] == "replace":
            inside[names[-1]] = value(line["generation"])

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("signals/diversity.distinct_2", lambda g: 0.6 - 0.01 * g + 0.03 * (g == 5)),
        ("signals/repetition.seq_rep_4", lambda g: 0.1 + 0.01 * g - 0.03 * (g == 5)),
        ("written/rare_kept", lambda g: 0.6 - 0.01 * g + 0.03 * (g == 5)),
        ("written/rare_kept", lambda g: 0.6 - 0.001 * g),
        ("under_generation_0/perplexity", lambda g: 100.0 + g),
        ("validation/held-out/perplexity", lambda g: 100.0 - g),
    ],
)
def test_18_every_part_can_contradict(path, value):
    assert judged(edited(set_(path, value)))["18"].status == CONTRADICTED


def test_18_a_part_that_was_not_measured_leaves_it_open():
    assert judged(edited(set_("written/other_kept", lambda g: None)))["18"].status == NOT_TESTED


def test_18_reads_the_matched_figures_first():
    claim = judged(edited(set_("written/distinct_2", lambda g: 0.1 * g)))["18"]
    assert claim.status == CONFIRMED


@pytest.mark.parametrize(
    ("half", "tenth", "status"),
    [
        (0.06, 0.31, CONFIRMED), (0.08, 0.31, CONTRADICTED), (-0.08, 0.31, CONTRADICTED), (0.06, 0.001, CONTRADICTED)
    ],
)  # fmt: skip
def test_19_half_holds_and_a_tenth_does_not(half, tenth, status):
    claim = judged(run_of(rises={"mix-0.5": lambda g: 1 + half, "mix-0.1": lambda g: 1 + tenth}))["19"]
    assert claim.status == status and "theirs was fresh" in claim.measured
    assert claim.figures["mix-0.1 perplexity"] == pytest.approx(1 + tenth)


def test_19_is_judged_at_the_sources_generation_and_needs_both_mixes():
    late = {"mix-0.5": lambda g: 1 + (0.5 if g > 4 else 0.01)}
    assert judged(run_of({"real_kind": "fresh"}, late))["19"].status == CONFIRMED
    assert judged(run_of({"real_shares": (0.5,)}))["19"].status == NOT_TESTED
    assert judged(run_of({"generations": 3}))["19"].status == NOT_TESTED


@pytest.mark.parametrize(("name", "share"), [("15", "mix-0.1"), ("19", "mix-0.5")])
def test_a_mix_whose_human_text_ran_out_judges_nothing(name, share):
    def change(line):
        if line["group"] == share and line["generation"] > 3:
            line["real_share"] = 0.0

    claim = judged(edited(change))[name]
    assert claim.status == NOT_TESTED and f"{share} had 0.0 % human text" in claim.measured


def test_19_a_vocabulary_that_goes_is_not_held():
    def change(line):
        if line["group"] == "mix-0.5":
            line["signals"]["diversity.types"] = 3000.0 * (1 - 0.05 * (line["generation"] > 0))

    assert judged(edited(change))["19"].status == CONTRADICTED


@pytest.mark.parametrize(
    ("rise", "status", "told"),
    [
        (lambda g: 1 + 0.02 * g, CONFIRMED, "still rising"),
        (lambda g: 1 + 0.3 * (1 - 0.2**g), CONTRADICTED, "levelled off"),
        (lambda g: 1 + 0.3 * math.exp(-g / 5) * (g > 0), CONTRADICTED, "falling"),
    ],
)
def test_w_says_whether_it_still_rises(rise, status, told):
    claim = judged(run_of({"generations": 20}, {"accumulate-subsample": rise}))["W"]
    assert claim.status == status and told in claim.measured and "cannot tell" in claim.tolerance


def test_w_needs_generations_and_knows_its_rate():
    assert judged(run_of({"generations": 7}))["W"].status == NOT_TESTED
    run = run_of({"generations": 20, "rates": (1.0, 0.1)}, {"accumulate-subsample-0.1": lambda g: 1 + 0.01 * g})
    claim = judged(run)["W"]
    assert "accumulate-subsample-0.1: " in claim.measured
    bias = [gains(n, 0.1)[0] for n in (10, 20)]
    assert f"would show {100 * (1 - bias[0] / bias[1]):.0f} %" in claim.measured


@pytest.mark.parametrize(
    ("count", "rate", "bias", "noise"),
    [(10, 1, 2.02, 0.558), (100, 1, 4.20, 0.635), (1000, 1, 6.49, 0.644), (100, 0.1, 2.35, 0.086)],
)
def test_gains_are_the_sums_of_the_derivation(count, rate, bias, noise):
    assert gains(count, rate) == (pytest.approx(bias, abs=5e-3), pytest.approx(noise, abs=1e-3))


FILTERED = {"paradigms": ("replace",), "filters": ("none", "resample", "likely")}


@pytest.mark.parametrize(
    ("rises", "status", "told"),
    [
        ({}, CONFIRMED, "lower"),
        ({"replace+likely": lambda g: 1 + 0.15 * g}, CONTRADICTED, "higher by"),
        ({"replace+likely": lambda g: 1 + 0.14 * g * (g < 10) + 1.395 * (g == 10)}, CONTRADICTED, "no difference"),
        ({"replace": lambda g: 1.01}, NOT_TESTED, "nothing rose"),
    ],
)
def test_filters_are_judged_whichever_way(rises, status, told):
    claim = judged(run_of(FILTERED, rises))["filter"]
    assert claim.status == status and told in claim.measured


LIKELY = {"paradigms": ("replace",), "filters": ("none", "likely"), "generations": 3}


def filtered(change: Change | None = None, **changes) -> Claim:
    return judged(edited(change or (lambda line: None), **(LIKELY | changes)))["filter"]


@pytest.mark.parametrize(("dropped", "status"), [(0, NOT_TESTED), (1, NOT_TESTED), (2, CONFIRMED)])
def test_a_filter_that_removed_next_to_nothing_is_not_tested(dropped, status):
    """At 60 documents a generation two of three seeds drop one at every generation: 3 of 540 are too few."""

    def change(line):
        line["written"]["documents"] = 60
        if line["filtered"]:
            line["filtered"]["dropped"] = dropped if line["seed"] == 0 else 0

    claim = filtered(change)
    assert claim.status == status
    assert (f"replace+likely removed {3 * dropped} of 540 documents" in claim.measured) == (status == NOT_TESTED)


def test_an_idle_filter_is_named_beside_one_that_worked():
    def change(line):
        if line["filter"] == "resample" and line["filtered"]:
            line["filtered"]["dropped"] = 0

    claim = judged(edited(change, **FILTERED))["filter"]
    told = "replace+resample removed 0 of 1,440 documents"
    assert claim.status == CONFIRMED and told in claim.measured
    assert claim.brief == f"replace+likely +46.7 %, without +140.0 %; {told}"


def test_what_a_filter_removed_of_generation_0_counts():
    def change(line):
        if line["filtered"]:
            line["filtered"]["dropped"] = 0
            line |= {"filtered_before": {"dropped": 48}} if line["generation"] == 1 else {}

    assert filtered(change).status == CONFIRMED


def test_a_filter_is_not_judged_by_one_seed_or_within_the_range_over_seeds():
    assert filtered(seeds=1).status == NOT_TESTED and "one seed, 2 are needed" in filtered(seeds=1).measured

    def spread(line):
        if line["group"] == "replace" and line["generation"] == 3:
            line["validation"]["held-out"]["perplexity"] *= 1 + 0.2 * (line["seed"] - 1)

    claim = filtered(spread)
    assert claim.status == NOT_TESTED and "within the range over seeds (56.8 points)" in claim.measured
    assert filtered().status == CONFIRMED


def test_filtered_lineages_that_did_not_finish_are_named():
    formula = Formula(options(**(FILTERED | {"generations": 3})))
    unfinished = ("replace+likely-seed1", "replace+resample-seed2")
    lines = [line for line in log_of(formula) if line["lineage"] not in unfinished or not line["generation"]]
    lines = [line for line in lines if line["lineage"] != "replace+resample-seed2"]
    claim = judged(Run(plan_of(formula), grouped(plan_of(formula), lines)))["filter"]
    assert claim.status == CONFIRMED
    assert "replace+likely: 2 generations in common with replace are needed" in claim.measured
    assert "replace+likely-seed1 stopped at generation 0 of 3" in claim.measured
    assert "replace+resample-seed2 did not begin" in claim.measured


def test_a_filter_without_its_twin_judges_nothing():
    assert judged(run_of(FILTERED | {"filters": ("resample",)}))["filter"].status == NOT_TESTED


def test_filtered_groups_judge_no_other_claim():
    rises = {"replace+resample": lambda g: 1.0, "accumulate+resample": lambda g: 9.0}
    run = run_of({"filters": ("none", "resample")}, rises)
    plain = judged(make_recursion())
    for name, claim in judged(run).items():
        if name != "filter":
            assert claim.status == plain[name].status


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ({}, "Direction only: a word n-gram model of order 3, not GPT-2"),
        ({"backend": "scratch", "model": "gpt2-mini"}, "Direction only: gpt2-mini trained from scratch, not GPT-2"),
        ({"backend": "scratch", "model": "gpt2-9m", "scale": 0.1}, "Direction only"),
        ({"backend": "scratch", "model": "gpt2-9m", "departures": ["a batch"]}, "The model is theirs"),
    ],
)
def test_another_model_is_compared_in_direction_only(plan, told):
    assert told in judged(run_of(**plan))["11"].measured


def test_the_authors_model_needs_no_remark():
    measured = judged(run_of(backend="scratch", model="gpt2-9m"))["11"].measured
    assert "Direction" not in measured and "theirs" not in measured


def test_seeds_are_told():
    assert "One seed" in judged(run_of({"seeds": 1}))["11"].measured
    assert "Medians over 3 seeds" in judged(run_of())["11"].measured


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        ((True, True), CONFIRMED), ((True, None), NOT_TESTED), ((None,), NOT_TESTED), ((), NOT_TESTED),
        ((False, None), CONTRADICTED), ((True, False), CONTRADICTED),
    ],
)  # fmt: skip
def test_parts_make_a_status(seen, status):
    assert concluded("11", make_recursion(), [Part(held, "told") for held in seen]).status == status


def test_tau_counts_pairs():
    values = [3.0, 1.0, 4.0, 1.0, 5.0]
    rising = sum(b > a for a, b in combinations(values, 2))
    falling = sum(b < a for a, b in combinations(values, 2))
    assert tau(values) == pytest.approx((rising - falling) / 10)
    assert tau([1, 2, 3]) == 1 and tau([3, 2, 1]) == -1 and math.isnan(tau([1.0]))


def test_tau_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    values = [0.3, 0.1, 0.7, 0.5, 0.9, 0.2]
    assert tau(values) == pytest.approx(stats.kendalltau(range(6), values).statistic)


def test_steps_and_courses_are_told():
    assert steps({0: 1.0, 1: 2.0, 5: 2.0, 6: 1.0}) == (1, 3) and steps({}) == (0, 0)
    assert course_told({0: 1.5, 1: 2.5}) == "1.500 and 2.500 at generations 0 and 1"
    assert re.fullmatch(r".* at generations 0, 1, 5 and 10", course_told(dict.fromkeys(range(11), 1.5)))


def sized(multiple: float, **changes) -> Run:
    return run_of({"generations": 20, "paradigms": ("replace",)} | changes, {"replace": lambda g: 1 + multiple * g})


def test_13_two_sizes_are_compared_at_a_late_generation():
    assert compare_sizes(sized(0.2), sized(0.1)).status == CONFIRMED
    assert compare_sizes(sized(0.1), sized(0.2)).status == CONTRADICTED
    assert compare_sizes(sized(0.2), sized(0.1, generations=19)).status == NOT_TESTED
    assert compare_sizes(sized(0.2), run_of({"paradigms": ("mix",)})).status == NOT_TESTED


def test_21_narrow_sampling_is_compared_by_diversity():
    wide, narrow = sized(0.1), sized(0.3, temperature=0.7)
    claim = compare_sampling(wide, narrow)
    assert claim.status == CONFIRMED and "temperature 0.7" in claim.measured
    assert claim.figures["types narrow"] > claim.figures["types wide"]
    assert compare_sampling(wide, sized(0.05, top_p=0.9)).status == CONTRADICTED


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "in the same way"),
        ({"temperature": 0.7, "order": 2}, "differ in more than sampling: order"),
        ({"temperature": 0.7, "generations": 4}, "5 generations in common"),
        ({"temperature": 0.7, "paradigms": ("mix",)}, "need replace"),
    ],
)
def test_21_unlike_runs_are_not_compared(changes, told):
    claim = compare_sampling(sized(0.1), sized(0.3, **changes))
    assert claim.status == NOT_TESTED and told in claim.measured


def test_21_runs_of_other_sizes_are_not_compared():
    smaller = run_of({"generations": 20, "temperature": 0.7}, tokens={"training": 5})
    claim = compare_sampling(sized(0.1), smaller)
    assert claim.status == NOT_TESTED and "the size of the training text" in claim.measured
