"""From what was measured to figures with intervals: a model on human text, its drift from a baseline, its own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.models.scoring import Scored
from contam.probing.measuring import Measured, Samples
from contam.probing.result import Drift, Estimate, TextScore
from contam_metrics.perplexity import bits_per_byte, document_bootstrap, ece, perplexity

FEW = 30
"""Documents below which a text is resampled in blocks; fewer blocks than that are told as few."""
BLOCK = 4096
"""Bytes of a block."""
LEAST_UNITS = 5
"""Units below which there is no interval."""
LN2 = float(np.log(2))

Sums = NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """What the intervals resample: of each unit the nats, the entropy, the tokens and the bytes."""

    nats: Sums
    entropy: Sums
    tokens: Sums
    bytes: Sums
    what: str


def units_of(scored: Scored) -> Units:
    """Documents, or, where they are few, blocks of them of about 4 kB.

    Blocks are equal shares of a document's tokens, so two models with different tokenizers have (nearly) the same ones.
    """
    lengths = np.diff(scored.offsets)
    if len(lengths) >= FEW:
        counts = np.ones(len(lengths), np.int64)
    else:
        counts = np.maximum(1, np.rint(scored.bytes / BLOCK).astype(np.int64))
        counts = np.minimum(counts, np.maximum(lengths, 1))
    owner = np.repeat(np.arange(len(lengths)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    edges = scored.offsets[owner] + (place * lengths[owner]) // counts[owner]
    ends = scored.offsets[owner] + ((place + 1) * lengths[owner]) // counts[owner]
    nats, entropy = (np.concatenate(([0.0], np.cumsum(v, dtype=np.float64))) for v in (scored.nats, scored.entropy))
    blocked = bool((counts > 1).any())
    return Units(
        nats[ends] - nats[edges],
        entropy[ends] - entropy[edges],
        (ends - edges).astype(float),
        (scored.bytes / counts)[owner],
        f"{np.count_nonzero(ends > edges):,} {'blocks of about 4 kB' if blocked else 'documents'}",
    )


def estimate(sums: Sums, weights: Sums, scale: float = 1.0) -> Estimate:
    """The ratio of sums with its bootstrap interval over the units."""
    total = weights.sum()
    value = float(sums.sum() / total) * scale if total else float("nan")
    if np.count_nonzero(weights) < LEAST_UNITS:
        return Estimate(value)
    low, high = (float(v) for v in document_bootstrap(sums, weights))
    return Estimate(value, (low * scale, high * scale))


def text_scores(measured: Measured, baseline: Measured | None, names: Sequence[str]) -> tuple[TextScore, ...]:
    """The checkpoint on every human text, with its drift where there is a baseline."""
    bases = baseline.scores if baseline else [None] * len(measured.scores)
    same = baseline is None or baseline.vocabulary == measured.vocabulary
    return tuple(_score(n, s, b, same) for n, s, b in zip(names, measured.scores, bases))


def _score(name: str, scored: Scored, base: Scored | None, same_vocabulary: bool) -> TextScore:
    units = units_of(scored)
    nats, tokens, size = float(units.nats.sum()), int(units.tokens.sum()), int(scored.bytes.sum())
    notes: tuple[str, ...] = ()
    if np.count_nonzero(units.tokens) < FEW:
        notes = (f"only {units.what}: the intervals are rough",)
    return TextScore(
        name=name,
        documents=len(scored.bytes),
        tokens=tokens,
        bytes=size,
        nats=estimate(units.nats, units.tokens),
        bits=Estimate(float(bits_per_byte(nats, size)), estimate(units.nats, units.bytes, 1 / LN2).interval),
        perplexity=perplexity(nats, tokens),
        entropy=estimate(units.entropy, units.tokens),
        gap=estimate(units.nats - units.entropy, units.tokens),
        ece=ece(scored.confidence, scored.hit),
        units=units.what,
        drift=drift(scored, base, same_vocabulary) if base is not None else None,
        notes=notes,
    )


def drift(scored: Scored, base: Scored, same_vocabulary: bool = True) -> Drift:
    """Checkpoint less baseline, unit by unit, so that what is hard for both cancels."""
    mine, theirs = units_of(scored), units_of(base)
    same = same_vocabulary and len(mine.tokens) == len(theirs.tokens) and bool((mine.tokens == theirs.tokens).all())
    bits = estimate(mine.nats - theirs.nats, theirs.bytes, 1 / LN2)
    if not same:
        # Nats a token of the baseline's tokenizer: the same drift in the unit of the limits.
        return Drift(estimate(mine.nats - theirs.nats, theirs.tokens), bits, same_tokens=False)
    gap = (mine.nats - mine.entropy) - (theirs.nats - theirs.entropy)
    return Drift(
        nats=estimate(mine.nats - theirs.nats, theirs.tokens),
        bits=bits,
        entropy=estimate(mine.entropy - theirs.entropy, theirs.tokens),
        gap=estimate(gap, theirs.tokens),
        ece=ece(scored.confidence, scored.hit) - ece(base.confidence, base.hit),
    )


def own_entropy(samples: Samples) -> Estimate:
    """The entropy rate of a model's own text, nats a token: its loss on what it wrote."""
    return estimate(samples.nats, samples.predicted.astype(float))


def own_drift(samples: Samples, base: Samples) -> Estimate:
    """That less the baseline's. The samples of the two are independent, so the distances to the bounds add in
    quadrature (Zou & Donner 2008)."""
    mine, theirs = own_entropy(samples), own_entropy(base)
    value = mine.value - theirs.value
    if mine.interval is None or theirs.interval is None:
        return Estimate(value)
    low = value - float(np.hypot(mine.value - mine.interval[0], theirs.interval[1] - theirs.value))
    high = value + float(np.hypot(mine.interval[1] - mine.value, theirs.value - theirs.interval[0]))
    return Estimate(value, (low, high))
