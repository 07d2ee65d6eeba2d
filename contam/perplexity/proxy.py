"""Perplexity drift by small neural models: GPT-2-shaped, trained from scratch on each text, several seeds each.

All models are replicas of one stacked network and take every step together. The texts are *arms*: any number of them
can be trained side by side, so that mixtures of human and machine text at several shares are compared in one program.
Replicas of one seed begin with the same weights and read the same places of equally long texts, so what differs
between two arms of one seed is the text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from contam.models import noise
from contam.models.finding import TINY
from contam.models.gpt2 import GPT2, initial
from contam.models.loading import device_of
from contam.models.network import Device
from contam.models.optimizer import AdamSettings, Optimizer
from contam.models.stacked import stack
from contam.models.tokenizer import Tokenizer
from contam.perplexity.drift import LEAST, Drift, Passages, Reason, Roles, bootstrapped, roles, units_of
from contam_metrics.segments import Segments

Ids = NDArray[np.int64]
Floats = NDArray[np.float64]
Tell = Callable[[str, int], None]
"""Told the phase (``training``) and how many tokens were trained on so far."""

WORDS = 20_000
HELD_OUT_WORDS = 8_000
_T = (math.nan, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5 % quantiles of Student's t for 1 to 9 degrees of freedom; 1.96 beyond."""


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """The models and their training: ``batch`` windows of ``context`` tokens a step, warm-up and cosine decay;
    ``spread`` is the standard deviation of the first weights."""

    width: int = 64
    layers: int = 2
    context: int = 64
    batch: int = 8
    steps: int = 500
    rate: float = 5e-3
    weight_decay: float = 0.1
    seeds: int = 3
    spread: float = 0.02

    def config(self, vocabulary: int) -> dict[str, float]:
        """The configuration of a GPT-2 of that shape."""
        heads = max(1, self.width // 32)
        shape = {"n_embd": self.width, "n_layer": self.layers, "n_head": heads, "n_positions": self.context}
        return shape | {"vocab_size": vocabulary, "initializer_range": self.spread}


def tokenizer() -> Tokenizer:
    """The byte-level tokenizer of 2,048 pieces that comes with the embedded models: it can write any text."""
    return Tokenizer(TINY / "tiny")


def trained_nats(
    arms: Sequence[Ids],
    held_out: Sequence[Ids],
    vocabulary: int,
    settings: ProxySettings | None = None,
    *,
    seed: int = 0,
    device: Device | None = None,
    tell: Tell | None = None,
) -> Floats:
    """Train on every arm and predict the held-out texts: nats float64[arms, seeds, texts].

    ``arms``: the tokens of each training text, all cut to the length of the shortest, which must be longer than a
    window. Token 0 ends a text. The nats of a text are summed over its tokens.
    """
    given = settings or ProxySettings()
    length = min(len(arm) for arm in arms)
    replicas = [Replica(arm[:length], s) for arm in arms for s in range(given.seeds)]
    network = trained(replicas, vocabulary, given, seed=seed, device=device, tell=tell)
    return scored(network, held_out, given.context).reshape(len(arms), given.seeds, len(held_out))


@dataclass(frozen=True, slots=True)
class Replica:
    """What one replica is trained on, ``text`` int64[tokens], and which of the seeds it has."""

    text: Ids
    seed: int


def trained(
    replicas: Sequence[Replica],
    vocabulary: int,
    settings: ProxySettings,
    *,
    seed: int = 0,
    device: Device | None = None,
    tell: Tell | None = None,
) -> GPT2:
    """A network of replicas that have each taken ``settings.steps`` steps on windows of a text of its own.

    Texts may differ in length. Compute is matched, not passes: a longer text is read fewer times. Replicas of one seed
    begin with the same weights, and read the same places where their texts are equally long. ValueError for a text that
    is no longer than a window.
    """
    shortest = min(len(one.text) for one in replicas)
    if shortest <= settings.context + 1:
        raise ValueError(f"an arm of {shortest} tokens is shorter than a window of {settings.context + 1}")
    config = settings.config(vocabulary)
    first = {s: initial(config, seed=(seed * 1000 + s) % 2**63) for s in {one.seed for one in replicas}}
    network = GPT2(config, stack([first[one.seed] for one in replicas]), device or Device())
    _train(network, replicas, settings, seed, tell)
    return network


def _train(network: GPT2, replicas: Sequence[Replica], given: ProxySettings, seed: int, tell: Tell | None) -> None:
    """Every step: the same windows of all equally long texts of a seed, others for every seed."""
    settings = AdamSettings(weight_decay=given.weight_decay)
    optimizer = Optimizer(network, [given.rate] * network.replicas, settings)
    tokens = torch.from_numpy(np.concatenate([one.text for one in replicas])).to(network.device.name)
    lengths = np.array([len(one.text) for one in replicas])
    begins = torch.from_numpy(np.cumsum(lengths) - lengths).view(-1, 1, 1)
    rooms, offsets = (lengths - given.context).tolist(), torch.arange(given.context + 1)
    warm = max(1, given.steps // 10)
    for step in range(given.steps):
        rate = given.rate * min((step + 1) / warm, 0.1 + 0.45 * (1 + math.cos(math.pi * step / given.steps)))
        for group in optimizer.adam.param_groups:
            group["lr"] = rate
        drawn = [noise.starts(given.batch, room, "proxy", seed, r.seed, step) for r, room in zip(replicas, rooms)]
        places = begins + torch.stack(drawn).unsqueeze(-1) + offsets
        network.losses(tokens[places.to(tokens.device)]).mean((1, 2)).sum().backward()
        optimizer.step()
        if tell:
            tell("training", (step + 1) * given.batch * given.context * network.replicas)


def scored(network: GPT2, held_out: Sequence[Ids], context: int) -> Floats:
    """Summed nats of each text, float64[replicas, texts]: windows that do not overlap, after an end token."""
    rows, of = [], []
    for number, ids in enumerate(held_out):
        padded = np.concatenate(([0], ids))
        for first in range(0, len(ids), context):
            rows.append(padded[first : first + context + 1])
            of.append(number)
    table = np.zeros((len(rows), context + 1), np.int64)
    for row, ids in zip(table, rows):
        row[: len(ids)] = ids
    filled = np.arange(context) < np.array([len(ids) - 1 for ids in rows])[:, None]
    wide = torch.from_numpy(table).to(network.device.name).unsqueeze(0).expand(network.replicas, -1, -1)
    nats = network.score(wide.contiguous()).double().cpu().numpy() * filled
    return np.stack([np.bincount(of, weights=replica.sum(-1), minlength=len(held_out)) for replica in nats])


def neural_drift(
    audited: Segments,
    trusted: Segments | None,
    held_out: Segments | None,
    *,
    settings: ProxySettings | None = None,
    seed: int = 0,
    device: str = "cpu",
    precision: str = "fp32",
    tell: Tell | None = None,
) -> Drift | Reason:
    """The drift of ``audited`` as `perplexity_drift` defines it, by models of the embedded tokenizer's tokens.

    The interval holds what differs between seeds (paired, Student's t) and between held-out documents (bootstrap), not
    the choice of the training text: there are no splits, so ``null`` is empty and ``p_value`` None.
    """
    found = roles(audited, trusted, held_out, WORDS, seed)
    if isinstance(found, Reason):
        return found
    words = min(found.audited.words, found.pool.words, WORDS)
    if words < LEAST or found.held_out.words < LEAST:
        sizes = f"{found.audited.words:,}, {found.pool.words:,} and {found.held_out.words:,}"
        return Reason(f"needs {LEAST:,} words audited, trusted and held out; there are {sizes}, copies not counted")
    given = settings or ProxySettings()
    raw = {int(k): t for s in (audited, trusted, held_out) if s is not None for k, t in zip(s.keys, s.texts)}
    pieces = tokenizer()
    sides = [_tokens(raw, text, words, pieces, seed) for text in (found.audited, found.pool)]
    arms = [np.concatenate([np.append(ids, 0) for ids in side]) for side in sides]
    predicted = found.held_out.take(_first(found.held_out, HELD_OUT_WORDS, seed))
    texts = list(pieces.encode_many([raw[int(k)].decode("utf-8", "replace") for k in predicted.keys]))
    nats = trained_nats(
        arms, texts, pieces.vocabulary, given, seed=seed, device=device_of(device, precision), tell=tell
    )
    return _told(nats, texts, predicted, min(map(len, arms)), given, seed, found)


def _first(text: Passages, words: int, seed: int) -> Ids:
    """Rows of segments in an order drawn by whole documents, as many as it takes to reach ``words`` words."""
    of = units_of(text, seed).of
    place = np.random.default_rng([seed, len(of)]).permutation(int(of.max()) + 1)
    rows = np.argsort(place[of], kind="stable")
    return rows[: int(np.searchsorted(np.cumsum(np.diff(text.bounds)[rows]), words)) + 1]


def _tokens(raw: dict[int, bytes], text: Passages, words: int, pieces: Tokenizer, seed: int) -> list[Ids]:
    """The tokens of segments of a text."""
    keys = text.keys[_first(text, words, seed)]
    return list(pieces.encode_many([raw[int(k)].decode("utf-8", "replace") for k in keys]))


def _told(
    nats: Floats, texts: Sequence[Ids], predicted: Passages, size: int, given: ProxySettings, seed: int, found: Roles
) -> Drift:
    of = units_of(predicted, seed).of
    tokens = np.bincount(of, weights=[len(ids) for ids in texts]).astype(np.float64)
    total = float(tokens.sum())
    by_seed = (nats[0] - nats[1]).sum(-1) / total
    difference = (nats[0] - nats[1]).mean(0)
    low, high = bootstrapped(np.bincount(of, weights=difference).astype(np.float64), tokens, seed)
    spread = math.hypot(seed_noise(by_seed), (high - low) / 2)
    value = float(by_seed.mean())
    note = f"{given.seeds} seeds; the interval is over seeds and held-out documents, not over the choice of text"
    return Drift(
        value, (value - spread, value + spread), np.zeros(0), None, float(nats[0].mean(0).sum()) / total,
        float(nats[1].mean(0).sum()) / total, size, int(total), len(tokens),
        value * total / (math.log(2) * float(predicted.sizes.sum())), notes=(*found.notes, note),
    )  # fmt: skip


def seed_noise(values: Floats) -> float:
    """Half of the 95 % interval of a mean over seeds; infinite for a single one."""
    n = len(values)
    if n < 2:
        return math.inf
    quantile = _T[n - 1] if n - 1 < len(_T) else 1.96
    return quantile * float(np.std(values, ddof=1)) / math.sqrt(n)
