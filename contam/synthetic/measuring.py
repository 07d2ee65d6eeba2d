"""What can be said of the synthetic share of a text beside trusted text of its source: said, or withheld."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contam.errors import UsageError
from contam.result import Figure
from contam.synthetic.null import LEAST_PAIRS, NullPairs
from contam.synthetic.ranking import QUANTILE, bound, exact_bound, pair_of, rank_test
from contam.synthetic.scored import Scored
from contam.synthetic.share import ALARM, ORDERS, Declared, SyntheticShare
from contam.synthetic.telling import per_cent, told
from contam_metrics.segments import Segments

__all__ = [
    "COMPARED", "DECLARED", "LOW", "Basis", "english_reason", "figures_of_share", "measure_share", "per_cent",
]  # fmt: skip

COMPARED = 200
"""Documents that are compared on each side at the most: the null pairs were measured at so many."""
LEAST_DOCUMENTS = 100
MOSTLY_SHORT = 0.5
LOW, DECLARED = "synthetic.share_low", "synthetic.share"
_UNIT = "share of documents"


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
        if trusted is not None:
            audited = audited.without(trusted.keys)
        share = SyntheticShare(
            False, order, excluded=_excluded(audited, trusted), trained_on=self.trained_on, declared=declared
        )
        reason = self._withheld(audited, trusted, strange)
        if reason is None and trusted is not None:
            share = self._compared(share, audited, trusted)
        else:
            share = replace(share, reason=reason)
        return replace(share, sentences=told(share))

    def _withheld(self, audited: Scored, trusted: Scored | None, strange: str | None) -> str | None:
        """Why nothing is told; None where something can be."""
        if trusted is None:
            return "no trusted text of this source: give it with --reference"
        if strange is not None:
            return strange
        if audited.shared and not len(audited):
            return "every document of the text is in the trusted text too: nothing is left to compare with it"
        for whose, side in (("the text", audited), ("the trusted text", trusted)):
            if side.short_share > MOSTLY_SHORT:
                much = f"{100 * side.short_share:.0f} % of the documents of {whose} have fewer than 80 words"
                return f"{much}: the others do not stand for them"
            if len(side) < LEAST_DOCUMENTS:
                others = " that are not in the trusted text" if side.shared else ""
                count = f"{whose} has {len(side):,} different documents of at least 80 words{others}"
                return f"{count}; {LEAST_DOCUMENTS} are needed on each side"
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
        # That none of n documents is left does not show that none of all documents is: one is granted.
        p_value, low = rank_test(pair.auc, u), bound(max(pair.left, 1 / (QUANTILE * n)), r)
        compared = low.share if p_value <= ALARM else 0.0
        exact = exact_bound(trusted.scores, audited.scores) if share.order == "random" else None
        return self._rated(replace(
            share, measured=True, lower_bound=compared * audited.different_share, lower_bound_compared=compared,
            p_value=p_value, documents=n, null_pairs=len(u), null_families=len(self.null.families(n)), auc=pair.auc,
            left=pair.left, limit=low.limit, exact_bound=None if exact is None else exact * audited.different_share,
        ))  # fmt: skip

    def _rated(self, share: SyntheticShare) -> SyntheticShare:
        """With the false rates of its order, as they were counted."""
        alarms, bounds = (self.null.counted(share.order, what) for what in ("alarms", "bounds"))
        if alarms is None or bounds is None:
            return share
        (alarmed, pairs), (bounded, _) = alarms, bounds
        return replace(share, false_alarms=alarmed / pairs, false_bounds=bounded / pairs, false_pairs=pairs)


def measure_share(
    audited: Scored, trusted: Scored | None, order: str = "unknown", *, strange: str | None = None,
    declared: Declared | None = None,
) -> SyntheticShare:  # fmt: skip
    """The synthetic share of ``audited`` text beside ``trusted`` text of the same source, or the reason why none.

    ``order``: see `contam.synthetic.share.ORDERS`. ``strange``: why the text cannot be judged whatever its scores
    (`english_reason`). ``declared``: the estimate from labelled text, which is told beside. Without trusted text
    nothing is told: what is usual for the score differs from source to source by more than generated text moves it.
    That the trusted text is of the same source and free of generated text is taken on the user's word; documents that
    are in it are not audited. Raises UsageError for an unknown order.
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


def _excluded(audited: Scored, trusted: Scored | None) -> dict[str, dict[str, int]]:
    """Counts by side; ``looked_at`` is how many of those that are not short were read."""
    sides = {"audited": audited} | ({"trusted": trusted} if trusted is not None else {})
    return {
        name: {
            "short": side.short, "copies": side.copies, "shared": side.shared, "of": side.documents,
            "looked_at": side.looked_at,
        }
        for name, side in sides.items()
    }  # fmt: skip
