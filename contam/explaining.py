"""The rule table and single rules as text: what, why that limit, how often human corpora trip it."""

from __future__ import annotations

from contam.reports import Style
from contam.reports.page import Page, Section, Sentences, Table
from contam.rules import QUANTILE, RULES, Rule, find_rule
from contam.wording import name_of, written

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


def _section(title: str, *items: str) -> Section:
    return Section(title, (Sentences(items),))


def _limit(rule: Rule) -> str:
    side = "below" if rule.direction == "falls" else "above"
    if rule.kind == "reference":
        return f"{side} the references' most extreme {100 * QUANTILE:.0f} %"
    least = f" and at least {rule.least} documents" if rule.least else ""
    return f"{side} {written(rule.limit, rule.reads)}{least}"
