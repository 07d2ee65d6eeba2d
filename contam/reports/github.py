"""GitHub Actions: annotations at the lines of a pull request, a page on the job's summary, outputs for later steps."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from contam.reports.escape import exact, shorten
from contam.reports.findings import ERROR, NOTE, WARNING, Finding, Outcome
from contam.reports.places import relative, root

PER_KIND = 10
"""GitHub shows as many annotations of a kind in a step; more are summed up."""
SUMMARY_BYTES = 900_000
"""GitHub refuses a summary above 1 MiB."""
_COMMANDS = {ERROR: "error", WARNING: "warning", NOTE: "notice"}
_KEPT_FOR_DOCUMENTS = 4
_LONGEST = 400
_EXCERPT = 120


def render(outcome: Outcome) -> str:
    """The outcome as workflow commands: errors, warnings, notices, each worst first, and one line that sums up."""
    base = root(outcome.sources)
    lines = []
    for level in (ERROR, WARNING, NOTE):
        found = [finding for finding in outcome.findings if finding.level == level]
        shown = _chosen(found)
        lines += [_annotation(finding, base) for finding in shown]
        if len(found) > len(shown):
            more = f"{len(found) - len(shown)} more of this kind are in the reports"
            lines.append(_command(_COMMANDS[level], {"title": "contam"}, more))
    return "\n".join([*lines, _command("notice", {"title": "contam"}, summed_up(outcome))]) + "\n"


def _chosen(found: Sequence[Finding]) -> list[Finding]:
    """The first of a kind, one place less than there are where something is left out; documents keep some places."""
    if len(found) <= PER_KIND:
        return list(found)
    room = PER_KIND - 1
    documents = [finding for finding in found if finding.kind == "document"]
    others = [finding for finding in found if finding.kind != "document"]
    kept = min(len(documents), max(_KEPT_FOR_DOCUMENTS, room - len(others)))
    return [*others[: room - kept], *documents[:kept]]


def summed_up(outcome: Outcome) -> str:
    """The whole outcome in one line."""
    counts = [(outcome.count(level), name) for level, name in ((ERROR, "error"), (WARNING, "warning"), (NOTE, "note"))]
    told = ", ".join(f"{n} {name}{'' if n == 1 else 's'}" for n, name in counts if n) or "nothing found"
    judged = outcome.parts[0].headline if outcome.parts else "nothing judged"
    broken = [f.rule for f in outcome.findings if f.kind == "rule" and f.level == ERROR and not f.undecided]
    told += f"; gate failed by {', '.join(dict.fromkeys(broken))}" if broken else ""
    several = f" ({outcome.parts[0].name}, of {len(outcome.parts)} parts)" if len(outcome.parts) > 1 else ""
    return f"{judged}{several}; {told}; exit code {outcome.exit_code}"


def _annotation(finding: Finding, base: Path) -> str:
    near = relative(finding.path, base)
    properties = {"file": finding.path if near is None else near, "line": str(finding.line)} if finding.path else {}
    part = f" ({finding.part})" if finding.part else ""
    told = finding.message
    if finding.text:
        told += f": {shorten(finding.text, _EXCERPT)}"
    title = shorten(f"{finding.rule}{part}", _LONGEST)
    return _command(_COMMANDS[finding.level], properties | {"title": title}, told)


def _command(name: str, properties: Mapping[str, str], said: str) -> str:
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {given}::{_data(shorten(said, _LONGEST))}"


def _data(value: str) -> str:
    """What stands after the second ``::``."""
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    """A value as it is: a path that is changed names no file, and its annotation is shown nowhere."""
    return _data(exact(value)).replace(":", "%3A").replace(",", "%2C")


def fitted(markdown: str, room: int = SUMMARY_BYTES) -> str:
    """A page that fits a job's summary: cut at the end of a line, and told."""
    raw = markdown.encode("utf-8", "backslashreplace")
    if len(raw) <= room:
        return raw.decode()
    note = "\n\n(the rest did not fit; the whole page is in the other reports)\n"
    kept = raw[: room - len(note)]
    return kept[: kept.rfind(b"\n") + 1].decode("utf-8", "ignore") + note


def append_summary(target: Path, markdown: str) -> None:
    """Append a page to a job's summary, as far as there is room. Raises OSError where it cannot be written."""
    taken = target.stat().st_size if target.exists() else 0
    room = SUMMARY_BYTES - taken
    if room > len("\n\n(the rest did not fit; the whole page is in the other reports)\n"):
        with target.open("a", encoding="utf-8", newline="\n") as out:
            out.write(fitted(markdown, room))


def outputs(outcome: Outcome, report: str = "") -> dict[str, str]:
    """What later steps can read: ``level``, ``exit-code``, and the ``report`` of this run, if one was written."""
    return {"level": outcome.level or "none", "exit-code": str(outcome.exit_code), "report": report}


def append_outputs(target: Path, values: Mapping[str, str]) -> None:
    """Append step outputs; no value can become a second one. Raises OSError where it cannot be written."""
    with target.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as out:
        out.write("".join(_output(values.items())))


def _output(values: Iterable[tuple[str, str]]) -> Iterable[str]:
    for name, value in values:
        end = f"contam-{secrets.token_hex(16)}"
        yield f"{name}<<{end}\n{value}\n{end}\n"
