"""An audit as a page: the verdict, then why, what to do, the figures, the rules, the documents, the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from contam.baseline.record import NEW
from contam.reports.findings import Gate, at_gate, document_told, means
from contam.reports.gate_section import failed_by, gate_section
from contam.reports.page import Banner, Bar, Bars, Excerpt, Excerpts, Page, Section, Sentences, Table
from contam.result import Audit, Figure, Provenance
from contam.rules import failing
from contam.wording import name_of, probability, written

_SHOWN_SKIPS = 8
_SHOWN_DOCUMENTS = 8
_SURPRISE, _SHARE = "PPL001", "SYN001"
_ONE_DOCUMENT = "the score orders the documents of one source; it proves nothing of any single one"
_CAPTION = (
    "The arrow is where collapse moves a figure. The bar is the references' 5 to 95 % with the median, "
    "the last column the share of references below."
)
_PAIRED_CAPTION = (
    "The arrow is where collapse moves a figure. The bar is where 5 to 95 % of texts of the trusted source "
    "would lie, going by halves of human sources; the last column is the share of them below."
)


def draw_audit(audit: Audit, full: bool = False, gate: Gate | None = None) -> Page:
    """The page of an audit; sections with nothing to say are left out.

    Of a corpus that was audited in parts, the deciding one comes first; the others follow whole on a ``full`` page, and
    with what was found on a short one.
    """
    title, banner = _title(audit), banner_of(audit)
    footer = _footer(audit.provenance, audit.corpus.digest)
    if not audit.parts:
        return Page(title, banner, _kept(_gate(audit), *_sections(audit, full)), footer)
    parts = sorted(audit.parts, key=lambda part: part.name != audit.name)
    general = tuple(note for note in audit.notes if note not in parts[0].notes)
    sections = [*_kept(_gate(audit)), _overview(parts, gate or Gate()), *_kept(_sentences("Notes", general))]
    for place, part in enumerate(parts):
        found = _sections(part, full) if full or place == 0 else _short(part)
        sections += [replace(section, title=f"{part.name}: {section.title}") for section in _kept(*found)]
    return Page(title, banner, tuple(sections), footer)


def _kept(*sections: Section | None) -> tuple[Section, ...]:
    return tuple(section for section in sections if section is not None)


def _sections(audit: Audit, full: bool = False) -> tuple[Section | None, ...]:
    """All that there is to say of one audit, the reasons first."""
    return (
        _sentences("Why", audit.verdict.reasons),
        _sentences("What to do", audit.verdict.advice),
        _since(audit),
        _signals(audit),
        _share(audit),
        _rules(audit),
        _documents(audit, full),
        _strangest(audit),
        _machine_like(audit),
        _whole(audit.whole),
        _skipped(audit),
        _sentences("Notes", audit.notes),
    )


def _short(audit: Audit) -> tuple[Section | None, ...]:
    """What was found in one part of several, without its figures."""
    return (_sentences("Why", audit.verdict.reasons), _rules(audit), _documents(audit), _skipped(audit))


def _gate(audit: Audit) -> Section | None:
    """What the gate asked for in every part, the deciding one first."""
    parts = sorted(audit.parts, key=lambda part: part.name != audit.name) or [audit]
    return gate_section([(part.name, rule) for part in parts for rule in part.rules])


def _overview(parts: Sequence[Audit], gate: Gate) -> Section:
    """The parts of a corpus in a line each, the deciding one first."""
    rows = []
    for part in parts:
        p = "" if part.verdict.p_value is None else probability(part.verdict.p_value)
        size = (f"{part.corpus.documents:,}", f"{part.corpus.tokens:,}")
        name = part.name or ", ".join(part.corpus.sources)
        rows.append((name, part.level.value.replace("_", " "), p, *size, _broken(part, gate)))
    columns = ("part", "level", "p", "documents", "words", "fails the gate")
    return Section("Parts, audited one by one", (Table(columns, tuple(rows), header=True),))


def _broken(part: Audit, gate: Gate) -> str:
    """What of a part fails the gate: its level, enforced rules; or that it could not be judged."""
    told = ["its level"] if at_gate(part.verdict, gate) else []
    if gate.fail_on != "never":
        told += [rule.id for rule in part.rules if rule.enforced and rule.status == "fail"]
    undecided = part.exit_code(gate.fail_on, gate.allow_insufficient) == 2
    return "could not be judged" if undecided else ", ".join(told)


def _since(audit: Audit) -> Section | None:
    """What changed since the baseline."""
    if audit.since is None:
        return None
    from contam.reports.baseline_section import section_of

    return section_of(audit.since)


def banner_of(audit: Audit) -> Banner:
    """The verdict in one line: what the test said, against which references."""
    verdict, reference = audit.verdict, audit.reference
    said = []
    if verdict.p_value is not None:
        said.append(f"p = {probability(verdict.p_value)}".replace("= <", "<"))
    if verdict.score is not None:
        said.append(f"score {verdict.score:.1f}")
    said.append(_against(audit) if reference.name else "no reference")
    rules = [rule for part in audit.parts or (audit,) for rule in part.rules]
    return Banner(verdict.level.value, ", ".join(said), verdict.detection_floor, failed_by(rules))


def _against(audit: Audit) -> str:
    reference = audit.reference
    size = f", {reference.matched_tokens:,} matched words" if reference.matched_tokens else ""
    if reference.paired:
        return f"{reference.name} ({reference.sources:,} pairs{size})"
    return f"reference {reference.name} ({reference.sources:,} sources{size})"


def _title(audit: Audit) -> str:
    """The command, what it read, and how much that was, of all parts together."""
    read = [part.corpus for part in audit.parts or (audit,) if not part.name.endswith(NEW)]
    given = list(dict.fromkeys(source for corpus in read for source in corpus.sources))
    sources = ", ".join(given[:3])
    more = f" and {len(given) - 3} more" if len(given) > 3 else ""
    documents, words, files = (sum(getattr(c, name) for c in read) for name in ("documents", "tokens", "files"))
    size = f"{plural(documents, 'document')}, {plural(words, 'word')}, {size_of(sum(c.bytes for c in read))}"
    return f"contam {audit.command}: {sources}{more} ({size} in {plural(files, 'file')})"


def _sentences(title: str, items: tuple[str, ...]) -> Section | None:
    return Section(title, (Sentences(items),)) if items else None


def _signals(audit: Audit) -> Section | None:
    if not audit.signals:
        return None
    rows = tuple(
        replace(bar_of(key, figure), base=_base(audit, key))
        for key, figure in audit.signals.items()
        if figure.value is not None
    )
    matched = audit.reference.matched_tokens
    title = f"Figures at {matched:,} matched words" if matched else "Figures of the matched sample"
    banded = any(row.band is not None for row in rows)
    caption = _PAIRED_CAPTION if audit.reference.paired else _CAPTION
    missing = unmeasured(audit.signals)
    lists = (Sentences(missing),) if missing else ()
    return Section(title, (Bars(rows, caption if banded else ""), *lists))


def _base(audit: Audit, key: str) -> float | None:
    """The baseline's value of a figure."""
    moved = audit.since.changes.get(key) if audit.since is not None else None
    return moved.base if moved is not None else None


