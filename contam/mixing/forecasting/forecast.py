"""The forecast: what a recursion leaves of a corpus, from the corpus's own word counts.

The formulas are in `contam.theory.retention` and `contam.theory.forecasting`; temperatures other than 1 have none and
are drawn (`contam.mixing.forecasting.chains`). How far recursions of n-gram models were from it: docs/forecast.md.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError, UsageError
from contam.mixing.forecasting.chains import Course
from contam.mixing.forecasting.counting import RealCounts
from contam.mixing.forecasting.courses import Closed, Courses, Drawn, regime_of
from contam.mixing.forecasting.words import assumptions, error_told, measured_range, notes
from contam.mixing.options import REGIMES, MixOptions
from contam.mixing.result import Forecast, Interval, Retained
from contam.theory.retention import heterozygosity_left
from contam.theory.token_worlds import REPLACE
from contam_metrics.ngrams import Counts, Spectrum, spectrum

Array = NDArray[np.float64]

WANTED = (0.8, 0.9, 0.95)


def forecast(counts: RealCounts | Counts, options: MixOptions, share_is: str = "given") -> Forecast:
    """What the pipeline of the options, ``share`` in force, leaves of a corpus with these word counts.

    ``share_is``: where the share comes from. A generation of more words than the corpus has is forecast as one of as
    many. The counts stand for those of contexts too: a word is followed by another as often as it occurs, but at ends
    of documents. InputError for a corpus without words, UsageError without a share.
    """
    table = counts.types if isinstance(counts, RealCounts) else spectrum(counts)
    if not table.n:
        raise InputError("a forecast needs the words of the real text, and there are none")
    if options.share is None:
        raise UsageError("a forecast needs the synthetic share of what a generation is trained on: give --share")
    tokens = min(options.tokens or table.n, table.n)
    courses: Courses = Drawn(table, options, tokens)
    if options.temperature == 1:
        courses = Closed(table, options, tokens)
    course = courses.own()
    by_context = _contexts(table, options, tokens / table.n)
    return Forecast(
        regime=options.regime, share=1.0 if options.regime == REPLACE else options.share,
        share_is=share_is, tokens=tokens, vocabulary=table.v, temperature=options.temperature,
        generations=_retained(course, by_context, options),
        fresh_share_for={f"{w:g}": _or_none(courses.share_for(w)) for w in WANTED},
        half_lives=courses.half_lives(course),
        regimes={name: courses.at_last(name) for name in REGIMES}, limit=courses.limit(), method=courses.method,
        assumptions=assumptions(options), horizon=courses.horizon, error=error_told(options),
        notes=notes(options, table, share_is, isinstance(counts, RealCounts) and counts.sampled),
    )  # fmt: skip


def _contexts(table: Spectrum, options: MixOptions, part: float) -> Array | None:
    """Heterozygosity of the next word that is left, mean over words by their counts; None where it is not known."""
    counts = table.counts * part
    often = counts > 1
    if options.temperature != 1 or not often.any():
        return None
    left = heterozygosity_left(regime_of(options), counts[often], options.generations)
    weights = (counts * table.types)[often]
    return np.minimum(left @ weights / weights.sum(), 1.0)


def _retained(course: Course, contexts: Array | None, options: MixOptions) -> tuple[Retained, ...]:
    rows = zip(course.head[0], course.vocabulary[0], course.tail[0], strict=True)
    return tuple(
        Retained(
            g, float(head), float(vocabulary), float(tail), None if contexts is None else float(contexts[g]),
            _interval(float(vocabulary), g, options),
        )
        for g, (head, vocabulary, tail) in enumerate(rows)
        if g <= options.generations
    )  # fmt: skip


def _interval(vocabulary: float, generation: int, options: MixOptions) -> Interval | None:
    """Where measured recursions were; None where none were compared."""
    span = measured_range(options, generation)
    return None if span is None else (vocabulary * span[0], min(1.0, vocabulary * span[1]))


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
