"""Reference profiles: built, kept, loaded."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from populations import documents, drawn, population

from contam import profile as profiles
from contam.errors import InputError, UsageError
from contam.profile import Profile, builtin, find, list_profiles, load, save
from contam.profiling import Settings, build_profile, halves

SMALL = Settings("small", sizes=(1_000, 2_000, 4_000), words=())


def sources(count: int, words: int = 2_500) -> list[tuple[str, str, list[str]]]:
    return [(f"author {i}", f"domain {i % 3}", documents(drawn(words, i, 3_000))) for i in range(count)]


@pytest.fixture(scope="module")
def built() -> Profile:
    return build_profile(sources(40), SMALL)


def test_sizes_that_enough_sources_reach(built: Profile) -> None:
    assert list(built.sizes) == [1_000, 2_000]
    assert len(built.sizes[1_000]) == 40 and len(built.sizes[1_000].pair_rows) == 40
    assert len(built.sizes[2_000].pair_rows) == 0
    assert [s.name for s in built.sources][:2] == ["author 0", "author 1"]
    assert built.sources[0].words == 2_500 and len(built.sources[0].digest) == 16
    assert built.domains(1_000)[:3] == ("domain 0", "domain 1", "domain 2")


def test_function_words_are_found_blindly(built: Profile) -> None:
    expected = set(documents(np.arange(12))[0].split())
    assert expected <= set(built.words)
    assert (np.diff(built.hashes.astype(object)) > 0).all()
    shares = built.sizes[1_000].words.sum(axis=1)
    assert built.column(1_000, "text.function_words") == pytest.approx(shares)
    assert 0.2 < shares.min() < shares.max() < 1


def test_halves_are_equal_and_in_order(built: Profile) -> None:
    first, second = halves([b"one two", b"three four five six", b"seven"])
    assert b" ".join([*first, *second]).split() == b"one two three four five six seven".split()
    assert abs(sum(map(len, first)) - sum(map(len, second))) < 12
    assert halves([b"solid" * 10]) == ([b"solid" * 10], [])
    survival = built.columns.index("tail.type_survival")
    matched = built.sizes[1_000]
    assert np.isfinite(matched.second[:, survival]).all() and np.isnan(matched.values[:, survival]).all()


def test_a_profile_is_the_same_after_a_round_trip(built: Profile, tmp_path: Path) -> None:
    path = tmp_path / "mine.profile"
    save(built, path)
    again = load(path)
    assert (again.words, again.sources, again.columns) == (built.words, built.sources, built.columns)
    assert (again.hashes == built.hashes).all() and again.provenance == built.provenance
    assert again.sizes[1_000].values == pytest.approx(built.sizes[1_000].values, rel=1e-6, nan_ok=True)
    assert (again.sizes[1_000].pair_rows == built.sizes[1_000].pair_rows).all()
    save(again, tmp_path / "twice.profile")
    assert (tmp_path / "twice.profile").read_bytes() == path.read_bytes()
    assert find(path).name == "small"


def test_building_twice_gives_the_same_bytes(built: Profile, tmp_path: Path) -> None:
    save(built, tmp_path / "one")
    save(build_profile(sources(40), SMALL), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_too_few_sources_say_what_a_source_is() -> None:
    with pytest.raises(InputError, match=r"38 sources of at least 1,000 words; a profile needs 39.*author"):
        build_profile(sources(38), SMALL)


def test_files_that_are_no_profile(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such profile file"):
        load(tmp_path / "none")
    bad = tmp_path / "bad.profile"
    bad.write_bytes(b"not a zip")
    with pytest.raises(InputError, match=r"not a profile .*contam profile build"):
        load(bad)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean 'english'"):
        find("englsh")
    with pytest.raises(UsageError, match=r"built in: english, code"):
        builtin("zulu")


def test_leaving_sources_out() -> None:
    made = population(50, pairs=45)
    less = made.without(["source 3", "source 47"])
    assert len(less.sizes[5_000]) == 48 and len(less.sizes[5_000].pair_rows) == 44
    assert 3 not in less.sizes[5_000].rows


def test_english_is_a_population() -> None:
    english = builtin()
    assert list_profiles()[0] == "english"
    for size in (5_000, 10_000, 20_000):
        matched = english.sizes[size]
        assert len(matched) >= 99 and len(matched.pair_rows) >= 99
        domains = Counter(english.domains(size))
        assert len(domains) >= 8 and max(domains.values()) <= len(matched) / 3
    used = np.unique(np.concatenate([m.rows for m in english.sizes.values()]))
    assert len({s.digest for s in english.sources}) == len(english.sources) >= len(used)
    assert all(s.licence for s in english.sources)
    assert sum(p.stat().st_size for p in profiles._FOLDER.iterdir()) < 2_000_000
