"""The declared estimate: worked numbers, rates out of fold, refusals, and intervals that cover."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from contam.synthetic import declared
from contam.synthetic.declared import (
    FOLDS,
    Labelled,
    adjusted,
    declared_share,
    estimate,
    expected,
    folds_of,
    rates,
    threshold,
)
from contam.synthetic.scored import Scored


def normal(rng, count: int, mean: float = 0.0) -> np.ndarray:
    return rng.normal(mean, 1, count)


def labelled(rng, human: int = 150, machine: int = 150, apart: float = 2.0) -> tuple[Labelled, Labelled]:
    return Labelled.of(normal(rng, human)), Labelled.of(normal(rng, machine, apart), first=human)


def mixed(rng, count: int, share: float, apart: float = 2.0) -> np.ndarray:
    return np.where(np.arange(count) < share * count, normal(rng, count, apart), normal(rng, count))


def scored(scores: np.ndarray, first: int = 0) -> Scored:
    keys = np.arange(first, first + len(scores), dtype=np.uint64)
    return Scored(keys, scores, tuple(f"x:{i}" for i in keys), len(scores), 0, 0)


def test_worked_numbers():
    assert adjusted(0.40, 0.90, 0.10) == pytest.approx(0.375)
    assert expected(np.array([0.9, 0.8, 0.3, 0.2, 0.1])) == pytest.approx(0.408505, abs=1e-6)


@pytest.mark.parametrize(("called", "share"), [(0.05, 0.0), (0.95, 1.0), (0.10, 0.0), (0.90, 1.0)])
def test_the_share_stays_within_bounds(called, share):
    assert adjusted(called, 0.90, 0.10) == pytest.approx(share)


def test_rates_too_close_have_no_share():
    assert math.isnan(adjusted(0.4, 0.5, 0.41)) and math.isnan(adjusted(0.4, 0.1, 0.9))
    assert math.isnan(adjusted(0.4, math.nan, 0.1)) and adjusted(0.4, 0.6, 0.4) == 0


def test_expectation_and_maximisation_is_where_the_likelihood_is_largest():
    """Two kinds of known densities: the share of the largest likelihood on a fine grid."""
    rng = np.random.default_rng(0)
    x = mixed(rng, 500, 0.3)
    ratio = np.exp(2 * x - 2)
    grid = np.linspace(0.001, 0.999, 999)
    best = grid[np.argmax([np.log(g * ratio + 1 - g).sum() for g in grid])]
    for prior in (0.5, 0.1):
        assert expected(prior * ratio / (prior * ratio + 1 - prior), prior) == pytest.approx(best, abs=1e-3)


def test_the_threshold_parts_best():
    human, machine = np.array([0, 1, 2, 6.0]), np.array([5, 6, 7, 8.0])
    assert threshold(human, machine) == 3.5
    assert threshold(np.zeros(4), np.zeros(4)) == 0


def test_no_document_is_classified_by_a_threshold_that_knew_it():
    """Pure noise, two documents a group: resubstitution would find a difference, out of fold there is none."""
    rng = np.random.default_rng(2)
    gaps = []
    for _ in range(60):
        groups = np.repeat(np.arange(30), 2)
        human, machine = Labelled.of(normal(rng, 60), groups), Labelled.of(normal(rng, 60), groups + 100)
        found = rates(human, machine, normal(rng, 10), folds_of(human, machine))
        gaps.append(found.true_positive - found.false_positive)
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / math.sqrt(60)


def test_groups_are_never_divided():
    human = Labelled.of(np.zeros(40), np.arange(40) % 13)
    machine = Labelled.of(np.zeros(30), 5 + np.arange(30) % 13)
    h, m = folds_of(human, machine)
    fold: dict[int, set[int]] = {}
    for group, number in [*zip(human.groups, h), *zip(machine.groups, m)]:
        fold.setdefault(int(group), set()).add(int(number))
    assert all(len(numbers) == 1 for numbers in fold.values())
    assert set(h) == set(m) == set(range(FOLDS))


@pytest.mark.parametrize(("human", "machine", "kind"), [(99, 150, "human"), (150, 99, "machine")])
def test_few_labelled_documents_are_refused(human, machine, kind):
    rng = np.random.default_rng(0)
    found = estimate(*labelled(rng, human, machine), normal(rng, 200), "G")
    assert found.estimate is None and found.interval is None and found.emq is None
    assert f"99 labelled {kind} documents" in found.reason and (found.human, found.machine) == (human, machine)


def test_kinds_that_the_score_cannot_tell_apart_are_refused():
    rng = np.random.default_rng(1)
    found = estimate(*labelled(rng, apart=0.05), normal(rng, 200), "G")
    assert found.estimate is None and "cannot tell G's text" in found.reason and found.true_positive is not None
    assert estimate(*labelled(rng), np.empty(0), "G").reason == "no audited document of at least 80 words"


def test_a_difference_that_most_draws_lose_is_refused(monkeypatch):
    monkeypatch.setattr(declared, "DRAWS", 100)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        found = estimate(*labelled(rng, 100, 100, apart=0.35), normal(rng, 100), "G")
        if found.reason and "bootstrap" in found.reason:
            assert found.interval is None and found.true_positive is not None
            return
    raise AssertionError("no such case among 40")


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_intervals_cover(share, monkeypatch):
    """Nominally 95 %, approximate; well below .8 something is wrong."""
    monkeypatch.setattr(declared, "DRAWS", 100)
    rng = np.random.default_rng(int(10 * share))
    found = [estimate(*labelled(rng), mixed(rng, 200, share), "G", seed=i) for i in range(20)]
    covered = np.mean([f.interval[0] <= share <= f.interval[1] for f in found])
    assert covered >= 0.8
    assert np.mean([f.estimate for f in found]) == pytest.approx(share, abs=0.06)
    assert np.mean([f.emq for f in found]) == pytest.approx(share, abs=0.06)


def test_the_same_seed_gives_the_same_interval(monkeypatch):
    monkeypatch.setattr(declared, "DRAWS", 60)
    rng = np.random.default_rng(5)
    texts = normal(rng, 120), normal(rng, 120, 2), mixed(rng, 150, 0.4)
    human, machine, audited = (scored(x, 1_000 * i) for i, x in enumerate(texts))
    one, again, other = (declared_share(human, machine, audited, "G", seed=s) for s in (1, 1, 2))
    assert one == again and one.interval != other.interval and one.estimate == other.estimate
    assert 0 <= one.interval[0] <= one.estimate <= one.interval[1] <= 1 and one.generator == "G"


def test_labelled_documents_of_the_audited_text_are_left_out(monkeypatch):
    monkeypatch.setattr(declared, "DRAWS", 20)
    rng = np.random.default_rng(6)
    human, machine, audited = scored(normal(rng, 150)), scored(normal(rng, 150, 2), 1_000), mixed(rng, 150, 0.4)
    found = declared_share(human, machine, scored(audited, 110), "G")
    assert (found.human, found.machine, found.shared) == (110, 150, 40) and found.estimate is not None
    plain = declared_share(replace(human, keys=human.keys[:110], scores=human.scores[:110]), machine,
                           scored(audited, 5_000), "G")  # fmt: skip
    assert (found.estimate, found.interval) == (plain.estimate, plain.interval)
    few = declared_share(human, machine, scored(audited, 99), "G")
    assert few.estimate is None and few.shared == 51 and few.reason.startswith("99 labelled human documents")


def test_kinds_without_overlap():
    found = estimate(Labelled.of(np.zeros(100)), Labelled.of(np.ones(100), first=100), np.repeat([0.0, 1.0], 50), "G")
    assert found.estimate == pytest.approx(0.5) and found.true_positive == 1 and found.false_positive == 0
    assert found.emq == pytest.approx(0.5, abs=0.01)
