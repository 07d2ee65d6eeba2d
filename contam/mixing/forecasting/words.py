"""What stands beside a forecast: its assumptions, its notes, and how far measured recursions were from it."""

from __future__ import annotations

import numpy as np

from contam.mixing.forecasting.courses import Closed
from contam.mixing.options import MixOptions
from contam.theory.retention import written_exposure
from contam.theory.token_worlds import ACCUMULATE, FRESH, REDRAWN, REPLACE, REUSED, SUBSAMPLE
from contam.theory.vocabulary_growth import types_at
from contam_metrics.ngrams import Spectrum

_REGIMES = {
    REPLACE: "Every generation is trained on nothing but what the last one wrote.",
    FRESH: "The real text of every generation was never used before and comes from one source that does not change.",
    REUSED: "The real part of every generation is the same; all words of that part stay for good.",
    REDRAWN: "The real part of every generation is drawn anew from the same real text.",
    ACCUMULATE: "All text is kept, so that no word of the real text is lost; each generation adds as much again.",
    SUBSAMPLE: "A generation is trained on a random part of a pool that keeps all text.",
}

_MEASURED: dict[str, tuple[tuple[int, float, float], ...]] = {
    REPLACE: ((1, 0.98, 1.01), (3, 0.94, 1.00), (5, 0.90, 1.00), (10, 0.80, 1.00)),
    FRESH: ((1, 0.99, 1.03), (3, 0.96, 1.04), (5, 0.94, 1.05), (10, 0.92, 1.05)),
    REUSED: ((1, 0.98, 1.00), (3, 0.93, 1.00), (5, 0.90, 1.00), (10, 0.84, 1.00)),
    REDRAWN: ((1, 0.97, 1.01), (3, 0.92, 1.00), (5, 0.87, 1.01), (10, 0.84, 1.01)),
    ACCUMULATE: ((10, 1.00, 1.00),),
    SUBSAMPLE: ((1, 0.97, 1.01), (3, 0.97, 1.00), (5, 0.96, 1.01), (10, 0.95, 1.00)),
}
"""By regime: generation, and the least and the most vocabulary that was measured over what was forecast; the most is 1
at the least. From benchmarks/forecasts.py: unigram and trigram models, four corpora of 38,000 to 147,000 words."""
_TAIL = {
    REPLACE: "71 to 101 %", FRESH: "79 to 100 %", REUSED: "85 to 101 %", REDRAWN: "81 to 104 %",
    SUBSAMPLE: "92 to 99 %",
}  # fmt: skip
"""The same of the tail, after ten generations."""
_USUAL = (0.06, 0.12)
"""Relative errors of the vocabulary that 19 of 20 were below: unigram, trigram."""


def assumptions(options: MixOptions) -> tuple[str, ...]:
    """What is taken for granted, a sentence each."""
    warm = options.temperature
    return (
        _REGIMES[options.regime],
        "The first generation is trained on real text alone, and every later one on "
        + ("more words." if options.regime == ACCUMULATE else "as many words."),
        f"Text is written at temperature {warm:g} without filtering; "
        + ("a lower one, top-k or top-p lose more." if warm == 1 else "top-k and top-p lose more."),
        "A model counts exactly; what a network gets wrong comes on top. One that smooths keeps what follows a word "
        "more varied than is forecast.",
        "Words are exchangeable: in real documents they come in bursts, and fresh documents bring a word back in fewer "
        "places.",
        "Nothing is selected: filters and verification change what is left.",
    )  # fmt: skip


def measured_range(options: MixOptions, generation: int) -> tuple[float, float] | None:
    """Between what multiples of the forecast vocabulary measured recursions were; None at other temperatures than 1."""
    if options.temperature != 1:
        return None
    told = ((0, 1.0, 1.0), *_MEASURED[options.regime])
    at, low, high = zip(*told)
    return float(np.interp(generation, at, low)), float(np.interp(generation, at, high))


def error_told(options: MixOptions) -> str:
    """The same as sentences."""
    if options.temperature != 1:
        return (
            "At temperature .8, with 30 % fresh text, unigram models of four corpora kept 86 to 97 % of the forecast "
            "vocabulary after ten generations, trigram models 83 to 93 %. Networks were not compared."
        )
    if options.regime == ACCUMULATE:
        return "Exact for the words of the training text, whatever the model is."
    last = _MEASURED[options.regime][-1]
    beyond = " Later generations were not measured." if options.generations > last[0] else ""
    unigram, trigram = map(_percent, _USUAL)
    return (
        f"Recursions of unigram and trigram models of four corpora kept {100 * last[1]:.0f} to {_percent(last[2])} of "
        f"the forecast vocabulary after ten generations, and {_TAIL[options.regime]} of the tail. Over all regimes and "
        f"generations, 95 % of the errors were below {unigram} (unigram) and {trigram} (trigram). Networks were not "
        f"compared.{beyond}"
    )


def notes(options: MixOptions, table: Spectrum, share_is: str, sampled: bool = False) -> tuple[str, ...]:
    """What a reader has to know of this forecast."""
    told = []
    shared = options.regime in (FRESH, REUSED, REDRAWN)
    if share_is == "lower bound" and shared:
        told.append("The synthetic share is a lower bound, so this is the best case: more synthetic text leaves less.")
    if options.tokens and options.tokens > table.n:
        told.append(_capped(options, table))
    if options.regime == ACCUMULATE:
        told.append(_written(options, table))
    if not shared:
        told.append(f"The synthetic share plays no part under {options.regime}; it does for the regimes beside it.")
    if options.temperature != 1:
        told.append(_tempered(options))
    if sampled:
        told.append("The real text has too many different words to count each: a sample of the words stands for all.")
    return tuple(told)


def _capped(options: MixOptions, table: Spectrum) -> str:
    told = f"A generation of {options.tokens:,} words is forecast as one of {table.n:,}, all that the real text has."
    if options.temperature != 1 or options.regime == ACCUMULATE or table.n < 4:
        return told
    half, whole = (_percent(Closed(table, options, n).at_last(options.regime)) for n in (table.n // 2, table.n))
    return f"{told} The size moves little: at half of it {half} would be left, at all of it {whole}."


def _written(options: MixOptions, table: Spectrum) -> str:
    left = _percent(types_at(table, written_exposure(options.generations) * table.n) / table.v)
    return (
        f"What is retained is in the training text. What a generation writes has less: {left} of the words, in as much "
        "text as the real one."
    )


def _tempered(options: MixOptions) -> str:
    return (
        f"At temperature {options.temperature:g} there is no formula: recursions were drawn word by word, and fresh "
        "text from the source as far as the real text shows it."
    )


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
