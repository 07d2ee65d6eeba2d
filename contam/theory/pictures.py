"""The picture of a simulation: a panel for every series, the mean with its error, the closed form dashed."""

from __future__ import annotations

import math

from contam.reports.charts import Chart, Line, draw_charts
from contam.reports.plotting import Drawn
from contam.theory.record import Series, Simulation

ERRORS = 2.0
"""Standard errors that the band reaches to either side."""
_COLUMNS, _LEAST = 2, 1e-9


def draw_pictures(result: Simulation) -> tuple[Drawn, ...]:
    """One picture with all series that move.

    Raises ImportError where matplotlib is not installed.
    """
    charts = [_chart(series, series.name in result.log_y) for series in result.series if _moves(series)]
    if not charts:
        return ()
    svg, png = draw_charts(charts, result.x_name, columns=min(_COLUMNS, len(charts)))
    alt = f"{result.title}. " + "; ".join(_told(series) for series in result.series)
    caption = f"Mean over trajectories, with a band of {ERRORS:g} standard errors"
    if any(series.expected for series in result.series):
        caption += "; dashed: the closed form, or the bound where the table says so"
    return (Drawn(result.what, svg, png, alt, f"{caption}."),)


def _moves(series: Series) -> bool:
    """Whether there is a course to draw; what never happens is told by the table."""
    return any(_span(values) > _LEAST for values in (series.mean, series.expected))


def _span(values: tuple[float, ...]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return max(known) - min(known) if known else 0.0


def _chart(series: Series, log: bool) -> Chart:
    bands = [(mean - ERRORS * error, mean + ERRORS * error) for mean, error in zip(series.mean, series.error)]
    if log:
        # The lower end of a band may lie below 0, where a logarithmic axis has no place for it.
        bands = [(max(low, mean / 2), high) for (low, high), mean in zip(bands, series.mean)]
    lows, highs = (tuple(ends) for ends in zip(*bands))
    mean = tuple(value if value > 0 else math.nan for value in series.mean) if log else series.mean
    lines = [Line("simulated", series.x, mean, lows, highs)]
    if series.expected:
        lines.append(Line("closed form, or bound", series.x, series.expected, expected=True))
    return Chart(series.name, tuple(lines), log=log)


def _told(series: Series) -> str:
    """One series in words."""
    known = [value for value in series.mean if math.isfinite(value)]
    return f"{series.name}: {known[0]:.3g} to {known[-1]:.3g}" if known else f"{series.name}: not measured"
