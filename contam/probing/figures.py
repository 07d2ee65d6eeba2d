"""From what was measured to figures with intervals: a model on human text, its drift from a baseline, its own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.models.scoring import Scored
from contam.probing.measuring import Measured, Samples
from contam.probing.result import Drift, Estimate, TextScore
from contam_metrics.perplexity import LEAST_DOCUMENTS, bits_per_byte, document_bootstrap, ece, perplexity

FEW = LEAST_DOCUMENTS
"""Documents below which a text is resampled in blocks; fewer blocks than that are told as few."""
BLOCK = 4096
"""Bytes of a block."""
RESAMPLES = 1000
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


def units_of(scored: Scored, like: Scored | None = None) -> Units:
    """Documents, or, where they are few, blocks of them of about 4 kB: as many as of ``like``, where that is given.

    Blocks are equal shares of a document's tokens, as many as its bytes ask for, so two models with different
    tokenizers have (nearly) the same ones.
    """
    lengths = np.diff(scored.offsets)
    if len(lengths) >= FEW:
        counts = np.ones(len(lengths), np.int64)
    else:
        counts = np.maximum(1, np.rint((like or scored).bytes / BLOCK).astype(np.int64))
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
    return tuple(_score(n, s, b) for n, s, b in zip(names, measured.scores, bases))


def same_tokens(measured: Measured, baseline: Measured) -> bool:
    """Whether two models cut every document into equally many tokens: then a token is the same piece of text to both,
    whatever their vocabularies hold besides (a token for padding, say)."""
    return all(np.array_equal(s.offsets, b.offsets) for s, b in zip(measured.scores, baseline.scores))


def _score(name: str, scored: Scored, base: Scored | None) -> TextScore:
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
        drift=drift(scored, base) if base is not None else None,
        notes=notes,
    )


def drift(scored: Scored, base: Scored) -> Drift:
    """Checkpoint less baseline, unit by unit, so that what is hard for both cancels."""
    if not np.array_equal(scored.offsets, base.offsets):
        return _by_the_byte(scored, base)
    mine, theirs = units_of(scored), units_of(base)
    bits = estimate(mine.nats - theirs.nats, theirs.bytes, 1 / LN2)
    gap = (mine.nats - mine.entropy) - (theirs.nats - theirs.entropy)
    return Drift(
        nats=estimate(mine.nats - theirs.nats, theirs.tokens),
        bits=bits,
        entropy=estimate(mine.entropy - theirs.entropy, theirs.tokens),
        gap=estimate(gap, theirs.tokens),
        ece=ece(scored.confidence, scored.hit) - ece(base.confidence, base.hit),
    )


def _by_the_byte(scored: Scored, base: Scored) -> Drift:
    """The drift between two tokenizers: of two rates a byte, each over the bytes that its own model predicts, on the
    same resampled units. In nats a token of the baseline's tokenizer, the unit of the limits, it is the same times the
    baseline's bytes a token."""
    units = [units_of(one, like=base) for one in (scored, base)]
    mine, theirs = ((u.nats, u.bytes) for u in units)

    def difference(weights: Sums) -> Sums:
        return (weights @ mine[0]) / (weights @ mine[1]) - (weights @ theirs[0]) / (weights @ theirs[1])

    count = len(mine[0])
    value = float(difference(np.ones((1, count)))[0])
    interval = None
    if count >= LEAST_UNITS:
        draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(float)
        interval = tuple(float(v) for v in np.quantile(difference(draws), (0.025, 0.975)))
    longer = float(theirs[1].sum() / max(np.diff(base.offsets).sum(), 1))
    return Drift(_scaled(value, interval, longer), _scaled(value, interval, 1 / LN2), same_tokens=False)


def _scaled(value: float, interval: tuple[float, ...] | None, by: float) -> Estimate:
    return Estimate(value * by, (interval[0] * by, interval[1] * by) if interval else None)


def own_entropy(samples: Samples) -> Estimate:
    """The entropy rate of a model's own text, nats a token: its loss on what it wrote."""
    return estimate(samples.nats, samples.predicted.astype(float))


def own_drift(samples: Samples, base: Samples) -> Estimate:
    """That less the baseline's; the distances to the bounds add in quadrature (Zou & Donner 2008), as if the samples of
    the two were independent: they share random numbers, so the interval is rather too wide than too narrow."""
    mine, theirs = own_entropy(samples), own_entropy(base)
    value = mine.value - theirs.value
    if mine.interval is None or theirs.interval is None:
        return Estimate(value)
    low = value - float(np.hypot(mine.value - mine.interval[0], theirs.interval[1] - theirs.value))
    high = value + float(np.hypot(mine.interval[1] - mine.value, theirs.value - theirs.interval[0]))
    return Estimate(value, (low, high))
