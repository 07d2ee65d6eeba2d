"""What is measured of a model while it is trained: texts it writes, and how it predicts human text."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from contam.errors import InputError
from contam.models.network import Network
from contam.models.rollouts import Rollout, RolloutSettings, rollouts
from contam.models.texts import load_validation
from contam_metrics.one_text import DIRECTIONS, FALLS, RISES, Signals, signals_of, words_of
from contam_metrics.repetition import looped

OWN, LOOPED, VALIDATION = "own_entropy_rate", "looped", "validation"
POOLED = {
    "pooled.entropy": "entropy.plug_in",
    "pooled.distinct_1": "diversity.distinct_1",
    "pooled.distinct_2": "diversity.distinct_2",
    "pooled.distinct_4": "diversity.distinct_4",
}
"""Signals of all texts as one: they see a model that writes the same again and again."""
FAMILIES = {name: name.partition(".")[0] for name in DIRECTIONS} | {
    "pooled.entropy": "entropy", **{f"pooled.distinct_{n}": "diversity" for n in (1, 2, 4)},
}  # fmt: skip
WHICH_WAY = {**DIRECTIONS, **{name: DIRECTIONS[of] for name, of in POOLED.items()}, OWN: FALLS, LOOPED: RISES}
"""Which way collapse moves a signal."""
TEXT_TOKENS = 8_192
TEXT_WINDOW = 256
"""Human text that is predicted at a check, and how much of it the model sees at a time (tokens)."""
ENOUGH, HARDLY = 0.75, 0.25
"""Shares of the texts that have a signal: from which on it is watched, and below which it is missing."""
_BLANK_LOOP = 24


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """``samples`` texts of at most ``tokens`` tokens, drawn at temperature 1; each ``prompts`` entry begins as many of
    them as the empty beginning does. ``batch``: texts side by side. ``seed``: names the draws."""

    samples: int = 32
    tokens: int = 64
    prompts: tuple[str, ...] = ()
    batch: int = 64
    seed: int = 0


@dataclass(frozen=True)
class Reading:
    """Signals by name, None where hardly a text has them; ``complete``: those that most texts have."""

    signals: Signals
    complete: frozenset[str]


class Speller:
    """A tokenizer of transformers (or of `contam.models.tokenizer`), as far as sampling needs it."""

    def __init__(self, tokenizer: Any) -> None:
        inner = getattr(tokenizer, "tokenizer", tokenizer)  # a processor of several kinds of input holds one
        if not callable(getattr(inner, "encode", None)) or not callable(getattr(inner, "decode", None)):
            raise InputError(f"{type(tokenizer).__name__} is no tokenizer: give the model's own (tokenizer=...)")
        self.tokenizer = inner
        self.bos, self.eos = self._special("bos"), self._special("eos")

    def _special(self, kind: str) -> int | None:
        found = getattr(self.tokenizer, f"{kind}_token_id", getattr(self.tokenizer, kind, None))
        return found if isinstance(found, int) else None

    def encode(self, text: str) -> list[int]:
        """The ids of a text, nothing added."""
        if hasattr(self.tokenizer, "bos_token_id"):
            return list(self.tokenizer.encode(text, add_special_tokens=False))
        return list(self.tokenizer.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without special tokens."""
        if hasattr(self.tokenizer, "bos_token_id"):
            return str(self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False))
        return str(self.tokenizer.decode(ids))

    def beginning(self) -> list[int]:
        """What a text begins with: the beginning token, else the end token, else a newline."""
        single = self.bos if self.bos is not None else self.eos
        found = self.encode("\n") if single is None else [single]
        if not found:
            raise InputError("the tokenizer has no beginning token, no end token and no newline to begin a text with")
        return found

    def stops(self, module: Any) -> frozenset[int]:
        """What ends a text: the tokenizer's end token, and those that the model's generation settings name."""
        told = getattr(getattr(module, "generation_config", None), "eos_token_id", None)
        named = told if isinstance(told, list) else [told]
        return frozenset(i for i in (*named, self.eos) if isinstance(i, int))


