"""The whole gate in a fresh repository: healthy, then with self-recursive text, then without its corpus."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from .conftest import git, poison, told

FORMS = {"sarif": "contam.sarif", "junit": "contam.xml", "html": "contam.html", "json": "contam.json"}


@pytest.fixture
def contam(project):
    """Runs contam in the project."""

    def call(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["contam", *args], cwd=project, capture_output=True, text=True, timeout=300)

    return call


@pytest.fixture
def gate(contam, project):
    """Runs the audit as the workflow of ``contam init`` does; the exit code and the reports by format."""

    def call() -> tuple[subprocess.CompletedProcess[str], dict[str, str]]:
        folder = project / "contam-report"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        wanted = [part for form, name in FORMS.items() for part in ("-o", f"{form}:contam-report/{name}")]
        done = contam("audit", *wanted)
        return done, {form: (folder / name).read_text("utf-8") for form, name in FORMS.items()}

    return call


class Visible(HTMLParser):
    """What a reader of a page sees, and whether it would load or run anything."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.loads = "", []
        self.feed(page)

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        given = [v or "" for k, v in attrs if k in ("src", "srcset", "data", "action") or (tag, k) == ("link", "href")]
        self.loads += [value for value in given if not value.startswith("data:")]


def results(sarif: str) -> list[dict]:
    (run,) = json.loads(sarif)["runs"]
    return run["results"]


def places(sarif: str) -> set[tuple[str, int]]:
    found = [r["locations"][0]["physicalLocation"] for r in results(sarif)]
    return {(p["artifactLocation"]["uri"], p["region"]["startLine"]) for p in found}


def test_a_gate_from_its_first_day(job, project, texts, contam, gate):
    # The first day: the files, a baseline of what is healthy, all of it committed.
    begun = contam("init", "--yes")
    assert begun.returncode == 0, begun.stderr
    settings = tomllib.loads((project / "contam.toml").read_text())
    assert settings["include"] == ["data"] and settings["baseline"] == "contam.baseline.json"
    assert (project / "contam.baseline.json").stat().st_size < 100_000
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "A gate for training text")
    assert ".contam-cache" not in git(project, "ls-files")

    healthy, reports = gate()
    assert healthy.returncode == 0, healthy.stderr
    assert results(reports["sarif"]) == [] and "::error" not in healthy.stderr
    assert int(ET.fromstring(reports["junit"]).attrib["failures"]) == 0

    # Text of a model that was trained on its own output is added: 30 % of the documents.
    added = poison(project, texts)
    failed, reports = gate()
    assert failed.returncode == 1, failed.stdout + failed.stderr
    rules = {r["ruleId"] for r in results(reports["sarif"]) if r["level"] == "error"}
    named = {line for path, line in places(reports["sarif"]) if path == "data/text.jsonl"}
    assert rules & {"DIV005", "DIV006"} and len(named) >= 5
    assert len(named & set(added)) >= 0.8 * len(named), "most of the documents that are named were added"

    annotations = re.findall(r"^::(error|warning) file=([^,]*),line=(\d+),title=([^:]*)::", failed.stderr, re.M)
    assert any(kind == "error" and title.startswith(("DIV005", "DIV006")) for kind, _, _, title in annotations)
    pointed = {int(line) for _, path, line, _ in annotations if path == "data/text.jsonl"}
    assert pointed and pointed <= named

    tests = ET.fromstring(reports["junit"])
    failures = {case.attrib["name"] for case in tests.iter("testcase") if case.find("failure") is not None}
    assert any(rule in name for rule in rules for name in failures)
    assert any(f"data/text.jsonl:{line}" in reports["junit"] for line in pointed)

    page = Visible(reports["html"])
    assert page.loads == [] and rules & set(re.findall(r"[A-Z]{3}\d{3}", page.text))
    assert any(f"data/text.jsonl:{line}" in page.text for line in pointed)

    assert told(job / "GITHUB_OUTPUT") | {"report": ""} == {"level": "collapsing", "exit-code": "1", "report": ""}
    assert "COLLAPSING" in (job / "GITHUB_STEP_SUMMARY").read_text().upper()

    # The corpus is gone: nothing was judged, and nothing may look as if it had passed.
    (project / "data/text.jsonl").unlink()
    (project / "data").rmdir()
    gone, reports = gate()
    assert gone.returncode == 2 and "data" in gone.stderr and "Traceback" not in gone.stderr
    assert "::error" in gone.stderr
    (invocation,) = json.loads(reports["sarif"])["runs"][0]["invocations"]
    assert invocation["executionSuccessful"] is False and "no such file or folder" in json.dumps(invocation)
    tests = ET.fromstring(reports["junit"])
    assert int(tests.attrib["errors"]) >= 1
    assert "could not" in Visible(reports["html"]).text.lower()
    assert told(job / "GITHUB_OUTPUT")["exit-code"] == "2"


def test_more_human_text_is_no_alarm(job, project, texts, contam, gate):
    """The baseline is not a limit to growth: as much again of the same source passes."""
    assert contam("init", "--yes").returncode == 0
    with (project / "data/text.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(texts["trusted"])
    done, reports = gate()
    assert done.returncode == 0, done.stdout
    assert not [r for r in results(reports["sarif"]) if r["level"] == "error"]


@pytest.mark.parametrize("level", ["at_risk", "never"])
def test_a_corpus_that_is_bad_on_the_first_day_is_no_baseline(job, project, texts, contam, level):
    (project / "data/text.jsonl").write_text("".join(texts["collapsing"]), "utf-8")
    begun = contam("init", "--yes", "--fail-on", level)
    assert begun.returncode == 0 and "removed   contam.baseline.json again" in begun.stdout
    assert not (project / "contam.baseline.json").exists()
    assert contam("audit").returncode == (0 if level == "never" else 1)
