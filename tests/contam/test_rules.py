"""The rule table, and rules applied to figures made by hand."""

from __future__ import annotations

import pytest
from examples import figure, make_audit, nasty_audit, signals, whole

from contam.errors import UsageError
from contam.explaining import human_rate
from contam.result import Figure
from contam.rules import RULES, apply_rules, failing, find_rule

CONTRACT = {
    *(f"DIV00{i}" for i in range(1, 8)),
    *(f"REP00{i}" for i in range(1, 5)),
    *(f"DUP00{i}" for i in range(1, 5)),
    *(f"PPL00{i}" for i in range(1, 4)),
    *(f"CKP00{i}" for i in range(1, 4)),
    "MIX001",
    *(f"SYN00{i}" for i in range(1, 3)),
}


def applied(rule_id, signal_figures=None, whole_figures=None):
    subject = "checkpoint" if rule_id.startswith("CKP") else "corpus"
    results = apply_rules(signal_figures or {}, whole_figures or {}, subject=subject)
    return next(result for result in results if result.id == rule_id)


def test_the_table_has_the_ids_of_the_contract_once_each():
    ids = [rule.id for rule in RULES]
    assert set(ids) == CONTRACT
    assert len(set(ids)) == len(ids) and len({rule.name for rule in RULES}) == len(ids)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_says_what_why_and_whose(rule):
    assert rule.scope in ("signals", "whole") and rule.kind in ("reference", "absolute", "floor", "drift", "null")
    assert rule.direction in ("falls", "rises", "both") and rule.status in ("warn", "fail")
    families = {"entropy", "diversity", "tail", "repetition", "duplicates", "compression", "perplexity", "checkpoint"}
    families |= {"mixture", "synthetic"}
    assert rule.reads.partition(".")[0] in families and rule.family in families
    assert len(rule.what) > 40 and len(rule.why) > 40 and len(rule.source) > 10
    assert 0 < rule.limit < 1


def test_a_reference_rule_warns_beyond_the_references_limit_and_not_at_it():
    low = figure(0.05, (0.06, 0.085, 0.12), limits=(0.055, 0.13))
    assert applied("DIV006", {"tail.hapax_share": low}).status == "warn"
    at = figure(0.055, (0.06, 0.085, 0.12), limits=(0.055, 0.13))
    assert applied("DIV006", {"tail.hapax_share": at}).status == "pass"


def test_the_other_side_of_the_limits_is_not_collapse():
    high = figure(0.5, (0.06, 0.085, 0.12), limits=(0.055, 0.13))
    assert applied("DIV006", {"tail.hapax_share": high}).status == "pass"
    rising = figure(0.9, (0.1, 0.2, 0.3), "rises", limits=(0.05, 0.4))
    assert applied("REP002", {"repetition.seq_rep_4": rising}).status == "warn"
    falling = figure(0.01, (0.1, 0.2, 0.3), "rises", limits=(0.05, 0.4))
    assert applied("REP002", {"repetition.seq_rep_4": falling}).status == "pass"


def test_the_limit_printed_is_the_references_own():
    given = figure(0.05, (0.06, 0.085, 0.12), limits=(0.0551, 0.13))
    result = applied("DIV006", {"tail.hapax_share": given})
    assert result.limit == 0.0551 and result.value == 0.05
    assert "0.0551" in result.message and "below" in result.message


def test_a_rule_without_its_figure_is_skipped_with_a_reason():
    assert applied("DIV006").status == "skipped" and "not measured" in applied("DIV006").message
    lost = Figure(None, "share", "tail", reason="fewer than 5,000 words")
    result = applied("DIV006", {"tail.hapax_share": lost})
    assert result.status == "skipped" and "fewer than 5,000 words" in result.message


def test_a_reference_rule_without_references_is_skipped():
    alone = Figure(0.01, "share", "tail")
    result = applied("DIV006", {"tail.hapax_share": alone})
    assert (result.status, result.value, result.limit) == ("skipped", 0.01, None)


def share(value, documents):
    return Figure(value, "share of documents", "repetition", "rises", documents=documents)


@pytest.mark.parametrize(
    ("value", "documents", "status"),
    [(0.2, 1000, "fail"), (0.1, 1000, "fail"), (0.099, 1000, "pass"), (0.5, 8, "pass"), (0.5, 10, "fail")],
)
def test_looped_documents_need_a_tenth_and_five_documents(value, documents, status):
    found = applied("REP001", None, {"repetition.looped_documents": share(value, documents)})
    assert found.status == status
    assert ("fewer than 5" in found.message) == (value * documents < 5)


LOOPS = [(1.0, True, "fail"), (1.0, False, "skipped"), (0.0, False, "pass")]


@pytest.mark.parametrize(("value", "loops", "status"), LOOPS)
def test_the_loop_rule_says_what_the_verdict_says(value, loops, status):
    for documents in (1, 1000):
        whole_figures = {"repetition.looped_documents": share(value, documents)}
        results = {result.id: result for result in apply_rules({}, whole_figures, loops)}
        assert results["REP001"].status == ("pass" if status == "skipped" and documents < 5 else status)
        assert results["DUP001"].status == "skipped"


def test_the_loop_rule_has_the_limits_of_the_verdict():
    from contam import judging

    rule = find_rule("REP001")
    assert (rule.limit, rule.least) == (judging.LOOPED_SHARE, judging.LOOPED_LEAST)


