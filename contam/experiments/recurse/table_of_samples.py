"""What the generations wrote, side by side: the beginning of the same document at a few generations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contam.experiments.recurse.history import History, Run
from contam.experiments.selftrain.table_of_samples import told
from contam.reports.page import Block, Excerpt, Excerpts, Table

_SHOWN = 320


def shown_generations(last: int) -> tuple[int, ...]:
    """Generations 0, 1, the middle and the last: what tables and samples show."""
    return tuple(sorted({g for g in (0, 1, round(last / 2), last) if 0 <= g <= last}))


def table_of_samples(folder: Path, run: Run) -> tuple[Block, ...]:
    """How document 0 begins: of generation 0, which all groups share, and a row a group (its first seed) with a column
    a generation for the others. Nothing where no text was kept."""
    generations = [generation for generation in shown_generations(run.last) if generation]
    texts = {group.name: samples_of(folder, group.seeds[0]) for group in run.groups}
    first = next((found[0] for found in texts.values() if 0 in found), None)
    start = (Excerpts((Excerpt("generation 0", "learned from human text alone", beginning(first)),)),) if first else ()
    rows = tuple(
        (name, *(beginning(found[g]) if g in found else "-" for g in generations))
        for name, found in texts.items()
        if any(g in found for g in generations)
    )
    if not rows:
        return start
    return (*start, Table(("group", *(f"gen. {g}" for g in generations)), rows, header=True))


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
