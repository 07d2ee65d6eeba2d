"""Perplexity as an audit tells it: figures, rules, notes, passages; and what is refused."""

from __future__ import annotations

import json

import pytest

import contam
from contam.demo import make_demo
from contam.errors import InputError, UsageError

KEYS = ("perplexity.bits_per_byte", "perplexity.spread", "perplexity.drift")


@pytest.fixture(scope="module")
def demo():
    return make_demo()


@pytest.fixture(scope="module")
def collapsing(demo):
    """The collapsing text with a passage of noise, under a model and beside held-out text."""
    noise = " ".join(f"{i * 7919 % 104729:x}zq{i * i:o}" for i in range(400))
    texts = [*demo.collapsing, noise]
    return contam.audit({"text": texts}, valid={"text": list(demo.trusted)}, model="tiny")


def rules(audit):
    return {rule.id: rule for rule in audit.rules}


def test_the_figures_are_there_with_intervals(collapsing):
    for key in KEYS:
        figure = collapsing.signals[key]
        assert figure.interval[0] <= figure.value <= figure.interval[1] and figure.family == "perplexity"
    assert collapsing.signals["perplexity.drift"].direction == "rises"


def test_a_model_trained_on_collapsed_text_would_be_worse(collapsing, demo):
    assert rules(collapsing)["PPL002"].status == "warn"
    human = contam.audit({"text": list(demo.human)}, valid={"text": list(demo.trusted)})
    assert rules(human)["PPL002"].status == "pass"
    assert human.signals["perplexity.drift"].value < collapsing.signals["perplexity.drift"].value - 0.2
    assert "perplexity.spread" not in human.signals and "--model" in rules(human)["PPL001"].message


def test_the_strangest_passage_is_named(collapsing):
    found = [one for one in collapsing.documents.worst if one.rule == "PPL001"]
    assert found and "zq" in found[0].excerpt
    assert len(collapsing.documents.worst) <= 20


def test_what_was_measured_is_declared(collapsing):
    told = " ".join(collapsing.notes)
    assert "surprise under tiny" in told and "windows of 128 tokens" in told
    assert "would be worse on the held-out text: a word trigram on" in told


def test_the_report_shows_passages_apart_from_flagged_documents(collapsing):
    from contam.reports import render

    text = render(collapsing, "rich")
    assert "Strangest passages under the model" in text and "bits a byte" in text and "Worst of 0" not in text
    assert json.loads(render(collapsing, "json"))["signals"]["perplexity.drift"]["value"] > 0.2


def test_too_little_held_out_text_is_a_skipped_rule(demo):
    short = {"text": ["A short text of a few words."]}
    found = contam.audit({"text": list(demo.human)}, valid=short, sample_tokens=5000)
    rule = rules(found)["PPL002"]
    assert rule.status == "skipped" and found.signals["perplexity.drift"].value is None and "words" in rule.message


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"model": "no/such/model/at/all"}, InputError, "no such folder"),
        ({"model": "tiny", "device": "tpu"}, InputError, "--device tpu"),
        ({"valid": "nowhere.txt"}, InputError, "nowhere.txt"),
        ({"proxy": "magic"}, UsageError, "no proxy 'magic'"),
        ({"proxy": "neural"}, UsageError, "needs held-out human text"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_read(changes, error, message):
    def never():
        raise AssertionError("the corpus was read")
        yield

    with pytest.raises(error, match=message):
        contam.audit(never(), **changes)


def test_paired_perplexity_has_limits_from_halves_of_human_sources(demo):
    found = contam.audit({"text": list(demo.collapsing)}, reference={"text": list(demo.trusted)}, model="tiny")
    figure = found.signals["perplexity.bits_per_byte"]
    assert figure.limits is not None and rules(found)["PPL001"].status in ("pass", "warn")
