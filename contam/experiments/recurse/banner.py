"""What a recursion came to in a few lines: how far perplexity went, and what the audit says of the last texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contam.claims import Claim
from contam.experiments.recurse.history import Group, Run, first_level, level_gained, level_of, planned_lineages
from contam.reports.audit_page import plural
from contam.reports.page import Banner
from contam.result import Level

LEVELS = (Level.COLLAPSING, Level.AT_RISK, Level.HEALTHY, Level.INSUFFICIENT)
NO_LEVEL = "no_level"
"""The banner's level where the recursion gets none: its generation 0 had it already."""
_NAMED = 6
_NOT_JUDGED = "not judged"


def banner_of(run: Run, claims: Sequence[Claim]) -> Banner:
    """The worst level of a lineage's last text, perplexity as a multiple of generation 0, and what qualifies both.

    No level where generation 0 has it already: that is the model, not the recursion.
    """
    levels = [_no_level_told(run)] if had_at_first(run) else [_texts_told(run), _first_told(run)]
    told = [*levels, _unfinished(run), _claims_told(claims)]
    level = NO_LEVEL if had_at_first(run) else level_of(run).value
    return Banner(level, _perplexities(run), " ".join(part for part in told if part))


def had_at_first(run: Run) -> bool:
    """Whether the level of the last texts is no worse than what a generation 0 has, and neither is healthy."""
    return 1 <= level_of(run).severity <= first_level(run).severity


def level_told(level: Level) -> str:
    """``at risk``; of a text without a verdict ``not judged``."""
    return _NOT_JUDGED if level is Level.INSUFFICIENT else level.value.replace("_", " ")


def multiple_of(run: Run, group: Group) -> tuple[int, float] | None:
    """(generation, multiple of generation 0) of perplexity at the last generation that every seed of a group has."""
    multiples = {g: value for g, value in group.relative(run.perplexity).items() if g}
    return (max(multiples), multiples[max(multiples)]) if multiples else None


def _perplexities(run: Run) -> str:
    found = {group.name: multiple for group in run.groups if (multiple := multiple_of(run, group)) is not None}
    if not found:
        return "no generation after the first was measured"
    last = max(generation for generation, _ in found.values())
    told = {
        name: f"{name} x {value:.2f}" + ("" if generation == last else f" (generation {generation})")
        for name, (generation, value) in found.items()
    }
    if len(told) > _NAMED:
        ends = [pick(found, key=lambda name: found[name][1]) for pick in (min, max)]
        shown = f"from {told[ends[0]]} to {told[ends[1]]} in {len(told)} groups"
    else:
        shown = ", ".join(told.values())
    return f"perplexity of human text after {plural(last, 'generation')}, against generation 0: {shown}"


def _texts_told(run: Run) -> str:
    """The levels of the last texts, worst first, with the groups that reach them."""
    named: dict[Level, list[str]] = {}
    for group in run.groups:
        if group.level is not Level.INSUFFICIENT or group.last > 0:
            named.setdefault(group.level, []).append(group.name)
    parts = [f"{level_told(level)} {_few(named[level])}" for level in LEVELS if level in named]
    return f"The last texts against human text: {'; '.join(parts)}." if parts else ""


def _no_level_told(run: Run) -> str:
    """Why there is no level; and which lineages gained one all the same (`level_gained`)."""
    usual = " (as is usual of an n-gram model's text)" if run.plan.get("backend") == "ngram" else ""
    told = f"No level: what generation 0 writes is already judged {level_told(first_level(run))}{usual}."
    gained = level_gained(run)
    if gained.severity < 1:
        return told
    above = [h.name for h in run.lineages if h.level is gained and h.level.severity > h.level_at(0).severity]
    return f"{told} Above generation 0 of the same seed: {level_told(gained)} {_few(above)}."


def _few(names: Sequence[str]) -> str:
    return f"({', '.join(names)})" if len(names) <= _NAMED else f"({len(names)} groups)"


def _first_told(run: Run) -> str:
    """Generation 0's own verdict, where it is not that of human text."""
    worst = first_level(run)
    if worst.severity < 1:
        return ""
    return f"Generation 0, which learned from human text alone, is {level_told(worst)} itself."


def first_levels(run: Run) -> list[Level]:
    """What the audit says of generation 0's text, once for every seed."""
    verdicts = {lineage.seed: lineage.at(0).get("verdict") for lineage in run.lineages}
    found = [str(verdict.get("level")) for verdict in verdicts.values() if verdict]
    return [Level(level) for level in found if level in tuple(Level)]


def _unfinished(run: Run) -> str:
    """Which lineages did not get through, and how far they came: ``1 of 3 lineages stopped at generation 0 of 3``."""
    if run.finished:
        return ""
    reached = {lineage.name: -1 for lineage in planned_lineages(run.plan)} | {h.name: h.last for h in run.lineages}
    asked = run.plan.get("generations", "?")
    short = {name: last for name, last in reached.items() if not isinstance(asked, int) or last < asked}
    if not short:
        return ""
    told = f"{len(short)} of {plural(len(reached), 'lineage')} stopped {_ends(list(short.values()))} of {asked}"
    return f"{told}: {', '.join(short)}." if len(short) <= _NAMED else f"{told}."


def _ends(reached: Sequence[int]) -> str:
    """``at generation 2 to 4``; a lineage that was not begun stopped before generation 0."""
    low, high = min(reached), max(reached)
    if high < 0:
        return "before generation 0"
    return f"at generation {high}" if low == high else f"at generation {low if low >= 0 else 'none'} to {high}"


def _claims_told(claims: Sequence[Claim]) -> str:
    counts = Counter(claim.status.replace("_", " ") for claim in claims)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"Published claims: {told}." if told else ""
