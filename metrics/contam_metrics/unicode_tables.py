"""Character classes and case folding as tables, frozen so that a token is the same on every Python.

``python -m contam_metrics.unicode_tables`` writes ``unicode.npz`` anew from this interpreter's ``unicodedata``.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SYMBOL, LETTER, DIGIT, SINGLE, SPACE = range(5)
"""Classes: one symbol each; runs make a word; runs make a number; a token a code point; separates."""

_FILE = Path(__file__).with_name("unicode.npz")
_SIZE = 0x110000
_JOINERS = (0x200C, 0x200D)
# Scripts written without spaces between words: one token a code point (digits of these scripts stay digits).
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # ideographic iteration mark, closing mark, zero
    (0x3021, 0x3029),
    (0x3038, 0x303C),
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # halfwidth Katakana
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)


def character_class(code: int) -> int:
    """The class of one code point, by its Unicode category and script."""
    category = unicodedata.category(chr(code))
    if category[0] == "Z" or chr(code).isspace():
        return SPACE
    if category[0] == "N" and not 0x3005 <= code <= 0x303C:
        return DIGIT
    if category[0] not in "LMN" and code not in _JOINERS:
        return SYMBOL
    return SINGLE if any(low <= code <= high for low, high in _UNSPACED) else LETTER


def folded(code: int) -> int:
    """The code point that stands for ``code`` in a word: its case folding where that is one code point."""
    text = chr(code).casefold()
    if len(text) != 1:
        text = chr(code).lower()
    return ord(text) if len(text) == 1 else code


def build() -> dict[str, NDArray[np.int32]]:
    """Where the class changes and to what, and which code points fold to which."""
    classes = np.array([character_class(c) for c in range(_SIZE)], np.int32)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(classes)) + 1)).astype(np.int32)
    folds = [(c, f) for c in range(_SIZE) if not 0xD800 <= c < 0xE000 and (f := folded(c)) != c]
    version = [int(part) for part in unicodedata.unidata_version.split(".")]
    return {
        "starts": starts,
        "classes": classes[starts],
        "folds": np.array(folds, np.int32),
        "version": np.array(version, np.int32),
    }


def load() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """(class of every code point, folded code point of every code point)."""
    with np.load(_FILE) as stored:
        ends = np.append(stored["starts"][1:], _SIZE)
        classes = np.repeat(stored["classes"].astype(np.uint8), ends - stored["starts"])
        fold = np.arange(_SIZE, dtype=np.int32)
        fold[stored["folds"][:, 0]] = stored["folds"][:, 1]
    return classes, fold


if __name__ == "__main__":
    np.savez_compressed(_FILE, allow_pickle=False, **build())
    sys.stdout.write(f"{_FILE.name}: Unicode {unicodedata.unidata_version}, {_FILE.stat().st_size} bytes\n")
