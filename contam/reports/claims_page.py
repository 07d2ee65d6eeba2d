"""Claims that were tested, as a page: the table, and below whose each is and what was claimed."""

from __future__ import annotations

from collections.abc import Sequence

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim, ClaimsRun
from contam.reports.page import Page, Section, Sentences, Table

_MARKS = {CONFIRMED: "pass", CONTRADICTED: "fail"}


def draw_claims(run: ClaimsRun) -> Page:
    """The page of all claims of a run."""
    sections = [Section("Claims", (_judged(run.claims),)), Section("What was claimed", (_claimed(run.claims),))]
    if run.notes:
        sections.append(Section("Notes", (Sentences(run.notes),)))
    return Page(f"{run.title}: {_counted(run.claims)}", None, tuple(sections), f"{run.seconds:.1f} s")


def _judged(claims: Sequence[Claim]) -> Table:
    rows = tuple((c.id, c.status.replace("_", " "), _time(c), _measured(c)) for c in claims)
    marks = tuple(_MARKS.get(claim.status, "skipped") for claim in claims)
    return Table(("id", "status", "time", "expected, measured, tolerance"), rows, marks, header=True)


def _time(claim: Claim) -> str:
    return "-" if claim.status == NOT_TESTED else f"{claim.seconds:.1f} s"


def _measured(claim: Claim) -> str:
    if claim.status == NOT_TESTED:
        return claim.measured
    return f"expected {claim.expected}. Measured {claim.measured.rstrip('.')}. Tolerance: {claim.tolerance}"


def _claimed(claims: Sequence[Claim]) -> Table:
    rows = tuple((claim.id, f"{claim.statement} [{claim.source}]") for claim in claims)
    return Table(("id", "claim, and whose it is"), rows, header=True)


def _counted(claims: Sequence[Claim]) -> str:
    counts = {status: sum(claim.status == status for claim in claims) for status in (CONFIRMED, CONTRADICTED)}
    rest = len(claims) - sum(counts.values())
    return ", ".join(f"{n} {status}" for status, n in counts.items()) + (f", {rest} not tested" if rest else "")
