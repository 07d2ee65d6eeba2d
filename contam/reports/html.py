"""The HTML report: one file that asks for nothing from outside, for a browser, a phone or a printer.

What comes from a corpus or a model stays text: control and direction characters are shown as escapes, then every
character that means something to HTML is escaped. The page also forbids itself scripts and every request.
"""

from __future__ import annotations

import re
from html import escape

from contam.reports.escape import shorten
from contam.reports.html_style import STYLE
from contam.reports.page import Banner, Bar, Bars, Block, Excerpt, Page, Picture, Section, Sentences, Table
from contam.reports.vector import inline

_LEVELS = {
    "healthy": ("✓", "Healthy"),
    "at_risk": ("!", "At risk"),
    "collapsing": ("✗", "Collapsing"),
    "diverged": ("✗", "Diverged"),
    "insufficient_evidence": ("?", "Insufficient evidence"),
    "no_level": ("–", "No level"),
}
_MARKS = {"pass": "✓ ", "warn": "! ", "fail": "✗ ", "skipped": "– "}
_ARROWS = {"falls": ("↓", "falls"), "rises": ("↑", "rises"), "both": ("↕", "either way")}
_LONGEST = 4000
_EXCERPT = 1500
_WIDE_CELL = 40
_SHORT_NAME = 24
"""Characters of a row's name up to which it stays on one line."""
_SECTIONS_FOR_NAVIGATION = 4
_BAR = 240
_NUMBER = re.compile(r"[-+−]?[\d,. ]*\d[\d,.]*(e[-+]?\d+)?\s?(%|s)?|-|–|")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(page: Page) -> str:
    """The page as one self-contained HTML document; it ends with a line break."""
    parts = [_head(page), '<a class="skip" href="#content">Skip to the findings</a>', "<main>", "<header>"]
    parts += [f"<h1>{text(page.title)}</h1>" if page.title else '<h1 class="unseen">Report</h1>']
    parts += [_banner(page.banner)] if page.banner is not None else []
    parts += ["</header>", _navigation(page.sections), '<div id="content">']
    parts += [_section(section, number) for number, section in enumerate(page.sections, 1)]
    parts += ["</div>", f"<footer><p>{text(page.footer)}</p></footer>" if page.footer else "", "</main>"]
    parts += ["</body>", "</html>"]
    return "\n".join(part for part in parts if part) + "\n"


def text(raw: str) -> str:
    """Raw text as HTML text: nothing in it is markup, nothing is hidden, and no line is endless."""
    return escape(shorten(raw, _LONGEST), quote=True)


def _head(page: Page) -> str:
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(shorten(page.title or 'contam', 120))}</title>",
            '<link rel="icon" href="data:,">',
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
        )
    )


def _banner(banner: Banner) -> str:
    mark, word = _LEVELS.get(banner.level, ("•", banner.level))
    kind = f" {banner.level}" if banner.level in _LEVELS else ""
    lines = [f'<p class="word"><span aria-hidden="true">{mark} </span>{text(word)}</p>']
    lines += [f'<p class="told">{text(banner.headline)}</p>'] if banner.headline else []
    lines += [f'<p class="limit">{text(banner.detail)}</p>'] if banner.detail else []
    return f'<div class="banner{kind}" role="region" aria-label="Verdict">' + "".join(lines) + "</div>"


def _navigation(sections: tuple[Section, ...]) -> str:
    """Links to the sections, where there are many."""
    named = [(number, section.title) for number, section in enumerate(sections, 1) if section.title]
    if len(named) < _SECTIONS_FOR_NAVIGATION:
        return ""
    links = (f'<li><a href="#s{number}">{escape(shorten(title, 60))}</a></li>' for number, title in named)
    return f'<nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>'


def _section(section: Section, number: int) -> str:
    blocks = "\n".join(_block(block, section.title, f"s{number}b{k}") for k, block in enumerate(section.blocks))
    if not section.title:
        return f'<section id="s{number}">\n{blocks}\n</section>'
    heading = f'<h2 id="s{number}h">{text(section.title)}</h2>'
    return f'<section id="s{number}" aria-labelledby="s{number}h">\n{heading}\n{blocks}\n</section>'


def _block(block: Block, title: str, name: str) -> str:
    """One block; ``title`` labels what can be scrolled, ``name`` starts the ids inside."""
    if isinstance(block, Sentences) and len(block.items) == 1:
        return f"<p>{text(block.items[0])}</p>"
    if isinstance(block, Sentences):
        return f"<ul>{''.join(f'<li>{text(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Bars):
        return _bars(block, title)
    if isinstance(block, Table):
        return _table(block, title)
    if isinstance(block, Picture):
        return _picture(block, name)
    return "\n".join(_excerpt(item) for item in block.items)


def _picture(block: Picture, name: str) -> str:
    drawn = inline(block.svg, f"{name}-", shorten(block.alt, _LONGEST))
    caption = f"<figcaption>{text(block.caption)}</figcaption>" if block.caption else ""
    return f"<figure>{drawn}{caption}</figure>"


