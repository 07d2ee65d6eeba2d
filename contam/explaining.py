"""The rule table and single rules as text: what, why that limit, how often human corpora trip it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from contam.reports import Style
from contam.reports.page import Page, Section, Sentences, Table
from contam.rules import QUANTILE, RULES, Rule, find_rule
from contam.wording import name_of, written

USUAL_SIZE = 20_000
_NAMED = 6
_WAYS = {"falls": "collapse makes it fall", "rises": "collapse makes it rise", "both": "both sides count"}


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
    if rule.subject == "checkpoint":
        where = "the model"
    if rule.subject == "mixture":
        where = "the forecast"
    way = _WAYS[rule.direction]
    if rule.family == "synthetic":
        where, way = "the documents that were compared", "generated text makes it rise"
    reads = f"{rule.reads} ({name_of(rule.reads)}) of {where}; {way}"
    sections = [
        _section("What it measures", rule.what),
        _section("What it reads", reads),
        _section("Limit", f"{_limit(rule)}; beyond it the rule {rule.status}s", rule.why),
        _section("Human corpora", *human_rate(rule, profile)),
        _section("Source", rule.source),
    ]
    return terminal.render(Page(f"{rule.id} {rule.name}", None, tuple(sections)), style or Style())


def human_rate(rule: Rule, profile: str | None = None) -> tuple[str, ...]:
    """How many human sources of a profile trip a rule, counted now from the profile's own figures."""
    if rule.subject == "checkpoint":
        return ("not counted: it is a rule for models, and compares each with its own baseline",)
    if rule.subject == "mixture":
        return ("not counted: it is a rule for forecasts of a mixture, and human text alone has none",)
    if rule.kind == "null":
        return ("not counted here: its limit is the trusted text's own; measured rates are in docs/benchmarks.md",)
    if rule.family == "perplexity":
        return _surprise_rate(rule, profile)
    if rule.family == "synthetic":
        return _share_rate(rule)
    return _absolute_rate(rule, profile) if rule.kind == "absolute" else _reference_rate(rule, profile)


def _surprise_rate(rule: Rule, profile: str | None) -> tuple[str, ...]:
    """Each source under the embedded model, judged by the limits that all the others give."""
    from contam.perplexity.calibration import KEYS, calibrations

    name = profile or "english"
    found = next((c for c in calibrations() if c.profile == name), None)
    if found is None:
        return (f"not known: the profile {name} has no reference values under a model",)
    size = USUAL_SIZE if USUAL_SIZE in found.whole else max(found.whole)
    values = found.whole[size][:, KEYS.index(rule.reads)]
    known = np.flatnonzero(np.isfinite(values))
    breached = []
    for i in known:
        others = np.delete(values[known], np.searchsorted(known, i))
        low, high = np.quantile(others, (QUANTILE, 1 - QUANTILE))
        if not low <= values[i] <= high:
            breached.append(found.names[i])
    where = f"{name} at {size:,} words under {found.model}, each judged by the limits of all the others"
    return (_told(breached, len(known), where),)


def _share_rate(rule: Rule) -> tuple[str, ...]:
    """Halves of human sources beside each other, in both directions, each among the pairs of all other families."""
    from contam.synthetic.null import NullPairs
    from contam.synthetic.ranking import bound

    if rule.kind == "drift":
        return ("not counted: the labelled text is your own, and the estimate holds for its generator alone",)
    pairs = NullPairs.load()
    n = pairs.size_for(max((row.n for row in pairs.rows), default=0))
    if n is None:
        return ("not known: the score has no null pairs",)
    found: dict[str, float] = {}
    for row in pairs.at(n):
        left = pairs.without(row.family).values(n, "unknown")[1]
        found[row.domain] = max(bound(pair.left, left).share for pair in (row.first, row.second))
    breached = [domain for domain, share in found.items() if rule.breached(share, rule.limit)]
    above = sum(share > 0 for share in found.values())
    where = f"halves of {n} documents, either one beside the other, among the halves of other families"
    top = f"{above} have a bound above 0, the highest is {written(max(found.values()), rule.reads)}"
    return (_told(breached, len(found), where), top)


def _reference_rate(rule: Rule, profile: str | None) -> tuple[str, ...]:
    """Each source judged by the limit that all the others give."""
    from contam.profile import builtin, find, list_profiles

    if not profile and not list_profiles():
        return ("not known: this installation has no built-in profile",)
    known = find(profile) if profile else builtin()
    size = USUAL_SIZE if USUAL_SIZE in known.sizes else max(known.sizes)
    values = known.column(size, rule.reads)
    if np.isnan(values).all():
        return (f"not known: the profile {known.name} holds no {rule.reads} of its sources",)
    quantile = QUANTILE if rule.direction == "falls" else 1 - QUANTILE
    limits = [float(np.nanquantile(np.delete(values, i), quantile)) for i in range(len(values))]
    names = [known.sources[row].name for row in known.sizes[size].rows]
    breached = [n for n, v, limit in zip(names, values, limits) if rule.breached(float(v), limit)]
    where = f"{known.name} at {size:,} words, each judged by the limit of all the others"
    return (_told(breached, len(names), where),)


def _absolute_rate(rule: Rule, profile: str | None) -> tuple[str, ...]:
    """Whole sources judged by the stated limit; their figures lie beside the built-in profile."""
    name = profile or "english"
    path = Path(__file__).with_name("profiles") / f"{name}.whole.json"
    if not path.is_file():
        return (f"not known: the profile {name} holds no figures of whole sources",)
    table = json.loads(path.read_text(encoding="utf-8"))
    place = table["columns"].index(rule.reads)
    rows = {source: (row[0], row[place]) for source, row in table["sources"].items()}
    beyond = {source: round(v * n) for source, (n, v) in rows.items() if rule.breached(v, rule.limit)}
    breached = [source for source, concerned in beyond.items() if concerned >= rule.least]
    most = max(rows, key=lambda source: rows[source][1])
    documents, highest = rows[most]
    top = f"the highest is {written(highest, rule.reads)} ({most}, documents: {documents:,})"
    notes = [table["notes"][rule.reads]] if rule.reads in table["notes"] else []
    return (_told(breached, len(rows), f"profile {name}"), top if highest else "none has any", *notes)


def _told(breached: list[str], count: int, where: str) -> str:
    share = f"{len(breached)} of {count} human sources trip it ({100 * len(breached) / count:.1f} %; {where})"
    named = ", ".join(breached[:_NAMED]) + (" ..." if len(breached) > _NAMED else "")
    return f"{share}: {named}" if breached else share


def _section(title: str, *items: str) -> Section:
    return Section(title, (Sentences(items),))


def _limit(rule: Rule) -> str:
    if rule.kind == "reference":
        if rule.direction == "both":
            return f"outside the references' central {100 * (1 - 2 * QUANTILE):.0f} %"
        side = "below" if rule.direction == "falls" else "above"
        return f"{side} the references' most extreme {100 * QUANTILE:.0f} %"
    if rule.kind == "null":
        return f"above all trusted splits, and {written(rule.limit, rule.reads)}"
    if rule.kind == "drift":
        return f"its whole interval {written(rule.limit, rule.reads)} or more"
    if rule.kind == "floor":
        fails = "" if rule.fail_limit is None else f" (below {written(rule.fail_limit, rule.reads)} it fails)"
        return f"below {written(rule.limit, rule.reads)}{fails}"
    least = f" and at least {rule.least} documents" if rule.least else ""
    return f"{written(rule.limit, rule.reads)} or more{least}"
