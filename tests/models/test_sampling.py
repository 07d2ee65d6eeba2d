"""Nucleus and repetition penalty: against transformers' own, and against their definitions."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from contam.models.sampling import Sampling, choose, nucleus, penalised, seen_in  # noqa: E402


def logits_of(seed, rows=40, vocabulary=97, spread=3.0):
    return torch.randn((rows, vocabulary), generator=torch.Generator().manual_seed(seed)) * spread


@pytest.mark.parametrize("p", [1e-6, 0.1, 0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("spread", [0.1, 3.0])
def test_the_nucleus_is_that_of_transformers(p, spread):
    from transformers import TopPLogitsWarper

    for seed in range(5):
        logits = logits_of(seed, spread=spread)
        assert torch.equal(nucleus(logits, p), TopPLogitsWarper(p)(None, logits))


def test_the_nucleus_is_the_smallest_set_with_the_mass():
    logits = torch.tensor([[0.5, 0.05, 0.3, 0.15]]).log()
    kept = {p: (nucleus(logits, p) > -torch.inf)[0].tolist() for p in (0.4, 0.6, 0.9, 0.97)}
    assert kept == {
        0.4: [True, False, False, False],
        0.6: [True, False, True, False],  # the token that crosses is kept
        0.9: [True, False, True, True],
        0.97: [True, True, True, True],
    }


@pytest.mark.parametrize(("temperature", "top_k", "p"), [(1.0, 0, 0.7), (0.6, 0, 0.9), (1.5, 20, 0.8)])
def test_choices_are_within_what_transformers_leaves_and_in_its_proportions(temperature, top_k, p):
    """Chi-square against the probabilities after transformers' warpers in their order; the 99.99 % point."""
    from scipy.stats import chi2
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    logits, n = logits_of(3, rows=1, spread=1.5), 20_000
    warped = TemperatureLogitsWarper(temperature)(None, logits) if temperature != 1 else logits
    warped = TopKLogitsWarper(top_k)(None, warped) if top_k else warped
    expected = TopPLogitsWarper(p)(None, warped)[0].double().softmax(-1) * n
    uniforms = torch.rand(n, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=p)
    found = torch.bincount(choose(logits.expand(n, -1), uniforms, sampling), minlength=97)
    assert not found[expected == 0].any()
    kept = expected > 0
    statistic = ((found - expected)[kept] ** 2 / expected[kept]).sum()
    assert 3 < int(kept.sum()) < 97
    assert statistic < chi2.ppf(0.9999, int(kept.sum()) - 1)


def test_the_ends_of_the_uniforms_stay_in_the_nucleus():
    logits = torch.tensor([[0.0, 3.0, -1.0, 2.5, -2.0]]).expand(2, -1)
    uniforms = torch.tensor([0.0, 1 - 2**-53], dtype=torch.float64)
    assert choose(logits, uniforms, Sampling(top_k=0, top_p=0.9)).tolist() == [1, 3]


def test_a_top_p_of_one_changes_nothing():
    logits = logits_of(4)
    uniforms = torch.rand(40, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    plain = choose(logits, uniforms, Sampling(top_k=30))
    assert torch.equal(plain, choose(logits, uniforms, Sampling(top_k=30, top_p=1.0)))


@pytest.mark.parametrize("penalty", [0.7, 1.2, 3.0])
def test_the_penalty_is_that_of_transformers(penalty):
    from transformers import RepetitionPenaltyLogitsProcessor

    logits = logits_of(1)
    ids = torch.randint(0, 97, (40, 23), generator=torch.Generator().manual_seed(0))
    expected = RepetitionPenaltyLogitsProcessor(penalty)(ids, logits.clone())
    assert torch.equal(penalised(logits, seen_in(ids, 97), penalty), expected)
    assert not torch.equal(expected, logits)
