"""The stacked GPT-2 against transformers' own, and a replica in a stack against the replica alone."""

from __future__ import annotations

import pytest
import torch
from checkpoints import save_model

from contam.errors import InputError
from contam.models import gpt2
from contam.models.finding import find
from contam.models.loading import read, save
from contam.models.network import Device
from contam.models.stacked import stack

CONFIG = {"n_embd": 48, "n_head": 3, "n_layer": 3, "vocab_size": 211, "n_positions": 40}


def weights(seed, config=CONFIG):
    """Random weights, four times as large as usual, so that mistakes are not lost in flat distributions."""
    return {k: v * 4 if v.dim() > 1 else v for k, v in gpt2.initial(config, seed).items()}


@pytest.fixture(scope="module")
def three():
    return gpt2.GPT2(CONFIG, stack([weights(s) for s in range(3)]), Device())


@pytest.fixture(scope="module")
def ids():
    return torch.randint(0, 211, (3, 2, 31), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder that transformers saved, its own logits, and ids."""
    from transformers import AutoModelForCausalLM

    folder = save_model(tmp_path_factory.mktemp("gpt2") / "model", "gpt2")
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.randint(0, 320, (1, 4, 25), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return folder, ids, model(ids[0]).logits


def test_logits_are_those_of_transformers(published):
    folder, ids, logits = published
    network = read(find(str(folder))).network(2, Device())
    both = ids.expand(2, -1, -1)
    assert torch.allclose(network.last(both)[1], logits[:, -1], atol=2e-5)
    nats = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[0, :, 1:].flatten(), reduction="none")
    assert torch.allclose(network.score(both)[0].flatten(), nats, atol=2e-5)
    assert torch.allclose(network.losses(both)[1].detach().flatten(), nats, atol=2e-5)


def test_a_saved_replica_is_loaded_by_transformers(published, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, ids, logits = published
    files = find(str(folder))
    save(read(files).network(1, Device()), 0, files, tmp_path / "saved")
    with torch.no_grad():
        again = AutoModelForCausalLM.from_pretrained(tmp_path / "saved").eval()(ids[0]).logits
    assert torch.allclose(again, logits, atol=1e-6)
    assert AutoTokenizer.from_pretrained(tmp_path / "saved").encode("a hill") == AutoTokenizer.from_pretrained(
        folder
    ).encode("a hill")


@pytest.mark.parametrize("at", [0, 7, 29])
def test_the_last_position_alone_is_that_of_the_whole_window(three, ids, at):
    whole = three.last(ids[:, :, : at + 1])
    assert torch.allclose(three.last(ids[:, :, :30], torch.tensor(at)), whole, atol=1e-5)


def test_a_cache_is_the_same_as_the_whole_window(three, ids):
    cache, logits = three.prefill(ids[:, :, :4], room=31)
    for t in range(4, 31):
        assert torch.allclose(logits, three.last(ids[:, :, :t]), atol=1e-5)
        logits = three.advance(cache, ids[:, :, t])


def test_a_replica_computes_the_same_alone_and_in_a_stack(three, ids):
    for r in range(3):
        alone = gpt2.GPT2(CONFIG, stack([weights(r)]), Device())
        assert torch.allclose(alone.score(ids[r : r + 1])[0], three.score(ids)[r], atol=1e-5)
        assert torch.allclose(alone.last(ids[r : r + 1])[0], three.last(ids)[r], atol=1e-5)


def test_windows_scored_together_are_those_scored_one_by_one(three, ids, monkeypatch):
    together = three.score(ids)
    single = torch.cat([three.score(ids[:, i : i + 1]) for i in range(2)], dim=1)
    assert torch.allclose(together, single, atol=1e-5)
    monkeypatch.setattr("contam.models.stacked.ROWS_CPU", 1)
    assert torch.allclose(three.score(ids), together, atol=1e-5)


@pytest.mark.parametrize("columns", [50, 211, 210])
def test_a_vocabulary_scored_in_parts_is_the_whole_one(three, ids, monkeypatch, columns):
    together = three.score(ids)
    monkeypatch.setattr("contam.models.stacked.COLUMNS", columns)
    assert torch.allclose(three.score(ids), together, atol=1e-5)
    assert torch.allclose(three.score(ids), three.losses(ids).detach(), atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_packed_matrices_change_nothing(ids, monkeypatch, precision):
    """Of one replica on a CPU the large matrices are packed; here every one is, and none."""
    outcomes = []
    for smallest in (1, 1 << 40):
        monkeypatch.setattr("contam.models.stacked.SMALLEST", smallest)
        network = gpt2.GPT2(CONFIG, stack([weights(0)]), Device("cpu", precision))
        assert sum(v.is_mkldnn for v in network.compute.values()) == (14 if smallest == 1 else 0)
        with torch.no_grad():
            network.masters(0)["h.0.mlp.c_fc.weight"].mul_(1.1)
        network.refresh()
        outcomes.append((network.score(ids[:1]), network.last(ids[:1]), network.prefill(ids[:1], 40)[1]))
    for packed, plain in zip(*outcomes):
        assert torch.allclose(packed, plain, atol=1e-5 if precision == "fp32" else 0.2)


def test_both_forms_of_gelu_agree():
    x = torch.linspace(-12, 12, 4001)
    with torch.no_grad():
        assert torch.allclose(gpt2.gelu(x, "tanh"), torch.nn.functional.gelu(x, approximate="tanh"), atol=1e-6)


def test_a_network_goes_with_its_programs():
    import gc
    import weakref

    from contam.models.graphs import replayed
    from contam.models.sampling import Sampling

    network = gpt2.GPT2(CONFIG, stack([weights(0)]), Device())
    out = torch.zeros((1, 1, 9), dtype=torch.int64)
    replayed(network, out, 1, torch.zeros((1, 1, 8), dtype=torch.float64), Sampling(8, 6))
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


def test_gradients_of_a_stack_are_those_of_its_replicas(ids):
    network = gpt2.GPT2(CONFIG, stack([weights(s) for s in range(3)]), Device())
    network.losses(ids).mean((1, 2)).sum().backward()
    network.gather_gradients()
    for r in range(3):
        alone = gpt2.GPT2(CONFIG, stack([weights(r)]), Device())
        alone.losses(ids[r : r + 1]).mean().backward()
        alone.gather_gradients()
        for name, parameter in alone.masters(0).items():
            assert torch.allclose(parameter.grad, network.masters(r)[name].grad, atol=1e-6), name


def test_bf16_is_near_fp32_and_keeps_fp32_masters(ids):
    exact = gpt2.GPT2(CONFIG, stack([weights(s) for s in range(3)]), Device())
    rough = gpt2.GPT2(CONFIG, stack([weights(s) for s in range(3)]), Device("cpu", "bf16"))
    difference = (exact.score(ids) - rough.score(ids)).abs()
    assert 0 < difference.mean() < 0.05
    assert {p.dtype for p in rough.masters(0).values()} == {torch.float32}


def test_the_compute_copy_follows_the_masters(ids):
    for precision in ("fp32", "bf16"):
        network = gpt2.GPT2(CONFIG, stack([weights(0), weights(1)]), Device("cpu", precision))
        before = network.last(ids[:2])
        addresses = {k: v.data_ptr() for k, v in network.compute.items()}
        with torch.no_grad():
            for parameter in network.masters(1).values():
                parameter.mul_(1.5)
        network.refresh()
        changed = [not torch.allclose(a, b) for a, b in zip(network.last(ids[:2]), before)]
        assert changed == [False, True]
        assert {k: v.data_ptr() for k, v in network.compute.items()} == addresses


def test_incomplete_weights_are_named():
    one = weights(0)
    del one["h.1.mlp.c_fc.bias"]
    with pytest.raises(InputError, match=r"lack h\.1\.mlp\.c_fc\.bias"):
        gpt2.weights_of(CONFIG, one)
