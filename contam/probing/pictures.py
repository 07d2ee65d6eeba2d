"""The pictures of a probe: loss and entropy over checkpoints, when each figure turned, one checkpoint's drifts.

A picture that would have nothing to show is not drawn. Colours are never alone: levels differ in shape too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.experiments.selftrain.pictures import UNIT
from contam.probing.page import series_of, shown_of
from contam.probing.result import Checkpoint, Estimate, Interval, Probe, Trajectory
from contam.probing.trajectory import DRIFT_LIMIT, OWN, VALIDATION, Course, brief, called, courses, place_of, title_of
from contam.probing.wording import signed
from contam.reports.escape import shorten
from contam.reports.plotting import COLOURS, WIDTH, Drawn, drawing, saved, style_of
from contam.reports.plotting import write_pictures as write_drawn
from contam.reports.vector import FAINT, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABEL, _TICK = 28, 16
_TICKS = 9
_LEAST = 0.4
"""Nats a panel shows at least, so that noise looks like noise."""
_TEXT_COLOURS = (0, 3, 5, 6)
_OWN_COLOUR = 0
_BEYOND, _WITHIN = COLOURS[1], FAINT
_SHAPES = {
    "healthy": ("o", COLOURS[2]),
    "at_risk": ("^", COLOURS[4]),
    "collapsing": ("X", COLOURS[1]),
    "insufficient_evidence": ("D", COLOURS[6]),
}
_LEVEL_NAMES = {"at_risk": "at risk", "insufficient_evidence": "not judged"}


@dataclass(frozen=True, slots=True)
class _Line:
    """A figure over the checkpoints: None where it was not measured, or has no interval."""

    label: str
    colour: str
    values: tuple[float | None, ...]
    intervals: tuple[Interval | None, ...]


def draw_pictures(probe: Probe) -> tuple[Drawn, ...]:
    """Every picture that this probe has something for.

    Raises ImportError where matplotlib is not installed.
    """
    series, found = series_of(probe), probe.trajectory
    drawn: list[Drawn | None] = []
    if found is not None and len(series) == len(found.names) > 2:
        drawn += [_trajectory(series, found), _turning(series, found)]
    drawn.append(_drifts(shown_of(probe), probe.baseline))
    return tuple(picture for picture in drawn if picture is not None)


def write_pictures(probe: Probe, folder: Path) -> list[Path]:
    """Every picture as SVG and PNG into a folder, which is made where there is none; their paths.

    Raises ImportError where matplotlib is not installed, InputError where the folder cannot be written.
    """
    drawn = draw_pictures(probe)
    if not drawn:
        return []
    write_drawn(folder, drawn)
    return [folder / f"{picture.name}{ending}" for picture in drawn for ending in (".svg", ".png")]


# --- loss and entropy over checkpoints ------------------------------------------------------------------------------


def _trajectory(series: Sequence[Checkpoint], found: Trajectory) -> Drawn:
    by_key = {course.key: course for course in courses(series)}
    losses = [key for key in by_key if key.startswith(VALIDATION)]
    human = [_loss(by_key[key], place, series) for place, key in enumerate(losses)]
    own = _own(by_key[OWN], series)
    panels = [("Loss on human text", human)] if human else []
    panels += [("Entropy of own text", [own])]
    svg, png = _draw_panels(panels, found)
    told = "; ".join(_told(line) for _, lines in panels for line in lines)
    levels = ", ".join(f"{place_of(found, i)} {_named(level)}" for i, level in enumerate(found.levels))
    caption = (
        "Loss on human text and entropy of what the checkpoint writes itself, nats a token; bands are 95 % intervals. "
        "The shape of a mark is the level of its checkpoint."
    )
    if found.failed is not None:
        caption += " The dashed line is the first checkpoint whose loss has drifted by 0.1 nats."
    return Drawn("trajectory", svg, png, f"Over {len(series)} checkpoints: {told}. Levels: {levels}.", caption)


def _loss(course: Course, place: int, series: Sequence[Checkpoint]) -> _Line:
    """The loss on one text, in tokens of the baseline's tokenizer; with another one there is no interval of it."""
    name = course.key.removeprefix(VALIDATION)
    texts = [next((text for text in c.texts if text.name == name), None) for c in series]
    same = [text is not None and (text.drift is None or text.drift.same_tokens) for text in texts]
    ends = tuple(text.nats.interval if text and ok else None for text, ok in zip(texts, same))
    colour = COLOURS[_TEXT_COLOURS[place % len(_TEXT_COLOURS)]]
    return _Line(brief(name), colour, course.values, ends)


