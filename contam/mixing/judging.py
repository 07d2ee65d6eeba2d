"""The level of a mixture: what is forecast of it, what was measured of it, and the share that was found.

Each kind of evidence gives one level and one reason, or a reason alone; the worst counts, and two mild ones do not make
a bad one.

* **Forecast** (MIX001): below 90 % of the vocabulary retained ``at_risk``, below 60 % ``collapsing``; not judged for
  generations of fewer than 20,000 words. The value is judged; where its stated error reaches below the limit that is
  said.
* **Harm** at the share that is asked about: with the same real text the proxies are worse, by `MARGIN` nats or more
  and an interval above 0: ``at_risk``. Without harm, an interval that reaches `HARM` cannot tell. Where hardly any real
  text is left to compare with, the cost in the place of real text stands for it.
* **Generations on** of the proxies at that share, `ROUNDS` or more, under regimes that keep their real text or have
  none: the last is worse than generation 0 by `LOST` nats or more, and than the one before by `RISING` or more:
  ``at_risk``; each is worse than the one before by `LOST`, and there was harm (or no real text is left to compare
  with): ``collapsing``. Proxies err more than large models, so that every mixture costs their second generation
  something: losses that settle count for nothing.
* **Rare words** of the synthetic text itself, by the paired audit beside the real text: tail loss or copying at p <=
  .025, or loops, is ``at_risk`` where the share that is asked about is `SOME` or more. This does not depend on what the
  generator has read, as losses on held-out text do. That none was found is no evidence of health.
* **Share** that was estimated: a test at p <= .05, or an estimate from labelled text above the limit of SYN002, is
  ``at_risk``.

``healthy`` needs evidence that could have seen harm, the forecast or the dose-response, and none that cannot tell. A
share that is only a lower bound never makes it: what is forecast of it is the best case, so without an alarm there is
``insufficient_evidence``. An estimate without a difference is no verdict (None).
"""

from __future__ import annotations

from itertools import pairwise

from contam.mixing.advice import advise
from contam.mixing.asked import LOST, NEAR, RISING, Evidence
from contam.mixing.dose.effects import HARM, sign_of
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Dose, Forecast
from contam.mixing.wording import PROXIES, counted, of_interval, of_nats, of_regime, of_retained, of_share
from contam.result import Figure, Level, RuleResult, Verdict
from contam.rules import apply_rules
from contam.synthetic.measuring import figures_of_share, per_cent
from contam.synthetic.share import SyntheticShare
from contam.wording import probability

ALARM = 0.05
"""p-value from which an estimated share is a finding."""
SOME = 0.10
"""Share of synthetic text from which its own tail loss counts."""
LEAST_ROUNDS = 2
LEAST_WORDS = 20_000
"""Words of a generation from which what it retains is judged: the limits of MIX001 come from 30,000 and more."""

Finding = tuple[Level | None, str]
"""A level, None where it speaks neither for nor against, and the reason."""


def judge_mix(seen: Evidence) -> tuple[Verdict | None, tuple[RuleResult, ...]]:
    """The verdict of a mixture with its reasons and advice, and the rules.

    The verdict is None where a share was estimated, no difference was found and nothing else was asked.
    """
    share = seen.share
    rules = rules_of(seen)
    found = [*_forecast(seen, rules), *_harm(seen), *_beside(seen), *_generations(seen)]
    found += [*_share(share), *_declared(share, rules)]
    bad = sorted((f for f in found if f[0] and f[0].severity > 0), key=lambda f: -f[0].severity if f[0] else 0)
    if not bad and share is not None and share.measured and seen.dose is None and (not seen.forecast or seen.bounded):
        return None, rules
    calm = [f for f in found if f not in bad]
    level = bad[0][0] or _calm(calm) if bad else _calm(calm)
    reasons = tuple(reason for _, reason in (*bad, *calm)) or (_nothing(seen),)
    p_value = share.p_value if share is not None and share.measured else None
    return Verdict(level, p_value, None, reasons, floor_of(seen), advise(seen)), rules


def rules_of(seen: Evidence) -> tuple[RuleResult, ...]:
    """SYN rules where a share was estimated, MIX rules where there is a forecast or no such estimate."""
    of_share = [r for r in apply_rules(figures_of_share(seen.share), {}) if r.id.startswith("SYN")]
    of_mixture = apply_rules({}, _figures(seen.forecast), subject="mixture")
    estimated = seen.share is not None
    return (*(of_share if estimated else ()), *(of_mixture if seen.forecast is not None or not estimated else ()))


