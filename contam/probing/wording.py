"""How the report of a probe writes names, levels, estimates and drifts."""

from __future__ import annotations

from contam.probing.result import Checkpoint, Drift, Estimate, Generation, Probe
from contam.probing.trajectory import called
from contam.reports.audit_page import plural
from contam.reports.page import Section, Sentences
from contam.result import Level
from contam.wording import probability


def sentences(title: str, items: tuple[str, ...]) -> Section | None:
    return Section(title, (Sentences(items),)) if items else None


def named(checkpoint: Checkpoint) -> str:
    return called(checkpoint.name, checkpoint.step)


def of(probe: Probe, shown: Checkpoint) -> str:
    """Whose figures these are, where several checkpoints were asked about."""
    return f" ({named(shown)})" if len(probe.checkpoints) > 1 else ""


def level_told(level: str) -> str:
    return "not judged" if level == Level.INSUFFICIENT else level.replace("_", " ")


def reference_told(made: Generation) -> str:
    reference = made.reference
    count = plural(reference.sources, "null pair" if reference.paired else "source")
    size = f", {reference.matched_tokens:,} matched words" if reference.matched_tokens else ""
    return f"{reference.name} ({count}{size})"


def p_told(made: Generation) -> str:
    p = made.verdict.p_value
    if p is None:
        return "samples not judged" if made.verdict.level is Level.INSUFFICIENT else "samples without a p-value"
    count = plural(made.reference.sources, "pair" if made.reference.paired else "source")
    return f"samples p = {probability(p)} against {count}".replace("= <", "<")


def value_told(estimate: Estimate, digits: int) -> tuple[str, str]:
    """The value and its interval."""
    ends = estimate.interval
    return f"{estimate.value:.{digits}f}", f"{ends[0]:.{digits}f} to {ends[1]:.{digits}f}" if ends else "-"


def moved_told(estimate: Estimate, digits: int) -> str:
    """A difference with its sign, and its interval."""
    ends = estimate.interval
    within = f" ({ends[0]:.{digits}f} to {ends[1]:.{digits}f})" if ends else ""
    return f"{signed(estimate.value, digits)}{within}"


def signed(value: float, digits: int) -> str:
    """A difference with its sign, never ``-0.00``."""
    return f"{round(value, digits) + 0.0:+.{digits}f}"


def change_told(estimate: Estimate | None) -> str:
    return "-" if estimate is None else moved_told(estimate, 3)


def ece_change(drift: Drift | None) -> str:
    return "-" if drift is None or drift.ece is None else signed(drift.ece, 3)


def or_dash(p: float | None) -> str:
    return "-" if p is None else probability(p)
