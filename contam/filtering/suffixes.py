"""The name of an output says what is in it: a file is written back as it came, so its suffix has to be of that kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from contam.errors import UsageError
from contam.formats import PACKED_ITSELF, format_of

if TYPE_CHECKING:
    from contam.filtering.places import Item

RECORDS = ("jsonl", "json_document")
"""Formats whose suffixes both stand for JSON lines where a file has them."""


def check_suffix(out: Path, item: Item) -> None:
    """UsageError where the name of an output stands for another format or compression than that of its file.

    A name without a known suffix stands for none, and is refused for nothing.
    """
    kind, compression = format_of(out.name)
    if kind is None and compression is None:
        return
    source = Path(item.source.name)
    if compression != item.source.compression or not _same(kind, out, item):
        suffix = "".join(source.suffixes[-2 if item.source.compression else -1 :])
        kept = f"such as {out.name.split('.')[0]}{suffix}" if suffix else "without a suffix"
        raise UsageError(f"{out}: what stays is written as it is in {source}: name the output like it, {kept}")


def _same(kind: str | None, out: Path, item: Item) -> bool:
    """Whether a format is that of a file; one that its suffix does not tell can be any format of text."""
    own = item.source.format
    if kind is None or own is None:
        return kind not in PACKED_ITSELF
    if kind == own == "csv_table":
        return _table(out) == _table(Path(item.source.name))
    return kind == own or (item.kind == "lines" and kind in RECORDS and own in RECORDS)


def _table(path: Path) -> bool:
    """Whether a table is one of tabs by its name."""
    return ".tsv" in [suffix.lower() for suffix in path.suffixes[-2:]]
