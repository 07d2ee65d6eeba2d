"""Decoding: the exact decoder against a plain loop that recomputes everything, and the variants by their rule."""

from __future__ import annotations

import pytest
import torch

from contam.models import gpt2
from contam.models.decode import generate
from contam.models.graphs import replayed
from contam.models.network import Device
from contam.models.sampling import Sampling, choose
from contam.models.stacked import stack

CONFIG = {"n_embd": 48, "n_head": 3, "n_layer": 3, "vocab_size": 211, "n_positions": 40}
TOKENS = 90


def network(replicas=2, first=0):
    made = [gpt2.initial(CONFIG, first + s) for s in range(replicas)]
    return gpt2.GPT2(CONFIG, stack([{k: v * 4 if v.dim() > 1 else v for k, v in w.items()} for w in made]), Device())


def noise(replicas=2, texts=2):
    return torch.rand((replicas, texts, TOKENS), dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def plain_loop(net, prompt, uniforms, block, top_k, temperature):
    """Every token from its whole window, every layer at every position, masking instead of choosing among few."""
    out = prompt
    for i in range(TOKENS):
        window = out[:, :, -block:]
        w = net.compute
        places = (window.shape[1], window.shape[2], 0)
        x = net._layers(w, net.embed(w, window, 0), range(net.shape.layers), places)
        logits = net.logits(w, x).view(*window.shape, -1)[:, :, -1]
        if temperature == 0:
            token = logits.argmax(-1)
        else:
            logits = logits / temperature
            if top_k:
                logits[logits < logits.topk(top_k, -1).values[..., -1:]] = -torch.inf
            # The likeliest first: the order in which the decoder sums the probabilities.
            order = logits.sort(-1, descending=True) if top_k else (logits, torch.arange(211).expand_as(logits))
            mass = order[0].softmax(-1).double().cumsum(-1)
            place = (mass <= uniforms[:, :, i, None] * mass[..., -1:]).sum(-1, keepdim=True)
            token = order[1].gather(-1, place).squeeze(-1)
        out = torch.cat((out, token.unsqueeze(-1)), dim=-1)
    return out


@pytest.mark.parametrize(("temperature", "top_k"), [(0.0, 0), (1.0, 20), (0.8, 0)])
@pytest.mark.parametrize("start", [1, 5, 30])
def test_the_exact_decoder_is_the_plain_loop_past_the_sliding_point(temperature, top_k, start):
    net, block = network(), 24
    prompt = torch.randint(0, 211, (2, 2, start), generator=torch.Generator().manual_seed(start))
    sampling = Sampling(TOKENS, block, temperature, top_k)
    with torch.no_grad():
        expected = plain_loop(net, prompt, noise(), block, top_k, temperature)
    assert torch.equal(generate(net, prompt, noise(), sampling), expected)


@pytest.mark.parametrize("start", [1, 30])
def test_the_program_for_gpus_chooses_the_same_tokens(start):
    net, sampling = network(), Sampling(TOKENS, 24, 1.0, 20)
    prompt = torch.randint(0, 211, (2, 2, start), generator=torch.Generator().manual_seed(4))
    expected = generate(net, prompt, noise(), sampling)
    for _ in range(2):  # the second time the buffers have been used before
        out = torch.zeros_like(expected)
        out[:, :, :start] = prompt
        assert torch.equal(replayed(net, out, start, noise(), sampling), expected)


def test_a_text_does_not_depend_on_what_is_generated_beside_it():
    sampling, prompt = Sampling(TOKENS, 24, 1.0, 20), torch.zeros((3, 2, 1), dtype=torch.int64)
    together = generate(network(3), prompt, noise(3), sampling)
    for r in range(3):
        alone = generate(network(1, first=r), prompt[:1, :1], noise(3)[r : r + 1, 1:], sampling)
        assert torch.equal(alone[0, 0], together[r, 1])


def test_stride_begins_again_with_the_last_half():
    net, sampling = network(1), Sampling(TOKENS, 24, 0.0, 0, "stride")
    out = generate(net, torch.zeros((1, 1, 1), dtype=torch.int64), noise(1, 1), sampling)
    low = 0
    for t in range(1, 1 + TOKENS):
        if t - 1 - low == 24:
            low = t - 12
        assert net.last(out[:, :, low:t]).argmax(-1) == out[0, 0, t]


def test_context_sees_all_that_the_model_can():
    net = network(1)
    sampling = Sampling(30, 10, 0.0, 0, "context")
    out = generate(net, torch.zeros((1, 1, 1), dtype=torch.int64), noise(1, 1)[:, :, :30], sampling)
    for t in range(1, 31):
        assert net.last(out[:, :, :t]).argmax(-1) == out[0, 0, t]


@pytest.mark.parametrize("top_k", [0, 3, 50])
def test_choices_follow_the_distribution(top_k):
    """Chi-square of 20,000 draws against softmax; the 99.99 % point, so that chance does not fail it."""
    from scipy.stats import chi2

    logits = torch.randn(12, generator=torch.Generator().manual_seed(0)) * 1.5
    n = 20_000
    uniforms = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = torch.bincount(choose(logits.expand(n, -1), uniforms, Sampling(top_k=top_k)), minlength=12)
    expected = logits.double()
    if 0 < top_k < 12:
        expected[expected < expected.topk(top_k).values[-1]] = -torch.inf
    expected = expected.softmax(-1) * n
    kept = expected > 0
    assert not found[~kept].any()
    statistic = ((found[kept] - expected[kept]) ** 2 / expected[kept]).sum()
    assert statistic < chi2.ppf(0.9999, int(kept.sum()) - 1)


def test_the_ends_of_the_uniforms_choose_tokens_that_exist():
    logits = torch.tensor([[0.0, -200.0, 1.0, -torch.inf]]).expand(2, -1)
    uniforms = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert choose(logits, uniforms, Sampling(top_k=0)).tolist() == [0, 2]
    assert choose(logits * torch.nan, uniforms, Sampling(top_k=2)).shape == (2,)