def beginnings(speller: Speller, prompts: Sequence[str]) -> list[list[int]]:
    """The empty beginning, and every prompt (after the beginning token where there is one)."""
    first = [] if speller.bos is None else [speller.bos]
    return [speller.beginning(), *([*first, *speller.encode(prompt)] for prompt in prompts)]


def read_samples(
    network: Network, speller: Speller, settings: ReadingSettings, stops: frozenset[int], name: tuple[object, ...]
) -> Reading:
    """Draw the texts of that name, and measure them."""
    starts = beginnings(speller, settings.prompts)
    prompts = [starts[i % len(starts)] for i in range(settings.samples)]
    names = [("monitor", settings.seed, *name, i) for i in range(settings.samples)]
    written = rollouts(network, prompts, names, RolloutSettings(settings.tokens, batch=settings.batch), stops)
    return read_texts([speller.decode(one.ids) for one in written], written)


def read_texts(texts: Sequence[str], written: Sequence[Rollout]) -> Reading:
    """The mean of every signal over the texts, the signals of all as one text, and what the model said of its own."""
    each = [signals_of(text) for text in texts]
    signals: Signals = {}
    complete = {OWN, LOOPED}
    for name in DIRECTIONS:
        values = [value for one in each if (value := one[name]) is not None]
        signals[name] = float(np.mean(values)) if values and len(values) >= HARDLY * len(texts) else None
        if len(values) >= ENOUGH * len(texts):
            complete.add(name)
    together = signals_of("\n".join(texts))
    signals |= {name: together[of] for name, of in POOLED.items()}
    complete |= {name for name in POOLED if signals[name] is not None}
    signals[OWN] = sum(one.nats for one in written) / max(1, sum(one.predicted for one in written))
    signals[LOOPED] = sum(map(is_looped, texts)) / max(1, len(texts))
    signals["tokens"] = sum(one.predicted for one in written) / max(1, len(written))
    return Reading(signals, frozenset(complete))


def is_looped(text: str) -> bool:
    """Whether a quarter of a text is one piece of words or characters repeated; blank texts of some length are."""
    words = words_of(text)
    if not words:
        return len(text) >= _BLANK_LOOP and (not text.strip() or looped(np.zeros(0, np.int64), text))
    number = {word: i for i, word in enumerate(dict.fromkeys(words))}
    return looped(np.array([number[word] for word in words], np.int64), text)


def human_texts(given: str | os.PathLike[str] | Sequence[str] | None) -> tuple[str, ...]:
    """Documents given as they are, or by a name or path; none for None. ``InputError`` where there is no text."""
    if given is None:
        return ()
    texts = load_validation(given).documents if isinstance(given, str | os.PathLike) else tuple(given)
    if not all(isinstance(one, str) for one in texts) or not any(one.strip() for one in texts):
        raise InputError("text: expected human texts, as a list of strings, a file, a folder or a name")
    return texts


def windows(speller: Speller, texts: Sequence[str], context: int) -> torch.Tensor:
    """The beginning of the texts, end to end, in windows of equal length: int64[windows, length + 1]."""
    stream: list[int] = []
    for text in texts:
        stream += [*speller.beginning(), *speller.encode(text[: 16 * TEXT_TOKENS])]
        if len(stream) > TEXT_TOKENS:
            break
    length = min(TEXT_WINDOW, context, len(stream) - 1)
    count = min(len(stream) - 1, TEXT_TOKENS) // length if length > 0 else 0
    if count == 0:
        raise InputError(f"text: {len(stream)} tokens are too few to predict")
    return torch.tensor([stream[i * length : (i + 1) * length + 1] for i in range(count)])


def nats_per_token(network: Network, ids: torch.Tensor) -> float:
    """Mean nats of the next token over windows int64[B, T + 1]."""
    parts = ids.to(network.device.name).unsqueeze(0)
    return float(network.score(parts).double().mean())
