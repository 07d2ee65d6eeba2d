"""The figures of the verdict against plain counting."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam_metrics import signals
from contam_metrics.ngrams import ngrams
from contam_metrics.prepare import prepare
from contam_metrics.segments import segments_of_texts
from contam_metrics.words import word_hash

PARTS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=25), min_size=1, max_size=6)


def ragged(parts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    bounds = np.concatenate(([0], np.cumsum([len(x) for x in parts]))).astype(np.int64)
    _, ids = np.unique([w for x in parts for w in x], return_inverse=True)
    return ids, bounds


def grams(words: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def slow_elsewhere(parts: list[list[int]], n: int) -> tuple[float, float]:
    homes: dict[tuple[int, ...], set[int]] = {}
    for i, part in enumerate(parts):
        for g in grams(part, n):
            homes.setdefault(g, set()).add(i)
    hits = [[len(homes[g]) > 1 for g in grams(part, n)] for part in parts]
    flat = [h for part in hits for h in part]
    if not flat:
        return math.nan, math.nan
    return sum(flat) / len(flat), sum(any(h) for h in hits) / len(parts)


@settings(max_examples=200, deadline=None)
@given(PARTS)
def test_counts_agree_with_counting(parts: list[list[int]]) -> None:
    t = signals.tables(*ragged(parts))
    got = signals.figures(t) | signals.shape(t)
    counts = Counter(w for x in parts for w in x)
    n, v, f1 = sum(counts.values()), len(counts), sum(c == 1 for c in counts.values())
    assert got["diversity.types"] == v
    assert got["tail.hapax_share"] == pytest.approx(f1 / n)
    assert got["tail.hapax_types"] == pytest.approx(f1 / v)
    assert got["tail.dis_types"] == pytest.approx(sum(c == 2 for c in counts.values()) / v)
    assert got["text.simpson"] == pytest.approx(sum((c / n) ** 2 for c in counts.values()))
    for size in (2, 3, 4):
        every = [g for x in parts for g in grams(x, size)]
        expected = len(set(every)) / len(every) if every else math.nan
        assert got[f"diversity.distinct_{size}"] == pytest.approx(expected, nan_ok=True)
    cover, share = slow_elsewhere(parts, 4)
    assert got["repetition.cover_4"] == pytest.approx(cover, nan_ok=True)
    assert got["duplicates.cross_4"] == pytest.approx(share, nan_ok=True)
    assert got["duplicates.cross_8"] == pytest.approx(slow_elsewhere(parts, 8)[1], nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(PARTS, st.integers(0, 5))
def test_leaving_segments_out_equals_counting_without_them(parts: list[list[int]], left: int) -> None:
    keep = np.arange(len(parts)) != left
    rest = [x for x, k in zip(parts, keep) if k]
    got = signals.figures(signals.tables(*ragged(parts)), keep)
    expected = signals.figures(signals.tables(*ragged(rest))) if rest else {}
    assert got == pytest.approx(expected, nan_ok=True)


@settings(max_examples=200, deadline=None)
@given(PARTS, st.sampled_from([(2, 3), (2, 4), (4, 7), (4, 8), (8, 13)]))
def test_longer_n_grams_from_shorter_ones(parts: list[list[int]], sizes: tuple[int, int]) -> None:
    ids, bounds = ragged(parts)
    got = signals.longer(ngrams(ids, bounds, sizes[0]), bounds, sizes[1])
    expected = ngrams(ids, bounds, sizes[1])
    assert (got.starts == expected.starts).all() and (got.bounds == expected.bounds).all()
    assert got.types == expected.types
    assert len(set(zip(got.codes.tolist(), expected.codes.tolist()))) == got.types


def test_style_counts_letters_only() -> None:
    words = np.sort(np.array([word_hash("the"), word_hash("of")], np.uint64))
    text = prepare(segments_of_texts(["The cat of 12 the, <unk>!"]), 1000)
    got = signals.style(text, words)
    assert got["text.function_words"] == pytest.approx(3 / 4)
    assert got["text.word_length"] == pytest.approx((3 + 3 + 2 + 3) / 4)
    assert got["text.nonletter"] == pytest.approx(3 / 8)
    assert got["text.unk"] == pytest.approx(1 / 8)
    profile = dict(zip(words.tolist(), signals.word_profile(signals.letter_words(text), words).tolist()))
    assert profile[word_hash("the")] == pytest.approx(2 / 4)


def test_nothing_measured_is_no_figure() -> None:
    empty = prepare(segments_of_texts([]), 100)
    nothing = signals.tables(empty.ids, empty.bounds)
    assert signals.figures(nothing) == signals.shape(nothing) == {}
    assert signals.style(empty, np.zeros(1, np.uint64)) == {}


def test_intervals_need_twenty_documents_and_hold_the_value() -> None:
    rng = np.random.default_rng(0)

    def corpus(documents: int) -> signals.Measured:
        drawn = [(rng.zipf(1.4, 150) % 700).tolist() for _ in range(documents)]
        texts = [" ".join("w" + "".join(chr(97 + int(c)) for c in str(w)) for w in d) for d in drawn]
        segments = segments_of_texts(texts)
        prepared = prepare(segments, 3000)
        rows = [segments.texts[i] for i in prepared.rows]
        return signals.measure(prepared, np.zeros(1, np.uint64), rows, spread=True)

    assert corpus(19).intervals == {}
    many = corpus(40)
    assert {"diversity.types", "entropy.conditional", "repetition.cover_4"} <= set(many.intervals)
    for key, (low, high) in many.intervals.items():
        assert low <= many.values[key] <= high
    assert many.values["compression.block"] > 1
