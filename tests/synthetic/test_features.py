"""The features of the document score against a slow, plain reading of the same text."""

from __future__ import annotations

import random
from collections import Counter
from importlib import import_module
from math import log, sqrt

import numpy as np
import pytest
from oracle_words import cut_slow as plain_words

from contam.synthetic import features as module
from contam.synthetic.features import (
    ENDINGS,
    FUNCTION_WORDS,
    HEAD,
    LEAST,
    MARKS,
    MOST,
    NAMES,
    TEXT,
    WORDS,
    Features,
    WordTable,
    featurised,
    opening_keys,
)
from contam_metrics.batch import Batch
from contam_metrics.kernels import calls, store
from contam_metrics.kernels.kernel import Kernel
from contam_metrics.kernels.native import NativeKernel
from contam_metrics.words import word_hash

_WORDS = (
    "the a of and it she naïve Ünder don't well-known singing 1984 3 station happiness slowly x ἀλφα — – … “so” 'tis "
    "(yes) no! why? end. end, then; thus: -- ``ah'' cat's 7.5 e.g. <unk> co‑op étude 日本 boundaries"
)
VOCABULARY = _WORDS.split()
QUOTES = {**dict.fromkeys("‘’‚‛′`´", "'"), **dict.fromkeys("“”„‟″«»", '"'), **dict.fromkeys("‐‑‒–—―−", "-")}


