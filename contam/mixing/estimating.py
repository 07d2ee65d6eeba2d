"""`contam mix --estimate`: every document of a corpus scored, and what the scores say beside trusted text."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.assembling import corpus_info
from contam.auditing import AuditOptions, measured_of, open_corpus
from contam.corpus import Corpus
from contam.engine import Measured, Progress
from contam.errors import InputError, UsageError
from contam.mixing.asked import Evidence
from contam.mixing.columns import check_scores, percentiles, write_scores
from contam.mixing.forecasting.counting import METRICS, counts_of
from contam.mixing.forecasting.forecast import forecast
from contam.mixing.judging import judge_mix
from contam.mixing.options import SHARED, EstimateOptions, Event, MixOptions, Watch, unwatched
from contam.mixing.provenance import provenance
from contam.mixing.result import Forecast, Mix, ScoredDocument
from contam.result import CorpusInfo
from contam.synthetic.measuring import COMPARED, english_reason, measure_share
from contam.synthetic.scored import Scored
from contam.synthetic.share import Declared, SyntheticShare
from contam.synthetic.streaming import AllScores, SampleScores

SHOWN = 10_000
"""Documents of the JSON, the most machine-like first; the column file has all."""
UNSEEN = 0.5
"""Shares of less are found in some sources only (docs/share.md)."""
_FORECAST = ("regime", "generations", "tokens", "temperature", "rate")


def estimate_options(asked: Mapping[str, Any]) -> EstimateOptions:
    """The options of an estimate from those given by name. Those of a forecast among them ask for one."""
    forecast = {name: value for name, value in asked.items() if name in _FORECAST}
    known = {f.name for f in fields(EstimateOptions)}
    return EstimateOptions(
        **{name: value for name, value in asked.items() if name in known},
        forecast=MixOptions(**forecast) if forecast else None,
    )


def estimate(corpus: Any, reference: Any = None, **changes: Any) -> Mix:
    """The synthetic share of a corpus beside trusted text of its source: paths, lists of paths, or iterables of texts.

    ``changes`` are fields of `EstimateOptions` and of its forecast. Raises InputError for text that cannot be read,
    UsageError for settings that cannot be.
    """
    asked = {name: value for name, value in (changes | {"reference": reference}).items() if value is not None}
    known = {f.name for f in fields(EstimateOptions)} | set(_FORECAST)
    if strange := [name for name in asked if name not in known]:
        raise UsageError(f"{strange[0]!r} is no option of an estimate: it has {', '.join(sorted(known))}")
    return estimated(corpus, estimate_options(asked))


def estimated(
    corpus: Any, options: EstimateOptions, watch: Watch = unwatched, *, scores: Path | None = None,
    limit: float | None = None,
) -> Mix:  # fmt: skip
    """The synthetic share of a corpus beside trusted text of its source, or why it is not measured.

    ``scores``: where every document's score is written, by the file's suffix. ``limit``: the share above which the exit
    code is 1. Raises InputError for text that cannot be read.
    """
    begin = time.perf_counter()
    _look_up(options, scores)
    audited = _side(corpus, options, watch)
    trusted = _side(options.reference, options, watch) if options.reference is not None else None
    notes = [*_notes(audited, trusted), *_low_limit(limit)]
    share, left = _share(audited, trusted, options, watch)
    detection = _detection(audited.sample, left.keys[: share.documents or COMPARED], options, watch)
    if scores is not None:
        write_scores(scores, audited.scored, trusted.scored if trusted else None, detection)
        notes.append(f"{scores}: the scores of {len(audited.scored):,} documents")
    settings, found = _settings(options, audited), _forecast(share, trusted, options, watch)
    verdict, rules = judge_mix(Evidence(share, None, found))
    return Mix(
        verdict, trusted.info if trusted else None, audited.info, share, None, found,
        rules, provenance(settings, options.seed, begin, audited.info),
        documents=_documents(audited, trusted, detection), documents_total=len(audited.scored),
        limits={} if limit is None else {"share": limit}, notes=tuple(notes), settings=settings,
        compared=_pair(left, trusted.scored, share.documents) if trusted and share.documents else {},
    )  # fmt: skip


@dataclass(frozen=True)
class Side:
    """One corpus as it was read and scored; ``keys`` uint64[N] of all documents, short ones and copies too."""

    corpus: Corpus
    measured: Measured
    info: CorpusInfo
    scored: Scored
    keys: NDArray[np.uint64]
    sample: SampleScores
    excerpts: dict[str, str] = field(default_factory=dict)


def _look_up(options: EstimateOptions, scores: Path | None) -> None:
    """What is missing is told before anything is read."""
    for name in (options.model, options.observer):
        if name is not None:
            from contam.models.finding import find

            find(name)
    if scores is not None:
        check_scores(scores)


def _side(source: Any, options: EstimateOptions, watch: Watch) -> Side:
    corpus = open_corpus(source, options.reading)

    def told(progress: Progress) -> None:
        watch(Event(progress.phase, progress.bytes_done, progress.bytes_total or 0, str(source)))

    how = AuditOptions(workers=options.workers, seed=options.seed, on_progress=told)
    measured = measured_of(corpus, how, (*METRICS, AllScores, SampleScores))
    scores, sample = measured.metrics["all_scores"], measured.metrics["sample_scores"]
    assert isinstance(scores, AllScores) and isinstance(sample, SampleScores)
    return Side(
        corpus, measured, corpus_info(corpus, measured), scores.scored(), scores.rows.keys, sample, scores.excerpts()
    )


def _notes(audited: Side, trusted: Side | None) -> list[str]:
    """What the readers remarked. Raises InputError where both sides are the same text."""
    notes = list(audited.measured.notes)
    if trusted is None:
        return notes
    if len(audited.scored) and np.array_equal(audited.scored.keys, trusted.scored.keys):
        raise InputError(
            "the trusted text is the audited text: give text that you know to be free of machine text (an older part "
            "of the same source)"
        )
    return notes + list(trusted.measured.notes)


def _low_limit(limit: float | None) -> list[str]:
    """A remark on a limit that is rarely reached whatever the text."""
    if limit is None or limit >= UNSEEN:
        return []
    found = f"a share of {100 * UNSEEN:.0f} % is found in most sources, one of 10 % is not"
    return [f"a limit of {100 * limit:.0f} % (--max-share) does not rule more than that out: {found}"]


def _share(
    audited: Side, trusted: Side | None, options: EstimateOptions, watch: Watch
) -> tuple[SyntheticShare, Scored]:
    """The share, and the audited documents that are not in the trusted text: the first of them were compared."""
    strange = english_reason(audited.measured.segments)
    declared = _declared(audited, strange, options, watch)
    watch(Event("judging"))
    if trusted is None:
        return measure_share(audited.scored, None, options.order, strange=strange, declared=declared), audited.scored
    left = audited.scored.without(trusted.keys)
    strange = strange or english_reason(trusted.measured.segments, "the trusted text")
    return measure_share(left, trusted.scored, options.order, strange=strange, declared=declared), left


def _declared(audited: Side, strange: str | None, options: EstimateOptions, watch: Watch) -> Declared | None:
    """The estimate from the user's own labelled text."""
    if options.human is None:
        return None
    from contam.synthetic.declared import declared_share

    human, machine = (_side(path, options, watch) for path in (options.human, options.machine))
    for whose, side in (("the labelled human text", human), ("the labelled machine text", machine)):
        strange = strange or english_reason(side.measured.segments, whose)
    if strange is not None:
        counts = len(human.scored), len(machine.scored)
        return Declared(options.generator, None, None, None, None, None, *counts, reason=strange)
    return declared_share(human.scored, machine.scored, audited.scored, options.generator, seed=options.seed)


