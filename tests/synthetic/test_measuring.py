"""What is said of a share, and when nothing is: made-up scores beside made-up null pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contam.errors import UsageError
from contam.synthetic.measuring import DECLARED, LOW, Basis, english_reason, figures_of_share, per_cent
from contam.synthetic.null import NullPairs, NullRow
from contam.synthetic.ranking import exact_bound, pair_of, rank_test
from contam.synthetic.scored import Scored
from contam.synthetic.share import Declared, SyntheticShare
from contam.synthetic.telling import FEW, FEWER, POWER
from contam_metrics.segments import segments_of_texts

TRAINED = {"human": ["novel A", "novel B", "l2r"], "generators": ["l2r: gpt-3.5", "l2r: gpt-4"]}
FOUND = Declared("G", 0.4, (0.2, 0.6), 0.38, 0.9, 0.1, 120, 130)


def scored(scores: np.ndarray, short: int = 0, copies: int = 0, first: int = 0) -> Scored:
    keys = np.arange(first, first + len(scores), dtype=np.uint64)
    return Scored(keys, scores, tuple(f"x:{i}" for i in keys), len(scores) + short + copies, short, copies)


def null(domains: int = 59, sizes: tuple[int, ...] = (100, 200), seed: int = 0) -> NullPairs:
    """Pairs as equal samples give them."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(domains):
        for n in sizes:
            first, second = rng.normal(size=(2, n))
            rows.append(NullRow(f"d{i}", f"f{i % 16}", n, pair_of(first, second), pair_of(second, first)))
    rates = {
        "known": {"alarms": 3, "bounds": 1, "pairs": 57}, "unknown": {"alarms": 2, "bounds": 0, "pairs": 114},
    }  # fmt: skip
    return NullPairs(tuple(rows), rates)


BASIS = Basis(null(), TRAINED)


def sides(share: float = 0.0, count: int = 250, seed: int = 1) -> tuple[Scored, Scored]:
    """(audited, trusted)."""
    rng = np.random.default_rng(seed)
    audited = np.where(rng.random(count) < share, rng.normal(3, 1, count), rng.normal(size=count))
    return scored(audited), scored(rng.normal(size=count), first=10_000)


def told(share: SyntheticShare) -> str:
    return "\n".join(share.sentences)


@pytest.mark.parametrize("order", ["known", "unknown", "random"])
def test_a_large_share_is_found(order):
    found = BASIS.measure(*sides(0.5), order)
    assert found.measured and found.p_value <= 1 / 60 + 1e-12 and 0.2 < found.lower_bound <= 0.6
    assert (found.documents, found.null_pairs, found.null_families) == (200, 59, 16)
    assert "more instruct-like than its trusted text (p = 0.017" in told(found)
    assert f"at least {per_cent(found.lower_bound)} of the documents, if both share source and subject" in told(found)
    assert (found.exact_bound is not None) == (order == "random")
    counted = "3 of 57 pairs)" if order == "known" else "2 of 114 pairs, either half first)"
    assert f"such alarms on human halves: {counted}" in told(found)
    seen = "1 of 57 pairs" if order == "known" else "none of 114 pairs, either half first"
    assert f"a bound on human halves: {seen}" in told(found)


def test_the_figures_are_those_of_the_first_keys():
    audited, trusted = sides(0.3)
    found = BASIS.measure(audited, trusted, "known")
    pair = pair_of(trusted.scores[:200], audited.scores[:200])
    u, r = BASIS.null.values(200, "known")
    assert (found.auc, found.left) == (pair.auc, pair.left) and found.p_value == rank_test(pair.auc, u)
    assert found.limit == np.sort(r)[2] and found.lower_bound == pytest.approx(1 - pair.left / np.sort(r)[2])


@pytest.mark.parametrize(("a", "b", "n"), [(100, 900, 100), (199, 900, 100), (900, 120, 100), (200, 200, 200)])
def test_both_sides_are_cut_to_a_size_of_the_null_pairs(a, b, n):
    audited, trusted = scored(sides(count=a)[0].scores), scored(sides(count=b)[1].scores, first=5000)
    assert BASIS.measure(audited, trusted, "known").documents == n


