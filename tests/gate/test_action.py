"""``action.yml`` and the hooks: their scripts run as a GitHub job runs them, and nothing given to them becomes code."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from contam.formats import FORMATS, format_of
from contam_cli.main import COMMANDS

from .conftest import level, poison, told

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
HOSTILE = "$(touch hacked) `touch hacked`; touch hacked #\" ' && touch hacked"


class Job:
    """Runs the steps of the action that are scripts, with expressions filled in as a runner does."""

    def __init__(self, folder: Path, project: Path, monkeypatch) -> None:
        self.folder, self.project = folder, project
        self.outputs: dict[str, dict[str, str]] = {}
        self.code = 0
        self.monkeypatch = monkeypatch

    def value(self, expression: str, given: dict[str, str]) -> str:
        inputs = {name: str(entry.get("default", "")) for name, entry in ACTION["inputs"].items()} | given

        def filled(found: re.Match[str]) -> str:
            kind, _, rest = found[1].partition(".")
            if kind == "inputs":
                return inputs[rest]
            if kind == "steps":
                step, _, name = rest.partition(".outputs.")
                return self.outputs.get(step, {}).get(name, "")
            assert found[1] == "github.action_path"
            return str(ROOT)

        return re.sub(r"\$\{\{ (.*?) \}\}", filled, expression)

    def run(self, **given: str) -> dict[str, str]:
        """The action's outputs; ``code`` is that of the last script."""
        given = {name.replace("_", "-"): value for name, value in given.items()}
        for step in STEPS:
            if "run" in step:
                self.code = self._script(step, given)
                if self.code:
                    break
        return {name: self.value(entry["value"], {}) for name, entry in ACTION["outputs"].items()}

    def _script(self, step: dict, given: dict[str, str]) -> int:
        script, file = self.folder / "script.sh", self.folder / "GITHUB_OUTPUT"
        script.write_text(step["run"], "utf-8")
        file.write_text("")
        env = os.environ | {name: self.value(value, given) for name, value in step.get("env", {}).items()}
        where = self.project / self.value(step.get("working-directory", "."), given)
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        self.done = subprocess.run(shell, cwd=where, env=env, capture_output=True, text=True, timeout=300)
        self.outputs[step.get("id", step["name"])] = told(file)
        return self.done.returncode


@pytest.fixture
def action(job, project, programs, monkeypatch):
    """The action, with a ``python`` whose virtual environments hold this contam, and whose pip writes down its work."""
    maker = job / "fake/python"
    maker.parent.mkdir()
    maker.write_text(
        f'#!/bin/sh\n[ "$1 $2 $3" = "-I -m venv" ] || exec "{programs}/python" "$@"\nmkdir -p "$4/bin"\n'
        f'cp "{programs}/contam" "$4/bin/contam"\n'
        f"cat > \"$4/bin/python\" <<'END'\n#!/bin/sh\n"
        f'[ "$1 $2 $3" = "-I -m pip" ] || exec "{programs}/python" "$@"\n'
        f'for given; do printf "%s\\n" "$given"; done > "{job}/pip"\nEND\nchmod +x "$4/bin/python"\n'
    )
    maker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{maker.parent}:{os.environ['PATH']}")
    return Job(job, project, monkeypatch)


def test_a_healthy_corpus_passes(action):
    outputs = action.run(paths="data")
    assert action.code == 0, action.done.stderr
    assert outputs == {"level": "healthy", "exit-code": "0", "report": "./contam-report"}
    found = {path.name for path in (action.project / "contam-report").iterdir()}
    assert found == {f"contam.{end}" for end in ("json", "html", "sarif", "xml", "md")}
    assert level(action.project / "contam-report/contam.json") == "healthy"
    assert (action.project / ".contam-cache").is_dir()
    assert (action.folder / "pip").read_text().splitlines()[-1] == str(ROOT)


def test_a_poisoned_corpus_fails_at_the_end_with_everything_told(action, texts):
    poison(action.project, texts, 0.6)
    outputs = action.run(paths="data", fail_on="at_risk")
    assert action.code == 1 and outputs["exit-code"] == "1" and outputs["level"] in ("at_risk", "collapsing")
    assert (action.project / "contam-report/contam.sarif").exists()
    assert action.run(paths="data", fail_on="never")["exit-code"] == "0" and action.code == 0


def test_what_cannot_be_judged_is_2_and_an_old_report_is_gone(action):
    action.run(paths="data")
    outputs = action.run(paths="nowhere")
    assert action.code == 2 and outputs["exit-code"] == "2" and outputs["level"] == ""
    assert outputs["report"] == "./contam-report"


