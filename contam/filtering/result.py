"""What a filter did, as a plain frozen record; ``to_dict`` is the JSON of schema version 1."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from contam.result import SCHEMA_VERSION, Audit, DocumentFinding, Skipped, plain

if TYPE_CHECKING:
    from contam.reports.findings import Gate, Outcome
    from contam.reports.page import Page


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one rule dropped: ``documents`` that it flagged, ``alone`` those that no other rule did."""

    rule: str
    name: str
    limit: float | None
    documents: int
    alone: int


@dataclass(frozen=True, slots=True)
class FilteredFile:
    """One file: its documents, how many of them were dropped, and where the copy is ("" where none is left)."""

    path: str
    out: str
    documents: int
    dropped: int
    unread: int


@dataclass(frozen=True, slots=True)
class Filtered:
    """The whole result of a filter.

    ``documents`` and ``bytes`` (of text) were read, ``dropped`` and ``dropped_bytes`` of them are left out; ``unread``
    records are no documents (kept, unless ``unread_dropped``). ``by_rule`` says why; several rules may flag a
    document. ``manifest`` is where every dropped document is named. ``before`` and ``after`` are audits.
    """

    sources: tuple[str, ...]
    out: str
    manifest: str
    documents: int
    dropped: int
    bytes: int
    dropped_bytes: int
    unread: int
    unread_dropped: bool
    by_rule: tuple[Dropped, ...]
    files: tuple[FilteredFile, ...]
    worst: tuple[DocumentFinding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    skipped_total: int = 0
    notes: tuple[str, ...] = ()
    dry_run: bool = False
    seconds: float = 0.0
    before: Audit | None = None
    after: Audit | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Documents that stay."""
        return self.documents - self.dropped

    def exit_code(self, fail_on: str | None = None, allow_insufficient: bool = False) -> int:
        """0 filtered; with ``fail_on`` what the audit of the output says."""
        if fail_on is None or self.after is None:
            return 0
        return self.after.exit_code(fail_on, allow_insufficient)

    def outcome(self, gate: Gate) -> Outcome:
        """What reports for machines hold: the findings of the output's audit; nothing where it was not judged."""
        from contam.reports.findings import Outcome, outcome_of

        if self.after is None:
            return Outcome("filter", 0, ())
        return replace(outcome_of(self.after, gate), command="filter")

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1."""
        from contam import __version__

        body = {"schema_version": SCHEMA_VERSION, "tool": {"name": "contam", "version": __version__}}
        found: dict[str, Any] = plain(self)
        for side in ("before", "after"):
            audit = getattr(self, side)
            found[side] = None if audit is None else audit.to_dict()
        return body | {"command": "filter", "kept": self.kept} | found

    def draw(self, full: bool = False) -> Page:
        """The page of this result."""
        from contam.filtering.page import draw_filtered

        return draw_filtered(self, full)
