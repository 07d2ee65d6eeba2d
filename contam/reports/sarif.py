"""SARIF 2.1.0 for code scanning: the verdict, rules and documents as results with places that survive edits.

OASIS, Static Analysis Results Interchange Format 2.1.0 (2020). A fingerprint is made of the rule, the file and the
document's text, never of a line or a measured value, so that a finding is the same finding after lines have moved.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contam.reports.escape import shorten
from contam.reports.findings import ERROR, INPUT, NOTE, VERDICT, Finding, Outcome, comparable
from contam.reports.places import root, split_label, uri
from contam.rules import RULES, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 5000
"""As many results of a run as GitHub shows; it refuses files with more than 25,000."""
MOST_NOTIFICATIONS = 100
_LONGEST = 1000
_EXCERPT = 200
_PLACEHOLDER = re.compile(r"\{(?=\d+\})")
_JUDGEMENT = (
    "The verdict on the whole text: whether it bears the marks of training on model output, compared with reference "
    "sources at one matched size, or with trusted text of the same source."
)
_UNREAD = "Something in the input could not be read. It was left out, counted and named; the rest was judged."


def render(outcome: Outcome) -> str:
    """The outcome as a SARIF log of one run; ``results`` is there even where it is empty."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(outcome, root(outcome.sources))]}
    return json.dumps(log, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _run(outcome: Outcome, base: Path) -> dict[str, Any]:
    from contam import __version__

    results = [finding for finding in outcome.findings if comparable(finding)]
    driver = {"name": "contam", "version": __version__, "semanticVersion": _semantic(__version__), "rules": _rules()}
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"contam/{outcome.command}/"},
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The top folder of the repository."}}},
        "invocations": [_invocation(outcome, base)],
        "results": [_result(finding, base) for finding in results[:MOST_RESULTS]],
        "properties": _properties(outcome, len(results)),
    }


def _semantic(version: str) -> str:
    """The version with the three parts that semantic versions have."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    return f"{found[1]}.{found[2]}.{found[3] or 0}" if found else "0.0.0"


def _properties(outcome: Outcome, count: int) -> dict[str, Any]:
    """Totals, as the list of results may be cut; one entry a part where there are several."""
    parts = [
        {"name": message(p.name), "level": p.level, "headline": message(p.headline), "notRead": p.unread}
        for p in outcome.parts
    ]
    return {
        "level": outcome.level,
        "exitCode": outcome.exit_code,
        "resultsTotal": count,
        "resultsShown": min(count, MOST_RESULTS),
        "notRead": sum(part.unread for part in outcome.parts),
        "parts": parts,
    }


def _rules() -> list[dict[str, Any]]:
    """Every rule of this version, the verdict and what could not be read among them: ids never change meaning."""
    own = [
        _described(VERDICT, "verdict", _JUDGEMENT, "The exit code follows --fail-on.", "error"),
        _described(INPUT, "input-not-read", _UNREAD, "With --strict the first one is exit code 2.", "note"),
    ]
    return own + [_rule(rule) for rule in RULES]


def _rule(rule: Rule) -> dict[str, Any]:
    level = "error" if rule.status == "fail" else "warning"
    return _described(rule.id, rule.name, rule.what, f"{rule.why} Source: {rule.source}.", level)


def _described(rule_id: str, name: str, what: str, why: str, level: str) -> dict[str, Any]:
    what, why = message(what), message(why)
    return {
        "id": rule_id,
        "name": name,
        "shortDescription": {"text": name.replace("-", " ")},
        "fullDescription": {"text": what},
        "help": {"text": f"{what}\n\n{why}", "markdown": f"**What it measures.** {what}\n\n**Its limit.** {why}"},
        "defaultConfiguration": {"level": level},
    }


_INDEX = {rule_id: place for place, rule_id in enumerate((VERDICT, INPUT, *(rule.id for rule in RULES)))}


def _result(finding: Finding, base: Path) -> dict[str, Any]:
    told = finding.message
    if finding.text:
        told = f"{told}: {shorten(finding.text, _EXCERPT)}"
    result: dict[str, Any] = {"ruleId": finding.rule}
    if finding.rule in _INDEX:
        result["ruleIndex"] = _INDEX[finding.rule]
    result |= {"level": finding.level, "message": {"text": message(told)}, "locations": _locations(finding, base)}
    result |= _related(finding, base)
    result["partialFingerprints"] = {"contam/v1": fingerprint(finding, base)}
    numbers = {"value": finding.value, "limit": finding.limit}
    known = {name: number for name, number in numbers.items() if number is not None and abs(number) < float("inf")}
    return result | ({"properties": known} if known else {})


def _locations(finding: Finding, base: Path) -> list[dict[str, Any]]:
    place = uri(finding.path, base)
    location: dict[str, Any] = {}
    if place is not None:
        artifact = {"uri": place[0]} | ({"uriBaseId": "%SRCROOT%"} if place[1] else {})
        location["physicalLocation"] = {"artifactLocation": artifact, "region": {"startLine": max(finding.line, 1)}}
    if finding.part:
        location["logicalLocations"] = [{"name": message(finding.part), "kind": "resource"}]
    return [location] if location else []


def _related(finding: Finding, base: Path) -> dict[str, Any]:
    """Where the document is that this one is a copy of."""
    path, line = split_label(finding.of)
    found = _locations(Finding(finding.rule, finding.kind, NOTE, "", path, line or 1), base) if path else []
    return {"relatedLocations": [one | {"message": {"text": "the first copy"}} for one in found]} if found else {}


def fingerprint(finding: Finding, base: Path) -> str:
    """SHA-256 of rule, place without its line, part, and the document's text in lower case with single spaces."""
    place = uri(finding.path, base)
    text = " ".join(finding.text.split()).casefold()
    parts = (finding.rule, place[0] if place else finding.path, finding.part, text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _invocation(outcome: Outcome, base: Path) -> dict[str, Any]:
    """How the command ended; what could not be judged or read are notifications."""
    told = [finding for finding in outcome.findings if not comparable(finding)]
    told_of = [_notification(finding, base) for finding in told[:MOST_NOTIFICATIONS]]
    undecided = [part for part in outcome.parts if part.reason and not any(f.undecided for f in part.findings)]
    told_of = [{"level": "error", "message": {"text": message(part.reason)}} for part in undecided] + told_of
    return {
        "executionSuccessful": outcome.exit_code in (0, 1),
        "exitCode": outcome.exit_code,
        "toolExecutionNotifications": told_of,
    }


def _notification(finding: Finding, base: Path) -> dict[str, Any]:
    level = "error" if finding.level == ERROR else "warning"
    body: dict[str, Any] = {"level": level, "message": {"text": message(finding.message)}}
    locations: Sequence[dict[str, Any]] = _locations(finding, base)
    body |= {"locations": list(locations)} if locations else {}
    return body | {"descriptor": {"id": finding.rule}}


def message(text: str) -> str:
    """Raw text as a SARIF message: nothing hidden in it, no placeholder, no embedded link, an end."""
    return _PLACEHOLDER.sub("{ ", shorten(text, _LONGEST)).replace("](", "] (")
