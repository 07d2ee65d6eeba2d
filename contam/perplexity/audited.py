"""Perplexity in an audit: the text's surprise under a model, and what one trained on it makes of human text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from contam.perplexity.drift import Drift, Reason, drift_figure, perplexity_drift
from contam.perplexity.surprise import LoadedModel, Surprise, load_model, strangest, surprise, surprise_figures
from contam.result import Perplexity, ReferenceInfo
from contam.rules import apply_rules
from contam.wording import written
from contam_metrics.prepare import prepare
from contam_metrics.segments import Segments

SMALLEST = 5_000
"""Words at which a text is scored that reaches no matched size."""
STRANGEST = 10
DRIFT = "perplexity.drift"

Tell = Callable[[str, int], None]
"""Told the phase (scoring, training) and how far it is."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an audit is to measure: under which ``model``, by which ``proxy``, computed where."""

    model: str | None
    proxy: str
    device: str
    precision: str
    seed: int


@dataclass(frozen=True, slots=True)
class Texts:
    """The samples of the audited, the trusted and the held-out text."""

    audited: Segments
    trusted: Segments | None
    held_out: Segments | None


def measured(asked: Asked, texts: Texts, reference: ReferenceInfo, tell: Tell | None = None) -> Perplexity:
    """All that was asked for, at the size at which the text was judged."""
    found = Perplexity()
    if asked.model is not None:
        _surprised(found, asked, texts, reference, tell)
    if texts.held_out is not None:
        drift = _drift(asked, texts, reference.matched_tokens, tell)
        found.figures[DRIFT] = drift_figure(drift)
        if isinstance(drift, Drift):
            found.notes.append(_told(drift, asked.proxy, texts.trusted is not None))
            found.notes += [f"perplexity drift: {note}" for note in drift.notes]
    return found


def _surprised(found: Perplexity, asked: Asked, texts: Texts, reference: ReferenceInfo, tell: Tell | None) -> None:
    assert asked.model is not None
    model = load_model(asked.model, asked.device, asked.precision)
    size = reference.matched_tokens

    def scored(segments: Segments) -> Surprise:
        rows = prepare(segments, size or SMALLEST).rows
        return surprise(segments, rows, model, beat=(lambda tokens: tell("scoring", tokens)) if tell else None)

    audited = scored(texts.audited)
    trusted = scored(texts.trusted) if texts.trusted is not None else None
    found.figures |= surprise_figures(audited, trusted, reference.profile, size, model.digest)
    found.documents = tuple(strangest(audited, texts.audited, STRANGEST))
    found.notes.append(_declared(model, len(np.asarray(audited.rows))))


def _declared(model: LoadedModel, segments: int) -> str:
    """How the surprise was measured: perplexities are not comparable without it."""
    context = model.network.shape.context
    start = "after a beginning token" if model.tokenizer.bos is not None or model.tokenizer.eos is not None else ""
    told = f"surprise under {model.name}: {segments:,} segments of about 200 words, each by itself {start}".rstrip()
    return f"{told}, windows of {context:,} tokens that move by {max(1, context // 2):,}"


def _drift(asked: Asked, texts: Texts, size: int | None, tell: Tell | None) -> Drift | Reason:
    if asked.proxy == "neural":
        from contam.perplexity.proxy import neural_drift

        return neural_drift(
            texts.audited, texts.trusted, texts.held_out, seed=asked.seed, device=asked.device,
            precision=asked.precision, tell=tell,
        )  # fmt: skip
    return perplexity_drift(texts.audited, texts.trusted, texts.held_out, tokens=size, seed=asked.seed)


def _told(drift: Drift, proxy: str, trusted: bool) -> str:
    """The answer in a sentence: worse where PPL002 warns."""
    kind, unit = ("small neural models", "tokens") if proxy == "neural" else ("a word trigram", "words")
    low, high = (f"{v:+.3f}" for v in drift.interval)
    losses = [f"{written(nats)} nats a {unit[:-1]}" for nats in (drift.audited_nats, drift.trusted_nats)]
    (rule,) = (r for r in apply_rules({DRIFT: drift_figure(drift)}, {}) if r.id == "PPL002")
    worse = rule.status == "warn"
    answer = "would be worse on" if worse else "is not shown to be worse on"
    against = "trusted text" if trusted else "a part of the held-out text"
    return (
        f"a model trained on this text {answer} the held-out text: {kind} on {drift.tokens:,} {unit} of it need "
        f"{losses[0]}, on as much of {against} {losses[1]}; drift {drift.value:+.3f} "
        f"({low} to {high}; {drift.documents:,} held-out documents)"
    )
