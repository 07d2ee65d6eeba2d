"""A published claim as judged here: what was expected, what was measured, and whether it held."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from contam.experiments.run import finite
from contam.reports import write_whole

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


def write_claims(folder: Path, claims: Sequence[Claim]) -> None:
    """``claims.json``."""
    body = finite({"claims": [claim.to_dict() for claim in claims]})
    write_whole(folder / CLAIMS, json.dumps(body, indent=1, allow_nan=False) + "\n")
