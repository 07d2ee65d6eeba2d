"""Perplexity drift: how much worse a trigram model of a text predicts human text than a model of human text does.

Delta = xent(trained on the audited text; H) - xent(trained on trusted text; H), nats a word, H held-out human text.
Both models read the same number of words N0 and share one closed vocabulary: the words of the human text, H included,
which the audited text cannot move. Other words of the audited text keep types of their own and the probability that
they claim, as any word that H never uses does on either side; merging them into one unknown word would leave that
side fewer types, and fewer types mean less room for unseen words.

The trusted model is drawn many times: the drift is taken against the mean over both halves of R splits of the trusted
text. The same difference between the two halves of each split is the null, which contains what the choice of training
text does; the interval is a bootstrap over the documents of H and contains the noise of H alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.result import Figure
from contam_metrics.prepare import kept_segments, normalised
from contam_metrics.segments import Segments, mixed
from contam_metrics.witten_bell import Floats, Ints, WittenBell

ORDER = 3
SIZES = (20_000, 10_000, 5_000)
LEAST = 2_000
"""Fewest words to train on, and fewest to be held out."""
MOST_HELD_OUT = 50_000
FEW = 10
"""Below so many documents the text is divided into contiguous blocks instead."""
BLOCKS = 40
RESAMPLES = 1_000
_LONGEST = 2**20
_HELD_OUT = np.uint64(0x8E1D)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no drift to tell."""

    text: str


@dataclass(frozen=True)
class Drift:
    """The drift of one text, in nats a word (a token, where a neural model measured it).

    ``interval``: 95 %, over the documents of the held-out text. ``null``: the drift between the halves of each split of
    the trusted text; ``p_value``: (1 + how many of them reach the value) / (splits + 1). ``audited_nats`` and
    ``trusted_nats``: what either side's model needs for a word of the held-out text. ``tokens``: N0.
    ``documents``: held-out documents (blocks, where there are few). ``bits_per_byte``: the drift over the bytes of the
    held-out text. ``versus_less``: the drift against models of (1 - s) N0 trusted words, where the synthetic share s is
    known: above 0, the synthetic text does harm and does not merely take the place of human text.
    """

    value: float
    interval: tuple[float, float]
    null: NDArray[np.float64]
    p_value: float | None
    audited_nats: float
    trusted_nats: float
    tokens: int
    held_out_tokens: int
    documents: int
    bits_per_byte: float = math.nan
    versus_less: float | None = None
    notes: tuple[str, ...] = ()


