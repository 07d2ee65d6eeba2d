"""The rule table and single rules as text: what, why that limit, how often human corpora trip it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contam.reports import Style
from contam.reports.page import Page, Section, Sentences, Table
from contam.rules import QUANTILE, RULES, Rule, find_rule
from contam.wording import name_of, written

USUAL_SIZE = 20_000
_NAMED = 6
_WAYS = {"falls": "collapse makes it fall", "rises": "collapse makes it rise"}


def list_rules(style: Style | None = None) -> str:
    """Every rule in one line each: id, name, figure, limit."""
    from contam.reports import terminal

    rows = tuple((rule.id, rule.name, _limit(rule), f"{rule.status}s") for rule in RULES)
    table = Table(("rule", "name", "limit", "then"), rows, header=True)
    note = Sentences(("contam rule ID explains one: what it reads, why that limit, whose idea",))
    return terminal.render(Page("Rules", None, (Section("", (table, note)),)), style or Style())


def explain_rule(rule_id: str, profile: str | None = None, style: Style | None = None) -> str:
    """One rule in full; an unknown id is a usage error that names the nearest."""
    from contam.reports import terminal

    rule = find_rule(rule_id)
    where = "the matched sample" if rule.scope == "signals" else "the whole corpus"
    reads = f"{rule.reads} ({name_of(rule.reads)}) of {where}; {_WAYS[rule.direction]}"
    sections = [
        _section("What it measures", rule.what),
        _section("What it reads", reads),
        _section("Limit", f"{_limit(rule)}; beyond it the rule {rule.status}s", rule.why),
        _section("Human corpora", human_rate(rule, profile)),
        _section("Source", rule.source),
    ]
    return terminal.render(Page(f"{rule.id} {rule.name}", None, tuple(sections)), style or Style())


def human_rate(rule: Rule, profile: str | None = None) -> str:
    """How many of a profile's human sources trip a rule, each judged against all the others."""
    from contam.profile import builtin, find, list_profiles

    if not profile and not list_profiles():
        return "not known: this installation has no built-in profile"
    known = find(profile) if profile else builtin()
    size = USUAL_SIZE if USUAL_SIZE in known.sizes else max(known.sizes)
    values = known.column(size, rule.reads)
    if np.isnan(values).all():
        return f"not known: the profile {known.name} holds no {rule.reads} of its sources"
    names = [known.sources[row].name for row in known.sizes[size].rows]
    tripped = [name for name, breached in zip(names, _breaches(rule, values)) if breached]
    told = f"{len(tripped)} of {len(names)} human sources of {known.name} trip it at {size:,} words"
    share = f"({100 * len(tripped) / len(names):.1f} %), each judged against the others"
    which = f": {', '.join(tripped[:_NAMED])}" + (" ..." if len(tripped) > _NAMED else "") if tripped else ""
    return f"{told} {share}{which}"


def _breaches(rule: Rule, values: NDArray[np.float64]) -> list[bool]:
    if rule.kind == "absolute":
        return [rule.breached(float(value), rule.limit) for value in values]
    quantile = QUANTILE if rule.direction == "falls" else 1 - QUANTILE
    others = (np.delete(values, i) for i in range(len(values)))
    return [rule.breached(float(v), float(np.nanquantile(o, quantile))) for v, o in zip(values, others)]


def _section(title: str, *items: str) -> Section:
    return Section(title, (Sentences(items),))


def _limit(rule: Rule) -> str:
    side = "below" if rule.direction == "falls" else "above"
    if rule.kind == "reference":
        return f"{side} the references' most extreme {100 * QUANTILE:.0f} %"
    least = f" and at least {rule.least} documents" if rule.least else ""
    return f"{side} {written(rule.limit, rule.reads)}{least}"
