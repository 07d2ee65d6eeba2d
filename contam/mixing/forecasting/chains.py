"""A recursion of exact counts, drawn token by token: what no closed form knows (temperatures), and their check.

A model is the count table of its corpus; it writes words with those frequencies, raised to 1/temperature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.mixing.forecasting.source import seen_counts, source_of
from contam.theory.bias_forms import temper
from contam.theory.retention import Regime
from contam.theory.token_worlds import ACCUMULATE, REDRAWN, REUSED, SUBSAMPLE
from contam_metrics.ngrams import Counts, spectrum

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
_POOL = 10**9 - 1
"""Tokens from which numpy draws without replacement."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How a recursion is drawn: its ``regime``, the ``temperature`` of its models, N ``tokens`` of a generation."""

    regime: Regime
    tokens: int
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Real:
    """Real text: the counts ``seen`` int64[types] of its words, and the frequencies ``source`` float64[types] of the
    source that it and fresh text come from, seen words first."""

    seen: Whole
    source: Array

    @classmethod
    def of(cls, counts: Counts) -> Real:
        """From the counts alone. ValueError where there is no word."""
        table = spectrum(counts)
        if not table.n:
            raise ValueError("a corpus without words has no recursion")
        return cls(seen_counts(table), source_of(table))

    def first(self, tokens: int, rng: np.random.Generator) -> Whole:
        """N real tokens as counts int64[types]: some or all of the corpus, or as many from its source where it has
        fewer."""
        if tokens > self.seen.sum():
            return rng.multinomial(tokens, self.source)
        out = np.zeros(len(self.source), np.int64)
        out[: len(self.seen)] = drawn(self.seen, tokens, rng)
        return out


def drawn(counts: Whole, tokens: int, rng: np.random.Generator) -> Whole:
    """So many tokens of a table, without replacement (above 10^9 tokens: with, which then is the same)."""
    total = int(counts.sum())
    if tokens >= total:
        return counts
    if total > _POOL:
        return rng.multinomial(tokens, counts / total)
    return rng.multivariate_hypergeometric(counts, tokens)


def generations(chain: Chain, first: Whole, source: Array, rng: np.random.Generator) -> Iterator[Whole]:
    """The corpora of generation 0 (``first``), 1, 2, ... without end, as counts int64[types].

    ``source`` are the frequencies that fresh real text is drawn from. Types that died out stay as zeros.
    """
    ways: dict[str, Callable[[_Drawing], Iterator[Whole]]] = {
        REUSED: _reused, REDRAWN: _redrawn, ACCUMULATE: _pooled, SUBSAMPLE: _pooled,
    }  # fmt: skip
    yield from ways.get(chain.regime.name, _fresh)(_Drawing(chain, first, source, rng))


@dataclass(frozen=True, slots=True)
class _Drawing:
    chain: Chain
    first: Whole
    source: Array
    rng: np.random.Generator

    @property
    def kept(self) -> int:
        """Real tokens of a generation."""
        return round(self.chain.regime.real * self.chain.tokens)

    def written(self, corpus: Whole, tokens: int) -> Whole:
        """What a model of a corpus writes."""
        out = np.zeros_like(corpus)
        alive = np.flatnonzero(corpus)
        p = corpus[alive] / corpus.sum()
        if self.chain.temperature != 1:
            p = temper(p, self.chain.temperature)
        out[alive] = self.rng.multinomial(tokens, p)
        return out


def _fresh(d: _Drawing) -> Iterator[Whole]:
    corpus, n = d.first, d.chain.tokens
    while True:
        yield corpus
        real = int(d.rng.binomial(n, d.chain.regime.real))
        fresh = d.rng.multinomial(real, d.source) if real else 0
        corpus = d.written(corpus, n - real) + fresh


def _reused(d: _Drawing) -> Iterator[Whole]:
    corpus, kept = d.first, drawn(d.first, d.kept, d.rng)
    while True:
        yield corpus
        corpus = kept + d.written(corpus, d.chain.tokens - d.kept)


def _redrawn(d: _Drawing) -> Iterator[Whole]:
    corpus = d.first
    while True:
        yield corpus
        corpus = drawn(d.first, d.kept, d.rng) + d.written(corpus, d.chain.tokens - d.kept)


def _pooled(d: _Drawing) -> Iterator[Whole]:
    pool, regime = d.first, d.chain.regime
    whole = regime.name == ACCUMULATE
    added = d.chain.tokens if whole else max(1, round(regime.rate * d.chain.tokens))
    while True:
        corpus = pool if whole else drawn(pool, d.chain.tokens, d.rng)
        yield corpus
        pool = pool + d.written(corpus, added)


@dataclass(frozen=True, slots=True)
class Course:
    """Generation 0 to g of some trajectories, each relative to generation 0: float64[trajectories, g + 1].

    ``head``: heterozygosity; ``vocabulary``: different words; ``tail``: words left of those that generation 0 has once
    (nan where it has none).
    """

    head: Array
    vocabulary: Array
    tail: Array


def simulated(chain: Chain, real: Real, last: int, trajectories: int, seed: int) -> Course:
    """Draw ``trajectories`` recursions up to generation ``last``."""
    rows = [_course(chain, real, last, np.random.default_rng([seed, i])) for i in range(trajectories)]
    head, vocabulary, tail = np.array(rows).transpose(1, 0, 2)
    return Course(head, vocabulary, tail)


def _course(chain: Chain, real: Real, last: int, rng: np.random.Generator) -> Array:
    first = real.first(chain.tokens, rng)
    once = first == 1
    found = np.empty((3, last + 1))
    for g, corpus in zip(range(last + 1), generations(chain, first, real.source, rng)):
        total = float(corpus.sum())
        found[:, g] = (
            1 - float(np.square(corpus / total).sum()), np.count_nonzero(corpus), np.count_nonzero(corpus[once])
        )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        return found / found[:, :1]
