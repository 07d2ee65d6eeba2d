"""From results to pages: which command's result is drawn how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contam.reports.gate_section import with_gate
from contam.reports.page import Page
from contam.result import Audit, RuleResult

if TYPE_CHECKING:
    from contam.reports.findings import Gate


def draw(result: Any, full: bool = False, gate: Gate | None = None) -> Page:
    """The page of an audit, of a comparison, or of a run, which draws itself: ``full`` with its pictures; ``gate`` says
    how an audit in parts is judged."""
    if hasattr(result, "draw"):
        rules = [rule for rule in getattr(result, "rules", ()) if isinstance(rule, RuleResult)]
        return with_gate(result.draw(full), rules)
    if isinstance(result, Audit):
        from contam.reports.audit_page import draw_audit

        return draw_audit(result, full, gate)
    from contam.reports.comparison_page import draw_comparison

    return draw_comparison(result)
