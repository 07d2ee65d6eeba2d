"""Small bars: a value marked on the band of the references, in Unicode or in ASCII."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from contam.reports.page import Bar

COURSE, ASCII_COURSE = "▁▂▃▄▅▆▇█", "_.-=+*#@"
"""The heights of a course, lowest first; `draw_course` draws with the first, ASCII output has the second."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters a report is drawn with."""

    bullet: str
    marks: dict[str, str]
    arrows: dict[str, str]
    beyond: str
    band: str
    left: str
    right: str
    median: str
    value: str


_UNICODE = Glyphs(
    bullet="•",
    marks={"healthy": "✓", "at_risk": "!", "collapsing": "✗", "insufficient_evidence": "?"},
    arrows={"falls": "↓", "rises": "↑", "both": "↕"},
    beyond="·",
    band="─",
    left="├",
    right="┤",
    median="┼",
    value="●",
)
_ASCII = Glyphs(
    bullet="-",
    marks={"healthy": "+", "at_risk": "!", "collapsing": "x", "insufficient_evidence": "?"},
    arrows={"falls": "v", "rises": "^", "both": "|"},
    beyond=".",
    band="-",
    left="[",
    right="]",
    median="|",
    value="*",
)


def glyphs_for(ascii_only: bool) -> Glyphs:
    """The set of characters for a place of output."""
    return _ASCII if ascii_only else _UNICODE


def draw_bar(row: Bar, width: int, glyphs: Glyphs) -> str:
    """The band with its median and the value marked on it; the line reaches as far as the value does.

    Empty where there is no band, or where one of the numbers is not finite.
    """
    if row.band is None or row.value is None:
        return ""
    low, middle, high = row.band
    margin = 0.15 * (high - low) or abs(middle) or 1.0
    start, stop = min(low - margin, row.value), max(high + margin, row.value)
    if not all(map(math.isfinite, (low, middle, high, row.value, stop - start))):
        return ""

    def at(x: float) -> int:
        return min(int((x - start) / (stop - start) * width), width - 1)

    cells = [glyphs.band if at(low) <= i <= at(high) else glyphs.beyond for i in range(width)]
    cells[at(low)], cells[at(high)] = glyphs.left, glyphs.right
    cells[at(middle)] = glyphs.median
    cells[at(row.value)] = glyphs.value
    return "".join(cells)


def draw_course(values: Sequence[float], width: int) -> str:
    """Values in their order as small bars between their lowest and highest; many are thinned to ``width``.

    What is not finite is a blank.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    low, span = min(known), max(known) - min(known)
    count = min(len(values), width)
    places = [round(i * (len(values) - 1) / max(count - 1, 1)) for i in range(count)]
    return "".join(_height(values[place], low, span) for place in places)


def _height(value: float, low: float, span: float) -> str:
    if not math.isfinite(value):
        return " "
    share = (value - low) / span if span > 0 else 0.5
    return COURSE[min(int(share * len(COURSE)), len(COURSE) - 1)]