def unmeasured(figures: Mapping[str, Figure]) -> tuple[str, ...]:
    """Which figures could not be measured, by reason."""
    reasons: dict[str, list[str]] = {}
    for key, figure in figures.items():
        if figure.value is None:
            reasons.setdefault(figure.reason or "no reason given", []).append(name_of(key))
    return tuple(f"not measured ({why}): {', '.join(names)}" for why, names in reasons.items())


def bar_of(key: str, figure: Figure) -> Bar:
    """A measured figure as a bar."""
    note = "" if figure.place is None else f"{100 * figure.place:.0f} %"
    name, shown = name_of(key), written(figure.value, key)
    outside = _outside(figure)
    return Bar(name, figure.value, shown, figure.direction, figure.band, figure.interval, note, outside, figure.limits)


def _outside(figure: Figure) -> bool:
    """Beyond the band on the side of collapse."""
    if figure.value is None or figure.band is None:
        return False
    low = figure.value < figure.band[0] and figure.direction in ("falls", "both")
    return low or (figure.value > figure.band[2] and figure.direction in ("rises", "both"))


def _whole(whole: Mapping[str, Figure]) -> Section | None:
    shown = {k: f for k, f in whole.items() if not _detail(k) and f.value is not None}
    if not shown:
        return None
    rows = tuple((name_of(key), written(figure.value, key), figure.unit) for key, figure in shown.items())
    table = Table(("figure", "value", "unit"), rows)
    return Section("Whole corpus (many of these grow or fall with size)", (table,))


def _detail(key: str) -> bool:
    """The single Gopher limits are in the JSON; the page shows their union."""
    return key.startswith("repetition.gopher_") and key != "repetition.gopher_documents"


