"""Near copies among synthetic documents: found, weighed at equal sizes, and advised on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sentences import documents

from contam.corpus import Corpus
from contam.mixing.dose import duplicates
from contam.mixing.dose.duplicates import COPIED, effect_of_copies, without_copies
from contam.mixing.dose.response import dose_response
from contam.mixing.dose.texts import texts_of
from contam.mixing.options import MixOptions, unwatched
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL
from contam.mixing.running import mix

OPTIONS = MixOptions(seeds=2, rounds=0, shares=(0.0, 0.25, 0.5), size=6_000)
REAL, OTHER = documents(160, seed=1), documents(160, seed=2)
VARIANTS = [f"{word} {text}" for text in OTHER[:40] for word in ("now", "so", "and")]
WORDS = ("and", "so", "now", "then", "but", "if", "or", "yet", "for")
COPIES = [*OTHER[40:70], *VARIANTS]


def texts(synthetic):
    return texts_of(Corpus.from_texts(REAL), Corpus.from_texts(synthetic), None, OPTIONS, unwatched)


@pytest.fixture(scope="module")
def copied():
    return texts(COPIES)


@pytest.fixture(scope="module")
def dose(copied):
    return dose_response(copied, OPTIONS, unwatched)


def test_one_of_every_group_of_near_copies_stays(copied):
    single, share = without_copies(copied)
    assert len(single.synthetic) == 30 + 40 and share == pytest.approx(80 / 150)
    assert {text.partition(" ")[2] for text in set(single.synthetic) & set(VARIANTS)} == set(OTHER[:40])
    assert set(OTHER[40:70]) <= set(single.synthetic)
    assert replace(single, synthetic=copied.synthetic) == copied


def test_different_documents_all_stay():
    whole = texts(OTHER)
    single, share = without_copies(whole)
    assert single == whole and share == 0
    assert effect_of_copies(whole, dose_response(whole, OPTIONS, unwatched), 0.5, OPTIONS, unwatched) is None


def test_a_few_copies_are_of_no_account():
    few = texts([*OTHER, *VARIANTS[:3]])
    assert 0 < without_copies(few)[1] < COPIED
    assert effect_of_copies(few, dose_response(few, OPTIONS, unwatched), 0.5, OPTIONS, unwatched) is None


def test_both_effects_are_of_equally_many_words_at_the_share_that_is_asked_about(copied, dose, monkeypatch):
    asked = []

    def spy(given, options, watch):
        asked.append((len(given.synthetic), options))
        return dose_response(given, options, watch)

    monkeypatch.setattr(duplicates, "dose_response", spy)
    found = effect_of_copies(copied, dose, 0.3, OPTIONS, unwatched)
    assert [count for count, _ in asked] == [70, 150] and asked[0][1] == asked[1][1]
    assert asked[0][1].shares == (0.0, 0.25) and asked[0][1].rounds == 0
    assert found["duplicates"] == pytest.approx(80 / 150) and set(found) == {"duplicates", "before", "effect_nats"}
    assert found == effect_of_copies(copied, dose, 0.3, OPTIONS, unwatched)


@pytest.mark.parametrize("size", [4_000, 20_000])
def test_both_effects_have_the_same_real_text(copied, dose, monkeypatch, size):
    """Also where there is more text with the copies than without."""
    found = []

    def spy(given, options, watch):
        found.append(dose_response(given, options, watch))
        return found[-1]

    monkeypatch.setattr(duplicates, "dose_response", spy)
    effect_of_copies(copied, dose, 0.5, replace(OPTIONS, size=size), unwatched)
    before, after = (one.of(FIXED_REAL) for one in found)
    assert [(d.share, d.real_tokens, d.synthetic_tokens) for d in before] == [
        (d.share, d.real_tokens, d.synthetic_tokens) for d in after
    ]


def test_text_that_is_new_helps_more_than_copies_of_a_few_documents(copied):
    """Same words, same real text: each document nine times over, or nine documents."""
    same = [f"{word} {text} {word}" for text in OTHER[:12] for word in WORDS]
    many = texts([*same, *OTHER[12:120]])
    found = effect_of_copies(many, dose_response(many, OPTIONS, unwatched), 0.5, OPTIONS, unwatched)
    assert found["effect_nats"] < found["before"]


def test_what_is_left_can_be_too_little_to_measure(copied, dose, monkeypatch):
    monkeypatch.setattr(duplicates, "without_copies", lambda given: (replace(given, synthetic=OTHER[:3]), 0.9))
    assert effect_of_copies(copied, dose, 0.5, OPTIONS, unwatched) == {"duplicates": 0.9, "effect_nats": None}


def test_without_an_arm_of_the_same_real_text_nothing_is_weighed(copied, dose):
    for doses in (dose.of(FIXED_TOTAL), tuple(d for d in dose.of(FIXED_REAL) if not d.share)):
        assert effect_of_copies(copied, replace(dose, doses=doses), 0.5, OPTIONS, unwatched) is None


def test_near_copies_are_in_the_advice_of_a_mixture():
    asked = {"seeds": 2, "rounds": 0, "shares": (0.0, 0.5), "size": 6_000}
    (told,) = [one for one in mix(REAL, COPIES, **asked).verdict.advice if "near copies" in one]
    assert told.startswith("53.3 % of the synthetic documents are near copies of others; ")
    assert "nats" in told and told.endswith((": remove them first.", "so they are not what matters."))
    assert not any("near copies" in one for one in mix(REAL, OTHER, **asked).verdict.advice)
