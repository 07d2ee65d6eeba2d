"""What a kind of language model offers to a recursion: encode, train, predict, write.

A backend serves one lineage. All it draws at random depends on the names it is given and on nothing else, so that a
lineage comes out the same beside others and alone, before a kill and after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contam.experiments.recurse.documents import Encoded

Beat = Callable[[str, float], None]
"""Told now and then what is being done (``training``, ``writing``) and which share of it is."""


def unheard(phase: str, share: float) -> None:
    """A beat that nobody hears."""


@dataclass(frozen=True, slots=True)
class Name:
    """Which model of a run this is; ``parts`` name its random numbers. ``folder`` is its own, for work in progress:
    what is in it may be taken up after a kill, and goes when the generation is finished."""

    lineage: str
    seed: int
    generation: int
    folder: Path | None = None

    @property
    def parts(self) -> tuple[object, ...]:
        """Generation 0 of one seed is the same model in every lineage."""
        return ("recurse", self.seed, "base" if self.generation == 0 else self.lineage, self.generation)


@dataclass(frozen=True, slots=True)
class Predicted:
    """How well a model predicts documents: ``nats`` float64[D] summed over the ``tokens`` int64[D] of each, and
    ``correct`` int64[D], how many of them were its first choice (-1: not counted)."""

    nats: NDArray[np.float64]
    tokens: NDArray[np.int64]
    correct: NDArray[np.int64]

    @property
    def loss(self) -> float:
        """Nats a token over all documents, nan without a token."""
        total = int(self.tokens.sum())
        return float(self.nats.sum()) / total if total else float("nan")


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote: ``texts`` and their encoding, which is that of ``Backend.encode(texts)``; ``ended`` is the
    share of the documents that the model ended itself (nan where it cannot)."""

    texts: tuple[str, ...]
    encoded: Encoded
    ended: float = float("nan")


class Trained(Protocol):
    """A trained model."""

    facts: Mapping[str, Any]
    """Of its training, for the log: such as ``loss`` (nats/token at the end), ``steps``, ``tokens``."""

    def predicted(self, documents: Encoded) -> Predicted:
        """Every token of every document given those before it in the document."""

    def write(self, like: Encoded, name: Name, beat: Beat) -> Written:
        """As many documents as ``like`` has: of the same lengths in tokens, or begun as they begin, as the
        settings of the backend say. Documents may come out empty."""

    def following(self, contexts: Sequence[str], words: Sequence[str]) -> NDArray[np.float64]:
        """p(word | context), float64[contexts, words]: the probability that the text goes on with a space and that
        word, whatever pieces it is made of."""

    def save(self, folder: Path) -> None:
        """Keep the model, to be read by `Backend.read`."""


class Backend(Protocol):
    """A kind of language model with its tokenizer, ready for a corpus."""

    kind: str
    """``ngram``, ``scratch`` (weights that begin fresh) or ``base`` (every generation begins with the same ones)."""
    unit: str
    """What a token is: ``word``, ``byte``, ``piece``."""
    hardware: Mapping[str, Any]
    """What it is computed on."""

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The tokens of each text. What cannot be written in the vocabulary is the unknown word."""

    def train(self, corpus: Encoded, name: Name, beat: Beat) -> Trained:
        """Train a model on a corpus: from scratch, or from the base it was made with.

        Raises InputError for a corpus too short to be trained on.
        """

    def read(self, folder: Path) -> Trained:
        """A model that was saved."""

    def close(self) -> None:
        """The run is over: processes that help to train may go."""
