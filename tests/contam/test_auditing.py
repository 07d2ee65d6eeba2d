"""The audit as a whole: the same figures however a corpus is cut, ordered, named or shared between threads."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import contam
from contam.auditing import AuditOptions, audit
from contam.corpus import Corpus
from contam.demo import human_documents
from contam.engine import Plan, Progress, measure
from contam.errors import ContamError, InputError, UsageError
from contam.result import Audit, Level


@cache
def prose() -> tuple[str, ...]:
    """Some 60,000 words of human documentation that every installation of Python has."""
    return human_documents()[1]


def write(path: Path, texts: list[str] | tuple[str, ...]) -> Path:
    """Texts as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts), encoding="utf-8")
    return path


def figures(result: Audit) -> str:
    """Everything measured and judged, to the last digit; not where the documents were found."""
    parts = (result.signals, result.whole, result.verdict, result.rules, result.corpus.digest)
    return repr((*parts, result.corpus.documents, result.corpus.tokens, result.documents.flagged))


@pytest.fixture(scope="module")
def fifty(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The prose in fifty files of several formats."""
    folder = tmp_path_factory.mktemp("fifty")
    return [write(folder / f"{i:02}.jsonl", prose()[i::50]) for i in range(50)]


@pytest.fixture(scope="module")
def whole(fifty: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """The audit of the prose in one file by one thread."""
    path = write(tmp_path_factory.mktemp("one") / "all.jsonl", prose())
    return audit(path, workers=1)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_and_order_do_not_matter(fifty: list[Path], whole: Audit, workers: int) -> None:
    shuffled = list(fifty)
    random.Random(workers).shuffle(shuffled)
    assert figures(audit(shuffled, workers=workers)) == figures(whole)


def test_one_file_or_fifty(fifty: list[Path], whole: Audit) -> None:
    result = audit(fifty[0].parent)
    assert result.corpus.files == 50
    assert figures(result) == figures(whole)


def test_small_units_of_work_change_nothing(whole: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contam.shards.seen.SLICE", 5000)
    assert figures(audit(list(prose()), workers=3)) == figures(whole)


def test_shuffled_and_a_quarter_have_the_same_level(whole: Audit) -> None:
    texts = list(prose())
    random.Random(0).shuffle(texts)
    assert audit(texts).level is whole.level is Level.HEALTHY
    doubled = texts * 4
    assert audit(doubled).level is whole.level
    assert audit(doubled).signals == whole.signals


def test_the_seed_chooses_another_sample(whole: Audit) -> None:
    other = audit(list(prose()), seed=7)
    assert other.whole == whole.whole
    assert other.signals != whole.signals


def test_the_same_as_a_call_on_texts_paths_and_datasets(fifty: list[Path], whole: Audit) -> None:
    assert figures(contam.audit(iter(prose()))) == figures(whole)
    assert figures(contam.audit([{"text": t} for t in prose()])) == figures(whole)
    datasets = pytest.importorskip("datasets", reason="the datasets library is not installed")
    dataset = datasets.Dataset.from_dict({"text": list(prose())})
    assert figures(contam.audit(dataset)) == figures(whole)


def test_duplicates_are_a_finding_and_no_level() -> None:
    texts = list(prose())
    copies = random.Random(0).choices(texts, k=len(texts) * 3 // 7)
    result = audit(texts + copies)
    assert result.whole["duplicates.exact"].value == pytest.approx(len(copies) / len(texts + copies))
    assert result.level is Level.HEALTHY
    assert {r.id: r.status for r in result.rules}["DUP001"] == "warn"
    assert any(d.rule == "DUP001" for d in result.documents.worst)


def test_loops_collapse() -> None:
    texts = [f"Story {i} began well enough. " + "and then she said " * 60 for i in range(30)]
    result = audit(texts + list(prose()[:50]))
    assert result.level is Level.COLLAPSING
    assert result.exit_code() == 1
    worst = result.documents.worst[0]
    assert worst.rule == "REP001" and "and then she said" in worst.excerpt


def test_one_piece_without_spaces_collapses(tmp_path: Path) -> None:
    path = tmp_path / "la.txt"
    path.write_text("lalala" * 4000)
    assert audit(path).level is Level.COLLAPSING


@pytest.mark.parametrize(
    "text",
    [
        "Les gens du village ne savaient rien de ce qui était arrivé au vieux pêcheur. ",
        "वे लोग गाँव में रहते थे और उन्हें कुछ भी पता नहीं था। ",
        "2026-01-02 03:04:05 INFO [42] GET /index.html 200 1234 0.003 ",
        "for (int i = 0; i < n; ++i) { a[i] += b[i] * c; } ",
    ],
)
def test_what_the_references_cannot_vouch_for_is_insufficient(text: str) -> None:
    rng = random.Random(0)
    words = text.split()
    texts = [" ".join(rng.choices(words, k=40)) + f" x{i}" for i in range(1500)]
    result = audit(texts, profile="english")
    assert result.level is Level.INSUFFICIENT
    assert result.exit_code() == 2 and result.exit_code(allow_insufficient=True) == 0
    assert result.verdict.reasons and result.verdict.p_value is None


def test_too_little_text_is_insufficient() -> None:
    result = audit(list(prose()[:3]))
    assert result.level is Level.INSUFFICIENT
    assert any("words" in reason for reason in result.verdict.reasons)


def test_the_paired_audit_judges_against_the_trusted_text() -> None:
    half = len(prose()) // 2
    result = audit(list(prose()[:half]), reference=list(prose()[half:]))
    assert result.reference.paired
    assert result.signals["tail.type_survival"].value is not None


@pytest.mark.parametrize("texts", [[], [""], ["  \n"]])
def test_nothing_to_judge_is_an_error(texts: list[str]) -> None:
    with pytest.raises(InputError, match=r"no documents|nothing"):
        audit(texts)


def test_no_documents_in_a_file_says_why(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("{not json}\n[1]\n")
    with pytest.raises(InputError, match=r"bad\.jsonl"):
        audit(path)


@pytest.mark.parametrize("changes", [{"workers": 0}, {"sample_tokens": 0}, {"seed": -1}, {"split": "pages"}])
def test_options_are_checked(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        audit(["some text"], replace(AuditOptions(), **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", ["auto", "english", "builtin:code"])
def test_a_matched_sample_below_every_reference_is_refused(profile: str) -> None:
    with pytest.raises(UsageError, match=r"a matched sample of 100 words .* measured at 5,000 words and more"):
        audit(["some text"], sample_tokens=100, profile=profile)


def test_a_number_is_no_corpus() -> None:
    with pytest.raises(ContamError):
        audit(42)


def test_progress_is_told_in_order(fifty: list[Path]) -> None:
    told: list[Progress] = []
    audit(fifty, on_progress=told.append)
    reading = [p for p in told if p.phase == "reading"]
    assert told[-1].phase == "judging"
    assert reading[-1].bytes_done == reading[-1].bytes_total
    assert reading[-1].documents == len(prose())
    assert [p.bytes_done for p in reading] == sorted(p.bytes_done for p in reading)


def test_a_failure_in_a_thread_reaches_the_caller_and_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("contam_metrics.streaming.loops.loop_shares", fail)
    before = threading.active_count()
    with pytest.raises(MemoryError):
        measure(Corpus.from_texts(list(prose())), Plan(workers=3))
    assert threading.active_count() == before


def test_a_source_that_fails_reaches_the_caller() -> None:
    def texts() -> Iterator[str]:
        yield "one document"
        raise RuntimeError("the stream broke")

    with pytest.raises(RuntimeError, match="stream broke"):
        measure(Corpus.from_texts(texts()), Plan(workers=2))


def test_an_interrupt_stops_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        measure(Corpus.from_texts(list(prose())), Plan(workers=2, on_progress=interrupt))
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(5)
    assert threading.active_count() <= before


def test_short_documents_are_judged_by_what_can_be_measured_on_them():
    """Windows of 100 words do not fit documents of 28: that must not look like a change of everything."""
    from contam.demo import make_demo

    demo = make_demo(generations=1)

    def cut(texts):
        words = " ".join(texts).split()
        return {"text": [" ".join(words[i : i + 28]) for i in range(0, len(words) - 28, 28)]}

    found = contam.audit(cut(demo.human), reference=cut(demo.trusted))
    assert found.signals["diversity.mattr"].value is None
    assert found.verdict.tests["changed"] > 0.05 and found.verdict.p_value > 0.05


def test_a_split_of_a_dataset_is_audited_as_it_streams():
    datasets = pytest.importorskip("datasets")
    texts = [f"Document {i} tells of the harbour, of {i * i} boats and of rain number {i % 7}." for i in range(3000)]
    taken = []

    def rows():
        for text in texts:
            taken.append(text)
            yield {"text": text}

    whole = contam.audit({"text": texts})
    split = datasets.DatasetDict({"train": datasets.Dataset.from_dict({"text": texts})})["train"]
    stream = datasets.IterableDataset.from_generator(rows)
    assert not taken
    for found in (contam.audit(split), contam.audit(stream)):
        assert found.signals == whole.signals and found.corpus.documents == 3000
    assert len(taken) == 3000


def test_copies_are_named_where_they_are_with_the_first_one_whatever_reads_them(tmp_path: Path) -> None:
    texts = prose()
    old = write(tmp_path / "data" / "human.jsonl", texts[:40])
    new = write(tmp_path / "data" / "znew.jsonl", [*texts[40:60], *texts[10:15]])
    found = [[d for d in audit(given, workers=n).documents.worst if d.rule == "DUP001"] for n in (1, 2)
             for given in (tmp_path / "data", [new, old])]  # fmt: skip
    pairs = sorted((int(d.id.rpartition(":")[2]), int(d.of.rpartition(":")[2])) for d in found[0])
    assert pairs == [(21 + i, 11 + i) for i in range(5)]
    assert all(d.id.startswith(f"{new}:") and d.of.startswith(f"{old}:") for d in found[0])
    assert found[0] == found[2] and found[1] == found[3]
