"""An auto-encoder that learns from what it decodes: the same again with the same seed, and what it loses."""

from __future__ import annotations

import pytest

from contam.errors import UsageError
from contam.theory.vae import VaeOptions, simulate_vae

SMALL = VaeOptions(samples=300, generations=3, trajectories=2, hidden=32, epochs=8, batch_size=100)


@pytest.fixture(scope="module")
def result():
    return simulate_vae(SMALL)


def test_deviation_falls_and_errors_rise(result):
    deviation, own, real = result.series
    assert deviation.mean[-1] < 0.7 * deviation.mean[0] and real.mean[-1] > real.mean[0]
    assert len(own.mean) == 4 and own.mean[0] == real.mean[0]
    assert 15 < real.mean[0] < 45 and all(error > 0 for error in real.error)


def test_equal_seeds_give_equal_figures(result):
    import torch

    torch.manual_seed(99)
    before = torch.rand(1)
    torch.manual_seed(99)
    again = simulate_vae(SMALL)
    assert [s.mean for s in again.series] == [s.mean for s in result.series]
    assert torch.rand(1) == before


def test_published_figures_are_named_as_theirs(result):
    (told,) = [note for note in result.notes if "Shumailov" in note]
    assert ".674, .608, .527, .468, .433" in told and "MNIST" in told
    assert result.comparisons == () and not any(series.expected for series in result.series)


def test_training_beats_the_mean_image():
    """Reconstructions must be better than the best constant image, or nothing was learned."""
    import numpy as np
    from sklearn.datasets import load_digits

    images = load_digits().data / 16
    mean = np.clip(images.mean(axis=0), 1e-9, 1 - 1e-9)
    constant = -(images * np.log(mean) + (1 - images) * np.log(1 - mean)).sum(axis=1).mean()
    found = simulate_vae(VaeOptions(generations=1, trajectories=1, hidden=64, epochs=40))
    assert found.series[2].mean[0] < 0.9 * constant


@pytest.mark.parametrize("changes", [{"latent": 0}, {"batch_size": 0}, {"generations": 0}])
def test_what_cannot_be(changes):
    name = next(iter(changes)).replace("_", "-")
    with pytest.raises(UsageError, match=f"--{name} must be between"):
        VaeOptions(**changes)
