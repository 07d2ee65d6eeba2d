"""The page about configuration says what the schema says, and its examples can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contam.configuration.loading import load
from contam.configuration.schema import KEYS, RULE_KEYS, SOURCE_KEYS
from contam_cli.configured import SHARED

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def rows(heading: str) -> dict[str, tuple[str, ...]]:
    """The first table under a heading, by its first column without code marks."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first.strip("`[]"): tuple(rest) for first, *rest in cells}


def test_every_key_has_a_row_and_every_row_a_key():
    told = rows("The keys")
    assert list(told) == [key.name for key in KEYS]
    for key in KEYS:
        takes, default, what = told[key.name]
        assert (takes, what) == (key.takes, key.what)
        value = str(key.default).lower() if isinstance(key.default, (bool, int)) else str(key.default)
        shown = default.strip("`").strip('["]')
        assert shown == ("" if key.default in (None, ()) else value.strip("(',)"))


def test_every_key_of_a_rule_has_a_row():
    assert rows("Rules") == dict(RULE_KEYS)


def test_every_table_of_a_command_has_a_row():
    told = rows("Settings of other commands")
    wanted = {name: ", ".join(f"`{key}`" for key in keys) or "none" for name, keys in SHARED.items() if name != "audit"}
    assert {name: shared for name, (shared,) in told.items()} == wanted


def test_the_keys_of_parts_are_named():
    section = PAGE.split("\n## Files with settings of their own\n")[1].split("\n## ")[0]
    named = re.search(r"Keys: ([^.]*(?:\.[^ .][^.]*)*), and `rules`", section)
    assert named is not None
    assert set(re.findall(r"`([^`]+)`", named[1])) == set(SOURCE_KEYS)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_can_be_read(tmp_path, text):
    name = "pyproject.toml" if "pyproject.toml" in text else "contam.toml"
    (tmp_path / name).write_text(text)
    found = load(cwd=tmp_path, environment={})
    assert found.file is not None and any(value.origin != "default" for value in found.values.values())


def test_there_are_examples():
    assert len(EXAMPLES) >= 4
