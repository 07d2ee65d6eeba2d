"""The dose-response proxy that needs no GPU: word n-gram models, interpolated by Witten and Bell.

Witten and Bell take every occurrence for evidence, so a text that says things twice makes a model twice as sure. Added
synthetic text would look harmful for that alone. So every model is given the worth of an occurrence (see
`contam.models.ngram`) that serves real text best, on real text that is tuned on and not reported: two copies of a text
then make the model that one copy makes, and what is left of an effect is not a matter of how sure the model is.

Words are numbered over all texts. The uniform level, which words that no arm has learned fall back on, is one over the
words of the real text, held-out text included: synthetic text cannot move it. Where a script has no spaces between
words, every sign is a word, as in an audit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import Words
from contam.mixing.dose.response import REAL, SYNTHETIC, Arm, Measured, drawn
from contam.mixing.dose.texts import Texts
from contam.mixing.options import Event, MixOptions, Watch
from contam.mixing.result import FIXED_TOTAL
from contam.models.ngram import Ngram, compile_kernels, histories_of
from contam.models.ngram_writing import Drawing, write
from contam_metrics import unicode_tables
from contam_metrics.diversity import distinct_n, mattr
from contam_metrics.entropy import plug_in, window_entropies
from contam_metrics.repetition import seq_rep_documents
from contam_metrics.tail import hapax_share

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WRITTEN = 20_000
"""Words of a model's text that are looked at."""
LEAST_WORTH, MOST_WORTH = 0.05, 200.0
STEPS = 22
"""Of the search for the best worth: its logarithm to a ten-thousandth."""
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Trail:
    """What a model has counted along a text: float64[order, N] of each level (no history first) how often the word
    followed the history (``hits``), how often the history went on (``totals``) and with how many words (``kinds``)."""

    hits: Floats
    totals: Floats
    kinds: Floats

    @classmethod
    def of(cls, model: Ngram, text: Encoded) -> Trail:
        """Look a text up in a model."""
        from contam_metrics.kernels.calls import predict_words

        tree, ids = model.tree, np.ascontiguousarray(text.ids, np.int32)
        hits, totals, kinds = np.zeros((3, model.order, len(ids)))
        found = ids + np.int32(2)
        hits[0], totals[0], kinds[0] = tree.nodes[found, 3], tree.sums[0, 0], tree.sums[0, 1]
        for level in range(1, model.order):
            histories = histories_of(found, text.bounds, int(tree.starts[level]))
            found = np.empty_like(ids)
            predict_words(
                ids, histories, found, tree.table, model.chances, model.falls, model.best, np.ones(len(ids)),
                np.zeros(len(ids), np.uint8),
            )  # fmt: skip
            hits[level] = np.where(found >= 0, tree.nodes[found, 3], 0)
            totals[level], kinds[level] = np.where(histories >= 0, tree.sums[histories].T, 0)
        return cls(hits, totals, kinds)

    def nats(self, worth: float, uniform: float) -> Floats:
        """-ln p of every word, float64[N], if ``worth`` occurrences count as one; ``uniform``: the last resort."""
        chances: Floats = np.full(self.hits.shape[1], uniform)
        for hits, totals, kinds in zip(self.hits, self.totals, self.kinds * worth):
            whole = totals + kinds
            chances = np.where(whole > 0, (hits + kinds * chances) / np.maximum(whole, 1e-300), chances)
        return -np.log(chances)


def best_worth(trail: Trail, uniform: float) -> float:
    """The worth at which a text is predicted best: a golden-section search over its logarithm."""
    low, high = np.log(LEAST_WORTH), np.log(MOST_WORTH)
    inner, outer = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)

    def loss(log_worth: float) -> float:
        return float(trail.nats(float(np.exp(log_worth)), uniform).mean())

    left, right = loss(inner), loss(outer)
    for _ in range(STEPS):
        if left <= right:
            high, outer, right = outer, inner, left
            inner = high - _GOLDEN * (high - low)
            left = loss(inner)
        else:
            low, inner, left = inner, outer, right
            outer = low + _GOLDEN * (high - low)
            right = loss(outer)
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True, slots=True)
class _Task:
    """An arm with a seed, and what it draws."""

    arm: Arm
    seed: int
    real: Encoded
    synthetic: Encoded


