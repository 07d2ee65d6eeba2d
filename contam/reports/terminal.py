"""The terminal report: readable at 80 columns, without colour, and with ASCII alone."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from contam.reports import Style
from contam.reports.escape import shorten, visible
from contam.reports.page import Banner, Bars, Block, Excerpts, Page, Picture, Section, Sentences, Table
from contam.reports.scale import ASCII_COURSE, COURSE, Glyphs, draw_bar, glyphs_for

_LEVELS = {
    "healthy": ("HEALTHY", "green"),
    "at_risk": ("AT RISK", "yellow"),
    "collapsing": ("COLLAPSING", "red"),
    "diverged": ("DIVERGED", "red"),
    "insufficient_evidence": ("INSUFFICIENT EVIDENCE", "magenta"),
    "no_level": ("NO LEVEL", "cyan"),
}
_STATUS = {"fail": "red", "warn": "yellow", "skipped": "bright_black", "pass": "green"}
_EXCERPT = 140
_COURSE = str.maketrans(COURSE, ASCII_COURSE)


def render(page: Page, style: Style) -> str:
    """The page as text, with ANSI colour only where ``style`` allows it."""
    out = StringIO()
    console = Console(
        file=out,
        width=style.width,
        force_terminal=style.colour,
        color_system="standard" if style.colour else None,
        no_color=not style.colour,
        highlight=False,
        legacy_windows=False,
    )
    paint(page, console, style.ascii)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    text = "\n".join(lines) + "\n"
    return text.translate(_COURSE).encode("ascii", "backslashreplace").decode("ascii") if style.ascii else text


def one_line(title: str, banner: Banner, style: Style) -> str:
    """The verdict alone, however long the line gets: for logs, and for hooks that run at every commit."""
    word = _LEVELS.get(banner.level, (banner.level.upper(), ""))[0]
    gate = banner.gate[:1].lower() + banner.gate[1:]
    told = ", ".join(part for part in (word, banner.headline, gate) if part)
    line = visible(f"{title}: {told}" if title else told)
    return (line.encode("ascii", "backslashreplace").decode("ascii") if style.ascii else line) + "\n"


def paint(page: Page, console: Console, ascii_only: bool = False) -> None:
    """Print the page on a rich console (the picture in the README is made from one)."""
    painter = _Painter(glyphs_for(ascii_only), console.width)
    if page.title:
        console.print(Text(visible(page.title), style="bold"))
    if page.banner is not None:
        console.print()
        console.print(painter.banner(page.banner))
    for section in page.sections:
        console.print()
        console.print(painter.section(section))
    if page.footer:
        console.print()
        console.print(Text(visible(page.footer), style="bright_black"))


@dataclass(frozen=True, slots=True)
class _Painter:
    glyphs: Glyphs
    width: int

    def banner(self, banner: Banner) -> RenderableType:
        """The level in colour, what the test said beside it, and below what the test cannot see."""
        word, colour = _LEVELS.get(banner.level, (banner.level.upper(), "cyan"))
        mark = self.glyphs.marks.get(banner.level, "*")
        line = Text.assemble((f" {mark} {word} ", f"bold reverse {colour}"), "  ", visible(banner.headline))
        below = [Text(visible(banner.gate), style="bold red")] if banner.gate else []
        below += [Text(visible(banner.detail))] if banner.detail else []
        return Group(line, *(Padding(told, (0, 0, 0, 2)) for told in below))

    def section(self, section: Section) -> RenderableType:
        """A bold heading and its blocks, indented by two."""
        blocks = (Padding(self.block(block), (0, 0, 0, 2)) for block in section.blocks)
        heading = [Text(visible(section.title), style="bold")] if section.title else []
        return Group(*heading, *blocks)

    def block(self, block: Block) -> RenderableType:
        """The renderable of one block."""
        if isinstance(block, Sentences):
            return self.sentences(block)
        if isinstance(block, Bars):
            return self.bars(block)
        if isinstance(block, Picture):
            return Text(visible(f"{block.file}: {block.alt}" if block.file else block.alt))
        return self.table(block) if isinstance(block, Table) else self.excerpts(block)

    def sentences(self, block: Sentences) -> RenderableType:
        """Bulleted sentences with a hanging indent."""
        grid = Grid.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=1)
        grid.add_column(ratio=1)
        for item in block.items:
            grid.add_row(self.glyphs.bullet, Text(visible(item)))
        return grid

    def bars(self, block: Bars) -> RenderableType:
        """One line a figure: arrow, name, value, bar, place."""
        banded = any(row.band for row in block.rows)
        room = min(max(self.width - 54, 12), 40) if banded else 0
        grid = Grid.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=1)
        grid.add_column(min_width=14, no_wrap=True)
        grid.add_column(justify="right", no_wrap=True)
        if banded:
            grid.add_column(no_wrap=True, min_width=room)
        grid.add_column(no_wrap=True)
        for row in block.rows:
            colour = "yellow" if row.outside else ""
            cells: list[RenderableType] = [self.glyphs.arrows.get(row.direction, " "), Text(row.name)]
            cells.append(Text(visible(row.shown), style=colour))
            if banded:
                cells.append(Text(draw_bar(row, room, self.glyphs), style=colour))
            grid.add_row(*cells, Text(visible(row.note)))
        caption = Text(visible(block.caption), style="bright_black")
        return Group(grid, caption) if block.caption else grid

    def table(self, block: Table) -> RenderableType:
        """A table without rules; a status colours its row's second cell. Long names in front leave room behind."""
        grid = Grid.grid(padding=(0, 2, 0, 0))
        most = self.width // 3
        for index in range(len(block.columns)):
            last = index == len(block.columns) - 1
            named = index == 0 and not last and any(len(row[0]) > most for row in block.rows)
            limit = most if named else None
            grid.add_column(ratio=1 if last else None, no_wrap=not last and not named, max_width=limit, overflow="fold")
        if block.header:
            grid.add_row(*(Text(name, style="underline") for name in block.columns))
        for row, mark in zip(block.rows, block.marks or ("",) * len(block.rows)):
            style = _STATUS.get(mark, "")
            grid.add_row(*(Text(visible(cell), style=style if i == 1 else "") for i, cell in enumerate(row)))
        return grid

    def excerpts(self, block: Excerpts) -> RenderableType:
        """Where, what, and the beginning of the text with everything invisible made visible."""
        parts: list[RenderableType] = []
        for item in block.items:
            rule = f"{visible(item.rule)}  " if item.rule else ""
            head = Text.assemble((visible(item.where), "bold"), "  ", rule, visible(item.finding))
            parts += [head, Padding(Text(shorten(item.text, _EXCERPT)), (0, 0, 0, 2))]
        return Group(*parts)
