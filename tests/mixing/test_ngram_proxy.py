"""The n-gram proxy: its arithmetic, what copies and good and bad text do to it, and that runs can be repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sentences import documents, shuffled_words

from contam.corpus import Corpus
from contam.experiments.recurse.documents import Encoded
from contam.mixing.dose.ngram_proxy import NgramProxy, Trail, best_worth, signals_of_words
from contam.mixing.dose.response import Arm, dose_response
from contam.mixing.dose.texts import Texts, texts_of
from contam.mixing.options import MixOptions, unwatched
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL
from contam.models.ngram import Ngram

OPTIONS = MixOptions(size=12_000, shares=(0.25, 0.5, 0.75, 1.0), seeds=3, rounds=1)
REAL, OTHER = documents(240, seed=1), documents(400, seed=2)


def encoded(rng, words, vocabulary=30):
    bounds = np.concatenate(([0], np.cumsum(rng.integers(0, 30, words // 15))))
    return Encoded((rng.integers(0, vocabulary, bounds[-1]) * rng.integers(0, 2, bounds[-1])).astype(np.int32), bounds)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_a_trail_gives_the_probabilities_of_the_model(order):
    rng = np.random.default_rng(order)
    corpus, text = encoded(rng, 600), encoded(rng, 300)
    for worth in (1.0, 2.5):
        model = Ngram.train(corpus.ids, corpus.bounds, order, 30, worth)
        found = Trail.of(Ngram.train(corpus.ids, corpus.bounds, order, 30), text).nats(worth, 1 / 30)
        assert found == pytest.approx(-np.log(model.predicted(text.ids, text.bounds)[0]), rel=1e-9)


def test_the_best_worth_is_the_minimum():
    rng = np.random.default_rng(9)
    trail = Trail.of(Ngram.train(*((c := encoded(rng, 4000)).ids, c.bounds), 3, 30), encoded(rng, 800))
    best = best_worth(trail, 1 / 30)
    losses = [trail.nats(worth, 1 / 30).mean() for worth in (best * 0.9, best, best * 1.1)]
    assert losses[1] == min(losses)


def test_copies_change_nothing_but_the_worth():
    real = tuple(REAL[:150])
    proxy = NgramProxy(Texts(real, real * 3, tuple(REAL[200:]), tuple(REAL[180:200])), OPTIONS)
    tokens = proxy.sizes[0]
    arms = [Arm(0.0, FIXED_REAL, tokens, 0), Arm(0.75, FIXED_REAL, tokens, 3 * tokens)]
    nats = proxy.measure(arms, 2, 0, unwatched).nats.sum(2) / proxy.held_out.sum()
    assert nats[1] == pytest.approx(nats[0], abs=1e-5)
    assert nats[0, 0] == pytest.approx(nats[0, 1])
    counted_twice = Ngram.train(*((c := joined(proxy, real * 2)).ids, c.bounds), 3, 500)
    once = Ngram.train(*((c := joined(proxy, real)).ids, c.bounds), 3, 500)
    held = joined(proxy, REAL[200:])
    assert Trail.of(counted_twice, held).nats(1.0, 1 / 400).mean() > Trail.of(once, held).nats(1.0, 1 / 400).mean()


def joined(proxy, texts):
    """Texts as the numbers of the proxy's words."""
    names = {word: i for i, word in enumerate(sorted({w for text in REAL for w in text.split()}))}
    return Encoded.of([[names[word] for word in text.split()] for text in texts])


def response(real, synthetic, options=OPTIONS, valid=None):
    corpora = [Corpus.from_texts(t) if t is not None else None for t in (real, synthetic, valid)]
    texts = texts_of(*corpora, options, unwatched)
    assert isinstance(texts, Texts), texts
    return dose_response(texts, options, unwatched)


def test_more_text_of_the_same_kind_helps_and_is_as_good_as_real_text():
    found = response(REAL, OTHER)
    assert {found.kinds[s] for s in ("0.5", "0.75")} == {"helpful"}
    assert "harmful" not in found.kinds.values() and found.detectable == {FIXED_TOTAL: None, FIXED_REAL: None}
    assert all(abs(d.effect_nats) < 0.05 for d in found.of(FIXED_TOTAL)[1:])
    assert [d.real_tokens + d.synthetic_tokens for d in found.of(FIXED_TOTAL)] == [found.total_tokens] * 5


def test_later_generations_lose_more_the_less_real_text_they_get():
    found = response(REAL, OTHER, replace(OPTIONS, rounds=3, seeds=2)).of(FIXED_TOTAL)
    assert [len(dose.later) for dose in found] == [0, 3, 3, 3, 3]
    lost = [dose.later[-1] - dose.loss_nats for dose in found[1:]]
    assert lost == sorted(lost) and lost[0] > 0
    assert list(found[-1].later) == sorted(found[-1].later)


def test_text_without_order_is_harmful():
    found = response(REAL, shuffled_words(OTHER))
    assert found.kinds["0.75"] == found.kinds["1.0"] == "harmful"
    effects = [d.effect_nats for d in found.of(FIXED_TOTAL)[1:]]
    assert effects == sorted(effects) and effects[-1] > 0.2
    assert found.detectable[FIXED_TOTAL] == 0.25
    distinct = [d.output["diversity.distinct_2"] for d in found.of(FIXED_TOTAL)]
    assert distinct[-1] > distinct[0]


def test_the_same_settings_give_the_same_result():
    options = replace(OPTIONS, seeds=2, shares=(0.5,))
    first, again = response(REAL, OTHER, options), response(REAL[::-1], OTHER[::-1], options)
    assert replace(first, seconds=0.0) == replace(again, seconds=0.0)
    other = response(REAL, OTHER, replace(options, seed=1))
    assert other.doses[0].loss_nats != first.doses[0].loss_nats


def test_words_that_only_synthetic_text_has():
    strange = [f"{text} {' '.join(f'zq{i % 60}q{n}' for n in range(40))}" for i, text in enumerate(OTHER)]
    options = replace(OPTIONS, shares=(0.5,), seeds=2, rounds=0)
    found = response(REAL, strange, options)
    assert np.isfinite([d.loss_nats for d in found.doses]).all()
    assert [d.loss_nats for d in found.doses if not d.share] == [
        d.loss_nats for d in response(REAL, strange[:390], options).doses if not d.share
    ]


def test_signals_of_a_text_that_is_known():
    found = signals_of_words(Encoded.of([[5, 6, 5, 6], [7]]))
    assert found["diversity.types"] == 3 and found["tail.hapax_share"] == pytest.approx(1 / 5)
    assert found["diversity.distinct_2"] == pytest.approx(2 / 3) and "entropy.window" not in found


def test_every_sign_is_a_word_where_a_script_has_no_spaces():
    proxy = NgramProxy(Texts(("\u6c34\u706b\u6728", "a b"), ("\u6c34",), ("caf\u00e9 b",), ("\u706b a",)), OPTIONS)
    assert proxy.sizes == (5, 1) and list(proxy.held_out) == [2]
