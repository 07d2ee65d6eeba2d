"""The verdict: the audited text's exact rank among human sources, and the level that follows.

The claim is narrow. The rank says how unusual tail loss and copying are beside the named references, given
the style of the text; it is exact as far as the text could have been one of them, and blind to fluent text
of a good model used once. `judge_paired` asks the stronger question, against trusted text of the same
source.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from contam import judging, pairing
from contam.judging import USUAL_SIZE, CorpusFacts, Findings, Judgement, Matched
from contam.placing import Matching, placed
from contam.profile import Profile, builtin, find, list_profiles
from contam.result import Level, ReferenceInfo, Verdict
from contam.rows import COPYING_WEIGHT, population_rows
from contam.scope import nearest, of_another_kind, out_of_scope, vouching
from contam_metrics import conformal
from contam_metrics.segments import Segments

__all__ = ["CorpusFacts", "Judgement", "judge", "judge_paired"]

AT_RISK = 0.05
COLLAPSING = 0.01
COLLAPSING_SCORE = 4.0
COLLAPSING_SOURCES = 99
LEAST_SOURCES = 39
HEALTHY_SIZE = 10_000
"""Words below which no text is called healthy: too much collapse goes unseen."""

judge_paired = pairing.judge_paired


def judge(
    segments: Segments,
    facts: CorpusFacts,
    profile: str | Path | Profile = "auto",
    size: int | None = None,
) -> Judgement:
    """Judge a corpus among the sources of a reference profile.

    ``segments`` is the sample of smallest keys of the corpus; ``profile`` a profile, its name or file, or
    ``auto``: English prose, or, for text of another kind, the first other built-in one that can vouch for it, which
    is then a reason of the verdict. ``size`` is the matched size in words; smaller ones are fallen back to.
    """
    if isinstance(profile, Profile) or str(profile) != "auto":
        chosen = profile if isinstance(profile, Profile) else find(profile)
        return _judge(segments, facts, chosen, size)
    first, *others = [builtin(name) for name in list_profiles()]
    judgement = _judge(segments, facts, first, size)
    if judgement.verdict.level is not Level.INSUFFICIENT or not judgement.reference.matched_tokens:
        return judgement
    unlike = _unlike(segments, facts, first, size)
    for other in others if unlike else ():
        found = judging.matched(segments, other, _sizes(other, size), facts.words, spread=False)
        if found.reached and not out_of_scope(found.measured, found.prepared.words, other, found.size):
            why = f"judged by the profile {other.name}: {first.name} cannot vouch for this text ({unlike})"
            return _because(_judge(segments, facts, other, size), why)
    return judgement


def _unlike(segments: Segments, facts: CorpusFacts, profile: Profile, size: int | None) -> str:
    """Why a text is of another kind than a profile's sources; empty where it is of theirs."""
    found = judging.matched(segments, profile, _sizes(profile, size), facts.words, spread=False)
    return of_another_kind(found.measured, found.prepared.words, profile, found.size)


def _because(judgement: Judgement, why: str) -> Judgement:
    """A judgement with one more reason."""
    verdict = replace(judgement.verdict, reasons=(*judgement.verdict.reasons, why))
    return replace(judgement, verdict=verdict)


def _sizes(profile: Profile, size: int | None) -> tuple[int, ...]:
    allowed = tuple(n for n in profile.sizes if n <= (size or USUAL_SIZE))
    return allowed or (min(profile.sizes),)


def _judge(segments: Segments, facts: CorpusFacts, profile: Profile, size: int | None) -> Judgement:
    sizes = _sizes(profile, size)
    found = judging.matched(segments, profile, sizes, facts.words)
    p = found.prepared
    columns = {key: profile.column(found.size, key) for key in profile.columns}
    signals = placed(found.measured, columns, Matching(p.words, len(np.unique(p.documents)), found.reached))
    reference = ReferenceInfo(
        f"builtin:{profile.name}" if profile.name in list_profiles() else profile.name,
        _count(profile, found.size),
        found.size if found.reached else None,
        domains=tuple(sorted(set(profile.domains(found.size)))),
        profile=profile.name,
    )
    return Judgement(_verdict(found, facts, profile), signals, reference)


def rank(found: Matched, profile: Profile) -> conformal.Ranked:
    """The score and p-value of a matched text among the sources of a profile."""
    rows = population_rows([*_values(profile, found.size), found.measured.values])
    return conformal.directed(rows[:, :1], rows[:, 1], rows[:, 2:], COPYING_WEIGHT)


def _values(profile: Profile, size: int) -> list[dict[str, float]]:
    rows = profile.sizes[size].values[vouching(profile, size)]
    return [dict(zip(profile.columns, row)) for row in rows.tolist()]


def _count(profile: Profile, size: int) -> int:
    """How many references a text is ranked among."""
    return int(vouching(profile, size).sum())


