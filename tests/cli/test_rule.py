"""``contam rule``: the table, one rule, an unknown one."""

from __future__ import annotations

import pytest

from contam.rules import RULES


def test_the_list_has_every_rule(cli):
    outcome = cli("rule")
    assert outcome.code == 0
    for rule in RULES:
        assert rule.id in outcome.out and rule.name in outcome.out


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_explained(cli, rule):
    outcome = cli("rule", rule.id)
    shown = " ".join(outcome.out.replace("•", "").split())
    assert outcome.code == 0 and rule.reads in shown and rule.source in shown and rule.what in shown
    for heading in ("What it measures", "Limit", "Human corpora", "Source"):
        assert heading in outcome.out


def test_an_unknown_rule_is_2_with_the_nearest(cli):
    outcome = cli("rule", "DIVO06")
    assert outcome.code == 2 and outcome.out == "" and "did you mean DIV006?" in outcome.err