def _detection(
    sample: SampleScores, keys: NDArray[np.uint64], options: EstimateOptions, watch: Watch
) -> Mapping[int, Mapping[str, float]]:
    """Scores under a language model of the documents of some keys, by these, then by name."""
    if options.model is None:
        return {}
    from contam.models.detection import detection_scores

    held = [key for key in keys.tolist() if key in sample.sample.rows]
    watch(Event("scoring", note=options.model))
    texts = [sample.opening(key).decode("utf-8", "replace") for key in held]
    found = detection_scores(texts, options.model, options.observer, options.device, options.precision)
    names = {"fast_detect_gpt": "fast_detect", "binoculars": "binoculars"}
    return {
        key: {name: value for name, field in names.items() if (value := getattr(one, field)) is not None}
        for key, one in zip(held, found)
    }


def _documents(
    audited: Side, trusted: Side | None, detection: Mapping[int, Mapping[str, float]]
) -> tuple[ScoredDocument, ...]:
    """The most machine-like documents first."""
    scored = audited.scored
    order = np.argsort(-scored.scores, kind="stable")[:SHOWN]
    places = percentiles(scored.scores[order], trusted.scored.scores) if trusted else None
    return tuple(
        ScoredDocument(
            scored.labels[i], float(scored.scores[i]), None if places is None else float(places[n]),
            audited.excerpts.get(scored.labels[i], ""),
            detection.get(int(scored.keys[i]), {}),
        )
        for n, i in enumerate(order.tolist())
    )  # fmt: skip


def _settings(options: EstimateOptions, audited: Side) -> dict[str, Any]:
    """What was asked."""
    asked = {f.name: getattr(options, f.name) for f in fields(options) if f.name not in ("forecast", "workers")}
    asked = {"estimate": ", ".join(audited.corpus.sources)} | asked
    if options.forecast is not None:
        asked |= {name: getattr(options.forecast, name) for name in _FORECAST}
    return {n: value if isinstance(value, (str, int, float, type(None))) else "texts" for n, value in asked.items()}


def _pair(audited: Scored, trusted: Scored, n: int) -> dict[str, tuple[float, ...]]:
    """The scores that were compared: the first by their keys, as many on either side."""
    return {name: tuple(s.scores[:n].tolist()) for name, s in (("audited", audited), ("trusted", trusted))}


def _forecast(share: SyntheticShare, trusted: Side | None, options: EstimateOptions, watch: Watch) -> Forecast | None:
    """What the share that was found leaves of the trusted text; None where none was found, or none was asked for."""
    asked = options.forecast
    if asked is None or trusted is None or not share.measured or not share.lower_bound:
        return None
    watch(Event("forecast"))
    told = "lower bound" if asked.regime in SHARED else "none"
    return forecast(counts_of(trusted.measured), replace(asked, share=share.lower_bound), told)
