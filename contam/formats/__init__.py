"""The formats a corpus may come in, one module each; a format is imported when a file of it is met."""

from __future__ import annotations

from pathlib import PurePath

from contam.formats.streams import SUFFIXES as COMPRESSIONS

FORMATS = {
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".markdown": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json_document",
    ".csv": "csv_table",
    ".tsv": "csv_table",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
}
"""Suffix -> module of this package; each has ``tasks(source, options)``."""

PACKED_ITSELF = ("parquet", "arrow")
"""Formats that compress by themselves, and are read at random: not looked for inside .gz and the like."""


def format_of(name: str) -> tuple[str | None, str | None]:
    """(format, compression) by the suffixes of a file name; None for what they do not tell."""
    suffixes = [s.lower() for s in PurePath(name).suffixes[-2:]]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    return (FORMATS.get(suffixes[-1]) if suffixes else None), compression
