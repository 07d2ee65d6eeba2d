"""Parquet and Arrow files without some of their rows: schema, metadata and compression stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.formats.arrow import FILE_MAGIC, explain

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 1 << 13
"""Rows of a parquet file that are in memory at once; a row group of the copy has those that stay of one group."""


def copy_parquet(source: str, target: Path, dropped: NDArray[np.int64]) -> None:
    """Write a parquet file without some rows (from 1), row group by row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(source) as file:
            writer = pq.ParquetWriter(target, file.schema_arrow, **_settings(file.metadata))
            with writer:
                row = 1
                for group in range(file.metadata.num_row_groups):
                    table = file.read_row_group(group)
                    kept = table.filter(pa.array(_mask(row, table.num_rows, dropped)))
                    row += table.num_rows
                    if kept.num_rows:
                        writer.write_table(kept, row_group_size=kept.num_rows)
    except pa.ArrowException as error:
        raise InputError(f"{source}: {explain(error, 'parquet')}") from None


def _settings(metadata: Any) -> dict[str, Any]:
    """How the columns of a file are compressed."""
    if not metadata.num_row_groups:
        return {}
    group = metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    codecs = {c.path_in_schema: c.compression for c in columns if c.compression != "UNCOMPRESSED"}
    plain = {c.path_in_schema: "NONE" for c in columns if c.compression == "UNCOMPRESSED"}
    version = {"1.0": "1.0", "2.4": "2.4"}.get(metadata.format_version, "2.6")
    return {"compression": codecs | plain, "version": version}


def _mask(first: int, count: int, dropped: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of ``count`` rows from number ``first`` on stay."""
    kept = np.ones(count, bool)
    low, high = np.searchsorted(dropped, (first, first + count))
    kept[dropped[low:high] - first] = False
    return kept


def copy_arrow(source: str, target: Path, dropped: NDArray[np.int64]) -> None:
    """Write an Arrow file or stream without some rows (from 1), batch by batch."""
    import pyarrow as pa

    try:
        with pa.memory_map(source) as file:
            packed = file.read(len(FILE_MAGIC)) == FILE_MAGIC
            file.seek(0)
            reader = pa.ipc.open_file(file) if packed else pa.ipc.open_stream(file)
            codec = "lz4" if source.lower().endswith(".feather") else None
            settings = pa.ipc.IpcWriteOptions(compression=codec)
            make = pa.ipc.new_file if packed else pa.ipc.new_stream
            with make(str(target), reader.schema, options=settings) as writer:
                row = 1
                for batch in _batches(reader, packed):
                    kept = batch.filter(pa.array(_mask(row, batch.num_rows, dropped)))
                    row += batch.num_rows
                    if kept.num_rows:
                        writer.write_batch(kept)
    except pa.ArrowException as error:
        raise InputError(f"{source}: {explain(error, 'Arrow data')}") from None


def _batches(reader: Any, packed: bool) -> Iterator[pa.RecordBatch]:
    yield from (reader.get_batch(i) for i in range(reader.num_record_batches)) if packed else iter(reader)


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
        return np.arange(1, sum(batch.num_rows for batch in _batches(reader, packed)) + 1, dtype=np.int64)
