from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contam.errors import InputError
from contam.experiments.recurse.composing import Sources, composed, drawn, first, needed
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.options import Lineage

GENERATIONS = 4


def corpus(mark: int, lengths=(7, 3, 12, 5, 9, 4)) -> Encoded:
    """Documents of which every token says which corpus it is from, and which document of that."""
    return Encoded.of([np.full(n, 100 * mark + i) for i, n in enumerate(lengths)])


REAL = corpus(0)
NONE = Encoded.of([])


def sources(generations=GENERATIONS, fresh=NONE, kept=None):
    written = [corpus(g + 1) if kept is None or g in kept else None for g in range(generations)]
    return Sources(REAL, fresh, tuple(written))


def marks(encoded):
    return set((encoded.ids // 100).tolist())


@pytest.mark.parametrize("paradigm", ["replace", "accumulate", "accumulate-subsample", "mix"])
def test_generation_zero_is_real_text_in_every_paradigm(paradigm):
    made = composed(Lineage(paradigm, 0, real_share=0.1, rate=1.0), sources(0))
    assert made.corpus is REAL
    assert made.real_share == 1.0


def test_replace_is_the_last_generation_alone():
    made = composed(Lineage("replace", 0), sources(kept={GENERATIONS - 1}))
    assert marks(made.corpus) == {GENERATIONS}
    assert (made.corpus.tokens, made.real_tokens) == (REAL.tokens, 0)


def test_accumulate_is_everything():
    made = composed(Lineage("accumulate", 0), sources())
    assert marks(made.corpus) == set(range(GENERATIONS + 1))
    assert made.corpus.tokens == (GENERATIONS + 1) * REAL.tokens
    assert made.real_share == pytest.approx(1 / (GENERATIONS + 1))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_mix_has_the_share_to_the_token(share):
    made = composed(Lineage("mix", 0, real_share=share), sources(kept={GENERATIONS - 1}))
    real = int((made.corpus.ids < 100).sum())
    assert (real, real) == (made.real_tokens, round(share * REAL.tokens))
    assert made.corpus.tokens == REAL.tokens


def test_fresh_text_is_used_once():
    fresh = Encoded.of([np.arange(1000 + 50 * i, 1050 + 50 * i) for i in range(4)])
    seen = []
    for generation in range(1, GENERATIONS + 1):
        made = composed(Lineage("mix", 0, real_share=0.5), sources(generation, fresh))
        seen += made.corpus.ids[made.corpus.ids >= 1000].tolist()
    assert seen == list(range(1000, 1000 + GENERATIONS * round(0.5 * REAL.tokens)))


@pytest.mark.parametrize("rate", [0.25, 1.0])
def test_a_subsample_has_the_size_of_the_real_text(rate):
    made = composed(Lineage("accumulate-subsample", 3, rate=rate), sources())
    assert made.corpus.tokens == REAL.tokens
    assert made.real_tokens == int((made.corpus.ids < 100).sum())


def test_a_subsample_draws_from_the_pool_in_proportion():
    """The real text is 1 of 1 + rate x generations parts of the pool, whatever the seed."""
    for rate in (0.5, 1.0):
        shares = [composed(Lineage("accumulate-subsample", s, rate=rate), sources()).real_share for s in range(400)]
        error = np.std(shares) / np.sqrt(len(shares))
        assert abs(np.mean(shares) - 1 / (1 + rate * GENERATIONS)) < 4 * error + 0.02


def test_the_same_lineage_draws_the_same_and_another_seed_does_not():
    one, again, other = (composed(Lineage("accumulate-subsample", s, rate=1.0), sources()) for s in (0, 0, 1))
    assert one.corpus.ids.tolist() == again.corpus.ids.tolist() != other.corpus.ids.tolist()


def test_nothing_left_is_told_with_the_generation():
    empty = Sources(REAL, NONE, (Encoded.of([[], []]),))
    with pytest.raises(InputError, match=r"replace-seed0: generation 1 has nothing .* 0 wrote are empty"):
        composed(Lineage("replace", 0), empty)


def test_which_generations_are_still_needed():
    assert list(needed("replace", 5)) == list(needed("mix", 5)) == [4]
    assert list(needed("accumulate", 3)) == list(needed("accumulate-subsample", 3)) == [0, 1, 2]


LENGTHS = st.lists(st.integers(0, 9), min_size=1, max_size=8)


@given(LENGTHS, st.integers(0, 80), st.integers(0, 5))
def test_drawn_documents_have_the_size_asked_for(lengths, tokens, seed):
    documents = corpus(0, lengths)
    found = drawn(documents, tokens, np.random.default_rng(seed))
    assert found.tokens == min(tokens, documents.tokens)


@given(LENGTHS, st.integers(0, 40), st.integers(0, 40))
def test_a_stretch_of_documents_keeps_them_apart(lengths, begin, tokens):
    documents = corpus(0, lengths)
    found = first(documents, begin, tokens)
    assert found.ids.tolist() == documents.ids[begin : begin + tokens].tolist()
    assert all(len(set(found.document(i).tolist())) == 1 for i in range(len(found)))
