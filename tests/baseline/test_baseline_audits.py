"""Audits that write a baseline and audits beside one, from files to the record, the report and the comparison."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from contam.auditing import audit
from contam.baseline.files import read
from contam.baseline.new_documents import WHOLE
from contam.baseline.record import NEW
from contam.comparing import BEYOND, UNKNOWN, compare
from contam.demo import human_documents, recursion
from contam.errors import InputError
from contam.gate.policy import Allowance, Policy, RuleSetting
from contam.reports.baseline_section import section_of
from contam.result import Audit, Level
from contam.saved import read_audit

Texts = tuple[str, ...]


@cache
def halves() -> tuple[Texts, Texts]:
    """Human prose in two halves."""
    texts = human_documents()[1]
    return texts[::2], texts[1::2]


@cache
def machine() -> Texts:
    """What a word trigram writes after five generations on the first half."""
    return tuple(recursion(halves()[0], 5, 0))


def lines(path: Path, *parts: Texts) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for part in parts for text in part))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Corpora, and the baseline of the first half."""
    made = tmp_path_factory.mktemp("baselines")
    lines(made / "base.jsonl", halves()[0])
    lines(made / "grown.jsonl", halves()[0], halves()[1][::3])
    third = machine()[: max(1, round(0.3 * len(machine())))]
    lines(made / "fed.jsonl", halves()[0], third)
    audit(str(made / "base.jsonl"), workers=1, write_baseline=made / "b.json")
    return made


def beside(folder: Path, name: str, **options: object) -> Audit:
    return audit(str(folder / f"{name}.jsonl"), workers=1, baseline=folder / "b.json", **options)


def test_a_baseline_is_kilobytes_and_has_no_word_of_the_corpus(folder: Path) -> None:
    text = (folder / "b.json").read_text()
    assert len(text) < 24_000
    shown = set(re.findall(r"[a-z]{4,}", re.sub(r'"known": "[^"]*"', "", text)))
    names = {part for key in read(folder / "b.json").sizes[5_000].columns for part in re.split(r"[._]", key)}
    allowed = names | {"contam", "baseline", "digest", "facts", "documents", "judged", "against", "level", "profile"}
    allowed |= {"words", "seed", "known", "sizes", "columns", "parts", "whole", "null", "english", "builtin", "healthy"}
    assert shown - allowed - {"exact", "near", "gopher", "loop", "cover", "looped", "spread"} == set()


def test_nothing_changed_nothing_said(folder: Path) -> None:
    found = beside(folder, "base")
    assert found.since is not None and found.since.new_documents == 0 and found.parts == ()
    assert {m.difference for m in found.since.changes.values()} == {0.0}
    assert found.level is Level.HEALTHY and "baseline" in found.reference.name and found.exit_code() == 0
    assert "none of" in section_of(found.since).blocks[0].items[0]  # type: ignore[union-attr]


def test_new_human_documents_pass_and_are_counted(folder: Path) -> None:
    found = beside(folder, "grown")
    whole, count = found.parts[0] if found.parts else found, len(halves()[1][::3])
    assert whole.since is not None and count - 2 <= (whole.since.new_documents or 0) <= count
    assert found.level is Level.HEALTHY and found.exit_code("at_risk") == 0


def test_appended_machine_text_is_found_among_the_new_documents(folder: Path) -> None:
    found = beside(folder, "fed")
    assert [part.name for part in found.parts] == [WHOLE, NEW]
    part = found.parts[1]
    assert part.level.severity >= Level.AT_RISK.severity and found.exit_code("at_risk") == 1
    assert part.corpus.documents == found.parts[0].since.new_documents  # type: ignore[union-attr]
    assert part.since is not None and part.since.changes
    assert all(rule.status != "skipped" for rule in part.rules)


def test_limits_of_ones_own_are_of_the_whole_corpus_not_of_its_additions(folder: Path) -> None:
    types = audit(str(folder / "base.jsonl"), workers=1).signals["diversity.types"].value or 0.0
    policy = Policy(rules={"DIV005": RuleSetting(min=types - 100)}, where="contam.toml")
    found = beside(folder, "grown", policy=policy)
    parts = found.parts or (found,)
    assert not [r for part in parts for r in part.rules if r.id == "DIV005" and r.enforced and r.status == "fail"]


def test_a_fall_beyond_the_allowance_and_the_noise_fails_the_gate(folder: Path) -> None:
    lines(folder / "machine.jsonl", machine())
    setting = RuleSetting(max_drop=Allowance.parse("2%"), min_effect=1.5)
    policy = Policy(rules={"DIV006": setting}, where="contam.toml")
    found = beside(folder, "machine", policy=policy)
    whole = found.parts[0] if found.parts else found
    rule = next(r for r in whole.rules if r.id == "DIV006")
    assert rule.status == "fail" and rule.enforced and found.exit_code() == 1
    same = beside(folder, "base", policy=policy)
    assert next(r for r in same.rules if r.id == "DIV006").status == "pass"


