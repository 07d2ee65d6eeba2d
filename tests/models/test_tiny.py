"""The embedded models: what is in the package is what its record says, and it collapses when it reads itself."""

from __future__ import annotations

import json
import statistics

import pytest
import torch

import contam
from contam.models.finding import TINY, embedded, find
from contam.models.loading import read
from contam.models.network import Device
from contam.models.texts import load_validation, tokenise
from contam.models.tokenizer import Tokenizer

CONTEXT = 128


def test_they_fit_the_package():
    assert embedded() == ("tiny", "tiny-half")
    assert sum(path.stat().st_size for path in TINY.rglob("*") if path.is_file()) < 8e6


@pytest.mark.parametrize("name", ["tiny", "tiny-half"])
def test_the_weights_are_those_of_the_record(name):
    record = json.loads((TINY / name / "record.json").read_text())
    network = read(find(name)).network(1, Device())
    assert network.shape.parameters == record["parameters"]
    assert record["text"]["licence"] == "public domain"
    # Python's documentation is no part of its text, but near to the PEPs; chance would be 7.6 nats.
    tokenizer = Tokenizer(find(name).tokenizer_folder)
    stream = torch.from_numpy(tokenise(load_validation("pydoc"), tokenizer).stream)
    rows = stream[: 40 * (CONTEXT + 1)].view(1, 40, CONTEXT + 1)
    assert abs(float(network.score(rows).mean()) - record["held_out_nats_per_token"]) < 0.7


def test_the_wider_one_is_the_better_one():
    losses = [json.loads((TINY / n / "record.json").read_text())["held_out_nats_per_token"] for n in embedded()]
    assert losses[0] < losses[1] - 0.2


def test_transformers_loads_it_to_the_same_logits():
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ids = torch.arange(200, 240).view(1, 1, -1)
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(TINY / "tiny-half").eval()(ids[0]).logits[:, -1]
    assert torch.allclose(read(find("tiny-half")).network(1, Device()).last(ids)[0], expected, atol=2e-5)
    text = "It was the best of times,\n and naïve 中文."
    own = Tokenizer(find("tiny-half").tokenizer_folder)
    assert own.encode(text) == AutoTokenizer.from_pretrained(TINY / "tiny-half").encode(text)
    assert own.decode(own.encode(text)) == text


@pytest.mark.slow
def test_it_collapses_when_it_reads_itself(tmp_path, monkeypatch):
    """The loss on human text rises by more than a nat and that on own text is halved, by medians over three seeds."""
    monkeypatch.setattr("contam.experiments.selftrain.outcome.write_report", lambda *_: None)
    monkeypatch.setattr("contam.experiments.selftrain.outcome.write_audits", lambda *_: [])
    result = contam.selftrain(
        "tiny-half", rates=(3e-3,), iterations=15, eval_windows=12, out=tmp_path / "run", baseline=4
    )
    outcomes = list(result.outcomes.values())
    assert len(outcomes) == 3
    assert statistics.median(o.highest - o.start for o in outcomes) > 1
    assert statistics.median(o.own_share for o in outcomes) < 0.5
