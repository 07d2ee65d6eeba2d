"""The verdict of a self-training run in one line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from contam.claims import Claim
from contam.experiments.selftrain.claims import Group
from contam.experiments.selftrain.turning import TURN, evaluated
from contam.reports.page import Banner

STATES = ("collapsing", "diverged", "at_risk", "healthy")
"""The states of a replica, worst first."""
UNJUDGED = "insufficient_evidence"
NEEDED = TURN.window + TURN.sustain
"""Evaluated iterations before which nothing can have turned."""


def banner_of(groups: Sequence[Group], claims: Sequence[Claim]) -> Banner:
    """The worst state of a replica, and at which rates after how many iterations.

    A run too short for anything to have turned is not called healthy.
    """
    states = Counter(str(outcome.state) for group in groups for outcome in group.outcomes)
    level = next((state for state in STATES if states[state]), UNJUDGED)
    evaluations = max((_evaluations(group) for group in groups), default=0)
    verdicts = Counter(claim.status.replace("_", " ") for claim in claims)
    told = ", ".join(f"{count} {status}" for status, count in sorted(verdicts.items()))
    detail = f"Of the paper's claims: {told}." if told else ""
    if level in (UNJUDGED, "healthy") and evaluations < NEEDED:
        return Banner(UNJUDGED, f"evaluated {evaluations} times; nothing can have turned before {NEEDED}", detail)
    return Banner(level, _collapses(groups) or _no_collapse(groups, level), detail)


def iterations_told(count: float) -> str:
    """``1 iteration``, ``12.5 iterations``."""
    return f"{count:g} iteration{'' if count == 1 else 's'}"


def _evaluations(group: Group) -> int:
    return max((sum(evaluated(line) for line in replica.lines) for replica in group.replicas), default=0)


def _collapses(groups: Sequence[Group]) -> str:
    """Which groups collapsed when, and which did not; empty where none did."""
    came = [(group, [o.collapsed_at for o in group.outcomes if o.collapsed_at is not None]) for group in groups]
    if not any(found for _, found in came):
        return ""
    names = _names(groups)
    alike = all(len(found) in (0, len(group.outcomes)) for group, found in came)
    parts = [_came(name, group, found, alike) for name, (group, found) in zip(names, came) if found]
    still = [name for name, (_, found) in zip(names, came) if not found]
    every = " (every seed)" if alike and len(groups[0].outcomes) > 1 else ""
    within = f"; not within {_longest(groups)}: {', '.join(still)}" if still else ""
    return f"collapsed: {', '.join(parts)}{every}{within}"


def _came(name: str, group: Group, found: Sequence[int], alike: bool) -> str:
    """When a group collapsed: the median over its seeds, those that did not collapse being later than all."""
    seeds = "" if alike else f" ({len(found)} of {len(group.outcomes)} seeds)"
    middle = group.reached("collapsed_at")
    after = f" after {iterations_told(middle)}" if math.isfinite(middle) else ""
    return f"{name}{after}{seeds}"


def _no_collapse(groups: Sequence[Group], level: str) -> str:
    names = _names(groups)
    if level == "diverged":
        lost = [name for name, g in zip(names, groups) if any(o.diverged_at is not None for o in g.outcomes)]
        return f"the loss became infinite or no number: {', '.join(lost)}"
    if level == "at_risk":
        turned = [name for name, g in zip(names, groups) if any(str(o.state) == level for o in g.outcomes)]
        return f"no collapse within {_longest(groups)}, but figures have turned: {', '.join(turned)}"
    return f"no figure has turned within {_longest(groups)}"


def _longest(groups: Sequence[Group]) -> str:
    return iterations_told(max(group.last for group in groups))


def _names(groups: Sequence[Group]) -> list[str]:
    """What tells the groups apart: the learning rate, with the model where there are several."""
    several = len({group.model for group in groups}) > 1
    rates = [f"lr {group.learning_rate:g}" for group in groups]
    return [f"{group.model} at {rate}" if several else rate for group, rate in zip(groups, rates)]
