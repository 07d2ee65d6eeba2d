"""The Witten-Bell model: vectors worked out by hand, a dictionary implementation, and that it is a distribution."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam_metrics.witten_bell import WittenBell


def ragged(documents):
    bounds = np.concatenate(([0], np.cumsum([len(d) for d in documents]))).astype(np.int64)
    return np.array([w for d in documents for w in d], np.int64), bounds


def trained(documents, order, vocabulary):
    return WittenBell.train(*ragged(documents), order, vocabulary)


class Plain:
    """The definition, word by word, with dictionaries."""

    def __init__(self, documents, order, vocabulary):
        self.order, self.vocabulary = order, vocabulary
        self.after = defaultdict(Counter)
        for document in documents:
            for i, word in enumerate(document):
                for n in range(min(i, order - 1) + 1):
                    self.after[tuple(document[i - n : i])][word] += 1

    def p(self, word, history):
        shorter = self.p(word, history[1:]) if history else 1 / self.vocabulary
        seen = self.after.get(tuple(history))
        if not seen:
            return shorter
        return (seen[word] + len(seen) * shorter) / (seen.total() + len(seen))

    def nats(self, document):
        return [-math.log(self.p(w, tuple(document[max(0, i - self.order + 1) : i]))) for i, w in enumerate(document)]


def test_a_bigram_worked_out_by_hand():
    model = trained([[0, 1, 0, 1, 0, 2]], 2, 3)
    assert model.probabilities() == pytest.approx([4 / 9, 3 / 9, 2 / 9])
    assert model.probabilities([0]) == pytest.approx([0.177778, 0.533333, 0.288889], abs=1e-6)
    nats = model.nats(*ragged([[0, 1, 2]]))
    assert nats.sum() == pytest.approx(4.042229, abs=1e-6)
    assert math.exp(nats.mean()) == pytest.approx(3.847446, abs=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_text_of_one_word_leaves_something_for_the_others(order):
    model = trained([[0] * 20], order, 1000)
    assert model.probabilities()[:2] == pytest.approx([0.952429, 4.7619e-5], rel=1e-5)
    assert model.probabilities([0, 0]).sum() == pytest.approx(1)


documents = st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(documents, documents, st.integers(1, 3), st.integers(5, 7))
def test_it_is_the_plain_definition(train, held_out, order, vocabulary):
    model, plain = trained(train, order, vocabulary), Plain(train, order, vocabulary)
    expected = [x for d in held_out for x in plain.nats(d)]
    assert model.nats(*ragged(held_out)) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(documents, st.integers(1, 3), st.lists(st.integers(0, 6), max_size=3))
def test_the_probabilities_sum_to_one_after_any_history(train, order, history):
    model, plain = trained(train, order, 7), Plain(train, order, 7)
    found = model.probabilities(history)
    assert found.sum() == pytest.approx(1, rel=1e-12) and found.min() > 0
    known = tuple(history[max(0, len(history) - order + 1) :])
    assert found == pytest.approx([plain.p(w, known) for w in range(7)], rel=1e-12)


def test_a_larger_text_against_the_plain_definition():
    rng = np.random.default_rng(3)
    words = np.minimum(rng.zipf(1.3, 6000) - 1, 799).tolist()
    texts = [words[i : i + 150] for i in range(0, 6000, 150)]
    model, plain = trained(texts[:30], 3, 800), Plain(texts[:30], 3, 800)
    expected = [x for d in texts[30:] for x in plain.nats(d)]
    assert model.nats(*ragged(texts[30:])) == pytest.approx(expected, rel=1e-12)


def test_no_n_gram_crosses_documents():
    apart, together = trained([[0, 1], [2, 3]], 2, 4), trained([[0, 1, 2, 3]], 2, 4)
    assert apart.probabilities([1]) == pytest.approx(apart.probabilities())
    assert together.probabilities([1])[2] > together.probabilities()[2]


def test_foreign_words_take_their_share_and_nothing_else():
    model = trained([[0, 7, 0, 9]], 1, 3)
    assert model.probabilities().sum() == pytest.approx((2 + 3) / 7)
    with pytest.raises(ValueError, match="outside the vocabulary"):
        model.nats(*ragged([[3]]))


@pytest.mark.parametrize(("ids", "order", "vocabulary"), [([0], 4, 2), ([-1], 1, 2), ([0], 1, 0), ([2**22], 3, 5)])
def test_what_it_cannot_count_is_refused(ids, order, vocabulary):
    with pytest.raises(ValueError):
        trained([ids], order, vocabulary)


def test_nothing_read_means_every_word_is_as_likely():
    model = trained([[]], 3, 8)
    assert model.nats(*ragged([[1, 2]])) == pytest.approx([math.log(8)] * 2)
