"""Measurements that are kept: figures and documents to the last digit, and whatever can happen to the folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contam.auditing import AuditOptions, audit
from contam.baseline.added import added_to
from contam.baseline.known import Known
from contam.corpus import Corpus, ReadOptions
from contam.engine import Measured, Plan, measure
from contam.errors import InputError, UsageError
from contam.shards import container, feeding
from contam.shards.keys import settings_key
from contam.shards.seen import Asked
from contam.shards.store import Store
from contam.synthetic.streaming import SampleScores
from contam_metrics.streaming import METRICS

WORDS = [f"{a}{b}{c}" for a in ("ba", "ko", "li", "mu", "ne", "sa") for b in ("r", "st", "n", "") for c in "aeiou"]


def text(chance: np.random.Generator, words: int = 60) -> str:
    return " ".join(chance.choice(WORDS, words)) + "."


def write(path: Path, texts: list[str]) -> None:
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Files of several formats, with copies within and across files, loops, and lines that cannot be read."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    chance = np.random.default_rng(5)
    across = [text(chance) for _ in range(6)]
    for i in range(8):
        texts = [text(chance) for _ in range(40)] + across[: 1 + i % 6]
        texts += ["round and round it goes " * 30 + str(i), texts[3]] if i % 3 == 0 else []
        write(folder / f"{i}.jsonl", texts)
    with (folder / "3.jsonl").open("a") as file:
        file.write('{"text": broken\n{"other": 1}\n')
    for i in range(5):
        (folder / f"note{i}.txt").write_text(across[0] if i == 2 else text(chance, 200))
    return folder


def audited(source: Any, **options: Any) -> str:
    """All that an audit says but for how long it took and what was kept."""
    found = audit(source, AuditOptions(**options)).to_dict()
    for made in (found["provenance"], *(part["provenance"] for part in found["parts"])):
        for name in ("seconds", "bytes_per_second", "workers", "measured_files", "restored_files"):
            del made[name]
    return json.dumps(found)


def measured(source: Any, **options: Any) -> Measured:
    """What the audit of a path judges."""
    given = AuditOptions(**options)
    return measure(Corpus.open(source, given.reading), given.plan)


def figures(found: Measured) -> str:
    """All of it to the last digit, with the documents that it names."""
    named = {n: {k: (r.value, r.interval) for k, r in m.figures().items()} for n, m in found.metrics.items()}
    worst = [found.metrics["loops"].worst.ranked(), found.metrics["copies"].most_copied()]
    kept = found.segments
    return repr((named, worst, kept.keys.tolist(), kept.labels, kept.texts, found.skipped, found.skipped_total))


def said(source: Any, **options: Any) -> str:
    return figures(measured(source, **options))


def files(source: Any, **options: Any) -> tuple[int, int]:
    """(measured, restored) files."""
    found = measured(source, **options)
    return found.measured_files, found.restored_files


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_an_audit_says_the_same_with_and_without_what_was_kept(corpus: Path, tmp_path: Path, workers: int) -> None:
    plain = audited(corpus, workers=1)
    assert "DUP001" in plain and "REP001" in plain and "3.jsonl" in plain
    for _ in range(2):
        assert audited(corpus, workers=workers, cache_dir=tmp_path / "kept") == plain
    assert files(corpus, workers=workers, cache_dir=tmp_path / "kept") == (0, 13)
    assert said(corpus, workers=workers) == said(corpus, workers=1, cache_dir=tmp_path / "kept")


def test_shards_of_a_large_file_are_kept_apart(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(1)
    write(tmp_path / "large.jsonl", [text(chance) for _ in range(900)] + [text(np.random.default_rng(1))])
    monkeypatch.setattr(feeding, "RUN", 2)
    read = ReadOptions(block_bytes=20_000)
    one, two = (Plan(workers=n, cache_dir=tmp_path / "kept") for n in (1, 3))
    plain = figures(measure(Corpus.open(tmp_path / "large.jsonl", read), Plan()))
    for plan in (one, two):
        assert figures(measure(Corpus.open(tmp_path / "large.jsonl", read), plan)) == plain
    shards = sorted((tmp_path / "kept").glob("*/*.shard"))
    assert len(shards) > 5 and shards[-1].name.endswith(".last.shard")
    shards[2].unlink()
    found = measure(Corpus.open(tmp_path / "large.jsonl", read), two)
    assert figures(found) == plain and (found.measured_files, found.restored_files) == (1, 0)
    assert shards[2].exists()


def test_one_file_of_fifty_is_measured_where_one_has_changed(tmp_path: Path) -> None:
    chance = np.random.default_rng(2)
    folder = tmp_path / "corpus"
    folder.mkdir()
    for i in range(50):
        write(folder / f"{i:02}.jsonl", [text(chance) for _ in range(12)])
    kept = {"cache_dir": tmp_path / "kept", "workers": 2}
    assert files(folder, **kept) == (50, 0)
    write(folder / "17.jsonl", [text(chance) for _ in range(12)])
    assert files(folder, **kept) == (1, 49)
    (folder / "20.jsonl").unlink()
    os.utime(folder / "21.jsonl", (1, 1))
    assert files(folder, **kept) == (0, 49)
    assert said(folder, **kept) == said(folder)


def test_parts_of_a_large_corpus_serve_a_smaller_one_or_are_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contam_metrics.streaming.ngram_types.SKETCH", 200)
    monkeypatch.setattr("contam_metrics.signatures.Signatures.__init__.__defaults__", (16,))
    chance = np.random.default_rng(3)
    for i in range(24):
        write(tmp_path / f"{i:02}.jsonl", [text(chance) for _ in range(20)])
    few = Plan(budget=600)
    kept = Plan(budget=600, cache_dir=tmp_path / "kept")
    seen = []
    for first in (0, 4, 12, 20, 23):
        paths = [tmp_path / f"{i:02}.jsonl" for i in range(first, 24)]
        found = measure(Corpus.open(paths), kept)
        assert figures(found) == figures(measure(Corpus.open(paths), few))
        seen.append(found.restored_files)
    assert seen == [0, 20, 12, 0, 1]


def test_a_damaged_file_is_told_also_where_all_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contam_metrics.streaming.ngram_types.SKETCH", 200)
    monkeypatch.setattr("contam_metrics.signatures.Signatures.__init__.__defaults__", (16,))
    chance = np.random.default_rng(3)
    paths = [tmp_path / f"{i:02}.jsonl" for i in range(24)]
    for path in paths:
        write(path, [text(chance) for _ in range(20)])
    plan = Plan(budget=600, cache_dir=tmp_path / "kept")
    measure(Corpus.open(paths), plan)
    read, seen = Store.read, []

    def first_damaged(self: Store, name: str) -> Any:
        seen.append(name)
        if len(seen) == 1:
            raise ValueError("not a whole file of a shard")
        return read(self, name)

    monkeypatch.setattr(Store, "read", first_damaged)
    found = measure(Corpus.open(paths[20:]), plan)
    assert (found.measured_files, found.restored_files) == (4, 0)
    assert any("1 file is damaged: measured again" in note for note in found.notes)


def test_a_renamed_file_is_measured_again_because_its_documents_have_its_name(corpus: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    measured(corpus, cache_dir=kept)
    (corpus / "1.jsonl").rename(corpus / "9.jsonl")
    assert files(corpus, cache_dir=kept) == (1, 12)
    assert said(corpus, cache_dir=kept) == said(corpus)


def test_small_texts_that_come_and_go_move_few_groups(tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for i in range(1500):
        (folder / f"{i:05}.txt").write_text(f"a text of its own, number {i}, about nothing in particular")
    assert files(folder, cache_dir=tmp_path / "kept") == (1500, 0)
    (folder / "00000a.txt").write_text("one more at the beginning of the folder")
    again, restored = files(folder, cache_dir=tmp_path / "kept")
    assert again + restored == 1501 and restored > 500


@pytest.mark.parametrize(
    "changed", [{"seed": 1}, {"strict": False, "text_field": "text"}, {"sample_tokens": 100_000}, {"split": "lines"}]
)
def test_other_settings_are_measured_apart(corpus: Path, tmp_path: Path, changed: dict[str, Any]) -> None:
    kept = tmp_path / "kept"
    measured(corpus, cache_dir=kept)
    assert files(corpus, cache_dir=kept, **changed)[1] == 0
    assert said(corpus, cache_dir=kept, **changed) == said(corpus, **changed)
    assert files(corpus, cache_dir=kept) == (0, 13)


def test_other_metrics_are_measured_apart_and_travel_too(corpus: Path, tmp_path: Path) -> None:
    both = Plan(metrics=(*METRICS, SampleScores), cache_dir=tmp_path / "kept")
    measure(Corpus.open(corpus), Plan(cache_dir=tmp_path / "kept"))
    plain = measure(Corpus.open(corpus), Plan(metrics=both.metrics)).metrics["sample_scores"]
    for restored in (0, 13):
        found = measure(Corpus.open(corpus), both)
        scores = found.metrics["sample_scores"]
        assert isinstance(scores, SampleScores) and isinstance(plain, SampleScores)
        assert found.restored_files == restored and scores.sample.rows == plain.sample.rows


def test_metrics_of_other_settings_have_other_keys(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(corpus, cache_dir=tmp_path / "kept")
    monkeypatch.setattr(METRICS[1], "settings", "another")
    assert files(corpus, cache_dir=tmp_path / "kept")[1] == 0


def test_a_baseline_is_part_of_the_key() -> None:
    chance = np.random.default_rng(0)
    baselines = [Known.of(np.sort(chance.integers(0, 2**64, 9, np.uint64)), 2**64 - 1) for _ in range(2)]
    kinds = [added_to(baselines[0]), added_to(baselines[1]), added_to(baselines[0]), added_to(baselines[0], seed=1)]
    keys = [settings_key(Asked((*METRICS, kind), 9, 0), ReadOptions()) for kind in kinds]
    assert keys[0] == keys[2] and len(set(keys)) == 3


def test_an_audit_beside_a_baseline_and_trusted_text_says_the_same(corpus: Path, tmp_path: Path) -> None:
    chance = np.random.default_rng(8)
    write(tmp_path / "base.jsonl", [text(chance, 200) for _ in range(150)])
    kept, file = tmp_path / "kept", tmp_path / "b.json"
    for restored in (0, 1):
        made = audit(tmp_path / "base.jsonl", write_baseline=file, cache_dir=kept)
        assert made.provenance.restored_files == restored
    beside = {"baseline": file, "reference": tmp_path / "base.jsonl", "order": "known"}
    plain = audited(corpus, **beside)
    assert plain != audited(corpus) and [audited(corpus, cache_dir=kept, **beside) for _ in range(2)] == [plain] * 2


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]


def foreign(_: bytes) -> bytes:
    return container.packed({"something": np.arange(3)})


def empty(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("harm", [cut, flipped, foreign, empty])
def test_a_damaged_file_is_measured_again_and_told(
    corpus: Path, tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    kept = tmp_path / "kept"
    plain = said(corpus, cache_dir=kept)
    for path in sorted(kept.glob("*/*.shard"))[:2]:
        path.write_bytes(harm(path.read_bytes()))
    found = measured(corpus, cache_dir=kept)
    assert any("2 files are damaged" in note for note in found.notes)
    assert (found.measured_files > 0, found.restored_files >= 13 - 2 * 5) == (True, True)
    assert said(corpus, cache_dir=kept) == plain and files(corpus, cache_dir=kept) == (0, 13)


def test_two_audits_may_use_one_folder_at_the_same_time(corpus: Path, tmp_path: Path) -> None:
    plain, found = said(corpus), []

    def one() -> None:
        found.extend(said(corpus, cache_dir=tmp_path / "kept", workers=2) for _ in range(2))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [plain] * 6
    assert not [p for p in (tmp_path / "kept").rglob("*") if p.name.startswith(".") and p.name != ".gitignore"]


def test_what_another_audit_removed_is_measured_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = said(corpus, cache_dir=tmp_path / "kept")
    monkeypatch.setattr(Store, "read", lambda self, name: (_ for _ in ()).throw(FileNotFoundError(name)))
    assert said(corpus, cache_dir=tmp_path / "kept") == plain


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_loses_nothing(corpus: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o500)
    found = audit(corpus, cache_dir=kept)
    assert any("cannot keep what is measured: Permission denied" in note for note in found.notes)


def test_a_full_disk_loses_nothing_and_is_told_once(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = audit(corpus)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    found = audit(corpus, cache_dir=tmp_path / "kept")
    told = [note for note in found.notes if note not in plain.notes]
    assert found.signals == plain.signals and found.documents == plain.documents
    assert len(told) == 1 and told[0].endswith("cannot keep what is measured: No space left on device")
    assert not [p for p in (tmp_path / "kept").rglob("*") if p.is_file()]


def test_what_is_kept_has_the_permissions_of_any_new_file(corpus: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        audit(corpus, cache_dir=tmp_path / "kept")
    finally:
        os.umask(before)
    found = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert {"CACHEDIR.TAG", ".gitignore"} < {path.name for path in found}
    assert {path.stat().st_mode & 0o777 for path in found} == {0o640}


def test_a_file_that_may_not_be_read_is_neither_removed_nor_called_damaged(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    plain = said(corpus, cache_dir=kept)
    removed: list[str] = []

    def refuse(self: Store, name: str) -> None:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(Store, "read", refuse)
    monkeypatch.setattr(Store, "remove", lambda self, name: removed.append(name))
    assert said(corpus, cache_dir=kept) == plain
    assert not removed and not any("damaged" in note for note in audit(corpus, cache_dir=kept).notes)


def test_a_file_is_no_folder_to_keep_in(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    with pytest.raises(InputError, match="a file, not a folder"):
        audit(corpus, cache_dir=tmp_path / "kept")


def test_the_folder_is_marked_as_a_cache_and_left_out_by_git(corpus: Path, tmp_path: Path) -> None:
    audit(corpus, cache_dir=tmp_path / "kept")
    assert (tmp_path / "kept" / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    assert (tmp_path / "kept" / ".gitignore").read_text() == "*\n"


def test_the_folder_is_bounded_and_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    arrays = {"a": np.random.default_rng(0).integers(0, 255, 10_000).astype(np.uint8)}
    first = Store(tmp_path / "kept", 60_000)
    for i in range(5):
        first.write(f"{i:02}old", arrays)
        os.utime(tmp_path / "kept" / f"{i:02}" / f"{i:02}old.shard", (1000 + i, 1000 + i))
    assert first.problem is None
    second = Store(tmp_path / "kept", 60_000)
    second.read("00old")
    for i in range(3):
        second.write(f"{i:02}new", arrays)
    assert second.problem is None and second.has("00old") and not second.has("01old") and second.has("02new")
    for i in range(9):
        second.write(f"{i:02}more", arrays)
    assert second.problem is not None and "limit" in second.problem
    held = sum(path.stat().st_size for path in (tmp_path / "kept").rglob("*.shard"))
    assert held <= 60_000 and second.has("00new")


def test_the_limit_is_a_number(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTAM_CACHE_LIMIT", "0.5")
    assert Store(tmp_path).limit == 1 << 29
    for wrong in ("much", "-1", "nan"):
        monkeypatch.setenv("CONTAM_CACHE_LIMIT", wrong)
        with pytest.raises(UsageError, match="a number of GiB"):
            Store(tmp_path)


def test_texts_in_memory_and_streams_are_measured_every_time(corpus: Path, tmp_path: Path) -> None:
    kept, texts = tmp_path / "kept", [text(np.random.default_rng(i)) for i in range(30)]
    for _ in range(2):
        found = audit(texts, cache_dir=kept)
        assert found.provenance.restored_files == 0 and any("measured every time" in note for note in found.notes)
    assert not kept.exists()


def test_standard_input_beside_files_says_the_same(corpus: Path, tmp_path: Path) -> None:
    def once(*more: str) -> dict[str, Any]:
        code = "import sys, contam; import json; from pathlib import Path\n" + (
            "kept = {'cache_dir': Path(sys.argv[1])} if sys.argv[2:] else {}\n"
            f"print(json.dumps(contam.audit([{str(corpus)!r}, '-'], **kept).to_dict()))"
        )
        data = (corpus / "2.jsonl").read_bytes()
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "kept"), *more], input=data, capture_output=True, check=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        del found["provenance"], found["notes"]
        return found

    plain = once()
    assert once("kept") == plain and once("kept") == plain
    assert "DUP001" in {document["rule"] for document in plain["documents"]["worst"]}


def test_an_error_of_reading_leaves_what_was_measured(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3\.jsonl:"):
        measured(corpus, strict=True, cache_dir=tmp_path / "kept", workers=1)
    (corpus / "3.jsonl").write_text('{"text": "now it is right"}\n')
    assert files(corpus, strict=True, cache_dir=tmp_path / "kept")[1] > 0


def test_reasons_that_may_be_gone_next_time_are_not_kept(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contam.formats import jsonl

    real = jsonl.tasks

    def failing(source: Any, options: Any) -> Any:
        yield from real(source, options)
        if source.name.endswith("4.jsonl"):
            raise InputError("reading failed: Input/output error")

    monkeypatch.setattr(jsonl, "tasks", failing)
    found = audit(corpus, cache_dir=tmp_path / "kept")
    assert "reading failed" in str(found.corpus.skipped)
    monkeypatch.undo()
    assert files(corpus, cache_dir=tmp_path / "kept") == (1, 12)
    assert said(corpus, cache_dir=tmp_path / "kept") == said(corpus)


def test_an_interrupt_leaves_what_was_measured_and_says_how_to_go_on(corpus: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"

    def stop(progress: Any) -> None:
        if len(list(kept.glob("*/*.shard"))) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        for _ in range(20):
            measured(corpus, cache_dir=kept, workers=1, on_progress=stop)
    assert "the same command goes on" in "".join(getattr(caught.value, "__notes__", ["the same command goes on"]))
    assert said(corpus, cache_dir=kept) == said(corpus)


KILLED = r"""
import os, sys, time
from pathlib import Path
import contam
from contam.shards import store

