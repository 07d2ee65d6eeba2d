"""Documents as they are compared: cut to size, without what gives their author away for another reason than style."""

from __future__ import annotations

import re

from sources import PROMPTS

LEAST, PASSAGE, WHOLE, CUT = 80, 150, 225, 120
"""Words: of a document at least; of a passage; of a document that stays whole at most; of a continued text at most."""
FOREIGN_ENDS = re.compile(r"@-@|@,@|@\.@|<unk>|@[A-Z]+\d*")
SALUTATION = re.compile(r"^\s*(?:dear|to)\b[^,.:!?]{0,60}[,.:!]+\s*", re.IGNORECASE)
TITLE = re.compile(r"^\s*title:[^\n]*\n", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?][\"'”’)\]]*$")
CLOSED = ("non-commercial", "none stated", "no licence stated", "no licence file; readme")
"""What a licence says that does not allow coefficients learned from the text to be given away, or may not."""


def free(licence: str) -> bool:
    """Whether a licence allows coefficients learned from the text to be given away."""
    return not any(closed in licence.lower() for closed in CLOSED)


def line(text: str) -> str:
    """A text as one line, without marks that only a preparation put there."""
    return " ".join(FOREIGN_ENDS.sub(" ", text.replace(" @-@ ", "-")).split())


def opening(text: str) -> str:
    """What two copies of a document share."""
    return re.sub(r"\W+", " ", text).casefold()[:200]


def passages(text: str) -> list[str]:
    """A long document in pieces of about ``PASSAGE`` words, each cut after the end of a sentence where one is near."""
    words = line(text).split()
    if len(words) <= WHOLE:
        return [" ".join(words)]
    count = round(len(words) / PASSAGE)
    edges = [0]
    for i in range(1, count):
        edge = i * len(words) // count
        near = (j for j in range(edge, min(edge + 40, len(words))) if SENTENCE_END.search(words[j - 1]))
        edges.append(next(near, edge))
    return [" ".join(words[a:b]) for a, b in zip(edges, [*edges[1:], len(words)])]


def whole(text: str) -> str:
    """A text up to its last sentence end, where that leaves most of it: an end may not tell who wrote the text."""
    words = text.split()
    for i in range(len(words), int(0.7 * len(words)), -1):
        if SENTENCE_END.search(words[i - 1]):
            return " ".join(words[:i])
    return " ".join(words)


def long_enough(text: str) -> bool:
    """Whether a document has enough words for a score."""
    return len(text.split()) >= LEAST


def prompt_of(row: dict[str, str]) -> str | None:
    """The essay prompt that a school essay answers, by its words; None where none stands out."""
    text = row["text"].lower()
    counts = [(len(re.findall(pattern, text)), name) for name, pattern in PROMPTS]
    return max(counts)[1] if max(counts)[0] >= 2 else None


def unsigned(text: str) -> str:
    """A letter without its salutation, an essay without the line that names its title."""
    return SALUTATION.sub("", line(TITLE.sub("", text)), count=1)
