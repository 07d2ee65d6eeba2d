"""The neutral page that every report is drawn on: banner, sentences, bars, tables, excerpts, pictures.

Drawing decides what is said, renderers decide how it looks. Strings on a page are raw: each renderer escapes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict in one line: its level and what the test said; ``detail`` is what it cannot see.

    ``gate`` says which enforced rules failed: the exit code follows them too, whatever the level.
    """

    level: str
    headline: str
    detail: str = ""
    gate: str = ""


@dataclass(frozen=True, slots=True)
class Sentences:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure against the band of the references: (5 %, median, 95 %), or no band.

    ``limits`` are where a rule speaks, low and high; ``base`` is the figure of a baseline.
    """

    name: str
    value: float | None
    shown: str
    direction: str
    band: tuple[float, float, float] | None = None
    interval: tuple[float, float] | None = None
    note: str = ""
    outside: bool = False
    limits: tuple[float, float] | None = None
    base: float | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """Figures with bars; ``caption`` tells how to read them."""

    rows: tuple[Bar, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column names; ``marks`` is one status a row (pass, warn, fail, skipped or empty).

    ``header`` says whether the columns need their names to be understood.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marks: tuple[str, ...] = ()
    header: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A document that stands out: where it is, what was found, and how it begins.

    ``rule`` and ``value`` are what documents of several rules can be sorted by.
    """

    where: str
    finding: str
    text: str
    rule: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Excerpts:
    """Documents that stand out, worst first."""

    items: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture: its SVG, what it shows for those who cannot see it, and how to read it.

    ``file`` is where it also lies, relative to the report; renderers without pictures name it beside the caption.
    """

    svg: str
    alt: str
    caption: str = ""
    file: str = ""


Block = Sentences | Bars | Table | Excerpts | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole report."""

    title: str
    banner: Banner | None
    sections: tuple[Section, ...]
    footer: str = ""