def _rules(audit: Audit) -> Section | None:
    if not audit.rules:
        return None
    loud = failing(audit.rules)
    rows = tuple((rule.id, rule.status, rule.message) for rule in loud)
    blocks: list[Table | Sentences] = []
    if rows:
        blocks.append(Table(("rule", "status", "finding"), rows, tuple(rule.status for rule in loud)))
    blocks.append(Sentences(_rule_summary(audit)))
    return Section("Rules", tuple(blocks))


def _rule_summary(audit: Audit) -> tuple[str, ...]:
    """How many rules passed, and which were skipped for which reason: a skipped rule has not passed."""
    counts = Counter(rule.status for rule in audit.rules)
    told = ", ".join(f"{counts[s]} {s}" for s in ("pass", "warn", "fail", "skipped") if counts[s])
    reasons: dict[str, list[str]] = {}
    for rule in audit.rules:
        if rule.status == "skipped":
            reasons.setdefault(rule.message.removeprefix("skipped: "), []).append(rule.id)
    skips = tuple(f"skipped {', '.join(ids)}: {reason}" for reason, ids in reasons.items())
    return (f"{len(audit.rules)} rules: {told} (contam rule ID explains one)", *skips)


def _documents(audit: Audit, full: bool = False) -> Section | None:
    worst = [found for found in audit.documents.worst if found.rule not in (_SURPRISE, _SHARE)]
    if not worst:
        return None
    items = tuple(Excerpt(one.id, document_told(one), one.excerpt, one.rule, one.value) for one in worst)
    flagged = plural(audit.documents.flagged, "document")
    likely = any(means(one.rule) for one in worst)
    blocks = (Excerpts(items[: None if full else _SHOWN_DOCUMENTS]), *((Sentences((_proviso(),)),) if likely else ()))
    title = f"Worst of {flagged} flagged" if audit.documents.flagged else "Documents that pull the corpus most"
    return Section(title, blocks)


def _proviso() -> str:
    from contam.attributing import PROVISO

    return f"Of rules of the whole corpus: {PROVISO}."


def _strangest(audit: Audit) -> Section | None:
    """The passages that a model found easiest or hardest, beside what it made of the corpus."""
    found = [one for one in audit.documents.worst if one.rule == _SURPRISE]
    if not found:
        return None
    usual = audit.signals["perplexity.bits_per_byte"].value
    items = [
        Excerpt(one.id, f"{one.value:.2f} bits a byte (corpus {written(usual)})", one.excerpt)
        for one in found[:_SHOWN_DOCUMENTS]
    ]
    return Section("Strangest passages under the model", (Excerpts(tuple(items)),))


def _share(audit: Audit) -> Section | None:
    """What was found of the synthetic share, or why nothing is told."""
    share = audit.synthetic_share
    return _sentences("Synthetic share", share.sentences) if share is not None else None


def _machine_like(audit: Audit) -> Section | None:
    """The documents with the highest scores, where there are more of them than in the trusted text."""
    found = [one for one in audit.documents.worst if one.rule == _SHARE]
    if not found:
        return None
    items = tuple(Excerpt(one.id, f"score {one.value:.2f}", one.excerpt) for one in found[:_SHOWN_DOCUMENTS])
    return Section("Most instruct-like documents of the sample", (Sentences((_ONE_DOCUMENT,)), Excerpts(items)))


def _skipped(audit: Audit) -> Section | None:
    corpus = audit.corpus
    total = max(corpus.skipped_total, len(corpus.skipped))
    if not total:
        return None
    told = [f"{s.path}:{s.line}: {s.reason}" if s.line else f"{s.path}: {s.reason}" for s in corpus.skipped]
    left = total - min(len(told), _SHOWN_SKIPS)
    more = [f"and {left:,} more"] if left else []
    return Section(f"Skipped: {plural(total, 'input')}", (Sentences((*told[:_SHOWN_SKIPS], *more)),))


def _footer(made: Provenance, digest: str) -> str:
    from contam import __version__

    parts = [f"contam {__version__}", f"seed {made.seed}", plural(made.workers, "worker")]
    parts += [f"{made.seconds:.1f} s", f"{size_of(made.bytes_per_second)}/s", f"config {made.config_digest}"]
    if made.restored_files:
        total = made.restored_files + made.measured_files
        parts.append(f"{made.restored_files:,} of {plural(total, 'file')} from the cache")
    if digest:
        parts.append(f"corpus {digest}")
    return ", ".join(part for part in parts if not part.endswith(" "))


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def size_of(count: float) -> str:
    """Bytes for people, in powers of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
