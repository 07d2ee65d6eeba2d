"""How surprising each document is to a language model, and which limits are ordinary."""

from __future__ import annotations

import math
import threading

import numpy as np
from numpy.typing import NDArray

from contam.corpus import Corpus
from contam.errors import InputError
from contam.formats.task import ReadOptions

LEAST_WORDS = 10
"""Shorter documents are never strange: a word or two can be anything."""
LEAST_DOCUMENTS = 100
"""Documents of trusted text that limits need: they are its 1 % and 99 % quantiles."""


class Scorer:
    """Bits per byte of documents under one model; one thread at a time computes."""

    def __init__(self, name: str, device: str = "auto", precision: str = "fp32") -> None:
        from contam.perplexity.surprise import load_model

        self.model = load_model(name, device, precision)
        self._lock = threading.Lock()

    def bits(self, texts: list[bytes]) -> NDArray[np.float64]:
        """Of each document; nan where it has fewer than `LEAST_WORDS` words, separated by white space."""
        from contam.models.scoring import Windowing, score_documents

        out = np.full(len(texts), math.nan)
        read = [text.decode("utf-8", "replace").strip() for text in texts]
        chosen = [i for i, text in enumerate(read) if len(text.split()) >= LEAST_WORDS]
        if chosen:
            with self._lock:
                asked = [read[i] for i in chosen]
                scored = score_documents(self.model.network, self.model.tokenizer, asked, Windowing())
            size = np.maximum(np.asarray(scored.bytes, np.float64), 1)
            out[chosen] = np.asarray(scored.document_nats()) / (math.log(2) * size)
        return out


def ordinary(scorer: Scorer, paths: list[str], reading: ReadOptions) -> tuple[float, float]:
    """The 1 % and 99 % quantiles of trusted documents; raises InputError where they are too few."""
    found = [np.empty(0)]
    for task in Corpus.open(paths, reading).tasks():
        batch = task.decode().batch
        found.append(scorer.bits([batch.text(i) for i in range(len(batch))]))
    bits = np.concatenate(found)
    bits = bits[np.isfinite(bits)]
    if len(bits) < LEAST_DOCUMENTS:
        raise InputError(
            f"{', '.join(paths)}: {len(bits)} documents of {LEAST_WORDS} words and more are too few for the limits of"
            f" PPL001 ({LEAST_DOCUMENTS} are needed): give them, --limit PPL001=LOW..HIGH"
        )
    low, high = np.quantile(bits, (0.01, 0.99))
    return float(low), float(high)
