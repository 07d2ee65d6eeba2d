"""What synthetic text does to a loss: effects with intervals, the share from which on harm is seen, and its kind.

An effect is the loss of a mixture less that of the arm without synthetic text, the same seed and the same held-out
documents. Its interval holds two kinds of chance, as if they were independent. Held-out documents: a bootstrap over
them. Training text: seeds draw different documents, but from one pool, so that they overlap and differ less than fresh
samples would. Where a seed uses the part f of the pool, the variance of a mean over K seeds is not s^2 / K but about
s^2 (1/K + f / (1 - f)) (Nadeau & Bengio 2003, Machine Learning 52), exact for a mean over documents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Dose, Interval, rounded
from contam.perplexity.drift import bootstrapped
from contam_metrics.special import student_t_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MARGIN = 0.02
"""Nats a token below which an effect is of no account: 2 % of perplexity, and what the choice of training text alone
does (two halves of one text of 30,000 words differ by .026)."""

HARM = 0.05
"""Nats below which the upper end of an interval must lie for no harm to be told from it: half of the drift at which a
checkpoint has failed."""

HARMFUL, WASTED, COSTLY, HELPFUL, UNSEEN = "harmful", "wasted", "costly", "helpful", "unseen"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A loss or a difference of losses, nats a token: mean over seeds, 95 % interval, and that of each seed."""

    value: float
    interval: Interval
    by_seed: tuple[float, ...]


def estimated(nats: Floats, tokens: Ints, used: float, seed: int) -> Estimate:
    """The mean of ``nats`` float64[seeds, documents] (sums over documents, or differences of them) over all tokens.

    ``tokens`` of each document; ``used``: the part of its pool that a seed trains on, below 1 (at 1 all seeds see the
    same text, nothing is known of chance, and the interval is endless).
    """
    by_seed = nats.sum(1) / tokens.sum()
    value, seeds = float(by_seed.mean()), len(by_seed)
    low, high = bootstrapped(nats.mean(0), tokens.astype(np.float64), seed)
    reach = math.inf
    if seeds > 1 and used < 1:
        spread = float(by_seed.std(ddof=1))
        reach = student_t_quantile(0.975, seeds - 1) * spread * math.sqrt(1 / seeds + used / (1 - used))
    interval = (value - math.hypot(reach, value - low), value + math.hypot(reach, high - value))
    return Estimate(value, interval, tuple(float(v) for v in by_seed))


def detectable(doses: Sequence[Dose]) -> float | None:
    """The smallest share from which on every effect counts as harm; None where the largest does not. An effect counts
    if its interval lies above 0 and it is at least `MARGIN`.

    Shares are tested from the largest down and the first that fails ends it, so that the chance of naming any share
    without harm stays that of one test (a fixed sequence: Maurer, Hothorn & Lehmacher 1995), without a correction.
    """
    found = None
    for dose in sorted((d for d in doses if d.effect_interval is not None), key=lambda d: -d.share):
        if sign_of(dose) <= 0:
            break
        found = dose.share
    return found


def kinds_of(doses: Sequence[Dose]) -> Mapping[str, str]:
    """By share, what the synthetic text does (see `contam.mixing.result.DoseResponse`). An effect counts if its
    interval leaves 0 out and it is at least `MARGIN`; wasted needs an interval of the fixed-real effect that ends below
    `HARM`. A share without an arm of fixed real text (1 never has one) is harmful where it costs more than real text in
    its place and the largest share below that has such an arm is, else costly."""
    total = {d.share: d for d in doses if d.design == FIXED_TOTAL and d.share > 0}
    fixed = {d.share: d for d in doses if d.design == FIXED_REAL and d.share > 0}
    return {
        str(rounded(share)): _kind(total.get(share), fixed.get(share), _below(fixed, share))
        for share in sorted(total.keys() | fixed.keys())
    }


def _below(fixed: Mapping[float, Dose], share: float) -> Dose | None:
    """The dose of the largest share below one that has no arm of its own."""
    return fixed[max(lower)] if (lower := [s for s in fixed if s < share]) else None


def _kind(replaced: Dose | None, added: Dose | None, below: Dose | None) -> str:
    cost = sign_of(replaced) if replaced is not None else 0
    if added is None:
        if cost > 0:
            return HARMFUL if below is not None and sign_of(below) > 0 else COSTLY
        return HELPFUL if cost < 0 else UNSEEN
    sign = sign_of(added)
    if sign:
        return HARMFUL if sign > 0 else HELPFUL
    small = added.effect_interval is not None and added.effect_interval[1] < HARM
    return WASTED if cost > 0 and small else UNSEEN


def sign_of(dose: Dose) -> int:
    """1 for harm, -1 for help, 0 where neither is seen."""
    if dose.effect_nats is None or dose.effect_interval is None or abs(dose.effect_nats) < MARGIN:
        return 0
    low, high = dose.effect_interval
    return int(low > 0) - int(high < 0)