real = store.Store.write
def slow(self, name, arrays):
    real(self, name, arrays)
    os.write(1, b"kept\n")
    time.sleep(0.2)
store.Store.write = slow
contam.audit(sys.argv[1], resume=True, workers=2)
"""


def test_a_killed_audit_goes_on_where_it_stopped(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CONTAM_CACHE_DIR", raising=False)
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(corpus)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(4):
        assert process.stdout.readline() == b"kept\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = audit(corpus, resume=True)
    assert 4 <= found.provenance.restored_files < 13 and "measured from the beginning" not in str(found.notes)
    assert said(corpus, resume=True) == said(corpus)


def test_resuming_where_nothing_is_kept_begins_and_says_so(corpus: Path, tmp_path: Path) -> None:
    found = audit(corpus, resume=True, cache_dir=tmp_path / "kept")
    assert any("measured from the beginning" in note for note in found.notes)
    assert found.provenance.measured_files == 13
    assert not any("beginning" in note for note in audit(corpus, resume=True, cache_dir=tmp_path / "kept").notes)


def test_the_report_says_how_many_files_were_kept(corpus: Path, tmp_path: Path) -> None:
    from contam.reports.audit_page import draw_audit

    audit(corpus, cache_dir=tmp_path / "kept")
    write(corpus / "1.jsonl", ["something else entirely"] * 3)
    assert "12 of 13 files from the cache" in draw_audit(audit(corpus, cache_dir=tmp_path / "kept")).footer


def test_progress_counts_what_was_restored(corpus: Path, tmp_path: Path) -> None:
    told: list[Any] = []
    audit(corpus, cache_dir=tmp_path / "kept")
    audit(corpus, cache_dir=tmp_path / "kept", on_progress=told.append)
    last = [p for p in told if p.phase == "reading"][-1]
    assert last.bytes_done == last.bytes_total and last.documents == audit(corpus).corpus.documents


def test_a_container_gives_back_its_arrays_and_refuses_anything_else() -> None:
    chance = np.random.default_rng(0)
    arrays = {
        "sorted": np.sort(chance.integers(0, 2**64, 1000, np.uint64)),
        "any": chance.integers(0, 2**64, 10, np.uint64),
        "rows": chance.integers(0, 2**16, (5, 7)).astype(np.uint16),
        "none": np.empty(0, np.int64),
        "floats": chance.normal(size=9),
    }
    found = container.unpacked(container.packed(arrays))
    assert all(np.array_equal(found[name], arrays[name]) and found[name].dtype == arrays[name].dtype for name in arrays)
    for wrong in (b"", b"PK\x03\x04", container.packed(arrays)[:-1], container.MARK + bytes(40)):
        with pytest.raises(ValueError):
            container.unpacked(wrong)
