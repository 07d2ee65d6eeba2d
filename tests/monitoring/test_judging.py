"""The rule: what turns, what a level asks for, and that one check alone decides nothing."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("torch")

from contam.monitoring.judging import Baseline, Judge
from contam.monitoring.reading import FAMILIES, LOOPED, OWN, VALIDATION, WHICH_WAY, Reading
from contam.result import Level
from contam_metrics.one_text import FALLS

HEALTHY, RISK, COLLAPSING, UNTOLD = Level.HEALTHY, Level.AT_RISK, Level.COLLAPSING, Level.INSUFFICIENT
ORDINARY = dict.fromkeys(WHICH_WAY, 0.5) | {OWN: 3.0, LOOPED: 0.0}


def baseline(own=3.0, validation=2.0, vocabulary=1000, **others):
    draws = [ORDINARY | {OWN: own + 0.01 * i} | others for i in range(8)]
    return Baseline(tuple(Reading(d, frozenset(d)) for d in draws), validation, vocabulary)


def levels(*checks, start=None, samples=32):
    judge = Judge(start or baseline(), samples)
    return [judge.check(i, ORDINARY | {VALIDATION: 2.0} | changed).level for i, changed in enumerate(checks)]


def turned_in(*families):
    """Signals of these families well beyond their bands."""
    return {n: (0.1 if WHICH_WAY[n] == FALLS else 0.9) for n, family in FAMILIES.items() if family in families}


def test_the_first_check_says_nothing_and_ordinary_ones_are_healthy():
    assert levels({}, {}, {}) == [UNTOLD, HEALTHY, HEALTHY]


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({LOOPED: 0.125}, COLLAPSING),
        ({LOOPED: 0.09}, HEALTHY),
        ({OWN: 1.5, **turned_in("entropy", "diversity", "tail")}, COLLAPSING),
        ({OWN: 1.5, VALIDATION: 2.1}, COLLAPSING),
        ({OWN: 1.5}, HEALTHY),
        ({OWN: 1.5, **turned_in("entropy", "diversity")}, RISK),
        ({OWN: 2.25, **turned_in("entropy", "diversity")}, RISK),
        ({OWN: 2.4, **turned_in("entropy", "diversity", "tail")}, HEALTHY),
        ({OWN: 2.25, **turned_in("entropy")}, HEALTHY),
        ({VALIDATION: 2.101, OWN: 2.7, **turned_in("entropy", "tail")}, RISK),
        ({VALIDATION: 2.101, OWN: 2.7, **turned_in("entropy")}, HEALTHY),
        ({VALIDATION: 2.101, OWN: 2.75, **turned_in("entropy", "tail")}, HEALTHY),
        ({VALIDATION: 2.09, OWN: 2.7, **turned_in("entropy", "tail")}, HEALTHY),
        ({VALIDATION: 2.5, OWN: 3.3, **turned_in("entropy", "diversity")}, HEALTHY),
        ({VALIDATION: 1.0, OWN: 4.0}, HEALTHY),
    ],
)
def test_two_checks_running_make_a_level(changed, level):
    assert levels({}, changed, {}, changed, changed, {}) == [UNTOLD, HEALTHY, HEALTHY, HEALTHY, level, HEALTHY]


def test_loops_must_be_four_and_more_than_at_the_beginning():
    assert levels(*[{LOOPED: 3 / 16}] * 2, samples=16) == [UNTOLD, HEALTHY]
    assert levels(*[{LOOPED: 4 / 16}] * 2, samples=16) == [UNTOLD, COLLAPSING]
    assert levels(*[{LOOPED: 0.25}] * 2, start=baseline(**{LOOPED: 0.25})) == [UNTOLD, HEALTHY]


def test_the_signals_that_turned_and_the_reasons_are_told():
    judge = Judge(baseline(), 32)
    changed = ORDINARY | {OWN: 1.2, VALIDATION: 2.3, LOOPED: 0.5, **turned_in("tail")}
    assert judge.check(1, changed).turned == ()
    found = judge.check(2, changed)
    assert set(found.turned) == {"tail.hapax_share", OWN, LOOPED}
    told = " / ".join(found.reasons)
    assert "50% of the samples repeat themselves" in told
    assert "1.20 nats a token" in told and "risen by 0.30 nats" in told and "tail.hapax_share" in told


def test_a_signal_that_every_draw_had_and_that_is_gone_has_turned():
    judge = Judge(baseline(), 32)
    for step in (1, 2):
        found = judge.check(step, ORDINARY | {"entropy.plug_in": None})
    assert found.turned == ("entropy.plug_in",)


def test_a_signal_that_some_draws_lacked_is_not_watched():
    draws = [Reading(ORDINARY, frozenset(ORDINARY) - ({"tail.hapax_share"} if i == 3 else set())) for i in range(8)]
    bands = Baseline(tuple(draws)).bands
    assert "tail.hapax_share" not in bands and "entropy.plug_in" in bands


def test_a_model_that_writes_at_random_is_no_baseline():
    start = baseline(own=0.9 * math.log(1000))
    less = {OWN: 2.0, **turned_in("entropy", "diversity", "tail")}
    assert levels(less, less, start=start) == [UNTOLD, UNTOLD]
    assert levels(*[{LOOPED: 0.5}] * 2, start=start) == [UNTOLD, COLLAPSING]
    assert levels(*[{VALIDATION: 2.5, OWN: 2.0}] * 2, start=start) == [UNTOLD, UNTOLD]


def test_a_baseline_survives_a_log():
    import json

    made = baseline()
    again = Baseline.from_json(json.loads(json.dumps(made.as_json())))
    assert again.bands == made.bands and again.own_rate == made.own_rate
    assert (again.validation, again.vocabulary) == (2.0, 1000)
