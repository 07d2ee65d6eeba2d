"""Parquet, row group by row group; only the columns with the text are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contam.errors import InputError, LimitError
from contam.formats.arrow import explain
from contam.formats.columns import Cut, Rows, find_column
from contam.formats.fields import Field
from contam.formats.streams import human
from contam.formats.task import Chunk, ReadOptions, SkipLog, Source, Task, Texts

KIND = "parquet"
BUFFER = 1 << 20
"""Bytes read of a column at a time; a large row group is never in memory as a whole."""

DICTIONARY_SHARE = 0.3
"""Share of a column's bytes from which its dictionary is kept folded: then few values are repeated many
times.
"""


def _damaged() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OSError)


def _opened(source: Source, metadata: Any = None, folded: tuple[str, ...] = ()) -> Any:
    """The file of a source."""
    import pyarrow.parquet as pq

    try:
        where = source.local or source.open()
        return pq.ParquetFile(
            where, metadata=metadata, read_dictionary=list(folded), buffer_size=BUFFER, pre_buffer=False
        )
    except _damaged() as error:
        raise InputError(explain(error, KIND)) from None


@dataclass(frozen=True, slots=True)
class Groups:
    """Small row groups, read by the thread that decodes them."""

    source: Source
    metadata: Any
    groups: tuple[int, ...]
    field: Field
    row: int
    consumed: int
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents of the row groups."""
        names = list(dict.fromkeys(self.field.columns))
        log = SkipLog(self.source.name, self.options.strict)
        try:
            with _opened(self.source, self.metadata) as file:
                table = file.read_row_groups(list(self.groups), columns=names, use_threads=False)
            batches = table.combine_chunks().to_batches()
        except InputError as error:
            log.add(str(error), self.row)
            return Texts((), ()).chunk(log, self.consumed)
        except _damaged() as error:
            log.add(explain(error, KIND), self.row)
            return Texts((), ()).chunk(log, self.consumed)
        if len(batches) != 1:
            return Texts((), ()).chunk(log, self.consumed)
        return Rows(self.source.name, batches[0], self.field, self.row, self.consumed, self.options).decode()


@dataclass(frozen=True, slots=True)
class Weight:
    """What a row group's columns weigh: bytes on disk and unfolded;
    the columns with few values repeated many times.
    """

    rows: int
    packed: int
    size: int
    folded: tuple[str, ...]


def weigh(metadata: Any, group: int, columns: tuple[str, ...]) -> Weight:
    """The weight of the columns of a row group, from the metadata."""
    part = metadata.row_group(group)
    packed = size = 0
    folded: list[str] = []
    for j in range(part.num_columns):
        column = part.column(j)
        if column.path_in_schema.split(".")[0] not in columns and column.path_in_schema not in columns:
            continue
        packed += column.total_compressed_size
        size += column.total_uncompressed_size
        if column.has_dictionary_page and column.dictionary_page_offset is not None:
            dictionary = column.data_page_offset - column.dictionary_page_offset
            if column.path_in_schema in columns and dictionary > DICTIONARY_SHARE * column.total_compressed_size:
                folded.append(column.path_in_schema)
    return Weight(part.num_rows, packed, size, tuple(folded))


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """Cuts a parquet file into tasks; raises ``InputError`` where it, or the rest of it, cannot be read."""
    if source.size == 0:
        raise InputError("an empty file")
    with _opened(source) as file:
        metadata, schema = file.metadata, file.schema_arrow

        def sample(names: list[str]) -> Any:
            return next(file.iter_batches(64, columns=names, use_threads=False), schema.empty_table())

        if metadata.num_rows == 0:
            raise InputError(f"no rows (columns: {', '.join(schema.names)})")
        try:
            field = find_column(schema, sample, options)
        except _damaged() as error:
            raise InputError(explain(error, KIND)) from None
        weights = [weigh(metadata, g, field.columns) for g in range(metadata.num_row_groups)]
    cut = Cut(source.name, field, source.size or sum(w.packed for w in weights), metadata.num_rows, options)
    waiting: list[int] = []
    held = 0
    for group, weight in enumerate(weights):
        _check(weight, options)
        small = not weight.folded and weight.size <= 4 * options.block_bytes
        if waiting and (not small or held + weight.size > 2 * options.block_bytes):
            yield _groups(source, metadata, waiting, weights, cut)
            waiting, held = [], 0
        if small:
            waiting.append(group)
            held += weight.size
        else:
            yield from _streamed(source, metadata, group, weight, cut)
    if waiting:
        yield _groups(source, metadata, waiting, weights, cut)


def _check(weight: Weight, options: ReadOptions) -> None:
    if weight.size > options.expansion_floor and weight.size > options.max_expansion * weight.packed:
        raise LimitError(
            f"decompression bomb? {human(weight.packed)} of a row group become {human(weight.size)}: stopped here"
        )


def _groups(source: Source, metadata: Any, groups: list[int], weights: list[Weight], cut: Cut) -> Groups:
    first, cut.row = cut.row, cut.row + sum(weights[g].rows for g in groups)
    return Groups(source, metadata, tuple(groups), cut.field, first + 1, cut.share(first, cut.row), cut.options)


def _streamed(source: Source, metadata: Any, group: int, weight: Weight, cut: Cut) -> Iterator[Task]:
    """The tasks of a large row group, read a little at a time."""
    names = list(dict.fromkeys(cut.field.columns))
    mean = max(1, weight.size // max(1, weight.rows))
    rows = max(16, min(8192, cut.options.block_bytes // mean))
    try:
        with _opened(source, metadata, weight.folded) as file:
            for batch in file.iter_batches(rows, row_groups=[group], columns=names, use_threads=False):
                yield from cut.tasks(batch)
    except _damaged() as error:
        raise InputError(explain(error, KIND)) from None
