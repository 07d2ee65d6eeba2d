"""Checkpoints in order on the page of a probe: the table of them, and what turned first."""

from __future__ import annotations

from collections.abc import Sequence

from contam.probing.result import Checkpoint, Trajectory, Turn
from contam.probing.trajectory import VALIDATION, brief, first_signatures, place_of, title_of
from contam.probing.wording import (
    level_told,
    moved_told,
    or_dash,
    signed,
)
from contam.reports.audit_page import plural
from contam.reports.escape import shorten
from contam.reports.page import Block, Section, Sentences, Table
from contam.wording import probability, written

_ROWS, _TURNS, _NAMED = 12, 8, 3
"""Checkpoints, turned figures and names of figures that a terminal has room for."""
_NAME = 20
_MARKS = {"collapsing": "fail", "at_risk": "warn", "healthy": "pass", "insufficient_evidence": "skipped"}


def first_told(found: Trajectory) -> str:
    """``turned first: entropy of own text (step 20), 2 checkpoints before the loss on news``."""
    loss = next((turn for turn in found.turns if turn.key.startswith(VALIDATION) and turn.lead == 0), None)
    when = f"{title_of(loss.key)} turned at {place_of(found, loss.turned)}" if loss and loss.turned is not None else ""
    first = first_signatures(found)
    if not first or first[0].turned is None:
        return f"only the {when}" if when else "no figure has turned"
    names = [title_of(turn.key) for turn in first]
    named = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    told = f"{named} ({place_of(found, first[0].turned)})"
    lead = first[0].lead
    if not loss or lead is None:
        return f"turned first: {told}; the loss on human text has not turned"
    if lead < 0:
        return f"the {when}, before every other figure; then {told}"
    ahead = f"{plural(lead, 'checkpoint')} before" if lead else "together with"
    return f"turned first: {told}, {ahead} the {title_of(loss.key)}"


def checkpoints_section(series: Sequence[Checkpoint], found: Trajectory | None, full: bool) -> Section | None:
    if found is None or len(series) != len(found.names) or len(series) < 3:
        return None
    kept = range(len(series)) if full else _some(found)
    rows = tuple(_checkpoint(series[i], found, i, full) for i in kept)
    marks = tuple(_MARKS.get(found.levels[i], "") for i in kept)
    columns = ("checkpoint", "level", "human", "drift", "own", "p", "alarm")
    text = series[0].texts[0].name if series[0].texts else "no text"
    read = (
        f"human: nats a token on {brief(text)}; drift: that less the baseline's; own: entropy of own text, nats a "
        f"token; p: what it writes against the baseline's samples; alarm: p of {probability(found.alarm_level)} or less"
    )
    rate = f"any false alarm in such a series: at most {100 * found.family_rate:.0f} %"
    said = any(f"{100 * found.family_rate:.0f} %" in note for note in found.notes)
    told = [read, *([] if said or found.family_rate >= 1 else [rate]), *found.notes]
    if len(kept) < len(series):
        told.insert(0, f"{len(kept)} of {len(series)} checkpoints; the full report has all")
    return Section("Checkpoints", (Table(columns, rows, marks, True), Sentences(tuple(told))))


def _checkpoint(checkpoint: Checkpoint, found: Trajectory, index: int, full: bool) -> tuple[str, ...]:
    text = checkpoint.texts[0] if checkpoint.texts else None
    drift = text.drift.nats if text and text.drift else None
    p = found.p_values[index]
    name = place_of(found, index) + (" (baseline)" if index == 0 else "")
    return (
        shorten(name, 60 if full else _NAME),
        level_told(found.levels[index]),
        f"{text.nats.value:.3f}" if text else "-",
        "-" if drift is None else moved_told(drift, 3) if full else signed(drift.value, 3),
        f"{checkpoint.generation.own.value:.3f}",
        "-" if p is None else probability(p),
        "alarm" if index in found.alarms else "",
    )


def _some(found: Trajectory) -> Sequence[int]:
    """At most so many checkpoints as a terminal has room for: ends, first alarm, failure, others evenly spread."""
    count = len(found.names)
    if count <= _ROWS:
        return range(count)
    kept = {0, count - 1, *found.alarms[:1], *([] if found.failed is None else [found.failed])}
    spread = [round(i * (count - 1) / (_ROWS - 1)) for i in range(_ROWS)]
    for index in spread[1:-1]:
        if len(kept) < _ROWS:
            kept.add(index)
    return sorted(kept)


def turns_section(found: Trajectory | None, full: bool) -> Section | None:
    """What turned first, and the order in which all did; of one checkpoint, what is beyond its limit."""
    if found is None or not found.turns:
        return None
    turned = [turn for turn in found.turns if turn.turned is not None]
    still = [title_of(turn.key) for turn in found.turns if turn.turned is None]
    if len(found.names) == 2:
        names = [title_of(turn.key) for turn in turned]
        told = [f"beyond the limit: {some_of(names, full)}" if names else "no figure is beyond its limit"]
        told += [f"within: {some_of(still, full)}"] if still else []
        return Section("Against the baseline", (Sentences((*told, *found.notes)),))
    shown = turned if full else turned[:_TURNS]
    told = [first_told(found)]
    told += [f"{len(turned) - len(shown)} more turned later"] if len(shown) < len(turned) else []
    told += [f"not turned: {some_of(still, full)}"] if still else []
    blocks: list[Block] = [Sentences(tuple(told))]
    if shown:
        columns = ("figure", "turned", "lead", "p", "from", "to")
        blocks.append(Table(columns, tuple(_turn(turn, found) for turn in shown), header=True))
        blocks.append(Sentences(_how_to_read(found)))
    return Section("Which figure turned first", tuple(blocks))


def _turn(turn: Turn, found: Trajectory) -> tuple[str, ...]:
    known = [value for value in turn.values if value is not None]
    ends = (written(known[0], turn.key), written(known[-1], turn.key)) if known else ("-", "-")
    at = "-" if turn.turned is None else shorten(place_of(found, turn.turned), 12)
    lead = "-" if turn.lead is None else f"{turn.lead:+d}"
    return shorten(title_of(turn.key), 30), at, lead, or_dash(turn.sign_flip), *ends


def _how_to_read(found: Trajectory) -> tuple[str, ...]:
    return (
        "turned: beyond its limit there and at the next two checkpoints, or at all that are left; lead: checkpoints "
        "ahead of the loss; p: sign-flip test of the whole series",
        f"{len(found.turns)} figures had as many chances to be first: a lead of one checkpoint over the next is none; "
        "in simulated series without any change, one of twenty turned in about a tenth of cases",
    )


def some_of(names: Sequence[str], full: bool) -> str:
    if full or len(names) <= _TURNS:
        return ", ".join(names)
    return f"{', '.join(names[: _TURNS - 1])} and {len(names) - _TURNS + 1} more"
