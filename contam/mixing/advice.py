"""What to do about a mixture: sentences with their numbers, from the forecast and the dose-response.

Never from the head (heterozygosity): by it, next to no real text would do.
"""

from __future__ import annotations

from contam.mixing.asked import Evidence
from contam.mixing.dose.effects import sign_of
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Dose, DoseResponse, Forecast
from contam.mixing.wording import REGIMES, counted, of_effect, of_nats, of_regime, of_retained, of_share

WORTH = 0.02
"""A gain in retention that is worth a sentence, and nats that copies must make to be blamed."""
_NEEDED = "A share is measured beside trusted text of the same source (--reference; --order if it is known)."
ENOUGH = 0.95
"""Vocabulary retained beyond which there is no advice to give."""


def advise(seen: Evidence) -> tuple[str, ...]:
    """Sentences, the most telling first."""
    told = []
    if seen.dose is not None:
        told += _dose(seen, seen.dose)
        told += _copies(seen)
        told += _fed_back(seen)
    if seen.forecast is not None and seen.forecast.generations:
        told += _forecast(seen.forecast, seen.bounded)
    if seen.share is not None:
        told += _share(seen)
    return tuple(told)


# --- from the dose-response -----------------------------------------------------------------------------------------


def _dose(seen: Evidence, dose: DoseResponse) -> list[str]:
    found = seen.kind()
    if found is None:
        return []
    share, kind = found
    added, instead = seen.measured(FIXED_REAL), seen.measured(FIXED_TOTAL)
    if kind == "harmful":
        return [_harmful(dose, added or instead, added is not None)]
    if kind == "helpful" and added is not None:
        return [_helpful(added, instead, seen.thinned())]
    if kind in ("wasted", "costly") and instead is not None:
        return [_wasted(dose, instead, added)]
    return [f"At {of_share(share)} synthetic text no effect was detected{_seen(added)}."] if kind == "unseen" else []


def _harmful(dose: DoseResponse, at: Dose | None, same_real: bool) -> str:
    first = dose.detectable.get(FIXED_REAL if same_real else FIXED_TOTAL)
    begin = f"Harm is detected from {of_share(first)} synthetic text on. " if first is not None else ""
    if at is None or at.effect_nats is None:
        return f"{begin}Leave the synthetic text out, or filter it."
    than = "those with the same real text alone" if same_real else "those with real text in its place"
    at_share = f"At {of_share(at.share)} the proxies are {of_effect(at)} nats a {dose.unit} against {than}"
    return f"{begin}{at_share}: leave the synthetic text out, or filter it."


def _helpful(added: Dose, instead: Dose | None, thinned: bool) -> str:
    told = f"Added to the same real text, {of_share(added.share)} synthetic text helps ({of_effect(added)} nats)"
    if instead is not None and sign_of(instead) > 0:
        cost = f"in the place of real text it costs {of_effect(instead)} nats"
        told = f"{told}, but {cost}: add it, never replace with it"
    elif not thinned:
        told = f"{told}: keep it"
    if thinned:
        return f"{told}. It has fewer rare words than the real text: never let it be the only text of a kind."
    return f"{told}."


def _wasted(dose: DoseResponse, instead: Dose, added: Dose | None) -> str:
    costs = f"costs {of_effect(instead)} nats a {dose.unit} in the place of real text"
    use = "Where there is real text to take its place, use that."
    if added is None:
        return f"At {of_share(instead.share)} the synthetic text {costs}. {use}"
    beside = f"beside the same real text it makes {of_effect(added)}"
    return f"At {of_share(instead.share)} the synthetic text is wasted, not harmful: it {costs}; {beside}. {use}"


def _seen(dose: Dose | None) -> str:
    """Between which limits an effect could still lie."""
    if dose is None or dose.effect_interval is None:
        return ""
    low, high = dose.effect_interval
    return f" beside the same real text: it lies between {of_nats(low)} and {of_nats(high)} nats"


def _copies(seen: Evidence) -> list[str]:
    facts = seen.deduplicated or {}
    copies, after, before = (facts.get(name) for name in ("duplicates", "effect_nats", "before"))
    if not copies:
        return []
    told = f"{of_share(copies)} of the synthetic documents are near copies of others"
    if after is None or before is None:
        return [f"{told}: remove them first."]
    change = f"added to the same real text the rest makes {of_nats(after)} nats, all of it {of_nats(before)}"
    if before - after >= WORTH:
        return [f"{told}; {change}: remove them first."]
    return [f"{told}; {change}, so they are not what matters."]


def _fed_back(seen: Evidence) -> list[str]:
    """What generations of proxies lose, and from which share on they lose less."""
    losses, bearable = seen.generations(), seen.bearable()
    if not seen.worsening():
        return []
    lost = f"{of_nats(losses[-1] - losses[0])} nats in {counted(len(losses) - 1, 'generation')}"
    told = f"What the proxies write, fed back at the same share, costs them {lost}"
    if bearable is None:
        return [f"{told}: do not feed back what a model wrote."]
    share, nats = bearable
    return [f"{told}; at {of_share(share)} synthetic text it would be {of_nats(nats)}: feed back less."]


# --- from the forecast ----------------------------------------------------------------------------------------------


def _forecast(forecast: Forecast, bounded: bool) -> list[str]:
    last = forecast.generations[-1]
    left = last.vocabulary_retained
    most = "at most " if bounded else ""
    how = f"{_capital(forecast.label)}: trained {of_regime(forecast)}"
    told = f"{how}, {most}{of_retained(left)} of the vocabulary is left after {counted(last.generation, 'generation')}"
    if left >= ENOUGH:
        return [f"{told}; no change is needed for its sake."]
    return [f"{told}{_more_real(forecast, left)}.", *_other_regimes(forecast, left)]


def _more_real(forecast: Forecast, left: float) -> str:
    """How much fresh real text the next better retention takes."""
    wanted = sorted((float(text), share) for text, share in forecast.fresh_share_for.items())
    better = [(kept, share) for kept, share in wanted if kept > left]
    if not better:
        return ""
    reached = [(kept, share) for kept, share in better if share is not None and share > _real(forecast)]
    if not reached:
        return f"; no share of fresh real text keeps {of_share(better[0][0])}" if better[0][1] is None else ""
    told = [f"{of_share(share)} fresh real text would keep {of_share(kept)}" for kept, share in reached[:2]]
    return f"; in every generation, {', and '.join(told)}"


def _real(forecast: Forecast) -> float:
    """Fresh real text that there is already."""
    return 1 - forecast.share if forecast.regime == "fresh" else 0.0


def _other_regimes(forecast: Forecast, left: float) -> list[str]:
    better = {n: kept for n, kept in forecast.regimes.items() if n != forecast.regime and kept >= left + WORTH}
    if not better:
        return []
    best = sorted(better, key=lambda name: -better[name])
    told = ", ".join(f"{name} {of_retained(better[name])} ({REGIMES.get(name, name)})" for name in best[:2])
    return [f"All else equal, other regimes would keep more: {told}."]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# --- from the share -------------------------------------------------------------------------------------------------


def _share(seen: Evidence) -> list[str]:
    share = seen.share
    if share is None:
        return []
    if not share.measured:
        return [] if share.order and share.excluded.get("trusted") else [_NEEDED]
    if share.p_value is None or share.p_value > 0.05:
        return []
    told = ["Look at the most machine-like documents first; --scores FILE writes the score of every document."]
    if seen.bounded:
        told.append("The share is a lower bound: plan with more synthetic text than that.")
    return told
