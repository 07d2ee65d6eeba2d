"""The claims H1 to H5 of Herel & Mikolov 2024, judged for one run.

Judged by medians over seeds and by stretches that last, never by a last value. A claim that the run cannot judge is
``not_tested`` and says why. The figures that decide stand in ``measured`` (in words) and ``figures``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations
from typing import Any

from contam.claims import CONFIRMED, CONTRADICTED, NOT_TESTED, Claim
from contam.experiments.selftrain.collapse import CollapseRule
from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.seeds import (
    LEAST_RISE,
    TIE_ITERATIONS,
    TIE_SHARE,
    Group,
    agreement,
    groups_of,
    order_of,
    share_of_rises,
)
from contam.experiments.selftrain.turning import OWN_LOSS, TURN, VALIDATION, Leads, leads
from contam.wording import name_of

SOURCE = "Herel & Mikolov 2024"
STATEMENTS = {
    "H1": "The loss on human text rises with every iteration of self-training.",
    "H2": "The loss on the model's own text goes to almost 0.",
    "H3": "A higher learning rate collapses faster.",
    "H4": "Larger models collapse faster.",
    "H5": "The same is seen on a second validation set.",
}

TREND, AGREEMENT, ALMOST_ZERO = 0.6, 0.8, 0.1
FEWEST = 10
CONTROL = "this is the control, with rates scaled by 1/width"
_OWN = ("own_share", "own_start", "own_lowest")


def judge_claims(run: Run, rule: CollapseRule | None = None) -> tuple[Claim, ...]:
    """Judge H1 to H5 for a run, finished or not. ``rule`` defaults to the one of the run's plan."""
    groups = groups_of(run, rule or rule_of(run))
    seconds = sum(float(line.get("seconds") or 0) for replica in run.replicas for line in replica.lines)
    judged = [
        rises_steadily(groups),
        own_loss_vanishes(groups),
        compared("H3", by_rate(groups), _rates_told),
        compared("H4", by_size(run, groups), partial(_sizes_told, scaled=run.plan.get("scale_rate") == "width")),
        same_elsewhere(groups, run.validation),
    ]
    return tuple(replace(claim, seconds=round(seconds, 3)) for claim in judged)


def rule_of(run: Run) -> CollapseRule:
    """The collapse rule with the plan's patience."""
    patience = run.plan.get("patience")
    return CollapseRule(patience=int(patience)) if isinstance(patience, int | float) else CollapseRule()


def rises_steadily(groups: Sequence[Group]) -> Claim:
    """H1: in every group that moved, the loss left the noise upwards for good and rose with the iterations."""
    told, figures, verdicts = [], {}, []
    for group in groups:
        name = VALIDATION + next((n for replica in group.replicas for n in replica.validation), "")
        rise = group.rise(name)
        if len(rise.iterations) < FEWEST:
            told.append(f"{group.label}: {len(rise.iterations)} evaluations are too few")
            continue
        trend, literal = rise.trend(group.reached("collapsed_at")), share_of_rises(group, name)
        if moved := rise.up is not None or rise.down is not None or math.isfinite(group.reached("halved_at")):
            verdicts.append(rise.up is not None and trend >= TREND)
        figures[group.label] = _clean(start=rise.start, rise=rise.most, since=rise.up, trend=trend, rose=literal)
        until = " up to the collapse" if math.isfinite(group.reached("collapsed_at")) else ""
        told.append(
            f"{group.label}: {rise.told}, rank correlation with the iteration {trend:.2f}{until}; up in "
            f"{100 * literal:.0f} % of the single iterations" + ("" if moved else "; no movement that lasted")
        )
    literally = any(figure["rose"] != 1 for figure in figures.values()) and verdicts
    status = NOT_TESTED if not verdicts else CONFIRMED if all(verdicts) else CONTRADICTED
    note = 'Literally, "with every iteration" is false' if literally else ""
    if figures and not verdicts:
        note = "At no learning rate did anything move for long enough to judge"
    return _claim(
        "H1",
        "a rise that lasts, and a rank correlation with the iteration that is strongly positive",
        _joined(told, note, groups),
        f"{LEAST_RISE} nats beyond the untouched model's noise, sustained; rank correlation at least {TREND}",
        (status, figures),
    )


