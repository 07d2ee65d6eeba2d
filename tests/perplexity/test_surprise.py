"""The text's surprise under a model: figures by hand, references and pairs, rules on both sides, strange documents."""

from __future__ import annotations

import json
import math
import os
import random
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import LINES, save_model

from contam.demo import human_documents, split_in_two
from contam.models.finding import find
from contam.perplexity import calibration
from contam.perplexity.calibration import BITS, FOLDER, GAP, KEYS, SPREAD
from contam.perplexity.surprise import (
    LONG_LEAST,
    LoadedModel,
    Surprise,
    load_model,
    strangest,
    surprise,
    surprise_figures,
    weights_digest,
)
from contam.rules import apply_rules
from contam_metrics.batch import Batch
from contam_metrics.prepare import prepare
from contam_metrics.segments import Segments, SegmentSample, document_hashes, segments_of_texts
from contam_metrics.words import cut

ROOT = Path(__file__).parents[2]
SIZE = 5_000


@pytest.fixture(scope="module")
def random_model(tmp_path_factory) -> LoadedModel:
    return load_model(str(save_model(tmp_path_factory.mktemp("model") / "gpt2", "gpt2")), "cpu")


@pytest.fixture(scope="module")
def tiny() -> LoadedModel:
    torch.set_num_threads(1)
    return load_model("tiny", "cpu")


@pytest.fixture(scope="module")
def halves() -> tuple[tuple[str, ...], tuple[str, ...]]:
    return split_in_two(human_documents()[1])


