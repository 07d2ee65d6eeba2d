"""The tables of a recursion's report: perplexity by group, tracked words, probes, claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim
from contam.experiments.recurse.banner import had_at_first, level_told, multiple_of
from contam.experiments.recurse.claim_rules import PUBLISHED, JudgedClaim, compared_told
from contam.experiments.recurse.history import Group, Run
from contam.experiments.recurse.settings_table import seeds_limit
from contam.experiments.recurse.table_of_samples import shown_generations
from contam.experiments.recurse.text_claims import pair_told
from contam.reports.page import Section, Sentences, Table
from contam.result import Level
from contam.wording import written

MARKS = {Level.COLLAPSING: "fail", Level.AT_RISK: "warn", Level.HEALTHY: "pass"}
_STATUS = {CONFIRMED: "pass", CONTRADICTED: "fail"}
_PROBES = (("downstream.next_token_accuracy", "next token right"), ("downstream.ending_choice", "ending chosen right"))
_MOST_ROWS = 10
_OF = {"text": "written text", "model": "by the model"}
_TRACKED_GROUPS = 4
"""Groups whose tracked words a terminal shows."""
_LONG = 20
"""Letters of a group's name from which a terminal has no room for generation 1."""


def groups_section(run: Run, full: bool) -> Section | None:
    """Perplexity of held-out text by group at a few generations, and what the audit says of the last text, where that
    is not what it says of generation 0 already."""
    generations = shown_generations(run.last)
    if not full and max((len(group.name) for group in run.groups), default=0) > _LONG:
        generations = tuple(g for g in generations if g != 1 or run.last == 1)
    levels = not had_at_first(run)
    kept, real = (("last text",) if levels else ()), (("real",) if full else ())
    columns = ("group", *kept, *_heads(generations, full), "x gen. 0", *real)
    rows = tuple(_group_row(run, group, generations, full) for group in run.groups)
    if not rows:
        return None
    marks = tuple(MARKS.get(group.level, "skipped") for group in run.groups) if levels else ()
    table = _cut(Table(columns, rows, marks, True), full)
    told = Sentences((_how_to_read(levels, full), *(() if full else seeds_limit(run))))
    return Section(f"Perplexity of {run.held_out_text}", (table, told))


def _how_to_read(levels: bool, full: bool) -> str:
    judged = "last text: the audit's worst verdict on a seed's last text, against held-out human text of one size; "
    read = "perplexity by generation, medians over seeds; x gen. 0: the last against generation 0 of the same seed"
    share = "; real: share of the last training text that was human" if full else ""
    return (f"{judged}then " if levels else "") + read + share


def tracked_section(run: Run, full: bool) -> Section | None:
    """How often a word follows another in human text and in what was written at a few generations; in full also what
    the models themselves expect after the first word in held-out text, which is another quantity."""
    generations = shown_generations(run.last)
    groups, fields = (run.groups, ("text", "model")) if full else (run.groups[:_TRACKED_GROUPS], ("text",))
    rows = [
        _tracked_row(run, group, (pair, field), generations, full)
        for pair in run.tracked
        for field in fields
        for group in groups
        if group.course(f"tracked.{pair}.{field}")
    ]
    if not rows:
        return None
    of = ("of",) if full else ()
    table = Table(("words", "group", *of, "human", *_heads(generations, full)), tuple(rows), header=True)
    return Section("Tracked probabilities", (_cut(table, full), Sentences(_tracked_told(run, full))))


def _tracked_told(run: Run, full: bool) -> tuple[str, ...]:
    """How to read the table, which words human text lacks, and where the groups are that are not shown."""
    share = "how often the second word follows the first in the written text"
    model = "; by the model: how likely it is after the first in held-out text, another quantity" if full else ""
    lacking = [pair.partition(":")[0].strip() for pair in run.tracked if run.human_tracked(pair, "occurrences") == 0]
    told = [f"{share}{model}"]
    told += [f"human text has no {word!r}: there is nothing to compare with" for word in dict.fromkeys(lacking)]
    told += [] if full or len(run.groups) <= _TRACKED_GROUPS else ["other groups: report.html"]
    return tuple(told)


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
    table = Table(("probe", "group", *_heads(generations, True)), tuple(rows), header=True)
    return Section("Probes on held-out text", (table, Sentences((told,))))


def claims_section(run: Run, claims: Sequence[Claim], full: bool) -> Section | None:
    """The claims: in full what was claimed, measured and allowed; in short what held or failed, the untested as one."""
    if not claims:
        return None
    if full:
        columns = ("claim", "status", "claim (as published), and the tolerance", "what was measured")
        rows = tuple((_named(c), _status(c), _claimed(c), c.measured) for c in claims)
        return Section("Published claims", (Table(columns, rows, _claim_marks(claims), True),))
    judged = [claim for claim in claims if claim.status != NOT_TESTED]
    short = tuple((_named(claim), _status(claim), _short(claim)) for claim in judged)
    head = ("claim (as published)", "status", "what was measured")
    table = (Table(head, short, _claim_marks(judged), True),) if judged else ()
    untested = [claim.id for claim in claims if claim.status == NOT_TESTED]
    told = [f"not tested by this run: {', '.join(untested)}; the report says what would"] if untested else []
    told += [compared] if (compared := compared_told(run, claims)) else []
    return Section("Published claims", (*table, *((Sentences(tuple(told)),) if told else ())))


def _group_row(run: Run, group: Group, generations: Sequence[int], full: bool) -> tuple[str, ...]:
    course, multiple = group.course(run.perplexity), multiple_of(run, group)
    values = [written(course.get(generation)) for generation in generations]
    times = "-" if multiple is None else f"{multiple[1]:.2f}"
    share = group.course("real_share")
    real = (_share(share[max(share)] if share else None),) if full else ()
    level = () if had_at_first(run) else (_level_told(group),)
    return group.name, *level, *values, times, *real


def _heads(generations: Sequence[int], full: bool) -> tuple[str, ...]:
    """Generations as heads of columns: ``gen. 5`` where there is room."""
    return tuple(f"gen. {g}" if full else str(g) for g in generations)


def _level_told(group: Group) -> str:
    """The worst level, and how many of the seeds have it; a group that has only generation 0 has no last text."""
    if all(seed.last < 1 for seed in group.seeds):
        return "not finished"
    count = Counter(seed.level for seed in group.seeds)[group.level]
    return level_told(group.level) + ("" if count == len(group.seeds) else f" {count}/{len(group.seeds)}")


def _tracked_row(
    run: Run, group: Group, what: tuple[str, str], generations: Sequence[int], full: bool
) -> tuple[str, ...]:
    pair, field = what
    course = group.course(f"tracked.{pair}.{field}")
    of = (_OF[field],) if full else ()
    human = _probability(run.human_tracked(pair) if field == "text" else None)
    return pair_told(pair), group.name, *of, human, *(_probability(course.get(g)) for g in generations)


def _probability(p: float | None) -> str:
    return "-" if p is None else f"{p:.3f}" if p >= 0.01 else f"{p:.2g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _claimed(claim: Claim) -> str:
    return f"{claim.statement} ({claim.source}.) Tolerance: {claim.tolerance}."


def _status(claim: Claim) -> str:
    return claim.status.replace("_", " ")


def _named(claim: Claim) -> str:
    """``19 (triposat)``."""
    found = PUBLISHED.get(claim.id)
    return f"{claim.id} ({found.author})" if found is not None else claim.id


def _short(claim: Claim) -> str:
    """What failed or held; what was claimed where that is not known."""
    return claim.brief if isinstance(claim, JudgedClaim) and claim.brief else claim.statement


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
