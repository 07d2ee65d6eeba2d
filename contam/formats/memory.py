"""Texts that Python already holds: strings, records, ``datasets`` objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from contam.errors import InputError
from contam.formats.columns import Cut, find_column
from contam.formats.fields import SAMPLE, Field, FieldProblem, encode, find_field, kind_of
from contam.formats.records import checked, keep
from contam.formats.task import Chunk, ReadOptions, SkipLog, Task, Texts

MOST = 4096
"""Texts in one unit of work."""

NAME = "texts"
"""What the ids of texts from memory start with."""


@dataclass(frozen=True, slots=True)
class Items:
    """Some of the texts or records; ``row`` is the number of the first, from 1."""

    path: str
    items: tuple[Any, ...]
    row: int
    field: Field | None
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents."""
        log = SkipLog(self.path, self.options.strict)
        texts, rows = [], []
        for row, item in enumerate(self.items, self.row):
            if (text := self._text(item, row, log)) is not None:
                texts.append(text)
                rows.append(row)
        return Texts(texts, rows).chunk(log, sum(map(len, texts)))

    def _text(self, item: Any, row: int, log: SkipLog) -> bytes | None:
        if isinstance(item, (bytes, bytearray, memoryview)):
            return keep(bytes(item), log, row)
        try:
            text = item if isinstance(item, str) else (self.field or Field(())).text(item)
        except FieldProblem as problem:
            log.add(str(problem), row)
            return None
        data, surrogates = encode(text)
        return checked(data, log, row, 0, surrogates)


def _size(item: Any) -> int:
    return len(item) if isinstance(item, (str, bytes)) else 1000


def _grouped(items: Iterable[Any], most: int) -> Iterator[tuple[Any, ...]]:
    """Items in runs of at most ``MOST`` and about ``most`` bytes."""
    held: list[Any] = []
    size = 0
    for item in items:
        held.append(item)
        size += _size(item)
        if size >= most or len(held) == MOST:
            yield tuple(held)
            held, size = [], 0
    if held:
        yield tuple(held)


def tasks(items: Iterable[Any], options: ReadOptions, name: str = NAME) -> Iterator[Task]:
    """Tasks of texts (``str`` or bytes) or records (mappings); the field is found in the first records."""
    stream = iter(items)
    first = list(islice(stream, SAMPLE))
    records = [r for r in first if isinstance(r, Mapping)]
    field = find_field(records, options.text_field) if records else None
    row = 1
    for group in _grouped(chain(first, stream), options.block_bytes):
        yield Items(name, group, row, field, options)
        row += len(group)


def rows(mapping: Mapping[str, Any]) -> Iterable[Any]:
    """The records of a mapping of columns (``{"text": [...]}``), or the one record that it is."""
    columns = {k: v for k, v in mapping.items() if isinstance(v, Sequence) and not isinstance(v, (str, bytes))}
    if not columns or len(columns) < len(mapping):
        return [mapping]
    return [dict(zip(columns, values)) for values in zip(*columns.values())]


def is_dataset(value: Any) -> bool:
    """Whether a value is from the ``datasets`` library, which is not imported for that."""
    return type(value).__module__.split(".")[0] == "datasets"


def dataset_tasks(value: Any, options: ReadOptions, name: str) -> Iterator[Task]:
    """Tasks of a ``Dataset``, an ``IterableDataset`` (streamed) or the splits of a ``DatasetDict``."""
    if isinstance(value, Mapping):
        for split, part in value.items():
            yield from dataset_tasks(part, options, f"{name}/{split}")
        return
    try:
        batches = iter(value.with_format("arrow").iter(batch_size=512))
        first = next(batches, None)
    except (AttributeError, NotImplementedError):
        yield from tasks(value, options, name)
        return
    if first is None:
        raise InputError(f"{name}: no rows")
    field = find_column(first.schema, lambda names: first.select(names), options)
    cut = Cut(name, field, 1 << 62, 0, options)
    for table in chain((first,), batches):
        for batch in table.select(list(dict.fromkeys(field.columns))).combine_chunks().to_batches():
            yield from cut.tasks(batch)


def check(value: Any) -> None:
    """Raises ``InputError`` for what cannot be a collection of texts."""
    if isinstance(value, (str, bytes)):
        raise InputError("one text is no corpus: give a list of texts, or a path")
    if not isinstance(value, Iterable):
        raise InputError(f"texts must be an iterable of strings, not {kind_of(value)}")
