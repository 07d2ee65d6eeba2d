"""The picture of the signals: a strip for each, its distance from the untouched model and where it turned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median, pstdev
from typing import TYPE_CHECKING, Any

from contam.experiments.selftrain.claims import told_name
from contam.experiments.selftrain.curves import Curve, curve_of
from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.plotting import draw_curve, whole_iterations
from contam.experiments.selftrain.turning import OWN_LOSS, VALIDATION, direction_of, draws_of
from contam.reports.escape import shorten
from contam.reports.plotting import COLOURS, WIDTH, drawing, saved
from contam_metrics.one_text import DIRECTIONS, FALLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMALLEST = 1e-3
_TITLE = 25
_SEPARATE = 1.25
_LOSS_HEIGHT = 2.2


@dataclass(frozen=True, slots=True)
class Strip:
    """One signal: its curve in standard deviations of the untouched model, positive towards collapse; when it turned.

    ``turned`` is the median over seeds of when it turned, None where half of them or more never did.
    """

    name: str
    title: str
    curve: Curve
    turned: float | None
    is_loss: bool = False


def strips_of(run: Run, model: str, rate: float, points: Mapping[str, Mapping[str, int | None]]) -> tuple[Strip, ...]:
    """The strips of a group of seeds in the order in which they turned: the loss on human text first."""
    seeds, draws = run.group(model, rate), run.baseline_of(model)
    turns = [points[seed.name] for seed in seeds]
    losses = [VALIDATION + name for name in run.validation[:1]]
    strips = []
    for name in (*losses, OWN_LOSS, *DIRECTIONS):
        curve = curve_of(seeds, name)
        if curve is not None:
            scaled = standardised(curve, draws_of(draws, name), direction_of(name))
            strips.append(Strip(name, title_of(name), scaled, turned_at(turns, name), name in losses))
    return tuple(sorted(strips, key=lambda s: (not s.is_loss, math.inf if s.turned is None else s.turned)))


def title_of(name: str) -> str:
    """What a signal or a loss is called where there is little room."""
    return told_name(name).removeprefix("the ")


def turned_at(turns: Sequence[Mapping[str, int | None]], name: str) -> float | None:
    """The median over seeds of when a signal turned; None where half of the seeds or more never did."""
    middle = median(math.inf if (at := seed.get(name)) is None else at for seed in turns)
    return middle if math.isfinite(middle) else None


def standardised(curve: Curve, draws: Sequence[float], direction: str) -> Curve:
    """The curve as distance from the mean of the draws, in their standard deviations, up where collapse leads.

    Draws that are all equal have no deviation: then a thousandth of the mean, or of 1, stands for it. Without draws
    the curve's own start is the origin.
    """
    origin = fmean(draws) if draws else curve.middle[0]
    unit = max(pstdev(draws) if len(draws) > 1 else 0.0, _SMALLEST * max(abs(origin), 1.0))
    sign = -1.0 if direction == FALLS else 1.0

    def moved(values: Sequence[float]) -> tuple[float, ...]:
        return tuple(sign * (value - origin) / unit for value in values)

    low, high = moved(curve.low), moved(curve.high)
    return replace(curve, middle=moved(curve.middle), low=low if sign > 0 else high, high=high if sign > 0 else low)


def draw_strips(strips: Sequence[Strip], title: str) -> tuple[str, bytes]:
    """The strips below one another, all on one scale, as SVG and PNG."""
    from matplotlib.figure import Figure

    height = 1.0 + 0.34 * (len(strips) + _LOSS_HEIGHT - 1)
    with drawing():
        figure = Figure(figsize=(WIDTH, height))
        figure.subplots_adjust(0.27, 0.45 / height, 0.93, 1 - 0.35 / height, hspace=0.08)
        heights = [_LOSS_HEIGHT if strip.is_loss else 1.0 for strip in strips]
        axes = figure.subplots(len(strips), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        axes[0].set_title(shorten(title, 52))
        figure.text(0.995, 1 - 0.33 / height, "turned", ha="right", va="bottom")
        reach, last = _reach(strips), max(strip.curve.iterations[-1] for strip in strips)
        alarm = next((strip.turned for strip in strips if strip.is_loss), None)
        for strip, place in zip(strips, axes):
            _frame(place, reach, place is axes[-1])
            _strip(place, strip)
            if alarm is not None:
                place.axvline(alarm, color=COLOURS[0], linewidth=0.9, linestyle="--")
        whole_iterations(axes[-1], last)
        axes[-1].set_xlabel("iteration")
        return saved(figure)


def _frame(axes: Axes, reach: tuple[float, float], lowest: bool) -> None:
    """Axes without a scale of their own: a line at the untouched model, and iterations under the lowest strip."""
    from matplotlib.ticker import NullLocator

    axes.set_yscale("asinh", linear_width=2.0)
    axes.yaxis.set_major_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(*reach)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, labelbottom=lowest)
    axes.axhline(0, color=COLOURS[-1], linewidth=0.5)


def _strip(axes: Axes, strip: Strip) -> None:
    place = 0 if strip.is_loss else 1
    colour, weight = COLOURS[place], "bold" if strip.is_loss else "normal"
    draw_curve(axes, replace(strip.curve, place=place))
    beside: dict[str, Any] = {"transform": axes.transAxes, "va": "center"}
    axes.text(-0.02, 0.4, shorten(strip.title, _TITLE), ha="right", weight=weight, **beside)
    if strip.turned is None:
        axes.text(1.015, 0.4, "\N{EN DASH}", ha="left", **beside)
        return
    line = dict(zip(strip.curve.iterations, strip.curve.smooth))
    nearest = min(line, key=lambda iteration: abs(iteration - float(strip.turned or 0)))
    axes.plot([strip.turned], [line[nearest]], "o", color=colour, markersize=5, clip_on=False, zorder=5)
    axes.text(1.015, 0.4, f"{strip.turned:g}", ha="left", color=colour, weight="bold", **beside)


def _reach(strips: Sequence[Strip]) -> tuple[float, float]:
    """One scale for all strips: as far as the lines go, a little more, and never less than noise."""
    tops = [max(strip.curve.smooth) for strip in strips]
    bottoms = [min(strip.curve.smooth) for strip in strips]
    return min(min(bottoms) * _SEPARATE, -3.0), max(max(tops) * _SEPARATE, 6.0)
