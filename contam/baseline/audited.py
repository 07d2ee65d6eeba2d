"""What an audit does with a baseline: judge the corpus beside it, say what changed, judge the new documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from contam import judging
from contam.baseline.added import Added, added_to
from contam.baseline.changes import since
from contam.baseline.known import Known
from contam.baseline.record import NEW, Baseline, Since
from contam.baseline.side import BaselineSide, profile_of
from contam.engine import Measured
from contam.judging import USUAL_SIZE, CorpusFacts, Judgement
from contam.pairing import judge_against
from contam.profile import Profile
from contam.result import Figure
from contam_metrics.metric import Metric

LEAST_NEW = 5_000
"""Words of new documents from which they are judged by themselves."""


@dataclass(frozen=True)
class Compared:
    """A corpus beside its baseline.

    ``judgement`` of the whole, None where the audit has another trusted side, or the baseline no size at which it could
    judge. ``since`` what changed. ``added`` the judgement of the new documents by themselves, None without enough of
    them, with ``added_since`` their figures against the baseline's and ``added_facts`` their counts.
    """

    judgement: Judgement | None
    since: Since
    added: Judgement | None = None
    added_since: Since | None = None
    added_facts: CorpusFacts | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Beside:
    """A baseline ready for an audit: its profile, and the largest matched size that the audit may use."""

    baseline: Baseline
    profile: Profile
    limit: int = USUAL_SIZE

    @classmethod
    def of(cls, baseline: Baseline, profile: str = "auto", size: int | None = None) -> Beside:
        """InputError where the profile does not fit the baseline."""
        return cls(baseline, profile_of(baseline, profile), size or USUAL_SIZE)

    @property
    def metrics(self) -> tuple[type[Metric], ...]:
        """What the audit has to measure beside everything else: the documents that the baseline does not have."""
        known = self.baseline.known
        return (added_to(Known.from_bytes(known), self.baseline.seed),) if known else ()

    def side(self, words: int) -> BaselineSide:
        """The baseline as the trusted side of the paired test of a text of ``words`` words."""
        return BaselineSide(self.baseline, self.profile, self.limit, words)


def compared(
    beside: Beside,
    measured: Measured,
    facts: CorpusFacts,
    whole: Mapping[str, Figure],
    judgement: Judgement | None = None,
) -> Compared:
    """A measured corpus beside its baseline; ``measured`` has the metrics that `Beside.metrics` asks for.

    ``judgement`` is that of the audit where it has a trusted side of its own (``--reference``): it stays, and the
    changes are read from figures at a size that the baseline has.
    """
    side = beside.side(facts.words)
    paired = None
    if judgement is None and side.sizes:
        paired = judge_against(side, measured.segments, facts)
    changes = _changes(beside, measured, whole, facts, paired or judgement)
    new = _added(measured)
    if new is None:
        return Compared(paired, changes)
    changes = _counted(changes, new, facts)
    facts_of_new = new.facts
    if facts_of_new.words < LEAST_NEW or not side.sizes:
        notes = _not_judged(changes, bool(side.sizes))
        return Compared(paired, changes, added_facts=facts_of_new, notes=notes)
    segments = new.sample.segments()
    words = facts_of_new.words
    judged = judge_against(beside.side(words), segments, facts_of_new)
    moved = since(beside.baseline, _values(judged), judged.reference.matched_tokens, {}, beside.profile, words)
    named = replace(moved, name=f"{moved.name}: {NEW}", documents=facts_of_new.documents)
    return Compared(paired, changes, judged, named, facts_of_new)


def _added(measured: Measured) -> Added | None:
    return next((m for m in measured.metrics.values() if isinstance(m, Added)), None)


def _values(judgement: Judgement) -> dict[str, float]:
    return {key: figure.value for key, figure in judgement.signals.items() if figure.value is not None}


def _changes(
    beside: Beside,
    measured: Measured,
    whole: Mapping[str, Figure],
    facts: CorpusFacts,
    judgement: Judgement | None,
) -> Since:
    """The changes, from the figures of a judgement at a size that the baseline has, else measured at such a size."""
    size = judgement.reference.matched_tokens if judgement else None
    sizes = tuple(n for n in beside.baseline.sizes if n <= beside.limit)
    if judgement is not None and size in beside.baseline.sizes:
        return since(beside.baseline, _values(judgement), size, whole, beside.profile, facts.words)
    if not sizes:
        return since(beside.baseline, {}, None, whole, beside.profile)
    found = judging.matched(measured.segments, beside.profile, sizes, facts.words, spread=False)
    size = found.size if found.reached else None
    return since(beside.baseline, found.measured.values, size, whole, beside.profile, facts.words)


def _counted(changes: Since, new: Added, facts: CorpusFacts) -> Since:
    share = new.known.share
    documents, words = new.volume.sums["documents"], new.volume.sums["words"]
    return replace(
        changes,
        new_documents=round(documents / share),
        new_words=round(words / share),
        documents=facts.documents,
        new_share=share,
    )


def _not_judged(changes: Since, sizes: bool) -> tuple[str, ...]:
    """Why new documents were not judged by themselves; nothing where there are none. ``sizes``: whether the baseline
    has a size to judge beside."""
    if not changes.new_documents:
        return ()
    about = "" if changes.new_share == 1 else "about "
    told = f"{about}{changes.new_documents:,} documents ({changes.new_words or 0:,} words) are {NEW}"
    if not sizes:
        return (f"{told}; they are not judged by themselves: the baseline has no size at which they could be",)
    least = f"{round(LEAST_NEW / changes.new_share):,} words they are judged by themselves"
    if changes.new_share == 1:
        return (f"{told}; from {least}",)
    return (f"{told}; from about {least}: the baseline knows {changes.new_share:.1%} of the documents",)
