"""Values, their precedence, their origins, the folders that paths are relative to."""

from __future__ import annotations

import pytest

from contam.configuration.loading import load, with_command_line
from contam.configuration.schema import BY_NAME, KEYS
from contam.errors import UsageError


@pytest.fixture
def write(tmp_path):
    """``write("contam.toml", text)`` makes a file below the folder of the test."""

    def make(name: str, text: str) -> None:
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    return make


def test_command_line_over_environment_over_file_over_default(tmp_path, write):
    write("contam.toml", "seed = 1\nworkers = 2\nprofile = 'code'\n")
    found = load(cwd=tmp_path, environment={"CONTAM_SEED": "3", "CONTAM_WORKERS": "4"})
    found = with_command_line(found, {"seed": (5, "--seed")})
    pairs = {name: (v.value, v.origin) for name, v in found.values.items()}
    assert pairs["seed"] == (5, "--seed")
    assert pairs["workers"] == (4, "CONTAM_WORKERS")
    assert pairs["profile"] == ("code", "contam.toml:3")
    assert pairs["fail-on"] == ("collapsing", "default")


def test_every_key_can_be_set_in_a_file(tmp_path, write):
    given = {"text": "'{0}'", "whole": "7", "flag": "true", "path": "'p'", "name": "'n'", "texts": "['DIV']"}
    given |= {"globs": "['g']", "inputs": "['i']", "reports": "['json:r.json']"}
    keys = [key for key in KEYS if key.name not in ("schema", "extend")]
    lines = [f"{k.name} = {given[k.kind].format(k.choices[-1] if k.choices else 'x')}" for k in keys]
    write("contam.toml", "\n".join(lines))
    found = load(cwd=tmp_path, environment={})
    assert [found.values[key.name].origin for key in keys] == [f"contam.toml:{i + 1}" for i in range(len(keys))]
    assert all(found.get(key.name) not in (None, ()) for key in keys)


def test_every_variable(tmp_path):
    given = {"text": "x", "whole": "7", "flag": "yes", "path": "p", "name": "n", "texts": "DIV,rep", "globs": "g"}
    given |= {"inputs": "i, j", "reports": "rich,json:r.json"}
    keys = [key for key in KEYS if key.environment]
    variables = {key.variable: key.choices[-1] if key.choices else given[key.kind] for key in keys}
    found = load(cwd=tmp_path, environment=variables)
    assert all(found.values[key.name].origin == key.variable for key in keys)
    assert found.get("select") == ("DIV", "REP") and found.get("include") == ("i", "j")
    assert found.get("strict") is True and found.get("sample.tokens") == 7
    assert found.get("report.formats") == ("rich", "json:r.json")


def test_variables_that_mean_something_else_are_no_settings(tmp_path):
    others = {"CONTAM_CACHE_DIR": "x", "CONTAM_KERNELS": "y", "CONTAM_SHARED": "z", "CONTAM_SEEED": "1"}
    found = load(cwd=tmp_path, environment={**others, "CONTAM_SEED": ""})
    assert {value.origin for value in found.values.values()} == {"default"}


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("CONTAM_SEED", "one", "whole number"), ("CONTAM_STRICT", "maybe", "1 or 0"), ("CONTAM_WORKERS", "0", "least 1"),
     ("CONTAM_FAIL_ON", "collapse", '"collapsing" or "never"'), ("CONTAM_SELECT", "DVI", "did you mean 'DIV'")],
)  # fmt: skip
def test_a_wrong_variable_is_told(tmp_path, name, text, told):
    with pytest.raises(UsageError, match=f"^{name}: .*{told}"):
        load(cwd=tmp_path, environment={name: text})


