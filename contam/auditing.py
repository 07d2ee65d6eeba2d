"""The audit of a corpus: measure once, judge the matched subsample, apply the rules, say it in one record."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.assembling import Seen, assembled
from contam.audit_options import AuditOptions
from contam.corpus import Corpus, ReadOptions
from contam.engine import Measured, Progress, measure
from contam.errors import InputError, UsageError
from contam.profile import check_size
from contam.result import Audit
from contam_metrics.kernels import warm
from contam_metrics.metric import Metric
from contam_metrics.streaming import METRICS
from contam_metrics.streaming.volume import Volume

if TYPE_CHECKING:
    from contam.baseline.audited import Beside


def audit(source: Any, options: AuditOptions | None = None, **changes: Any) -> Audit:
    """Audit a corpus: a path (or several), an iterable of texts, or a `datasets` Dataset.

    ``changes`` are fields of `AuditOptions`. Raises `InputError` where there is no document to judge, `UsageError`
    where a baseline would take the place of another file, or the matched sample would be too small.
    """
    options = replace(options or AuditOptions(), **changes)
    begin = time.perf_counter()
    check_size(options.profile, options.sample_tokens)
    _check_target(options)
    corpus = open_corpus(source, options.reading)
    held_out = _looked_up(options)
    beside = _baseline(options)
    asked, options = options, _sampled_as(beside, options)
    metrics = _metrics(options)
    measured = measured_of(corpus, options, (*metrics, *_for_baselines(options, beside)))
    trusted = None
    if options.reference is not None:
        trusted = measured_of(open_corpus(options.reference, options.reading), options, metrics)
    human = measured_of(held_out, options) if held_out is not None else None
    _tell(options, "judging")
    found = _told_of_seed(assembled(Seen(corpus, measured, trusted, human, beside), options, begin), asked)
    return found if options.write_baseline is None else _kept_as_baseline(found, measured, options)


def _check_target(options: AuditOptions) -> None:
    """A place where no baseline may be written is told before anything is measured."""
    if options.write_baseline is not None:
        from contam.baseline.files import check_target

        check_target(options.write_baseline)


def _kept_as_baseline(found: Audit, measured: Measured, options: AuditOptions) -> Audit:
    """The audit, once its baseline is written; notes say so, or why that was not possible or not wise."""
    from contam.baseline.measuring import told_of_writing

    assert options.write_baseline is not None
    return _noted(found, told_of_writing(options.write_baseline, measured, found, options.profile))


def _baseline(options: AuditOptions) -> Beside | None:
    """The baseline to compare with; what is wrong with its file is told before anything is measured."""
    if options.baseline is None:
        return None
    from contam.baseline.audited import Beside
    from contam.baseline.files import read

    return Beside.of(read(options.baseline), options.profile, options.sample_tokens)


def _sampled_as(beside: Beside | None, options: AuditOptions) -> AuditOptions:
    """The options with the seed of the baseline: another sample of the very same text would differ from its figures."""
    return options if beside is None else replace(options, seed=beside.baseline.seed)


def _told_of_seed(found: Audit, asked: AuditOptions) -> Audit:
    """The audit, with a note where its seed is not the one that was asked for."""
    seed = found.provenance.seed
    if seed == asked.seed:
        return found
    told = f"sampled with seed {seed}, that of the baseline, and not with {asked.seed}"
    return _noted(found, (told,))


def _noted(found: Audit, told: tuple[str, ...]) -> Audit:
    """The audit with further notes: of the whole corpus, and of the record, which can be that of the new documents."""
    parts = found.parts and (replace(found.parts[0], notes=(*found.parts[0].notes, *told)), *found.parts[1:])
    return replace(found, notes=(*found.notes, *told), parts=parts)


def _for_baselines(options: AuditOptions, beside: Beside | None) -> tuple[type[Metric], ...]:
    """What is measured for a baseline that is read or written: of the audited corpus alone."""
    extra = beside.metrics if beside else ()
    if options.write_baseline is None:
        return extra
    from contam.baseline.measuring import FOR_WRITING

    return (*extra, *FOR_WRITING)


def _metrics(options: AuditOptions) -> tuple[type[Metric], ...]:
    """What is measured of either corpus; the document score is not even imported where it is not needed."""
    if not options.shared:
        return METRICS
    from contam.synthetic.streaming import SampleScores

    return (*METRICS, SampleScores)


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
    if not isinstance(item, str) or not item or len(item) > 1000 or "\n" in item:
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
