"""N-grams, counts and spectra against plain Python."""

from __future__ import annotations

from collections import Counter
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam_metrics.ngrams import (
    TypeCounts,
    mean,
    ngrams,
    previous_occurrence,
    ragged,
    reason,
    spectrum,
    truncated,
)

corpora = st.lists(st.lists(st.integers(0, 4), max_size=30), max_size=8)


def plain_ngrams(documents: list[list[int]], n: int) -> list[tuple[int, int, tuple[int, ...]]]:
    """(document, position in the whole corpus, n-gram)."""
    out, offset = [], 0
    for d, document in enumerate(documents):
        out += [(d, offset + i, tuple(document[i : i + n])) for i in range(len(document) - n + 1)]
        offset += len(document)
    return out


@settings(deadline=None, max_examples=200)
@given(corpora, st.integers(1, 14))
def test_ngrams_are_those_of_plain_python(documents: list[list[int]], n: int) -> None:
    grams = ngrams(*ragged(documents), n)
    expected = plain_ngrams(documents, n)
    assert grams.documents().tolist() == [d for d, _, _ in expected]
    assert grams.starts.tolist() == [start for _, start, _ in expected]
    # Equal codes exactly where the n-grams are equal.
    assert len({(code, gram) for code, (_, _, gram) in zip(grams.codes.tolist(), expected)}) == grams.types
    assert grams.types == len({gram for _, _, gram in expected})
    assert sorted(grams.counts().tolist()) == sorted(Counter(g for _, _, g in expected).values())
    of_document = Counter(gram for _, gram in {(d, gram) for d, _, gram in expected})
    assert sorted(grams.document_frequency().tolist()) == sorted(of_document.values())


def test_bounds_may_begin_behind_the_start() -> None:
    ids = np.array([9, 9, 1, 2, 1, 2, 3], np.uint64)
    grams = ngrams(ids, np.array([2, 5, 7]), 2)
    assert grams.starts.tolist() == [2, 3, 5]
    assert grams.bounds.tolist() == [0, 2, 3]
    assert grams.types == 3


def test_64_bit_hashes_as_tokens() -> None:
    ids = np.array([2**64 - 1, 2**63, 2**64 - 1, 2**63], np.uint64)
    assert ngrams(ids, np.array([0, 4]), 2).counts().tolist() in ([2, 1], [1, 2])


@pytest.mark.parametrize("bounds", [[0], [0, 0], [0, 0, 0]])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_no_tokens(bounds: list[int], n: int) -> None:
    grams = ngrams(np.zeros(0, np.uint64), np.array(bounds), n)
    assert len(grams) == grams.types == 0
    assert grams.counts().tolist() == grams.document_frequency().tolist() == []


def test_spectrum_and_its_sizes() -> None:
    s = spectrum(np.array([1, 0, 4, 1, 2]))
    assert (s.n, s.v, s.f(1), s.f(2), s.f(3), s.f(4)) == (8, 4, 2, 1, 0, 1)
    assert spectrum(s) is s
    assert spectrum(np.zeros(0)).n == 0


@given(st.lists(st.integers(0, 6), max_size=40), st.lists(st.integers(0, 6), max_size=40))
def test_counts_of_parts_add_up_to_the_counts_of_the_whole(a: list[int], b: list[int]) -> None:
    merged = TypeCounts.of(np.array(a, np.int64)) + TypeCounts.of(np.array(b, np.int64))
    whole = TypeCounts.of(np.array(a + b, np.int64))
    assert merged.types.tolist() == whole.types.tolist()
    assert merged.counts.tolist() == whole.counts.tolist()
    assert whole.of_types(np.array([0, 3, 99])).tolist() == [(a + b).count(0), (a + b).count(3), 0]


@given(corpora)
def test_previous_occurrence(documents: list[list[int]]) -> None:
    ids, bounds = ragged(documents)
    found = previous_occurrence(ids, bounds).tolist()
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist()):
        for i in range(start, end):
            earlier = [j for j in range(start, i) if ids[j] == ids[i]]
            assert found[i] == (earlier[-1] if earlier else start - 1)


@given(corpora, st.integers(1, 10))
def test_truncated(documents: list[list[int]], limit: int) -> None:
    ids = np.array([9, *chain(*documents)], np.int64)  # one token in front of the first document
    bounds = np.cumsum([1, *map(len, documents)])
    cut, shorter = truncated(ids, bounds, limit)
    wanted = [document[:limit] for document in documents]
    assert cut.tolist() == [*chain(*wanted)]
    assert shorter.tolist() == np.cumsum([0, *map(len, wanted)]).tolist()


def test_why_a_figure_is_missing() -> None:
    assert reason(0, 4) == "empty"
    assert reason(3, 4) == "fewer than 4 tokens"
    assert reason(4, 4) == ""
    assert reason(1, 2, "documents") == "fewer than 2 documents"


def test_mean_does_not_see_the_order() -> None:
    values = np.array([1e16, 1.0, -1e16, 1.0])
    assert mean(values) == mean(values[::-1]) == 0.5
    assert np.isnan(mean(np.zeros(0)))
