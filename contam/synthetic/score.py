"""The document score: a fixed number for each document, larger where it reads more like an instruct model's text.

It is the weighted sum of two logistic regressions, each divided by its standard deviation over training texts: one on
figures of style, one on character n-grams. It is fixed before any audit. It orders the documents of one source; what
value is usual differs from source to source, so that a value alone says nothing of a document. Text of base models,
which were not taught to answer, scores at or below human text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError, UsageError
from contam.synthetic.features import GRAMS, NAMES, Features, featurised, opening_keys
from contam_metrics.batch import Batch

__all__ = ["CLIP", "Score", "opening_keys"]

FORMAT = 1
CLIP = 4.0
"""Standardised figures beyond this count as this."""
_FOLDER = Path(__file__).with_name("scores")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """A fitted score. ``centre``, ``scale`` and ``weights`` float32[len(NAMES)] belong to the dense features,
    ``grams`` float32[GRAMS] to the n-grams' square-root counts at unit length; ``offset`` makes 0 even odds of the
    training texts. ``trained_on``: ``human`` and ``generators``, lists of names."""

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    grams: NDArray[np.float32]
    offset: float
    trained_on: Mapping[str, Any]

    @classmethod
    def load(cls, name: str = "english") -> Score:
        """The shipped score, or one that `save` wrote; UsageError for an unknown name, InputError for a bad file."""
        return _load(name)

    def save(self, path: str | Path) -> None:
        """Write the score as one file; n-gram weights in half precision."""
        meta = {"format": FORMAT, "names": list(NAMES), "offset": self.offset, "trained_on": dict(self.trained_on)}
        with Path(path).open("wb") as file:
            np.savez_compressed(
                file,
                meta=np.frombuffer(json.dumps(meta, ensure_ascii=False).encode(), np.uint8),
                dense=np.stack([self.centre, self.scale, self.weights]).astype(np.float32),
                grams=self.grams.astype(np.float16),
            )

    def of(self, batch: Batch) -> Floats:
        """The score of each document, float64[D]; nan where it has fewer words than are read."""
        return self.of_features(featurised(batch))

    def of_texts(self, texts: Iterable[str | bytes]) -> Floats:
        """The score of each text."""
        return self.of(Batch.of(texts))

    def of_features(self, features: Features) -> Floats:
        """The score of documents whose features are known."""
        total = self.dense_part(features) + self.gram_part(features) + self.offset
        return np.where(features.usable, total, np.nan)

    def dense_part(self, features: Features) -> Floats:
        """What the dense features add, float64[D]."""
        values = standardised(features.dense, self.centre, self.scale) * self.weights.astype(np.float64)
        return values.sum(axis=1)  # unlike a matrix product the same to the last bit, whatever else is in the batch

    def gram_part(self, features: Features) -> Floats:
        """What the character n-grams add, float64[D]."""
        values = np.sqrt(features.counts) * self.grams[features.buckets]
        sums = _sums(values, features.bounds)
        return sums / np.sqrt(np.maximum(_sums(features.counts, features.bounds), 1.0))


def standardised(dense: NDArray[np.float32], centre: NDArray[np.float32], scale: NDArray[np.float32]) -> Floats:
    """Dense features in standard deviations of the training texts, clipped."""
    return np.clip((dense.astype(np.float64) - centre) / scale, -CLIP, CLIP)


def _sums(values: NDArray[Any], bounds: NDArray[np.int64]) -> Floats:
    """The sum of each document's values."""
    out = np.zeros(len(bounds) - 1)
    filled = np.flatnonzero(np.diff(bounds))
    if len(filled):
        out[filled] = np.add.reduceat(values.astype(np.float64), bounds[:-1][filled])
    return out


@cache
def _load(name: str) -> Score:
    path = Path(name) if name.endswith(".npz") else _FOLDER / f"{name}.npz"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in _FOLDER.glob("*.npz") if p.stem != "words"))
        raise UsageError(f"no document score {name!r}: there is {known}, or give a file that ends in .npz")
    try:
        with np.load(path) as file:
            meta = json.loads(file["meta"].tobytes())
            dense, grams = file["dense"], file["grams"].astype(np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} is no document score: {error}") from error
    if meta.get("format") != FORMAT or meta["names"] != list(NAMES) or grams.shape != (GRAMS,):
        raise InputError(f"{path} was made by another version of contam: fit it again")
    return Score(dense[0], dense[1], dense[2], grams, float(meta["offset"]), meta["trained_on"])
