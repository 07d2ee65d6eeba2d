"""What changed since a baseline, as a section of a report."""

from __future__ import annotations

from contam.baseline.record import Moved, Since
from contam.baseline.shrinking import size_of_baseline
from contam.reports.page import Section, Sentences, Table
from contam.wording import name_of, written

_COLUMNS = ("figure", "baseline", "now", "change", "times its noise", "")
_SIGNALS = "noise: how far two samples of the baseline's own text lie apart at {size:,} words ({parts})"
_WHOLE = "figures of the whole corpus vary less the larger it is; only a limit of your own (max-rise) judges them"


def section_of(since: Since) -> Section:
    """A section: what is new, every figure then and now with its change, and what lies beyond the baseline's noise."""
    sentences = (*_findings(since), *_reading(since))
    shown = [key for key in since.changes if since.changes[key].difference or since.changes[key].effect is not None]
    rows = tuple((name_of(key), *_cells(key, since.changes[key])) for key in shown)
    marks = tuple(_mark(since.changes[key]) for key in shown)
    table = (Table(_COLUMNS, rows, marks, True),) if rows else ()
    return Section(f"Since the baseline {since.name}", (Sentences(sentences), *table))


def _findings(since: Since) -> tuple[str, ...]:
    """What changed, in sentences; the reason where nothing could be compared."""
    found = [_new(since)] if since.new_documents is not None else []
    if since.reason:
        found.append(f"not compared: {since.reason}")
    beyond = [key for key, moved in since.changes.items() if moved.beyond]
    toward = [name_of(key) for key in beyond if since.changes[key].toward_collapse]
    away = [name_of(key) for key in beyond if not since.changes[key].toward_collapse]
    if toward:
        found.append(f"changed toward collapse, beyond what the baseline's own parts differ by: {', '.join(toward)}")
    if away:
        found.append(f"changed the other way: {', '.join(away)}")
    if not beyond and not since.reason:
        found.append("no figure changed by more than the baseline's own parts differ")
    return tuple(found)


def _new(since: Since) -> str:
    had = size_of_baseline(since)
    told = f"; the baseline had {had[0]:,} documents, {had[1]:,} words" if had else ""
    about = "about " if since.new_share < 1 else ""
    words = f" ({about}{since.new_words:,} words)" if since.new_words else ""
    if not since.new_documents:
        return f"none of {since.documents:,} documents is new{told}"
    return f"{about}{since.new_documents:,} of {since.documents:,} documents are new{words}{told}"


def _reading(since: Since) -> tuple[str, ...]:
    """How to read the table."""
    if since.matched_tokens is None:
        return ()
    parts = f"{since.parts} parts of it, and halves of human sources" if since.parts else "halves of human sources"
    whole = (_WHOLE,) if any(m.reason and "whole corpus" in m.reason for m in since.changes.values()) else ()
    return (_SIGNALS.format(size=since.matched_tokens, parts=parts), *whole)


def _cells(key: str, moved: Moved) -> tuple[str, ...]:
    effect = "-" if moved.effect is None else f"{moved.effect:+.1f}"
    share = f"{moved.difference / moved.base:+.1%}".replace("%", " %") if moved.base else f"{moved.difference:+.3g}"
    if not moved.difference:
        share, effect = "0", "0"
    side = "" if not moved.beyond else "toward collapse" if moved.toward_collapse else "away"
    return written(moved.base, key), written(moved.value, key), share, effect, side


def _mark(moved: Moved) -> str:
    return "warn" if moved.beyond and moved.toward_collapse is not False else ""
