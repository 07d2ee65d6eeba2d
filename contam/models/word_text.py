"""Text as words and punctuation, and back, for models whose tokens are words."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"\w+|[^\w\s]")
OPENING = frozenset("([{")
"""Marks without a space after them."""
CLOSING = frozenset(".,;:!?)]}")
"""Marks without a space before them."""


def tokens(text: str) -> list[str]:
    """Runs of letters and digits, and all else that is not white space sign by sign."""
    return _TOKEN.findall(text)


def written(words: Iterable[str]) -> str:
    """Tokens as a text: spaces between words, none before a closing mark. `tokens` of it are the same again, since a
    space is only left out beside a mark, which is a token by itself wherever it stands."""
    pieces: list[str] = []
    open_before = True
    for word in words:
        pieces.append(word if open_before or word in CLOSING else f" {word}")
        open_before = word in OPENING
    return "".join(pieces)
