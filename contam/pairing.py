"""The paired judgement: a corpus against trusted text of its own source.

The difference of the two is ranked among the differences of the halves of human sources: test D asks for tail
loss and copying, test M for any change. Each has half of the error rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from contam import judging, rows
from contam.judging import USUAL_SIZE, CorpusFacts, Judgement, Matched
from contam.placing import UNITS, Matching, placed
from contam.profile import Profile, builtin, find, list_profiles
from contam.result import Level, ReferenceInfo, Verdict
from contam.scope import out_of_scope
from contam_metrics import conformal
from contam_metrics.prepare import Prepared
from contam_metrics.segments import Segments
from contam_metrics.signals import type_survival

AT_RISK = 0.025
COLLAPSING = 0.01
COLLAPSING_SCORE = 4.0
COLLAPSING_PAIRS = 59
LEAST_PAIRS = 39
SURVIVAL = "tail.type_survival"


@dataclass(frozen=True, slots=True)
class Paired:
    """Both tests of one pair."""

    directed: conformal.Ranked
    changed: conformal.Ranked
    what: str = "tail loss or copying"
    """Which part of the directed test speaks, with the rules that read the same figures."""

    @property
    def p_value(self) -> float:
        """One p-value for both tests: twice the smaller, at most 1."""
        return min(1.0, 2.0 * min(self.directed.p_value, self.changed.p_value))

    @property
    def tests(self) -> dict[str, float]:
        """Both p-values by name."""
        return {"tail_loss": self.directed.p_value, "changed": self.changed.p_value}


def pair_ranks(first: Sequence[rows.Figures], second: Sequence[rows.Figures]) -> Paired:
    """Rank the last pair among all: ``first`` and ``second`` hold the figures of the two halves of each."""

    def differences(row: object) -> rows.Matrix:
        return np.array([rows.difference(row(b), row(a)) for a, b in zip(first, second)])  # type: ignore[operator]

    copying = differences(lambda f: [rows.copying(f)])[:, 0]
    tails, style = differences(rows.tail_row), differences(rows.style_row)
    left = conformal.residuals(np.column_stack([tails, copying]), style)[-1]
    directed = conformal.directed(tails, copying, style)
    changed = conformal.changed(differences(rows.changed_row), rows.CHANGED_FLOORS)
    return Paired(directed, changed, _what(float(left[:-1].mean()), 0.5 * float(left[-1])))


def _what(tail: float, copying: float) -> str:
    """Tail loss, copying, or both: the residuals (robust z) of the directed test in words."""
    lost, copied = "tail loss (DIV005, DIV006)", "copying between documents (DUP003)"
    if tail > 0 and copying > 0.5 * tail:
        return f"{lost} and {copied}"
    return lost if tail > 0 else copied


class Scores(NamedTuple):
    """A score of each test."""

    directed: float = -math.inf
    changed: float = -math.inf


@dataclass(frozen=True, slots=True)
class Side:
    """The trusted side at one size: its figures, whether it reached the size, and the words that there were.

    ``prepared`` is the text itself; None where only figures are left, as in a baseline.
    """

    size: int
    values: rows.Figures
    reached: bool
    available: int
    prepared: Prepared | None = None


class Beside(Protocol):
    """What a corpus can be judged against: trusted text, or a baseline of figures alone."""

    @property
    def name(self) -> str:
        """What it is called in sentences."""

    @property
    def profile(self) -> Profile:
        """The profile that the null pairs come from."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """The matched sizes that may be judged at."""

    def side(self, size: int | None = None) -> Side:
        """It at one of these sizes, or at the largest that it reaches."""

    def own_scores(self, size: int) -> Scores:
        """The highest scores that parts of it have beside each other: no smaller ones are alarms."""


@dataclass(frozen=True)
class Trusted:
    """Trusted text made ready for many comparisons: it is prepared and measured once for each matched size."""

    segments: Segments
    profile: Profile
    sizes: tuple[int, ...]
    kept: dict[int, Matched] = field(default_factory=dict)
    name: str = "the trusted text"

    @classmethod
    def of(cls, segments: Segments, profile: str | Path | Profile = "auto", size: int | None = None) -> Trusted:
        """``profile`` is the one that the null pairs come from; see `judge_paired`."""
        chosen = _chosen(profile, segments, size)
        return cls(segments, chosen, _sizes(chosen, size))

    @cached_property
    def largest(self) -> Matched:
        """At the largest size that it reaches."""
        return judging.matched(self.segments, self.profile, self.sizes, self.segments.words, spread=False)

    def at(self, size: int) -> Matched:
        """At a given size."""
        if size not in self.kept:
            of = (self.segments, self.profile, (size,), self.segments.words)
            self.kept[size] = judging.matched(*of, spread=False)
        return self.kept[size]

    def side(self, size: int | None = None) -> Side:
        """The trusted text at one size, or at the largest that it reaches."""
        found = self.largest if size is None else self.at(size)
        return Side(found.size, found.measured.values, found.reached, found.prepared.available, found.prepared)

    def own_scores(self, size: int) -> Scores:
        """None: its text is judged as the measured rates were, among the halves of human sources alone."""
        return Scores()


def judge_paired(
    segments: Segments,
    trusted: Segments,
    facts: CorpusFacts,
    profile: str | Path | Profile = "auto",
    size: int | None = None,
) -> Judgement:
    """Judge a corpus against trusted text of the same source.

    ``segments`` and ``trusted`` are the samples of smallest keys of both; the null pairs come from
    ``profile`` (``auto``: the built-in profile that can vouch for the trusted text, else English prose:
    pairs carry over between languages).
    """
    return judge_against(Trusted.of(trusted, profile, size), segments, facts)


def judge_against(trusted: Beside, segments: Segments, facts: CorpusFacts, spread: bool = True) -> Judgement:
    """`judge_paired` with a trusted side that is ready; ``spread`` asks for the intervals of the figures."""
    chosen = trusted.profile
    if not trusted.sizes:
        return _without_pairs(segments, facts, chosen)
    base = trusted.side()
    found = judging.matched(segments, chosen, tuple(n for n in trusted.sizes if n <= base.size), facts.words, spread)
    if found.size < base.size:
        base = trusted.side(found.size)
    values = dict(found.measured.values)
    if found.reached and base.reached and base.prepared is not None:
        values[SURVIVAL] = type_survival(base.prepared, found.prepared)
        found = replace(found, measured=replace(found.measured, values=values))
    reference = ReferenceInfo(
        f"{trusted.name.removeprefix('the ')}; null pairs of {chosen.name}",
        len(chosen.sizes[found.size].pair_rows),
        found.size if found.reached and base.reached else None,
        paired=True,
        domains=_pair_domains(chosen, found.size),
        profile=chosen.name,
    )
    matching = Matching(found.prepared.words, len(np.unique(found.prepared.documents)), found.reached and base.reached)
    signals = placed(found.measured, _expected(base, chosen), matching)
    return Judgement(_verdict(found, base, facts, trusted), signals, reference)


def _chosen(profile: str | Path | Profile, trusted: Segments, size: int | None) -> Profile:
    if isinstance(profile, Profile):
        return profile
    if str(profile) != "auto":
        return find(profile)
    profiles = [builtin(name) for name in list_profiles()]
    for candidate in profiles:
        sizes = _sizes(candidate, size)
        if sizes:
            found = judging.matched(trusted, candidate, sizes, trusted.words, spread=False)
            if found.reached and not out_of_scope(found.measured, found.prepared.words, candidate, found.size):
                return candidate
    return profiles[0]


def _sizes(profile: Profile, size: int | None) -> tuple[int, ...]:
    limit = size or USUAL_SIZE
    enough = tuple(n for n, m in profile.sizes.items() if len(m.pair_rows) >= LEAST_PAIRS)
    return tuple(n for n in enough if n <= limit) or enough[:1]


def _pair_domains(profile: Profile, size: int) -> tuple[str, ...]:
    return tuple(sorted({profile.sources[i].domain for i in profile.sizes[size].pair_rows}))


def _without_pairs(segments: Segments, facts: CorpusFacts, profile: Profile) -> Judgement:
    found = judging.matched(segments, profile, tuple(profile.sizes), facts.words)
    reason = f"the profile {profile.name} has fewer than {LEAST_PAIRS} pairs of halves at every size"
    matching = Matching(found.prepared.words, len(np.unique(found.prepared.documents)), False)
    verdict = judging.insufficient([reason], ["use a profile whose sources are twice as long"])
    reference = ReferenceInfo(profile.name, 0, None, True, profile=profile.name)
    return Judgement(verdict, placed(found.measured, {}, matching), reference)


def _expected(base: Side, profile: Profile) -> dict[str, rows.Matrix]:
    """Where each figure of an equal second half would lie: the trusted value moved by the null
    differences."""
    pairs = profile.sizes[base.size]
    out = {}
    for key in UNITS:
        if key in profile.columns:
            i = profile.columns.index(key)
            value = base.values.get(key, math.nan)
            moved = pairs.second[:, i] - pairs.first[:, i] + value
            out[key] = pairs.second[:, i] if key == SURVIVAL else moved
    return out


def figures(profile: Profile, table: rows.Matrix) -> list[dict[str, float]]:
    """Rows of a profile's table by the names of its columns."""
    return [dict(zip(profile.columns, row)) for row in table.tolist()]


