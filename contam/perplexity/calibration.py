"""What human sources measure under a language model: reference values for the figures ``perplexity.*``.

A file of figures for a model and a profile, made by ``benchmarks/surprise.py``: the profile's sources at each matched
size, whole and in two halves in document order. No text is kept.

The embedded model `tiny` was trained on most of the novels, speeches and PEPs among its sources. They are kept: more
text of these kinds is easy for it too. They make the lower limits low, so the population sees little below them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).with_name("calibrated")
FORMAT = 1
BITS, SPREAD, GAP = "perplexity.bits_per_byte", "perplexity.spread", "perplexity.entropy_gap"
KEYS = (BITS, SPREAD, GAP)
_TRUSTED = "give trusted text (--reference)"
UNKNOWN_MODEL = f"no reference values for this model: {_TRUSTED}"
USUAL = "english"
"""The profile whose pairs of halves are used where a profile has none."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """The figures of R sources: ``whole`` float64[R, 3] at each size, ``first`` and ``second`` of their halves.

    Columns are `KEYS`; nan where a source does not reach a size or a figure could not be measured. ``digest`` is
    that of the model's weights.
    """

    model: str
    digest: str
    profile: str
    names: tuple[str, ...]
    domains: tuple[str, ...]
    whole: dict[int, Matrix]
    first: dict[int, Matrix]
    second: dict[int, Matrix]
    provenance: dict[str, Any]


def load(path: Path) -> Calibration:
    """Read a file of reference values."""
    content = json.loads(path.read_text(encoding="utf-8"))
    sources = content["sources"]

    def tables(part: str) -> dict[int, Matrix]:
        return {size: _table(sources, part, str(size)) for size in content["sizes"]}

    return Calibration(
        model=content["model"],
        digest=content["digest"],
        profile=content["profile"],
        names=tuple(s["name"] for s in sources),
        domains=tuple(s["domain"] for s in sources),
        whole=tables("whole"),
        first=tables("first"),
        second=tables("second"),
        provenance=content["provenance"],
    )


def _table(sources: list[dict[str, Any]], part: str, size: str) -> Matrix:
    missing = [None] * len(KEYS)
    return np.array([s[part].get(size, missing) for s in sources], float)


@cache
def calibrations() -> tuple[Calibration, ...]:
    """Every calibration that comes with contam."""
    return tuple(load(path) for path in sorted(FOLDER.glob("*.json")))


def population(digest: str, profile: str, size: int) -> tuple[dict[str, Matrix], str | None]:
    """The values of a profile's sources under the model of that digest, by key; or nothing, and why."""
    of_model = [c for c in calibrations() if c.digest == digest]
    found = next((c for c in of_model if c.profile == profile), None)
    if found is None:
        return {}, f"no reference values for the profile {profile}: {_TRUSTED}" if of_model else UNKNOWN_MODEL
    if size not in found.whole:
        return {}, f"no reference values at {size:,} words (there are at {_listed(found.whole)})"
    return {key: found.whole[size][:, i] for i, key in enumerate(KEYS)}, None


def _listed(sizes: dict[int, Matrix]) -> str:
    return ", ".join(f"{n:,}" for n in sizes)


def expected(trusted: dict[str, float], profile: str, size: int) -> tuple[dict[str, Matrix], str | None]:
    """Where the figures of more text of the same source would lie, by key: the trusted value moved as the halves of
    human sources differ, in either order; or nothing, and why.

    The halves were measured with the embedded model, and stand for every model: bits per byte and the spread move
    by the *ratio* of the halves, so that a model to which everything is less surprising has narrower limits. That
    the ratios carry over to other models is assumed; it was not measured.
    """
    found = next((c for name in (profile, USUAL) for c in calibrations() if c.profile == name), None)
    if found is None or size not in found.first:
        return {}, f"no pairs of halves at {size:,} words"
    out = {}
    for i, key in enumerate(KEYS):
        first, second = found.first[size][:, i], found.second[size][:, i]
        out[key] = moved(trusted[key], first, second, relative=key != GAP)
    return out, None


def moved(value: float, first: Matrix, second: Matrix, relative: bool) -> Matrix:
    """A value moved by the differences of pairs in both directions; float64[2 P]."""
    known = np.isfinite(first) & np.isfinite(second)
    a, b = first[known], second[known]
    if relative:
        return value * np.concatenate([b / a, a / b])
    return value + np.concatenate([b - a, a - b])
