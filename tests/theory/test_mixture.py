"""A mixture that learns from itself: densities against scikit-learn and quadrature, and the way it narrows."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.errors import UsageError
from contam.theory import mixture as module
from contam.theory.estimates import comparisons_of
from contam.theory.mixture import Mixture, MixtureOptions, fit, simulate_mixture, truth, width_by_drift

SKEWED = Mixture(
    np.array([0.3, 0.7]), np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([[[1.0, 0.3], [0.3, 0.5]], np.eye(2) * 0.4])
)


def density(mixture: Mixture, points: np.ndarray) -> np.ndarray:
    from scipy.stats import multivariate_normal

    parts = zip(mixture.weights, mixture.means, mixture.covariances)
    return sum(w * multivariate_normal(mean, covariance).pdf(points) for w, mean, covariance in parts)


def test_the_distance_is_the_integral_of_the_squared_difference():
    grid = np.linspace(-9, 9, 361)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    difference = density(SKEWED, points) - density(truth(2), points)
    expected = math.sqrt((difference**2).sum() * (grid[1] - grid[0]) ** 2)
    assert truth(2).distance(SKEWED) == pytest.approx(expected, rel=1e-6)
    assert SKEWED.distance(SKEWED) == 0.0


def test_the_loss_is_scikit_learns():
    from sklearn.mixture import GaussianMixture

    points = SKEWED.sampled(np.random.default_rng(0), 400)
    model = GaussianMixture(2, random_state=0).fit(points)
    own = Mixture(model.weights_, model.means_, model.covariances_)
    assert module._loss(own, points) == pytest.approx(-model.score(points))
    assert module._loss(SKEWED, points) == pytest.approx(-np.log(density(SKEWED, points)).mean())


def test_points_and_fits():
    points = SKEWED.sampled(np.random.default_rng(1), 20_000)
    expected = SKEWED.weights @ SKEWED.means
    assert points.mean(axis=0) == pytest.approx(expected, abs=0.05)
    found = fit(points, 2, seed=0)
    order = np.argsort(found.weights)
    assert found.weights[order] == pytest.approx([0.3, 0.7], abs=0.03)
    assert found.means[order] == pytest.approx(SKEWED.means, abs=0.1)
    assert SKEWED.deviations[1] == pytest.approx(math.sqrt(0.4))


def test_a_mixture_narrows_as_separate_components_would():
    options = MixtureOptions(samples=40, generations=25, trajectories=4, seed=3)
    result = simulate_mixture(options)
    width, share, distance, loss = result.series
    assert width.expected[-1] == pytest.approx(math.exp(-0.25 * 25 * 5 / 20), rel=0.2)
    assert math.log(width.mean[-1] / width.expected[-1]) == pytest.approx(0, abs=1.0)
    assert width.mean[0] == 1.0 and width.mean[-1] < 0.6
    assert distance.mean[0] == 0.0 and distance.mean[-1] > distance.mean[1] and loss.mean[-1] > loss.mean[0] + 1
    assert share.bound == "upper" and share.expected[-1] == pytest.approx(math.exp(-25 / 160))
    assert all(c.agrees is not False for c in comparisons_of(result.series))
    assert any(".902" in note and "536" in note for note in result.notes)


def test_one_component_narrows_as_its_covariance_does():
    """Without overlap there is no expectation maximisation: the drift is that of the Wishart distribution."""
    from scipy.stats import wishart

    draws = wishart(29, np.eye(2) / 30).rvs(20_000, random_state=0)
    logs = 0.25 * np.log(np.linalg.det(draws))
    assert logs.mean() == pytest.approx(math.log(width_by_drift(30, 1, 1)[1]), abs=4 * logs.std() / math.sqrt(20_000))


def test_a_trajectory_ends_where_points_cannot_be_told_apart(monkeypatch):
    monkeypatch.setattr(module, "NARROWEST", 0.5)
    result = simulate_mixture(MixtureOptions(samples=20, generations=30, trajectories=1))
    assert result.series[0].mean[-1] == result.series[0].mean[-2]
    assert any("ended early" in note for note in result.notes)


@pytest.mark.parametrize("changes", [{"samples": 10}, {"components": 0}, {"trajectories": 0}])
def test_what_cannot_be(changes):
    with pytest.raises(UsageError, match=f"--{next(iter(changes))} must be between"):
        MixtureOptions(**changes)


def test_a_component_needs_more_than_two_points():
    with pytest.raises(UsageError, match="more than 2 for each of 20 --components, here at least 41"):
        MixtureOptions(samples=40, components=20)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_the_fewest_points_of_a_component_have_a_width():
    widths = width_by_drift(41, 20, 3)
    assert np.isfinite(widths).all() and (np.diff(widths) < 0).all()
    assert simulate_mixture(MixtureOptions(samples=41, components=20, generations=2, trajectories=1)).series
