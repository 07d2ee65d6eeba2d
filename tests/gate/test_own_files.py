"""What an audit says of its own files, of parts without a file, and of the baselines of parts."""

from __future__ import annotations

import json

import pytest
from salads import salads

from contam.auditing import AuditOptions, audit
from contam.baseline.files import read
from contam.baseline.record import KEPT, NOT_WRITTEN, WROTE
from contam.configuration.record import PerSource
from contam.errors import UsageError
from contam.gate.own import check_reports, root_of
from contam.gate.running import REST, Division, audit_parts
from contam.reports import render
from contam.result import Level

OPTIONS = AuditOptions(workers=1)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Two folders of prose, of which the working folder is above."""
    for seed, name in enumerate("ab"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i, text in enumerate(salads(50, seed + 1)):
            (tmp_path / "data" / name / f"{i}.txt").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI", "true")
    return tmp_path


def run(*args: str) -> int:
    from contam_cli.main import run

    return run([*args, "--workers", "1", "--allow-insufficient", "--fail-on", "never"])


def configured(folder, text: str) -> None:
    (folder / "contam.toml").write_text(text, encoding="utf-8")


def test_no_baseline_is_written_where_every_file_belongs_to_a_part(corpus, capsys):
    configured(corpus, 'include = ["data"]\n[per-source."data/a/**"]\n[per-source."data/b/**"]\n')
    assert run("audit", "--write-baseline", "all.json") == 2 and not (corpus / "all.json").exists()
    assert f"contam: {NOT_WRITTEN} all.json: every file belongs to a part" in capsys.readouterr().err


def test_a_part_without_files_is_told_and_not_judged_where_it_has_a_baseline(corpus, capsys):
    configured(corpus, 'include = ["data"]\n[per-source."data/none/**"]\n')
    assert run("audit", "--format", "markdown") == 0
    assert "no file that can be read fits data/none/" in capsys.readouterr().out
    assert run("audit", "data/a", "--format", "markdown") == 0
    assert "data/none" not in capsys.readouterr().out  # nobody asked for it
    parts = (PerSource("data/none/**", {"baseline": "b.json"}),)
    found = audit_parts("data", OPTIONS, Division(parts, folder=corpus))
    empty = found.parts[-1]
    assert (empty.name, empty.level) == ("data/none/**", Level.INSUFFICIENT) and empty.exit_code() == 2
    assert "nothing to compare with the baseline b.json" in empty.verdict.reasons[0]
    assert render(found, "html") and json.loads(render(found, "json"))["parts"][-1]["corpus"]["files"] == 0


def test_a_rest_that_has_gone_is_not_judged_where_it_has_a_baseline(corpus):
    parts = (PerSource("data/**"),)
    asked = AuditOptions(workers=1, baseline="b.json")
    found = audit_parts("data", asked, Division(parts, folder=corpus, complete=True))
    assert [part.name for part in found.parts] == ["data/**", REST] and found.exit_code() in (1, 2)
    assert not audit_parts("data", asked, Division(parts, folder=corpus)).parts[1:]


def test_contams_own_files_are_no_text_of_the_corpus(corpus):
    reports = 'report = { formats = ["json:out/a.json", "html:a.html"] }'
    configured(corpus, f'include = ["."]\nbaseline = "old.json"\n{reports}\n')
    plain = audit("data", OPTIONS)
    audit("data", OPTIONS, write_baseline="old.json")
    audit("data", OPTIONS, write_baseline="unnamed.json")
    for _ in range(2):
        assert run("audit", "-o", "sarif:b.json", "--cache-dir", "kept") == 0
        report = json.loads((corpus / "out/a.json").read_text())
        assert report["corpus"]["documents"] == plain.corpus.documents
        assert report["corpus"]["digest"] == plain.corpus.digest
    told = next(note for note in report["notes"] if "contam's own" in note)
    assert all(name in told for name in ("old.json", "unnamed.json", "out/a.json", "b.json"))


def test_every_baseline_that_is_written_is_told(corpus, capsys):
    configured(corpus, 'include = ["data"]\nbaseline = "all.json"\n[per-source."data/b/**"]\nbaseline = "b.json"\n')
    assert run("audit", "--write-baseline", "all.json") == 0
    told = capsys.readouterr().err
    assert f"contam: {WROTE} all.json" in told and f"contam: {WROTE} b.json" in told
    assert [read(corpus / name).facts["documents"] for name in ("all.json", "b.json")] == [50, 50]
    assert run("audit", "--write-baseline", "all.json", "-q") == 0 and WROTE not in capsys.readouterr().err


def test_a_baseline_elsewhere_leaves_those_of_parts_alone(corpus, capsys):
    configured(corpus, 'include = ["data"]\nbaseline = "all.json"\n[per-source."data/b/**"]\nbaseline = "b.json"\n')
    assert run("audit", "--write-baseline", "all.json") == 0
    (corpus / "data/b/more.txt").write_text(" ".join(salads(50, 9)))
    before = (corpus / "b.json").read_bytes()
    capsys.readouterr()
    assert run("audit", "--write-baseline", "trial.json") == 0
    assert (corpus / "b.json").read_bytes() == before and (corpus / "trial.json").is_file()
    told = capsys.readouterr().err
    assert f"contam: {KEPT}: trial.json is not the configured baseline all.json" in told
    assert f"{WROTE} trial.json" in told and f"{WROTE} b.json" not in told


def test_places_of_parts_are_checked_before_anything_is_measured(corpus):
    (corpus / "words.txt").write_text("text of somebody")
    parts = (PerSource("data/b/**", {"write_baseline": "words.txt"}),)
    with pytest.raises(UsageError, match="would be lost"):
        audit_parts("data", AuditOptions(workers=1, write_baseline="a.json"), Division(parts, folder=corpus))
    assert not (corpus / "a.json").exists()
    parts = (PerSource("data/b/**", {"write_baseline": "./a.json"}),)
    with pytest.raises(UsageError, match="two parts"):
        audit_parts("data", AuditOptions(workers=1, write_baseline="a.json"), Division(parts, folder=corpus))


@pytest.mark.parametrize(
    ("glob", "root"), [("data/x/**", "data/x"), ("**/x", ""), ("data/x.jsonl", "data/x.jsonl"), ("a/[bc]/d", "a")]
)
def test_the_folder_that_a_glob_begins_with(glob, root):
    assert root_of(glob) == root


def test_reports_do_not_take_the_place_of_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jsonl").write_text('{"text": "some words"}\n', encoding="utf-8")
    (tmp_path / "data/report.json").write_text('{"schema_version": 1, "tool": {"name": "contam"}}', encoding="utf-8")
    (tmp_path / "b.jsonl").write_text('{"text": "contam"}\n', encoding="utf-8")
    check_reports(["report.json", "data/report.json", "data/new.json"], ["data", "-", "hf://datasets/a/b"])
    for targets, inputs, told in (
        (["b.jsonl"], ["./b.jsonl"], "is to be read"),
        (["data/a.jsonl"], ["data"], "lies in the corpus"),
        (["a.json", "./a.json"], ["data"], "two reports"),
    ):
        with pytest.raises(UsageError, match=told):
            check_reports(targets, inputs)
