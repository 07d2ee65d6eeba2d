"""Dose-response: how models trained on mixtures predict held-out real text, by the share that is synthetic.

Two designs. Fixed total: N tokens whatever the share, so synthetic text takes the place of real text. Fixed real: the
same R real tokens, and synthetic text on top of them. The first alone cannot tell harm from waste: a model of less real
text is a worse model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contam.mixing.options import Watch

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REAL, SYNTHETIC = "real", "synthetic"


@dataclass(frozen=True, slots=True)
class Arm:
    """What a model is trained on: ``real_tokens`` and ``synthetic_tokens``, in the proxy's own unit; the synthetic ones
    are ``share`` of both. ``design`` is one of `contam.mixing.result.DESIGNS`."""

    share: float
    design: str
    real_tokens: int
    synthetic_tokens: int


@dataclass(frozen=True, slots=True)
class Measured:
    """What a proxy found. ``nats`` float64[arms, seeds, held-out documents], summed over the tokens of a document.
    ``output``: by arm, signals of what its models write, mean over seeds; empty where nothing was written. ``later``
    float64[arms, rounds]: nats a token of generations 1, 2, ..., mean over seeds; nan where an arm has none. ``notes``:
    what should be known of these models."""

    nats: Floats
    output: tuple[Mapping[str, float], ...]
    later: Floats
    notes: tuple[str, ...] = ()


class Proxy(Protocol):
    """A kind of model that is quick to train. It is made of `contam.mixing.texts.Texts`; settings may be tuned on
    ``tuning``, ``held_out`` is predicted. A seed decides all that is random: the draw of documents (`drawn`), weights."""

    name: str
    unit: str

    @property
    def sizes(self) -> tuple[int, int]:
        """Tokens of the real and of the synthetic text that there are to train on."""

    @property
    def held_out(self) -> Ints:
        """Tokens of each held-out document, int64[documents]."""

    def measure(self, arms: Sequence[Arm], seeds: int, rounds: int, watch: Watch) -> Measured:
        """Train every arm with every seed and predict the held-out text. Arms of the design fixed-total also write
        (``output``) and go on for ``rounds`` generations, whose synthetic tokens are what the one before wrote."""


def drawn(lengths: Ints, tokens: int, side: str, seed: int) -> tuple[Ints, int]:
    """(documents in the order they are used, tokens of the last one that are): the first of a seed's order that have
    ``tokens`` together. ``lengths``: tokens of each document of a side (`REAL`, `SYNTHETIC`).

    More tokens take the same documents and then others, so arms of one seed share all they can. ValueError where the
    documents do not reach.
    """
    if tokens > int(lengths.sum()):
        raise ValueError(f"{tokens} tokens asked for, there are {int(lengths.sum())}")
    order = np.random.default_rng([seed, (REAL, SYNTHETIC).index(side), len(lengths)]).permutation(len(lengths))
    ends = np.cumsum(lengths[order])
    count = int(np.searchsorted(ends, tokens)) + 1 if tokens else 0
    rows = order[:count]
    return rows, int(tokens - (ends[count - 1] - lengths[order[count - 1]])) if count else 0
