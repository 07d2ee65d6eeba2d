"""Models computed by transformers behind the same interface."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from checkpoints import save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError  # noqa: E402
from contam.models.anything import Anything  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.loading import read, save  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.optimizer import AdamSettings, Optimizer  # noqa: E402

KINDS: dict[str, dict[str, Any]] = {"gpt_neo": {}, "gpt2": {"scale_attn_by_inverse_layer_idx": True}, "llama": {}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("anything")
    return {kind: save_model(base / kind, kind, **settings) for kind, settings in KINDS.items()}


@pytest.fixture(params=KINDS)
def folder(request, folders) -> Path:
    return folders[request.param]


def network(folder: Path, replicas: int = 1, device: Device | None = None) -> Anything:
    return Anything(find(str(folder)), replicas, device or Device())


def tokens(*size: int) -> Any:
    return torch.randint(0, 300, size, generator=torch.Generator().manual_seed(1))


def outside(folder: Path) -> Any:
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


def apart(a: Any, b: Any) -> float:
    assert a.shape == b.shape
    return float((a - b).detach().abs().max())


def test_gpt_neo_and_unusual_gpt2_come_here(folders):
    for kind in ("gpt_neo", "gpt2"):
        assert isinstance(read(find(str(folders[kind]))).network(1, Device()), Anything)


@pytest.mark.parametrize("keeps", [True, False])
def test_logits_are_those_of_transformers(folder, keeps):
    model, own, ids = outside(folder), network(folder), tokens(1, 3, 41)
    own._keeps = own._keeps and keeps
    with torch.no_grad():
        logits = model(ids[0]).logits
    assert apart(own.last(ids)[0], logits[:, -1]) < 1e-5
    assert apart(own.last(ids, torch.tensor(17))[0], logits[:, 17]) < 1e-5
    nats = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[0, :, 1:], reduction="none")
    assert apart(own.score(ids)[0], nats) < 1e-5
    assert apart(own.losses(ids)[0], nats) < 1e-5


def test_scoring_in_parts_changes_nothing(folder, monkeypatch):
    from contam.models import anything

    own, ids = network(folder, 2), tokens(2, 5, 21)
    whole = own.score(ids)
    monkeypatch.setattr(anything, "ROWS_CPU", 320 * 20 * 2)
    assert apart(own.score(ids), whole) < 1e-5


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_cache_gives_what_the_whole_gives(folder, forgetful):
    own, ids = network(folder, 2), tokens(2, 2, 30)
    cache, logits = own.prefill(ids[:, :, :3], 40)
    if forgetful:  # as with a model that has no cache of keys and values
        for r, past in enumerate(cache):
            past.kept, past.ids = None, ids[r, :, :3]
    for t in range(3, 30):
        assert apart(logits, own.last(ids[:, :, :t])) < 1e-5
        logits = own.advance(cache, ids[:, :, t])
    assert apart(logits, own.last(ids)) < 1e-5


def test_replicas_go_their_own_ways(folder):
    own, ids = network(folder, 2), tokens(1, 2, 20).repeat(2, 1, 1)
    assert apart(own.last(ids)[0], own.last(ids)[1]) == 0
    before = own.last(ids)
    optimizer = Optimizer(own, [1e-2, 0.0], AdamSettings(weight_decay=0.0))
    own.losses(ids).mean((1, 2)).sum().backward()
    optimizer.step()
    assert apart(own.last(ids)[0], before[0]) > 1e-3
    assert apart(own.last(ids)[1], before[1]) == 0
    lonely = network(folder)
    alone = Optimizer(lonely, [1e-2], AdamSettings(weight_decay=0.0))
    lonely.losses(ids[:1]).mean((1, 2)).sum().backward()
    alone.step()
    assert apart(lonely.last(ids[:1])[0], own.last(ids)[0]) < 1e-4


def test_saved_replicas_are_loaded_by_transformers(folder, tmp_path):
    own, ids = network(folder, 2), tokens(2, 2, 20)
    with torch.no_grad():
        for parameter in own.masters(1).values():
            parameter.mul_(0.9)
    own.refresh()
    save(own, 1, find(str(folder)), tmp_path / "saved")
    with torch.no_grad():
        assert apart(outside(tmp_path / "saved")(ids[1]).logits[:, -1], own.last(ids)[1]) < 1e-5
    again = network(tmp_path / "saved")
    assert apart(again.last(ids[1:]), own.last(ids)[1:]) < 1e-6


def test_bf16_is_close_and_follows_its_masters(folder):
    ids = tokens(1, 2, 20)
    rough, exact = network(folder, 1, Device("cpu", "bf16")), network(folder)
    assert all(p.dtype == torch.float32 for p in rough.masters(0).values())
    for found in (rough.score(ids), rough.losses(ids).detach()):
        assert 0 < apart(found, exact.score(ids)) < 0.1
    before = rough.last(ids)
    with torch.no_grad():
        for parameter in rough.masters(0).values():
            parameter.mul_(0.5)
    assert apart(rough.last(ids), before) == 0
    rough.refresh()
    assert apart(rough.last(ids), before) > 1e-3


def test_the_shape_is_told(folders):
    shape = network(folders["gpt_neo"]).shape
    count = sum(p.numel() for p in outside(folders["gpt_neo"]).parameters())
    assert (shape.architecture, shape.layers, shape.width, shape.heads) == ("gpt_neo", 2, 32, 4)
    assert (shape.vocabulary, shape.context, shape.parameters) == (320, 64, count)


def test_loading_says_nothing_and_leaves_the_library_as_it_was(folders, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    network(folders["gpt_neo"])
    assert capfd.readouterr() == ("", "")
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_missing_weights_are_not_made_up(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = save_model(tmp_path / "model", "gpt_neo")
    tensors = load_file(folder / "model.safetensors")
    gone = next(name for name in tensors if "q_proj" in name)
    del tensors[gone]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=f"lack {gone}"):
        network(folder)


def test_a_type_that_transformers_does_not_know_is_told(folders, tmp_path):
    folder = save_model(tmp_path / "model", "gpt_neo")
    config = {**json.loads((folder / "config.json").read_text()), "model_type": "gpt_novel"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="transformers cannot load the model") as told:
        network(folder)
    assert "\n" not in str(told.value)
