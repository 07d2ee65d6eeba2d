"""Documents that a finding about a corpus comes from: known ones are named, and only where something is found."""

from __future__ import annotations

import random

import numpy as np
import pytest

from contam import attributing
from contam.attributing import NAMED, NAMED_NEAR, near_copies, responsible, suspicion
from contam.result import Level, RuleResult, Verdict
from contam_metrics.batch import Batch
from contam_metrics.segments import SegmentSample, document_hashes
from contam_metrics.words import cut

HEALTHY, RISK = Verdict(Level.HEALTHY), Verdict(Level.AT_RISK, 0.02)


def sampled(texts, names=None):
    """All segments of some texts, named ``corpus.jsonl:<line>`` (or as told)."""
    sample, batch = SegmentSample(2**40), Batch.of(texts)
    labels = names or [f"corpus.jsonl:{i}" for i in range(1, len(texts) + 1)]
    sample.update(cut(batch), document_hashes(batch), labels.__getitem__)
    return sample.segments()


def rule(identity, status="warn"):
    return RuleResult(identity, "", status, 1.0, 0.5, "")


def lines(found):
    return [int(one.id.rpartition(":")[2]) for one in found]


def named(segments, *rules, verdict=HEALTHY):
    return responsible(segments, [rule(r) for r in rules], verdict)


