"""Text from a corpus made safe to show: nothing read from data reaches a terminal or a page unescaped."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\u200c\u200d"
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_MARKS = 4
_HARMFUL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Control, format and bidirectional characters as ``\x1b`` or ``\u202e``; white space as single spaces.

    Joiners that Persian, Indic scripts and emoji need stay; more than four combining marks on one letter are
    escaped, because a pile of them covers the lines above and below.
    """
    shown: list[str] = []
    marks = 0
    for char in " ".join(text.split()):
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        hidden = (category in _HIDDEN and char not in _JOINERS) or marks > _MARKS
        shown.append(_escape(char) if hidden else char)
    return "".join(shown)


def shorten(text: str, length: int) -> str:
    """The first ``length`` visible characters, with an ellipsis where something was left out."""
    shown = visible(text[: 4 * length])
    whole = len(shown) <= length and len(text) <= 4 * length
    return shown if whole else shown[: length - 3].rstrip() + "..."


def exact(text: str) -> str:
    r"""Text as it is, with all its white space, but for what steers a terminal or cannot be written: ``\x1b``."""
    return _HARMFUL.sub(lambda found: _escape(found[0]), text)


def _escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
