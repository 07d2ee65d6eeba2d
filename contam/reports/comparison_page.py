"""A comparison as a page: what differs beyond noise first, then every figure of both sides."""

from __future__ import annotations

from contam.comparing import BEYOND, UNKNOWN, Comparison, Drift
from contam.reports.page import Page, Section, Sentences, Table
from contam.result import Audit
from contam.wording import name_of, probability, written

_READ = "side, of what lies beyond noise: toward or away from where collapse moves the figure"
_COLUMNS = ("figure", "base", "head", "difference", "95 % interval", "side")


def draw_comparison(comparison: Comparison) -> Page:
    """The page of a comparison."""
    base, head = comparison.base, comparison.head
    title = f"contam compare: {_name(base)} (base) and {_name(head)} (head)"
    result = Section("Result", (Sentences((*comparison.notes, *_findings(comparison))),))
    sections = [result, _table(comparison), _verdicts(base, head)]
    lost = _lost(comparison)
    if lost:
        sections.append(Section("Without a noise estimate", (Sentences(lost),)))
    return Page(title, None, tuple(sections))


def _lost(comparison: Comparison) -> tuple[str, ...]:
    """Figures without a noise estimate, by reason."""
    reasons: dict[str, list[str]] = {}
    for key, drift in comparison.drifts.items():
        if drift.status == UNKNOWN:
            reasons.setdefault(drift.reason or "no reason given", []).append(name_of(key))
    return tuple(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


def _findings(comparison: Comparison) -> tuple[str, ...]:
    compared = [drift for drift in comparison.drifts.values() if drift.status != UNKNOWN]
    if not compared:
        return ("nothing could be compared: no figure has an interval on both sides, at one size",)
    beyond = comparison.beyond
    toward = [key for key in beyond if comparison.drifts[key].toward_collapse]
    found = [f"{len(beyond)} of {len(compared)} figures differ beyond noise"]
    if toward:
        found.append(f"toward collapse: {', '.join(name_of(key) for key in toward)}")
    other = [key for key in beyond if key not in toward]
    if other:
        found.append(f"the other way: {', '.join(name_of(key) for key in other)}")
    chance = f"about {0.05 * len(compared):.1f} of {len(compared)} would do so by chance alone"
    return (*found, f"{chance}; a difference is not a verdict: authors and topics differ too", _READ)


def _table(comparison: Comparison) -> Section:
    drifts = comparison.drifts
    rows = tuple((name_of(key), *_cells(key, drift)) for key, drift in drifts.items())
    marks = tuple("warn" if drift.status == BEYOND else "" for drift in drifts.values())
    return Section("Figures (difference is head minus base)", (Table(_COLUMNS, rows, marks, True),))


def _cells(key: str, drift: Drift) -> tuple[str, ...]:
    interval = "" if drift.interval is None else " to ".join(map(_signed, drift.interval))
    difference = "" if drift.difference is None else _signed(drift.difference)
    mark = ""
    if drift.status == BEYOND:
        mark = "toward" if drift.toward_collapse else "away"
    return written(drift.base, key), written(drift.head, key), difference, interval, mark


def _verdicts(base: Audit, head: Audit) -> Section:
    told = tuple(f"{side}: {_verdict(audit)}" for side, audit in (("base", base), ("head", head)))
    return Section("Verdicts of the single audits", (Sentences(told),))


def _verdict(audit: Audit) -> str:
    verdict = audit.verdict
    p = "" if verdict.p_value is None else f", p = {probability(verdict.p_value)}".replace("= <", "<")
    return f"{verdict.level.value.replace('_', ' ')}{p} against {audit.reference.name}"


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 1000 else f"{value:+.3g}"


def _name(audit: Audit) -> str:
    return ", ".join(audit.corpus.sources[:2]) + (" ..." if len(audit.corpus.sources) > 2 else "")
