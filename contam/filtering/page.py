"""A filter's result as a page: what was dropped and why, the corpus before and after."""

from __future__ import annotations

from contam.filtering.result import Filtered, FilteredFile
from contam.reports.audit_page import banner_of, plural, size_of
from contam.reports.page import Excerpt, Excerpts, Page, Section, Sentences, Table
from contam.result import Audit
from contam.wording import name_of, written

_FILES, _FULL, _WORST = 8, 200, 8
_FIGURES = (
    "repetition.looped_documents", "repetition.seq_rep_4", "duplicates.exact", "duplicates.near",
    "entropy.window", "diversity.types", "tail.hapax_share", "compression.block",
)  # fmt: skip


def draw_filtered(result: Filtered, full: bool = False) -> Page:
    """The page of a result; ``full`` names all files."""
    sections = (
        Section("Result", (Sentences(_told(result)),)),
        _rules(result),
        _audits(result),
        _figures(result),
        _documents(result),
        _files(result, _FULL if full else _FILES),
        _skipped(result),
        Section("Notes", (Sentences(result.notes),)) if result.notes else None,
    )
    title = f"contam filter: {', '.join(result.sources[:3])}{' ...' if len(result.sources) > 3 else ''}"
    kept = tuple(section for section in sections if section is not None)
    return Page(title, None, kept, f"{result.seconds:.1f} s")


def _told(result: Filtered) -> tuple[str, ...]:
    share = f"{100 * result.dropped / max(1, result.documents):.2f} %"
    verb = "would be dropped" if result.dry_run else "dropped"
    told = [
        f"{result.dropped:,} of {plural(result.documents, 'document')} {verb} ({share};"
        f" {size_of(result.dropped_bytes)} of {size_of(result.bytes)} of text)"
        if result.dropped
        else f"nothing to drop among {plural(result.documents, 'document')}"
    ]
    if result.unread:
        what = "dropped as well" if result.unread_dropped else "kept as they are (--drop-unread drops them)"
        told.append(f"{plural(result.unread, 'record')} could not be read as documents: {what}")
    if result.dry_run:
        told.append("a dry run: nothing is written")
        if not result.kept:
            told.append("no document would be left: without --dry-run this is an error")
    else:
        told.append(f"written to {result.out}; what was dropped is listed in {result.manifest}")
    return tuple(told)


def _rules(result: Filtered) -> Section:
    rows = tuple(
        (r.rule, r.name, f"{r.documents:,}", f"{r.alone:,}", "-" if r.limit is None else f"{r.limit:g}")
        for r in result.by_rule
    )
    marks = tuple("warn" if r.documents else "pass" for r in result.by_rule)
    return Section("Dropped by rule", (Table(("rule", "name", "documents", "alone", "limit"), rows, marks, True),))


def _audits(result: Filtered) -> Section | None:
    if result.before is None:
        return None
    told = [f"before: {_verdict(result.before)}"]
    if result.after is not None:
        told.append(f"after: {_verdict(result.after)}")
        before = {rule.id: rule.status for rule in result.before.rules}
        now = {rule.id: rule.status for rule in result.after.rules}
        other = [rule for rule in before if now.get(rule, before[rule]) != before[rule]]
        changed = [f"{rule} {before[rule]} -> {now[rule]}" for rule in other]
        told.append(f"rules that changed: {', '.join(changed) or 'none'}")
    return Section("Verdict before and after", (Sentences(tuple(told)),))


def _verdict(audit: Audit) -> str:
    banner = banner_of(audit)
    return f"{banner.level.replace('_', ' ')} ({banner.headline})"


def _figures(result: Filtered) -> Section | None:
    if result.before is None or result.after is None:
        return None
    sides = [audit.whole | audit.signals for audit in (result.before, result.after)]
    rows = tuple(
        (name_of(key), *(written(side[key].value, key) for side in sides))
        for key in _FIGURES
        if all(key in side and side[key].value is not None for side in sides)
    )
    return Section("Figures", (Table(("figure", "before", "after"), rows, (), True),)) if rows else None


def _documents(result: Filtered) -> Section | None:
    if not result.worst:
        return None
    items = tuple(Excerpt(w.id, f"{w.rule} {w.value:.2f}", w.excerpt) for w in result.worst[:_WORST])
    title = "Documents that would go" if result.dry_run else "Dropped documents"
    return Section(f"{title}, some of each rule", (Excerpts(items),))


def _files(result: Filtered, most: int) -> Section | None:
    touched = [f for f in result.files if f.dropped]
    if len(result.files) < 2 or not touched:
        return None
    touched.sort(key=lambda f: (-f.dropped, f.path))
    rows = tuple((f.path, f"{f.dropped:,}", f"{f.documents:,}", _left(f)) for f in touched[:most])
    more = len(touched) - len(rows)
    blocks: tuple[Table | Sentences, ...] = (Table(("file", "dropped", "of", ""), rows, (), True),)
    if more:
        blocks += (Sentences((f"and {plural(more, 'more file')}",)),)
    return Section("Files", blocks)


def _left(file: FilteredFile) -> str:
    """What is to be said of a file of which nothing stays."""
    return "no record is left" if file.dropped == file.documents and not file.unread else ""


def _skipped(result: Filtered) -> Section | None:
    if not result.skipped:
        return None
    told = [f"{s.path}{'' if s.line is None else f':{s.line}'}: {s.reason}" for s in result.skipped[:_FILES]]
    more = result.skipped_total - len(told)
    return Section("Not read", (Sentences((*told, *((f"and {more:,} more",) if more > 0 else ()))),))