def _excerpt(item: Excerpt) -> str:
    shown = escape(shorten(item.text, _EXCERPT))
    body = f'<p class="text" dir="auto">{shown}</p>' if shown else '<p class="text">(empty)</p>'
    head = f"<p><strong>{text(item.where)}</strong> {text(item.finding)}</p>"
    return f'<div class="excerpt">{head}{body}</div>'


def _scrolling(table: str, title: str) -> str:
    """A table that can be moved sideways where it is too wide, with the keyboard too."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="Table: {text(title)}">{table}</div>'


def _table(block: Table, title: str) -> str:
    kinds = [_kind([row[i] for row in block.rows if i < len(row)]) for i in range(len(block.columns))]
    kinds[:1] = [""]
    heads = "".join(f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(block.columns, kinds))
    marks = block.marks or ("",) * len(block.rows)
    stacked = sum("long" in kind for kind in kinds) > 1
    cells = [f'{kind} data-name="{text(name)}"' for name, kind in zip(block.columns, kinds)] if stacked else kinds
    rows = "".join(_row(row, mark, cells) for row, mark in zip(block.rows, marks))
    table = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return _scrolling(('<table class="stacked">' if stacked else "<table>") + table, title)


def _row(row: tuple[str, ...], mark: str, kinds: list[str]) -> str:
    short = ' class="short"' if row and len(row[0]) <= _SHORT_NAME else ""
    cells = [f'<th scope="row"{short}>{text(row[0])}</th>'] if row else []
    for index, (cell, kind) in enumerate(zip(row[1:], kinds[1:])):
        sign = _MARKS.get(mark, "") if index == 0 else ""
        hidden = f'<span aria-hidden="true">{sign}</span>' if sign else ""
        cells.append(f"<td{kind}>{hidden}{text(cell)}</td>")
    kept = f' class="{mark}"' if mark in _MARKS else ""
    return f"<tr{kept}>{''.join(cells)}</tr>"


def _kind(cells: list[str]) -> str:
    """How a column is set: figures to the right, sentences wide."""
    if any(cells) and all(len(cell) < _WIDE_CELL and _NUMBER.fullmatch(cell) for cell in cells):
        return ' class="number"'
    return ' class="long"' if any(len(cell) > _WIDE_CELL for cell in cells) else ""


def _bars(block: Bars, title: str) -> str:
    banded = any(bar.band for bar in block.rows)
    names = ["figure", "under collapse", "value", *(["against the references", "below"] if banded else [])]
    kinds = ["", "", ' class="number"', "", ' class="number"']
    heads = "".join(f'<th scope="col"{kind}>{name}</th>' for name, kind in zip(names, kinds))
    rows = "".join(_bar_row(bar, banded) for bar in block.rows)
    table = _scrolling(f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>", title)
    return table + (f'<p class="caption">{text(block.caption)}</p>' if block.caption else "")


def _bar_row(bar: Bar, banded: bool) -> str:
    arrow, word = _ARROWS.get(bar.direction, ("", ""))
    cells = [f'<th scope="row">{text(bar.name)}</th>']
    cells.append(f'<td class="word"><span aria-hidden="true">{arrow} </span>{word}</td>')
    outside = '<span class="unseen"> (outside the band)</span>' if bar.outside else ""
    cells.append(f'<td class="number">{text(bar.shown)}{outside}</td>')
    if banded:
        cells += [f'<td class="bar">{_bar(bar)}</td>', f'<td class="number">{text(bar.note)}</td>']
    kind = ' class="outside"' if bar.outside else ""
    return f"<tr{kind}>{''.join(cells)}</tr>"


def _bar(bar: Bar) -> str:
    """The band of the references with its median, the value and its interval on it."""
    if bar.band is None or bar.value is None:
        return ""
    low, middle, high = bar.band
    margin = 0.15 * (high - low) or abs(middle) or 1.0
    start, stop = min(low - margin, bar.value), max(high + margin, bar.value)

    def at(x: float) -> str:
        return f"{8 + (min(max(x, start), stop) - start) / (stop - start) * (_BAR - 16):.1f}"

    told = f"{bar.shown}; references 5 % {low:.4g}, median {middle:.4g}, 95 % {high:.4g}"
    parts = [f"<title>{text(told)}</title>", f'<path class="axis" d="M0 12H{_BAR}"/>']
    parts.append(f'<path class="band" d="M{at(low)} 7H{at(high)}V17H{at(low)}Z"/>')
    parts.append(f'<path class="median" d="M{at(middle)} 5V19"/>')
    if bar.interval is not None:
        parts.append(f'<path class="range" d="M{at(bar.interval[0])} 12H{at(bar.interval[1])}"/>')
    parts.append(f'<circle class="value" cx="{at(bar.value)}" cy="12" r="5"/>')
    return f'<svg role="img" viewBox="0 0 {_BAR} 24" preserveAspectRatio="xMinYMid meet">{"".join(parts)}</svg>'
