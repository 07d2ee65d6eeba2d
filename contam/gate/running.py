"""The gate's audits: the files of every part of a corpus by themselves, and one record for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.auditing import AuditOptions, audit
from contam.corpus import Corpus
from contam.errors import InputError
from contam.gate.sources import matches
from contam.result import Audit, CorpusInfo, Documents, Level, Provenance, ReferenceInfo, Verdict

if TYPE_CHECKING:
    from contam.configuration.record import PerSource

REST = "everything else"


@dataclass(frozen=True)
class Division:
    """How a corpus is divided: ``sources`` are parts with settings of their own, ``exclude`` globs of files left out;
    both are relative to ``folder``."""

    sources: tuple[PerSource, ...] = ()
    exclude: tuple[str, ...] = ()
    folder: Path = Path()
    fail_on: str = "collapsing"
    allow_insufficient: bool = False

    @property
    def divided(self) -> bool:
        """Whether files have to be told apart at all."""
        return bool(self.sources or self.exclude)

    def part_of(self, name: str) -> str | None:
        """The glob of the part to which a file belongs, ``""`` for the rest, None for a file that is left out."""
        if matches(name, self.exclude, self.folder) is not None:
            return None
        return matches(name, (source.glob for source in self.sources), self.folder) or ""


def audit_parts(paths: Any, options: AuditOptions, division: Division) -> Audit:
    """Audit a corpus part by part; the record is that of the part which decides, with all of them in ``parts``.

    Without parts it is `contam.audit`. A part that cannot be read counts as one that could not be judged; InputError
    where there is nothing to read at all.
    """
    if not division.divided:
        return audit(paths, options)
    Corpus.open(paths, options.reading)  # a path that does not exist is an error, whatever part it would be of
    audits: list[Audit] = []
    failures: list[InputError] = []
    for name, own in _parts(options, division):
        corpus = _opened(paths, own, _belongs(division, name))
        if corpus is None:
            continue
        try:
            audits.append(replace(audit(corpus, own), name=name))
        except InputError as error:
            failures.append(error)
            audits.append(_unjudged(name, corpus, error))
    if not audits or len(failures) == len(audits):
        raise failures[0] if failures else InputError(_nothing(paths, division))
    if not division.sources:
        return audits[0] if audits[0].parts else replace(audits[0], name="")
    audits = [part for one in audits for part in _flat(one)]
    return replace(deciding(audits, division), parts=tuple(audits))


def _flat(one: Audit) -> list[Audit]:
    """A part, or the parts that a baseline made of it: the whole of it, and what is new since the baseline."""
    name = one.name or REST
    if not one.parts:
        return [replace(one, name=name)]
    first, *others = one.parts
    return [replace(first, name=name), *(replace(other, name=f"{name}, {other.name}") for other in others)]


def deciding(audits: Iterable[Audit], division: Division) -> Audit:
    """The part that decides the exit code: one that fails, else one that could not be judged, else the worst level."""

    def weight(one: Audit) -> tuple[int, int]:
        code = one.exit_code(division.fail_on, division.allow_insufficient)
        return {1: 2, 2: 1}.get(code, 0), one.level.severity

    return max(audits, key=weight)


def _parts(options: AuditOptions, division: Division) -> Iterable[tuple[str, AuditOptions]]:
    yield "", options
    for source in division.sources:
        own = {"baseline": None, "write_baseline": None} | dict(source.options)  # a baseline is one of everything else
        yield source.glob, replace(options, **own, policy=source.policy)


def _belongs(division: Division, name: str) -> Callable[[str], bool]:
    return lambda file: division.part_of(file) == name


def _opened(paths: Any, options: AuditOptions, keep: Callable[[str], bool]) -> Corpus | None:
    """The files of one part; None where there are none."""
    try:
        return Corpus.open(paths, options.reading, keep)
    except InputError:
        return None


def _nothing(paths: Any, division: Division) -> str:
    told = f" (exclude = {list(division.exclude)})" if division.exclude else ""
    return f"nothing to audit in {paths}: every file is left out{told}"


def _unjudged(name: str, corpus: Corpus, error: InputError) -> Audit:
    """A part that could not be read, as an audit without evidence."""
    verdict = Verdict(Level.INSUFFICIENT, reasons=(str(error),))
    info = CorpusInfo(corpus.sources, corpus.files, 0, 0, 0, corpus.skipped, len(corpus.skipped))
    made = Provenance("", 0, 0.0, 0.0)
    return Audit(info, ReferenceInfo("", 0, None), verdict, {}, {}, (), Documents(), made, name=name)
