"""The signals of one generated text: the audit's words and figures, odd texts, and which way loops move them."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_words import cut_slow

from contam_metrics.ngrams import ragged
from contam_metrics.one_text import (
    DIRECTIONS,
    FALLS,
    NUMBER,
    log_fields,
    loop_characters,
    signals_of,
    words_of,
)
from contam_metrics.repetition import SHORTEST_CHARACTER_LOOP, looped_positions
from contam_metrics.signals import figures, tables

ODD = {
    "empty": "",
    "one word": "word",
    "no spaces": "abcdefg" * 700,
    "line feeds": "\n" * 5000,
    "emoji": "\U0001f600\U0001f389" * 400,
    "lone surrogates": "\ud800 a \udfff\ud83d" * 50,
    "replacement characters": "\ufffd" * 900,
    "end of text": "<|endoftext|>" * 300,
    "control characters": "\x00\x1b[31m\x85\u2028" * 90,
    "unknown": "<unk> " * 300,
    "Han": "\u6f22\u5b57" * 400,
}


def human(words: int, seed: int = 0) -> str:
    """Text of many words by a steep law, so that it is as varied as prose."""
    chance = random.Random(seed)
    return " ".join(
        f"w{chr(97 + int(chance.paretovariate(0.7)) % 26)}{'abcdefgh'[int(3 * chance.random() ** 2)]}"
        f"{'xyz' * int(chance.paretovariate(1.5) % 4)}"
        for _ in range(words)
    )


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=60) | st.text("aB1٣é́漢ก <unk>\n’-\u200d\ud800"))
def test_words_are_those_of_the_audit(text):
    plain = [NUMBER if number else word for word, number, _ in cut_slow(text).words]
    assert words_of(text) == plain


def test_figures_are_the_audits_where_it_has_them():
    text = human(400) + " " + "over and over again " * 20
    ids, bounds = ragged([words_of(text)])
    audit = figures(tables(ids, bounds))
    ours = signals_of(text)
    shared = {"tail.hapax_share", "entropy.chao_wang_jost", "repetition.seq_rep_4"}
    shared |= {f"diversity.distinct_{n}" for n in (1, 2, 3, 4)}
    assert shared <= set(ours)
    for name in shared:
        assert ours[name] == pytest.approx(audit[name])


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_no_text_is_too_odd(text):
    fields = log_fields(text)
    assert set(fields["signals"]) == set(DIRECTIONS)
    assert all(value is None or math.isfinite(value) for value in fields["signals"].values())
    json.loads(json.dumps(fields, allow_nan=False))


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200))
def test_shares_are_shares(text):
    for name, value in signals_of(text).items():
        assert value is None or (value >= 0 and (value <= 1 or name.startswith(("entropy", "compression"))))


@pytest.mark.parametrize("name", DIRECTIONS)
def test_a_loop_moves_every_signal_the_way_of_collapse(name):
    before = signals_of(human(300))[name]
    after = signals_of(human(40) + " " + "the end of the day " * 60)[name]
    assert after < before if DIRECTIONS[name] == FALLS else after > before


@given(
    st.text("ab\n", max_size=150)
    | st.builds(lambda a, b, n: a + b * n, st.text("xyz"), st.text("ab", max_size=70), st.integers(0, 30))
)
def test_loops_of_characters_are_the_audits_loops(text):
    plain = looped_positions(np.array([ord(c) for c in text]), shortest=SHORTEST_CHARACTER_LOOP)
    assert loop_characters(text) == pytest.approx(plain.mean() if text else math.nan, nan_ok=True)


@pytest.mark.parametrize("text", ["am" * 300, "r" * 300, ',"' * 200 + "?", "uncl" + "ed" * 200 + " sure"])
def test_a_syllable_or_a_mark_over_and_over_is_a_loop(text):
    assert log_fields(text)["loop_cover"] > 0.9


def test_what_has_no_words_still_loops():
    fields = log_fields("\n" * 5000)
    assert fields["words"] == 0 and fields["entropy"] is None
    assert fields["loop_cover"] == 1.0
    assert signals_of("\n" * 5000)["compression.zlib"] > 100


def test_windows_that_do_not_fit_are_missing():
    short = signals_of(human(49))
    assert short["entropy.window_50"] is None and short["diversity.mattr_50"] is None
    fits = signals_of(human(60))
    assert None not in fits.values()


def test_worked_examples():
    found = signals_of("abcd " * 3 + "a b c d a b c d a b c d")
    assert found["repetition.loop_cover"] == 0.8  # three of one word are too short for a loop
    assert signals_of("a b a b a c")["diversity.distinct_2"] == pytest.approx(0.6)
    assert signals_of("a b c d a b c d a b c d")["repetition.seq_rep_4"] == pytest.approx(0.555556, abs=1e-6)
    assert signals_of("x y")["entropy.plug_in"] == pytest.approx(math.log(2))
    assert loop_characters("vwxyz" + "ab" * 15 + "rst") == pytest.approx(30 / 38)
    assert loop_characters("abcdefghijklmnop" * 2) == 0.0 and loop_characters("abcdefghijklmnop" * 3) == 1.0
    assert math.isnan(loop_characters("")) and loop_characters("a") == 0.0


def test_log_fields_repeat_the_signals_under_the_names_of_the_log():
    fields = log_fields(human(200))
    assert fields["words"] == 200
    assert fields["distinct_4"] == fields["signals"]["diversity.distinct_4"]
    assert fields["rep_4"] == fields["signals"]["repetition.seq_rep_4"]
    assert fields["entropy"] == fields["signals"]["entropy.plug_in"]


def test_nothing_is_compiled_for_one_text():
    code = (
        "import sys; from contam_metrics.one_text import log_fields; log_fields('some words ' * 200);"
        "print([m for m in ('numba', 'llvmlite', 'torch', 'scipy', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_texts_of_one_source_differ_little():
    draws = np.array([signals_of(human(200, seed))["entropy.plug_in"] for seed in range(12)])
    looped = signals_of("one two three " * 66)["entropy.plug_in"]
    assert draws.std() < 0.3 and looped < draws.min() - 5 * draws.std()
