"""What a result found, as one neutral list that SARIF, JUnit, GitHub and others render.

An *error* is what makes the exit code 1 or 2; a *warning* is worth a look; a *note* is beside the point of the gate.
Strings are raw: each renderer escapes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contam.reports.places import first_file, split_label
from contam.result import CorpusInfo, DocumentFinding, Level, RuleResult, Skipped, Verdict
from contam.wording import probability, written

VERDICT = "CONTAM-VERDICT"
"""The id under which the verdict itself is a finding; ``CONTAM-INPUT`` is what could not be read."""
INPUT = "CONTAM-INPUT"
ERROR, WARNING, NOTE = "error", "warning", "note"
_ORDER = {ERROR: 0, WARNING: 1, NOTE: 2}
_KINDS = {"verdict": 0, "rule": 1, "document": 2, "unread": 3}
_EXAMPLES = ("SYN001", "PPL001")
"""Rules whose documents are examples: a score that proves nothing of any single one."""
_OF_THE_CORPUS = "verdict"
"""What a document is called the cause of where no rule but the verdict speaks (`contam.attributing`)."""


@dataclass(frozen=True, slots=True)
class Gate:
    """How a result is judged: from which level it fails, whether thin evidence does, and the configuration's file."""

    fail_on: str = "collapsing"
    allow_insufficient: bool = False
    configuration: Path | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    ``kind`` is ``verdict``, ``rule``, ``document`` or ``unread``; ``path`` and ``line`` are where it is (of a corpus
    as a whole: the configuration, else the first file; empty where there is no file). ``text`` is how the document
    begins; ``undecided`` marks what could not be judged. ``of`` names the document that this one is a copy of.
    """

    rule: str
    kind: str
    level: str
    message: str
    path: str = ""
    line: int = 1
    value: float | None = None
    limit: float | None = None
    text: str = ""
    part: str = ""
    undecided: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A corpus, checkpoint or mixture that was judged by itself. ``level`` is empty where there is no verdict."""

    name: str
    level: str
    headline: str
    rules: tuple[RuleResult, ...]
    findings: tuple[Finding, ...]
    sources: tuple[str, ...] = ()
    unread: int = 0
    seconds: float = 0.0
    failed: bool = False
    """Whether the verdict or an enforced rule fails the gate."""
    reason: str = ""
    """Why it could not be judged; empty where it was."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command found and how it exits; the part that decides comes first."""

    command: str
    exit_code: int
    parts: tuple[Part, ...]
    configuration: str = ""

    @property
    def level(self) -> str:
        """The deciding level; empty where nothing was judged."""
        return self.parts[0].level if self.parts else ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, worst first: by level, then the verdict, rules, documents, inputs."""
        found = [finding for part in self.parts for finding in part.findings]
        return tuple(sorted(found, key=lambda f: (_ORDER[f.level], _KINDS[f.kind])))

    @property
    def sources(self) -> tuple[str, ...]:
        """What was read, of all parts."""
        return tuple(source for part in self.parts for source in part.sources)

    def count(self, level: str) -> int:
        """How many findings of a level there are."""
        return sum(finding.level == level for finding in self.findings)


def outcome_of(result: Any, gate: Gate | None = None) -> Outcome:
    """The findings of any command's result."""
    gate = gate or Gate()
    if hasattr(result, "outcome"):
        given: Outcome = result.outcome(gate)
        return given
    parts = tuple(_part(one, gate) for one in _several(result))
    named = str(gate.configuration) if gate.configuration else ""
    return Outcome(getattr(result, "command", "compare"), exit_code_of(result, gate), parts, named)


def exit_code_of(result: Any, gate: Gate) -> int:
    """The exit code as the command line gives it; some results know no evidence that is too thin."""
    known = inspect.signature(result.exit_code).parameters
    given = {"fail_on": gate.fail_on, "allow_insufficient": gate.allow_insufficient}
    code: int = result.exit_code(**{name: value for name, value in given.items() if name in known})
    return code


