"""A self-training run as a page: the verdict, the claims, what turned first, the pictures, what the model wrote."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim
from contam.experiments.selftrain.banner import STATES, banner_of, iterations_told
from contam.experiments.selftrain.claims import Group, groups_of, judge_claims, rule_of
from contam.experiments.selftrain.history import Run, read_run
from contam.experiments.selftrain.settings_table import limits_of, settings_of
from contam.experiments.selftrain.strips import title_of
from contam.experiments.selftrain.turning import Lead, Leads, leads, turning_points
from contam.reports import write_whole
from contam.reports.audit_page import plural
from contam.reports.page import Block, Excerpts, Page, Picture, Section, Sentences, Table

REPORT, FIGURES, AUDIT = "report.html", "figures", "audit.json"
_MARKS = {"collapsing": "fail", "diverged": "fail", "at_risk": "warn", "healthy": "pass"}
_STATUS = {CONFIRMED: "pass", CONTRADICTED: "fail"}
_NAMED = 3
_COLUMNS = 5
_NOT_DRAWN = "no pictures: matplotlib is not installed (pip install matplotlib)"


@dataclass(frozen=True, slots=True)
class Extras:
    """What a full report has beside the figures; ``notes`` are sentences about the run as such."""

    pictures: tuple[Picture, ...] = ()
    samples: tuple[tuple[str, Excerpts], ...] = ()
    audits: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()


def draw_run(run: Run, claims: Sequence[Claim], extras: Extras | None = None) -> Page:
    """The page of a run, finished or not; with ``extras`` (even empty ones) the full report, else the short one."""
    groups = tuple(group for group in groups_of(run, rule_of(run)) if group.outcomes)
    found = leads(run)
    sections = [_claims(claims), _first_signs(found), _outcomes(groups, len(run.models) > 1)]
    if extras is not None:
        sections += [_pictures(extras.pictures), _turns(found), _samples(extras.samples), _audits(extras.audits)]
        sections += [_settings(run), _limits(run, extras.notes)]
    kept = tuple(section for section in sections if section is not None)
    return Page(_title(run), banner_of(groups, claims), kept, _footer(run))


def full_page(folder: Path, claims: Sequence[Claim] | None = None, notes: Sequence[str] = ()) -> Page:
    """The full report of a run folder, whose ``figures/`` it draws; ``claims`` where they are judged already.

    Raises InputError where the folder holds no run.
    """
    from contam.experiments.selftrain.table_of_samples import table_of_samples

    run = read_run(folder)
    judged = judge_claims(run) if claims is None else claims
    pictures, missing = _drawn(folder, run)
    extras = Extras(pictures, table_of_samples(folder, run), _audited(folder), (*notes, *missing))
    return draw_run(run, judged, extras)


def write_report(folder: Path, claims: Sequence[Claim] | None = None, notes: Sequence[str] = ()) -> None:
    """Write ``figures/`` and ``report.html`` of a run folder; see `full_page`."""
    from contam.reports import html

    write_whole(folder / REPORT, html.render(full_page(folder, claims, notes)))


def _claims(claims: Sequence[Claim]) -> Section | None:
    rows = tuple((c.id, c.status.replace("_", " "), f"{c.statement} {_found(c)}") for c in claims)
    marks = tuple(_STATUS.get(claim.status, "skipped") for claim in claims)
    table = Table(("claim", "status", "what was claimed, and what was measured"), rows, marks)
    return Section("Claims of Herel & Mikolov (2024)", (table,)) if rows else None


def _found(claim: Claim) -> str:
    return claim.measured if claim.status == NOT_TESTED else f"Measured: {claim.measured}"


def _first_signs(found: Sequence[Leads]) -> Section | None:
    """Which signature turned first in every group, and how far ahead of the loss on human text."""
    told = tuple(_first_sign(group, len({g.model for g in found}) > 1) for group in found)
    return Section("Which signature turned first", (Sentences(told),)) if told else None


def _first_sign(group: Leads, several: bool) -> str:
    where = (f"{group.model}, " if several else "") + f"learning rate {group.learning_rate:g}"
    human = group.validation.median
    loss = title_of(group.validation.name)
    if not group.first:
        return f"{where}: nothing turned in most seeds" + (f", but {loss} at {human:g}" if human is not None else "")
    names = [title_of(lead.name) for lead in group.first]
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    first = group.first[0]
    after = f"{where}: {shown} at iteration {first.median:g} (median of {len(group.seeds)} seeds)"
    if human is None or first.lead is None:
        return f"{after}; {loss} has not turned in most seeds"
    ahead = max(lead.lead for lead in group.first if lead.lead is not None)
    return f"{after}, {_ahead(ahead)} the {loss} ({human:g})"


def _ahead(lead: float) -> str:
    if lead == 0:
        return "together with"
    return f"{iterations_told(abs(lead))} {'ahead of' if lead > 0 else 'after'}"


def _outcomes(groups: Sequence[Group], several: bool) -> Section | None:
    columns = ("rate", "state", "collapsed", "+1 nat", "halved", "peak", "own")
    rows = tuple(_outcome(group, several) for group in groups)
    marks = tuple(_MARKS[_state(group)] for group in groups)
    read = (
        "collapsed, +1 nat (human text), halved (own text): since which iteration, median over seeds; peak: highest "
        "loss on human text, nats above the untouched model; own: lowest loss on own text as a share of its start"
    )
    table = Table(("model, rate" if several else columns[0], *columns[1:]), rows, marks, True)
    return Section("Outcome by learning rate", (table, Sentences((read,)))) if rows else None


def _outcome(group: Group, several: bool) -> tuple[str, ...]:
    reached = (_iteration(group.reached(what)) for what in ("collapsed_at", "risen_at", "halved_at"))
    highest = _median(o.highest - o.start for o in group.outcomes)
    share = _median(o.own_share for o in group.outcomes)
    rise = "-" if highest is None else f"{highest:+.2f}"
    name = f"{group.model}, {group.learning_rate:g}" if several else f"{group.learning_rate:g}"
    return name, _state_told(group), *reached, rise, "-" if share is None else f"{100 * share:.0f} %"


def _state(group: Group) -> str:
    """The worst state that any seed of a group is in."""
    states = {str(outcome.state) for outcome in group.outcomes}
    return next(state for state in STATES if state in states)


def _state_told(group: Group) -> str:
    state = _state(group)
    count = sum(str(outcome.state) == state for outcome in group.outcomes)
    return state.replace("_", " ") + ("" if count == len(group.outcomes) else f" {count}/{len(group.outcomes)}")


def _iteration(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "-"


def _median(values: Any) -> float | None:
    found = [value for value in values if math.isfinite(value)]
    return statistics.median(found) if found else None


def _pictures(pictures: Sequence[Picture]) -> Section | None:
    return Section("Pictures", tuple(pictures)) if pictures else None


def _turns(found: Sequence[Leads]) -> Section | None:
    """When every figure turned, and its lead, for at most so many groups as a table has room for."""
    shown = [group for group in found if group.figures][:_COLUMNS]
    if not shown:
        return None
    several = len({group.model for group in found}) > 1
    heads = [f"{group.model}, {group.learning_rate:g}" if several else f"{group.learning_rate:g}" for group in shown]
    names = [lead.name for lead in shown[-1].figures]
    columns = [{lead.name: lead for lead in group.figures} for group in shown]
    first = (title_of(shown[0].validation.name), *(_turn(group.validation, False) for group in shown))
    rows = (first, *((title_of(name), *(_turn(column.get(name)) for column in columns)) for name in names))
    read = "Iteration at which a figure left the range of the untouched model for good, median over seeds"
    table = Table(("figure", *heads), rows, header=True)
    return Section("When each figure turned", (table, Sentences((f"{read}; in brackets, iterations ahead of loss",))))


def _turn(lead: Lead | None, with_lead: bool = True) -> str:
    if lead is None or lead.median is None:
        return "-"
    ahead = f" ({lead.lead:+g})" if with_lead and lead.lead is not None else ""
    return f"{lead.median:g}{ahead}"


def _samples(samples: Sequence[tuple[str, Excerpts]]) -> Section | None:
    blocks: list[Block] = []
    for title, excerpts in samples:
        blocks += [Sentences((title,)), excerpts]
    return Section("What the model wrote (Table 1)", tuple(blocks)) if blocks else None


def _audits(audits: Sequence[Mapping[str, Any]]) -> Section | None:
    rows = tuple(
        (f"{a.get('model')}, {a.get('learning_rate'):g}", str(a.get("level")).replace("_", " "), str(a.get("reason")))
        for a in audits
    )
    marks = tuple(_MARKS.get(str(audit.get("level")), "skipped") for audit in audits)
    table = Table(("model, rate", "level", "why"), rows, marks, True)
    return Section("The audit of the generated text (last quarter of the run)", (table,)) if rows else None


def _settings(run: Run) -> Section | None:
    rows = settings_of(run.plan)
    differing = tuple(str(item) for item in run.plan.get("departures") or run.plan.get("differs") or ())
    told = differing or ("nothing differs from the published set-up",)
    blocks = (Table(("setting", "value"), rows, header=True),) if rows else ()
    return Section("Settings, and what differs from the paper", (*blocks, Sentences(told)))


def _limits(run: Run, notes: Sequence[str]) -> Section | None:
    told = (*notes, *limits_of(run))
    return Section("What falls short", (Sentences(told),)) if told else None


def _title(run: Run) -> str:
    rates = ", ".join(f"{rate:g}" for rate in run.learning_rates)
    seeds = len({replica.seed for replica in run.replicas})
    last = max((replica.last for replica in run.replicas), default=0)
    size = f"{plural(seeds, 'seed')}; {plural(last, 'iteration')}"
    return f"contam selftrain: {', '.join(run.models)} (learning rate {rates}; {size})"


def _footer(run: Run) -> str:
    versions = run.plan.get("versions") or {}
    seconds = sum(float(line.get("seconds") or 0) for replica in run.replicas for line in replica.lines)
    parts = [f"{name} {version}" for name, version in versions.items()]
    return ", ".join([*parts, f"{seconds:.0f} s in iterations, summed over replicas"])


def _drawn(folder: Path, run: Run) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The pictures, written and as blocks; or none, and why."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return (), (_NOT_DRAWN,)
    from contam.experiments.selftrain.pictures import draw_pictures
    from contam.reports.plotting import write_pictures

    points = {r.name: turning_points(r, run.baseline_of(r.model)) for r in run.replicas}
    pictures = draw_pictures(run, points)
    write_pictures(folder / FIGURES, pictures)
    return tuple(Picture(p.svg, p.alt, p.caption, f"{FIGURES}/{p.name}.svg") for p in pictures), ()


def _audited(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """What ``audit.json`` says of the generated text; nothing where there is none."""
    try:
        found = json.loads((folder / AUDIT).read_text(encoding="utf-8"))["audits"]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    return tuple(audit for audit in found if isinstance(audit, dict) and "learning_rate" in audit)