def test_paths_are_relative_to_their_file(tmp_path, write):
    write("contam.toml", (
        'include = ["data/*.jsonl", "hf://x/y", "-", "/abs/*.txt"]\nexclude = ["raw/**"]\nreference = "trusted.jsonl"\n'
        'profile = "mine.profile"\nmodel = "tiny"\nvalid = "./held.txt"\nbaseline = "b.json"\ncache-dir = ".cache"\n'
        '[report]\nformats = ["rich", "json:out/a.json"]\n'
    ))  # fmt: skip
    write("mine.profile", "")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    found = load(cwd=inner, environment={})
    assert found.get("include") == ("../../data/*.jsonl", "hf://x/y", "-", "/abs/*.txt")
    assert found.get("reference") == "../../trusted.jsonl" and found.get("baseline") == "../../b.json"
    assert found.get("profile") == "../../mine.profile" and found.get("model") == "tiny"
    assert found.get("valid") == "../../held.txt" and found.get("cache-dir") == "../../.cache"
    assert found.get("report.formats") == ("rich", "json:../../out/a.json")
    assert found.get("exclude") == ("raw/**",) and found.folder == tmp_path
    assert load(cwd=tmp_path, environment={}).get("include")[0] == "data/*.jsonl"


def test_a_folder_with_signs_of_globs_is_a_folder(tmp_path, write):
    write("a[1]/b/contam.toml", 'extend = "../contam.toml"\n')
    write("a[1]/contam.toml", 'include = ["*.txt"]\n')
    found = load("a[1]/contam.toml", cwd=tmp_path, environment={})
    assert found.get("include") == ("a[[]1]/*.txt",)


def test_a_file_that_extends_another(tmp_path, write):
    write("base.toml", (
        'seed = 1\nworkers = 2\nexclude = ["raw/**"]\nreference = "t.txt"\n[rules.DIV001]\nmin = 4.0\nmax-drop = "2%"\n'
        '[per-source."code/**"]\nprofile = "code"\nignore = ["REP"]\n[probe]\ntext = "h.txt"\n'
    ))  # fmt: skip
    write("a/contam.toml", (
        'extend = "../base.toml"\nseed = 5\n[rules.window-entropy]\nmin = 3.0\n[per-source."x/**"]\nignore = ["DIV"]\n'
        '[per-source."../code/**"]\nignore = []\n'
    ))  # fmt: skip
    found = load(cwd=tmp_path / "a", environment={})
    assert (found.get("seed"), found.values["seed"].origin) == (5, "contam.toml:2")
    assert (found.get("workers"), found.values["workers"].origin) == (2, "../base.toml:2")
    assert found.get("exclude") == ("../raw/**",) and found.get("reference") == "../t.txt"
    setting = found.policy.setting("DIV001")
    assert setting.min == 3.0 and str(setting.max_drop) == "2%"
    assert [source.glob for source in found.sources] == ["x/**", "../code/**"]
    assert found.sources[1].options == {"profile": "code"} and found.sources[1].policy.applies("REP001")
    assert found.commands["probe"]["text"].origin == "../base.toml:12"


@pytest.mark.parametrize("chain", [("contam.toml",), ("b.toml", "contam.toml"), ("b.toml", "c.toml", "./b.toml")])
def test_extending_in_a_circle_is_told(tmp_path, write, chain):
    for name, extended in zip(("contam.toml", *chain), chain):
        write(name, f'extend = "{extended}"\n')
    with pytest.raises(UsageError, match=r"toml:1: extend = .* leads in a circle"):
        load(cwd=tmp_path, environment={})


def test_what_is_wrong_in_an_extended_file_is_told_with_both_places(tmp_path, write):
    write("contam.toml", 'seed = 1\nextend = "gone.toml"\n')
    with pytest.raises(UsageError, match=r"^contam\.toml:2: extend: cannot read the configuration gone\.toml"):
        load(cwd=tmp_path, environment={})
    write("gone.toml", "\nseeed = 1\n")
    with pytest.raises(UsageError, match=r"^gone\.toml:2: unknown key 'seeed'"):
        load(cwd=tmp_path, environment={})


