"""Whole-corpus figures of the English human sources, for `contam rule` to count who trips an absolute rule.

``python benchmarks/rule_rates.py`` writes ``contam/profiles/english.whole.json``: figures, no text.
"""

from __future__ import annotations

import json
from pathlib import Path

import sources

from contam.rules import RULES
from contam_metrics.batch import Batch
from contam_metrics.streaming import METRICS
from contam_metrics.view import Scratch, View

TARGET = Path(__file__).parents[1] / "contam" / "profiles" / "english.whole.json"
FRESH = "texts with the same opening were left out when the sources were made"
NOTES = {"duplicates.exact": FRESH, "duplicates.near": FRESH}


def figures(texts: tuple[str, ...], scratch: Scratch) -> dict[str, float]:
    """Every whole-corpus figure of one source."""
    metrics = [kind() for kind in METRICS]
    view = View(Batch.of([text.encode() for text in texts]), scratch)
    found: dict[str, float] = {}
    for metric in metrics:
        metric.update(view)
        found |= {key: reading.value for key, reading in metric.figures().items()}
    return found


def _table(columns: list[str], rows: dict[str, list[float]]) -> str:
    """JSON with one source a line, so that a change shows in a diff."""
    head = json.dumps({"profile": "english", "columns": columns, "notes": NOTES}, indent=1)
    lines = (f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    return head[: head.rindex("}")].rstrip() + ',\n "sources": {\n' + ",\n".join(lines) + "\n }\n}\n"


def main() -> None:
    """Measure and write."""
    columns = [rule.reads for rule in RULES if rule.scope == "whole"]
    scratch, rows = Scratch(), {}
    for source in sources.english():
        found = figures(source.texts, scratch)
        rows[source.name] = [len(source.texts), *(round(found[key], 6) for key in columns)]
    TARGET.write_text(_table(["documents", *columns], rows), encoding="utf-8")
    print(f"{len(rows)} sources, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
