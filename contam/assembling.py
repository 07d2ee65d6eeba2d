"""The record of an audit put together from what was measured: judged, with rules, documents and provenance."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from contam.audit_options import AuditOptions
from contam.baseline.shrinking import told_of_shrinking
from contam.corpus import Corpus
from contam.engine import Measured, Progress
from contam.gate.applying import apply_policy
from contam.gate.policy import Policy
from contam.result import (
    Audit,
    CorpusInfo,
    DocumentFinding,
    Documents,
    Figure,
    Perplexity,
    Provenance,
    ReferenceInfo,
    RuleResult,
    Verdict,
)
from contam.rules import apply_rules
from contam.synthetic.share import SyntheticShare
from contam.verdict import CorpusFacts, judge, judge_paired
from contam_metrics.metric import Reading
from contam_metrics.streaming.copies import Copies
from contam_metrics.streaming.loops import Loops
from contam_metrics.streaming.repetition import Repetition
from contam_metrics.streaming.volume import Volume

if TYPE_CHECKING:
    from contam.baseline.audited import Beside, Compared
    from contam.judging import Judgement

WORST = 30
"""Documents that an audit names at most."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read and measured: the audited corpus, trusted text, held-out human text; and the baseline."""

    corpus: Corpus
    measured: Measured
    trusted: Measured | None
    held_out: Measured | None
    beside: Beside | None = None


def assembled(seen: Seen, options: AuditOptions, begin: float) -> Audit:
    """The record of an audit from what was measured."""
    corpus, measured = seen.corpus, seen.measured
    whole = figures_of(measured)
    facts = corpus_facts(measured, whole)
    judgement, compared = _judged(seen, options, facts, whole)
    perplexity = _perplexity(seen, options, judgement.reference)
    signals = judgement.signals | perplexity.figures
    info = corpus_info(corpus, measured)
    seconds = time.perf_counter() - begin
    provenance = Provenance(
        options.digest, options.seed, seconds, info.bytes / max(seconds, 1e-9), workers=options.plan.workers,
        measured_files=measured.measured_files, restored_files=measured.restored_files,
    )
    share, shares, suspects = _share(seen, options)
    since = compared.since if compared else None
    rules = apply_policy(apply_rules(signals | shares, whole, facts.loops), options.policy, since)
    pointed = (*_responsible(measured, judgement, rules), *perplexity.documents, *suspects)
    documents = _named(_documents(measured), pointed, options.policy)
    found = Audit(
        info, judgement.reference, _beside(judgement.verdict, share), signals, whole, rules, documents, provenance,
        notes=(*measured.notes, *perplexity.notes, *told_of_shrinking(since, info)), synthetic_share=share, since=since,
    )  # fmt: skip
    if compared is None:
        return found
    from contam.baseline.new_documents import with_new_documents

    return with_new_documents(found, compared, measured, options.policy)


def _figure(name: str, reading: Reading) -> Figure:
    value = reading.value if math.isfinite(reading.value) else None
    family = name.partition(".")[0]
    figure = Figure(value, reading.unit, family, reading.direction, reading.interval)
    return replace(figure, documents=reading.documents, reason=reading.reason)


def figures_of(measured: Measured) -> dict[str, Figure]:
    """The figures of the whole corpus by name."""
    return {
        name: _figure(name, reading) for m in measured.metrics.values() for name, reading in m.figures().items()
    }


def _documents(measured: Measured) -> Documents:
    """The documents that rules point at: looped ones first, then the most repetitive, then the most copied."""
    loops, repetition, copies = (measured.metrics[n] for n in ("loops", "repetition", "copies"))
    assert isinstance(loops, Loops) and isinstance(repetition, Repetition) and isinstance(copies, Copies)
    rows = [("REP001", row) for row in loops.worst.ranked()]
    rows += [("REP002", row) for row in repetition.worst.ranked()[:5]]
    worst = [
        DocumentFinding(label, rule, value, text.decode("utf-8", "replace")) for rule, (value, label, text) in rows
    ]
    worst += [
        DocumentFinding(row.label, "DUP001", row.times, row.text.decode("utf-8", "replace"), row.of)
        for row in copies.most_copied()[:5]
    ]
    return Documents(loops.looped + copies.later_copies, tuple(worst))


