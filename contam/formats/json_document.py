"""``.json``: an array of records, an object with a list of them inside, one record, or really JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contam.errors import InputError
from contam.formats import jsonl
from contam.formats.blocks import Blocks, Lines
from contam.formats.fields import (
    ANSWERS,
    CHAT,
    SAMPLE,
    TEXT,
    Field,
    FieldProblem,
    encode,
    find_field,
    kind_of,
)
from contam.formats.kernels import kernel
from contam.formats.records import checked, mended, parse, sample
from contam.formats.streams import HEAD, Stream, human, refuse
from contam.formats.task import Chunk, Problem, ReadOptions, SkipLog, Source, Task, Texts


class Elements:
    """The elements of a JSON array as JSON lines, and what is wrong with the array around them."""

    def __init__(self) -> None:
        import numpy as np

        from contam.formats.json_kernel import STATE

        self.state = np.zeros(STATE, np.int64)

    def flatten(self, piece: bytes) -> bytes:
        """The next bytes of the array, as lines."""
        import numpy as np

        out = np.empty(len(piece), np.uint8)
        kernel("flatten")(np.frombuffer(piece, np.uint8), out, self.state)
        return out.tobytes()

    def faults(self, truncated: bool) -> Iterator[str]:
        """What is wrong, once everything has been read; ``truncated`` where the stream has told that
        already.
        """
        from contam.formats.json_kernel import BEHIND, EMPTY, PHASE, ROWS

        if self.state[PHASE] < 2 and not truncated:
            yield f"truncated JSON: the array does not end (after {self.state[ROWS]} whole elements)"
        if self.state[EMPTY]:
            yield f"invalid JSON: a comma too many before element {self.state[EMPTY]}"
        if self.state[BEHIND]:
            yield f"invalid JSON: {self.state[BEHIND]} bytes outside the array"


@dataclass(frozen=True, slots=True)
class JsonObject:
    """One JSON object: a record, or records in one of its members."""

    path: str
    records: list[Any]
    field: Field
    invalid: int
    consumed: int
    options: ReadOptions

    def decode(self) -> Chunk:
        """The documents."""
        log = SkipLog(self.path, self.options.strict)
        if self.invalid:
            log.add(f"invalid UTF-8: {self.invalid} byte sequences replaced, the text is kept")
        texts, rows = [], []
        for row, record in enumerate(self.records, 1):
            try:
                data, surrogates = encode(self.field.text(record))
            except FieldProblem as problem:
                log.add(str(problem), row)
                continue
            if (text := checked(data, log, row, 0, surrogates)) is not None:
                texts.append(text)
                rows.append(row)
        return Texts(texts, rows).chunk(log, self.consumed)


def records_in(value: Any) -> list[Any]:
    """The records of a JSON object: those of its longest list, a column of texts, or the object itself."""
    if not isinstance(value, Mapping):
        return [value]
    if any(isinstance(value.get(name), str) for name in TEXT):
        return [value]
    lists = [v for v in value.values() if isinstance(v, list) and v and all(isinstance(r, Mapping) for r in v)]
    if lists:
        found = max(lists, key=len)
        return [value] if find_chat(value) is found else found
    for name in (*TEXT, *ANSWERS):
        column = value.get(name)
        column = list(column.values()) if isinstance(column, Mapping) else column
        if isinstance(column, list) and any(isinstance(v, str) for v in column):
            return column
    return [value]


def find_chat(value: Mapping[str, Any]) -> Any:
    """The conversation that makes an object one record, if it has one."""
    try:
        field = find_field([value])
    except InputError:
        return None
    usual = field.chat and field.columns[0].lower() in CHAT
    return value.get(field.columns[0]) if usual else None


def tasks_of(stream: Stream) -> Iterator[Task]:
    """The tasks of an open stream of JSON."""
    refuse(stream)
    array = stream.peek(HEAD)[:HEAD].lstrip().startswith(b"[")
    yield from _array(stream) if array else _lines_or_object(stream)


def tasks(source: Source, options: ReadOptions) -> Iterator[Task]:
    """Cuts a JSON file into tasks; raises ``InputError`` where it, or the rest of it, cannot be read."""
    with Stream(source, options) as stream:
        yield from tasks_of(stream)


def _array(stream: Stream) -> Iterator[Task]:
    name, options = stream.source.name, stream.options
    elements = Elements()
    stream.through(elements.flatten)
    field = find_field(sample(jsonl.whole_lines(stream)), options.text_field)
    yield from (Problem(name, notes=(note,)) for note in stream.notes)
    failure: InputError | None = None
    try:
        for block in Blocks(stream, Lines()):
            yield jsonl.JsonLines(name, block, field, options)
    except InputError as error:
        failure = error
    for fault in elements.faults(failure is not None):
        if options.strict:
            raise InputError(fault)
        yield Problem(name, fault)
    if failure is not None:
        raise failure


def _lines_or_object(stream: Stream) -> Iterator[Task]:
    """JSON lines where the first line is a whole value with something behind it, one object otherwise."""
    line, _, rest = stream.peek(HEAD)[:HEAD].lstrip().partition(b"\n")
    if rest.strip() and sample([line]):
        yield from jsonl.tasks_of(stream)
        return
    limit = 4 * stream.options.max_document_bytes
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise InputError(f"one JSON object of more than {human(limit)}: write its records as JSON lines")
    stream.check()
    try:
        value = parse(data)
    except FieldProblem as problem:
        raise InputError(str(problem)) from None
    if not isinstance(value, Mapping):
        raise InputError(f"the file is {kind_of(value)}, not records with a text")
    records = records_in(value)
    field = find_field(records[:SAMPLE], stream.options.text_field)
    yield JsonObject(stream.source.name, records, field, mended(data), stream.position, stream.options)
