"""The kernels against plain exact implementations of the same definitions."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam_metrics import gopher
from contam_metrics.accumulators import Counts, Worst, packed, unpacked
from contam_metrics.batch import Batch
from contam_metrics.repetition import loop_cover, seq_rep_documents, tail_loop
from contam_metrics.segments import document_hashes
from contam_metrics.signatures import BINS, Signatures, clusters, similarity
from contam_metrics.streaming.copies import Copies
from contam_metrics.streaming.loops import Loops, loop_shares
from contam_metrics.streaming.near_copies import NearCopies
from contam_metrics.streaming.repetition import gopher_shares
from contam_metrics.streaming.windows import Windows
from contam_metrics.view import Scratch, View

WORDS = st.sampled_from(["the", "cat", "sat", "on", "mat", "Ünï", "a", "42"])
LINES = st.lists(WORDS, max_size=14).map(" ".join)
TEXTS = st.lists(LINES, max_size=30).map("\n".join)


def words_of(text: str) -> list[str]:
    """The words of texts made of the words above."""
    return text.casefold().split()


def rows(text: str, scratch: Scratch | None = None) -> View:
    """A view of one text between two others, so that borders are crossed if a kernel crosses them."""
    return View(Batch.of(["the cat sat on the mat\n", text, "\nthe cat sat on the mat"]), scratch)


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_gopher_rules_equal_the_plain_definition(text: str) -> None:
    view = rows(text)
    shares = gopher_shares(view.ngrams, view.lines)
    plain = gopher.gopher_repetition(words_of(text), gopher.lines_of(text), gopher.paragraphs_of(text))
    for rule, expected in plain.items():
        assert shares[rule][1] == pytest.approx(0.0 if np.isnan(expected) else expected), rule


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, max_size=260).map(" ".join))
def test_seq_rep_equals_the_plain_definition(text: str) -> None:
    from contam_metrics.kernels.columns import LATER_4, POSITIONS_4

    row = rows(text).ngrams[1]
    words = np.array([hash(w) for w in words_of(text)], np.int64)
    expected = seq_rep_documents(words, np.array([0, len(words)]))
    if len(words) < 4:
        assert row[POSITIONS_4] == 0
    else:
        assert row[LATER_4] / row[POSITIONS_4] == pytest.approx(float(expected[0]))


@st.composite
def loopy(draw: st.DrawFn) -> list[int]:
    """Token lists in which loops of all sorts of periods are likely."""
    parts: list[int] = []
    for _ in range(draw(st.integers(0, 4))):
        piece = draw(st.lists(st.integers(0, 5), min_size=1, max_size=draw(st.sampled_from([1, 2, 3, 7, 66]))))
        times = draw(st.integers(1, 6))
        parts += (piece * times)[: len(piece) * times - draw(st.integers(0, len(piece) - 1))]
        parts += draw(st.lists(st.integers(0, 400), max_size=5))
    return parts


@settings(max_examples=300, deadline=None)
@given(loopy())
def test_loops_equal_the_plain_definition(tokens: list[int]) -> None:
    """Also proves the shortcut: a document without the hints of repeated n-grams has no loop."""
    from contam_metrics.kernels import columns as k

    text = " ".join("q" * (1 + t % 7) + "abcdefghij"[t // 7 % 10] + "z" * (t // 70) for t in tokens)
    row = rows(text).loops[1]
    assert (row[k.TAIL_PERIOD], row[k.TAIL_WORDS]) == tail_loop(np.array(tokens, np.int64))
    expected = loop_cover(np.array(tokens, np.int64))
    assert row[k.COVERED_WORDS] == pytest.approx(0 if np.isnan(expected) else expected * len(tokens))


@pytest.mark.parametrize(
    ("text", "looped"),
    [
        ("lalala" * 10, True),
        ("Once upon a time there was a fox. " * 6, True),
        ("plain words that do not come again, each of them once only", False),
        ("haha" * 5, False),
        ("x" * 24, True),
        ("x" * 23, False),
        ("日本" * 12, True),
        ("日本" * 2 + " plain", False),
        ("a story that goes well for a while and then " + "ends " * 30, True),
        ("lalala" * 10 + "\n\n", True),
    ],
)
def test_looped_documents(text: str, looped: bool) -> None:
    view = View(Batch.of([text]))
    assert bool(loop_shares(view.loops, view.sizes)[0] >= 0.25) == looped


@settings(max_examples=300, deadline=None)
@given(st.text("ab", max_size=30), st.text("abc", min_size=1, max_size=9), st.integers(1, 30), st.integers(0, 8))
def test_character_loops_equal_the_plain_definition(start: str, piece: str, times: int, cut: int) -> None:
    from contam_metrics.kernels import columns as k

    text = start + (piece * times)[: len(piece) * times - min(cut, len(piece) - 1)]
    row = rows(text).loops[1]
    period, length = tail_loop(np.frombuffer(text.encode(), np.uint8).astype(np.int64))
    expected = (period, length) if length >= 24 else (0, 0)
    assert (row[k.CHARACTER_PERIOD], row[k.TAIL_CHARACTERS]) == expected


def test_a_long_text_that_ends_in_a_loop_is_looped() -> None:
    rng = random.Random(0)
    start = " ".join("".join(rng.choices("abcdefghij", k=12)) for _ in range(5000))
    metric = Loops()
    metric.update(View(Batch.of([start + " la la" * 400, start])))
    assert metric.looped == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), max_size=90), st.integers(2, 12))
def test_window_types_equal_brute_force(tokens: list[int], width: int) -> None:
    from contam_metrics.kernels.calls import window_types

    ids = np.array([*tokens, *tokens], np.int32)
    bounds = np.array([0, len(tokens), 2 * len(tokens)])
    out = np.zeros(3, np.int64)
    window_types(ids, bounds, width, np.full(10, -1), out)
    windows = [tokens[i : i + width] for i in range(len(tokens) - width + 1)]
    assert out[0] == 2 * sum(len(set(w)) for w in windows)
    assert out[1] == 2 * len(windows)


def test_short_documents_are_told_by_the_windows() -> None:
    metric = Windows()
    metric.update(View(Batch.of(["a few words"])))
    (reading,) = metric.figures().values()
    assert np.isnan(reading.value) and "500" in (reading.reason or "")


def test_one_scratch_serves_batches_of_any_size() -> None:
    scratch = Scratch()
    for size in (10, 4000, 3, 30_000, 1):
        text = " ".join(f"w{i * i % 97}" for i in range(size))
        used, fresh = rows(text, scratch), rows(text)
        assert np.array_equal(used.ngrams, fresh.ngrams)
        assert np.array_equal(used.lines, fresh.lines)
        assert np.array_equal(used.loops, fresh.loops)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(1, 300), max_size=80), max_size=8), st.integers(5, 400))
def test_counts_are_exact_below_the_cap_and_a_sample_above(batches: list[list[int]], cap: int) -> None:
    def hashed(keys: list[int]) -> np.ndarray:
        return document_hashes(Batch.of([str(k) for k in keys]))

    counts, expected = Counts(cap), Counter(k for b in batches for k in b)
    for batch in batches:
        counts.add(hashed(batch), np.ones(len(batch), np.int64))
    keys = sorted(expected)
    kept = hashed(keys) <= counts.limit if keys else np.array([], bool)
    assert counts.used == kept.sum() <= cap
    assert counts.level == 0 or (hashed(keys) <= (np.uint64(2**64 - 1) >> np.uint64(counts.level - 1))).sum() > cap
    found = counts.count_of(hashed(keys)) if keys else np.array([])
    assert [int(f) for f in found] == [expected[k] if kept[i] else 0 for i, k in enumerate(keys)]


def test_the_sketch_estimates_distinct_keys() -> None:
    counts = Counts(1 << 12)
    keys = document_hashes(Batch.of([str(i % 100_000) for i in range(150_000)]))
    counts.add(keys, np.ones(len(keys), np.int64))
    assert counts.level > 0
    assert counts.distinct() == pytest.approx(100_000, rel=4 / np.sqrt(1 << 11))


def test_packing_keeps_byte_strings() -> None:
    for parts in ([], [b""], [b"a", b"", "ü".encode(), b"\0\0"]):
        assert unpacked(packed(parts)) == parts


def test_worst_keeps_the_largest() -> None:
    worst = Worst(size=3, least=0.1)
    values = np.array([0.2, 0.9, 0.05, 0.5, 0.7, 0.9])
    docs = np.arange(6).astype(np.uint64)
    worst.add(values, docs, lambda i: f"f:{i}", lambda i: b"text %d" % i)
    assert [(v, label) for v, label, _ in worst.ranked()] == [(0.9, "f:1"), (0.9, "f:5"), (0.7, "f:4")]


def test_exact_copies() -> None:
    metric = Copies()
    metric.update(View(Batch.of(["one two", "three", "one two", "one two ", ""])))
    metric.update(View(Batch.of(["one two", ""])))
    assert metric.figures()["duplicates.exact"].value == pytest.approx(1 - 4 / 7)
    assert metric.later_copies == 3
    assert metric.most_copied()[0].times == 3


def test_copies_know_their_first_and_last_place_whatever_came_first() -> None:
    def seen(text: str, places: list[int]) -> Copies:
        metric = Copies()
        metric.update(View(Batch.of([text] * len(places)), places=np.array(places, np.uint64)))
        return metric

    parts = [seen("one two", [9, 4]), seen("three", [1, 2]), seen("one two", [30]), seen("one two", [3, 7])]
    for order in ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)):
        whole = Copies()
        for i in order:
            whole.merge(parts[i])
        again = Copies()
        again.restore(whole.state())
        again.shift(0)
        assert [(row.times, row.first, row.last) for row in again.leaders()] == [(5, 3, 30), (2, 1, 2)]


def variants(similar: float, count: int, seed: int) -> list[str]:
    """Documents of 400 words in pairs whose 5-word shingles have about the Jaccard similarity asked for."""
    rng = random.Random(seed)

    def word() -> str:
        return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=9))

    out = []
    for _ in range(count):
        words = [word() for _ in range(400)]
        # A common beginning of n words has n - 4 of the 396 shingles of each side.
        keep = round(2 * 396 * similar / (1 + similar)) + 4
        out += [" ".join(words), " ".join(words[:keep] + [word() for _ in range(400 - keep)])]
    return out


@pytest.mark.parametrize(("similar", "low", "high"), [(0.95, 0.49, 0.51), (0.5, 0.0, 0.01)])
def test_near_copies_are_found_by_similarity(similar: float, low: float, high: float) -> None:
    metric = NearCopies()
    metric.update(View(Batch.of(variants(similar, 150, 1))))
    assert low <= metric.figures()["duplicates.near"].value <= high


def test_similarity_estimates_jaccard() -> None:
    view = View(Batch.of(variants(0.8, 200, 2)))
    out = np.empty((len(view.batch), BINS), np.uint32)
    from contam_metrics.kernels.calls import minhash

    minhash(view.words.hashes, view.words.bounds, out)
    signatures = Signatures()
    signatures.add(out, np.arange(400).astype(np.uint64))
    kept = signatures.rows()
    estimate = similarity(kept[0::2], kept[1::2])
    assert estimate.mean() == pytest.approx(0.8, abs=0.02)
    # One-permutation hashing is no worse than 128 independent permutations.
    assert estimate.std() < 1.3 * np.sqrt(0.8 * 0.2 / BINS)


def test_clusters_of_thousands_and_total_duplication() -> None:
    words = [f"v{i}" for i in range(300)]
    near = [" ".join([*words[:i], "q", *words[i + 1 :]]) for i in range(0, 300, 3)]
    metric = NearCopies()
    metric.update(View(Batch.of(near)))
    assert metric.figures()["duplicates.near"].value == pytest.approx(0.99)
    copies = Copies()
    copies.update(View(Batch.of(["the same words over and over"] * 100)))
    assert copies.figures()["duplicates.exact"].value == pytest.approx(0.99)


def test_trimming_signatures_is_exact_under_merging() -> None:
    rng = np.random.default_rng(0)
    minima = rng.integers(0, 2**31, (900, BINS)).astype(np.uint32)
    docs = rng.permutation(900).astype(np.uint64)
    whole, left, right = Signatures(100), Signatures(100), Signatures(100)
    whole.add(minima, docs)
    left.add(minima[::2], docs[::2])
    for part in range(1, 900, 2):
        right.add(minima[part : part + 1], docs[part : part + 1])
    left.merge(right)
    assert np.array_equal(left.rows(), whole.rows())
    assert 0 < len(whole.rows()) <= 100
    assert len(np.unique(clusters(whole.rows(), 0.8))) == len(whole.rows())
