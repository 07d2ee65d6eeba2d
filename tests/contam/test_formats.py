"""Every format gives the same documents, packed or not, wherever it is cut."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from reading import read

from contam.corpus import Corpus
from contam.errors import InputError
from contam.formats import csv_table
from contam.formats.task import ReadOptions, Source

TEXTS = ["The first, document.", 'Zwei\nZeilen "und" Anführung', "三つ目の文書", "last 😀"]
RECORDS = [{"id": i, "text": t, "meta": {"n": [i]}} for i, t in enumerate(TEXTS)]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def as_csv(delimiter: str = ",", **more: Any) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, **more)
    writer.writerow(["id", "text", "score"])
    writer.writerows([r["id"], r["text"], 0.5] for r in RECORDS)
    return out.getvalue().encode()


def jsonl(records: list[Any] = RECORDS) -> bytes:
    return b"".join(json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in records)


TABLE = pa.table({"id": [0, 1, 2, 3], "text": TEXTS, "kind": ["a", "b", "c", "dddd"]})
FORMATS = {
    "x.jsonl": jsonl(),
    "x.ndjson": jsonl(),
    "x.json": json.dumps(RECORDS, indent=2, ensure_ascii=False).encode(),
    "x.csv": as_csv(),
    "x.tsv": as_csv("\t"),
}


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("name", FORMATS)
def test_text_formats_packed_every_way(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / (name + suffix)
    path.write_bytes(PACKERS[suffix](FORMATS[name]))
    result = read(path)
    assert result.texts == TEXTS and not result.skipped
    assert result.consumed == path.stat().st_size == result.corpus.total_bytes


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [1, 7, 33, 64])
def test_blocks_of_any_size(tmp_path: Path, name: str, size: int) -> None:
    path = tmp_path / name
    path.write_bytes(FORMATS[name])
    whole, cut = read(path), read(path, block_bytes=size)
    assert whole.documents == cut.documents and cut.consumed == path.stat().st_size


def test_lines_are_where_a_record_begins(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(as_csv())
    (tmp_path / "x.json").write_bytes(FORMATS["x.json"])
    (tmp_path / "x.jsonl").write_bytes(b"\n\n" + jsonl())
    lines = {
        name: [int(i.rpartition(":")[2]) for i in read(tmp_path / name).documents]
        for name in FORMATS
        if name in ("x.csv", "x.json")
    }
    assert lines == {"x.csv": [2, 3, 5, 6], "x.json": [1, 2, 3, 4]}
    assert [int(i.rpartition(":")[2]) for i in read(tmp_path / "x.jsonl").documents] == [3, 4, 5, 6]


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "dictionary"])
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_parquet(tmp_path: Path, kind: str, rows: int) -> None:
    types = {"large_string": pa.large_string(), "string_view": pa.string_view(), "string": pa.string()}
    column = pa.array(TEXTS).dictionary_encode() if kind == "dictionary" else pa.array(TEXTS, types[kind])
    path = tmp_path / "x.parquet"
    pq.write_table(TABLE.set_column(1, "text", column), path, row_group_size=rows)
    for size in (1, 1 << 21):
        result = read(path, block_bytes=size)
        assert result.texts == TEXTS and result.consumed == path.stat().st_size
        assert [i.rpartition(":")[2] for i in result.documents] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("make", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_arrow(tmp_path: Path, make: Any, compression: str | None) -> None:
    path = tmp_path / "x.arrow"
    with make(path, TABLE.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(TABLE, max_chunksize=3)
    for size in (1, 1 << 21):
        result = read(path, block_bytes=size)
        assert result.texts == TEXTS and result.consumed == path.stat().st_size
        assert [i.rpartition(":")[2] for i in result.documents] == ["1", "2", "3", "4"]


def test_nulls_and_empty_strings_in_columns_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["a b", None, "", " \n", "c d"]}), tmp_path / "x.parquet")
    result = read(tmp_path / "x.parquet")
    assert result.texts == ["a b", "c d"]
    assert sorted((line, reason) for _, reason, line in result.skipped) == [
        (2, "the field 'text' is null, not text"),
        (3, "empty text"),
        (4, "empty text"),
    ]


def test_conversations_in_columns(tmp_path: Path) -> None:
    chats = [
        [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello"},
        ],
        [{"role": "user", "content": "Why?"}],
    ]
    pq.write_table(pa.table({"id": [1, 2], "messages": chats}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet").texts == ["Hi\nHello", "Why?"]


def test_several_string_columns_are_joined(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["a?", "b?"], "completion": ["A", None]}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet").texts == ["a?\nA", "b?"]


def test_datasets_saved_to_disk(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    part = datasets.Dataset.from_dict({"text": TEXTS, "label": [0, 1, 0, 1]})
    part.save_to_disk(tmp_path / "one", num_shards=2)
    datasets.DatasetDict({"train": part, "test": part.select([0])}).save_to_disk(tmp_path / "two")
    assert sorted(read(tmp_path / "one").texts) == sorted(TEXTS)
    assert read(tmp_path / "one").corpus.files == 2 and not read(tmp_path / "one").skipped
    assert sorted(read(tmp_path / "two").texts) == sorted([*TEXTS, TEXTS[0]])
    assert sorted(read(tmp_path).texts) == sorted([*TEXTS, *TEXTS, TEXTS[0]])


JSON_SHAPES = {
    "strings": (TEXTS, TEXTS),
    "object with a list": ({"version": 1, "data": RECORDS}, TEXTS),
    "one record": ({"title": "x", "text": "just one", "tags": ["a", "b"]}, ["just one"]),
    "columns": ({"text": TEXTS, "id": [0, 1, 2, 3]}, TEXTS),
    "columns by row": ({"text": {"0": "a b", "1": "c d"}}, ["a b", "c d"]),
    "one conversation": (
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "bot", "content": "Yo"}]},
        ["Hi\nYo"],
    ),
    "no elements but one": ([{"text": "[,]}{"}], ["[,]}{"]),
}


@pytest.mark.parametrize("shape", JSON_SHAPES)
@pytest.mark.parametrize("indent", [None, 1])
def test_json_documents(tmp_path: Path, shape: str, indent: int | None) -> None:
    value, expected = JSON_SHAPES[shape]
    path = tmp_path / "x.json"
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False), encoding="utf-8")
    result = read(path)
    assert result.texts == expected and not result.skipped and result.consumed == path.stat().st_size


def test_json_lines_named_json(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(jsonl())
    assert read(tmp_path / "x.json").texts == TEXTS


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.none(),
            st.integers(),
            st.text(max_size=9),
            st.dictionaries(
                st.sampled_from(["text", "b"]),
                st.one_of(st.text(max_size=9), st.lists(st.text(alphabet='[]{},"\\a\n', max_size=4))),
            ),
        )
    ),
    st.integers(1, 50),
    st.sampled_from([None, 1]),
)
def test_any_array_gives_its_elements(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], size: int, indent: int | None
) -> None:
    path = tmp_path_factory.mktemp("j") / "x.json"
    path.write_text(json.dumps([{"text": "first"}, *values], indent=indent))
    result = read(path, text_field="text", block_bytes=size)
    expected = {}
    for row, value in enumerate(values, 2):
        text = value.get("text") if isinstance(value, dict) else None
        text = "\n".join(filter(None, text)) if isinstance(text, list) else text
        if text is not None and text.encode().strip():
            expected[row] = text.encode()
    assert {
        int(i.rpartition(":")[2]): t for i, t in result.documents.items() if not i.endswith(":1")
    } == expected
    assert (
        len(result.documents) + len({line for _, reason, line in result.skipped if "kept" not in reason})
        == len(values) + 1
    )


fields = st.text(alphabet='ab",;\n\r é', max_size=8).map(lambda s: s.replace("\r", "\r\n"))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(fields, min_size=1, max_size=4), min_size=1, max_size=8),
    st.integers(1, 40),
    st.booleans(),
)
def test_csv_rows_are_those_of_the_csv_module(rows: list[list[str]], size: int, quote_all: bool) -> None:
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(out, quoting=quoting).writerows([["text", "b"], *rows])
    raw = out.getvalue().encode()
    source = Source("x.csv", len(raw), lambda: io.BytesIO(raw), "csv_table")
    got: dict[int, bytes] = {}
    skipped = set()
    for task in csv_table.tasks(source, ReadOptions(text_field="text", block_bytes=size)):
        chunk = task.decode()
        got |= {int(n): chunk.batch.text(i) for i, n in enumerate(chunk.lines)}
        skipped |= {s.line for s in chunk.skipped}
    reader = csv.reader(io.StringIO(raw.decode(), newline=""))
    next(reader)
    line, expected = 2, {}
    for row in reader:
        if len(row) == 2 and row[0].encode().strip():
            expected[line] = row[0].encode()
        line = reader.line_num + 1
    assert got == expected


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='ab",\n', max_size=60), st.integers(1, 40))
def test_any_csv_at_all(body: str, size: int) -> None:
    """Stray quotes too: the rows are those of the csv module, which reads them without complaint."""
    raw = ("text,b\n" + body).encode()
    source = Source("x.csv", len(raw), lambda: io.BytesIO(raw), "csv_table")
    got = [
        chunk.batch.text(i)
        for task in csv_table.tasks(source, ReadOptions(text_field="text", block_bytes=size))
        for chunk in [task.decode()]
        for i in range(len(chunk.batch))
    ]
    rows = list(csv.reader(io.StringIO(raw.decode(), newline="")))[1:]
    assert got == [r[0].encode() for r in rows if len(r) == 2 and r[0].encode().strip()]


def test_csv_dialects(tmp_path: Path) -> None:
    (tmp_path / "semicolon.csv").write_bytes(as_csv(";"))
    (tmp_path / "plain.tsv").write_text('id\ttext\n1\t"An open quote\n2\tanother "one\n3\tthird\n')
    (tmp_path / "crlf.csv").write_bytes(b"\xef\xbb\xbfid,text\r\n1,one two\r\n\r\n2,three\r\n")
    (tmp_path / "noheader.csv").write_text("1,a text that is long enough\n2,another text of this kind\n")
    (tmp_path / "pair.csv").write_text("prompt,id,response\nq1,1,a1\n,2,a2\nq3,3,\n")
    assert read(tmp_path / "semicolon.csv").texts == TEXTS
    assert read(tmp_path / "plain.tsv").texts == ['"An open quote', 'another "one', "third"]
    assert list(read(tmp_path / "crlf.csv").documents.values()) == [b"one two", b"three"]
    found = read(tmp_path / "noheader.csv")
    assert len(found.texts) == 2 and "no header" in found.notes[0]
    assert read(tmp_path / "pair.csv").texts == ["q1\na1", "a2", "q3"]


def test_text_files_whole_and_split(tmp_path: Path) -> None:
    body = "one\ntwo\n\n \nthree\r\nfour\r\n\r\nfive"
    path = tmp_path / "x.txt"
    path.write_bytes(body.encode())
    assert read(path).documents == {f"{path}:1": body.encode()}
    for size in (1, 5, 1000):
        lines = read(path, split="lines", block_bytes=size)
        assert [(i.rpartition(":")[2], t) for i, t in lines.documents.items()] == [
            ("1", b"one"),
            ("2", b"two"),
            ("5", b"three"),
            ("6", b"four"),
            ("8", b"five"),
        ]
        blank = read(path, split="blank-lines", block_bytes=size)
        assert [(i.rpartition(":")[2], t) for i, t in blank.documents.items()] == [
            ("1", b"one\ntwo"),
            ("5", b"three\r\nfour"),
            ("8", b"five"),
        ]
        assert lines.consumed == blank.consumed == len(body)


def test_a_long_text_is_cut_into_parts_at_paragraphs(tmp_path: Path) -> None:
    body = "".join(f"Paragraph {i} of a long book.\nIts second line.\n\n" for i in range(300))
    (tmp_path / "x.txt").write_text(body)
    result = read(tmp_path / "x.txt", part_bytes=1000)
    assert len(result.documents) > 10 and "".join(result.texts) == body
    assert all(t.startswith("Paragraph") and len(t) <= 1000 for t in result.texts)
    lines = body.split("\n")
    assert all(
        lines[int(i.rpartition(":")[2]) - 1] == t.decode().split("\n")[0] for i, t in result.documents.items()
    )
    assert "parts" in result.notes[0] and not result.skipped
    assert read(tmp_path / "x.txt", part_bytes=1000, strict=True).texts == result.texts


def test_a_long_text_without_any_border_is_cut_between_characters(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("語" * 1000)
    corpus = Corpus.open(tmp_path / "x.txt", ReadOptions(part_bytes=100))
    chunks = [task.decode() for task in corpus.tasks()]
    texts = [chunk.batch.text(i) for chunk in chunks for i in range(len(chunk.batch))]
    assert b"".join(texts).decode() == "語" * 1000 and len(texts) > 30
    assert max(map(len, texts)) <= 100 and not any(chunk.skipped for chunk in chunks)


CHATS = [
    (
        {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        "Hi\nHello",
    ),
    ({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}, "Hi\nHello"),
    ({"messages": [{"role": "system", "content": "Rules."}, {"role": "user", "content": "Hi"}]}, "Hi"),
    ({"messages": [{"role": "system", "content": "Only rules."}]}, "Only rules."),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "a"},
                        {"type": "image_url", "image_url": {"url": "u"}},
                        {"type": "text", "text": "b"},
                    ],
                }
            ]
        },
        "a\nb",
    ),
    ({"dialogue": ["Hi", "Hello"]}, "Hi\nHello"),
    ({"prompt": "Q", "completion": "A"}, "Q\nA"),
    ({"instruction": "Do", "input": "", "output": "Done"}, "Do\nDone"),
    ({"output": "Done", "instruction": "Do"}, "Do\nDone"),
    ({"question": "Q", "answer": "A", "id": "a much longer identifier"}, "Q\nA"),
    ({"id": "7", "content": "the text"}, "the text"),
    ({"title": "short", "whatever": "the longest string of the record"}, "the longest string of the record"),
    ({"TEXT": "upper", "summary": "s"}, "upper"),
    ({"generated_text": "made", "id": "x"}, "made"),
]


@pytest.mark.parametrize(("record", "text"), CHATS)
def test_the_text_of_a_record_is_found(tmp_path: Path, record: Any, text: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(jsonl([record, record]))
    assert read(path).texts == [text, text]


def test_a_given_field_may_be_nested(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(jsonl([{"a": {"b": "inner"}, "a.b": "flat"}, {"a": {"b": "i2"}, "a.b": "f2"}]))
    assert read(path, text_field="a.b").texts == ["flat", "f2"]
    path.write_bytes(jsonl([{"text": "no", "a": {"b": "inner"}}, {"a": {"c": "x"}}]))
    result = read(path, text_field="a.b")
    assert result.texts == ["inner"] and "no field 'a.b'" in result.reasons


def test_a_missing_field_names_the_fields_there_are(tmp_path: Path) -> None:
    for name, data in FORMATS.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(
            InputError, match=r"no field 'txt' \(did you mean 'text'\?\); there are 'id', 'text'"
        ):
            read(tmp_path / name, text_field="txt")
    pq.write_table(TABLE, tmp_path / "x.parquet")
    with pytest.raises(
        InputError, match=r"no field 'txt' \(did you mean 'text'\?\); there are 'id', 'text', 'kind'"
    ):
        read(tmp_path / "x.parquet", text_field="txt")


def test_a_field_is_found_once_for_a_file_however_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(jsonl([{"body": "one"}, {"body": "two"}] * 100 + [{"text": "late"}]))
    for size in (1, 100, 1 << 21):
        result = read(path, block_bytes=size)
        assert len(result.documents) == 200 and [s[2] for s in result.skipped] == [201]
