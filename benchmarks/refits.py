"""The document score fitted again with some of its training text left out, and the scores it then gives.

Every document of authors.py is looked at once; a fit leaves out families, generators or origins, and its scores are
kept in a temporary folder under a name that changes with the texts, the features and the way of fitting.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import authors
import numpy as np
from numpy.typing import NDArray

import contam.synthetic
from contam.synthetic.features import Features, featurised, opening_keys
from contam.synthetic.fitting import Labels, fit_features
from contam_metrics.batch import Batch

FOLDER = Path(tempfile.gettempdir()) / "contam-refits"
MADE_OF = ("features.py", "fitting.py", "score.py", "scores/words.npz")


@dataclass(frozen=True, slots=True)
class Left:
    """What a fit does not know: families of text, generators, origins (or whole datasets) of the labelled sets."""

    families: frozenset[str] = frozenset()
    generators: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """All that is left out, in one line."""
        return "; ".join(", ".join(sorted(part)) for part in (self.families, self.generators, self.origins))


@dataclass(frozen=True, slots=True)
class Pool:
    """Every text once: its features, its key (which gives the hash order), and the scores of the fits made so far."""

    texts: tuple[str, ...]
    place: dict[str, int]
    features: Features
    keys: NDArray[np.uint64]
    digest: str
    known: dict[Left, NDArray[np.float64]] = field(default_factory=dict)

    def rows(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """Where some texts are, without those that are too short for a score."""
        found = np.array([self.place[t] for t in texts], np.int64)
        return found[self.features.usable[found]]

    def usable(self, text: str) -> bool:
        """Whether a text is long enough for a score."""
        return bool(self.features.usable[self.place[text]])

    def scores(self, left: Left = Left()) -> NDArray[np.float64]:
        """The score of every text by a fit that does not know what ``left`` names."""
        if left not in self.known:
            self.known[left] = self._kept(left)
        return self.known[left]

    def _kept(self, left: Left) -> NDArray[np.float64]:
        rows = authors.training_rows(left.families, left.generators, without_origins=left.origins)
        name = hashlib.blake2b((self.digest + "\n".join(rows.texts)).encode(), digest_size=12).hexdigest()
        path = FOLDER / f"{name}.npy"
        if not path.exists():
            print(f"fitting without {left.name}", file=sys.stderr, flush=True)
            FOLDER.mkdir(exist_ok=True)
            part = path.with_suffix(f".{os.getpid()}.npy")
            np.save(part, self._fitted(rows))
            part.rename(path)
        return np.load(path)

    def _fitted(self, rows: authors.TrainingRows) -> NDArray[np.float64]:
        places = np.array([self.place[t] for t in rows.texts], np.int64)
        machine, sources = np.zeros(len(self.texts), bool), [""] * len(self.texts)
        for i, made, source in zip(places.tolist(), rows.machine, rows.sources):
            machine[i], sources[i] = made, source
        return fit_features(self.features, Labels(machine, sources, {}), places).of_features(self.features)


@cache
def pool() -> Pool:
    """All documents of authors.py, and what is seen of them."""
    found: dict[str, None] = {}
    for domain in authors.human_domains():
        found.update(dict.fromkeys(domain.texts))
    for s in authors.machine_sets():
        found.update(dict.fromkeys((*s.texts, *s.human)))
    texts = tuple(found)
    batch = Batch.of(texts)
    features, keys = featurised(batch), opening_keys(batch)
    return Pool(texts, {t: i for i, t in enumerate(texts)}, features, keys, _digest(texts))


def _digest(texts: Iterable[str]) -> str:
    made = hashlib.blake2b(digest_size=12)
    for name in MADE_OF:
        made.update((Path(contam.synthetic.__file__).parent / name).read_bytes())
    for text in texts:
        made.update(text.encode() + b"\0")
    return made.hexdigest()
