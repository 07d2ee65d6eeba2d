"""A simulation as a page, and the folder that ``--out`` writes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contam.claims import CLAIMS, ClaimsRun, write_claims
from contam.reports import folders, write_whole
from contam.reports.page import Block, Page, Picture, Section, Sentences, Table
from contam.reports.scale import draw_course
from contam.theory.record import PAPER, Z_LIMIT, Comparison, Series, Simulation

REPORT, FIGURES, RESULT = "report.html", "figures", "simulation.json"
_COURSE = 16
_FIGURE = "figure @generation"
_WHOSE = {PAPER: "paper", "": ""}
_BOUNDS = {"upper": "<= ", "lower": ">= "}
_MARKS = {True: "pass", False: "fail", None: "skipped"}
_NOT_DRAWN = "No pictures: matplotlib is not installed (pip install matplotlib)."


def draw_simulation(result: Simulation, full: bool = False) -> Page:
    """The page of a simulation: closed forms first, then courses (``full``: a picture, and the settings)."""
    sections = [_beside(result, full)]
    sections += [_pictures(result), _settings(result.settings)] if full else [_courses(result), _sources(result)]
    sections += [Section("Notes", (Sentences(result.notes),))] if result.notes else []
    seed = f"seed {result.settings['seed']}, " if "seed" in result.settings else ""
    kept = tuple(section for section in sections if section.blocks)
    return Page(f"contam simulate {result.what}: {result.title}", None, kept, f"{seed}{result.seconds:.1f} s")


def write_result(folder: Path, result: Simulation | ClaimsRun) -> None:
    """Into a folder: ``simulation.json`` with ``figures/``, or ``claims.json``; and ``report.html``.

    Raises InputError where it cannot be written.
    """
    from contam.reports import html

    check_folder(folder)
    folders.make_folder(folder)
    if isinstance(result, ClaimsRun):
        write_claims(folder, result.claims)
    else:
        _write_figures(folder / FIGURES, result)
        write_whole(folder / RESULT, json.dumps(result.to_dict(), indent=1, allow_nan=False) + "\n")
    write_whole(folder / REPORT, html.render(result.draw(full=True)))


def check_folder(folder: Path) -> None:
    """Raise InputError where `write_result` could not write, before anything is simulated; nothing is made."""
    folders.check_folder(folder, (REPORT, RESULT, CLAIMS), (FIGURES,))


def _write_figures(folder: Path, result: Simulation) -> None:
    try:
        from contam.reports.plotting import write_pictures
        from contam.theory.pictures import draw_pictures

        write_pictures(folder, draw_pictures(result))
    except ImportError:
        return


def _beside(result: Simulation, full: bool) -> Section:
    """Simulated figures beside their closed forms."""
    if not result.comparisons:
        return Section("", (Sentences(("Nothing here has a closed form.", _from_to(result))),))
    rows = tuple(_row(item, full) for item in result.comparisons)
    marks = tuple(_MARKS[item.agrees] for item in result.comparisons)
    numbers = ("simulated", "error", "closed form", "z", "whose")
    columns = (_FIGURE, *numbers, "source") if full else (*numbers, _FIGURE)
    return Section(_agreement(result.comparisons), (Table(columns, rows, marks, header=True),))


def _from_to(result: Simulation) -> str:
    """Where every series began and ended, in one sentence."""
    told = "; ".join(f"{s.name} {_number(s.mean[0])} to {_number(s.mean[-1])}" for s in result.series)
    last = max((s.x[-1] for s in result.series), default=0)
    return f"From the first {result.x_name} to {last:g}: {told}."


def _row(item: Comparison, full: bool) -> tuple[str, ...]:
    form = ("~ " if item.approximate else "") + _BOUNDS.get(item.bound, "") + _number(item.expected)
    # Distances from a bound, or from what holds only nearly, test nothing.
    z = f"{item.z:+.1f}" if math.isfinite(item.z) and not (item.bound or item.approximate) else ""
    z += " !" if item.agrees is False else ""
    whose = _WHOSE.get(item.origin, "ours")
    numbers = (_number(item.simulated), _error(item), form, z, whose)
    return (item.name, *numbers, item.source) if full else (*numbers, item.name)


def _agreement(items: Sequence[Comparison]) -> str:
    """How many figures agree, as the heading of their table."""
    tested = [item for item in items if item.agrees is not None]
    apart = sum(not item.agrees for item in tested)
    if not tested:
        return "Beside closed forms that hold only nearly, or cannot be tested here"
    told = "all agree" if not apart else f"{apart} of {len(tested)} DISAGREE"
    return f"Simulated beside closed forms: {told} within {Z_LIMIT:g} standard errors"


def _courses(result: Simulation) -> Section:
    rows = tuple(_course(series, series.name in result.log_y) for series in result.series)
    return Section(f"Courses over {result.x_name}s", (Table(("", "from", "to", "series"), rows, header=True),))


def _course(series: Series, log: bool) -> tuple[str, ...]:
    values = [math.log(value) if value > 0 else math.nan for value in series.mean] if log else series.mean
    name = f"{series.name}, log scale" if log else series.name
    return draw_course(values, _COURSE), _number(series.mean[0]), _number(series.mean[-1]), name


def _sources(result: Simulation) -> Section:
    """Whose the closed forms are, each source once; derivations of ours have one only where they lean on something."""
    found: dict[tuple[str, str], list[str]] = {}
    for item in result.comparisons:
        if item.source:
            found.setdefault((item.origin, item.source), []).append(item.name.partition(" @")[0])
    told = tuple(
        f"{'; '.join(dict.fromkeys(names))}: {source if origin == PAPER else f'ours ({source})'}"
        for (origin, source), names in found.items()
    )
    return Section("Closed forms", (Sentences(told),) if told else ())


def _pictures(result: Simulation) -> Section:
    try:
        from contam.theory.pictures import draw_pictures

        drawn = draw_pictures(result)
    except ImportError:
        return Section("Pictures", (Sentences((_NOT_DRAWN,)),))
    blocks: tuple[Block, ...] = tuple(Picture(p.svg, p.alt, p.caption, f"{FIGURES}/{p.name}.svg") for p in drawn)
    return Section("Pictures", blocks)


def _settings(settings: Mapping[str, Any]) -> Section:
    rows = tuple((name.replace("_", " "), _setting(value)) for name, value in settings.items())
    return Section("Settings", (Table(("setting", "value"), rows, header=True),) if rows else ())


def _setting(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_setting, value)) or "-"
    return "default" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "-"


def _error(item: Comparison) -> str:
    # Below that, an error is that of rounding.
    return f"{item.error:.2g}" if item.error > 1e-12 * abs(item.simulated) else "-"
