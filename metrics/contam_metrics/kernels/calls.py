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
"""The module of each kernel that an audit uses."""
MODELS = {
    "count_ngrams": "ngram_model",
    "move_entries": "ngram_model",
    "copy_counts": "ngram_model",
    "sum_successors": "ngram_model",
    "mix_levels": "ngram_model",
    "choose_first": "ngram_model",
    "predict_words": "ngram_model",
    "list_successors": "ngram_writing",
    "write_ladder": "ngram_writing",
    "write_truncated": "ngram_writing",
}
"""The module of each kernel of a language model: compiled when one is trained."""
OPENINGS = {
    "prepare_text": "openings",
    "count_marks": "openings",
    "count_grams": "openings",
}
"""The module of each kernel that reads the beginnings of documents: compiled when one is scored."""


def __getattr__(name: str) -> Callable[..., Any]:
    home = HOMES.get(name) or MODELS.get(name) or OPENINGS.get(name)
    if home is None:
        raise AttributeError(f"no kernel {name}")
    from contam_metrics.kernels import store

    found = store.kernel(f"{__package__}.{home}", name)
    globals()[name] = found
    return found