def _verdict(found: Matched, facts: CorpusFacts, profile: Profile) -> Verdict:
    """The levels in their order."""
    said = Findings()
    outside = out_of_scope(found.measured, found.prepared.words, profile, found.size)
    few = _count(profile, found.size) < LEAST_SOURCES
    ranked = rank(found, profile) if found.reached and not outside and not few else None
    if facts.loops:
        return _looped(facts, ranked)
    if outside:
        said.reasons.append(f"these references cannot vouch for this text: {outside}")
        said.advice.append("give trusted text of the same source (--reference), or a profile of such text")
        return judging.insufficient(said.reasons, said.advice)
    mostly_copies = found.copies > judging.MOSTLY_COPIES
    if not found.reached:
        return _not_reached(found, facts, mostly_copies)
    if ranked is None:
        said.reasons.append(f"only {_count(profile, found.size)} references: {LEAST_SOURCES} are needed")
        return judging.insufficient(said.reasons, ["use a profile of more sources"])
    return _ranked(found, facts, profile, ranked, mostly_copies)


def _looped(facts: CorpusFacts, ranked: conformal.Ranked | None) -> Verdict:
    p, score = (ranked.p_value, ranked.score) if ranked else (None, None)
    advice = ("look at the worst documents; drop them, or change how they were generated (greedy decoding loops)",)
    return Verdict(Level.COLLAPSING, p, score, (judging.looped(facts),), advice=advice)


def _not_reached(found: Matched, facts: CorpusFacts, mostly_copies: bool) -> Verdict:
    least = found.size
    reasons = [judging.short(found, facts, least)]
    if mostly_copies:
        reasons = [judging.copied(found, facts), *reasons]
        return Verdict(Level.AT_RISK, reasons=tuple(reasons), advice=("remove the copies and audit again",))
    if found.copies > 0.1:
        reasons.append(judging.copied(found, facts))
    advice = f"audit at least {USUAL_SIZE:,} words ({HEALTHY_SIZE:,} with low power)"
    return judging.insufficient(reasons, [advice])


def _ranked(
    found: Matched, facts: CorpusFacts, profile: Profile, ranked: conformal.Ranked, mostly_copies: bool
) -> Verdict:
    count, p, score = _count(profile, found.size), ranked.p_value, ranked.score
    level = Level.HEALTHY
    beside = f"{count} human sources at {found.size:,} words (p = {p:.3f}, score {score:.1f})"
    said = Findings()
    if p <= AT_RISK:
        certain = p <= COLLAPSING and score >= COLLAPSING_SCORE and count >= COLLAPSING_SOURCES
        level = Level.COLLAPSING if certain else Level.AT_RISK
        said.reasons.append(f"{_what(found, profile)} beyond {1 - p:.0%} of {beside}, its style allowed for")
        said.advice.append("compare with trusted text of the same source: --reference PATH decides it far better")
    else:
        said.reasons.append(f"no tail loss and no copying beyond what is usual among {beside}")
    if mostly_copies:
        level = max(level, Level.AT_RISK, key=lambda x: x.severity)
        said.reasons.append(judging.copied(found, facts))
        said.advice.append("remove the copies and audit again")
    if level is Level.HEALTHY and found.size < HEALTHY_SIZE:
        said.reasons.append(f"but {found.size:,} words see too little to call a text healthy")
        said.advice.append(f"audit at least {USUAL_SIZE:,} words ({HEALTHY_SIZE:,} with low power)")
        level = Level.INSUFFICIENT
    elif found.size < USUAL_SIZE:
        said.reasons.append(f"low power: judged at {found.size:,} words, {USUAL_SIZE:,} see far more")
    like = ", ".join(nearest(found.measured.words, profile, found.size))
    said.reasons.append(f"the references most like it in function words: {like}")
    return Verdict(level, p, score, tuple(said.reasons), floor(profile, found.size), tuple(said.advice))


def _what(found: Matched, profile: Profile) -> str:
    """Which part of the score speaks: tail loss, copying, or both."""
    rows = population_rows([*_values(profile, found.size), found.measured.values])
    tail, copying = conformal.residuals(rows[:, :2], rows[:, 2:])[-1]
    if tail > 0 and COPYING_WEIGHT * copying > 0.5 * tail:
        return "tail loss (DIV006) and copying between documents (DUP003)"
    return "tail loss (too few of its words are rare ones, DIV006)" if tail > 0 else "copying (DUP003)"


_TOLD = {
    "g1": "of them after one generation",
    "g3": "after three",
    "g10": "after ten",
    "m25": "where a quarter of the text was of generation five",
    "m50": "where half was",
}
_BLIND = (
    "fluent text of a good model used once, and neural self-training, are not visible to this test: with trusted "
    "text of the same source (--reference) the latter is, and in a model itself (contam probe)"
)
_BLIND_PAIRED = "a change of author or topic is found as well, and text of a good model used once may not be"


def floor(profile: Profile, size: int, paired: bool = False) -> str:
    """What the test would have seen and what it cannot see, in one paragraph."""
    blind = _BLIND_PAIRED if paired else _BLIND
    rates = profile.rates.get(f"{'paired ' if paired else ''}{size}")
    if not rates:
        return f"detection was not measured for the profile {profile.name} at {size:,} words; {blind}"
    told = ", ".join(f"{rates[k]:.0%} {what}" for k, what in _TOLD.items() if k in rates)
    alarms = f"human sources of a domain it does not know raise a false alarm in {rates['false']:.1%}"
    return f"n-gram recursion of human sources was found in {told}; {alarms}; {blind}"
