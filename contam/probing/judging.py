"""The level of a checkpoint: loops, the paired tests of what it writes, and its drift on human text.

In this order. ``collapsing``: half of the samples hold no word; the loop rule (or, beside a baseline, a tenth more
looped samples than it has); the audit's own ``collapsing``; a validation drift of a nat or more (a perplexity 2.7 times
the baseline's); a drift of 0.1 nats or more while the entropy of the model's own text is at most half of the baseline's
(worse on human text, and sure of itself). ``at_risk``: the audit's own ``at_risk``, where p is small enough for the
number of checkpoints (not where the checkpoint predicts all the user's human text better than its baseline: it
has learnt); a drift of 0.1 nats or more. Drifts count with their whole interval. ``insufficient_evidence``
where the samples or a drift could not be judged and nothing else spoke; else ``healthy``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from contam.pairing import AT_RISK
from contam.probing.result import Estimate, Generation, TextScore
from contam.result import Audit, Figure, Level, RuleResult, Verdict
from contam.rules import apply_rules
from contam.wording import probability, written

FAILED = 0.10
"""Validation drift, nats a token, from which a checkpoint has failed: a perplexity 10.5 % higher."""
BROKEN = 1.0
SURE = 0.5
"""Share of the baseline's entropy of own text at which a model is sure of itself."""
LOOPED_SHARE, LOOPED_LEAST = 0.10, 5
WORDLESS_SHARE = 0.5

FLOOR = (
    "not seen: a change smaller than that between halves of human sources, or one that shows only in other prompts or "
    "in longer texts"
)

Finding = tuple[Level, str]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a level is read from. ``base`` is the baseline's generation, None where there is no baseline;
    ``alarm_level`` the p-value from which the samples alone are an alarm, None for one checkpoint, where the audit's
    own holds; ``declared`` whether the human text is the user's, and not the default."""

    texts: tuple[TextScore, ...]
    generation: Generation
    base: Generation | None
    alarm_level: float | None = None
    declared: bool = True


def level_of(seen: Seen) -> Verdict:
    """The level with all findings as reasons, the worst first."""
    audit = seen.generation.verdict
    looped = _looped(seen)
    told_already = bool(looped) and audit.level is Level.COLLAPSING and audit.p_value is None
    drifted = _drifted(seen)
    found = [*_wordless(seen), *looped, *([] if told_already else _samples(seen)), *drifted]
    bad = sorted((f for f in found if f[0].severity > 0), key=lambda f: -f[0].severity)
    calm = [f for f in found if f[0].severity <= 0]
    level = bad[0][0] if bad else Level.HEALTHY
    unjudged = audit.level is Level.INSUFFICIENT or any(one is Level.INSUFFICIENT for one, _ in drifted)
    if not bad and unjudged:
        level = Level.INSUFFICIENT
    reasons = tuple(reason for _, reason in (*bad, *calm))
    return Verdict(level, _p_of(seen), audit.score, reasons, FLOOR, _advice(seen, level), audit.tests)


def _p_of(seen: Seen) -> float | None:
    """The p-value that counts: of both tests, or, beside human text, of tail loss alone."""
    verdict = seen.generation.verdict
    return verdict.tests.get("tail_loss", verdict.p_value) if seen.base is None else verdict.p_value


def _wordless(seen: Seen) -> list[Finding]:
    g = seen.generation
    if g.wordless < WORDLESS_SHARE * g.samples:
        return []
    return [(Level.COLLAPSING, f"{g.wordless:,} of {g.samples:,} samples hold no word")]


def _looped(seen: Seen) -> list[Finding]:
    """Beside a baseline: what loops more than there. (Without one the audit's loop rule speaks.)"""
    g, base = seen.generation, seen.base
    if base is None or g.looped < LOOPED_LEAST:
        return []
    share, before = g.looped / g.samples, base.looped / max(base.samples, 1)
    if share - before < LOOPED_SHARE:
        return []
    return [(Level.COLLAPSING, f"{share:.0%} of the samples fall into a loop (baseline: {before:.0%})")]


def _samples(seen: Seen) -> list[Finding]:
    """What the audit said of the samples.

    Beside human text only tail loss and copying count: hardly any model writes so that no difference is found, and a
    difference in kind says nothing of collapse. Beside a baseline that predicts every human text worse than the
    checkpoint does, differences do not count: a model that learns writes otherwise too.
    """
    verdict, reference = seen.generation.verdict, seen.generation.reference
    if verdict.level is Level.INSUFFICIENT:
        return [(Level.INSUFFICIENT, f"the samples could not be judged: {'; '.join(verdict.reasons)}")]
    if not verdict.tests or (verdict.level is Level.COLLAPSING and verdict.p_value is None):
        told = f"what it writes, against {reference.name or 'its references'}"
        return [(verdict.level, f"{told}: {'; '.join(verdict.reasons[:1]) or _p(verdict.p_value)}")]
    told = f"what it writes, against {reference.name}: {_tests(verdict)}{_weak(verdict)}"
    level, limit = verdict.level, seen.alarm_level
    if level is Level.HEALTHY:
        return [(level, f"{told}: no more than between halves of human sources")]
    if level is Level.AT_RISK and seen.base is None and verdict.tests["tail_loss"] > AT_RISK:
        return [(Level.HEALTHY, f"{told}: unlike it, as most models are; a baseline would show whether that is new")]
    if _improved(seen):
        return [(Level.HEALTHY, f"{told}: not counted, since it predicts human text better than its baseline")]
    if level is Level.AT_RISK and limit is not None and (verdict.p_value is None or verdict.p_value > limit):
        return [(Level.HEALTHY, f"{told}: no alarm, among so many checkpoints {_p(limit)} or less would be one")]
    return [(level, f"{told}: more than between halves of human sources")]