def floor_of(seen: Evidence) -> str:
    """What this could not have seen, in one line."""
    told = []
    if seen.dose is not None:
        dose = seen.dose
        told.append(
            f"effects that {PROXIES.get(dose.proxy, dose.proxy)} of {dose.total_tokens:,} {dose.unit}s do not show, or "
            f"that are smaller than {HARM:g} nats"
        )
    if seen.forecast is not None:
        told.append("errors of a network's own, which come on top of what the forecast counts")
    if seen.share is not None:
        told.append("text of base models and paraphrased text")
    return f"not seen: {'; '.join(told)}" if told else ""


def _figures(forecast: Forecast | None) -> dict[str, Figure]:
    if forecast is None or not forecast.generations:
        return {}
    last = forecast.generations[-1]
    if forecast.tokens < LEAST_WORDS:
        reason = f"a generation of {forecast.tokens:,} words is too small to judge ({LEAST_WORDS:,} are needed)"
        return {"mixture.vocabulary_retained": Figure(None, "share of words", "mixture", "falls", reason=reason)}
    figure = Figure(last.vocabulary_retained, "share of words", "mixture", "falls", last.interval)
    return {"mixture.vocabulary_retained": figure}


def _calm(found: list[Finding]) -> Level:
    """Without an alarm: healthy if something could have seen one, and nothing was left open."""
    levels = [level for level, _ in found]
    return Level.HEALTHY if Level.HEALTHY in levels and Level.INSUFFICIENT not in levels else Level.INSUFFICIENT


def _nothing(seen: Evidence) -> str:
    if seen.share is not None and not seen.share.measured:
        return f"the synthetic share could not be measured: {seen.share.reason or 'no reason is known'}"
    return "nothing was measured near the share that is asked about, and nothing forecast"


def _forecast(seen: Evidence, rules: tuple[RuleResult, ...]) -> list[Finding]:
    rule, forecast = next((rule for rule in rules if rule.id == "MIX001"), None), seen.forecast
    if rule is None or forecast is None:
        return []
    if rule.value is None or rule.limit is None:
        return [(Level.INSUFFICIENT, f"{forecast.label}: {rule.message.removeprefix('skipped: ')}")]
    left = f"{of_retained(rule.value)} of the vocabulary is left after {counted(len_of(forecast), 'generation')}"
    told = f"{forecast.label}: {'at best ' if seen.bounded else ''}{left} trained {of_regime(forecast)}"
    if rule.status == "pass":
        told += f" (the limit is {of_retained(rule.limit)}{_near(forecast, rule.limit)}){_otherwise(forecast)}"
        if seen.bounded:
            return [(Level.INSUFFICIENT, f"{told}; the share is a lower bound, so it may be less")]
        return [(Level.HEALTHY, told)]
    level = Level.COLLAPSING if rule.status == "fail" else Level.AT_RISK
    return [(level, f"{told}, less than {of_retained(rule.limit)}")]


def _otherwise(forecast: Forecast) -> str:
    """What fresh real text that is not there would mean."""
    known = [(name, forecast.regimes[name]) for name in ("reused", "replace") if name in forecast.regimes]
    if forecast.regime != "fresh" or not known:
        return ""
    named = {"reused": "with the same real text every time", "replace": "with none"}
    return f"; {', '.join(f'{named[name]} {of_retained(kept)}' for name, kept in known)}"


def _near(forecast: Forecast, limit: float) -> str:
    """Whether the stated error of the forecast reaches below its limit."""
    interval = forecast.generations[-1].interval
    if interval is None or interval[0] >= limit:
        return ""
    return f"; by the forecast's error it may be {of_retained(interval[0])}"


def len_of(forecast: Forecast) -> int:
    """The last generation of a forecast."""
    return forecast.generations[-1].generation if forecast.generations else 0


def harmed(seen: Evidence) -> bool:
    """Whether the proxies are certainly worse with the same real text."""
    dose = seen.measured(FIXED_REAL)
    return dose is not None and sign_of(dose) > 0


def _harm(seen: Evidence) -> list[Finding]:
    dose = seen.measured(FIXED_REAL)
    if seen.refused:
        return [(Level.INSUFFICIENT, f"no dose-response: {seen.refused}")]
    if seen.dose is None or not seen.wanted:
        return []
    if dose is None or dose.effect_nats is None:
        return [_cost(seen)]
    told = f"at {_at(seen, dose)} the proxies are {_compared(dose, seen.dose.unit)} than with the same real text alone"
    if dose.effect_interval is None:
        return [(Level.INSUFFICIENT, f"{told}; without an interval that tells nothing (more --seeds)")]
    if harmed(seen):
        return [(Level.AT_RISK, told)]
    if dose.effect_interval[1] >= HARM:
        return [(Level.INSUFFICIENT, f"{told}: too uncertain to rule {HARM:g} nats out (more --seeds or text)")]
    flattered = "" if seen.apart else "; too favourable if the generator has read the held-out part of the real text"
    return [(Level.HEALTHY, f"{told}: no harm of {HARM:g} nats or more{flattered}")]


