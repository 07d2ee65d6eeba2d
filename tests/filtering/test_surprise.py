"""PPL001: documents that are too easy or too hard for a language model."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from contam.errors import InputError, UsageError
from contam.filtering import running
from contam.filtering.options import parse_limits, parse_surprise
from contam.filtering.running import filter_corpus
from contam.filtering.surprise import ordinary
from contam.formats.task import ReadOptions


class Fake:
    """A model that finds a text as surprising as its first number says."""

    def __init__(self, *_):
        pass

    def bits(self, texts):
        return np.array([float(text.split()[0]) if len(text.split()) > 1 else math.nan for text in texts])


def lines(*values):
    texts = [f"{value} bits a byte {value}" if value else "short" for value in values]
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "Scorer", Fake)
    (tmp_path / "a.jsonl").write_text(lines(0.5, 1.0, None, 2.0, 3.5))
    return tmp_path


def listed(corpus):
    rows = [json.loads(line) for line in (corpus / "b.jsonl.dropped").read_text().splitlines()]
    return [(row["line"], row["rule"], row["value"], row["limit"]) for row in rows]


def run(corpus, **more):
    given = {"rules": ("PPL001",), "model": "tiny", "audit": None} | more
    return filter_corpus(str(corpus / "a.jsonl"), str(corpus / "b.jsonl"), **given)


def test_both_sides_count_and_short_texts_do_not(corpus):
    result = run(corpus, surprise=(1.0, 3.0))
    assert listed(corpus) == [(1, "PPL001", 0.5, 1.0), (5, "PPL001", 3.5, 3.0)]
    assert result.settings["limits"] == {"PPL001": [1.0, 3.0]} and len(result.worst) == 2


def test_limits_are_those_of_trusted_text(corpus):
    (corpus / "trusted.jsonl").write_text(lines(*(1 + i / 100 for i in range(201))))
    run(corpus, trusted=str(corpus / "trusted.jsonl"))
    assert listed(corpus) == [(1, "PPL001", 0.5, 1.02), (2, "PPL001", 1.0, 1.02), (5, "PPL001", 3.5, 2.98)]


def test_too_little_trusted_text_gives_no_limits(corpus):
    with pytest.raises(InputError, match="too few"):
        ordinary(Fake(), [str(corpus / "a.jsonl")], ReadOptions())


@pytest.mark.parametrize(
    ("given", "told"),
    (({"model": None}, "--model"), ({}, "needs limits"), ({"rules": ("DUP",)}, "not among the rules")),
)
def test_what_it_needs_is_said_before_anything_is_read(corpus, given, told):
    with pytest.raises(UsageError, match=told):
        run(corpus, **given)
    assert not (corpus / "b.jsonl").exists()


def test_limits_of_the_command_line():
    given = ("PPL001=0.5..3", "DUP002=0.9")
    assert parse_surprise(given) == (0.5, 3.0) and parse_limits(given) == {"DUP002": 0.9}
    for wrong in ("PPL001=3", "PPL001=3..1", "PPL001=a..b"):
        with pytest.raises(UsageError, match=r"LOW\.\.HIGH"):
            parse_surprise((wrong,))
