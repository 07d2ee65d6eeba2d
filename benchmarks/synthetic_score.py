"""The document score: trains it, writes it, and measures it on sources that it does not know.

    python benchmarks/synthetic_score.py words        writes contam/synthetic/scores/words.npz
    python benchmarks/synthetic_score.py write        writes contam/synthetic/scores/english.npz

Reads the shared development data (see authors.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from authors import TrainingRows, training_rows
from sources import rows

from contam.synthetic.features import WordTable, featurised
from contam.synthetic.fitting import Labels, fit_features
from contam_metrics.batch import Batch

SCORES = Path(__file__).parents[1] / "contam" / "synthetic" / "scores"
PUBLIC = ("english_novels", "inaugural", "peps")
"""Texts in the public domain, from which the frequencies of words are taken."""
FEWEST = 3
"""Times that a word of the table occurs."""


def labels(found: TrainingRows) -> Labels:
    """What a score is told of its training rows, and keeps."""
    human = sorted({s for s, m in zip(found.sources, found.machine) if not m})
    machine = sorted({f"{s}: {g}" for s, g, m in zip(found.sources, found.generators, found.machine) if m})
    return Labels(np.array(found.machine), found.sources, {"human": human, "generators": machine})


def write_words() -> None:
    """The table of frequencies."""
    texts: Iterable[str] = (r["text"] for name in PUBLIC for r in rows(f"human/{name}.jsonl.zst"))
    WordTable.of([Batch.of(texts)], FEWEST).save(SCORES / "words.npz")


def write() -> None:
    """The shipped score."""
    found = training_rows()
    score = fit_features(featurised(found.texts), labels(found))
    score.save(SCORES / "english.npz")
    print(len(found.texts), "texts;", score.trained_on)


PARTS: dict[str, Callable[[], None]] = {"words": write_words, "write": write}

if __name__ == "__main__":
    PARTS[sys.argv[1]]()
