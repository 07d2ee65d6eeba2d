"""``contam config``, and what a configuration does to every other command."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import click
import pytest

from contam.configuration.loading import load
from contam.configuration.schema import BY_NAME, COMMANDS, KEYS
from contam_cli import configured
from contam_cli.configured import SHARED
from contam_cli.main import COMMANDS as ALL
from contam_cli.main import commands
from contam_cli.settings import Settings, settings

FILE = """\
include = ["data/*.jsonl"]
exclude = ["data/raw/**"]
text-field = "body"
split = "blank-lines"
strict = true
seed = 3
workers = 2
fail-on = "at_risk"
allow-insufficient = true
ignore = ["REP003"]
profile = "code"
reference = "trusted.jsonl"
device = "cpu"
sample = { tokens = 20_000 }

[rules.DIV001]
min = 4.0
max-drop = "2%"
severity = "error"

[per-source."data/code \\"x\\"/**"]
ignore = ["REP"]
sample.tokens = 5

[per-source."data/code \\"x\\"/**".rules.DUP001]
max = 0.5

[probe]
samples = 64
text = ["held.txt", "pydoc"]
baseline = "base"
bos = false

[selftrain]
lr = [1e-5, 2e-5]
seeds = 2
fail-on = "collapsing"

[mix]
split-lines = true
output = ["json:mix.json"]

