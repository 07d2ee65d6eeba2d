"""The audit of a corpus: measure once, judge the matched subsample, apply the rules, say it in one record."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.corpus import Corpus, ReadOptions
from contam.engine import Measured, Plan, Progress, default_workers, measure
from contam.errors import InputError, UsageError
from contam.gate.applying import apply_policy
from contam.gate.policy import DEFAULT, Policy
from contam.result import (
    Audit,
    CorpusInfo,
    DocumentFinding,
    Documents,
    Figure,
    Perplexity,
    Provenance,
    ReferenceInfo,
    Verdict,
)
from contam.rules import apply_rules
from contam.synthetic.share import ORDERS, SyntheticShare
from contam.verdict import CorpusFacts, judge, judge_paired
from contam_metrics.kernels import warm
from contam_metrics.metric import Metric, Reading
from contam_metrics.streaming import METRICS
from contam_metrics.streaming.copies import Copies
from contam_metrics.streaming.loops import Loops
from contam_metrics.streaming.repetition import Repetition
from contam_metrics.streaming.volume import Volume

if TYPE_CHECKING:
    from contam.baseline.audited import Beside, Compared
    from contam.judging import Judgement

RESERVE = 250_000
"""Words that the sample holds at the least: more than is judged, because near duplicates are dropped from it."""
WORST = 20


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """How to audit.

    ``reference`` is trusted text of the same source (a path, or an iterable of texts) for the paired audit;
    ``profile`` the name or file of a reference population, ``auto`` to choose a built-in one; ``split`` is
    ``lines`` or ``blank-lines`` for plain text; ``sample_tokens`` the matched size in words (the largest that
    the text and the references reach, up to 20,000, where it is None). ``model`` is a language model under which the
    text's surprise is measured, ``valid`` held-out human text (a name, a path, or texts) that a model trained on the
    audited text is to predict; ``proxy`` says which model, ``ngram`` or ``neural``. ``order`` says how trusted text
    and audited text stand to each other, for the synthetic share (`contam.synthetic.share.ORDERS`); None leaves it out.
    ``policy`` says which rules are applied, with which limits. ``baseline`` is a file that ``--write-baseline`` wrote,
    and ``write_baseline`` where to write one of this corpus.
    ``cache_dir`` keeps what was measured of each file, so that unchanged files are not measured again; ``resume`` takes
    up an audit that was interrupted.
    """

    reference: Any = None
    profile: str = "auto"
    text_field: str | None = None
    split: str | None = None
    workers: int | None = None
    seed: int = 0
    sample_tokens: int | None = None
    strict: bool = False
    model: str | None = None
    valid: Any = None
    proxy: str = "ngram"
    order: str | None = "unknown"
    device: str = "auto"
    precision: str = "fp32"
    policy: Policy = DEFAULT
    baseline: str | Path | None = None
    write_baseline: str | Path | None = None
    cache_dir: Path | None = None
    resume: bool = False
    on_progress: Callable[[Progress], None] | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers must be at least 1, not {self.workers}")
        if self.sample_tokens is not None and self.sample_tokens < 1:
            raise UsageError(f"sample_tokens must be at least 1, not {self.sample_tokens}")
        if not 0 <= self.seed < 2**63:
            raise UsageError(f"seed must be between 0 and 2^63 - 1, not {self.seed}")
        if self.proxy not in ("ngram", "neural"):
            raise UsageError(f"no proxy {self.proxy!r}: known are ngram and neural")
        if self.order is not None and self.order not in ORDERS:
            raise UsageError(f"no order {self.order!r}: known are {', '.join(ORDERS)}")
        if self.proxy == "neural" and self.valid is None:
            raise UsageError("--proxy neural needs held-out human text to be judged by (--valid)")

    @property
    def plan(self) -> Plan:
        """How the engine is to measure."""
        budget = max(RESERVE, 3 * (self.sample_tokens or 0))
        return Plan(self.workers or default_workers(), budget, self.seed, self.on_progress)

    @property
    def reading(self) -> ReadOptions:
        """How the files are to be read."""
        return ReadOptions(text_field=self.text_field, split=self.split, strict=self.strict)

    @property
    def shared(self) -> bool:
        """Whether the synthetic share is measured: where there is trusted text."""
        return self.reference is not None and self.order is not None

    @property
    def digest(self) -> str:
        """Digest of the settings that can move a figure."""
        names = ("profile", "text_field", "split", "seed", "sample_tokens", "strict")
        given = {k: getattr(self, k) for k in names}
        given["reference"] = self.reference if isinstance(self.reference, str) else self.reference is not None
        if self.shared and self.order != "unknown":
            given["order"] = self.order
        if self.model is not None or self.valid is not None:
            given |= {k: getattr(self, k) for k in ("model", "proxy", "precision")}
            given["valid"] = self.valid if isinstance(self.valid, str) else self.valid is not None
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]


def audit(source: Any, options: AuditOptions | None = None, **changes: Any) -> Audit:
    """Audit a corpus: a path (or several), an iterable of texts, or a `datasets` Dataset.

    ``changes`` are fields of `AuditOptions`. Raises `InputError` where there is no document to judge.
    """
    options = replace(options or AuditOptions(), **changes)
    begin = time.perf_counter()
    corpus = open_corpus(source, options.reading)
    held_out = _looked_up(options)
    beside = _baseline(options)
    metrics = _metrics(options)
    measured = measured_of(corpus, options, (*metrics, *_for_baselines(options, beside)))
    trusted = None
    if options.reference is not None:
        trusted = measured_of(open_corpus(options.reference, options.reading), options, metrics)
    human = measured_of(held_out, options) if held_out is not None else None
    _tell(options, "judging")
    found = _assembled(_All(corpus, measured, trusted, human, beside), options, begin)
    if options.write_baseline is not None:
        from contam.baseline.measuring import write_measured

        write_measured(options.write_baseline, measured, found, options.profile)
    return found


def _baseline(options: AuditOptions) -> Beside | None:
    """The baseline to compare with; what is wrong with its file is told before anything is measured."""
    if options.baseline is None:
        return None
    from contam.baseline.audited import Beside
    from contam.baseline.files import read

    return Beside.of(read(options.baseline), options.profile, options.sample_tokens, options.seed)


def _for_baselines(options: AuditOptions, beside: Beside | None) -> tuple[type[Metric], ...]:
    """What is measured for a baseline that is read or written: of the audited corpus alone."""
    extra = beside.metrics if beside else ()
    if options.write_baseline is None:
        return extra
    from contam.baseline.known import ContentHashes

    return (*extra, ContentHashes)


def _metrics(options: AuditOptions) -> tuple[type[Metric], ...]:
    """What is measured of either corpus; the document score is not even imported where it is not needed."""
    if not options.shared:
        return METRICS
    from contam.synthetic.streaming import SampleScores

    return (*METRICS, SampleScores)


@dataclass(frozen=True, slots=True)
class _All:
    """What was read and measured: the audited corpus, trusted text, held-out human text; and the baseline."""

    corpus: Corpus
    measured: Measured
    trusted: Measured | None
    held_out: Measured | None
    beside: Beside | None = None


def _looked_up(options: AuditOptions) -> Corpus | None:
    """The held-out text; a model, device or text that is not there is told before anything is measured."""
    if options.model is not None or (options.valid is not None and options.proxy == "neural"):
        from contam.models.finding import find

        find(options.model or "tiny")
        from contam.models.loading import device_of

        device_of(options.device, options.precision)
    if options.valid is None:
        return None
    from contam.models.texts import NAMED, PYDOC, load_validation

    if isinstance(options.valid, str) and options.valid in (*NAMED, PYDOC):
        return Corpus.from_texts(load_validation(options.valid).documents, options.reading)
    return open_corpus(options.valid, options.reading)


def open_corpus(source: Any, reading: ReadOptions) -> Corpus:
    """The corpus that ``source`` names or is."""
    if isinstance(source, Corpus):
        return source
    if isinstance(source, (str, os.PathLike)):
        return Corpus.open([source], reading)
    if isinstance(source, Iterable):
        items = source if hasattr(source, "column_names") else _listed(source)
        if isinstance(items, list) and items and all(_is_path(i) for i in items):
            return Corpus.open(items, reading)
        return Corpus.from_texts(items, reading)
    raise UsageError(f"cannot audit a {type(source).__name__}: give a path, several, or an iterable of texts")


def _listed(source: Iterable[Any]) -> Iterable[Any]:
    """Lists and tuples as lists, so that paths can be told from texts; other iterables as they stream."""
    return list(source) if isinstance(source, (list, tuple)) else source


def _is_path(item: Any) -> bool:
    """Whether an item of a list is meant as a path: path objects, and short strings that name something."""
    if isinstance(item, os.PathLike):
        return True
    if not isinstance(item, str) or len(item) > 1000 or "\n" in item:
        return False
    try:
        return item == "-" or "://" in item or Path(item).exists()
    except (OSError, ValueError):
        return False


def _tell(options: AuditOptions, phase: str) -> None:
    if options.on_progress:
        options.on_progress(Progress(phase))


def measured_of(corpus: Corpus, options: AuditOptions, metrics: tuple[type[Metric], ...] = METRICS) -> Measured:
    """Read and measure a corpus, `Volume` at the least; InputError where it has no document."""
    extra = (*corpus.kernels, *dict.fromkeys(kernel for metric in metrics for kernel in metric.kernels))
    if not warm.compiled((*warm.MODULES, *extra)):
        _tell(options, "compiling")
        warm.compile_all(extra)
    measured = measure(corpus, replace(options.plan, metrics=metrics))
    volume = measured.metrics["volume"]
    assert isinstance(volume, Volume)
    if not volume.sums["documents"]:
        raise InputError(_nothing_found(corpus, measured))
    return measured


def _nothing_found(corpus: Corpus, measured: Measured) -> str:
    """Why there is nothing to judge, with the first reasons."""
    message = f"no documents in {', '.join(corpus.sources) or 'the given input'}"
    reasons = [f"  {s.path}{f':{s.line}' if s.line else ''}: {s.reason}" for s in measured.skipped[:5]]
    more = measured.skipped_total - len(reasons)
    return "\n".join([message, *reasons, *([f"  and {more} more"] if more > 0 else [])])


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
    rows += [("DUP001", row) for row in copies.most_copied()[:5]]
    worst = [
        DocumentFinding(label, rule, value, text.decode("utf-8", "replace")) for rule, (value, label, text) in rows
    ]
    return Documents(loops.looped + copies.later_copies, tuple(worst[:WORST]))


def corpus_info(corpus: Corpus, measured: Measured) -> CorpusInfo:
    """What was read."""
    volume = measured.metrics["volume"]
    assert isinstance(volume, Volume)
    sums = volume.sums
    return CorpusInfo(
        corpus.sources, corpus.files, sums["documents"], sums["words"], sums["bytes"], measured.skipped,
        measured.skipped_total, volume.digest,
    )  # fmt: skip


def _assembled(seen: _All, options: AuditOptions, begin: float) -> Audit:
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
        options.digest, options.seed, seconds, info.bytes / max(seconds, 1e-9), workers=options.plan.workers
    )
    share, shares, suspects = _share(seen, options)
    since = compared.since if compared else None
    rules = apply_policy(apply_rules(signals | shares, whole, facts.loops), options.policy, since)
    documents, pointed = _documents(measured), (*perplexity.documents, *suspects)
    shown = (*documents.worst[: WORST - len(pointed)], *pointed)
    worst = tuple(found for found in shown if options.policy.applies(found.rule))
    documents = replace(documents, worst=worst)
    found = Audit(
        info, judgement.reference, _beside(judgement.verdict, share), signals, whole, rules, documents, provenance,
        notes=(*measured.notes, *perplexity.notes), synthetic_share=share, since=since,
    )  # fmt: skip
    if compared is None:
        return found
    from contam.baseline.new_documents import with_new_documents

    return with_new_documents(found, compared, measured, options.policy)


def _judged(
    seen: _All, options: AuditOptions, facts: CorpusFacts, whole: dict[str, Figure]
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
    seen: _All, options: AuditOptions
) -> tuple[SyntheticShare | None, dict[str, Figure], tuple[DocumentFinding, ...]]:
    """The synthetic share beside the trusted text, its figures for the rules, and the documents it points at."""
    if seen.trusted is None or options.order is None:
        return None, {}, ()
    from contam.synthetic.audited import found_in
    from contam.synthetic.measuring import figures_of_share

    found = found_in(seen.measured, seen.trusted, options.order)
    return found.share, figures_of_share(found.share), found.documents


def _perplexity(seen: _All, options: AuditOptions, reference: ReferenceInfo) -> Perplexity:
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
        nonletter_share=whole["volume.nonletter_share"].value or 0.0,
        unk_share=whole["volume.unk_share"].value or 0.0,
        exact_duplicate_share=whole["duplicates.exact"].value or 0.0,
        near_duplicate_share=whole["duplicates.near"].value or 0.0,
        looped_bytes=loops.sums["looped_bytes"],
        bytes=volume.sums["bytes"],
    )