def perplexity_drift(
    audited: Segments,
    trusted: Segments | None,
    held_out: Segments | None,
    *,
    tokens: int | None = None,
    splits: int = 39,
    seed: int = 0,
    share: float | None = None,
) -> Drift | Reason:
    """The drift of ``audited``, or why it cannot be measured.

    With only one of ``trusted`` and ``held_out``, whole documents of it are set aside to be predicted, by their hash,
    and the rest is trained on. ``tokens`` is N0 (None: the largest of `SIZES` that is reached); the trusted text has to
    have twice as many words, so that a split gives two halves of N0. ``seed`` chooses the splits, and should be the
    seed of the sample, which tells the order of segments in long documents. ``share``: the synthetic share, if known.
    """
    found = roles(audited, trusted, held_out, tokens or SIZES[0], seed)
    if isinstance(found, Reason):
        return found
    size = _size(min(found.audited.words, found.pool.words // 2), tokens)
    if size < LEAST or found.held_out.words < LEAST:
        return Reason(_missing(found))
    notes = list(found.notes)
    if size < (tokens or SIZES[-1]):
        notes.append(f"measured at {size:,} words: the texts reach no further")
    return _measured(_coded(found, seed), size, splits, seed, share, notes)


def drift_figure(drift: Drift | Reason) -> Figure:
    """The figure of an audit, with the extremes of the null as its limits."""
    if isinstance(drift, Reason):
        return Figure(None, "nats/token", "perplexity", "rises", reason=drift.text)
    limits = (float(drift.null.min()), float(drift.null.max())) if len(drift.null) else None
    return Figure(
        drift.value, "nats/token", "perplexity", "rises", interval=drift.interval, p_value=drift.p_value,
        limits=limits, matched_tokens=drift.tokens, documents=drift.documents,
    )  # fmt: skip


# --- the texts ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passages:
    """Segments as the verdict sees them: ``words`` uint64[N] hashes, ``bounds`` int64[n + 1]; of every segment its
    ``keys`` and ``docs`` (uint64[n]) and ``sizes`` in bytes (int64[n])."""

    bounds: Ints
    hashes: NDArray[np.uint64]
    keys: NDArray[np.uint64]
    docs: NDArray[np.uint64]
    sizes: Ints

    @property
    def words(self) -> int:
        return len(self.hashes)

    def take(self, rows: Ints) -> Passages:
        """Some of the segments, in the given order."""
        places, bounds = _gathered(self.bounds, rows)
        return Passages(bounds, self.hashes[places], self.keys[rows], self.docs[rows], self.sizes[rows])


@dataclass(frozen=True, slots=True)
class Roles:
    """What is trained on, on either side, and what is predicted; nothing trained on copies what is predicted."""

    audited: Passages
    pool: Passages
    held_out: Passages
    notes: tuple[str, ...]


def roles(
    audited: Segments, trusted: Segments | None, held_out: Segments | None, wanted: int, seed: int
) -> Roles | Reason:
    """Texts without near copies, human text divided if there is only one; ``wanted``: words to train on (N0)."""
    human = trusted if trusted is not None else held_out
    if human is None:
        return Reason("needs held-out human text (--valid) or trusted text (--reference)")
    own = _apart(_passages(audited))[0]
    notes: list[str] = []
    if trusted is not None and held_out is not None:
        held, pool = _apart(_passages(held_out), _passages(trusted))
        held, pool = _head(held, MOST_HELD_OUT), _strange_to(held, pool)
    else:
        held, pool, notes = _divided(_apart(_passages(human))[0], min(wanted, own.words), seed)
    _, rest = _apart(held, _strange_to(held, own))
    if own.words - rest.words > 0.01 * own.words:
        notes.append(f"{own.words - rest.words:,} audited words are of the held-out text and were left out")
    return Roles(rest, pool, held, tuple(notes))


def _strange_to(held: Passages, text: Passages) -> Passages:
    """The text without documents of the held-out one; where that has few documents, copied segments alone must go."""
    few = len(np.unique(held.docs)) < FEW
    return text if few else text.take(np.flatnonzero(~np.isin(text.docs, held.docs)))


def _head(text: Passages, words: int) -> Passages:
    """The segments of smallest keys, about ``words`` words."""
    rows = int(np.searchsorted(text.bounds, words))
    return text if rows >= len(text.keys) else text.take(np.arange(rows))


def _gathered(bounds: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """(positions of the words of some segments end to end, their new bounds)."""
    lengths = np.diff(bounds)[rows]
    edges = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return np.repeat(bounds[rows] - edges[:-1], lengths) + np.arange(edges[-1]), edges


def _passages(segments: Segments) -> Passages:
    sizes = np.array([len(text) for text in segments.texts], np.int64)
    return Passages(segments.bounds, normalised(segments.hashes), segments.keys, segments.docs, sizes)


def _apart(*texts: Passages) -> list[Passages]:
    """The texts without segments that nearly copy an earlier one of the same text or of one before it."""
    words = np.concatenate([t.hashes for t in texts])
    starts = np.concatenate(([0], np.cumsum([t.words for t in texts])))
    bounds = np.concatenate([[0], *(t.bounds[1:] + s for t, s in zip(texts, starts))]).astype(np.int64)
    kept = kept_segments(words, bounds) if len(words) else np.ones(len(bounds) - 1, bool)
    parts = np.split(kept, np.cumsum([len(t.keys) for t in texts])[:-1])
    return [t.take(np.flatnonzero(part)) for t, part in zip(texts, parts)]


@dataclass(frozen=True, slots=True)
class Units:
    """What is kept whole: ``of`` int64[n] the unit of each segment, ``ranks`` float64[units] where a unit stands when
    text is set aside (smallest first), ``kind`` how to call them."""

    of: Ints
    ranks: Floats
    kind: str


def units_of(text: Passages, seed: int) -> Units:
    """Documents; contiguous blocks where there are fewer than `FEW`, or single segments if their order is unknown."""
    documents, of = np.unique(text.docs, return_inverse=True)
    if len(documents) >= FEW:
        salted = mixed(documents, np.full(len(documents), _HELD_OUT))
        return Units(of.astype(np.int64), salted.astype(np.float64), "documents")
    numbers = np.zeros(len(of), np.int64)
    for i, document in enumerate(documents):
        mine = np.flatnonzero(of == i)
        found = numbers_of(text.keys[mine], document, seed)
        if found is None:
            ranks = mixed(text.keys, np.full(len(of), _HELD_OUT)).astype(np.float64)
            return Units(np.arange(len(of)), ranks, "segments")
        numbers[mine] = found
    return _blocks(of.astype(np.int64), numbers)


def numbers_of(keys: NDArray[np.uint64], document: np.uint64, seed: int) -> Ints | None:
    """Which segment of its document each key stands for; None where the keys are not of this seed."""
    order, first, size = np.argsort(keys), 0, 1024
    numbers = np.full(len(keys), -1)
    while first < _LONGEST and (numbers < 0).any():
        asked = np.arange(first, size)
        salted = mixed(np.full(len(asked), document), np.full(len(asked), seed, np.uint64))
        table = mixed(salted, asked.astype(np.uint64))
        place = np.minimum(np.searchsorted(keys[order], table), len(keys) - 1)
        hit = keys[order[place]] == table
        numbers[order[place[hit]]] = asked[hit]
        first, size = size, 4 * size
    return None if (numbers < 0).any() else numbers


def _blocks(documents: Ints, numbers: Ints) -> Units:
    """Contiguous blocks, shared out over the documents by their segments; the last ones of each stand first."""
    of, ranks = np.zeros(len(documents), np.int64), [np.zeros(0)]
    for document in range(int(documents.max(initial=-1)) + 1):
        mine = np.flatnonzero(documents == document)
        mine = mine[np.argsort(numbers[mine])]
        count = min(len(mine), max(1, round(BLOCKS * len(mine) / len(documents))))
        of[mine] = sum(map(len, ranks)) + np.arange(len(mine)) * count // len(mine)
        ranks.append(-(np.arange(count) + 0.5) / count)
    return Units(of, np.concatenate(ranks), "blocks")


def _divided(human: Passages, wanted: int, seed: int) -> tuple[Passages, Passages, list[str]]:
    """(text to predict, text to train on, what to say of it); units stay whole."""
    units, target = units_of(human, seed), _to_hold_out(human.words, wanted)
    words = np.bincount(units.of, weights=np.diff(human.bounds), minlength=len(units.ranks))
    aside, total = np.zeros(len(words), bool), 0.0
    for unit in np.argsort(units.ranks, kind="stable"):
        if total + words[unit] <= target or total < LEAST:
            aside[unit] = True
            total += words[unit]
    notes = {
        "documents": [],
        "blocks": ["human text of few documents: the end of each is held out, blocks are split"],
        "segments": ["human text of few documents, its order unknown: segments of one text are on both sides"],
    }[units.kind]
    return human.take(np.flatnonzero(aside[units.of])), human.take(np.flatnonzero(~aside[units.of])), notes


def _to_hold_out(words: int, wanted: int) -> int:
    """A fifth of the text, less where that lets two halves of a larger N0 remain."""
    fifth = min(max(words // 5, LEAST), MOST_HELD_OUT)
    for size in (n for n in SIZES if n <= wanted):
        if words - 2 * size >= max(LEAST, size // 4):
            return min(fifth, words - 2 * size)
    return fifth


def _size(most: int, tokens: int | None) -> int:
    """The largest usual N0 (or the one asked for) that is reached, else all there is."""
    return next((n for n in ((tokens,) if tokens else SIZES) if n <= most), most)


def _missing(found: Roles) -> str:
    human = found.pool.words + found.held_out.words
    return (
        f"there are {found.audited.words:,} audited and {human:,} human words (copies not counted); needed are "
        f"{LEAST:,} and {3 * LEAST:,}, of the latter {LEAST:,} to predict"
    )


# --- the measurement ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Text:
    """Words as numbers of the shared vocabulary: ``ids`` int64[N], ``bounds`` of segments, ``units`` of segments."""

    ids: Ints
    bounds: Ints
    units: Ints

    def draw(self, seed: int, name: int) -> tuple[Ints, Ints]:
        """(ids, bounds) with the units in an order drawn at random."""
        order = np.random.default_rng([seed, name]).permutation(int(self.units.max()) + 1)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        places, bounds = _gathered(self.bounds, np.argsort(place[self.units], kind="stable"))
        return self.ids[places], bounds


@dataclass(frozen=True, slots=True)
class _Material:
    """The three texts; ``size`` bytes of the held-out one, ``kind`` what it is divided into."""

    audited: _Text
    pool: _Text
    held_out: _Text
    vocabulary: int
    size: int
    kind: str


def _coded(found: Roles, seed: int) -> _Material:
    """Words as numbers: those of human text first, they are the vocabulary."""
    held, pool, audited = found.held_out, found.pool, found.audited
    words, ids = np.unique(np.concatenate([held.hashes, pool.hashes, audited.hashes]), return_inverse=True)
    human = np.zeros(len(words), bool)
    human[ids[: held.words + pool.words]] = True
    count = int(human.sum())
    ids = np.where(human, np.cumsum(human) - 1, count + np.cumsum(~human) - 1)[ids]
    parts = np.split(ids, [held.words, held.words + pool.words])
    units = [units_of(text, seed) for text in (held, pool, audited)]
    texts = [_Text(i, t.bounds, u.of) for i, t, u in zip(parts, (held, pool, audited), units)]
    return _Material(texts[2], texts[1], texts[0], count, int(held.sizes.sum()), units[0].kind)


def _measured(m: _Material, size: int, splits: int, seed: int, share: float | None, notes: list[str]) -> Drift:
    held = m.held_out
    words: Floats = np.bincount(held.units, weights=np.diff(held.bounds)).astype(np.float64)
    of = np.repeat(held.units, np.diff(held.bounds))

    def nats(text: tuple[Ints, Ints], begin: int, end: int) -> Floats:
        """Nats of every unit of H under a model of the words ``begin`` .. ``end`` of a text."""
        ids, bounds = text[0][begin:end], np.unique(np.clip(text[1], begin, end)) - begin
        model = WittenBell.train(ids, bounds, ORDER, m.vocabulary)
        return np.bincount(of, weights=model.nats(held.ids, held.bounds)).astype(np.float64)

    draws = [m.pool.draw(seed, r) for r in range(splits)]
    first = np.array([nats(draw, 0, size) for draw in draws])
    second = np.array([nats(draw, size, 2 * size) for draw in draws])
    trusted, audited = (first.mean(0) + second.mean(0)) / 2, nats(m.audited.draw(seed, splits), 0, size)
    total = float(words.sum())
    value, null = float((audited - trusted).sum()) / total, (first - second).sum(1) / total
    less = None
    if share is not None and 0 < share < 1:
        fewer = [nats(draw, 0, max(1, round((1 - share) * size))).sum() for draw in draws]
        less = float(audited.sum() - np.mean(fewer)) / total
    if len(words) < 30:
        notes = [*notes, f"the interval rests on {len(words)} held-out {m.kind}: too narrow below about 30"]
    return Drift(
        value, bootstrapped(audited - trusted, words, seed), null, float((1 + (null >= value).sum()) / (splits + 1)),
        float(audited.sum()) / total, float(trusted.sum()) / total, size, int(total), len(words),
        value * total / (math.log(2) * m.size) if m.size else math.nan, less, tuple(notes),
    )  # fmt: skip


def bootstrapped(sums: Floats, sizes: Floats, seed: int) -> tuple[float, float]:
    """95 % interval of sum(sums) / sum(sizes) by redrawing documents; ``sums`` and ``sizes`` float64[documents]."""
    weights = np.random.default_rng([seed, len(sums)]).multinomial(len(sums), np.ones(len(sums)) / len(sums), RESAMPLES)
    low, high = np.quantile((weights @ sums) / (weights @ sizes), (0.025, 0.975))
    return float(low), float(high)
