"""What was found out about a mixture, and what of it holds at the share that is asked about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from contam.mixing.result import FIXED_TOTAL, Dose, DoseResponse, Forecast
from contam.result import Verdict
from contam.synthetic.share import SyntheticShare

NEAR = 0.125
"""How far a measured share may lie from the one that is asked about: half of the widest step of the usual grid."""
LOWER_BOUND = "lower bound"
TAIL = 0.025
"""p-value of the test for tail loss, as in a paired audit."""
LOST = 0.10
"""Nats between generations of proxies: the drift at which a checkpoint has failed, a perplexity 10.5 % higher."""
ROUNDS = 3
RISING = 0.05
"""Nats that a last generation of proxies is worse than the one before, where losses do not settle."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a judgement reads. ``asked`` is the synthetic share of the pipeline (None: that of the forecast).

    ``deduplicated``: what near copies among the synthetic documents do: ``duplicates``, their share of the documents,
    and the fixed-real effect at the share that is asked about with them (``before``) and without (``effect_nats``).
    ``refused``: why there is no dose-response where one was asked for. ``beside``: the verdict of the paired audit of
    the synthetic text beside the real text. ``apart``: whether the held-out text was given apart from the real text.
    """

    share: SyntheticShare | None = None
    dose: DoseResponse | None = None
    forecast: Forecast | None = None
    asked: float | None = None
    deduplicated: Mapping[str, float | None] | None = None
    refused: str = ""
    beside: Verdict | None = None
    apart: bool = True

    @property
    def wanted(self) -> float | None:
        """The synthetic share that is asked about."""
        if self.asked is not None or self.forecast is None:
            return self.asked
        return self.forecast.share

    @property
    def bounded(self) -> bool:
        """Whether that share is only known to be at least so large."""
        return self.forecast is not None and self.forecast.share_is == LOWER_BOUND

    def measured(self, design: str) -> Dose | None:
        """The dose of a design whose share is nearest to the one asked about; None where none is near."""
        return self._nearest(design, self.wanted)

    def generations(self) -> tuple[float, ...]:
        """Losses of the proxies' generations 0, 1, ... at the share asked about (all synthetic under ``replace``).

        Empty where they were not made, or under a regime that accumulates text, as the proxies' generations do not.
        They keep their real text: that is another regime than `fresh`, whose generations have it new.
        """
        regime = self.forecast.regime if self.forecast else ""
        if regime.startswith("accumulate"):
            return ()
        dose = self._nearest(FIXED_TOTAL, 1.0 if regime == "replace" else self.wanted)
        later = () if dose is None else tuple(x for x in dose.later if math.isfinite(x))
        return (dose.loss_nats, *later) if dose is not None and later else ()

    def thinned(self) -> bool:
        """Whether the synthetic text itself has lost rare words or copies, beside the real text."""
        return self.beside is not None and self.beside.tests.get("tail_loss", 1.0) <= TAIL

    def worsening(self) -> bool:
        """Whether what proxies write, fed back, costs them `LOST`, and the last of `ROUNDS` generations or more costs
        `RISING` more than the one before: the first ones cost something on any text."""
        losses = self.generations()
        if self.forecast is not None and self.forecast.regime == "fresh":
            return False
        return len(losses) > ROUNDS and losses[-1] - losses[0] >= LOST and losses[-1] - losses[-2] >= RISING

    def bearable(self) -> tuple[float, float] | None:
        """The largest share below the one asked about at which the last generation of proxies has lost less than
        `LOST`, and what it has lost; None where there is none."""
        known = [] if self.dose is None or self.wanted is None else self.dose.of(FIXED_TOTAL)
        lost = [(d.share, d.later[-1] - d.loss_nats) for d in known if d.later and 0 < d.share < (self.wanted or 0.0)]
        return max((one for one in lost if one[1] < LOST), default=None)

    def kind(self) -> tuple[float, str] | None:
        """The measured share near the one asked about, and what synthetic text does there."""
        if self.dose is None or self.wanted is None:
            return None
        known = [(share, name) for text, name in self.dose.kinds.items() if (share := float(text)) > 0]
        near = min(known, key=lambda item: abs(item[0] - (self.wanted or 0.0)), default=None)
        return near if near is not None and abs(near[0] - self.wanted) <= NEAR else None

    def _nearest(self, design: str, share: float | None) -> Dose | None:
        if self.dose is None or not share:
            return None
        doses = [dose for dose in self.dose.of(design) if dose.share > 0]
        near = min(doses, key=lambda dose: abs(dose.share - share), default=None)
        return near if near is not None and abs(near.share - share) <= NEAR else None


def kind_of(dose: DoseResponse, share: float) -> str:
    """What synthetic text does at a measured share; empty where it is not said."""
    return next((kind for text, kind in dose.kinds.items() if math.isclose(float(text), share, abs_tol=1e-6)), "")
