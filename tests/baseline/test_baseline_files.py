"""Baselines as files: written whole, read back, small, without words, with errors that say what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from contam.baseline.files import check_target, looks_like, read, rounded, text_of, write
from contam.baseline.known import Known
from contam.baseline.record import Baseline, Held, Parts
from contam.errors import InputError, UsageError

FACTS = {"contam": "0.1.0", "digest": "ab", "documents": 9, "words": 12_345, "seed": 0, "profile": "english"}


FEW = np.array([[1100.0, 0.011, np.nan]])


def made() -> Baseline:
    columns = ("diversity.types", "tail.hapax_share", "text.unk")
    whole = np.array([1234.0, 0.0123457, np.nan])
    parts = Parts(5_000, columns, whole, np.array([[1200.0, 0.012, np.nan], [1250.0, 0.013, np.nan]]), FEW, 0.1, 0.9)
    known = Known.of(np.arange(9).astype(np.uint64)).to_bytes()
    return Baseline(FACTS, {5_000: parts}, {"duplicates.exact": Held(0.25, 0.01), "x.y": Held(0.5)}, known)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write(path, made())
    found, expected = read(path), made()
    assert (found.facts, found.whole, found.known) == (expected.facts, expected.whole, expected.known)
    assert found.path == str(path) and list(found.sizes) == [5_000]
    np.testing.assert_array_equal(found.sizes[5_000].parts, expected.sizes[5_000].parts)
    np.testing.assert_array_equal(found.sizes[5_000].whole, expected.sizes[5_000].whole)
    np.testing.assert_array_equal(found.sizes[5_000].few, FEW)
    assert (found.sizes[5_000].spread, found.sizes[5_000].few_spread) == (0.1, 0.9)
    assert text_of(found) == text_of(expected) == path.read_text()
    assert looks_like(path) and list(tmp_path.iterdir()) == [path]


def test_a_vector_has_a_line_of_its_own_and_keys_are_sorted() -> None:
    lines = text_of(made()).splitlines()
    assert "    [1200.0, 0.012, null]," in lines and lines[1] == ' "contam_baseline": 1,'
    keys = [m[1] for line in lines if (m := re.match(r' "(\w+)"', line))]
    assert keys[1:] == sorted(keys[1:])


def test_numbers_keep_six_digits() -> None:
    assert rounded(1234567.0) == 1234570.0 and rounded(0.000123456789) == 0.000123457


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[1]", "is no baseline"),
        ('{"signals": {}}', "a report of an audit"),
        ('{"contam_baseline": 99}', "version 99"),
        ('{"contam_baseline": 1, "facts": {}}', "changed by hand"),
        ("[" * 100_000, "is no baseline"),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "b.json"
    path.write_text(text)
    with pytest.raises(InputError, match=told):
        read(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--write-baseline"):
        read(tmp_path / "none.json")
    assert not looks_like(tmp_path) and not looks_like(tmp_path / "none.json")


def test_a_change_by_hand_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write(path, made())
    path.write_text(path.read_text().replace("1234.0", "1334.0"))
    with pytest.raises(InputError, match="changed by hand, or joined"):
        read(path)


def _without(text: str, change: object) -> str:
    """A file whose digest fits and whose content does not."""
    from contam.baseline.files import _digest

    data = json.loads(text)
    change(data)  # type: ignore[operator]
    body = {key: value for key, value in data.items() if key != "digest"}
    return json.dumps(body | {"digest": _digest(body)})


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["whole"].update({"x.y": [0.5, "wide"]}),
        lambda d: d["whole"].update({"x.y": ["0.5", None]}),
        lambda d: d["whole"].update({"x.y": [0.5, -1.0]}),
        lambda d: d["whole"].update({"x.y": None}),
        lambda d: d["facts"].update(seed=-1),
        lambda d: d["facts"].update(level="fine"),
        lambda d: d["sizes"]["5000"].update(spread=None),
        lambda d: d["sizes"]["5000"].update(few=[1.0, 2.0, 3.0]),
        lambda d: d["sizes"]["5000"]["whole"].pop(),
        lambda d: d["sizes"]["5000"].update(parts=[[1.0]]),
        lambda d: d.update(known="not base64!"),
        lambda d: d["facts"].update(words="many"),
        lambda d: d.update(sizes={"five": {}}),
        lambda d: d.update(whole={"x": "y"}),
        lambda d: d.update(facts=[]),
        lambda d: d.update(sizes=3),
    ],
)
def test_a_damaged_baseline_is_an_error_for_people(tmp_path: Path, change: object) -> None:
    path = tmp_path / "b.json"
    path.write_text(_without(text_of(made()), change))
    with pytest.raises(InputError, match="damaged baseline"):
        read(path)


@pytest.mark.parametrize("change", [lambda d: d.pop("sizes"), lambda d: d["sizes"]["5000"].pop("few")])
def test_a_baseline_of_another_version_says_so_and_how_to_renew_it(tmp_path: Path, change: object) -> None:
    path = tmp_path / "b.json"
    path.write_text(_without(text_of(made()), change))
    with pytest.raises(InputError, match=r"another version of contam: it has no '(sizes|few)'; write it again"):
        read(path)


def test_only_a_baseline_is_advised_to_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    for text in ('{"text": "a b c"}\n{"text": "d"}\n', "[1]", "words"):
        path.write_text(text)
        with pytest.raises(InputError, match="is no baseline") as told:
            read(path)
        assert str(path) not in str(told.value).replace(f"{path} is no baseline", "")
    write(path, made())
    path.write_text(path.read_text().replace(' "facts"', "<<<<<<< ours\n"))
    with pytest.raises(InputError, match=r"joined from two in a merge.*write it again"):
        read(path)


def test_a_target_that_is_no_baseline_is_refused(tmp_path: Path) -> None:
    corpus, empty, old = (tmp_path / name for name in ("corpus.txt", "empty.json", "old.json"))
    corpus.write_text("words")
    empty.touch()
    write(old, made())
    for path, told in (
        (corpus, "would be lost"), (tmp_path, "a folder"), (tmp_path / "no" / "b.json", "does not exist"),
        (tmp_path / ("b" * 300), "too long"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=told):
            check_target(path)
    for path in (empty, old, tmp_path / "new.json"):
        check_target(path)
    assert corpus.read_text() == "words"


def test_nothing_is_left_where_a_file_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write(tmp_path / "missing" / "b.json", made())
    with pytest.raises(InputError, match="cannot write"):
        write(tmp_path, made())
    assert not list(tmp_path.iterdir())
