"""Perplexity drift: rises with generations and shares of machine text, and not for human text."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from contam import demo
from contam.perplexity.drift import Reason, bootstrapped, drift_figure, perplexity_drift
from contam.rules import apply_rules
from contam_metrics.segments import segments_of_texts


def passages(documents, size=150):
    """Paragraphs of all documents joined to texts of about ``size`` words, in a random order: one even population."""
    out = [[]]
    for paragraph in "\n\n".join(documents).split("\n\n"):
        if sum(len(p.split()) for p in out[-1]) >= size:
            out.append([])
        out[-1].append(paragraph)
    texts = ["\n\n".join(paragraphs) for paragraphs in out]
    random.Random(1).shuffle(texts)
    return texts


@pytest.fixture(scope="module")
def parts():
    """Human text in three parts without common documents: to be audited, trusted, held out."""
    texts = passages(demo.human_documents()[1])
    return texts[:45], texts[45:145], texts[145:200]


@pytest.fixture(scope="module")
def generations(parts):
    """What is left of the text to be audited after 1 and 4 generations."""
    return {g: demo.recursion(parts[0], g) for g in (1, 4)}


def measured(audited, trusted, held_out, **settings):
    texts = [None if t is None else segments_of_texts(t) for t in (audited, trusted, held_out)]
    return perplexity_drift(*texts, **({"tokens": 5_000, "splits": 19} | settings))


def warned(drift):
    (result,) = (r for r in apply_rules({"perplexity.drift": drift_figure(drift)}, {}) if r.id == "PPL002")
    return result.status == "warn"


def test_a_human_half_is_inside_the_band_and_generations_rise_above_it(parts, generations):
    human = measured(*parts)
    assert human.tokens == 5_000 and len(human.null) == 19 and not warned(human)
    assert human.p_value > 0.05 and human.value < max(human.null.max(), 0.05)
    first, fourth = (measured(generations[g], *parts[1:]) for g in (1, 4))
    assert human.value + 0.05 < first.value < fourth.value - 0.05
    assert fourth.p_value == 1 / 20 and warned(fourth) and first.p_value < human.p_value
    assert first.interval[0] < first.value < first.interval[1] and first.interval[0] > human.value
    assert fourth.bits_per_byte / fourth.value == pytest.approx(first.bits_per_byte / first.value)


def test_it_rises_with_the_share_of_machine_text(parts, generations):
    human, machine = parts[0], generations[4]
    found = [measured([*machine[: round(s * len(machine))], *human[round(s * len(human)) :]], *parts[1:])
             for s in (0, 0.5, 1)]  # fmt: skip
    assert found[0].value < found[1].value < found[2].value
    mixed = measured([*machine[: len(machine) // 2], *human[len(human) // 2 :]], *parts[1:], share=0.5)
    assert found[0].versus_less is None and mixed.versus_less < mixed.value


@pytest.mark.parametrize("role", [0, 1])
def test_one_human_text_is_divided_into_both_roles(parts, generations, role):
    human = [*parts[1], *parts[2]]
    given = (human, None) if role else (None, human)
    clean, collapsed = measured(parts[0], *given), measured(generations[4], *given)
    assert collapsed.value > clean.value + 0.1 and collapsed.p_value == 1 / 20 < clean.p_value
    assert clean.held_out_tokens >= 2_000 and clean.documents > 10 and not clean.notes


def test_it_says_the_same_again(parts):
    once, again = measured(*parts, splits=3), measured(*parts, splits=3)
    assert replace(once, null=again.null) == again and np.array_equal(once.null, again.null)


def test_a_text_that_is_its_own_reference_is_not_trained_on_what_it_predicts(parts):
    found = measured(parts[1], parts[1], None, splits=19)
    assert abs(found.value) < 0.1 and any("are of the held-out text" in n for n in found.notes)


def test_documents_of_the_held_out_text_are_not_trained_on(parts):
    plain = measured(*parts, splits=3)
    leaking = measured([*parts[2], *parts[0]], [*parts[2], *parts[1]], parts[2], splits=3)
    assert replace(leaking, null=plain.null, notes=()) == plain and len(leaking.notes) == 1


def test_foreign_words_do_not_move_the_other_side(parts):
    odd = [" ".join(f"qz{w}" for w in text.split()) for text in parts[0]]
    plain, foreign = measured(*parts, splits=3), measured(odd, *parts[1:], splits=3)
    assert foreign.trusted_nats == plain.trusted_nats and foreign.value > 1


def test_few_documents_are_divided_into_blocks(parts):
    long = ["\n".join(parts[1]), "\n".join(parts[2])]
    found = measured(parts[0], long, None, tokens=3_000)
    assert 5 < found.documents < 30 and any("the end of each is held out" in n for n in found.notes)
    other = measured(parts[0], long, None, tokens=3_000, seed=5)
    assert any("order unknown" in n for n in other.notes)


def test_of_a_long_document_the_end_is_held_out():
    """Its first words come from one vocabulary and its last from another, so nothing of the end is trained on."""
    rng = np.random.default_rng(0)
    text = "".join(f"{'ab'[i >= 8000]}{''.join(rng.choice(list('cdefgh'), 4))} " for i in range(10_000))
    found = measured([text], [text], None, tokens=None, splits=3)
    assert found.held_out_tokens == pytest.approx(2_000, abs=200)
    assert found.trusted_nats > np.log(2_000) and any("are of the held-out text" in n for n in found.notes)


@pytest.mark.parametrize(
    ("texts", "told"),
    [((["a b"], None, None), "--valid"), ((["a b c"], ["d e f"], None), "there are 3 audited and 3 human words")],
)
def test_too_little_text_is_said(texts, told):
    found = measured(*texts)
    assert isinstance(found, Reason) and told in found.text
    figure = drift_figure(found)
    assert figure.value is None and figure.reason == found.text


def test_less_text_than_wanted_is_measured_with_a_note(parts):
    found = measured(parts[0][: len(parts[0]) // 2], *parts[1:], tokens=None, splits=3)
    assert 2_000 <= found.tokens < 5_000 and "no further" in found.notes[0]


def test_the_interval_covers_what_the_documents_say():
    low, high = bootstrapped(np.array([1.0, 2.0, 3.0, 6.0]), np.array([10.0, 10.0, 10.0, 10.0]), 0)
    assert 0.1 <= low < 0.3 < high <= 0.6
    assert bootstrapped(np.ones(5), np.ones(5), 0) == (1.0, 1.0)