def _several(result: Any) -> tuple[Any, ...]:
    """The parts of a result, the deciding one first; the result itself where it has none."""
    parts: tuple[Any, ...] = getattr(result, "parts", ())
    return tuple(sorted(parts, key=lambda part: part.name != result.name)) if parts else (result,)


def _part(result: Any, gate: Gate) -> Part:
    """One judgement as a part with its findings, each anchored to a place."""
    verdict = verdict_of(result)
    rules = tuple(getattr(result, "rules", ()))
    code = exit_code_of(result, gate)
    read: tuple[CorpusInfo, ...] = tuple(_corpora(result))
    anchor = str(gate.configuration) if gate.configuration else first_file(s for c in read for s in c.sources)
    failing = code == 1 and at_gate(verdict, gate)
    judged = _Judged(verdict, gate, code, {rule.id: _level_of_rule(rule, failing, gate) for rule in rules})
    findings = [*_over_the_limit(result, code), *judged.told()]
    findings += [judged.of_rule(rule) for rule in rules if rule.id in judged.loud]
    findings = [replace(finding, path=anchor) for finding in findings]
    documents = getattr(result, "documents", ())
    findings += [judged.of_document(found) for found in getattr(documents, "worst", ()) if judged.speaks(found.rule)]
    findings += [_unread(skipped) for corpus in read for skipped in corpus.skipped]
    name = getattr(result, "name", "")
    seconds = getattr(getattr(result, "provenance", result), "seconds", 0.0)
    return Part(
        name, verdict.level.value if verdict else "", headline(verdict), rules,
        tuple(replace(finding, part=name) for finding in findings), tuple(s for c in read for s in c.sources),
        sum(max(c.skipped_total, len(c.skipped)) for c in read), seconds, code == 1,
        _reason(rules, verdict) if code == 2 else "",
    )  # fmt: skip


def verdict_of(result: Any) -> Verdict | None:
    """The verdict of a result, or its level alone where it has no more; None where nothing is judged."""
    verdict: Verdict | None = getattr(result, "verdict", None)
    if verdict is None and isinstance(getattr(result, "level", None), Level):
        return Verdict(result.level)
    return verdict


def _corpora(result: Any) -> Iterable[CorpusInfo]:
    """What was read for a result."""
    found = (getattr(result, name, None) for name in ("corpus", "real", "synthetic"))
    return (corpus for corpus in found if isinstance(corpus, CorpusInfo))


def headline(verdict: Verdict | None) -> str:
    """The verdict in one line: level, p-value, first reason."""
    if verdict is None:
        return "no verdict"
    why = verdict.reasons[0] if verdict.reasons else ""
    told = verdict.p_value is None or "(p " in why
    p = "" if told else f" (p = {probability(verdict.p_value or 0.0)})".replace("= <", "<")
    return f"{verdict.level.value.replace('_', ' ')}{p}" + (f": {why}" if why else "")


def _reason(rules: tuple[RuleResult, ...], verdict: Verdict | None) -> str:
    missing = [f"{rule.id} {_said(rule)}" for rule in rules if rule.enforced and rule.status == "skipped"]
    return "; ".join(missing) or headline(verdict)


def _said(rule: RuleResult) -> str:
    return rule.message.removeprefix("skipped: ")


def _level_of_rule(rule: RuleResult, failing: bool, gate: Gate) -> str | None:
    """An error where the rule, or with it the verdict (``failing``), fails the gate; None where there is nothing to
    tell."""
    if rule.status == "skipped":
        return ERROR if rule.enforced else None
    if rule.status == "fail" and gate.fail_on != "never":
        return ERROR if rule.enforced or failing else WARNING
    return WARNING if rule.status in ("fail", "warn") else None


def _over_the_limit(result: Any, code: int) -> list[Finding]:
    """A mixture whose proven synthetic share is above the limit that was given fails by that alone."""
    share, limit = getattr(result, "synthetic_share", None), getattr(result, "limits", {}).get("share")
    if code != 1 or share is None or limit is None or share.proven <= limit:
        return []
    told = f"at least {100 * share.proven:.1f} % of the documents are proven synthetic, more than --max-share {limit:g}"
    return [Finding(VERDICT, "verdict", ERROR, told, value=share.proven, limit=limit)]


