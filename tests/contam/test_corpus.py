"""Corpora as a whole: what is listed, texts in memory, datasets, remote files, the hub."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from reading import collect, read

from contam.corpus import Corpus, ReadOptions
from contam.errors import InputError
from contam.formats import hub

TEXTS = ["first text", "second text", "dritter Text ü"]


def from_texts(texts: Any, **options: Any) -> list[str]:
    return collect(Corpus.from_texts(texts, ReadOptions(**options))).texts


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        iter(TEXTS),
        [t.encode() for t in TEXTS],
        [{"id": 1, "text": t} for t in TEXTS],
        {"text": TEXTS, "id": [1, 2, 3]},
        (t for t in TEXTS),
        dict.fromkeys(TEXTS).keys(),
    ],
    ids=["list", "iterator", "bytes", "records", "columns", "generator", "keys"],
)
def test_texts_in_memory(texts: Any) -> None:
    assert from_texts(texts) == TEXTS


def test_odd_texts_in_memory_are_named() -> None:
    result = collect(Corpus.from_texts(["good", "", None, 7, b"caf\xe9", "\ud800 lone", {"a": "b"}]))
    assert result.texts == ["good", "caf\ufffd", "\ufffd lone", "b"]
    assert sorted(line for _, _, line in result.skipped) == [2, 3, 4, 5, 6]
    with pytest.raises(InputError, match="texts:2: empty text"):
        from_texts(["good", ""], strict=True)


def test_one_string_is_no_corpus() -> None:
    with pytest.raises(InputError, match="one text is no corpus"):
        Corpus.from_texts("hello")
    with pytest.raises(InputError, match="iterable of strings"):
        Corpus.from_texts(5)


def test_an_endless_stream_of_texts_is_read_as_it_comes() -> None:
    def endless() -> Any:
        n = 0
        while True:
            n += 1
            yield f"text number {n}"

    tasks = Corpus.from_texts(endless(), ReadOptions(block_bytes=1000)).tasks()
    chunks = [next(tasks).decode() for _ in range(5)]
    ids = [chunk.id(i) for chunk in chunks for i in range(len(chunk.batch))]
    assert ids == [f"texts:{n}" for n in range(1, len(ids) + 1)] and len(ids) > 100


def test_datasets_objects() -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"id": [1, 2, 3], "text": TEXTS})
    assert from_texts(data) == TEXTS
    assert from_texts(data.to_iterable_dataset()) == TEXTS
    assert from_texts(data.to_iterable_dataset().map(lambda r: {"text": r["text"].upper()})) == [
        t.upper() for t in TEXTS
    ]
    both = datasets.DatasetDict({"train": data, "test": data.select([1])})
    assert sorted(from_texts(both)) == sorted([*TEXTS, TEXTS[1]])
    chat = datasets.Dataset.from_dict({"messages": [[{"role": "user", "content": t}] for t in TEXTS]})
    assert from_texts(chat) == TEXTS
    with pytest.raises(InputError, match="no field 'body'; there are 'id', 'text'"):
        from_texts(data, text_field="body")


def test_remote_files(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    lines = "".join(json.dumps({"text": t}) + "\n" for t in TEXTS).encode()
    store.pipe({"/bucket/a.jsonl": lines, "/bucket/deep/b.txt": b"some words", "/bucket/c.png": b"x"})
    result = read("memory://bucket")
    assert sorted(result.texts) == sorted([*TEXTS, "some words"])
    assert "memory://bucket/a.jsonl:1" in result.documents and result.consumed == len(lines) + 10
    assert read("memory://bucket/*.jsonl").texts == TEXTS
    assert read("memory://bucket/a.jsonl").texts == TEXTS
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": TEXTS}), tmp_path / "x.parquet")
    store.pipe("/bucket/x.parquet", (tmp_path / "x.parquet").read_bytes())
    assert read("memory://bucket/x.parquet").texts == TEXTS
    with pytest.raises(InputError, match=r"memory://bucket/none\.txt"):
        read("memory://bucket/none.txt")
    with pytest.raises(InputError, match="Protocol not known"):
        read("nosuchscheme://x/y.txt")


def test_remote_needs_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match="pip install fsspec"):
        read("s3://bucket/x.txt")


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        ("hf://datasets/owner/name", hub.HubName("owner/name")),
        ("hf://datasets/owner/name:test", hub.HubName("owner/name", None, "test")),
        ("hf://datasets/owner/name/config:train[:10%]", hub.HubName("owner/name", "config", "train[:10%]")),
        ("hf://owner/name", hub.HubName("owner/name")),
    ],
)
def test_names_of_the_hub(url: str, parsed: hub.HubName) -> None:
    assert hub.HubName.parse(url) == parsed


def test_the_hub_out_of_reach_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    for name in (*hub.OFFLINE, *hub.PROXIES):
        monkeypatch.delenv(name, raising=False)
    hanging = threading.Event()

    def never(*_: Any, **__: Any) -> Any:
        hanging.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", never)
    monkeypatch.setattr(hub, "PATIENCE", 0.05)
    with pytest.raises(InputError, match="does not answer") as caught:
        read("hf://datasets/owner/name")
    hanging.set()
    assert str(caught.value).startswith("nothing to read: hf://datasets/owner/name: ")


def test_the_hub_offline_or_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="HF_HUB_OFFLINE is set"):
        read("hf://datasets/owner/name")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"contam\[models\]"):
        read("hf://datasets/owner/name")
    with pytest.raises(InputError, match="write hf://datasets/OWNER/NAME"):
        read("hf://models/owner/name/x/y")


def test_the_hub_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    for name in hub.OFFLINE:
        monkeypatch.delenv(name, raising=False)
    data = datasets.Dataset.from_dict({"text": TEXTS}).to_iterable_dataset()
    asked: list[Any] = []

    def load(name: str, config: str | None, split: str | None = None, streaming: bool = False) -> Any:
        asked.append((name, config, split, streaming))
        return data if split else {"train": data, "test": data}

    monkeypatch.setattr(hub, "in_reach", lambda: True)
    monkeypatch.setattr(datasets, "load_dataset", load)
    result = read("hf://datasets/owner/name")
    assert result.texts == TEXTS and "'train' was read" in result.notes[0]
    assert read("hf://datasets/owner/name/small:test").documents.keys() == {
        f"hf://datasets/owner/name/small:test:{n}" for n in (1, 2, 3)
    }
    assert asked == [("owner/name", None, None, True), ("owner/name", "small", "test", True)]


def test_many_small_files_share_tasks_and_keep_their_names(tmp_path: Path) -> None:
    for i in range(700):
        (tmp_path / f"{i:04}.txt").write_text(f"text number {i}")
    corpus = Corpus.open(tmp_path)
    assert corpus.files == 700 and 3 <= len(list(Corpus.open(tmp_path).tasks())) < 14
    result = collect(corpus)
    assert result.documents[f"{tmp_path}/0042.txt:1"] == b"text number 42" and len(result.documents) == 700
    assert result.consumed == corpus.total_bytes


def test_tasks_may_be_decoded_by_any_thread_in_any_order(tmp_path: Path) -> None:
    lines = [json.dumps({"text": f"document {i} é", "n": i}, ensure_ascii=i % 2 == 0) for i in range(5000)]
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    tasks = list(Corpus.open(tmp_path, ReadOptions(block_bytes=4000)).tasks())
    assert len(tasks) > 20
    with ThreadPoolExecutor(4) as pool:
        chunks = list(pool.map(lambda t: t.decode(), reversed(tasks)))
    found = {chunk.id(i): chunk.batch.text(i) for chunk in chunks for i in range(len(chunk.batch))}
    assert found == {f"{tmp_path}/x.jsonl:{i + 1}": f"document {i} é".encode() for i in range(5000)}


def test_a_field_missing_from_some_files_only_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "has it"}\n')
    (tmp_path / "b.jsonl").write_text('{"other": "has not"}\n')
    result = read(tmp_path, text_field="body")
    assert result.texts == ["has it"] and "b.jsonl:None: no field 'body'; there are 'other'" in result.reasons
    with pytest.raises(InputError, match=r"b\.jsonl: no field 'body'"):
        read(tmp_path, text_field="body", strict=True)


def test_a_corpus_tells_what_may_be_compiled_ahead(tmp_path: Path) -> None:
    for name in ("a.txt", "b.jsonl", "c.csv", "d.json"):
        (tmp_path / name).write_text("x")
    assert {p.name: Corpus.open(p).kernels for p in tmp_path.iterdir()} == {
        "a.txt": (),
        "b.jsonl": ("contam.formats.jsonl_kernel",),
        "c.csv": ("contam.formats.csv_kernel",),
        "d.json": ("contam.formats.json_kernel", "contam.formats.jsonl_kernel"),
    }
    assert Corpus.open(tmp_path).kernels == tuple(f"contam.formats.{k}_kernel" for k in ("csv", "json", "jsonl"))


def test_opening_a_corpus_loads_no_kernel() -> None:
    heavy = ("numba", "numpy", "pyarrow", "datasets")
    code = f"import sys, contam.corpus; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
