"""Where a filter may write, what it refuses before any work, and that nothing half done is left."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from contam.errors import InputError, UsageError
from contam.filtering import running, writing
from contam.filtering.copying import copy_text
from contam.filtering.running import filter_corpus

LOOP = "round and round it goes and " * 40
GOOD = "a text of some words that nobody repeats at all"


def lines(*texts):
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


@pytest.fixture
def corpus(tmp_path):
    """A folder with two files of which a document goes."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.jsonl").write_text(lines(GOOD, LOOP))
    (folder / "b.jsonl").write_text(lines("the second file has a document of its own"))
    return folder


def run(source, out, **more):
    return filter_corpus(str(source), str(out), audit=None, **more)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("out", ("corpus", "corpus/clean", "."))
def test_never_in_place(corpus, out):
    before = everything(corpus.parent)
    with pytest.raises(UsageError, match=r"in place|exists"):
        run(corpus, corpus.parent / out, force=True)
    with pytest.raises(UsageError, match="in place"):
        run(corpus / "a.jsonl", corpus / "a.jsonl", force=True)
    assert everything(corpus.parent) == before


@pytest.mark.parametrize("source", ["a.jsonl", "a.jsonl.gz", "a.json", "a.csv", "a.txt", "a"])
@pytest.mark.parametrize("suffix", ["", ".jsonl", ".json", ".jsonl.gz", ".txt", ".md", ".csv", ".tsv", ".parquet"])
def test_an_output_has_the_suffix_of_its_kind(tmp_path, source, suffix):
    out = f"o{suffix}"
    text = f"text,id\n{GOOD},1\nanother {GOOD},2\n" if ".csv" in source else lines(GOOD, "another " + GOOD)
    (tmp_path / source).write_bytes(gzip.compress(text.encode()) if ".gz" in source else text.encode())
    records, texts = ("o.jsonl", "o.json"), ("o.txt", "o.md")
    allowed = {
        "a.jsonl": records, "a.json": records, "a.jsonl.gz": ("o.jsonl.gz",), "a.csv": ("o.csv",), "a.txt": texts,
        "a": (*records, *texts, "o.csv", "o.tsv"),
    }  # fmt: skip
    if out == "o" or out in allowed[source]:
        assert run(tmp_path / source, tmp_path / out).documents
    else:
        with pytest.raises(UsageError, match=rf"what stays is written as it is in .*{source}: name the output like it"):
            run(tmp_path / source, tmp_path / out)
        assert not (tmp_path / out).exists()


def test_the_manifest_is_not_put_into_the_corpus(corpus, tmp_path):
    with pytest.raises(UsageError, match="--manifest"):
        run(corpus, tmp_path / "out", manifest=corpus / "dropped")
    assert not (tmp_path / "out").exists()


def test_an_output_that_exists_is_replaced_only_when_asked(corpus, tmp_path):
    out = tmp_path / "out"
    run(corpus, out)
    with pytest.raises(UsageError, match="--force"):
        run(corpus, out)
    (corpus / "b.jsonl").write_text(lines("quite another text in place of the one before"))
    run(corpus, out, force=True)
    assert "quite another" in (out / "b.jsonl").read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus", "out", "out.dropped"]


@pytest.mark.parametrize("name", ("replaced", "made"))
@pytest.mark.parametrize("source", ("corpus", "corpus/a.jsonl"))
def test_an_output_is_replaced_whatever_its_name(corpus, tmp_path, name, source):
    out = tmp_path / name
    run(tmp_path / source, out)
    before = everything(tmp_path)
    (corpus / "a.jsonl").write_text(lines("quite another text in place of the one before", LOOP))
    run(tmp_path / source, out, force=True)
    file = out / "a.jsonl" if out.is_dir() else out
    assert file.read_text() == lines("quite another text in place of the one before")
    assert everything(tmp_path).keys() == before.keys()


