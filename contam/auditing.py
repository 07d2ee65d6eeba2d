"""The audit of a corpus: measure once, judge the matched subsample, apply the rules, say it in one record."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.assembling import Seen, assembled
from contam.corpus import Corpus, ReadOptions
from contam.engine import Measured, Plan, Progress, default_workers, measure
from contam.errors import InputError, UsageError
from contam.gate.policy import DEFAULT, Policy
from contam.result import (
    Audit,
)
from contam.synthetic.share import ORDERS
from contam_metrics.kernels import warm
from contam_metrics.metric import Metric
from contam_metrics.streaming import METRICS
from contam_metrics.streaming.volume import Volume

if TYPE_CHECKING:
    from contam.baseline.audited import Beside

RESERVE = 250_000
"""Words that the sample holds at the least: more than is judged, because near duplicates are dropped from it."""


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
        plan = Plan(self.workers or default_workers(), budget, self.seed, self.on_progress)
        return replace(plan, cache_dir=self.kept_in, resume=self.resume)

    @property
    def kept_in(self) -> Path | None:
        """The folder where what is measured is kept; None where nobody asked for that."""
        if self.cache_dir is not None or not self.resume:
            return self.cache_dir if self.cache_dir is None else Path(self.cache_dir)
        from contam.shards.store import default_folder

        return default_folder()

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
        if self.baseline is not None:
            given["baseline"] = str(self.baseline)
        if self.policy != DEFAULT:
            given["policy"] = repr(replace(self.policy, where=""))
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]


def audit(source: Any, options: AuditOptions | None = None, **changes: Any) -> Audit:
    """Audit a corpus: a path (or several), an iterable of texts, or a `datasets` Dataset.

    ``changes`` are fields of `AuditOptions`. Raises `InputError` where there is no document to judge, `UsageError`
    where a baseline would take the place of another file.
    """
    options = replace(options or AuditOptions(), **changes)
    begin = time.perf_counter()
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
