"""Validation text by name and path, and as tokens."""

from __future__ import annotations

import gzip
import json
import os
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from checkpoints import LINES, trained_tokenizer
from pyarrow import parquet

from contam.errors import InputError
from contam.formats import hub
from contam.models import texts
from contam.models.texts import NAMED, ValidationText, load_all, load_validation, tokenise
from contam.models.tokenizer import Tokenizer

SHARED = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[3] / "shared")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No hub and an empty cache."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(hub, "in_reach", lambda: False)


@pytest.fixture
def tokenizer(tmp_path):
    pytest.importorskip("tokenizers")
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    trained_tokenizer(folder)
    return Tokenizer(folder)


def lines(path: Path, documents) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": d}) + "\n" for d in documents), encoding="utf-8")
    return path


def test_a_text_file_is_one_running_text(tmp_path):
    text = "\n".join(LINES) * 3
    (tmp_path / "plain.txt").write_text(text, encoding="utf-8")
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("plain.txt", "packed.txt.gz"):
        found = load_validation(tmp_path / name)
        assert found == ValidationText(name.partition(".")[0], (text,), running=True)


def test_a_long_text_file_stays_whole(tmp_path):
    text = "word " * 1_000_000
    (tmp_path / "long.txt").write_text(text)
    assert load_validation(tmp_path / "long.txt").documents == (text,)


def test_records_are_documents_and_what_is_skipped_is_told(tmp_path):
    path = lines(tmp_path / "set.jsonl", LINES)
    with path.open("a") as file:
        file.write("{broken\n")
    found = load_validation(path)
    assert found.documents == LINES and not found.running and found.name == "set"
    assert len(found.notes) == 1 and f"set.jsonl:{len(LINES) + 1}" in found.notes[0]


def test_a_folder_is_read(tmp_path):
    for i in range(3):
        (tmp_path / f"{i}.txt").write_text(LINES[i])
    found = load_validation(tmp_path)
    assert found.documents == LINES[:3] and found.name == tmp_path.name and not found.running


@pytest.mark.parametrize("content", [b"", b" \n\n \n"])
def test_an_empty_file_is_told(tmp_path, content):
    (tmp_path / "none.txt").write_bytes(content)
    with pytest.raises(InputError, match=r"none\.txt: .*"):
        load_validation(tmp_path / "none.txt")


def test_records_without_text_are_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.jsonl"):
        load_validation(lines(tmp_path / "none.jsonl", ["", "  "]))


def test_unknown_names_and_standard_input():
    with pytest.raises(InputError, match="did you mean wikitext2"):
        load_validation("wikitxt2")
    with pytest.raises(InputError, match=r"no such file or folder.*pydoc"):
        load_validation("/no/such/file")
    with pytest.raises(InputError, match="standard input"):
        load_validation("-")


def test_pydoc_needs_no_download():
    found = load_validation("pydoc")
    assert len(found.documents) > 50 and not found.running


@pytest.mark.parametrize("name", NAMED)
def test_out_of_reach_names_the_local_alternative(name):
    with pytest.raises(InputError, match=r"does not answer.*of your own.*pydoc") as told:
        load_validation(name)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_forbidden_is_said(monkeypatch, variable):
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(hub, "in_reach", lambda: pytest.fail("must not ask"))
    with pytest.raises(InputError, match=f"{variable} is set"):
        load_validation("ptb")


WIKI_ROWS = ["", " = Title = \n", "", " Some words , and <unk> . \n", " More . \n"]
WIKI_FILE = " \n = Title = \n \n Some words , and <unk> . \n More . \n"
PTB_ROWS = ["the <unk> rose N points", "it fell"]
PTB_FILE = " the <unk> rose N points \n it fell \n"
HUB_FILES = {
    "wikitext2": ("wikitext-2-v1/validation-00000-of-00001.parquet", WIKI_ROWS, WIKI_FILE),
    "ptb": ("penn_treebank/validation/0000.parquet", PTB_ROWS, PTB_FILE),
}


def stored(base: Path, name: str) -> Path:
    """A named set as the hub has it."""
    file, rows, _ = HUB_FILES[name]
    (base / file).parent.mkdir(parents=True)
    parquet.write_table(pa.table({NAMED[name].column: rows}), base / file)
    return base


@pytest.mark.parametrize("name", HUB_FILES)
def test_named_sets_come_from_the_hubs_cache(tmp_path, name):
    repository = NAMED[name].repository.replace("/", "--")
    stored(tmp_path / "cache" / f"datasets--{repository}" / "snapshots" / "abc", name)
    assert load_validation(name) == ValidationText(name, (HUB_FILES[name][2],), running=True)


