"""What `contam mix` is asked: checked here, before anything is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contam.errors import UsageError
from contam.formats.task import ReadOptions
from contam.synthetic.share import ORDERS

PROXIES = ("ngram", "neural", "none")
REGIMES = ("replace", "fresh", "reused", "redrawn", "accumulate", "accumulate-subsample")
"""What later generations are trained on, N tokens each unless said otherwise, r the real share, 1 - r the synthetic:
replace: only what the last one wrote; fresh: r N real tokens that were never used, the rest from the last model;
reused: always the same r N real tokens and the rest; redrawn: r N tokens drawn anew each time from the same N real
ones; accumulate: the real text and all that was ever written; accumulate-subsample: N tokens of that pool."""
SHARED = ("fresh", "reused", "redrawn")
"""Regimes of which a synthetic share is a part."""
SHARES = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Event:
    """Progress: what is being done (``reading``, ``scoring``, ``training``, ``writing``, ``forecast``, ``judging``),
    how much of it is, in ``unit``; ``total`` 0 where nobody knows."""

    phase: str
    done: float = 0.0
    total: float = 0.0
    note: str = ""


Watch = Callable[[Event], None]


def unwatched(event: Event) -> None:
    """A watch that nobody keeps."""


@dataclass(frozen=True, slots=True)
class MixOptions:
    """How to judge a mixture.

    ``share``: the synthetic share of the user's pipeline (None: that of the two texts together). ``regime`` and
    ``generations``: of the forecast. ``tokens``: words that a generation is trained on (None: as many as the real text
    has). ``temperature`` at which the models of the pipeline write. ``rate``: of accumulate-subsample, words that each
    generation adds over the words of the real text. ``proxy``, ``ngram_order``, ``shares``, ``seeds``, ``size`` (words
    of the fixed total at most) and ``rounds`` (generations on): of the dose-response. ``valid``: held-out real text (a
    path; None: a part of the real text).
    """

    share: float | None = None
    regime: str = "fresh"
    generations: int = 10
    tokens: int | None = None
    temperature: float = 1.0
    rate: float = 1.0
    proxy: str = "ngram"
    shares: tuple[float, ...] = SHARES
    seeds: int = 5
    size: int = 100_000
    rounds: int = 3
    ngram_order: int = 3
    valid: Any = None
    text_field: str | None = None
    split: str | None = None
    strict: bool = False
    workers: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"

    def __post_init__(self) -> None:
        for flag, value, low, high in (
            ("--share", self.share, 0.0, 1.0), ("--rate", self.rate, 0.0, 1000.0),
            ("--temperature", self.temperature, 0.05, 10.0), ("--generations", self.generations, 1, 1000),
            ("--tokens", self.tokens, 100, 10**12), ("--seeds", self.seeds, 2, 100), ("--size", self.size, 2000, 10**9),
            ("--rounds", self.rounds, 0, 20), ("--ngram-order", self.ngram_order, 1, 5),
            ("--seed", self.seed, 0, 2**63 - 1), ("--workers", self.workers, 1, 10**6),
        ):  # fmt: skip
            if not isinstance(value, (int, float, type(None))) or isinstance(value, bool):
                raise UsageError(f"{flag} is a number, not {value!r}")
            if value is not None and not low <= value <= high:
                raise UsageError(f"{flag} must be between {low:g} and {high:g}, not {value:g}")
        if not self.rate:
            raise UsageError("--rate must be above 0: a generation that adds nothing never comes")
        for flag, name, known in (("--regime", self.regime, REGIMES), ("--proxy", self.proxy, PROXIES)):
            if name not in known:
                raise UsageError(f"{flag} {name!r} is not known: {', '.join(known)}")
        for flag, value in (("--generations", self.generations), ("--seeds", self.seeds), ("--rounds", self.rounds)):
            if not isinstance(value, int):
                raise UsageError(f"{flag} is a whole number, not {value!r}")
        object.__setattr__(self, "shares", _grid(self.shares))

    @property
    def reading(self) -> ReadOptions:
        """How files are to be read."""
        return ReadOptions(text_field=self.text_field, split=self.split, strict=self.strict)

    @property
    def plain(self) -> dict[str, Any]:
        """The settings that can move a figure, by name. Held-out text that is no path is not among them."""
        left_out = ("workers", "device")
        known = {n: getattr(self, n) for n in self.__dataclass_fields__ if n not in left_out}
        valid = self.valid
        known["valid"] = str(valid) if isinstance(valid, (str, os.PathLike)) else None if valid is None else "texts"
        return known


def _grid(given: tuple[float, ...]) -> tuple[float, ...]:
    """Shares in ascending order, 0 among them: it is what all others are compared with."""
    if isinstance(given, (int, float)):
        given = (given,)
    if strange := [share for share in given if not isinstance(share, (int, float))]:
        raise UsageError(f"--shares: a share is a number, not {strange[0]!r}")
    if strange := [share for share in given if not 0 <= share <= 1]:
        raise UsageError(f"--shares: a share is between 0 and 1, not {strange[0]:g}")
    found = tuple(sorted({0.0, *map(float, given)}))
    if len(found) < 2:
        raise UsageError("--shares: give at least one share above 0")
    return found


@dataclass(frozen=True, slots=True)
class EstimateOptions:
    """How to estimate the synthetic share of a corpus.

    ``reference``: trusted text of the same source, free of machine text as far as the user knows (None: nothing is
    measured); ``order``: see `contam.synthetic.share.ORDERS`. ``human`` and ``machine``: labelled text of the corpus's
    own source and of the generator called ``generator``, for the declared estimate. ``model``: a language model whose
    detection scores are shown beside, with those of a pair where there is an ``observer``. ``forecast``: asks what
    the share that was found leaves of the trusted text in such a pipeline.
    """

    reference: Any = None
    order: str = "unknown"
    human: Any = None
    machine: Any = None
    generator: str = ""
    model: str | None = None
    observer: str | None = None
    text_field: str | None = None
    split: str | None = None
    strict: bool = False
    workers: int | None = None
    seed: int = 0
    device: str = "auto"
    precision: str = "fp32"
    forecast: MixOptions | None = None

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise UsageError(f"--order {self.order!r} is not known: {', '.join(ORDERS)}")
        if self.observer is not None and self.model is None:
            raise UsageError("--observer goes with --model: both predict the text, and are compared")
        if (self.human is None) != (self.machine is None):
            given, missing = ("--human", "--machine") if self.machine is None else ("--machine", "--human")
            raise UsageError(f"{given} goes with {missing}: the declared estimate needs labelled text of both kinds")
        if self.machine is not None and not self.generator:
            raise UsageError("--machine needs --generator NAME: the estimate holds for that generator alone")
        if self.machine is None and self.generator:
            raise UsageError("--generator names what wrote the labelled text: give it with --human and --machine")

    @property
    def reading(self) -> ReadOptions:
        """How files are to be read."""
        return ReadOptions(text_field=self.text_field, split=self.split, strict=self.strict)
