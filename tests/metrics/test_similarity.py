"""Self-BLEU, Vendi, MAUVE: the worked numbers and their edges (sections: docs/metrics.md)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam_metrics.similarity import Vendi, mauve, self_bleu, vendi_of_kernel


def test_section_2_8_self_bleu() -> None:
    assert self_bleu(["abcde", "abcdf", "ghijk"]) == pytest.approx(0.455898, abs=5e-7)
    assert self_bleu(["abcde"] * 3) == 1


def test_self_bleu_leaves_out_what_is_too_short() -> None:
    assert self_bleu(["abcde", "abcde", "ab"]) == 1
    assert math.isnan(self_bleu(["abcde", "ab"]))
    assert math.isnan(self_bleu([]))


def test_self_bleu_punishes_a_text_shorter_than_its_likeness() -> None:
    long, short = "abcdefgh", "abcd"
    found = self_bleu([long, short])
    longer = (4 / 8 * 3 / 7 * 2 / 6 * 1 / 5) ** 0.25
    assert found == pytest.approx((longer + math.exp(1 - 8 / 4)) / 2)


def test_section_2_9_vendi() -> None:
    assert Vendi.of(np.eye(3)).value == pytest.approx(3)
    assert vendi_of_kernel(np.eye(3)) == pytest.approx(3)
    assert Vendi.of([[1, 0], [2, 0], [0, 5]]).value == pytest.approx(1.889882, abs=5e-7)
    assert vendi_of_kernel([[1, 0.5], [0.5, 1]]) == pytest.approx(1.754765, abs=5e-7)
    assert Vendi.of([[3.0, 4.0]]).value == pytest.approx(1)


def test_vendi_states_add_and_equal_the_kernel_form() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6))
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    merged = Vendi.of(x[:13]) + Vendi.of(x[13:])
    assert merged.n == 40
    assert merged.value == pytest.approx(vendi_of_kernel(unit @ unit.T), rel=1e-9)


def test_vendi_of_nothing() -> None:
    assert math.isnan(Vendi.of(np.zeros((0, 3))).value)
    assert math.isnan(vendi_of_kernel(np.zeros((0, 0))))
    assert Vendi.of([[0, 0], [1, 0]]).n == 1


def test_section_2_10_mauve() -> None:
    assert mauve([0.5, 0.5], [0.5, 0.5]) == pytest.approx(1)
    assert mauve([0.5, 0.5], [0.9, 0.1]) == pytest.approx(0.671096, abs=5e-7)
    assert mauve([1, 0], [0, 1]) == pytest.approx(0.0041, abs=5e-5)


def test_mauve_takes_counts_and_is_symmetric() -> None:
    assert mauve([3, 1, 0], [1, 1, 2]) == pytest.approx(mauve([0.25, 0.25, 0.5], [0.75, 0.25, 0]))
    assert math.isnan(mauve([0, 0], [1, 1]))
    assert math.isnan(mauve([], []))
