"""What a policy says: prefixes, allowances, limits of one's own, changes from a baseline."""

from __future__ import annotations

from dataclasses import replace

import pytest
from examples import make_audit

from contam.baseline.record import Moved, Since
from contam.errors import UsageError
from contam.gate.applying import apply_policy, with_policy
from contam.gate.policy import Allowance, Policy, RuleSetting
from contam.result import Level, RuleResult


def moved(difference: float, effect: float | None = None, base: float = 3423.0, **more) -> Moved:
    """A change of the number of types from a baseline."""
    given = {"noise": 77.0, "beyond": effect is not None and abs(effect) >= 3, "toward_collapse": difference < 0}
    return Moved(base, base + difference, difference, effect=effect, **(given | more))


def since(change: Moved, key: str = "diversity.types") -> Since:
    return Since("contam.baseline.json", 20_000, {key: change}, parts=8)


def result_of(rule: str, policy: Policy = Policy(), change: Since | None = None, **changes) -> RuleResult:  # noqa: B008
    """What a policy makes of one rule of a healthy audit."""
    results = [replace(r, **changes) if r.id == rule else r for r in make_audit().rules]
    return next(r for r in apply_policy(results, policy, change) if r.id == rule)


@pytest.mark.parametrize(
    ("select", "ignore", "rule", "applies"),
    [
        ((), (), "DIV001", True),
        (("DIV",), (), "DIV001", True),
        (("DIV",), (), "REP001", False),
        ((), ("REP",), "REP001", False),
        (("DIV", "DUP"), ("DIV00",), "DIV001", False),
        (("REP001",), ("REP",), "REP001", True),
        (("REP001",), ("REP",), "REP002", False),
        (("REP",), ("REP",), "REP001", False),
    ],
)
def test_the_longest_prefix_decides(select, ignore, rule, applies):
    assert Policy(select, ignore).applies(rule) is applies


def test_a_rule_that_is_off_does_not_apply():
    assert not Policy(rules={"DIV001": RuleSetting(severity="off")}).applies("DIV001")


@pytest.mark.parametrize(("given", "amount", "of_200"), [("2%", 0.02, 4.0), (0.05, 0.05, 0.05), ("0.05", 0.05, 0.05)])
def test_allowances(given, amount, of_200):
    allowance = Allowance.parse(given)
    assert allowance.amount == pytest.approx(amount) and allowance.of(-200.0) == pytest.approx(of_200)
    assert Allowance.parse(str(allowance)) == allowance


@pytest.mark.parametrize("given", ["much", "-1%", -1, True, "nan", "inf", "", "1%%"])
def test_what_is_no_allowance_is_told(given):
    with pytest.raises(UsageError, match="no change such as"):
        Allowance.parse(given)


def test_without_settings_nothing_changes():
    results = make_audit().rules
    assert apply_policy(results) == results


def test_rules_that_are_left_out_are_skipped_with_the_reason():
    policy = Policy(("DIV", "DUP"), ("DIV006",), {"DUP001": RuleSetting(severity="off")}, "contam.toml")
    assert result_of("REP001", policy).message == "skipped: not selected by contam.toml"
    assert result_of("DIV006", policy).message == "skipped: ignored by contam.toml"
    assert result_of("DUP001", policy).message == "skipped: off in contam.toml"
    assert {result_of(rule, policy).status for rule in ("REP001", "DIV006", "DUP001")} == {"skipped"}


@pytest.mark.parametrize(
    ("setting", "status", "enforced"),
    [
        (RuleSetting(min=4000), "fail", True),
        (RuleSetting(min=3000), "pass", False),
        (RuleSetting(max=3000), "fail", True),
        (RuleSetting(min=4000, severity="warning"), "warn", False),
        (RuleSetting(min=3000, max=4000), "pass", False),
        (RuleSetting(severity="error"), "pass", True),
    ],
)
def test_limits_of_ones_own(setting, status, enforced):
    found = result_of("DIV005", Policy(rules={"DIV005": setting}))
    assert (found.status, found.enforced) == (status, enforced)


def test_a_limit_of_ones_own_takes_the_place_of_the_rules_own():
    warned = {"status": "warn", "message": "below"}
    assert result_of("DIV005", **warned).status == "warn"
    assert result_of("DIV005", Policy(rules={"DIV005": RuleSetting(min=1000)}), **warned).status == "pass"


def test_severity_moves_a_breach_of_the_rules_own_limit():
    warned, failed = {"status": "warn"}, {"status": "fail"}
    error, warning = RuleSetting(severity="error"), RuleSetting(severity="warning")
    raised = result_of("DIV005", Policy(rules={"DIV005": error}), **warned)
    assert (raised.status, raised.enforced) == ("fail", True)
    lowered = result_of("REP001", Policy(rules={"REP001": warning}), **failed)
    assert (lowered.status, lowered.enforced) == ("warn", False)


def test_a_figure_that_was_not_measured_can_be_made_to_count():
    unmeasured = {"status": "skipped", "value": None, "message": "skipped: needs trusted text"}
    for setting in (RuleSetting(on_unavailable="fail"), RuleSetting(min=1.0, on_unavailable="fail")):
        found = result_of("DIV007", Policy(rules={"DIV007": setting}), **unmeasured)
        assert (found.status, found.enforced) == ("skipped", True)
        assert make_audit(rules=(found,)).exit_code() == 2
    quiet = result_of("DIV007", Policy(rules={"DIV007": RuleSetting(min=1.0)}), **unmeasured)
    assert (quiet.status, quiet.enforced) == ("skipped", False)


