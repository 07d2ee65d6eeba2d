"""``contam simulate`` as a command: every world, its options, claims, files, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from contam.claims import CONFIRMED, CONTRADICTED, Claim, ClaimsRun
from contam.theory import running
from contam.theory.running import WORLDS, names_of
from contam.theory.token_worlds import REGIMES
from contam_cli.simulate import simulate

SMALL = {
    "tokens": ("--types", "20", "--samples", "40", "--generations", "3", "--trajectories", "4"),
    "gaussian": ("--samples", "10", "--generations", "3", "--trajectories", "20"),
    "mixture": ("--samples", "30", "--generations", "2", "--trajectories", "1"),
    "regression": ("--samples", "20", "--dimension", "3", "--generations", "3", "--trajectories", "9"),
    "vae": ("--samples", "50", "--generations", "1", "--trajectories", "1", "--epochs", "1", "--hidden", "8"),
    "bias": ("--types", "20", "--samples", "40", "--generations", "3", "--trajectories", "4"),
}


@pytest.mark.parametrize("what", WORLDS)
def test_every_world_prints_and_writes(cli, what, tmp_path):
    out, page = tmp_path / "out", tmp_path / "page.html"
    told = cli("simulate", what, *SMALL[what], "--seed", "3", "--out", str(out), "-o", f"html:{page}")
    assert told.code == 0 and told.out.startswith(f"contam simulate {what}: ") and "seed 3" in told.out
    assert "<svg" in page.read_text(encoding="utf-8") and (out / "figures" / f"{what}.png").is_file()
    found = json.loads((out / "simulation.json").read_text(encoding="utf-8"))
    assert found["what"] == what and found["settings"]["seed"] == 3 and found["series"]


def test_json_on_stdout(cli):
    told = cli("simulate", "gaussian", *SMALL["gaussian"], "--divisor", "unbiased", "--format", "json")
    found = json.loads(told.out)
    assert told.code == 0 and found["command"] == "simulate" and found["settings"]["divisor"] == "unbiased"
    assert found["comparisons"] and found["schema_version"] == 1


def test_probabilities_are_a_list(cli):
    told = cli("simulate", "tokens", "--probabilities", "0.5,0.5", *SMALL["tokens"][2:], "--format", "json")
    assert told.code == 0 and json.loads(told.out)["settings"]["probabilities"] == [0.5, 0.5]


def test_quiet_has_the_table_only(cli):
    told = cli("simulate", "gaussian", *SMALL["gaussian"], "-q")
    assert "closed form" in told.out and "Courses" not in told.out


def test_quiet_without_closed_forms_tells_the_course(cli):
    told = cli("simulate", "vae", *SMALL["vae"], "-q")
    assert "From the first generation to 1: deviation of latent means " in " ".join(told.out.split())


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_simulated(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "simulate", lambda *args, **given: pytest.fail("simulated"))
    monkeypatch.setattr(running, "claims", lambda *args, **given: pytest.fail("judged"))
    (tmp_path / "file").write_text("")
    for args in (("gaussian",), ("--claims",)):
        told = cli("simulate", *args, "--out", str(tmp_path / "file" / "out"))
        assert told.code == 2 and "is not a folder" in " ".join(told.err.split()) and "Traceback" not in told.err


def test_every_regime_is_named_in_the_help(cli):
    told = " ".join(cli("simulate", "--help").out.split())
    for regime in REGIMES:
        assert re.search(rf"--regime NAME [a-z, -]*\b{regime}\b", told)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "name what to simulate (tokens, gaussian"),
        (("gausian",), "did you mean 'gaussian'"),
        (("gaussian", "--types", "5"), "--types is no option of gaussian: tokens, bias have it"),
        (("gaussian", "--samples", "1"), "--samples must be between"),
        (("gaussian", "--samples", "many"), "many"),
        (("gaussian", "--regime", "mix"), "--regime must be one of"),
        (("bias", "--top-p", "2"), "--top-p must be between"),
        (("tokens", "--claims"), "goes without tokens"),
        (("--claims", "--real-share", "0.1"), "goes without --real-share"),
        (("gaussian", "-o", "pdf:x.pdf"), "expected FORMAT:PATH"),
    ],
)
def test_what_cannot_be(cli, args, message):
    told = cli("simulate", *args)
    assert told.code == 2 and message in " ".join(told.err.split()) and "Traceback" not in told.err


def test_every_option_belongs_to_a_world_and_every_world_has_its_options():
    given = {p.name for p in simulate.params} - {"what", "claims", "out", "form", "outputs", "quiet", "verbose"}
    given -= {"no_progress", "config"}
    assert given == {name for what in WORLDS for name in names_of(what)}


@pytest.fixture
def judged(monkeypatch):
    """Two claims stand for all."""

    def claim(name: str, status: str) -> Claim:
        return Claim(name, "Someone 2024", f"Statement {name}.", "1", "2", "within .1", status, seconds=0.1)

    run = ClaimsRun((claim("1", CONFIRMED), claim("2", CONTRADICTED)), 0.2)
    monkeypatch.setattr(running, "claims", lambda watch=None, processes=2: run)


def test_a_contradicted_claim_is_a_result(cli, judged, tmp_path):
    told = cli("simulate", "--claims", "--out", str(tmp_path), "-o", f"json:{tmp_path / 'all.json'}")
    assert told.code == 0 and "1 confirmed, 1 contradicted" in told.out and "Statement 2." in told.out
    for name in ("claims.json", "all.json"):
        found = json.loads((tmp_path / name).read_text(encoding="utf-8"))["claims"]
        assert [c["status"] for c in found] == [CONFIRMED, CONTRADICTED]
        fields = {"id", "source", "statement", "expected", "measured", "tolerance", "status", "seconds"}
        assert fields <= set(found[0])
    assert (tmp_path / "report.html").is_file()


HELP = """
import sys
from contam_cli.main import run
run(["simulate", "--help"])
print(*sys.modules, file=sys.stderr)
"""


def test_help_imports_no_numbers():
    told = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "sklearn", "matplotlib"} & set(told.stderr.split())
    assert "Exit codes: 0 simulated, whatever came of it" in told.stdout
