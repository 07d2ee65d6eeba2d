"""Designs, draws, intervals, and what is made of them: exact sizes, pairing, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contam.mixing.dose.effects import MARGIN, detectable, estimated, kinds_of
from contam.mixing.dose.response import POOL, REAL, SYNTHETIC, Arm, Measured, drawn, planned, respond
from contam.mixing.dose.texts import Texts
from contam.mixing.options import SHARES, MixOptions, unwatched
from contam.mixing.result import FIXED_REAL, FIXED_TOTAL, Dose


def of(plan, design):
    return [arm for arm in plan.arms if arm.design == design]


def test_sizes_are_exact():
    plan = planned((1_000_000, 2_000_000), SHARES, 100_003)
    assert (plan.total, plan.real, plan.notes) == (100_003, 100_003, ())
    assert [arm.share for arm in of(plan, FIXED_TOTAL)] == list(SHARES)
    assert {arm.real_tokens + arm.synthetic_tokens for arm in of(plan, FIXED_TOTAL)} == {100_003}
    assert [arm.synthetic_tokens for arm in of(plan, FIXED_TOTAL)] == [round(s * 100_003) for s in SHARES]
    assert [arm.share for arm in of(plan, FIXED_REAL)] == [s for s in SHARES if s < 1]
    assert {arm.real_tokens for arm in of(plan, FIXED_REAL)} == {100_003}
    for arm in of(plan, FIXED_REAL):
        assert arm.synthetic_tokens / (arm.real_tokens + arm.synthetic_tokens) == pytest.approx(arm.share, abs=1e-5)


@pytest.mark.parametrize("sizes", [(90_000, 90_000), (50_000, 400_000), (400_000, 60_000), (300_000, 7_000)])
def test_no_arm_uses_more_than_its_part_of_a_text(sizes):
    plan = planned(sizes, SHARES, 100_000)
    assert max(arm.real_tokens for arm in plan.arms) <= POOL * sizes[0]
    assert max(arm.synthetic_tokens for arm in plan.arms) <= POOL * sizes[1] + 1
    assert {arm.share for arm in plan.arms} >= {0.0, SHARES[1]}


def test_little_synthetic_text_first_shrinks_the_design_then_leaves_large_shares_out():
    shrunk = planned((300_000, 90_000), SHARES, 100_000)
    assert shrunk.total == 60_000 and of(shrunk, FIXED_TOTAL)[-1].share == 1.0
    assert any(n.startswith("fixed-total: 60,000 training tokens, not 100,000") for n in shrunk.notes)
    asked = planned((300_000, 15_000), SHARES, 100_000, 0.25)
    assert asked.total == 40_000 and of(asked, FIXED_TOTAL)[-1].share == 0.25
    less = planned((300_000, 15_000), SHARES, 100_000)
    assert less.total == 100_000 and of(less, FIXED_TOTAL)[-1].share == 0.1
    assert "fixed-total: the synthetic text does not reach for a share of 0.25, 0.5, 0.75, 1" in less.notes


def test_more_tokens_of_a_seed_are_the_same_documents_and_others():
    lengths = np.random.default_rng(3).integers(1, 50, 200)
    few, last = drawn(lengths, 1_000, REAL, 5)
    many, _ = drawn(lengths, 3_000, REAL, 5)
    assert list(many[: len(few)]) == list(few)
    assert lengths[few[:-1]].sum() + last == 1_000 and 0 < last <= lengths[few[-1]]
    assert list(drawn(lengths, 1_000, REAL, 6)[0]) != list(few)
    assert list(drawn(lengths, 1_000, SYNTHETIC, 5)[0]) != list(few)
    assert drawn(lengths, 0, REAL, 5)[0].size == 0
    assert len(drawn(lengths, int(lengths.sum()), REAL, 5)[0]) == 200
    with pytest.raises(ValueError, match="there are"):
        drawn(lengths, int(lengths.sum()) + 1, REAL, 5)


def simulated(rng, seeds, pool=90, held_out=30):
    """An effect of 0 that is a mean over training documents, seen on held-out documents with noise of their own."""
    training = rng.normal(0, 1, pool)
    tokens = rng.integers(50, 400, held_out)
    draws = [training[rng.permutation(pool)[: int(POOL * pool)]].mean() for _ in range(seeds)]
    nats = (np.array(draws)[:, None] + rng.normal(0, 0.5, held_out)) * tokens
    return nats, tokens


def test_intervals_cover_what_both_kinds_of_chance_do():
    rng, covered, naive, n = np.random.default_rng(1), 0, 0, 150
    for seed in range(n):
        nats, tokens = simulated(rng, 5)
        found = estimated(nats, tokens, POOL, seed)
        covered += found.interval[0] <= 0 <= found.interval[1]
        overlapping = estimated(nats, tokens, 0.0, seed)
        naive += overlapping.interval[0] <= 0 <= overlapping.interval[1]
    assert covered / n >= 0.93
    assert naive / n < 0.9


def test_held_out_documents_alone_and_seeds_alone():
    tokens = np.full(50, 100)
    same = np.tile(np.random.default_rng(0).normal(3, 1, 50) * tokens, (5, 1))
    by_documents = estimated(same, tokens, 0.5, 0)
    assert by_documents.interval[1] - by_documents.interval[0] == pytest.approx(2 * 1.96 / math.sqrt(50), rel=0.25)
    by_seeds = estimated(np.array([1.0, 2, 3])[:, None] * tokens, tokens, 0.0, 0)
    assert by_seeds.interval[1] == pytest.approx(2 + 4.302653 / math.sqrt(3))
    assert estimated(same, tokens, 1.0, 0).interval == (-math.inf, math.inf)


def dose(share, effect, half, design=FIXED_TOTAL):
    return Dose(share, design, 0, 0, 5.0, None, effect, (effect - half, effect + half))


def test_the_detectable_share_ends_where_a_larger_one_fails():
    base = Dose(0.0, FIXED_TOTAL, 0, 0, 5.0, None)
    found = [base, dose(0.1, 0.3, 0.1), dose(0.25, 0.1, 0.2), dose(0.5, 0.3, 0.1), dose(1.0, 0.4, 0.1)]
    assert detectable(found) == 0.5
    assert detectable(found[::-1]) == 0.5
    assert detectable([*found[:-1], dose(1.0, 0.4, 0.5)]) is None
    assert detectable([base, dose(0.1, 0.3, 0.1)]) == 0.1
    assert detectable([base, dose(0.1, -0.3, 0.1)]) is None
    assert detectable([base]) is None


def test_kinds():
    total = [dose(0.1, 0.03, 0.02), dose(0.25, 0.1, 0.05), dose(0.5, 0.1, 0.05), dose(0.75, 0.01, 0.002)]
    real = [(0.1, 0.05, 0.02), (0.25, -0.05, 0.02), (0.5, 0.02, 0.025), (0.75, MARGIN / 2, MARGIN / 4)]
    found = kinds_of([*total, *(dose(*r, FIXED_REAL) for r in real)])
    assert found == {"0.1": "harmful", "0.25": "helpful", "0.5": "wasted", "0.75": "unseen"}


def test_a_share_without_real_text_is_as_harmful_as_the_one_below_it():
    worse, harmful, helpful = dose(1.0, 0.5, 0.1), dose(0.5, 0.1, 0.01, FIXED_REAL), dose(0.5, -0.1, 0.01, FIXED_REAL)
    assert kinds_of([worse, harmful])["1.0"] == "harmful"
    assert kinds_of([worse, helpful])["1.0"] == "costly"
    assert kinds_of([dose(1.0, 0.01, 0.1), harmful])["1.0"] == "unseen"
    assert kinds_of([dose(1.0, -0.2, 0.1), helpful])["1.0"] == "helpful"


class Fake:
    """Losses that rise with the share, and differ much between seeds in the same way for all arms."""

    name, unit, sizes = "fake", "word", (30_000, 90_000)
    held_out = np.array([100, 200, 50, 70, 80])

    def measure(self, arms, seeds, rounds, watch):
        rates = np.array([5 + 0.5 * arm.share for arm in arms])[:, None, None] + np.arange(seeds)[:, None]
        later = np.full((len(arms), rounds), np.nan)
        later[1] = 6.0
        return Measured(rates * self.held_out, tuple({"diversity.types": 1.0} for _ in arms), later, ("fakes",))


def test_effects_are_paired_by_seed():
    options = MixOptions(shares=(0.2, 1.0), seeds=3, rounds=2)
    found = respond(Fake(), Texts((), (), (), (), notes=("cut",)), options, unwatched)
    base, fifth, whole = found.of(FIXED_TOTAL)
    assert base.effect_nats is None and base.by_seed == (5.0, 6.0, 7.0)
    assert fifth.effect_nats == pytest.approx(0.1) and whole.effect_nats == pytest.approx(0.5)
    assert fifth.effect_interval == pytest.approx((0.1, 0.1)) and fifth.interval[0] < 4
    assert fifth.by_seed == pytest.approx((0.1, 0.1, 0.1))
    assert fifth.later == (6.0, 6.0) and base.later == () == whole.later
    assert [d.share for d in found.of(FIXED_REAL)] == [0.0, 0.2]
    assert found.detectable == {FIXED_TOTAL: 0.2, FIXED_REAL: 0.2}
    assert (found.held_out_tokens, found.held_out_documents, found.seeds) == (500, 5, 3)
    assert found.notes[0] == "cut" and "fakes" in found.notes and "5 held-out documents" in found.notes[-1]


def test_arms_are_plain_records():
    assert Arm(0.5, FIXED_TOTAL, 1, 1) == Arm(0.5, FIXED_TOTAL, 1, 1)
