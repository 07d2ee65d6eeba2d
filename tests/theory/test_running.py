"""Worlds by name, options by world, and claims in processes of their own."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

import contam
from contam.claims import CONFIRMED, Claim, ClaimsRun
from contam.errors import ContamError, UsageError
from contam.reports import Style, terminal
from contam.theory import running as module
from contam.theory.running import WORLDS, claims, functions, names_of, simulate
from contam.theory.token_worlds import REGIMES

FAST = {"generations": 3, "trajectories": 5, "samples": 30}
VAE = {"generations": 1, "trajectories": 1, "samples": 50, "epochs": 1, "hidden": 8}


def settings(what: str) -> dict:
    """The fewest things that a world can be asked for."""
    return VAE if what == "vae" else {**FAST, "types": 10} if what in ("tokens", "bias") else FAST


def judged(number: int) -> Claim:
    return Claim(str(number), "source", f"Statement {number}.", "up", "up", "1", CONFIRMED, {"x": 1.0})


def claim_2() -> Claim:
    return judged(2)


def claim_11() -> Claim:
    return judged(11)


def claim_12() -> Claim:
    raise ValueError("no such world")


CLAIMS = (claim_11, claim_2)


@pytest.mark.parametrize("what", WORLDS)
def test_every_world(what):
    result = contam.simulate(what, **settings(what))
    assert result.what == what and result.series and result.exit_code() == 0 and result.title
    known = {field.name for field in fields(getattr(import_module(WORLDS[what][0]), WORLDS[what][1]))}
    assert set(names_of(what)) == known and set(result.settings) == known
    for series in result.series:
        assert len(series.x) == len(series.mean) == len(series.error)
        assert len(series.expected) in (0, len(series.x))
    told = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert told["command"] == "simulate" and told["what"] == what and len(told["series"]) == len(result.series)
    for comparison in told["comparisons"]:
        assert {"name", "simulated", "error", "expected", "origin", "source", "z", "agrees"} <= set(comparison)


def test_every_closed_form_is_compared():
    result = simulate("gaussian", **FAST)
    assert "variance, mean @3" in [comparison.name for comparison in result.comparisons]


@pytest.mark.parametrize("what", ["tokens", "gaussian", "regression", "bias"])
def test_fewer_than_twenty_trajectories_test_nothing(what):
    few, many = (simulate(what, **settings(what) | {"trajectories": n}) for n in (19, 20))
    assert few.comparisons and all(c.agrees is None for c in few.comparisons)
    assert all(s.approximate for s in few.series if s.expected)
    assert "Nothing is tested (~)" in few.notes[-1] and "20 trajectories" in few.notes[-1]
    assert not any("Nothing is tested" in note for note in many.notes)
    text = terminal.render(few.draw(), Style(200, False, False))
    assert "cannot be tested" in text and "agree" not in text


def test_a_world_without_noise_is_tested_however_few_its_trajectories():
    result = simulate("bias", samples=0, trajectories=2)
    assert any(c.agrees for c in result.comparisons) and not any("Nothing is" in note for note in result.notes)


def test_without_noise_slow_errors_agree_with_their_closed_form():
    result = simulate("bias", regime="accumulate-subsample", rate=0.0001, samples=0)
    assert len(result.comparisons) >= 4 and all(c.agrees for c in result.comparisons)


def test_none_is_the_default():
    assert simulate("gaussian", **FAST, divisor=None).settings["divisor"] == "ml"


@pytest.mark.parametrize(
    ("what", "changes", "message"),
    [
        ("gausian", {}, "did you mean 'gaussian'"),
        ("weather", {}, "known are tokens"),
        ("gaussian", {"types": 5}, "--types is no option of gaussian: tokens, bias have it"),
        ("tokens", {"divisor": "ml"}, "--divisor is no option of tokens: gaussian has it"),
        ("gaussian", {"sample": 5}, "did you mean --samples"),
        ("vae", {"zzz": 5}, "it has --samples"),
    ],
)
def test_what_cannot_be(what, changes, message):
    with pytest.raises(UsageError, match=message):
        simulate(what, **changes)


def test_all_ten_claims_are_known():
    assert sorted(functions(), key=lambda name: int(name[6:])) == [f"claim_{i}" for i in range(1, 11)]


@pytest.fixture
def few(monkeypatch):
    """Two claims of this module stand for all: processes of their own find it by its name."""
    import sys
    from types import ModuleType

    own = ModuleType("test_running")
    own.CLAIMS = CLAIMS
    monkeypatch.setitem(sys.modules, "test_running", own)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setattr(module, "CLAIM_MODULES", ("test_running",))
    return own


@pytest.mark.parametrize("processes", [1, 2])
def test_claims_come_in_their_order_with_progress(few, processes):
    events = []
    run = claims(events.append, processes)
    assert [claim.id for claim in run.claims] == ["2", "11"] and run.claims[0] == judged(2)
    assert [(event.done, event.total) for event in events] == [(1, 2), (2, 2)]
    assert run.exit_code() == 0 and run.seconds >= 0
    told = json.loads(json.dumps(run.to_dict()))
    assert told["command"] == "simulate" and told["claims"][0]["status"] == CONFIRMED


def test_modules_in_the_working_folder_are_not_run(few, tmp_path, monkeypatch):
    for name in ("numpy.py", "json.py", "contam.py"):
        (tmp_path / name).write_text("from pathlib import Path\nPath('ran').touch()\n")
    monkeypatch.chdir(tmp_path)
    for entry in ("", "."):
        monkeypatch.syspath_prepend(entry)
    assert [claim.id for claim in claims(processes=2).claims] == ["2", "11"]
    assert not (tmp_path / "ran").exists()


def test_a_working_folder_named_on_the_path_stays_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", ".", "lib", str(tmp_path)])
    assert module._search_path().split(os.pathsep) == ["lib", str(tmp_path)]


def test_a_claim_that_cannot_be_judged_says_why(few):
    few.CLAIMS = (*CLAIMS, claim_12)
    with pytest.raises(ContamError, match="claim 12 could not be judged: ValueError: no such world"):
        claims(processes=2)
    with pytest.raises(ValueError, match="no such world"):
        claims(processes=1)


def test_leaving_early_ends_the_processes(few):
    with pytest.raises(KeyboardInterrupt):
        claims(interrupt, processes=2)


def interrupt(event) -> None:
    raise KeyboardInterrupt


def test_a_run_of_no_claims():
    assert ClaimsRun(()).to_dict()["claims"] == []


# --- documents ------------------------------------------------------------------------------------------------------

DOCS = Path(__file__).parents[2] / "docs"


def told(value) -> str:
    """A default as the table of options shows it."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


