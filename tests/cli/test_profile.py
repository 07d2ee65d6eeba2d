"""``contam profile``: list, show, build."""

from __future__ import annotations

import random

import pytest

from contam.errors import InputError
from contam.profile import builtin, list_profiles, load
from contam.sources import find_sources


def test_the_list_names_every_built_in_profile(cli):
    outcome = cli("profile", "list")
    assert outcome.code == 0 and list_profiles()
    for name in list_profiles():
        assert name in outcome.out


def test_a_profile_tells_its_sizes_domains_and_sources(cli):
    outcome = cli("profile", "show", "english")
    known = builtin("english")
    for size in known.sizes:
        assert f"{size:,}" in outcome.out
    for source in known.sources[:20]:
        assert source.domain in outcome.out and source.name in " ".join(outcome.out.split())


def test_an_unknown_profile_names_the_nearest(cli):
    outcome = cli("profile", "show", "englsh")
    assert outcome.code == 2 and "did you mean 'english'?" in outcome.err


def test_an_unknown_subcommand_is_usage(cli):
    assert cli("profile", "mend").code == 2


def text(seed: int, words: int) -> str:
    chance = random.Random(seed)
    kinds = ["".join(chance.choices("abcdefghij", k=5)) for _ in range(900)]
    return "\n\n".join(" ".join(chance.choices(kinds, k=60)) for _ in range(words // 60 + 1))


def folder_of(root, sources: int, words: int):
    for i in range(sources):
        place = root / f"domain{i % 4}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"author{i}.txt").write_text(text(i, words))
    return root


def test_a_profile_of_ones_own(cli, tmp_path):
    root = folder_of(tmp_path / "sources", 39, 5_200)
    target = tmp_path / "mine.profile"
    outcome = cli("profile", "build", str(root), "-o", str(target), "-q")
    assert (outcome.code, outcome.err) == (0, "") and "39 sources" in outcome.out
    made = load(target)
    assert {source.domain for source in made.sources} == {f"domain{i}" for i in range(4)}
    assert list(made.sizes) == [5_000] and len(made.sizes[5_000]) == 39
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert cli("profile", "show", str(target)).code == 0


def test_too_few_sources_say_how_many_are_needed(cli, tmp_path):
    root = folder_of(tmp_path / "sources", 3, 5_200)
    outcome = cli("profile", "build", str(root), "-o", str(tmp_path / "x.profile"), "-q")
    assert outcome.code == 2 and "39" in outcome.err and not (tmp_path / "x.profile").exists()


def test_a_folder_that_does_not_exist_is_told_before_anything_is_read(cli, tmp_path):
    root = folder_of(tmp_path / "sources", 1, 100)
    outcome = cli("profile", "build", str(root), "-o", str(tmp_path / "no" / "x.profile"))
    assert outcome.code == 2 and "does not exist" in outcome.err and "measuring" not in outcome.err
    assert cli("profile", "build", str(tmp_path / "no"), "-o", str(tmp_path / "x.profile")).code == 2


def test_a_source_outside_a_domain_is_refused(tmp_path):
    (tmp_path / "loose.txt").write_text("x")
    with pytest.raises(InputError, match=r"DOMAIN/SOURCE"):
        find_sources(tmp_path)
