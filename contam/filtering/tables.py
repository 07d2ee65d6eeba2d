"""Parquet and Arrow files without some of their rows: schema, metadata and compression stay."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.formats.arrow import FILE_MAGIC, explain

if TYPE_CHECKING:
    import pyarrow as pa

STREAM = 8
"""Bytes of an Arrow file before the stream that it holds: the magic, padded."""
_HEADER, _COMPRESSION, _CODEC = 2, 3, 0
"""Fields of the tables Message, RecordBatch and BodyCompression of Arrow's format."""


@contextmanager
def _reading(source: str, kind: str) -> Iterator[None]:
    """Errors of reading, for people."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{source}: cannot be read: {error.strerror}") from None
        raise InputError(f"{source}: {explain(error, kind)}") from None


@contextmanager
def _writing(source: str) -> Iterator[None]:
    """What cannot be written though it was read, for people."""
    import pyarrow as pa

    try:
        yield
    except pa.ArrowException as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(f"{source}: its rows cannot be written back: {told}") from None


def copy_parquet(source: str, target: Path, dropped: NDArray[np.int64]) -> None:
    """Write a parquet file without some rows (from 1), row group by row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _reading(source, "parquet"):
        file = pq.ParquetFile(source)
    with file, _writing(source), pq.ParquetWriter(target, file.schema_arrow, **_settings(file)) as writer:
        row = 1
        for group in range(file.metadata.num_row_groups):
            with _reading(source, "parquet"):
                table = file.read_row_group(group)
                _check_times(source, file, group)
            kept = table.filter(pa.array(_mask(row, table.num_rows, dropped)))
            row += table.num_rows
            if kept.num_rows:
                writer.write_table(kept, row_group_size=kept.num_rows)


def _settings(file: Any) -> dict[str, Any]:
    """How a file is written: the codec of each column, and a version and a type that keep all digits of its times."""
    metadata = file.metadata
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    codecs = {c.path_in_schema: c.compression for c in columns if c.compression != "UNCOMPRESSED"}
    plain = {c.path_in_schema: "NONE" for c in columns if c.compression == "UNCOMPRESSED"}
    times = {c.physical_type for i, c in enumerate(columns) if _is_time(file.schema.column(i))}
    version = {"1.0": "1.0", "2.4": "2.4"}.get(metadata.format_version, "2.6")
    if times != {"INT96"} and any("timestamp[ns" in str(field.type) for field in file.schema_arrow):
        version = "2.6"  # the earlier ones have no nanoseconds, but for those of INT96
    return {"compression": codecs | plain, "version": version, "use_deprecated_int96_timestamps": times == {"INT96"}}


def _is_time(column: Any) -> bool:
    """Whether a column of a parquet file holds timestamps."""
    return column.physical_type == "INT96" or column.logical_type.type == "TIMESTAMP"


def _check_times(source: str, file: Any, group: int) -> None:
    """Raise InputError for timestamps of INT96 that Arrow cannot hold in nanoseconds: it reads others instead."""
    import pyarrow.parquet as pq

    leaves = [file.schema.column(i) for i in range(len(file.schema))]
    old = [leaf.path for leaf in leaves if leaf.physical_type == "INT96"]
    if not old:
        return
    with pq.ParquetFile(source, coerce_int96_timestamp_unit="us") as coarse:
        found = zip(_times(file.read_row_group(group, columns=old)), _times(coarse.read_row_group(group, columns=old)))
    if not all(np.array_equal(fine // 1000, micro) for fine, micro in found):
        raise InputError(f"{source}: timestamps before 1677 or after 2262 (INT96) cannot be written back: convert them")


def _times(table: pa.Table) -> Iterator[NDArray[np.int64]]:
    """The numbers of all timestamps of a table, those within lists and records too."""
    import pyarrow as pa

    waiting = [chunk for column in table.columns for chunk in column.chunks]
    while waiting:
        array = waiting.pop()
        if pa.types.is_timestamp(array.type):
            yield array.drop_null().cast(pa.int64()).to_numpy()
        elif pa.types.is_struct(array.type):
            waiting += array.flatten()
        elif pa.types.is_map(array.type):
            waiting += [array.keys, array.items]
        elif pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            waiting.append(array.flatten())


def _mask(first: int, count: int, dropped: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ``count`` rows from number ``first`` on stay."""
    kept = np.ones(count, bool)
    low, high = np.searchsorted(dropped, (first, first + count))
    kept[dropped[low:high] - first] = False
    return kept


def copy_arrow(source: str, target: Path, dropped: NDArray[np.int64]) -> None:
    """Write an Arrow file or stream without some rows (from 1), batch by batch."""
    import pyarrow as pa

    with pa.memory_map(source) as file:
        packed = file.read(len(FILE_MAGIC)) == FILE_MAGIC
        with _reading(source, "Arrow data"):
            settings = pa.ipc.IpcWriteOptions(compression=_codec(file, STREAM if packed else 0))
            file.seek(0)
            reader = pa.ipc.open_file(file) if packed else pa.ipc.open_stream(file)
        make = pa.ipc.new_file if packed else pa.ipc.new_stream
        with _writing(source), make(str(target), reader.schema, options=settings) as writer:
            row = 1
            for batch in _batches(source, reader, packed):
                kept = batch.filter(pa.array(_mask(row, batch.num_rows, dropped)))
                row += batch.num_rows
                if kept.num_rows:
                    writer.write_batch(kept)


def _batches(source: str, reader: Any, packed: bool) -> Iterator[pa.RecordBatch]:
    with _reading(source, "Arrow data"):
        yield from (reader.get_batch(i) for i in range(reader.num_record_batches)) if packed else iter(reader)


def _codec(file: Any, start: int) -> str | None:
    """How the first record batch of an Arrow stream is compressed; Arrow tells it in the batch alone."""
    import pyarrow as pa

    file.seek(start)
    for message in pa.ipc.MessageReader.open_stream(file):
        if message.type == "record batch":
            data = memoryview(message.metadata)
            batch = _table(data, _field(data, _table(data, 0), _HEADER))
            told = _field(data, batch, _COMPRESSION)
            codec = _field(data, _table(data, told), _CODEC) if told else 0
            return ("zstd" if codec and data[codec] else "lz4") if told else None
    return None


def _table(data: memoryview, place: int) -> int:
    """Where the table is that a place of a flat buffer points at."""
    return place + int(struct.unpack_from("<I", data, place)[0])


def _field(data: memoryview, table: int, number: int) -> int:
    """Where a field of a table of a flat buffer is; 0 where it has its default."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    if 4 + 2 * number >= struct.unpack_from("<H", data, fields)[0]:
        return 0
    place = struct.unpack_from("<H", data, fields + 4 + 2 * number)[0]
    return table + int(place) if place else 0


def count_rows(source: str, kind: str) -> NDArray[np.int64]:
    """The numbers of the rows of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if kind == "parquet":
        return np.arange(1, pq.read_metadata(source).num_rows + 1, dtype=np.int64)
    with pa.memory_map(source) as file:
        packed = file.read(len(FILE_MAGIC)) == FILE_MAGIC
        file.seek(0)
        reader = pa.ipc.open_file(file) if packed else pa.ipc.open_stream(file)
        return np.arange(1, sum(batch.num_rows for batch in _batches(source, reader, packed)) + 1, dtype=np.int64)
