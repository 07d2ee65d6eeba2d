"""Copies: exact ones, near ones decided greedily, candidates that miss nothing, similarities that are exact."""

from __future__ import annotations

import json
import random
import re
import tempfile

import numpy as np
import pytest

from contam.filtering import copies
from contam.filtering.copies import Asked, Pieces, candidates, first_copies, near_copies, shingles
from contam.filtering.measuring import signatures_of
from contam.filtering.running import filter_corpus
from contam_metrics.batch import Batch
from contam_metrics.view import View

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "s", "l")]


def bag(text):
    """The different 5-word pieces, by another way."""
    words = re.findall(r"[^\W\d_]+|\d+", text.casefold())
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def similarity(left, right):
    a, b = bag(left), bag(right)
    return len(a & b) / max(1, len(a | b))


def corpus(seed, count=150, families=20):
    """Texts of all lengths, and edited ones of others."""
    draw = random.Random(seed)
    made = []
    for _ in range(families):
        base = draw.choices(WORDS, k=draw.choice((6, 12, 30, 100, 400)))
        for _ in range(draw.randint(1, 2 * count // families)):
            words = list(base)
            for _ in range(draw.choice((0, 0, 1, 1, 2, 4))):
                words[draw.randrange(len(words))] = draw.choice(WORDS)
            made.append(" ".join(words) + draw.choice(("", ".", "!")))
    draw.shuffle(made)
    return made


def greedy(texts, limit):
    """The definition: exact copies go, then each text that is similar enough to an earlier one that stays."""
    kept, dropped, seen = [], {}, set()
    for i, text in enumerate(texts):
        near = [j for j in kept if similarity(texts[j], text) >= limit]
        if text in seen:
            dropped[i] = "DUP001"
        elif near:
            dropped[i] = "DUP002"
        else:
            kept.append(i)
        seen.add(text)
    return dropped


@pytest.mark.parametrize("limit", (0.8, 0.9))
@pytest.mark.parametrize("seed", range(4))
def test_what_goes_is_what_the_definition_says(tmp_path, seed, limit):
    texts = corpus(seed)
    path, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    filter_corpus(str(path), str(out), rules=("DUP",), limits={"DUP002": limit}, audit=None)
    rows = [json.loads(line) for line in (tmp_path / "b.jsonl.dropped").read_text().splitlines()]
    expected = greedy(texts, limit)
    assert {row["line"] - 1 for row in rows} == set(expected)
    gone = {row["line"] - 1 for row in rows}
    for row in rows:
        of = int(row["of"].rpartition(":")[2]) - 1
        assert of < row["line"] - 1
        if row["rule"] == "DUP001":
            assert texts[of] == texts[row["line"] - 1]
        else:
            assert of not in gone
            assert row["value"] == pytest.approx(similarity(texts[of], texts[row["line"] - 1]), abs=1e-6)


def test_of_a_chain_the_ends_stay():
    texts = [" ".join(WORDS[i : i + 40]) for i in (0, 3, 6)]
    assert similarity(texts[0], texts[1]) >= 0.8 > similarity(texts[0], texts[2])
    view = View(Batch.of(texts))
    pieces = shingles(Batch.of(texts))

    def read(wanted, store):
        for i in wanted.tolist():
            store.put(i, pieces[i])

    dropped, _ = near_copies(Asked(signatures_of(view), 0.8, 0, read))
    assert list(dropped) == [1] and dropped[1][0] == 0


def test_many_of_one_template_leave_one_and_cost_little():
    draw = random.Random(3)
    bases = [draw.choices(WORDS, k=60) for _ in range(3)]
    texts = [" ".join([*draw.choice(bases)[:58], draw.choice(WORDS), str(i)]) for i in range(2000)]
    batch = Batch.of(texts)
    rows, pieces = signatures_of(View(batch)), shingles(batch)
    asked = []

    def read(wanted, store):
        asked.extend(wanted.tolist())
        for i in wanted.tolist():
            store.put(i, pieces[i])

    dropped, compared = near_copies(Asked(rows, 0.8, 0, read))
    assert len(texts) - len(dropped) == 3
    assert compared < 100 * len(texts) and len(asked) == len(set(asked))


def test_pieces_are_those_of_another_segmentation():
    texts = corpus(7)[:80]
    found = shingles(Batch.of(texts))
    for text, pieces in zip(texts, found):
        assert len(pieces) == len(bag(text))
    left, right = np.arange(0, 80, 2), np.arange(1, 80, 2)
    with tempfile.TemporaryFile() as file:
        store = Pieces(file, 80)
        for i, pieces in enumerate(found):
            store.put(i, pieces)
        values = store.similarities(left, right)
    assert values.tolist() == [similarity(texts[i], texts[j]) for i, j in zip(left, right)]


def test_candidates_hold_nearly_all_similar_pairs():
    texts = list(dict.fromkeys(corpus(11, 300, 60)))
    pairs = candidates(signatures_of(View(Batch.of(texts))), 0.65)
    found = set(zip(pairs.left.tolist(), pairs.right.tolist()))
    assert all(i < j for i, j in found)
    wanted = {(i, j) for j in range(len(texts)) for i in range(j) if similarity(texts[i], texts[j]) >= 0.8}
    assert len(wanted) > 100 and len(wanted - found) <= 0.01 * len(wanted)


def test_a_pair_that_is_close_is_looked_at_once(monkeypatch):
    draw = random.Random(5)
    base = draw.choices(WORDS, k=80)
    rows = signatures_of(View(Batch.of([" ".join([*base, str(i)]) for i in range(40)])))
    real, close = copies._close, []

    def counting(rows, left, right, least):
        found = real(rows, left, right, least)
        close.extend(zip(left[found].tolist(), right[found].tolist()))
        return found

    monkeypatch.setattr(copies, "_close", counting)
    found = candidates(rows, 0.65)
    assert len(close) == len(set(close)) and set(close) == set(zip(found.left.tolist(), found.right.tolist()))
    assert len(found.crowded) == 40


def test_first_copies():
    docs, sizes = np.array([5, 3, 5, 3, 9, 5], np.uint64), np.array([1, 2, 1, 2, 4, 7])
    assert first_copies(docs, sizes).tolist() == [0, 1, 0, 1, 4, 5]


def test_pieces_come_back_from_the_store(tmp_path):
    with (tmp_path / "store").open("w+b") as file:
        store = Pieces(file, 5)
        store.put(3, np.arange(5, dtype=np.uint32))
        store.put(1, np.empty(0, np.uint32))
        assert store.similarities(np.array([3, 1, 1]), np.array([3, 3, 1])).tolist() == [1, 0, 0]
        store.put(2, np.array([1, 3, 7], np.uint32))
        assert store.similarities(np.array([3, 2]), np.array([2, 1])).tolist() == [2 / 6, 0]
        assert store.held.tolist() == [False, True, True, True, False]


def test_text_to_compare_with_comes_first_and_is_not_written(tmp_path):
    held_out = " ".join(WORDS[:60])
    other = "something else entirely is said in this one"
    texts = [other, held_out, held_out.replace("bin", "xyz"), " ".join(WORDS[90:150])]
    (tmp_path / "test.txt").write_text(held_out)
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    result = filter_corpus(
        str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"), against=str(tmp_path / "test.txt"), audit=None
    )
    rows = [json.loads(line) for line in (tmp_path / "b.jsonl.dropped").read_text().splitlines()]
    assert [(row["line"], row["rule"], row["of"]) for row in rows] == [
        (2, "DUP001", f"{tmp_path / 'test.txt'}:1"), (3, "DUP002", f"{tmp_path / 'test.txt'}:1"),
    ]  # fmt: skip
    assert (result.documents, result.dropped) == (4, 2)
