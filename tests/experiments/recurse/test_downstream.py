"""The probes: an oracle is right every time, a model that knows nothing one time in four."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from contam.experiments.recurse.backend import Predicted
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.downstream import (
    CHOICES,
    ENDING,
    LEAST,
    PASSAGES,
    Endings,
    _other_endings,
    downstream,
    ending_choice,
    next_token_accuracy,
)

VOCABULARY = {f"word{i}": i for i in range(20_000)}


def held_out(documents: int, words: int = 60, seed: int = 0) -> list[str]:
    chance = random.Random(seed)
    known = list(VOCABULARY)
    return [" ".join(chance.choices(known, k=words)) for _ in range(documents)]


class Words:
    """Encodes words; ``asked`` are the texts it was given."""

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked.append(list(texts))
        return Encoded.of([[VOCABULARY[word] for word in text.split()] for text in texts])


class Model:
    """Nats of each document from a function of its ids."""

    def __init__(self, nats):
        self.nats = nats

    def predicted(self, documents):
        rows = [documents.document(i) for i in range(len(documents))]
        nats = np.array([self.nats(row) for row in rows], np.float64)
        return Predicted(nats, documents.lengths, np.full(len(rows), -1))


def oracle(texts):
    """Knows which word follows which in the text, and finds all else unlikely."""
    ids = [[VOCABULARY[word] for word in text.split()] for text in texts]
    known = {pair for row in ids for pair in pairwise(row)}
    return Model(lambda row: sum(0.1 if pair in known else 9.0 for pair in pairwise(row.tolist())))


def test_an_oracle_chooses_every_true_ending():
    texts = held_out(100)
    found = ending_choice(oracle(texts), Words().encode, texts)
    assert (found.value, found.passages, found.reason) == (1.0, 100, None)
    worst = Model(lambda row: -oracle(texts).nats(row))
    assert ending_choice(worst, Words().encode, texts).value == 0.0


def test_a_model_that_finds_all_alike_is_right_one_time_in_four():
    texts = held_out(60)
    assert ending_choice(Model(lambda row: 2.3 * len(row)), Words().encode, texts).value == pytest.approx(0.25)


def test_a_model_that_guesses_is_right_about_one_time_in_four():
    chance = np.random.default_rng(0)
    texts = held_out(200)
    found = [ending_choice(Model(lambda row: chance.random()), Words().encode, texts).value for _ in range(20)]
    assert np.mean(found) == pytest.approx(0.25, abs=4 * (0.25 * 0.75 / 4000) ** 0.5)


def test_the_context_counts_for_nothing_by_itself():
    """What a model makes of the context is taken off, so a model of single words chooses by the ending alone."""
    texts, cost = held_out(80), np.random.default_rng(1).random(len(VOCABULARY))
    words = Words()
    found = ending_choice(Model(lambda row: cost[row].sum()), words.encode, texts)
    whole = words.asked[0]
    ending = np.array([cost[[VOCABULARY[w] for w in text.split()[-ENDING:]]].mean() for text in whole])
    assert found.value == (ending.reshape(-1, CHOICES).argmin(axis=1) == 0).mean()


def test_passages_are_of_equal_endings_and_spread_over_the_text():
    words = Words()
    texts = ["word1 word2", *held_out(150, 130), *held_out(150, 24, seed=1), *held_out(10, 23, seed=2)]
    assert ending_choice(oracle(texts), words.encode, texts).passages == PASSAGES
    whole, contexts = words.asked
    assert len(contexts) == PASSAGES and len(whole) == CHOICES * PASSAGES
    for i, context in enumerate(contexts):
        rows = whole[CHOICES * i : CHOICES * (i + 1)]
        assert all(row.startswith(context + " ") and len(row.split()) == len(context.split()) + ENDING for row in rows)
        assert len(set(rows)) == CHOICES
        assert any(rows[0] in text for text in texts) and not any(row in text for text in texts for row in rows[1:])
    assert {len(context.split()) for context in contexts} == {12, 48}


def test_wrong_endings_differ_where_they_can():
    endings = ["a"] * 10 + ["b", "c", "d"]
    rows = _other_endings(endings)
    assert (rows[:, 0] == np.arange(13)).all()
    assert all(len({endings[j] for j in row}) == 4 and len(set(row)) == 4 for row in rows.tolist())
    assert all(len(set(row)) == 4 for row in _other_endings(["a"] * 6).tolist())


def test_the_task_is_the_same_for_every_model():
    texts, both = held_out(50), (Words(), Words())
    for words in both:
        ending_choice(Model(lambda row: 1.0), words.encode, texts)
    assert both[0].asked == both[1].asked


def test_fewer_than_twenty_passages_are_none():
    found = ending_choice(oracle([]), Words().encode, held_out(LEAST - 1))
    assert found.value is None and found.passages == 19 and "needs 20" in found.reason
    assert ending_choice(oracle([]), Words().encode, []).value is None
    assert ending_choice(oracle(held_out(20)), Words().encode, held_out(20)).value == 1.0


def test_accuracy_is_the_share_of_first_choices():
    three = np.array([1.0, 2.0, 3.0])
    assert next_token_accuracy(Predicted(three, np.array([4, 6, 0]), np.array([1, 2, 0]))) == 0.3
    assert next_token_accuracy(Predicted(three, np.array([4, 6, 5]), np.array([-1, -1, -1]))) is None
    empty = np.zeros(0)
    assert next_token_accuracy(Predicted(empty, empty.astype(int), empty.astype(int))) is None


def test_the_line_of_the_log():
    texts = held_out(30)
    predicted = Predicted(np.ones(1), np.array([4]), np.array([1]))
    line = downstream(oracle(texts), Endings.of(Words().encode, texts), predicted)
    assert line == {"next_token_accuracy": 0.25, "ending_choice": 1.0}
    line = downstream(oracle(texts), Endings.of(Words().encode, texts[:3]), predicted)
    assert line["ending_choice"] is None and line["ending_reason"].startswith("3 passages")
