"""Markdown for pull requests and job summaries; corpus text cannot become markup, links or mentions."""

from __future__ import annotations

import re
from urllib.parse import quote

from contam.reports.escape import shorten, visible
from contam.reports.page import Bars, Block, Excerpts, Page, Picture, Sentences, Table

_LEVELS = {
    "healthy": "healthy",
    "at_risk": "at risk",
    "collapsing": "collapsing",
    "insufficient_evidence": "insufficient evidence",
    "no_level": "no level",
}
_ARROWS = {"falls": "↓", "rises": "↑", "both": "↕"}
_EXCERPT = 300
_MARKUP = re.compile(r"([\\`*_{}\[\]|~$]|^[#+=-])")
_LINKS = re.compile(r"(@|:(?=//)|(?<=www)\.)")


def render(page: Page) -> str:
    """The page as GitHub-flavoured Markdown."""
    parts = [f"# {plain(page.title)}"]
    if page.banner is not None:
        word = _LEVELS.get(page.banner.level, page.banner.level)
        parts.append(f"**{word}**: {plain(page.banner.headline)}")
        if page.banner.gate:
            parts.append(f"**{plain(page.banner.gate)}**")
        if page.banner.detail:
            parts.append(plain(page.banner.detail))
    for section in page.sections:
        parts += [f"## {plain(section.title)}"] if section.title else []
        parts += [_block(block) for block in section.blocks]
    if page.footer:
        parts.append(f"<sub>{plain(page.footer)}</sub>")
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it is: markup escaped, HTML as entities, no mention, no automatic link."""
    safe = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _LINKS.sub("\\1&#8203;", _MARKUP.sub(r"\\\1", safe))


def code(text: str) -> str:
    """Raw text as a code span whose fence is longer than any run of backticks inside."""
    shown = visible(text)
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", shown)), default=0))
    return f"{fence} {shown} {fence}"


def _block(block: Block) -> str:
    if isinstance(block, Sentences):
        return "\n".join(f"- {plain(item)}" for item in block.items)
    if isinstance(block, Bars):
        return _bars(block)
    if isinstance(block, Table):
        return _rows(block.columns, block.rows)
    if isinstance(block, Picture):
        return _picture(block)
    return _excerpts(block)


def _picture(block: Picture) -> str:
    """The picture's file where it has one, and always what it shows."""
    shown = f"![{plain(block.alt)}]({quote(block.file)})" if block.file else plain(block.alt)
    return f"{shown}\n\n{plain(block.caption)}" if block.caption else shown


def _bars(block: Bars) -> str:
    columns = ("", "figure", "value", "interval", "references 5 %", "median", "95 %", "references below")
    rows = []
    for bar in block.rows:
        band = tuple(_short(x) for x in bar.band) if bar.band else ("", "", "")
        interval = f"{_short(bar.interval[0])} to {_short(bar.interval[1])}" if bar.interval else ""
        shown = f"{bar.shown} (outside)" if bar.outside else bar.shown
        rows.append((_ARROWS.get(bar.direction, ""), bar.name, shown, interval, *band, bar.note))
    if not any(bar.band for bar in block.rows):
        return _rows(columns[:4], tuple(row[:4] for row in rows))
    return _rows(columns, tuple(rows))


def _rows(columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _excerpts(block: Excerpts) -> str:
    lines = []
    for item in block.items:
        found = f"{item.rule} {item.finding}" if item.rule else item.finding
        lines.append(f"- {plain(item.where)}: {plain(found)}")
        lines.append(f"  {code(shorten(item.text, _EXCERPT))}")
    return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:.4g}"
