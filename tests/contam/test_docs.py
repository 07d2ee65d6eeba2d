"""The documents name every command, option, rule, level and exit code, and their links lead somewhere."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import click
import pytest
from examples import make_audit
from mixes import make_mix
from recursions import make_recursion

from contam.claims import Claim
from contam.experiments.recurse.claim_rules import PUBLISHED
from contam.experiments.recurse.outcome import Recursion
from contam.experiments.recurse.presets import PRESETS as RECURSE_PRESETS
from contam.experiments.selftrain.claims import STATEMENTS
from contam.experiments.selftrain.collapse import Outcome, State
from contam.experiments.selftrain.history import Run
from contam.experiments.selftrain.options import PRESETS, SelfTrainOptions
from contam.experiments.selftrain.outcome import SelfTraining, _replica
from contam.explaining import human_rate
from contam.mixing.options import REGIMES, MixOptions
from contam.mixing.result import Dose, DoseResponse, Forecast, Retained, ScoredDocument
from contam.mixing.wording import KINDS
from contam.models.configurations import CONFIGURATIONS
from contam.models.finding import TINY, embedded
from contam.reports import FORMATS
from contam.result import Level
from contam.rules import RULES
from contam.synthetic.share import Declared, SyntheticShare
from contam_cli.main import COMMANDS
from contam_metrics.one_text import DIRECTIONS, log_fields

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_section_and_an_example(name):
    section = read("cli.md").partition(f"## contam {name}\n")[2].partition("\n## ")[0]
    assert f"\ncontam {name}" in section


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented(name):
    command = getattr(import_module(f"contam_cli.{name}"), name)
    text = read("cli.md")
    commands = [command, *command.commands.values()] if isinstance(command, click.Group) else [command]
    for one in commands:
        for option in one.params:
            if isinstance(option, click.Option):
                assert any(flag in text for flag in option.opts), option.opts


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_in_the_table(rule):
    (row,) = [line for line in read("rules.md").splitlines() if line.startswith(f"| {rule.id} ")]
    assert f"| {rule.name} |" in row and row.endswith(f"| {rule.status}s |")
    if rule.kind == "absolute":
        assert f"{100 * rule.limit:.0f} % or more" in row
        assert (f"at least {rule.least} documents" in row) == bool(rule.least)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_is_explained_beside_a_picture(rule):
    """A section with what it means, an example, how often it errs, what to do and what it misses."""
    section = read("rules.md").partition(f"\n### {rule.id} {rule.name}\n")[2].partition("\n### ")[0]
    found = re.search(rf"!\[([^\]]{{40,}})\]\(rules/{rule.id}\.svg\)", section)
    assert found, "a picture with words for those who do not see it"
    for told in ("In plain words.", "Example.", "Trips on human text.", "What to do.", "Cannot see."):
        assert section.count(f"**{told}**") == 1, told


@pytest.mark.parametrize("picture", sorted((DOCS / "rules").iterdir()), ids=lambda path: path.name)
def test_a_picture_of_a_rule_is_of_a_rule_and_holds_no_script(picture):
    assert picture.stem in {rule.id for rule in RULES} and picture.suffix == ".svg"
    text = picture.read_text(encoding="utf-8")
    assert "<script" not in text and not re.search(r"""(href|src)=["'](?!#)""", text)


