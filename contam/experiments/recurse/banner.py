"""What a recursion came to in a few lines: how far perplexity went, and what the audit says of the last texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contam.claims import Claim
from contam.experiments.recurse.history import Group, Run, level_of
from contam.reports.audit_page import plural
from contam.reports.page import Banner
from contam.result import Level

LEVELS = (Level.COLLAPSING, Level.AT_RISK, Level.HEALTHY, Level.INSUFFICIENT)
_NAMED = 6
_NOT_JUDGED = "not judged"


def banner_of(run: Run, claims: Sequence[Claim]) -> Banner:
    """The worst level of a lineage's last text, perplexity as a multiple of generation 0, and what qualifies both."""
    told = [_texts_told(run), _first_told(run), _unfinished(run), _claims_told(claims)]
    return Banner(level_of(run), _perplexities(run), " ".join(part for part in told if part))


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
        named.setdefault(group.level, []).append(group.name)
    parts = [f"{level_told(level)} {_few(named[level])}" for level in LEVELS if level in named]
    return f"The last texts against human text: {'; '.join(parts)}." if parts else ""


def _few(names: Sequence[str]) -> str:
    return f"({', '.join(names)})" if len(names) <= _NAMED else f"({len(names)} groups)"


def _first_told(run: Run) -> str:
    """Generation 0's own verdict, where it is not that of human text."""
    levels = first_levels(run)
    worst = max(levels, key=lambda level: level.severity, default=Level.HEALTHY)
    if worst.severity < 1:
        return ""
    return f"Generation 0, which learned from human text alone, is {level_told(worst)} itself."


def first_levels(run: Run) -> list[Level]:
    """What the audit says of generation 0's text, once for every seed."""
    verdicts = {lineage.seed: lineage.at(0).get("verdict") for lineage in run.lineages}
    found = [str(verdict.get("level")) for verdict in verdicts.values() if verdict]
    return [Level(level) for level in found if level in tuple(Level)]


def _unfinished(run: Run) -> str:
    if run.finished:
        return ""
    reached = sorted({lineage.last for lineage in run.lineages})
    span = f"{reached[0]} to {reached[-1]}" if len(reached) > 1 else f"{reached[0]}" if reached else "none"
    return f"The run is not finished: lineages have reached generation {span} of {run.plan.get('generations', '?')}."


def _claims_told(claims: Sequence[Claim]) -> str:
    counts = Counter(claim.status.replace("_", " ") for claim in claims)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    return f"Published claims: {told}." if told else ""
