"""The n-gram backend: text to tokens and back, what it predicts and writes, what it keeps and refuses."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.errors import InputError, UsageError
from contam.experiments.recurse.backend import Backend, Name, unheard
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import NgramBackend
from contam.experiments.recurse.options import RecurseOptions
from contam.models.word_text import tokens, written

SHARED = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[4] / "shared")
NAME = Name("replace-seed0", 0, 1)
TEXTS = [
    "The cat (a grey one) sat on the mat; the dog did not. Why?",
    "The dog sat on a cat! \"No,\" said the cat, \"the mat is mine.\"",
    "",
    "A mat, a dog, a naïve café: [1] {x} ... 日本 _under_score 42",
    "Cats.",
]


def backend(texts=TEXTS, **settings):
    return NgramBackend(RecurseOptions(**settings), texts)


def trained(texts=TEXTS, **settings):
    made = backend(texts, **settings)
    return made, made.train(made.encode(texts), NAME, unheard)


MARKS = "ab9_ é日\u0301\u200d\ufffd\ue000.,;:!?()[]{}\"'-—\t\n"
SIGNS = st.text(st.sampled_from(MARKS), max_size=30) | st.text(max_size=20)


@settings(max_examples=300, deadline=None)
@given(st.lists(SIGNS, max_size=5), st.data())
def test_any_words_written_are_read_again(texts, data):
    made, model = trained([*texts, "end"])
    size = model.model.vocabulary
    documents = Encoded.of(data.draw(st.lists(st.lists(st.integers(0, size - 1), max_size=15), max_size=4)))
    text = model.alphabet.decode(documents)
    again = made.encode(text.texts)
    assert again.ids.tolist() == documents.ids.tolist() and again.bounds.tolist() == documents.bounds.tolist()
    assert text.encoded is documents


@settings(max_examples=200, deadline=None)
@given(SIGNS)
def test_spaces_are_left_out_beside_marks_alone(text):
    words = tokens(text)
    plain = re.sub(r" ([.,;:!?)\]}])", r"\1", re.sub(r"([(\[{]) ", r"\1", " ".join(words)))
    assert written(words) == plain and tokens(plain) == words
    made, model = trained([text, "end"])
    assert model.alphabet.decode(made.encode([text])).texts == (plain,)


def test_the_unknown_word_is_one_word_that_can_be_written():
    made, model = trained()
    assert made.encode(["The zebra"]).ids.tolist() == [0, model.model.vocabulary - 1]
    fresh = made.train(made.encode(["zebra lion zebra the cat"]), NAME, unheard)
    out = fresh.write(made.encode(["a " * 200]), NAME, unheard)
    assert "\ufffd" in out.texts[0] and np.array_equal(made.encode(out.texts).ids, out.encoded.ids)
    taken, other = trained(["one \ufffd two"])
    assert taken.encode(["zebra \ufffd"]).ids.tolist() == [3, 1]
    assert other.alphabet.decode(Encoded.of([[3]])).texts == ("\ue000",)


@pytest.mark.parametrize("unit", ["word", "byte"])
@pytest.mark.parametrize("temperature", [1.0, 0.8])
def test_documents_and_lengths_are_those_asked_for(unit, temperature):
    texts = [text for text in TEXTS if text.isascii()]
    made, model = trained(texts, unit=unit, temperature=temperature)
    like = made.encode(texts)
    out = model.write(like, NAME, unheard)
    assert np.array_equal(out.encoded.bounds, like.bounds) and len(out.texts) == len(texts) and np.isnan(out.ended)
    assert out.texts[2] == "" and out.texts == model.write(like, NAME, unheard).texts
    assert out.texts != model.write(like, Name("replace-seed0", 0, 2), unheard).texts
    base = [model.write(like, Name(lineage, 1, 0), unheard).texts for lineage in ("replace-seed1", "mix-0.1-seed1")]
    assert base[0] == base[1]


def test_bytes_that_are_no_text_are_replaced_and_counted_as_written():
    made, model = trained(["日本語 é ü", "ñ日 本é"], unit="byte", order=1)
    out = model.write(Encoded.of([[0] * 300, [0] * 10]), NAME, unheard)
    again = made.encode(out.texts)
    assert "\ufffd" in out.texts[0] and out.encoded.tokens > 310
    assert np.array_equal(again.ids, out.encoded.ids) and np.array_equal(again.bounds, out.encoded.bounds)


@pytest.mark.parametrize(("unit", "order"), [("word", 1), ("word", 3), ("byte", 4)])
def test_documents_are_predicted_one_by_one(unit, order):
    made, model = trained(unit=unit, order=order)
    documents = made.encode([*TEXTS, "The zebra sat on the cat"])
    found = model.predicted(documents)
    assert found.tokens.tolist() == documents.lengths.tolist() and found.nats[2] == 0 == found.correct[2]
    for i in range(len(documents)):
        alone = model.predicted(documents.take([i]))
        assert alone.nats[0] == pytest.approx(found.nats[i]) and alone.correct[0] == found.correct[i]
    assert (found.correct <= found.tokens).all() and np.isfinite(found.nats).all()
    assert model.predicted(made.encode(TEXTS)).loss == pytest.approx(model.facts["loss"])


def test_first_choices_are_those_of_the_whole_distribution():
    made, model = trained(["a b a b a c", "b a c", "c c a b"], order=3)
    words, text = ["a", "b", "c", "zebra"], ["a", "b", "c", "a", "c", "b", "zebra", "a"]
    contexts = [" ".join(text[:i]) for i in range(len(text))]
    choices = [words[i] for i in model.following(contexts, words).argmax(1)]
    right = sum(a == b for a, b in zip(choices, text))
    assert model.predicted(made.encode([" ".join(text)])).correct.tolist() == [right]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_what_follows_is_a_distribution_over_the_words(order):
    made, model = trained(order=order)
    contexts = ["", "The", "The cat (a grey one)", "nothing of the kind", "sat on the"]
    words = list(dict.fromkeys(word for text in TEXTS for word in tokens(text)))
    found = model.following(contexts, [*words, "zebra"])
    assert found.shape == (5, len(words) + 1) and found.sum(1) == pytest.approx(np.ones(5))
    for i, context in enumerate(contexts):
        both, one = (model.predicted(made.encode([text])).nats[0] for text in (f"{context} mat", context))
        assert found[i, words.index("mat")] == pytest.approx(np.exp(one - both))
    assert model.following(contexts, ["mat is", ""])[2] == pytest.approx(
        [found[2, words.index("mat")] * model.following(["The cat (a grey one) mat"], ["is"])[0, 0], 1]
    )
    assert model.following([], ["a"]).shape == (0, 1) and model.following(["a"], []).shape == (1, 0)


def test_bytes_that_follow_are_those_of_a_space_and_the_word():
    made, model = trained(unit="byte", order=3)
    both, one = (model.predicted(made.encode([text])).nats[0] for text in ("The cat", "The"))
    assert model.following(["The"], ["cat"])[0, 0] == pytest.approx(np.exp(one - both))


@pytest.mark.parametrize("unit", ["word", "byte"])
def test_a_kept_model_is_the_model(unit, tmp_path):
    made, model = trained(unit=unit)
    model.save(tmp_path / "generation")
    again = made.read(tmp_path / "generation")
    documents = made.encode(TEXTS)
    assert again.facts == model.facts
    assert np.array_equal(again.predicted(documents).nats, model.predicted(documents).nats)
    assert again.write(documents, NAME, unheard).texts == model.write(documents, NAME, unheard).texts


def test_a_model_that_cannot_be_read_is_told(tmp_path):
    made, model = trained()
    with pytest.raises(InputError, match="delete its folder"):
        made.read(tmp_path)
    model.save(tmp_path)
    with pytest.raises(InputError, match="another vocabulary"):
        backend(["Other words."]).read(tmp_path)
    file = tmp_path / "ngram.npz"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match="can be read"):
        made.read(tmp_path)


@pytest.mark.parametrize("setting", [{"beams": 5}, {"repetition_penalty": 2.0}, {"prompt_tokens": 64}])
def test_settings_of_neural_models_are_refused(setting):
    with pytest.raises(UsageError, match=f"--{next(iter(setting)).replace('_', '-')} is for neural models"):
        backend(**setting)


def test_it_says_what_it_is():
    made: Backend = backend(unit="byte")
    assert (made.kind, made.unit, made.hardware["device"]) == ("ngram", "byte", "cpu") and made.close() is None


def test_no_text_is_no_corpus():
    made = backend()
    with pytest.raises(InputError, match="generation 1 of replace-seed0 has no text"):
        made.train(made.encode(["", " "]), NAME, unheard)


def test_words_that_a_generation_loses_never_come_back():
    made, model = trained(order=2)
    like = made.encode(TEXTS)
    alive = set(like.ids.tolist())
    for generation in range(12):
        text = model.write(like, Name("replace-seed0", 0, generation), unheard).encoded
        left = set(text.ids.tolist())
        assert left <= alive
        alive, model = left, made.train(text, NAME, unheard)
    assert len(alive) < 20 and np.isfinite(model.predicted(like).nats).all()


def test_a_corpus_of_copies_makes_the_model_of_the_corpus():
    texts = ["one two three two one", "three three one two"] * 5
    made = NgramBackend(RecurseOptions(model="ngram"), texts)
    real = made.encode(texts)
    once, often = (made.train(Encoded.joined([real] * n), NAME, unheard).predicted(real).nats for n in (1, 6))
    np.testing.assert_allclose(once, often)


@pytest.mark.shared
def test_a_byte_trigram_gets_worse_when_it_is_retrained_on_itself():
    """20,000 bytes, held-out text of the same source: perplexity rises and rises where each generation replaces the
    one before, and levels off a little above the start where half of each corpus is real."""
    path = SHARED / "data/human/tinyshakespeare.txt"
    if not path.is_file():
        pytest.skip(f"no shared data at {SHARED}")
    text = path.read_text(encoding="utf-8")
    texts = [text[i : i + 500] for i in range(0, 20_000, 500)]
    made = NgramBackend(RecurseOptions(model="ngram", unit="byte"), texts)
    real = made.encode(texts)
    held = made.encode([text[-20_000:]])
    curves = {}
    for paradigm in ("replace", "mix"):
        corpus, curve = real, []
        for generation in range(21):
            model = made.train(corpus, NAME, unheard)
            curve.append(np.exp(model.predicted(held).loss))
            out = model.write(real, Name(paradigm, 0, generation), unheard).encoded
            half = np.arange(len(real) // 2)
            corpus = out if paradigm == "replace" else Encoded.joined([real.take(half), out.take(half)])
        curves[paradigm] = curve
    replace, mix = curves["replace"], curves["mix"]
    assert 8 < replace[0] == mix[0] < 15
    assert replace[1] < replace[5] < replace[10] < replace[20] and replace[20] > 2 * replace[0]
    assert max(mix) < 1.35 * mix[0] and max(mix[10:]) < 1.05 * min(mix[10:])