@pytest.mark.parametrize("out", (".", "", "/", "..", "sub/..", "x" * 250, "x" * 300, "nul\0"))
def test_an_output_that_is_no_name_is_refused_before_any_work(corpus, tmp_path, monkeypatch, out):
    before = everything(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(running, "measure_documents", None)
    for given in (corpus, corpus / "a.jsonl"):
        with pytest.raises(UsageError, match="name"):
            run(given, out, force=True)
    assert everything(tmp_path) == before


def test_a_long_name_may_have_its_list_elsewhere(corpus, tmp_path):
    out = tmp_path / ("x" * 255)
    run(corpus, out, manifest=tmp_path / "list")
    assert sorted(everything(out)) == ["a.jsonl", "b.jsonl"]


def test_the_list_is_not_put_into_the_output(corpus, tmp_path):
    run(corpus, tmp_path / "out")
    for place in ("out", "out/list"):
        with pytest.raises(UsageError, match="--manifest"):
            run(corpus, tmp_path / "out", manifest=tmp_path / place, force=True)


def test_files_that_are_links_are_in_the_output_too(corpus, tmp_path):
    (corpus / "test").mkdir()
    (corpus / "test" / "hard.jsonl").hardlink_to(corpus / "a.jsonl")
    (corpus / "test" / "soft.jsonl").symlink_to(corpus / "a.jsonl")
    (corpus / "more").symlink_to(corpus / "test")
    result = run(corpus, tmp_path / "out")
    out = everything(tmp_path / "out")
    assert sorted(out) == [
        "a.jsonl", "b.jsonl", "more/hard.jsonl", "more/soft.jsonl", "test/hard.jsonl", "test/soft.jsonl",
    ]  # fmt: skip
    assert {out[name] for name in out if name != "b.jsonl"} == {lines(GOOD).encode()}
    assert sum(f"the same file as {corpus / 'a.jsonl'}" in note for note in result.notes) == 4
    again = run(tmp_path / "out", tmp_path / "out2")
    assert (result.documents, result.dropped, again.documents, again.dropped) == (3, 1, 2, 0)
    assert lines(GOOD, LOOP) == (corpus / "a.jsonl").read_text()


def test_links_are_copied_where_there_can_be_none(corpus, tmp_path, monkeypatch):
    (corpus / "z.jsonl").hardlink_to(corpus / "a.jsonl")
    (corpus / "a.jsonl").chmod(0o600)

    def refuse(self, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    run(str(corpus / "*.jsonl"), tmp_path / "out")
    assert (tmp_path / "out" / "z.jsonl").read_text() == lines(GOOD)
    assert (tmp_path / "out" / "z.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_same_file_named_twice_is_one_file(corpus, tmp_path):
    given = [str(corpus / "a.jsonl"), f"{corpus}/./a.jsonl"]
    result = filter_corpus(given, str(tmp_path / "out"), audit=None)
    assert sorted(everything(tmp_path / "out")) == ["a.jsonl"] and not result.notes


def test_an_output_that_is_a_link_of_the_corpus_is_refused(corpus, tmp_path):
    (tmp_path / "z.jsonl").hardlink_to(corpus / "a.jsonl")
    given = [str(corpus / "a.jsonl"), str(tmp_path / "z.jsonl")]
    with pytest.raises(UsageError, match="in place"):
        filter_corpus(given, str(tmp_path / "z.jsonl"), force=True, audit=None)


def test_files_keep_their_permissions(corpus, tmp_path):
    (corpus / "a.jsonl").chmod(0o600)
    (corpus / "b.jsonl").chmod(0o640)
    run(corpus, tmp_path / "out")
    run(corpus / "a.jsonl", tmp_path / "one.jsonl")
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("out/a.jsonl", "out/b.jsonl", "one.jsonl")]
    assert modes == [0o600, 0o640, 0o600]


def test_force_never_replaces_what_no_filter_has_written(corpus, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not replaced"):
        run(corpus, tmp_path / "home", force=True)
    with pytest.raises(UsageError, match="no file"):
        run(corpus / "a.jsonl", tmp_path / "home", force=True)
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years of work"


def test_a_manifest_that_exists_is_not_overwritten_by_accident(corpus, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(UsageError, match="exists"):
        run(corpus, tmp_path / "out", manifest=tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "mine" and not (tmp_path / "out").exists()


@pytest.mark.parametrize("code", (errno.ENOSPC, errno.EIO))
def test_a_full_disk_leaves_nothing(corpus, tmp_path, monkeypatch, code):
    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(writing.shutil, "copyfile", fail)
    told = "no space left" if code == errno.ENOSPC else "cannot write"
    with pytest.raises(InputError, match=told):
        run(corpus, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize("place", ("write_item", "manifest_rows"))
def test_an_interrupt_leaves_nothing_and_an_old_output_as_it_was(corpus, tmp_path, monkeypatch, place):
    out = tmp_path / "out"
    run(corpus, out)
    before = everything(tmp_path)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, place, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(corpus, out, force=True)
    assert everything(tmp_path) == before


def test_a_corpus_that_changes_meanwhile_is_not_written(corpus, tmp_path, monkeypatch):
    real = running.decide

    def changing(*given):
        (corpus / "b.jsonl").write_text(lines("another text", "and one more"))
        return real(*given)

    monkeypatch.setattr(running, "decide", changing)
    with pytest.raises(InputError, match="changed while it was read"):
        run(corpus, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]


@pytest.mark.parametrize("given", ("-", "hf://some/set", "https://example.org/a.jsonl"))
def test_what_cannot_be_read_twice_is_refused(given, tmp_path):
    with pytest.raises(InputError, match="read twice"):
        run(given, tmp_path / "out")


def test_what_cannot_be_written_back_is_refused(tmp_path):
    one = tmp_path / "one.json"
    one.write_text(json.dumps({"data": [{"text": GOOD}, {"text": LOOP}]}))
    with pytest.raises(InputError, match="JSON object"):
        run(one, tmp_path / "out.json")
    wide = tmp_path / "wide.jsonl"
    wide.write_text(lines(GOOD, LOOP), encoding="utf-16")
    with pytest.raises(InputError, match="UTF-16"):
        run(wide, tmp_path / "out.jsonl")
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}]}))
    (saved / "data.arrow").write_bytes(b"ARROW1")
    with pytest.raises(InputError, match="datasets"):
        run(saved, tmp_path / "out")


def test_a_file_that_can_be_read_in_part_only_is_an_error(tmp_path):
    data = gzip.compress(lines(*(f"{GOOD} {i} {'abc' * i}" for i in range(3000))).encode())
    (tmp_path / "a.jsonl.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="only a part could be read"):
        run(tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz")
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl.gz"]


def test_nothing_left_is_an_error(tmp_path):
    (tmp_path / "a.jsonl").write_text(lines(LOOP, LOOP + "x"))
    with pytest.raises(InputError, match="nothing would be left"):
        run(tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]
    assert filter_corpus(str(tmp_path / "a.jsonl"), None, dry_run=True, audit=None).kept == 0


def test_a_long_text_in_utf_16_is_never_cut_by_bytes(tmp_path):
    with pytest.raises(InputError, match="UTF-16"):
        copy_text([("some text\n" * 99).encode("utf-16")], np.array([5]), lambda _: None, 100)


def test_several_files_are_written_below_what_they_have_in_common(corpus, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.jsonl").write_text(lines("one more text, a third one"))
    filter_corpus([str(corpus / "a.jsonl"), str(tmp_path / "more")], str(tmp_path / "out"), audit=None)
    assert sorted(everything(tmp_path / "out")) == ["corpus/a.jsonl", "more/a.jsonl"]


def test_files_without_a_format_in_their_name(tmp_path):
    (tmp_path / "dump").write_text(lines(GOOD, LOOP))
    run(tmp_path / "dump", tmp_path / "out")
    assert (tmp_path / "out").read_text() == lines(GOOD)
    (tmp_path / "packed").write_bytes(gzip.compress(lines(GOOD, LOOP).encode()))
    run(tmp_path / "packed", tmp_path / "out2")
    assert gzip.decompress((tmp_path / "out2").read_bytes()).decode() == lines(GOOD)


def test_a_dry_run_writes_nothing(corpus, tmp_path):
    result = filter_corpus(str(corpus), None, dry_run=True, audit=None)
    assert (result.dropped, result.dry_run, result.out) == (1, True, "")
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]
    with pytest.raises(UsageError, match="where to write"):
        filter_corpus(str(corpus), None)


@pytest.mark.parametrize(
    ("settings", "told"),
    (
        ({"rules": ("XYZ",)}, "known are"),
        ({"limits": {"DUP002": 0.3}}, "between"),
        ({"limits": {"DUP001": 0.3}}, "no limit"),
        ({"limits": {"REP004": 2.0}}, "not among the rules"),
        ({"workers": 0}, "workers"),
    ),
)
def test_options_that_make_no_sense(corpus, tmp_path, settings, told):
    with pytest.raises(UsageError, match=told):
        run(corpus, tmp_path / "out", **settings)


def test_hostile_names_and_texts_are_no_harm(tmp_path):
    folder = tmp_path / "<script>alert(1)<b>\x1b[31m"
    folder.mkdir()
    (folder / "a\n.jsonl").write_text(lines(GOOD, "<img src=x onerror=alert(1)> " * 60, "x", "x"))
    result = run(folder, tmp_path / "out")
    from contam.reports import render

    assert result.dropped == 2
    page = render(result, "html")
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "\x1b[31m" not in render(result, "rich") and "\x1b" not in render(result, "markdown")
    assert len((tmp_path / "out.dropped").read_text().splitlines()) == 2
