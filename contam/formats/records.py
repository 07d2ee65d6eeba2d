"""Records read by a real JSON parser: the reference for the scanner, and what it hands its doubts to."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from contam.formats.fields import SAMPLE, Field, FieldProblem, encode
from contam.formats.task import SkipLog

try:
    from orjson import loads as _fast
except ImportError:
    _fast = None  # type: ignore[assignment]


def parse(line: bytes) -> Any:
    """The value of one JSON text as ``json.loads`` reads it; raises ``FieldProblem`` for what is none.

    A faster parser is asked first where one is installed; what it refuses is for ``json`` to decide. Whole
    numbers become floats in ``json``, which refuses those of thousands of digits otherwise.
    """
    if _fast is not None:
        try:
            return _fast(line)
        except ValueError:
            pass
    try:
        return json.loads(line.decode("utf-8", "replace"), parse_int=float)
    except json.JSONDecodeError as error:
        raise FieldProblem(f"invalid JSON: {error.msg} (column {error.pos + 1})") from None
    except RecursionError:
        raise FieldProblem("invalid JSON: nested too deeply") from None
    except ValueError as error:
        raise FieldProblem(f"invalid JSON: {error}") from None


def mended(line: bytes) -> int:
    """How many runs of invalid UTF-8 become U+FFFD when a line is read."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace").count("\ufffd") - line.count("\ufffd".encode())
    return 0


def text_of_line(line: bytes, field: Field, log: SkipLog, number: int) -> bytes | None:
    """The text of one JSON line, or None where it has none; ``log`` hears what was wrong."""
    try:
        text = field.text(parse(line))
    except FieldProblem as problem:
        log.add(str(problem), number)
        return None
    data, surrogates = encode(text)
    return checked(data, log, number, mended(line), surrogates)


def checked(data: bytes, log: SkipLog, number: int, invalid: int = 0, surrogates: int = 0) -> bytes | None:
    """A text that is to be kept, with ``log`` told of what is odd in it; None for an empty one."""
    if not (data[:64].strip() or data.strip()):
        log.add("empty text", number)
        return None
    if invalid:
        log.add(f"invalid UTF-8: {invalid} byte sequences replaced, the text is kept", number)
    if surrogates:
        log.add(f"{surrogates} lone surrogates replaced, the text is kept", number)
    if nuls := data.count(0):
        log.add(f"{nuls} NUL bytes, the text is kept", number)
    return data


def mend(data: bytes) -> tuple[bytes, int]:
    """Valid UTF-8, and how many invalid sequences of bytes became U+FFFD for that."""
    try:
        data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        return text.encode(), text.count("\ufffd") - data.count("\ufffd".encode())
    return data, 0


def keep(data: bytes, log: SkipLog, line: int) -> bytes | None:
    """A text as it is audited, with ``log`` told what is odd in it; None for an empty one."""
    mended, invalid = mend(data)
    return checked(mended, log, line, invalid)


def sample(lines: Iterable[bytes]) -> list[Any]:
    """The first records that parse, to find the field in."""
    records: list[Any] = []
    for line in lines:
        if line.strip():
            try:
                records.append(parse(line))
            except FieldProblem:
                continue
        if len(records) == SAMPLE:
            break
    return records
