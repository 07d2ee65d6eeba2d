"""The values that the figures of rules can take: a limit outside of them would never be reached, or always."""

from __future__ import annotations

from contam.errors import UsageError
from contam.gate.policy import Allowance
from contam.rules import Rule
from contam.wording import PERCENT, name_of

SHARES = PERCENT | {
    "diversity.distinct_2", "diversity.distinct_3", "tail.hapax_share", "repetition.seq_rep_4", "repetition.cover_4",
    "repetition.gopher_documents",
}  # fmt: skip
"""Figures between 0 and 1."""
SIGNED = {"perplexity.drift", "checkpoint.entropy_gap_drift", "checkpoint.validation_drift"}
"""Figures that can be below 0; all others cannot."""


def check_limit(rule: Rule, limit: float, where: str) -> None:
    """UsageError for a limit that the figure of a rule cannot reach."""
    share = rule.reads in SHARES
    if (limit < 0 and rule.reads not in SIGNED) or (limit > 1 and share):
        most = "a share, 0 to 1" if share else "0 or more"
        hint = f"; write {limit / 100:g} for {limit:g} %" if share and 1 < limit <= 100 else ""
        raise UsageError(f"{where}: {limit:g} is to be {most}: the figure of {rule.id} ({name_of(rule.reads)}){hint}")


def check_change(rule: Rule, name: str, allowed: Allowance, where: str) -> None:
    """UsageError for a change that is larger than the figure can make."""
    if name == "max-drop" and allowed.relative and allowed.amount > 1:
        raise UsageError(f"{where}: {allowed} is to be at most 100%: no figure can fall by more than all of it")
    if rule.reads in SHARES and not allowed.relative and allowed.amount > 1:
        hint = f'; write "{allowed.amount:g}%" for a share of it' if allowed.amount <= 100 else ""
        raise UsageError(f"{where}: {allowed} is to be at most 1: {name_of(rule.reads)} is between 0 and 1{hint}")
