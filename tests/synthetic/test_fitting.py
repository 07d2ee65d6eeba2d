"""Fitting a score: two sides that differ in one habit are told apart, sources weigh as said, and refits are cheap."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from contam.errors import InputError
from contam.synthetic.features import GRAMS, NAMES, featurised
from contam.synthetic.fitting import PARTS, Labels, fit, fit_features, gram_matrix
from contam_metrics.batch import Batch

_NOUNS = "house river letter garden window captain morning shadow table voice corner summer"
_PLAIN = "the a and of to in was he it she with had on at for"
_FANCY = "moreover crucial essential comprehensive furthermore"
ROOT = Path(__file__).parents[2]
NOUNS, PLAIN, FANCY = (words.split() for words in (_NOUNS, _PLAIN, _FANCY))


def documents(count: int, fancy: float, seed: int) -> list[str]:
    """Texts of about 110 words; ``fancy`` is the rate of words that give one side away."""
    rng = random.Random(seed)

    def word() -> str:
        return rng.choice(FANCY if rng.random() < fancy else NOUNS if rng.random() < 0.4 else PLAIN)

    return [" ".join(word() + rng.choice(["", "", "", ",", "."]) for _ in range(110)) for _ in range(count)]


def labelled(human: int = 60, machine: int = 60, seed: int = 0) -> tuple[list[str], Labels]:
    texts = documents(human, 0.01, seed) + documents(machine, 0.05, seed + 1)
    made = np.arange(human + machine) >= human
    return texts, Labels(made, ["a"] * len(texts), {"human": ["a"], "generators": ["g"]})


def auc(human: np.ndarray, machine: np.ndarray) -> float:
    return float(np.mean(machine[:, None] > human) + np.mean(machine[:, None] == human) / 2)


def test_sides_are_told_apart_on_new_text() -> None:
    texts, labels = labelled()
    score = fit(texts, labels)
    human, machine = (score.of_texts(documents(80, f, 9 + i)) for i, f in enumerate((0.01, 0.05)))
    assert auc(human, machine) > 0.95
    assert dict(score.trained_on) == {"human": ["a"], "generators": ["g"]}


def test_labels_that_mean_nothing_give_a_score_that_means_nothing() -> None:
    texts, labels = labelled()
    shuffled = Labels(np.random.default_rng(0).permutation(labels.machine), labels.sources, {})
    score = fit(texts, shuffled)
    assert 0.2 < auc(*(score.of_texts(documents(80, f, 9 + i)) for i, f in enumerate((0.01, 0.05)))) < 0.8


def test_each_half_has_its_spread_and_zero_is_even() -> None:
    texts, labels = labelled(40, 80)
    features = featurised(texts)
    score = fit_features(features, labels)
    weights = labels.weights(np.arange(len(texts)))
    for part, spread in zip((score.dense_part(features), score.gram_part(features)), PARTS):
        middle = np.average(part, weights=weights)
        assert np.average((part - middle) ** 2, weights=weights) == pytest.approx(spread**2, rel=1e-3)
    assert np.average(score.of_features(features), weights=weights) == pytest.approx(0, abs=1e-3)


def test_some_rows_are_as_good_as_their_texts() -> None:
    texts, labels = labelled(50, 50)
    rows = np.r_[0:40, 50:95]
    part = Labels(labels.machine[rows], [labels.sources[i] for i in rows], labels.trained_on)
    a = fit_features(featurised(texts), labels, rows)
    b = fit([texts[i] for i in rows], part)
    new = documents(20, 0.03, 5)
    np.testing.assert_allclose(a.of_texts(new), b.of_texts(new), atol=1e-4)


def test_weights_balance_the_sides_and_damp_large_sources() -> None:
    machine = np.array([False] * 100 + [False] * 4 + [True] * 30 + [False] * 9)
    labels = Labels(machine, ["large"] * 100 + ["small"] * 4 + ["both"] * 39, {})
    weights = labels.weights(np.arange(len(machine)))
    assert weights.sum() == pytest.approx(len(machine))
    assert weights[machine].sum() == pytest.approx(weights[~machine].sum())
    assert weights[:100].sum() / weights[100:104].sum() == pytest.approx(np.sqrt(100) / np.sqrt(4))
    assert weights[:104].sum() == pytest.approx(weights[134:].sum())
    alone = labels.weights(np.arange(104))
    assert alone.sum() == pytest.approx(52)  # no machine text: the human side still is half


def test_short_texts_are_left_out_and_a_side_must_have_enough() -> None:
    texts, labels = labelled(30, 25)
    short = [t if i < 50 else t[:60] for i, t in enumerate(texts)]
    assert fit(short, labels).of_texts(texts[:1])[0] == pytest.approx(
        fit_features(featurised(texts), labels, np.arange(50)).of_texts(texts[:1])[0], abs=1e-6
    )
    with pytest.raises(InputError, match="20 texts"):
        fit(short[:45], Labels(labels.machine[:45], labels.sources[:45], {}))


def test_the_matrix_has_rows_of_unit_length() -> None:
    texts = [*documents(3, 0.02, 0), "too short"]
    matrix = gram_matrix(featurised(texts))
    assert matrix.shape == (4, GRAMS)
    np.testing.assert_allclose(np.asarray(matrix.multiply(matrix).sum(1)).ravel(), [1, 1, 1, 0])
    features = featurised(Batch.of(texts))
    score = fit(*labelled())
    np.testing.assert_allclose(matrix @ score.grams, score.gram_part(features), atol=1e-5)
    assert features.dense.shape[1] == len(NAMES)


@pytest.mark.shared
@pytest.mark.slow
def test_essays_that_no_fit_has_seen_are_told_apart() -> None:
    shared = Path(os.environ.get("CONTAM_SHARED") or ROOT.parent / "shared")
    if not (shared / "data").is_dir():
        pytest.skip(f"no shared data at {shared}")
    sys.path.append(str(ROOT / "benchmarks"))
    import authors

    essays = ("student_essays", "school_essays", "essays_toefl_hewlett")
    rows = authors.training_rows(without_origins=essays, most=20)
    score = fit(rows.texts, Labels(np.array(rows.machine), rows.sources, {}))
    found = {
        s.name: auc(score.of_texts(s.human), score.of_texts(s.texts))
        for s in authors.machine_sets()
        if s.dataset in essays and min(len(s.texts), len(s.human)) >= 15
    }
    assert len(found) >= 4
    assert np.mean([*found.values()]) > 0.85 and min(found.values()) > 0.65, found