def some_texts(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        words = rng.choices(VOCABULARY, k=rng.choice([5, 70, 90, 130, 300]))
        out.append("".join(w + rng.choice([" ", " ", "  ", "\n", "\t\r\n"]) for w in words))
    return out


def prepared(text: str) -> str:
    """White space as single blanks, plain marks, case folded."""
    marks = "".join(QUOTES.get(c, c) for c in " ".join(text.split()).casefold()).replace("…", "...")
    out = ""
    for mark in marks:
        if mark == "-" and out.endswith("-"):
            continue
        out = out[:-1] + '"' if mark == "'" and out.endswith("'") else out + mark
    return out


def passage(text: str) -> tuple[str, list[str], list[bool]]:
    """The prepared text of the words read, these words, and which are numbers."""
    found, end = [], 0
    plain = text.casefold()
    for word, number, _ in plain_words(text).words[:MOST]:
        start = plain.index(word, end)
        end = start + len(word)
        found.append((start, end, word, number))
    body = prepared(text[found[0][0] : found[-1][1]]) if found else ""
    return body, [w for _, _, w, _ in found], [n for *_, n in found]


def column(features: Features, name: str) -> np.ndarray:
    return features.dense[:, NAMES.index(name)]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return [t for t in some_texts(60) if "<unk>" not in t]


@pytest.fixture(scope="module")
def long_texts() -> list[str]:
    texts = [t.replace("<unk>", "so") for t in some_texts(60, 1)]
    return [t for t in texts if len(plain_words(t).words) >= LEAST]


def test_names_are_as_many_as_columns(long_texts: list[str]) -> None:
    assert len(NAMES) == len(set(NAMES)) == len(FUNCTION_WORDS) + len(WORDS) + len(MARKS) + len(ENDINGS) + len(TEXT)
    assert featurised(long_texts).dense.shape == (len(long_texts), len(NAMES))


def test_words_are_counted_up_to_a_hundred(texts: list[str]) -> None:
    found = featurised(texts)
    assert found.words.tolist() == [min(len(plain_words(t).words), MOST) for t in texts]
    assert found.usable.tolist() == [len(plain_words(t).words) >= LEAST for t in texts]


def test_function_words_are_square_roots_of_rates(long_texts: list[str]) -> None:
    found = featurised(long_texts)
    for name in ("the", "of", "so", "don", "t", "she"):
        expected = [sqrt(passage(t)[1].count(name) / len(passage(t)[1])) for t in long_texts]
        np.testing.assert_allclose(column(found, f"word {name}"), expected, rtol=1e-6)


def test_marks_and_endings(long_texts: list[str]) -> None:
    found = featurised(long_texts)
    for i, text in enumerate(long_texts):
        body, words, numbers = passage(text)
        counts = Counter(
            semicolon=body.count(";"), colon=body.count(":"), comma=body.count(","), quote=body.count('"'),
            exclamation=body.count("!"), question=body.count("?"), bracket=body.count("(") + body.count(")"),
            number=sum(numbers),
        )  # fmt: skip
        for name, count in counts.items():
            assert column(found, name)[i] == pytest.approx(sqrt(count / len(words))), name
        inner = [k for k, c in enumerate(body) if c == "'" and 0 < k < len(body) - 1]
        inner = [k for k in inner if body[k - 1].isalpha() and body[k + 1].isalpha()]
        assert column(found, "apostrophe")[i] == pytest.approx(sqrt(len(inner) / len(words)))
        for ending in ("ing", "ness", "ly", "s", "tion"):
            count = sum(w.endswith(ending) and len(w) >= len(ending) + 2 for w in words)
            assert column(found, f"-{ending}")[i] == pytest.approx(sqrt(count / len(words))), ending


def test_variety_and_lengths(long_texts: list[str]) -> None:
    found = featurised(long_texts)
    for i, text in enumerate(long_texts):
        words = passage(text)[1]
        counts = Counter(words[:LEAST])
        assert column(found, "different words")[i] == pytest.approx(len(counts) / LEAST)
        assert column(found, "once only")[i] == pytest.approx(sum(c == 1 for c in counts.values()) / len(counts))
        sizes = [len(w) for w in words]
        assert column(found, "word length")[i] == pytest.approx(np.mean(sizes))
        assert column(found, "word length sd")[i] == pytest.approx(np.std(sizes), abs=1e-5)
        assert column(found, "characters a word")[i] == pytest.approx(len(passage(text)[0]) / len(words))


def test_sentences_end_where_no_letter_follows() -> None:
    text = "one two three. " + "e.g. four five six! " + "seven " * 90
    found = featurised([text])
    n = 98
    # "one two three", "e.g" as two words whose first stop is followed by a letter, "four five six"
    lengths = [3, 2, 3]
    assert column(found, "sentences")[0] == pytest.approx(sqrt(len(lengths) / n))
    assert column(found, "sentence length")[0] == pytest.approx(log(sqrt(sum(x * x for x in lengths) / len(lengths))))


def test_rarity_comes_from_the_table() -> None:
    table = WordTable.of([Batch.of(["the cat the dog " * 10 + "owl " * 2])], 5)
    text = "the cat owl 1984 " * 25
    found = featurised([text], table)
    the, cat = round(12 * log(42 / 20)) / 12, round(12 * log(42 / 10)) / 12
    assert column(found, "frequency")[0] == pytest.approx((the + cat + module.UNKNOWN) / 3, rel=1e-5)
    assert column(found, "unknown words")[0] == column(found, "rare words")[0] == pytest.approx(1 / 3)


def test_the_table_survives_its_file(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = WordTable.of([Batch.of(["der Hund und die Katze und der Hase"])], 1)
    (tmp_path / "scores").mkdir()
    table.save(tmp_path / "scores" / "words.npz")
    monkeypatch.setattr("contam.synthetic.features.__file__", str(tmp_path / "features.py"))
    read = WordTable.load.__wrapped__(WordTable)
    assert read.hashes.tolist() == table.hashes.tolist() and read.steps.tolist() == table.steps.tolist()


def test_the_shipped_table_knows_usual_words() -> None:
    rarity = WordTable.load().rarity(np.array([word_hash("the"), word_hash("house"), word_hash("xqzzk")], np.uint64))
    assert 2 < rarity[0] < 4 < rarity[1] < 10 and np.isinf(rarity[2])


def test_ngrams_are_those_within_words(long_texts: list[str]) -> None:
    found = featurised(long_texts)
    names: dict[int, set[str]] = {}
    for i, text in enumerate(long_texts):
        counts: Counter[str] = Counter()
        for word in passage(text)[0].split():
            padded = f" {word} "
            counts.update(padded[k : k + n] for n in (3, 4, 5) for k in range(len(padded) - n + 1))
        here = slice(found.bounds[i], found.bounds[i + 1])
        assert found.counts[here].sum() == counts.total()
        assert len(set(found.buckets[here].tolist())) == found.bounds[i + 1] - found.bounds[i] <= len(counts)
        if i < 5:
            for gram in counts:
                names.setdefault(bucket(gram), set()).add(gram)
            assert set(found.buckets[here].tolist()) == {bucket(g) for g in counts}
    assert sum(len(n) > 1 for n in names.values()) < 0.05 * len(names)


def bucket(gram: str) -> int:
    """The bucket of one n-gram, step by step in 64-bit integers."""
    low = (1 << 64) - 1

    def mixed(state: int, value: int) -> int:
        state = ((state ^ value) * 0x9E3779B97F4A7C15) & low
        return state ^ (state >> 32)

    codes = [ord(c) for c in gram]
    state = mixed(0, (codes[0] << 32) | codes[1])
    for code in codes[2:]:
        state = mixed(state, code)
    state = (state * 0xD6E8FEB86659FD93) & low
    state ^= state >> 29
    state = (state * 0x9E3779B97F4A7C15) & low
    return (state ^ (state >> 32)) % module.GRAMS


def test_a_batch_may_be_cut_anywhere(texts: list[str]) -> None:
    many = texts * 12
    whole, parts = featurised(many), Features.joined([featurised(many[:7]), featurised(many[7:])])
    for name in Features.__slots__:
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name


def test_what_stands_around_is_not_seen() -> None:
    body = " ".join(["the owl's nest, so to say."] * 30)
    a, b = featurised([body]), featurised([f"\n\n** « {body} and then more of it\n"])
    assert np.array_equal(a.dense, b.dense) and np.array_equal(a.buckets, b.buckets)


def test_only_the_head_is_looked_at() -> None:
    body = "it was a long story and nobody knew its end " * 12
    spaced = body.replace(" ", " " * 40)
    long, short = featurised([body + "x " * 500_000]), featurised([body])
    assert np.array_equal(long.dense, short.dense)
    assert featurised([spaced]).words[0] == min(MOST, len(spaced[:HEAD].split()))
    assert featurised(["w" * HEAD + "w" * 50]).words[0] == 0


def test_opening_keys_see_two_hundred_characters() -> None:
    body = "“Well” — she said… " * 20
    plain = prepared(body)
    texts = [body, "  \n" + body.upper(), plain, plain[:200], plain[:199], body + "more", "", " "]
    keys = opening_keys(Batch.of(texts))
    assert len(set(keys[:4].tolist())) == 1 and keys[5] == keys[0] != keys[4]
    assert keys[6] == keys[7]
    swapped = opening_keys(Batch.of(["ab cd", "cd ab", "ab cd"]))
    assert swapped[0] == swapped[2] != swapped[1]


def test_no_documents() -> None:
    found = featurised([])
    assert len(found) == 0 and found.dense.shape == (0, len(NAMES)) and len(opening_keys(Batch.of([]))) == 0


def test_stored_kernels_do_what_numba_does(texts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.usable():
        pytest.skip("kernels cannot be stored here")
    odd = [t.encode() + b"\xff\xc3" for t in texts[:9]] + [b"", b"\0" * 99, "… ’’ — w ".encode() * 90]
    expected = featurised(odd), opening_keys(Batch.of(odd))
    for name, home in calls.OPENINGS.items():
        module = import_module(f"contam_metrics.kernels.{home}")
        assert isinstance(getattr(calls, name), NativeKernel) and isinstance(getattr(module, name), Kernel)
        monkeypatch.setattr(calls, name, getattr(module, name), raising=False)
    found = featurised(odd)
    for name in Features.__slots__:
        assert np.array_equal(getattr(found, name), getattr(expected[0], name)), name
    assert np.array_equal(opening_keys(Batch.of(odd)), expected[1])
