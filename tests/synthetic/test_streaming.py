"""Scores in one pass: the same documents, scores and counts under any cutting, order and merging."""

from __future__ import annotations

import random

import numpy as np
import pytest

from contam.synthetic.features import HEAD, featurised, long_enough
from contam.synthetic.scored import Scored
from contam.synthetic.streaming import OPENING, SHOWN, AllScores, Reader, SampleScores
from contam_metrics.batch import Batch
from contam_metrics.metric import Metric
from contam_metrics.segments import document_hashes
from contam_metrics.view import View
from contam_metrics.words import cut

Named = tuple[str, str]


def score(batch: Batch) -> np.ndarray:
    """Made up: how many vowels the first 100 words have; nan below 80 words."""
    texts = [batch.text(i).split() for i in range(len(batch))]
    return np.array([sum(b"".join(t[:100]).count(v) for v in b"aeiou") if len(t) >= 80 else np.nan for t in texts])


def openings(batch: Batch) -> np.ndarray:
    return document_hashes(Batch.of(batch.text(i)[:60] for i in range(len(batch))))


READER = Reader(score, openings)


def every() -> AllScores:
    return AllScores(READER)


def small() -> SampleScores:
    return SampleScores(60, READER)


def large() -> SampleScores:
    return SampleScores(5_000, READER)


