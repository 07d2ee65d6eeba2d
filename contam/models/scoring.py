"""Scoring documents with a language model: what it predicts of every token, with windows over long documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from contam.errors import InputError, UsageError
from contam.models.network import Network
from contam.models.predictions import predictions
from contam.models.tokenizer import Tokenizer

Ids = NDArray[np.int64]
Beat = Callable[[int], None]
"""Told after every batch how many tokens have been predicted so far."""
Figures = Callable[[Tensor, int], Mapping[str, Tensor]]
"""Tokens int64[1, B, T + 1] and how many positions do not count -> figures by name, each [1, B * (T - skip)]."""

SLACK_CPU, SLACK_GPU = 64, 4096
"""Tokens of padding that cost less than another batch does."""
_TYPES = {"nats": np.float32, "entropy": np.float32, "variance": np.float32, "confidence": np.float32, "hit": np.bool_}


@dataclass(frozen=True, slots=True)
class Windowing:
    """How documents are read.

    ``window``: tokens that a prediction sees at most (0: as many as the model can). ``stride``: by how much a window
    moves in a document that is longer (0: half of the window). ``bos``: every document is preceded by the
    tokenizer's beginning token, or by its end token where it has no other, as GPT-2 does.

    The first window predicts the tokens 1 .. ``window``; each later one begins ``stride`` tokens further on and
    counts its last (at most) ``stride`` predictions, those that no window made before. So every token is predicted
    once, after at least ``window`` - ``stride`` others or all that there are. Only a document's first window begins
    with the beginning token. Without one (``bos`` false, or a tokenizer with neither) the first token of a document
    is seen and not predicted.
    """

    window: int = 0
    stride: int = 0
    bos: bool = True

    def sizes(self, context: int) -> tuple[int, int]:
        """Window and stride for a model that sees ``context`` tokens; UsageError where they do not fit."""
        if self.window < 0 or self.stride < 0:
            raise UsageError(f"window {self.window}, stride {self.stride}: neither can be negative")
        window = self.window or context
        if window > context:
            raise UsageError(f"window {window}: the model sees {context} tokens; give at most that")
        stride = self.stride or max(1, window // 2)
        if stride > window:
            raise UsageError(f"stride {stride} is wider than the window of {window}: tokens would be left out")
        return window, stride


@dataclass(frozen=True)
class Scored:
    """What a model predicted of some documents, token by token, documents end to end (N predicted tokens, D documents).

    ``offsets`` int64[D + 1]: where each document begins. ``bytes`` int64[D]: UTF-8 bytes of each document, without its
    first token where that is not predicted.
    ``nats`` float32[N]: -ln q(x). ``entropy`` float32[N]: H(q), nats. ``variance`` float32[N]: of ln q under q.
    ``confidence`` float32[N]: the largest q. ``hit`` bool[N]: whether the likeliest token was right.
    """

    offsets: NDArray[np.int64]
    bytes: NDArray[np.int64]
    nats: NDArray[np.float32]
    entropy: NDArray[np.float32]
    variance: NDArray[np.float32]
    confidence: NDArray[np.float32]
    hit: NDArray[np.bool_]

    @staticmethod
    def concatenate(parts: Sequence[Scored]) -> Scored:
        """The documents of all parts, in order; no parts are no documents."""
        arrays = {name: _together([getattr(p, name) for p in parts], kind) for name, kind in _TYPES.items()}
        counts = _together([np.diff(p.offsets) for p in parts], np.int64)
        return Scored(_offsets(counts), _together([p.bytes for p in parts], np.int64), **arrays)

    @property
    def tokens(self) -> NDArray[np.int64]:
        """Predicted tokens of each document: int64[D]."""
        return np.diff(self.offsets)

    def document_nats(self) -> NDArray[np.float64]:
        """Sum of the nats of each document: [D]."""
        return self.sums(self.nats)

    def document_entropy(self) -> NDArray[np.float64]:
        """Sum of the entropies of each document's predictions: [D]."""
        return self.sums(self.entropy)

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Sum over each document of something that every token has: [N] -> [D]."""
        total = np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
        return total[self.offsets[1:]] - total[self.offsets[:-1]]


def score_documents(
    network: Network,
    tokenizer: Tokenizer,
    documents: Sequence[str],
    windowing: Windowing,
    *,
    batch: int = 32,
    beat: Beat | None = None,
) -> Scored:
    """Everything that a network of one replica predicts of the documents; see `Windowing` for what it sees.

    ``batch``: windows computed side by side, which changes nothing beyond rounding. Raises ``InputError`` where the
    tokenizer is not the model's, or the model gives no finite loss.
    """
    label = str(tokenizer.folder)
    first = (tokenizer.eos if tokenizer.bos is None else tokenizer.bos) if windowing.bos else None
    rows = list(tokenizer.encode_many(documents))
    offsets, arrays = score_ids(network, rows, first, windowing, batch=batch, beat=beat, label=label)
    sizes = np.array([len(d.encode("utf-8", "surrogatepass")) for d in documents], np.int64)
    if first is None:
        # The bytes of what is not predicted would make bits a byte too few.
        seen = [len(tokenizer.decode(row[:1].tolist()).encode("utf-8", "replace")) for row in rows]
        sizes = np.maximum(sizes - np.array(seen, np.int64), 0)
    return Scored(offsets, sizes, **arrays)


def score_ids(
    network: Network,
    rows: Sequence[Ids],
    first: int | None,
    windowing: Windowing,
    *,
    batch: int = 32,
    beat: Beat | None = None,
    label: str = "the model",
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """The same for documents that are tokens already, each preceded by ``first`` where that is given.

    Returns the offsets int64[D + 1] and the other arrays of `Scored` by name, but for ``bytes``. ``label`` names the
    model in errors.
    """
    if network.replicas != 1:
        raise ValueError(f"scoring takes a network of one replica, not of {network.replicas}")

    def figures(ids: Tensor, skip: int) -> dict[str, Tensor]:
        found = predictions(network, ids, skip)
        return {name: getattr(found, name) for name in _TYPES}

    plan = Plan.of(network, rows, first, windowing, label)
    return plan.offsets, plan.carried_out(figures, _TYPES, batch, beat)


@dataclass(frozen=True)
class Plan:
    """Documents as rows of tokens and the windows that are moved over them; ``offsets`` is that of `Scored`."""

    label: str
    device: str
    rows: Sequence[Ids]
    offsets: Ids
    window: int
    stride: int

    @classmethod
    def of(cls, network: Network, rows: Sequence[Ids], first: int | None, windowing: Windowing, label: str) -> Plan:
        """InputError where a token is not one of the model's, UsageError where the window is wider than it sees."""
        window, stride = windowing.sizes(network.shape.context)
        begin = np.array([] if first is None else [first], np.int64)
        whole = [np.concatenate((begin, row)) for row in rows]
        _check_ids(label, whole, network.shape.vocabulary)
        offsets = _offsets(np.array([max(len(row) - 1, 0) for row in whole], np.int64))
        return cls(label, network.device.name, whole, offsets, window, stride)

    def carried_out(
        self, figures: Figures, types: Mapping[str, type], batch: int = 32, beat: Beat | None = None
    ) -> dict[str, NDArray[Any]]:
        """Every figure of every predicted token, by name, in the order of the documents; InputError where the figure
        ``nats`` is not finite."""
        arrays: dict[str, NDArray[Any]] = {name: np.zeros(self.offsets[-1], kind) for name, kind in types.items()}
        slack = SLACK_CPU if self.device == "cpu" else SLACK_GPU
        done = 0
        for views in _batches(_views([len(row) - 1 for row in self.rows], self.window, self.stride), batch, slack):
            done += self._fill(arrays, views, figures)
            if beat:
                beat(done)
        if not np.isfinite(arrays["nats"]).all():
            raise InputError(f"{self.label}: the model gives no finite loss: its weights are damaged")
        return arrays

    def _fill(self, arrays: dict[str, NDArray[Any]], views: Sequence[View], figures: Figures) -> int:
        """Compute one batch and put its figures where they belong; the number of predictions that counted."""
        skip, length = views[0].skip, views[0].length
        ids = np.zeros((1, len(views), length + 1), np.int64)
        sources, places = [], []
        for i, view in enumerate(views):
            ids[0, i, : view.length + 1] = self.rows[view.document][view.start : view.start + view.length + 1]
            counted = np.arange(view.length - skip)
            sources.append(i * (length - skip) + counted)
            places.append(self.offsets[view.document] + view.start + skip + counted)
        found = figures(torch.from_numpy(ids).to(self.device), skip)
        source, place = np.concatenate(sources), np.concatenate(places)
        for name, array in arrays.items():
            array[place] = found[name][0].cpu().numpy()[source]
        return len(source)


