"""Which file goes where: what can be written back, and what an output may be."""

from __future__ import annotations

import codecs
import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from contam.errors import InputError, UsageError
from contam.filtering.suffixes import check_suffix
from contam.formats import sniffing
from contam.formats.fields import FieldProblem
from contam.formats.json_document import records_in
from contam.formats.listing import Listing
from contam.formats.pointers import not_fetched
from contam.formats.records import parse, sample
from contam.formats.streams import HEAD, MARKS, Stream, human
from contam.formats.task import ReadOptions, Source
from contam.result import Skipped

WHOLE, LINES, PARAGRAPHS, ROWS, ELEMENTS, PARQUET, ARROW = (
    "whole", "lines", "paragraphs", "rows", "elements", "parquet", "arrow",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the corpus: where its copy goes (relative to the output) and how records are parted in it.

    ``state`` is what tells whether the file was changed since: size, time, inode. ``links`` are other paths of the
    corpus that are the same file, by hard or symbolic links, and where their copies go.
    """

    source: Source
    target: str
    kind: str
    state: tuple[int, int, int]
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files of a corpus; ``single`` where one file was named, so that the output is a file;
    ``folders`` are those that were named, or matched."""

    items: tuple[Item, ...]
    single: bool
    folders: tuple[Path, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]


def state_of(path: str) -> tuple[int, int, int]:
    """What changes when a file does."""
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns, status.st_ino


def find_inputs(paths: Iterable[str], options: ReadOptions) -> Inputs:
    """The files behind paths, each with its place in the output.

    Raises InputError for what is not there, and for what could not be written back: pipes, addresses, folders saved by
    datasets, one JSON object with the records inside, UTF-16.
    """
    given = [os.fspath(path) for path in paths]
    if not given:
        raise InputError("nothing to filter: give a file or a folder")
    found = Listing(options.strict)
    for path in given:
        if path == "-" or "://" in path:
            raise InputError(f"{path}: cannot be filtered, because it is read twice: save it to a file first")
        found.add(path)
    if found.pointers:
        raise not_fetched(found.pointers, len(found.sources) + len(found.pointers))
    if not found.sources:
        reasons = "; ".join(f"{s.path}: {s.reason}" for s in found.skipped[:3])
        raise InputError(f"nothing to filter{': ' + reasons if reasons else ''}")
    links = _links(found)
    single = len(given) == 1 and len(found.sources) == 1 and not links and not Path(given[0]).is_dir()
    base = _base(given, [*(s.name for s in found.sources), *(path for paths in links.values() for path in paths)])
    items = tuple(_linked(_item(source, base, options), links, base) for source in found.sources)
    return Inputs(items, single, tuple(_folders(given)), found.skipped, tuple(found.notes))


def _folders(given: list[str]) -> Iterator[Path]:
    """The folders among paths and globs."""
    for path in given:
        named = [path] if Path(path).exists() else glob.glob(path, recursive=True)  # noqa: PTH207
        yield from (Path(name).resolve() for name in named if Path(name).is_dir())


def _links(found: Listing) -> dict[str, list[str]]:
    """The other paths of each file, but for other ways to write its own."""
    links: dict[str, dict[str, str]] = {}
    for path, first in found.links:
        if _absolute(path) != _absolute(first):
            links.setdefault(first, {}).setdefault(_absolute(path), path)
    return {first: list(paths.values()) for first, paths in links.items()}


def _linked(item: Item, links: Mapping[str, list[str]], base: str) -> Item:
    """A file with its other paths."""
    named = links.get(item.source.name, ())
    return replace(item, links=tuple((path, os.path.relpath(_absolute(path), base)) for path in named))


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - links are not followed


def _base(given: list[str], names: list[str]) -> str:
    """The folder that the structure of the output is relative to."""
    if len(given) == 1 and Path(given[0]).is_dir():
        return _absolute(given[0])
    folders = [os.path.dirname(_absolute(name)) for name in names]  # noqa: PTH120
    return os.path.commonpath(folders)


def _item(source: Source, base: str, options: ReadOptions) -> Item:
    if source.size is None:
        raise InputError(f"{source.name}: no regular file; it is read twice, so save it to a file first")
    if source.format == "arrow" and (Path(source.name).parent / "state.json").is_file():
        raise InputError(
            f"{source.name}: part of a folder that datasets has saved, which would not load without its other files:"
            " export it first (to_parquet, to_json)"
        )
    source = _sniffed(source)
    target = os.path.relpath(_absolute(source.name), base)
    try:
        kind = _kind(source, options)
    except InputError as error:
        raise InputError(f"{source.name}: {error}") from None
    return Item(source, target, kind, state_of(source.name))


def _sniffed(source: Source) -> Source:
    """A source whose compression and format are known, as far as the first bytes tell; it can be opened again."""
    if source.format is not None:
        return source
    found = sniffing.unpacked(source)
    if found is not source:
        found.open().close()
    return replace(source, format=found.format, compression=found.compression)


def _kind(source: Source, options: ReadOptions) -> str:
    if source.format in (PARQUET, ARROW):
        return str(source.format)
    if source.format == "text" and options.split is None:
        return WHOLE
    with Stream(source, options) as stream:
        head = stream.peek(HEAD)
        if stream.notes:
            raise InputError("UTF-16 or UTF-32 cannot be written back in parts: convert it to UTF-8 first")
        form = source.format or sniffing.format_within(stream)
        if form == "json_document":
            return _json_kind(stream, head)
    split = {None: WHOLE, "lines": LINES, "blank-lines": PARAGRAPHS}
    return {"jsonl": LINES, "csv_table": ROWS}.get(form) or split[options.split]


def _json_kind(stream: Stream, head: bytes) -> str:
    """An array, JSON lines, or one object: a single record, or an error."""
    if head.lstrip().startswith(b"["):
        return ELEMENTS
    line, _, rest = head.lstrip().partition(b"\n")
    if rest.strip() and sample([line]):
        return LINES
    limit = 4 * stream.options.max_document_bytes
    data = stream.read(limit + 1)
    try:
        value = parse(data) if len(data) <= limit else {}
    except FieldProblem:
        return WHOLE
    if isinstance(value, Mapping) and records_in(value) != [value]:
        raise InputError("one JSON object with the records inside cannot be written back: write them as JSON lines")
    if len(data) > limit:
        raise InputError(f"one JSON object of more than {human(limit)}: write its records as JSON lines")
    return WHOLE


class Raw(Stream):
    """The bytes of a source exactly as they are once decompressed, byte order marks included."""

    def _unmarked(self, pieces):  # type: ignore[no-untyped-def]
        """The pieces as they come."""
        yield from pieces


def marked(head: bytes) -> bool:
    """Whether bytes begin with a mark of UTF-16 or UTF-32."""
    return any(head.startswith(mark) for mark, _ in MARKS)


BOM = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Output:
    """Where the result goes: ``path``, a file or a folder, and its ``manifest``; ``replaced`` where there is one."""

    path: Path
    manifest: Path
    folder: bool
    replaced: bool


def find_output(out: Path, inputs: Inputs, manifest: Path | None, force: bool) -> Output:
    """The output, checked before anything is read; raises UsageError or InputError where it cannot be one."""
    if out.name in ("", ".."):
        raise UsageError(f"{str(out)!r} is no name for an output: name a new file or folder")
    beside = manifest or out.with_name(out.name + ".dropped")
    if inputs.single:
        check_suffix(out, inputs.items[0])
    exists, taken = _exists(out), _exists(beside)
    _check_apart(out, beside, inputs)
    if not out.parent.is_dir():
        raise UsageError(f"{out}: the folder {out.parent} does not exist")
    if not beside.parent.is_dir() or beside.is_dir():
        raise UsageError(f"{beside}: no place for the list of what was dropped (--manifest PATH)")
    if exists and not force:
        raise UsageError(f"{out} exists: name another output, or replace it with --force")
    if taken and not force:
        raise UsageError(f"{beside} exists: name another place with --manifest, or replace it with --force")
    if exists:
        _check_replaceable(out, beside, inputs.single)
    return Output(out, beside, not inputs.single, exists)


def _exists(path: Path) -> bool:
    """Whether there is something, or a link to nothing; UsageError for what no path can be."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path}: {why}: name another output, or another place for the list (--manifest)") from None
    return True


def _check_apart(out: Path, manifest: Path, inputs: Inputs) -> None:
    """Nothing is ever written into the corpus that is read."""
    target, listed = out.resolve(), manifest.resolve()
    if target in (listed, *listed.parents):
        raise UsageError(f"{manifest} is the output, or inside it: name another place with --manifest")
    for item in inputs.items:
        for name in (item.source.name, *(path for path, _ in item.links)):
            source = Path(_absolute(name))
            _check_file(out, manifest, source)
            _check_file(out, manifest, source.resolve())
    for folder in inputs.folders:
        if folder in (target, *target.parents):
            raise UsageError(f"{out} is inside the corpus: nothing is changed in place")
        if folder in listed.parents:
            raise UsageError(f"{manifest} is inside the corpus: name another place with --manifest")


def _check_file(out: Path, manifest: Path, source: Path) -> None:
    """Neither is a file of the corpus, nor does the output hold one."""
    if out.resolve() in (source, *source.parents):
        raise UsageError(f"{out} is the corpus, or the corpus is inside it: nothing is changed in place")
    if manifest.resolve() == source:
        raise UsageError(f"{manifest} is a file of the corpus: name another place with --manifest")


def _check_replaceable(out: Path, manifest: Path, single: bool) -> None:
    """--force replaces a file by a file, and a folder only if it is empty or was written by a filter."""
    if out.is_symlink() or single != out.is_file():
        kind = "file" if single else "folder"
        raise UsageError(f"{out} is no {kind}, and is not replaced by one: name another output")
    if not single and any(out.iterdir()) and not manifest.is_file():
        raise UsageError(
            f"{out} is not replaced: nothing shows that a filter has written it ({manifest} is missing);"
            " remove it yourself"
        )
