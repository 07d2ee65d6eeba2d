"""Columns of Arrow data as documents; also the last look at texts that a kernel has picked out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contam.errors import LimitError
from contam.formats.blocks import too_long
from contam.formats.fields import SAMPLE, Field, FieldProblem, encode, find_field, missing
from contam.formats.records import checked, keep
from contam.formats.streams import human
from contam.formats.task import Chunk, ReadOptions, SkipLog, Texts

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def clean(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> bool:
    """Whether texts need no further look: none empty or white space, valid UTF-8, no NUL."""
    import numpy as np

    starts, ends = offsets[:-1], offsets[1:]
    if not len(starts):
        return True
    if (starts == ends).any():
        return False
    body = data[starts[0] : ends[-1]]
    heads = data[starts]
    if ((heads & 0xC0) == 0x80).any() or not body.all():
        return False
    for i in np.flatnonzero((heads <= 0x20) & (data[ends - 1] <= 0x20)):
        if not data[starts[i] : min(ends[i], starts[i] + 64)].tobytes().strip():
            return False
    try:
        str(memoryview(body), "utf-8")  # type: ignore[arg-type]
    except UnicodeDecodeError:
        return False
    return True


def checked_chunk(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], lines: NDArray[np.int64], log: SkipLog, consumed: int
) -> Chunk:
    """A chunk of texts (``data`` padded); those that are odd are mended or left out, and ``log`` told."""
    from contam_metrics.batch import Batch

    if clean(data, offsets):
        return Chunk(Batch(data, offsets), lines, tuple(log.named), consumed, log.path, skipped_total=log.total)
    texts, numbers = [], []
    for start, end, number in zip(offsets[:-1].tolist(), offsets[1:].tolist(), lines.tolist()):
        if (text := keep(data[start:end].tobytes(), log, number)) is not None:
            texts.append(text)
            numbers.append(number)
    return Texts(texts, numbers).chunk(log, consumed)


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is strings, plainly or through a dictionary."""
    import pyarrow.types as t

    if t.is_dictionary(kind):
        kind = kind.value_type
    return t.is_string(kind) or t.is_large_string(kind) or str(kind) == "string_view"


def _worth_sampling(kind: Any) -> bool:
    """Whether values of an Arrow type may hold text: strings, and lists or structs."""
    import pyarrow.types as t

    return is_text(kind) or t.is_list(kind) or t.is_large_list(kind) or t.is_struct(kind)


def find_column(schema: pa.Schema, sample: Any, options: ReadOptions) -> Field:
    """The field of a table; ``sample(names)`` gives a ``RecordBatch`` of its first rows.

    Raises ``InputError`` with the columns there are.
    """
    wanted = options.text_field
    if wanted is not None and wanted not in schema.names and wanted.split(".")[0] not in schema.names:
        raise missing(wanted, schema.names)
    names = [f.name for f in schema if _worth_sampling(f.type)]
    if wanted is not None:
        names = [wanted if wanted in schema.names else wanted.split(".")[0]]
    records = sample(names).slice(0, SAMPLE).to_pylist() if names else []
    if not records:
        records = [{f.name: ("?" if is_text(f.type) else None) for f in schema}]
    return find_field(records, wanted)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table with the columns of its field; ``row`` is the number of the first, from 1."""

    path: str
    batch: pa.RecordBatch
    field: Field
    row: int
    consumed: int
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents of the rows."""
        log = SkipLog(self.path, self.options.strict)
        if self.field.plain and len(self.field.paths) == 1:
            column = self.batch.column(self.field.columns[0])
            if is_text(column.type):
                return self._strings(column, log)
        return self._records(log)

    def _strings(self, column: pa.Array, log: SkipLog) -> Chunk:
        import numpy as np

        from contam_metrics.batch import PADDING

        lines = np.arange(self.row, self.row + len(column), dtype=np.int64)
        if column.null_count:
            empty = column.is_null().to_numpy(zero_copy_only=False)
            for number in lines[empty].tolist():
                log.add(f"the field {self.field.name!r} is null, not text", number)
            column, lines = column.drop_null(), lines[~empty]
        offsets, data = _buffers(column)
        most = self.options.max_document_bytes
        sizes = np.diff(offsets)
        if (sizes > most).any():
            for number, size in zip(lines[sizes > most].tolist(), sizes[sizes > most].tolist()):
                log.add(too_long(size, most), number)
            kept = np.flatnonzero(sizes <= most)
            offsets, data = _buffers(column.take(kept))
            lines = lines[kept]
        padded = np.concatenate((data[offsets[0] : offsets[-1]], np.zeros(PADDING, np.uint8)))
        return checked_chunk(padded, offsets - offsets[0], lines, log, self.consumed)

    def _records(self, log: SkipLog) -> Chunk:
        texts, numbers = [], []
        most = self.options.max_document_bytes
        for number, record in enumerate(self.batch.to_pylist(), self.row):
            try:
                data, surrogates = encode(self.field.text(record))
            except FieldProblem as problem:
                log.add(str(problem), number)
                continue
            if len(data) > most:
                log.add(too_long(len(data), most), number)
            elif (text := checked(data, log, number, 0, surrogates)) is not None:
                texts.append(text)
                numbers.append(number)
        return Texts(texts, numbers).chunk(log, self.consumed)