def _cost(seen: Evidence) -> Finding:
    """Where no proxy had the same real text: what synthetic text costs in its place, if it is nearly all there is."""
    instead, wanted = seen.measured(FIXED_TOTAL), seen.wanted or 0.0
    if seen.dose is None or instead is None or wanted < 1 - NEAR or instead.effect_interval is None:
        return Level.INSUFFICIENT, f"what {of_share(wanted)} synthetic text does beside real text was not measured"
    how = _compared(instead, seen.dose.unit)
    told = f"at {_at(seen, instead)} the proxies are {how} than with real text in its place"
    if sign_of(instead) > 0:
        return Level.AT_RISK, told
    uncertain = instead.effect_interval[1] >= HARM
    return Level.INSUFFICIENT if uncertain else Level.HEALTHY, told


def _at(seen: Evidence, dose: Dose) -> str:
    """The measured share; and the one asked about where that is another."""
    wanted = seen.wanted
    if wanted is None or abs(wanted - dose.share) < 0.005:
        return f"{of_share(dose.share)} synthetic text"
    return f"{of_share(dose.share)} synthetic text (measured; asked: {of_share(wanted)})"


def _compared(dose: Dose, unit: str) -> str:
    nats = dose.effect_nats or 0.0
    way = "worse" if nats >= 0 else "better"
    return f"{abs(nats):.3f} nats a {unit} {way} {of_interval(dose.effect_interval)}".strip()


def _beside(seen: Evidence) -> list[Finding]:
    """What the paired audit says of the rare words of the synthetic text; a change of any other kind is no finding."""
    verdict = seen.beside
    if verdict is None or verdict.level is Level.INSUFFICIENT:
        return []
    p = verdict.tests.get("tail_loss", 1.0)
    looped = verdict.level is Level.COLLAPSING and not seen.thinned()
    if not seen.thinned() and not looped:
        return [(None, f"no loss of rare words found in the synthetic text itself (p = {probability(p)})")]
    told = verdict.reasons[0] if looped else f"tail loss or copying, p = {probability(p)}".replace("= <", "<")
    level = Level.AT_RISK if (seen.wanted or 0.0) >= SOME else None
    return [(level, f"the synthetic text itself, beside the real text: {told}")]


def _generations(seen: Evidence) -> list[Finding]:
    losses = seen.generations()
    if len(losses) < 2:
        return []
    rises = [after - before for before, after in pairwise(losses)]
    alone = seen.wanted == 1 or (seen.forecast is not None and seen.forecast.regime == "replace")
    which = "proxies that learn" if alone else "proxies that keep their real text and learn"
    told = f"{which} what proxies wrote: {of_nats(losses[-1] - losses[0])} nats"
    told = f"{told} after {counted(len(rises), 'generation')}"
    if len(rises) >= LEAST_ROUNDS and min(rises) >= LOST and (alone or harmed(seen)):
        return [(Level.COLLAPSING, f"{told}, and each loses {LOST:g} or more again")]
    if losses[-1] - losses[0] >= LOST:
        told = f"{told} ({', '.join(of_nats(rise) for rise in rises)})"
        if seen.worsening():
            return [(Level.AT_RISK, f"{told}, and still rising")]
        return [(None, f"{told}, as on any text" if rises[-1] < RISING else told)]
    return [(None, told)]


def _share(share: SyntheticShare | None) -> list[Finding]:
    if share is None or not share.measured or share.p_value is None or share.p_value > ALARM:
        return []
    p = f"p = {probability(share.p_value)}".replace("= <", "<")
    bound = share.lower_bound or 0.0
    least = f"at least {per_cent(bound)} of the documents" if bound > 0 else "its share not bounded away from 0"
    return [(Level.AT_RISK, f"more like text of instruct models than its trusted text ({p}); {least}")]


def _declared(share: SyntheticShare | None, rules: tuple[RuleResult, ...]) -> list[Finding]:
    """The estimate from labelled text, where its whole interval lies above the limit of SYN002."""
    declared = share.declared if share is not None else None
    warned = any(rule.id == "SYN002" and rule.status == "warn" for rule in rules)
    if declared is None or declared.estimate is None or declared.interval is None or not warned:
        return []
    span = f"{of_share(declared.interval[0])} to {of_share(declared.interval[1])}"
    told = f"about {of_share(declared.estimate)} ({span}) of the documents are by {declared.generator}"
    return [(Level.AT_RISK, f"{told}, if that is what wrote them")]
