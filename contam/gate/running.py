"""The gate's audits: the files of every part of a corpus by themselves, and one record for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contam.auditing import AuditOptions, audit
from contam.baseline.record import NOT_WRITTEN
from contam.corpus import Corpus
from contam.errors import InputError
from contam.gate.excluding import told_of_excludes
from contam.gate.own import check_targets, own_files, root_of, told_of_own
from contam.gate.sources import matches
from contam.result import Audit, CorpusInfo, Documents, Level, Provenance, ReferenceInfo, Verdict

if TYPE_CHECKING:
    from contam.configuration.record import PerSource

REST = "everything else"


@dataclass(frozen=True)
class Division:
    """How a corpus is divided: ``sources`` are parts with settings of their own, ``exclude`` globs of files left out;
    both are relative to ``folder``.

    ``own`` are files and folders that the audit itself reads or writes (baselines, reports, a cache): no text of the
    corpus, so they are left out and told. ``complete`` says that everything the configuration includes is audited: a
    part without a file is then told, and one that has a baseline counts as not judged. ``notes`` are told with the
    audit.
    """

    sources: tuple[PerSource, ...] = ()
    exclude: tuple[str, ...] = ()
    folder: Path = Path()
    fail_on: str = "collapsing"
    allow_insufficient: bool = False
    own: tuple[Path, ...] = ()
    complete: bool = False
    notes: tuple[str, ...] = ()

    @property
    def divided(self) -> bool:
        """Whether files have to be told apart at all."""
        return bool(self.sources or self.exclude or self.own)

    def part_of(self, name: str) -> str | None:
        """The glob of the part to which a file belongs, ``""`` for the rest, None for a file that is left out."""
        if matches(name, self.exclude, self.folder) is not None:
            return None
        return matches(name, (source.glob for source in self.sources), self.folder) or ""


@dataclass
class _Heard:
    """What the parts gave: their audits, why some could not be judged, and what has to be told of them."""

    audits: list[Audit] = field(default_factory=list)
    failures: list[InputError] = field(default_factory=list)
    missing: list[Audit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def audit_parts(paths: Any, options: AuditOptions, division: Division) -> Audit:
    """Audit a corpus part by part; the record is that of the part which decides, with all of them in ``parts``.

    Without parts it is `contam.audit`. A part that cannot be read counts as one that could not be judged; InputError
    where there is nothing to read at all, UsageError where a baseline cannot be written to its place.
    """
    if not division.divided:
        return _noted(audit(paths, options), division.notes)
    names = _names(paths, options)  # a path that does not exist is an error, whatever part it would be of
    parts = list(_parts(options, division))
    check_targets(own.write_baseline for _, own in parts)
    ours = own_files(names, division.own)
    heard = _Heard(notes=[*division.notes, *_idle(paths, names, division), *told_of_own(ours)])
    for name, own in parts:
        corpus = _opened(paths, own, _belongs(division, name, ours))
        if corpus is None:
            _miss(name, own, heard, _asked_for(name, paths, division))
        else:
            _hear(name, own, heard, corpus)
    return _record(paths, division, heard)


def _hear(name: str, options: AuditOptions, heard: _Heard, corpus: Corpus) -> None:
    """Audit one part; one that cannot be read does not lose the others."""
    try:
        heard.audits.append(replace(audit(corpus, options), name=name))
    except InputError as error:
        heard.failures.append(error)
        info = CorpusInfo(corpus.sources, corpus.files, 0, 0, 0, corpus.skipped, len(corpus.skipped))
        heard.audits.append(_unjudged(name, info, str(error)))


def _miss(name: str, options: AuditOptions, heard: _Heard, asked: bool) -> None:
    """Tell of a part without files: no baseline can be written of it, and one that it has cannot be compared with."""
    told = f"no file that can be read fits {name}" if name else "every file belongs to a part with settings of its own"
    if options.write_baseline is not None:
        heard.notes.append(f"{NOT_WRITTEN} {options.write_baseline}: {told}")
    if not asked:
        return
    if options.baseline is not None:
        reason = f"{told}: there is nothing to compare with the baseline {options.baseline}"
        heard.missing.append(_unjudged(name, CorpusInfo((name or REST,), 0, 0, 0, 0), reason))
    elif name:
        heard.notes.append(told)


def _record(paths: Any, division: Division, heard: _Heard) -> Audit:
    """One record of all parts; InputError where none of them could be read."""
    audits = heard.audits
    if len(heard.failures) == len(audits):
        raise heard.failures[0] if heard.failures else InputError(_nothing(paths, division))
    if not division.sources and not heard.missing:
        alone = audits[0] if audits[0].parts else replace(audits[0], name="")
        return _noted(alone, heard.notes)
    audits = [part for one in [*audits, *heard.missing] for part in _flat(one)]
    return _noted(replace(deciding(audits, division), parts=tuple(audits)), heard.notes)


def _noted(found: Audit, notes: Iterable[str]) -> Audit:
    """The record with notes that are of no single part."""
    return replace(found, notes=(*found.notes, *notes))


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


def _names(paths: Any, options: AuditOptions) -> list[str]:
    """The names of all files, and of what cannot be read; InputError for a path that does not exist."""
    names: list[str] = []

    def keep(name: str) -> bool:
        names.append(name)
        return True

    Corpus.open(paths, options.reading, keep)
    return names


def _belongs(division: Division, name: str, ours: frozenset[str]) -> Callable[[str], bool]:
    return lambda file: file not in ours and division.part_of(file) == name


def _opened(paths: Any, options: AuditOptions, keep: Callable[[str], bool]) -> Corpus | None:
    """The files of one part; None where there are none."""
    try:
        return Corpus.open(paths, options.reading, keep)
    except InputError:
        return None


def _asked_for(name: str, paths: Any, division: Division) -> bool:
    """Whether files of a part would be among what is audited: all of the configuration's, or all below the folder that
    the part's glob begins with."""
    if division.complete or not name:
        return division.complete
    root = Path(os.path.abspath(division.folder / root_of(name)))  # noqa: PTH100 - pathlib's keeps the ".."
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    return any(root.is_relative_to(os.path.abspath(path)) for path in given)  # noqa: PTH100


def _idle(paths: Any, names: list[str], division: Division) -> tuple[str, ...]:
    """Notes of globs of ``exclude`` that fit nothing, as far as what they would fit is among what is audited."""
    globs = [glob for glob in division.exclude if _asked_for(glob, paths, division)]
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    return told_of_excludes(globs, names, division.folder, map(str, given)) if globs else ()


def _nothing(paths: Any, division: Division) -> str:
    told = f" (exclude = {list(division.exclude)})" if division.exclude else ""
    told += f" (contam's own: {', '.join(map(str, division.own))})" if division.own and not told else ""
    return f"nothing to audit in {paths}: every file is left out{told}"


def _unjudged(name: str, info: CorpusInfo, reason: str) -> Audit:
    """A part that could not be read, as an audit without evidence."""
    verdict = Verdict(Level.INSUFFICIENT, reasons=(reason,))
    made = Provenance("", 0, 0.0, 0.0)
    return Audit(info, ReferenceInfo("", 0, None), verdict, {}, {}, (), Documents(), made, name=name)