@dataclass(frozen=True, slots=True)
class View:
    """A window on a document: it predicts ``length`` tokens after token ``start``; the first ``skip`` do not count."""

    document: int
    start: int
    length: int
    skip: int


def _views(lengths: Sequence[int], window: int, stride: int) -> Iterator[View]:
    for document, length in enumerate(lengths):
        if length > 0:
            yield View(document, 0, min(length, window), 0)
        for start in range(stride, length - window + stride, stride):
            yield View(document, start, min(length - start, window), window - stride)


def _batches(views: Iterator[View], batch: int, slack: int) -> Iterator[list[View]]:
    """Windows of about the same length that skip as much, the longest first; a batch ends where padding would cost
    more than beginning another."""
    held: list[View] = []
    padding = 0
    for view in sorted(views, key=lambda v: (v.skip, -v.length)):
        if held:
            padding += held[0].length - view.length
            if len(held) == batch or padding > slack or view.skip != held[0].skip:
                yield held
                held, padding = [], 0
        held.append(view)
    if held:
        yield held


def _check_ids(label: str, rows: Sequence[Ids], vocabulary: int) -> None:
    """InputError where the tokenizer gives a token that the model does not have."""
    largest = max((int(row.max()) for row in rows if len(row)), default=0)
    if largest >= vocabulary:
        raise InputError(
            f"{label}: the tokenizer gives token {largest}, but the model has {vocabulary}; "
            "the folder holds the tokenizer of another model"
        )


def _together(parts: Sequence[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, kind), *parts])


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)))
