"""JUnit: what fails, what is skipped and what could not be judged are told apart, and any text makes legal XML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from examples import make_audit, nasty_audit
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.errors import InputError
from contam.reports import render
from contam.reports.failed import Failure
from contam.reports.findings import Gate, outcome_of
from contam.result import DocumentFinding, Documents, Level, RuleResult


def tree(result, gate=None) -> ElementTree.Element:
    root = ElementTree.fromstring(render(result, "junit", gate=gate).encode())
    assert root.tag == "testsuites"
    for place in (root, *root.iter("testsuite")):
        cases = list(place.iter("testcase"))
        counted = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        assert int(place.get("tests")) == len(cases)
        for name, tag in counted.items():
            assert int(place.get(name)) == sum(case.find(tag) is not None for case in cases)
        assert float(place.get("time")) >= 0
    assert all(len(case.findall("*")) - len(case.findall("properties")) == 1 for case in root.iter("testcase"))
    return root


def kinds(root: ElementTree.Element) -> dict[str, str]:
    tags = ("failure", "error", "skipped")
    found = {}
    for case in root.iter("testcase"):
        found[case.get("name")] = next((tag for tag in tags if case.find(tag) is not None), "passed")
    return found


def rule(rule_id: str, status: str, enforced: bool = False) -> RuleResult:
    message = "skipped: no model was given" if status == "skipped" else f"{rule_id} is 0.3"
    return RuleResult(rule_id, "name", status, 0.3, 0.1, message, enforced)


def test_a_healthy_corpus_passes_and_skipped_rules_say_why():
    root = tree(make_audit())
    assert "failure" not in kinds(root).values() and kinds(root)["verdict"] == "passed"
    reasons = {case.get("name"): case.find("skipped").get("message") for case in root.iter("testcase")
               if case.find("skipped") is not None}  # fmt: skip
    assert reasons["DIV007 tail-survival"] == "no trusted text (--reference) was given"


def test_failures_warnings_skips_and_what_could_not_be_judged_are_four_things():
    rules = (
        rule("DIV001", "fail", True), rule("DIV002", "warn"), rule("DIV003", "fail"), rule("DIV004", "skipped"),
        rule("PPL001", "skipped", True), rule("DUP001", "pass"),
    )  # fmt: skip
    root = tree(make_audit(rules=rules))
    assert kinds(root) == {
        "verdict": "passed", "DIV001 name": "failure", "DIV002 name": "passed", "DIV003 name": "passed",
        "DIV004 name": "skipped", "PPL001 name": "error", "DUP001 name": "passed",
    }  # fmt: skip
    said = {case.get("name"): case.findtext("system-out") for case in root.iter("testcase")}
    assert said["DIV002 name"] == "warning: DIV002 is 0.3" and said["DUP001 name"] == "DUP001 is 0.3"
    failure = next(root.iter("failure"))
    assert failure.get("type") == "DIV001" and failure.get("message") == "DIV001 is 0.3"


def test_a_case_has_the_family_as_its_class_and_value_and_limit_as_properties():
    case = next(c for c in tree(make_audit()).iter("testcase") if c.get("name") == "DIV006 hapax-share")
    assert case.get("classname") == "contam.tail"
    assert {p.get("name"): p.get("value") for p in case.iter("property")} == {"value": "0.09", "limit": "0.054"}


def test_the_verdict_fails_at_the_gate_and_not_below_it():
    audit = make_audit(Level.AT_RISK)
    assert kinds(tree(audit))["verdict"] == "passed"
    assert kinds(tree(audit, Gate("at_risk")))["verdict"] == "failure"
    assert kinds(tree(make_audit(Level.COLLAPSING), Gate("never")))["verdict"] == "passed"


def test_thin_evidence_is_an_error_unless_it_is_allowed():
    audit = make_audit(Level.INSUFFICIENT)
    assert kinds(tree(audit))["verdict"] == "error"
    assert kinds(tree(audit, Gate(allow_insufficient=True)))["verdict"] == "skipped"


def test_a_failing_rule_names_its_documents():
    found = Documents(1, (DocumentFinding("data/x.jsonl:7", "REP001", 0.9, "over and over and over"),))
    root = tree(make_audit(Level.COLLAPSING, rules=(rule("REP001", "fail"),), documents=found))
    for failure in root.iter("failure"):
        assert "data/x.jsonl:7: REP001" in failure.text and "over and over" in failure.text


def test_what_was_not_there_is_an_error_in_a_suite_of_its_name():
    root = tree(Failure.of(InputError("no such file: data/x"), "audit", ("data/x",)))
    (error,) = root.iter("error")
    assert error.get("message") == "no such file: data/x"
    assert next(root.iter("testsuite")).get("name") == "data/x"


def test_every_part_is_a_suite_the_deciding_one_first():
    good, bad = replace(make_audit(), name="prose"), replace(make_audit(Level.COLLAPSING), name="code")
    root = tree(replace(bad, parts=(good, bad)))
    assert [suite.get("name") for suite in root.iter("testsuite")] == ["code", "prose"]
    assert [suite.get("failures") for suite in root.iter("testsuite")] == ["1", "0"]


def test_seconds_are_not_rounded_to_whole_ones():
    assert next(tree(make_audit()).iter("testsuite")).get("time") == "3.200"


@settings(max_examples=80, deadline=None)
@given(st.text())
def test_any_text_makes_legal_xml(raw):
    found = Documents(1, (DocumentFinding(f"{raw}:1", "REP001", 0.9, raw),))
    odd = replace(rule("REP001", "fail"), message=raw, name=raw)
    root = tree(make_audit(Level.COLLAPSING, rules=(odd,), documents=found, name=raw))
    shown = "".join(root.itertext())
    assert not any((ord(c) < 32 and c != "\n") or 0xD800 <= ord(c) <= 0xDFFF or c in "\ufffe\uffff" for c in shown)


def test_another_reader_reads_the_same(tmp_path):
    junitparser = pytest.importorskip("junitparser")
    path = tmp_path / "contam.xml"
    path.write_text(render(nasty_audit(), "junit"), encoding="utf-8")
    read = junitparser.JUnitXml.fromfile(str(path))
    cases = [case for suite in read for case in suite]
    assert read.failures == 2 and read.errors == 0 and len(cases) == read.tests == 21
    assert [c.result[0].type for c in cases if c.result and isinstance(c.result[0], junitparser.Failure)] == [
        "CONTAM-VERDICT", "REP001",
    ]  # fmt: skip


def test_a_share_above_its_limit_fails_the_verdict_of_a_mixture():
    from mixes import make_mix, make_share

    mix = make_mix("full", synthetic_share=make_share(bound=0.32), limits={"share": 0.1})
    assert mix.exit_code("never") == 1 and kinds(tree(mix, Gate("never")))["verdict"] == "failure"
    assert "more than --max-share 0.1" in next(tree(mix, Gate("never")).iter("failure")).get("message")


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("gate", [Gate(), Gate("at_risk"), Gate("never"), Gate(allow_insufficient=True)])
@pytest.mark.parametrize("enforced", ["pass", "warn", "fail", "skipped"])
def test_there_is_an_error_exactly_where_the_exit_code_is_not_0(level, gate, enforced):
    audit = make_audit(level, rules=(rule("DUP001", enforced, True), rule("REP001", "fail"), rule("DIV001", "warn")))
    outcome = outcome_of(audit, gate)
    assert (outcome.count("error") > 0) == (outcome.exit_code != 0)
    root = tree(audit, gate)
    failed = int(root.get("failures")) + int(root.get("errors"))
    assert (failed > 0) == (outcome.exit_code != 0)
