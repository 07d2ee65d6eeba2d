"""The neural proxy: arms of any length, the numbers of the neural drift, the same from run to run, harm where it is."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from sentences import documents

from contam import demo
from contam.errors import InputError
from contam.mixing.dose import neural_proxy
from contam.mixing.dose.neural_proxy import NeuralProxy, neural_settings, planned
from contam.mixing.dose.response import Arm
from contam.mixing.dose.texts import Texts
from contam.mixing.options import MixOptions, unwatched
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL
from contam.perplexity.proxy import ProxySettings, Replica, scored, trained, trained_nats

TINY = ProxySettings(width=32, layers=1, context=16, batch=8, steps=25, rate=1e-2)
OPTIONS = MixOptions(device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def little_is_written(monkeypatch):
    monkeypatch.setattr(neural_proxy, "OUTPUT", 600)
    monkeypatch.setattr(neural_proxy, "STREAM", 64)


def shuffled(text):
    words = text.split()
    random.Random(len(words)).shuffle(words)
    return " ".join(words)


@pytest.fixture(scope="module")
def texts():
    """Paragraphs of human text; as synthetic text, others of them with their words shuffled."""
    paragraphs = [p for d in demo.human_documents()[1] for p in d.split("\n\n") if len(p.split()) > 30]
    random.Random(1).shuffle(paragraphs)
    return Texts(tuple(paragraphs[:60]), tuple(map(shuffled, paragraphs[60:120])), tuple(paragraphs[120:130]), ())


def total(share, tokens):
    return Arm(share, FIXED_TOTAL, round((1 - share) * tokens), round(share * tokens))


def test_the_same_weights_and_text_give_the_numbers_of_the_neural_drift(texts):
    whole = Texts((" ".join(texts.real),), (" ".join(texts.synthetic),), texts.held_out, ())
    proxy = NeuralProxy(whole, OPTIONS, TINY)
    size = min(proxy.sizes)
    found = proxy.measure([total(0.0, size), total(1.0, size)], 2, 0, unwatched)
    arms = [np.append(next(proxy.pieces.encode_many(side)), 0)[:size] for side in (whole.real, whole.synthetic)]
    held = list(proxy.pieces.encode_many(whole.held_out))
    settings = ProxySettings(width=32, layers=1, context=16, batch=8, steps=25, rate=1e-2, seeds=2)
    assert found.nats == pytest.approx(trained_nats(arms, held, proxy.pieces.vocabulary, settings), rel=1e-4)
    assert found.nats.shape == (2, 2, 10) and proxy.held_out.tolist() == [len(ids) for ids in held]


def test_a_replica_does_not_see_longer_and_shorter_texts_beside_it():
    rng = np.random.default_rng(0)
    long, short, held = rng.integers(1, 20, 500), rng.integers(1, 20, 60), [rng.integers(1, 20, 30)]
    together = scored(trained([Replica(long, 0), Replica(short, 1)], 20, TINY), held, 16)
    alone = [scored(trained([Replica(text, seed)], 20, TINY), held, 16)[0] for seed, text in enumerate((long, short))]
    assert together == pytest.approx(np.stack(alone), rel=1e-3)
    with pytest.raises(ValueError, match="17 tokens is shorter"):
        trained([Replica(long, 0), Replica(short[:17], 0)], 20, TINY)


def test_text_of_another_language_does_harm():
    real, held, other = (tuple(documents(40, seed=s, language=lang)) for s, lang in ((1, 0), (2, 0), (3, 1)))
    texts = Texts(real, other, held[:10], ())
    settings = ProxySettings(width=32, layers=1, context=16, batch=8, steps=150, rate=1e-2)
    arms = [total(0.0, 4000), total(0.5, 4000), total(1.0, 4000), Arm(0.5, FIXED_REAL, 2000, 2000)]
    proxy = NeuralProxy(texts, OPTIONS, settings)
    found = proxy.measure(arms, 2, 0, unwatched)
    loss = found.nats.sum(-1) / proxy.held_out.sum()
    assert (loss[2] - loss[0]).min() > 0.5 and (loss < np.log(proxy.pieces.vocabulary)).all()
    assert np.array_equal(found.nats[1], found.nats[3])


def test_a_run_is_what_its_seed_says(texts):
    arms = [total(0.5, 1000)]
    first, again = (NeuralProxy(texts, OPTIONS, TINY).measure(arms, 2, 1, unwatched) for _ in range(2))
    assert np.array_equal(first.nats, again.nats) and first.output == again.output
    assert np.array_equal(first.later, again.later)
    other = NeuralProxy(texts, MixOptions(device="cpu", seed=1), TINY).measure(arms, 2, 0, unwatched)
    assert not np.allclose(first.nats, other.nats)


def test_how_many_are_trained_side_by_side_changes_rounding_alone(texts, monkeypatch):
    arms = [total(0.0, 1500), total(0.5, 1500)]
    wide = NeuralProxy(texts, OPTIONS, TINY).measure(arms, 3, 1, unwatched)
    monkeypatch.setattr(neural_proxy, "GROUP_CPU", 1)
    narrow = NeuralProxy(texts, OPTIONS, TINY).measure(arms, 3, 1, unwatched)
    assert wide.nats == pytest.approx(narrow.nats, rel=1e-3)


def test_arms_of_the_fixed_total_write_and_go_on(texts):
    told = []
    arms = [total(0.0, 1500), total(0.5, 1500), Arm(0.25, FIXED_REAL, 900, 300)]
    found = NeuralProxy(texts, OPTIONS, TINY).measure(arms, 2, 5, told.append)
    assert found.later.shape == (3, 2) and np.isfinite(found.later[1]).all() and np.isnan(found.later[[0, 2]]).all()
    assert set(found.output[0]) == set(found.output[1]) and not found.output[2]
    assert 0 < found.output[0]["diversity.distinct_2"] <= 1 and found.output[0] != found.output[1]
    assert any("2 further generations, not 5" in note for note in found.notes)
    training = [event for event in told if event.phase == "training"]
    assert [e.done for e in training] == sorted(e.done for e in training) and training[-1].done == training[-1].total
    assert training[0].total == 2 * (3 + 2) and {e.phase for e in told} == {"training", "writing"}


def test_a_later_generation_is_trained_on_what_the_one_before_wrote(texts, monkeypatch):
    seen = []

    def spy(replicas, *rest, **named):
        seen.append([one.text for one in replicas])
        return trained(replicas, *rest, **named)

    monkeypatch.setattr(neural_proxy, "trained", spy)
    NeuralProxy(texts, OPTIONS, TINY).measure([total(0.25, 1200)], 1, 2, unwatched)
    first, second, third = (group[0] for group in seen)
    assert len(first) == len(second) == len(third) == 1200
    assert np.array_equal(first[:900], second[:900]) and np.array_equal(first[:900], third[:900])
    assert not np.array_equal(first[900:], second[900:]) and not np.array_equal(second[900:], third[900:])


def test_cold_models_repeat_themselves(texts):
    cold = MixOptions(device="cpu", temperature=0.3)
    arms = [total(0.0, 2000)]
    hot, told = (NeuralProxy(texts, o, TINY).measure(arms, 1, 0, unwatched).output[0] for o in (OPTIONS, cold))
    assert told["diversity.distinct_2"] < hot["diversity.distinct_2"]


def test_how_long_models_are_trained_follows_from_their_text():
    arms = [total(0.0, 20_000), Arm(0.9, FIXED_REAL, 20_000, 180_000)]
    plan, rows = planned([*arms, arms[0]], 2, 1, ProxySettings(steps=10_000, batch=8, context=64), unwatched)
    assert plan.settings.steps == round(neural_proxy.PASSES * 20_000 / 512) and rows == [0, 1, 0]
    assert planned(arms, 2, 1, ProxySettings(steps=70), unwatched)[0].settings.steps == 70
    assert planned([total(0.0, 600)], 2, 1, ProxySettings(), unwatched)[0].settings.steps == neural_proxy.LEAST_STEPS


def test_sizes_are_smaller_where_the_user_left_them_as_they_were():
    given = neural_settings(MixOptions())
    assert (given.shares, given.seeds, given.size, given.rounds) == ((0.0, 0.1, 0.25, 0.5, 1.0), 5, 30_000, 1)
    asked = neural_settings(MixOptions(shares=(0.3,), seeds=4, size=50_000, rounds=7))
    assert (asked.shares, asked.seeds, asked.size, asked.rounds) == ((0.0, 0.3), 4, 50_000, 2)


def test_what_the_texts_or_the_machine_lack_is_said(texts):
    proxy = NeuralProxy(texts, OPTIONS, TINY)
    with pytest.raises(ValueError, match="tokens asked for"):
        proxy.measure([total(0.0, proxy.sizes[0] + 1)], 1, 0, unwatched)
    with pytest.raises(InputError, match="--device"):
        NeuralProxy(texts, MixOptions(device="tpu"), TINY)
