"""What can be said of the synthetic share of a text beside trusted text of its source: said, or withheld."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contam.errors import UsageError
from contam.result import Figure
from contam.synthetic.null import LEAST_PAIRS, NullPairs
from contam.synthetic.ranking import bound, exact_bound, pair_of, rank_test
from contam.synthetic.scored import Scored
from contam.synthetic.share import ORDERS, Declared, SyntheticShare
from contam.wording import probability
from contam_metrics.segments import Segments

ALARM = 0.05
"""The level of the rank test."""
COMPARED = 200
"""Documents that are compared on each side at the most: the null pairs were measured at so many."""
LEAST_DOCUMENTS = 100
MOSTLY_SHORT = 0.5
LOW, DECLARED = "synthetic.share_low", "synthetic.share"
_UNIT = "share of documents"
_POWER = {
    "known": "50 % would have been found in most sources, 25 % in about half, 10 % not",
    "unknown": "50 % would have been found in about half of the sources, 25 % and 10 % not",
}
_NOT_COVERED = "text of base models and paraphrased text are not covered"


@dataclass(frozen=True)
class Basis:
    """What a measurement rests on: the null pairs of the score, and what the score was trained on."""

    null: NullPairs
    trained_on: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def built_in(cls) -> Basis:
        """The built-in English score and its null pairs."""
        from contam.synthetic.score import Score

        return cls(NullPairs.load(), Score.load().trained_on)

    def measure(
        self, audited: Scored, trusted: Scored | None, order: str, *, strange: str | None = None,
        declared: Declared | None = None,
    ) -> SyntheticShare:  # fmt: skip
        """As `measure_share`."""
        if order not in ORDERS:
            raise UsageError(f"no order {order!r}: known are {', '.join(ORDERS)}")
        share = SyntheticShare(
            False, order, excluded=_excluded(audited, trusted), trained_on=self.trained_on, declared=declared
        )
        reason = self._withheld(audited, trusted, strange)
        if reason is None and trusted is not None:
            share = self._compared(share, audited, trusted)
        else:
            share = replace(share, reason=reason)
        return replace(share, sentences=(*_found(share, trusted, audited), *self._listed(share)))

    def _withheld(self, audited: Scored, trusted: Scored | None, strange: str | None) -> str | None:
        """Why nothing is told; None where something can be."""
        if trusted is None:
            return "no trusted text of this source: give it with --reference"
        if strange is not None:
            return strange
        for whose, side in (("the text", audited), ("the trusted text", trusted)):
            if side.short_share > MOSTLY_SHORT:
                told = f"{100 * side.short_share:.0f} % of the documents of {whose} have fewer than 80 words"
                return f"{told}: the others do not stand for them"
            if len(side) < LEAST_DOCUMENTS:
                told = f"{whose} has {len(side):,} different documents of at least 80 words"
                return f"{told}; {LEAST_DOCUMENTS} are needed on each side"
        if self.null.size_for(LEAST_DOCUMENTS) is None:
            return f"fewer than {LEAST_PAIRS} pairs of human text to compare with"
        return None

    def _compared(self, share: SyntheticShare, audited: Scored, trusted: Scored) -> SyntheticShare:
        """Both sides cut to one size, the first by their keys, and ranked among the null pairs of that size."""
        n = self.null.size_for(min(COMPARED, len(audited), len(trusted)))
        if n is None:
            raise ValueError("no null pairs of a size that both sides reach")
        pair = pair_of(trusted.scores[:n], audited.scores[:n])
        u, r = self.null.values(n, share.order)
        low = bound(pair.left, r)
        return replace(
            share, measured=True, lower_bound=low.share, p_value=rank_test(pair.auc, u), documents=n,
            null_pairs=len(u), null_families=len(self.null.families(n)), auc=pair.auc, left=pair.left,
            limit=low.limit, false_alarms=self.null.rate(share.order, "alarms"),
            false_bounds=self.null.rate(share.order, "bounds"),
            exact_bound=exact_bound(trusted.scores, audited.scores) if share.order == "random" else None,
        )  # fmt: skip

    def _listed(self, share: SyntheticShare) -> list[str]:
        """What the measurement rests on: always listed."""
        out = []
        if share.measured:
            pairs = f"{share.null_pairs} pairs of halves of human sources of {share.null_families} families"
            out.append(f"compared: {share.documents:,} documents of each side, beside {pairs}")
        if share.excluded:
            out.append("left out " + "; ".join(_told(whose, counts) for whose, counts in share.excluded.items()))
        if self.trained_on:
            human, machine = _names(self.trained_on.get("human", ())), ", ".join(self.trained_on.get("generators", ()))
            out.append(f"the score was trained on human text ({human}) and on text by models ({machine})")
        return out


def measure_share(
    audited: Scored, trusted: Scored | None, order: str = "unknown", *, strange: str | None = None,
    declared: Declared | None = None,
) -> SyntheticShare:  # fmt: skip
    """The synthetic share of ``audited`` text beside ``trusted`` text of the same source, or the reason why none.

    ``order``: see `contam.synthetic.share.ORDERS`. ``strange``: why the text cannot be judged whatever its scores
    (`english_reason`). ``declared``: the estimate from labelled text, which is told beside. Without trusted text
    nothing is told: what is usual for the score differs from source to source by more than generated text moves it.
    That the trusted text is of the same source and free of generated text is taken on the user's word. Raises
    UsageError for an unknown order.
    """
    return Basis.built_in().measure(audited, trusted, order, strange=strange, declared=declared)


def english_reason(segments: Segments, whose: str = "the text") -> str | None:
    """Why the English score cannot read a text, told from the function words of a sample of it; None where it can."""
    from contam.profile import builtin
    from contam.scope import DISTANCE, ENOUGH, NEIGHBOUR, distances
    from contam_metrics.prepare import prepare
    from contam_metrics.signals import letter_words, word_profile

    profile = builtin("english")
    for size in sorted(profile.sizes, reverse=True):
        prepared = prepare(segments, size)
        if prepared.reached:
            break
    if prepared.words < ENOUGH:
        return f"{whose} has too few words that are no near copies to tell its language: {prepared.words:,}"
    shares = word_profile(letter_words(prepared), profile.hashes)
    distance = float(np.sort(distances(shares, profile.sizes[size].words))[NEIGHBOUR - 1])
    if distance <= DISTANCE:
        return None
    return (
        f"the function words of {whose} are unlike those of English prose (distance {distance:.2f}, at most "
        f"{DISTANCE:.2f}): the score reads English only"
    )


def figures_of_share(share: SyntheticShare | None) -> dict[str, Figure]:
    """The figures that the rules SYN001 and SYN002 read; those that were not asked for are left out."""
    if share is None:
        return {}
    out = {LOW: _figure(share.lower_bound, share.documents, share.reason)}
    declared = share.declared
    if declared is not None:
        one = _figure(declared.estimate, None, declared.reason)
        out[DECLARED] = replace(one, interval=declared.interval)
    return out


def _figure(value: float | None, documents: int | None, reason: str | None) -> Figure:
    return Figure(value, _UNIT, "synthetic", "rises", documents=documents, reason=reason)


def per_cent(share: float) -> str:
    """A lower bound as per cent, rounded down: it must not promise more than was found."""
    return f"{math.floor(1000 * share) / 10:.1f} %"


def _excluded(audited: Scored, trusted: Scored | None) -> dict[str, dict[str, int]]:
    sides = {"audited": audited} | ({"trusted": trusted} if trusted is not None else {})
    return {name: {"short": side.short, "copies": side.copies, "of": side.documents} for name, side in sides.items()}


def _told(whose: str, counts: Mapping[str, int]) -> str:
    short, copies = f"{counts['short']:,} under 80 words", f"{counts['copies']:,} that begin as another"
    return f"of {counts['of']:,} {whose} documents: {short}, {copies}"


def _names(names: Sequence[str]) -> str:
    """Names in a row; those that begin with one word as what they have in common and their number."""
    groups: dict[str, list[list[str]]] = {}
    for name in names:
        groups.setdefault(name.split()[0], []).append(name.split())
    out = []
    for group in groups.values():
        common = [words[0] for words in zip(*group) if len(set(words)) == 1]
        out.append(" ".join(common) + (f" ({len(group)})" if len(group) > 1 else ""))
    return ", ".join(out) or "none"


def _found(share: SyntheticShare, trusted: Scored | None, audited: Scored) -> list[str]:
    """What was found, in sentences that promise no more than the tests do."""
    out = []
    if not share.measured:
        out.append(f"share: not measured ({share.reason})")
    elif share.p_value is not None and share.lower_bound is not None:
        out.append(_alarm(share, share.p_value) if share.p_value <= ALARM else _no_alarm(share, share.p_value))
        out += _bounds(share, share.lower_bound, share.p_value)
    if share.declared is not None:
        out += _declared(share.declared)
    both = 0 if trusted is None else len(np.intersect1d(audited.keys, trusted.keys))
    if both:
        out.append(f"{both:,} documents stand on both sides: they hide a difference between them")
    return out


def _alarm(share: SyntheticShare, p: float) -> str:
    rates = f"; such alarms on human halves{_rate(share.false_alarms, share)}" if share.false_alarms is not None else ""
    return f"more instruct-like than its trusted text (p = {probability(p)}{rates})".replace("= <", "<")


def _no_alarm(share: SyntheticShare, p: float) -> str:
    power = _POWER["known" if share.order == "known" else "unknown"]
    order = f"no difference found in {share.order} order"
    return f"{order} (p = {probability(p)}): {power}; {_NOT_COVERED}".replace("= <", "<")


def _bounds(share: SyntheticShare, low: float, p: float) -> list[str]:
    """The lower bounds: the one from the null pairs, and the exact one of a random block."""
    out = []
    if low >= 0.001:
        rate = "" if share.false_bounds is None else f"; a bound on human halves{_rate(share.false_bounds, share)}"
        alone = "" if p <= ALARM else ", by the bound alone"
        out.append(f"at least {per_cent(low)} of the documents{alone}, if both share source and subject mix{rate}")
    elif p <= ALARM:
        out.append("the share is not bounded away from 0")
    if share.exact_bound is not None and share.exact_bound >= 0.001:
        out.append(f"at least {per_cent(share.exact_bound)} by the exact bound of a trusted text drawn at random")
    return out


def _rate(rate: float, share: SyntheticShare) -> str:
    """A false rate among human pairs of families left out; none seen is told as such."""
    seen = f"{100 * rate:.0f} %" if rate >= 0.005 else f"none of {share.null_pairs}"
    return f": {seen}" + (", order unknown" if share.order == "unknown" else "")


def _declared(found: Declared) -> Sequence[str]:
    """The estimate from labelled text, or why there is none."""
    if found.estimate is None or found.interval is None:
        return (f"declared share: not measured ({found.reason})",)
    low, high = (f"{100 * x:.0f}" for x in found.interval)
    second = "" if found.emq is None else f"; a second estimate {100 * found.emq:.0f} %"
    much = f"about {100 * found.estimate:.0f} %" if found.estimate >= 0.005 else "none found"
    told = f"{much} ({low} to {high} %, approximate, if the generator is {found.generator}"
    called = (f"{100 * (rate or 0.0):.0f} %" for rate in (found.true_positive, found.false_positive))
    rates = "the score calls {} of its labelled text machine text, and {} of the human text".format(*called)
    return (f"declared share: {told}){second}; {rates}",)