def documents(count: int = 300, seed: int = 0) -> list[Named]:
    """Short and long ones, exact copies under other names, and some that only begin alike."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("abcdefghiklmnoprstuvw", k=rng.randint(2, 9))) for _ in range(900)]
    out = []
    for i in range(count):
        text = " ".join(rng.choices(words, k=rng.choice([0, 3, 79, 80, 150, 400, 3000])))
        out.append((text, f"a.txt:{i:05}"))
        if i % 9 == 0:
            out += [(text, f"b.txt:{i:05}"), (text, f"_.txt:{i:05}")]
        if i % 7 == 0:
            out.append((text[:70] + " " + " ".join(rng.choices(words, k=120)), f"c.txt:{i:05}"))
    return out


def chunks(items: list[Named], *sizes: int) -> list[list[Named]]:
    out, k = [], 0
    while items:
        out.append(items[: sizes[k % len(sizes)]])
        items, k = items[sizes[k % len(sizes)] :], k + 1
    return out


def fed(metric: Metric, parts: list[list[Named]]) -> Metric:
    for part in parts:
        metric.update(View(Batch.of(text for text, _ in part), label=lambda i, part=part: part[i][1]))
    return metric


def same(left: Metric, right: Metric) -> bool:
    a, b = left.scored(), right.scored()
    arrays = np.array_equal(a.keys, b.keys) and np.array_equal(a.scores, b.scores)
    return arrays and _rest(a) == _rest(b)


def _rest(s: Scored) -> tuple:
    return s.labels, s.documents, s.short, s.copies, s.sampled


@pytest.mark.parametrize("make", [every, small, large])
class TestLaws:
    def test_order_and_batches_do_not_matter(self, make):
        shuffled = documents()
        random.Random(3).shuffle(shuffled)
        assert same(fed(make(), [documents()]), fed(make(), chunks(shuffled, 1, 50, 13)))

    def test_merged_parts_are_one_pass(self, make):
        left, *others = (fed(make(), [part]) for part in chunks(documents(), 7, 90, 33))
        for other in others:
            left.merge(other)
        assert same(left, fed(make(), [documents()]))

    def test_merging_is_associative_and_commutative(self, make):
        a, b, c = chunks(documents(), 140)[:3]
        first = fed(make(), [a])
        first.merge(fed(make(), [b]))
        first.merge(fed(make(), [c]))
        tail = fed(make(), [c])
        tail.merge(fed(make(), [b]))
        tail.merge(fed(make(), [a]))
        assert same(first, tail)

    def test_state_survives_a_round_trip(self, make):
        metric, again = fed(make(), [documents()]), make()
        again.restore({k: v.copy() for k, v in metric.state().items()})
        assert same(metric, again)
        assert same(fed(metric, [documents(50, seed=9)]), fed(again, [documents(50, seed=9)]))

    def test_reading_does_not_change_what_is_remembered(self, make):
        metric = fed(make(), [documents(80)])
        assert metric.figures() == {}
        metric.scored()
        assert same(fed(metric, [documents(40, seed=3)]), fed(make(), [documents(80), documents(40, seed=3)]))

    def test_nothing_and_nothing_long_enough(self, make):
        for parts in ([], [[]], [[("", "x"), (" \n", "y")]]):
            found = fed(make(), parts).scored()
            assert len(found) == 0 and found.labels == () and found.short == found.documents
        assert found.documents == 2 and found.short_share == 1


def test_counts_by_hand():
    long, other = "word " * 90, "other " * 90
    parts = [[(long, "x:2"), (long, "x:1"), ("short", "x:3"), (long + "more", "x:4"), (other, "x:5")]]
    found = fed(every(), parts).scored()
    assert (found.documents, found.short, found.copies, len(found)) == (5, 1, 2, 2)
    assert found.short_share == 0.2 and not found.sampled
    assert "x:5" in found.labels and ({"x:1", "x:4"} & set(found.labels))
    assert (np.diff(found.keys.astype(object)) > 0).all()


def test_a_sample_that_holds_everything_is_everything():
    assert same(fed(large(), [documents()]), fed(every(), [documents()]))


def test_a_sample_is_the_long_documents_with_the_smallest_keys():
    named = documents()
    batch = Batch.of(text for text, _ in named)
    hashes, usable = document_hashes(batch), np.isfinite(score(batch))
    limit = np.unique(hashes[usable])[59]
    chosen = [one for one, key, long in zip(named, hashes, usable) if long and key <= limit]
    found, wanted = fed(small(), chunks(named, 20)).scored(), fed(every(), [chosen]).scored()
    assert found.sampled and found.labels == wanted.labels and np.array_equal(found.scores, wanted.scores)
    assert (found.documents, found.short) == (len(named), int((~usable).sum()))
    assert found.looked_at == len(chosen) and found.copies == wanted.copies > 0


@pytest.mark.parametrize(("short", "copies"), [(0, 1), (3_000, 1), (0, 40), (2_000, 25)])
def test_a_sample_begins_as_all_do(short, copies):
    """Neither short documents nor copies take the places of others."""
    rng = random.Random(short + copies)
    words = ["".join(rng.choices("abcdefghiklmnoprstuvw", k=6)) for _ in range(300)]
    named = [(" ".join(rng.choices(words, k=100)), f"a:{i}") for i in range(150)] * copies
    named += [(f"too short {i}", f"b:{i}") for i in range(short)]
    rng.shuffle(named)
    part, whole = fed(SampleScores(100, READER), chunks(named, 333)).scored(), fed(every(), [named]).scored()
    assert len(part) == 100 and part.labels == whole.labels[:100]
    assert np.array_equal(part.scores, whole.scores[:100])
    assert (part.documents, part.short) == (whole.documents, whole.short) == (len(named), short)
    assert part.different_share == pytest.approx(whole.different_share) == pytest.approx(150 / len(named))


def test_long_enough_is_what_the_score_reads():
    rng = random.Random(1)
    texts = [" ".join("x" * rng.choice([1, 5, 60]) for _ in range(rng.randint(60, 120))) for _ in range(400)]
    texts += ["wörter " * 80, "ein " * 79, "x" * 4_096, "y " * 79 + "z" * 5_000, "y " * 79 + "z" * 100, ""]
    texts += ["ab " * 79 + "c" * n for n in range(4_096 - 240, 4_096 - 230)]
    batch = Batch.of(texts)
    assert np.array_equal(long_enough(cut(batch)), featurised(batch).usable)


def test_labels_are_asked_of_few():
    """A sample of a large corpus names only what it keeps."""
    asked: list[int] = []
    metric = SampleScores(10, READER)
    for seed in range(20):
        batch = Batch.of(f"document {seed} {i} " + "word " * 80 for i in range(500))
        metric.update(View(batch, label=lambda i: str(asked.append(i))))
    assert len(asked) < 100


def test_openings_of_the_sample():
    metric = fed(large(), [[("a " * OPENING, "x:1"), ("b " * 90, "x:2"), ("c " * 70, "x:3")]])
    assert {len(row.text) for row in metric.sample.rows.values()} == {OPENING, 180}
    assert {metric.opening(key) for key in metric.scored().keys} == {b"a " * (OPENING // 2), b"b " * 90}


def test_documents_of_another_text_are_taken_out():
    found = fed(every(), [documents()]).scored()
    left = found.without(found.keys[5:25])
    assert len(left) == len(found) - 20 and left.shared == 20 and left.looked_at == found.looked_at
    assert left.labels == found.labels[:5] + found.labels[25:] and np.array_equal(left.keys[5:], found.keys[25:])
    assert left.different_share == pytest.approx(len(left) / left.documents)
    assert found.without(np.array([1], np.uint64)) is found and left.without(left.keys).different_share == 0.0


def test_the_highest_are_kept_to_be_shown():
    parts = [documents()[:200], documents()[200:]]
    left, right = (fed(every(), [part]) for part in parts)
    left.merge(right)
    found, scored = left.excerpts(), left.scored()
    assert list(found.items()) == list(fed(every(), [documents()]).excerpts().items())
    first = scored.labels[int(np.argmax(scored.scores))]
    (text,) = {text for text, label in documents() if label == first}
    assert len(found) == SHOWN and found[first] == text[:400]


def test_a_sample_keeps_as_much_as_the_score_reads():
    assert OPENING >= HEAD
