"""What the document score sees of a document: its first 100 words, as figures of style and as character n-grams.

Everything is read from prepared text (case folded, white space as single blanks, plain quotes and dashes), from the
first word's beginning to the hundredth's end. What stands around that passage, line breaks and typography are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contam_metrics import unicode_tables
from contam_metrics.batch import PADDING, Batch
from contam_metrics.words import Words, cut, word_hash

LEAST, MOST = 80, 100
"""A document has at least so many words, and so many are read; a word is one of `contam_metrics.words`."""
HEAD = 4096
"""Bytes of a document that are looked at: a document that has fewer than LEAST words in them is too short."""
GRAMS = 1 << 16
"""Buckets of the hashed n-grams of 3 to 5 characters."""
UNKNOWN, RARE, UNCOMMON = 16.0, 12.0, 10.0
"""-ln frequency that a word without one gets, and beyond which a word is rare, or uncommon."""
_SENTENCES, _SQUARES, _OTHER, _COLUMNS = 14, 15, 16, 17
"""Columns of the kernel `count_marks` behind those of MARKS; the endings follow."""
_AT_A_TIME = 512

_FUNCTION_WORDS = """
a about above across after again against all almost alone along already also although always am among an and
another any anyone anything are around as at away back be became because been before behind being below beside
besides between beyond both but by can cannot could d did didn do does doesn doing don done down during each either
else enough even ever every everyone everything except few first for from further get go going got had has have having
he hence her here hers herself him himself his how however i if in indeed instead into is isn it its itself just last
least less like ll look m made make makes making many may me might more moreover most mr much must my myself near
nearly neither never new next no nobody none nor not nothing now of off often on once one only onto or other others
our ours ourselves out over own perhaps quite rather re really right s said same say says see seen several shall she
should since so some someone something sometimes soon still such t than that the their theirs them themselves then
there therefore these they thing things this those though three through throughout thus till time to together too
toward towards two under unless until up upon us ve very was way we well were what whatever when where whether which
while who whole whom whose why will with within without won would yes yet you your yours yourself
"""
FUNCTION_WORDS = tuple(_FUNCTION_WORDS.split())
MARKS = (
    "comma", "stop", "semicolon", "colon", "exclamation", "question", "quote", "apostrophe", "single quote", "bracket",
    "hyphen", "dash", "stops", "number",
)  # fmt: skip
"""Rates a word that are counted; an apostrophe or hyphen stands between letters, a single quote or dash does not."""
ENDINGS = (
    "ing", "ed", "ly", "tion", "sion", "ment", "ness", "ity", "ous", "ive", "al", "able", "ible", "ent", "ant", "ful",
    "less", "ize", "ise", "ism", "ist", "er", "est", "es", "s", "ance", "ence", "ic", "ure", "age",
)  # fmt: skip
WORDS = (
    "word length", "word length sd", "long words", "short words", "different words", "once only", "frequency",
    "frequency sd", "unknown words", "rare words", "uncommon words",
)  # fmt: skip
TEXT = ("other marks", "sentences", "sentence length", "characters a word")
NAMES = (*(f"word {w}" for w in FUNCTION_WORDS), *WORDS, *MARKS, *(f"-{e}" for e in ENDINGS), *TEXT)
"""The dense features, in their order."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WordTable:
    """How frequent words are in texts in the public domain: ``hashes`` uint64[V] ascending, ``steps`` uint8[V].

    A word that occurs once in e^(step / 12) words has that step. Words that are not in it are rarer than any.
    """

    hashes: NDArray[np.uint64]
    steps: NDArray[np.uint8]

    @classmethod
    def of(cls, batches: Iterable[Batch], least: int) -> WordTable:
        """Count the words of some text; those that occur ``least`` times stay."""
        found = np.concatenate([_letters(cut(batch)) for batch in batches])
        hashes, counts = np.unique(found, return_counts=True)
        steps = np.round(12 * np.log(len(found) / counts)).clip(0, 255).astype(np.uint8)
        return cls(hashes[counts >= least], steps[counts >= least])

    @classmethod
    @cache
    def load(cls) -> WordTable:
        """The shipped table."""
        with np.load(Path(__file__).with_name("scores") / "words.npz") as file:
            return cls(np.cumsum(file["gaps"], dtype=np.uint64), file["steps"])

    def save(self, path: Path) -> None:
        """Write the table; `load` reads the shipped one."""
        gaps = np.diff(self.hashes, prepend=np.uint64(0))
        np.savez_compressed(path, gaps=gaps, steps=self.steps)

    def rarity(self, hashes: NDArray[np.uint64]) -> Floats:
        """-ln frequency of each word; inf where it is not in the table."""
        place = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[place] == hashes, self.steps[place] / 12.0, np.inf)


def _letters(words: Words) -> NDArray[np.uint64]:
    """The hashes of the words that are no numbers."""
    return words.hashes[words.hashes & np.uint64(1) == 0]


