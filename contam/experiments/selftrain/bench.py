"""What the replicas of one model share: its tokenizer, the prompt, and the human text they are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contam.errors import InputError
from contam.experiments.selftrain.options import SelfTrainOptions
from contam.experiments.selftrain.setup import check_window
from contam.experiments.selftrain.windows import Stream, document_rows, random_windows
from contam.models.network import Shape
from contam.models.texts import ValidationText, tokenise
from contam.models.tokenizer import Tokenizer

Texts = tuple[Sequence[ValidationText], ValidationText | None]
"""The validation sets, and fresh text where there is any."""


@dataclass(frozen=True)
class HumanSet:
    """One validation set: random windows of it, or, where it is smaller than those would be, all of it, document by
    document at the model's own context (``rows``)."""

    name: str
    documents: int
    stream: Stream
    rows: tuple[Stream, ...]

    @property
    def mode(self) -> str:
        """``windows`` or ``documents``."""
        return "documents" if self.rows else "windows"

    def drawn(self, block: int, shares: np.ndarray) -> list[Stream]:
        """The rows to evaluate: all documents, or a window for each of the random numbers."""
        return list(self.rows) if self.rows else random_windows(self.stream, block, shares)

    def told(self) -> dict[str, Any]:
        """For the plan."""
        return {"name": self.name, "documents": self.documents, "tokens": len(self.stream), "mode": self.mode}


@dataclass(frozen=True)
class Bench:
    """What one model is measured with; ``block`` is the window, at most the model's context."""

    label: str
    shape: Shape
    tokenizer: Tokenizer
    prompt: tuple[int, ...]
    block: int
    validation: tuple[HumanSet, ...]
    fresh: Stream | None


def bench_of(
    label: str, shape: Shape, tokenizer: Tokenizer, texts: Texts, options: SelfTrainOptions
) -> Bench:
    """Prepare a model's texts; InputError where the window does not fit the model, or a text is too short."""
    check_window(label, shape.context, options)
    validation, fresh = texts
    sets = tuple(_human_set(text, tokenizer, shape, options) for text in validation)
    stream = None
    if fresh is not None:
        stream = tokenise(fresh, tokenizer).stream
        if len(stream) <= options.block:
            raise InputError(
                f"--fresh-text {fresh.name}: {len(stream)} tokens, fewer than one window of {options.block}"
            )
    prompt = tuple(tokenizer.prompt_ids(options.prompt))
    for ids in (prompt, stream, *(human.stream for human in sets)):
        if ids is not None:
            check_ids(label, np.asarray(ids), shape)
    return Bench(label, shape, tokenizer, prompt, options.block, sets, stream)


def check_ids(label: str, ids: Stream, shape: Shape) -> None:
    """InputError where the tokenizer gives a token that the model does not have."""
    if len(ids) and int(ids.max()) >= shape.vocabulary:
        raise InputError(
            f"{label}: the tokenizer gives token {int(ids.max())}, but the model has {shape.vocabulary}; "
            "the folder holds the tokenizer of another model"
        )


def _human_set(text: ValidationText, tokenizer: Tokenizer, shape: Shape, options: SelfTrainOptions) -> HumanSet:
    tokens = tokenise(text, tokenizer)
    rows: list[Stream] = []
    if len(tokens.stream) <= options.eval_windows * options.block:
        rows = document_rows(tokens.stream, tokens.starts, shape.context, tokenizer.bos)
        if not rows:
            raise InputError(f"validation text {text.name}: {len(tokens.stream)} tokens, nothing to predict")
    return HumanSet(text.name, tokens.documents, tokens.stream, tuple(rows))
