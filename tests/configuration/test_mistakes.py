"""What is wrong in a configuration is told with file and line, and with what to write instead."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.configuration.loading import load
from contam.configuration.schema import BY_NAME, COMMANDS, RULE_KEYS, SCHEMA, SOURCE_KEYS
from contam.configuration.showing import as_json, as_toml
from contam.errors import UsageError

WRONG = [
    ("text-feild = 'x'", "unknown key 'text-feild'; did you mean 'text-field'?"),
    ("fail_on = 'never'", "unknown key 'fail_on'; did you mean 'fail-on'?"),
    ("sample-tokens = 5", "did you mean 'sample.tokens'?"),
    ("tokens = 5", "did you mean 'sample.tokens'?"),
    ("qqqqqq = 5", "unknown key 'qqqqqq' (`contam config` lists the keys)"),
    ("[sampel]\ntokens = 5", "unknown key 'sampel'; did you mean 'sample'?"),
    ("[sample]\ntoken = 5", "unknown key 'sample.token'; did you mean 'sample.tokens'?"),
    ("sample = 5", "sample is to be a table: [sample] on a line of its own"),
    ("[report]\nformat = ['rich']", "did you mean 'report.formats'?"),
    ("[audit]\nseed = 1", "the settings of contam audit stand at the top of the file"),
    ("[prob]\nsamples = 1", "did you mean 'probe'?"),
    ("seed = 'x'", "seed: 'x' is to be a whole number"),
    ("seed = true", "seed: true is to be a whole number"),
    ("seed = 1.0", "seed: 1.0 is to be a whole number"),
    ("seed = -1", "seed: -1 is to be at least 0"),
    ("seed = 9223372036854775808", "below 2^63"),
    ("workers = 0", "workers: 0 is to be at least 1"),
    ("strict = 1", "strict: 1 is to be true or false"),
    ("profile = 3", "profile: 3 is to be a name or a path"),
    ("profile = ''", "profile: '' is to be a name or a path"),
    ("fail-on = 'at-risk'", 'is to be "at_risk", "collapsing" or "never"'),
    ("split = 'words'", 'is to be "lines" or "blank-lines"'),
    ("precision = 'fp16'", 'is to be "fp32", "tf32" or "bf16"'),
    ("include = [1]", "include: [1] is to be a list of texts"),
    ("exclude = { a = 1 }", "is to be a list of texts"),
    ("select = ['DVI']", "no rule begins with 'DVI'; did you mean 'DIV'?"),
    ("ignore = ['window-entropi']", "did you mean 'window-entropy'?"),
    ("ignore = ['']", "ignore: [''] has an empty text"),
    ("include = ''", "include: '' has an empty text"),
    ("select = ['XXX']", "select: no rule begins with 'XXX' (`contam rule` lists them)"),
    ("extend = 3", "extend: 3 is to be a path"),
    ("[report]\nformats = ['jsn:x']", "no report format 'jsn'; did you mean 'json'?"),
    ("[report]\nformats = ['json:']", "names no file; write json:FILE"),
    ("[rules.DIV01]\nmin = 1", "no rule 'DIV01'; did you mean DIV001?"),
    ("[rules]\nmin = 1", "name the rule, as in [rules.DIV001]"),
    ("rules = []", "rules is to be a table"),
    ("[rules]\nDIV001 = 3", "rules.DIV001 is to be a table"),
    ("[rules.DIV001]\nmni = 1", "unknown key; did you mean 'min'?"),
    ("[rules.DIV001]\nmax_drop = '2%'", "did you mean 'max-drop'?"),
    ("[rules.DIV001]\nmin = '3'", "'3' is to be a number; write 3"),
    ("[rules.SYN001]\nmax = '30%'", "write 0.3"),
    ("[rules.DIV001]\nmin = nan", "is to be a number"),
    ("[rules.DIV001]\nmin = true", "true is to be a number"),
    ("[rules.DIV001]\nmin-effect = -1", "is to be 0 or more"),
    ("[rules.DIV001]\nmin = 3\nmax = 2", "min = 3 lies above max = 2"),
    ("[rules.DIV001]\nseverity = 'fatal'", '"error", "warning" or "off"'),
    ("[rules.DIV001]\non-unavailable = 'error'", '"skip" or "fail"'),
    ("[rules.DIV001]\nmax-rise = '2%'", "the figure of DIV001 (window-entropy) falls in a collapse; use max-drop"),
    ("[rules.DUP001]\nmax-drop = '2%'", "rises in a collapse; use max-rise"),
    ("[rules.DIV001]\nmax-drop = '-2%'", 'no change such as "2%"'),
    ("[rules.DIV001]\nmax-drop = 'two'", 'no change such as "2%"'),
    ("[rules.DUP001]\nmax = 2", "2 is to be a share, 0 to 1: the figure of DUP001 (exact duplicates); write 0.02"),
    ("[rules.DIV006]\nmin = -0.1", "-0.1 is to be a share, 0 to 1"),
    ("[rules.DIV005]\nmin = -1", "-1 is to be 0 or more"),
    ("[rules.DIV005]\nmax-drop = '500%'", "500% is to be at most 100%"),
    ("[rules.DIV006]\nmax-drop = 20", 'at most 1: hapax share f1/N is between 0 and 1; write "20%"'),
    ("[rules.DIV001]\nmin = 1\n[rules.window-entropy]\nmax = 9", "window-entropy and DIV001 are one rule"),
    ("[per-source]\nignore = ['DIV']", "is to be a table"),
    ("exclude = ['data/[z-a]*']", "exclude: 'data/[z-a]*' is no glob"),
    ("[per-source.'data/[z-a]*']", "'data/[z-a]*' is no glob"),
    ("[per-source.'']\nignore = ['DIV']", "an empty glob"),
    ("[per-source.'a/**']\nignroe = ['DIV']", "unknown key 'ignroe' of per-source; did you mean 'ignore'?"),
    ("[per-source.'a/**']\nworkers = 2", "'workers' is for the whole corpus"),
    ("[per-source.'a/**']\nprofile = 2", "profile: 2 is to be"),
    ("[per-source.'a/**']\nsample.token = 2", "did you mean 'sample.tokens'?"),
    ("[per-source.'a/**'.rules.DIV0]\nmin = 2", "no rule 'DIV0'"),
    ("[per-source.'a/**'.rules.DIV001]\nmx = 2", "unknown key"),
    ("[[per-source]]\nglob = 'a'", "is to be a table"),
    ("[[rules]]\nid = 'DIV001'", "is to be a table"),
    ("probe = 3", "probe is to be a table"),
    (f"schema = {SCHEMA + 1}\nnew-key = 1", "needs a later contam"),
    ("schema = '1'", "schema: '1' is to be a whole number"),
    ("schema = 0", "at least 1"),
]  # fmt: skip


HEADERS = (
    "[sampel]", "[audit]", "[prob]", "[rules.DIV01]", "[per-source.'']", "[per-source.'a/**'.rules.DIV0]", "[[",
    "schema = 2",
)  # fmt: skip
"""How texts begin whose first line is the wrong one."""


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[re.sub(r"\W+", "-", text) for text, _ in WRONG])
@pytest.mark.parametrize("inside", [False, True], ids=["contam.toml", "pyproject.toml"])
def test_a_mistake_is_told_with_its_line(tmp_path, text, told, inside):
    name = "pyproject.toml" if inside else "contam.toml"
    header = "[project]\nname = 'x'\n\n[tool.contam]\n" if inside else "# ours\n\n"
    body = re.sub(r"(?m)^(\[+)", r"\1tool.contam.", text) if inside else text
    (tmp_path / name).write_text(header + body + "\n")
    with pytest.raises(UsageError) as caught:
        load(cwd=tmp_path, environment={})
    message = str(caught.value)
    place, _, rest = message.partition(": ")
    assert told in rest
    wrong = 0 if text.startswith(HEADERS) else 2 if "one rule" in told else text.count("\n")
    assert place == f"{name}:{header.count(chr(10)) + 1 + wrong}"


@pytest.mark.parametrize(
    "rule",
    ["DUP001]\nmax = 1", "DUP001]\nmax-rise = '500%'", "PPL002]\nmax = -0.1", "DIV005]\nmax-drop = 500",
     "DIV007]\nmin = 1.02", "DIV005]\nmax-drop = '100%'"],
)  # fmt: skip
def test_limits_that_can_be_reached_are_no_mistakes(tmp_path, rule):
    (tmp_path / "contam.toml").write_text(f"[rules.{rule}\n")
    assert load(cwd=tmp_path, environment={}).policy.rules


def test_long_values_are_not_told_whole(tmp_path):
    (tmp_path / "contam.toml").write_text(f"seed = '{'x' * 5000}'\n")
    with pytest.raises(UsageError) as caught:
        load(cwd=tmp_path, environment={})
    assert len(str(caught.value)) < 200


def test_a_table_of_pyproject_in_a_contam_toml(tmp_path):
    (tmp_path / "contam.toml").write_text("[tool.contam]\nseed = 1\n")
    with pytest.raises(UsageError, match=r"contam\.toml:1: tool: \[tool\.contam\] is for pyproject\.toml"):
        load(cwd=tmp_path, environment={})


@pytest.mark.parametrize("key", ["extend", "profile", "text-field"])
def test_a_nul_is_told(tmp_path, key):
    (tmp_path / "contam.toml").write_text(f'{key} = "a\\u0000b"\n')
    with pytest.raises(UsageError, match=f"contam.toml:1: {key}: .* NUL"):
        load(cwd=tmp_path, environment={})


def test_a_working_folder_that_is_gone(tmp_path, monkeypatch):
    place = tmp_path / "gone"
    place.mkdir()
    monkeypatch.chdir(place)
    place.rmdir()
    with pytest.raises(UsageError, match="the working folder cannot be read"):
        load(environment={})


TABLES = ("sample", "report", "rules", "per-source", *COMMANDS)
names = st.sampled_from([*BY_NAME, *TABLES, "tokens", "formats", "x", "a\nb"])
inner = st.sampled_from(["DIV001", "window-entropy", "data/**", *RULE_KEYS, *SOURCE_KEYS, "rules", "samples", "", "\0"])
simple = st.one_of(
    st.integers(), st.booleans(), st.floats(allow_nan=True), st.text(max_size=4),
    st.sampled_from(["DIV", "2%", "error", "lines", "json:x", "../c"]),
)  # fmt: skip
trees = st.recursive(
    st.one_of(simple, st.lists(simple, max_size=3)),
    lambda below: st.dictionaries(inner, below, max_size=3),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(names, trees, max_size=4))
def test_whatever_is_written_is_read_or_told(tmp_path_factory, tree):
    place = tmp_path_factory.mktemp("any") / "contam.toml"
    try:
        place.write_text("\n".join(f"{quoted(name)} = {inline(value)}" for name, value in tree.items()))
        tomllib.loads(place.read_text())
    except (UnicodeEncodeError, tomllib.TOMLDecodeError):
        return
    try:
        found = load(cwd=place.parent, environment={})
    except UsageError as error:
        assert re.match(r"contam\.toml:\d+: ", str(error))
    else:
        tomllib.loads(as_toml(found, found.commands))
        json.loads(as_json(found, found.commands))


def quoted(text: str) -> str:
    """A text as TOML writes it."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def inline(value: object) -> str:
    """A value on one line of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(k)} = {inline(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)
