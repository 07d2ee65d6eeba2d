"""Curves over iterations: several seeds as one line with a band, long noisy ones smoothed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from contam.experiments.selftrain.history import History

SMOOTHED_FROM = 300
"""Curves of at least so many points are shown as a running median with the extent of the raw points faint behind."""
_WINDOW_SHARE = 60
_PLACES = 240


@dataclass(frozen=True, slots=True)
class Curve:
    """The median over seeds and their range, by iteration; ``place`` is its number among its like, for its colour."""

    label: str
    place: int
    iterations: tuple[int, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    seeds: int

    @property
    def smooth(self) -> tuple[float, ...]:
        """The line to draw: a running median where the curve is long, the median itself where not."""
        if not self.is_long:
            return self.middle
        return running_median(self.middle, len(self.middle) // _WINDOW_SHARE | 1)

    @property
    def is_long(self) -> bool:
        """Whether single points can no longer be told apart."""
        return len(self.middle) >= SMOOTHED_FROM

    @property
    def band(self) -> tuple[list[int], list[float], list[float]]:
        """(iterations, lowest, highest) of seeds; a long curve's in steps, over the iterations of each step."""
        step = max(len(self.low) // _PLACES, 1)
        starts = range(0, len(self.low), step)
        lowest = [min(self.low[i : i + step]) for i in starts]
        return [self.iterations[i] for i in starts], lowest, [max(self.high[i : i + step]) for i in starts]

    @property
    def line(self) -> tuple[list[int], list[float]]:
        """(iterations, values) of what is drawn; of a long curve only so many points as can be seen."""
        step = max(len(self.middle) // _PLACES, 1)
        kept = sorted({*range(0, len(self.middle), step), len(self.middle) - 1})
        smooth = self.smooth
        return [self.iterations[i] for i in kept], [smooth[i] for i in kept]

    @property
    def top(self) -> tuple[int, float]:
        """Where the line is highest: (iteration, value)."""
        line = self.smooth
        place = max(range(len(line)), key=line.__getitem__)
        return self.iterations[place], line[place]


def curve_of(seeds: Sequence[History], name: str, label: str = "", place: int = 0) -> Curve | None:
    """The curve of one field over the seeds of a group; None where it was never measured.

    An iteration is shown where at least half of the seeds have a value, so that one survivor of several seeds does
    not pass for all of them.
    """
    values: dict[int, list[float]] = {}
    for seed in seeds:
        for iteration, value in zip(*seed.series(name)):
            values.setdefault(iteration, []).append(value)
    measured = sum(bool(seed.series(name)[0]) for seed in seeds)
    kept = sorted(i for i, found in values.items() if 2 * len(found) >= measured)
    if not kept:
        return None
    rows = [values[i] for i in kept]
    middle, low, high = (tuple(f(row) for row in rows) for f in (median, min, max))
    return Curve(label, place, tuple(kept), middle, low, high, measured)


def running_median(values: Sequence[float], window: int) -> tuple[float, ...]:
    """The median of the ``window`` values around each, of fewer at the ends."""
    half = window // 2
    return tuple(median(values[max(i - half, 0) : i + half + 1]) for i in range(len(values)))


def ends(curves: Iterable[Curve]) -> tuple[float, float]:
    """The lowest and the highest value of the curves, bands included."""
    shown = list(curves)
    return min(min(c.low) for c in shown), max(max(c.high) for c in shown)