@pytest.fixture(scope="module")
def poorer():
    """Thirty documents with words of their own, then ten that only use what the others use."""
    chance = random.Random(3)
    common = [chr(97 + i % 26) * 2 + chr(97 + i // 26) for i in range(200)]
    rich = [
        " ".join(f"own{chr(97 + d % 26)}{chr(97 + d // 26)}{chr(97 + i % 26)}" if i % 5 == 0 else chance.choice(common)
                 for i in range(100))
        for d in range(30)
    ]  # fmt: skip
    poor = [" ".join(chance.choice(common) for _ in range(60 + 10 * d)) for d in range(10)]
    return sampled(rich + poor)


@pytest.fixture(scope="module")
def recombined():
    """Thirty documents of words of their own kind, then ten made of three-word pieces of those."""
    chance = random.Random(5)
    words = ["".join(chance.choice("abcdefgh") for _ in range(5)) for _ in range(5000)]
    human = [[chance.choice(words) for _ in range(100)] for _ in range(30)]
    pieces = [text[i : i + 3] for text in human for i in range(0, 99, 3)]
    made = [[word for _ in range(33) for word in chance.choice(pieces)] for _ in range(10)]
    return sampled([" ".join(text) for text in human + made])


def test_documents_without_words_of_their_own_are_named_for_the_tail(poorer):
    found = named(poorer, "DIV006")
    assert sorted(lines(found)) == list(range(31, 41))
    assert {one.rule for one in found} == {"DIV006"} and all(one.value > 0.99 for one in found)


def test_the_value_is_the_share_of_words_that_others_use_too():
    """Twenty documents of four words each, of which one, two or three are in all of them."""
    texts = ["in common ownaaa other" + chr(97 + i) for i in range(20)]
    seen = suspicion(sampled([*texts, "in common ownaaa here"]))
    assert sorted(seen.words) == pytest.approx([0.75] * 21)
    assert sorted(seen.triples) == pytest.approx([0.5] * 21)


def test_deviations_are_those_of_the_binomial():
    far, share = attributing._beyond(np.array([True, True, False, False, True, False]), np.array([0, 0, 0, 0, 1, 1]), 2)
    assert share == pytest.approx([0.5, 0.5]) and far == pytest.approx([0.0, 0.0])
    far, _ = attributing._beyond(np.array([True, True, False, False]), np.array([0, 0, 1, 1]), 3)
    assert far == pytest.approx([1 / 0.5**0.5, -1 / 0.5**0.5, 0.0])


def test_documents_made_of_pieces_of_others_are_named_for_copying(recombined):
    found = named(recombined, "DUP003", "DIV004")
    assert sorted(lines(found)) == list(range(31, 41))
    assert {one.rule for one in found} == {"DIV004"}


def test_a_verdict_at_risk_names_documents_without_any_rule(poorer):
    found = named(poorer, verdict=RISK)
    assert len(found) == NAMED and {one.rule for one in found} == {attributing.VERDICT}
    assert set(lines(found)) <= set(range(31, 41))


def test_a_verdict_that_a_rule_agrees_with_is_told_under_that_rule(poorer):
    assert {one.rule for one in named(poorer, "DIV005", verdict=RISK)} == {"DIV005"}


def test_nothing_is_named_where_nothing_was_found(poorer):
    assert named(poorer) == ()
    assert named(poorer, "REP001", "PPL001") == ()
    quiet = [rule("DIV006", "pass"), rule("DUP002", "skipped")]
    assert responsible(poorer, quiet, HEALTHY) == ()


def test_few_documents_are_not_ordered():
    assert named(sampled([f"some words of text {chr(97 + i)}" for i in range(19)]), "DIV006") == ()
    assert named(sampled([]), "DIV006", "DUP002") == ()


def test_equal_documents_are_ordered_by_nothing():
    """Where no document is beyond the others, none is named."""
    assert named(sampled([chr(97 + i) * 3 for i in range(25)]), "DIV006", "DIV002") == ()


def test_near_copies_come_in_pairs_the_later_first():
    chance = random.Random(1)
    texts = [" ".join("".join(chance.choice("abcdef") for _ in range(4)) for _ in range(80)) for _ in range(12)]
    texts[10] = texts[8] + " and an end"
    found = named(sampled(texts), "DUP002")
    assert lines(found) == [11, 9] and {one.rule for one in found} == {"DUP002"}
    assert found[0].value == found[1].value == pytest.approx(73 / 76)


def test_many_near_copies_are_cut_short():
    text = " ".join(chr(97 + i % 26) + chr(97 + i // 26) for i in range(90))
    found = near_copies(sampled([f"{text} {chr(97 + i)}" for i in range(20)]))
    assert len(found) == 2 * NAMED_NEAR and set(lines(found[1::2])) == {1}


def test_near_copies_are_left_out_of_the_order(poorer):
    """A copied document has no word of its own, but for the reason that DUP002 tells."""
    chance = random.Random(2)
    texts = [" ".join(f"{chr(97 + d)}{chance.choice('abcdefgh')}{chance.choice('abcdefgh')}" for _ in range(50))
             for d in range(25)]  # fmt: skip
    seen = suspicion(sampled([*texts, texts[0] + " more"]))
    assert len(seen.first) == 25


def test_an_excerpt_is_short_and_survives_bad_bytes():
    texts = [b"\xff\xfe word" + b" abc" * 150 + str(i).encode() for i in range(2)]
    (later, earlier) = near_copies(sampled(texts, ["b", "a"]))
    assert (later.id, earlier.id) == ("b", "a")
    assert len(later.excerpt) <= attributing.EXCERPT and later.excerpt.startswith("\ufffd")


def test_a_document_without_a_name_goes_by_its_content():
    texts = ["one two three four five six seven eight nine " + end for end in ("ten", "eleven")]
    found = near_copies(sampled(texts, ["", ""]))
    assert len(found) == 2 and all(len(one.id) == 16 and int(one.id, 16) for one in found)
    assert found[0].id != found[1].id


def test_every_rule_it_explains_says_what_its_value_means():
    known = (*attributing.TAIL, *attributing.COPYING, attributing.NEAR, attributing.VERDICT)
    assert set(attributing.MEANS) == set(known)


def test_the_order_of_files_does_not_matter(poorer):
    texts = [text.decode() for text in poorer.texts]
    again = sampled(texts[::-1], list(poorer.labels)[::-1])
    assert named(again, "DIV006") == named(poorer, "DIV006")
