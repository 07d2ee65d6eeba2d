"""Two corpora to what is trained on, tuned with and predicted: nothing on two sides, no order, and bad input."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sentences import documents

from contam.corpus import Corpus
from contam.errors import InputError
from contam.mixing.dose.texts import Texts, texts_of
from contam.mixing.options import MixOptions, unwatched
from contam.perplexity.drift import Reason

OPTIONS = MixOptions(size=20_000)


def made(real, synthetic, valid=None, options=OPTIONS):
    corpora = [Corpus.from_texts(t) if t is not None else None for t in (real, synthetic, valid)]
    return texts_of(*corpora, options, unwatched)


REAL, OTHER = documents(120, seed=1), documents(120, seed=2)


def words(texts):
    return sum(len(text.split()) for text in texts)


def test_documents_are_divided_and_none_is_on_two_sides():
    found = made(REAL, OTHER)
    assert isinstance(found, Texts) and found.kind == "documents"
    assert set(found.synthetic) == set(OTHER)
    parts = [set(found.real), set(found.held_out), set(found.tuning)]
    assert set.union(*parts) == set(REAL) and sum(map(len, parts)) == 120
    assert 0.15 < words(found.held_out + found.tuning) / words(REAL) < 0.25
    assert len(found.tuning) == pytest.approx(len(found.held_out) / 4, abs=1)


def test_the_order_of_documents_does_not_matter():
    real, other = REAL[:], OTHER[:]
    random.Random(4).shuffle(real)
    random.Random(5).shuffle(other)
    assert made(real, other) == made(REAL, OTHER)


def test_held_out_text_of_the_users_own():
    valid = documents(40, seed=3)
    found = made([*REAL, *valid[:5]], OTHER, valid)
    assert set(found.held_out) | set(found.tuning) == set(valid) and set(found.real) == set(REAL)
    assert any("real words are of the held-out text" in note for note in found.notes)
    assert not any("--valid" in note for note in found.notes)
    assert any("--valid" in note for note in made(REAL, OTHER).notes)


def test_synthetic_documents_of_the_held_out_text_and_copies_are_taken_out():
    held = made(REAL, OTHER).held_out
    found = made(REAL, [*OTHER, *held, *(f"so {text} end" for text in made(REAL, OTHER).real[:10])])
    assert not {*found.synthetic} - {*OTHER}
    told = " ".join(found.notes)
    assert f"{words(held):,} synthetic words are of the held-out text" in told
    assert f"{len(held)} of {120 + len(held) + 10} synthetic documents" in told
    assert "repeat the real text word for word" in told


def test_copies_of_fewer_words_than_an_8_gram_are_seen_too():
    lines = [" ".join(text.split()[k : k + 6]) for text in REAL for k in range(0, 60, 6)]
    other = [" ".join(text.split()[k : k + 6]) for text in OTHER for k in range(0, 60, 6)]
    found = made(lines, [*other, *(f"{line} !" for line in lines)])
    assert isinstance(found, Texts) and not any(text.endswith("!") for text in found.synthetic)
    assert {*found.held_out}.isdisjoint(text.removesuffix(" !") for text in found.synthetic)


def test_a_copy_is_no_synthetic_text():
    found = made(REAL, [f"so {text}" for text in REAL])
    assert isinstance(found, Reason) and "repeat the real text word for word" in found.text


def test_equal_corpora_are_refused():
    with pytest.raises(InputError, match="the real and the synthetic text are the same"):
        made(REAL, REAL[::-1])
    with pytest.raises(InputError, match="the synthetic and the held-out text are the same"):
        made(REAL, OTHER, OTHER)


@pytest.mark.parametrize("real, synthetic", [([], OTHER), (REAL, []), ([""], OTHER)])
def test_an_empty_side(real, synthetic):
    try:
        assert isinstance(made(real, synthetic), Reason)
    except InputError as error:
        assert "no documents" in str(error)


def test_too_little_text():
    found = made(REAL[:20], OTHER)
    assert isinstance(found, Reason) and "real (3,000 needed)" in found.text
    found = made(REAL, OTHER[:10])
    assert isinstance(found, Reason) and "1,500 synthetic (3,000 needed)" in found.text


def test_another_language_is_refused():
    found = made(REAL, documents(120, seed=2, language=1))
    assert isinstance(found, Reason) and "another language" in found.text


def test_few_long_documents_are_divided_in_blocks():
    whole = " ".join(REAL)
    found = made([whole], [" ".join(OTHER)])
    assert found.kind == "blocks" and len(found.held_out) >= 5
    assert words(found.real + found.held_out + found.tuning) == words(REAL)
    assert all(text in whole for text in found.held_out)
    assert whole.rstrip().endswith(tuple(text.rstrip() for text in found.held_out + found.tuning))


def test_large_corpora_are_sampled():
    rng, names = np.random.default_rng(0), np.array(" ".join(REAL).split())
    real, other = ([" ".join(row) for row in names[rng.integers(0, len(names), (n, 400))]] for n in (700, 1000))
    found = made(real, other, options=MixOptions(size=2_000))
    assert words(found.synthetic) < 0.75 * words(other)
    assert set(found.synthetic) - set(other)  # parts of documents
    assert {*" ".join(found.synthetic).split()} <= {*" ".join(other).split()}
