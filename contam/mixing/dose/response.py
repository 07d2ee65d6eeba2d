"""Dose-response: how models trained on mixtures predict held-out real text, by the share that is synthetic.

Two designs. Fixed total: N tokens whatever the share, so synthetic text takes the place of real text. Fixed real: the
same R real tokens, and synthetic text on top of them. The first alone cannot tell harm from waste: a model of less real
text is a worse model.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from contam.mixing.dose.effects import Estimate, detectable, estimated, kinds_of
from contam.mixing.dose.texts import Texts
from contam.mixing.options import MixOptions, Watch
from contam.mixing.result import DESIGNS, FIXED_REAL, FIXED_TOTAL, Dose, DoseResponse

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REAL, SYNTHETIC = "real", "synthetic"
POOL = 2 / 3
"""The part of either text that one seed trains on at the most: seeds that all saw the same would know no chance."""
WORTH_A_SHARE = 0.5
"""A share that synthetic text reaches only with less than this part of the tokens wanted is left out."""
FEW = 30


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
    """A kind of model that is quick to train. It is made of `contam.mixing.dose.texts.Texts`; settings may be tuned on
    ``tuning``, ``held_out`` is predicted. A seed decides all that is random: which documents are drawn, weights."""

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


@dataclass(frozen=True, slots=True)
class Plan:
    """The arms of both designs; ``total`` N of fixed-total, ``real`` R of fixed-real, ``notes`` on shares left out."""

    arms: tuple[Arm, ...]
    total: int
    real: int
    notes: tuple[str, ...] = ()


def planned(sizes: tuple[int, int], shares: Sequence[float], most: int, asked: float = 0.0) -> Plan:
    """The arms that texts of ``sizes`` (real, synthetic tokens) allow, N and R at most ``most``; share 0 is among
    ``shares``. No arm uses more than `POOL` of a text, so that seeds differ. Shares up to the one that is ``asked``
    about are never left out, however small the designs get for it."""
    real, synthetic = int(POOL * sizes[0]), int(POOL * sizes[1])
    room = min(most, real)
    total, kept = _reached(room, shares, list(shares), synthetic, asked)
    partial = [s for s in shares if s < 1]
    fixed, added = _reached(room, partial, [s / (1 - s) for s in partial], synthetic, asked if asked < 1 else 0.0)
    arms = [Arm(s, FIXED_TOTAL, total - round(s * total), round(s * total)) for s in kept]
    arms += [Arm(s, FIXED_REAL, fixed, round(s / (1 - s) * fixed)) for s in added]
    notes = [
        f"{design}: the synthetic text does not reach for a share of {', '.join(f'{s:g}' for s in missing)}"
        for design, missing in ((FIXED_TOTAL, sorted({*shares} - {*kept})), (FIXED_REAL, sorted({*partial} - {*added})))
        if missing
    ]
    notes += [
        f"{design}: {tokens:,} {kind} tokens, not {most:,}: a seed uses {100 * POOL:.0f} % of either text at the most"
        for design, tokens, kind in ((FIXED_TOTAL, total, "training"), (FIXED_REAL, fixed, "real"))
        if tokens < most
    ]
    return Plan(tuple(arms), total, fixed, tuple(notes))


def _reached(
    most: int, shares: Sequence[float], needed: Sequence[float], available: int, asked: float
) -> tuple[int, tuple[float, ...]]:
    """(tokens, shares): all shares with fewer tokens, or the largest left out where these would be too few; ``needed``
    are the synthetic tokens of each share a token."""
    for last in range(len(shares), 1, -1):
        tokens = min(most, int(available / needed[last - 1])) if needed[last - 1] else most
        if tokens >= WORTH_A_SHARE * most or shares[last - 1] <= asked or last == 2:
            return tokens, tuple(shares[:last])
    return most, tuple(shares)


def dose_response(texts: Texts, options: MixOptions, watch: Watch) -> DoseResponse:
    """Train ``options.proxy`` on mixtures of all shares and say what each does to the loss on held-out real text."""
    if options.proxy == "neural":
        from contam.mixing.dose.neural_proxy import NeuralProxy, neural_settings

        options = neural_settings(options)
        return respond(NeuralProxy(texts, options), texts, options, watch)
    from contam.mixing.dose.ngram_proxy import NgramProxy

    return respond(NgramProxy(texts, options), texts, options, watch)


def respond(proxy: Proxy, texts: Texts, options: MixOptions, watch: Watch) -> DoseResponse:
    """The dose-response of a proxy."""
    begin = time.perf_counter()
    plan = planned(proxy.sizes, options.shares, options.size, options.share or 0.0)
    measured = proxy.measure(plan.arms, options.seeds, options.rounds, watch)
    doses = told(plan.arms, measured, proxy, options.seed)
    of = {design: [d for d in doses if d.design == design] for design in DESIGNS}
    held = proxy.held_out
    few = [f"the intervals rest on {len(held)} held-out {texts.kind}: too narrow below about {FEW}"]
    notes = (*texts.notes, *plan.notes, *measured.notes, *(few if len(held) < FEW else ()))
    return DoseResponse(
        proxy.name, proxy.unit, options.seeds, plan.total, plan.real, int(held.sum()), len(held), tuple(doses),
        {design: detectable(found) for design, found in of.items()}, kinds_of(doses), notes,
        time.perf_counter() - begin,
    )  # fmt: skip


def told(arms: Sequence[Arm], measured: Measured, proxy: Proxy, seed: int) -> list[Dose]:
    """What was measured of every arm, with its effect beside the arm of its design that has no synthetic text."""
    sizes, tokens, doses = proxy.sizes, proxy.held_out, []
    bases = {arm.design: i for i, arm in enumerate(arms) if not arm.share}
    for i, arm in enumerate(arms):
        base = bases[arm.design]
        used = max(_used(arm, sizes), _used(arms[base], sizes))
        loss, effect = estimated(measured.nats[i], tokens, used, seed), None
        if i != base:
            effect = estimated(measured.nats[i] - measured.nats[base], tokens, used, seed)
        doses.append(_dose(arm, loss, effect, measured.output[i], measured.later[i]))
    return doses


def _used(arm: Arm, sizes: tuple[int, int]) -> float:
    return max(arm.real_tokens / max(sizes[0], 1), arm.synthetic_tokens / max(sizes[1], 1))


def _dose(arm: Arm, loss: Estimate, effect: Estimate | None, output: Mapping[str, float], later: Floats) -> Dose:
    return Dose(
        arm.share, arm.design, arm.real_tokens, arm.synthetic_tokens, loss.value, loss.interval,
        effect.value if effect else None, effect.interval if effect else None, (effect or loss).by_seed,
        dict(output), tuple(float(v) for v in later[~np.isnan(later)]),
    )  # fmt: skip
