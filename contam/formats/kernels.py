"""The compiled parts of the readers, taken from the store of compiled kernels when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HOMES = {
    "scan_lines": "jsonl_kernel",
    "flatten": "json_kernel",
    "cut_rows": "csv_kernel",
    "read_rows": "csv_kernel",
}
"""The module of each kernel."""

MODULES = tuple(f"contam.formats.{home}" for home in dict.fromkeys(HOMES.values()))
"""What may be compiled ahead; the first is what nearly every corpus needs."""


def kernel(name: str) -> Callable[..., Any]:
    """A kernel by its name; compiled first where no run on this machine has done so."""
    from contam_metrics.kernels import store

    return store.kernel(f"contam.formats.{HOMES[name]}", name)