def test_a_pyproject_can_be_extended(tmp_path, write):
    write("pyproject.toml", "[tool.contam.sample]\ntokens = 9\n")
    write("a/contam.toml", 'extend = "../pyproject.toml"\n')
    found = load(cwd=tmp_path / "a", environment={})
    assert (found.get("sample.tokens"), found.values["sample.tokens"].origin) == (9, "../pyproject.toml:2")


def test_the_command_line_is_checked_as_the_file_is(tmp_path):
    empty = load(cwd=tmp_path, environment={})
    given = {"select": (("DIV,rep", "SYN001"), "--select"), "baseline": (tmp_path, "--baseline")}
    found = with_command_line(empty, given)
    assert found.get("select") == ("DIV", "REP", "SYN001") == found.policy.select
    assert found.get("baseline") == str(tmp_path) and empty.policy.select == ()
    with pytest.raises(UsageError, match=r"^--ignore: no rule begins with 'DVI'; did you mean 'DIV'"):
        with_command_line(empty, {"ignore": ("DVI", "--ignore")})


def test_parts_are_below_environment_and_command_line(tmp_path, write):
    write("contam.toml", (
        'ignore = ["DIV"]\nseed = 1\n[per-source."a"]\nprofile = "code"\nreference = "r"\nignore = ["REP"]\n'
        'select = ["DUP"]\nsample = { tokens = 7, seed = 2 }\n'
    ))  # fmt: skip
    (part,) = load(cwd=tmp_path, environment={}).sources
    assert part.options == {"profile": "code", "reference": "r", "sample_tokens": 7, "seed": 2}
    assert part.policy.select == ("DUP",) and part.policy.ignore == ("DIV", "REP")
    found = load(cwd=tmp_path, environment={"CONTAM_PROFILE": "english"})
    given = {"reference": ("t", "--reference"), "seed": (4, "--seed"), "ignore": (("SYN",), "--ignore")}
    (part,) = with_command_line(found, given).sources
    assert part.options == {"sample_tokens": 7} and part.policy.ignore == ("SYN", "REP")


def test_the_seed_of_the_sample_is_below_a_seed_that_was_given_closer(tmp_path, write):
    write("contam.toml", "seed = 1\n[sample]\nseed = 2\n")
    assert load(cwd=tmp_path, environment={}).get("sample.seed") == 2
    assert load(cwd=tmp_path, environment={"CONTAM_SEED": "3"}).get("sample.seed") is None
    found = with_command_line(load(cwd=tmp_path, environment={}), {"seed": (4, "--seed")})
    assert found.get("sample.seed") is None and found.get("seed") == 4


def test_names_of_variables_do_not_meet():
    variables = [key.variable for key in KEYS]
    assert len(set(variables)) == len(variables) and not BY_NAME["cache-dir"].environment


def test_rules_selected_on_the_command_line_are_those_of_parts_too(tmp_path, write):
    write("contam.toml", '[per-source."a"]\nselect = ["DIV"]\n')
    found = with_command_line(load(cwd=tmp_path, environment={}), {"select": (("DUP",), "--select")})
    assert found.sources[0].policy.select == ("DUP",)
    assert load(cwd=tmp_path, environment={"CONTAM_SELECT": "DUP"}).sources[0].policy.select == ("DUP",)


def test_a_part_keeps_its_own_baseline(tmp_path, write):
    write("contam.toml", '[per-source."a"]\nbaseline = "a.json"\n')
    found = with_command_line(load(cwd=tmp_path, environment={}), {"baseline": ("b.json", "--baseline")})
    assert found.sources[0].options == {"baseline": "a.json"} and found.get("baseline") == "b.json"


def test_an_empty_table_is_a_part_all_the_same(tmp_path, write):
    write("contam.toml", '[per-source."a/**"]\n')
    (part,) = load(cwd=tmp_path, environment={}).sources
    assert part.glob == "a/**" and part.options == {}