def test_there_is_a_picture_of_every_rule():
    assert {path.stem for path in (DOCS / "rules").iterdir()} == {rule.id for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_how_often_a_rule_errs_is_as_counted(rule):
    section = read("rules.md").partition(f"\n### {rule.id} {rule.name}\n")[2].partition("\n### ")[0]
    for count, of in re.findall(r"^(\d+) of (\d+) human sources", human_rate(rule)[0]):
        assert re.search(rf"human text\.\*\* {count} of {of}\b", section)


def test_limits_quote_the_tables_of_the_verdict():
    """What is found of mixtures, and the false alarms with the domain left out, at 20,000 words."""
    pages = (read("verdict.md"), read("limits.md").replace("\n", " "))
    for begin in ("english population", "english paired"):
        table = pages[0].partition(f"<!-- begin {begin} -->")[2].partition("<!-- end")[0]
        (row,) = [line for line in table.splitlines() if line.startswith("| 20,000 | at risk ")]
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        told = [f"{100 * float(cells[4].split()[0]):.1f} %", *(f"{100 * float(cell):.0f}" for cell in cells[9:11])]
        assert all(figure in pages[1] for figure in told), (begin, told)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_in_its_help(name):
    assert f"\n  contam {name}" in import_module(f"contam_cli.{name}").EPILOG


@pytest.mark.parametrize("name", COMMANDS)
def test_no_option_of_a_command_is_without_help(name):
    command = getattr(import_module(f"contam_cli.{name}"), name)
    commands = [command, *command.commands.values()] if isinstance(command, click.Group) else [command]
    options = [p for one in commands for p in one.params if isinstance(p, click.Option) and not p.hidden]
    assert not [option.opts for option in options if not option.help]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_of_a_command_are_in_its_own_section(name):
    """Or in that of all commands, or in that of the audit, if the section sends its reader there."""
    text = read("cli.md")
    own = text.partition(f"## contam {name}\n")[2].partition("\n## contam ")[0]
    shared = text.partition("\n## contam ")[0] + text.rpartition("\n## ")[2]
    if "`contam audit`" in own:
        shared += text.partition("## contam audit\n")[2].partition("\n## contam ")[0]
    command = getattr(import_module(f"contam_cli.{name}"), name)
    if isinstance(command, click.Group):
        return
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    assert not [o.opts for o in options if not any(flag in own or flag in shared for flag in o.opts)]


@pytest.mark.parametrize("code", [0, 1, 2, 130])
def test_exit_codes_are_documented(code):
    for page in (ROOT / "README.md", DOCS / "exit-codes.md"):
        assert f"\n| {code} | " in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("level", Level)
def test_the_table_of_levels_is_what_the_code_does(level):
    (row,) = [line for line in read("exit-codes.md").splitlines() if line.startswith(f"| `{level.value}` ")]
    told = [int(cell) for cell in re.findall(r"\| (\d)(?= )", row)]
    assert told == [make_audit(level).exit_code(fail_on) for fail_on in ("at_risk", "collapsing", "never")]


def test_every_field_of_the_json_is_documented():
    text = read("json.md")
    data = make_audit().to_dict()
    for section, content in data.items():
        assert f"`{section}" in text
        if section in ("corpus", "reference", "verdict", "documents", "provenance"):
            for field in content:
                assert f"`.{field}`" in text or f"`{section}.{field}`" in text or f"`{field}`" in text
    for field in next(iter(data["signals"].values())):
        assert f"`{field}`" in text


@pytest.mark.parametrize("form", FORMATS)
def test_every_report_format_is_documented(form):
    assert f"`{form}`" in read("cli.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_in_the_index():
    index = read("index.md")
    assert not [page.name for page in DOCS.glob("*.md") if page.name != "index.md" and page.name not in index]


def test_the_readme_begins_with_the_two_commands():
    blocks = re.findall(r"```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert blocks[0] == "pip install -c constraints.txt . && contam demo\n"
    assert blocks[1].startswith("pip install -c constraints.txt") and "&& pytest" in blocks[1]


def test_pins_name_every_dependency():
    pins = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    named = {re.split(r"[\[><=]", entry)[0].lower() for part in lists for entry in part} - {"contam"}
    assert len(named) > 10 and named <= pins


# --- self-training --------------------------------------------------------------------------------------------------


def told(value) -> str:
    """A setting as the table of presets shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(f"{v:g}" for v in value) if isinstance(value, tuple) else f"{value:g}"


@pytest.mark.parametrize("name", dict.fromkeys(n for preset in PRESETS.values() for n in preset))
def test_the_presets_are_as_documented(name):
    """A row a setting: its option, then its value in every preset."""
    option = "--lr" if name == "rates" else f"--{name.replace('_', '-')}"
    default = getattr(SelfTrainOptions(), name)
    values = [told(preset.get(name, default)) for preset in PRESETS.values()]
    assert f"\n| option | {' | '.join(PRESETS)} |\n" in read("cli.md")
    assert f"\n| `{option}` | {' | '.join(values)} |\n" in read("cli.md")


@pytest.mark.parametrize("signal", DIRECTIONS)
def test_every_signal_of_a_text_is_documented(signal):
    section = read("metrics.md").partition("\n## 6. ")[2]
    (row,) = [line for line in section.splitlines() if line.startswith("| ") and f"`{signal}`" in line]
    assert row.endswith(f"| {DIRECTIONS[signal]} |")


def test_every_field_of_a_log_line_is_documented():
    own = ("iteration", "model", "learning_rate", "seed", "train_loss", "validation", "tokens", "step_loss")
    section = read("selftrain.md").partition("\n### A line of the log\n")[2].partition("\n### ")[0]
    for name in (*own, "grad_norm", "seconds", "diverged", "draw", *log_fields("A text.")):
        assert f"`{name}`" in section, name


def test_every_setting_of_a_plan_is_documented():
    section = read("selftrain.md").partition("\n### plan.json\n")[2].partition("\n### ")[0]
    assert not [f.name for f in fields(SelfTrainOptions) if f"`{f.name}`" not in section]


def test_every_field_of_the_json_of_a_run_is_documented():
    section = read("json.md").partition("\n## selftrain\n")[2]
    outcome = Outcome(State.HEALTHY, None, None, None, None, 4.0, 4.0, 4.0, 4.0, {}, 0)
    run = SelfTraining(Path("run"), Run({}, (), ()), {"tiny-lr0.001-seed0": outcome}, (), (), (), 1.0)
    names = [*run.to_dict(), *_replica("tiny-lr0.001-seed0", outcome), *(f.name for f in fields(Claim))]
    assert not [name for name in names if f"`{name}`" not in section and f"`{name}." not in section]


@pytest.mark.parametrize("name", embedded())
def test_the_embedded_models_are_as_documented(name):
    record = json.loads((TINY / name / "record.json").read_text(encoding="utf-8"))
    section = read("selftrain.md")
    assert f"`{name}`" in section and f"{record['parameters']:,} parameters" in section
    assert f"{record['held_out_nats_per_token']:.2f} nats" in section


@pytest.mark.parametrize("state", State)
def test_every_state_of_a_replica_is_documented(state):
    assert f"\n| `{state}` | " in read("selftrain.md")


@pytest.mark.parametrize("claim", STATEMENTS)
def test_every_claim_says_when_it_is_confirmed(claim):
    assert f"\n| {claim} " in read("selftrain.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_sections_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
        text = (page.parent / target if target else page).read_text(encoding="utf-8")
        heads = re.findall(r"^#+ (.*)$", text, re.M)
        assert anchor in [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads], (target, anchor)


# --- recursion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECURSE_PRESETS)
def test_every_preset_of_a_recursion_is_documented(name):
    assert f"`{name}`" in read("cli.md")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_configuration_is_documented(name):
    assert f"`{name}`" in read("cli.md")


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_claim_about_recursion_says_how_it_is_judged(name):
    assert f"\n| {name} | " in read("recurse.md")


def test_every_field_of_a_recursion_is_documented():
    result = Recursion(Path("run"), make_recursion(), (), (), {}, 0.0)
    section = read("json.md").partition("\n## recurse\n")[2].partition("\n## ")[0]
    for name in result.to_dict():
        assert f"`{name}" in section
    for name in result.to_dict()["lineages"][0]:
        assert f"`{name}`" in section


# --- mixtures -------------------------------------------------------------------------------------------------------


def test_every_field_of_the_json_of_a_mixture_is_documented():
    section = read("json.md").partition("\n## mix\n")[2].partition("\n## ")[0]
    names = [*make_mix("full").to_dict(), *make_mix("estimate").to_dict()["compared"]]
    names += [f.name for kind in (Dose, DoseResponse, Forecast, Retained, ScoredDocument) for f in fields(kind)]
    names += [f.name for kind in (SyntheticShare, Declared) for f in fields(kind)]
    names.remove("doses")
    assert not [name for name in names if f"`{name}`" not in section and f"`{name}." not in section]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_effect_is_documented(kind):
    section = read("json.md").partition("\n## mix\n")[2].partition("\n## ")[0]
    assert f"`{kind}`" in section and kind in read("mix.md")


@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_of_a_mixture_is_documented(regime):
    assert f"\n| {regime} | " in read("forecast.md")
    assert f"`{regime}`" in read("cli.md").partition("\n## contam mix\n")[2].partition("\n## ")[0]


DEFAULTS = ("share", "generations", "temperature", "rate", "seeds", "size", "rounds", "ngram_order")


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_of_a_mixture_are_as_documented(name):
    section = read("cli.md").partition("\n## contam mix\n")[2].partition("\n## ")[0]
    (row,) = [line for line in section.splitlines() if line.startswith(f"| `--{name.replace('_', '-')} ")]
    value = getattr(MixOptions(), name)
    assert "default: that of the two texts" in row if value is None else f"default {value:,g}" in row
