"""Worlds of tokens: corpora drawn again and again from models that were fitted exactly to corpora before.

All trajectories advance together, a row each. Extinct types stay as columns of zeros, which cost nothing to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import UsageError
from contam.theory.ranges import check_known, check_ranges

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

REPLACE, FRESH, REUSED, REDRAWN = "replace", "fresh", "reused", "redrawn"
ACCUMULATE, SUBSAMPLE = "accumulate", "accumulate-subsample"
REGIMES = (REPLACE, FRESH, REUSED, REDRAWN, ACCUMULATE, SUBSAMPLE)
DISTRIBUTIONS = ("zipf", "uniform")
CELLS = 20_000_000
"""Trajectories times types that one simulation may hold."""
LARGEST_POOL = 10**9 - 1
"""Tokens of a row from which numpy samples without replacement."""


@dataclass(frozen=True, slots=True)
class TokensOptions:
    """A world of tokens.

    ``regime``: what a generation is trained on. ``replace``: ``samples`` tokens of the last model; ``fresh``: each of
    them real with probability ``real_share``; ``reused``: that share is always the same real tokens; ``redrawn``: it is
    drawn anew from the ``samples`` tokens of the first, real corpus; ``accumulate``: the whole corpus, to which every
    model adds ``rate`` times its first size; ``accumulate-subsample``: ``samples`` tokens of that corpus, drawn with or
    without ``replacement``. ``corpus``: real tokens that a growing corpus begins with (0: ``samples``). The truth is
    Zipf-Mandelbrot 1/(rank + ``shift``)^``exponent`` over ``types``, ``uniform``, or ``probabilities`` as given.
    UsageError for what cannot be.
    """

    regime: str = REPLACE
    types: int = 1000
    samples: int = 1000
    generations: int = 20
    trajectories: int = 200
    real_share: float | None = None
    rate: float | None = None
    corpus: int = 0
    replacement: bool = False
    distribution: str = "zipf"
    exponent: float = 1.0
    shift: float = 2.7
    probabilities: tuple[float, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_known(self, {"regime": REGIMES, "distribution": DISTRIBUTIONS})
        check_ranges(self, _RANGES)
        self._check_regime()
        self._check_sizes()

    def _check_regime(self) -> None:
        if self.real_share is not None and self.regime not in (FRESH, REUSED, REDRAWN):
            raise UsageError(f"--real-share needs --regime {FRESH}, {REUSED} or {REDRAWN}, not {self.regime}")
        growing = self.regime in (ACCUMULATE, SUBSAMPLE)
        if (self.rate is not None or self.corpus) and not growing:
            raise UsageError(f"--rate and --corpus need --regime {ACCUMULATE} or {SUBSAMPLE}, not {self.regime}")
        if self.regime == SUBSAMPLE and not self.replacement and self.samples > self.start:
            raise UsageError(
                f"--samples {self.samples} is more than the --corpus of {self.start} tokens holds: "
                "take fewer, or --replacement"
            )
        if self.regime in (REUSED, REDRAWN) and not 0 < self.kept < self.samples:
            raise UsageError(f"--real-share {self.share:g} of {self.samples} tokens leaves no real or no synthetic one")

    def _check_sizes(self) -> None:
        check_probabilities(self.probabilities)
        grown = self.start + self.added * (self.generations - 1)
        if self.regime == SUBSAMPLE and not self.replacement and grown > LARGEST_POOL:
            raise UsageError(
                f"the corpus grows to {grown:,} tokens, and without replacement at most {LARGEST_POOL:,} can be "
                f"sampled: lower {'--corpus' if self.corpus else '--samples'}, --rate or --generations, "
                "or take --replacement"
            )
        if len(self.truth) * self.trajectories > CELLS:
            raise UsageError(
                f"{self.trajectories} trajectories of {len(self.truth)} types are more than {CELLS} frequencies: "
                "use fewer --trajectories or --types"
            )

    @property
    def truth(self) -> Array:
        """The true frequencies, in the order of the ranks."""
        if self.probabilities:
            given = np.array(self.probabilities, np.float64)
            return given / given.sum()
        if self.distribution == "uniform":
            return np.full(self.types, 1 / self.types)
        return zipf(self.types, self.exponent, self.shift)

    @property
    def share(self) -> float:
        """The real share in force."""
        return 0.1 if self.real_share is None else self.real_share

    @property
    def kept(self) -> int:
        """Real tokens that are reused."""
        return round(self.share * self.samples)

    @property
    def start(self) -> int:
        """Real tokens that a growing corpus begins with."""
        return self.corpus or self.samples

    @property
    def added(self) -> int:
        """Tokens that a model adds to a growing corpus."""
        return max(1, round((1.0 if self.rate is None else self.rate) * self.start))

    def settings(self) -> dict[str, Any]:
        """Every setting as JSON can hold it."""
        told = {f.name: getattr(self, f.name) for f in fields(self)}
        return told | {"probabilities": list(self.probabilities)}


_RANGES: dict[str, tuple[float, float]] = {
    "types": (2, 10**6), "samples": (2, 10**8), "generations": (1, 10**5), "trajectories": (2, 10**6),
    "real_share": (0, 1), "rate": (1e-6, 1e3), "corpus": (0, 10**8), "exponent": (0, 20), "shift": (0, 1e6),
    "seed": (0, 2**31),
}  # fmt: skip


def check_probabilities(p: tuple[float, ...]) -> None:
    """Raise UsageError for frequencies that are none; an empty tuple stands for none given."""
    if p and not (min(p) >= 0 and abs(sum(p) - 1) <= 1e-6 and sum(x > 0 for x in p) >= 2):
        raise UsageError("--probabilities must be two numbers or more that sum to 1, such as 0.7,0.3")


def zipf(types: int, exponent: float = 1.0, shift: float = 0.0) -> Array:
    """Zipf-Mandelbrot frequencies 1/(rank + shift)^exponent, rank from 1."""
    weights = (np.arange(1, types + 1) + float(shift)) ** -float(exponent)
    return weights / weights.sum()


@dataclass(frozen=True, slots=True)
class Generation:
    """The frequencies a model has learned (trajectories x types), and the growing corpus it was trained from."""

    model: Array
    corpus: Array | None = None
    real: Array | None = None


def world(options: TokensOptions, rng: np.random.Generator) -> Iterator[Generation]:
    """Generation 1, 2, ... without end."""
    kinds: dict[str, Callable[[TokensOptions, np.random.Generator], Iterator[Generation]]] = {
        REPLACE: _fresh, FRESH: _fresh, REUSED: _reused, REDRAWN: _redrawn, ACCUMULATE: _growing, SUBSAMPLE: _growing,
    }  # fmt: skip
    return kinds[options.regime](options, rng)


def _fresh(options: TokensOptions, rng: np.random.Generator) -> Iterator[Generation]:
    share = options.share if options.regime == FRESH else 0.0
    truth, n = options.truth, options.samples
    model = rng.multinomial(n, truth, size=options.trajectories) / n
    while True:
        yield Generation(model)
        model = rng.multinomial(n, share * truth + (1 - share) * model) / n


def _reused(options: TokensOptions, rng: np.random.Generator) -> Iterator[Generation]:
    n, synthetic = options.samples, options.samples - options.kept
    real = rng.multinomial(options.kept, options.truth, size=options.trajectories)
    model = (real + rng.multinomial(synthetic, options.truth, size=options.trajectories)) / n
    while True:
        yield Generation(model, real=real / options.kept)
        model = (real + rng.multinomial(synthetic, model)) / n


def _redrawn(options: TokensOptions, rng: np.random.Generator) -> Iterator[Generation]:
    n, synthetic = options.samples, options.samples - options.kept
    first = rng.multinomial(n, options.truth, size=options.trajectories)
    model = first / n
    while True:
        yield Generation(model, real=first / n)
        model = (_drawn(first, options.kept, rng) + rng.multinomial(synthetic, model)) / n


def _growing(options: TokensOptions, rng: np.random.Generator) -> Iterator[Generation]:
    pool = rng.multinomial(options.start, options.truth, size=options.trajectories)
    size = options.start
    while True:
        corpus = pool / size
        model = corpus if options.regime == ACCUMULATE else _read(pool, options, rng) / options.samples
        yield Generation(model, corpus)
        pool = pool + rng.multinomial(options.added, model)
        size += options.added


def _read(pool: Whole, options: TokensOptions, rng: np.random.Generator) -> Whole:
    if options.replacement:
        return rng.multinomial(options.samples, pool / pool.sum(axis=1, keepdims=True))
    if pool[0].sum() == options.samples:
        return pool
    return _drawn(pool, options.samples, rng)


def _drawn(counts: Whole, tokens: int, rng: np.random.Generator) -> Whole:
    """So many tokens of each row, without replacement."""
    return np.stack([rng.multivariate_hypergeometric(row, tokens) for row in counts])


def collapse_times(
    truth: Array, samples: int, trajectories: int, rng: np.random.Generator, limit: int = 10**6
) -> tuple[Whole, Whole]:
    """Generations until one type is left under replacement, and which type it is, for each trajectory.

    Trajectories that have not ended at ``limit`` have the time ``limit`` and the type -1.
    """
    times, winners = np.full(trajectories, limit), np.full(trajectories, -1)
    rows = np.arange(trajectories)
    counts = rng.multinomial(samples, truth, size=trajectories)
    names = np.broadcast_to(np.arange(len(truth)), counts.shape)
    for t in range(1, limit):
        alive = (counts > 0).sum(axis=1)
        done = alive == 1
        if done.any():
            times[rows[done]] = t
            winners[rows[done]] = names[done, counts[done].argmax(axis=1)]
            counts, names, rows, alive = counts[~done], names[~done], rows[~done], alive[~done]
        if not len(rows):
            break
        if alive.max() < 0.75 * counts.shape[1]:
            counts, names = _left_justified(counts, names, int(alive.max()))
        counts = rng.multinomial(samples, counts / samples)
    return times, winners


def _left_justified(counts: Whole, names: Whole, width: int) -> tuple[Whole, Whole]:
    """The same counts with the extinct types cut away."""
    order = np.argsort(-counts, axis=1, kind="stable")[:, :width]
    return np.take_along_axis(counts, order, axis=1), np.take_along_axis(names, order, axis=1)
