"""Laws that every streaming metric keeps, whatever it measures: a metric added tomorrow is tested by being listed."""

from __future__ import annotations

import math
import random
import subprocess
import sys

import numpy as np
import pytest

from contam_metrics.batch import Batch
from contam_metrics.metric import Metric
from contam_metrics.segments import Segments, SegmentSample
from contam_metrics.streaming import METRICS
from contam_metrics.view import View


def texts(count: int = 300, seed: int = 0) -> list[str]:
    """Documents of many kinds: prose-like, short, empty, looped, copied, nearly copied, foreign, broken lines."""
    rng = random.Random(seed)
    vocabulary = [f"w{int(rng.paretovariate(0.7))}" for _ in range(3000)]
    out = []
    for i in range(count):
        words = rng.choices(vocabulary, k=rng.choice([0, 1, 3, 8, 40, 300, 900]))
        lines = [" ".join(words[j : j + 12]) for j in range(0, len(words), 12)]
        text = rng.choice(["\n", "\n\n", " "]).join(lines)
        if i % 11 == 0:
            text += " and so on" * rng.randint(3, 40)
        if i % 13 == 0:
            text += "ла" * rng.randint(10, 60)
        if i % 17 == 0:
            text = "naïve Übung 日本語 " + text + "\n" + text[:80] + "\n" + text[:80]
        out.append(text)
    out += out[:40]
    out += [t.replace("w1 ", "x ", 1) for t in out[40:80]]
    return out


def measured(kind: type[Metric], parts: list[list[str]]) -> Metric:
    """One metric over the parts as batches of one pass."""
    metric = kind()
    for part in parts:
        metric.update(View(Batch.of(part)))
    return metric


def chunks(items: list[str], sizes: list[int]) -> list[list[str]]:
    """Items in runs of the given sizes, over and over."""
    out, i, k = [], 0, 0
    while i < len(items):
        out.append(items[i : i + sizes[k % len(sizes)]])
        i, k = i + sizes[k % len(sizes)], k + 1
    return out


def same(left: Metric, right: Metric) -> bool:
    """Whether all figures are equal to the last bit, reasons and intervals included."""
    a, b = left.figures(), right.figures()
    return repr(dict(a)) == repr(dict(b))


@pytest.mark.parametrize("kind", METRICS, ids=lambda k: k.name)
class TestLaws:
    def test_merged_parts_are_one_pass(self, kind: type[Metric]) -> None:
        whole = measured(kind, [texts()])
        parts = [measured(kind, [p]) for p in chunks(texts(), [7, 90, 33])]
        left = parts[0]
        for part in parts[1:]:
            left.merge(part)
        assert same(left, whole)

    def test_merging_is_associative_and_commutative(self, kind: type[Metric]) -> None:
        a, b, c = chunks(texts(), [150])[:3]
        first, second = measured(kind, [a]), measured(kind, [c])
        first.merge(measured(kind, [b]))
        first.merge(measured(kind, [c]))
        tail = measured(kind, [b])
        tail.merge(measured(kind, [a]))
        second.merge(tail)
        assert same(first, second)

    def test_order_and_batches_do_not_matter(self, kind: type[Metric]) -> None:
        shuffled = texts()
        random.Random(5).shuffle(shuffled)
        assert same(measured(kind, [texts()]), measured(kind, chunks(shuffled, [1, 50, 13])))

    def test_state_survives_a_round_trip(self, kind: type[Metric]) -> None:
        metric = measured(kind, [texts()])
        again = kind()
        again.restore({k: v.copy() for k, v in metric.state().items()})
        assert same(metric, again)
        metric.merge(measured(kind, [texts(50, seed=9)]))
        again.merge(measured(kind, [texts(50, seed=9)]))
        assert same(metric, again)

    def test_nothing_seen_is_nan_with_a_reason(self, kind: type[Metric]) -> None:
        for parts in ([], [[]], [["", "  \n "]]):
            for name, reading in measured(kind, parts).figures().items():
                if math.isnan(reading.value):
                    assert reading.reason, name
                else:
                    assert reading.documents == 2 or name.startswith("duplicates.exact"), name

    def test_one_word_is_no_error(self, kind: type[Metric]) -> None:
        for reading in measured(kind, [["word"]]).figures().values():
            assert math.isfinite(reading.value) or reading.reason

    def test_figures_do_not_change_what_is_remembered(self, kind: type[Metric]) -> None:
        metric = measured(kind, [texts(80)])
        metric.figures()
        metric.update(View(Batch.of(texts(40, seed=3))))
        assert same(metric, measured(kind, [texts(80), texts(40, seed=3)]))


