"""The n-gram model against dictionaries, against other implementations, and against its own probabilities."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.models import ngram_writing
from contam.models.ngram import Ngram
from contam.models.ngram_writing import Drawing, write
from contam_metrics.witten_bell import WittenBell

START = -1
ORDERS = [1, 2, 3, 4, 5]
DOCUMENTS = st.lists(st.lists(st.integers(0, 5), max_size=12), max_size=8)
CORPUS = [[0, 1, 2, 0, 1, 3], [0, 1, 0, 0, 4, 2], [2], [], [1, 1, 1, 2, 0, 1, 2, 3, 0, 1], [3, 0, 2, 0, 1, 2, 4, 4]]
"""Words 0 to 4 of a vocabulary of 7."""


def ragged(documents):
    bounds = np.concatenate(([0], np.cumsum([len(d) for d in documents]))).astype(np.int64)
    return np.array([w for d in documents for w in d], np.int32), bounds


def trained(documents, order, vocabulary=7):
    return Ngram.train(*ragged(documents), order, vocabulary)


class Plain:
    """The definition, word by word, with dictionaries and start symbols; ``uniform`` False leaves that level out."""

    def __init__(self, documents, order, vocabulary, uniform=True):
        self.order, self.vocabulary, self.uniform = order, vocabulary, uniform
        self.after = defaultdict(Counter)
        for document in documents:
            for history, word in zip(self.histories(document), document):
                for n in range(order):
                    self.after[history[len(history) - n :]][word] += 1

    def histories(self, document):
        padded = (START,) * (self.order - 1) + tuple(document)
        return [padded[i : i + self.order - 1] for i in range(len(document))]

    def p(self, word, history):
        seen = self.after.get(history, Counter())
        kinds = len(seen) if history or self.uniform else 0
        shorter = self.p(word, history[1:]) if history else 1 / self.vocabulary
        return (seen[word] + kinds * shorter) / (seen.total() + kinds) if seen else shorter

    def distribution(self, history):
        return np.array([self.p(w, history) for w in range(self.vocabulary)])


def after(model, history):
    """p(w | a document that begins so), float64[V], as the model predicts it."""
    ids, bounds = ragged([[*history, w] for w in range(model.vocabulary)])
    return model.predicted(ids, bounds)[0][bounds[1:] - 1]


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.integers(1, 5))
def test_predictions_are_the_definition(corpus, text, order):
    model, plain = trained(corpus, order), Plain(corpus, order, 7)
    chances, first = model.predicted(*ragged(text))
    words = [(w, h) for document in text for w, h in zip(document, plain.histories(document))]
    assert chances == pytest.approx([plain.p(w, h) for w, h in words], rel=1e-12)
    for (word, history), hit in zip(words, first):
        every = plain.distribution(history)
        best = np.flatnonzero(every > every.max() * (1 - 1e-12))
        assert hit <= (word in best) and (hit or len(best) > 1 or word != best[0])


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.lists(st.integers(0, 6), max_size=6), st.integers(1, 5))
def test_it_is_a_distribution(corpus, history, order):
    assert after(trained(corpus, order), history).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_equal_to_the_model_without_start_symbols_where_none_is_in_the_history(order):
    rng = np.random.default_rng(order)
    corpus = [rng.integers(0, 6, rng.integers(0, 30)).tolist() for _ in range(20)]
    ids, bounds = ragged(corpus)
    other = WittenBell.train(ids.astype(np.int64), bounds, order, 7)
    model = trained(corpus, order)
    for _ in range(40):
        history = rng.integers(0, 7, max(order - 1, 1)).tolist()
        assert after(model, history) == pytest.approx(other.probabilities(history[len(history) - order + 1 :]))


@pytest.mark.parametrize("order", ORDERS)
def test_what_it_draws_from_is_the_model_of_nltk(order):
    """NLTK's single words have their frequencies, without a uniform level, as in drawing; its padding would count
    start symbols as words, so it is given the n-grams that are counted here."""
    pytest.importorskip("nltk")
    from nltk.lm import WittenBellInterpolated

    plain = Plain(CORPUS, order, 7)
    grams = [
        [(*h[len(h) - n :], w) for n in range(order)]
        for document in CORPUS for w, h in zip(document, plain.histories(document))
    ]  # fmt: skip
    outside = WittenBellInterpolated(order)
    outside.fit([[tuple(map(str, gram)) for gram in text] for text in grams], list(map(str, range(-1, 5))))
    tree = trained(CORPUS, order).tree
    checked = 0
    for node, chance in enumerate(tree.chances(0.0)):
        if tree.nodes[node, 3] > 0:
            word, history, at = str(tree.nodes[node, 1]), [], tree.nodes[node, 0]
            while at:
                history, at = [str(tree.nodes[at, 1]), *history], tree.nodes[at, 0]
            assert chance == pytest.approx(outside.unmasked_score(word, history))
            checked += 1
    assert checked == sum(trained(CORPUS, order).ngrams)


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_many_types_in_long_ngrams_are_told_apart(order):
    """Codes of words in base V would need more than 64 bits, and the table has to grow on the way."""
    rng = np.random.default_rng(5)
    vocabulary = 1 << 20
    words = rng.integers(0, vocabulary, 300)
    corpus = [rng.choice(words, 500).tolist() for _ in range(6)]
    model, plain = trained(corpus, order, vocabulary), Plain(corpus, order, vocabulary)
    text = [*corpus[:2], rng.choice(words, 200).tolist()]
    expected = [plain.p(w, h) for document in text for w, h in zip(document, plain.histories(document))]
    assert model.predicted(*ragged(text))[0] == pytest.approx(expected, rel=1e-12)
    grams = {(*h, w) for d in corpus for w, h in zip(d, plain.histories(d))}
    assert model.ngrams[-1] == len(grams) and model.ngrams[0] == len({w for d in corpus for w in d})


@pytest.mark.parametrize("order", ORDERS)
def test_the_loss_is_that_of_the_training_text(order):
    model = trained(CORPUS, order)
    assert model.loss == pytest.approx(-np.log(model.predicted(*ragged(CORPUS))[0]).mean())


def p_value(corpus, order, how, expected, documents=6000, length=7):
    """Of the chi-square test of what follows each history against the distribution expected after it."""
    from scipy.stats import chi2

    model, plain = trained(corpus, order), Plain(corpus, order, 7, uniform=False)
    bounds = np.arange(documents + 1, dtype=np.int64) * length
    ids = write(model, bounds, how, "chi-square", order)
    seen = defaultdict(Counter)
    for document in ids.reshape(documents, length).tolist():
        for word, history in zip(document, plain.histories(document)):
            seen[history][word] += 1
    statistic, freedom = 0.0, 0
    for history, counts in seen.items():
        wanted = expected(plain.distribution(history)) * counts.total()
        found = np.array([counts[w] for w in range(7)])
        assert not found[wanted == 0].any()
        cells = wanted >= 5
        if cells.sum() > 1:
            statistic += ((found - wanted)[cells] ** 2 / wanted[cells]).sum()
            freedom += int(cells.sum()) - 1
    return chi2.sf(statistic, freedom) if freedom else 1.0


def changed(how):
    """A distribution as temperature, top-k and nucleus leave it, by sorting all of it."""

    def expected(chances):
        powers = chances ** (1 / how.temperature)
        powers /= powers.sum()
        order = np.argsort(-powers, kind="stable")
        kept = order[: how.top_k or len(order)]
        shares = powers[kept] / powers[kept].sum()
        kept = kept[: 1 + int(np.sum(np.cumsum(shares) < how.top_p - 1e-12))]
        out = np.zeros(len(powers))
        out[kept] = powers[kept] / powers[kept].sum()
        return out

    return expected


@pytest.mark.parametrize("order", ORDERS)
def test_words_are_drawn_as_often_as_their_probability_says(order):
    assert p_value(CORPUS, order, Drawing(), lambda chances: chances) > 1e-3


HOWS = [
    Drawing(0.5), Drawing(0.05), Drawing(2.0), Drawing(30.0), Drawing(top_k=2), Drawing(top_k=4), Drawing(top_p=0.77),
    Drawing(top_p=0.999), Drawing(0.7, 3), Drawing(1.6, 4, 0.83), Drawing(0.8, 0, 0.61),
]  # fmt: skip


@pytest.mark.parametrize("how", HOWS, ids=str)
@pytest.mark.parametrize("order", [1, 3, 4])
def test_changed_distributions_are_exact(order, how):
    rng = np.random.default_rng(11)
    corpus = [rng.choice(5, n, p=[0.41, 0.27, 0.17, 0.1, 0.05]).tolist() for n in rng.integers(1, 40, 12)]
    words, plain = np.concatenate(corpus), Plain(corpus, order, 7, uniform=False)
    everywhere = [plain.distribution(h) for h in plain.after if len(h) == order - 1]
    assert all(len(np.unique(d.round(9))) == len(set(words)) + 1 for d in everywhere), "no ties, which have no order"
    assert p_value(corpus, order, how, changed(how)) > 1e-3


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("how", [Drawing(0.0), Drawing(top_k=1), Drawing(0.0, 3, 0.5)], ids=str)
def test_temperature_nought_takes_the_likeliest(order, how):
    plain = Plain(CORPUS, order, 7, uniform=False)
    ids = write(trained(CORPUS, order), np.array([0, 40]), how, "greedy").tolist()
    for word, history in zip(ids, plain.histories(ids)):
        every = plain.distribution(history)
        assert every[word] >= every.max() * (1 - 1e-12)


def test_a_large_vocabulary_and_top_k_beyond_it_are_the_whole_distribution():
    bounds = np.array([0, 50, 100])
    assert np.array_equal(
        write(trained(CORPUS, 3), bounds, Drawing(), 1), write(trained(CORPUS, 3), bounds, Drawing(top_k=7), 1)
    )


def test_texts_depend_on_the_names_and_nothing_else(monkeypatch):
    model = trained(CORPUS, 3)
    bounds = np.array([0, 0, 9, 10, 10, 40, 300])
    text = write(model, bounds, Drawing(), "a", 0)
    assert len(text) == 300 and text.dtype == np.int32
    assert np.array_equal(text, write(trained(CORPUS, 3), bounds, Drawing(), "a", 0))
    assert np.array_equal(text[:40], write(model, bounds[:-1], Drawing(), "a", 0))
    assert not np.array_equal(text, write(model, bounds, Drawing(), "a", 1))
    for lanes in (1, 3, 64):
        monkeypatch.setattr(ngram_writing, "LANES", lanes)
        assert np.array_equal(text, write(model, bounds, Drawing(), "a", 0))


def test_the_same_text_on_every_machine():
    text = write(trained(CORPUS, 3), np.array([0, 200, 1000]), Drawing(), "everywhere")
    assert hashlib.sha256(text.astype("<i4").tobytes()).hexdigest()[:16] == "b564da7622277e2f"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("how", [Drawing(), Drawing(3.0), Drawing(top_p=0.9999)], ids=str)
def test_words_that_died_out_stay_away_and_keep_a_price(order, how):
    text = write(trained(CORPUS, order), np.array([0, 3000]), how, "extinct")
    assert set(text.tolist()) <= set(range(5))
    dear, cheap = -np.log(trained(CORPUS, order).predicted(*ragged([[6], [0]]))[0])
    assert cheap < dear < math.inf


@pytest.mark.parametrize("order", ORDERS)
def test_degenerate_corpora(order):
    one = trained([[3] * 9, [], [3]], order)
    assert write(one, np.array([0, 5]), Drawing(0.7), "one").tolist() == [3] * 5
    assert one.predicted(*ragged([[3, 3, 3]]))[1].all()
    nothing = trained([[], []], order)
    assert nothing.predicted(*ragged([[1, 2], []]))[0] == pytest.approx([1 / 7, 1 / 7]) and math.isnan(nothing.loss)
    with pytest.raises(ValueError, match="empty"):
        write(nothing, np.array([0, 5]), Drawing(), "none")
    assert len(write(one, np.array([0]), Drawing(), "none")) == 0 and len(one.predicted(*ragged([]))[0]) == 0
    single = trained([[2]], order)
    assert write(single, np.array([0, 2, 3]), Drawing(), "single").tolist() == [2, 2, 2]


def test_what_cannot_be_is_refused():
    for order, vocabulary, ids in ((0, 7, [0]), (6, 7, [0]), (3, 7, [7]), (3, 7, [-1]), (3, 0, [])):
        with pytest.raises(ValueError):
            trained([ids], order, vocabulary)
    with pytest.raises(ValueError, match="0 to 6"):
        trained(CORPUS, 2).predicted(*ragged([[7]]))


@pytest.mark.parametrize("copies", [2, 11])
def test_copies_of_a_text_that_are_worth_one_make_the_model_of_one(copies):
    rng = np.random.default_rng(3)
    ids, bounds = rng.integers(0, 30, 900).astype(np.int32), np.arange(0, 901, 90)
    once = Ngram.train(ids, bounds, 3, 40)
    many = Ngram.train(np.tile(ids, copies), np.arange(0, 900 * copies + 1, 90), 3, 40, worth=copies)
    test, edges = rng.integers(0, 40, 300).astype(np.int32), np.array([0, 300])
    np.testing.assert_allclose(many.predicted(test, edges)[0], once.predicted(test, edges)[0], rtol=1e-12)
    for how in (Drawing(), Drawing(temperature=0.7), Drawing(top_k=3)):
        texts = [write(model, np.array([0, 20_000]), how, "worth") for model in (once, many)]
        np.testing.assert_allclose(*(np.bincount(t, minlength=40) / 20_000 for t in texts), atol=0.015)
