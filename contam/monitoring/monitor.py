"""Watching a model through a training loop of one's own, and a single look at any model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from contam.errors import UsageError
from contam.models.live import Live, resting
from contam.monitoring.judging import LIMITS, Baseline, Check, Judge, Limits
from contam.monitoring.reading import (
    LOOPED,
    VALIDATION,
    Reading,
    ReadingSettings,
    Speller,
    human_texts,
    nats_per_token,
    read_samples,
    windows,
)
from contam.result import Level

GROUPS = 8
"""Groups of texts that are drawn from the untouched model: what its signals do when nothing has changed."""
Texts = str | os.PathLike[str] | Sequence[str]


class ModelMonitor:
    """Watches one model: first `baseline`, then `check` every so many steps.

    ``text``: human text whose loss is watched, as a list of strings, a file, a folder or a name (``wikitext2``).
    ``samples`` texts of ``tokens`` tokens are drawn at a check, eight times as many for the baseline; ``prompts`` begin
    some of them. The model is left as it was: its mode, its gradients, and torch's random numbers.
    Raises ``InputError`` for text that is not there, and ``UsageError`` for numbers that cannot be.
    """

    def __init__(
        self,
        text: Texts | None = None,
        *,
        samples: int = 32,
        tokens: int = 64,
        prompts: Sequence[str] = (),
        seed: int = 0,
        limits: Limits = LIMITS,
    ) -> None:
        if samples < limits.loops_least or tokens < 1:
            raise UsageError(
                f"samples {samples}, tokens {tokens}: give at least {limits.loops_least} samples of at least 1 token"
            )
        self.settings = ReadingSettings(samples, tokens, tuple(prompts), seed=seed)
        self.limits = limits
        self.texts = human_texts(text)
        self.started: Baseline | None = None
        self._speller: Speller | None = None
        self._judge: Judge | None = None

    def baseline(self, model: Any, tokenizer: Any) -> Baseline:
        """Draw what the untouched model writes, and remember it; ``InputError`` where that cannot be."""
        speller = Speller(tokenizer)
        with resting(model) as network:
            draws = tuple(self._drawn(network, speller, ("baseline", group)) for group in range(GROUPS))
            human = self._human(network, speller)
            made = Baseline(draws, human, network.shape.vocabulary)
        self.resume(made, tokenizer)
        return made

    def resume(self, baseline: Baseline, tokenizer: Any) -> None:
        """Go on from a baseline that was drawn before (`Baseline.from_json`)."""
        self._speller, self.started = Speller(tokenizer), baseline
        self._judge = Judge(baseline, self.settings.samples, self.limits)

    def check(self, model: Any, step: int) -> Check:
        """Measure the model at a step and judge it; the steps may be any numbers that tell checks apart."""
        if self._judge is None or self._speller is None:
            raise UsageError("check() needs baseline(model, tokenizer) before it")
        with resting(model) as network:
            reading = self._drawn(network, self._speller, ("step", step))
            human = self._human(network, self._speller)
        return self._judge.check(step, reading.signals | ({} if human is None else {VALIDATION: human}))

    def look(self, model: Any, tokenizer: Any) -> Check:
        """Measure a model once, without a baseline: only loops can be judged."""
        speller = Speller(tokenizer)
        with resting(model) as network:
            reading = self._drawn(network, speller, ("look",))
            human = self._human(network, speller)
        signals = reading.signals | ({} if human is None else {VALIDATION: human})
        share = signals[LOOPED] or 0.0
        if share >= self.limits.loops and round(share * self.settings.samples) >= self.limits.loops_least:
            return Check(0, signals, Level.COLLAPSING, reasons=(f"{share:.0%} of the samples repeat themselves",))
        told = "few loops; what else there is can only be judged against an earlier state of the model"
        return Check(0, signals, Level.INSUFFICIENT, reasons=(told,))

    def _drawn(self, network: Live, speller: Speller, name: tuple[object, ...]) -> Reading:
        stops = speller.stops(network.modules[0])
        return read_samples(network, speller, self.settings, stops, name)

    def _human(self, network: Live, speller: Speller) -> float | None:
        if not self.texts:
            return None
        return nats_per_token(network, windows(speller, self.texts, network.shape.context))


def check_model(
    model: Any,
    tokenizer: Any,
    *,
    text: Texts | None = None,
    samples: int = 32,
    tokens: int = 64,
    prompts: Sequence[str] = (),
    seed: int = 0,
) -> Check:
    """What a model of transformers writes, measured once: every signal, and ``collapsing`` where its texts loop.

    Without an earlier state to compare with, nothing but loops can be judged: the level is ``collapsing`` or
    ``insufficient_evidence``. For a training loop of your own see `ModelMonitor`. Raises ``InputError`` for a model or
    tokenizer that cannot be used.
    """
    return ModelMonitor(text, samples=samples, tokens=tokens, prompts=prompts, seed=seed).look(model, tokenizer)
