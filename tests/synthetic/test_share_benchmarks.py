"""What the rates of a synthetic share are measured on: documents, pairs, made-up audits."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("zstandard")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import authors
import documents
import generators
import share_audits
import share_pairs
import shares
import sources
from share_pairs import Told

from contam.synthetic.null import LEAST_PAIRS, NullPairs, NullRow
from contam.synthetic.ranking import Pair, bound, rank_test


@pytest.fixture
def data():
    if not (sources.SHARED / "labelled").is_dir():
        pytest.skip(f"no shared data at {sources.SHARED}")


def test_a_long_text_is_cut_at_sentence_ends_and_loses_no_word():
    sentence = "One two three four five six seven eight nine ten. "
    text = sentence * 61
    pieces = documents.passages(text)
    assert " ".join(pieces).split() == text.split()
    assert len(pieces) == round(610 / documents.PASSAGE)
    assert all(piece.endswith("ten.") for piece in pieces)
    assert all(0.6 * documents.PASSAGE < len(piece.split()) < 1.6 * documents.PASSAGE for piece in pieces)


def test_a_text_without_sentences_is_cut_all_the_same():
    pieces = documents.passages("word " * 1000)
    assert [len(p.split()) for p in pieces] == [142, 143, 143, 143, 143, 143, 143]


def test_a_short_text_stays_one_line():
    assert documents.passages("a\n b\t c") == ["a b c"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("One. Two. Three. Four, and the", "One. Two. Three. Four, and the"),
        ("a b c d e f g. h", "a b c d e f g."),
        ('a b c d e f "g." h', 'a b c d e f "g."'),
        ("a b. c d e f g h", "a b. c d e f g h"),
    ],
)
def test_an_end_is_cut_off_where_most_is_left(text, left):
    assert documents.whole(text) == left


def test_salutations_and_titles_go_and_nothing_else():
    assert documents.unsigned("Dear Editor,\nI think.") == "I think."
    assert documents.unsigned("Title: On Cats\n\nCats are.") == "Cats are."
    assert documents.unsigned("Dearly beloved people are here.") == "Dearly beloved people are here."
    assert documents.unsigned("I write to you, dear editor, today.") == "I write to you, dear editor, today."


def test_marks_of_a_preparation_go():
    assert documents.line("half @-@ way <unk> @CAPS1 said\nso") == "half-way said so"


def test_shared_openings_are_counted_in_words():
    assert generators.shared_words(["a", "b", "c", "d"], ["a", "b", "x", "d"]) == 2
    assert generators.shared_words([], ["a"]) == 0


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("CC BY 4.0", True),
        ("no licence file; novels of 1847-1930, public domain", True),
        ("MIT (repository); XSum news", True),
        ("as stated: may be used for non-commercial purposes", False),
        ("none stated", False),
        ("no licence file; README badge says MIT", False),
    ],
)
def test_what_a_licence_allows(licence, free):
    assert documents.free(licence) is free


def test_halves_keep_the_order_and_hash_order_is_that_of_the_keys():
    rows = np.array([5, 3, 8, 1, 7])
    first, second = share_pairs.halves(rows)
    assert first.tolist() == [5, 3] and second.tolist() == [8, 1, 7]
    keys = np.array([0, 40, 0, 10, 0, 20, 0, 5, 30], np.uint64)
    assert share_pairs.by_hash(rows, keys, 3).tolist() == [7, 3, 5]


def made_up(count: int = 60, seed: int = 0) -> NullPairs:
    random = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        u, r = 0.5 + 0.04 * random.standard_normal(2), 1 + 0.05 * random.standard_normal(2)
        rows.append(NullRow(f"d{i}", f"f{i // 3}", 100, Pair(u[0], r[0]), Pair(u[1], r[1])))
    return NullPairs(tuple(rows))


def test_a_pair_is_ranked_among_the_pairs_of_other_families_only():
    null = made_up()
    found = share_pairs.told(null, "known")
    for one, row in zip(found, null.rows):
        others = [r for r in null.rows if r.family != row.family]
        assert one.p == rank_test(row.first.auc, np.array([r.first.auc for r in others]))
        low = bound(row.first.left, np.array([r.first.left for r in others])).share
        assert one.bound == (low if one.p <= 0.05 else 0.0)


def test_in_unknown_order_both_ways_are_told_and_alarm_less_often():
    null = made_up(300)
    known, unknown = (share_pairs.rates(share_pairs.told(null, order)) for order in ("known", "unknown"))
    assert unknown["pairs"] == 2 * known["pairs"] == 600
    assert unknown["alarms"] / 2 < known["alarms"] < 0.08 * 300


def test_rates_count_alarms_and_bounds():
    items = [Told("a", "f", 100, 0.05, 0.0, False), Told("b", "f", 100, 0.06, 0.1, False)]
    assert share_pairs.rates(items * 2) == {"alarms": 2, "bounds": 2, "pairs": 4}


def test_the_file_is_read_as_it_was_written(tmp_path):
    null = made_up(3)
    path = tmp_path / "pairs.json"
    path.write_text(share_pairs.written(null), encoding="utf-8")
    assert NullPairs.read(path) == null


def test_the_shipped_pairs_give_the_rates_that_are_shipped_with_them():
    null = NullPairs.load()
    for order in ("known", "unknown"):
        assert share_pairs.rates(share_pairs.told(null, order)) == null.rates[order]
        alarms, bounds, pairs = (null.rates[order][what] for what in ("alarms", "bounds", "pairs"))
        assert alarms / pairs <= 0.053 + 2 * (0.05 * 0.95 / len(null.at(100))) ** 0.5
        assert bounds / pairs <= 0.053


def test_the_shipped_pairs_are_many_enough_and_of_the_shipped_score():
    null = NullPairs.load()
    assert null.score_digest == share_pairs.digest()
    for n in share_pairs.SIZES:
        families = Counter(row.family for row in null.at(n))
        assert len(null.at(n)) >= LEAST_PAIRS
        assert max(families.values()) <= len(null.at(n)) / 3
        assert len(families) >= 15


@dataclass
class Few:
    """A pool whose texts are numbers."""

    def usable(self, text: str) -> bool:
        return text != "h0"

    def rows(self, texts) -> np.ndarray:
        return np.array([int(t[1:]) + (1000 if t[0] == "m" else 0) for t in texts])


def test_a_made_up_audit_has_no_pair_twice(monkeypatch):
    monkeypatch.setattr(share_audits, "pool", Few)
    human = tuple((f"h{i}", f"p{i}") for i in range(250))
    machine = tuple((f"m{i}", f"p{i // 2}") for i in range(160))
    nothing = frozenset[str]()
    cell = share_audits.Cell("rewrite", "x", "g", nothing, nothing, nothing, human, machine)
    found = share_audits.draw(cell, 0.25, 100, np.random.default_rng(1))
    assert found is not None and len(found.block) == len(found.audit) == 100
    assert 0 not in found.block and 0 not in found.audit
    assert (found.audit >= 1000).sum() == 25
    pairs = [i if i < 1000 else (i - 1000) // 2 for i in [*found.block.tolist(), *found.audit.tolist()]]
    assert len(set(pairs)) == 200
    assert share_audits.draw(cell, 1.0, 100, np.random.default_rng(1)) is None


def audit_of(name: str, share: float, p: float, low: float) -> share_audits.Audit:
    nothing = frozenset[str]()
    cell = share_audits.Cell("rewrite", name, "g", nothing, nothing, nothing, (), ())
    return share_audits.Audit(cell, "known", False, share, 100, p, low)


def test_figures_are_means_of_cells_and_their_error_is_over_cells():
    audits = [audit_of("a", 0.5, 0.01, 0.6), audit_of("a", 0.5, 0.01, 0.2), audit_of("b", 0.5, 0.05, 0.0)]
    audits += [audit_of("c", 0.5, 0.06, 0.0)]
    power, error = shares.over_cells(audits, "power")
    assert (power, error) == (pytest.approx(2 / 3), pytest.approx((1 / 3) ** 0.5 / 3**0.5))
    assert shares.over_cells(audits, "bound")[0] == pytest.approx(0.4 / 3)
    assert shares.over_cells(audits, "above")[0] == pytest.approx(0.5 / 3)
    assert shares.over_cells([], "power") is None
    assert shares.near([*audits, audit_of("d", 0.25, 1, 0)], 0.25)[0].cell.name == "d"


def test_tables_go_between_the_marks_and_nothing_else_changes(tmp_path, monkeypatch):
    page = tmp_path / "share.md"
    page.write_text(f"before\n{shares.BEGIN}\nold\n{shares.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(shares, "PAGE", page)
    shares.write(shares.table(["a", "b"], [["x", "1"]]))
    told = page.read_text(encoding="utf-8")
    assert told.startswith("before\n") and told.endswith(f"{shares.END}\nafter\n") and "old" not in told
    assert "| a | b |\n| --- | ---: |\n| x | 1 |\n" in told


def test_the_page_tells_the_rates_of_the_shipped_pairs():
    assert shares.false_of_halves(NullPairs.load()) in shares.PAGE.read_text(encoding="utf-8")
    assert shares.failures(NullPairs.load()) in shares.PAGE.read_text(encoding="utf-8")


@pytest.mark.shared
def test_domains_are_many_and_no_family_is_most_of_them(data):
    domains = authors.human_domains()
    families = Counter(d.family for d in domains)
    assert len(domains) >= 50 and len(families) >= 15
    assert max(families.values()) <= len(domains) / 3
    texts = [text for d in domains for text in d.texts]
    assert len({documents.opening(t) for t in texts}) == len(texts)
    assert not any("\n" in text for text in texts)
    assert min(len(text.split()) for text in texts) >= documents.LEAST


@pytest.mark.shared
def test_nothing_but_the_writing_tells_a_machine_text(data):
    for s in authors.machine_sets():
        human = dict(zip(s.human_pairs, s.human))
        assert not any("\n" in text for text in (*s.texts, *s.human))
        assert not any(text.casefold().startswith("dear editor") for text in s.texts)
        if s.dataset == "fast_detect_gpt":
            alike = [text.split()[0] == human[p].split()[0] for text, p in zip(s.texts, s.pairs) if p in human]
            assert sum(alike) < 0.2 * len(alike)
            assert max(len(t.split()) for t in (*s.texts, *s.human)) <= documents.CUT


@pytest.mark.shared
def test_what_is_left_out_of_training_is_not_in_it(data):
    found = authors.training_rows(["novels"], ["gpt-4"], without_origins=["l2r NewsArticle"])
    assert "novels" not in found.families and "gpt-4" not in found.generators
    news = {t for s in authors.machine_sets() if s.origin == "l2r NewsArticle" for t in (*s.texts, *s.human)}
    assert news and not news & set(found.texts)
    assert len(set(found.texts)) == len(found.texts)
    assert all(documents.free(d.licence) for d in authors.human_domains() if d.name in set(found.sources))
    assert {g for g, m in zip(found.generators, found.machine) if not m} == {"human"}
