"""The shipped document score: what it must not see, what it must survive, and what it can tell."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from contam.errors import InputError, UsageError
from contam.synthetic.features import NAMES, featurised
from contam.synthetic.score import CLIP, Score
from contam_metrics.batch import Batch

ROOT = Path(__file__).parents[2]
SENTENCES = (
    "The old harbour - so they say - was built by the king's men; nobody's sure.",
    "\"Don't go there,\" she said, and \"never at night!\"",
    "It is important to note that a comprehensive approach fosters meaningful growth.",
    "We bought 3 fish, 12 eggs, and some bread...",
    "Why would anyone leave? (I never asked.)",
)


def text(seed: int, sentences: int = 14) -> str:
    rng = random.Random(seed)
    return " ".join(rng.choice(SENTENCES) for _ in range(sentences))


TEXTS = tuple(text(i) for i in range(30))


@pytest.fixture(scope="module")
def score() -> Score:
    return Score.load()


def typeset(plain: str) -> str:
    """Curly quotes, long dashes, an ellipsis of one character."""
    out = re.sub(r"\"([^\"]*)\"", "“\\1”", plain).replace("'", "’").replace(" - ", " — ")
    return out.replace("...", "…")


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace(" ", "\n"),
        lambda t: re.sub(r"([.!?]) ", "\\1\r\n\r\n\t", t),
        lambda t: t.replace(" ", "\u00a0 \u2003"),
        lambda t: f"\n\n  {t}  \n",
        str.upper,
        str.title,
        typeset,
        lambda t: t.replace(" - ", " -- "),
        lambda t: t + " And then it goes on for quite a while, as texts do.",
    ],
)
def test_layout_case_and_typography_are_not_seen(score: Score, change) -> None:
    assert np.array_equal(score.of_texts(TEXTS), score.of_texts(map(change, TEXTS)))


def test_neither_order_nor_company_changes_a_score(score: Score) -> None:
    many = [*TEXTS, "short", *map(text, range(30, 1200)), ""]
    whole = score.of(Batch.of(many))
    order = np.random.default_rng(1).permutation(len(many))
    assert np.array_equal(score.of_texts(many[i] for i in order), whole[order], equal_nan=True)
    alone = [score.of_texts([t])[0] for t in many[:40]]
    assert np.array_equal(alone, whole[:40], equal_nan=True)
    data = Batch.of(many)
    assert np.array_equal(score.of(Batch(data.data, data.offsets[5:50])), whole[5:49], equal_nan=True)


def test_hostile_text_is_short_or_has_a_finite_score(score: Score) -> None:
    rng = random.Random(0)
    noise = bytes(rng.randrange(256) for _ in range(20_000))
    short = ["", " \n", "one two three", "x" * 1_000_000, "\n" * 1_000_000, "?!" * 5000, "\0" * 5000, "\u200b" * 999]
    long = [
        "word " * 5000, "a\0b " * 300, "😀 so " * 300, "日本" * 300, "1 " * 500, noise, "é\xff" * 3000 + " on" * 2000,
        b"\xed\xa0\x80 a" * 400, ("it " * 90).encode() + b"\xf0\x9f", "… ’’ — w " * 300, "İSTANBUL ẞ " * 80,
    ]  # fmt: skip
    assert np.isnan(score.of_texts(short)).all()
    found = score.of_texts(long)
    assert np.isfinite(found[[0, 1, 2, 3, 4, 7, 8, 9, 10]]).all()
    assert (np.isfinite(found) | np.isnan(found)).all()


def test_a_score_is_what_its_parts_say(score: Score) -> None:
    features = featurised(TEXTS)
    z = np.clip((features.dense - score.centre.astype(float)) / score.scale, -CLIP, CLIP)
    for i in range(len(TEXTS)):
        here = slice(features.bounds[i], features.bounds[i + 1])
        roots = np.sqrt(features.counts[here].astype(float))
        grams = roots / np.linalg.norm(roots) @ score.grams[features.buckets[here]].astype(float)
        expected = z[i] @ score.weights.astype(float) + grams + score.offset
        assert score.of_texts(TEXTS[i : i + 1])[0] == pytest.approx(expected, abs=1e-5)


def test_a_saved_score_gives_the_same_scores(score: Score, tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    score.save(path)
    again = Score.load(str(path))
    assert np.array_equal(score.of_texts(TEXTS), again.of_texts(TEXTS))
    assert again.trained_on == score.trained_on and again.offset == score.offset
    twice = tmp_path / "twice.npz"
    again.save(twice)
    assert twice.read_bytes() == path.read_bytes()


def test_what_is_no_score_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="english"):
        Score.load("klingon")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK not an archive")
    with pytest.raises(InputError, match="no document score"):
        Score.load(str(broken))
    other = tmp_path / "other.npz"
    np.savez(other, dense=np.zeros(3))
    with pytest.raises(InputError, match="no document score"):
        Score.load(str(other))


def test_the_shipped_score_says_what_it_was_trained_on(score: Score) -> None:
    assert {"human", "generators"} <= set(score.trained_on)
    assert len(score.trained_on["human"]) > 5 and len(score.trained_on["generators"]) > 3
    said = " ".join([*score.trained_on["human"], *score.trained_on["generators"]])
    for left_out in ("brown", "webtext", "abc", "overheard", "davinci", "gpt2", "opt-", "neo"):
        assert left_out not in said
    assert len(score.weights) == len(NAMES) and np.isfinite(score.grams).all()
    files = (ROOT / "contam" / "synthetic" / "scores").glob("*.npz")
    assert sum(p.stat().st_size for p in files) < 3_000_000


def test_scoring_needs_no_scikit_learn() -> None:
    code = (
        "import sys; from contam.synthetic.score import Score; Score.load().of_texts(['so it is ' * 40]);"
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'scipy', 'torch', 'pandas')))"
    )
    paths = os.pathsep.join(str(ROOT / p) for p in ("", "cli", "metrics"))
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": paths}).returncode == 0
