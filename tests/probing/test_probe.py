"""Whole probes of small models: what is measured, kept, taken up again; what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from checkpoints import LINES, save_model

import contam
from contam.errors import InputError, UsageError
from contam.probing import measuring
from contam.result import Level

FEW = {"samples": 32, "tokens": 16, "batch": 16}


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    path = tmp_path_factory.mktemp("human") / "harbour.jsonl"
    rows = [json.dumps({"text": f"{i}. {line} {LINES[i % 5]}"}) for i in range(12) for line in LINES]
    path.write_text("\n".join(rows))
    return str(path)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {name: str(save_model(folder / name, "gpt2", seed)) for name, seed in (("one", 0), ("other", 1))}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No more samples than are asked for."""
    monkeypatch.setattr(measuring, "ROUNDS", 1)


def test_a_probe_of_one_model(models, human):
    result = contam.probe(models["one"], text=human, **FEW)
    (found,) = result.checkpoints
    (text,) = found.texts
    assert found.parameters > 10_000 and found.context == 64 and text.name == "harbour" and text.documents == 72
    assert text.perplexity == pytest.approx(math.exp(text.nats.value)) and text.nats.interval[0] < text.nats.value
    assert 0 < text.entropy.value < math.log(321)
    assert text.gap.value == pytest.approx(text.nats.value - text.entropy.value)
    assert 0 <= text.ece <= 1 and text.drift is None and text.units == "72 documents"
    assert found.generation.samples == 64 and found.generation.tokens <= 64 * 16
    # A random model's own text is as surprising to it as it is unsure: nats near the entropy of its predictions.
    assert 3 < found.generation.own.value < math.log(321)
    assert result.level is Level.INSUFFICIENT
    assert (result.exit_code(), result.exit_code(allow_insufficient=True)) == (2, 0)
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["command"] == "probe" and told["checkpoints"][0]["validation"]["nats_per_token"] == text.nats.value
    assert told["settings"]["bos"] is True and told["settings"]["temperature"] == 1.0


def test_the_losses_are_those_of_the_engine(models, human):
    from contam.models.finding import find
    from contam.models.loading import read
    from contam.models.network import Device
    from contam.models.scoring import Windowing, score_documents
    from contam.models.texts import load_validation
    from contam.models.tokenizer import Tokenizer

    result = contam.probe(models["one"], text=human, window=20, stride=7, **FEW)
    files = find(models["one"])
    documents = load_validation(human).documents
    network = read(files).network(1, Device())
    plain = score_documents(network, Tokenizer(files.tokenizer_folder), documents, Windowing(20, 7), batch=1)
    assert result.checkpoints[0].texts[0].nats.value == pytest.approx(float(plain.nats.mean(dtype=float)), abs=1e-5)


def test_a_model_beside_itself_has_not_drifted(models, human):
    result = contam.probe(models["one"], baseline=models["one"], text=human, **FEW)
    drift = result.checkpoints[0].texts[0].drift
    assert drift.nats.value == 0 and drift.nats.interval == (0, 0) and drift.ece == 0
    assert result.checkpoints[0].generation.own_drift.value == 0


def test_several_checkpoints_are_a_trajectory_from_the_first(models, human):
    result = contam.probe([models["one"], models["other"]], text=human, **FEW)
    first, second = result.checkpoints
    assert result.baseline is first and first.texts[0].drift is None and second.texts[0].drift is not None
    assert "the baseline" in first.verdict.reasons[0] and first.level is Level.HEALTHY
    (course,) = [turn for turn in result.trajectory.turns if turn.key == "validation.harbour"]
    assert course.values == (first.texts[0].nats.value, second.texts[0].nats.value)


def test_what_is_kept_is_not_measured_again(models, human, tmp_path, monkeypatch):
    out = tmp_path / "kept"
    first = contam.probe(models["one"], text=human, out=out, **FEW)
    for name in ("probe.json", "report.html", "samples", "measured"):
        assert (out / name).exists(), name
    (samples,) = (out / "samples").iterdir()  # of one model
    assert len(samples.read_text().splitlines()) == 64

    def never(*_, **__):
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "score_documents", never)
        patch.setattr(measuring, "rollouts", never)
        again = contam.probe(models["one"], text=human, out=out, **FEW)
        with pytest.raises(AssertionError, match="measured again"):
            contam.probe(models["other"], text=human, out=out, **FEW)
    assert again.checkpoints == first.checkpoints


def test_an_interrupted_probe_goes_on_where_it_was(models, human, tmp_path, monkeypatch):
    undisturbed = contam.probe(models["one"], text=human, **FEW)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "rollouts", interrupted)
        with pytest.raises(KeyboardInterrupt):
            contam.probe(models["one"], text=human, out=tmp_path, **FEW)
    monkeypatch.setattr(measuring, "score_documents", interrupted)
    found = contam.probe(models["one"], text=human, out=tmp_path, **FEW)
    assert found.checkpoints == undisturbed.checkpoints


def test_a_damaged_block_is_measured_again(models, human, tmp_path):
    first = contam.probe(models["one"], text=human, out=tmp_path, **FEW)
    for path in (tmp_path / "measured").iterdir():
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 0xFF
        path.write_bytes(raw if path.name.startswith("score") else raw[:100])
    assert contam.probe(models["one"], text=human, out=tmp_path, **FEW).checkpoints == first.checkpoints


