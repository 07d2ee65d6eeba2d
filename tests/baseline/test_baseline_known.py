"""Which documents a baseline has: what the filter finds, mistakes, and forgets."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contam.baseline.added import Added, added_to
from contam.baseline.known import BITS, ContentHashes, Known, SmallestKeys
from contam_metrics.batch import Batch
from contam_metrics.segments import document_hashes, segments_of_texts
from contam_metrics.view import View


def hashes(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def test_no_known_document_is_new_and_few_new_ones_are_known() -> None:
    docs = hashes(20_000)
    known = Known.of(docs)
    assert not known.new(docs).any()
    mistaken = 1 - known.new(hashes(20_000, 1)).mean()
    assert 0.004 < mistaken < 0.013  # (1 - e^(-7/10))^7 = .0082
    assert len(known.to_bytes()) == 16 + BITS * 20_000 // 8


def test_the_filter_travels_as_bytes() -> None:
    known = Known.of(hashes(100), limit=2**63)
    again = Known.from_bytes(known.to_bytes())
    assert (again.limit, again.documents) == (known.limit, 100)
    np.testing.assert_array_equal(again.new(hashes(500, 1)), known.new(hashes(500, 1)))
    with pytest.raises(ValueError, match="cut short"):
        Known.from_bytes(b"123")


def test_an_empty_filter_knows_nothing() -> None:
    assert Known.of(hashes(0)).new(hashes(50)).all()


def test_of_many_documents_a_share_is_looked_up_and_numbers_scale() -> None:
    kept = SmallestKeys(1_000)
    kept.add(hashes(50_000))
    known = Known.of(kept.settle(), kept.limit)
    assert known.documents == 1_000 and known.share == pytest.approx(1_000 / 50_000, rel=0.15)
    both = np.concatenate([hashes(50_000), hashes(20_000, 1)])
    assert known.new(both).sum() / known.share == pytest.approx(20_000, rel=0.2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.integers(0, 60), st.integers(1, 20))
def test_the_smallest_keys_do_not_depend_on_order_or_merging(numbers: list[int], cut: int, cap: int) -> None:
    docs = np.array(numbers, np.uint64)
    one, first, second = SmallestKeys(cap), SmallestKeys(cap), SmallestKeys(cap)
    one.add(docs)
    first.add(docs[cut:])
    second.add(docs[:cut])
    first.merge(second)
    np.testing.assert_array_equal(first.settle(), one.settle())
    again = SmallestKeys(cap)
    again.restore(one.arrays())
    np.testing.assert_array_equal(again.settle(), one.settle())
    assert len(one.docs) <= cap and (len(one.docs) == len(set(numbers)) or len(one.docs) == cap)


OLD = [f"an old document number {i} " * 3 for i in range(40)]
NEW = [f"a fresh document number {i} with other words " * 4 for i in range(25)]


def metric(texts: list[str]) -> Added:
    known = Known.of(document_hashes(Batch.of(OLD)))
    found = added_to(known)()
    found.update(View(Batch.of(texts), label=lambda i: f"file:{i}"))
    return found


def test_only_new_documents_are_measured() -> None:
    found, alone = metric([*OLD, *NEW, *OLD]), segments_of_texts(NEW)
    assert found.facts.documents == len(NEW) and found.facts.words == alone.words
    np.testing.assert_array_equal(found.sample.segments().keys, alone.keys)
    assert found.sample.segments().labels[0].startswith("file:")


def test_new_documents_merge_and_travel() -> None:
    whole, first = metric(NEW), metric(NEW[:10])
    first.merge(metric(NEW[10:]))
    again = added_to(whole.known)()
    again.restore(whole.state())
    for found in (first, again):
        assert found.facts == whole.facts
        np.testing.assert_array_equal(found.sample.segments().keys, whole.sample.segments().keys)


def test_metrics_of_different_baselines_have_different_names() -> None:
    first, second = added_to(Known.of(hashes(5))), added_to(Known.of(hashes(5, 1)))
    assert first.name != second.name and first.name == added_to(Known.of(hashes(5))).name


def test_content_hashes_become_a_filter() -> None:
    seen = ContentHashes()
    seen.update(View(Batch.of([*OLD, *OLD])))
    known = seen.known()
    assert known.documents == len(OLD) and known.share == 1.0
    assert not known.new(document_hashes(Batch.of(OLD))).any() and seen.figures() == {}


def test_too_few_new_documents_are_told_with_the_limit_of_what_was_looked_up() -> None:
    from contam.baseline.audited import LEAST_NEW, _not_judged
    from contam.baseline.record import Since

    def told(share: float, words: int, sizes: bool = True) -> str:
        found = Since("b", None, new_documents=1009, documents=90_000, new_words=words, new_share=share)
        return _not_judged(found, sizes)[0]

    limit = told(0.25, 14_592)
    assert "about 1,009 documents (14,592 words)" in limit and "from about 20,000 words" in limit and "25.0%" in limit
    assert f"from {LEAST_NEW:,} words" in told(1.0, 4_000) and "about" not in told(1.0, 4_000)
    assert "no size" in told(1.0, 9_000, sizes=False) and "from 5,000" not in told(1.0, 9_000, sizes=False)
    assert _not_judged(Since("b", None, new_documents=0), True) == ()
