"""Figures beside their references: units and directions, and where a value stands among human sources."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.result import Figure
from contam_metrics.signals import Measured

UNITS: dict[str, tuple[str, str]] = {
    "entropy.window": ("nats/word", "falls"),
    "entropy.conditional": ("nats/word", "falls"),
    "entropy.chao_wang_jost": ("nats/word", "falls"),
    "diversity.types": ("types", "falls"),
    "diversity.distinct_1": ("share", "falls"),
    "diversity.distinct_2": ("share", "falls"),
    "diversity.distinct_3": ("share", "falls"),
    "diversity.distinct_4": ("share", "falls"),
    "diversity.mattr": ("share", "falls"),
    "tail.hapax_share": ("share", "falls"),
    "tail.type_survival": ("ratio", "falls"),
    "repetition.seq_rep_4": ("share", "rises"),
    "repetition.cover_4": ("share", "rises"),
    "duplicates.cross_4": ("share", "rises"),
    "duplicates.cross_8": ("share", "rises"),
    "duplicates.cross_13": ("share", "rises"),
    "duplicates.near_dropped": ("share", "rises"),
    "compression.block": ("ratio", "rises"),
}
"""The printed figures of the matched text: unit, and where collapse moves them."""

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matching:
    """What the figures were measured on: words, documents, and whether the matched size was reached."""

    words: int
    documents: int
    reached: bool


def _figure(key: str, value: float, measured: Measured, matching: Matching) -> Figure:
    unit, direction = UNITS[key]
    reason = None
    if not math.isfinite(value):
        reason = "empty" if not matching.words else "too few words"
    return Figure(
        value=value if reason is None else None,
        unit=unit,
        family=key.partition(".")[0],
        direction=direction,
        interval=measured.intervals.get(key),
        matched_tokens=matching.words,
        documents=matching.documents,
        reason=reason,
    )


def among(figure: Figure, references: Column) -> Figure:
    """The figure with its band, limits, place and distance among the references."""
    known = references[np.isfinite(references)]
    if figure.value is None or len(known) < 2:
        return figure
    low, low5, middle, high95, high = (float(q) for q in np.quantile(known, (0.01, 0.05, 0.5, 0.95, 0.99)))
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    z = (figure.value - middle) / spread if spread > 0 else None
    return Figure(
        value=figure.value,
        unit=figure.unit,
        family=figure.family,
        direction=figure.direction,
        interval=figure.interval,
        z=-z if z is not None and figure.direction == "falls" else z,
        place=float((known < figure.value).mean()),
        band=(low5, middle, high95),
        limits=(low, high),
        matched_tokens=figure.matched_tokens,
        documents=figure.documents,
    )


def placed(measured: Measured, references: Mapping[str, Column], matching: Matching) -> dict[str, Figure]:
    """Every printed figure; among the references where the matched size was reached and they have it."""
    out = {}
    for key in UNITS:
        if key in measured.values or key != "tail.type_survival":
            figure = _figure(key, measured.values.get(key, math.nan), measured, matching)
            known = references.get(key) if matching.reached else None
            out[key] = figure if known is None else among(figure, known)
    return out
