"""The claims about tokens: their statuses come from what is measured."""

from __future__ import annotations

import math

import pytest

from contam.claims import CONFIRMED, CONTRADICTED
from contam.theory import binomial_chain, token_claims
from contam.theory import token_forms as forms


@pytest.fixture(scope="module")
def claims():
    return {claim.id: claim for claim in (judge() for judge in token_claims.CLAIMS)}


def test_all_hold(claims):
    assert list(claims) == ["1", "2", "3", "4", "5", "10"]
    for claim in claims.values():
        assert claim.status == CONFIRMED, claim
        assert claim.seconds > 0
        assert all((claim.source, claim.statement, claim.expected, claim.measured, claim.tolerance, claim.figures))


def test_words_and_types_survive_as_suresh_says(claims):
    assert claims["1"].figures["of the truth"]["formula"][0] == pytest.approx(0.390, abs=5e-4)
    assert len(claims["1"].figures["of the first corpus"]["simulated"]) == 10
    formula = claims["2"].figures["formula"]
    assert formula["c=1, k=10"] == pytest.approx(0.158, abs=5e-4)
    assert formula["c=10, k=10"] == pytest.approx(0.821, abs=5e-4)


def test_the_rate_delays(claims):
    slow, quick = claims["10"].figures["k=0.1"], claims["10"].figures["k=1"]
    for found, told in ((quick, (0.31, 0.43, 0.44, 0.44)), (slow, (0.32, 0.39, 0.42, 0.43))):
        assert list(found.values()) == pytest.approx(told, abs=0.015)
    assert "not theirs" in claims["10"].source


def test_times_are_the_chains(claims):
    for n, figures in claims["4"].figures.items():
        assert figures["exact"] == pytest.approx(1.8 * int(n), rel=0.1)
        assert math.isfinite(figures["error"])


def test_a_wrong_form_is_contradicted(monkeypatch):
    right, survival = forms.seddik_simpson, forms.suresh_survival
    monkeypatch.setattr(forms, "seddik_simpson", lambda s0, n, m: 1.03 * right(s0, n, m))
    assert token_claims.claim_3().status == CONTRADICTED
    monkeypatch.setattr(forms, "suresh_survival", lambda c, k: survival(c, k + 1))
    assert token_claims.claim_1().status == CONTRADICTED
    assert token_claims.claim_2().status == CONTRADICTED
    monkeypatch.setattr(binomial_chain, "collapse_time", lambda p, n: 1.8 * n + 2)
    assert token_claims.claim_4().status == CONTRADICTED


def test_claims_read_as_json(claims):
    told = claims["5"].to_dict()
    assert told["id"] == "5"
    assert sum(told["figures"]["hits"]) == 1000