def test_the_exact_bound_reads_every_document():
    audited, trusted = sides(0.5, count=900)
    found = BASIS.measure(audited, trusted, "random")
    assert found.exact_bound == exact_bound(trusted.scores, audited.scores) > 0
    assert f"at least {per_cent(found.exact_bound)} of all documents, by the exact bound" in told(found)


@pytest.mark.parametrize("order", ["known", "unknown", "random"])
def test_no_difference_is_never_called_absence(order):
    found = BASIS.measure(*sides(0.0), order)
    assert found.measured and found.p_value > 0.05 and found.lower_bound == 0
    text = told(found)
    assert f"no difference found in {order} order" in text and "base models" in text
    assert POWER["known" if order == "known" else "unknown"] in text and FEWER not in text
    assert "clean" not in text and " 0 %" not in text and " 0.0 %" not in text and "at least" not in text.split("\n")[0]


def test_an_alarm_without_a_bound_says_so():
    """More of the audited text lies above the middle, none more above the threshold."""
    rng = np.random.default_rng(3)
    trusted = np.concatenate([rng.normal(size=160), rng.uniform(5, 6, 40)])
    audited = np.concatenate([rng.normal(1.5, 0.3, 160), rng.uniform(5, 6, 40)])
    found = BASIS.measure(scored(rng.permutation(audited)), scored(rng.permutation(trusted), first=999), "known")
    assert found.p_value <= 0.05 and found.lower_bound == 0
    assert "the share is not bounded away from 0" in told(found)


def test_a_bound_counts_beside_an_alarm_only():
    """The upper fifth is fuller, and the rest lower: the rank test sees nothing."""
    rng = np.random.default_rng(4)
    audited = np.concatenate([rng.normal(-1.3, 1, 130), rng.normal(4, 0.2, 70)])
    found = BASIS.measure(scored(rng.permutation(audited)), sides()[1], "known")
    assert found.p_value > 0.05 and found.limit > found.left
    assert found.lower_bound == found.lower_bound_compared == 0.0
    assert "no difference found" in told(found) and "at least" not in told(found)


def test_the_bound_is_of_all_documents():
    audited, trusted = sides(0.9)
    many = replace(audited, documents=600, short=100, copies=250)
    found, plain = BASIS.measure(many, trusted, "random"), BASIS.measure(audited, trusted, "random")
    assert found.lower_bound_compared == plain.lower_bound_compared == plain.lower_bound > 0.5
    assert found.lower_bound == pytest.approx(plain.lower_bound * 250 / 600)
    assert found.exact_bound == pytest.approx(plain.exact_bound * 250 / 600)
    assert found.proven == max(found.lower_bound, found.exact_bound)
    both = f"{per_cent(found.lower_bound_compared)} of the different documents of at least 80 words, which is at least "
    assert f"at least {both}{per_cent(found.lower_bound)} of all, if both share" in told(found)
    assert f"at least {per_cent(found.exact_bound)} of all documents, by the exact bound" in told(found)


def test_a_sample_is_called_one():
    audited, trusted = sides(0.9)
    part = replace(audited, documents=6_000, short=1_000, copies=150, sampled=True)
    found = BASIS.measure(part, trusted, "known")
    assert found.lower_bound == pytest.approx(found.lower_bound_compared * (5 / 6) * (250 / 400))
    assert "% of all (by a sample of 400), if" in told(found)
    assert "of 6,000 audited documents: 1,000 under 80 words, of a sample of 400 of the others 150 that" in told(found)
    assert "of 250 trusted documents: 0 under 80 words, 0 that begin as another" in told(found)


def test_few_documents_find_less_and_it_is_said():
    audited, trusted = sides(0.0)
    assert FEWER in told(BASIS.measure(scored(audited.scores[:120]), trusted, "known"))


def test_without_trusted_text_nothing_is_told():
    found = BASIS.measure(sides(1.0)[0], None, "unknown")
    assert not found.measured and found.lower_bound is None and found.p_value is None
    assert "no trusted text of this source" in found.reason and found.sentences[0].startswith("share: not measured (")
    assert set(found.excluded) == {"audited"} and found.trained_on == TRAINED


