"""What a generation is trained on: the four paradigms.

Sizes are in tokens. N is the size of the real training text, and every paradigm but *accumulate* trains on N tokens:

* replace: what the last generation wrote.
* accumulate: the real text and all that was ever written.
* accumulate-subsample: N tokens drawn from a pool of the real text and, of every generation so far, ``rate`` x N.
* mix: ``real_share`` x N of real text, drawn from the original corpus or from fresh text, the rest from what the last
  generation wrote.

Documents are drawn whole and at random, the last one of each kind is cut so that the sizes are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.experiments.recurse.chance import generator
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.options import Lineage


@dataclass(frozen=True, slots=True)
class Sources:
    """What can be trained on: ``real`` the text of generation 0, ``fresh`` real text for later generations in order,
    ``written`` by each generation so far (after the filter), oldest first; None where it is not needed any more."""

    real: Encoded
    fresh: Encoded
    written: tuple[Encoded | None, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """A training corpus, and how many of its tokens are real."""

    corpus: Encoded
    real_tokens: int

    @property
    def real_share(self) -> float:
        """The share of real tokens."""
        return self.real_tokens / max(self.corpus.tokens, 1)


def composed(lineage: Lineage, sources: Sources) -> Composed:
    """The corpus of generation ``len(sources.written)`` of a lineage. Raises InputError where it would be empty."""
    generation = len(sources.written)
    if generation == 0:
        return Composed(sources.real, sources.real.tokens)
    made = _PARADIGMS[lineage.paradigm](lineage, sources, generation)
    if not made.corpus.tokens:
        raise InputError(
            f"{lineage.name}: generation {generation} has nothing to train on: all documents that generation "
            f"{generation - 1} wrote are empty" + (" or were filtered out" if lineage.filter != "none" else "")
        )
    return made


def needed(paradigm: str, generation: int) -> range:
    """The generations whose text the next one, ``generation``, reads."""
    return range(generation) if paradigm.startswith("accumulate") else range(max(generation - 1, 0), generation)


def drawn(documents: Encoded, tokens: int, rng: np.random.Generator) -> Encoded:
    """Documents in random order until there are so many tokens, the last one cut; all of them where they are fewer."""
    order = rng.permutation(len(documents))
    return documents.take(*_up_to(documents.lengths[order], order, tokens))


def first(documents: Encoded, begin: int, tokens: int) -> Encoded:
    """``tokens`` tokens of documents from token ``begin`` on, the documents kept apart."""
    low, high = min(begin, documents.tokens), min(begin + tokens, documents.tokens)
    bounds = np.clip(documents.bounds, low, high)
    kept = np.flatnonzero(np.diff(bounds) > 0)
    edges = np.concatenate((bounds[kept], [high])) if len(kept) else np.array([low])
    return Encoded(documents.ids[low:high], edges - low)


def _up_to(lengths: NDArray[np.int64], order: NDArray[np.int64], tokens: int) -> tuple[NDArray[np.int64], int | None]:
    """The documents of an order that fill a size, and how many tokens of the last one fit (None: all)."""
    if tokens <= 0:
        return order[:0], None
    total = np.cumsum(lengths)
    count = int(np.searchsorted(total, tokens)) + 1
    if count > len(order):
        return order, None
    return order[:count], int(lengths[count - 1] - (total[count - 1] - tokens))


def _last(sources: Sources) -> Encoded:
    found = sources.written[-1]
    assert found is not None
    return found


def _replace(lineage: Lineage, sources: Sources, generation: int) -> Composed:
    return Composed(_last(sources), 0)


def _accumulate(lineage: Lineage, sources: Sources, generation: int) -> Composed:
    return Composed(Encoded.joined([sources.real, *_all(sources.written)]), sources.real.tokens)


def _subsample(lineage: Lineage, sources: Sources, generation: int) -> Composed:
    """Whole documents of the pool, uniformly without replacement."""
    size, rate = sources.real.tokens, lineage.rate or 1.0
    shares = [drawn(w, round(rate * size), _chance(lineage, i, "rate")) for i, w in enumerate(_all(sources.written))]
    pool = Encoded.joined([sources.real, *shares])
    order = _chance(lineage, generation, "pool").permutation(len(pool))
    indices, last = _up_to(pool.lengths[order], order, size)
    corpus = pool.take(indices, last)
    real = int(corpus.lengths[indices < len(sources.real)].sum())
    return Composed(corpus, real)


def _mix(lineage: Lineage, sources: Sources, generation: int) -> Composed:
    size = sources.real.tokens
    wanted = round((lineage.real_share or 0.0) * size)
    if sources.fresh.tokens:
        real = first(sources.fresh, (generation - 1) * wanted, wanted)
    else:
        real = drawn(sources.real, wanted, _chance(lineage, generation, "real"))
    rest = drawn(_last(sources), size - wanted, _chance(lineage, generation, "written"))
    return Composed(Encoded.joined([real, rest]), real.tokens)


def _all(written: Sequence[Encoded | None]) -> list[Encoded]:
    return [w for w in written if w is not None]


def _chance(lineage: Lineage, generation: int, purpose: str) -> np.random.Generator:
    return generator("recurse", "compose", lineage.name, generation, purpose)


_PARADIGMS = {"replace": _replace, "accumulate": _accumulate, "accumulate-subsample": _subsample, "mix": _mix}
