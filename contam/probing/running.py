"""``contam.probe``: from names of models and texts to the result."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.auditing import AuditOptions, audit
from contam.engine import Progress
from contam.errors import InputError, UsageError
from contam.models.texts import load_all
from contam.probing.options import ProbeEvent, ProbeOptions
from contam.probing.result import Checkpoint, Generation, Probe, TextScore
from contam.probing.series import Candidate, distinct, expand, in_order, is_checkpoint, passed_over
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


def looked_up(models: Sequence[str], options: ProbeOptions) -> Setup:
    """Names become files and texts; nothing heavy is imported before every name has led somewhere."""
    if not models:
        raise UsageError("name a model: a folder, a folder of checkpoints, or a name of the hub")
    listed = [one for name in models for one in expand(name)]
    ordered, remark = in_order(listed) if len(models) == len(listed) > 1 else (listed, None)
    candidates = distinct(ordered)
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
    for name in options.names:
        if is_checkpoint(name):
            raise InputError(f"--text {name}: a model, not text")
    texts = []
    notes = [*([remark] if remark else []), *(note for name in models for note in passed_over(name))]
    for text in load_all(_each_once(options.names)):
        documents, told = chosen(text, options.text_bytes, options.seed)
        texts.append((text.name, documents))
        notes += [*([told] if told else []), *text.notes[:5]]
    if not options.text:
        notes.append(
            "no human text was given (--text): losses are on Python's documentation, which few models were trained to "
            "write; they tell one checkpoint from another, not good from bad"
        )
    return Setup(tuple(candidates), baseline, tuple(texts), tuple(notes), asked)


def _each_once(names: Sequence[str]) -> list[str]:
    """Names of texts without those that lead to a file that an earlier one led to."""
    seen: dict[str, str] = {}
    for name in names:
        path = Path(name).expanduser()
        seen.setdefault(str(path.resolve()) if path.exists() else name, name)
    return list(seen.values())


@dataclass(frozen=True)
class _Draft:
    """A checkpoint of which everything is known but its level."""

    measured: Any
    texts: tuple[TextScore, ...]
    generation: Generation


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
        base = self._draft(setup.baseline, 0, count, None) if setup.baseline else None
        start = int(base is not None)
        drafts = [self._draft(one, start + i, count, base) for i, one in enumerate(others)]
        baseline = self._checkpoint(base, _baseline_level(base.generation)) if base else None
        found = tuple(self._checkpoint(draft, verdict) for draft, verdict in zip(drafts, self._levels(drafts, base)))
        checkpoints = (baseline, *found) if setup.first_is_baseline and baseline else found
        result = self._result(checkpoints, baseline, begin)
        if self.options.out:
            _write(self.options.out, result)
        return result

    # --- one checkpoint -----------------------------------------------------------------------------------------

    def _draft(self, candidate: Candidate, index: int, count: int, base: _Draft | None) -> _Draft:
        """Measure a checkpoint and judge its samples; what it wrote is kept where there is a folder."""
        from contam.probing.figures import text_scores
        from contam.probing.judging import figures_of

        measured = self.bench.measure(candidate, index, count)
        self._wrote(measured)
        self._tell("judging", candidate.name)
        self.notes |= dict.fromkeys(measured.notes)
        texts = text_scores(measured, base.measured if base else None, self.names)
        generation = self._generation(measured, base)
        return _Draft(measured, texts, replace(generation, signals=figures_of(texts, generation)))

    def _levels(self, drafts: Sequence[_Draft], base: _Draft | None) -> list[Verdict]:
        """The level of every checkpoint; several share the error rate, with the fewest null pairs of any."""
        from contam.probing.judging import Seen, level_of
        from contam.probing.trajectory import alarm_level

        limit = alarm_level(len(drafts), _fewest_pairs(d.generation for d in drafts)) if len(drafts) > 1 else None
        before, declared = base.generation if base else None, bool(self.options.text)
        return [level_of(Seen(d.texts, d.generation, before, limit, declared)) for d in drafts]

    def _checkpoint(self, draft: _Draft, verdict: Verdict) -> Checkpoint:
        from contam.probing.judging import rules_of

        measured, shape = draft.measured, draft.measured.shape
        return Checkpoint(
            measured.candidate.name, measured.candidate.step, measured.revision, shape.architecture, shape.parameters,
            shape.context, draft.texts, draft.generation, verdict, rules_of(draft.generation.signals),
        )  # fmt: skip

    def _generation(self, measured: Any, base: _Draft | None) -> Generation:
        from contam.probing.figures import own_drift, own_entropy, same_tokens
        from contam.probing.judging import looped_documents

        samples = measured.samples
        before = base.measured if base else None
        reference, name = self._reference(before)
        judged, why = self._audited(samples.texts, reference)
        against = judged.reference if judged else ReferenceInfo("", 0, None)
        if reference and judged:
            against = replace(against, name=f"{name}; null pairs of {against.profile}")
        verdict = judged.verdict if judged else Verdict(Level.INSUFFICIENT, reasons=(why,))
        return Generation(
            samples=len(samples.texts),
            tokens=int(samples.tokens.sum()),
            words=judged.corpus.tokens if judged else 0,
            bytes=sum(len(text.encode()) for text in samples.texts),
            ended=int(samples.ended.sum()),
            looped=_looped(samples.texts, looped_documents(judged)),
            wordless=sum(1 for text in samples.texts if not _has_words(text)),
            own=own_entropy(samples),
            own_drift=own_drift(samples, before.samples) if before and same_tokens(measured, before) else None,
            signals=dict(judged.signals) if judged else {},
            reference=against,
            verdict=verdict,
            examples=_examples(samples),
        )

    def _reference(self, before: Any) -> tuple[Sequence[str] | None, str]:
        """What samples are judged against: the baseline's, else the human text that was given, else nothing; those of
        the baseline itself are judged against nothing."""
        if before is not None:
            return before.samples.texts, f"the samples of {before.candidate.name}"
        if self.setup.baseline is not None or not self.options.text:
            return None, ""
        documents = [document for _, part in self.setup.texts for document in part]
        words = sum(len(document.split()) for document in documents)
        return (documents, "the human text") if words >= OWN_TEXT_WORDS else (None, "")

    def _audited(self, texts: Sequence[str], reference: Sequence[str] | None) -> tuple[Audit | None, str]:
        """The audit of some samples; where they hold no document, the reason."""
        o = self.options
        options = AuditOptions(profile=o.profile, seed=o.seed, order=None, on_progress=self._audit_progress)
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

        worst = _worst(checkpoints)
        series = checkpoints
        if baseline is not None and not self.setup.first_is_baseline:
            series = (baseline, *checkpoints)
        pairs = _fewest_pairs(c.generation for c in checkpoints)
        course = trajectory(series, pairs) if len(checkpoints) > 1 else None
        seconds = time.perf_counter() - begin
        settings = self.options.told()
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]
        size = sum(text.bytes for c in checkpoints for text in c.texts)
        generation = worst.generation
        return Probe(
            corpus=CorpusInfo(
                tuple(c.name for c in checkpoints), len(checkpoints), generation.samples, generation.words,
                generation.bytes,
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
        from contam.probing.store import SAMPLES
        from contam.reports import write_whole

        folder = self.options.out / SAMPLES
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in measured.candidate.name).strip("-.")[-80:]
        samples = measured.samples
        lines = [
            json.dumps({"text": text, "prompted": bool(samples.prompted[i]), "ended": bool(samples.ended[i])})
            for i, text in enumerate(samples.texts)
        ]
        write_whole(folder / f"{stem or 'model'}-{measured.revision[:6]}.jsonl", "\n".join(lines) + "\n")


def _fewest_pairs(generations: Iterable[Generation]) -> int | None:
    """The fewest null pairs that any samples were ranked among, None where none were."""
    pairs = [made.reference.sources for made in generations if made.reference.paired]
    return min(pairs) if pairs else None


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
