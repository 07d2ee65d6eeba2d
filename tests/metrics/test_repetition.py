"""Repetition inside and between documents, and loops (sections: docs/metrics.md)."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam_metrics.ngrams import ragged
from contam_metrics.repetition import (
    SHORTEST_CHARACTER_LOOP,
    TAIL_CHARACTERS,
    copied_share,
    cross_document_share,
    loop_cover,
    loop_share,
    looped,
    looped_positions,
    lsh_probability,
    lsh_threshold,
    minhash_variance,
    rep_l,
    self_repetition,
    seq_rep_documents,
    seq_rep_n,
    tail_loop,
)

D = ["abcde", "abcdf", "ghijk"]
NOTHING = np.zeros(0, np.int64)
corpora = st.lists(st.lists(st.integers(0, 3), max_size=20), max_size=6)


def ids(text: str) -> np.ndarray:
    return ragged([text])[0]


def test_section_3_1_seq_rep() -> None:
    assert seq_rep_n(*ragged(["abcd" * 3])) == pytest.approx(0.555556, abs=5e-7)
    assert seq_rep_n(*ragged(["xxxx"]), n=1) == 0.75
    assert math.isnan(seq_rep_n(*ragged(["abc"])))
    assert math.isnan(seq_rep_n(*ragged([])))


def test_seq_rep_cuts_documents_and_leaves_out_short_ones() -> None:
    corpus = ragged(["abcdefgh" + "a" * 100, "ab", "aaaaaaaa"])
    values = seq_rep_documents(*corpus, limit=8)
    assert values[0] == 0
    assert np.isnan(values[1])
    assert values[2] == 4 / 5
    assert seq_rep_n(*corpus, limit=8) == pytest.approx(0.4)


@settings(deadline=None)
@given(corpora, st.integers(1, 5), st.integers(1, 12))
def test_seq_rep_by_brute_force(documents: list[list[int]], n: int, limit: int) -> None:
    found = seq_rep_documents(*ragged(documents), n, limit)
    for value, document in zip(found.tolist(), documents):
        cut = document[:limit]
        grams = [tuple(cut[i : i + n]) for i in range(len(cut) - n + 1)]
        expected = 1 - len(set(grams)) / len(grams) if grams else math.nan
        assert value == pytest.approx(expected, nan_ok=True)


def test_section_3_1_rep_and_wrep() -> None:
    context, predicted = ids("ababc"), np.array([0, 0, 1, 0, 1])
    assert rep_l(context, predicted, length=16) == (0.8, 0.8)


def test_rep_looks_back_as_far_as_told_and_not_into_other_documents() -> None:
    context, predicted = np.array([5, 6, 7, 8]), np.array([0, 0, 0, 5])
    assert rep_l(context, predicted, length=3) == (0.25, 0.25)
    assert rep_l(context, predicted, length=2) == (0, 0)
    assert rep_l(context, predicted, np.array([0, 2, 4]), length=3) == (0, 0)
    assert rep_l(np.array([5, 5]), np.array([9, 5])) == (0.5, 0)  # repeated and right
    assert all(map(math.isnan, rep_l(NOTHING, NOTHING)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xy" + "t" * 6, (1, 6)),
        ("vwxyz" + "abc" * 4, (3, 12)),
        ("abcabcabca", (3, 10)),
        ("abcdefgh", (0, 0)),
        ("", (0, 0)),
        ("t", (0, 0)),
        ("ttttt", (0, 0)),
    ],
)
def test_section_3_3_tail_loop(text: str, expected: tuple[int, int]) -> None:
    assert tail_loop(text) == expected
    assert tail_loop(ids(text).tolist()) == expected


def test_section_3_4_loop_cover() -> None:
    assert loop_cover(ids("vwxyz" + "abc" * 4 + "pq")) == pytest.approx(0.631579, abs=5e-7)
    assert loop_cover(ids("t" * 6)) == 1
    assert loop_cover(ids("t" * 5)) == 0
    assert loop_cover(ids("t")) == 0
    assert math.isnan(loop_cover(NOTHING))


def has_period(x: list[int], p: int) -> bool:
    return all(x[i] == x[i + p] for i in range(len(x) - p))


def smallest_period(x: list[int]) -> int:
    return next(p for p in range(1, len(x) + 1) if has_period(x, p))


def test_section_3_4_loops_agree_with_brute_force_on_random_binary_strings() -> None:
    generator = np.random.default_rng(11)
    for _ in range(1500):
        x = generator.integers(0, 2, generator.integers(1, 25)).tolist()
        suffixes = [(smallest_period(x[i:]), len(x) - i) for i in range(len(x))]
        loops = [(p, m) for p, m in suffixes if m >= max(3 * p, 6)]
        assert tail_loop(x) == max(loops, key=lambda loop: loop[1], default=(0, 0))
        covered = set()
        for i, j in itertools.combinations(range(len(x) + 1), 2):
            if j - i >= 6 and any(has_period(x[i:j], p) for p in range(1, (j - i) // 3 + 1)):
                covered.update(range(i, j))
        assert np.flatnonzero(looped_positions(np.array(x))).tolist() == sorted(covered)


def test_periods_beyond_the_longest_are_no_loops() -> None:
    x = np.tile(np.arange(65), 4)
    assert loop_cover(x) == 0
    assert loop_cover(np.tile(np.arange(64), 4)) == 1
    assert tail_loop(x.tolist()) == (65, 260)


def test_tail_loop_reads_only_the_end() -> None:
    assert tail_loop("ab" * 50 + "x" * 20, limit=10) == (1, 10)
    assert tail_loop("ab" * 50, limit=10) == (2, 10)
    assert tail_loop("x" * 20 + "y") == (0, 0)


def test_one_piece_repeated_without_spaces_is_a_loop_of_characters() -> None:
    text = "la" * 40
    assert tail_loop(text, TAIL_CHARACTERS, SHORTEST_CHARACTER_LOOP) == (2, 80)
    assert looped(np.array([1]), text)
    assert not looped(np.array([1]), "lala" * 5)  # 20 characters are too few
    assert not looped(np.array([1]))


def test_looped_from_a_quarter_on() -> None:
    words = np.arange(100)
    tail = np.concatenate([words[:75], np.zeros(25, np.int64)])
    inside = np.concatenate([words[:40], np.full(25, 500), words[40:75]])
    less = np.concatenate([words[:76], np.full(24, 500)])
    assert looped(tail) and looped(inside)
    assert not looped(less) and not looped(words) and not looped(NOTHING)


def test_a_long_text_that_ends_in_a_loop_is_looped() -> None:
    words = np.concatenate([np.arange(5000), np.full(600, 9)])
    assert loop_share(words) == 600 / 2048
    assert loop_share(np.array([1]), "x" * 10 + "la" * 40 + " \n") == 80 / 90
    assert math.isnan(loop_share(NOTHING, " \n"))


def test_section_3_5_self_repetition_in_both_forms() -> None:
    assert self_repetition(*ragged(D)) == pytest.approx(0.462098, abs=5e-7)
    assert cross_document_share(*ragged(D)) == pytest.approx(0.666667, abs=5e-7)
    assert copied_share(*ragged(D)) == pytest.approx(2 / 6)


def test_short_documents_are_neither_copied_nor_original() -> None:
    assert cross_document_share(*ragged([*D, "ab", "ab"])) == pytest.approx(2 / 3)
    for figure in (self_repetition, cross_document_share, copied_share):
        assert math.isnan(figure(*ragged(["ab", "ab"])))
        assert math.isnan(figure(*ragged([])))
        assert figure(*ragged(["abcdeabcde"])) == 0  # one document has no other


@settings(deadline=None)
@given(corpora, st.integers(1, 5))
def test_cross_document_figures_by_brute_force(documents: list[list[int]], n: int) -> None:
    grams = [[tuple(d[i : i + n]) for i in range(len(d) - n + 1)] for d in documents]
    df = Counter(g for document in grams for g in set(document))
    able = [document for document in grams if document]
    corpus = ragged(documents)
    if not able:
        assert math.isnan(cross_document_share(*corpus, n))
        return
    shared = sum(any(df[g] > 1 for g in document) for document in able) / len(able)
    positions = [df[g] > 1 for document in able for g in document]
    scores = [math.log1p(sum(df[g] - 1 for g in set(document))) for document in able]
    assert cross_document_share(*corpus, n) == pytest.approx(shared)
    assert copied_share(*corpus, n) == pytest.approx(sum(positions) / len(positions))
    assert self_repetition(*corpus, n) == pytest.approx(sum(scores) / len(scores))


@settings(deadline=None)
@given(corpora, st.randoms())
def test_order_of_documents_does_not_matter(documents: list[list[int]], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = random.sample(documents, len(documents))
    for figure in (seq_rep_n, self_repetition, cross_document_share, copied_share):
        assert figure(*ragged(documents)) == pytest.approx(figure(*ragged(shuffled)), abs=0, nan_ok=True)


def test_section_3_6_near_duplicate_theory() -> None:
    assert lsh_threshold(20, 5) == pytest.approx(0.5493, abs=5e-5)
    found = [lsh_probability(s, 20, 5) for s in (0.8, 0.5, 0.3)]
    assert found == pytest.approx([0.99964, 0.4701, 0.0475], abs=5e-5)
    generator = np.random.default_rng(3)
    agreeing = generator.binomial(128, 0.7, 20_000) / 128
    assert minhash_variance(0.7, 128) == pytest.approx(float(np.var(agreeing)), rel=0.05)


def test_loops_of_signs_do_not_make_a_text_a_table():
    from contam_metrics.batch import Batch
    from contam_metrics.streaming.loops import Loops
    from contam_metrics.streaming.volume import Volume
    from contam_metrics.view import Scratch, View

    def measured(texts):
        volume, loops = Volume(), Loops()
        view = View(Batch.of([t.encode() for t in texts]), Scratch(), str)
        volume.update(view)
        loops.update(view)
        return loops.looped, loops.nonletter_share(volume)

    prose = [f"the cat number {i} sat on a mat and thought of nothing in particular that day" for i in range(20)]
    assert measured(prose)[0] == 0 and 0 < measured(prose)[1] < 0.1
    looped, share = measured([*prose, *(["no ! ? -- !! " * 400] * 5)])
    assert looped == 5 and share == pytest.approx(measured(prose)[1])
    assert measured(["no ! ? -- !! " * 400])[1] > 0.7 and measured([])[1] == 0.0
