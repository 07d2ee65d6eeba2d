"""What is said where a baseline cannot be written, or had better not be."""

from __future__ import annotations

import pytest
from salads import salads

from contam.auditing import AuditOptions, audit
from contam.baseline.files import read
from contam.baseline.record import DOUBTFUL, NEW, NOT_WRITTEN
from contam.errors import InputError, UsageError
from contam.gate.policy import Policy, RuleSetting
from contam.result import Level


def test_an_audit_is_not_lost_because_its_baseline_cannot_be_written(tmp_path, monkeypatch):
    short = audit(salads(3), AuditOptions(workers=1, write_baseline=tmp_path / "b.json"))
    assert short.corpus.documents == 3 and not (tmp_path / "b.json").exists()
    assert any(note.startswith(NOT_WRITTEN) and "at least 5,000" in note for note in short.notes)


    def full(path, baseline):
        raise InputError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr("contam.baseline.measuring.write", full)
    nowhere = audit(salads(60), AuditOptions(workers=1, write_baseline=tmp_path / "b.json"))
    assert nowhere.signals and any(n.startswith(NOT_WRITTEN) and "No space" in n for n in nowhere.notes)


def test_what_would_be_overwritten_is_told_before_anything_is_measured(tmp_path):
    (tmp_path / "corpus.txt").write_text("text that somebody needs")
    with pytest.raises(UsageError, match="would be lost"):
        audit("no corpus at all", AuditOptions(workers=1, write_baseline=tmp_path / "corpus.txt"))
    assert (tmp_path / "corpus.txt").read_text() == "text that somebody needs"


def test_the_baseline_is_of_the_whole_corpus_also_where_the_new_documents_decide(tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    audit(salads(100), AuditOptions(workers=1, write_baseline=old))
    looped = [f"{i} cat sat on the mat again and again and again " * 100 for i in range(6)]
    grown = [*salads(100), *looped]
    found = audit(grown, AuditOptions(workers=1, baseline=old, write_baseline=new))
    assert found.name == NEW and found.level is Level.COLLAPSING
    facts = read(new).facts
    assert (facts["documents"], facts["level"]) == (106, found.parts[0].level.value)
    audit(grown, AuditOptions(workers=1, write_baseline=old))
    assert read(old).sizes[5_000].spread == read(new).sizes[5_000].spread and read(old).whole == read(new).whole
    assert any(note.startswith(DOUBTFUL) for note in found.parts[0].notes)  # what decides is normal from now on


def test_a_baseline_of_a_corpus_that_fails_a_limit_says_so(tmp_path):
    policy = Policy(rules={"DUP001": RuleSetting(max=-1.0)})
    found = audit(salads(60), AuditOptions(workers=1, write_baseline=tmp_path / "b.json", policy=policy))
    assert any("failing DUP001: later audits will take that for normal" in note for note in found.notes)


def test_an_audit_is_sampled_as_its_baseline_was(tmp_path):
    texts, file = salads(80), tmp_path / "b.json"
    audit(texts, AuditOptions(workers=1, seed=3, write_baseline=file))
    found = audit(texts, AuditOptions(workers=1, seed=5, baseline=file))
    assert found.provenance.seed == 3 and {m.difference for m in found.since.changes.values()} == {0.0}
    assert any("seed 3, that of the baseline, and not with 5" in note for note in found.notes)
    assert audit(texts, AuditOptions(workers=1, seed=3, baseline=file)).notes == ()


def test_the_command_exits_2_where_no_baseline_was_written(tmp_path, monkeypatch, capsys):
    from contam_cli.main import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("\n\n".join(salads(60)), encoding="utf-8")
    asked = ["audit", "a.txt", "--split-blank-lines", "--workers", "1", "--allow-insufficient", "--fail-on", "never"]
    assert run([*asked, "--write-baseline", "b.json"]) == 0 and (tmp_path / "b.json").is_file()
    capsys.readouterr()
    (tmp_path / "b.txt").write_text("too little")
    assert run(["audit", "b.txt", "--allow-insufficient", "--write-baseline", "c.json", "--format", "json"]) == 2
    caught = capsys.readouterr()
    assert NOT_WRITTEN in caught.err and '"signals"' in caught.out
    assert run([*asked, "--write-baseline", "a.txt"]) == 2 and "would be lost" in capsys.readouterr().err
    assert (tmp_path / "a.txt").stat().st_size > 1000


def test_a_baseline_of_an_unhealthy_corpus_says_so(tmp_path):
    looped = [f"{name} cat sat on the mat again and again and again " * 100 for name in "abcdefghijklmnopqrst"]
    found = audit([*looped, *salads(80)], AuditOptions(workers=1, write_baseline=tmp_path / "b.json"))
    assert found.level is Level.COLLAPSING and (tmp_path / "b.json").is_file()
    assert any("of a corpus that is collapsing" in note for note in found.notes)