def test_an_audit_with_trusted_text_keeps_it_and_tells_the_changes(folder: Path) -> None:
    found = beside(folder, "fed", reference=str(folder / "base.jsonl"), order=None)
    whole = found.parts[0] if found.parts else found
    assert whole.reference.name.startswith("trusted text") and whole.since is not None and whole.since.changes


def test_a_smaller_matched_size_is_compared_at_that_size(folder: Path) -> None:
    found = beside(folder, "base", sample_tokens=10_000)
    assert found.since is not None and found.since.matched_tokens == found.reference.matched_tokens == 10_000
    assert {m.difference for m in found.since.changes.values()} == {0.0}


def test_another_profile_than_the_baselines_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="measured with the profile english"):
        beside(folder, "base", profile="code")


def test_a_corpus_below_every_size_is_told(folder: Path, tmp_path: Path) -> None:
    corpus = lines(tmp_path / "small.jsonl", halves()[0][:3])
    found = audit(str(corpus), workers=1, baseline=folder / "b.json")
    assert found.level is Level.INSUFFICIENT and found.since is not None and "no size" in (found.since.reason or "")
    assert "not compared" in section_of(found.since).blocks[0].items[1]  # type: ignore[union-attr]


def test_workers_and_order_do_not_matter(folder: Path, tmp_path: Path) -> None:
    texts = [*halves()[0], *machine()[:30]]
    one = audit(str(lines(tmp_path / "a.jsonl", tuple(texts))), workers=1, baseline=folder / "b.json")
    other = audit(str(lines(tmp_path / "b.jsonl", tuple(texts[::-1]))), workers=3, baseline=folder / "b.json")
    assert one.since == other.since and [p.signals for p in one.parts] == [p.signals for p in other.parts]


def test_the_record_is_read_back_from_its_json(folder: Path, tmp_path: Path) -> None:
    found = beside(folder, "fed")
    (tmp_path / "a.json").write_text(json.dumps(found.to_dict()))
    again = read_audit(tmp_path / "a.json")
    assert again.to_dict() == found.to_dict() and again.exit_code("at_risk") == found.exit_code("at_risk")


def test_compare_reads_baselines_on_either_side(folder: Path) -> None:
    base, fed = str(folder / "b.json"), str(folder / "machine.jsonl")
    lines(Path(fed), machine())
    there, back = compare(base, fed, workers=1), compare(fed, base, workers=1)
    types = there.drifts["diversity.types"]
    assert types.status == BEYOND and types.toward_collapse and types.difference is not None
    assert back.drifts["diversity.types"].difference == -types.difference
    assert compare(base, base).beyond == () and compare(base, base).exit_code() == 0


def test_compare_measures_a_corpus_again_where_the_baseline_is_smaller(folder: Path, tmp_path: Path) -> None:
    from contam.baseline.files import write

    full = read(folder / "b.json")
    write(tmp_path / "small.json", replace(full, sizes={5_000: full.sizes[5_000]}))
    found = compare(str(folder / "grown.jsonl"), str(tmp_path / "small.json"), workers=1)
    assert found.base.reference.matched_tokens == 5_000
    assert found.drifts["diversity.types"].status != UNKNOWN


def test_a_report_of_another_command_is_told_apart(folder: Path, tmp_path: Path) -> None:
    other = {"schema_version": 1, "tool": {"name": "contam", "version": "1"}, "command": "mix"}
    (tmp_path / "mix.json").write_text(json.dumps(other))
    with pytest.raises(InputError, match="a report of contam mix, not of an audit"):
        compare(str(tmp_path / "mix.json"), str(folder / "b.json"))


def test_a_section_names_what_moved(folder: Path) -> None:
    found = beside(folder, "fed")
    assert found.parts[1].since is not None
    section = section_of(replace(found.parts[1].since, name="<b>\x1b[2J"))
    assert section.title == "Since the baseline <b>\x1b[2J"  # raw: renderers escape
    assert len(section.blocks) == 2


def test_the_title_counts_every_document_once(folder: Path) -> None:
    from contam.reports.audit_page import draw_audit

    found = beside(folder, "fed")
    count = found.parts[0].corpus.documents
    assert f"({count} documents, " in draw_audit(found).title and len(found.parts) == 2


def test_a_corpus_of_which_a_part_is_gone_is_told(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "base.jsonl").read_text().splitlines(keepends=True)
    sizes = {"most": -(-len(lines) * 19 // 20), "half": len(lines) // 2}
    told = {}
    for name, count in sizes.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(lines[:count]))
        found = audit(tmp_path / f"{name}.jsonl", baseline=folder / "b.json")
        assert f"the baseline had {len(lines)} documents, " in str(section_of(found.since).blocks[0].items)  # type: ignore[union-attr]
        told[name] = [note for note in found.notes if "smaller than the baseline" in note]
    assert told["most"] == [] and f": {sizes['half']} documents, " in told["half"][0]