def _verdict(found: Matched, base: Side, facts: CorpusFacts, trusted: Beside) -> Verdict:
    """The levels in their order."""
    profile = trusted.profile
    both = found.reached and base.reached
    pairs = profile.sizes[found.size]
    ranked = None
    if both:
        ranked = pair_ranks(
            [*figures(profile, pairs.first), base.values],
            [*figures(profile, pairs.second), found.measured.values],
        )
    if facts.loops:
        p, score = (ranked.p_value, ranked.directed.score) if ranked else (None, None)
        return Verdict(Level.COLLAPSING, p, score, (judging.looped(facts),), tests=ranked.tests if ranked else {})
    if ranked is None:
        return _not_reached(found, base, facts, trusted.name)
    return _ranked(found, facts, trusted, ranked)


def _not_reached(found: Matched, base: Side, facts: CorpusFacts, whose: str) -> Verdict:
    reasons = []
    if not found.reached:
        reasons.append(judging.short(found, facts, found.size))
        if found.copies > judging.MOSTLY_COPIES:
            reasons.insert(0, judging.copied(found, facts))
            return Verdict(Level.AT_RISK, reasons=tuple(reasons), advice=("remove the copies and audit again",))
    if not base.reached:
        told = f"{whose} has {base.available:,} words and the smallest matched size is {base.size:,}"
        if base.available >= base.size and base.prepared is not None:
            told = f"{whose} has only {base.prepared.words:,} words that are no near copies; {base.size:,} are needed"
        reasons.append(told)
    advice = f"give at least {USUAL_SIZE:,} words on each side (5,000 with low power)"
    return judging.insufficient(reasons, [advice])