def test_nothing_but_its_reports_is_removed_or_kept(action):
    action.run(paths="data")
    mine = ("contam.toml", "contam.baseline.json", "contam.txt", "contam.local.md")
    for name in mine:
        (action.project / name).write_text("")
    (action.project / "contam.md").write_text("of an earlier run")
    outputs = action.run(paths="nowhere", report_directory=".")
    assert outputs["exit-code"] == "2" and outputs["report"] == "./."
    assert all((action.project / name).exists() for name in mine)
    assert "earlier" not in (action.project / "contam.md").read_text()
    (kept,) = [step for step in STEPS if "upload-artifact" in step.get("uses", "")]
    reports = {f"${{{{ steps.audit.outputs.report }}}}/contam.{end}" for end in ("json", "html", "sarif", "xml", "md")}
    assert set(kept["with"]["path"].split("\n")) - {""} == reports


def test_a_folder_for_reports_elsewhere_and_none(action):
    elsewhere = action.folder / "reports"
    assert action.run(paths="data", report_directory=str(elsewhere))["report"] == str(elsewhere)
    assert (elsewhere / "contam.json").exists()
    assert action.run(paths="data", report_directory="")["report"] == "" and action.code == 2


def test_no_module_of_the_audited_project_is_run(action):
    for name in ("json", "venv", "pip", "contam"):
        (action.project / f"{name}.py").write_text("open('hacked', 'w')\n")
    outputs = action.run(paths="data")
    assert outputs["level"] == "healthy" and not list(action.project.rglob("hacked"))


def test_paths_and_arguments_are_one_a_line(action):
    (action.project / "data/text.jsonl").rename(action.project / "data/some text.jsonl")
    outputs = action.run(paths="data/some text.jsonl\n", args="--text-field\ntext\n--seed\n1\n")
    assert outputs["level"] == "healthy", action.done.stderr


NAMES = ["paths", "config", "baseline", "fail-on", "args", "source", "report-directory", "cache"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_is_given_is_run(action, name):
    given = {"paths": "data", "args": "", name: HOSTILE}
    action.run(**{key.replace("-", "_"): value for key, value in given.items()})
    assert not list(action.project.rglob("hacked")) and not list(action.folder.rglob("hacked"))
    if name == "source":
        assert (action.folder / "pip").read_text().splitlines()[-1] == HOSTILE


def test_no_line_break_becomes_an_output(action):
    outputs = action.run(paths="data", report_directory="x\nlevel=healthy")
    assert action.code == 2 and outputs["level"] == ""


def test_scripts_hold_no_expressions():
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) == 3 and not any("${{" in script for script in scripts)
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_every_input_and_output_is_told_and_used():
    text = (ROOT / "action.yml").read_text("utf-8")
    for name, entry in ACTION["inputs"].items():
        assert entry["description"] and f"inputs.{name}" in text
    assert set(ACTION["outputs"]) == {"level", "exit-code", "report"}
    assert all(entry["description"] for entry in ACTION["outputs"].values())


def test_what_is_uploaded_is_uploaded_whatever_was_found():
    uploads = [step for step in STEPS if "upload" in step.get("uses", "")]
    assert len(uploads) == 2 and all(step["if"].startswith("always()") for step in uploads)


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hooks_run_commands_that_exist(hook):
    program, name = hook["entry"].split()
    assert program == "contam" and name in COMMANDS and hook["language"] == "python"
    assert hook["pass_filenames"] is False


def test_the_hook_runs_for_files_of_records_and_settings():
    pattern = HOOKS[0]["files"]
    records = [suffix for suffix in FORMATS if format_of(f"a{suffix}")[0] not in ("text", "json_document")]
    names = ("a.jsonl.gz", "a.csv.zst", "contam.toml", "models/contam.toml", "contam.baseline.json")
    for name in (*(f"x/a{suffix}" for suffix in records), *names):
        assert re.search(pattern, name), name
    for name in ("README.md", "a.py", "package.json", "mycontam.toml"):
        assert not re.search(pattern, name), name


def checked(schema: str, file: Path) -> bool:
    """Whether a file fits a public schema, by the copy that check-jsonschema ships."""
    checker = pytest.importorskip("check_jsonschema", reason="check-jsonschema has the schemas")
    return not checker.main(["--builtin-schema", schema, str(file)], standalone_mode=False)


def test_the_action_fits_the_schema_of_actions(tmp_path):
    assert checked("vendor.github-actions", ROOT / "action.yml")
    (tmp_path / "action.yml").write_text((ROOT / "action.yml").read_text().replace("using: composite", "using: magic"))
    assert not checked("vendor.github-actions", tmp_path / "action.yml")


@pytest.mark.parametrize("install", [None, "contam @ git+https://example.org/contam@1"])
def test_the_workflow_fits_the_schema_of_workflows(project, install):
    from contam_cli.main import run

    more = ["--install", install] if install else []
    assert run(["init", str(project), "--yes", "--no-baseline", *more]) == 0
    assert checked("vendor.github-workflows", project / ".github/workflows/contam.yml")
