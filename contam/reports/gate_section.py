"""What a gate asked for and did not get, on the page of anything with rules: enforced rules that failed come first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from contam.reports.page import Page, Section, Table
from contam.result import RuleResult

Named = tuple[str, RuleResult]
"""The name of a part (empty where there is one alone) and a rule's result in it."""


def failed_by(rules: Iterable[RuleResult]) -> str:
    """Which enforced rules fail the gate, and which it could not do without; empty where all is well."""
    enforced = [rule for rule in rules if rule.enforced]
    told = []
    for status, words in (("fail", "gate failed by"), ("skipped", "gate could not judge")):
        named = dict.fromkeys(f"{rule.id} {rule.name}" for rule in enforced if rule.status == status)
        told += [f"{words} {', '.join(named)}"] if named else []
    joined = "; ".join(told)
    return joined[:1].upper() + joined[1:]


def gate_section(rules: Sequence[Named]) -> Section | None:
    """The enforced rules that failed, then those that could not be applied; None where there is neither."""
    broken = [(name, rule) for name, rule in rules if rule.enforced and rule.status in ("fail", "skipped")]
    if not broken:
        return None
    broken.sort(key=lambda found: found[1].status)
    rows = tuple((r.id, r.status, (f"{name}: " if name else "") + r.message) for name, r in broken)
    table = Table(("rule", "status", "finding"), rows, tuple(rule.status for _, rule in broken))
    return Section("What the gate asks for", (table,))


def with_gate(page: Page, rules: Sequence[RuleResult]) -> Page:
    """A page that draws no gate of its own, with it in the banner and as the first section."""
    section = gate_section([("", rule) for rule in rules])
    if section is None or page.banner is None or page.banner.gate:
        return page
    return replace(page, banner=replace(page.banner, gate=failed_by(rules)), sections=(section, *page.sections))
