"""Arrow IPC files and streams (``.arrow``, ``.feather``, what ``datasets`` saves)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from contam.errors import InputError
from contam.formats.columns import Cut, find_column
from contam.formats.task import Problem, ReadOptions, Source, Task

if TYPE_CHECKING:
    import pyarrow as pa

FILE_MAGIC = b"ARROW1"


def explain(error: Exception, kind: str) -> str:
    """An Arrow error as one line for people."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"truncated or damaged {kind}: {first[:200]}"


def opened(source: Source) -> Any:
    """An Arrow file of a source; an ordinary file is mapped, so that only what is read is in memory."""
    import pyarrow as pa

    try:
        return pa.memory_map(source.local) if source.local else pa.PythonFile(source.open(), "r")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}") from None


def _batches(file: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Schema and record batches."""
    import pyarrow as pa

    head = file.read(len(FILE_MAGIC))
    file.seek(0)
    if head != FILE_MAGIC:
        stream = pa.ipc.open_stream(file)
        return stream.schema, iter(stream)
    reader = pa.ipc.open_file(file)
    return reader.schema, (reader.get_batch(i) for i in range(reader.num_record_batches))


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """Cuts an Arrow file into tasks; raises ``InputError`` where it, or the rest of it, cannot be read."""
    import pyarrow as pa

    with opened(source) as file:
        size = file.size()
        if size == 0:
            raise InputError("an empty file")
        try:
            schema, batches = _batches(file)
            first = next(batches, None)
        except (pa.ArrowException, OSError) as error:
            raise InputError(explain(error, "Arrow data")) from None
        if first is None:
            raise InputError(f"no rows (columns: {', '.join(schema.names)})")
        field = find_column(schema, lambda names: first.select(names), options)
        cut = Cut(source.name, field, size, 0, options)
        done = 0
        batch: pa.RecordBatch | None = first
        while batch is not None:
            yield from cut.tasks(batch.select(list(dict.fromkeys(field.columns))))
            position = min(size, file.tell())
            yield Problem(source.name, consumed=max(0, position - done))
            done = max(done, position)
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise InputError(explain(error, "Arrow data")) from None
        yield Problem(source.name, consumed=size - done)
