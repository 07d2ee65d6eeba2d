"""The filters of generated documents: what is planted is found, human text passes, draws are weighted draws."""

from __future__ import annotations

import io
import json
import os
import random
import re
from collections import Counter
from itertools import chain, pairwise, permutations
from pathlib import Path

import numpy as np
import pytest

from contam.demo import Trigram, human_documents
from contam.errors import InputError
from contam.experiments.recurse import filtering
from contam.experiments.recurse.backend import Name, Predicted
from contam.experiments.recurse.document_scores import GOPHER_RULES, score_texts, surprise_of
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.filtering import Kept, Limits, Sieve, drawn
from contam.experiments.recurse.options import FILTERS
from contam_metrics.gopher import PUBLISHED_LIMITS, gopher_repetition, lines_of, paragraphs_of
from contam_metrics.one_text import words_of
from contam_metrics.repetition import looped

NAME = Name("replace+resample-seed0", 0, 1)
WORDS = 100


@pytest.fixture(scope="module")
def human() -> list[str]:
    """Different human documents of a hundred words."""
    words = " ".join(human_documents()[1]).split()
    found = list(dict.fromkeys(" ".join(words[i : i + WORDS]) for i in range(0, len(words) - WORDS, WORDS)))
    random.Random(0).shuffle(found)
    return found[:600]


@pytest.fixture(scope="module")
def generated(human: list[str]) -> list[str]:
    """What a trigram model of other human documents writes, a document for each of 300."""
    model, chance = Trigram([text.split() for text in human[300:]]), random.Random(0)
    return [" ".join(model.sample(WORDS, chance)) for _ in range(300)]


def nats(texts: list[str], low: float = 3.0) -> np.ndarray:
    """Made-up surprise: low + 0, .01, .02, ..."""
    return low + np.arange(len(texts)) / 100


def fitted(kind: str, real: list[str], machine: list[str], name: Name = NAME) -> Sieve:
    return Sieve.fit(real, machine, nats(real), nats(machine), name=name, kind=kind)


