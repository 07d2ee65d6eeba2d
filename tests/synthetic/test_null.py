"""Null pairs: which rows are compared with what, and that the file comes back as it was."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from contam.errors import InputError, UsageError
from contam.synthetic.null import FOLDER, LEAST_PAIRS, NullPairs, NullRow
from contam.synthetic.ranking import Pair


def made(domains: int = 40, sizes: tuple[int, ...] = (100, 200), seed: int = 0) -> NullPairs:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(domains):
        for n in sizes:
            first, second = (Pair(float(rng.normal(0.5, 0.05)), float(rng.normal(1, 0.05))) for _ in range(2))
            rows.append(NullRow(f"domain {i}", f"family {i % 16}", n, first, second))
    rates = {"known": {"alarms": 2, "bounds": 1, "pairs": 40}, "unknown": {"alarms": 1, "bounds": 0, "pairs": 80}}
    return NullPairs(tuple(rows), rates, "abc", {"made": "by hand"})


def test_known_order_has_the_first_figures():
    pairs = made()
    u, r = pairs.values(100, "known")
    rows = pairs.at(100)
    assert u.tolist() == [row.first.auc for row in rows] and r.tolist() == [row.first.left for row in rows]
    assert len(u) == 40


@pytest.mark.parametrize("order", ["unknown", "random"])
def test_unknown_order_has_the_worse_of_both_figure_by_figure(order):
    row = NullRow("d", "f", 100, Pair(0.4, 0.8), Pair(0.6, 0.9))
    u, r = NullPairs((row,)).values(100, order)
    assert u.tolist() == [0.6] and r.tolist() == [0.8]


def test_unknown_order_is_never_the_bolder():
    pairs = made()
    (u, r), (worse_u, worse_r) = pairs.values(200, "known"), pairs.values(200, "unknown")
    assert (worse_u >= u).all() and (worse_r <= r).all()


def test_an_order_that_is_not_known_is_refused():
    with pytest.raises(UsageError, match="known, unknown, random"):
        made().values(100, "later")


@pytest.mark.parametrize(("n", "size"), [(99, None), (100, 100), (199, 100), (200, 200), (5000, 200)])
def test_the_largest_size_that_is_reached(n, size):
    assert made().size_for(n) == size


def test_a_size_with_too_few_domains_is_passed_over():
    pairs = made()
    few = NullPairs(tuple(row for row in pairs.rows if row.n == 100 or int(row.domain[7:]) < 38))
    assert few.size_for(200) == 100
    assert made(38).size_for(200) is None


def test_families_and_leaving_some_out():
    pairs = made()
    assert len(pairs.families(100)) == 16
    left = pairs.without("family 0", "family 3")
    assert len(left.families(100)) == 14 and not left.rates
    assert {row.family for row in left.rows}.isdisjoint({"family 0", "family 3"})


def test_rates_of_a_random_block_are_those_of_unknown_order():
    pairs = made()
    assert pairs.counted("known", "alarms") == (2, 40)
    assert pairs.counted("random", "alarms") == pairs.counted("unknown", "alarms") == (1, 80)
    assert NullPairs(()).counted("known", "bounds") is None


def test_the_file_comes_back(tmp_path):
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps(made().to_dict()))
    assert NullPairs.read(path) == made()


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"format": 1, "rows": []}', '{"format": 2, "rows": [{}]}'])
def test_a_damaged_file_is_told(tmp_path, text):
    path = tmp_path / "pairs.json"
    path.write_text(text)
    with pytest.raises(InputError, match="no null pairs"):
        NullPairs.read(path)
    with pytest.raises(InputError, match="cannot read"):
        NullPairs.read(tmp_path / "none.json")


def test_the_built_in_pairs_are_those_of_the_built_in_score():
    pairs = NullPairs.load()
    score = FOLDER / "english.npz"
    assert pairs.score_digest == hashlib.sha256(score.read_bytes()).hexdigest()[:16]
    for n in (100, 125, 150, 175, 200):
        rows = pairs.at(n)
        assert len(rows) >= LEAST_PAIRS and len(pairs.families(n)) >= 15
        largest = max(sum(row.family == family for row in rows) for family in pairs.families(n))
        assert 3 * largest <= len(rows) and len({row.domain for row in rows}) == len(rows)
    for order in ("known", "unknown"):
        for what in ("alarms", "bounds"):
            count, of = pairs.counted(order, what)
            assert of == len(pairs.at(100)) * (1 if order == "known" else 2) and 0 <= count <= 0.08 * of
