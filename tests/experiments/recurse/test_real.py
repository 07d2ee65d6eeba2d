from __future__ import annotations

import json

import pytest

from contam.errors import InputError
from contam.experiments.recurse.options import RecurseOptions
from contam.experiments.recurse.real import HELD_OUT_WORDS, real_text, words_in


def document(number, words=60):
    return " ".join(f"w{number}x{i}" for i in range(words))


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "human.jsonl"
    path.write_text("".join(json.dumps({"text": document(i)}) + "\n" for i in range(100)))
    return str(path)


def divided(path, **changes):
    return real_text(RecurseOptions(real=(path,), **changes))


def everything(*parts):
    return sorted(word for texts in parts for text in texts for word in text.split())


def test_every_word_is_on_one_side(corpus):
    human = divided(corpus)
    assert everything(human.training, human.held_out) == everything(map(document, range(100)))
    assert sum(map(words_in, human.held_out)) == 1200


def test_the_division_does_not_depend_on_seeds_or_paradigms(corpus):
    assert divided(corpus, seed=5, paradigms=("replace",)) == divided(corpus)


def test_given_held_out_text_leaves_all_of_the_corpus(corpus, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("\n".join(document(i) for i in range(200, 240)))
    human = divided(corpus, valid=str(other))
    assert everything(human.training) == everything(map(document, range(100)))
    assert everything(human.held_out) == everything(map(document, range(200, 240)))


def test_held_out_text_has_a_limit(tmp_path):
    path = tmp_path / "long.jsonl"
    path.write_text("".join(json.dumps({"text": document(i, 5000)}) + "\n" for i in range(80)))
    assert sum(map(words_in, divided(str(path)).held_out)) == HELD_OUT_WORDS


def test_size_and_documents_cut_the_training_text(corpus):
    assert sum(map(words_in, divided(corpus, size=1000).training)) == 1000
    assert len(divided(corpus, most_documents=10).training) == 10


def test_text_that_is_left_over_is_not_fresh_text(corpus):
    assert divided(corpus, size=1000, paradigms=("mix",), real_shares=(0.5,)).fresh == ()


def test_fresh_text_is_set_aside_for_every_generation(corpus):
    human = divided(corpus, real_kind="fresh", real_shares=(0.1, 0.5), generations=4)
    trained, fresh = sum(map(words_in, human.training)), sum(map(words_in, human.fresh))
    assert trained == 4800 // 3
    assert fresh >= 4 * 0.5 * trained
    assert not set(everything(human.training)) & set(everything(human.fresh))


def test_one_long_text_is_cut_into_parts_and_said_to_be(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text(" ".join(f"w{i}" + ("\n" if i % 17 == 0 else "") for i in range(9000)))
    human = divided(str(path))
    assert len(human.training) + len(human.held_out) > 40
    assert everything(human.training, human.held_out) == sorted(f"w{i}" for i in range(9000))
    assert "was cut into" in human.notes[0]


def test_too_little_text_says_how_much_there_is(tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("a few words only\n")
    with pytest.raises(InputError, match=r"words to train on, at least 200 are needed: give a longer --real"):
        divided(str(path))
