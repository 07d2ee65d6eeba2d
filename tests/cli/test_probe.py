"""``contam probe`` as a command: exit codes, messages, and model folders that are broken."""

from __future__ import annotations

import json

import pytest
from checkpoints import LINES, save_model, write_files

FEW = ("--samples", "32", "--tokens", "16")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model") / "little", "gpt2")


@pytest.fixture(scope="module")
def human(tmp_path_factory):
    path = tmp_path_factory.mktemp("human") / "harbour.jsonl"
    path.write_text("\n".join(json.dumps({"text": f"{i}. {line}"}) for i in range(8) for line in LINES))
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    from contam.probing import measuring

    monkeypatch.setattr(measuring, "ROUNDS", 1)


def test_a_probe_prints_and_writes_what_it_found(cli, model, human, tmp_path):
    out = tmp_path / "report.html"
    told = cli("probe", str(model), "--text", str(human), *FEW, "-o", f"html:{out}", "-o", f"json:{tmp_path}/r.json")
    assert told.code == 2 and "INSUFFICIENT" in told.out and "harbour" in told.out and "Traceback" not in told.err
    assert cli("probe", str(model), "--text", str(human), *FEW, "--allow-insufficient", "-q").code == 0
    assert "<html" in out.read_text() and json.loads((tmp_path / "r.json").read_text())["command"] == "probe"


def test_an_audit_of_a_checkpoint_is_a_probe(cli, model, human):
    told = cli("audit", str(model), "--valid", str(human), "--format", "json")
    assert json.loads(told.out)["command"] == "probe" and "is a checkpoint" in told.err
    refused = cli("audit", str(model), "--valid", str(human), "--text-field", "body")
    assert refused.code == 2 and "--text-field" in refused.err
    mixed = cli("audit", str(model), str(human))
    assert mixed.code == 2 and "a model and a corpus" in mixed.err


def test_the_name_of_a_model_is_a_model_where_no_corpus_has_it(cli, tmp_path, monkeypatch):
    from contam_cli.audit import _checkpoint

    monkeypatch.chdir(tmp_path)
    assert _checkpoint("tiny-half") and _checkpoint("tiny") and not _checkpoint("nothing")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "a.txt").write_text("text")
    assert not _checkpoint("tiny")


def broken_tokenizer(folder):
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def not_numbers(folder):
    import torch
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["transformer.h.0.ln_1.weight"][:] = torch.nan
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def wrong_config(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 48}))


def no_config(folder):
    (folder / "config.json").write_text("{ this is not JSON")


def short_file(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (broken_tokenizer, "no tokenizer"),
        (pickled, "pickle"),
        (not_numbers, "damaged"),
        (wrong_config, "config.json leads to"),
        (no_config, "JSON"),
        (short_file, "model.safetensors"),
    ],
)
def test_a_broken_folder_is_told_and_exits_2(cli, human, tmp_path, damage, message):
    folder = save_model(tmp_path / "little", "gpt2")
    damage(folder)
    told = cli("probe", str(folder), "--text", str(human), *FEW)
    assert told.code == 2 and message in told.err and "Traceback" not in told.err and "bug in contam" not in told.err


def test_a_context_of_eight_tokens_is_too_short(cli, human, tmp_path):
    folder = save_model(tmp_path / "short", "gpt2", n_positions=8)
    told = cli("probe", str(folder), "--text", str(human), *FEW)
    assert told.code == 2 and "context of 8 tokens is too short" in told.err


def test_what_is_no_model_at_all(cli, tmp_path):
    told = cli("probe", str(tmp_path / "nowhere" / "at" / "all"))
    assert told.code == 2 and "no such folder" in told.err
    write_files(tmp_path / "encoder", architectures=["BertModel"], model_type="bert")
    told = cli("probe", str(tmp_path / "encoder"))
    assert told.code == 2 and "causal" in told.err