def at_gate(verdict: Verdict | None, gate: Gate) -> bool:
    """Whether the verdict is at or above the level that fails."""
    return verdict is not None and gate.fail_on != "never" and verdict.level.severity >= Level(gate.fail_on).severity


@dataclass(frozen=True, slots=True)
class _Judged:
    """A verdict under a gate, the exit code it came to, and how loud each rule is (None: not at all)."""

    verdict: Verdict | None
    gate: Gate
    code: int
    levels: dict[str, str | None]

    @property
    def loud(self) -> set[str]:
        """The rules that have something to tell."""
        return {rule for rule, level in self.levels.items() if level is not None}

    def told(self) -> list[Finding]:
        """The verdict as a finding; none where the corpus is healthy, or where nothing is judged."""
        if self.verdict is None or self.verdict.level is Level.HEALTHY:
            return []
        undecided = self.verdict.level is Level.INSUFFICIENT
        if undecided:
            level = {0: NOTE, 1: WARNING}.get(self.code, ERROR)
        else:
            level = ERROR if self.code == 1 and at_gate(self.verdict, self.gate) else WARNING
        return [Finding(VERDICT, "verdict", level, headline(self.verdict), undecided=undecided)]

    def of_rule(self, rule: RuleResult) -> Finding:
        """A rule that warns, fails, or was needed and could not be applied."""
        undecided = rule.status == "skipped"
        message = f"could not judge {rule.name}: {_said(rule)}" if undecided else rule.message
        level = self.levels[rule.id] or NOTE
        return Finding(
            rule.id, "rule", level, message, value=rule.value, limit=rule.limit, undecided=undecided
        )  # fmt: skip

    def speaks(self, rule: str) -> bool:
        """Whether a rule has something to tell; a healthy corpus has worst documents too, and they are no findings."""
        return bool(self.told()) if rule == _OF_THE_CORPUS else rule in self.loud

    def of_document(self, found: DocumentFinding) -> Finding:
        """A document, as loud as its rule. One that is only the likeliest cause of a finding about the whole corpus
        warns at most."""
        path, line = split_label(found.id)
        verdict = next((told.level for told in self.told()), NOTE)
        level = self.levels.get(found.rule) or verdict
        if found.rule in _EXAMPLES:
            level = NOTE
        elif level == ERROR and means(found.rule):
            level = WARNING
        rule = VERDICT if found.rule == _OF_THE_CORPUS else found.rule
        told = document_told(found)
        return Finding(rule, "document", level, told, path, line or 1, found.value, text=found.excerpt, of=found.of)


def document_told(found: DocumentFinding) -> str:
    """What was found in one document: a share of it, how often it occurs, or how far a score goes."""
    if found.rule == "PPL001":
        return f"{found.value:.2f} bits a byte under the model"
    if found.rule == "SYN001":
        return f"score {found.value:.2f}"
    amount = f"{100 * found.value:.0f} %" if found.value <= 1 else f"{written(found.value)} times"
    of_what = means(found.rule)
    copy = f", a copy of {found.of}" if found.of else ""
    return f"{amount} {of_what}" if of_what else f"{_name(found.rule)}, {amount}{copy}"


def means(rule_id: str) -> str:
    """What the value of a document is a share of, where it was picked as a likely cause of a finding about the whole
    corpus; empty where a rule reads documents themselves."""
    if rule_id != _OF_THE_CORPUS and not rule_id.startswith(("DIV", "DUP")):
        return ""
    from contam.attributing import MEANS

    return MEANS.get(rule_id, "")


def _name(rule_id: str) -> str:
    from contam.rules import RULES

    return next((rule.name for rule in RULES if rule.id == rule_id), rule_id)


def _unread(skipped: Skipped) -> Finding:
    return Finding(INPUT, "unread", NOTE, f"not read: {skipped.reason}", skipped.path, skipped.line or 1)


def comparable(finding: Finding) -> bool:
    """Whether it is a judgement of the data, not a word on what could not be read or judged."""
    return finding.kind != "unread" and not finding.undecided