def planted(human: list[str]) -> dict[str, list[str]]:
    """Broken documents by the reason they should be dropped for."""
    words = [text.split() for text in human[:20]]
    loops = [" ".join(own[:20] + own[20 : 20 + k] * (80 // k)) for k, own in enumerate(words, 1)]
    spelled = [text[:300] + "ha" * 200 for text in human[20:30]]
    lines = ["\n".join([text[:40], *[text[40:80]] * 2, text[80:120]] * 5) for text in human[30:40]]
    return {filtering.LOOPS: loops + spelled, filtering.GOPHER: lines}


def test_scores_are_those_of_the_plain_forms(human, generated):
    texts = [*human[:40], *generated[:20], *chain(*planted(human).values()), "", "word", "... ,,,", "one two"]
    texts = [re.sub(r"\d", "", text) for text in texts]  # the plain words have every number one digit long
    scores = score_texts(texts)
    for i, text in enumerate(texts):
        words = words_of(text)
        plain = gopher_repetition(words, lines_of(text), paragraphs_of(text))
        assert scores.words[i] == len(words)
        np.testing.assert_allclose(scores.gopher[i], np.nan_to_num([plain[rule] for rule in GOPHER_RULES]), atol=1e-12)
        assert (scores.loop[i] >= 0.25) == looped(np.unique(words, return_inverse=True)[1], text.casefold())
        pairs = list(pairwise(words))[:199]
        fours = list(zip(words, words[1:], words[2:], words[3:]))[:197]
        different = [len(set(grams)) / len(grams) if grams else np.nan for grams in (pairs, fours)]
        expected = [different[0], 1 - different[1]]
        np.testing.assert_allclose([scores.distinct_2[i], scores.rep_4[i]], expected, atol=1e-12)


def test_scores_do_not_depend_on_batches(human, monkeypatch):
    texts = human[:50] + human[40:60]
    whole = score_texts(texts)
    monkeypatch.setattr("contam.experiments.recurse.document_scores.BATCH_CHARACTERS", 2000)
    cut = score_texts(texts)
    for field in ("words", "loop", "gopher", "rep_4", "distinct_2", "copy", "contents"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(cut, field))
    assert whole.copy.tolist() == [False] * 50 + [True] * 10 + [False] * 10
    assert len(score_texts([])) == 0


def test_surprise_is_nats_a_token():
    class Model:
        def predicted(self, documents):
            return Predicted(np.array([6.0, 0.0]), np.array([3, 0]), np.array([-1, -1]))

    np.testing.assert_array_equal(surprise_of(Model(), Encoded.of([[1, 2, 3], []])), [2.0, np.nan])
    with pytest.raises(ValueError, match="one number a document"):
        score_texts(["a"], np.zeros(2))


def test_none_keeps_everything(human):
    kept = fitted("none", human, human)(["", *human[:5]])
    assert kept.indices.tolist() == list(range(6)) and kept.dropped == 0 and not kept.reasons


def test_every_filter_that_is_offered_can_be_made(human, generated):
    for kind in FILTERS:
        assert fitted(kind, human[:60], generated[:60]).kind == kind
    with pytest.raises(ValueError, match="no filter 'other'"):
        fitted("other", human, generated)


def test_flagged_finds_all_that_is_planted_and_little_else(human):
    sieve = fitted("flagged", human[:300], [])
    bad = planted(human[300:])
    texts, copies = human[300:], human[310:340]
    kept = sieve([*texts, *chain(*bad.values()), *copies, " \n"])
    left = {i for i in kept.indices.tolist() if i >= len(texts)}
    assert not left
    assert len(copies) - 3 <= kept.reasons[filtering.COPIES] <= len(copies) and kept.reasons[filtering.EMPTY] == 1
    assert kept.reasons[filtering.LOOPS] >= len(bad[filtering.LOOPS])
    assert kept.dropped == kept.reasons.total() == len(texts) + 71 - len(kept.indices)
    assert len(kept.indices) >= 0.97 * len(texts)
    assert (np.diff(kept.indices) > 0).all()


def test_limits_are_the_audits_or_what_the_real_text_shows(human):
    assert Limits.of(score_texts([])).gopher.tolist() == list(PUBLISHED_LIMITS.values())
    assert Limits.of(score_texts([])).loop == 0.25
    rhyme = ["row " * 60 + text for text in human[:50]]
    wide = Limits.of(score_texts(rhyme))
    scores = score_texts(rhyme)
    assert (scores.gopher <= wide.gopher).all() and (scores.loop < wide.loop).mean() >= 0.99
    with pytest.raises(InputError, match="flagged leaves none of 50"):
        fitted("flagged", human, [])(rhyme)


def test_likely_drops_what_is_below_the_five_percent_point(human):
    sieve = fitted("likely", human[:101], [])
    texts = human[:6]
    kept = sieve(texts, np.array([3.0, 3.049, 3.051, np.nan, 9.0, 0.0]))
    assert kept.indices.tolist() == [2, 4]
    assert kept.reasons == Counter({filtering.LIKELY: 3, filtering.EMPTY: 1})
    assert sieve.facts["least_nats"] == pytest.approx(3.05)
    with pytest.raises(InputError, match=r"likely leaves none of 6 .*6 too-likely.*by heart.*--temperature"):
        sieve(texts, np.zeros(6))
    with pytest.raises(ValueError, match="nats a token"):
        sieve(texts)


@pytest.mark.parametrize("kind", ["likely", "resample"])
def test_too_few_documents_are_said_so(kind, human, generated):
    with pytest.raises(InputError, match=f"--filter {kind} .* needs 20 .*there are 19 "):
        fitted(kind, human[:19], generated)


def test_copies_do_not_make_up_for_too_few_documents(human, generated):
    with pytest.raises(InputError, match="there are 5 generated"):
        fitted("resample", human[:60], generated[:5] * 20)


def test_without_scikit_learn_it_says_what_to_install(human, generated, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"contam\[stats\]"):
        fitted("resample", human[:60], generated[:60])


def drawn_first(weights: tuple[float, ...], size: int) -> np.ndarray:
    """The exact expected number of times that each row is drawn: every order of the tripled rows by its chance."""
    rows = [i for i in range(len(weights)) for _ in range(3)]
    total, out = sum(weights[i] for i in rows), np.zeros(len(weights))
    for order in permutations(range(len(rows)), size):
        chance, left = 1.0, total
        for place in order:
            chance *= weights[rows[place]] / left
            left -= weights[rows[place]]
        for place in order:
            out[rows[place]] += chance
    return out


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 0.2), (0.9, 0.3, 0.05)])
def test_draws_are_weighted_draws_without_replacement(weights):
    size, runs = round(1.5 * len(weights)), 4000
    chance = np.random.default_rng(1)
    counts = [np.bincount(drawn(np.log(weights), chance), minlength=len(weights)) for _ in range(runs)]
    error = 4 * np.std(counts, axis=0) / runs**0.5 + 1e-9
    assert (np.abs(np.mean(counts, axis=0) - drawn_first(weights, size)) < error).all()
    assert np.max(counts) <= 3 and all(c.sum() == size for c in counts)