[simulate]
out = "runs"
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A project with a configuration; the command runs in it."""
    (tmp_path / "contam.toml").write_text(FILE)
    (tmp_path / "base").mkdir()
    (tmp_path / "held.txt").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for key in KEYS:
        if key.environment:
            monkeypatch.delenv(key.variable, raising=False)


def parsed(name: str, *args: str, before: tuple[str, ...] = ()) -> click.Context:
    """The context of a command as it is when the command begins."""
    with commands.make_context("contam", [*before, name, *args], obj=Settings()) as root:
        command = commands.get_command(root, name)
        assert command is not None
        return command.make_context(name, list(args), parent=root)


def test_an_audit_has_the_settings_of_the_file(place):
    params = parsed("audit").params
    wanted = {
        "text_field": "body", "split": "blank-lines", "strict": True, "seed": 3, "workers": 2, "fail_on": "at_risk",
        "allow_insufficient": True, "profile": "code", "reference": "trusted.jsonl", "device": "cpu",
        "sample_tokens": 20_000, "ignore": ("REP003",), "model": None, "proxy": "ngram",
    }  # fmt: skip
    assert {name: params[name] for name in wanted} == wanted


def test_the_command_line_is_over_the_environment_over_the_file(place, monkeypatch):
    monkeypatch.setenv("CONTAM_SEED", "4")
    monkeypatch.setenv("CONTAM_FAIL_ON", "never")
    context = parsed("audit", "x", "--seed", "5", "--split-lines")
    assert context.params["seed"] == 5 and context.params["fail_on"] == "never"
    assert context.params["split"] == "lines" and context.params["text_field"] == "body"
    with context.scope():
        values = settings().configuration.values
    assert (values["seed"].value, values["seed"].origin) == (5, "--seed")
    assert values["fail-on"].origin == "CONTAM_FAIL_ON" and values["profile"].origin == "contam.toml:11"
    assert (values["split"].value, values["split"].origin) == ("lines", "--split-lines")


def test_options_of_rules_are_in_the_policy(place):
    with parsed("audit", "x", "--ignore", "DIV,REP001", "--ignore", "dup").scope():
        found = settings().configuration
    assert found.policy.ignore == ("DIV", "REP001", "DUP")
    assert found.sources[0].policy.ignore == ("DIV", "REP001", "DUP", "REP")


def test_a_seed_of_the_sample_is_the_seed_of_an_audit(place):
    (place / "contam.toml").write_text("seed = 1\n[sample]\nseed = 2\n")
    assert parsed("audit").params["seed"] == 2
    assert parsed("audit", "--seed", "3").params["seed"] == 3
    assert parsed("probe", "tiny").params["seed"] == 1


def test_a_command_has_its_own_table_and_what_means_the_same(place):
    params = parsed("probe", "tiny").params
    wanted = {
        "samples": 64, "text": ("held.txt", "pydoc"), "baseline": "base", "bos": False, "seed": 3, "profile": "code",
        "fail_on": "at_risk", "device": "cpu", "tokens": 256,
    }  # fmt: skip
    assert {name: params[name] for name in wanted} == wanted
    assert parsed("probe", "tiny", "--bos", "--samples", "99").params["bos"] is True


def test_an_experiment_takes_no_seed_and_no_gate_from_the_top(place):
    params = parsed("selftrain", "tiny").params
    assert params["rates"] == (1e-5, 2e-5) and params["seeds"] == 2 and params["fail_on"] == "collapsing"
    assert params["seed"] is None and params["device"] == "cpu" and params["valid"] == ()
    params = parsed("recurse", "ngram").params
    assert params["fail_on"] == "never" and params["seed"] is None and params["text_field"] is None


def test_an_order_in_the_file_waits_for_a_reference(cli, place, measurement):
    (place / "contam.toml").write_text('order = "known"\n')
    assert cli("audit", "x", "-q").code == 0 and measurement.asked[-1][1].order == "unknown"
    assert cli("audit", "x", "--reference", "t", "-q").code == 0 and measurement.asked[-1][1].order == "known"
    outcome = cli("audit", "x", "--order", "known")
    assert outcome.code == 2 and "--order says how --reference PATH stands" in outcome.err


def test_a_table_is_over_shared_keys_and_the_environment_over_both(place, monkeypatch):
    assert parsed("mix").params["split"] == "lines" and parsed("mix").params["outputs"] == ("json:mix.json",)
    assert parsed("compare", "a", "b").params["split"] == "blank-lines"
    monkeypatch.setenv("CONTAM_SPLIT", "blank-lines")
    assert parsed("mix").params["split"] == "blank-lines"


def test_paths_of_tables_are_relative_to_the_file(place, monkeypatch):
    (place / "a").mkdir()
    monkeypatch.chdir(place / "a")
    params = parsed("probe", "tiny").params
    assert params["text"] == ("../held.txt", "pydoc") and params["baseline"] == "../base"
    assert parsed("mix").params["outputs"] == ("json:../mix.json",)
    assert str(parsed("simulate", "bias").params["out"]) == "../runs"
    (place / "contam.toml").write_text('[recurse]\nreal = ["pydoc", "novels/"]\n[filter]\nout = "kept.jsonl"\n')
    assert parsed("recurse", "ngram").params["real"] == ("pydoc", "../novels/")
    assert parsed("filter", "x").params["out"] == "../kept.jsonl"
    (place / "contam.toml").write_text(FILE)
    assert parsed("audit").params["reference"] == "../trusted.jsonl"


@pytest.mark.parametrize("before", [True, False])
def test_another_file_before_the_command_or_after_it(place, before):
    (place / "other.toml").write_text("seed = 9\n")
    given = ("--config", "other.toml")
    context = parsed("audit", before=given) if before else parsed("audit", *given)
    assert context.params["seed"] == 9 and context.params["text_field"] is None
    given = ("--config", "none")
    context = parsed("audit", before=given) if before else parsed("audit", *given)
    assert context.params["seed"] == 0


WRONG = [
    ("[probe]\nsampels = 3", "probe", "contam.toml:2: [probe] has no option 'sampels'; did you mean 'samples'?"),
    ("[probe]\nsamples = 'x'", "probe", "contam.toml:2: probe.samples: 'x' is not a valid int"),
    ("[probe]\nsamples = true", "probe", "contam.toml:2: probe.samples: True is no value of --samples"),
    ("[probe]\nsamples = { a = 1 }", "probe", "contam.toml:2: probe.samples: "),
    ("[probe]\nno-bos = true", "probe", "contam.toml:2: probe.no-bos: write bos = false instead"),
    ("[probe]\nbos = 'no'", "probe", "contam.toml:2: probe.bos: 'no' is to be true or false"),
    ("[probe]\nfail-on = 'x'", "probe", "contam.toml:2: probe.fail-on: 'x' is not one of"),
    ("[probe]\nquiet = true", "probe", "contam.toml:2: [probe] has no option 'quiet'"),
    ("[selftrain]\nlr = ['a']", "selftrain", "contam.toml:2: selftrain.lr: 'a' is not a list of numbers"),
    ("sed = 3", "audit", "contam.toml:1: unknown key 'sed'; did you mean 'seed'?"),
]


@pytest.mark.parametrize(("text", "command", "told"), WRONG, ids=[told.partition(": ")[2] for *_, told in WRONG])
def test_a_mistake_is_2_with_its_line(cli, place, text, command, told):
    (place / "contam.toml").write_text(text + "\n")
    for args in ((command, "tiny"), ("config",)):
        outcome = cli(*args)
        assert outcome.code == 2 and outcome.out == "" and told in outcome.err
        assert outcome.err.startswith("contam: ") and "Traceback" not in outcome.err


def test_a_mistake_in_the_table_of_one_command_stops_no_other(place):
    (place / "contam.toml").write_text("seed = 1\n[probe]\nsampels = 3\n")
    assert parsed("audit").params["seed"] == 1


@pytest.mark.parametrize("args", [
    ("--help",), ("--version",), ("config", "--help"), ("audit", "--help"), ("probe", "-h"), ("rule",),
    ("rule", "DIV001"), ("init", "--help"), ("demo", "--help"), ("profile", "list"),
    ("audit", "--config", "gone.toml", "--help"), ("--config", "gone.toml", "--help"),
    ("--config", "gone.toml", "audit", "--help"),
])  # fmt: skip
def test_help_is_there_whatever_the_configuration_says(cli, place, args):
    (place / "contam.toml").write_text("= broken")
    outcome = cli(*args)
    assert outcome.code == 0 and outcome.err == "" and outcome.out


def test_config_shows_every_value_and_where_it_is_from(cli, place, monkeypatch):
    monkeypatch.setenv("CONTAM_WORKERS", "4")
    outcome = cli("config")
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert outcome.code == 0 and "• contam.toml" in lines
    for key in KEYS:
        assert any(line.startswith(f"{key.name} ") for line in lines)
    for line in (
        "seed 3 contam.toml:6", "workers 4 CONTAM_WORKERS", "proxy ngram default", "model not set default",
        "sample.tokens 20000 contam.toml:14", "DIV001.max-drop 2% contam.toml:18", "samples 64 contam.toml:29",
        "rules.DUP001.max 0.5 contam.toml:26",
    ):  # fmt: skip
        assert line in lines


def test_config_as_json(cli, place):
    record = json.loads(cli("config", "--format", "json").out)
    assert record["file"] == str(place / "contam.toml") and record["files"] == ["contam.toml"]
    assert set(record["settings"]) == set(BY_NAME)
    assert record["settings"]["seed"] == {"value": 3, "origin": "contam.toml:6"}
    assert record["settings"]["model"] == {"value": None, "origin": "default"}
    assert record["rules"]["DIV001"]["max-drop"] == {"value": "2%", "origin": "contam.toml:18"}
    part = record["per_source"]['data/code "x"/**']
    assert part["rules.DUP001.max"]["value"] == 0.5 and part["sample.tokens"]["value"] == 5
    assert record["commands"]["probe"]["text"]["value"] == ["held.txt", "pydoc"]


@pytest.mark.parametrize("below", [False, True], ids=["there", "below"])
def test_config_as_toml_says_the_same(cli, place, monkeypatch, below):
    if below:
        (place / "a").mkdir()
        monkeypatch.chdir(place / "a")
    written = cli("config", "--format", "toml").out
    tomllib.loads(written)
    here = place / "a" if below else place
    before = load(environment={})
    (here / "contam.toml").write_text(written)
    after = load(environment={})
    assert {n: v.value for n, v in after.values.items() if n in BY_NAME and n != "exclude"} == {
        n: v.value for n, v in before.values.items() if n in BY_NAME and n != "exclude"
    }
    assert after.policy.rules == before.policy.rules
    assert [(s.options, s.policy.ignore, s.rules) for s in after.sources] == [
        (s.options, s.policy.ignore, s.rules) for s in before.sources
    ]
    step = "../" if below else ""
    assert after.get("exclude") == (f"{step}data/raw/**",)
    assert [s.glob for s in after.sources] == [f'{step}data/code "x"/**']
    for name in ("probe", "selftrain", "mix"):
        args = ("a", "b") if name == "mix" else ("tiny",)
        with_file = parsed(name, *args).params
        (here / "contam.toml").rename(here / "kept")
        (here / "contam.toml").write_text('extend = "../contam.toml"\n' if below else FILE)
        assert with_file == parsed(name, *args).params
        (here / "kept").rename(here / "contam.toml")


def test_config_without_a_file_says_where_it_looked(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("config")
    told = " ".join(outcome.out.split())
    assert outcome.code == 0 and "no file: there is no contam.toml, .contam.toml, or pyproject.toml" in told
    assert json.loads(cli("config", "--format", "json").out)["file"] is None
    assert "no file, as asked" in cli("config", "--config", "none").out


def test_hostile_values_are_shown_escaped(cli, place):
    (place / "contam.toml").write_text('text-field = "a\\u001b[31mb"\n[per-source."\\u001b]0;x\\u0007"]\nignore = []\n')
    for form in ("rich", "json", "toml"):
        outcome = cli("config", "--format", form)
        assert outcome.code == 0 and "\x1b" not in outcome.out and "\x07" not in outcome.out


def test_every_command_with_a_configuration_is_a_command():
    assert set(SHARED) == {"audit", *COMMANDS} and set(COMMANDS) <= set(ALL)


@pytest.mark.parametrize("name", sorted(SHARED))
def test_what_is_shared_are_keys_and_options(name):
    """A key that no option takes would be read and not heeded."""
    command = commands.get_command(click.Context(commands), name)
    fields = {parameter.name for parameter in command.params}
    unheard = {key for key in SHARED[name] if BY_NAME[key].field not in fields}
    assert unheard <= ({"include", "exclude", "sample.seed", "report.formats"} if name == "audit" else set())


def test_texts_that_go_by_a_name_are_known():
    from contam.models.texts import NAMED, PYDOC

    assert {*NAMED, PYDOC} == set(configured._TEXTS)


def test_a_configuration_costs_no_heavy_import(place):
    code = (
        "import sys; from contam_cli.main import run; run(['config']); run(['audit', '--help'])\n"
        "assert not {'numpy', 'numba', 'pyarrow', 'torch'} & set(sys.modules), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=place)
    assert done.returncode == 0, done.stderr