class NgramProxy:
    """N-gram models of ``options.ngram_order`` over words; see `contam.mixing.dose.response.Proxy`."""

    name, unit = "ngram", "word"

    def __init__(self, texts: Texts, options: MixOptions) -> None:
        compile_kernels()
        given = (texts.real, texts.synthetic, texts.tuning, texts.held_out)
        sides = [tuple(map(_spaced, side)) for side in given]
        alphabet = Words([*sides[0], *sides[2], *sides[3], *sides[1]])
        self._real, self._synthetic, self._tuning, self._held = map(alphabet.encode, sides)
        self._words = len(alphabet)
        self._uniform = 1 / (1 + max(int(e.ids.max(initial=0)) for e in (self._real, self._tuning, self._held)))
        self._order, self._seed = options.ngram_order, options.seed
        self._how = Drawing(options.temperature)

    @property
    def sizes(self) -> tuple[int, int]:
        return self._real.tokens, self._synthetic.tokens

    @property
    def held_out(self) -> Ints:
        return self._held.lengths

    def measure(self, arms: Sequence[Arm], seeds: int, rounds: int, watch: Watch) -> Measured:
        nats = np.empty((len(arms), seeds, len(self._held)))
        later = np.full((len(arms), seeds, rounds), np.nan)
        written: list[list[Mapping[str, float]]] = [[] for _ in arms]
        worths = np.empty((len(arms), seeds))
        for number, (i, s) in enumerate((i, s) for s in range(seeds) for i in range(len(arms))):
            watch(Event("training", number, len(arms) * seeds, f"{arms[i].design} {arms[i].share:g}"))
            task = self._task(arms[i], s)
            model, nats[i, s], worths[i, s] = self._trained(Encoded.joined([task.real, task.synthetic]))
            if task.arm.design == FIXED_TOTAL:
                written[i].append(self._output(model, task))
                if task.arm.share:
                    later[i, s] = self._later(model, task, rounds)
        watch(Event("training", len(arms) * seeds, len(arms) * seeds))
        return Measured(nats, tuple(map(_mean, written)), later.mean(1), (_worth_note(worths),))

    def _task(self, arm: Arm, seed: int) -> _Task:
        """The arm's texts: the first documents of a seed's order of either side."""
        sides = ((self._real, arm.real_tokens, REAL), (self._synthetic, arm.synthetic_tokens, SYNTHETIC))
        parts = []
        for text, tokens, side in sides:
            rows, last = drawn(text.lengths, tokens, side, 1000 * self._seed + seed)
            parts.append(text.take(rows, last))
        return _Task(arm, seed, parts[0], parts[1])

    def _trained(self, corpus: Encoded) -> tuple[Ngram, Floats, float]:
        """(model, nats of each held-out document, worth)."""
        model = Ngram.train(corpus.ids, corpus.bounds, self._order, self._words)
        worth = best_worth(Trail.of(model, self._tuning), self._uniform)
        nats = Trail.of(model, self._held).nats(worth, self._uniform)
        of = np.repeat(np.arange(len(self._held)), self._held.lengths)
        sums = np.bincount(of, weights=nats, minlength=len(self._held)).astype(np.float64)
        return replace(model, tree=replace(model.tree, worth=worth)), sums, worth

    def _write(self, model: Ngram, bounds: Ints, *names: object) -> Encoded:
        return Encoded(write(model, bounds, self._how, "mix", self._seed, *names), bounds)

    def _output(self, model: Ngram, task: _Task) -> Mapping[str, float]:
        """Signals of `WRITTEN` words, in documents as long as those that the model was trained on."""
        like = Encoded.joined([task.real, task.synthetic]).bounds
        bounds = np.unique(np.minimum(like, WRITTEN))
        return signals_of_words(self._write(model, bounds, "output", task.seed))

    def _later(self, model: Ngram, task: _Task, rounds: int) -> list[float]:
        """Nats a word of the generations that follow: the same real documents, and what the last model wrote in the
        place of the synthetic ones."""
        losses = []
        for generation in range(1, rounds + 1):
            text = self._write(model, task.synthetic.bounds, task.arm.share, task.seed, generation)
            model, nats, _ = self._trained(Encoded.joined([task.real, text]))
            losses.append(float(nats.sum()) / self._held.tokens)
        return losses


def signals_of_words(text: Encoded) -> dict[str, float]:
    """The audit's signals of a text whose words are numbers, by the audit's names; a signal that a short text does not
    have is left out. Words are those of the model: marks are words and case is kept, so figures are for comparing
    models with each other."""
    _, ids, counts = np.unique(text.ids, return_inverse=True, return_counts=True)
    ids = ids.astype(np.int64)
    figures = {
        "diversity.types": float(len(counts)),
        "tail.hapax_share": hapax_share(counts),
        "diversity.distinct_2": distinct_n(ids, text.bounds, 2),
        "diversity.mattr": mattr(ids, text.bounds, 100),
        "entropy.plug_in": plug_in(counts),
        "entropy.window": float(np.mean(window_entropies(ids))) if len(ids) >= 1000 else float("nan"),
        "repetition.seq_rep_4": float(np.nanmean(seq_rep_documents(ids, text.bounds))),
    }
    return {name: float(value) for name, value in figures.items() if np.isfinite(value)}


class _Signs(dict[int, str]):
    """Signs of scripts without spaces, with spaces around them, for ``str.translate``; filled on use."""

    def __missing__(self, code: int) -> str:
        self[code] = f" {chr(code)} " if _classes()[code] == unicode_tables.SINGLE else chr(code)
        return self[code]


_SIGNS = _Signs()


@cache
def _classes() -> NDArray[np.uint8]:
    return unicode_tables.load()[0]


def _spaced(text: str) -> str:
    return text if text.isascii() else text.translate(_SIGNS)


def _mean(found: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """The mean over seeds of every signal that all of them have."""
    names = dict.fromkeys(chain.from_iterable(found))
    return {n: float(np.mean([f[n] for f in found])) for n in names if all(n in f for f in found)}


def _worth_note(worths: Floats) -> str:
    low, high = worths.mean(1).min(), worths.mean(1).max()
    return f"word n-grams, each tuned on real text set apart: {low:.2g} to {high:.2g} occurrences count as one"
