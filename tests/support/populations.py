"""Made-up text and made-up reference populations for the tests of profiles and verdicts."""

from __future__ import annotations

from functools import partial

import numpy as np

from contam.profile import Matched, Profile, SourceInfo
from contam.profiling import SURVIVAL
from contam_metrics.prepare import prepare
from contam_metrics.segments import segments_of_texts
from contam_metrics.signals import measure
from contam_metrics.words import word_hash

TYPES = 30_000
SIZES = (5_000, 10_000, 20_000)


def spelled(number: int, letters: str = "bcdfghjklmnpqrst") -> str:
    """A word for a number: the more frequent the shorter."""
    out = ""
    while True:
        out += letters[number % len(letters)] + "aeiou"[number % 5]
        number //= len(letters)
        if not number:
            return out


def drawn(words: int, seed: int, types: int = TYPES) -> np.ndarray:
    """Ranks of words drawn by Zipf and Mandelbrot's law."""
    weights = 1.0 / (np.arange(types) + 2.7) ** 1.05
    return np.random.default_rng(seed).choice(types, words, p=weights / weights.sum())


def documents(ranks: np.ndarray, length: int = 300, letters: str = "bcdfghjklmnpqrst") -> list[str]:
    """Ranks as documents of ``length`` words."""
    words = [spelled(int(r), letters) for r in ranks]
    return [" ".join(words[i : i + length]) for i in range(0, len(words), length)]


def recursion(ranks: np.ndarray, generations: int, seed: int) -> np.ndarray:
    """Each generation is drawn from the words of the one before: the tail dies first."""
    rng = np.random.default_rng(seed)
    for _ in range(generations):
        ranks = rng.choice(ranks, len(ranks))
    return ranks


def _near(rng: np.random.Generator, columns: tuple[str, ...], rows: np.ndarray) -> np.ndarray:
    """Rows moved by some per cent each, copying by some tenths of a per cent of the text."""
    out = rows * (1 + 0.04 * rng.normal(size=rows.shape))
    out[:, columns.index("repetition.cover_4")] += 0.004 * rng.random(len(rows))
    shares = [i for i, c in enumerate(columns) if c.startswith("diversity.distinct")]
    out[:, shares] = np.minimum(out[:, shares], 0.999)
    return out


def population(sources: int, pairs: int = 0, sizes: tuple[int, ...] = SIZES) -> Profile:
    """A profile whose sources measure like `drawn` text, a little apart from each other."""
    words = sorted((spelled(i) for i in range(120)), key=word_hash)
    hashes = np.array([word_hash(w) for w in words], np.uint64)
    texts = documents(drawn(max(sizes) + 2_000, 1))
    rng = np.random.default_rng(0)
    matched = {}
    for size in sizes:
        segments = segments_of_texts(texts)
        prepared = prepare(segments, size)
        found = measure(prepared, hashes, [segments.texts[i] for i in prepared.rows])
        row = np.array([*found.values.values(), 1.0])
        columns = (*found.values, SURVIVAL)
        near = partial(_near, rng, columns)
        values = near(np.tile(row, (sources, 1)))
        shares = found.words * (1 + 0.04 * rng.normal(size=(sources, len(hashes))))
        first = near(np.tile(row, (pairs, 1)))
        second = near(first)
        every, some = np.arange(sources), np.arange(pairs)
        matched[size] = Matched(every, values, shares, some, first, second)
    told = tuple(SourceInfo(f"source {i}", f"domain {i % 9}", 50_000, "0" * 16) for i in range(sources))
    return Profile("made-up", "none", "for tests", tuple(words), hashes, told, columns, matched)