def test_draws_agree_with_numpys_own(human):
    weights, runs = np.random.default_rng(3).random(40) ** 4, 1500
    chance = np.random.default_rng(4)
    rows = np.repeat(np.arange(40), 3)
    p = weights[rows] / weights[rows].sum()
    mine = [np.bincount(drawn(np.log(weights), chance), minlength=40) for _ in range(runs)]
    its = [np.bincount(chance.choice(rows, 60, replace=False, p=p), minlength=40) for _ in range(runs)]
    error = 4.5 * np.sqrt((np.var(mine, axis=0) + np.var(its, axis=0)) / runs) + 1e-3
    assert (np.abs(np.mean(mine, axis=0) - np.mean(its, axis=0)) < error).all()


def test_weights_too_small_for_floating_point_still_order_the_draw():
    indices = drawn(np.array([-5000.0, -9000.0, -5000.0, -9000.0]), np.random.default_rng(0))
    assert sorted(indices.tolist()) == [0, 0, 0, 2, 2, 2]


def test_a_part_of_the_draw_is_a_fair_one():
    """Rows come in random order, not the favourites first."""
    chance = np.random.default_rng(5)
    weights = np.log([1.0] * 10 + [0.01] * 10)
    firsts = [drawn(weights, chance)[:5] for _ in range(400)]
    wholes = [drawn(weights, chance) for _ in range(400)]
    share = [np.mean(np.concatenate(some) < 10) for some in (firsts, wholes)]
    assert abs(share[0] - share[1]) < 0.03


def test_resample_prefers_what_looks_human(human, generated):
    sieve = fitted("resample", human[:150], generated[:150])
    assert sieve.facts["auc"] > 0.9 and sieve.facts["calibration_error"] < 0.1
    texts = [*human[150:250], *generated[150:250], ""]
    kept = sieve(texts, np.full(201, 4.0))
    assert kept.weights[:100].mean() > 5 * kept.weights[100:200].mean() and kept.weights[200] == 0
    assert len(kept.indices) == 300 and np.bincount(kept.indices).max() <= 3
    assert (kept.indices < 100).mean() > 0.7
    assert kept.dropped == 201 - len(set(kept.indices.tolist()))
    assert kept.reasons == Counter({filtering.NOT_DRAWN: kept.dropped - 1, filtering.EMPTY: 1})


