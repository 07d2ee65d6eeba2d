"""The stacked Llama family against transformers' own, and against itself."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from checkpoints import save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.llama import Llama, readable, weights_of  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.stacked import stack  # noqa: E402

SHARED = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[3] / "shared")
TURNING = {"rope_type": "default", "rope_theta": 50.0}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama", {}),
    "tied": ("llama", {"tie_word_embeddings": True}),
    "biased": ("llama", {"attention_bias": True, "mlp_bias": True}),
    "one key head": ("llama", {"num_key_value_heads": 1, "rope_parameters": TURNING}),
    "ungrouped": ("llama", {"num_key_value_heads": 4, "rms_norm_eps": 1e-3}),
    "mistral": ("mistral", {}),
    "wide heads": ("mistral", {"head_dim": 16}),
    "qwen2": ("qwen2", {}),
    "qwen2 tied": ("qwen2", {"tie_word_embeddings": True}),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("llama")
    return {n: save_model(base / n.replace(" ", "_"), k, **settings) for n, (k, settings) in CASES.items()}


@pytest.fixture(params=CASES)
def folder(request, folders) -> Path:
    return folders[request.param]


def tensors_of(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def config_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())


def alone(folder: Path, device: Device | None = None) -> Llama:
    config = config_of(folder)
    return Llama(config, stack([weights_of(config, tensors_of(folder))]), device or Device())


def shifted(folder: Path, by: float) -> dict[str, Any]:
    """The weights of another replica."""
    made = torch.Generator().manual_seed(7)
    tensors = tensors_of(folder)
    return {k: v + by * torch.randn(v.shape, generator=made) for k, v in tensors.items()}


def tokens(*size: int) -> Any:
    return torch.randint(0, 300, size, generator=torch.Generator().manual_seed(1))


def outside(folder: Path) -> Any:
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


def apart(a: Any, b: Any) -> float:
    assert a.shape == b.shape
    return float((a - b).detach().abs().max())


def test_logits_are_those_of_transformers(folder):
    assert readable(find(str(folder)).config)
    model, own, ids = outside(folder), alone(folder), tokens(1, 3, 41)
    with torch.no_grad():
        logits = model(ids[0]).logits
    assert logits.std() > 0.1
    assert apart(own.last(ids)[0], logits[:, -1]) < 1e-5
    for at in (0, 17, 40):
        assert apart(own.last(ids, torch.tensor(at))[0], logits[:, at]) < 1e-5
    nats = torch.nn.functional.cross_entropy(logits[:, :-1].transpose(1, 2), ids[0, :, 1:], reduction="none")
    assert apart(own.score(ids)[0], nats) < 1e-5
    assert apart(own.losses(ids)[0], nats) < 1e-5


def test_gradients_are_those_of_transformers(folder):
    model, own, ids = outside(folder), alone(folder), tokens(1, 2, 20)
    own.losses(ids).mean().backward()
    own.gather_gradients()
    logits = model(ids[0]).logits[:, :-1]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[0, :, 1:].flatten()).backward()
    theirs = {name: p.grad for name, p in model.named_parameters()}
    masters = own.masters(0)
    pieces = {n: p for m, v in masters.items() for n, p in own._apart(m, v.grad)}
    assert {n if n.startswith("lm_head") else f"model.{n}" for n in pieces} == set(theirs)
    for name, found in pieces.items():
        assert apart(found, theirs[name if name.startswith("lm_head") else f"model.{name}"]) < 1e-6
    own.clear_gradients()
    assert all(p.grad is None for p in masters.values())


def test_a_cache_gives_what_the_whole_gives(folder):
    own, ids = alone(folder), tokens(1, 2, 30)
    cache, logits = own.prefill(ids[:, :, :1], 40)
    for t in range(1, 30):
        assert apart(logits, own.last(ids[:, :, :t])) < 1e-5
        logits = own.advance(cache, ids[:, :, t])
    assert apart(logits, own.last(ids)) < 1e-5
    assert apart(own.prefill(ids, 40)[1], own.last(ids)) < 1e-5


def test_a_replica_in_a_stack_is_what_it_is_alone(folder):
    config = config_of(folder)
    weights = [weights_of(config, shifted(folder, by)) for by in (0.0, 0.02, 0.05)]
    both, ids = Llama(config, stack(weights), Device()), tokens(3, 2, 20)
    cache, _ = both.prefill(ids[:, :, :10], 20)
    step, last, nats = both.advance(cache, ids[:, :, 10]), both.last(ids), both.losses(ids)
    nats.mean((1, 2)).sum().backward()
    both.gather_gradients()
    for r, one in enumerate(weights):
        own, part = Llama(config, stack([one]), Device()), ids[r : r + 1]
        assert apart(last[r : r + 1], own.last(part)) < 1e-5
        assert apart(step[r : r + 1], own.last(part[:, :, :11])) < 1e-5
        found = own.losses(part)
        assert apart(nats[r : r + 1], found) < 1e-5
        found.mean().backward()
        own.gather_gradients()
        for name, parameter in own.masters(0).items():
            assert apart(both.masters(r)[name].grad, parameter.grad) < 1e-6


def test_saved_replicas_are_loaded_by_transformers(folder, tmp_path):
    from safetensors.torch import save_file

    config = config_of(folder)
    both = Llama(config, stack([weights_of(config, shifted(folder, by)) for by in (0.0, 0.05)]), Device())
    saved = both.tensors(1)
    assert {k: v.shape for k, v in saved.items()} == {k: v.shape for k, v in tensors_of(folder).items()}
    shutil.copytree(folder, tmp_path / "saved")
    save_file(saved, tmp_path / "saved" / "model.safetensors", metadata={"format": "pt"})
    ids = tokens(2, 2, 20)
    with torch.no_grad():
        assert apart(outside(tmp_path / "saved")(ids[1]).logits[:, -1], both.last(ids)[1]) < 1e-5


def test_masters_are_the_network(folder):
    own, ids = alone(folder), tokens(1, 2, 12)
    before = own.last(ids)
    with torch.no_grad():
        for parameter in own.masters(0).values():
            parameter.mul_(0.5)
    own.refresh()
    assert apart(own.last(ids), before) > 1e-3
    assert own.shape.parameters == sum(p.numel() for p in own.masters(0).values())
    assert own.shape.parameters == sum(p.numel() for p in outside(folder).parameters())


def test_bf16_is_close(folder):
    ids = tokens(1, 2, 20)
    rough, exact = alone(folder, Device("cpu", "bf16")), alone(folder)
    assert rough.master["embed_tokens.weight"].dtype == torch.float32
    assert 0 < apart(rough.score(ids), exact.score(ids)) < 0.1


def test_what_is_seen_stays_within_the_sliding_window(folders):
    assert alone(folders["mistral"]).shape.context == 48
    assert alone(folders["llama"]).shape.context == 64
    config = {**config_of(folders["qwen2"]), "sliding_window": 32}
    weights = stack([weights_of(config, tensors_of(folders["qwen2"]))])
    assert Llama(config, weights, Device()).shape.context == 64
    assert Llama({**config, "use_sliding_window": True}, weights, Device()).shape.context == 32


@pytest.mark.parametrize(
    "change",
    [
        {"rope_parameters": {"rope_type": "llama3", "factor": 8.0}},
        {"rope_scaling": {"type": "linear", "factor": 2.0}},
        {"hidden_act": "gelu"},
        {"partial_rotary_factor": 0.5},
        {"rope_parameters": {"full_attention": TURNING}},
    ],
)
def test_what_this_module_does_not_compute_is_left_to_transformers(folders, change):
    config = config_of(folders["llama"])
    assert readable(config) and not readable({**config, **change})


def test_older_configurations_are_read_alike(folders):
    config = config_of(folders["one key head"])
    rope = config.pop("rope_parameters")
    old, new = {**config, "rope_theta": rope["rope_theta"], "rope_scaling": None}, {**config, "rope_parameters": rope}
    weights, ids = stack([weights_of(old, tensors_of(folders["one key head"]))]), tokens(1, 1, 20)
    assert readable(old)
    assert apart(Llama(old, weights, Device()).last(ids), Llama(new, weights, Device()).last(ids)) == 0


def test_what_is_missing_or_does_not_fit_is_named(folders):
    config, tensors = config_of(folders["llama"]), tensors_of(folders["llama"])
    few = {k: v for k, v in tensors.items() if "layers.1" not in k}
    with pytest.raises(InputError, match=r"lack layers\.1\.\S+, \S+, \S+ and 6 more: not a complete llama"):
        weights_of(config, few)
    with pytest.raises(
        InputError, match=r"embed_tokens\.weight are \[320, 32\] where config.json leads to \[321, 32\]"
    ):
        weights_of({**config, "vocab_size": 321}, tensors)


@pytest.mark.shared
def test_a_published_model_predicts_as_its_card_says():
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    from contam.models.texts import load_validation, tokenise
    from contam.models.tokenizer import Tokenizer

    folder = SHARED / "data/models/stories260k"
    stories = load_validation(SHARED / "data/tinystories/tinystories_v2_sample.jsonl")
    found = tokenise(stories, Tokenizer(folder))
    own, ends = alone(folder), [*found.starts[1:], found.tokens]
    rows = [torch.from_numpy(found.stream[a:b]).view(1, 1, -1) for a, b in zip(found.starts, ends)]
    nats = torch.cat([own.score(row).flatten() for row in rows])
    assert own.shape.parameters == 260_032 and len(nats) == 1804
    assert float(nats.mean()) == pytest.approx(1.266, abs=0.001)
