"""JUnit XML for test dashboards: a suite a part, a case a rule and one for the verdict.

Told apart: a *failure* fails the gate, a *skipped* case says why, an *error* could not be judged. What only warns
passes, and says so in its output: a warning that fails a build is no warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from contam.reports.escape import shorten
from contam.reports.findings import ERROR, NOTE, Finding, Outcome, Part
from contam.result import RuleResult
from contam.rules import RULES

_LONGEST = 2000
_EXCERPT = 200
_DOCUMENTS = 20
_COUNTED = (("tests", ""), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAMILIES = {rule.id: rule.family for rule in RULES}


def render(outcome: Outcome) -> str:
    """The outcome as a JUnit document; it ends with a line break."""
    cases = [[_verdict(part), *(_rule(rule, part) for rule in part.rules)] for part in outcome.parts]
    inside = [line for part, own in zip(outcome.parts, cases) for line in _suite(part, own, outcome.command)]
    totals = _counts([case for own in cases for case in own])
    seconds = sum(part.seconds for part in outcome.parts)
    head = f"<testsuites name={attribute(f'contam {outcome.command}')}{_numbers(totals)}{_time(seconds)}>"
    return "\n".join(('<?xml version="1.0" encoding="UTF-8"?>', head, *inside, "</testsuites>")) + "\n"


def text(raw: str, length: int = _LONGEST) -> str:
    """Raw text as XML character data: no markup, nothing hidden, nothing that XML forbids."""
    return escape(_ILLEGAL.sub("", shorten(raw, length)))


def attribute(raw: str) -> str:
    """Raw text as a quoted XML attribute."""
    return quoteattr(_ILLEGAL.sub("", shorten(raw, _LONGEST)))


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: its kind (``passed``, ``failure``, ``skipped`` or ``error``) and its lines."""

    kind: str
    lines: tuple[str, ...]


def _suite(part: Part, cases: Sequence[_Case], command: str) -> list[str]:
    """A part as XML, the verdict first."""
    name = part.name or ", ".join(part.sources[:3]) or f"contam {command}"
    head = f"<testsuite name={attribute(name)}{_numbers(_counts(cases))}{_time(part.seconds)}>"
    properties = _properties((("level", part.level), ("inputs not read", str(part.unread))))
    unread = [f for f in part.findings if f.kind == "unread"]
    said = [f"{f.path}:{f.line}: {f.message}" for f in unread[:_DOCUMENTS]]
    tail = [f"<system-out>{_joined(said)}</system-out>"] if said else []
    return [head, *properties, *(line for case in cases for line in case.lines), *tail, "</testsuite>"]


def _counts(cases: Sequence[_Case]) -> dict[str, int]:
    """Tests, failures, errors, skipped."""
    kinds = [case.kind for case in cases]
    return {name: kinds.count(kind) for name, kind in _COUNTED} | {"tests": len(kinds)}


def _verdict(part: Part) -> _Case:
    """The case of the verdict; where nothing was judged at all, an error."""
    found = next((f for f in part.findings if f.kind == "verdict"), None)
    opening = f'<testcase classname="contam.verdict" name="verdict"{_time(part.seconds)}>'
    level = _properties((("level", part.level),))
    if part.reason and (found is None or found.undecided):
        kind, body = "error", _tag("error", "could-not-judge", part.reason, [])
    elif found is not None and found.undecided:
        kind, body = "skipped", f"<skipped message={attribute(found.message)}/>"
    elif found is not None and found.level == ERROR:
        kind, body = "failure", _tag("failure", found.rule, found.message, _documents(part.findings, None))
    else:
        kind, body = "passed", f"<system-out>{text(part.headline)}</system-out>"
    return _Case(kind, (opening, *level, body, "</testcase>"))


def _rule(rule: RuleResult, part: Part) -> _Case:
    found = next((f for f in part.findings if f.kind == "rule" and f.rule == rule.id), None)
    family = _FAMILIES.get(rule.id, "rule")
    opening = f'<testcase classname="contam.{family}" name={attribute(f"{rule.id} {rule.name}")}{_time(0)}>'
    pointed = _documents(part.findings, rule.id)
    if rule.status == "skipped":
        kind = "error" if rule.enforced else "skipped"
        reason = rule.message.removeprefix("skipped: ")
        body = _tag("error", rule.id, reason, []) if rule.enforced else f"<skipped message={attribute(reason)}/>"
    elif found is not None and found.level == ERROR:
        kind, body = "failure", _tag("failure", rule.id, rule.message, pointed)
    else:
        warned = "warning: " if found is not None else ""
        kind, body = "passed", f"<system-out>{_joined([warned + rule.message, *pointed])}</system-out>"
    numbers = (("value", _number(rule.value)), ("limit", _number(rule.limit)))
    return _Case(kind, (opening, *_properties(numbers), body, "</testcase>"))


def _documents(findings: Iterable[Finding], rule: str | None) -> list[str]:
    """The documents that a rule (None: any rule that fails) points at."""
    wanted = [f for f in findings if f.kind == "document" and (f.rule == rule if rule else f.level != NOTE)]
    return [f"{f.path}:{f.line}: {f.rule} {f.message}: {shorten(f.text, _EXCERPT)}" for f in wanted[:_DOCUMENTS]]


def _tag(name: str, kind: str, said: str, more: list[str]) -> str:
    return f"<{name} type={attribute(kind)} message={attribute(said)}>{_joined([said, *more])}</{name}>"


def _joined(lines: list[str]) -> str:
    return "\n".join(text(line) for line in lines)


def _properties(pairs: Iterable[tuple[str, str]]) -> list[str]:
    known = [(name, value) for name, value in pairs if value]
    if not known:
        return []
    inside = "".join(f"<property name={attribute(name)} value={attribute(value)}/>" for name, value in known)
    return [f"<properties>{inside}</properties>"]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _numbers(counts: dict[str, int]) -> str:
    return "".join(f' {name}="{count}"' for name, count in counts.items())


def _time(seconds: float) -> str:
    return f' time="{seconds:.3f}"'
