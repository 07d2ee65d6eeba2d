"""The repetition rules of Gopher (Rae et al. 2021, table A1), every one of them, under one named definition.

The paper leaves room, and its implementations differ by a factor of two on the same text. Contam's
definition, ``contam-1``:

* n-grams of words; a repeated one covers the characters of its words, at *all* of its occurrences, each
  character once; divided by the characters of all words (spaces and symbols are no word characters).
* the top n-gram is the most frequent one that occurs at least twice; among equals the one with more
  characters, then the earlier one.
* a line or paragraph is a duplicate where it stood before in the same document (second and later
  occurrences); lines are stripped, empty ones not counted; a paragraph is a run of lines without an empty
  one; divided by the number, or the characters, of all lines or paragraphs.

Characters are code points. This is the plain form that the kernels are tested against.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

DEFINITION = "contam-1"
TOP_LENGTHS = (2, 3, 4)
DUPLICATE_LENGTHS = (5, 6, 7, 8, 9, 10)
PUBLISHED_LIMITS: Mapping[str, float] = MappingProxyType(
    {
        "duplicate_lines": 0.30,
        "duplicate_paragraphs": 0.30,
        "duplicate_line_characters": 0.20,
        "duplicate_paragraph_characters": 0.20,
        "top_2_gram": 0.20,
        "top_3_gram": 0.18,
        "top_4_gram": 0.16,
        "duplicate_5_grams": 0.15,
        "duplicate_6_grams": 0.14,
        "duplicate_7_grams": 0.13,
        "duplicate_8_grams": 0.12,
        "duplicate_9_grams": 0.11,
        "duplicate_10_grams": 0.10,
    }
)
"""The limits as published: a document over any of them was left out of Gopher's training text."""
_WHITE = " \t\n\v\f\r\x1c\x1d\x1e\x1f"


def lines_of(text: str) -> list[str]:
    """The lines that have something on them, stripped of ASCII white space."""
    return [stripped for line in text.split("\n") if (stripped := line.strip(_WHITE))]


def paragraphs_of(text: str) -> list[str]:
    """Runs of lines without an empty one between them, the lines stripped and joined by a line feed."""
    paragraphs: list[list[str]] = [[]]
    for line in text.split("\n"):
        if stripped := line.strip(_WHITE):
            paragraphs[-1].append(stripped)
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs if lines]


def gopher_repetition(
    words: Sequence[str], lines: Sequence[str] = (), paragraphs: Sequence[str] = ()
) -> dict[str, float]:
    """Every rule's share for one document, by the names of ``PUBLISHED_LIMITS``.

    ``lines`` and ``paragraphs`` as from ``lines_of`` and ``paragraphs_of``. A share without anything to
    share is nan (no lines, no words); a document shorter than n words has no repeated n-gram: 0.
    """
    figures = {
        "duplicate_lines": _duplicates(lines, [1] * len(lines)),
        "duplicate_paragraphs": _duplicates(paragraphs, [1] * len(paragraphs)),
        "duplicate_line_characters": _duplicates(lines, [len(line) for line in lines]),
        "duplicate_paragraph_characters": _duplicates(
            paragraphs, [len(p) - p.count("\n") for p in paragraphs]
        ),
    }
    figures |= {f"top_{n}_gram": top_ngram_share(words, n) for n in TOP_LENGTHS}
    return figures | {f"duplicate_{n}_grams": duplicate_ngram_share(words, n) for n in DUPLICATE_LENGTHS}


def over_limits(figures: Mapping[str, float], limits: Mapping[str, float] = PUBLISHED_LIMITS) -> list[str]:
    """The rules a document breaks: all of them, not the first."""
    return [rule for rule, limit in limits.items() if figures[rule] > limit]


def _duplicates(parts: Sequence[str], weights: Sequence[int]) -> float:
    seen: set[str] = set()
    later = 0
    for part, weight in zip(parts, weights):
        later += weight if part in seen else 0
        seen.add(part)
    return later / sum(weights) if parts else math.nan


def top_ngram_share(words: Sequence[str], n: int) -> float:
    """Share of the word characters in occurrences of the most frequent n-gram, if it occurs twice at
    least."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)  # in order of first occurrence, and max() keeps the first of equals
    top = max(counts, key=lambda gram: (counts[gram], sum(map(len, gram))), default=())
    chosen = [i for i, gram in enumerate(grams) if gram == top and counts[top] > 1]
    return _covered_share(words, chosen, n)


def duplicate_ngram_share(words: Sequence[str], n: int) -> float:
    """Share of the word characters in n-grams that occur twice or more, at all their occurrences."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    return _covered_share(words, [i for i, gram in enumerate(grams) if counts[gram] > 1], n)


def _covered_share(words: Sequence[str], starts: Sequence[int], n: int) -> float:
    covered = {i for start in starts for i in range(start, start + n)}
    total = sum(map(len, words))
    return sum(len(words[i]) for i in covered) / total if total else math.nan
