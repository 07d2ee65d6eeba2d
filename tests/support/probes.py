"""Results of a probe made by hand, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from examples import NASTY, figure

from contam.probing.result import Checkpoint, Drift, Estimate, Generation, Probe, TextScore
from contam.probing.trajectory import trajectory
from contam.result import CorpusInfo, Figure, Level, Provenance, ReferenceInfo, Verdict
from contam.rules import apply_rules

PAIRS = 106
PAIRED = ReferenceInfo("samples of the baseline; null pairs of english", PAIRS, 20_000, paired=True)
POPULATION = ReferenceInfo("builtin:english", 147, 20_000)
SETTINGS: dict[str, Any] = {
    "text": ["pydoc", "news.jsonl"],
    "baseline": "gpt2",
    "samples": 256,
    "tokens": 256,
    "temperature": 1.0,
    "top_k": 0,
    "prompted_share": 0.5,
    "prompt_tokens": 16,
    "window": 0,
    "stride": 0,
    "bos": True,
    "text_bytes": 1_000_000,
    "batch": 32,
    "device": "cpu",
    "precision": "fp32",
    "profile": "auto",
    "seed": 0,
}


def estimate(value: float, half: float | None = 0.02) -> Estimate:
    """A value with an interval of that half width."""
    return Estimate(value, None if half is None else (value - half, value + half))


def text_score(name: str = "pydoc", nats: float = 3.2, drift: float | None = None, **more: Any) -> TextScore:
    """How a model predicts a text; ``drift`` in nats a token, ``half`` half the width of its interval, and of all
    others of the drift ``sure``, by how much the model became surer of itself."""
    half, sure, ece = more.pop("half", 0.02), more.pop("sure", 0.0), more.pop("ece", 0.03)
    moved = None
    if drift is not None:
        changes = (estimate(change, half) for change in (drift, drift / 2.9, -sure, drift + sure))
        moved = Drift(*changes, ece=ece - 0.03)
    score = TextScore(
        name=name,
        documents=120,
        tokens=48_231,
        bytes=201_118,
        nats=estimate(nats, 0.05),
        bits=estimate(nats / 2.9, 0.02),
        perplexity=2.718281828**nats,
        entropy=estimate(3.1 - sure, 0.05),
        gap=estimate(nats - 3.1 + sure, 0.02),
        ece=ece,
        units="documents",
        drift=moved,
    )
    return replace(score, **more)


def signals(loss: float = 0.0) -> dict[str, Figure]:
    """Figures of samples; with ``loss`` 0 as the baseline's, with 1 all rare words are gone."""
    keep = 1 - loss
    return {
        "entropy.window": figure(5.0 + 0.9 * keep, (5.7, 5.95, 6.1), unit="nats/token", family="entropy"),
        "diversity.types": figure(1200 + 1900 * keep, (2700.0, 3100.0, 3500.0), unit="types", family="diversity"),
        "diversity.distinct_2": figure(0.3 + 0.3 * keep, (0.5, 0.61, 0.7), family="diversity", interval=(0.58, 0.63)),
        "tail.hapax_share": figure(0.085 * keep, (0.06, 0.085, 0.12)),
        "repetition.seq_rep_4": figure(0.02 + 0.6 * loss, (0.0, 0.02, 0.05), "rises", family="repetition"),
        "repetition.cover_4": figure(0.02 + 0.3 * loss, (0.005, 0.02, 0.05), "rises", family="repetition"),
        "text.word_length": figure(4.4, (4.2, 4.5, 4.7), "both", unit="letters", family="text"),
        "tail.type_survival": Figure(None, "share", "tail", reason="no trusted text (--reference) was given"),
    }


def generation(own: float = 2.9, drift: float | None = None, p: float | None = 0.41, **more: Any) -> Generation:
    """What a model wrote; ``loss`` as in `signals`."""
    loss = more.pop("loss", 0.0)
    level = Level.HEALTHY if p is None or p > 0.05 else Level.AT_RISK
    made = Generation(
        samples=256,
        tokens=61_204,
        words=44_310,
        bytes=221_550,
        ended=31,
        looped=round(200 * loss),
        wordless=0,
        own=estimate(own, 0.06),
        own_drift=None if drift is None else estimate(drift, 0.08),
        signals=signals(loss),
        reference=PAIRED if drift is not None else POPULATION,
        verdict=Verdict(level, p, 0.4, ("no tail loss and no copying",)),
        examples=("The quick answer is that a list keeps its order.", "It was a dark night and the wind rose."),
    )
    return replace(made, **more)


