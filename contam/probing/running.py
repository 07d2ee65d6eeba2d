"""``contam.probe``: from names of models and texts to the result."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.auditing import AuditOptions, audit
from contam.engine import Progress
from contam.errors import InputError, UsageError
from contam.models.texts import load_all
from contam.probing.options import ProbeEvent, ProbeOptions
from contam.probing.result import Checkpoint, Generation, Probe
from contam.probing.series import Candidate, distinct, expand
from contam.result import Audit, CorpusInfo, Level, Provenance, ReferenceInfo, Verdict

OWN_TEXT_WORDS = 5_000
"""Words of human text from which samples are judged against it, where there is no baseline."""
EXAMPLES = 8


def probe(models: str | Sequence[str], options: ProbeOptions | None = None, **changes: Any) -> Probe:
    """Audit one checkpoint, or several in order: what they write, how they predict human text, and the drift of both.

    ``models`` are names of the hub, folders, folders of checkpoints, or runs of ``contam selftrain``; ``changes`` are
    fields of `ProbeOptions`. Of several checkpoints without a ``baseline`` the first is the baseline. Raises
    ``InputError`` or ``UsageError`` for what the user can mend, before anything is measured where that is possible.
    """
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()}
    if isinstance(given.get("text"), str):
        given["text"] = (given["text"],)
    options = replace(options or ProbeOptions(), **given)
    begin = time.perf_counter()
    setup = looked_up([models] if isinstance(models, str) else list(models), options)
    return _Probing(setup, options).run(begin)


@dataclass(frozen=True)
class Setup:
    """What is to be probed: checkpoints in order, the baseline (one of them where ``first_is_baseline``), texts."""

    candidates: tuple[Candidate, ...]
    baseline: Candidate | None
    texts: tuple[tuple[str, tuple[str, ...]], ...]
    notes: tuple[str, ...]
    first_is_baseline: bool

    @property
    def judged(self) -> int:
        """How many checkpoints are compared with a baseline."""
        return len(self.candidates) - int(self.first_is_baseline)


def looked_up(models: Sequence[str], options: ProbeOptions) -> Setup:
    """Names become files and texts; nothing heavy is imported before every name has led somewhere."""
    if not models:
        raise UsageError("name a model: a folder, a folder of checkpoints, or a name of the hub")
    candidates = distinct([one for name in models for one in expand(name)])
    baseline = None
    if options.baseline is not None:
        found = expand(options.baseline)
        if len(found) > 1:
            raise UsageError(f"--baseline {options.baseline}: {len(found)} checkpoints; name one of them")
        baseline = found[0]
    asked = baseline is None and len(candidates) > 1
    if asked:
        baseline = candidates[0]
    from contam.models.loading import device_of
    from contam.probing.measuring import chosen

    device_of(options.device, options.precision)
    texts, notes = [], []
    for text in load_all(options.names):
        documents, told = chosen(text, options.text_bytes, options.seed)
        texts.append((text.name, documents))
        notes += [*([told] if told else []), *(f"{text.name}: not read: {n}" for n in text.notes[:5])]
    if not options.text:
        notes.append(
            "no human text was given (--text): losses are on Python's documentation, which few models were trained to "
            "write; they tell one checkpoint from another, not good from bad"
        )
    return Setup(tuple(candidates), baseline, tuple(texts), tuple(notes), asked)


class _Probing:
    """A probe under way."""

    def __init__(self, setup: Setup, options: ProbeOptions) -> None:
        from contam.probing.measuring import Bench
        from contam.probing.store import Store

        self.setup, self.options = setup, options
        self.store = Store(options.out)
        self.store.prepare()
        self.bench = Bench(options, setup.texts, self.store)
        self.names = [name for name, _ in setup.texts]
        self.notes = dict.fromkeys(setup.notes)

    def run(self, begin: float) -> Probe:
        """Measure the baseline, then every checkpoint, judge them, and put it together."""
        setup = self.setup
        others = setup.candidates[1:] if setup.first_is_baseline else setup.candidates
        count = len(others) + (setup.baseline is not None)
        base = self.bench.measure(setup.baseline, 0, count) if setup.baseline else None
        baseline = self._checkpoint(base, None, None) if base else None
        start = int(base is not None)
        found = []
        for i, candidate in enumerate(others):
            measured = self.bench.measure(candidate, start + i, count)
            found.append(self._checkpoint(measured, base, baseline))
            self._wrote(measured)
        checkpoints = ((baseline,) if setup.first_is_baseline and baseline else ()) + tuple(found)
        result = self._result(checkpoints, baseline, begin)
        if self.options.out:
            _write(self.options.out, result)
        return result

    # --- one checkpoint -----------------------------------------------------------------------------------------

    def _checkpoint(self, measured: Any, base: Any, baseline: Checkpoint | None) -> Checkpoint:
        from contam.probing.figures import text_scores
        from contam.probing.judging import figures_of, rules_of

        self._tell("judging", measured.candidate.name)
        self.notes |= dict.fromkeys(measured.notes)
        is_baseline = base is None and self.setup.baseline is not None
        texts = text_scores(measured, base, self.names)
        generation = self._generation(measured, base, baseline, is_baseline)
        signals = figures_of(texts, generation)
        generation = replace(generation, signals=signals)
        verdict = self._level(texts, generation, baseline, is_baseline)
        shape = measured.shape
        return Checkpoint(
            measured.candidate.name, measured.candidate.step, measured.revision, shape.architecture, shape.parameters,
            shape.context, texts, generation, verdict, rules_of(signals),
        )  # fmt: skip

    def _level(self, texts: Any, generation: Generation, baseline: Checkpoint | None, is_baseline: bool) -> Verdict:
        from contam.probing.judging import Seen, level_of
        from contam.probing.trajectory import alarm_level

        if is_baseline:
            return _baseline_level(generation)
        pairs = generation.reference.sources if generation.reference.paired else None
        limit = alarm_level(self.setup.judged, pairs) if self.setup.judged > 1 else None
        return level_of(Seen(texts, generation, baseline.generation if baseline else None, limit))

    def _generation(self, measured: Any, base: Any, baseline: Checkpoint | None, is_baseline: bool) -> Generation:
        from contam.probing.figures import own_drift, own_entropy
        from contam.probing.judging import looped_documents

        samples = measured.samples
        reference, name = self._reference(base, is_baseline)
        judged, why = self._audited(samples.texts, reference)
        against = judged.reference if judged else ReferenceInfo("", 0, None)
        if reference and judged:
            against = replace(against, name=f"{name}; null pairs of {against.profile}")
        verdict = judged.verdict if judged else Verdict(Level.INSUFFICIENT, reasons=(why,))
        return Generation(
            samples=len(samples.texts),
            tokens=int(samples.tokens.sum()),
            words=judged.corpus.tokens if judged else 0,
            ended=int(samples.ended.sum()),
            looped=_looped(samples.texts, looped_documents(judged)),
            wordless=sum(1 for text in samples.texts if not _has_words(text)),
            own=own_entropy(samples),
            own_drift=own_drift(samples, base.samples) if base else None,
            signals=dict(judged.signals) if judged else {},
            reference=against,
            verdict=verdict,
            examples=_examples(samples),
        )

    def _reference(self, base: Any, is_baseline: bool) -> tuple[Sequence[str] | None, str]:
        """What the samples are judged against: the baseline's, else the human text that was given, else nothing."""
        if base is not None:
            return base.samples.texts, f"the samples of {base.candidate.name}"
        if is_baseline or not self.options.text:
            return None, ""
        documents = [document for _, part in self.setup.texts for document in part]
        words = sum(len(document.split()) for document in documents)
        return (documents, "the human text") if words >= OWN_TEXT_WORDS else (None, "")

    def _audited(self, texts: Sequence[str], reference: Sequence[str] | None) -> tuple[Audit | None, str]:
        """The audit of some samples; where they hold no document, the reason."""
        o = self.options
        options = AuditOptions(profile=o.profile, seed=o.seed, on_progress=self._audit_progress)
        # As columns: a list of short texts could be taken for a list of paths.
        trusted = {"text": list(reference)} if reference is not None else None
        try:
            return audit({"text": list(texts)}, options, reference=trusted), ""
        except InputError as error:
            return None, str(error)

    def _audit_progress(self, progress: Progress) -> None:
        if progress.phase == "compiling":
            self._tell("compiling", "")

    def _tell(self, phase: str, name: str) -> None:
        if self.options.on_event:
            self.options.on_event(ProbeEvent(phase, name))

    # --- all together -------------------------------------------------------------------------------------------

    def _result(self, checkpoints: tuple[Checkpoint, ...], baseline: Checkpoint | None, begin: float) -> Probe:
        from contam.probing.trajectory import trajectory

        worst = _worst([c for c in checkpoints if c is not baseline] or list(checkpoints))
        series = checkpoints
        if baseline is not None and not self.setup.first_is_baseline:
            series = (baseline, *checkpoints)
        pairs = [c.generation.reference.sources for c in checkpoints if c.generation.reference.paired]
        course = trajectory(series, min(pairs) if pairs else None) if len(checkpoints) > 1 else None
        seconds = time.perf_counter() - begin
        settings = self.options.told()
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
        size = sum(text.bytes for c in checkpoints for text in c.texts)
        generation = worst.generation
        return Probe(
            corpus=CorpusInfo(
                tuple(c.name for c in checkpoints), len(checkpoints), generation.samples, generation.words, size
            ),
            reference=generation.reference,
            verdict=_told_verdict(worst, checkpoints),
            signals=generation.signals,
            rules=worst.rules,
            checkpoints=checkpoints,
            baseline=baseline,
            trajectory=course,
            settings=settings,
            provenance=Provenance(digest, self.options.seed, seconds, size / max(seconds, 1e-9)),
            notes=tuple(self.notes),
        )

    def _wrote(self, measured: Any) -> None:
        """The samples as JSON lines, for people, where there is a folder."""
        if self.options.out is None:
            return
        from contam.reports import write_whole

        folder = self.options.out / "samples"
        folder.mkdir(exist_ok=True)
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in measured.candidate.name).strip("-.")[-80:]
        samples = measured.samples
        lines = [
            json.dumps({"text": text, "prompted": bool(samples.prompted[i]), "ended": bool(samples.ended[i])})
            for i, text in enumerate(samples.texts)
        ]
        write_whole(folder / f"{stem or 'model'}-{measured.revision[:6]}.jsonl", "\n".join(lines) + "\n")


