"""How shares, effects and regimes of a mixture are written for people."""

from __future__ import annotations

import math
from collections.abc import Mapping

from contam.mixing.dose.effects import MARGIN
from contam.mixing.result import Dose, Forecast, Interval

REGIMES: Mapping[str, str] = {
    "replace": "with what the last generation wrote alone",
    "fresh": "with fresh real text in every generation",
    "reused": "with the same real text in every generation",
    "redrawn": "with real text drawn again from the same in every generation",
    "accumulate": "with the real text and all that was ever written",
    "accumulate-subsample": "with a part of the real text and of all that was ever written",
}
KINDS: Mapping[str, str] = {
    "harmful": "harmful: with the same real text, added synthetic text makes the model worse",
    "wasted": "wasted: it costs as much as the real text whose place it takes, and does no more",
    "costly": "costly: worse than the real text whose place it takes; what it does beside real text was not measured",
    "helpful": "helpful: with the same real text, added synthetic text makes the model better",
    "unseen": f"unseen: no effect that is certain and {MARGIN:g} nats or more",
}
PROXIES: Mapping[str, str] = {"ngram": "n-gram models", "neural": "small networks"}


def of_share(value: float | None) -> str:
    """A share of a mixture: three digits at most."""
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:.3g} %"


def of_retained(value: float | None) -> str:
    """A share that is retained: one decimal, so that it can be held against a limit."""
    return "-" if value is None or not math.isfinite(value) else f"{100 * value:.1f} %"


def of_nats(value: float | None) -> str:
    """An effect with its sign."""
    return "-" if value is None or not math.isfinite(value) else f"{value:+.3f}"


def of_interval(interval: Interval | None) -> str:
    """Both ends of an effect's interval; empty where there is none."""
    return "" if interval is None else f"({of_nats(interval[0])} to {of_nats(interval[1])})"


def of_effect(dose: Dose) -> str:
    """The effect of a dose with its interval."""
    return f"{of_nats(dose.effect_nats)} {of_interval(dose.effect_interval)}".strip()


def of_number(value: float) -> str:
    """A number of generations: whole where it is, never with more digits than matter."""
    return f"{value:,.0f}" if value >= 10 or float(value).is_integer() else f"{value:.1f}"


def counted(count: float, noun: str) -> str:
    """``1 generation``, ``10 generations``."""
    return f"{of_number(count)} {noun}" if count == 1 else f"{of_number(count)} {noun}s"


def of_regime(forecast: Forecast) -> str:
    """The regime in words; with the synthetic share where it has one."""
    told = REGIMES.get(forecast.regime, forecast.regime)
    if forecast.regime == "replace" or forecast.regime.startswith("accumulate"):
        return told
    whose = "at least " if forecast.share_is == "lower bound" else ""
    return f"{told}, {whose}{of_share(forecast.share)} synthetic"

