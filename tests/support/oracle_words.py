"""The segmentation of text into words, written slowly and plainly: what the fast one must agree with."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_JOINERS = ("\u200c", "\u200d")
# Scripts written without spaces between words, as ranges of code points.
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3038, 0x303C),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True)
class Cut:
    """The words of one text as (folded word, is a number, code points), and what was counted beside them."""

    words: list[tuple[str, bool, int]]
    symbols: int
    unks: int


def kind(character: str) -> str:
    """space, digit, single (a token of its own), letter or symbol."""
    code = ord(character)
    category = unicodedata.category(character)
    if category[0] == "Z" or character.isspace():
        return "space"
    if category[0] == "N" and not 0x3005 <= code <= 0x303C:
        return "digit"
    if category[0] not in "LMN" and character not in _JOINERS:
        return "symbol"
    return "single" if any(low <= code <= high for low, high in _UNSPACED) else "letter"


def fold(character: str) -> str:
    """Case folding that keeps one code point one."""
    for candidate in (character.casefold(), character.lower()):
        if len(candidate) == 1:
            return candidate
    return character


def cut_slow(text: str) -> Cut:
    """Words, symbols and ``<unk>`` of a text."""
    words: list[tuple[str, bool, int]] = []
    symbols = unks = 0
    for piece in re.split(r"(<unk>)", text):
        if piece == "<unk>":
            unks += 1
            continue
        run, run_kind = "", ""
        for character in [*piece, ""]:
            now = kind(character) if character else ""
            if run and (now != run_kind or now == "single"):
                words.append(("".join(map(fold, run)), run_kind == "digit", len(run)))
                run = ""
            if now in ("letter", "digit", "single"):
                run, run_kind = run + character, now
            symbols += now == "symbol"
    return Cut(words, symbols, unks)
