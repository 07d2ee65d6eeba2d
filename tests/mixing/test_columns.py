"""Scores as a file of columns: the same rows in every format, and nothing in them that acts."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from examples import NASTY
from scipy.stats import percentileofscore

from contam.errors import InputError, UsageError
from contam.mixing.columns import SUFFIXES, check_scores, percentiles, write_scores
from contam.synthetic.scored import Scored

LABELS = ("a/b.jsonl:17", "notes.txt", "C:\\dir:9x", "x:y:3")


def scored(labels=LABELS, scores=None):
    values = np.arange(len(labels), dtype=np.float64) - 1.5 if scores is None else np.asarray(scores, np.float64)
    keys = np.arange(len(labels), dtype=np.uint64) + np.uint64(2**63)
    return Scored(keys, values, tuple(labels), len(labels), 0, 0)


TRUSTED = scored([f"t:{k}" for k in range(10)], np.linspace(-2, 2, 10))


def rows_of(path):
    """The rows of a file as dictionaries with None for null."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix in (".arrow", ".feather"):
        return pa.ipc.open_file(path).read_all().to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    numbers = {"line": int, "score": float, "percentile": float, "fast": float}
    return [{n: (numbers.get(n, str)(v) if v != "" else None) for n, v in row.items()} for row in rows]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_same_rows(tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    detection = {2**63: {"fast": 1.25}, 2**63 + 2: {"fast": float("nan")}}
    write_scores(path, scored(), TRUSTED, detection)
    last, third, second, first = rows_of(path)
    assert list(first) == ["path", "line", "id", "key", "score", "percentile", "fast"]
    assert first | {"percentile": None} == {
        "path": "a/b.jsonl", "line": 17, "id": "a/b.jsonl:17", "key": "8000000000000000", "score": -1.5,
        "percentile": None, "fast": 1.25,
    }  # fmt: skip
    assert (second["path"], second["line"], second["fast"]) == ("notes.txt", None, None)
    assert (third["path"], third["line"], third["fast"]) == ("C:\\dir:9x", None, None)
    assert (last["path"], last["line"], last["key"]) == ("x:y", 3, "8000000000000003")
    assert first["percentile"] == 20.0 and last["percentile"] == 80.0
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_most_machine_like_come_first_and_equal_scores_by_their_keys(tmp_path, suffix):
    path = tmp_path / f"s{suffix}"
    write_scores(path, scored([f"a:{k}" for k in range(5)], [0.5, -1.0, 2.0, 0.5, 0.5]), TRUSTED)
    assert [row["line"] for row in rows_of(path)] == [2, 0, 3, 4, 1]


def test_feather_readers_read_feather(tmp_path):
    write_scores(tmp_path / "s.feather", scored(), None)
    table = pyarrow.feather.read_table(tmp_path / "s.feather")
    assert table.num_rows == 4 and table["percentile"].null_count == 4
    assert table.schema.field("line").type == pa.int64() and table.schema.field("key").type == pa.string()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_corpus_without_usable_documents_is_an_empty_file_with_its_columns(tmp_path, suffix):
    path = tmp_path / f"none{suffix}"
    write_scores(path, scored(()), TRUSTED)
    assert rows_of(path) == []
    if suffix == ".csv":
        assert path.read_text().startswith("path,line,id,key,score,percentile")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r=", " =", "\uff1d", "\n+"])
def test_no_cell_of_a_csv_is_a_formula(tmp_path, begin):
    label = f"{begin}HYPERLINK(\"http://x\",\"y\"):1"
    write_scores(tmp_path / "s.csv", scored([label]), None, {2**63: {"=evil": 1.0}})
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        head, (path, line, name, *_) = list(csv.reader(file))
    assert path.startswith("'") and name.startswith("'") and line == "1"
    assert head[-1] == "'=evil"


def test_numbers_of_a_csv_stay_numbers(tmp_path):
    write_scores(tmp_path / "s.csv", scored(["a:1"], [-1.5]), None)
    assert rows_of(tmp_path / "s.csv")[0]["score"] == -1.5


def test_what_is_hidden_is_shown_in_csv_and_json(tmp_path):
    for suffix in (".csv", ".jsonl"):
        path = tmp_path / f"s{suffix}"
        write_scores(path, scored([f"{NASTY}:3"]), None)
        text = path.read_text(encoding="utf-8")
        for bad in ("\x1b", "\u202e", "\x00", "\x07"):
            assert bad not in text
    assert rows_of(tmp_path / "s.jsonl")[0]["path"] == NASTY
    assert len(rows_of(tmp_path / "s.csv")) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_half_characters_and_line_breaks_in_names_do_no_harm(tmp_path, suffix):
    labels = ["bad\udcff.txt:1", "two\nlines,\"quoted\":2", "Grüße.txt:3"]
    path = tmp_path / f"s{suffix}"
    write_scores(path, scored(labels), None)
    rows = rows_of(path)
    assert [row["line"] for row in rows] == [3, 2, 1] and rows[0]["path"] == "Grüße.txt"
    assert rows[2]["path"].startswith("bad")


def test_a_detection_that_is_called_like_a_column_does_not_replace_it(tmp_path):
    write_scores(tmp_path / "s.jsonl", scored(["a:1"], [0.5]), None, {2**63: {"score": 9.0}})
    (row,) = rows_of(tmp_path / "s.jsonl")
    assert row["score"] == 0.5 and row["detection_score"] == 9.0


def test_percentiles_are_those_of_scipy():
    rng = np.random.default_rng(3)
    trusted, values = rng.integers(0, 20, 57) / 4, rng.integers(-4, 24, 41) / 4
    expected = percentileofscore(trusted, values, kind="mean")
    np.testing.assert_allclose(percentiles(values, trusted), expected, atol=1e-12)
    assert np.isnan(percentiles([1.0], [])).all()


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "s.csv"
    path.write_text("old")

    def full(*given, **more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("contam.reports.tempfile.mkstemp", full)
    with pytest.raises(InputError, match="No space left"):
        write_scores(path, scored(), TRUSTED)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["s.csv"]


def test_formats_and_places_are_checked_before_anything_is_scored(tmp_path):
    for name in ("scores", "scores.xlsx", "scores.csv.gz"):
        with pytest.raises(UsageError, match=r"\.parquet, \.csv"):
            check_scores(tmp_path / name)
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        check_scores(tmp_path / "d.csv")
    with pytest.raises(UsageError, match="not a folder"):
        check_scores(tmp_path / "missing" / "s.csv")
    check_scores(tmp_path / "S.PARQUET")
    assert not (tmp_path / "S.PARQUET").exists()
