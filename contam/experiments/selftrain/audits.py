"""The audit's verdict on what a run has generated: the texts of its last quarter, for every model and rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import contam
from contam.errors import InputError
from contam.experiments.run import read_lines
from contam.experiments.selftrain.history import Run
from contam.reports import write_whole

AUDIT = "audit.json"


def write_audits(folder: Path, run: Run, seed: int) -> list[dict[str, Any]]:
    """Audit each group of seeds on its own and write ``audit.json``; what has no words is told, not judged."""
    found = []
    for (model, rate), members in run.groups().items():
        last = max(member.last for member in members)
        first = last - last // 4
        texts = [text for member in members for text in _texts(folder, member.name, first)]
        head = {"model": model, "learning_rate": rate, "iterations": [first, last], "texts": len(texts)}
        found.append(head | _audited(texts, seed))
    body = {"schema_version": 1, "tool": {"name": "contam", "version": contam.__version__}, "command": "selftrain"}
    write_whole(folder / AUDIT, json.dumps(body | {"audits": found}, indent=1, allow_nan=False) + "\n")
    return found


def _texts(folder: Path, name: str, first: int) -> list[str]:
    rows = read_lines(folder / "samples" / f"{name}.jsonl")
    return [row["text"] for row in rows if row["iteration"] >= first]


def _audited(texts: list[str], seed: int) -> dict[str, Any]:
    try:
        result = contam.audit(texts, seed=seed).to_dict()
    except InputError as error:
        return {"level": "insufficient_evidence", "reason": str(error), "audit": None}
    return {"level": result["verdict"]["level"], "reason": "; ".join(result["verdict"]["reasons"]), "audit": result}
