"""What a team asks of its corpora: which rules count, their limits, and what fails the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from contam.errors import UsageError

Severity = Literal["error", "warning", "off"]
Unavailable = Literal["skip", "fail"]
SEVERITIES: tuple[str, ...] = ("error", "warning", "off")
UNAVAILABLE: tuple[str, ...] = ("skip", "fail")
LEAST_EFFECT = 3.0
"""Standard deviations of a baseline's own parts that a change has to exceed, unless a rule says otherwise."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How far a figure may move from the baseline's: ``amount`` in the figure's unit, or a share of it (``2%``)."""

    amount: float
    relative: bool = False

    @classmethod
    def parse(cls, given: object) -> Allowance:
        """``"2%"``, ``0.02`` (an amount, not a share) or ``"0.02"``; a usage error says what is wrong."""
        text = str(given).strip()
        relative = text.endswith("%")
        try:
            amount = float(text.removesuffix("%"))
        except ValueError:
            amount = -1.0
        if isinstance(given, bool) or not 0 <= amount < float("inf"):
            raise UsageError(f'{given!r} is no change such as "2%" or 0.05')
        return cls(amount / 100 if relative else amount, relative)

    def of(self, value: float) -> float:
        """The change in the figure's unit, from a baseline of ``value``."""
        return self.amount * abs(value) if self.relative else self.amount

    def __str__(self) -> str:
        return f"{100 * self.amount:g}%" if self.relative else f"{self.amount:g}"


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What a configuration says of one rule.

    ``min`` and ``max`` take the place of the rule's own limit, in the unit of the figure it reads. ``max_drop`` and
    ``max_rise`` are how far the figure may move from a baseline's, where that is also more than ``min_effect`` standard
    deviations of the baseline's own parts. ``severity``: a breach of ``error`` fails the gate (exit code 1), of
    ``warning`` it does not, ``off`` leaves the rule out; None keeps what the rule does by itself. ``on_unavailable``:
    ``fail`` makes a figure that was not measured an outcome that could not be judged (exit code 2).
    """

    min: float | None = None
    max: float | None = None
    max_drop: Allowance | None = None
    max_rise: Allowance | None = None
    severity: Severity | None = None
    min_effect: float | None = None
    on_unavailable: Unavailable = "skip"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which rules are applied and how.

    ``select`` and ``ignore`` are prefixes of rule ids (``DIV``, ``DUP001``): a rule is applied where a selected prefix
    fits (an empty ``select`` fits all) and no ignored one that is at least as long. ``rules`` by id. ``where`` names
    the place of these settings for people (``contam.toml``).
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    where: str = "the configuration"

    def applies(self, rule_id: str) -> bool:
        """Whether a rule counts: the longest prefix that fits decides, and ``ignore`` wins between equals."""
        if self.setting(rule_id).severity == "off":
            return False
        chosen = max((len(p) for p in self.select if rule_id.startswith(p)), default=-1 if self.select else 0)
        ignored = max((len(p) for p in self.ignore if rule_id.startswith(p)), default=-1)
        return chosen > ignored

    def setting(self, rule_id: str) -> RuleSetting:
        """What is set for a rule; the defaults where nothing is."""
        return self.rules.get(rule_id, RuleSetting())


DEFAULT = Policy()
