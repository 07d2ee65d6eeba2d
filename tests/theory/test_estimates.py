"""From trajectories to figures that are tested: where a bound is watched, and which means errors can test."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.theory.estimates import Form, averaged, compared, too_skewed
from contam.theory.record import Comparison, Series


def test_a_bound_is_watched_where_it_is_closest_to_being_crossed():
    """The larger difference may be noise, the smaller one a crossing."""
    noisy = Series("x", (0.0, 1.0, 2.0), (0.0, 0.5, 0.45), (0.0, 0.2, 0.001), (1.0, 0.4, 0.4), bound="upper")
    found = compared(noisy)
    assert found.name == "x @2" and found.agrees is False
    mirrored = Series("x", (0.0, 1.0, 2.0), (2.0, 0.5, 0.55), (0.0, 0.2, 0.001), (1.0, 0.6, 0.6), bound="lower")
    assert compared(mirrored).name == "x @2" and compared(mirrored).agrees is False


def test_without_errors_rounding_is_no_difference():
    assert Comparison("x", 1e6 + 1e-5, 0.0, 1e6).agrees
    assert Comparison("x", 1e6 + 1e-5, 1e-20, 1e6).agrees
    assert Comparison("x", 1e6 + 1e-2, 0.0, 1e6).agrees is False
    assert Comparison("x", 1e6 + 1e-5, 1e-6, 1e6 * (1 - 1e-8)).agrees is False


def test_skewed_means_are_shown_and_not_tested():
    rng = np.random.default_rng(0)
    normal, heavy = rng.standard_normal((2, 400)), np.exp(2 * rng.standard_normal((2, 400)))
    assert averaged("x", normal, Form((0.0, 0.0))).approximate is False
    assert averaged("x", heavy, Form((math.e**2,) * 2)).approximate
    # Where the error is exact, whoever knows it has judged already; a bound is tested on one side only.
    assert not averaged("x", heavy, Form((1.0, 1.0)), np.ones(2)).approximate
    assert not averaged("x", heavy, Form((1.0, 1.0), bound="upper")).approximate
    assert not too_skewed(np.ones(50)) and not too_skewed(np.zeros(50))


@pytest.mark.parametrize("trajectories", [20, 50, 400])
def test_what_is_tested_is_right_in_all_but_a_thousandth(trajectories):
    """Means of squares of normal values, whose z by their own errors goes far beyond 4 with few of them."""
    values = np.random.default_rng(trajectories).standard_normal((4000, trajectories)) ** 2
    z = (values.mean(axis=1) - 1) / (values.std(axis=1, ddof=1) / math.sqrt(trajectories))
    tested = np.array([not too_skewed(row) for row in values])
    assert (np.abs(z[tested]) > 4).sum() <= 4
    assert trajectories > 20 or (np.abs(z) > 4).sum() > 40