@dataclass(frozen=True, slots=True)
class Features:
    """What is seen of D documents: ``dense`` float32[D, len(NAMES)]; hashed character n-grams as ``buckets``
    uint16[G] and ``counts`` uint16[G], those of document i at ``bounds[i]:bounds[i + 1]``; ``words`` int64[D], at
    most MOST. Documents of fewer than LEAST words have no n-grams, and figures that mean nothing."""

    dense: NDArray[np.float32]
    buckets: NDArray[np.uint16]
    counts: NDArray[np.uint16]
    bounds: NDArray[np.int64]
    words: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.words)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which documents are long enough."""
        return self.words >= LEAST

    @classmethod
    def joined(cls, parts: Sequence[Features]) -> Features:
        """Several as one, in their order."""
        ends = np.cumsum([0, *(len(p.buckets) for p in parts)])
        bounds = [p.bounds[1:] + shift for p, shift in zip(parts, ends)]
        return cls(
            np.concatenate([p.dense for p in parts]),
            np.concatenate([p.buckets for p in parts]),
            np.concatenate([p.counts for p in parts]),
            np.concatenate([np.zeros(1, np.int64), *bounds]),
            np.concatenate([p.words for p in parts]),
        )


def featurised(texts: Batch | Iterable[str | bytes], table: WordTable | None = None) -> Features:
    """The features of documents; the frequencies of words come from ``table`` (default: the shipped one)."""
    batch = texts if isinstance(texts, Batch) else Batch.of(texts)
    known = table or WordTable.load()
    parts = [_features(_heads(batch, i, i + _AT_A_TIME), known) for i in range(0, max(len(batch), 1), _AT_A_TIME)]
    return Features.joined(parts)


def long_enough(words: Words) -> NDArray[np.bool_]:
    """Which documents have `LEAST` words in their first `HEAD` bytes, bool[D], from the words of whole documents."""
    found = np.diff(words.bounds) >= LEAST
    rows = np.flatnonzero(found)
    last = words.ends[words.bounds[rows] + LEAST - 1]
    found[rows] = last - words.batch.offsets[rows] < HEAD  # one that ends there may go on
    return found


def opening_keys(batch: Batch) -> NDArray[np.uint64]:
    """A hash of the first 200 characters of each document's prepared text, uint64[D]; copies have equal keys."""
    parts = [_keys(_heads(batch, i, i + _AT_A_TIME)) for i in range(0, max(len(batch), 1), _AT_A_TIME)]
    return np.concatenate(parts)


def _heads(batch: Batch, first: int, last: int) -> Batch:
    """The first HEAD bytes of some documents of a batch."""
    starts, ends = batch.offsets[:-1][first:last], batch.offsets[1:][first:last]
    sizes = np.minimum(ends - starts, HEAD)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    data = np.zeros(offsets[-1] + PADDING, np.uint8)
    for start, size, place in zip(starts.tolist(), sizes.tolist(), offsets.tolist()):
        data[place : place + size] = batch.data[start : start + size]
    return Batch(data, offsets)


@cache
def _tables() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    return unicode_tables.load()


