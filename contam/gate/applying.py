"""A policy applied to what the rules found: other limits, changes from a baseline, and what fails the gate.

A rule's own limit stays unless the configuration gives ``min`` or ``max``. Where a baseline was compared, a figure that
moved toward collapse by more than the baseline's own parts differ makes the rule of that figure warn; ``max-drop`` and
``max-rise`` make it fail. A limit of one's own is enforced unless its severity is ``warning``: nobody writes a limit
into a gate to have it ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from contam.gate.policy import DEFAULT, LEAST_EFFECT, Allowance, Policy, RuleSetting
from contam.result import RuleResult
from contam.rules import RULES, Rule
from contam.wording import name_of, written

if TYPE_CHECKING:
    from contam.baseline.record import Moved, Since


class HasRules(Protocol):
    """A result of any command that applies rules."""

    @property
    def rules(self) -> tuple[RuleResult, ...]:
        """What the rules found."""
        ...


Judged = TypeVar("Judged", bound=HasRules)


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing asked of a figure: whether it is breached, and that in words; ``unavailable`` says why it was not."""

    breached: bool
    message: str
    limit: float | None = None
    own: bool = False
    """Whether the configuration gave the limit."""
    unavailable: bool = False


def apply_policy(
    results: Iterable[RuleResult], policy: Policy = DEFAULT, since: Since | None = None
) -> tuple[RuleResult, ...]:
    """The results as a gate sees them, in their order."""
    rules = {rule.id: rule for rule in RULES}
    return tuple(_applied(rules[result.id], result, policy, since) for result in results)


def with_policy(result: Judged, policy: Policy) -> Judged:
    """A result with rules, such as a probe's or a mixture's, as a policy sees it."""
    if policy == DEFAULT:
        return result
    changed: Any = replace(result, rules=apply_policy(result.rules, policy))  # type: ignore[type-var]
    return changed


def _applied(rule: Rule, result: RuleResult, policy: Policy, since: Since | None) -> RuleResult:
    setting = policy.setting(rule.id)
    if not policy.applies(rule.id):
        return _left_out(rule, result, policy)
    checks = [*_limits(rule, result, setting, policy), *_change(rule, setting, policy, since)]
    asked = _limit_of_ones_own(setting)
    found = _joined(rule, result, checks, setting)
    enforced = setting.severity == "error" or (asked and setting.severity != "warning" and found.status == "fail")
    if found.status == "skipped":
        enforced = setting.on_unavailable == "fail"
    return replace(found, enforced=enforced)


def _left_out(rule: Rule, result: RuleResult, policy: Policy) -> RuleResult:
    chosen = not policy.select or any(rule.id.startswith(prefix) for prefix in policy.select)
    ignored = "ignored by" if chosen else "not selected by"
    how = "off in" if policy.setting(rule.id).severity == "off" else ignored
    return replace(result, status="skipped", limit=None, message=f"skipped: {how} {policy.where}")


def _limit_of_ones_own(setting: RuleSetting) -> bool:
    return any(x is not None for x in (setting.min, setting.max, setting.max_drop, setting.max_rise))


def _limits(rule: Rule, result: RuleResult, setting: RuleSetting, policy: Policy) -> list[_Check]:
    """The configured limits; none where the rule keeps its own."""
    if setting.min is None and setting.max is None:
        return []
    if result.value is None:
        return [_Check(False, result.message, unavailable=True)]
    value, name = written(result.value, rule.reads), name_of(rule.reads)
    where = f"of {{}} in {policy.where}"
    if setting.min is not None and result.value < setting.min:
        told = f"{name} {value} is below the minimum {where.format(written(setting.min, rule.reads))}"
        return [_Check(True, told, setting.min, own=True)]
    if setting.max is not None and result.value > setting.max:
        told = f"{name} {value} is above the maximum {where.format(written(setting.max, rule.reads))}"
        return [_Check(True, told, setting.max, own=True)]
    limit = setting.min if setting.max is None else setting.max
    return [_Check(False, f"{name} {value} is within the limits in {policy.where}", limit, own=True)]


