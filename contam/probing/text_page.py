"""Human texts on the page of a probe: how a checkpoint predicts them, and how that has moved."""

from __future__ import annotations

import math
from collections.abc import Sequence

from contam.probing.result import Checkpoint, Probe, TextScore
from contam.probing.trajectory import brief
from contam.probing.wording import (
    change_told,
    ece_change,
    named,
    of,
    value_told,
)
from contam.reports.audit_page import plural, size_of
from contam.reports.page import Block, Section, Sentences, Table
from contam.wording import written

_TEXTS = 3
"""Texts that a terminal has room for."""


def texts_section(probe: Probe, shown: Checkpoint, full: bool) -> Section | None:
    """Every human text as the shown checkpoint predicts it."""
    texts = shown.texts if full else shown.texts[:_TEXTS]
    blocks: list[Block] = []
    for text in texts:
        blocks += [Sentences(_text_told(text, probe)), _text_table(text)]
    if len(texts) < len(shown.texts):
        blocks.append(Sentences((f"{len(shown.texts) - len(texts)} more texts in the full report",)))
    return Section(f"Human text{of(probe, shown)}", tuple(blocks)) if blocks else None


def _text_told(text: TextScore, probe: Probe) -> tuple[str, ...]:
    size = f"{plural(text.documents, 'document')}, {plural(text.tokens, 'token')}, {size_of(text.bytes)}"
    told = [f"{brief(text.name)}: {size}; intervals resample {text.units}"]
    if text.drift is not None and probe.baseline is not None:
        told.append(f"drift: from {brief(probe.baseline.name)}, the same text on both sides, pair by pair")
        if not text.drift.same_tokens:
            told.append("another tokenizer than the baseline's: its drift in nats is computed from bits a byte")
    return (*told, *text.notes)


def _text_table(text: TextScore) -> Table:
    drift = text.drift
    ratio, low_high = _perplexity(text)
    rows = [
        ("nats a token", *value_told(text.nats, 3), change_told(drift.nats if drift else None)),
        ("bits a byte", *value_told(text.bits, 3), change_told(drift.bits if drift else None)),
        ("perplexity", written(text.perplexity), low_high, ratio),
        ("next-token entropy", *value_told(text.entropy, 3), change_told(drift.entropy if drift else None)),
        ("entropy gap", *value_told(text.gap, 3), change_told(drift.gap if drift else None)),
        ("calibration error (ECE)", f"{text.ece:.3f}", "-", ece_change(drift)),
    ]
    columns = ("figure", "value", "95 % interval", "drift")
    width = len(columns) if drift else len(columns) - 1
    return Table(columns[:width], tuple(row[:width] for row in rows), header=True)


def _perplexity(text: TextScore) -> tuple[str, str]:
    """By which factor the perplexity has moved, and its interval: those of the nats, to the power of e."""
    ends = text.nats.interval
    low_high = " to ".join(written(_exp(end)) for end in ends) if ends else "-"
    if text.drift is None:
        return "-", low_high
    moved = text.drift.nats
    within = f" ({' to '.join(f'{_exp(end):.3g}' for end in moved.interval)})" if moved.interval else ""
    return f"x {_exp(moved.value):.3g}{within}", low_high


def _exp(nats: float) -> float:
    return math.exp(min(nats, 700.0))


def all_texts_section(series: Sequence[Checkpoint]) -> Section:
    """A row for every text at every checkpoint."""
    columns = ("checkpoint", "text", "nats a token", "bits a byte", "perplexity", "entropy", "gap", "ECE", "drift")
    rows = []
    for checkpoint in series:
        for text in checkpoint.texts:
            figures = (text.nats, text.bits), (text.entropy, text.gap)
            before, after = (tuple(f"{estimate.value:.3f}" for estimate in pair) for pair in figures)
            drift = change_told(text.drift.nats if text.drift else None)
            cells = (*before, written(text.perplexity), *after, f"{text.ece:.3f}", drift)
            rows.append((named(checkpoint), brief(text.name), *cells))
    return Section("Human text at every checkpoint", (Table(columns, tuple(rows), header=True),))
