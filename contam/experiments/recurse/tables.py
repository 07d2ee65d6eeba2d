"""The tables of a recursion's report: perplexity by group, tracked words, probes, claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim
from contam.experiments.recurse.banner import level_told, multiple_of
from contam.experiments.recurse.claim_rules import PUBLISHED
from contam.experiments.recurse.history import Group, Run
from contam.experiments.recurse.table_of_samples import shown_generations
from contam.reports.page import Section, Sentences, Table
from contam.result import Level
from contam.wording import written

MARKS = {Level.COLLAPSING: "fail", Level.AT_RISK: "warn", Level.HEALTHY: "pass"}
_STATUS = {CONFIRMED: "pass", CONTRADICTED: "fail"}
_PROBES = (("downstream.next_token_accuracy", "next token right"), ("downstream.ending_choice", "ending chosen right"))
_MOST_ROWS = 12
_LONG = 20
"""Letters of a group's name from which a terminal has no room for generation 1."""


def groups_section(run: Run, full: bool) -> Section | None:
    """Perplexity of held-out text by group at a few generations, and what the audit says of the last text."""
    generations = shown_generations(run.last)
    if not full and max((len(group.name) for group in run.groups), default=0) > _LONG:
        generations = tuple(g for g in generations if g != 1 or run.last == 1)
    real = ("real",) if full else ()
    columns = ("group", "last text", *(str(g) for g in generations), "x gen. 0", *real)
    rows = tuple(_group_row(run, group, generations, full) for group in run.groups)
    if not rows:
        return None
    marks = tuple(MARKS.get(group.level, "skipped") for group in run.groups)
    read = (
        "last text: the audit's worst verdict on a seed's last text, against held-out human text of the same size; "
        "then perplexity by generation, medians over seeds; x gen. 0: the last against generation 0 of the same seed"
    )
    share = "; real: share of the last training text that was human" if full else ""
    table = _cut(Table(columns, rows, marks, True), full)
    return Section(f"Perplexity of {run.held_out_text}", (table, Sentences((read + share,))))


def tracked_section(run: Run, full: bool) -> Section | None:
    """How likely a word is after another: human text, and the models at a few generations."""
    generations = shown_generations(run.last)
    groups = run.groups if full else run.groups[:1]
    rows = [_tracked_row(run, group, pair, generations) for pair in run.tracked for group in groups]
    if not rows:
        return None
    table = Table(("words", "group", "human", *map(str, generations)), tuple(rows), header=True)
    return Section("Tracked probabilities", (_cut(table, full),))


def probes_section(run: Run) -> Section | None:
    """What the models can still do with human text, without being trained for it."""
    generations = shown_generations(run.last)
    rows = []
    for field, name in _PROBES:
        for group in run.groups:
            course = group.course(field)
            if course:
                rows.append((name, group.name, *(_share(course.get(g)) for g in generations)))
    if not rows:
        return None
    told = "An ending is chosen among four of other passages: chance is 25 %"
    table = Table(("probe", "group", *map(str, generations)), tuple(rows), header=True)
    return Section("Probes on held-out text", (table, Sentences((told,))))


def claims_section(claims: Sequence[Claim], full: bool) -> Section | None:
    """The claims: in full what was claimed, measured and allowed; in short one line each, what is untested as one."""
    if not claims:
        return None
    if full:
        columns = ("claim", "status", "what was claimed, and the tolerance", "what was measured")
        rows = tuple((c.id, _status(c), _claimed(c), c.measured) for c in claims)
        return Section("Published claims", (Table(columns, rows, _claim_marks(claims), True),))
    judged = [claim for claim in claims if claim.status != NOT_TESTED]
    short = tuple((claim.id, _status(claim), _short(claim)) for claim in judged)
    table = (Table(("claim", "status", "what was claimed"), short, _claim_marks(judged)),) if judged else ()
    untested = [claim.id for claim in claims if claim.status == NOT_TESTED]
    told = (Sentences((f"not tested by this run: {', '.join(untested)}; the report says what would",)),)
    return Section("Published claims", (*table, *(told if untested else ())))


def _group_row(run: Run, group: Group, generations: Sequence[int], full: bool) -> tuple[str, ...]:
    course, multiple = group.course(run.perplexity), multiple_of(run, group)
    values = [written(course.get(generation)) for generation in generations]
    times = "-" if multiple is None else f"{multiple[1]:.2f}"
    share = group.course("real_share")
    real = (_share(share[max(share)] if share else None),) if full else ()
    return group.name, _level_told(group), *values, times, *real


def _level_told(group: Group) -> str:
    """The worst level, and how many of the seeds have it."""
    count = Counter(seed.level for seed in group.seeds)[group.level]
    return level_told(group.level) + ("" if count == len(group.seeds) else f" {count}/{len(group.seeds)}")


def _tracked_row(run: Run, group: Group, pair: str, generations: Sequence[int]) -> tuple[str, ...]:
    course, human = group.course(f"tracked.{pair}.model"), run.human_tracked(pair)
    values = (_probability(course.get(generation)) for generation in generations)
    return pair, group.name, _probability(human), *values


def _probability(p: float | None) -> str:
    return "-" if p is None else f"{p:.3f}" if p >= 0.01 else f"{p:.2g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _claimed(claim: Claim) -> str:
    return f"{claim.statement} ({claim.source}.) Tolerance: {claim.tolerance}."


def _status(claim: Claim) -> str:
    return claim.status.replace("_", " ")


def _short(claim: Claim) -> str:
    found = PUBLISHED.get(claim.id)
    return found.short if found is not None else claim.statement


def _claim_marks(claims: Sequence[Claim]) -> tuple[str, ...]:
    return tuple(_STATUS.get(claim.status, "skipped") for claim in claims)


def _cut(table: Table, full: bool) -> Table:
    """In short at most so many rows; the last one then says how many more there are."""
    if full or len(table.rows) <= _MOST_ROWS:
        return table
    kept = _MOST_ROWS - 1
    more = (f"... {len(table.rows) - kept} more", *[""] * (len(table.columns) - 1))
    marks = (*table.marks[:kept], "") if table.marks else ()
    return Table(table.columns, (*table.rows[:kept], more), marks, table.header)
