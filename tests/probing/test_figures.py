"""Units, estimates and drifts, from arrays made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.models.scoring import Scored
from contam.models.texts import ValidationText
from contam.probing.figures import drift, own_drift, own_entropy, text_scores, units_of
from contam.probing.measuring import Measured, Samples, blocks, chosen


def scored(lengths, nats=2.0, entropy=1.5, size=5, seed=0):
    total = int(sum(lengths))
    noise = np.random.default_rng(seed).normal(0, 0.3, total)
    return Scored(
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        bytes=np.array([size * n for n in lengths], np.int64),
        nats=(nats + noise).astype(np.float32),
        entropy=np.full(total, entropy, np.float32),
        variance=np.ones(total, np.float32),
        confidence=np.linspace(0.1, 0.9, total, dtype=np.float32),
        hit=np.arange(total) % 2 == 0,
    )


def samples(rate, count=40, seed=0):
    predicted = np.full(count, 50, np.int64)
    noise = np.random.default_rng(seed).normal(0, 5, count)
    texts = tuple("a text" for _ in range(count))
    return Samples(texts, predicted, np.zeros(count, bool), 50 * rate + noise, predicted, np.zeros(count, bool))


def test_units_are_documents_where_there_are_many():
    found = units_of(scored([100] * 40))
    assert len(found.tokens) == 40 and found.what == "40 documents"
    assert found.nats.sum() == pytest.approx(8000, rel=0.02)


def test_few_documents_are_cut_into_blocks_that_lose_nothing():
    one = scored([10_000, 0, 300])
    found = units_of(one)
    assert found.what == "13 blocks of about 4 kB" and found.tokens.sum() == 10_300
    assert found.nats.sum() == pytest.approx(float(one.nats.sum()), rel=1e-6)
    assert found.bytes.sum() == pytest.approx(51_500)
    assert found.tokens.max() - found.tokens[:12].min() <= 1


def test_the_perplexity_is_that_of_all_tokens_together():
    """Not the mean of the documents' perplexities, which one short strange document would decide."""
    one = Scored.concatenate([scored([1000] * 5, nats=2.0), scored([10], nats=9.0)])
    (found,) = text_scores(_measured(one), None, ["text"])
    total = float(one.nats.sum()) / 5010
    assert found.perplexity == pytest.approx(math.exp(total)) and found.nats.value == pytest.approx(total)
    assert found.bits.value == pytest.approx(float(one.nats.sum()) / math.log(2) / (5 * 5010))
    assert found.gap.value == pytest.approx(total - 1.5, abs=1e-5) and found.notes


def test_a_drift_is_paired():
    """What is hard for both cancels: the interval is far narrower than that of either."""
    base = scored([100] * 60)
    hard = base.nats + np.repeat(np.random.default_rng(1).normal(0, 1, 60), 100).astype(np.float32)
    base = Scored(**{**vars(base), "nats": hard})
    worse = Scored(**{**vars(base), "nats": base.nats + np.float32(0.2)})
    found = drift(worse, base)
    (alone,) = text_scores(_measured(worse), None, ["text"])
    assert found.nats.value == pytest.approx(0.2, abs=1e-4) and found.same_tokens
    width = np.diff(found.nats.interval)[0]
    assert width < 0.05 * np.diff(alone.nats.interval)[0]
    assert found.entropy.value == 0 and found.gap.value == pytest.approx(0.2, abs=1e-4)


def test_other_tokens_are_compared_by_the_byte():
    """Twice the tokens at half the nats are the same model."""
    base, finer = scored([100] * 40, nats=2.0, size=8), scored([200] * 40, nats=1.0, size=4)
    found = drift(finer, base)
    assert not found.same_tokens and found.entropy is None and found.gap is None
    assert found.bits.value == pytest.approx(0, abs=0.02) and found.nats.value == pytest.approx(0, abs=0.05)


def test_what_one_side_does_not_predict_is_not_held_against_it():
    """The same model without a beginning token: its first tokens, and their bytes, are in neither rate."""
    base = scored([67] * 60, nats=2.0, size=4)
    rows = base.nats.reshape(60, 67)
    without = scored([66] * 60, size=4)
    without = Scored(**{**vars(without), "nats": rows[:, 1:].ravel(), "bytes": np.full(60, 66 * 4)})
    assert abs(drift(without, base).nats.value) < 0.01 and abs(drift(base, without).nats.value) < 0.01


def test_any_two_tokenizers_can_be_compared():
    """Six long documents that are one token to one of them and thousands to the other."""
    words = scored([1] * 6, nats=50.0, size=24_000)
    letters = scored([24_000] * 6, nats=0.002, size=1)
    found = drift(words, letters)
    assert not found.same_tokens and found.bits.interval is not None


def test_a_vocabulary_with_a_token_more_is_no_other_tokenizer():
    assert drift(scored([100] * 40), scored([100] * 40, seed=1)).same_tokens


def test_own_entropy_and_its_drift():
    base, sure = samples(3.0), samples(1.0, seed=1)
    assert own_entropy(base).value == pytest.approx(3, abs=0.05)
    moved = own_drift(sure, base)
    assert moved.value == pytest.approx(-2, abs=0.1) and moved.interval[0] < -2 < moved.interval[1] < -1.8


def test_long_texts_are_cut_and_it_is_said():
    many = ValidationText("many", tuple(f"document {i} " * 10 for i in range(100)))
    kept, told = chosen(many, 2000, 0)
    assert 5 < len(kept) < 20 and sum(len(d) for d in kept) <= 2000 and "drawn by hash" in told
    assert kept == tuple(d for d in many.documents if d in kept) and chosen(many, 2000, 0)[0] == kept
    assert chosen(many, 2000, 1)[0] != kept and chosen(many, 10**6, 0) == (many.documents, None)
    one, told = chosen(ValidationText("one", ("é" * 5000,), running=True), 1001, 0)
    assert one == ("é" * 500,) and "first 1,001 bytes" in told
    mixed = ValidationText("mixed", (*("a short one" for _ in range(20)), "long " * 50_000))
    kept, told = chosen(mixed, 100_000, 0)
    assert len(kept) == 21 and 99_000 < sum(map(len, kept)) <= 100_000 and "21 of 21 documents" in told


def test_blocks_hold_every_document_once():
    documents = [f"{i}" * 60_000 for i in range(1, 10)]
    found = blocks(documents)
    assert [d for block in found for d in block] == documents and len(found) == 3
    assert blocks([]) == []


def _measured(one):
    return Measured(None, "r", None, (one,), samples(1.0))  # type: ignore[arg-type]
