"""Lines with bands in small panels: what every chart of a run or a simulation is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contam.reports.escape import shorten
from contam.reports.plotting import WIDTH, drawing, saved, style_of
from contam.reports.vector import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_FEW = 12
_TITLE, _LABEL = 70, 34
_PANEL_HEIGHT = 2.1
_LIMIT = (0, (6, 2, 1, 2))


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: ``y`` over ``x``, with a band from ``low`` to ``high`` where they are given.

    ``place`` is its number among its like, for its colour; ``expected`` draws it as theory: thin, dark, dashed.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    place: int = 0
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """One set of axes. ``level`` is a horizontal line worth comparing with, such as the value of human text, named in
    the legend by ``level_name``; ``limits`` are (value, name) of lines that are named where they are; ``span`` is what
    the y axis covers where panels are to be compared; ``nameless_y``: heights mean nothing, so they have no ticks."""

    title: str
    lines: tuple[Line, ...]
    y_name: str = ""
    log: bool = False
    from_zero: bool = False
    level: float | None = None
    level_name: str = ""
    limits: tuple[tuple[float, str], ...] = ()
    span: tuple[float, float] | None = None
    nameless_y: bool = False


def draw_charts(
    charts: Sequence[Chart], x_name: str, columns: int = 1, legend: str = "", log_x: bool = False
) -> tuple[str, bytes]:
    """Charts in a grid over the same x, one legend above them all: (SVG, PNG)."""
    from matplotlib.figure import Figure

    rows = -(-len(charts) // columns)
    with drawing():
        height = _PANEL_HEIGHT * rows / (1.0 if columns == 1 else 1.15)
        figure = Figure(figsize=(WIDTH, 0.75 + height), layout="constrained")
        axes = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
        for chart, place in zip(charts, axes):
            _draw(place, chart)
        for place in axes[len(charts) :]:
            place.set_visible(False)
        for place in axes[max(len(charts) - columns, 0) : len(charts)]:
            place.set_xlabel(x_name)
            place.tick_params(labelbottom=True)
            if log_x:
                place.set_xscale("log")
                _plain_decades(place.xaxis)
            elif all(float(x).is_integer() for chart in charts for line in chart.lines for x in line.x):
                place.xaxis.get_major_locator().set_params(integer=True)
        _legend(figure, charts, legend)
        return saved(figure)


def _draw(axes: Axes, chart: Chart) -> None:
    axes.set_title(shorten(chart.title, _TITLE))
    axes.set_ylabel(chart.y_name)
    if chart.level is not None:
        axes.axhline(chart.level, color=INK, linewidth=0.8, linestyle=":")
    for line in chart.lines:
        _line(axes, line)
    for value, name in chart.limits:
        axes.axhline(value, color=INK, linewidth=0.8, linestyle=_LIMIT)
        place = axes.get_yaxis_transform()
        axes.text(1.0, value, name, transform=place, fontsize=7, ha="right", va="bottom", color=INK)
    if chart.span is not None:
        axes.set_ylim(*chart.span)
    if chart.nameless_y:
        axes.set_yticks([])
    if chart.log:
        axes.set_yscale("log")
        _plain_decades(axes.yaxis)
    elif chart.from_zero:
        axes.set_ylim(bottom=0)


def _plain_decades(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 (or at 1) as plain numbers: powers of ten need parsed mathematics."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    # Over many decades the locator drops 2 and 5 by dropping everything.
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 1e4 * low else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _line(axes: Axes, line: Line) -> None:
    if line.expected:
        axes.plot(line.x, line.y, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=3)
        return
    style = style_of(line.place)
    if line.low:
        axes.fill_between(line.x, line.low, line.high, color=style["color"], alpha=0.18, linewidth=0)
    axes.plot(line.x, line.y, marker="o" if len(line.x) <= _FEW else "", markersize=3, **style)


def _legend(figure: Figure, charts: Sequence[Chart], title: str) -> None:
    """What the colours mean, above the panels; theory and levels once."""
    from matplotlib.lines import Line2D

    lines = [line for chart in charts for line in chart.lines]
    names = {line.place: line.label for line in lines if not line.expected}
    theory = next((line.label for line in lines if line.expected), None)
    levels = list(dict.fromkeys(c.level_name for c in charts if c.level is not None and c.level_name))
    if len(names) < 2 and theory is None and not levels:
        return
    handles = [Line2D([], [], **style_of(place)) for place in sorted(names)]
    labels = [shorten(names[place], _LABEL) for place in sorted(names)]
    if theory is not None:
        handles.append(Line2D([], [], color=INK, linewidth=1.0, linestyle=(0, (4, 2))))
        labels.append(shorten(theory, _LABEL))
    for name in levels:
        handles.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=":"))
        labels.append(shorten(name, _LABEL))
    columns = min(len(labels), 3 if max(map(len, labels)) > 16 else 4)
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, title=title or None, frameon=False)