def test_a_mended_tokenizer_is_measured_anew(human, tmp_path):
    """Adding or mending a tokenizer's files is ordinary: what was measured through the old ones must not come back."""
    model = save_model(tmp_path / "model", "gpt2")
    first = contam.probe(str(model), text=human, out=tmp_path / "out", **FEW)
    settings = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(settings | {"bos_token": None, "eos_token": None}))
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"bos_token_id": None, "eos_token_id": None}))
    again = contam.probe(str(model), text=human, out=tmp_path / "out", **FEW)
    assert again.checkpoints[0].texts[0].tokens == first.checkpoints[0].texts[0].tokens - 72


def test_the_first_of_several_counts_where_it_loops(models, human, tmp_path):
    """A model that writes nothing but one token, then one that does not: the series is collapsing."""
    import torch
    from safetensors.torch import load_file, save_file

    stuck = save_model(tmp_path / "stuck", "gpt2")
    tensors = load_file(stuck / "model.safetensors")
    tensors["transformer.ln_f.weight"].zero_()
    one = torch.nn.functional.normalize(tensors["transformer.wte.weight"][40], dim=0)
    tensors["transformer.ln_f.bias"].copy_(200 * one)
    save_file(tensors, stuck / "model.safetensors", metadata={"format": "pt"})
    result = contam.probe([str(stuck), models["one"]], text=human, **{**FEW, "tokens": 40})
    assert result.checkpoints[0].level is Level.COLLAPSING and result.exit_code() == 1
    assert "hold no word" in result.verdict.reasons[0] or "loop" in result.verdict.reasons[0]


def test_the_same_file_is_one_text(models, human):
    import os

    result = contam.probe(models["one"], text=(human, os.path.relpath(human)), **FEW)
    assert len(result.checkpoints[0].texts) == 1


def test_samples_do_not_depend_on_the_batch(models, human):
    alone, many = (contam.probe(models["one"], text=human, **{**FEW, "batch": n}) for n in (1, 64))
    assert alone.checkpoints[0].generation.examples == many.checkpoints[0].generation.examples


def test_another_tokenizer_is_compared_by_the_byte(models, human, tmp_path):
    from checkpoints import trained_tokenizer

    coarse = save_model(tmp_path / "coarse", "llama")
    trained_tokenizer(coarse, 290)
    result = contam.probe(str(coarse), baseline=models["one"], text=human, **FEW)
    drift = result.checkpoints[0].texts[0].drift
    assert not drift.same_tokens and drift.entropy is None and drift.bits.interval is not None


def test_without_text_the_default_is_said(models):
    result = contam.probe(models["one"], text_bytes=5000, **FEW)
    assert result.checkpoints[0].texts[0].name == "pydoc"
    assert any("Python's documentation" in note for note in result.notes)


def test_a_last_state_of_a_run_is_its_weights(tmp_path, human):
    """The state of a run, probed, is the model that the run saved at the same step."""
    model = save_model(tmp_path / "little", "gpt2")
    settings = {"rates": (0.01, 0.02), "seeds": 1, "iterations": 3, "tokens": 40, "block": 20, "eval_windows": 2}
    run = tmp_path / "run"
    contam.selftrain(str(model), valid=(human,), out=run, save_every=3, baseline=4, **settings)
    replica = "little-lr0.02-seed0"
    result = contam.probe(f"{run}:{replica}", text=human, **FEW)
    assert [c.step for c in result.checkpoints] == [0, 1, 4]
    from contam.probing.series import Candidate, expand

    saved = expand(f"{run}:{replica}")[-1]
    state = Candidate("state", saved.files, 4, run, replica)
    kept, loaded = (measuring.opened(one, _cpu()).masters(0) for one in (saved, state))
    assert all((kept[name] == loaded[name]).all() for name in kept)


def _cpu():
    from contam.models.network import Device

    return Device()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"samples": 8}, UsageError, "at least 32"),
        ({"window": 10, "stride": 11}, UsageError, "longer than --window"),
        ({"prompted_share": 2}, UsageError, "between 0 and 1"),
        ({"temperature": float("nan")}, UsageError, "--temperature"),
        ({"precision": "fp16"}, InputError, "known are fp32, tf32, bf16"),
        ({"text": "no-such-file.txt"}, InputError, "no-such-file.txt"),
        ({"text": "tiny"}, InputError, "no such file"),
        ({"baseline": "no/such/model/here"}, InputError, "no such folder"),
        ({"device": "tpu"}, InputError, "--device tpu"),
        ({"window": 65}, UsageError, "65"),
    ],
)
def test_what_cannot_be_is_said(models, human, changes, error, message):
    with pytest.raises(error, match=message):
        contam.probe(models["one"], **{"text": human, **FEW, **changes})


def test_no_prompts_fit_is_a_note_and_no_error(models, human):
    result = contam.probe(models["one"], text=human, **{**FEW, "prompt_tokens": 60})
    assert any("no samples are prompted" in note for note in result.notes)


def test_scores_survive_the_store(models, human, tmp_path):
    from contam.probing.store import Store

    store = Store(tmp_path)
    store.prepare()
    arrays = {"a": np.arange(5), "b": np.array([1.5, np.nan])}
    first = store.arrays("x", ("key", 1), lambda: arrays)
    again = store.arrays("x", ("key", 1), lambda: pytest.fail("computed again"))
    assert first is arrays and all((again[k] == arrays[k])[~np.isnan(arrays[k])].all() for k in arrays)