def own_loss_vanishes(groups: Sequence[Group]) -> Claim:
    """H2: where the model collapsed, its loss on its own text came down to a tenth of its start."""
    told, figures, verdicts = [], {}, []
    for group in groups:
        measured = [o for o in group.outcomes if not math.isnan(o.own_share)]
        if not measured:
            told.append(f"{group.label}: too few evaluations")
            continue
        share, start, lowest = (statistics.median(getattr(o, what) for o in measured) for what in _OWN)
        risen = group.reached("risen_at")
        judged = share <= ALMOST_ZERO or (math.isfinite(risen) and group.last >= 2 * risen + TURN.sustain)
        if judged:
            verdicts.append(share <= ALMOST_ZERO)
        figures[group.label] = _clean(start=start, lowest=lowest, share=share)
        end = "" if judged else f"; the run ended too soon to say, at iteration {group.last}"
        told.append(f"{group.label}: {start:.2f} to {lowest:.2f} nats, {100 * share:.1f} %{end}")
    most = 2 * sum(verdicts) > len(verdicts)
    return _claim(
        "H2",
        "the lowest running median of the loss on own text is at most 10 % of the untouched model's",
        _joined(told, "" if verdicts else "No rate collapsed and went on for long enough", groups),
        "median over seeds, at most of the rates that got there or went on for as long again after human text was a "
        "nat worse",
        (NOT_TESTED if not verdicts else CONFIRMED if most else CONTRADICTED, figures),
    )


