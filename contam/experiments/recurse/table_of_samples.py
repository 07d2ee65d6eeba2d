"""What the generations wrote, side by side: the beginning of the same document at a few generations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contam.experiments.recurse.history import History, Run
from contam.experiments.selftrain.table_of_samples import told
from contam.reports.page import Table

_SHOWN = 360


def shown_generations(last: int) -> tuple[int, ...]:
    """Generations 0, 1, the middle and the last: what tables and samples show."""
    return tuple(sorted({g for g in (0, 1, round(last / 2), last) if 0 <= g <= last}))


def table_of_samples(folder: Path, run: Run) -> Table | None:
    """A row a group (its first seed), a column a generation: how document 0 begins. None where nothing was kept."""
    generations = shown_generations(run.last)
    rows = []
    for group in run.groups:
        texts = samples_of(folder, group.seeds[0])
        if texts:
            rows.append((group.name, *(beginning(texts[g]) if g in texts else "-" for g in generations)))
    if not rows:
        return None
    return Table(("group", *(f"generation {g}" for g in generations)), tuple(rows), header=True)


def samples_of(folder: Path, lineage: History) -> dict[int, str]:
    """Document 0 of every generation that was kept, by generation."""
    return dict(_documents(folder / "samples" / f"{lineage.name}.jsonl"))


def beginning(text: str) -> str:
    """The beginning of a document on one line; long repetitions are counted, an empty document is called so."""
    shown = told(text).strip()
    if len(shown) > _SHOWN:
        shown = shown[:_SHOWN].rstrip() + "..."
    return shown or "(empty)"


def _documents(path: Path) -> Iterator[tuple[int, str]]:
    """(generation, first document) of a file of samples; a line that is torn or no sample is passed over."""
    if not path.is_file():
        return
    for row in path.read_bytes().splitlines():
        line = _decoded(row)
        documents = line.get("documents") if isinstance(line, dict) else None
        if isinstance(documents, list) and documents and isinstance(line.get("generation"), int):
            yield line["generation"], str(documents[0])


def _decoded(row: bytes) -> Any:
    try:
        return json.loads(row)
    except ValueError:
        return None
