"""Which file is read."""

from __future__ import annotations

import pytest

from contam.configuration.finding import find
from contam.configuration.loading import load
from contam.errors import UsageError


def seed(place, **more):
    return load(cwd=place, environment={}, **more).get("seed")


def test_nothing_is_found_nothing_is_set(tmp_path):
    assert find(tmp_path) is None
    found = load(cwd=tmp_path, environment={})
    assert found.file is None and found.folder == tmp_path
    assert {value.origin for value in found.values.values()} == {"default"}


def test_the_nearest_file_upward(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "contam.toml").write_text("seed = 1\n")
    assert seed(inner) == 1
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.contam]\nseed = 2\n")
    assert seed(inner) == 2
    (inner / ".contam.toml").write_text("seed = 3\n")
    assert seed(inner) == 3
    (inner / "contam.toml").write_text("seed = 4\n")
    assert seed(inner) == 4 and seed(tmp_path) == 1


@pytest.mark.parametrize("text", ["[project]\nname = 'contam'\n", "[tool.other]\nx = 'contam'\n", "= contam broken"])
def test_a_pyproject_that_is_not_about_contam_is_passed_over(tmp_path, text):
    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(text)
    (tmp_path / "contam.toml").write_text("seed = 1\n")
    assert seed(inner) == 1


def test_a_broken_pyproject_that_is_about_contam_is_told(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.contam]\nseed = \n")
    with pytest.raises(UsageError, match=r"^pyproject\.toml:2: not valid TOML: "):
        load(cwd=tmp_path, environment={})


def test_a_folder_of_that_name_is_no_file(tmp_path):
    (tmp_path / "contam.toml").mkdir()
    assert find(tmp_path) is None


def test_a_named_file_or_none(tmp_path):
    (tmp_path / "contam.toml").write_text("seed = 1\n")
    (tmp_path / "other.toml").write_text("seed = 2\n")
    (tmp_path / "none").write_text("seed = 3\n")
    assert seed(tmp_path, file="other.toml") == 2
    assert seed(tmp_path, file=str(tmp_path / "other.toml")) == 2
    assert seed(tmp_path, file="none") == 0
    assert seed(tmp_path, file="./none") == 3


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("missing.toml", None, r"cannot read the configuration missing\.toml: No such file"),
        ("bytes.toml", b"seed = 1\nprofile = '\xff'\n", r"^bytes\.toml:2: not UTF-8"),
        ("open.toml", b"seed = 1\nselect = [", r"^open\.toml:2: not valid TOML"),
        ("twice.toml", b"seed = 1\n\nseed = 2\n", r"^twice\.toml:3: not valid TOML"),
        ("deep.toml", b"x = " + b"[" * 100_000, r"^deep\.toml:1: not valid TOML"),
        ("long.toml", b"#" * 4_000_001, "larger than"),
        ("pyproject.toml", b"[tool.other]\n", r"no \[tool\.contam\] table"),
        ("sub/pyproject.toml", b"[tool]\ncontam = 3\n", r"no \[tool\.contam\] table"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(tmp_path, name, content, told):
    place = tmp_path / name
    place.parent.mkdir(exist_ok=True)
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(UsageError, match=told):
        load(name, cwd=tmp_path, environment={})


def test_a_named_folder(tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        load(str(tmp_path), cwd=tmp_path, environment={})


def test_windows_line_ends_and_a_byte_order_mark(tmp_path):
    (tmp_path / "contam.toml").write_bytes(b"\xef\xbb\xbfstrict = true\r\nseed = 5\r\n")
    found = load(cwd=tmp_path, environment={})
    assert found.values["seed"].origin == "contam.toml:2" and found.get("strict") is True