def _ranked(found: Matched, facts: CorpusFacts, trusted: Beside, ranked: Paired) -> Verdict:
    from contam.verdict import floor

    profile = trusted.profile
    pairs = len(profile.sizes[found.size].pair_rows)
    alarm = min(ranked.directed.p_value, ranked.changed.p_value) <= AT_RISK
    raised = _raised(ranked, trusted.own_scores(found.size) if alarm else Scores())
    beside = f"{pairs} pairs of halves of human sources at {found.size:,} words"
    reasons = _reasons(ranked, raised, beside, trusted.name)
    level = _level(ranked, raised, pairs, found.size)
    if level is Level.COLLAPSING:
        rate = max(COLLAPSING, 1 / (pairs + 1))
        reasons.append(f"this level is given to at most about 1 in {1 / rate:.0f} healthy texts")
    if found.copies > judging.MOSTLY_COPIES:
        level = max(level, Level.AT_RISK, key=lambda x: x.severity)
        reasons.append(judging.copied(found, facts))
    if found.size < USUAL_SIZE:
        reasons.append(f"low power: judged at {found.size:,} words, {USUAL_SIZE:,} on each side see far more")
    told = floor(profile, found.size, paired=True)
    return Verdict(level, ranked.p_value, ranked.directed.score, tuple(reasons), told, tests=ranked.tests)


class _Raised(NamedTuple):
    """Which test raises an alarm, and whether its own parts alone keep one from it."""

    directed: bool
    changed: bool
    ordinary: bool


def _raised(ranked: Paired, own: Scores) -> _Raised:
    d, m = (test.p_value <= AT_RISK for test in (ranked.directed, ranked.changed))
    more = ranked.directed.score > own.directed, ranked.changed.score > own.changed
    return _Raised(d and more[0], m and more[1], (d and not more[0]) or (m and not more[1]))


def _level(ranked: Paired, raised: _Raised, pairs: int, size: int) -> Level:
    directed, rate = ranked.directed, max(COLLAPSING, 1 / (pairs + 1))
    certain = raised.directed and directed.p_value <= rate and directed.score >= COLLAPSING_SCORE
    if certain and size >= USUAL_SIZE and pairs >= COLLAPSING_PAIRS:
        return Level.COLLAPSING
    return Level.AT_RISK if raised.directed or raised.changed else Level.HEALTHY


def _reasons(ranked: Paired, raised: _Raised, beside: str, whose: str) -> list[str]:
    """What the two tests found, in sentences."""
    d, m = ranked.directed.p_value, ranked.changed.p_value
    out = []
    if raised.directed:
        score = f"p = {d:.3f}, score {ranked.directed.score:.1f}"
        out.append(f"{ranked.what}, compared with {whose} ({score}), beside {beside}")
    if raised.changed:
        cause = "cause unknown: author, topic or model"
        out.append(f"changed from {whose} (p = {m:.3f}), {cause}; beside {beside}")
    told = f"(tail loss p = {d:.3f}, any change p = {m:.3f})"
    if not out and raised.ordinary:
        return [f"more different from {whose} than {beside} {told}, but not more than parts of it from each other"]
    return out or [f"no more different from {whose} than {beside} {told}"]
