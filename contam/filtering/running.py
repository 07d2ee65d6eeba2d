"""`contam.filter_corpus`: measure every document, decide, write what stays, audit before and after."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from contam.auditing import audit
from contam.corpus import Corpus
from contam.engine import Progress
from contam.errors import InputError, UsageError
from contam.filtering.copying import Layout
from contam.filtering.deciding import Decided, Finding, Read, changed, decide
from contam.filtering.measuring import Documents, measure_documents
from contam.filtering.options import DOCUMENT_RULES, DUP001, PPL001, UNREAD, FilterOptions
from contam.filtering.places import ROWS, Inputs, Item, Output, find_inputs, find_output, state_of
from contam.filtering.result import Dropped, Filtered, FilteredFile
from contam.filtering.surprise import Scorer, ordinary
from contam.filtering.writing import Cuts, manifest_beside, unread_lines, whole_or_not, write_item
from contam.formats.csv_table import TableRows
from contam.formats.csv_table import tasks as table_tasks
from contam.formats.task import ReadOptions
from contam.result import Audit, DocumentFinding

WORST = 20
NAMED = 50
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def filter_corpus(
    source: Paths, out: str | os.PathLike[str] | None, options: FilterOptions | None = None, **changes: Any
) -> Filtered:
    """Write a corpus without the documents that rules point at; ``out`` is None for a dry run only.

    ``changes`` are fields of `FilterOptions`. A file gives a file, a folder or several files a folder. Nothing is
    changed in place. Raises InputError or UsageError, with nothing written, where that cannot be done, and where
    nothing would be left.
    """
    options = replace(options or FilterOptions(), **changes)
    begin = time.perf_counter()
    if out is None and not options.dry_run:
        raise UsageError("where to write? give an output, or ask for a dry run")
    paths = _paths(source)
    inputs = find_inputs(paths, options.reading)
    output = None if options.dry_run or out is None else find_output(Path(out), inputs, options.manifest, options.force)
    work = _work(paths, inputs, options)
    if output is not None:
        _write(work, output)
    result = replace(_result(work, output), seconds=time.perf_counter() - begin)
    if output is None or options.audit is None:
        return result
    before, after = (_audited(options, given) for given in (paths, [str(output.path)]))
    return replace(result, before=before, after=after, seconds=time.perf_counter() - begin)


def _paths(source: Paths) -> list[str]:
    return [os.fspath(p) for p in ([source] if isinstance(source, (str, os.PathLike)) else source)]


@dataclass(frozen=True, slots=True)
class Work:
    """All that is known once every document is judged."""

    paths: tuple[str, ...]
    inputs: Inputs
    options: FilterOptions
    documents: Documents
    against: Documents | None
    decided: Decided
    cuts: tuple[Cuts, ...]


def _work(paths: list[str], inputs: Inputs, options: FilterOptions) -> Work:
    names = tuple(item.source.name for item in inputs.items)
    reading = options.reading
    corpus = partial(Corpus.open, paths, reading)
    against = _against(options)
    options, scorer = _scorer(options)
    documents = measure_documents(corpus(), names, options, scorer)
    if not len(documents):
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in (*inputs.skipped, *documents.skipped)[:3])
        raise InputError(f"no documents in {', '.join(paths)}{': ' + reasons if reasons else ''}")
    _check_complete(documents)
    decided = decide(Read(corpus, documents), against, options)
    if options.on_progress:
        options.on_progress(Progress("writing"))
    cuts = tuple(_cuts(inputs, documents, decided, options))
    if not options.dry_run and not any(c.left for c in cuts):
        raise InputError("nothing would be left: every document is flagged; look at them with --dry-run")
    return Work(tuple(paths), inputs, options, documents, against.documents if against else None, decided, cuts)


def _scorer(options: FilterOptions) -> tuple[FilterOptions, Scorer | None]:
    """The model of PPL001, and the options with its limits."""
    if PPL001 not in options.chosen or options.model is None:
        return options, None
    scorer = Scorer(options.model, options.device, options.precision)
    if options.surprise is None and options.trusted is not None:
        options = replace(options, surprise=ordinary(scorer, _paths(options.trusted), options.reading))
    return options, scorer


def _against(options: FilterOptions) -> Read | None:
    """The text whose copies are dropped."""
    if options.against is None:
        return None
    if not any(rule.startswith("DUP") for rule in options.chosen):
        raise UsageError("--against needs DUP001 or DUP002 among the rules")
    given = _paths(options.against)
    for path in given:
        if path == "-" or "://" in path:
            raise InputError(f"{path}: cannot be compared with, because it is read twice: save it to a file first")
    from contam.formats.listing import listing

    reading = ReadOptions(split=options.split)
    names = tuple(s.name for s in listing(given).sources)
    opened = partial(Corpus.open, given, reading)
    documents = measure_documents(opened(), names, replace(options, on_progress=None))
    if not len(documents):
        raise InputError(f"no documents in {', '.join(given)}")
    return Read(opened, documents)


def _check_complete(documents: Documents) -> None:
    """A file of which only a part could be read is not filtered: what is behind it would not be judged."""
    read = {documents.names[i] for i in np.unique(documents.files).tolist()}
    for problem in documents.incomplete:
        if problem.path in read:
            raise InputError(
                f"{problem.path}: only a part could be read ({problem.reason}); repair it, or leave it out"
            )


def _cuts(inputs: Inputs, documents: Documents, decided: Decided, options: FilterOptions) -> Iterator[Cuts]:
    """What happens to each file that has documents."""
    n = len(decided.order) - decided.fixed
    order = decided.order[decided.fixed :] - decided.fixed
    flagged = np.zeros(n, bool)
    flagged[np.fromiter(decided.findings, np.int64, len(decided.findings)) - decided.fixed] = True
    files, lines = documents.files[order], documents.lines[order]
    for number, item in enumerate(inputs.items):
        a, b = np.searchsorted(files, (number, number + 1)).tolist()
        if a == b:
            continue
        own = lines[a:b]
        dropped = np.setdiff1d(own[flagged[a:b]], own[~flagged[a:b]])
        odd = item.source.name in documents.odd
        layout = _layout(item, options.reading) if item.kind == ROWS and (len(dropped) or odd) else None
        unread = unread_lines(item, own, layout, options.reading) if odd else np.empty(0, np.int64)
        if options.drop_unread:
            dropped = np.union1d(dropped, unread)
        yield Cuts(item, own, dropped, unread, layout)


def _layout(item: Item, options: ReadOptions) -> Layout | None:
    """How a table is laid out, as its reader finds it."""
    return next((Layout.of(t) for t in table_tasks(item.source, options) if isinstance(t, TableRows)), None)


def _write(work: Work, output: Output) -> None:
    """Write all files and the manifest, or nothing."""
    with ExitStack() as stack:
        made = stack.enter_context(whole_or_not(output))
        for cuts in work.cuts:
            if cuts.left:
                write_item(cuts, made, output, work.options.reading)
        for item in work.inputs.items:
            if state_of(item.source.name) != item.state:
                raise changed(item.source.name)
        stack.enter_context(manifest_beside(output.manifest, manifest_rows(work)))


def manifest_rows(work: Work) -> Iterator[dict[str, Any]]:
    """Every reason for which a document is dropped, and every record that is none, in reading order."""
    documents, decided = work.documents, work.decided
    unread = {c.item.source.name: c.unread for c in work.cuts if len(c.unread)}
    reasons = {(s.path, s.line): s.reason for s in documents.skipped}
    for number in sorted(decided.findings):
        path, line = place_of(work, number)
        for finding in decided.findings[number]:
            yield _row(work, path, line, finding)
    for path, lines in unread.items():
        for line in lines.tolist():
            reason = reasons.get((path, line), "")
            kept = not work.options.drop_unread
            yield {"path": path, "line": line, "rule": UNREAD, "reason": reason, "kept": kept}


def _row(work: Work, path: str, line: int, finding: Finding) -> dict[str, Any]:
    rule = DOCUMENT_RULES[finding.rule]
    limit = None if rule.bounds is None else work.options.limit(finding.rule)
    if rule.id == PPL001 and work.options.surprise is not None:
        limit = work.options.surprise[0 if finding.value < work.options.surprise[0] else 1]
    row = {"path": path, "line": line, "rule": rule.id, "value": round(finding.value, 6), "limit": limit}
    return row if finding.of < 0 else row | {"of": "{}:{}".format(*place_of(work, finding.of))}


def place_of(work: Work, number: int) -> tuple[str, int]:
    """Path and line of a document by its number in reading order."""
    fixed, i = work.decided.fixed, int(work.decided.order[number])
    found = work.documents if number >= fixed else work.against
    assert found is not None
    i -= fixed if number >= fixed else 0
    return found.names[found.files[i]], int(found.lines[i])


def _result(work: Work, output: Output | None) -> Filtered:
    documents, findings = work.documents, work.decided.findings
    flagged = work.decided.order[np.array(sorted(findings), np.int64)] - work.decided.fixed
    out = "" if output is None else str(output.path)
    skipped = (*work.inputs.skipped, *documents.skipped)
    asked = work.options
    limits: dict[str, Any] = {rule: asked.limit(rule) for rule in asked.chosen if rule not in (DUP001, PPL001)}
    if asked.surprise is not None:
        limits[PPL001] = list(asked.surprise)
    return Filtered(
        work.paths, out, "" if output is None else str(output.manifest), len(documents), len(findings),
        int(documents.sizes.sum()), int(documents.sizes[flagged].sum()), sum(len(c.unread) for c in work.cuts),
        asked.drop_unread, _counted(work), tuple(_files(work, output)), _worst(work), skipped[:NAMED],
        len(skipped), _notes(work), asked.dry_run,
        settings={"rules": list(asked.chosen), "limits": limits},
    )  # fmt: skip


def _counted(work: Work) -> tuple[Dropped, ...]:
    """How many documents each rule flagged."""
    flagged: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    for found in work.decided.findings.values():
        rules = {finding.rule for finding in found}
        flagged.update(rules)
        if len(rules) == 1:
            alone.update(rules)
    chosen = (DOCUMENT_RULES[rule] for rule in work.options.chosen)
    return tuple(
        Dropped(r.id, r.name, None if r.bounds is None else work.options.limit(r.id), flagged[r.id], alone[r.id])
        for r in chosen
    )


def _files(work: Work, output: Output | None) -> Iterator[FilteredFile]:
    for cuts in work.cuts:
        out = ""
        if output is not None and cuts.left:
            out = str(output.path / cuts.item.target) if output.folder else str(output.path)
        gone = len(cuts.dropped) - (len(cuts.unread) if work.options.drop_unread else 0)
        yield FilteredFile(cuts.item.source.name, out, len(cuts.documents), gone, len(cuts.unread))


def _worst(work: Work) -> tuple[DocumentFinding, ...]:
    """The documents that stand for what each rule dropped: the worst of single documents, the first copies."""
    found = []
    for rule in work.options.chosen:
        rows = [r for r in work.documents.excerpts if r[0] == rule]
        rows.sort(key=lambda r: (-r[2], r[1]))
        found.append([DocumentFinding(work.documents.id(i), rule, value, text) for _, i, value, text in rows[:WORST]])
        if not rows:
            found[-1] = _copies(work, rule)
    share = max(2, WORST // max(1, sum(bool(rows) for rows in found)))
    return tuple(finding for rows in found for finding in rows[:share])[:WORST]


def _copies(work: Work, rule: str) -> list[DocumentFinding]:
    out = []
    for number in sorted(work.decided.findings):
        for finding in work.decided.findings[number]:
            if finding.rule == rule and finding.of >= 0:
                of, name = ("{}:{}".format(*place_of(work, n)) for n in (finding.of, number))
                out.append(DocumentFinding(name, rule, finding.value, f"copies {of}"))
        if len(out) >= WORST:
            break
    return out


def _notes(work: Work) -> tuple[str, ...]:
    """What is not in the output, and why."""
    read = {c.item.source.name for c in work.cuts}
    notes = list(work.inputs.notes)
    links = [(path, item.source.name) for item in work.inputs.items for path, _ in item.links]
    notes += [f"{path}: the same file as {name}, read once and written like it" for path, name in links[:NAMED]]
    left_out = [item.source.name for item in work.inputs.items if item.source.name not in read]
    notes += [f"{name}: no document in it, left out" for name in left_out[:NAMED]]
    return tuple(notes)


def _audited(options: FilterOptions, paths: list[str]) -> Audit:
    """The audit of a corpus, read as the filter reads it."""
    assert options.audit is not None
    asked = replace(
        options.audit, text_field=options.text_field, split=options.split, workers=options.workers,
        on_progress=options.on_progress,
    )  # fmt: skip
    return audit([Path(p) for p in paths], asked)


