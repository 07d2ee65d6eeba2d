"""The claim about filters: what each did to the rise of perplexity, where it did anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contam.claims import Claim
from contam.experiments.recurse.claim_rules import (
    ALMOST,
    FEWEST_JUDGED,
    FILTERED_AT_LEAST,
    HELD,
    Part,
    concluded,
    missing,
    percent,
)
from contam.experiments.recurse.history import Group, History, Run, number_of, planned_lineages
from contam.wording import written

_NAMED = 2
_SEEDS = 2
"""Seeds of a group below which a difference cannot be told from chance."""


def filters_help(run: Run) -> Claim:
    """filter: what each filter did to the rise of perplexity, whichever way."""
    twins = [(g, run_twin) for g in run.groups if g.filter != "none" and (run_twin := _twin(run, g)) is not None]
    parts = [_filtered(run, *pair) for pair in twins]
    judged = [part for part in parts if part.held is not None]
    notes = [part.told for part in parts if part.held is None] if judged else []
    found = judged or parts or [missing("No group with a filter beside one without")]
    claim = concluded("filter", run, found, "; ".join([*notes, *_unfinished(run)]))
    idle = [told for group, _ in twins if (told := _idle(group))]
    return replace(claim, brief="; ".join([claim.brief, *idle[:_NAMED]])) if judged else claim


def removed(group: Group) -> tuple[int, int]:
    """(documents that a filter dropped, documents that it was given first), over all generations and seeds."""
    dropped = documents = 0
    for lineage in group.seeds:
        for line in lineage.lines:
            for field, given in (("filtered", line), ("filtered_before", lineage.at(0))):
                found, count = number_of(line, f"{field}.dropped"), number_of(given, "written.documents")
                if found is not None and count is not None:
                    dropped, documents = dropped + int(found), documents + int(count)
    return dropped, documents


def _twin(run: Run, group: Group) -> Group | None:
    return next((other for other in run.groups if other.name == group.base and other.filter == "none"), None)


def _filtered(run: Run, group: Group, twin: Group) -> Part:
    idle = _idle(group)
    if idle:
        return missing(idle)
    ours, theirs = group.relative(run.perplexity), twin.relative(run.perplexity)
    common = sorted(set(ours) & set(theirs) - {0})
    if not common or common[-1] < FEWEST_JUDGED:
        return missing(f"{group.name}: {FEWEST_JUDGED} generations in common with {twin.name} are needed")
    last = common[-1]
    told = f"{group.name} {percent(ours[last])}, without the filter {percent(theirs[last])} at generation {last}"
    figures = {group.name: round(ours[last], 5), twin.name: round(theirs[last], 5)}
    difference, noise = ours[last] - theirs[last], max(_range(run, one, last) for one in (group, twin))
    reason = _undecided(min(len(group.seeds), len(twin.seeds)), theirs[last], abs(difference), noise)
    if reason:
        return Part(None, f"{told}: {reason}", figures)
    brief = f"{group.name} {percent(ours[last])}, without {percent(theirs[last])}"
    return Part(difference < -ALMOST, f"{told}: {_effect(difference)}", figures, brief)


def _idle(group: Group) -> str:
    """What a filter that did next to nothing removed; empty for one that worked, or of which nothing is known."""
    dropped, documents = removed(group)
    if not documents or dropped >= FILTERED_AT_LEAST * documents:
        return ""
    return f"{group.name} removed {dropped:,} of {documents:,} documents"


def _undecided(seeds: int, without: float, difference: float, noise: float) -> str:
    """Why a difference is no evidence; empty where it is."""
    if without <= 1 + HELD:
        return "nothing rose"
    if seeds < _SEEDS:
        return f"one seed, {_SEEDS} are needed"
    if difference <= noise:
        return f"a difference within the range over seeds ({100 * noise:.1f} points)"
    return ""


def _range(run: Run, group: Group, generation: int) -> float:
    """How far the seeds of a group lie apart: highest minus lowest multiple of generation 0."""
    found = [_multiple(seed.values(run.perplexity), generation) for seed in group.seeds]
    return max(found) - min(found)


def _multiple(values: Mapping[int, float], generation: int) -> float:
    return values[generation] / values[0]


def _effect(difference: float) -> str:
    if abs(difference) <= ALMOST:
        return "no difference"
    return "lower" if difference < 0 else f"higher by {written(100 * difference)} points"


def _unfinished(run: Run) -> list[str]:
    """Lineages with a filter that did not get through, each with where it stopped."""
    planned, begun = run.plan.get("generations"), {h.name: h for h in run.lineages}
    if not isinstance(planned, int):
        return []
    names = [lineage.name for lineage in planned_lineages(run.plan) if lineage.filter != "none"]
    found = {name: begun.get(name) for name in names}
    return [_stopped(name, h, planned) for name, h in found.items() if h is None or h.last < planned]


def _stopped(name: str, history: History | None, planned: int) -> str:
    return f"{name} did not begin" if history is None else f"{name} stopped at generation {history.last} of {planned}"
