"""The promises about bad input: a fault is counted and named, the rest is read, strict reading stops."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import re
import socket
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from reading import collect, read

from contam.corpus import Corpus, ReadOptions
from contam.errors import InputError, LimitError, UsageError

GOOD = b"".join(json.dumps({"text": f"good document {i}"}).encode() + b"\n" for i in range(1, 4))
GOOD_TEXTS = [f"good document {i}" for i in range(1, 4)]
NOISE = bytes((i * 7919 + (i >> 3) * 31) % 256 for i in range(20000))


def refused(path: Path, match: str, **options: Any) -> None:
    """Strict reading of it raises an ``InputError`` that names the file and the reason."""
    with pytest.raises(InputError, match=match) as caught:
        read(path, strict=True, **options)
    assert path.name in str(caught.value)


LINES = {
    "broken": (b'{"text": "unfinished', "invalid JSON"),
    "trailing comma": (b'{"text": "a",}', "invalid JSON"),
    "not JSON at all": (b"hello there", "invalid JSON"),
    "list": (b'["a", "b"]', "a list, not an object"),
    "number": (b"17", "a number, not an object"),
    "null": (b"null", "null, not an object"),
    "string": (b'"just a string"', "a string, not an object"),
    "no field": (b'{"body": "a"}', "no field 'text'"),
    "field is null": (b'{"text": null}', "'text' is null"),
    "field is a number": (b'{"text": 3}', "'text' is a number"),
    "field is nested": (b'{"text": {"a": "b"}}', "'text' is an object"),
    "field is true": (b'{"text": true}', "'text' is true or false"),
    "empty text": (b'{"text": ""}', "empty text"),
    "white space text": (b'{"text": " \\n\\t"}', "empty text"),
    "two objects": (b'{"text": "a"} {"text": "b"}', "invalid JSON: Extra data"),
    "control character": (b'{"text": "a\x01b"}', "Invalid control character"),
    "NUL bytes": (b"\0\0\0\0", "invalid JSON"),
    "deep nesting": (b'{"text": ' + b"[" * 100000, "invalid JSON"),
    "mark in the middle": (b'\xef\xbb\xbf{"text": "a"}', "invalid JSON"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_named_and_the_rest_is_read(tmp_path: Path, name: str) -> None:
    line, reason = LINES[name]
    path = tmp_path / "x.jsonl"
    path.write_bytes(GOOD + line + b"\n" + GOOD)
    result = read(path)
    assert result.texts == GOOD_TEXTS * 2
    assert [(p, n) for p, _, n in result.skipped] == [(str(path), 4)]
    assert reason in result.skipped[0][1]
    refused(path, ":4: ")


MENDED = {
    "invalid UTF-8": (b'{"text": "caf\xe9 ol\xe9"}', "café olé".replace("é", "\ufffd"), "invalid UTF-8: 2"),
    "lone surrogate": (b'{"text": "a \\ud83d b"}', "a \ufffd b", "1 lone surrogates"),
    "NUL": (b'{"text": "a\\u0000b"}', "a\0b", "1 NUL bytes"),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_text_that_can_be_mended_is_kept_and_named(tmp_path: Path, name: str) -> None:
    line, text, reason = MENDED[name]
    path = tmp_path / "x.jsonl"
    path.write_bytes(GOOD + line + b"\n")
    result = read(path)
    assert result.texts == [*GOOD_TEXTS, text]
    assert [n for _, _, n in result.skipped] == [4] and reason in result.skipped[0][1]
    refused(path, ":4: ")


def test_the_last_of_two_equal_keys_counts_as_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"text": "first", "text": "second"}\n{"te\\u0078t": "escaped"}\n')
    assert read(path, text_field="text", strict=True).texts == ["second", "escaped"]


def test_blank_lines_byte_order_mark_and_crlf_are_no_faults(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n  \n\n")
    assert read(path, strict=True).texts == GOOD_TEXTS


FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("x.txt", b"", "an empty file"),
    "empty jsonl": ("x.jsonl", b"", "an empty file"),
    "white space": ("x.txt", b" \n\t\n ", "nothing but white space"),
    "white space jsonl": ("x.jsonl", b"\n\n", "nothing but white space"),
    "white space csv": ("x.csv", b"\n\n", "nothing but white space"),
    "binary txt": ("x.txt", NOISE, "not text"),
    "binary jsonl": ("x.jsonl", NOISE, "not text"),
    "binary csv": ("x.csv", NOISE, "not text"),
    "picture": ("x.md", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + NOISE, "not text"),
    "PDF": ("x.txt", b"%PDF-1.7 and so on in plain letters", "PDF data"),
    "zip": ("x.txt", b"PK\x03\x04 and so on", "zip data"),
    "packed without suffix": ("x.txt", gzip.compress(b"hello"), "gzip data"),
    "UTF-16 without mark": ("x.txt", "some words in it".encode("utf-16-le"), "looks like UTF-16"),
    "not gzip": ("x.txt.gz", b"plain text", "not a gzip file"),
    "not zstd": ("x.jsonl.zst", GOOD, "not a zstd file"),
    "not bzip2": ("x.jsonl.bz2", GOOD, "not a bzip2 file"),
    "not xz": ("x.csv.xz", b"text\na\n", "not a xz file"),
    "damaged gzip": ("x.txt.gz", gzip.compress(b"hello")[:8] + NOISE[:50], "gzip data"),
    "text as parquet": ("x.parquet", b"this is no parquet at all", "parquet"),
    "empty parquet": ("x.parquet", b"", "an empty file"),
    "text as arrow": ("x.arrow", b"this is no arrow file at all", "Arrow data"),
    "packed parquet": ("x.parquet.gz", gzip.compress(b"PAR1"), "compresses by itself"),
    "JSON string": ("x.json", b'"a text"', "a string, not records"),
    "JSON number": ("x.json", b"42", "a number, not records"),
    "JSON null": ("x.json", b"null", "null, not records"),
    "JSON object cut off": ("x.json", b'{"text": "a', "invalid JSON"),
    "no text field": ("x.jsonl", b'{"id": 1, "n": 2.5}\n', "no field holds text; there are 'id', 'n'"),
    "no text column": ("x.csv", b"", "an empty file"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_named_and_the_others_are_read(tmp_path: Path, name: str) -> None:
    file, data, reason = FILES[name]
    path = tmp_path / file
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"nothing to read|no documents") as caught:
        alone = read(path)
        assert not alone.documents and reason in alone.reasons  # small text files are opened by the workers
        raise InputError(f"no documents {alone.reasons}")
    assert reason in str(caught.value)
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    result = read(tmp_path)
    assert result.texts == GOOD_TEXTS
    assert [p for p, _, _ in result.skipped] == [str(path)] and reason in result.reasons
    refused(path, re.escape(reason))


def test_parquet_without_text_names_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"id": [1, 2], "score": [0.5, 0.25]}), path)
    with pytest.raises(InputError, match="there are 'id', 'score'"):
        read(path)
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    with pytest.raises(InputError, match="no rows"):
        read(path)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
VARIED = b"".join(
    json.dumps({"text": f"document {i} {i * 7919 % 1000003:x}"}).encode() + b"\n" for i in range(60000)
)


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_truncated_stream_gives_what_came_before(tmp_path: Path, suffix: str) -> None:
    packed = PACKERS[suffix](VARIED)
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(packed[: len(packed) * 4 // 5])
    result = read(path)
    assert 0 < len(result.documents) < 60000
    assert all(t == f"document {i} {i * 7919 % 1000003:x}" for i, t in enumerate(result.texts))
    assert len(result.skipped) == 1 and "truncated" in result.reasons
    refused(path, "truncated")


@pytest.mark.parametrize("suffix", PACKERS)
def test_members_one_after_the_other_are_one_stream(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(PACKERS[suffix](GOOD) + PACKERS[suffix](GOOD) + bytes(512))
    assert read(path, strict=True).texts == GOOD_TEXTS * 2
    path.write_bytes(PACKERS[suffix](GOOD) + b"rubbish behind it")
    result = read(path)
    assert result.texts == GOOD_TEXTS and len(result.skipped) == 1


def test_a_truncated_text_keeps_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "x.txt.gz"
    path.write_bytes(gzip.compress(VARIED)[:50000])
    result = read(path)
    assert len(result.documents) == 1 and VARIED.startswith(result.texts[0].encode())
    assert "truncated" in result.reasons


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_parquet_and_arrow(tmp_path: Path, share: float) -> None:
    table = pa.table({"text": [f"document {i}" for i in range(5000)]})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError, match="truncated or damaged parquet"):
        read(path)
    path = tmp_path / "x.arrow"
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    result = read(path)
    assert 1000 < len(result.documents) < 5000 and "truncated" in result.reasons
    refused(path, "truncated")


def test_a_damaged_row_group_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(
        pa.table({"text": [f"document {i}" for i in range(300)]}),
        path,
        row_group_size=100,
        compression="zstd",
    )
    column = pq.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = column.dictionary_page_offset
    data[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(data)
    result = read(path, block_bytes=1000)
    assert 100 <= len(result.documents) < 300 and "parquet" in result.reasons


BOMBS: dict[str, Callable[[], bytes]] = {
    "x.jsonl.gz": lambda: gzip.compress(b'{"text": "a"}\n' * 3_000_000),
    "x.txt.zst": lambda: zstandard.ZstdCompressor().compress(b"a line\n" * 12_000_000),
    "x.csv.bz2": lambda: bz2.compress(b"text\n" + b"aaaa\n" * 8_000_000),
    "x.txt.xz": lambda: lzma.compress(b"a line\n" * 6_000_000, preset=0),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_decompression_bomb_stops_at_the_limit(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())
    good = tmp_path / "good.jsonl"
    good.write_bytes(GOOD)
    limits = {"expansion_floor": 8 << 20, "max_expansion": 50.0}
    result = collect(Corpus.open([path, good], ReadOptions(**limits)))
    assert result.texts[:3] == GOOD_TEXTS and "decompression bomb" in result.reasons
    assert sum(len(t) for t in result.documents.values()) <= 16 << 20
    with pytest.raises(LimitError, match="decompression bomb"):
        read(path, strict=True, **limits)


def test_a_parquet_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    long = "x" * 1_000_000
    pq.write_table(
        pa.table({"text": pa.array([long + str(i % 2) for i in range(2000)])}),
        path,
        dictionary_pagesize_limit=1 << 30,
    )
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    result = read(path, expansion_floor=50_000_000, max_expansion=1.0, block_bytes=4_000_000)
    assert "decompression bomb" in result.reasons and len(result.documents) < 60
    tracemalloc.stop()


def test_a_very_long_line_is_skipped_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    with path.open("wb") as file:
        file.write(GOOD + b'{"text": "')
        for _ in range(50):
            file.write(b"a" * 1_000_000)
        file.write(b'"}\n' + GOOD)
    corpus = Corpus.open(path, ReadOptions(max_document_bytes=4 << 20))
    tracemalloc.start()
    result = collect(corpus)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.texts == GOOD_TEXTS * 2
    assert [i.rpartition(":")[2] for i in result.documents] == ["1", "2", "3", "5", "6", "7"]
    assert result.skipped[0][2] == 4 and "over the limit of 4 MiB" in result.reasons
    assert peak < 30_000_000
    refused(path, ":4: ")


@pytest.mark.parametrize("quoted", [True, False])
def test_a_huge_field_of_a_table_is_skipped(tmp_path: Path, quoted: bool) -> None:
    path = tmp_path / "x.csv"
    quote = '"' if quoted else ""
    long = quote + "line\n" * 300_000 + quote if quoted else "a" * 1_500_000
    path.write_text(f"id,text\n1,one\n2,{long}\n3,three\n")
    result = read(path, max_document_bytes=1 << 20, block_bytes=1 << 16)
    assert result.texts == ["one", "three"]
    assert result.skipped[0][2] == 3 and "over the limit" in result.reasons
    assert [*result.documents][-1].endswith(":300004" if quoted else ":4")


def test_ragged_rows_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,text\n1,one\n2,two,too many\n3\n4,four\n")
    result = read(path)
    assert result.texts == ["one", "four"]
    assert sorted((n, r) for _, r, n in result.skipped) == [
        (3, "3 columns where the first row has 2"),
        (4, "1 columns where the first row has 2"),
    ]
    refused(path, ":3: 3 columns")


def test_a_quote_left_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('text,id\none,1\ntwo,2\n"three,3\nfour,4\n')
    result = read(path)
    assert result.texts == ["one", "two"] and "a quote is left open" in result.reasons
    refused(path, "quote")


def test_an_array_cut_off_or_with_a_comma_too_many(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('[{"text": "one"}, {"text": "two"}, {"text": "thr')
    result = read(path)
    assert result.texts == ["one", "two"] and "truncated JSON: the array does not end" in result.reasons
    path.write_text('[{"text": "one"},, {"text": "two"},]\n')
    result = read(path)
    assert result.texts == ["one", "two"] and "a comma too many before element 2" in result.reasons
    path.write_text('[{"text": "one"}, {"text": "a raw\nnewline"}, {"text": "three"}]')
    result = read(path)
    assert result.texts == ["one", "three"] and [n for _, _, n in result.skipped] == [2]
    path.write_text('[{"text": "one"}]\n[{"text": "two"}]\n')
    result = read(path)
    assert result.texts == ["one"] and "outside the array" in result.reasons
    refused(path, "outside the array")


def test_an_array_of_scalars_names_each(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[1, 2, null]")
    result = read(path)
    assert not result.documents and [n for _, _, n in result.skipped] == [1, 2, 3]


def test_nul_bytes_and_invalid_utf8_in_text(tmp_path: Path) -> None:
    (tmp_path / "nul.txt").write_bytes(b"some words " * 40 + b"\0" + b" more words" * 40)
    (tmp_path / "latin.txt").write_bytes("Übergrößenträger à la carte".encode("latin-1"))
    result = read(tmp_path)
    assert len(result.documents) == 2 and "\ufffdbergr\ufffd\ufffdentr\ufffdger" in result.texts[0]
    assert "latin.txt:1: invalid UTF-8: 5 byte sequences" in result.reasons
    assert "nul.txt:1: 1 NUL bytes" in result.reasons
    refused(tmp_path / "latin.txt", "invalid UTF-8")


@pytest.mark.parametrize("coding", ["utf-16", "utf-32", "utf-8-sig", "utf-16-be"])
def test_text_with_a_byte_order_mark_is_read(tmp_path: Path, coding: str) -> None:
    mark = b"\xfe\xff" if coding == "utf-16-be" else b""
    (tmp_path / "x.jsonl").write_bytes(mark + GOOD.decode().encode(coding))
    (tmp_path / "x.txt").write_bytes(mark + "Grüße 😀".encode(coding))
    result = read(tmp_path, strict=True)
    assert result.texts == [*GOOD_TEXTS, "Grüße 😀"]
    assert len(result.notes) == (0 if coding == "utf-8-sig" else 2)


def test_symbolic_links_that_loop_or_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "up").symlink_to(tmp_path, target_is_directory=True)
    (inner / "nowhere.txt").symlink_to(tmp_path / "missing.txt")
    (inner / "self.txt").symlink_to(inner / "self.txt")
    (inner / "again.jsonl").symlink_to(tmp_path / "good.jsonl")
    result = read(tmp_path)
    assert result.texts == GOOD_TEXTS and result.corpus.files == 1
    assert result.reasons.count("a loop of symbolic links") == 2
    assert "nowhere.txt:None: a symbolic link to nothing" in result.reasons
    with pytest.raises(InputError, match="symbolic"):
        read(tmp_path, strict=True)
    with pytest.raises(InputError, match="a symbolic link to nothing"):
        read(inner / "nowhere.txt")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("closed.jsonl", "closed.txt", "open.jsonl"):
        (tmp_path / name).write_bytes(GOOD)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.txt").write_text("within")
    real_open, real_scan = open, os.scandir

    def deny(path: Any, *args: Any, **more: Any) -> Any:
        if "closed" in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real_open(path, *args, **more)

    def deny_folder(path: Any) -> Any:
        if str(path).endswith("folder"):
            raise PermissionError(13, "Permission denied", str(path))
        return real_scan(path)

    monkeypatch.setattr("contam.formats.listing.open", deny, raising=False)
    monkeypatch.setattr(os, "scandir", deny_folder)
    result = read(tmp_path)
    assert result.texts == GOOD_TEXTS
    assert sorted(Path(p).name for p, _, _ in result.skipped) == ["closed.jsonl", "closed.txt", "folder"]
    assert result.reasons.count("Permission denied") == 3
    refused(tmp_path / "closed.jsonl", "Permission denied")


def test_a_file_that_vanishes_before_it_is_read(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.txt", "c.parquet", "d.arrow", "e.csv", "good.jsonl"):
        (tmp_path / name).write_bytes(GOOD)
    corpus = Corpus.open(tmp_path)
    for name in ("a.jsonl", "b.txt", "c.parquet", "d.arrow", "e.csv"):
        (tmp_path / name).unlink()
    result = collect(corpus)
    assert result.texts == GOOD_TEXTS
    assert sorted(Path(p).name for p, _, _ in result.skipped) == [
        "a.jsonl",
        "b.txt",
        "c.parquet",
        "d.arrow",
        "e.csv",
    ]


def test_a_reading_error_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(1000)
            if not data:
                raise OSError(5, "Input/output error")
            return data

    (tmp_path / "x.jsonl").write_bytes(GOOD * 20)
    monkeypatch.setattr("contam.formats.listing.open", lambda *a, **k: Failing(GOOD * 20), raising=False)
    result = read(tmp_path / "x.jsonl")
    assert result.texts == GOOD_TEXTS * 20 and "reading failed: Input/output error" in result.reasons


def test_pipes_and_sockets_in_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    os.mkfifo(tmp_path / "pipe.jsonl")
    here = Path.cwd()
    os.chdir(tmp_path)  # the path of a socket may be 108 bytes long
    try:
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket.txt")
        server.close()
    finally:
        os.chdir(here)
    result = read(tmp_path)
    assert result.texts == GOOD_TEXTS and result.reasons.count("not a regular file") == 2


def test_a_device_is_refused() -> None:
    with pytest.raises(InputError, match="not text"):
        read("/dev/zero")


def test_folders_without_files_paths_and_globs_without_match(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder without files to read"):
        read(tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        read(tmp_path / "missing.txt")
    with pytest.raises(InputError, match=r"none/\*\*: no file matches"):
        read(f"{tmp_path}/none/**")
    with pytest.raises(InputError, match="an empty path"):
        read("")
    with pytest.raises(InputError, match="no file matches"):
        read(tmp_path / "*.jsonl")
    with pytest.raises(InputError, match="nothing to read: give a file"):
        read()
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    (tmp_path / "none").mkdir()
    result = read(tmp_path / "none", tmp_path / "good.jsonl")
    assert result.texts == GOOD_TEXTS and "without files" in result.reasons


def test_hidden_unknown_and_descriptive_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    (tmp_path / ".hidden.jsonl").write_bytes(GOOD)
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.txt").write_text("hidden")
    (tmp_path / "README.md").write_text("About this corpus.")
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.png").write_bytes(b"x")
    result = read(tmp_path, strict=True)
    assert result.texts == GOOD_TEXTS
    assert result.reasons.startswith(f"{tmp_path.name}:None: 2 files ending in .png not read")
    assert "README.md: about the corpus" in result.notes[0]
    assert read(tmp_path / "README.md").texts == ["About this corpus."]


def test_the_same_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "good.jsonl"
    path.write_bytes(GOOD)
    (tmp_path / "other.jsonl").write_bytes(GOOD.replace(b"good", b"other"))
    result = read(path, path, tmp_path, f"{tmp_path}/*.jsonl", f"{tmp_path}/g*")
    assert result.corpus.files == 2 and len(result.documents) == 6 and not result.skipped


def test_unknown_suffixes_are_judged_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "lines.log").write_bytes(GOOD)
    (tmp_path / "words.dat").write_text("[Chapter 1] Just some words.\n")
    (tmp_path / "array").write_text(json.dumps([{"text": t} for t in GOOD_TEXTS], indent=1))
    (tmp_path / "packed").write_bytes(gzip.compress(GOOD))
    (tmp_path / "blob.bin").write_bytes(NOISE)
    pq.write_table(pa.table({"text": GOOD_TEXTS}), tmp_path / "table.pq")
    for name in ("lines.log", "array", "packed", "table.pq"):
        assert read(tmp_path / name).texts == GOOD_TEXTS
    assert read(tmp_path / "words.dat").texts == ["[Chapter 1] Just some words.\n"]
    with pytest.raises(InputError, match="not text"):
        read(tmp_path / "blob.bin")


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    def give(data: bytes) -> None:
        data = gzip.compress(data) if packed else data
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    give(GOOD)
    assert read("-").texts == GOOD_TEXTS
    give(b"plain words on a line\nand another")
    assert read("-").texts == ["plain words on a line\nand another"]
    give(b"one\ntwo\n")
    assert read("-", split="lines").documents == {"-:1": b"one", "-:2": b"two"}
    give(json.dumps([{"text": t} for t in GOOD_TEXTS], indent=2).encode())
    assert read("-").texts == GOOD_TEXTS
    give(b"")
    with pytest.raises(InputError, match="-: an empty file"):
        read("-")


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="lines or blank-lines"):
        ReadOptions(split="words")
    with pytest.raises(UsageError, match="at least 1"):
        ReadOptions(block_bytes=0)


def test_many_bad_lines_are_all_counted_and_some_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(GOOD + b"{\n" * 5000)
    chunks = [task.decode() for task in Corpus.open(path).tasks()]
    assert sum(c.skipped_total for c in chunks) == 5000
    assert sum(len(c.skipped) for c in chunks) == 100 and chunks[0].skipped[0].line == 4
