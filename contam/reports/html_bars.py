"""Figures against their references, as a table with a small drawing in each row."""

from __future__ import annotations

from collections.abc import Callable

from contam.reports.html_text import text, wide
from contam.reports.page import Bar, Bars

_ARROWS = {"falls": ("↓", "falls"), "rises": ("↑", "rises"), "both": ("↕", "either way")}
_WIDTH, _EDGE, _HEIGHT, _MIDDLE = 300, 9, 34, 12
_LEGEND = (
    ("value", "value"), ("range", "its 95 % interval"), ("band", "references, 5 to 95 %"),
    ("median", "their median"), ("rule", "limit of the rule"), ("base", "baseline"),
)  # fmt: skip
_LARGEST = 1e300


def draw_bars(block: Bars, title: str) -> str:
    """Name, direction under collapse, value, drawing and place of every figure; a legend of what is drawn below."""
    banded = any(bar.band for bar in block.rows)
    names = ["figure", "under collapse", "value", *(["against the references", "below"] if banded else [])]
    kinds = ["", "", ' class="number"', "", ' class="number"']
    heads = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in zip(names, kinds))
    rows = "".join(_row(bar, banded) for bar in block.rows)
    table = wide(f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>", title)
    caption = f'<p class="caption">{text(block.caption)}</p>' if block.caption else ""
    return table + (_legend(block) if banded else "") + caption


def _row(bar: Bar, banded: bool) -> str:
    arrow, word = _ARROWS.get(bar.direction, ("", ""))
    cells = [f'<th scope="row">{text(bar.name)}</th>']
    cells.append(f'<td class="word"><span aria-hidden="true">{arrow} </span>{word}</td>')
    outside = '<span class="unseen"> (outside the band)</span>' if bar.outside else ""
    number = "" if bar.value is None else f' data-value="{bar.value:.10g}"'
    cells.append(f'<td class="number"{number}>{text(bar.shown)}{outside}</td>')
    if banded:
        cells += [f'<td class="bar">{_drawing(bar)}</td>', f'<td class="number">{text(bar.note)}</td>']
    kind = ' class="outside"' if bar.outside else ""
    return f"<tr{kind}>{''.join(cells)}</tr>"


def _drawing(bar: Bar) -> str:
    """The band of the references with its median, the limits on the side of collapse, the value with its interval,
    and the baseline; the ends of the band in numbers below."""
    if bar.band is None or bar.value is None or not all(map(_drawable, (*bar.band, bar.value))):
        return ""
    low, middle, high = bar.band
    at = _scale(bar)
    parts = [f"<title>{text(_told(bar))}</title>", f'<path class="axis" d="M0 {_MIDDLE}H{_WIDTH}"/>']
    parts.append(f'<path class="band" d="M{at(low)} 6H{at(high)}V18H{at(low)}Z"/>')
    parts.append(f'<path class="median" d="M{at(middle)} 4V20"/>')
    parts += [f'<path class="rule" d="M{at(limit)} 2V22"/>' for limit in _limits(bar)]
    if bar.interval is not None:
        parts.append(f'<path class="range" d="M{at(bar.interval[0])} {_MIDDLE}H{at(bar.interval[1])}"/>')
    if bar.base is not None and _drawable(bar.base):
        parts.append(f'<path class="base" d="M{at(bar.base)} 5l6 7l-6 7l-6-7Z"/>')
    parts.append(f'<circle class="value" cx="{at(bar.value)}" cy="{_MIDDLE}" r="5"/>')
    parts += _ends(float(at(low)), float(at(high)), (_short(low), _short(high)))
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="xMinYMid meet"'
    return f'<svg role="img" {box}>{"".join(parts)}</svg>'


def _drawable(x: float) -> bool:
    """Whether a number has a place on a drawing: no infinity, no NaN, and none whose distances are infinite."""
    return abs(x) < _LARGEST


def _scale(bar: Bar) -> Callable[[float], str]:
    """From a figure to a place on the drawing; all that is drawn fits on it."""
    assert bar.band is not None and bar.value is not None
    low, middle, high = bar.band
    margin = 0.15 * (high - low) or abs(middle) or 1.0
    drawn = [bar.value, *_limits(bar), *(bar.interval or ()), *([bar.base] if bar.base is not None else [])]
    drawn = [x for x in drawn if _drawable(x)]
    start, stop = min(low - margin, *drawn), max(high + margin, *drawn)

    def at(x: float) -> str:
        share = (min(max(x, start), stop) - start) / (stop - start)
        return f"{_EDGE + share * (_WIDTH - 2 * _EDGE):.1f}"

    return at


def _limits(bar: Bar) -> list[float]:
    """The limits on the side to which collapse moves the figure."""
    if bar.limits is None:
        return []
    kept = {"falls": bar.limits[:1], "rises": bar.limits[1:]}.get(bar.direction, bar.limits)
    return [limit for limit in kept if _drawable(limit)]


def _ends(low: float, high: float, shown: tuple[str, str]) -> list[str]:
    """The ends of the band in numbers, apart from each other and inside the drawing."""
    apart = 6.4 * max(map(len, shown)) + 6
    if high - low < apart:
        middle = min(max((low + high) / 2, apart), _WIDTH - apart)
        low, high = middle - apart / 2, middle + apart / 2
    places = ((low, shown[0]), (high, shown[1]))
    room = [(min(max(x, 3.2 * len(s)), _WIDTH - 3.2 * len(s)), s) for x, s in places]
    return [f'<text class="end" x="{x:.1f}" y="32" text-anchor="middle">{s}</text>' for x, s in room]


def _short(x: float) -> str:
    return f"{x:,.0f}" if 1000 <= abs(x) < 1e7 else f"{x:.3g}"


def _told(bar: Bar) -> str:
    """The drawing in words."""
    assert bar.band is not None
    low, middle, high = bar.band
    told = f"{bar.shown}; references 5 % {low:.4g}, median {middle:.4g}, 95 % {high:.4g}"
    if bar.interval is not None:
        told += f"; interval {bar.interval[0]:.4g} to {bar.interval[1]:.4g}"
    told += "".join(f"; limit {limit:.4g}" for limit in _limits(bar))
    return told + (f"; baseline {bar.base:.4g}" if bar.base is not None else "")


def _legend(block: Bars) -> str:
    """What the marks mean, of those that occur."""
    there = {"value", "band", "median"}
    there |= {"range"} if any(bar.interval for bar in block.rows) else set()
    there |= {"rule"} if any(_limits(bar) for bar in block.rows) else set()
    there |= {"base"} if any(bar.base is not None for bar in block.rows) else set()
    items = "".join(f"<li>{_mark(kind)} {words}</li>" for kind, words in _LEGEND if kind in there)
    return f'<ul class="legend">{items}</ul>'


def _mark(kind: str) -> str:
    shapes = {
        "value": '<circle class="value" cx="11" cy="8" r="5"/>',
        "range": '<path class="range" d="M1 8H21"/>',
        "band": '<path class="band" d="M1 3H21V13H1Z"/>',
        "median": '<path class="median" d="M11 1V15"/>',
        "rule": '<path class="rule" d="M11 0V16"/>',
        "base": '<path class="base" d="M11 1l6 7l-6 7l-6-7Z"/>',
    }
    return f'<svg aria-hidden="true" viewBox="0 0 22 16">{shapes[kind]}</svg>'