@pytest.mark.parametrize("name", HUB_FILES)
def test_the_datasets_library_reads_the_layout_of_the_hub(tmp_path, name):
    datasets = pytest.importorskip("datasets")
    base = stored(tmp_path / "hub", name)
    parquet.write_table(pa.table({"other": [1]}), base / "train-0.parquet")
    rows = texts._loaded(datasets, replace(NAMED[name], repository=str(base)))
    assert rows == HUB_FILES[name][1]


def test_a_failed_download_is_told_in_one_line(monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ConnectionError("gone\nand more")

    library = types.SimpleNamespace(
        load_dataset=fail, are_progress_bars_disabled=lambda: True, disable_progress_bars=lambda: None
    )
    monkeypatch.setattr(hub, "in_reach", lambda: True)
    monkeypatch.setitem(__import__("sys").modules, "datasets", library)
    with pytest.raises(InputError, match="ptb: the download failed: gone; --valid PATH"):
        load_validation("ptb")


def test_several_texts_have_distinct_names(tmp_path):
    a, b = lines(tmp_path / "a" / "valid.jsonl", LINES), lines(tmp_path / "b" / "valid.jsonl", LINES)
    c = lines(tmp_path / "x" / "a" / "valid.jsonl", LINES)
    assert [t.name for t in load_all([a, b])] == ["a-valid", "b-valid"]
    assert [t.name for t in load_all([a, b, c])] == ["a-valid", "b-valid", "a-valid-2"]
    assert [t.name for t in load_all([a, a])] == ["valid"]
    assert [t.name for t in load_all([lines(tmp_path / "y" / "pydoc.jsonl", LINES), "pydoc"])] == ["y-pydoc", "pydoc"]


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_documents_stand_behind_a_separator(tokenizer):
    found = tokenise(ValidationText("v", LINES), tokenizer, 4)
    assert found.documents == len(LINES) == len(found.starts)
    assert found.stream.dtype == found.starts.dtype == np.int64
    ends = [*found.starts[1:], found.tokens]
    for text, start, end in zip(LINES, found.starts, ends):
        assert found.stream[start] == tokenizer.bos
        assert found.stream[start + 1 : end].tolist() == tokenizer.encode(text)


def test_without_special_tokens_a_newline_separates(tokenizer):
    tokenizer.bos = None
    assert tokenise(ValidationText("v", LINES), tokenizer).stream[0] == tokenizer.eos
    tokenizer.eos = None
    found = tokenise(ValidationText("v", LINES), tokenizer)
    assert tokenizer.decode(found.stream.tolist()) == "".join("\n" + text for text in LINES)


def test_a_running_text_is_encoded_as_it_stands(tokenizer):
    text = "\n".join(LINES)
    found = tokenise(ValidationText("v", (text,), running=True), tokenizer)
    assert found.stream.tolist() == tokenizer.encode(text) and found.starts.tolist() == [0]


def test_too_short_a_text_is_told(tokenizer):
    text = ValidationText("v", ("a b",), running=True)
    size = len(tokenizer.encode("a b"))
    assert tokenise(text, tokenizer, size - 1).tokens == size
    with pytest.raises(InputError, match=f"v: {size} tokens are too few for windows of {size}"):
        tokenise(text, tokenizer, size)


def data(path: str) -> Path:
    if not (SHARED / "data").is_dir():
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED / "data" / path


@pytest.mark.shared
@pytest.mark.parametrize(("name", "path"), [("wikitext2", "wikitext2/valid.txt"), ("ptb", "ptb/valid.txt")])
def test_rows_of_the_hub_become_the_original_files(name, path):
    original = data(path).read_text(encoding="utf-8")
    rows = [line + "\n" if line.strip() else "" for line in original.split("\n")[:-1]]
    if name == "ptb":
        rows = [row.strip() for row in rows]
    assert texts._joined(rows, NAMED[name]) == original
    assert load_validation(data(path)).documents == (original,)


@pytest.mark.shared
def test_stories_are_as_long_as_their_model_card_says():
    pytest.importorskip("tokenizers")
    tokenizer = Tokenizer(data("models/stories260k"))
    found = tokenise(load_validation(data("tinystories/tinystories_v2_sample.jsonl")), tokenizer, 512)
    assert found.documents == 5 and found.tokens - 5 == 1804
    assert (found.stream[found.starts] == tokenizer.bos).all()
