"""Claims 6 to 9: confirmed as they stand, contradicted where the world is another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from contam.claims import CONFIRMED, CONTRADICTED
from contam.theory import value_claims as module
from contam.theory.gaussian_worlds import GaussianOptions, fitted
from contam.theory.regression import refitted


@pytest.fixture(scope="module")
def judged():
    return tuple(judge() for judge in module.CLAIMS)


def test_every_claim_is_confirmed_with_figures(judged):
    assert [f"claim_{claim.id}" for claim in judged] == [judge.__name__ for judge in module.CLAIMS]
    for claim in judged:
        assert claim.status == CONFIRMED and claim.figures and claim.seconds > 0
        assert all((claim.source, claim.statement, claim.expected, claim.measured, claim.tolerance))


def test_figures_are_those_of_the_sources(judged):
    six, seven, eight, nine = judged
    assert six.figures["deviation"] == pytest.approx({"100": 0.777, "500": 0.283}, abs=0.04)
    assert seven.figures["above"] == 0 and 0.2 < seven.figures["largest_share_of_bound"] <= 1
    assert eight.figures["replace_fixed"] == pytest.approx(50.3, rel=0.03)
    assert eight.figures["accumulate_fixed"] == pytest.approx(1.62, rel=0.03)
    assert nine.figures == pytest.approx({"variance": 0.843, "mean_square": 0.157}, abs=0.01)


def narrower(options: GaussianOptions):
    """A world of maximum likelihood, where the claims speak of unbiased estimates or of all data."""
    regime = "replace" if options.regime == "accumulate" else options.regime
    return fitted(GaussianOptions(regime, options.samples, options.generations, 500, seed=options.seed))


def wider(options: GaussianOptions):
    means, variances = fitted(options)
    return means, 9 * variances


@pytest.mark.parametrize(
    ("judge", "other"), [(module.claim_6, narrower), (module.claim_9, narrower), (module.claim_7, wider)]
)
def test_another_gaussian_contradicts(judge, other, monkeypatch):
    monkeypatch.setattr(module, "fitted", other)
    assert judge().status == CONTRADICTED


def test_an_error_that_grows_otherwise_contradicts(monkeypatch):
    def more(options, factor):
        errors, base = refitted(replace(options, trajectories=200))
        return factor * errors, base

    monkeypatch.setattr(module, "refitted", partial(more, factor=1.3))
    assert module.claim_8().status == CONTRADICTED
