"""Values of a configuration, checked: each as its key wants it, or a usage error that says what to write."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from contam.configuration.ranges import check_change, check_limit
from contam.configuration.schema import RULE_KEYS, Key, either, nearest
from contam.errors import UsageError
from contam.gate.policy import SEVERITIES, UNAVAILABLE, Allowance, RuleSetting
from contam.gate.sources import pattern
from contam.rules import RULES, Rule, find_rule

LISTS = ("texts", "globs", "inputs", "reports")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def checked(key: Key, value: Any, where: str) -> Any:
    """A value as its key wants it; ``where`` (``contam.toml:3: seed``) begins the error."""
    if any("\0" in item for item in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(item, str)):
        raise UsageError(f"{where}: {_shown(value)} has a NUL character; take it out")
    if key.kind in LISTS:
        items = _list(key, value, where)
        if key.kind == "globs":
            for glob in items:
                checked_glob(glob, where)
        return items
    if key.kind == "flag":
        if not isinstance(value, bool):
            raise UsageError(f"{where}: {_shown(value)} is to be true or false")
        return value
    if key.kind == "whole":
        return _whole(key, value, where)
    if not isinstance(value, str) or not value or (key.choices and value not in key.choices):
        raise UsageError(f"{where}: {_shown(value)} is to be {key.takes}")
    return value


def checked_glob(glob: str, where: str) -> None:
    """Refuse a glob that means nothing."""
    try:
        pattern(glob)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def from_text(key: Key, text: str, where: str) -> Any:
    """A value that was written as text: in the environment, lists by commas."""
    value: Any = text
    if key.kind in LISTS:
        value = [part.strip() for part in text.split(",") if part.strip()]
    elif key.kind == "flag":
        lowered = text.strip().lower()
        if lowered not in (*_TRUE, *_FALSE):
            raise UsageError(f"{where}: {_shown(text)} is to be 1 or 0 (true, false, yes, no, on, off)")
        value = lowered in _TRUE
    elif key.kind == "whole":
        try:
            value = int(text)
        except ValueError:
            raise UsageError(f"{where}: {_shown(text)} is to be a whole number") from None
    return checked(key, value, where)


def _list(key: Key, value: Any, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise UsageError(f'{where}: {_shown(value)} is to be a list of texts, such as ["a", "b"]')
    if not all(items):
        raise UsageError(f"{where}: {_shown(value)} has an empty text; take it out")
    if key.kind == "reports":
        for item in items:
            _report(item, where)
    if key.name in ("select", "ignore"):
        return tuple(prefix(item, where) for item in items)
    return tuple(items)


def _report(item: str, where: str) -> None:
    from contam.reports import FORMATS

    form, colon, path = item.partition(":")
    if form not in FORMATS:
        raise UsageError(f"{where}: no report format {_shown(form)}{nearest(form, FORMATS)}")
    if colon and not path:
        raise UsageError(f"{where}: {_shown(item)} names no file; write {form}:FILE, or {form} for standard output")


def _whole(key: Key, value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(f"{where}: {_shown(value)} is to be a whole number")
    if key.least is not None and value < key.least:
        raise UsageError(f"{where}: {value} is to be at least {key.least}")
    if value >= 2**63:
        raise UsageError(f"{where}: {value} is to be below 2^63")
    return value


def prefix(given: str, where: str) -> str:
    """A rule's id, a beginning of ids, or a rule's name, as a beginning of ids."""
    wanted = given.strip()
    for rule in RULES:
        if wanted.lower() == rule.name:
            return rule.id
    if wanted and any(rule.id.startswith(wanted.upper()) for rule in RULES):
        return wanted.upper()
    families = sorted({rule.id[:3] for rule in RULES})
    known = (*families, *(rule.id for rule in RULES), *(rule.name for rule in RULES))
    raise UsageError(f"{where}: no rule begins with {_shown(given)}{nearest(given, known, '`contam rule` lists them')}")


def rule_of(given: str, where: str) -> Rule:
    """The rule of an id or name."""
    try:
        return find_rule(given)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def rule_value(rule: Rule, name: str, value: Any, where: str) -> Any:
    """A value of ``[rules.ID]``."""
    if name not in RULE_KEYS:
        raise UsageError(f"{where}: unknown key{nearest(name, RULE_KEYS)}")
    if name in ("severity", "on-unavailable"):
        known = SEVERITIES if name == "severity" else UNAVAILABLE
        if value not in known:
            raise UsageError(f"{where}: {_shown(value)} is to be {either(known)}")
        return value
    if name in ("max-drop", "max-rise"):
        return _allowance(rule, name, value, where)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UsageError(f"{where}: {_shown(value)} is to be a number{_as_number(value)}")
    if name == "min-effect" and value < 0:
        raise UsageError(f"{where}: {value:g} is to be 0 or more")
    if name in ("min", "max"):
        check_limit(rule, value, where)
    return float(value)


def _allowance(rule: Rule, name: str, value: Any, where: str) -> Allowance:
    """How far a figure may move, if that is the way in which collapse moves it."""
    right = {"falls": "max-drop", "rises": "max-rise"}.get(rule.direction, name)
    if name != right:
        raise UsageError(f"{where}: the figure of {rule.id} ({rule.name}) {rule.direction} in a collapse; use {right}")
    try:
        allowed = Allowance.parse(value)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    check_change(rule, name, allowed, where)
    return allowed


def rule_setting(values: Mapping[str, Any], where: str) -> RuleSetting:
    """The settings of one rule together."""
    setting = RuleSetting(**{name.replace("-", "_"): value for name, value in values.items()})
    if setting.min is not None and setting.max is not None and setting.min > setting.max:
        raise UsageError(f"{where}: min = {setting.min:g} lies above max = {setting.max:g}; nothing could pass")
    return setting


def _as_number(value: Any) -> str:
    """``; write 0.3`` for a share that was written with a percent sign."""
    if not isinstance(value, str):
        return ""
    try:
        number = float(value.strip().removesuffix("%"))
    except ValueError:
        return ""
    return f"; write {number / 100 if value.strip().endswith('%') else number:g}"


def _shown(value: Any) -> str:
    """A value for people, and not the whole of a long one."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