def test_resample_is_a_function_of_names_and_documents(human, generated):
    runs = [fitted("resample", human[:60], generated[:60])(generated, nats(generated)) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].indices, runs[1].indices)
    sieve = fitted("resample", human[:60], generated[:60])
    other = sieve(generated, nats(generated), Name("replace+resample-seed0", 0, 2))
    assert other.indices.tolist() != runs[0].indices.tolist()
    np.testing.assert_array_equal(other.weights, runs[0].weights)


def test_no_document_is_judged_by_a_model_that_learnt_from_it(human, generated):
    """Labels drawn at random: whoever had seen a document would know its label, and its own fold's model cannot."""
    texts = human[:240]
    chance = np.random.default_rng(0).permutation(240)
    sides = [[texts[i] for i in part] for part in (chance[:120], chance[120:])]
    sieve = Sieve.fit(*sides, None, None, name=NAME, kind="resample")
    odds = [sieve.classifier.log_odds(side, score_texts(side)) for side in sides]
    right = np.mean(np.concatenate([odds[0] < 0, odds[1] > 0]))
    assert abs(right - 0.5) < 0.15 and abs(sieve.facts["auc"] - 0.5) < 0.15
    assert np.abs(np.concatenate(odds)).max() < 3
    memorised = [sieve.classifier.folds[0].value(*inputs(side)) for side in sides]
    assert np.mean(np.concatenate([memorised[0] < 0, memorised[1] > 0])) > 0.8


def inputs(texts):
    from contam.experiments.recurse.classifier import byte_grams, features

    return features(score_texts(texts)), byte_grams(texts)


def test_byte_grams_are_log_counts_of_length_one():
    from contam.experiments.recurse.classifier import byte_grams

    rows = byte_grams(["abab", "", "ab", "xyz"]).toarray()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1, 1])
    # a, b, ab twice; ba, aba, bab once.
    expected = np.sort(np.log1p([2, 2, 2, 1, 1, 1]))
    np.testing.assert_allclose(np.sort(rows[0][rows[0] > 0]), expected / np.linalg.norm(expected))
    assert (rows[3] > 0).sum() == 6 and not (rows[2] * rows[3]).any()


def test_a_budget_of_tokens_is_filled_in_order_and_from_the_start_again():
    kept, lengths = Kept(np.array([2, 0, 3])), np.array([4, 9, 3, 5])
    for tokens in range(1, 40):
        indices, last = kept.filling(lengths, tokens)
        assert lengths[indices[:-1]].sum() + last == tokens and 1 <= last <= lengths[indices[-1]]
        assert indices.tolist() == [2, 0, 3] * (len(indices) // 3) + [2, 0, 3][: len(indices) % 3]
    with pytest.raises(InputError, match="token"):
        kept.filling(np.zeros(4, np.int64), 5)


HUMAN = {
    "human/abc_news.jsonl.zst": 0.02,
    "human/wikipedia_abstracts.jsonl.zst": 0.03,
    "human/movie_reviews.jsonl.zst": 0.02,
    "human/english_novels.jsonl.zst": 0.02,
    "human/brown.jsonl.zst": 0.03,
    "human/spanish_news.jsonl.zst": 0.03,
}


@pytest.mark.shared
@pytest.mark.parametrize("path", HUMAN)
def test_human_documents_are_rarely_flagged(path):
    import zstandard

    shared = Path(os.environ.get("CONTAM_SHARED") or Path(__file__).parents[4] / "shared") / "data" / path
    if not shared.is_file():
        pytest.skip(f"no shared data at {shared}")
    with shared.open("rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        texts = [json.loads(line)["text"] for line in lines]
    random.Random(0).shuffle(texts)
    half = len(texts) // 2
    kept = Sieve.fit(texts[:half], [], None, None, name=NAME, kind="flagged")(texts[half:])
    rate = kept.dropped / (len(texts) - half)
    print(path, round(rate, 4), dict(kept.reasons))
    assert rate <= HUMAN[path]
