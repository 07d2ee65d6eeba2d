"""A published claim as judged here: what was expected, what was measured, and whether it held."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.experiments.run import finite
from contam.reports import write_whole
from contam.result import SCHEMA_VERSION

if TYPE_CHECKING:
    from contam.reports.page import Page

CONFIRMED, CONTRADICTED, NOT_TESTED = "confirmed", "contradicted", "not_tested"
CLAIMS = "claims.json"


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
    """Claims that a command has tested, as a result of its own; ``notes`` are sentences about them."""

    claims: tuple[Claim, ...]
    seconds: float = 0.0
    command: str = "simulate"
    title: str = "contam simulate --claims"
    notes: tuple[str, ...] = ()

    def exit_code(self, fail_on: str = "never") -> int:
        """Always 0: a contradicted claim is a result."""
        return 0

    def draw(self, full: bool = False) -> Page:
        """Its page."""
        from contam.reports.claims_page import draw_claims

        return draw_claims(self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        from contam import __version__

        head = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        body = {"command": self.command, "claims": [claim.to_dict() for claim in self.claims]}
        return finite(head | body | {"notes": list(self.notes), "seconds": self.seconds})


def write_claims(folder: Path, claims: Sequence[Claim]) -> None:
    """``claims.json``."""
    body = finite({"claims": [claim.to_dict() for claim in claims]})
    write_whole(folder / CLAIMS, json.dumps(body, indent=1, allow_nan=False) + "\n")