def _prepared(
    batch: Batch, begins: NDArray[np.int64], ends: NDArray[np.int64], most: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The prepared text of one passage of each document: code points, and where each passage begins in them."""
    from contam_metrics.kernels.calls import prepare_text

    classes, fold = _tables()
    points = np.empty(batch.nbytes + 2, np.int32)
    bounds = np.empty(len(batch) + 1, np.int64)
    n = prepare_text(batch.data, begins, ends, classes, fold, most, points, bounds)
    return points[:n], bounds


def _keys(heads: Batch) -> NDArray[np.uint64]:
    points, bounds = _prepared(heads, heads.offsets[:-1].copy(), heads.offsets[1:].copy(), 200)
    place = np.arange(len(points), dtype=np.uint64) - np.repeat(bounds[:-1].astype(np.uint64), np.diff(bounds))
    mixed = (points.astype(np.uint64) + np.uint64(1)) * (np.uint64(2) * place + np.uint64(0x9E3779B97F4A7C15))
    mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xD6E8FEB86659FD93)
    mixed ^= mixed >> np.uint64(32)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(mixed, dtype=np.uint64)])
    return sums[bounds[1:]] - sums[bounds[:-1]]


def _features(heads: Batch, table: WordTable) -> Features:
    """The features of a few documents."""
    words = cut(heads)
    counts = _whole(words)
    long_enough = counts >= LEAST
    firsts = words.bounds[:-1]
    begins, ends = np.zeros((2, len(heads)), np.int64)
    begins[long_enough] = words.starts[firsts[long_enough]]
    ends[long_enough] = words.ends[(firsts + counts - 1)[long_enough]]
    points, bounds = _prepared(heads, begins, ends, HEAD)
    dense = np.concatenate([_of_words(words, counts, table), _of_text(points, bounds, counts)], axis=1)
    return Features(dense.astype(np.float32), *_grams(points, bounds), counts)


def _whole(words: Words) -> NDArray[np.int64]:
    """How many words of each document are read; one that the head's end may have cut is none."""
    sizes = np.diff(words.bounds)
    heads = words.batch.offsets
    cut_off = np.diff(heads) >= HEAD
    last = np.maximum(words.bounds[1:] - 1, 0)
    touches = cut_off & (sizes > 0) & (words.ends[last] >= heads[1:]) if len(words) else cut_off & False
    return np.minimum(sizes - touches, MOST)


def _matrix(words: Words, counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Places of the words read, (D, MOST), and which of them there are."""
    column = np.arange(MOST)
    there = column < counts[:, None]
    return np.where(there, words.bounds[:-1, None] + column, 0), there


def _of_words(words: Words, counts: NDArray[np.int64], table: WordTable) -> Floats:
    """Rates of function words, and the figures of WORDS; (D, columns)."""
    if not len(words):
        return np.zeros((len(counts), len(FUNCTION_WORDS) + len(WORDS)))
    places, there = _matrix(words, counts)
    hashes, n = words.hashes[places], np.maximum(counts, 1)
    lengths = np.where(there, words.lengths[places], 0).astype(np.float64)
    mean = lengths.sum(1) / n
    spread = np.sqrt(np.maximum((lengths**2).sum(1) / n - mean**2, 0.0))
    shares = [((lengths >= 8) & there).sum(1) / n, ((lengths <= 3) & there).sum(1) / n]
    columns = [mean, spread, *shares, *_variety(hashes, there), *_rarity(hashes, there, table)]
    return np.concatenate([_function_words(hashes, there, n), np.stack(columns, 1)], axis=1)


@cache
def _function_hashes() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    hashes = np.array([word_hash(w) for w in FUNCTION_WORDS], np.uint64)
    order = np.argsort(hashes)
    return hashes[order], order


def _function_words(hashes: NDArray[np.uint64], there: NDArray[np.bool_], n: NDArray[np.int64]) -> Floats:
    """Square roots of their rates."""
    known, order = _function_hashes()
    place = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    row, column = np.nonzero((known[place] == hashes) & there)
    cells = row * len(known) + order[place[row, column]]
    counts = np.bincount(cells, minlength=len(n) * len(known)).reshape(len(n), len(known))
    return np.sqrt(counts / n[:, None])


def _variety(hashes: NDArray[np.uint64], there: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Of the first LEAST words: different ones, and those that occur once among them, as a share of these."""
    part = np.sort(np.where(there, hashes, np.iinfo(np.uint64).max)[:, :LEAST], axis=1)
    border = np.ones((len(part), LEAST + 1), bool)
    border[:, 1:-1] = part[:, 1:] != part[:, :-1]
    different, once = border[:, :-1].sum(1), (border[:, :-1] & border[:, 1:]).sum(1)
    return different / LEAST, once / different


def _rarity(hashes: NDArray[np.uint64], there: NDArray[np.bool_], table: WordTable) -> list[Floats]:
    """How rare the words are that are no numbers: mean and sd of -ln frequency, and shares beyond three steps."""
    letters = there & (hashes & np.uint64(1) == 0)
    rarity, n = table.rarity(hashes), np.maximum(letters.sum(1), 1)
    unknown = letters & ~np.isfinite(rarity)
    level = np.where(letters, np.minimum(rarity, UNKNOWN), 0.0)
    mean = level.sum(1) / n
    spread = np.sqrt(np.maximum((level**2).sum(1) / n - mean**2, 0.0))
    beyond = [(letters & (rarity > step)).sum(1) / n for step in (RARE, UNCOMMON)]
    return [mean, spread, unknown.sum(1) / n, *beyond]


@cache
def _endings() -> NDArray[np.int32]:
    rows = [[len(e), *(ord(c) for c in reversed(e)), 0, 0, 0, 0] for e in ENDINGS]
    return np.array([row[:5] for row in rows], np.int32)


def _of_text(points: NDArray[np.int32], bounds: NDArray[np.int64], words: NDArray[np.int64]) -> Floats:
    """Square roots of the rates of marks and of endings, and the figures of TEXT; (D, columns)."""
    from contam_metrics.kernels.calls import count_marks

    counts = np.empty((len(words), _COLUMNS + len(ENDINGS)), np.int32)
    count_marks(points, bounds, _tables()[0], _endings(), counts)
    n = np.maximum(words, 1)
    rates = np.sqrt(counts / n[:, None])
    sentences, squares = counts[:, _SENTENCES], counts[:, _SQUARES]
    length = np.where(sentences > 0, np.sqrt(squares / np.maximum(sentences, 1)), n)
    columns = [rates[:, _OTHER], rates[:, _SENTENCES], np.log(length), np.diff(bounds) / n]
    return np.concatenate([rates[:, : len(MARKS)], rates[:, _COLUMNS:], np.stack(columns, 1)], axis=1)


def _grams(
    points: NDArray[np.int32], bounds: NDArray[np.int64]
) -> tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.int64]]:
    from contam_metrics.kernels.calls import count_grams

    room = 3 * len(points) + 1
    buckets, counts = np.empty((2, room), np.int32)
    gram_bounds = np.empty(len(bounds), np.int64)
    n = count_grams(points, bounds, np.zeros(GRAMS, np.int32), buckets, counts, gram_bounds)
    return buckets[:n].astype(np.uint16), counts[:n].astype(np.uint16), gram_bounds
