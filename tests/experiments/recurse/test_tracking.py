"""Tracked words: counts as exact fractions, places of the held-out text, and how they are asked for."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from contam.errors import UsageError
from contam.experiments.recurse.tracking import PLACES, Followed, human_tracked, parsed, tracked
from contam_metrics.one_text import words_of

TRACK = ("there: was, were",)


class Remembers:
    """A model that remembers what it was asked and answers with given probabilities."""

    def __init__(self, answer=lambda context, word: 0.5):
        self.answer, self.asked = answer, []

    def following(self, contexts, words):
        self.asked.append((list(contexts), list(words)))
        return np.array([[self.answer(context, word) for word in words] for context in contexts])


def test_what_to_follow_is_read():
    assert parsed(()) == ()
    assert parsed(("there: was, were", " he :said,", "there: is,was")[:1]) == (Followed("there", ("was", "were")),)
    both = parsed(["there:was", "he: said ,  went", "there: is, was"])
    assert both == (Followed("there", ("was", "is")), Followed("he", ("said", "went")))
    assert both[0].keys == ("there: was", "there: is")


WRONG = ["", ":", "there", "there was", "there:", ":was", "there: was,", "over there: was", "there: was not", "a: ..."]


@pytest.mark.parametrize("given", WRONG)
def test_another_form_is_refused_with_the_right_one(given):
    with pytest.raises(UsageError, match=r"--track takes 'there: was, were'.*not " + repr(given)):
        parsed([given])


def test_the_wrong_word_is_named():
    with pytest.raises(UsageError, match="'was not' is not one word"):
        parsed(["there: is, was not"])


def test_counts_are_exact_fractions():
    texts = ["There was one. There were two, and THERE was three", "he is over there", "was", "", "there, was. there"]
    found = human_tracked(texts, TRACK)
    # There: 3 in the first document, 1 at the end of the second, 2 in the last, where one ends the document.
    assert found == {
        "there: was": {"text": 3 / 6, "occurrences": 6},
        "there: were": {"text": 1 / 6, "occurrences": 6},
    }


def test_a_word_that_is_missing_has_no_share():
    for texts in ([], [""], ["was were"]):
        assert human_tracked(texts, TRACK)["there: was"] == {"text": None, "occurrences": 0}
    assert human_tracked(["there was"], ()) == {}


def test_counts_are_those_of_the_plain_words():
    chance = random.Random(0)
    texts = [" ".join(chance.choices(["there", "There,", "was", "WERE.", "é", "7"], k=50)) for _ in range(20)]
    pairs = occurrences = 0
    for text in texts:
        words = words_of(text)
        occurrences += words.count("there")
        pairs += sum(a == "there" and b == "were" for a, b in pairwise(words))
    assert human_tracked(texts, TRACK)["there: were"] == {"text": pairs / occurrences, "occurrences": occurrences}


def test_the_model_is_asked_at_the_places_of_the_held_out_text():
    model = Remembers(lambda context, word: {"was": 0.6, "were": 0.1}[word] + 0.1 * context.startswith("Ä"))
    held_out = ["Ä: there, There\nwas", "", "therefore not", "so there!"]
    found = tracked(model, ["there was there were there"], held_out, TRACK)
    assert model.asked == [(["Ä: there", "Ä: there, There", "so there"], ["was", "were"])]
    assert found["there: was"] == {"text": 1 / 3, "occurrences": 3, "model": pytest.approx((0.7 + 0.7 + 0.6) / 3)}
    assert found["there: were"]["model"] == pytest.approx(0.1 + 0.2 / 3)


def test_without_a_place_the_model_is_given_the_word():
    model = Remembers()
    found = tracked(model, ["nothing"], ["held out"], [*TRACK, "he: said"])
    assert model.asked == [(["there"], ["was", "were"]), (["he"], ["said"])]
    assert found["he: said"] == {"text": None, "occurrences": 0, "model": 0.5}


def test_a_model_without_the_probability_says_none():
    model = Remembers(lambda context, word: float("nan"))
    assert tracked(model, ["there was"], ["there"], ["there: was"])["there: was"]["model"] is None


def test_places_are_at_most_two_hundred_and_spread():
    model = Remembers()
    tracked(model, [], [f"{i} there" for i in range(1000)], TRACK)
    asked = [int(context.split()[0]) for context in model.asked[0][0]]
    assert len(asked) == PLACES == 200 and asked == list(range(0, 1000, 5))
    tracked(model, [], ["there " * 150], TRACK)
    assert len(model.asked[1][0]) == 150 and not tracked(model, [], [], ())