def _own(course: Course, series: Sequence[Checkpoint]) -> _Line:
    ends = tuple(checkpoint.generation.own.interval for checkpoint in series)
    return _Line("own text", COLOURS[_OWN_COLOUR], course.values, ends)


def _draw_panels(panels: Sequence[tuple[str, Sequence[_Line]]], found: Trajectory) -> tuple[str, bytes]:
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(WIDTH, 0.9 + 2.1 * len(panels)), layout="constrained")
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        at = _positions(found)
        for (title, lines), place in zip(panels, axes):
            place.set_title(title)
            place.set_ylabel(UNIT)
            for line in lines:
                _draw_line(place, line, at, found.levels)
            if found.failed is not None:
                place.axvline(at[found.failed], color=INK, linewidth=0.9, linestyle="--", zorder=1)
            if len(lines) > 1:
                place.legend(frameon=False, loc="upper left")
        _name_positions(axes[-1], found, at)
        _level_legend(figure, found.levels)
        return saved(figure)


def _draw_line(axes: Axes, line: _Line, at: Sequence[float], levels: Sequence[str]) -> None:
    """Line, band, and at every checkpoint the mark of its level."""
    known = [i for i, value in enumerate(line.values) if value is not None]
    heights: list[Any] = [line.values[i] for i in known]
    axes.plot([at[i] for i in known], heights, color=line.colour, label=line.label, zorder=2)
    ends = [line.intervals[i] or (math.nan, math.nan) for i in known]
    low, high = [end[0] for end in ends], [end[1] for end in ends]
    axes.fill_between([at[i] for i in known], low, high, color=line.colour, alpha=0.18, linewidth=0)
    for i, height in zip(known, heights):
        shape, colour = _SHAPES.get(levels[i], _SHAPES["insufficient_evidence"])
        axes.plot([at[i]], [height], shape, color=colour, markersize=7, markeredgecolor=PAPER, zorder=3)
    low_end, high_end = axes.get_ylim()
    if high_end - low_end < _LEAST:
        axes.set_ylim((low_end + high_end - _LEAST) / 2, (low_end + high_end + _LEAST) / 2)


