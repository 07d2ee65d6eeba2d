"""What changed since a baseline, figure by figure, in units of its own noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from contam.baseline.files import rounded
from contam.baseline.measuring import deviation_of
from contam.baseline.noise import noise_of, widening
from contam.baseline.record import Baseline, Held, Moved, Parts, Since
from contam.gate.policy import LEAST_EFFECT
from contam.placing import UNITS
from contam.profile import Profile
from contam.result import Figure

DEGREES = 30
"""Degrees of freedom of an interval over documents; enough that widening hardly matters."""
WHOLE = "a figure of the whole corpus: it is judged by a limit of your own (max-rise, max-drop) alone"


def since(
    baseline: Baseline,
    values: Mapping[str, float],
    size: int | None,
    whole: Mapping[str, Figure],
    profile: Profile | None,
    words: int | None = None,
) -> Since:
    """The changes from a baseline to the figures of a sample of ``size`` matched words and those of the whole corpus.

    ``values`` are compared where the baseline was measured at that very size (``size`` None or another one: the reason
    is told). ``profile`` gives the noise its prior, ``words`` are those of the text that the sample is of. No
    p-value is computed: see `contam.baseline.noise`.
    """
    parts = baseline.sizes.get(size or 0)
    name, changes = baseline.path or "the baseline", dict(_whole(baseline.whole, whole))
    if parts is None:
        return Since(name, None, changes, facts=baseline.facts, reason=_incomparable(baseline, size))
    changes = dict(signals(parts, values, profile, words)) | changes
    return Since(name, size, changes, len(parts.parts), facts=baseline.facts)


def _incomparable(baseline: Baseline, size: int | None) -> str:
    had = ", ".join(f"{n:,}" for n in baseline.sizes) or "none"
    if size is None:
        return f"the corpus reaches no size that the baseline was measured at (words: {had})"
    return f"measured at {size:,} words, the baseline at {had}"


def signals(
    parts: Parts, values: Mapping[str, float], profile: Profile | None, words: int | None = None
) -> Iterable[tuple[str, Moved]]:
    """Every printed signal that both sides have, at the size of ``parts``, in a sample of a text of ``words`` words."""
    noise = noise_of(parts, profile, words)
    had = dict(zip(parts.columns, zip(parts.expected(words).tolist(), noise.deviations.tolist())))
    for key in UNITS:
        base, deviation = had.get(key, (math.nan, math.nan))
        value = values.get(key, math.nan)
        if math.isfinite(base) and math.isfinite(value):
            known = deviation if math.isfinite(deviation) else None
            yield key, moved(base, value, known, UNITS[key][1], noise.reason)


def moved(base: float, value: float, noise: float | None, direction: str, reason: str | None = None) -> Moved:
    """One figure's change; figures that agree in the digits that are kept have not changed."""
    difference = 0.0 if rounded(value) == rounded(base) else value - base
    toward = None if direction == "both" or difference == 0 else (difference < 0) == (direction == "falls")
    if noise is None or not noise > 0:
        same = 0.0 if difference == 0 else None
        why = reason or "its own parts do not differ, and nothing else says how much it varies"
        return Moved(base, value, difference, None, same, False, toward, None if same == 0.0 else why)
    effect = difference / noise
    return Moved(base, value, difference, noise, effect, abs(effect) > LEAST_EFFECT, toward, reason)


def _whole(held: Mapping[str, Held], whole: Mapping[str, Figure]) -> Iterable[tuple[str, Moved]]:
    """Figures of the whole corpus: never beyond by themselves, because their noise falls as a corpus grows."""
    for key, base in held.items():
        figure = whole.get(key)
        if figure is None or figure.value is None:
            continue
        now, noise = deviation_of(figure), None
        if now is not None and base.deviation is not None:
            noise = math.hypot(now, base.deviation) * widening(DEGREES)
        found = moved(base.value, figure.value, noise, figure.direction, WHOLE)
        yield key, replace(found, beyond=False, reason=WHOLE)