def _responsible(
    measured: Measured, judgement: Judgement, rules: tuple[RuleResult, ...]
) -> tuple[DocumentFinding, ...]:
    """The documents that pull the figures the way that rules and verdict complain of."""
    from contam.attributing import responsible

    return responsible(measured.segments, rules, judgement.verdict)


def _named(documents: Documents, pointed: tuple[DocumentFinding, ...], policy: Policy) -> Documents:
    """The documents of the rules that count, at most `WORST`: those that were pointed at stay."""
    from contam.attributing import VERDICT

    shown = (*documents.worst[: max(WORST - len(pointed), 0)], *pointed)
    return replace(documents, worst=tuple(f for f in shown if f.rule == VERDICT or policy.applies(f.rule)))


def corpus_info(corpus: Corpus, measured: Measured) -> CorpusInfo:
    """What was read."""
    volume = measured.metrics["volume"]
    assert isinstance(volume, Volume)
    sums = volume.sums
    return CorpusInfo(
        corpus.sources, corpus.files, sums["documents"], sums["words"], sums["bytes"], measured.skipped,
        measured.skipped_total, volume.digest,
    )  # fmt: skip


def _judged(
    seen: Seen, options: AuditOptions, facts: CorpusFacts, whole: dict[str, Figure]
) -> tuple[Judgement, Compared | None]:
    """The judgement beside trusted text, else beside a baseline, else among the references; and what the baseline
    says."""
    segments, given = seen.measured.segments, None
    if seen.trusted is not None:
        given = judge_paired(segments, seen.trusted.segments, facts, options.profile, options.sample_tokens)
    compared = None
    if seen.beside is not None:
        from contam.baseline.audited import compared as compare_with

        compared = compare_with(seen.beside, seen.measured, facts, whole, given)
        given = given or compared.judgement
    return given or judge(segments, facts, options.profile, options.sample_tokens), compared


def _beside(verdict: Verdict, share: SyntheticShare | None) -> Verdict:
    """The verdict, which is about collapse, with a word on machine text that was found: it need not be collapsed."""
    if share is None or not share.alarmed or not share.proven:
        return verdict
    from contam.synthetic.telling import per_cent

    told = f"apart from collapse, at least {per_cent(share.proven)} of the documents read like text of instruct models"
    return replace(verdict, reasons=(*verdict.reasons, f"{told} (SYN001)"))


def _share(
    seen: Seen, options: AuditOptions
) -> tuple[SyntheticShare | None, dict[str, Figure], tuple[DocumentFinding, ...]]:
    """The synthetic share beside the trusted text, its figures for the rules, and the documents it points at."""
    if seen.trusted is None or options.order is None:
        return None, {}, ()
    from contam.synthetic.audited import found_in
    from contam.synthetic.measuring import figures_of_share

    found = found_in(seen.measured, seen.trusted, options.order)
    return found.share, figures_of_share(found.share), found.documents


def _perplexity(seen: Seen, options: AuditOptions, reference: ReferenceInfo) -> Perplexity:
    """What a model was asked for; nothing where none was."""
    if options.model is None and seen.held_out is None:
        return Perplexity()
    from contam.perplexity.audited import Asked, Texts, measured

    def tell(phase: str, done: int) -> None:
        if options.on_progress:
            options.on_progress(Progress(phase, done))

    asked = Asked(options.model, options.proxy, options.device, options.precision, options.seed)
    trusted = seen.trusted.segments if seen.trusted else None
    held_out = seen.held_out.segments if seen.held_out else None
    return measured(asked, Texts(seen.measured.segments, trusted, held_out), reference, tell)


def corpus_facts(measured: Measured, whole: dict[str, Figure]) -> CorpusFacts:
    """What the verdict needs to know of the whole corpus beside the sample."""
    volume, loops = measured.metrics["volume"], measured.metrics["loops"]
    assert isinstance(volume, Volume) and isinstance(loops, Loops)
    return CorpusFacts(
        words=volume.sums["words"],
        documents=volume.sums["documents"],
        looped_documents=loops.looped,
        nonletter_share=loops.nonletter_share(volume),
        unk_share=whole["volume.unk_share"].value or 0.0,
        exact_duplicate_share=whole["duplicates.exact"].value or 0.0,
        near_duplicate_share=whole["duplicates.near"].value or 0.0,
        looped_bytes=loops.sums["looped_bytes"],
        bytes=volume.sums["bytes"],
    )