SCRIPT = """
import sys, numpy as np
from contam_metrics.batch import Batch
from contam_metrics.streaming import METRICS
from contam_metrics.view import View
sys.path.insert(0, sys.argv[1])
from test_laws import texts
view = View(Batch.of(texts(120, seed=4)))
arrays = {}
for kind in METRICS:
    metric = kind()
    metric.update(view)
    arrays |= {f"{kind.name}/{k}": v for k, v in metric.state().items()}
np.savez(sys.argv[2], **arrays)
"""


def test_states_merge_between_processes(tmp_path) -> None:
    """Words keep their hashes in another process: Python's own string hash would not."""
    path = tmp_path / "state.npz"
    here = str(__import__("pathlib").Path(__file__).parent)
    subprocess.run([sys.executable, "-c", SCRIPT, here, str(path)], check=True, env=_other_hash_seed())
    with np.load(path) as stored:
        for kind in METRICS:
            state = {k.split("/", 1)[1]: stored[k] for k in stored.files if k.startswith(kind.name + "/")}
            other = kind()
            other.restore(state)
            metric = measured(kind, [texts()])
            metric.merge(other)
            assert same(metric, measured(kind, [texts(), texts(120, seed=4)])), kind.name


def _other_hash_seed() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONHASHSEED": "12345"}


def test_sample_is_the_same_for_any_parts() -> None:
    """The sample of a union is the union of samples, cut again; and its state survives."""

    def sample(parts: list[list[tuple[str, str]]]) -> SegmentSample:
        out = SegmentSample(budget=5000, seed=3)
        for part in parts:
            view = View(Batch.of([text for text, _ in part]), label=lambda i, part=part: part[i][1])
            out.update(view.words, view.docs, view.label)
        return out

    named = [(text, f"file.txt:{i}") for i, text in enumerate(texts())]
    whole = sample([named]).segments()
    shuffled = list(named)
    random.Random(1).shuffle(shuffled)
    left, right = sample(chunks(shuffled, [20])[:9]), sample(chunks(shuffled, [20])[9:])
    restored = SegmentSample(budget=5000, seed=3)
    restored.restore(right.arrays())
    left.merge(restored)
    merged = left.segments()
    assert merged.texts == whole.texts and merged.labels == whole.labels
    assert np.array_equal(merged.keys, whole.keys)
    assert 5000 <= whole.words < 5000 + 400
    head = sample([named]).segments().head(2000)
    assert head.texts == whole.head(2000).texts and head.labels == whole.labels[: len(head)]


def test_segments_know_what_their_documents_are_called() -> None:
    """The first in the alphabet of equal documents; documents of which nothing is kept are not asked for."""
    documents = [f"number {i} " + " ".join(f"w{i}x{j}" for j in range(300)) for i in range(50)]
    asked: list[int] = []

    def label(i: int) -> str:
        asked.append(i)
        return f"b:{i:02}"

    sample = SegmentSample(budget=1000)
    view = View(Batch.of(documents))
    sample.update(view.words, view.docs)
    sample.segments()
    sample.update(view.words, view.docs, label)
    assert 0 < len(set(asked)) <= 10
    named = SegmentSample(budget=1000)
    named.update(view.words, view.docs, label)
    named.update(view.words, view.docs, lambda i: f"a:{i:02}")
    found = named.segments()
    assert not sample.segments().labels  # whoever is nameless once stays so: no order of parts may matter
    assert {t.split()[1].decode() for t, n in zip(found.texts, found.labels) if t.startswith(b"number")} <= {
        str(int(name[2:])) for name in found.labels
    }
    assert all(name.startswith("a:") for name in found.labels)
    both = Segments.concatenate([found.head(400), sample.segments()])
    assert both.labels[: len(found.head(400))] == found.labels[: len(found.head(400))] and "" in both.labels
