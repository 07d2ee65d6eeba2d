"""Curves over iterations in panels below one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contam.experiments.selftrain.curves import Curve, ends
from contam.reports.escape import shorten
from contam.reports.plotting import WIDTH, drawing, saved, style_of
from contam.reports.vector import FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL = 24
_COLUMNS = 4
_FEW = 3
_LEAST = 0.6
"""Nats a panel shows at least, so that noise looks like noise."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One set of axes: its curves, its title, and the range of the untouched model where it is known."""

    title: str
    curves: tuple[Curve, ...]
    untouched: tuple[float, float] | None = None
    from_zero: bool = False


def draw_panels(panels: Sequence[Panel], unit: str, legend: str) -> tuple[str, bytes]:
    """Panels below one another over the same iterations, with one legend above them all.

    Curves end on one another once all have collapsed, so that names at their ends would be in each other's way.
    """
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(WIDTH, 0.75 + 2.2 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for panel, place in zip(panels, axes):
            _panel(place, panel, unit)
        axes[-1].set_xlabel("iteration")
        _legend(figure, panels, legend)
        return saved(figure)


def _legend(figure: Figure, panels: Sequence[Panel], title: str) -> None:
    """What the colours mean, in a row (or several) above the panels."""
    from matplotlib.lines import Line2D

    names = {curve.place: curve.label for panel in panels for curve in panel.curves}
    lines = [Line2D([], [], **style_of(place)) for place in sorted(names)]
    shown = [shorten(names[place], _LABEL) for place in sorted(names)]
    columns = min(len(names), _COLUMNS)
    figure.legend(lines, shown, loc="outside upper center", ncols=columns, title=title, frameon=False)


def _panel(axes: Axes, panel: Panel, unit: str) -> None:
    axes.set_title(shorten(panel.title, 70))
    axes.set_ylabel(unit)
    if panel.untouched is not None:
        axes.axhspan(*panel.untouched, color=FAINT, zorder=0.5)
    for curve in panel.curves:
        draw_curve(axes, curve)
    low, high = ends(panel.curves)
    if low > 0 and high > 10 * low and not panel.from_zero:
        axes.set_yscale("log")
    elif panel.from_zero:
        axes.set_ylim(0, max(high * 1.06, 0.1))
    elif high - low < _LEAST:
        axes.set_ylim((low + high - _LEAST) / 2, (low + high + _LEAST) / 2)
    whole_iterations(axes, max(c.iterations[-1] for c in panel.curves))


def whole_iterations(axes: Axes, last: int) -> None:
    """An axis of iterations: from 0, whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(-0.02 * max(last, 1), max(last, 1) * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_curve(axes: Axes, curve: Curve) -> None:
    """The line of a curve, and faint behind it the range of its seeds (of a long curve: of all its points)."""
    style = style_of(curve.place)
    if curve.seeds > 1 or curve.is_long:
        iterations, lowest, highest = curve.band
        axes.fill_between(iterations, lowest, highest, color=style["color"], alpha=0.18, linewidth=0)
    marker = "o" if len(curve.iterations) <= _FEW else ""
    axes.plot(*curve.line, marker=marker, markersize=4, **style)
