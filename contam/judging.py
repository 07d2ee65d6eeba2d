"""What both judgements share: facts of the whole corpus, the matched text, and the levels that need no
p-value."""

from __future__ import annotations

from dataclasses import dataclass, field

from contam.profile import Profile
from contam.result import Figure, Level, ReferenceInfo, Verdict
from contam_metrics.prepare import Prepared, prepare
from contam_metrics.segments import Segments
from contam_metrics.signals import Measured, measure

USUAL_SIZE = 20_000
"""Words at which corpora are judged unless told otherwise: the rates of the documentation hold here."""
LOOPED_SHARE, LOOPED_LEAST = 0.10, 5
FEW_DOCUMENTS_BYTES = 10_000
"""Bytes of looped text that count in a corpus too small to have five looped documents."""
LOOPS_NONLETTER = 0.45
MOSTLY_COPIES = 0.5


@dataclass(frozen=True, slots=True)
class CorpusFacts:
    """Counts of the whole corpus that the matched sample cannot see.

    ``nonletter_share`` is that of numbers and signs among the tokens of documents that do not loop (of all, where all
    do). ``looped_bytes`` of all ``bytes`` lie in looped documents (0 where that was not counted).
    """

    words: int
    documents: int
    looped_documents: int = 0
    nonletter_share: float = 0.0
    unk_share: float = 0.0
    exact_duplicate_share: float = 0.0
    near_duplicate_share: float = 0.0
    looped_bytes: int = 0
    bytes: int = 0

    @property
    def looped_share(self) -> float:
        """Share of the documents that end in a loop or mostly are one."""
        return self.looped_documents / self.documents if self.documents else 0.0

    @property
    def loops(self) -> bool:
        """The loop rule: a tenth of the documents and at least five, or, in a smaller corpus, half of a
        text of `FEW_DOCUMENTS_BYTES`; not in tables and program text, where repetition is ordinary."""
        if self.nonletter_share > LOOPS_NONLETTER or self.looped_share < LOOPED_SHARE:
            return False
        most = self.looped_bytes >= FEW_DOCUMENTS_BYTES and 2 * self.looped_bytes >= self.bytes
        return self.looped_documents >= LOOPED_LEAST or most


@dataclass(frozen=True)
class Judgement:
    """A verdict, the figures it was read from, and what they were compared with."""

    verdict: Verdict
    signals: dict[str, Figure]
    reference: ReferenceInfo


@dataclass(frozen=True)
class Matched:
    """A corpus at the largest allowed size it reaches (or, short of all, as it is)."""

    prepared: Prepared
    measured: Measured
    size: int
    copies: float = 0.0
    """Share of the text that nearly copies other text: of what was walked, or of all where all was needed."""

    @property
    def reached(self) -> bool:
        """Whether there was enough text that is no copy."""
        return self.prepared.reached


@dataclass
class Findings:
    """Sentences gathered on the way to a verdict."""

    reasons: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def matched(segments: Segments, profile: Profile, sizes: tuple[int, ...], words: int, spread: bool = True) -> Matched:
    """The corpus prepared at the largest of ``sizes`` that it reaches, and measured."""
    copies = 0.0
    for size in sorted(sizes, reverse=True):
        prepared = prepare(segments, size)
        known = words if words >= size and not prepared.reached else 0
        copies = max(copies, prepared.dropped_share, 1.0 - prepared.words / known if known else 0.0)
        if prepared.reached:
            break
    texts = [segments.texts[i] for i in prepared.rows]
    return Matched(prepared, measure(prepared, profile.hashes, texts, spread), size, copies)


def looped(facts: CorpusFacts) -> str:
    """The loop rule in words."""
    share = f"{facts.looped_documents:,} of {facts.documents:,} documents ({facts.looped_share:.0%})"
    return f"{share} fall into a loop: one piece, repeated at least three times, makes up a quarter or more"


def copied(found: Matched, facts: CorpusFacts) -> str:
    """What was left after near copies, and what was found on the whole corpus."""
    told = f"{found.copies:.0%} of the text nearly copies other text of the corpus"
    exact = facts.exact_duplicate_share
    return f"{told}; {exact:.0%} of the documents are exact copies" if exact else told


def short(found: Matched, facts: CorpusFacts, least: int, whose: str = "the corpus") -> str:
    """Why the smallest size was not reached."""
    told = f"{whose} has {facts.words:,} words and the smallest matched size is {least:,}"
    if facts.words >= least:
        told = f"{whose} has only {found.prepared.words:,} words that are no near copies; {least:,} are needed"
    return told


def insufficient(reasons: list[str], advice: list[str]) -> Verdict:
    """No judgement, and what is missing."""
    return Verdict(Level.INSUFFICIENT, reasons=tuple(reasons), advice=tuple(advice))
