"""The rank is exact under exchangeable rows, whatever the rows look like."""

from __future__ import annotations

import numpy as np
import pytest

from contam_metrics import conformal


def rows(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exchangeable rows with heavy tails, dependent columns and a constant covariate."""
    style = rng.standard_t(2, (n, 4))
    tails = style[:, :1] + rng.standard_t(2, (n, 3))
    covariates = np.column_stack([style, np.ones(n)])
    return tails, rng.exponential(size=n) + style[:, 1], covariates


def test_p_is_uniform_when_the_audit_is_one_of_the_references() -> None:
    rng, n = np.random.default_rng(1), 20
    ps = [conformal.directed(*rows(rng, n)).p_value for _ in range(2000)]
    for alpha in (0.05, 0.1, 0.25):
        # ties (score 0) only make p larger, so the rate may fall short of alpha but not exceed it
        assert np.mean(np.array(ps) <= alpha) <= alpha + 3 * np.sqrt(alpha / 2000)
    assert np.mean(np.array(ps) <= 0.1) == pytest.approx(0.1, abs=0.025)


def test_changed_p_is_uniform() -> None:
    rng, n = np.random.default_rng(2), 25
    ps = [conformal.changed(rng.standard_t(3, (n, 5)), np.full(5, 1e-3)).p_value for _ in range(2000)]
    assert np.mean(np.array(ps) <= 0.2) == pytest.approx(0.2, abs=0.03)
    assert set(np.round(np.array(ps) * n, 9)) <= set(range(1, n + 1))


@pytest.mark.parametrize("seed", range(5))
def test_permuting_the_rows_permutes_the_scores(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tails, copying, covariates = rows(rng, 40)
    order = rng.permutation(40)
    scores = conformal.directed(tails, copying, covariates).scores
    again = conformal.directed(tails[order], copying[order], covariates[order]).scores
    assert again == pytest.approx(scores[order], rel=1e-9, abs=1e-9)
    distances = conformal.changed(tails, np.full(3, 1e-3)).scores
    assert conformal.changed(tails[order], np.full(3, 1e-3)).scores == pytest.approx(
        distances[order], rel=1e-9
    )


def test_ties_count_against_the_alarm() -> None:
    assert conformal.rank_p(np.zeros(10)) == 1.0
    assert conformal.rank_p(np.array([3.0, 1.0, 2.0, 2.0])) == 0.75
    assert conformal.rank_p(np.array([0.0] * 19 + [1.0])) == 0.05


def test_residuals_are_those_of_fitting_without_the_row() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    z = np.hstack([np.ones((30, 1)), np.clip(conformal.robust(x), -4, 4)])
    penalty = np.diag([0.0, 1, 1, 1])
    left = []
    for i in range(30):
        rest = np.arange(30) != i
        beta = np.linalg.solve(z[rest].T @ z[rest] + penalty, z[rest].T @ y[rest])
        left.append(float((y[i] - z[i] @ beta)[0]))
    expected = np.clip(conformal.robust(np.array(left)[:, None]), -6, 8)
    assert conformal.residuals(y, x) == pytest.approx(expected, rel=1e-8)


def test_style_is_allowed_for_and_tail_loss_is_not() -> None:
    rng = np.random.default_rng(4)
    style = rng.normal(size=(100, 2))
    tail = style @ np.array([[1.0], [0.5]]) + 0.1 * rng.normal(size=(100, 1))
    copying = 0.1 * rng.normal(size=100)
    extreme = np.vstack([style[:-1], [[3.0, 3.0]]])
    explained = np.vstack([tail[:-1], [[4.5]]])
    assert conformal.directed(explained, copying, extreme).p_value > 0.05
    beyond = np.vstack([tail[:-1], [[5.5]]])
    assert conformal.directed(beyond, copying, extreme).p_value == 0.01


def test_only_the_harmful_direction_scores() -> None:
    scores = conformal.tail_score(np.array([-5.0, 0.0, 2.0]), np.array([-3.0, 1.0, 1.0]))
    assert scores.tolist() == [0.0, 0.5, 2.5]
    assert conformal.tail_score(np.array([[3.0, 0.0, 0.0]]), np.array([0.0])).tolist() == [1.0]


def test_what_the_audited_row_lacks_is_left_out_for_all() -> None:
    rng = np.random.default_rng(3)
    whole = rng.normal(size=(60, 4))
    floors = np.full(4, 1e-3)
    missing = whole.copy()
    missing[-1, 2] = np.nan
    found = conformal.changed(missing, floors)
    assert found.p_value == conformal.changed(whole[:, [0, 1, 3]], floors[:3]).p_value >= 1 / 60
    missing[7, 0] = np.nan
    without = np.delete(whole[:, [0, 1, 3]], 7, axis=0)
    assert conformal.changed(missing, floors).p_value == conformal.changed(without, floors[:3]).p_value


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        conformal.rank_p(np.array([1.0, np.nan, 2.0]))
