"""What a document may be dropped for, and how to filter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contam.auditing import AuditOptions
from contam.engine import default_workers
from contam.errors import UsageError
from contam.formats.task import ReadOptions

REP001, REP002, REP004, DUP001, DUP002 = "REP001", "REP002", "REP004", "DUP001", "DUP002"
PPL001 = "PPL001"
UNREAD = "unread"
DEFAULT_RULES = (REP001, DUP001, DUP002)


@dataclass(frozen=True, slots=True)
class DocumentRule:
    """A rule about one document.

    ``limit`` is where it begins to count, ``bounds`` what may be asked for; ``what`` says what is compared with it.
    A rule without a limit has ``bounds`` None.
    """

    id: str
    name: str
    limit: float
    bounds: tuple[float, float] | None
    what: str


DOCUMENT_RULES = {
    rule.id: rule
    for rule in (
        DocumentRule(REP001, "loops", 0.25, (0.01, 1.0), "share of the document, or of its end, that is one loop"),
        DocumentRule(REP002, "seq-rep-4", 0.5, (0.01, 1.0), "share of repeated 4-grams in the first 200 words"),
        DocumentRule(REP004, "gopher-repetition", 1.0, (0.1, 100.0), "largest ratio to Gopher's published limits"),
        DocumentRule(DUP001, "exact-duplicates", 1.0, None, "byte for byte the same as an earlier document"),
        DocumentRule(DUP002, "near-duplicates", 0.8, (0.7, 1.0), "Jaccard similarity of 5-word pieces to a kept one"),
        DocumentRule(PPL001, "bits-per-byte", 0.0, None, "bits per byte under a model, outside of two limits"),
    )
}


def chosen_rules(given: Iterable[str]) -> tuple[str, ...]:
    """The ids that ids and prefixes (``DUP``) stand for, in the order of the table; a usage error for unknown ones."""
    prefixes = [part.strip().upper() for text in given for part in text.split(",") if part.strip()]
    for prefix in prefixes:
        if not any(rule.startswith(prefix) for rule in DOCUMENT_RULES):
            raise UsageError(f"no rule {prefix!r} about documents: known are {', '.join(DOCUMENT_RULES)}")
    found = tuple(rule for rule in DOCUMENT_RULES if any(rule.startswith(p) for p in prefixes))
    if not found:
        raise UsageError("no rule is left to filter by")
    return found


def parse_surprise(given: Iterable[str]) -> tuple[float, float] | None:
    """The limits in ``PPL001=LOW..HIGH``, if they are given; a usage error says what is wrong."""
    for text in given:
        name, _, value = text.partition("=")
        if name.strip().upper() == PPL001:
            low, dots, high = value.partition("..")
            try:
                limits = float(low), float(high)
            except ValueError:
                dots, limits = "", (0.0, 0.0)
            if not dots or not limits[0] < limits[1]:
                raise UsageError(f"--limit {text!r}: expected PPL001=LOW..HIGH in bits per byte, such as PPL001=0.6..3")
            return limits
    return None


def parse_limits(given: Iterable[str]) -> dict[str, float]:
    """``RULE=VALUE`` as limits by rule, but for PPL001's two; a usage error says what is wrong."""
    limits = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name.strip().upper() == PPL001:
            continue
        try:
            number = float(value)
        except ValueError:
            equals = ""
            number = 0.0
        if not equals:
            raise UsageError(f"--limit {text!r}: expected RULE=VALUE such as DUP002=0.9")
        limits[name.strip().upper()] = number
    return limits


def check_limit(rule_id: str, value: float) -> None:
    """Raise a usage error for a limit that a rule cannot have."""
    rule = DOCUMENT_RULES.get(rule_id)
    if rule is None or rule.bounds is None:
        known = ", ".join(r.id for r in DOCUMENT_RULES.values() if r.bounds is not None)
        raise UsageError(f"{rule_id} has no limit to set: limits are those of {known}")
    low, high = rule.bounds
    if not low <= value <= high:
        raise UsageError(f"the limit of {rule_id} lies between {low:g} and {high:g}, not at {value:g}")


@dataclass(frozen=True, slots=True)
class FilterOptions:
    """How to filter.

    ``rules`` are ids or prefixes (``DUP``), ``limits`` the limits that differ from the rules' own. ``against`` is text
    (a path, or several) whose copies are dropped too: held-out text, say. ``manifest`` is where the list of what was
    dropped goes (None: ``OUT.dropped``). ``drop_unread`` drops records that could not be read as documents, which are
    kept otherwise. ``model`` is the language model of PPL001, which drops what is outside of the limits ``surprise``
    (bits per byte; None: the 1 % and 99 % quantiles of the documents of ``trusted`` text). ``force`` replaces an
    earlier output. ``dry_run`` writes nothing. ``audit`` says how the corpus is audited before and after; None leaves
    that out.
    """

    rules: tuple[str, ...] = DEFAULT_RULES
    limits: Mapping[str, float] = field(default_factory=dict)
    against: str | os.PathLike[str] | tuple[str, ...] | None = None
    text_field: str | None = None
    split: str | None = None
    strict: bool = False
    workers: int | None = None
    model: str | None = None
    surprise: tuple[float, float] | None = None
    trusted: str | os.PathLike[str] | None = None
    device: str = "auto"
    precision: str = "fp32"
    manifest: Path | None = None
    drop_unread: bool = False
    force: bool = False
    dry_run: bool = False
    audit: AuditOptions | None = field(default_factory=AuditOptions)
    on_progress: Callable[[Any], None] | None = None

    def __post_init__(self) -> None:
        chosen = chosen_rules(self.rules)
        for rule, value in self.limits.items():
            check_limit(rule, value)
            if rule not in chosen:
                raise UsageError(f"a limit for {rule}, which is not among the rules ({', '.join(chosen)})")
        self._check_model(PPL001 in chosen)
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"workers must be at least 1, not {self.workers}")

    def _check_model(self, wanted: bool) -> None:
        if wanted and self.model is None:
            raise UsageError("PPL001 needs a language model: --model tiny, a folder or a hub name")
        if wanted and self.surprise is None and self.trusted is None:
            raise UsageError("PPL001 needs limits: --limit PPL001=LOW..HIGH, or --reference trusted text for them")
        if not wanted and (self.model is not None or self.surprise is not None):
            raise UsageError(f"a model or limits for PPL001, which is not among the rules ({', '.join(self.chosen)})")

    @property
    def chosen(self) -> tuple[str, ...]:
        """The ids of the rules."""
        return chosen_rules(self.rules)

    def limit(self, rule: str) -> float:
        """The limit of a rule."""
        return self.limits.get(rule, DOCUMENT_RULES[rule].limit)

    @property
    def reading(self) -> ReadOptions:
        """How files are read."""
        return ReadOptions(text_field=self.text_field, split=self.split, strict=self.strict)

    @property
    def threads(self) -> int:
        """How many threads measure."""
        return self.workers or default_workers()
