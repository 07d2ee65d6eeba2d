"""A published claim as judged here: what was expected, what was measured, and whether it held."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from contam.experiments.run import finite
from contam.reports import write_whole
from contam.reports.page import Page, Section, Sentences, Table
from contam.result import SCHEMA_VERSION

CONFIRMED, CONTRADICTED, NOT_TESTED = "confirmed", "contradicted", "not_tested"
CLAIMS = "claims.json"
_MARKS = {CONFIRMED: "pass", CONTRADICTED: "fail"}


@dataclass(frozen=True)
class Claim:
    """One claim as judged for a run: ``measured`` in words, ``figures`` as numbers (None: never reached)."""

    id: str
    source: str
    statement: str
    expected: str
    measured: str
    tolerance: str
    status: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """As it stands in claims.json."""
        return {**asdict(self), "figures": dict(self.figures)}


@dataclass(frozen=True)
class ClaimsRun:
    """Claims that a command has tested, as a result of its own."""

    command: str
    title: str
    claims: tuple[Claim, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def exit_code(self, fail_on: str = "never") -> int:
        """Always 0: a contradicted claim is a result."""
        return 0

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        from contam import __version__

        head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        body = {"command": self.command, "claims": [claim.to_dict() for claim in self.claims]}
        return finite(head | body | {"notes": list(self.notes), "seconds": self.seconds})

    def draw(self, full: bool = False) -> Page:
        """A table of the claims, and what was measured of each."""
        count = {status: sum(c.status == status for c in self.claims) for status in (CONFIRMED, CONTRADICTED)}
        told = f"{count[CONFIRMED]} of {len(self.claims)} claims confirmed, {count[CONTRADICTED]} contradicted"
        sections = [Section(told, (claims_table(self.claims),))]
        if self.notes:
            sections.append(Section("", (Sentences(self.notes),)))
        return Page(self.title, None, tuple(sections), f"{self.seconds:.0f} s")


def claims_table(claims: Sequence[Claim]) -> Table:
    """A row a claim: status, statement, what was expected and measured, within which tolerance."""
    rows = tuple((c.id, c.status.replace("_", " "), _told(c)) for c in claims)
    marks = tuple(_MARKS.get(claim.status, "skipped") for claim in claims)
    return Table(("claim", "status", "what was claimed, and what was measured"), rows, marks)


def _told(claim: Claim) -> str:
    if claim.status == NOT_TESTED:
        return f"{claim.statement} {claim.measured}"
    within = f" ({claim.tolerance})" if claim.tolerance else ""
    return f"{claim.statement} Expected: {claim.expected}{within}. Measured: {claim.measured}"


def write_claims(folder: Path, claims: Sequence[Claim]) -> None:
    """``claims.json``."""
    body = finite({"claims": [claim.to_dict() for claim in claims]})
    write_whole(folder / CLAIMS, json.dumps(body, indent=1, allow_nan=False) + "\n")
