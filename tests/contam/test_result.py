"""The records of an audit: exit codes, JSON, and reading it back."""

from __future__ import annotations

import json

import pytest
from examples import make_audit, nasty_audit

from contam.errors import InputError
from contam.reports import render
from contam.result import Level
from contam.saved import looks_saved, read_audit

CODES = {
    (Level.HEALTHY, "at_risk"): 0,
    (Level.HEALTHY, "collapsing"): 0,
    (Level.HEALTHY, "never"): 0,
    (Level.AT_RISK, "at_risk"): 1,
    (Level.AT_RISK, "collapsing"): 0,
    (Level.AT_RISK, "never"): 0,
    (Level.COLLAPSING, "at_risk"): 1,
    (Level.COLLAPSING, "collapsing"): 1,
    (Level.COLLAPSING, "never"): 0,
    (Level.INSUFFICIENT, "at_risk"): 2,
    (Level.INSUFFICIENT, "collapsing"): 2,
    (Level.INSUFFICIENT, "never"): 2,
}


@pytest.mark.parametrize(("case", "code"), CODES.items(), ids=str)
def test_exit_codes_of_every_level(case, code):
    level, fail_on = case
    assert make_audit(level).exit_code(fail_on) == code


def test_insufficient_evidence_can_be_allowed_and_nothing_else_changes():
    assert make_audit(Level.INSUFFICIENT).exit_code(allow_insufficient=True) == 0
    assert make_audit(Level.COLLAPSING).exit_code(allow_insufficient=True) == 1


def test_levels_are_ordered():
    order = [Level.INSUFFICIENT, Level.HEALTHY, Level.AT_RISK, Level.COLLAPSING]
    assert [level.severity for level in order] == [-1, 0, 1, 2]


@pytest.mark.parametrize("audit", [make_audit(), nasty_audit()], ids=["healthy", "nasty"])
def test_a_saved_audit_reads_back_the_same(tmp_path, audit):
    path = tmp_path / "report.json"
    path.write_text(render(audit, "json"))
    assert looks_saved(path) and read_audit(path) == audit


def test_a_later_field_is_passed_over(tmp_path):
    data = make_audit().to_dict()
    data["signals"]["tail.hapax_share"]["later"] = 1
    data["later"] = {}
    path = tmp_path / "report.json"
    path.write_text(json.dumps(data))
    assert read_audit(path) == make_audit()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a contam report"),
        ('{"schema_version": 1}', "not a contam report"),
        ('{"schema_version": 9, "tool": {"name": "contam"}, "signals": {}}', "schema version 9"),
        ('{"schema_version": 1, "tool": {"name": "contam"}, "signals": {}}', "damaged"),
    ],
)
def test_what_is_no_report_is_named(tmp_path, content, message):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_audit(path)


def test_a_corpus_is_not_taken_for_a_report(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('[{"text": "schema_version contam"}]')
    assert not looks_saved(path) and not looks_saved(tmp_path) and not looks_saved("no/such.json")
