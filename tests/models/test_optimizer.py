"""The stacked AdamW against torch's own on separate modules."""

from __future__ import annotations

import torch

from contam.models import gpt2
from contam.models.network import Device
from contam.models.optimizer import AdamSettings, Optimizer
from contam.models.stacked import stack

CONFIG = {"n_embd": 32, "n_head": 2, "n_layer": 2, "vocab_size": 97, "n_positions": 20}
RATES = [1e-3, 3e-4, 1e-2]
SETTINGS = AdamSettings(betas=(0.9, 0.95), weight_decay=0.1, clip=0.5)


def windows(step):
    return torch.randint(0, 97, (3, 2, 17), generator=torch.Generator().manual_seed(step))


def reference(replica, steps):
    """One replica by transformers' module, torch's unfused AdamW and its clipping."""
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(**CONFIG, bos_token_id=0, eos_token_id=0)).eval()
    made = {f"transformer.{k}": v for k, v in gpt2.initial(CONFIG, replica).items()}
    model.load_state_dict(made, strict=False)
    wide = [p for p in model.parameters() if p.dim() >= 2]
    thin = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": wide, "weight_decay": 0.1}, {"params": thin, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=RATES[replica], betas=(0.9, 0.95), foreach=False, fused=False)
    norms = []
    for step in range(steps):
        ids = windows(step)[replica]
        logits = model(ids[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        adam.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)))
        adam.step()
    return dict(model.named_parameters()), norms


def trained(optimizer, network, steps):
    norms = []
    for step in steps:
        network.losses(windows(step)).mean((1, 2)).sum().backward()
        norms.append(optimizer.step())
    return torch.stack(norms)


def test_steps_are_those_of_torch_for_every_replica_and_rate():
    network = gpt2.GPT2(CONFIG, stack([gpt2.initial(CONFIG, s) for s in range(3)]), Device())
    norms = trained(Optimizer(network, RATES, SETTINGS), network, range(5))
    for r in range(3):
        expected, expected_norms = reference(r, 5)
        assert torch.allclose(norms[:, r], torch.tensor(expected_norms), rtol=1e-4)
        assert max(expected_norms) > SETTINGS.clip  # or clipping was never at work
        for name, tensor in network.tensors(r).items():
            # The bias of the keys has a true gradient of zero: Adam turns its rounding into steps of full size.
            room = 10 * RATES[r] if name.endswith("c_attn.bias") else 2e-5
            assert torch.allclose(tensor, expected[name], atol=room), name


def test_moments_persist_and_are_carried_over():
    network = gpt2.GPT2(CONFIG, stack([gpt2.initial(CONFIG, s) for s in range(3)]), Device())
    optimizer = Optimizer(network, RATES, SETTINGS)
    trained(optimizer, network, range(3))
    weights = {r: {k: v.detach().clone() for k, v in network.masters(r).items()} for r in range(3)}
    state = {k: v.clone() for k, v in optimizer.state().items()}
    trained(optimizer, network, range(3, 6))

    again = gpt2.GPT2(CONFIG, stack([weights[r] for r in range(3)]), Device())
    resumed = Optimizer(again, RATES, SETTINGS)
    resumed.restore(state)
    trained(resumed, again, range(3, 6))
    for r in range(3):
        for name, parameter in network.masters(r).items():
            assert torch.equal(parameter, again.masters(r)[name]), name


def test_without_a_limit_nothing_is_clipped():
    settings = AdamSettings(clip=0.0)
    network = gpt2.GPT2(CONFIG, stack([gpt2.initial(CONFIG, 0)]), Device())
    network.losses(windows(0)[:1]).mean().backward()
    network.gather_gradients()
    before = network.masters(0)["wte.weight"].grad.clone()
    Optimizer(network, [1e-3], settings)._clip(network.masters(0))
    assert torch.equal(network.masters(0)["wte.weight"].grad, before)
