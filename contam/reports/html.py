"""The HTML report: one file that asks for nothing from outside, for a browser, a phone or a printer.

What comes from a corpus or a model stays text: control and direction characters are shown as escapes, then every
character that means something to HTML is escaped. The page also forbids itself every request, and every script but its
own, which sorts tables and is known by its digest; without scripts the page says the same.
"""

from __future__ import annotations

import re
from html import escape

from contam.reports.escape import shorten
from contam.reports.html_bars import draw_bars
from contam.reports.html_script import DIGEST, SCRIPT
from contam.reports.html_style import STYLE
from contam.reports.html_text import text, wide
from contam.reports.page import Banner, Bars, Block, Excerpt, Excerpts, Page, Picture, Section, Sentences, Table
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
_LONGEST = 4000
_EXCERPT = 1500
_WIDE_CELL = 40
_SHORT_NAME = 24
"""Characters of a row's name up to which it stays on one line."""
_SECTIONS_FOR_NAVIGATION, _LINKS = 4, 24
_NUMBER = re.compile(r"[-+−]?[\d,. ]*\d[\d,.]*(e[-+]?\d+)?\s?(%|s)?|-|–|")
_POLICY = (
    f"default-src 'none'; script-src '{DIGEST}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)


def render(page: Page) -> str:
    """The page as one self-contained HTML document; it ends with a line break."""
    parts = [_head(page), '<a class="skip" href="#content">Skip to the findings</a>', "<main>", "<header>"]
    parts += [f"<h1>{text(page.title)}</h1>" if page.title else '<h1 class="unseen">Report</h1>']
    parts += [_banner(page.banner)] if page.banner is not None else []
    parts += ["</header>", _navigation(page.sections), '<div id="content">']
    parts += [_section(section, number) for number, section in enumerate(page.sections, 1)]
    parts += ["</div>", f"<footer><p>{text(page.footer)}</p></footer>" if page.footer else "", "</main>"]
    parts += [f"<script>{SCRIPT}</script>" if "<table" in "".join(parts) else "", "</body>", "</html>"]
    return "\n".join(part for part in parts if part) + "\n"


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
    lines += [f'<p class="gate">{text(banner.gate)}</p>'] if banner.gate else []
    lines += [f'<p class="limit">{text(banner.detail)}</p>'] if banner.detail else []
    return f'<div class="banner{kind}" role="region" aria-label="Verdict">' + "".join(lines) + "</div>"


def _navigation(sections: tuple[Section, ...]) -> str:
    """Links to the sections, where there are many."""
    named = [(number, section.title) for number, section in enumerate(sections, 1) if section.title]
    if len(named) < _SECTIONS_FOR_NAVIGATION:
        return ""
    links = [f'<li><a href="#s{number}">{escape(shorten(title, 60))}</a></li>' for number, title in named[:_LINKS]]
    more = [f"<li>and {len(named) - _LINKS} more below</li>"] if len(named) > _LINKS else []
    return f'<nav aria-label="Sections"><ul>{"".join([*links, *more])}</ul></nav>'


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
        return draw_bars(block, title)
    if isinstance(block, Table):
        return _table(block, title)
    if isinstance(block, Picture):
        return _picture(block, name)
    if any(item.rule for item in block.items):
        return _documents(block, title)
    return "\n".join(_excerpt(item) for item in block.items)


def _documents(block: Excerpts, title: str) -> str:
    """Documents of several rules as a table, which can be sorted by each of its columns."""
    names = ("document", "rule", "found", "how it begins")
    heads = "".join(f'<th scope="col">{name}</th>' for name in names)
    rows = "".join(_document(item) for item in block.items)
    return wide(f'<table class="stacked documents"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>', title)


def _document(item: Excerpt) -> str:
    value = "" if item.value is None else f' data-value="{item.value:.10g}"'
    begins = f'<td class="long text" dir="auto">{escape(shorten(item.text, _EXCERPT)) or "(empty)"}</td>'
    place = f'<th scope="row">{text(item.where)}</th>'
    found = f'<td class="word">{text(item.rule)}</td><td class="found"{value}>{text(item.finding)}</td>'
    return f"<tr>{place}{found}{begins}</tr>"


def _picture(block: Picture, name: str) -> str:
    drawn = inline(block.svg, f"{name}-", shorten(block.alt, _LONGEST))
    caption = f"<figcaption>{text(block.caption)}</figcaption>" if block.caption else ""
    return f"<figure>{drawn}{caption}</figure>"


def _excerpt(item: Excerpt) -> str:
    shown = escape(shorten(item.text, _EXCERPT))
    body = f'<p class="text" dir="auto">{shown}</p>' if shown else '<p class="text">(empty)</p>'
    head = f"<p><strong>{text(item.where)}</strong> {text(item.finding)}</p>"
    return f'<div class="excerpt">{head}{body}</div>'


def _table(block: Table, title: str) -> str:
    kinds = [_kind([row[i] for row in block.rows if i < len(row)]) for i in range(len(block.columns))]
    kinds[:1] = [""]
    heads = "".join(f'<th scope="col"{kind}>{text(name)}</th>' for name, kind in zip(block.columns, kinds))
    marks = block.marks or ("",) * len(block.rows)
    stacked = sum("long" in kind for kind in kinds) > 1
    cells = [f'{kind} data-name="{text(name)}"' for name, kind in zip(block.columns, kinds)] if stacked else kinds
    rows = "".join(_row(row, mark, cells) for row, mark in zip(block.rows, marks))
    table = f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return wide(('<table class="stacked">' if stacked else "<table>") + table, title)


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
