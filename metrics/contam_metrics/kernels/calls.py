"""The kernels to be called: ``from contam_metrics.kernels.calls import cut_batch``.

They come from the store of compiled kernels, or are compiled first; names are looked up when they are first used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

HOMES = {
    "cut_batch": "cutting",
    "hash_documents": "tables",
    "add_counts": "tables",
    "get_counts": "tables",
    "number_words": "tables",
    "small_ngrams": "sketches",
    "minhash": "sketches",
    "window_types": "sketches",
    "repeated_ngrams": "repetition",
    "repeated_lines": "repetition",
    "find_loops": "loops",
}
"""The module of each kernel."""


def __getattr__(name: str) -> Callable[..., Any]:
    if name not in HOMES:
        raise AttributeError(f"no kernel {name}")
    from contam_metrics.kernels import store

    found = store.kernel(f"{__package__}.{HOMES[name]}", name)
    globals()[name] = found
    return found
