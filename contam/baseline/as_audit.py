"""A baseline as one side of a comparison: its figures at one size, with the noise of its parts for intervals."""

from __future__ import annotations

import math

from contam.baseline.measuring import INTERVAL
from contam.baseline.noise import noise_of
from contam.baseline.record import Baseline, Parts
from contam.placing import UNITS
from contam.profile import Profile, builtin, list_profiles
from contam.result import Audit, CorpusInfo, Documents, Figure, Level, Provenance, ReferenceInfo, Verdict
from contam.rules import RULES


def audit_of(baseline: Baseline, size: int | None) -> Audit:
    """What a baseline says, as the record of an audit: signals at a matched size, whole figures, facts; no rules."""
    facts = baseline.facts
    parts = baseline.sizes.get(size or 0)
    chosen = builtin(baseline.profile) if baseline.profile in list_profiles() else None
    signals = {} if parts is None else _signals(parts, chosen)
    documents, words = (int(str(facts[name])) for name in ("documents", "words"))
    digest, seed = str(facts.get("digest", "")), facts.get("seed", 0)
    return Audit(
        corpus=CorpusInfo((baseline.path or "baseline",), 0, documents, words, 0, digest=digest),
        reference=ReferenceInfo(str(facts.get("judged_against", "")), 0, size, profile=baseline.profile),
        verdict=Verdict(Level(str(facts.get("level", Level.INSUFFICIENT.value)))),
        signals=signals,
        whole=_whole(baseline),
        rules=(),
        documents=Documents(),
        provenance=Provenance("", seed if isinstance(seed, int) else 0, 0.0, 0.0),
        command="baseline",
    )


def _signals(parts: Parts, profile: Profile | None) -> dict[str, Figure]:
    noise = noise_of(parts, profile)
    rows = zip(parts.columns, parts.whole.tolist(), noise.deviations.tolist())
    found = {key: _figure(key, value, deviation, parts.size) for key, value, deviation in rows if _shown(key, value)}
    return {key: found[key] for key in UNITS if key in found}


def _shown(key: str, value: float) -> bool:
    return key in UNITS and math.isfinite(value)


def _figure(key: str, value: float, deviation: float, size: int) -> Figure:
    """The noise is that of a difference of two samples: one of them has its half in the variance."""
    unit, direction = UNITS[key]
    half = INTERVAL / 2 * deviation / math.sqrt(2)
    interval = (value - half, value + half) if math.isfinite(half) else None
    return Figure(value, unit, key.partition(".")[0], direction, interval, matched_tokens=size)


def _whole(baseline: Baseline) -> dict[str, Figure]:
    directions = {rule.reads: rule.direction for rule in RULES}
    out = {}
    for key, held in baseline.whole.items():
        half = INTERVAL / 2 * held.deviation if held.deviation is not None else None
        interval = None if half is None else (max(0.0, held.value - half), held.value + half)
        out[key] = Figure(held.value, "share", key.partition(".")[0], directions.get(key, "rises"), interval)
    return out
