"""The documents that a baseline does not have, as a part of the audit: judged by themselves, beside the baseline."""

from __future__ import annotations

from dataclasses import replace

from contam.attributing import VERDICT, responsible
from contam.baseline.added import Added
from contam.baseline.audited import Compared
from contam.baseline.record import NEW, WHOLE
from contam.engine import Measured
from contam.gate.applying import apply_policy
from contam.gate.policy import Policy, RuleSetting
from contam.result import Audit, DocumentFinding, Documents, Figure, Level
from contam.rules import apply_rules

__all__ = ["WHOLE", "with_new_documents"]


def with_new_documents(whole: Audit, found: Compared, measured: Measured, policy: Policy) -> Audit:
    """The audit with the new documents as a second part; as it is where they were not judged.

    The record is that of the part that decides. New documents that could not be judged (most of them near copies) are
    told in a note: the corpus was judged all the same.
    """
    added = next((m for m in measured.metrics.values() if isinstance(m, Added)), None)
    if found.added is None or added is None:
        return replace(whole, notes=(*whole.notes, *found.notes))
    if found.added.verdict.level is Level.INSUFFICIENT:
        told = f"the documents that are {NEW} were not judged: {'; '.join(found.added.verdict.reasons)}"
        return replace(whole, notes=(*whole.notes, told))
    part = _part(whole, found, added, policy)
    parts = (replace(whole, name=WHOLE), part)
    return replace(max(parts, key=_weight), parts=parts)


def _weight(audit: Audit) -> tuple[bool, int]:
    """What decides: a failed gate, then the worse level; the whole between equals (it comes first)."""
    return audit.exit_code() == 1, audit.level.severity


def _part(whole: Audit, found: Compared, added: Added, policy: Policy) -> Audit:
    assert found.added is not None
    sums = added.volume.sums
    info = replace(
        whole.corpus, documents=sums["documents"], tokens=sums["words"], bytes=sums["bytes"], skipped=(),
        skipped_total=0, digest=added.volume.digest,
    )  # fmt: skip
    figures = _whole_figures(added)
    loops = added.facts.loops
    rules = apply_policy(apply_rules(found.added.signals, figures, loops), _without_limits(policy))
    notes: tuple[str, ...] = ()
    if found.since.new_share < 1:
        notes = (f"the baseline knows {found.since.new_share:.1%} of the documents: these numbers are of that share",)
    return Audit(
        info, found.added.reference, found.added.verdict, found.added.signals, figures,
        tuple(rule for rule in rules if rule.status != "skipped"),
        _documents(added, policy, responsible(added.sample.segments(), rules, found.added.verdict, least=2)),
        whole.provenance,
        notes=notes, since=found.added_since, name=NEW,
    )  # fmt: skip


def _whole_figures(added: Added) -> dict[str, Figure]:
    return {
        key: Figure(r.value, r.unit, key.partition(".")[0], r.direction, r.interval, documents=r.documents)
        for key, r in added.loops.figures().items()
    }


def _documents(added: Added, policy: Policy, pointed: tuple[DocumentFinding, ...]) -> Documents:
    worst = [
        DocumentFinding(label, "REP001", value, text.decode("utf-8", "replace"))
        for value, label, text in added.loops.worst.ranked()
    ]
    shown = (*worst, *pointed)
    return Documents(added.loops.looped, tuple(f for f in shown if f.rule == VERDICT or policy.applies(f.rule)))


def _without_limits(policy: Policy) -> Policy:
    """Which rules count, without limits of one's own: these are of the whole corpus, at its matched size."""
    kept = {rule_id: RuleSetting(severity=setting.severity) for rule_id, setting in policy.rules.items()}
    return replace(policy, rules=kept)
