"""Parts, noise and changes: what a change has to exceed, and that the size of a corpus does not decide."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from populations import documents, drawn
from scipy import stats

from contam.baseline.changes import moved, signals, since
from contam.baseline.measuring import Samples, at_size, deviation_of, divided, held_of
from contam.baseline.noise import PRIOR, noise_of, prior_of, widening
from contam.baseline.record import Baseline, Held, Parts
from contam.gate.policy import LEAST_EFFECT
from contam.judging import matched
from contam.profile import builtin
from contam.result import Figure
from contam_metrics.segments import Segments, segments_of_texts

SIZE = 5_000


@cache
def segments(words: int, seed: int, types: int = 30_000) -> Segments:
    return segments_of_texts(documents(drawn(words, seed, types)))


def test_parts_share_no_document_and_lose_none() -> None:
    whole = segments(60_000, 0)
    parts = divided(whole, 7)
    owners = [set(part.docs.tolist()) for part in parts]
    assert set().union(*owners) == set(whole.docs.tolist()) and sum(map(len, owners)) == len(set(whole.docs.tolist()))
    assert sum(part.words for part in parts) == whole.words
    assert max(p.words for p in parts) - min(p.words for p in parts) <= 600
    assert all((np.diff(part.keys.astype(object)) > 0).all() for part in parts)


def test_parts_do_not_depend_on_how_segments_came() -> None:
    texts = documents(drawn(20_000, 3))
    one, other = divided(segments_of_texts(texts), 3), divided(segments_of_texts(texts[::-1]), 3)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a.keys, b.keys)


@pytest.mark.parametrize(
    ("words", "least", "most"), [(4_000, None, None), (6_000, 0, 0), (30_000, 3, 5), (90_000, 12, 12)]
)
def test_as_many_parts_as_the_text_allows(words: int, least: int | None, most: int | None) -> None:
    found = at_size(Samples.of(segments(words, 1)), builtin(), SIZE)
    if least is None:
        assert found is None
    else:
        assert found is not None and least <= len(found.parts) <= (most or 0)


@cache
def baseline(words: int = 90_000) -> Baseline:
    parts = at_size(Samples.of(segments(words, 1)), builtin(), SIZE)
    assert parts is not None
    return Baseline({"profile": "english", "documents": 300, "words": words}, {SIZE: parts}, {})


def values(found: Segments) -> dict[str, float]:
    return dict(matched(found, builtin(), (SIZE,), found.words, spread=False).measured.values)


def test_a_corpus_beside_its_own_baseline_has_changed_by_nothing() -> None:
    changes = since(baseline(), values(segments(90_000, 1)), SIZE, {}, builtin()).changes
    assert len(changes) > 10 and {m.difference for m in changes.values()} == {0.0}
    assert {m.effect for m in changes.values()} == {0.0} and not any(m.beyond for m in changes.values())


def test_other_text_of_the_same_source_is_within_the_noise() -> None:
    for seed in (11, 12, 13):
        changes = since(baseline(), values(segments(90_000, seed)), SIZE, {}, builtin()).changes
        assert not [key for key, m in changes.items() if m.beyond]


def test_a_lost_tail_is_beyond_it_and_toward_collapse() -> None:
    found = since(baseline(), values(segments(90_000, 5, types=600)), SIZE, {}, builtin())
    types = found.changes["diversity.types"]
    assert types.beyond and types.toward_collapse and types.effect is not None and types.effect < -LEAST_EFFECT
    assert found.matched_tokens == SIZE and found.parts == 12


def test_a_larger_corpus_does_not_make_a_small_difference_a_change() -> None:
    """A p-value would, sooner or later: the vocabulary is smaller by a tenth, whatever the size of the corpus."""
    for words in (90_000, 220_000):
        there = baseline(words).sizes[SIZE]
        noise = dict(zip(there.columns, noise_of(there, builtin()).deviations.tolist()))
        small = dict(zip(there.columns, noise_of(baseline(90_000).sizes[SIZE], builtin()).deviations.tolist()))
        assert 0.6 < noise["diversity.types"] / small["diversity.types"] < 1.6
        changes = since(baseline(words), values(segments(words, 21, types=27_000)), SIZE, {}, builtin()).changes
        assert not changes["diversity.types"].beyond and not changes["tail.hapax_share"].beyond


def test_the_noise_is_the_parts_shrunk_toward_halves_of_human_sources() -> None:
    parts, profile = baseline().sizes[SIZE], builtin()
    i = parts.columns.index("diversity.types")
    own, prior = np.var(parts.parts[:, i], ddof=1), prior_of(parts, profile)[i]
    expected = math.sqrt(2 * (11 * own + PRIOR * prior) / (11 + PRIOR)) * widening(11 + PRIOR)
    assert noise_of(parts, profile).deviations[i] == pytest.approx(expected)
    alone = math.sqrt(2 * own) * widening(11)
    assert noise_of(parts, None).deviations[i] == pytest.approx(alone)


def test_few_parts_widen_as_students_t_does() -> None:
    for freedom in (3, 11, 30):
        expected = stats.t.ppf(stats.norm.cdf(LEAST_EFFECT), freedom) / LEAST_EFFECT
        assert widening(freedom) == pytest.approx(expected, rel=1e-6)


def test_without_parts_halves_of_human_sources_tell_and_it_says_so() -> None:
    none = np.empty((0, 2))
    parts = Parts(SIZE, ("diversity.types", "text.unknown"), np.array([1500.0, 1.0]), none, none)
    noise = noise_of(parts, builtin())
    assert noise.deviations[0] > 0 and math.isnan(noise.deviations[1])
    assert "halves of human sources" in (noise.reason or "")
    assert np.isnan(noise_of(parts, None).deviations).all()


def test_another_size_is_not_compared_and_the_reason_is_told() -> None:
    found = since(baseline(), {"diversity.types": 1.0}, 20_000, {}, builtin())
    assert found.changes == {} and found.matched_tokens is None and "20,000" in (found.reason or "")
    assert "no size" in (since(baseline(), {}, None, {}, None).reason or "")


def test_what_does_not_vary_has_no_effect_but_its_change_is_told() -> None:
    parts = Parts(SIZE, ("duplicates.cross_13",), np.array([0.0]), np.zeros((4, 1)), np.empty((0, 1)))
    found = dict(signals(parts, {"duplicates.cross_13": 0.2}, None))["duplicates.cross_13"]
    assert (found.difference, found.noise, found.effect, found.beyond) == (0.2, None, None, False) and found.reason


def test_figures_of_the_whole_corpus_are_never_beyond_by_themselves() -> None:
    base = Baseline({"profile": "english"}, {}, {"duplicates.exact": Held(0.0, 0.001)})
    now = {"duplicates.exact": Figure(0.3, "share", "duplicates", "rises", documents=1_000)}
    found = since(base, {}, None, now, None).changes["duplicates.exact"]
    assert found.effect is not None and found.effect > 10 and not found.beyond and found.toward_collapse


def test_deviation_of_a_share_is_its_intervals_or_that_of_coins_and_never_nothing() -> None:
    share = Figure(0.2, "share", "duplicates", documents=400)
    assert deviation_of(share) == pytest.approx(0.02)
    assert deviation_of(Figure(0.0, "share", "x", documents=400, interval=(0.0, 0.0))) == pytest.approx(1 / 400)
    assert deviation_of(Figure(0.2, "share", "x", documents=400, interval=(0.1, 0.3))) == pytest.approx(0.051, rel=1e-2)
    assert deviation_of(Figure(0.2, "share", "x")) is None
    assert held_of({"duplicates.exact": share, "diversity.types": share}) == {"duplicates.exact": Held(0.2, 0.02)}


def test_the_side_of_a_change() -> None:
    assert moved(10.0, 8.0, 1.0, "falls").toward_collapse is True
    assert moved(10.0, 8.0, 1.0, "rises").toward_collapse is False
    assert moved(10.0, 8.0, 1.0, "both").toward_collapse is None
    assert moved(10.0, 10.0000001, 1.0, "falls").difference == 0.0


def test_of_few_documents_as_much_is_expected_as_of_few_of_the_baselines() -> None:
    few = np.array([[900.0], [1_100.0]])
    parts = Parts(SIZE, ("diversity.types",), np.array([2_000.0]), np.empty((0, 1)), few, 0.1, 0.9)
    assert [parts.expected(words)[0] for words in (None, 50_000, 500_000)] == [2_000.0] * 3
    assert parts.expected(10_000)[0] == pytest.approx(1_500.0)  # half of the text: halfway from .1 to .9
    assert parts.expected(5_000)[0] == parts.expected(5_500)[0] == pytest.approx(1_000.0)
    alone = Parts(SIZE, parts.columns, parts.whole, parts.parts, np.empty((0, 1)), 0.1, 0.9)
    assert alone.expected(5_000)[0] == 2_000.0


def test_long_documents_of_their_own_words_are_expected_to_have_fewer_types() -> None:
    """Every document uses 1,500 of 30,000 words: 5,000 words of a few documents have fewer types than 5,000 of many."""
    rng = np.random.default_rng(0)
    texts = [documents(drawn(2_000, i, 1_500) + int(rng.integers(25_000)), 2_000)[0] for i in range(40)]
    parts = at_size(Samples.of(segments_of_texts(texts)), builtin(), SIZE)
    assert parts is not None and len(parts.few) == 12
    i = parts.columns.index("diversity.types")
    low, high = parts.expected(SIZE)[i], parts.expected(None)[i]
    fresh = [documents(drawn(2_000, 100 + i, 1_500) + int(rng.integers(25_000)), 2_000)[0] for i in range(3)]
    found = values(segments_of_texts(fresh))["diversity.types"]
    assert low < 0.8 * high and abs(found - low) < abs(found - high)
