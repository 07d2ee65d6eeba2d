"""The demonstration's texts: human, deterministic, and really a recursion."""

from __future__ import annotations

import json
import random
import re
from collections import Counter

import pytest

from contam import demo
from contam.errors import InputError


@pytest.fixture(scope="module")
def human():
    return demo.human_documents()


def words(texts) -> list[str]:
    return [word.lower() for text in texts for word in re.findall(r"[^\W\d_]+", text)]


def test_there_is_enough_text_for_a_pair(human):
    source, documents = human
    assert "standard library" in source
    trusted, audited = demo.split_in_two(documents)
    sizes = [len(words(part)) for part in (trusted, audited)]
    assert min(sizes) > 25_000 and max(sizes) < 1.3 * min(sizes)
    assert set(trusted).isdisjoint(audited) and len(trusted) + len(audited) == len(documents)


def test_without_the_manual_the_docstrings_suffice(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(demo, "import_module", missing)
    source, documents = demo.human_documents()
    assert source.startswith("the docstrings") and len(words(documents)) > demo.WORDS_NEEDED


def test_without_any_documentation_the_error_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "_topics", list)
    monkeypatch.setattr(demo.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(InputError, match="too little documentation"):
        demo.human_documents()


def test_no_paragraph_is_kept_twice(human):
    paragraphs = [block for text in human[1] for block in text.split("\n\n")]
    assert len(paragraphs) == len(set(paragraphs))


def test_unparsable_modules_are_passed_over(tmp_path):
    (tmp_path / "ast.py").write_text("def broken(:")
    (tmp_path / "json.py").write_text('"""About json."""')
    (tmp_path / "mine.py").write_text('"""Not of the standard library."""')
    assert list(demo._docstrings(tmp_path)) == ["About json."]


SMALL = ("the cat sat on the mat .", "the dog sat on the rug , and the cat ran away .") * 20


def test_the_recursion_keeps_lengths_and_loses_words():
    text = tuple(" ".join(f"w{i % 97} w{i % 13} w{i}" for i in range(k, k + 60)) for k in range(20))
    kinds = [len(set(words(demo.recursion(text, g)))) for g in (0, 1, 5)]
    tokens = [sum(len(demo.tokens_of(t)) for t in demo.recursion(text, g)) for g in (0, 5)]
    assert tokens[0] == tokens[1]
    distinct = [len(set(" ".join(demo.recursion(text, g)).split())) for g in (0, 1, 5)]
    assert distinct[0] > distinct[1] > distinct[2] and kinds[0] == 1


def test_the_recursion_depends_on_its_seed_alone():
    assert demo.recursion(SMALL, 3, seed=1) == demo.recursion(SMALL, 3, seed=1)
    assert demo.recursion(SMALL, 3, seed=1) != demo.recursion(SMALL, 3, seed=2)


def test_sampling_follows_witten_bell():
    """After `a b` came c three times and d once, so T = 2, c = 4: p(c) = 3/6 + 2/6 p(c|b), and so on down."""
    model = demo.Trigram([["a", "b", "c"]] * 3 + [["a", "b", "d"]] + [["b", "e"]] * 4)
    chance = random.Random(5)
    drawn = Counter(model._next(("a", "b"), chance) for _ in range(40_000))
    n = 3 * 4 + 2 * 4
    single = {"a": 4 / n, "b": 8 / n, "c": 3 / n, "d": 1 / n, "e": 4 / n}
    pair = {w: {"c": 3, "d": 1, "e": 4}.get(w, 0) / 11 + 3 / 11 * single[w] for w in single}
    full = {w: {"c": 3, "d": 1}.get(w, 0) / 6 + 2 / 6 * pair[w] for w in single}
    for word, p in full.items():
        assert drawn[word] / 40_000 == pytest.approx(p, abs=0.012)


def test_files_hold_the_documents(tmp_path):
    made = demo.Demo("x", ("one", "two"), ("drei\nvier",), ("fünf",), 1)
    files = demo.write_demo(made, tmp_path / "new")
    for name, path in files.items():
        read = tuple(json.loads(line)["text"] for line in path.read_text().splitlines())
        assert read == getattr(made, name) and path.name == f"{name}.jsonl"
