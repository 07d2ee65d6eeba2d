"""The synthetic share in an audit: measured on samples of both sides, with the documents that score highest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contam.engine import Measured
from contam.result import DocumentFinding
from contam.synthetic.measuring import english_reason, measure_share
from contam.synthetic.scored import Scored
from contam.synthetic.share import SyntheticShare
from contam.synthetic.streaming import SampleScores
from contam_metrics.streaming.copies import Copies

SHOWN = 5
EXCERPT = 400
"""Bytes of a document that are shown."""
RULE = "SYN001"


@dataclass(frozen=True, slots=True)
class Found:
    """The share, and where the rank test alarmed the documents of the sample that are most instruct-like: their
    ``value`` is the score."""

    share: SyntheticShare
    documents: tuple[DocumentFinding, ...] = ()


def found_in(audited: Measured, trusted: Measured, order: str) -> Found:
    """The share of an audited corpus beside trusted text, both measured with `SampleScores` among the metrics."""
    strange = english_reason(audited.segments) or english_reason(trusted.segments, "the trusted text")
    sample = _sample(audited)
    scored = _apart(sample.scored(), trusted)
    share = measure_share(scored, _sample(trusted).scored(), order, strange=strange)
    if not share.alarmed:
        return Found(share)
    highest = np.argsort(-scored.scores, kind="stable")[:SHOWN]
    rows = tuple(
        DocumentFinding(scored.labels[i], RULE, float(scored.scores[i]), _begins(sample, int(scored.keys[i])))
        for i in highest
    )
    return Found(share, rows)


def _sample(measured: Measured) -> SampleScores:
    sample = measured.metrics[SampleScores.name]
    assert isinstance(sample, SampleScores)
    return sample


def _apart(scored: Scored, trusted: Measured) -> Scored:
    """Without the documents that stand in the trusted text, be they in the sample of it or not."""
    copies = trusted.metrics["copies"]
    assert isinstance(copies, Copies)
    return scored.without(scored.keys[copies.counts.count_of(scored.keys) > 0])


def _begins(sample: SampleScores, key: int) -> str:
    return sample.opening(key)[:EXCERPT].decode("utf-8", "replace")
