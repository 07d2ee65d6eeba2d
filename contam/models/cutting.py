"""Long texts in pieces that encode to the same ids as the whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

BORDER = re.compile(r"(?<=\w)[ \n](?=\w)")
AROUND = 200
"""Characters each side on which a cut is tried; rules that cut words look no further than one word."""
TRIES = 32


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts where the tokenizer agrees: text around the cut is encoded whole and in two, and must give the same ids."""

    encode: Callable[[str], list[int]]

    def pieces(self, text: str, size: int) -> Iterator[str]:
        """Pieces of about ``size`` characters; the rest in one where no cut is found.

        A tokenizer that puts a space before every text gets its pieces without the space at the cut.
        """
        start = 0
        while len(text) - start > 2 * size:
            cut = self._cut(text, start + size)
            if cut is None:
                break
            yield text[start : cut[0]]
            start = cut[1]
        yield text[start:]

    def _cut(self, text: str, first: int) -> tuple[int, int] | None:
        """Where a piece ends and the next begins, at or after ``first``."""
        for tried, match in enumerate(BORDER.finditer(text, first)):
            i = match.start()
            options = ((i, i), (i, i + 1)) if text[i] == " " else ((i + 1, i + 1),)
            for end, begin in options:
                left, right = text[max(0, i - AROUND) : end], text[begin : i + AROUND]
                whole = self.encode(text[max(0, i - AROUND) : i + AROUND])
                if self.encode(left) + self.encode(right) == whole:
                    return end, begin
            if tried == TRIES:
                break
        return None