def _baseline_level(generation: Generation) -> Verdict:
    """A baseline is what others are measured by; of itself only loops and wordless samples are judged."""
    from contam.probing.judging import LOOPED_LEAST, LOOPED_SHARE, WORDLESS_SHARE

    n = max(generation.samples, 1)
    if generation.wordless >= WORDLESS_SHARE * n:
        return Verdict(Level.COLLAPSING, reasons=(f"{generation.wordless} of {n} samples hold no word",))
    verdict = generation.verdict
    if verdict.level is Level.COLLAPSING and verdict.p_value is None:
        return verdict
    if generation.looped >= max(LOOPED_LEAST, LOOPED_SHARE * n) and verdict.level is Level.COLLAPSING:
        return verdict
    return Verdict(Level.HEALTHY, reasons=("the baseline: only its loops are judged",))


def _looped(texts: Sequence[str], audited: int) -> int:
    """Samples in a loop: as the audit counts them, or by their characters, white space included."""
    from contam_metrics.one_text import loop_characters

    own = sum(1 for text in texts if text and loop_characters(text) >= 0.25)
    return max(own, audited)


def _has_words(text: str) -> bool:
    from contam_metrics.one_text import words_of

    return bool(words_of(text))


def _examples(samples: Any) -> tuple[str, ...]:
    """The first samples, written from nothing and after a prompt in turn."""
    free = [t for t, p in zip(samples.texts, samples.prompted) if not p]
    prompted = [t for t, p in zip(samples.texts, samples.prompted) if p]
    mixed = [t for pair in zip(free, prompted) for t in pair] or free or prompted
    return tuple(mixed[:EXAMPLES])


def _worst(checkpoints: Sequence[Checkpoint]) -> Checkpoint:
    """The checkpoint that decides: the worst level, the later of equals; one that could not be judged before a
    healthy one, since it has not passed."""
    order = {Level.COLLAPSING: 3, Level.AT_RISK: 2, Level.INSUFFICIENT: 1, Level.HEALTHY: 0}
    return max(enumerate(checkpoints), key=lambda pair: (order[pair[1].level], pair[0]))[1]


def _told_verdict(worst: Checkpoint, checkpoints: Sequence[Checkpoint]) -> Verdict:
    """The verdict of the worst checkpoint, with its name where there are several."""
    if len(checkpoints) == 1:
        return worst.verdict
    reasons = tuple(f"{worst.name}: {reason}" for reason in worst.verdict.reasons)
    return replace(worst.verdict, reasons=reasons)


def _write(folder: Path, result: Probe) -> None:
    """``probe.json``, ``report.html`` and the pictures of a probe."""
    from contam.probing.pictures import write_pictures
    from contam.reports import render, write_whole

    write_whole(folder / "probe.json", render(result, "json"))
    write_pictures(result, folder)
    write_whole(folder / "report.html", render(result, "html"))
