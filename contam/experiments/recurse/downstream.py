"""Two probes of what a model can do, without examples, without training, of any model.

Choosing the true ending among four is what HellaSwag (Zellers et al. 2019) and its kind ask for. Here the passages are
the user's own held-out text and the wrong endings are those of other passages, which is easier than their adversarial
ones: the figures compare the generations of a run with one another, and with nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.experiments.recurse.backend import Predicted, Trained
from contam.experiments.recurse.chance import generator
from contam.experiments.recurse.documents import Encoded

PASSAGES, LEAST = 200, 20
"""Passages at most, and at least."""
ENDING, CONTEXT, SHORTEST = 12, 48, 12
"""Words of an ending, of the context before it at most, and at least."""
CHOICES = 4
TIE = 1e-9

Floats = NDArray[np.float64]
Encode = Callable[[Sequence[str]], Encoded]


@dataclass(frozen=True, slots=True)
class Choice:
    """The share of ``passages`` whose true ending was chosen; None with a ``reason`` where it could not be asked."""

    value: float | None
    passages: int
    reason: str | None = None


def downstream(model: Trained, endings: Endings, predicted: Predicted) -> dict[str, Any]:
    """Both probes for a log line: ``next_token_accuracy`` and ``ending_choice``, each None where it was not measured;
    then ``ending_reason`` says why. ``predicted`` is what the model makes of the held-out texts."""
    choice = endings.chosen(model)
    line: dict[str, Any] = {"next_token_accuracy": next_token_accuracy(predicted), "ending_choice": choice.value}
    return line | ({"ending_reason": choice.reason} if choice.reason else {})


def next_token_accuracy(predicted: Predicted) -> float | None:
    """Share of the tokens that were the model's first choice; None where that was not counted."""
    counted = predicted.correct >= 0
    tokens = int(predicted.tokens[counted].sum())
    return float(predicted.correct[counted].sum() / tokens) if tokens else None


def ending_choice(model: Trained, encode: Encode, texts: Sequence[str]) -> Choice:
    """How often a model finds the true ending of a held-out passage likelier than three others; chance is one in four.

    Passages are 60 words or, in short documents, all there are from 24 on: a context and 12 words of ending. The other
    endings are those of three other passages, of equally many words; which, depends on the number of passages
    alone, so all models of a run have the same task. The likeliest has the fewest nats a token given the context:
    what the model makes of both less what it makes of the context. Where several are equally likely, the answer counts
    in proportion. Up to 200 passages, spread evenly; fewer than 20 are none.
    """
    return Endings.of(encode, texts).chosen(model)


@dataclass(frozen=True)
class Endings:
    """The passages of a run, encoded once: ``whole`` each context with each of its four endings, the true one first;
    ``alone`` each context."""

    passages: int
    whole: Encoded
    alone: Encoded

    @classmethod
    def of(cls, encode: Encode, texts: Sequence[str]) -> Endings:
        """From held-out texts; with fewer than 20 passages nothing is asked."""
        passages = [passage for text in texts for passage in _passages(text)]
        count = min(len(passages), PASSAGES)
        passages = [passages[i * len(passages) // count] for i in range(count)]
        if count < LEAST:
            return cls(count, encode([]), encode([]))
        others = _other_endings([ending for _, ending in passages])
        contexts = [context for context, _ in passages]
        whole = [f"{context} {passages[j][1]}" for context, row in zip(contexts, others) for j in row]
        return cls(count, encode(whole), encode(contexts))

    def chosen(self, model: Trained) -> Choice:
        """How often the model chooses the true ending; see `ending_choice`."""
        count = self.passages
        if count < LEAST:
            why = f"{count} passages of {SHORTEST + ENDING} words in the held-out text; needs {LEAST}"
            return Choice(None, count, why)
        costs = self._costs(model)
        best = costs.min(axis=1, keepdims=True)
        equal = costs <= best + TIE * np.maximum(np.abs(best), 1)
        return Choice(float((equal[:, 0] / np.maximum(equal.sum(axis=1), 1)).mean()), count)

    def _costs(self, model: Trained) -> Floats:
        """Nats a token of each ending given its context, float64[P, 4]; inf where it has no token."""
        whole, alone = model.predicted(self.whole), model.predicted(self.alone)
        nats = whole.nats.reshape(-1, CHOICES) - alone.nats[:, None]
        tokens = whole.tokens.reshape(-1, CHOICES) - alone.tokens[:, None]
        return np.where(tokens > 0, nats / np.maximum(tokens, 1), math.inf)


def _passages(text: str) -> Iterator[tuple[str, str]]:
    """(context, ending) of a document, one after another; white space becomes single spaces."""
    words = text.split()
    for start in range(0, len(words), CONTEXT + ENDING):
        part = words[start : start + CONTEXT + ENDING]
        if len(part) >= SHORTEST + ENDING:
            yield " ".join(part[:-ENDING]), " ".join(part[-ENDING:])


def _other_endings(endings: Sequence[str]) -> NDArray[np.int64]:
    """[P, 4]: each passage itself, then three others whose endings differ from its own and from one another, as far as
    there are such."""
    chance = generator("recurse", "endings", len(endings))
    rows = np.empty((len(endings), CHOICES), np.int64)
    for i in range(len(endings)):
        order = [i, *(j for j in chance.permutation(len(endings)).tolist() if j != i)]
        firsts: dict[str, int] = {}
        for j in order:
            firsts.setdefault(endings[j], j)
        different = list(firsts.values())[:CHOICES]
        rows[i] = (different + [j for j in order if j not in different])[:CHOICES]
    return rows
