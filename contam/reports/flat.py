"""Flat JSON of numbers, for `dvc metrics diff`, experiment trackers and plots: dotted names, finite numbers.

What stands without a part's name in front is of the whole corpus, whichever part decides: the same name means the same
text from run to run. Only what describes the data is in it: no times, no settings, so that two audits of the same text
are the same file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from contam.baseline.record import NEW, WHOLE
from contam.reports.findings import Gate, exit_code_of
from contam.result import Audit, Level

_OWN = ("provenance", "settings", "plan", "seconds", "schema_version", "tool", "facts", "skipped", "parts")
_SIZES = ("files", "documents", "tokens", "bytes")
_COUNTED = ("pass", "warn", "fail", "skipped")


def render(result: Any, gate: Gate | None = None) -> str:
    """A result as one flat object; keys keep their order from run to run."""
    found = dict(_numbers(result))
    level = _level(result)
    head: dict[str, Any] = {"level": level.severity, "level_name": level.value} if level is not None else {}
    head["exit_code"] = exit_code_of(result, gate or Gate())
    if getattr(result, "parts", ()):
        head["deciding_part"] = result.name
    return json.dumps(head | found, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _level(result: Any) -> Level | None:
    level = getattr(result, "level", None)
    return level if isinstance(level, Level) else None


def _numbers(result: Any) -> Iterator[tuple[str, float]]:
    if not isinstance(result, Audit):
        yield from _walk(result.to_dict(), "")
        return
    whole = next((part for part in result.parts or (result,) if part.name in ("", WHOLE)), None)
    yield from _audit(whole) if whole is not None else _sums(result)
    for part in result.parts:
        yield f"{part.name}.level", part.level.severity
        if part is not whole:
            yield from ((f"{part.name}.{key}", value) for key, value in _audit(part))


def _sums(audit: Audit) -> Iterator[tuple[str, float]]:
    """How much was read in all parts; new documents are counted where they belong."""
    parts = [part for part in audit.parts if not part.name.endswith(NEW)]
    for name in _SIZES:
        yield f"corpus.{name}", sum(getattr(part.corpus, name) for part in parts)
    yield "corpus.skipped", sum(part.corpus.skipped_total for part in parts)
    yield "documents.flagged", sum(part.documents.flagged for part in parts)


def _audit(audit: Audit) -> Iterator[tuple[str, float]]:
    """The figures of an audit by name, and how its rules came out."""
    corpus, verdict = audit.corpus, audit.verdict
    yield from _finite("verdict.", {"p_value": verdict.p_value, "score": verdict.score} | verdict.tests)
    sizes = {name: getattr(corpus, name) for name in _SIZES}
    yield from _finite("corpus.", sizes | {"skipped": corpus.skipped_total})
    yield "documents.flagged", audit.documents.flagged
    yield from ((f"rules.{s}", sum(rule.status == s for rule in audit.rules)) for s in _COUNTED)
    yield from _finite("signals.", {name: figure.value for name, figure in audit.signals.items()})
    yield from _finite("whole.", {name: figure.value for name, figure in audit.whole.items()})
    if audit.synthetic_share is not None:
        yield from _finite("synthetic_share.", {"lower_bound": audit.synthetic_share.lower_bound})
    if audit.since is not None:
        effects = {name: moved.effect for name, moved in audit.since.changes.items()}
        yield from _finite("since.effect.", effects)
        yield from _finite("since.", {"new_documents": audit.since.new_documents})


def _finite(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            yield f"{prefix}{name}", value


def _walk(value: Any, prefix: str) -> Iterator[tuple[str, float]]:
    """Every number of a JSON object by its dotted way; of lists only those of objects, by their names. Single documents
    are left out: they come and go."""
    if isinstance(value, Mapping):
        for name, inside in value.items():
            if name not in _OWN:
                yield from _walk(inside, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(value, (list, tuple)) and all(isinstance(item, Mapping) for item in value):
        for place, item in enumerate(value):
            if "excerpt" in item:
                continue
            named = item.get("name") or item.get("id") or place
            yield from _walk(item, f"{prefix}.{named}")
    else:
        stem, _, name = prefix.rpartition(".")
        yield from _finite(f"{stem}." if stem else "", {name: value})