def test_thirty_per_cent_duplicates_are_a_finding():
    found = applied("DUP001", None, {"duplicates.exact": share(0.3, 1000)})
    assert found.status == "warn" and "30.0 %" in found.message and "5.0 %" in found.message


def test_a_healthy_corpus_passes_what_was_measured():
    results = make_audit().rules
    assert {result.status for result in results} == {"pass", "skipped"}
    assert failing(results) == ()


def test_failures_come_before_warnings():
    figures = signals() | {"tail.hapax_share": figure(0.01, (0.06, 0.085, 0.12))}
    loud = failing(apply_rules(figures, nasty_audit().whole))
    assert [result.status for result in loud] == ["fail", "warn"]


def test_rules_read_only_the_scope_they_name():
    swapped = apply_rules(whole(), signals())
    assert all(result.status == "skipped" for result in swapped)


NEAREST = [("DIV06", "DIV0"), ("hapax-shar", "hapax-share"), ("rep01", "REP0")]


@pytest.mark.parametrize(("wrong", "right"), NEAREST)
def test_an_unknown_rule_names_the_nearest(wrong, right):
    with pytest.raises(UsageError, match=rf"did you mean {right}"):
        find_rule(wrong)


@pytest.mark.parametrize("given", ["DIV006", "div006", "hapax-share"])
def test_a_rule_is_found_by_id_or_name(given):
    assert find_rule(given).id == "DIV006"


def drift(value, interval, limits=None):
    return {"perplexity.drift": Figure(value, "nats/token", "perplexity", "rises", interval, limits=limits)}


def test_a_drift_has_to_exceed_every_split_of_the_trusted_text():
    assert applied("PPL002", drift(0.21, (0.2, 0.22), (-0.1, 0.2))).status == "warn"
    assert applied("PPL002", drift(0.19, (0.18, 0.2), (-0.1, 0.2))).status == "pass"
    assert applied("PPL002", drift(0.04, (0.03, 0.05), (-0.01, 0.01))).status == "pass"


def test_a_drift_without_splits_has_to_lie_wholly_above_its_limit():
    assert applied("PPL002", drift(0.3, (0.06, 0.5))).status == "warn"
    held = applied("PPL002", drift(0.3, (0.04, 0.5)))
    assert held.status == "pass" and "whole interval" in held.message


def test_two_sided_rules_warn_on_either_side():
    def bits(value):
        return {"perplexity.bits_per_byte": Figure(value, "bits/byte", "perplexity", "both", limits=(1.5, 2.5))}

    assert [applied("PPL001", bits(v)).status for v in (1.4, 1.5, 2.0, 2.5, 2.6)] == ["warn", *["pass"] * 3, "warn"]
    assert "below" in applied("PPL001", bits(1.4)).message and "above" in applied("PPL001", bits(2.6)).message


@pytest.mark.parametrize(
    ("retained", "status", "limit"),
    [(0.97, "pass", 0.9), (0.9, "pass", 0.9), (0.899, "warn", 0.9), (0.6, "warn", 0.9), (0.599, "fail", 0.6)],
)
def test_a_floor_rule_warns_below_its_limit_and_fails_below_the_second(retained, status, limit):
    given = {"mixture.vocabulary_retained": Figure(retained, "share of types", "mixture")}
    (result,) = [r for r in apply_rules({}, given, subject="mixture") if r.id == "MIX001"]
    assert (result.status, result.limit) == (status, limit)
    assert f"{100 * retained:.1f} %" in result.message and f"{100 * limit:.1f} %" in result.message
    assert ("not below" in result.message) == (status == "pass")


def test_rules_of_mixtures_are_not_among_those_of_a_corpus():
    assert "MIX001" not in {result.id for result in apply_rules({}, {})}
    (lost,) = [r for r in apply_rules({}, {}, subject="mixture") if r.id == "MIX001"]
    assert lost.status == "skipped" and "no forecast" in lost.message


@pytest.mark.parametrize(("low", "status"), [(0.0, "pass"), (0.0999, "pass"), (0.10, "warn"), (0.8, "warn")])
def test_a_bound_of_the_synthetic_share_warns_from_a_tenth_on(low, status):
    found = applied("SYN001", {"synthetic.share_low": Figure(low, "share of documents", "synthetic", "rises")})
    assert found.status == status and found.limit == 0.10
    assert " 0.0 %" not in found.message and ("none above 0" in found.message) == (low == 0)


def test_a_share_that_was_not_measured_has_not_passed():
    assert "needs trusted text" in applied("SYN001").message and "labelled text" in applied("SYN002").message
    withheld = Figure(None, "share of documents", "synthetic", "rises", reason="it is Dutch")
    found = applied("SYN001", {"synthetic.share_low": withheld})
    assert found.status == "skipped" and "it is Dutch" in found.message


def test_a_declared_share_warns_where_its_whole_interval_is_above_the_limit():
    def share(interval):
        return {"synthetic.share": Figure(0.3, "share of documents", "synthetic", "rises", interval)}

    assert applied("SYN002", share((0.1, 0.5))).status == "warn"
    assert applied("SYN002", share((0.05, 0.5))).status == "pass"


def test_how_often_human_halves_get_a_bound_is_counted():
    (trips, highest) = human_rate(find_rule("SYN001"))
    assert trips.startswith("0 of ") and "the highest is " in highest
    assert "not counted" in human_rate(find_rule("SYN002"))[0]