def made(bits, documents=None, words=200, size=1000) -> Surprise:
    """Segments of 1,000 bytes each with those bits per byte, a document each unless told otherwise."""
    n = len(bits)
    counts = np.full(n, size)
    nats = np.asarray(bits, float) * math.log(2) * counts
    of = np.arange(n) if documents is None else documents
    words = np.broadcast_to(np.asarray(words), n).copy()
    return Surprise(np.arange(n), np.asarray(of, np.uint64), words, counts, counts // 2, nats, nats - counts / 20)


def results(figures) -> dict[str, str]:
    return {r.id: r.status for r in apply_rules(figures, {}) if r.id in ("PPL001", "PPL003")}


def matched(texts, model: LoadedModel, size: int = SIZE) -> Surprise:
    segments = segments_of_texts(texts)
    prepared = prepare(segments, size)
    assert prepared.reached
    return surprise(segments, prepared.rows, model)


class TestFigures:
    def test_a_segment_is_scored_as_a_document_of_its_own(self, random_model) -> None:
        segments = segments_of_texts([f"\n {line}\n" for line in LINES[:4]])
        found = surprise(segments, [2, 0], random_model)
        assert found.rows.tolist() == [2, 0] and found.documents.tolist() == segments.docs[[2, 0]].tolist()
        for i, row in enumerate((2, 0)):
            text = segments.texts[row].decode().strip()
            ids = [random_model.tokenizer.bos, *random_model.tokenizer.encode(text)]
            assert len(ids) < 64
            nats = random_model.network.score(torch.tensor([[ids]]))[0, 0]
            assert found.tokens[i] == len(nats) and found.bytes[i] == len(text.encode())
            assert found.bits[i] == pytest.approx(float(nats.sum()) / math.log(2) / len(text.encode()), rel=1e-5)

    def test_bits_are_a_ratio_of_sums_and_the_gap_is_per_token(self) -> None:
        found = made([1.0, 3.0])
        longer = replace(found, bytes=np.array([1000, 3000]), nats=found.nats * [1, 3])
        assert longer.values[BITS] == pytest.approx(2.5)
        assert found.values[GAP] == pytest.approx(0.1)  # 50 nats over 500 tokens a segment

    def test_spread_is_the_standard_deviation_over_long_segments(self) -> None:
        bits = np.random.default_rng(0).normal(2.0, 0.3, 40)
        assert made(bits).values[SPREAD] == pytest.approx(np.std(bits, ddof=1))
        short = made([*bits, 0.1, 9.0, 20.0], words=[200] * 40 + [99] * 3)
        assert short.values[SPREAD] == pytest.approx(np.std(bits, ddof=1))
        assert math.isnan(made(bits[: LONG_LEAST - 1]).values[SPREAD])

    def test_the_interval_is_over_documents_and_not_over_segments(self) -> None:
        bits = np.repeat(np.random.default_rng(1).normal(2.0, 0.3, 30), 8)
        apart, together = made(bits), made(bits, documents=np.repeat(np.arange(30), 8))
        for key in (BITS, SPREAD):
            (low, high), value = together.intervals[key], together.values[key]
            a, b = apart.intervals[key]
            assert low < value < high and high - low > 2 * (b - a)
        error = np.std(bits[::8], ddof=1) / math.sqrt(30)
        low, high = together.intervals[BITS]
        assert high - low == pytest.approx(2 * 1.96 * error, rel=0.15)
        assert made(bits, documents=np.arange(len(bits)) % 9).intervals == {}

    def test_the_beginning_of_a_sample_is_the_sample_of_a_smaller_size(self, random_model, halves) -> None:
        segments = segments_of_texts(halves[0][:12])
        large, small = prepare(segments, 2_000), prepare(segments, 900)
        found = surprise(segments, large.rows, random_model).head(len(small.rows))
        again = surprise(segments, small.rows, random_model)
        assert np.array_equal(found.rows, again.rows)
        assert found.nats == pytest.approx(again.nats, rel=1e-5)

    def test_nothing_is_no_error(self, random_model) -> None:
        empty = surprise(segments_of_texts([]), [], random_model)
        figures = surprise_figures(empty, None, "english", None, random_model.digest)
        assert figures[BITS].value is None and figures[BITS].reason == "empty"
        assert results(figures) == {"PPL001": "skipped", "PPL003": "skipped"}


@pytest.fixture(scope="module")
def digest() -> str:
    return weights_digest(find("tiny"))


class TestReferences:
    """What the figures are placed among."""

    def test_both_sides_of_the_population_are_warned_of(self, digest) -> None:
        spread = np.random.default_rng(0).normal(0, 1, 60)
        usual = float(np.nanmedian(calibration.population(digest, "english", SIZE)[0][SPREAD]))
        for level, status in ((0.4, "warn"), (2.2, "pass"), (6.0, "warn")):
            figures = surprise_figures(made(level + usual * spread), None, "english", SIZE, digest)
            assert results(figures)["PPL001"] == status
        for factor, status in ((0.05, "warn"), (1.0, "pass"), (20.0, "warn")):
            figures = surprise_figures(made(2.2 + factor * usual * spread), None, "english", SIZE, digest)
            assert results(figures)["PPL003"] == status
        figure = figures[BITS]
        assert figure.unit == "bits/byte" and figure.direction == "both" and figure.matched_tokens == SIZE
        assert figure.limits[0] < figure.band[0] < figure.band[1] < figure.band[2] < figure.limits[1]
        assert figure.interval and figure.place is not None and figure.z is not None

    def test_another_model_has_no_references_and_says_what_to_do(self) -> None:
        figures = surprise_figures(made([2.0] * 30), None, "english", SIZE, "another")
        assert figures[BITS].value == pytest.approx(2.0) and figures[BITS].limits is None
        skipped = [r for r in apply_rules(figures, {}) if r.id == "PPL001"]
        assert skipped[0].status == "skipped" and "--reference" in skipped[0].message

    def test_a_size_or_profile_without_references_is_told(self, digest) -> None:
        audited = made([2.0] * 30)
        assert "french" in surprise_figures(audited, None, "french", SIZE, digest)[BITS].reason
        assert "7,000" in surprise_figures(audited, None, "english", 7_000, digest)[BITS].reason
        assert "7,000" in surprise_figures(audited, audited, "english", 7_000, digest)[BITS].reason
        assert "reached" in surprise_figures(audited, None, "english", None, digest)[BITS].reason

    def test_trusted_text_centres_the_limits_for_every_model(self) -> None:
        spread = 0.2 * np.random.default_rng(0).normal(0, 1, 60)
        trusted = made(1.0 + spread)
        same = surprise_figures(made(1.0 + spread[::-1]), trusted, "english", SIZE, "another")
        low, high = same[BITS].limits
        assert low < 1.0 < high and low * high == pytest.approx(1.0, rel=0.05)  # ratios in both directions
        assert results(same) == {"PPL001": "pass", "PPL003": "pass"}
        other = surprise_figures(made(2.2 + 0.1 * spread), trusted, "english", SIZE, "another")
        assert results(other) == {"PPL001": "warn", "PPL003": "warn"}

    def test_twice_as_surprising_a_model_has_limits_twice_as_wide(self) -> None:
        pairs = np.array([2.0, 2.2, np.nan]), np.array([2.1, 2.0, 2.0])
        once, twice = (calibration.moved(level, *pairs, relative=True) for level in (2.0, 4.0))
        assert once == pytest.approx([2.1, 2.0 / 1.1, 2.0 / 1.05, 2.2]) and twice == pytest.approx(2 * once)
        gap = calibration.moved(0.5, *pairs, relative=False)
        assert gap == pytest.approx([0.6, 0.3, 0.4, 0.7])


class TestTiny:
    """Under the embedded model."""

    def test_shuffled_words_lie_above_human_text_and_loops_differ_more(self, tiny, halves) -> None:
        """So small a model does not copy: a loop surprises it as much as the piece that is repeated. Loops are seen
        by how much they differ, and by how sure the model is of what does not come."""
        trusted, human = (matched(half, tiny) for half in halves)
        rng = random.Random(0)
        looped = [" ".join(t.split()[:15] * 20) for t in halves[1] if len(t.split()) > 15]
        shuffled = [" ".join(rng.sample(t.split(), len(t.split()))) for t in halves[1]]
        texts = {"human": human, "looped": matched(looped, tiny), "shuffled": matched(shuffled, tiny)}
        figures = {k: surprise_figures(v, trusted, "english", SIZE, tiny.digest) for k, v in texts.items()}
        assert results(figures["human"]) == {"PPL001": "pass", "PPL003": "pass"}
        assert results(figures["shuffled"])["PPL001"] == "warn"
        above = figures["shuffled"][BITS]
        assert above.value > above.limits[1] and above.value > 1.2 * human.values[BITS]
        assert figures["looped"][BITS].value > figures["looped"][BITS].limits[0]
        assert texts["looped"].values[SPREAD] > 1.5 * human.values[SPREAD]
        for kind, beyond in (("human", False), ("looped", True)):
            assert (figures[kind][GAP].value > figures[kind][GAP].limits[1]) == beyond
        assert figures["shuffled"][GAP].value > 1.2 * human.values[GAP]

    def test_planted_documents_are_the_strangest_and_are_named(self, tiny, halves) -> None:
        rng = random.Random(1)
        gibberish = " ".join("".join(rng.choices("bcdfghjkqvwxz", k=7)) for _ in range(150))
        texts = [" ".join(t.split()[:180]) for t in halves[0] if len(t.split()) > 150][:25]
        texts[7], texts[11] = gibberish, "*" * 5000 + " a" * 120  # so small a model knows few easy texts
        batch = Batch.of(texts)
        sample = SegmentSample()
        sample.update(cut(batch), document_hashes(batch), lambda i: f"corpus.jsonl:{i + 1}")
        segments = sample.segments()
        found = strangest(surprise(segments, np.arange(len(segments)), tiny), segments, count=2)
        assert {f.id for f in found} == {"corpus.jsonl:8", "corpus.jsonl:12"}
        by_id = {f.id: f for f in found}
        assert by_id["corpus.jsonl:8"].value > 3 > 1 > by_id["corpus.jsonl:12"].value
        assert by_id["corpus.jsonl:8"].excerpt == gibberish[:400] and {f.rule for f in found} == {"PPL001"}


def test_short_segments_are_not_strange_by_chance() -> None:
    """Ten words differ from the median more than two hundred do; equal distances of both are not equally strange."""
    bits = np.concatenate([np.random.default_rng(0).normal(2.0, 0.1, 50), [2.55, 2.55, 15.0]])
    found = made(bits, words=[200] * 50 + [200, 12, 3])
    segments = segments_of_texts([f"text {i}" for i in range(53)])
    assert [f.value for f in strangest(found, segments)] == [pytest.approx(2.55)]
    assert strangest(made([2.0] * 52), segments) == []


class TestCalibration:
    """The files that come with the package."""

    def test_they_are_of_the_weights_that_come_with_the_package(self) -> None:
        found = {c.profile: c for c in calibration.calibrations()}
        assert "english" in found
        for one in found.values():
            assert one.model == "tiny" and one.digest == weights_digest(find("tiny"))
            assert one.provenance["columns"] == list(KEYS)

    def test_there_are_enough_sources_for_a_limit_of_one_per_cent(self) -> None:
        english = next(c for c in calibration.calibrations() if c.profile == "english")
        for size in (5_000, 10_000, 20_000):
            known = np.isfinite(english.whole[size]).sum(axis=0)
            assert known[0] >= 99 and (known >= 90).all()
            assert np.isfinite(english.first[size][:, 0]).sum() >= 39
        assert len(set(english.names)) == len(english.names) and len(set(english.domains)) >= 8

    def test_no_text_is_in_them(self) -> None:
        for path in FOLDER.glob("*.json"):
            for source in json.loads(path.read_text(encoding="utf-8"))["sources"]:
                assert set(source) == {"name", "domain", "whole", "first", "second"}
                assert all(v is None or isinstance(v, float) for row in source["whole"].values() for v in row)


@pytest.mark.shared
def test_a_source_measures_what_its_calibration_says(tiny) -> None:
    shared = Path(os.environ.get("CONTAM_SHARED") or ROOT.parent / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(f"no shared data at {shared}")
    sys.path.append(str(ROOT / "benchmarks"))
    import sources

    english = next(c for c in calibration.calibrations() if c.profile == "english")
    source = next(s for s in sources._brown() if s.name == "brown a")
    found = matched([t.encode() for t in source.texts], tiny)
    expected = english.whole[SIZE][english.names.index(source.name)]
    assert [found.values[k] for k in KEYS] == pytest.approx(expected.tolist(), abs=2e-4)


def test_labels_travel_with_the_sample() -> None:
    """What `strangest` prints comes from the sample; text without names has none."""
    segments = segments_of_texts(["one two three"])
    assert isinstance(segments, Segments) and segments.labels == ()