@pytest.mark.parametrize("name", dict.fromkeys(name for what in WORLDS for name in names_of(what)))
def test_the_defaults_are_as_documented(name):
    defaults = []
    for place, options in WORLDS.values():
        known = {field.name: field.default for field in fields(getattr(import_module(place), options))}
        defaults.append(told(known[name]) if name in known else "")
    assert f"\n| `{module.flag_of(name)}` | {' | '.join(defaults)} |\n" in (DOCS / "simulate.md").read_text()


def test_worlds_claims_and_fields_are_documented():
    page, fields_of = (DOCS / "simulate.md").read_text(), (DOCS / "json.md").read_text()
    assert f"\n| option | {' | '.join(WORLDS)} |\n" in page
    for name in functions():
        assert f"\n| {name[6:]} | " in page.partition("## The claims")[2]
    section = fields_of.partition("\n## simulate\n")[2].partition("\n## ")[0]
    result = simulate("gaussian", **FAST).to_dict()
    keys = [*result, *result["series"][0], *result["comparisons"][0]]
    assert not [key for key in keys if f"`{key}" not in section]


def test_every_regime_is_documented():
    page = (DOCS / "simulate.md").read_text().partition("\nRegimes: ")[2].partition("\n\n")[0].replace("\n", " ")
    assert [regime for regime in REGIMES if f"`{regime}` (" not in page] == []
