"""What is measured of the text that a generation wrote: the audit's signals and verdict, and which words are left.

Always against a human sample of the same size: the audit compares with held-out human text at a matched size, and
the words that are left are counted in as many tokens as the real training text has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.assembling import corpus_facts, figures_of
from contam.auditing import AuditOptions, measured_of, open_corpus
from contam.engine import Measured
from contam.pairing import Trusted, judge_against
from contam_metrics.batch import Batch
from contam_metrics.ngrams import TypeCounts
from contam_metrics.streaming.copies import Copies
from contam_metrics.streaming.loops import Loops
from contam_metrics.streaming.near_copies import NearCopies
from contam_metrics.streaming.volume import Volume
from contam_metrics.words import cut

NEEDED = (Volume, Loops, Copies, NearCopies)
"""The metrics of the whole text that a verdict asks for."""
RARE = 3
"""Words that the real training text has so many times at the most are its rare ones."""


@dataclass(frozen=True)
class Measurer:
    """Measures texts against held-out human text and against the words of the real training text.

    ``trusted``, ``training``: documents of human text.
    """

    trusted_texts: tuple[str, ...]
    training: tuple[str, ...]

    @cached_property
    def trusted(self) -> Trusted:
        """The held-out text, ready for comparisons."""
        return Trusted.of(_measured(self.trusted_texts).segments)

    @cached_property
    def words(self) -> TypeCounts:
        """Counts of the real training text."""
        return _counts(self.training)

    def audited(self, texts: Sequence[str]) -> dict[str, Any]:
        """``signals`` by name and the ``verdict``, as a log line has them."""
        written = [text for text in texts if text.strip()]
        if not written:
            reasons = ["all documents are empty"]
            return {"signals": {}, "verdict": _verdict("insufficient_evidence", reasons)}
        measured = _measured(written)
        judgement = judge_against(self.trusted, measured.segments, corpus_facts(measured, figures_of(measured)), False)
        verdict = judgement.verdict
        told = _verdict(verdict.level.value, list(verdict.reasons), verdict.p_value, verdict.score)
        told |= {"matched_tokens": judgement.reference.matched_tokens, "tests": dict(verdict.tests)}
        return {"signals": {name: f.value for name, f in judgement.signals.items()}, "verdict": told}

    def kept(self, texts: Sequence[str]) -> dict[str, float | None]:
        """The shares of the real text's rare words (`RARE`) and of its other words that occur in the texts."""
        present = np.isin(self.words.types, _counts(texts).types, assume_unique=True)
        rare = self.words.counts <= RARE
        return {"rare_kept": _share(present[rare]), "other_kept": _share(present[~rare])}


def _verdict(level: str, reasons: list[str], p: float | None = None, score: float | None = None) -> dict[str, Any]:
    return {"level": level, "p_value": p, "score": score, "reasons": reasons}


def _measured(texts: Sequence[str]) -> Measured:
    options = AuditOptions(workers=1)
    return measured_of(open_corpus(_Texts(texts), options.reading), options, NEEDED)


class _Texts:
    """Documents that are never taken for the names of files."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    def __iter__(self) -> Any:
        return iter(self.texts)


def _counts(texts: Sequence[str]) -> TypeCounts:
    return TypeCounts.of(cut(Batch.of(texts)).hashes)


def _share(present: NDArray[np.bool_]) -> float | None:
    return float(present.mean()) if len(present) else None
