"""A baseline measured: the matched sample at every size, and the same figures of disjoint parts of the documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contam import judging
from contam.baseline.files import rounded, write
from contam.baseline.known import ContentHashes
from contam.baseline.record import DOUBTFUL, NOT_WRITTEN, WROTE, Baseline, Held, Parts
from contam.baseline.whole_documents import WholeDocuments
from contam.engine import Measured
from contam.errors import InputError
from contam.profile import Profile, find
from contam.result import Audit, Figure
from contam.rules import RULES
from contam_metrics.segments import Segments

FOR_WRITING = (ContentHashes, WholeDocuments)
"""What has to be measured of a corpus whose baseline is written."""
MOST_PARTS, LEAST_PARTS = 12, 2
ROOM = 1.1
"""Words that a part gets for every word it is measured at: near copies fall out, and documents differ in length."""
INTERVAL = 2 * 1.959964
"""Standard deviations in a 95 % interval."""


def measure(measured: Measured, audit: Audit, profile: Profile) -> Baseline:
    """The baseline of a corpus that was audited: ``measured`` with `FOR_WRITING` among its metrics, and the ``profile``
    that the audit was judged with."""
    hashes = measured.metrics.get(ContentHashes.name)
    known = hashes.known().to_bytes() if isinstance(hashes, ContentHashes) else b""
    documents = measured.metrics.get(WholeDocuments.name)
    whole = documents.segments(audit.provenance.seed) if isinstance(documents, WholeDocuments) else None
    sizes = {}
    for size in sorted(profile.sizes):
        if size <= max(judging.USUAL_SIZE, audit.reference.matched_tokens or 0):
            parts = at_size(Samples(measured.segments, whole, audit.corpus.tokens), profile, size)
            if parts is not None:
                sizes[size] = parts
    return Baseline(_facts(audit, profile), sizes, held_of(audit.whole), known)


def told_of_writing(path: str | Path, measured: Measured, audit: Audit, profile: str = "auto") -> tuple[str, ...]:
    """Measure the baseline of an audited corpus and write it; what became of that in sentences.

    It is one of the whole corpus, also where the documents that are new since another baseline decide the audit.
    ``profile`` is what the audit was asked for. An audit is not lost because its baseline cannot be written: a corpus
    that reaches no matched size leaves nothing to compare with later, a disk can be full.
    """
    whole = audit.parts[0] if audit.parts else audit
    chosen = find(whole.reference.profile if profile == "auto" else profile)
    baseline = measure(measured, whole, chosen)
    if not baseline.sizes:
        words, least = measured.segments.words, min(chosen.sizes)
        return (f"{NOT_WRITTEN} {path}: {words:,} words are left for measuring, and at least {least:,} are needed",)
    try:
        write(path, baseline)
    except InputError as error:
        return (f"{NOT_WRITTEN} {path}: {error}",)
    return (f"{WROTE} {path}", *_doubts(path, audit))


def _doubts(path: str | Path, audit: Audit) -> tuple[str, ...]:
    """Why a corpus is no norm to compare with, though its baseline was written: its level, or that it fails a gate."""
    broken = [
        rule.id for part in audit.parts or (audit,) for rule in part.rules if rule.enforced and rule.status == "fail"
    ]
    told = [audit.level.value.replace("_", " ")] if audit.level.severity > 0 else []
    told += [f"failing {', '.join(dict.fromkeys(broken))}"] if broken else []
    if not told:
        return ()
    found = " and ".join(told)
    return (f"{DOUBTFUL} {path} is one of a corpus that is {found}: later audits will take that for normal",)


def _facts(audit: Audit, profile: Profile) -> dict[str, object]:
    from contam import __version__

    corpus = audit.corpus
    return {
        "contam": __version__,
        "digest": corpus.digest,
        "documents": corpus.documents,
        "words": corpus.tokens,
        "seed": audit.provenance.seed,
        "profile": profile.name,
        "level": audit.level.value,
        "judged_against": audit.reference.name,
    }


@dataclass(frozen=True, slots=True)
class Samples:
    """What a baseline is measured on: segments from all over the corpus, segments of whole documents (None: not
    sampled), and the words of the corpus."""

    segments: Segments
    documents: Segments | None
    words: int

    @classmethod
    def of(cls, segments: Segments) -> Samples:
        """A corpus all of whose segments are there."""
        return cls(segments, segments, segments.words)


def at_size(samples: Samples, profile: Profile, size: int) -> Parts | None:
    """The figures of the sample and of its disjoint parts at one matched size; None where it is not reached."""
    whole = _figures(samples.segments, profile, size)
    if whole is None:
        return None
    columns = tuple(sorted(whole))
    most = min(MOST_PARTS, int(samples.segments.words / (ROOM * size)))
    parts = _sets(samples.segments, profile, size, most)
    few, few_spread = [], 1.0
    if samples.documents is not None:
        count = int(samples.documents.words / (ROOM * size))
        few = _sets(samples.documents, profile, size, count)
        few_spread = min(1.0, size * count / max(1, samples.documents.words))
    spread = rounded(size / max(1, samples.words))
    first, second = (np.array([_row(row, columns) for row in rows]).reshape(-1, len(columns)) for rows in (parts, few))
    return Parts(size, columns, _row(whole, columns), first, second, spread, rounded(few_spread))


def _sets(segments: Segments, profile: Profile, size: int, count: int) -> list[dict[str, float]]:
    """The figures of up to `MOST_PARTS` of ``count`` disjoint sets of documents; of fewer sets where some do not reach
    the size, none where fewer than `LEAST_PARTS` do."""
    for divisor in range(count, LEAST_PARTS - 1, -1):
        sets = divided(segments, divisor)[:MOST_PARTS]
        found = [row for part in sets if (row := _figures(part, profile, size)) is not None]
        if len(found) >= max(LEAST_PARTS, 0.8 * len(sets)):
            return found
    return []


def _row(figures: Mapping[str, float], columns: Iterable[str]) -> NDArray[np.float64]:
    values = [figures.get(key, np.nan) for key in columns]
    return np.array([rounded(v) if np.isfinite(v) else np.nan for v in values])


def _figures(segments: Segments, profile: Profile, size: int) -> dict[str, float] | None:
    """The signals at a size, as an audit measures them; None where the text does not reach it."""
    found = judging.matched(segments, profile, (size,), segments.words, spread=False)
    return dict(found.measured.values) if found.reached else None


def divided(segments: Segments, count: int) -> list[Segments]:
    """``count`` parts of about equally many words; a document is in one part only.

    Documents are dealt in the order of their content hashes, each to the part that has the fewest words.
    """
    sizes = np.diff(segments.bounds)
    documents, rows = np.unique(segments.docs, return_inverse=True)
    words = np.bincount(rows, weights=sizes, minlength=len(documents))
    totals = np.zeros(count)
    part_of = np.empty(len(documents), np.int64)
    for i, size in enumerate(words):
        part_of[i] = int(np.argmin(totals))
        totals[part_of[i]] += size
    return [segments.take(np.flatnonzero(part_of[rows] == part)) for part in range(count)]


def held_of(whole: Mapping[str, Figure]) -> dict[str, Held]:
    """The figures of the whole corpus that rules read."""
    watched = [rule.reads for rule in RULES if rule.scope == "whole"]
    return {
        key: Held(rounded(figure.value), deviation_of(figure))
        for key in watched
        if (figure := whole.get(key)) is not None and figure.value is not None
    }


def deviation_of(figure: Figure) -> float | None:
    """The standard deviation of a share over documents: from its interval, else that of as many coins; at the least one
    document, because a share of 0 or 1 hides how it varies. None where nobody counted documents."""
    if figure.value is None or not figure.documents:
        return None
    least = 1.0 / figure.documents
    if figure.interval is not None:
        return rounded(max(least, (figure.interval[1] - figure.interval[0]) / INTERVAL))
    share = min(1.0, max(0.0, figure.value))
    return rounded(max(least, (share * (1 - share) / figure.documents) ** 0.5))