def test_text_that_the_score_cannot_read_is_withheld():
    found = BASIS.measure(*sides(0.5), "known", strange="it is Dutch")
    assert not found.measured and found.reason == "it is Dutch" and found.lower_bound is None


@pytest.mark.parametrize("side", [0, 1])
def test_too_few_documents_are_withheld(side):
    both = list(sides(0.5))
    both[side] = scored(both[side].scores[:99], first=10_000 * side)
    found = BASIS.measure(*both, "known")
    assert not found.measured and "99 different documents" in found.reason
    assert ("the trusted text" in found.reason) == bool(side)


@pytest.mark.parametrize("side", [0, 1])
def test_mostly_short_documents_are_withheld(side):
    both = list(sides(0.5))
    first = 10_000 * side
    both[side] = scored(both[side].scores, short=251, first=first)
    found = BASIS.measure(*both, "known")
    assert not found.measured and "fewer than 80 words" in found.reason
    both[side] = scored(both[side].scores, short=250, first=first)
    assert BASIS.measure(*both, "known").measured


def test_too_few_null_pairs_are_withheld():
    found = Basis(null(38), TRAINED).measure(*sides(0.5), "known")
    assert not found.measured and "fewer than 39 pairs" in found.reason
    assert Basis(null(39), TRAINED).measure(*sides(0.5), "known").measured


def test_an_unknown_order_is_refused():
    with pytest.raises(UsageError, match="known, unknown, random"):
        BASIS.measure(*sides(), "later")


def test_what_it_rests_on_is_always_listed():
    audited, trusted = sides(0.5)
    audited = replace(audited, documents=300, short=40, copies=10)
    text = told(BASIS.measure(audited, trusted, "known"))
    assert "200 documents of each side, beside 59 pairs of halves of human sources of 16 families" in text
    assert "of 300 audited documents: 40 under 80 words, 10 that begin as another" in text
    assert "human text (novel (2), l2r)" in text and "models (l2r: gpt-3.5, l2r: gpt-4)" in text


def test_documents_of_both_sides_are_not_audited():
    audited, trusted = sides(0.5)
    shared = replace(trusted, keys=np.concatenate([audited.keys[:30], trusted.keys[30:]]))
    found = BASIS.measure(audited, shared, "known")
    assert found.auc == pair_of(shared.scores[:200], audited.scores[30:230]).auc
    assert told(found).count("30 that are in the trusted text") == 1 and "both sides" not in told(found)
    assert found.excluded["audited"] == {"short": 0, "copies": 0, "shared": 30, "of": 250, "looked_at": 250}
    assert found.lower_bound == pytest.approx(found.lower_bound_compared * 220 / 250)


def test_trusted_text_beside_itself_is_withheld():
    audited, _ = sides(0.5)
    found = BASIS.measure(audited, audited, "known")
    assert not found.measured and "every document of the text is in the trusted text" in found.reason
    some = replace(audited, keys=np.concatenate([audited.keys[:200], audited.keys[200:] + np.uint64(999)]))
    found = BASIS.measure(some, audited, "known")
    assert not found.measured and "50 different documents of at least 80 words that are not in the" in found.reason


def test_all_equal_scores_are_no_difference():
    same = np.full(200, 0.25)
    found = BASIS.measure(scored(same), scored(same, first=999), "random")
    assert (found.auc, found.left) == (0.5, 1.25) and found.p_value > 0.05 and found.proven == 0.0


def test_false_alarms_are_as_rare_as_told():
    """Equal sides, 400 draws: the rank test at its level, the bound as well."""
    alarms = bounds = 0
    for seed in range(400):
        found = BASIS.measure(*sides(0.0, seed=1000 + seed), "known")
        alarms, bounds = alarms + (found.p_value <= 0.05), bounds + (found.lower_bound > 0)
    assert alarms <= 40 and bounds <= 40


TABLE = (Path(__file__).parents[2] / "docs" / "share.md").read_text(encoding="utf-8")


