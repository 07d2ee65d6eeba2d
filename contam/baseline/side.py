"""A baseline as the trusted side of the paired judgement: its figures are all that the test needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contam.baseline.record import Baseline
from contam.errors import InputError
from contam.judging import USUAL_SIZE
from contam.pairing import LEAST_PAIRS, Scores, Side, figures, pair_ranks
from contam.profile import Profile, builtin, find, list_profiles

LEAST_OWN = 6
"""Parts from which the baseline's own differences are looked at."""


@dataclass(frozen=True)
class BaselineSide:
    """A baseline beside which a corpus is judged; ``limit`` is the largest matched size that may be used, ``words``
    the size of the text that is judged: of a text of few documents as much is expected as of few of the baseline's.

    It has no text, so the survival of rare words is not measured: that needs the words themselves.
    """

    baseline: Baseline
    profile: Profile
    limit: int = USUAL_SIZE
    words: int | None = None
    name: str = "the baseline"

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes at which there are a baseline and enough null pairs."""
        pairs = self.profile.sizes
        return tuple(n for n in self.baseline.sizes if n <= self.limit and n in pairs and _enough(pairs[n].pair_rows))

    def side(self, size: int | None = None) -> Side:
        """The figures at one size, or at the largest."""
        chosen = size or max(self.sizes)
        parts, words = self.baseline.sizes[chosen], self.baseline.facts.get("words")
        values = dict(zip(parts.columns, parts.expected(self.words).tolist()))
        return Side(chosen, values, True, words if isinstance(words, int) else chosen)

    def own_scores(self, size: int) -> Scores:
        """The highest scores among parts of the baseline, each beside the mean of the others; of few documents where
        the text that is judged is small beside the baseline. None from fewer than `LEAST_OWN` parts."""
        parts, pairs = self.baseline.sizes[size], self.profile.sizes[size]
        table = parts.few if parts.of_few(self.words) else parts.parts
        if len(table) < LEAST_OWN:
            return Scores()
        first, second = (figures(self.profile, side) for side in (pairs.first, pairs.second))
        found = []
        for i, row in enumerate(table):
            others = np.delete(table, i, axis=0).mean(axis=0)
            base, value = (dict(zip(parts.columns, side.tolist())) for side in (others, row))
            found.append(pair_ranks([*first, base], [*second, value]))
        return Scores(max(r.directed.score for r in found), max(r.changed.score for r in found))


def _enough(pairs: object) -> bool:
    return len(pairs) >= LEAST_PAIRS  # type: ignore[arg-type]


def profile_of(baseline: Baseline, asked: str = "auto") -> Profile:
    """The profile that a baseline was measured with; InputError where the audit asks for another one."""
    if asked != "auto":
        given = find(asked)
        if given.name != baseline.profile:
            told = f"{baseline.path} was measured with the profile {baseline.profile}, and {given.name} is asked for"
            raise InputError(f"{told}; leave --profile out, or write the baseline again with it")
        return given
    if baseline.profile not in list_profiles():
        told = f"{baseline.path} was measured with the profile {baseline.profile}, which is not built in"
        raise InputError(f"{told}; name its file with --profile")
    return builtin(baseline.profile)
