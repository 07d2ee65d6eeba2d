"""What stays is written back byte for byte, in every format: the input minus the records that go."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import random

import numpy as np
import pytest
import zstandard

from contam.corpus import Corpus
from contam.errors import InputError
from contam.filtering import copying
from contam.filtering.copying import copy_text
from contam.filtering.running import filter_corpus
from contam.formats.csv_table import Table
from contam.formats.task import ReadOptions

UNPACK = {
    "": lambda data: data,
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": lambda data: zstandard.ZstdDecompressor().stream_reader(data).read(),
}
PACK = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
LOOP = "round and round it goes and "


def texts(seed: int, count: int = 60) -> tuple[list[str], set[int]]:
    """Random texts, and which of them go: loops, and copies of earlier ones."""
    draw = random.Random(seed)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "é", "", 'q"', "x,y")]
    made: list[str] = []
    gone = set()
    for i in range(count):
        kind = draw.random()
        if kind < 0.15:
            gone.add(i)
            made.append(" ".join(draw.choices(words, k=6)) + " " + LOOP * draw.randint(30, 60))
        elif kind < 0.3 and i > 5:
            earlier = draw.choice([j for j in range(i) if j not in gone])
            gone.add(i)
            made.append(made[earlier])
        else:
            end = draw.choice(("", ".", "\nmore\n\nlines"))
            made.append(" ".join(draw.choices(words, k=draw.randint(3, 90))) + end)
    return made, gone


def run(path, out, **more):
    return filter_corpus(str(path), str(out), audit=None, **more)


def listed(out):
    return [json.loads(line) for line in (out.parent / f"{out.name}.dropped").read_text().splitlines()]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("seed", range(3))
def test_json_lines(tmp_path, seed, packing):
    draw = random.Random(seed)
    found, gone = texts(seed)
    ends = draw.choices((b"\n", b"\r\n", b" \n"), k=len(found))
    lines = [
        json.dumps({"id": i, "text": text}, ensure_ascii=draw.random() < 0.5).encode() + end
        for i, (text, end) in enumerate(zip(found, ends))
    ]
    kept = [line for i, line in enumerate(lines) if i not in gone]
    extra = {5: b'{"broken\n', 11: b"\n", 17: b'{"text": 3}\n', 23: b'{"text": ""}\n'}
    whole = b"".join(extra.get(i, b"") + line for i, line in enumerate(lines))
    left = b"".join(extra.get(i, b"") + (line if i not in gone else b"") for i, line in enumerate(lines))
    if seed == 1:
        whole, left = b"\xef\xbb\xbf" + whole, b"\xef\xbb\xbf" + left
    if seed == 2:
        whole, left = whole.rstrip(b"\r\n "), left if len(lines) - 1 in gone else left.rstrip(b"\r\n ")
    path, out = tmp_path / f"a.jsonl{packing}", tmp_path / f"b.jsonl{packing}"
    packed = PACK[packing](whole)
    path.write_bytes(packed)
    result = run(path, out)
    assert UNPACK[packing](out.read_bytes()) == left
    assert (result.documents, result.dropped, result.unread) == (len(found), len(gone), 3)
    assert len(kept) == result.kept
    assert {row["line"] for row in listed(out) if row["rule"] != "unread"} == {
        1 + i + sum(k <= i for k in extra) for i in gone
    }
    assert path.read_bytes() == packed


def test_unread_records_can_go_too(tmp_path):
    found, gone = texts(9)
    lines = [json.dumps({"text": text}) + "\n" for text in found]
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text("".join(lines[:7]) + '{"text": null}\n' + "\n" + "".join(lines[7:]) + "not json\n")
    result = run(path, out, drop_unread=True)
    left = [line for i, line in enumerate(lines) if i not in gone]
    left.insert(7 - sum(i < 7 for i in gone), "\n")
    assert out.read_text() == "".join(left)
    assert result.unread == 2 and result.unread_dropped
    assert [row["kept"] for row in listed(out) if row["rule"] == "unread"] == [False, False]


def rows_of(found, draw, delimiter):
    rows = []
    for i, text in enumerate(found):
        file = io.StringIO()
        quoting = draw.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
        csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerow([i, text, "x"])
        rows.append(file.getvalue())
    return rows


@pytest.mark.parametrize("header", (True, False))
@pytest.mark.parametrize("seed", range(4))
def test_tables(tmp_path, seed, header):
    draw = random.Random(seed)
    found, gone = texts(seed)
    suffix, delimiter = ((".csv", ","), (".csv", ";"), (".tsv", "\t"), (".csv.gz", ","))[seed]
    delimiter = delimiter if header else "," if ".csv" in suffix else "\t"  # without a header commas are the likelier
    rows = rows_of(found, draw, delimiter)
    extra = {8: "\n", 20: f"1{delimiter}2\n"}
    head = delimiter.join(("id", "text", "note")) + "\n" if header else ""
    whole = head + "".join(extra.get(i, "") + row for i, row in enumerate(rows))
    left = head + "".join(extra.get(i, "") + (row if i not in gone else "") for i, row in enumerate(rows))
    packing = ".gz" if suffix.endswith(".gz") else ""
    path, out = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    path.write_bytes(PACK[packing](whole.encode()))
    result = run(path, out, text_field="text" if header else "2")
    assert UNPACK[packing](out.read_bytes()).decode() == left
    assert (result.documents, result.dropped, result.unread) == (len(found), len(gone), 1)


def test_a_table_is_not_looked_through_again_for_every_row_that_goes():
    seen = 0

    class Counting(copying.Rows):
        def first(self, data):
            nonlocal seen
            seen += isinstance(data, bytes) and len(data)
            return super().first(data)

    rows = b"".join(b'%d,"a, b\nc"\n' % i for i in range(2000))
    out: list[bytes] = []
    layout = copying.Layout(Table(ord(","), ord('"'), ("id", "text")), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "Rows", Counting)
        copying.copy_rows([rows], layout, np.arange(1, 4001, 4), out.append)
    assert b"".join(out) == b"".join(b'%d,"a, b\nc"\n' % i for i in range(1, 2000, 2))
    assert seen == 0


@pytest.mark.parametrize("indent", (None, 2))
@pytest.mark.parametrize("seed", range(6))
def test_json_arrays(tmp_path, seed, indent):
    found, gone = texts(seed)
    records = [{"id": i, "text": text, "tags": [1, {"a": "],["}]} for i, text in enumerate(found)]
    path, out = tmp_path / "a.json", tmp_path / "b.json"
    whole = " \n" + json.dumps(records, indent=indent) + "\n"
    path.write_text(whole)
    result = run(path, out)
    left = [record for i, record in enumerate(records) if i not in gone]
    assert out.read_text() == " \n" + json.dumps(left, indent=indent) + "\n"
    assert result.dropped == len(gone)


@pytest.mark.parametrize("seed", range(3))
def test_lines_of_text(tmp_path, seed):
    found, gone = texts(seed)
    lines = [text.replace("\n", " ") + "\n" for text in found]
    path, out = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text("\n".join(("".join(lines[:20]), "".join(lines[20:]))))
    run(path, out, split="lines")
    kept = [line if i not in gone else "" for i, line in enumerate(lines)]
    assert out.read_text() == "\n".join(("".join(kept[:20]), "".join(kept[20:])))


def test_paragraphs_of_text_take_the_blank_lines_behind_them_along(tmp_path):
    one, two, three = (f"first {w} line of it\nand {w} second" for w in ("alpha", "beta", "gamma"))
    path, out = tmp_path / "a.txt", tmp_path / "b.txt"
    path.write_text(f"\n{one}\n\n\n{LOOP * 40}\n{LOOP}\n \n\n{two}\n\n{one}\n\n{three}")
    run(path, out, split="blank-lines", rules=("REP001", "DUP001"))
    assert out.read_text() == f"\n{one}\n\n\n{two}\n\n{three}"


def test_a_folder_keeps_its_structure(tmp_path):
    corpus, out = tmp_path / "corpus", tmp_path / "clean"
    (corpus / "sub").mkdir(parents=True)
    good, bad = "a text of some words that nobody repeats at all", LOOP * 40
    (corpus / "a.txt").write_text(good)
    (corpus / "sub" / "b.txt").write_text(bad)
    (corpus / "sub" / "c.jsonl").write_text(json.dumps({"text": good}) + "\n" + json.dumps({"text": good + "!"}) + "\n")
    (corpus / "README.md").write_text("about it")
    (corpus / "picture.png").write_bytes(b"\x89PNG")
    result = run(corpus, out, rules=("REP001", "DUP001"))
    written = {str(p.relative_to(out)): p.read_text() for p in out.rglob("*") if p.is_file()}
    assert written == {"a.txt": good, "sub/c.jsonl": json.dumps({"text": good + "!"}) + "\n"}
    assert [(row["path"], row["line"], row["rule"]) for row in listed(out)] == [
        (str(corpus / "sub" / "b.txt"), 1, "REP001"), (str(corpus / "sub" / "c.jsonl"), 1, "DUP001"),
    ]  # fmt: skip
    assert listed(out)[1]["of"] == f"{corpus / 'a.txt'}:1"
    assert any("README.md" in note for note in result.notes)
    assert any(".png" in skipped.reason for skipped in result.skipped)


@pytest.mark.parametrize("name", ("a.jsonl.gz", "a.csv", "a.json", "a.txt", "a.parquet"))
def test_nothing_to_drop_gives_the_same_bytes(tmp_path, name):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    path, out = tmp_path / name, tmp_path / f"out-{name}"
    rows = [f"text number {i} with the words {'abcdefgh'[i]} {i * 7919}" for i in range(8)]
    if name == "a.parquet":
        pq.write_table(pa.table({"text": rows}), path)
    elif name == "a.csv":
        path.write_text("text\n" + "\n".join(rows))
    else:
        data = json.dumps(rows) if name == "a.json" else "\n".join(json.dumps({"text": r}) for r in rows)
        path.write_bytes(gzip.compress(data.encode()) if name.endswith(".gz") else data.encode())
    assert run(path, out).dropped == 0
    assert out.read_bytes() == path.read_bytes() and listed(out) == []


@pytest.mark.parametrize("kind", ("parquet", "arrow", "stream", "feather"))
@pytest.mark.parametrize("seed", range(2))
def test_columns(tmp_path, kind, seed):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.parquet as pq

    found, gone = texts(seed, 50)
    body = [*found[:10], None, *found[10:]]
    schema = pa.schema(
        [
            pa.field("id", pa.int32(), metadata={"unit": "one"}),
            pa.field("text", pa.string()),
            pa.field("l", pa.list_(pa.int8())),
        ],
        metadata={"made": "here"},
    )
    table = pa.table([list(range(51)), body, [[i % 5] * (i % 3) for i in range(51)]], schema=schema)
    suffix = {"parquet": "parquet", "feather": "feather"}.get(kind, "arrow")
    path, out = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    if kind == "parquet":
        pq.write_table(table, path, compression="zstd", row_group_size=20)
    elif kind == "feather":
        pyarrow.feather.write_feather(table, path, chunksize=20)
    else:
        with (pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream)(path, schema) as writer:
            writer.write_table(table, max_chunksize=20)
    result = run(path, out)
    stays = [i for i in range(51) if (i if i < 10 else i - 1) not in gone or i == 10]
    with pa.memory_map(str(out)) as file:
        if kind == "parquet":
            got, meta = pq.read_table(out), pq.read_metadata(out)
            assert meta.num_row_groups == 3 and meta.row_group(0).column(1).compression == "ZSTD"
        else:
            got = (pa.ipc.open_stream if kind == "stream" else pa.ipc.open_file)(file).read_all()
        expected = pq.read_table(path) if kind == "parquet" else table
        assert got.schema.equals(expected.schema, check_metadata=True)
        assert got.equals(expected.take(stays))
    assert (result.unread, result.dropped) == (1, len(gone))


@pytest.mark.parametrize("nested", (False, True))
@pytest.mark.parametrize("others", (False, True))
def test_times_keep_all_their_digits(tmp_path, others, nested):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    times = pa.array([1, None, 1234567890123456789, -7], pa.timestamp("ns"))
    when = pa.StructArray.from_arrays([times], ["at"]) if nested else times
    table = pa.table({"text": ["one text", "one text", "another", "a third one"], "when": when})
    path, out = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(table, path, use_deprecated_int96_timestamps=not others, version="2.6")
    assert run(path, out).dropped == 1
    assert pq.read_table(out).equals(table.take([0, 2, 3]))
    leaf = pq.read_metadata(out).row_group(0).column(1)
    assert leaf.physical_type == ("INT64" if others else "INT96")


def test_times_that_arrow_would_change_are_refused(tmp_path):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    year_one = pa.array([-62135596800 * 10**6, 0, 5], pa.timestamp("us"))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["one", "one", "two"], "t": year_one}), path, use_deprecated_int96_timestamps=True)
    with pytest.raises(InputError, match="before 1677"):
        run(path, tmp_path / "b.parquet")
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_what_cannot_be_written_is_not_called_damaged(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    def refuse(*_, **__):
        raise pa.ArrowInvalid("would lose data")

    pq.write_table(pa.table({"text": ["one", "one", "two"]}), tmp_path / "a.parquet")
    monkeypatch.setattr(pq.ParquetWriter, "write_table", refuse)
    with pytest.raises(InputError, match=r"a\.parquet: its rows cannot be written back: would lose data"):
        run(tmp_path / "a.parquet", tmp_path / "b.parquet")


@pytest.mark.parametrize("words", (False, True))
@pytest.mark.parametrize("codec", (None, "lz4", "zstd"))
@pytest.mark.parametrize("name", ("a.arrow", "a.feather", "stream.arrow"))
def test_arrow_files_keep_their_compression(tmp_path, name, codec, words):
    pa = pytest.importorskip("pyarrow")
    texts = pa.array([f"{i % 700} is the number of this text" for i in range(1000)])
    table = pa.table({"text": texts.dictionary_encode() if words else texts})
    path, plain = tmp_path / name, tmp_path / "plain"
    make = pa.ipc.new_stream if name.startswith("stream") else pa.ipc.new_file
    for target, kept in ((path, table), (plain, table.slice(0, 700))):
        with make(str(target), table.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
            writer.write_table(kept)
    assert run(path, tmp_path / f"b-{name}", rules=("DUP001",)).dropped == 300
    assert abs((tmp_path / f"b-{name}").stat().st_size - plain.stat().st_size) < 0.1 * plain.stat().st_size


def test_a_long_text_loses_only_its_looping_part(tmp_path):
    data = b"".join(b"line %d of the text\n" % i for i in range(5000))
    (tmp_path / "a.txt").write_bytes(data)
    chunks = [task.decode() for task in Corpus.open(tmp_path / "a.txt", ReadOptions(part_bytes=1000)).tasks()]
    parts = [(int(c.lines[0]), c.batch.text(0)) for c in chunks if len(c.batch)]
    assert len(parts) > 100
    out: list[bytes] = []
    copy_text([data[:777], data[777:]], np.array([parts[3][0], parts[9][0]]), out.append, 1000)
    assert b"".join(out) == b"".join(text for i, (_, text) in enumerate(parts) if i not in (3, 9))


def test_the_number_of_workers_and_the_size_of_blocks_change_nothing(tmp_path):
    found, _ = texts(4, 400)
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in found))
    outs = []
    for workers in (1, 4):
        out = tmp_path / f"{workers}.jsonl"
        run(path, out, workers=workers)
        outs.append((out.read_bytes(), listed(out)))
    assert outs[0] == outs[1]
