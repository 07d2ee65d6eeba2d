"""What is said where a baseline cannot be written, or had better not be."""

from __future__ import annotations

from salads import salads

from contam.auditing import AuditOptions, audit
from contam.baseline.record import NOT_WRITTEN
from contam.result import Level


def test_an_audit_is_not_lost_because_its_baseline_cannot_be_written(tmp_path):
    short = audit(salads(3), AuditOptions(workers=1, write_baseline=tmp_path / "b.json"))
    assert short.corpus.documents == 3 and not (tmp_path / "b.json").exists()
    assert any(note.startswith(NOT_WRITTEN) and "at least 5,000" in note for note in short.notes)
    nowhere = audit(salads(60), AuditOptions(workers=1, write_baseline=tmp_path / "no" / "b.json"))
    assert nowhere.signals and any("No such file" in note for note in nowhere.notes)


def test_the_command_exits_2_where_no_baseline_was_written(tmp_path, monkeypatch, capsys):
    from contam_cli.main import run

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("\n\n".join(salads(60)), encoding="utf-8")
    asked = ["audit", "a.txt", "--split-blank-lines", "--workers", "1", "--allow-insufficient", "--fail-on", "never"]
    assert run([*asked, "--write-baseline", "b.json"]) == 0 and (tmp_path / "b.json").is_file()
    capsys.readouterr()
    assert run([*asked, "--write-baseline", "no/b.json", "--format", "json"]) == 2
    caught = capsys.readouterr()
    assert NOT_WRITTEN in caught.err and '"signals"' in caught.out


def test_a_baseline_of_an_unhealthy_corpus_says_so(tmp_path):
    looped = [f"{name} cat sat on the mat again and again and again " * 100 for name in "abcdefghijklmnopqrst"]
    found = audit([*looped, *salads(80)], AuditOptions(workers=1, write_baseline=tmp_path / "b.json"))
    assert found.level is Level.COLLAPSING and (tmp_path / "b.json").is_file()
    assert any("of a corpus that is collapsing" in note for note in found.notes)