def _tests(verdict: Verdict) -> str:
    """Both tests' p-values."""
    tail, changed = (_p(verdict.tests[name]) for name in ("tail_loss", "changed"))
    return f"tail loss or copying {tail}, any change {changed} (each counts from {AT_RISK} down)"


def _weak(verdict: Verdict) -> str:
    """Words for a comparison of few words."""
    return "".join(f"; {reason}" for reason in verdict.reasons if reason.startswith("low power"))


def _p(value: float | None) -> str:
    return "" if value is None else f"p = {probability(value)}".replace("= <", "<")


def _improved(seen: Seen) -> bool:
    """Whether the checkpoint predicts each given human text better than its baseline does, with its whole interval."""
    drifts = [text.drift.nats for text in seen.texts if text.drift is not None]
    ends = [drift.interval[1] for drift in drifts if drift.interval is not None]
    return seen.declared and bool(drifts) and len(ends) == len(drifts) and max(ends) < 0


def _drifted(seen: Seen) -> list[Finding]:
    """Drift on each human text, and with it how sure the model has become."""
    sure = _sure(seen)
    found: list[Finding] = []
    for text in seen.texts:
        if text.drift is None:
            continue
        drift = text.drift.nats
        told = f"{text.name}: {span(drift)} nats a token against the baseline"
        low = drift.interval[0] if drift.interval else None
        if low is None:
            found.append((Level.INSUFFICIENT, f"{told}: too little text for an interval"))
        elif low >= BROKEN:
            found.append((Level.COLLAPSING, f"{told}: its perplexity is at least 2.7 times the baseline's"))
        elif low >= FAILED:
            level = Level.COLLAPSING if sure else Level.AT_RISK
            found.append((level, f"{told}: worse on human text{sure}"))
        else:
            found.append((Level.HEALTHY, told))
    return found


def _sure(seen: Seen) -> str:
    """Words for a model that has become sure of itself, empty where it has not."""
    own, base = seen.generation.own, seen.base
    if seen.generation.own_drift is None or base is None or own.interval is None:
        return ""  # without a baseline, or with tokens of another kind, there is nothing to compare with
    if own.interval[1] > SURE * base.own.value:
        return ""
    return f", and sure of its own text ({written(own.value)} nats a token, the baseline {written(base.own.value)})"


def span(estimate: Estimate) -> str:
    """A signed value with its interval."""
    told = f"{estimate.value:+.3f}"
    if estimate.interval is None:
        return told
    return f"{told} ({estimate.interval[0]:+.3f} to {estimate.interval[1]:+.3f})"


def _advice(seen: Seen, level: Level) -> tuple[str, ...]:
    if level is Level.INSUFFICIENT:
        if seen.base is None:
            kind = "at least 5,000 words of human text of the kind that it writes (--text)"
            return (f"give the model it was trained from (--baseline), or {kind}",)
        return ("draw more or longer samples (--samples, --tokens), and give more human text (--text)",)
    if level.severity > 0:
        return ("look at the samples, and audit what it was trained on; an earlier checkpoint may be the better one",)
    return ()


def figures_of(texts: tuple[TextScore, ...], generation: Generation) -> dict[str, Figure]:
    """The figures of the samples and those of the model, by key: what the rules read."""
    own = generation.own
    out = dict(generation.signals)
    out["checkpoint.own_entropy"] = _figure(own, "falls", generation.samples)
    first = texts[0]
    if first.drift is not None:
        out["checkpoint.validation_drift"] = _figure(first.drift.nats, "rises", first.documents)
        if first.drift.gap is not None:
            out["checkpoint.entropy_gap_drift"] = _figure(first.drift.gap, "rises", first.documents)
    return out


def _figure(estimate: Estimate, direction: str, documents: int) -> Figure:
    figure = Figure(estimate.value, "nats/token", "checkpoint", direction, estimate.interval, documents=documents)
    return figure if estimate.value == estimate.value else replace(figure, value=None, reason="no tokens")


def rules_of(signals: dict[str, Figure]) -> tuple[RuleResult, ...]:
    """The rules for checkpoints."""
    return apply_rules(signals, {}, subject="checkpoint")


def looped_documents(audit: Audit | None) -> int:
    """How many samples the audit found in a loop."""
    figure = audit.whole.get("repetition.looped_documents") if audit else None
    if figure is None or figure.value is None or figure.documents is None:
        return 0
    return round(figure.value * figure.documents)