def _level_legend(figure: Figure, levels: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    there = [level for level in _SHAPES if level in levels]
    marks = [Line2D([], [], linestyle="", marker=_SHAPES[x][0], color=_SHAPES[x][1], markersize=7) for x in there]
    figure.legend(marks, [_named(x) for x in there], loc="outside upper center", ncols=len(there), frameon=False)


def _positions(found: Trajectory) -> list[float]:
    """Where the checkpoints lie on the axis: at their steps, or one after the other where these do not rise."""
    steps = [step for step in found.steps if step is not None]
    if len(steps) == len(found.steps) and all(a < b for a, b in pairwise(steps)):
        return [float(step) for step in steps]
    return [float(i) for i in range(len(found.names))]


def _name_positions(axes: Axes, found: Trajectory, at: Sequence[float]) -> None:
    """The axis under the panels: steps, or the names of checkpoints."""
    from matplotlib.ticker import MaxNLocator

    if at == [float(step) if step is not None else -1.0 for step in found.steps]:
        axes.set_xlabel("step")
        if len(at) <= _TICKS:
            axes.set_xticks(at, [f"{step:.0f}" for step in at])
            return
        axes.xaxis.set_major_locator(MaxNLocator(_TICKS - 2, integer=True))
        return
    kept = _spread(len(at))
    axes.set_xticks([at[i] for i in kept], [shorten(place_of(found, i), _TICK) for i in kept], rotation=30, ha="right")


def _spread(count: int) -> list[int]:
    """At most so many places as there is room for, the first and the last among them."""
    return sorted({round(i * (count - 1) / (_TICKS - 1)) for i in range(_TICKS)}) if count > _TICKS else [*range(count)]


# --- when each figure turned ----------------------------------------------------------------------------------------


def _turning(series: Sequence[Checkpoint], found: Trajectory) -> Drawn | None:
    by_key = {course.key: course for course in courses(series)}
    rows = [by_key[turn.key] for turn in found.turns if turn.key in by_key]
    if not rows:
        return None
    svg, png = _draw_cells(rows, found)
    turned = [f"{title_of(t.key)} at {place_of(found, t.turned)}" for t in found.turns if t.turned is not None]
    still = [title_of(turn.key) for turn in found.turns if turn.turned is None]
    alt = f"Turned: {', '.join(turned)}. " if turned else "No figure has turned. "
    alt += f"Not turned: {', '.join(still)}." if still else ""
    caption = (
        "Which figures are beyond their limits against the baseline (filled), by checkpoint, in the order in which "
        "they turned; a ring is where a figure turned, an empty place where it could not be judged. Bold: loss on "
        "human text."
    )
    return Drawn("turning", svg, png, alt.strip(), caption)


def _draw_cells(rows: Sequence[Course], found: Trajectory) -> tuple[str, bytes]:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    height = 0.95 + 0.23 * len(rows)
    with drawing():
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots()
        for y, course in enumerate(rows):
            for x, side in enumerate(course.sides):
                if side is not None:
                    colour = _BEYOND if side else _WITHIN
                    axes.add_patch(Rectangle((x - 0.46, y - 0.4), 0.92, 0.8, facecolor=colour, linewidth=0))
            if course.turned is not None:
                axes.plot([course.turned], [y], "o", color=_BEYOND, markeredgecolor=PAPER, markersize=6)
        _frame_cells(axes, rows, found)
        return saved(figure)


def _frame_cells(axes: Axes, rows: Sequence[Course], found: Trajectory) -> None:
    """Names on the left, checkpoints below, and on the right where each figure turned."""
    axes.set_xlim(-0.5, len(found.names) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks(range(len(rows)), [shorten(title_of(course.key), _LABEL) for course in rows])
    for label, course in zip(axes.get_yticklabels(), rows):
        label.set_fontweight("bold" if course.key.startswith(VALIDATION) else "normal")
    for y, course in enumerate(rows):
        told = "\N{EN DASH}" if course.turned is None else shorten(place_of(found, course.turned), _TICK)
        axes.text(len(found.names) - 0.4, y, told, va="center", ha="left")
    kept = _spread(len(found.names))
    steps = all(step is not None for step in found.steps)
    names = [f"{found.steps[i]:,}" if steps else shorten(place_of(found, i), _TICK) for i in kept]
    axes.set_xticks(kept, names, rotation=0 if steps else 30, ha="center" if steps else "right")
    axes.set_xlabel("step" if steps else "")


# --- the drifts of one checkpoint -----------------------------------------------------------------------------------


def _drifts(shown: Checkpoint, baseline: Checkpoint | None) -> Drawn | None:
    rows = _drift_rows(shown)
    if baseline is None or not rows:
        return None
    name = called(shown.name, shown.step)
    svg, png = _draw_drifts(rows, f"{name} less the baseline")
    told = "; ".join(f"{label} {_signed(estimate)}" for label, estimate in rows)
    caption = (
        f"Drifts of {name} from the baseline, nats a token, with 95 % intervals; the dotted line is 0.1 nats, "
        "the limit of the loss and of the entropy gap."
    )
    return Drawn("drifts", svg, png, f"Drifts from the baseline in nats a token: {told}.", caption)


def _drift_rows(shown: Checkpoint) -> list[tuple[str, Estimate]]:
    """Label and drift of every figure that is measured in nats a token."""
    rows: list[tuple[str, Estimate | None]] = []
    for text in shown.texts:
        name = brief(text.name)
        if text.drift is not None:
            rows.append((f"loss on {name}", text.drift.nats))
            rows.append((f"next-token entropy on {name}", text.drift.entropy))
            rows.append((f"entropy gap on {name}", text.drift.gap))
    rows.append(("entropy of own text", shown.generation.own_drift))
    return [(label, found) for label, found in rows if found is not None and math.isfinite(found.value)]


def _draw_drifts(rows: Sequence[tuple[str, Estimate]], title: str) -> tuple[str, bytes]:
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(figsize=(WIDTH, 0.95 + 0.27 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.set_title(shorten(title, 60))
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.axvline(DRIFT_LIMIT, color=_BEYOND, linewidth=0.9, linestyle=":")
        for y, (_, estimate) in enumerate(rows):
            if estimate.interval is not None:
                axes.plot(estimate.interval, (y, y), color=style_of(0)["color"], linewidth=2.2)
            axes.plot([estimate.value], [y], "o", color=style_of(0)["color"], markersize=6)
            axes.text(1.01, y, signed(estimate.value, 2), transform=axes.get_yaxis_transform(), va="center")
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), [shorten(label, 34) for label, _ in rows])
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, -0.2), max(high, 0.2))
        axes.set_xlabel(UNIT)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        return saved(figure)


# --- in words -------------------------------------------------------------------------------------------------------


def _named(level: str) -> str:
    return _LEVEL_NAMES.get(level, level)


def _signed(estimate: Estimate) -> str:
    ends = estimate.interval
    return signed(estimate.value, 2) + (f" ({ends[0]:.2f} to {ends[1]:.2f})" if ends else "")


def _told(line: _Line) -> str:
    known = [value for value in line.values if value is not None]
    if not known:
        return f"{line.label} not measured"
    return f"{line.label} from {known[0]:.2f} to {known[-1]:.2f}, lowest {min(known):.2f}, highest {max(known):.2f}"
