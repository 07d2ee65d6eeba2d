"""The levels in their order, on made-up text and populations."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from populations import documents, drawn, population, recursion

from contam import judging, scope, verdict
from contam.placing import UNITS
from contam.profile import Profile, builtin
from contam.result import Level
from contam.verdict import CorpusFacts, Judgement, judge, judge_paired
from contam_metrics.segments import segments_of_texts


def facts(texts: list[str], **given: float) -> CorpusFacts:
    return CorpusFacts(words=sum(len(t.split()) for t in texts), documents=len(texts), **given)


def judged(texts: list[str], profile: Profile, size: int | None = None, **given: float) -> Judgement:
    return judge(segments_of_texts(texts), facts(texts, **given), profile, size)


@pytest.fixture(scope="module")
def hundred() -> Profile:
    return population(100, pairs=60)


@pytest.fixture(scope="module")
def human() -> list[str]:
    return documents(drawn(24_000, 5))


@pytest.fixture(scope="module")
def collapsed() -> list[str]:
    return documents(recursion(drawn(24_000, 6), 5, 7))


def test_text_like_the_references_is_healthy(hundred: Profile, human: list[str]) -> None:
    out = judged(human, hundred)
    assert out.verdict.level is Level.HEALTHY
    assert out.verdict.p_value > 0.05 and out.verdict.score >= 0
    assert "100 human sources at 20,000 words" in out.verdict.reasons[0]
    assert out.reference.sources == 100 and out.reference.matched_tokens == 20_000
    assert "not visible to this test" in out.verdict.detection_floor


def test_a_lost_tail_is_collapsing(hundred: Profile, collapsed: list[str]) -> None:
    out = judged(collapsed, hundred)
    assert out.verdict.level is Level.COLLAPSING
    assert out.verdict.p_value == pytest.approx(1 / 101) and out.verdict.score >= 4
    assert "tail loss" in out.verdict.reasons[0] and "--reference" in out.verdict.advice[0]


def test_fewer_references_allow_less(collapsed: list[str]) -> None:
    assert judged(collapsed, population(98)).verdict.level is Level.AT_RISK
    few = judged(collapsed, population(38)).verdict
    assert few.level is Level.INSUFFICIENT and few.p_value is None
    assert "only 38 references: 39 are needed" in few.reasons[0]


def test_small_corpora(hundred: Profile) -> None:
    ten, five, less = (judged(documents(drawn(n, 8)), hundred).verdict for n in (12_000, 6_000, 3_000))
    assert ten.level is Level.HEALTHY and any("low power" in r for r in ten.reasons)
    assert five.level is Level.INSUFFICIENT and five.p_value > 0.05
    assert any("5,000 words see too little" in r for r in five.reasons)
    assert less.level is Level.INSUFFICIENT and less.p_value is None
    assert "the corpus has 3,000 words and the smallest matched size is 5,000" in less.reasons
    assert "audit at least 20,000 words" in less.advice[0]


def test_five_thousand_words_can_still_raise_an_alarm(hundred: Profile) -> None:
    out = judged(documents(recursion(drawn(7_000, 9), 8, 1)), hundred)
    assert out.reference.matched_tokens == 5_000 and out.verdict.level.severity >= 1


def test_asked_for_size_is_used(hundred: Profile, human: list[str]) -> None:
    assert judged(human, hundred, 10_000).reference.matched_tokens == 10_000


def test_another_language_is_refused_before_a_p_value(hundred: Profile) -> None:
    out = judged(documents(drawn(24_000, 5), letters="vwxyz"), hundred).verdict
    assert out.level is Level.INSUFFICIENT and out.p_value is None
    assert "function words are unlike" in out.reasons[0] and "--reference" in out.advice[0]


def test_tables_and_masked_text_are_refused(hundred: Profile, human: list[str]) -> None:
    table = judged([t.replace(" ", " | 12 ; ") for t in human], hundred).verdict
    assert table.level is Level.INSUFFICIENT and "numbers and signs" in table.reasons[0]
    masked = judged([t.replace(" ", " <unk> ", 10) for t in human], hundred).verdict
    assert masked.level is Level.INSUFFICIENT and "<unk>" in masked.reasons[0]


def test_mostly_copies_is_at_least_at_risk(hundred: Profile, human: list[str]) -> None:
    changed = [f"{t} {i % 5}" for i, t in enumerate(human[:8] * 30)]
    short = judged(changed, hundred).verdict
    assert short.level is Level.AT_RISK and "nearly copies" in short.reasons[0]
    marked = [t.rsplit(" ", 1)[0] + f" end{chr(97 + i)}" for t in human[:70] for i in range(14)]
    reached = judged(marked, hundred, exact_duplicate_share=0.25).verdict
    assert reached.level.severity >= 1
    assert any("nearly copies" in r and "25% of the documents are exact" in r for r in reached.reasons)


def test_exact_copies_count_as_copies(hundred: Profile, human: list[str]) -> None:
    out = judged(human[:20] * 10, hundred, exact_duplicate_share=0.9).verdict
    assert out.level is Level.AT_RISK
    assert any("90% of the text nearly copies" in reason for reason in out.reasons)


@pytest.mark.parametrize(
    ("given", "loops"),
    [
        ({"looped_documents": 5}, True),
        ({"looped_documents": 4}, False),
        ({"looped_documents": 5, "documents": 51}, False),
        ({"looped_documents": 5, "nonletter_share": 0.5}, False),
        ({"looped_documents": 1, "documents": 1, "looped_bytes": 20_000, "bytes": 20_000}, True),
        ({"looped_documents": 1, "documents": 1, "looped_bytes": 2_000, "bytes": 2_000}, False),
        ({"looped_documents": 2, "documents": 10, "looped_bytes": 20_000, "bytes": 90_000}, False),
        ({}, False),
    ],
)
def test_loop_rule(given: dict[str, float], loops: bool) -> None:
    assert CorpusFacts(**{"words": 9_000, "documents": 50} | given).loops is loops


def test_loops_come_first(hundred: Profile, human: list[str]) -> None:
    out = judged(["short text"], hundred, looped_documents=0)
    assert out.verdict.level is Level.INSUFFICIENT
    looping = CorpusFacts(words=2, documents=9, looped_documents=9)
    found = judge(segments_of_texts(["short text"]), looping, hundred).verdict
    assert found.level is Level.COLLAPSING and "9 of 9 documents (100%)" in found.reasons[0]
    both = judged(human, hundred, looped_documents=40).verdict
    assert both.level is Level.COLLAPSING and both.p_value > 0.05


def test_figures_stand_among_the_references(hundred: Profile, human: list[str]) -> None:
    out = judged(human, hundred).signals
    assert set(out) == set(UNITS) - {"tail.type_survival"}
    types = out["diversity.types"]
    known = hundred.column(20_000, "diversity.types")
    assert types.band == pytest.approx(tuple(np.quantile(known, (0.05, 0.5, 0.95))))
    assert types.limits == pytest.approx(tuple(np.quantile(known, (0.01, 0.99))))
    assert types.place == pytest.approx((known < types.value).mean())
    assert types.interval[0] < types.value < types.interval[1]
    assert types.matched_tokens == 20_000 and types.documents > 20
    low = judged(documents(drawn(3_000, 8)), hundred).signals["diversity.types"]
    assert low.value > 0 and low.band is None and low.place is None


def test_z_points_to_collapse(hundred: Profile, collapsed: list[str]) -> None:
    out = judged(collapsed, hundred).signals
    assert out["diversity.types"].z > 2 and out["repetition.seq_rep_4"].direction == "rises"


def test_the_order_of_documents_does_not_matter(hundred: Profile, human: list[str]) -> None:
    shuffled = human[:]
    random.Random(3).shuffle(shuffled)
    assert judged(shuffled, hundred) == judged(human, hundred)


def test_every_source_among_the_others_is_ranked_exactly(hundred: Profile) -> None:
    rows = verdict._values(hundred, 20_000)
    ps = []
    for i, row in enumerate(rows):
        others = hundred.without([f"source {i}"])
        found = judging.Matched(None, replace_values(row), 20_000)  # type: ignore[arg-type]
        ps.append(verdict.rank(found, others).p_value)
    assert sum(p <= 0.05 for p in ps) <= 5 and sum(p <= 0.2 for p in ps) <= 20
    assert np.mean(np.array(ps) <= 0.2) == pytest.approx(0.2, abs=0.01)


def replace_values(row: dict[str, float]) -> object:
    from contam_metrics.signals import Measured

    return Measured(row, {}, np.zeros(1))


def test_program_text_goes_to_the_profile_of_program_text() -> None:
    folder = Path(random.__file__).parent
    modules = ("argparse", "typing", "inspect", "tarfile", "doctest", "subprocess", "pathlib", "datetime")
    texts = [path.read_text() for name in modules if (path := folder / f"{name}.py").exists()]
    out = judge(segments_of_texts(texts), facts(texts))
    assert out.reference.name == "builtin:code"
    assert out.verdict.level in (Level.HEALTHY, Level.AT_RISK)
    assert "judged by the profile code: english cannot vouch for this text (" in out.verdict.reasons[-1]
    only = judge(segments_of_texts(texts), facts(texts), "english").verdict
    assert only.level is Level.INSUFFICIENT and "numbers and signs" in only.reasons[0]


def test_prose_that_shares_passages_does_not_go_to_the_profile_of_program_text() -> None:
    from pydoc_data.topics import topics

    text = " ".join(" ".join(topics.values()).split())
    texts = [text[:250_000], text[3:110_000], text[10:110_007]]
    out = judge(segments_of_texts(texts), facts(texts))
    assert out.reference.name == "builtin:english" and out.verdict.level is Level.INSUFFICIENT
    assert "share passages of 13 words" in out.verdict.reasons[0]
    found = judging.matched(segments_of_texts(texts), builtin("code"), (20_000,), facts(texts).words)
    assert not scope.out_of_scope(found.measured, found.prepared.words, builtin("code"), found.size)


def test_scope_distance_is_hellinger() -> None:
    a, b = np.array([0.25, 0.25]), np.array([[0.25, 0.25], [0.0, 0.0], [0.5, 0.5]])
    expected = [0.0, np.sqrt(1 - np.sqrt(0.5)), np.sqrt(1 - np.sqrt(0.5))]
    assert scope.distances(a, b) == pytest.approx(expected, abs=1e-8)


def paired(trusted: list[str], texts: list[str], profile: Profile, **given: float) -> Judgement:
    return judge_paired(segments_of_texts(texts), segments_of_texts(trusted), facts(texts, **given), profile)


def test_pair_of_one_source_is_healthy(hundred: Profile, human: list[str]) -> None:
    out = paired(documents(drawn(24_000, 11)), human, hundred)
    assert out.verdict.level is Level.HEALTHY and out.reference.paired
    assert out.reference.sources == 60
    assert "no more different from the trusted text than 60 pairs" in out.verdict.reasons[0]
    assert out.signals["tail.type_survival"].value == pytest.approx(1.0, abs=0.15)


def test_pair_with_a_lost_tail_is_collapsing(hundred: Profile, human: list[str], collapsed: list[str]) -> None:
    out = paired(human, collapsed, hundred)
    assert out.verdict.level is Level.COLLAPSING
    assert "tail loss" in out.verdict.reasons[0] and "about 1 in 61 healthy texts" in out.verdict.reasons[-1]
    assert out.signals["tail.type_survival"].value < 0.8
    fewer = paired(human, collapsed, population(100, pairs=58)).verdict
    assert fewer.level is Level.AT_RISK
    few = paired(human, collapsed, population(100, pairs=38)).verdict
    assert few.level is Level.INSUFFICIENT and "fewer than 39 pairs" in few.reasons[0]


def test_pair_that_changed_without_losing_its_tail(hundred: Profile, human: list[str]) -> None:
    rich = documents(drawn(24_000, 12, types=250_000) + 40)
    out = paired(human, rich, hundred).verdict
    assert out.level is Level.AT_RISK and out.score < 1
    assert "cause unknown" in out.reasons[0]


def test_pair_needs_both_sides(hundred: Profile, human: list[str]) -> None:
    small = documents(drawn(3_000, 8))
    out = paired(small, human, hundred).verdict
    assert out.level is Level.INSUFFICIENT and "the trusted text has 3,000 words" in out.reasons[0]
    out = paired(human, small, hundred).verdict
    assert out.level is Level.INSUFFICIENT and "the corpus has 3,000 words" in out.reasons[0]
    low = paired(documents(drawn(12_000, 8)), human, hundred)
    assert low.reference.matched_tokens == 10_000 and "low power" in low.verdict.reasons[-1]


def test_pair_figures_are_placed_around_the_trusted_text(hundred: Profile, human: list[str]) -> None:
    trusted = documents(drawn(24_000, 11))
    out = paired(trusted, human, hundred)
    alone = judged(trusted, hundred).signals["diversity.types"].value
    pairs, column = hundred.sizes[20_000], hundred.columns.index("diversity.types")
    middle = alone + np.median(pairs.second[:, column] - pairs.first[:, column])
    assert out.signals["diversity.types"].band[1] == pytest.approx(middle)


def test_a_profile_without_measured_rates_says_so(hundred: Profile) -> None:
    assert "was not measured for the profile made-up" in verdict.floor(hundred, 20_000)
    rates = {"20000": {"g1": 0.9, "g3": 1.0, "false": 0.05}}
    told = verdict.floor(replace(hundred, rates=rates), 20_000)
    assert "90% of them after one generation, 100% after three" in told and "5.0%" in told


def test_built_in_english_prints_its_own_rates() -> None:
    assert "after one generation" in verdict.floor(builtin(), 20_000)
    assert "after one generation" in verdict.floor(builtin(), 20_000, paired=True)
