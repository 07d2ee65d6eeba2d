"""Raw text as HTML, and the frame that a wide table scrolls in."""

from __future__ import annotations

from html import escape

from contam.reports.escape import shorten

_LONGEST = 4000


def text(raw: str) -> str:
    """Raw text as HTML text: nothing in it is markup, nothing is hidden, and no line is endless."""
    return escape(shorten(raw, _LONGEST), quote=True)


def wide(table: str, title: str) -> str:
    """A table that can be moved sideways where it is too wide, with the keyboard too."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="Table: {text(title)}">{table}</div>'
