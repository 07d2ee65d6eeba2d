"""Flat metrics: finite numbers under dotted names, the same for the same text."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from examples import make_audit, nasty_audit

from contam.comparing import compare_audits
from contam.reports import render
from contam.reports.findings import Gate
from contam.result import Figure, Level, Provenance


def metrics(result, gate=None) -> dict:
    return json.loads(render(result, "metrics", gate=gate))


def test_every_measured_figure_is_there_with_its_value():
    audit = make_audit()
    found = metrics(audit)
    for where, figures in (("signals", audit.signals), ("whole", audit.whole)):
        for name, figure in figures.items():
            assert found.get(f"{where}.{name}") == figure.value
    assert found["corpus.documents"] == 1200 and found["rules.skipped"] == 11


def test_all_are_finite_numbers_but_the_name_of_the_level():
    odd = {"tail.hapax_share": Figure(math.nan, "share", "tail"), "a.b": Figure(math.inf, "share", "tail")}
    found = metrics(make_audit(signals=odd))
    assert found.pop("level_name") == "healthy"
    assert all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in found.values())
    assert not [name for name in found if name.startswith("signals.")]


def test_levels_and_exit_codes_are_numbers():
    told = {level: metrics(make_audit(level)) for level in Level}
    assert [told[level]["level"] for level in Level] == [0, 1, 2, -1]
    assert [told[level]["exit_code"] for level in Level] == [0, 0, 1, 2]
    assert metrics(make_audit(Level.AT_RISK), Gate("at_risk"))["exit_code"] == 1


def test_times_and_settings_do_not_move_it():
    first = render(make_audit(), "metrics")
    assert render(make_audit(provenance=Provenance("other", 7, 99.0, 1.0)), "metrics") == first
    assert list(json.loads(first)) == list(json.loads(render(make_audit(), "metrics")))


def test_parts_have_their_names_in_front_and_the_top_is_their_sum():
    good, bad = replace(make_audit(), name="prose"), replace(make_audit(Level.COLLAPSING), name="code")
    new = replace(make_audit(), name="code, new since the baseline")
    found = metrics(replace(bad, parts=(good, bad, new)))
    assert (found["level"], found["deciding_part"]) == (2, "code")
    assert found["prose.level"] == 0 and found["code.level"] == 2
    assert found["prose.signals.entropy.window"] == 5.98
    assert found["corpus.documents"] == 2400 and found["documents.flagged"] == 2 * good.documents.flagged
    assert not [name for name in found if name.startswith(("signals.", "whole.", "rules.", "verdict."))]


def test_the_top_is_the_whole_corpus_whichever_part_decides():
    whole = replace(make_audit(), name="the whole corpus")
    few = replace(whole.corpus, documents=3)
    new = replace(make_audit(Level.AT_RISK), name="new since the baseline", corpus=few)
    told = [metrics(replace(part, parts=(whole, new))) for part in (whole, new)]
    assert [found.pop("deciding_part") for found in told] == [whole.name, new.name]
    assert [(found.pop("level"), found.pop("level_name")) for found in told] == [(0, "healthy"), (1, "at_risk")]
    assert told[0] == told[1]
    assert told[0]["corpus.documents"] == 1200 and told[0]["new since the baseline.corpus.documents"] == 3
    assert set(metrics(make_audit())) - {"level", "level_name"} <= set(told[0])


def test_results_without_a_verdict_have_their_numbers_too():
    found = metrics(compare_audits(make_audit(), nasty_audit()))
    assert "level" not in found and any(name.startswith("differences.") for name in found)
    assert not [name for name in found if "provenance" in name or "seconds" in name or ".worst." in name]