def _change(rule: Rule, setting: RuleSetting, policy: Policy, since: Since | None) -> list[_Check]:
    """What a baseline says of the rule's figure."""
    allowed = [(name, a) for name, a in (("drop", setting.max_drop), ("rise", setting.max_rise)) if a is not None]
    moved = since.changes.get(rule.reads) if since is not None else None
    if moved is None or moved.effect is None:
        why = "no baseline was given" if since is None else _why_not(rule, moved, since)
        told = f"skipped: max-{allowed[0][0]} in {policy.where} needs a baseline, and {why}" if allowed else ""
        return [_Check(False, told, unavailable=True)] if allowed else []
    if not allowed:
        far = moved.beyond if setting.min_effect is None else abs(moved.effect) >= setting.min_effect
        loud = far and moved.toward_collapse is not False
        return [_Check(True, _moved(rule, moved, None))] if loud else []
    return [_allowed(rule, moved, name, allowance, setting) for name, allowance in allowed]


def _why_not(rule: Rule, moved: Moved | None, since: Since) -> str:
    if since.reason:
        return since.reason
    if moved is None:
        return f"{name_of(rule.reads)} is not in it or was not measured"
    return moved.reason or "its own parts do not say how much it varies"


def _allowed(rule: Rule, moved: Moved, name: str, allowance: Allowance, setting: RuleSetting) -> _Check:
    """Whether a figure fell or rose by more than is allowed, and by more than the baseline varies by itself."""
    by = -moved.difference if name == "drop" else moved.difference
    limit = allowance.of(moved.base)
    effect = abs(moved.effect or 0.0)
    real = effect >= (setting.min_effect if setting.min_effect is not None else LEAST_EFFECT)
    end = moved.base - limit if name == "drop" else moved.base + limit
    if by <= limit:
        return _Check(False, f"{_moved(rule, moved, None)}; max-{name} is {allowance}", end, own=True)
    if not real:
        told = f"{_moved(rule, moved, None)}: more than max-{name} {allowance}, but within the noise"
        return _Check(False, told, end, own=True)
    return _Check(True, _moved(rule, moved, f"max-{name} {allowance}"), end, own=True)


def _moved(rule: Rule, moved: Moved, limit: str | None) -> str:
    """``types 3,105 fell by 9.3 % from the baseline's 3,423 (max-drop 2%), 4.1 times the noise of its own parts``."""
    way = "fell" if moved.difference < 0 else "rose"
    share = f"{abs(moved.difference / moved.base):.1%}".replace("%", " %") if moved.base else written(moved.difference)
    told = f"{name_of(rule.reads)} {written(moved.value, rule.reads)} {way} by {share} from the baseline's "
    told += written(moved.base, rule.reads) + (f" ({limit})" if limit else "")
    return told + f", {abs(moved.effect or 0.0):.1f} times the noise of the baseline's own parts"


def _joined(rule: Rule, result: RuleResult, checks: list[_Check], setting: RuleSetting) -> RuleResult:
    """One result of the rule's own finding and the configured checks: a breach counts most, then what was not
    available, then a pass."""
    replaced = setting.min is not None or setting.max is not None
    loud = [check for check in checks if check.breached]
    own = not replaced and result.status in ("warn", "fail")
    if loud:
        messages = [*([result.message] if own else []), *(check.message for check in loud)]
        fails = setting.severity != "warning" and (setting.severity == "error" or any(check.own for check in loud))
        failed = own and result.status == "fail" and setting.severity != "warning"
        status = "fail" if fails or failed else "warn"
        limit = result.limit if own else loud[0].limit
        return replace(result, status=status, limit=limit, message="; ".join(messages))
    missing = [check for check in checks if check.unavailable]
    if missing and own and setting.on_unavailable == "fail" and setting.severity != "error":
        return replace(result, status="skipped", limit=None, message=f"{missing[0].message}; {result.message}")
    if own:
        status = {"error": "fail", "warning": "warn"}.get(setting.severity or "", result.status)
        return replace(result, status=status)
    if missing:
        return replace(result, status="skipped", limit=None, message=missing[0].message)
    if replaced:
        return replace(result, status="pass", limit=checks[0].limit, message=checks[0].message)
    if checks and result.status == "skipped":
        return replace(result, status="pass", limit=checks[0].limit, message=checks[0].message)
    return result
