"""Segmentation: the fast cutter against the plain one, on any text, at any place of a batch."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_words import cut_slow

from contam_metrics import unicode_tables
from contam_metrics.batch import Batch
from contam_metrics.words import Words, Workspace, cut, word_hash

TEXT = st.text(
    st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from(list("abcXYZ019 _'-<>\n\t\x00\x1c\x85\xa0")),
        st.sampled_from(list("éßÜжЖआ्दीةש日本のไทยក၁²½Ⅻ𝟘𝔸\u200d\u200c\u0301İſK")),
    ),
    max_size=200,
)


def spelled(words: Words, i: int) -> list[str]:
    """The words of one document as they stand in the text."""
    low, high = words.bounds[i], words.bounds[i + 1]
    data = words.batch.data
    return [data[a:b].tobytes().decode() for a, b in zip(words.starts[low:high], words.ends[low:high])]


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXT, max_size=4))
@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="the oracle follows this Python's Unicode")
def test_cutting_equals_the_plain_cutter(texts: list[str]) -> None:
    words = cut(Batch.of(texts))
    assert words.documents == len(texts)
    for i, text in enumerate(texts):
        expected = cut_slow(text)
        low, high = words.bounds[i], words.bounds[i + 1]
        assert len(spelled(words, i)) == len(expected.words)
        assert [len(w) for w in spelled(words, i)] == [n for _, _, n in expected.words]
        assert words.lengths[low:high].tolist() == [n for _, _, n in expected.words]
        assert (words.hashes[low:high] & np.uint64(1)).tolist() == [int(d) for _, d, _ in expected.words]
        assert (words.symbols[i], words.unks[i]) == (expected.symbols, expected.unks)
        for word, (folded, _, _) in zip(words.hashes[low:high].tolist(), expected.words):
            assert word == word_hash(folded) or not all(map(_keeps_its_class, folded))


def _keeps_its_class(character: str) -> bool:
    return unicode_tables.folded(ord(character)) == ord(character)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_cut_without_harm(data: bytes) -> None:
    words = cut(Batch.of([data, b"next one"]))
    assert spelled(words, 1) == ["next", "one"]
    assert (words.starts[: words.bounds[1]] < words.ends[: words.bounds[1]]).all()
    assert words.bounds[1] == 0 or words.ends[words.bounds[1] - 1] <= len(data)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop_me now, 42nd!", ["Don", "t", "stop", "me", "now", "42", "nd"]),
        ("Война и мир", ["Война", "и", "мир"]),
        ("السلام عليكم", ["السلام", "عليكم"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("日本語のtext", ["日", "本", "語", "の", "text"]),
        ("ภาษา", ["ภ", "า", "ษ", "า"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_segmentation(text: str, expected: list[str]) -> None:
    assert spelled(cut(Batch.of([text])), 0) == expected


@pytest.mark.parametrize(("left", "right"), [("The", "tHE"), ("ÜBER", "über"), ("МИР", "мир"), ("Σ", "σ")])
def test_case_is_folded(left: str, right: str) -> None:
    assert word_hash(left) == word_hash(right)


def test_hashes_are_the_same_everywhere() -> None:
    """Saved profiles and baselines rest on these values: a change of the hash must be a new format version."""
    assert word_hash("the") == WORD_THE
    assert word_hash("2024") & 1 == 1
    assert word_hash("мир") == WORD_MIR


WORD_THE = 4696292824603093034
WORD_MIR = 4978424309607480328


def test_hashes_of_different_words_differ() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b + c + d for a in letters for b in letters for c in letters for d in letters[:6]]
    hashes = cut(Batch.of([" ".join(words + [w * 4 for w in words])])).hashes
    assert len(np.unique(hashes)) == 2 * len(words)
    # Tables take the slot from the middle bits: they must be spread as chance would have it.
    load = np.bincount((hashes >> np.uint64(20)).astype(np.int64) & 1023, minlength=1024)
    assert load.std() < 2 * np.sqrt(load.mean())


def test_long_words_and_block_borders() -> None:
    for shift in range(70):
        for size in (1, 7, 8, 9, 63, 64, 65, 130):
            text = " " * shift + "a" * size + "é" + " " + "b" * size + " 7" + "c" * size
            assert spelled(cut(Batch.of([text])), 0) == ["a" * size + "é", "b" * size, "7", "c" * size]


def test_a_word_is_the_same_beside_wide_symbols() -> None:
    words = cut(Batch.of(["“the—the’ 42… the 42", "the\u00a0the"]))
    the, number = word_hash("the"), word_hash("42")
    assert words.hashes.tolist() == [the, the, number, the, number, the, the]


def test_unk_is_counted_and_dropped() -> None:
    words = cut(Batch.of(["the <unk> of <unk>, unk <UNK> <unk", "unk>"]))
    assert words.unks.tolist() == [3, 0]
    assert spelled(words, 0) == ["the", "of", "unk", "unk"]


def test_a_workspace_changes_nothing() -> None:
    workspace = Workspace()
    for texts in (["a b c"], ["日本 x" * 500, ""], ["tiny"]):
        used, fresh = cut(Batch.of(texts), workspace), cut(Batch.of(texts))
        assert np.array_equal(used.hashes, fresh.hashes)
        assert np.array_equal(used.bounds, fresh.bounds)


def test_a_part_of_a_batch_is_cut_alone() -> None:
    batch = Batch.of(["one two", "three " * 50, "four <unk> five", "six"])
    part = cut(Batch(batch.data, batch.offsets[2:4]))
    assert spelled(part, 0) == ["four", "five"]
    assert part.unks.tolist() == [1]


def test_only_one_word_has_a_word_hash() -> None:
    with pytest.raises(ValueError, match="2 words"):
        word_hash("two words")


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="tables were made with Unicode 14.0.0")
def test_the_tables_are_those_of_unicodedata() -> None:
    classes, fold = unicode_tables.load()
    assert classes[ord("a")] == unicode_tables.LETTER
    sample = np.random.default_rng(0).integers(0, 0x110000, 20_000).tolist()
    sample = [c for c in sample + list(range(0x3000)) if not 0xD800 <= c < 0xE000]
    assert [classes[c] for c in sample] == [unicode_tables.character_class(c) for c in sample]
    assert [fold[c] for c in sample] == [unicode_tables.folded(c) for c in sample]
