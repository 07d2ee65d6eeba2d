"""Pointers of Git LFS in a corpus: the files are not there, and what is there is not judged in their place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contam.auditing import AuditOptions
from contam.corpus import Corpus
from contam.errors import InputError
from contam.filtering.running import filter_corpus
from contam.gate.running import Division, audit_parts

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "4d" * 32 + "\nsize 12345\n"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "old").mkdir(parents=True)
    for i in range(3):
        (folder / f"{i}.jsonl").write_text(json.dumps({"text": f"word {i} " * 50}) + "\n")
    for name in ("old/a.jsonl", "old/b.txt", "old/c.parquet", "old/d.jsonl.gz"):
        (folder / name).write_text(POINTER)
    return folder


def test_a_corpus_of_which_files_are_pointers_is_not_read(corpus: Path) -> None:
    with pytest.raises(InputError, match=r"4 of 7 files are Git LFS pointers.*a\.jsonl.* and 1 more.*git lfs pull"):
        list(Corpus.open(corpus).tasks())


def test_one_pointer_alone(corpus: Path) -> None:
    with pytest.raises(InputError, match=r"b\.txt is a Git LFS pointer, not the file: run git lfs pull"):
        list(Corpus.open(corpus / "old" / "b.txt").tasks())


def test_pointers_that_are_left_out_are_no_fault(corpus: Path) -> None:
    found = audit_parts([str(corpus)], AuditOptions(), Division(exclude=("data/old/**",), folder=corpus.parent))
    assert (found.corpus.files, found.corpus.documents, found.corpus.skipped) == (3, 3, ())


def test_text_about_pointers_and_larger_files_are_text(tmp_path: Path) -> None:
    (tmp_path / "about.txt").write_text("A pointer begins with\n" + POINTER)
    (tmp_path / "long.txt").write_text(POINTER + "word " * 300)
    assert sum(len(task.decode().batch) for task in Corpus.open(tmp_path).tasks()) == 2


def test_a_filter_does_not_leave_them_out(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"4 of 7 files are Git LFS pointers"):
        filter_corpus(str(corpus), tmp_path / "out", audit=None)
    assert not (tmp_path / "out").exists()