def checkpoint(step: int | None = 0, level: Level = Level.HEALTHY, **more: Any) -> Checkpoint:
    """A checkpoint; its name is ``checkpoint-<step>``."""
    made = Checkpoint(
        name=f"checkpoint-{step}",
        step=step,
        revision="0123456789abcdef",
        architecture="gpt2",
        parameters=124_439_808,
        context=1024,
        texts=(text_score(),),
        generation=generation(),
        verdict=Verdict(level, None, None, ("what it writes: no difference beyond that of halves",)),
    )
    return replace(made, **more)


def later(step: int, drift: float = 0.0, loss: float = 0.0, p: float | None = 0.41, **more: Any) -> Checkpoint:
    """A checkpoint after the baseline: worse on human text by ``drift`` nats, its samples poorer by ``loss``."""
    texts = more.pop("texts", (text_score(nats=3.2 + drift, drift=drift, sure=0.5 * loss, ece=0.03 + 0.1 * loss),))
    own = -1.6 * loss
    level = Level.COLLAPSING if drift >= 0.3 else Level.AT_RISK if drift >= 0.1 or loss > 0.3 else Level.HEALTHY
    written = more.pop("generation", generation(2.9 + own, own, p, loss=loss))
    found = f"pydoc: {drift:+.3f} nats a token against the baseline"
    verdict = Verdict(level, p, 0.4, (found,), "a change of a tenth of the text", ("look at the samples",))
    return checkpoint(step, level, texts=texts, generation=written, **({"verdict": verdict} | more))


def collapsing_series() -> tuple[Checkpoint, ...]:
    """A baseline and seven checkpoints: the samples get poorer from step 200 on, the loss rises from step 400 on."""
    drifts = (0.0, 0.01, 0.04, 0.18, 0.31, 0.55, 0.90)
    losses = (0.0, 0.25, 0.40, 0.50, 0.60, 0.75, 0.90)
    ranks = (0.62, 0.041, 2 / 107, 2 / 107, 2 / 107, 2 / 107, 2 / 107)
    steps = range(100, 800, 100)
    return (checkpoint(0), *(later(*given) for given in zip(steps, drifts, losses, ranks)))


def drifts(made: Checkpoint) -> dict[str, Figure]:
    """The drifts of a checkpoint as the rules read them."""
    moved = made.texts[0].drift
    if moved is None or moved.gap is None:
        return {}
    found = {"validation_drift": moved.nats, "entropy_gap_drift": moved.gap}
    return {
        f"checkpoint.{key}": Figure(drift.value, "nats/token", "checkpoint", "rises", drift.interval, documents=120)
        for key, drift in found.items()
    }


def probe_of(checkpoints: Sequence[Checkpoint], baseline: Checkpoint | None = None, **more: Any) -> Probe:
    """The probe of some checkpoints; with several, the first is the baseline where none is given."""
    worst = max(reversed(checkpoints), key=lambda c: c.level.severity)
    base = baseline or (checkpoints[0] if len(checkpoints) > 1 else None)
    series = checkpoints if baseline is None else (baseline, *checkpoints)
    figures = worst.generation.signals | drifts(worst)
    probe = Probe(
        corpus=CorpusInfo(("pydoc",), 1, 120, 30_112, 201_118, digest="c0ffee"),
        reference=worst.generation.reference,
        verdict=worst.verdict,
        signals=figures,
        rules=apply_rules(figures, {}, subject="checkpoint"),
        checkpoints=tuple(checkpoints),
        baseline=base,
        trajectory=trajectory(series, PAIRS),
        settings=SETTINGS,
        provenance=Provenance("1a2b3c", 0, 48.2, 41e3),
    )
    return replace(probe, **more)


def nasty_probe() -> Probe:
    """A probe in which every place that a model or a name reaches carries hostile characters."""
    texts = (replace(text_score(drift=0.4), name=NASTY, units=NASTY, notes=(NASTY,)),)
    reference = replace(PAIRED, name=NASTY)
    written = replace(generation(drift=-1.0, loss=0.5), examples=(NASTY, NASTY * 30), reference=reference)
    verdict = Verdict(Level.COLLAPSING, 0.01, 4.2, (NASTY,), NASTY, (NASTY,))
    bad = [
        replace(later(step), name=f"{NASTY}{step}", step=None, texts=texts, generation=written, verdict=verdict)
        for step in (1, 2, 3)
    ]
    base = checkpoint(0, texts=(replace(text_score(), name=NASTY),), name=NASTY, architecture=NASTY)
    return probe_of(bad, base, settings=SETTINGS | {"text": [NASTY], NASTY: NASTY}, notes=(NASTY,), verdict=verdict)
