"""A recursion as a page: what happened, the claims, the pictures, what every generation wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contam.claims import Claim
from contam.experiments.recurse.banner import banner_of
from contam.experiments.recurse.claims import judge_claims
from contam.experiments.recurse.history import Run, read_run
from contam.experiments.recurse.settings_table import limits_of, settings_of
from contam.experiments.recurse.table_of_samples import table_of_samples
from contam.experiments.recurse.tables import claims_section, groups_section, probes_section, tracked_section
from contam.reports import write_whole
from contam.reports.audit_page import plural
from contam.reports.page import Block, Page, Picture, Section, Sentences, Table

REPORT, FIGURES = "report.html", "figures"
_NOT_DRAWN = "no pictures: matplotlib is not installed (pip install matplotlib)"


@dataclass(frozen=True, slots=True)
class Extras:
    """What a full report has beside the figures; ``notes`` are sentences about the run as such."""

    pictures: tuple[Picture, ...] = ()
    samples: tuple[Block, ...] = ()
    notes: tuple[str, ...] = ()


def draw_run(run: Run, claims: Sequence[Claim], extras: Extras | None = None) -> Page:
    """The page of a run, finished or not; with ``extras`` (even empty ones) the full report, else the short one."""
    full = extras is not None
    sections = [groups_section(run, full), tracked_section(run, full), claims_section(run, claims, full)]
    if extras is not None:
        sections += [_pictures(extras.pictures), _samples(extras.samples), probes_section(run)]
        sections += [_settings(run), _limits(run, extras.notes)]
    kept = tuple(section for section in sections if section is not None)
    return Page(_title(run), banner_of(run, claims), kept, _footer(run))


def full_page(folder: Path, claims: Sequence[Claim] | None = None, notes: Sequence[str] = ()) -> Page:
    """The full report of a run folder, whose ``figures/`` it draws; ``claims`` where they are judged already.

    Raises InputError where the folder holds no run.
    """
    run = read_run(folder)
    judged = judge_claims(run) if claims is None else claims
    pictures, missing = _drawn(folder, run)
    return draw_run(run, judged, Extras(pictures, table_of_samples(folder, run), (*notes, *missing)))


def write_report(folder: Path, claims: Sequence[Claim] | None = None, notes: Sequence[str] = ()) -> None:
    """Write ``figures/`` and ``report.html`` of a run folder; see `full_page`."""
    from contam.reports import html

    write_whole(folder / REPORT, html.render(full_page(folder, claims, notes)))


def _pictures(pictures: Sequence[Picture]) -> Section | None:
    return Section("Pictures", tuple(pictures)) if pictures else None


def _samples(samples: Sequence[Block]) -> Section | None:
    if not samples:
        return None
    told = "How the first document of a generation begins, in the first seed of each group"
    return Section("What the generations wrote", (Sentences((told,)), *samples))


def _settings(run: Run) -> Section | None:
    rows = settings_of(run)
    departures = tuple(str(item) for item in run.plan.get("departures") or ())
    same = "nothing differs from it" if run.plan.get("preset") else "no published set-up was asked for"
    table = (Table(("setting", "value"), rows, header=True),) if rows else ()
    return Section("Settings, and what differs from the published set-up", (*table, Sentences(departures or (same,))))


def _limits(run: Run, notes: Sequence[str]) -> Section | None:
    told = (*notes, *limits_of(run))
    return Section("What falls short", (Sentences(told),)) if told else None


def _title(run: Run) -> str:
    seeds = len({lineage.seed for lineage in run.lineages})
    model = run.plan.get("model") or "no model"
    size = f"{plural(len(run.groups), 'group')}, {plural(seeds, 'seed')}, {plural(max(run.last, 0), 'generation')}"
    return f"contam recurse: {model} ({size})"


def _footer(run: Run) -> str:
    versions = run.plan.get("versions") or {}
    seconds = sum(float(line.get("seconds") or 0) for lineage in run.lineages for line in lineage.lines)
    parts = [f"{name} {version}" for name, version in versions.items()]
    return ", ".join([*parts, f"{seconds:.0f} s of work in all generations"])


def _drawn(folder: Path, run: Run) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """The pictures, written and as blocks; or none, and why."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return (), (_NOT_DRAWN,)
    from contam.experiments.recurse.pictures import draw_pictures
    from contam.reports.plotting import write_pictures

    pictures = draw_pictures(run)
    write_pictures(folder / FIGURES, pictures)
    return tuple(Picture(p.svg, p.alt, p.caption, f"{FIGURES}/{p.name}.svg") for p in pictures), ()
