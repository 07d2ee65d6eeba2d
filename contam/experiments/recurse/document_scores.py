"""What can be said of a single document: loops, repetition, copies, and how surprising a model finds it.

The figures are the audit's own, by its kernels: those that its document rules read (REP001, REP004, DUP001), and two
that its corpus rules read, on one document each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.experiments.recurse.backend import Trained
from contam.experiments.recurse.documents import Encoded
from contam_metrics.batch import Batch
from contam_metrics.gopher import PUBLISHED_LIMITS
from contam_metrics.repetition import seq_rep_documents
from contam_metrics.streaming.loops import loop_shares
from contam_metrics.streaming.repetition import gopher_shares
from contam_metrics.view import SEQ_REP_WORDS, Scratch, View

Floats = NDArray[np.float64]
GOPHER_RULES = tuple(PUBLISHED_LIMITS)
"""The columns of ``DocumentScores.gopher``."""
BATCH_CHARACTERS = 1 << 22


@dataclass(frozen=True, slots=True)
class DocumentScores:
    """Figures of D documents, in their order.

    ``words`` int64[D]. ``loop`` float64[D]: the share of a document that is loop, as REP001 reads it.
    ``gopher`` float64[D, 13]: the shares that Gopher's limits (REP004) are on, in the order of ``GOPHER_RULES``; 0
    where nothing can repeat. ``rep_4`` float64[D]: repeated 4-grams of the first 200 words (seq-rep-4, Welleck et al.
    2019), nan below 4 words. ``distinct_2`` float64[D]: different word pairs over all pairs of the first 200 words, nan
    below 2 words. ``copy`` bool[D]: whether the document is a byte for byte copy of an earlier one (DUP001).
    ``surprise`` float64[D]: nats a token under a model, nan where none was asked or the document has no token.
    """

    words: NDArray[np.int64]
    loop: Floats
    gopher: Floats
    rep_4: Floats
    distinct_2: Floats
    copy: NDArray[np.bool_]
    surprise: Floats
    contents: NDArray[np.uint64]
    """A hash of each document's bytes, the same on every machine."""

    def __len__(self) -> int:
        return len(self.words)


def score_texts(texts: Sequence[str], surprise: Floats | None = None) -> DocumentScores:
    """The figures of every document of a list; ``surprise`` [D] as from `surprise_of`."""
    known = np.full(len(texts), np.nan) if surprise is None else np.asarray(surprise, np.float64)
    if known.shape != (len(texts),):
        raise ValueError(f"surprise {known.shape} of {len(texts)} documents: expected one number a document")
    scratch = Scratch()
    parts = [_measured(View(Batch.of(chunk), scratch)) for chunk in _chunks(texts)]
    words, loop, gopher, rep_4, distinct_2, contents = map(np.concatenate, zip(*parts))
    first = np.unique(contents, return_index=True)[1]
    copy = np.ones(len(texts), bool)
    copy[first] = False
    return DocumentScores(words, loop, gopher, rep_4, distinct_2, copy, known, contents)


def surprise_of(model: Trained, documents: Encoded) -> Floats:
    """Nats a token of each document under a model, float64[D]; nan for one without a token."""
    predicted = model.predicted(documents)
    return np.where(predicted.tokens > 0, predicted.nats / np.maximum(predicted.tokens, 1), np.nan)


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Runs of documents of some millions of characters each; one empty run for no documents."""
    first = size = 0
    for i, text in enumerate(texts):
        if size and size + len(text) > BATCH_CHARACTERS:
            yield texts[first:i]
            first, size = i, 0
        size += len(text)
    yield texts[first:]


def _measured(view: View) -> tuple[NDArray, ...]:
    """Words, loop, Gopher's shares, seq-rep-4, distinct-2 and content hashes of the documents of one batch."""
    from contam_metrics.kernels import columns as k

    positions = view.ngrams[:, k.POSITIONS_4]
    rep_4 = np.where(positions > 0, view.ngrams[:, k.LATER_4] / np.maximum(positions, 1), np.nan)
    distinct_2 = 1 - seq_rep_documents(view.types.ids, view.words.bounds, 2, SEQ_REP_WORDS)
    shares = gopher_shares(view.ngrams, view.lines)
    gopher = np.stack([shares[rule] for rule in GOPHER_RULES], axis=1)
    return view.sizes, loop_shares(view.loops, view.sizes), gopher, rep_4, distinct_2, view.docs
