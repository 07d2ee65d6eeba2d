"""The compiled parts of the readers, taken from the store of compiled kernels when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

HOMES = {
    "scan_lines": "jsonl_kernel",
    "flatten": "json_kernel",
    "cut_rows": "csv_kernel",
    "read_rows": "csv_kernel",
}
"""The module of each kernel."""

NEEDED = {
    None: ("jsonl_kernel",),
    "jsonl": ("jsonl_kernel",),
    "json_document": ("jsonl_kernel", "json_kernel"),
    "csv_table": ("csv_kernel",),
}
"""The modules that a format may need; None stands for content that is yet to be looked at."""


def modules_for(formats: Iterable[str | None]) -> tuple[str, ...]:
    """The modules of kernels that files of some formats may need, so that they can be compiled ahead."""
    homes = sorted({home for f in formats for home in NEEDED.get(f, ())})
    return tuple(f"contam.formats.{home}" for home in homes)


def kernel(name: str) -> Callable[..., Any]:
    """A kernel by its name; compiled first where no run on this machine has done so."""
    from contam_metrics.kernels import store

    return store.kernel(f"contam.formats.{HOMES[name]}", name)
