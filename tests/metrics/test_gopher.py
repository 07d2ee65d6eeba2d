"""Gopher's repetition rules under contam's definition (sections: docs/metrics.md)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam_metrics.gopher import (
    PUBLISHED_LIMITS,
    duplicate_ngram_share,
    gopher_repetition,
    lines_of,
    over_limits,
    paragraphs_of,
    top_ngram_share,
)

SENTENCE = ["the", "cat", "sat", "on", "the", "mat", "the", "cat", "sat", "on", "the", "rug"]


def test_section_3_2_vectors() -> None:
    figures = gopher_repetition(SENTENCE)
    assert figures["top_2_gram"] == pytest.approx(0.352941, abs=5e-7)
    assert figures["top_3_gram"] == pytest.approx(0.529412, abs=5e-7)
    assert figures["duplicate_5_grams"] == pytest.approx(0.823529, abs=5e-7)
    assert figures["duplicate_6_grams"] == 0


def test_section_3_2_ten_times_over() -> None:
    figures = gopher_repetition(SENTENCE * 10)
    assert all(figures[f"duplicate_{n}_grams"] == 1 for n in range(5, 11))


def test_section_3_2_limits() -> None:
    assert list(PUBLISHED_LIMITS.values()) == [
        *(0.30, 0.30, 0.20, 0.20),
        *(0.20, 0.18, 0.16),
        *(0.15, 0.14, 0.13, 0.12, 0.11, 0.10),
    ]
    assert set(gopher_repetition(SENTENCE, ["a"], ["a"])) == set(PUBLISHED_LIMITS)


def test_all_broken_rules_are_told_and_missing_figures_break_none() -> None:
    figures = gopher_repetition(SENTENCE)
    assert math.isnan(figures["duplicate_lines"])
    assert over_limits(figures) == ["top_2_gram", "top_3_gram", "top_4_gram", "duplicate_5_grams"]
    assert over_limits(gopher_repetition([])) == []


def test_characters_are_counted_once_where_ngrams_overlap() -> None:
    assert top_ngram_share(["a"] * 4, 2) == 1
    assert duplicate_ngram_share(["a"] * 9 + ["bbb"], 5) == 9 / 12


def test_an_ngram_said_once_is_no_repetition() -> None:
    assert top_ngram_share(["the", "cat", "sat"], 2) == 0
    assert duplicate_ngram_share(["the", "cat", "sat"], 5) == 0
    assert math.isnan(top_ngram_share([], 2))


def test_ties_go_to_more_characters_and_then_to_the_earlier() -> None:
    words = ["a", "bb", "x", "a", "bb", "y", "ccc", "ddd", "x", "ccc", "ddd"]
    total = sum(map(len, words))
    assert top_ngram_share(words, 2) == 12 / total  # "ccc ddd" and "a bb": twice each
    # "aa bb" and "bb aa": twice each, four characters; the first covers 8 characters, the second overlaps: 6.
    assert top_ngram_share(["aa", "bb", "aa", "xx", "aa", "bb", "aa"], 2) == 8 / 14
    overlapping = ["aa", "aa", "aa", "bb", "cc", "zz", "bb", "cc"]
    assert top_ngram_share(overlapping, 2) == 6 / 16  # "aa aa" (6) before "bb cc" (8)


def test_lines_and_paragraphs() -> None:
    text = "one\n  one \r\n\n two\none\n \nTwo\n\n\n two\none\n"
    assert lines_of(text) == ["one", "one", "two", "one", "Two", "two", "one"]
    assert paragraphs_of(text) == ["one\none", "two\none", "Two", "two\none"]
    figures = gopher_repetition(["w"], lines_of(text), paragraphs_of(text))
    assert figures["duplicate_lines"] == 4 / 7
    assert figures["duplicate_line_characters"] == 4 / 7
    assert figures["duplicate_paragraphs"] == 1 / 4
    assert figures["duplicate_paragraph_characters"] == 6 / 21
    assert lines_of("\n \t\n") == paragraphs_of("\n \t\n") == []


@given(st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=25))
def test_shares_stay_shares_and_fall_with_n(words: list[str]) -> None:
    shares = [duplicate_ngram_share(words, n) for n in range(1, 11)]
    if not words:
        assert all(map(math.isnan, shares))
        return
    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares, reverse=True)
    assert all(top_ngram_share(words, n) <= duplicate_ngram_share(words, n) for n in (2, 3, 4))
