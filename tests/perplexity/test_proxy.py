"""The neural proxy: replicas train on their own arm, alike from run to run, and machine text scores worse."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from contam import demo
from contam.models.gpt2 import GPT2, initial
from contam.models.network import Device
from contam.models.stacked import stack
from contam.perplexity import proxy
from contam.perplexity.drift import Reason, drift_figure
from contam.perplexity.proxy import ProxySettings, neural_drift, seed_noise, trained_nats
from contam_metrics.segments import segments_of_texts

SMALL = ProxySettings(width=32, layers=1, context=16, batch=8, steps=30, rate=1e-2, seeds=2)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ids(seed, size, vocabulary=20):
    """A chain in which each token is mostly followed by one other; token 0 ends a text."""
    rng = np.random.default_rng(seed)
    out, last = [], 1
    for jump in rng.random(size):
        last = 1 + (last * 7 + 3) % (vocabulary - 1) if jump < 0.8 else int(rng.integers(1, vocabulary))
        out.append(last)
    return np.array(out)


def test_nats_are_those_of_each_token_after_the_ones_before_it_in_its_window():
    config = SMALL.config(20)
    network = GPT2(config, stack([initial(config, s) for s in (0, 1)]), Device())
    texts = [ids(1, 40), ids(2, 5), ids(3, 16)]
    found = proxy.scored(network, texts, 16)
    expected = np.zeros((2, 3))
    for i, text in enumerate(texts):
        padded = np.concatenate(([0], text))
        for first in range(0, len(text), 16):
            window = torch.from_numpy(padded[first : first + 17]).view(1, 1, -1).expand(2, -1, -1)
            expected[:, i] += network.losses(window).detach().sum((1, 2)).numpy()
    assert found == pytest.approx(expected, rel=1e-5)


def test_an_arm_does_not_see_the_others_and_the_same_seed_says_the_same():
    good, noise, held = ids(1, 600), np.random.default_rng(0).integers(1, 20, 600), [ids(5, 60), ids(6, 30)]
    both = trained_nats([good, noise], held, 20, SMALL)
    alone = trained_nats([good], held, 20, SMALL)
    assert both.shape == (2, 2, 2) and both[0] == pytest.approx(alone[0], rel=1e-3)
    assert np.array_equal(both, trained_nats([good, noise], held, 20, SMALL))
    assert (both[0].sum(-1) < 0.9 * both[1].sum(-1)).all() and not np.allclose(both[0, 0], both[0, 1])
    other = trained_nats([good], held, 20, SMALL, seed=1)
    assert not np.allclose(other, alone)


def test_equal_arms_have_no_drift_whatever_the_seed():
    text, held = ids(1, 400), [ids(5, 60)]
    found = trained_nats([text, text[:380], text], held, 20, SMALL)
    assert found[0] == pytest.approx(found[2], rel=1e-4)


def test_progress_is_told_and_a_short_arm_refused():
    told = []
    trained_nats([ids(1, 100)], [ids(2, 20)], 20, SMALL, tell=lambda phase, done: told.append((phase, done)))
    assert told[0] == ("training", 8 * 16 * 2) and told[-1] == ("training", 30 * 8 * 16 * 2) and len(told) == 30
    with pytest.raises(ValueError, match="17 tokens is shorter"):
        trained_nats([ids(1, 17)], [ids(2, 20)], 20, SMALL)


@pytest.fixture(scope="module")
def texts():
    """Paragraphs of human text, to be audited, trusted and held out, and what is left of the first after 3
    generations."""
    paragraphs = [p for d in demo.human_documents()[1] for p in d.split("\n\n") if len(p.split()) > 30]
    random.Random(1).shuffle(paragraphs)
    human, trusted, held_out = paragraphs[:60], paragraphs[60:130], paragraphs[130:175]
    return human, demo.recursion(human, 3), trusted, held_out


def test_text_of_the_third_generation_drifts(texts):
    human, machine, trusted, held_out = (segments_of_texts(t) for t in texts)
    settings = ProxySettings(width=32, layers=1, context=32, batch=8, steps=70, rate=1e-2, seeds=2)
    clean, worse = (neural_drift(a, trusted, held_out, settings=settings) for a in (human, machine))
    assert worse.value > clean.value + 0.05 and worse.trusted_nats < np.log(2048)
    assert worse.audited_nats - worse.trusted_nats == pytest.approx(worse.value)
    assert worse.interval[0] < worse.value < worse.interval[1] and worse.documents > 10
    assert len(worse.null) == 0 and worse.p_value is None and "2 seeds" in worse.notes[-1]
    figure = drift_figure(worse)
    assert figure.value == worse.value and figure.limits is None


def test_too_little_text_is_said(texts):
    found = neural_drift(segments_of_texts(["a b c"]), *(segments_of_texts(t) for t in texts[2:]))
    assert isinstance(found, Reason) and "there are 3, " in found.text
    assert neural_drift(segments_of_texts(["a"]), None, None) == Reason(
        "needs held-out human text (--valid) or trusted text (--reference)"
    )


def test_the_noise_of_seeds():
    assert seed_noise(np.array([1.0, 2.0, 3.0])) == pytest.approx(4.303 / 3**0.5)
    assert seed_noise(np.array([1.0])) == np.inf and seed_noise(np.full(20, 2.0)) == 0