def _buffers(column: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Offsets (int64) and bytes of an Arrow array of strings without nulls."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        column = column.cast(pa.large_string())
    width = np.int32 if pa.types.is_string(column.type) else np.int64
    _, ends, body = column.buffers()
    if not len(column) or ends is None:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    offsets = np.frombuffer(ends, width)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    return offsets, np.frombuffer(body, np.uint8) if body is not None else np.zeros(0, np.uint8)


def sizes_of(batch: pa.RecordBatch, field: Field) -> NDArray[np.int64]:
    """About how many bytes each row's text has, without unfolding dictionaries."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    total = np.zeros(len(batch), np.int64)
    for name in field.columns:
        column = batch.column(name)
        if pa.types.is_dictionary(column.type):
            sizes = pc.take(pc.binary_length(column.dictionary.cast(pa.large_binary())), column.indices)
        elif is_text(column.type):
            sizes = pc.binary_length(column)
        else:
            total += column.nbytes // max(1, len(column)) + 1
            continue
        total += pc.fill_null(sizes, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return total


@dataclass(slots=True)
class Cut:
    """Cuts the record batches of one file into tasks of about ``block_bytes``, and watches how far it
    expands.
    """

    path: str
    field: Field
    size: int
    rows: int
    options: ReadOptions
    row: int = 0
    text: int = 0

    def tasks(self, batch: pa.RecordBatch) -> Iterator[Rows]:
        """The tasks of the next rows; raises ``LimitError`` for a file that expands without bound."""
        import numpy as np

        ends = np.cumsum(sizes_of(batch, self.field))
        start = 0
        while start < len(batch):
            before = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, before + self.options.block_bytes, "right")))
            self._watch(int(ends[stop - 1]) - before)
            yield self._rows(batch.slice(start, stop - start))
            start = stop

    def _rows(self, batch: pa.RecordBatch) -> Rows:
        first, self.row = self.row, self.row + len(batch)
        return Rows(self.path, batch, self.field, first + 1, self.share(first, self.row), self.options)

    def share(self, first: int, last: int) -> int:
        """The bytes of the file that stand for rows ``first`` to ``last``; 0 where their number is not
        known.
        """
        return self.size * last // self.rows - self.size * first // self.rows if self.rows else 0

    def _watch(self, size: int) -> None:
        self.text += size
        if self.text > max(self.options.expansion_floor, self.options.max_expansion * self.size):
            raise LimitError(
                f"decompression bomb? a file of {human(self.size)} has become {human(self.text)}: stopped here"
            )
