"""Reads a whole corpus for a test: its documents by id, what was skipped, and what the tasks said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contam.corpus import Corpus, ReadOptions


@dataclass(frozen=True)
class Read:
    """A corpus that has been read."""

    documents: dict[str, bytes]
    skipped: list[tuple[str, str, int | None]]
    notes: list[str]
    consumed: int
    corpus: Corpus

    @property
    def texts(self) -> list[str]:
        """The documents in the order of their ids' lines."""
        return [t.decode() for t in self.documents.values()]

    @property
    def reasons(self) -> str:
        """Every reason, one below the other."""
        return "\n".join(f"{Path(path).name}:{line}: {reason}" for path, reason, line in self.skipped)


def collect(corpus: Corpus) -> Read:
    """All of a corpus."""
    documents: dict[str, bytes] = {}
    skipped = [(s.path, s.reason, s.line) for s in corpus.skipped]
    notes = list(corpus.notes)
    consumed = 0
    for task in corpus.tasks():
        chunk = task.decode()
        assert len(chunk.batch) == len(chunk.lines)
        end = chunk.batch.offsets[-1]
        assert (chunk.batch.data[end : end + 64] == 0).all()
        assert len(chunk.batch.data) >= end + 64
        for i in range(len(chunk.batch)):
            name = chunk.id(i)
            assert name not in documents
            documents[name] = chunk.batch.text(i)
        skipped += [(s.path, s.reason, s.line) for s in chunk.skipped]
        assert chunk.skipped_total >= len(chunk.skipped)
        notes += chunk.notes
        consumed += chunk.consumed
    ordered = sorted(documents.items(), key=lambda item: _order(item[0]))
    return Read(dict(ordered), skipped, notes, consumed, corpus)


def _order(name: str) -> tuple[str, int]:
    path, _, line = name.rpartition(":")
    return path, int(line)


def read(*paths: Any, **options: Any) -> Read:
    """All of what some paths give."""
    return collect(Corpus.open(paths, ReadOptions(**options)))
