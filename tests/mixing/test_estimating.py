"""An estimate as a whole: what is compared, what is withheld, and that an audit finds the same."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from examples import NASTY
from salads import dutch, passages, salads

from contam.auditing import audit
from contam.errors import InputError, UsageError
from contam.mixing.columns import write_scores
from contam.mixing.estimating import estimate
from contam.mixing.page import banner_of
from contam.mixing.result import Mix
from contam.reports import render
from contam.synthetic.ranking import pair_of
from contam.synthetic.score import Score
from contam.synthetic.scored import Scored
from contam.synthetic.share import Declared, SyntheticShare

LOW, HIGH = passages()[:130], passages()[-130:]


def texts(*parts) -> dict[str, list[str]]:
    return {"text": [text for part in parts for text in part]}


@cache
def found() -> Mix:
    """The passages with the highest scores beside those with the lowest, some of both twice, some short."""
    short = [f"Too short {i}" for i in range(40)]
    return estimate(texts(HIGH, HIGH[:30], short), texts(LOW), order="known", regime="reused", generations=3)


def test_the_bound_is_of_all_documents_and_that_is_what_is_told():
    share = found().synthetic_share
    assert share.alarmed and share.documents == 125 and 0.9 < share.lower_bound_compared < 1
    assert share.lower_bound == pytest.approx(share.lower_bound_compared * 130 / 200)
    assert "of the different documents of at least 80 words, which is at least" in share.sentences[1]
    rules = {rule.id: rule for rule in found().rules}
    assert rules["SYN001"].status == "warn" and rules["SYN001"].value == share.lower_bound
    told = str(banner_of(found()))
    assert "64.2 % of the documents" in told and told.count("instruct models") == 1


def test_what_was_compared_is_what_was_ranked():
    share, pair = found().synthetic_share, found().compared
    assert len(pair["audited"]) == len(pair["trusted"]) == share.documents == 125
    again = pair_of(np.array(pair["trusted"]), np.array(pair["audited"]))
    assert (again.auc, again.left) == (share.auc, share.left)


def test_a_forecast_is_of_the_bound_of_all_documents():
    ahead, share = found().forecast, found().synthetic_share
    assert ahead.share == share.lower_bound and ahead.share_is == "lower bound" and ahead.regime == "reused"
    calm = estimate(texts(salads(130, 1)), texts(salads(130, 2)), regime="reused")
    assert calm.forecast is None and calm.synthetic_share.lower_bound == 0.0 and calm.verdict is None


def same(audited: dict, trusted: dict, order: str = "known") -> tuple[SyntheticShare, SyntheticShare]:
    """By `estimate` and by `audit`."""
    return (
        estimate(audited, trusted, order=order).synthetic_share,
        audit(audited, reference=trusted, order=order).synthetic_share,
    )


@pytest.mark.parametrize("order", ["known", "unknown", "random"])
def test_an_audit_finds_the_same(order):
    short = [f"Too short {i}" for i in range(90)]
    alike = [f"{text} and another end {i}" for i, text in enumerate(HIGH[:20])]
    one, other = same(texts(HIGH, HIGH, alike, short, LOW[:7]), texts(LOW, short[:50], LOW[:9]), order)
    assert one.measured and one == other
    assert one.excluded["audited"] == {"short": 90, "copies": 150, "shared": 7, "of": 377, "looked_at": 287}


@pytest.mark.parametrize(("copies", "short", "shared"), [(1, 0, 0), (4, 0, 30), (2, 2_000, 0)])
def test_an_audit_of_a_sample_finds_the_same(copies, short, shared):
    """Neither copies nor short documents nor those of the trusted text take the places of others."""
    audited, trusted = salads(1_250, 1), salads(220, 2)
    given = texts(audited * copies, [f"Too short {i}" for i in range(short)], trusted[:shared])
    one, other = same(given, texts(trusted))
    figures = ("auc", "left", "limit", "p_value", "documents", "lower_bound", "measured", "reason")
    assert [getattr(one, name) for name in figures] == [getattr(other, name) for name in figures]
    excluded = other.excluded["audited"]
    assert excluded["looked_at"] < one.excluded["audited"]["looked_at"] and excluded["short"] == short
    if one.measured:
        assert "of a sample of " in " ".join(other.sentences) and "of a sample" not in " ".join(one.sentences)
        assert one.documents == 200


def test_a_bound_of_a_sample_is_that_of_all_documents():
    """1,250 documents that score high, each twice, beside others that score low."""
    pool = np.array(salads(2_600, 3))
    pool = pool[np.argsort(Score.load().of_texts(pool.tolist()), kind="stable")]
    one, other = same(texts(pool[-1_250:].tolist() * 2), texts(pool[:250].tolist()))
    assert one.lower_bound == pytest.approx(other.lower_bound, rel=0.02) and one.lower_bound > 0.4
    assert one.lower_bound_compared == other.lower_bound_compared > 0.9
    assert "(by a sample of 2,000)" in " ".join(other.sentences)


def test_text_of_another_language_is_withheld_on_either_side():
    english = texts(salads(120, 1))
    audited = estimate(texts(dutch()), english).synthetic_share
    assert not audited.measured and audited.reason.startswith("the function words of the text are unlike")
    trusted = estimate(english, texts(dutch()))
    assert "of the trusted text are unlike those of English" in trusted.synthetic_share.reason
    assert trusted.compared == {} and trusted.exit_code() == 2


@pytest.mark.parametrize("kind", ["human", "machine"])
def test_labelled_text_of_another_language_is_withheld(kind):
    labelled = {"human": texts(LOW), "machine": texts(HIGH)} | {kind: texts(dutch())}
    share = estimate(texts(salads(120, 1)), generator="G", **labelled).synthetic_share
    assert share.declared.estimate is None and f"the labelled {kind} text" in share.declared.reason


def test_the_same_text_is_refused(tmp_path):
    with pytest.raises(InputError, match="the trusted text is the audited text"):
        estimate(texts(LOW), texts(reversed(LOW), LOW[:5]))
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_text("".join(json.dumps({"text": text}) + "\n" for text in LOW))
    with pytest.raises(InputError, match="the trusted text is the audited text"):
        estimate(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"))


def test_text_that_is_all_trusted_is_withheld():
    for share in (
        *same(texts(LOW[:110]), texts(LOW)), audit(texts(LOW), reference=texts(LOW)).synthetic_share
    ):  # fmt: skip
        assert not share.measured and "every document of the text is in the trusted text too" in share.reason


def test_without_trusted_text_labelled_text_is_told():
    rng = np.random.default_rng(5)
    human, machine, mixed = (list(rng.permutation(part)) for part in (passages()[:420], passages()[-420:], []))
    mixed = human[200:] + machine[200:]
    result = estimate(
        texts(mixed), human=texts(human[:200], mixed[:20]), machine=texts(machine[:200]), generator="Gerd"
    )
    share = result.synthetic_share
    assert not share.measured and share.declared.estimate == pytest.approx(0.5, abs=0.05)
    assert (share.declared.human, share.declared.machine, share.declared.shared) == (200, 200, 20)
    assert "20 labelled documents that are in the text were left out" in " ".join(share.sentences)
    assert result.level.value == "at_risk" and result.exit_code() == 0
    told = " ".join(render(result, "rich").split())
    assert "are by Gerd, if that is what wrote them" in told
    few = estimate(texts(mixed[:60]), human=texts(human[:99]), machine=texts(machine[:200]), generator="Gerd")
    assert few.exit_code() == 2 and "99 labelled human documents" in few.synthetic_share.declared.reason


def test_a_banner_names_an_estimate_from_labelled_text_that_is_no_alarm():
    declared = Declared("Gerd", 0.04, (0.0, 0.09), 0.03, 0.9, 0.1, 200, 200)
    share = SyntheticShare(False, "known", reason="no trusted text", declared=declared)
    told = render(replace(found(), synthetic_share=share, verdict=None, forecast=None), "markdown")
    assert "about 4 % (0 % to 9 %) from labelled text, if the generator is Gerd" in " ".join(told.split())


def test_a_language_model_scores_the_documents_that_were_compared():
    audited, trusted = salads(120, 1), salads(110, 2)
    result = estimate(texts(audited, trusted[:9]), texts(trusted), model="tiny", device="cpu")
    scored = [one for one in result.documents if one.detection]
    assert result.synthetic_share.documents == len(scored) == 100
    assert sorted(one.score for one in scored) == sorted(result.compared["audited"])
    assert all(set(one.detection) == {"fast_detect_gpt"} for one in scored)


@pytest.mark.parametrize(("bound", "exact", "limit", "code"), [
    (0.30, None, 0.25, 1), (0.30, None, 0.30, 0), (0.30, None, 0.0, 1), (0.0, None, 0.0, 0), (1.0, None, 1.0, 0),
    (0.10, 0.40, 0.30, 1), (0.40, 0.10, 0.30, 1), (None, None, 0.0, 0),
])  # fmt: skip
def test_the_larger_bound_counts_for_the_limit(bound, exact, limit, code):
    share = replace(found().synthetic_share, lower_bound=bound, exact_bound=exact)
    result = replace(found(), synthetic_share=share, limits={"share": limit}, verdict=None)
    assert result.exit_code() == code
    proven = "more than the limit" in " ".join(render(result, "markdown").split())
    assert proven == bool(code)


@pytest.mark.parametrize(("limit", "told"), [(0.1, True), (0.49, True), (0.5, False), (None, False)])
def test_a_limit_that_is_rarely_proven_is_remarked_on(limit, told):
    from contam.mixing.estimating import estimated
    from contam.mixing.options import EstimateOptions

    result = estimated(texts(LOW[:100]), EstimateOptions(texts(LOW[20:])), limit=limit)
    assert any("--max-share" in note for note in result.notes) == told


def test_equal_scores_are_kept_in_the_order_of_their_keys(tmp_path):
    scored = Scored(np.arange(6, dtype=np.uint64), np.zeros(6), tuple(f"x:{i}" for i in range(6)), 6, 0, 0)
    write_scores(tmp_path / "s.jsonl", scored, scored)
    rows = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [row["line"] for row in rows] == list(range(6)) and {row["percentile"] for row in rows} == {50.0}


def test_a_corpus_of_one_document_many_times_is_withheld():
    result = estimate(texts(salads(1, 1) * 400, salads(60, 3)), texts(LOW))
    assert "the text has 61 different documents" in result.synthetic_share.reason and result.exit_code() == 2


@pytest.mark.parametrize("form", ["rich", "markdown", "html"])
def test_hostile_names_and_texts_are_shown_not_obeyed(tmp_path, form):
    path = tmp_path / f"a\x1b[31m{NASTY.replace('/', '_').replace(chr(0), '')[:60]}.jsonl"
    path.write_text("".join(json.dumps({"text": f"{NASTY} {text}"}) + "\n" for text in HIGH[:105]))
    text = render(estimate(str(path), texts(LOW)), form)
    assert "\x1b[31m" not in text and "\x07" not in text and ("<script>alert" not in text or form != "html")


def test_every_field_of_the_json_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text(encoding="utf-8")
    section = page.split("### synthetic_share")[1].split("\n## ")[0]
    share = found().to_dict()["synthetic_share"]
    names = {*share, *share["excluded"]["audited"], *(field.name for field in fields(Declared))}
    assert [name for name in names if f"`{name}`" not in section] == []
    assert page.count("| `lower_bound`") == 1


def test_nothing_depends_on_workers_or_on_the_order_of_documents():
    again = estimate(texts(reversed(HIGH), HIGH[:30], [f"Too short {i}" for i in range(40)]), texts(LOW),
                     order="known", workers=1)  # fmt: skip
    assert again.synthetic_share == found().synthetic_share and again.compared == found().compared


def test_options_that_are_none_are_refused():
    with pytest.raises(UsageError, match="'regimen' is no option of an estimate"):
        estimate(texts(LOW), regimen="fresh")
    with pytest.raises(UsageError, match="--human goes with --machine"):
        estimate(texts(LOW), human=texts(LOW))
