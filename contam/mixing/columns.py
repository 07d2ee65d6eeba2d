"""Every document's score as a file of columns, for those who filter by it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contam.errors import UsageError
from contam.reports import write_whole
from contam.reports.escape import visible
from contam.synthetic.scored import Scored

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".csv", ".jsonl", ".arrow", ".feather")
_FORMULA = tuple("=+-@＝＋－＠")

Detection = Mapping[int, Mapping[str, float]]
"""Scores under a language model: by the document's key, then by name."""


def write_scores(path: Path, scored: Scored, trusted: Scored | None, detection: Detection | None = None) -> None:
    """A row a document, the most machine-like first; written whole or not at all. The suffix of ``path`` is the format.

    Columns: ``path``, ``line`` (null where a file is a document), ``id`` (both), ``key`` (16 hexadecimal digits: what
    the document is known by, whatever file it is in), ``score`` (larger is more like text of instruct models),
    ``percentile`` (of `percentiles`; null without trusted text), then the scores of ``detection``, null where a
    document has none. All of it is held in memory: 1 to 1.5 kB a document.

    Raises UsageError for an unknown suffix, InputError where the file cannot be written.
    """
    check_scores(path)
    scored = _ranked(scored)
    columns = _columns(scored, trusted, detection or {})
    writers = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
    write_whole(path, writers.get(path.suffix.lower(), _arrow)(columns))


def check_scores(path: Path) -> None:
    """Raise UsageError where `write_scores` does not know the format, before anything is scored."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path}: scores are written as {', '.join(SUFFIXES)}, by the name of the file")
    if path.is_dir() or not path.parent.is_dir():
        why = "is a folder" if path.is_dir() else f"would lie in {path.parent}, which is not a folder"
        raise UsageError(f"{path} {why}: name a file in a folder that exists")


def percentiles(scores: ArrayLike, trusted: ArrayLike) -> NDArray[np.float64]:
    """Each score's place among those of trusted documents, 0 to 100: the share below, equal ones counted half."""
    values, known = np.asarray(scores, np.float64), np.sort(np.asarray(trusted, np.float64))
    if not len(known):
        return np.full(len(values), np.nan)
    sides = np.searchsorted(known, values, "left") + np.searchsorted(known, values, "right")
    return np.asarray(100.0 * sides / (2 * len(known)), np.float64)


def _ranked(scored: Scored) -> Scored:
    order = np.argsort(-scored.scores, kind="stable")
    labels = tuple(scored.labels[i] for i in order)
    return replace(scored, keys=scored.keys[order], scores=scored.scores[order], labels=labels)


def _columns(scored: Scored, trusted: Scored | None, detection: Detection) -> dict[str, list[Any]]:
    """The columns by name, with None for what is not known."""
    places = [_place(label) for label in scored.labels]
    placed = percentiles(scored.scores, () if trusted is None else trusted.scores)
    out: dict[str, list[Any]] = {
        "path": [path for path, _ in places],
        "line": [line for _, line in places],
        "id": list(scored.labels),
        "key": [f"{int(key):016x}" for key in scored.keys],
        "score": _floats(scored.scores),
        "percentile": _floats(placed),
    }
    for name in dict.fromkeys(name for found in detection.values() for name in found):
        values = [detection.get(int(key), {}).get(name, np.nan) for key in scored.keys]
        out[f"detection_{name}" if name in out else name] = _floats(values)
    return out


def _place(label: str) -> tuple[str, int | None]:
    """``path:line`` as its parts; the line is None where the label has none."""
    path, colon, line = label.rpartition(":")
    return (path, int(line)) if colon and line.isascii() and line.isdigit() else (label, None)


def _floats(values: ArrayLike) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in np.asarray(values, np.float64)]


# --- formats --------------------------------------------------------------------------------------------------------


def _csv(columns: Mapping[str, list[Any]]) -> bytes:
    """RFC 4180, in which no text is a formula to a spreadsheet, or hides what it is."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in columns])
    writer.writerows([_cell(value) for value in row] for row in zip(*columns.values(), strict=True))
    return out.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    """Numbers as they are; text that begins like a formula after an apostrophe, what is hidden as escapes (and then
    white space as single spaces)."""
    if not isinstance(value, str):
        return value
    shown = value if value.isprintable() else visible(value)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def _jsonl(columns: Mapping[str, list[Any]]) -> bytes:
    """ASCII alone: what is hidden or half a character is an escape of JSON."""
    rows = zip(*columns.values(), strict=True)
    return "".join(f"{json.dumps(dict(zip(columns, row)), allow_nan=False)}\n" for row in rows).encode("ascii")


def _table(columns: Mapping[str, list[Any]]) -> pa.Table:
    """Typed columns; halves of characters, which Arrow cannot hold, as escapes."""
    import pyarrow as pa

    kinds = {"path": pa.string(), "line": pa.int64(), "id": pa.string(), "key": pa.string()}
    arrays = {n: pa.array([_whole(v) for v in values], kinds.get(n, pa.float64())) for n, values in columns.items()}
    return pa.table({_whole(name): array for name, array in arrays.items()})


def _whole(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def _parquet(columns: Mapping[str, list[Any]]) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(_table(columns), out, compression="zstd")
    return out.getvalue()


def _arrow(columns: Mapping[str, list[Any]]) -> bytes:
    """The Arrow file format, which is what .feather (version 2) holds too."""
    import pyarrow as pa

    table, out = _table(columns), io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()
