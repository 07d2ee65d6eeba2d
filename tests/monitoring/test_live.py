"""A module in the middle of its training is read, and left as it was."""

from __future__ import annotations

import logging

import pytest
from checkpoints import save_model

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from contam.errors import InputError  # noqa: E402
from contam.models.finding import find  # noqa: E402
from contam.models.live import resting, unwrapped  # noqa: E402
from contam.models.loading import read  # noqa: E402
from contam.models.network import Device  # noqa: E402
from contam.models.rollouts import RolloutSettings, rollouts  # noqa: E402

KINDS = ("gpt2", "llama", "gpt_neo")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("live")
    return {kind: save_model(base / kind, kind) for kind in KINDS}


def module_of(folder, **options):
    transformers.utils.logging.disable_progress_bar()
    return transformers.AutoModelForCausalLM.from_pretrained(folder, **options)


def texts(network):
    names = [("live", i) for i in range(6)]
    return [r.ids for r in rollouts(network, [[1, 2]] * 6, names, RolloutSettings(20), frozenset({5, 9}))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_live_module_writes_what_its_checkpoint_would(kind, folders):
    with resting(module_of(folders[kind])) as network:
        ids = torch.randint(0, 320, (1, 3, 12))
        stored = read(find(str(folders[kind]))).network(1, Device())
        assert texts(network) == texts(stored)
        assert torch.allclose(network.score(ids), stored.score(ids), atol=1e-5)


def test_nothing_of_the_module_or_of_torch_is_changed(folders):
    module = module_of(folders["gpt2"], resid_pdrop=0.5).train()
    module.transformer.h[1].eval()  # somebody has frozen a part
    module(input_ids=torch.tensor([[1, 2, 3]]), labels=torch.tensor([[1, 2, 3]])).loss.backward()
    modes = [m.training for m in module.modules()]
    gradients = {n: p.grad.clone() for n, p in module.named_parameters()}
    weights = {n: p.detach().clone() for n, p in module.named_parameters()}
    random = torch.get_rng_state()
    with pytest.raises(KeyError), resting(module) as network:
        assert not any(m.training for m in module.modules())
        assert texts(network) == texts(network)  # no dropout
        torch.rand(3)
        raise KeyError
    assert [m.training for m in module.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(p.grad, gradients[n]) for n, p in module.named_parameters())
    assert all(torch.equal(p, weights[n]) for n, p in module.named_parameters())


def test_other_types_and_checkpointing_work_in_silence(folders, caplog):
    module = module_of(folders["llama"], dtype=torch.bfloat16).train()
    module.gradient_checkpointing_enable()
    module.config.use_cache = False
    with caplog.at_level(logging.WARNING), resting(module) as network:
        assert len(texts(network)) == 6
        assert torch.isfinite(network.score(torch.randint(0, 320, (1, 2, 9)))).all()
    assert not caplog.records
    assert module.config.use_cache is False


def test_wrapped_modules_are_found(folders):
    module = module_of(folders["gpt2"])

    class Parallel(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.module = inner

    class Compiled(torch.nn.Module):  # as torch.compile makes them: everything is looked up in the original
        def __init__(self, inner):
            super().__init__()
            self._orig_mod = inner

        def __getattr__(self, name):
            found = self.__dict__["_modules"]["_orig_mod"]
            return found if name == "_orig_mod" else getattr(found, name)

    assert unwrapped(module) is module
    assert unwrapped(Parallel(module)) is module
    assert unwrapped(Compiled(module)) is unwrapped(Parallel(Compiled(module))) is module
    with resting(Parallel(module)) as network:
        assert len(texts(network)) == 6


def test_modules_that_cannot_be_sampled_are_told(folders):
    with pytest.raises(InputError, match="Linear cannot be sampled"), resting(torch.nn.Linear(2, 2)):
        pass
    module = module_of(folders["gpt2"])
    next(module.parameters()).ds_id = 0  # as ZeRO-3 marks a weight whose parts lie elsewhere
    with pytest.raises(InputError, match="several processes"), resting(module):
        pass
