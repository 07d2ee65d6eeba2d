"""The matched text against the plainest possible walk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam_metrics import prepare as p
from contam_metrics.segments import segments_of_texts


def slow_kept(parts: list[list[int]]) -> list[bool]:
    """Drop a part when at least half of its 8-grams (or all of a short one) were seen in a kept part."""
    seen: set[tuple[int, ...]] = set()
    kept = []
    for words in parts:
        units = (
            [tuple(words[i : i + 8]) for i in range(len(words) - 7)] if len(words) >= 8 else [(-1, *words)]
        )
        kept.append(sum(u in seen for u in units) < 0.5 * len(units))
        if kept[-1]:
            seen.update(units)
    return kept


def ragged(parts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    bounds = np.concatenate(([0], np.cumsum([len(x) for x in parts]))).astype(np.int64)
    return np.array([w for x in parts for w in x], np.uint64), bounds


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.integers(1, 25)), min_size=1, max_size=12)
)
def test_walk_equals_the_plain_one(pieces: list[tuple[int, int, int]]) -> None:
    base = np.random.default_rng(0).integers(0, 5, (4, 40))
    parts = [base[row, start : start + size].tolist() for row, start, size in pieces]
    assert p.kept_segments(*ragged(parts)).tolist() == slow_kept(parts)


def text(seed: int, words: int, types: int = 3000) -> str:
    """Words that differ, of letters only."""
    drawn = np.random.default_rng(seed).integers(0, types, words)
    return " ".join("w" + "".join(chr(97 + int(d)) for d in f"{w:04d}") for w in drawn)


def test_reaches_exactly_the_target() -> None:
    segments = segments_of_texts(text(i, 150 + 37 * i) for i in range(60))
    out = p.prepare(segments, 5000)
    assert out.reached and out.words == 5000 and out.dropped == 0
    assert out.bounds[0] == 0 and out.bounds[-1] == 5000
    assert (out.types[out.ids] == p.normalised(segments.hashes)[:5000]).all()
    assert out.available == segments.words


def test_size_of_the_given_sample_does_not_matter() -> None:
    segments = segments_of_texts(text(i % 40, 300) for i in range(60))
    small, large = p.prepare(segments.head(9000), 4000), p.prepare(segments, 4000)
    assert (small.types[small.ids] == large.types[large.ids]).all()
    assert small.walked == large.walked


def test_copies_are_dropped_and_counted() -> None:
    half = text(1, 200).split()
    copies = [" ".join([*half[:150], *text(90 + i, 50).split()]) for i in range(8)]
    out = p.prepare(segments_of_texts([*copies, text(2, 200)]), 1000)
    assert len(out.rows) == 2 and not out.reached
    assert out.dropped == 7 * 200 and out.walked == 9 * 200
    assert out.dropped_share == pytest.approx(7 / 9)


def test_short_segments_fall_only_to_their_equals() -> None:
    out = p.prepare(segments_of_texts(["one two three", "one two  three!", "one two four", "three"]), 100)
    assert sorted(np.diff(out.bounds).tolist()) == [1, 3, 3]


def test_numbers_are_one_word() -> None:
    out = p.prepare(segments_of_texts(["12 apples 7 pears 2024"]), 100)
    assert len(out.types) == 3 and out.numbers == 3 and out.words == 5


def test_nothing_given() -> None:
    out = p.prepare(segments_of_texts([]), 1000)
    assert out.words == 0 and not out.reached and out.dropped_share == 0.0