# --- changes from a baseline ---------------------------------------------------------------------------------------


def test_a_change_toward_collapse_beyond_noise_warns():
    found = result_of("DIV005", change=since(moved(-318.0, -4.1)))
    assert (found.status, found.enforced) == ("warn", False)
    assert "fell by 9.3 %" in found.message and "4.1 times the noise" in found.message


@pytest.mark.parametrize("change", [moved(318.0, 4.1), moved(-100.0, -1.3), moved(-318.0, None, noise=None)])
def test_other_changes_do_not_warn(change):
    assert result_of("DIV005", change=since(change)).status == "pass"


@pytest.mark.parametrize(
    ("drop", "change", "status"),
    [
        ("2%", moved(-318.0, -4.1), "fail"),
        ("2%", moved(-318.0, -2.0), "pass"),
        ("20%", moved(-318.0, -4.1), "pass"),
        (300, moved(-318.0, -4.1), "fail"),
        (400, moved(-318.0, -4.1), "pass"),
        ("2%", moved(318.0, 4.1), "pass"),
    ],
)
def test_max_drop_needs_the_amount_and_the_effect(drop, change, status):
    policy = Policy(rules={"DIV005": RuleSetting(max_drop=Allowance.parse(drop))})
    assert result_of("DIV005", policy, since(change)).status == status


def test_min_effect_can_be_set():
    policy = Policy(rules={"DIV005": RuleSetting(max_drop=Allowance.parse("2%"), min_effect=1.5)})
    assert result_of("DIV005", policy, since(moved(-318.0, -2.0))).status == "fail"


def test_min_effect_counts_without_a_limit_too():
    quiet = Policy(rules={"DIV005": RuleSetting(min_effect=10.0)})
    assert result_of("DIV005", quiet, since(moved(-318.0, -4.1))).status == "pass"
    keen = Policy(rules={"DIV005": RuleSetting(min_effect=2.0)})
    assert result_of("DIV005", keen, since(moved(-318.0, -2.5))).status == "warn"


def test_a_warning_of_its_own_does_not_hide_that_a_limit_could_not_be_judged():
    setting = RuleSetting(max_drop=Allowance.parse("2%"), on_unavailable="fail")
    found = result_of("DIV005", Policy(rules={"DIV005": setting}), status="warn", message="below the limit")
    assert (found.status, found.enforced) == ("skipped", True) and "below the limit" in found.message


def test_a_severity_of_warning_holds_for_every_breach():
    failed, change = {"status": "fail", "message": "loops"}, since(moved(-318.0, -4.1))
    found = result_of("DIV005", Policy(rules={"DIV005": RuleSetting(severity="warning")}), change, **failed)
    assert (found.status, found.enforced) == ("warn", False)


def test_max_rise_is_for_what_rises():
    policy = Policy(rules={"DUP003": RuleSetting(max_rise=Allowance.parse(0.01))})
    change = Moved(0.02, 0.05, 0.03, 0.005, 6.0, True, True)
    assert result_of("DUP003", policy, since(change, "repetition.cover_4")).status == "fail"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (None, "no baseline was given"),
        (Since("b", None, reason="it was measured with another profile"), "another profile"),
        (Since("b", 20_000), "types is not in it"),
        (since(moved(-318.0, None, noise=None, reason="the baseline is too small")), "too small"),
    ],
)
def test_max_drop_without_a_comparison_is_skipped_and_says_why(change, why):
    policy = Policy(rules={"DIV005": RuleSetting(max_drop=Allowance.parse("2%"))}, where="contam.toml")
    found = result_of("DIV005", policy, change)
    assert found.status == "skipped" and why in found.message and "contam.toml" in found.message


def test_both_a_breach_of_its_own_and_a_change_are_told():
    found = result_of("DIV005", change=since(moved(-318.0, -4.1)), status="warn", message="below the limit")
    assert found.message.startswith("below the limit; types") and found.status == "warn"


# --- exit codes ----------------------------------------------------------------------------------------------------


def breached(status: str = "fail") -> RuleResult:
    return RuleResult("DIV005", "types", status, 1.0, 2.0, "told", enforced=True)


def test_an_enforced_rule_decides_the_exit_code():
    assert make_audit(rules=(breached(),)).exit_code() == 1
    assert make_audit(rules=(breached(),)).exit_code("never") == 0
    assert make_audit(Level.INSUFFICIENT, rules=(breached(),)).exit_code() == 1
    assert make_audit(rules=(breached("skipped"),)).exit_code() == 2
    assert make_audit(rules=(replace(breached(), enforced=False),)).exit_code() == 0


def test_of_several_parts_a_failure_counts_most():
    fails, short, good = make_audit(Level.COLLAPSING), make_audit(Level.INSUFFICIENT), make_audit()
    assert make_audit(parts=(good, short, fails)).exit_code() == 1
    assert make_audit(parts=(good, short)).exit_code() == 2
    assert make_audit(parts=(good, short)).exit_code(allow_insufficient=True) == 0
    assert make_audit(parts=(good, good)).exit_code() == 0


def test_results_of_other_commands_take_a_policy():
    policy = Policy(ignore=("DIV",))
    changed = with_policy(make_audit(), policy)
    assert {r.status for r in changed.rules if r.id.startswith("DIV")} == {"skipped"}
    assert with_policy(changed, Policy()) is changed
