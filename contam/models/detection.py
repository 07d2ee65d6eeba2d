"""Detection scores: whether a language model finds a text as predictable as what it would write itself.

Fast-DetectGPT (Bao et al. 2024, its analytic form) and Binoculars (Hans et al. 2024). ``q`` is the model that scores;
``p``, the observer, is the one whose predictions the text is compared with. Without an observer p = q. Published
thresholds belong to the models they were found with and carry over to no others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from contam.errors import InputError
from contam.models.finding import ModelFiles, find
from contam.models.loading import device_of, read
from contam.models.network import Device, Network
from contam.models.predictions import blocks
from contam.models.scoring import Ids, Plan, Windowing, score_documents
from contam.models.tokenizer import Tokenizer

Floats = NDArray[np.float64]

_TYPES = {"nats": np.float32, "cross_entropy": np.float32, "variance": np.float32}


@dataclass(frozen=True, slots=True)
class DetectionScore:
    """Scores of one document; nan for one without predicted tokens.

    ``fast_detect``: higher is more like the model's own text. ``binoculars``: lower is; None without an observer.
    ``tokens``: how many were predicted.
    """

    fast_detect: float
    binoculars: float | None
    tokens: int


# --- one document -----------------------------------------------------------------------------------------------------


def fast_detect(nats: ArrayLike, entropy: ArrayLike, variance: ArrayLike) -> float:
    """Fast-DetectGPT of one document from figures of its tokens, [N] each: how far the sum of ln q(x) is above what
    it would be if every token were drawn from p, in standard deviations.

    ``nats``: -ln q(x). ``entropy``: -sum p ln q, which is H(q) for one model. ``variance``: of ln q under p. Without
    tokens, or where nothing varies: nan.
    """
    spread = float(np.sum(np.asarray(variance, np.float64)))
    excess = float(np.sum(np.asarray(entropy, np.float64)) - np.sum(np.asarray(nats, np.float64)))
    return excess / math.sqrt(spread) if spread > 0 else math.nan


def binoculars(nats: ArrayLike, cross_entropy: ArrayLike) -> float:
    """Binoculars' ratio for one document, [N] each: mean of -ln q(x) over mean of -sum p ln q at the same positions;
    nan without tokens."""
    expected = float(np.sum(np.asarray(cross_entropy, np.float64)))
    return float(np.sum(np.asarray(nats, np.float64))) / expected if expected > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Crossed:
    """Figures of N tokens: -ln q(x), -sum p ln q, and the variance of ln q under p; [N] each."""

    nats: Floats
    cross_entropy: Floats
    variance: Floats


def crossed(p: ArrayLike, q: ArrayLike, labels: ArrayLike) -> Crossed:
    """The figures of tokens int[N] that were predicted with probabilities p and q, [N, V] each."""
    chance, log_q = np.asarray(p, np.float64), np.log(np.asarray(q, np.float64))
    own = np.asarray(labels, np.int64)
    mean = (chance * log_q).sum(axis=1)
    variance = (chance * (log_q - mean[:, None]) ** 2).sum(axis=1)
    return Crossed(-log_q[np.arange(len(own)), own], -mean, variance)


# --- documents and models ---------------------------------------------------------------------------------------------


def detection_scores(
    documents: Sequence[str], model: str, observer: str | None = None, device: str = "auto", precision: str = "fp32"
) -> list[DetectionScore]:
    """The scores of documents under the model of that name, in order.

    With an ``observer`` Fast-DetectGPT takes its expectation under the observer, and Binoculars is computed too. Every
    document begins with the beginning token; long ones are read in windows of the smaller context, as `Windowing`
    says. Raises ``InputError`` where a model cannot be read, or the two do not share their vocabulary.
    """
    place = device_of(device, precision)
    scorer, tokenizer = _opened(find(model), place)
    if observer is None:
        return _alone(scorer, tokenizer, documents)
    other, its = _opened(find(observer), place)
    rows = list(tokenizer.encode_many(documents))
    _check_shared((model, observer), (scorer, other), (tokenizer, its))
    first = tokenizer.eos if tokenizer.bos is None else tokenizer.bos
    return pair_scores((scorer, other), rows, first, label=f"{model} with {observer}")


def pair_scores(
    networks: tuple[Network, Network], rows: Sequence[Ids], first: int | None, label: str = "the models"
) -> list[DetectionScore]:
    """The scores of documents that are tokens already, each preceded by ``first`` where that is given, under a pair
    of networks of one vocabulary: the one that scores, and the observer."""
    scorer, observer = networks
    smaller = min(networks, key=lambda n: n.shape.context)
    plan = Plan.of(smaller, rows, first, Windowing(), label)
    found = plan.carried_out(lambda ids, skip: _crossed(scorer, observer, ids, skip), _TYPES)
    return [
        DetectionScore(
            fast_detect(*(found[name][a:b] for name in _TYPES)),
            binoculars(found["nats"][a:b], found["cross_entropy"][a:b]),
            int(b - a),
        )
        for a, b in zip(plan.offsets[:-1], plan.offsets[1:])
    ]


def _alone(network: Network, tokenizer: Tokenizer, documents: Sequence[str]) -> list[DetectionScore]:
    scored = score_documents(network, tokenizer, documents, Windowing())
    figures = (scored.nats, scored.entropy, scored.variance)
    ends = zip(scored.offsets[:-1], scored.offsets[1:])
    return [DetectionScore(fast_detect(*(x[a:b] for x in figures)), None, int(b - a)) for a, b in ends]


@torch.no_grad()
def _crossed(scorer: Network, observer: Network, ids: Tensor, skip: int) -> dict[str, Tensor]:
    """The figures of both networks' predictions, piece by piece; both cut at the same places."""
    targets = ids[:, :, skip + 1 :].flatten(1)
    parts: list[tuple[Tensor, ...]] = []
    start = 0
    for pair in zip(scorer.chunks(ids, skip), observer.chunks(ids, skip), strict=True):
        for scores, chances in zip(*map(blocks, pair), strict=True):
            end = start + scores.shape[1]
            log_q, p = torch.log_softmax(scores, -1), torch.softmax(chances, -1)
            own = log_q.gather(-1, targets[:, start:end].unsqueeze(-1)).squeeze(-1)
            mean = torch.linalg.vecdot(p, log_q)
            centred = log_q.sub_(mean.unsqueeze(-1)).square_()
            parts.append((-own, -mean, torch.linalg.vecdot(p, centred)))
            start = end
    return {name: torch.cat(column, dim=1) for name, column in zip(_TYPES, zip(*parts))}


def _opened(files: ModelFiles, device: Device) -> tuple[Network, Tokenizer]:
    return read(files).network(1, device), Tokenizer(files.tokenizer_folder)


def _check_shared(
    names: tuple[str, str], networks: tuple[Network, Network], tokenizers: tuple[Tokenizer, Tokenizer]
) -> None:
    """InputError where two models do not predict the same tokens."""
    advice = "detection with an observer needs two models of one family, with one tokenizer"
    sizes = [n.shape.vocabulary for n in networks]
    if sizes[0] != sizes[1]:
        raise InputError(f"{names[0]} has {sizes[0]} tokens, {names[1]} has {sizes[1]}; {advice}")
    mine, its = tokenizers
    written = [t.decode(range(t.vocabulary)) for t in tokenizers]
    same = written[0] == written[1] and (mine.bos, mine.eos) == (its.bos, its.eos)
    if not same:
        raise InputError(f"{names[0]} and {names[1]}: their tokenizers differ; {advice}")
