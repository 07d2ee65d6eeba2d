"""``contam compare``: two saved audits, or two corpora."""

from __future__ import annotations

import json

from examples import make_audit

from contam.reports import render


def saved(folder, name, **more):
    path = folder / f"{name}.json"
    path.write_text(render(make_audit(**more), "json"))
    return str(path)


def test_two_saved_audits_need_no_measurement(cli, measurement, tmp_path):
    outcome = cli("compare", saved(tmp_path, "a"), saved(tmp_path, "b"), "--format", "json")
    assert outcome.code == 0 and measurement.asked == []
    assert json.loads(outcome.out)["command"] == "compare"


def test_two_corpora_are_measured_alike(cli, measurement):
    outcome = cli("compare", "a", "b", "--seed", "4")
    assert outcome.code == 0 and [source for source, _ in measurement.asked] == ["a", "b"]
    assert {options.seed for _, options in measurement.asked} == {4}


def test_nothing_to_compare_is_2(cli, measurement, tmp_path):
    empty = saved(tmp_path, "a", signals={}, whole={})
    assert cli("compare", empty, empty).code == 2


def test_a_damaged_report_is_2(cli, measurement, tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"schema_version": 1, "tool": {"name": "contam"}, "signals": {}}')
    outcome = cli("compare", str(path), saved(tmp_path, "b"))
    assert outcome.code == 2 and "damaged" in outcome.err