def by_rate(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Pairs of one model's groups, the lower rate first."""
    return [(a, b) for a, b in combinations(groups, 2) if a.model == b.model and a.learning_rate < b.learning_rate]


def by_size(run: Run, groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Pairs of groups at one rate, the smaller model first; models of unknown or equal size make no pair."""
    size = {group.model: run.parameters(group.model) or 0 for group in groups}
    ordered = sorted(groups, key=lambda group: size[group.model])
    pairs = combinations(ordered, 2)
    return [(a, b) for a, b in pairs if a.learning_rate == b.learning_rate and 0 < size[a.model] < size[b.model]]


def compared(which: str, pairs: Sequence[tuple[Group, Group]], tell: Callable[[bool], tuple[str, str]]) -> Claim:
    """H3 and H4: of the pairs that can be told apart, all go the claimed way. ``tell`` says what was compared."""
    orders, own = [order_of(*pair) for pair in pairs], [order_of(*pair, what="halved_at") for pair in pairs]
    decided = [order for order in orders if order in ("faster", "slower")]
    expected, missing = tell(bool(pairs))
    groups = list({id(group): group for pair in pairs for group in pair}.values())
    told = [
        f"{g.label}: human text a nat worse {g.told('risen_at')}, own loss halved {g.told('halved_at')}" for g in groups
    ]
    figures: dict[str, Any] = {
        g.label: _clean(nat_up=g.reached("risen_at"), own_halved=g.reached("halved_at")) for g in groups
    }
    for name, found in (("pairs", orders), ("pairs_own_loss", own)):
        figures[name] = {order: found.count(order) for order in ("faster", "slower", "tied", "open")}
    note = f"{decided.count('faster')} of {len(decided)} pairs that differ go the claimed way" if decided else missing
    if decided and expected.endswith(CONTROL):
        note = f"{note}; {CONTROL}"
    return _claim(
        which,
        expected,
        _joined(told, note, groups),
        f"as many within {TIE_ITERATIONS} iterations or {100 * TIE_SHARE:.0f} %; not reached is later than the end",
        (NOT_TESTED if not decided else CONTRADICTED if "slower" in decided else CONFIRMED, figures),
    )


def _rates_told(tested: bool) -> tuple[str, str]:
    missing = "No two rates could be told apart" if tested else "The run has one learning rate"
    return "fewer iterations to one nat on human text at the higher rate, by medians over seeds", missing


def _sizes_told(tested: bool, scaled: bool) -> tuple[str, str]:
    missing = "No two sizes could be told apart" if tested else "The run has no two sizes at one learning rate"
    control = f"; {CONTROL}" if scaled else ""
    return f"fewer iterations to one nat on human text for the larger model at equal rate{control}", missing + control


def same_elsewhere(groups: Sequence[Group], sets: Sequence[str]) -> Claim:
    """H5: on every validation set the loss rises beyond the noise, and the curves go together."""
    told, figures, verdicts = [], {}, []
    for group in groups if len(sets) > 1 else ():
        rises = {name: group.rise(VALIDATION + name) for name in sets}
        if all(rise.up is None for rise in rises.values()):
            told.append(f"{group.label}: no loss rose beyond the noise")
            continue
        worst = min((agreement(a, b) for a, b in combinations(rises.values(), 2)), key=lambda r: (r == r, r))
        verdicts.append(all(rise.up is not None for rise in rises.values()) and worst > AGREEMENT)
        figures[group.label] = {"rise": _clean(**{n: r.most for n, r in rises.items()}), **_clean(agreement=worst)}
        risen = ", ".join(f"{name} {rise.most:+.2f} nats" for name, rise in rises.items())
        told.append(f"{group.label}: {risen}, correlation {worst:.2f}")
    missing = "The run has one validation set" if len(sets) < 2 else "No loss rose beyond the noise"
    return _claim(
        "H5",
        "the losses on all validation sets rise together",
        _joined(told, "" if verdicts else missing, groups if told else ()),
        f"{LEAST_RISE} nats beyond the noise on each; correlation of their running medians above {AGREEMENT}",
        (NOT_TESTED if not verdicts else CONFIRMED if all(verdicts) else CONTRADICTED, figures),
    )


def first_signature(run: Run) -> str:
    """Which signature turned first, and how far ahead of the loss on human text; two sentences for every group.

    A turn is the first lasting departure from the untouched model, and the loss is measured on far more text than one
    generated sample, so it departs visibly while it has hardly risen: hence also when it was a nat up.
    """
    risen = {(g.model, g.learning_rate): g.told("risen_at") for g in groups_of(run, rule_of(run))}
    several = len(run.models) > 1
    told = [
        f"{_first_told(one, f'{one.model}, rate' if several else 'Rate')} Human text was a nat worse "
        f"{risen[one.model, one.learning_rate]}."
        for one in leads(run)
    ]
    return " ".join(told) or "Which signature turned first cannot be said: the untouched model was not measured."


def _first_told(one: Leads, label: str) -> str:
    where = f"{label} {one.learning_rate:g}"
    seeds = f"median of {len(one.seeds)} seeds" if len(one.seeds) > 1 else "one seed"
    if not one.first:
        return f"{where}: no signature turned ({seeds})."
    names = [told_name(lead.name) for lead in one.first]
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    when = f"{where}: of the signatures {named} turned first, at iteration {one.first[0].median:g}"
    loss, ahead = told_name(one.validation.name), one.first[0].lead
    if one.validation.median is None or ahead is None:
        return f"{when}; {loss} did not turn ({seeds})."
    if ahead == 0:
        return f"{when}, together with {loss} ({seeds})."
    far = f"{abs(ahead):g} iteration{'s' if abs(ahead) != 1 else ''} {'ahead of' if ahead > 0 else 'after'}"
    return f"{when}, {far} {loss} ({seeds})."


_TOLD = {
    OWN_LOSS: "the loss on own text",
    "entropy.plug_in": "entropy",
    "entropy.window_50": "entropy in 50 words",
    "diversity.mattr_50": "MATTR-50",
    "repetition.loop_characters": "characters in loops",
    "gopher.top_2_gram": "share of the top 2-gram",
    "gopher.duplicate_5_grams": "repeated 5-grams",
    "compression.zlib": "compression",
}


def told_name(name: str) -> str:
    """A figure's name for people, losses too: ``validation.ptb`` is "the loss on ptb"."""
    if name.startswith(VALIDATION):
        return f"the loss on {name.removeprefix(VALIDATION)}"
    return _TOLD.get(name) or name_of(name)


def _claim(which: str, expected: str, measured: str, tolerance: str, judged: tuple[str, Mapping[str, Any]]) -> Claim:
    status, figures = judged
    return Claim(which, SOURCE, STATEMENTS[which], expected, measured, tolerance, status, figures)


def _joined(told: Sequence[str], note: str, groups: Sequence[Group]) -> str:
    """What was measured, which seeds it is a median of, and a remark."""
    seeds = list(dict.fromkeys(group.seeds for group in groups))
    each = "; ".join(f"{group.label}: {group.seeds}" for group in groups)
    medians = f"Medians over {seeds[0] if len(seeds) == 1 else 'seeds (' + each + ')'}" if seeds else ""
    return ". ".join(part for part in ("; ".join(told), medians, note) if part) + "."


def _clean(**figures: float | None) -> dict[str, float | None]:
    """Figures as JSON can hold them: None for what was not reached or not measured."""
    return {n: None if v is None or not math.isfinite(v) else round(v, 4) for n, v in figures.items()}