def column(heading: str, name: str) -> dict[str, float]:
    """A column of a table of the page, by group."""
    rows = TABLE.split(f"### {heading}\n")[1].split("###")[0].strip().splitlines()
    place = [cell.strip() for cell in rows[0].split("|")].index(name)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows[2:] if row.startswith("|")]
    return {row[1]: float(row[place].split()[0]) for row in cells}


def test_the_words_for_what_is_found_are_those_of_the_tables():
    half, quarter, tenth = (column("Found, known order", f"found at {x}%") for x in (50, 25, 10))
    seen = "instruct", "rewrite", "essay"
    assert "50 % would have been found in nearly all" in POWER["known"] and min(half[g] for g in seen) >= 0.9
    assert "25 % in most where models wrote or continued" in POWER["known"] and quarter["instruct"] >= 0.7
    assert "about half of rewrites and essays" in POWER["known"]
    assert all(0.4 <= quarter[g] <= 0.6 for g in ("rewrite", "essay"))
    assert "10 % not" in POWER["known"] and max(tenth[g] for g in seen) <= 0.15
    half, quarter, tenth = (column("Found, unknown order", f"found at {x}%") for x in (50, 25, 10))
    assert "50 % would have been found in most" in POWER["unknown"] and min(half[g] for g in seen) >= 0.7
    assert "25 % in about a third" in POWER["unknown"] and all(0.2 <= quarter[g] <= 0.45 for g in seen)
    assert "10 % not" in POWER["unknown"] and max(tenth[g] for g in seen) <= 0.15


def test_few_documents_are_those_with_which_less_is_found():
    sizes = {n: column("A quarter, by the number of documents", f"n = {n}") for n in (100, FEW, 150, 175, 200)}
    for group in ("instruct", "rewrite", "essay"):
        others = [sizes[n][group] for n in sizes if n >= FEW]
        assert sizes[100][group] < 0.85 * np.mean(others) and min(others) > 0.85 * np.mean(others)


def test_bounds_are_written_down_not_up():
    assert per_cent(0.30556) == "30.5 %" and per_cent(0.9999) == "99.9 %" and per_cent(1.0) == "100.0 %"


def test_the_declared_estimate_is_told_beside():
    found = BASIS.measure(sides()[0], None, "unknown", declared=FOUND)
    assert "about 40 % (20 to 60 %, approximate, if the generator is G); a second estimate 38 %" in told(found)
    refused = Declared("G", None, None, None, None, None, 20, 130, reason="20 labelled human documents")
    assert "declared share: not measured (20 labelled" in told(BASIS.measure(*sides(), "known", declared=refused))
    nothing = replace(FOUND, estimate=0.0, interval=(0.0, 0.1), emq=None)
    assert "declared share: none found (0 to 10 %" in told(BASIS.measure(*sides(), "known", declared=nothing))


def test_figures_for_the_rules():
    assert figures_of_share(None) == {}
    withheld = figures_of_share(BASIS.measure(sides()[0], None, "unknown"))
    assert set(withheld) == {LOW} and withheld[LOW].value is None and "no trusted text" in withheld[LOW].reason
    found = BASIS.measure(*sides(0.5), "known", declared=FOUND)
    figures = figures_of_share(found)
    assert figures[LOW].value == found.lower_bound and figures[DECLARED].interval == (0.2, 0.6)


DUTCH = (
    "Het was de eerste keer dat hij sinds de oorlog in het huis was geweest en hij wist niet wat hij haar moest zeggen "
    "Ze woonde er al jaren met haar broer, maar geen van hen wilde erover praten toen ze elkaar weer zagen. "
)


def prose(sentences: str, documents: int = 150) -> list[str]:
    """Documents that are no near copies: the words of a text in random order keep its function words."""
    rng = np.random.default_rng(0)
    words = np.array(sentences.split())
    return [" ".join(rng.choice(words, 60)) for _ in range(documents)]


def test_english_is_told_from_other_languages():
    from contam.models.texts import load_validation

    assert english_reason(segments_of_texts(load_validation("pydoc").documents)) is None
    assert "unlike those of English" in english_reason(segments_of_texts(prose(DUTCH)))
    assert "too few words" in english_reason(segments_of_texts([DUTCH]), "the trusted text")
