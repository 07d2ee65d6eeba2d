"""``contam init``: what it writes, what it keeps, what it asks."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from contam.starting.files import BASELINE, CONFIGURATION, HOOKS, WORKFLOW
from contam.starting.finding import find_corpus
from contam.starting.hooks import with_hook
from contam.starting.installed import Requirement, requirement
from contam_cli import init as command


@pytest.fixture(autouse=True)
def no_audit(monkeypatch):
    """Files are what is tested here; what is audited for a baseline is below, and the whole in ``tests/gate``."""
    monkeypatch.setattr(command, "AT_ONCE", 0)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A git repository on a branch, with a corpus; git itself is not needed."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text("ref: refs/heads/trunk\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.jsonl").write_text('{"text": "one"}\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def configured(folder: Path) -> dict:
    return tomllib.loads((folder / CONFIGURATION).read_text())


def test_it_writes_four_files_and_says_three_commands(cli, project):
    before = set(everything(project))
    outcome = cli("init", "--yes", "--no-baseline")
    assert outcome.code == 0, outcome.err
    assert set(everything(project)) - before == {CONFIGURATION, WORKFLOW, HOOKS, ".gitignore"}
    assert configured(project)["include"] == ["data"] and configured(project)["fail-on"] == "at_risk"
    assert "baseline" not in configured(project)
    assert (project / ".gitignore").read_text() == ".contam-cache/\ncontam-report/\n"
    steps = outcome.out.partition("Next:\n")[2].splitlines()
    assert [step.split()[0] for step in steps[: steps.index("")]] == ["contam", "contam", "git", "pre-commit"]


def test_every_key_of_the_configuration_exists(cli, project, monkeypatch):
    loading = pytest.importorskip("contam.configuration.loading")
    cli("init", "--yes")
    text = (project / CONFIGURATION).read_text()
    settings = re.sub(r"^# (?=(baseline|reference|text-field|ignore|\[per-source).*[\]\"]$)", "", text, flags=re.M)
    assert "\nreference = " in settings and "\n[per-source" in settings
    for written in (text, settings):
        (project / CONFIGURATION).write_text(written)
        found = loading.load(None)
        assert found.get("include") and found.get("fail-on") == "at_risk"
        assert found.policy.setting("DIV006").severity == "error"
        assert found.policy.setting("DIV006").max_drop is not None


def test_the_workflow_is_yaml_with_the_least_permissions(cli, project):
    cli("init", "--yes", "--install", 'contam @ git+https://example.org/c"x@1')
    text = (project / WORKFLOW).read_text()
    flow = yaml.safe_load(text)
    assert flow["permissions"] == {"contents": "read"}
    assert flow[True]["push"]["branches"] == ["trunk"] and "pull_request" in flow[True]
    job = flow["jobs"]["audit"]
    assert job["env"]["REQUIREMENT"] == 'contam @ git+https://example.org/c"x@1'
    assert not any("${{" in step.get("run", "") for step in job["steps"])
    kept = next(step for step in job["steps"] if "upload-artifact" in step.get("uses", ""))
    assert kept["if"] == "always()" and kept["with"]["path"] == "contam-report"
    assert "upload-sarif" in text and not any("upload-sarif" in step.get("uses", "") for step in job["steps"])


def test_a_second_time_nothing_changes(cli, project):
    cli("init", "--yes")
    before = everything(project)
    outcome = cli("init", "--yes")
    assert outcome.code == 0 and everything(project) == before and "wrote" not in outcome.out


def test_files_that_exist_are_kept_unless_forced(cli, project):
    (project / CONFIGURATION).write_text("# mine\n")
    outcome = cli("init", "--yes")
    assert (project / CONFIGURATION).read_text() == "# mine\n" and "--force" in outcome.out
    assert cli("init", "--yes", "--force").code == 0
    assert configured(project)["include"] == ["data"]


def test_a_link_to_nothing_is_not_written_through(cli, project):
    (project / CONFIGURATION).symlink_to(project / "elsewhere.toml")
    outcome = cli("init", "--yes")
    assert outcome.code == 2 and not (project / "elsewhere.toml").exists() and not (project / WORKFLOW).exists()


def test_a_dry_run_writes_nothing_and_shows_everything(cli, project):
    before = everything(project)
    outcome = cli("init", "--dry-run")
    assert outcome.code == 0 and everything(project) == before
    assert outcome.out.count("would write") == 4 and "include = [" in outcome.out and "contam audit" in outcome.out


def test_outside_git_it_works_and_says_so(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = cli("init")
    assert outcome.code == 0
    assert "no git repository" in outcome.out and "Next:\n  git init\n" in outcome.out
    assert "Nothing that contam reads" in outcome.out
    assert configured(tmp_path)["include"] == ["data"]


def test_a_folder_below_the_repository(cli, project):
    below = project / "models/de"
    (below / "corpus").mkdir(parents=True)
    (below / "corpus/a.txt").write_text("one")
    outcome = cli("init", str(below), "--yes")
    assert outcome.code == 0 and configured(below)["include"] == ["corpus"]
    flow = yaml.safe_load((project / WORKFLOW).read_text())
    job = flow["jobs"]["audit"]
    assert job["defaults"]["run"]["working-directory"] == "models/de"
    assert [s["with"]["path"] for s in job["steps"] if "path" in s.get("with", {})] == [
        "models/de/.contam-cache", "models/de/contam-report",
    ]  # fmt: skip
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]
    assert hook["entry"] == "contam audit --config models/de/contam.toml"
    assert re.search(hook["files"], "models/de/corpus/x.jsonl") and not re.search(hook["files"], "corpus/x.jsonl")


def hooked(project: Path) -> list[dict]:
    repos = yaml.safe_load((project / HOOKS).read_text())["repos"]
    return [hook for repo in repos for hook in repo["hooks"]]


def test_every_project_of_a_repository_has_a_gate(cli, project):
    for name in ("a", "b c", "it's", ""):
        (project / name).mkdir(exist_ok=True)
        outcome = cli("init", str(project / name), "--yes", "--no-baseline", "--corpus", "texts")
        assert outcome.code == 0
        assert ("extended  .pre-commit-config.yaml" in outcome.out) is (name != "a")
    assert [hook["entry"] for hook in hooked(project)] == [
        "contam audit --config a/contam.toml", "contam audit --config 'b c/contam.toml'",
        """contam audit --config 'it'"'"'s/contam.toml'""", "contam audit",
    ]  # fmt: skip
    assert len({hook["name"] for hook in hooked(project)}) == 4
    flows = [yaml.safe_load(path.read_text()) for path in sorted((project / WORKFLOW).parent.iterdir())]
    folders = {flow["jobs"]["audit"]["defaults"]["run"]["working-directory"] for flow in flows}
    assert folders == {"a", "b c", "it's", "."}
    assert len({flow["name"] for flow in flows}) == 4
    before = everything(project)
    for name in ("a", "b c", "it's", ""):
        assert cli("init", str(project / name), "--yes", "--no-baseline", "--corpus", "texts").code == 0
    assert everything(project) == before


def test_the_workflow_of_another_project_is_never_replaced(cli, project):
    for name in ("a", "b"):
        (project / name).mkdir()
        assert cli("init", str(project / name), "--yes", "--no-baseline", "--force").code == 0
    assert "working-directory: \"a\"" in (project / WORKFLOW).read_text()
    assert "working-directory: \"b\"" in (project / WORKFLOW).with_name("contam-b.yml").read_text()


def test_a_corpus_that_is_not_there_is_told(cli, project):
    assert "as you said; nothing is there yet" in cli("init", "--yes", "--corpus", "nope").out
    assert "as you said; nothing is there yet" in cli("init", "--yes", "--force", "--corpus", "data/*.csv").out
    assert "The corpus is data/*.jsonl: as you said.\n" in cli("init", "--yes", "--corpus", "data/*.jsonl").out


WATCHED = {
    "a folder": ("corpus", "corpus/x.jsonl", "corpus2/x.jsonl"),
    "with a dot before": ("./corpus/", "corpus/x/y.jsonl", "other/corpus/x.jsonl"),
    "by way of another": ("other/../corpus", "corpus/x.jsonl", "other/x.jsonl"),
    "everything": (".", "x/y.txt", "../x.txt"),
    "absolute": ("{folder}/corpus", "corpus/x.jsonl", "x.jsonl"),
    "absolute, a glob": ("{folder}/corpus/*.jsonl", "corpus/x.jsonl", "corpus/x/y.jsonl"),
    "beside the project": ("../corpus", "../corpus/x.jsonl", "corpus/x.jsonl"),
    "beside the project, a glob": ("../*.jsonl", "../x.jsonl", "../x.txt"),
    "a class": ("corpus/[ab].jsonl", "corpus/a.jsonl", "corpus/[ab].jsonl"),
    "a class of others": ("corpus/[!ab].jsonl", "corpus/c.jsonl", "corpus/a.jsonl"),
    "a class, across folders": ("**/[0-9]?.jsonl", "a/b/1x.jsonl", "a/b/x1.jsonl"),
    "a name with brackets": ("corpus [1]", "corpus [1]/x.jsonl", "corpus 1/x.jsonl"),
}


@pytest.mark.parametrize("below", ["", "models [x]/de"])
@pytest.mark.parametrize(("corpus", "taken", "left"), WATCHED.values(), ids=WATCHED)
def test_the_hook_watches_what_git_calls_the_corpus(cli, project, below, corpus, taken, left):
    folder = project / below
    (folder / "corpus [1]").mkdir(parents=True)
    (folder / "other").mkdir()
    assert cli("init", str(folder), "--yes", "--no-baseline", "--corpus", corpus.format(folder=folder)).code == 0
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]

    def name(given: str) -> str:
        return Path(os.path.relpath(folder / given, project)).as_posix()

    for given, wanted in ((taken, True), (left, False)):
        assert name(given).startswith("../") or bool(re.search(hook["files"], name(given))) is wanted
    assert re.search(hook["files"], name(CONFIGURATION)) and re.search(hook["files"], name(BASELINE))


@pytest.mark.parametrize("corpus", ["..", "/nowhere/data", "hf://datasets/a/b", "s3://a/*.jsonl", "-"])
def test_the_hook_of_a_corpus_elsewhere_watches_the_settings(cli, project, corpus):
    assert cli("init", "--yes", "--no-baseline", "--corpus", corpus).code == 0
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]
    assert hook["files"] == r"^(contam\.toml|contam\.baseline\.json)$"


def test_a_corpus_by_way_of_a_link_is_the_one_of_the_project(cli, project, tmp_path_factory):
    link = tmp_path_factory.mktemp("link") / "here"
    link.symlink_to(project)
    assert cli("init", "--yes", "--no-baseline", "--corpus", f"{link}/data/*.jsonl").code == 0
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]
    assert re.search(hook["files"], "data/a.jsonl")


def test_a_corpus_of_the_project_is_written_so_that_others_have_it(cli, project):
    for given in (f"{project}/data", "./data/", "data"):
        assert cli("init", "--yes", "--no-baseline", "--force", "--corpus", given).code == 0
        assert configured(project)["include"] == ["data"]


def unexpressed(text: str) -> str:
    """What a runner makes of the one expression that is written: a string."""
    assert re.findall(r"\$\{\{(.*?)\}\}", text) in ([], [" '${{' "])
    return text.replace("${{ '${{' }}", "${{")


NAMES = ["x #1", "k: v", "it's", 'a "b"', "${{ github.token }}", "- a", "{x}", "&a *b", "#x", "!x"]


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_of_any_name_is_that_folder_in_the_workflow(cli, project, name):
    (project / name).mkdir()
    assert cli("init", str(project / name), "--yes", "--no-baseline").code == 0
    text = (project / WORKFLOW).read_text()
    job = yaml.safe_load(text)["jobs"]["audit"]
    assert unexpressed(job["defaults"]["run"]["working-directory"]) == name
    paths = [unexpressed(s["with"]["path"]) for s in job["steps"] if "path" in s.get("with", {})]
    start = "./" if name[0] in "#!" else ""
    literal = name.replace("*", "[*]")
    assert paths == [f"{start}{literal}/.contam-cache", f"{start}{literal}/contam-report"]
    (shown,) = re.findall(r"# +(sarif_file: .*)", text)
    assert unexpressed(yaml.safe_load(shown)["sarif_file"]) == f"{name}/contam-report/contam.sarif"
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]
    assert shlex.split(hook["entry"])[-1] == f"{name}/contam.toml"


@pytest.mark.parametrize("name", ["a\nb", "a\x85b", "\udcff"])
def test_a_folder_that_no_file_can_name_is_refused(cli, project, name):
    (project / name).mkdir()
    outcome = cli("init", str(project / name), "--yes", "--no-baseline")
    assert outcome.code == 2 and "characters" in outcome.err and not (project / WORKFLOW).exists()


def branches(folder: Path) -> list[str]:
    return yaml.safe_load((folder / WORKFLOW).read_text())[True]["push"]["branches"]


@pytest.mark.parametrize("cloned", [True, False])
def test_a_worktree_is_for_the_branch_of_its_repository(cli, project, tmp_path_factory, cloned):
    tree, git = tmp_path_factory.mktemp("tree"), project / ".git"
    (git / "worktrees/x").mkdir(parents=True)
    (git / "worktrees/x/HEAD").write_text("ref: refs/heads/feat/x\n")
    (git / "worktrees/x/commondir").write_text("../..\n")
    (tree / ".git").write_text(f"gitdir: {git}/worktrees/x\n")
    if cloned:
        (git / "refs/remotes/origin").mkdir(parents=True)
        (git / "refs/remotes/origin/HEAD").write_text("ref: refs/remotes/origin/stable\n")
    assert cli("init", str(tree), "--yes", "--no-baseline").code == 0
    assert branches(tree) == ["stable" if cloned else "trunk"]


@pytest.mark.parametrize(("head", "branch"), [("a+b", r"a\+b"), ("!a", r"\!a"), (".invalid", "main")])
def test_a_branch_is_itself_and_no_pattern(cli, project, head, branch):
    (project / ".git/HEAD").write_text(f"ref: refs/heads/{head}\n")
    assert cli("init", "--yes", "--no-baseline").code == 0 and branches(project) == [branch]


@pytest.mark.parametrize("name", ["pyproject.toml", ".contam.toml"])
def test_settings_in_another_file_are_not_hidden_by_a_new_one(cli, project, name):
    (project / name).write_text("[tool.contam]\nfail-on = 'at_risk'\n")
    outcome = cli("init", "--yes")
    assert outcome.code == 0 and f"not written: {name}" in outcome.out and not (project / CONFIGURATION).exists()


BLOCKED = {
    "a file where a folder is to be": lambda folder: (folder / ".github").write_text("x"),
    "a folder where a file is to be": lambda folder: (folder / ".gitignore").mkdir(),
    "bytes that are no text": lambda folder: (folder / ".pre-commit-config.yaml").write_bytes(b"\xff\xfe\x00"),
}


@pytest.mark.parametrize("block", BLOCKED.values(), ids=BLOCKED)
def test_what_cannot_be_written_is_2_and_told(cli, project, block):
    block(project)
    outcome = cli("init", "--yes")
    assert outcome.code == 2 and "contam: " in outcome.err and "bug" not in outcome.err


SITUATIONS = {
    "a fresh repository": ("", lambda folder: None),
    "a folder below": ("models/d e", lambda folder: None),
    "settings in pyproject.toml": ("", lambda folder: (folder / "pyproject.toml").write_text("[tool.contam]\n")),
    "a hook to be added by a person": ("", lambda folder: (folder / HOOKS).write_text("repos: []\n")),
}


@pytest.mark.parametrize("in_git", [True, False])
@pytest.mark.parametrize(("below", "prepare"), SITUATIONS.values(), ids=SITUATIONS)
def test_what_is_to_be_done_next_can_be_done(cli, tmp_path, monkeypatch, below, prepare, in_git):
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder)
    if in_git:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    out = cli("init", str(folder), "--yes", "--no-baseline").out
    for key, value in (("NAME", "A"), ("EMAIL", "a@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{key}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", value)
    steps = out.partition("Next:\n")[2].partition("\n\n")[0].splitlines()
    script = "\n".join(step for step in steps if step.split()[0] in ("cd", "git"))
    done = subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    log = subprocess.run(["git", "log", "--name-only"], cwd=folder, capture_output=True, text=True).stdout.splitlines()
    assert WORKFLOW in log and ".gitignore" in {Path(name).name for name in log}


def test_what_a_runner_needs_is_said_at_the_end_and_once(cli, project, monkeypatch):
    local = Requirement("contam==1", False, "this is a test")
    monkeypatch.setattr("contam.starting.installed.requirement", lambda: local)
    out = cli("init", "--yes", "--no-baseline").out
    end = out.partition("Next:\n")[2].partition("\n\n")[2]
    assert "commit the corpus too" in end and "\nThis is a test, " in end and "REQUIREMENT" in end
    assert "this is a test" not in out
    assert "REQUIREMENT" not in cli("init", "--yes", "--no-baseline").out
    assert "REQUIREMENT" not in cli("init", "--yes", "--no-baseline", "--force", "--install", "contam==2").out


def test_the_corpus_of_contam_toml_is_the_corpus(cli, project):
    (project / CONFIGURATION).write_text("include = ['other']\n")
    assert "The corpus is other: contam.toml says so." in cli("init", "--yes", "--no-baseline").out
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]
    assert re.search(hook["files"], "other/x.jsonl")


# --- the hook in files that exist -----------------------------------------------------------------------------------

ENTRY = "- repo: local\n  hooks:\n    - id: contam-audit\n"
EXISTING = {
    "indented": "# ours\nrepos:\n  - repo: https://a\n    rev: v1\n    hooks:\n      - id: x  # last\n",
    "flush": "repos:\n- repo: https://a\n  rev: v1\n  hooks:\n  - id: x\n\n# the end\n",
    "keys after": "repos:\n  - repo: https://a\n    rev: v1\n    hooks: [{id: x}]\n\nci:\n  skip: [x]\n",
    "keys before": "default_stages: [pre-commit]\nrepos: # all\n  - repo: https://a\n    rev: v1\n    hooks: [{id: x}]",
    "windows": "repos:\r\n  - repo: https://a\r\n    rev: v1\r\n    hooks:\r\n      - id: x\r\n",
    "end mark": "---\nrepos:\n- repo: https://a\n  rev: v1\n  hooks:\n  - id: x\n...\n",
}


@pytest.mark.parametrize("text", EXISTING.values(), ids=EXISTING)
def test_the_hook_goes_to_the_end_of_repos_and_the_rest_stays(text):
    extended = with_hook(text, ENTRY)
    before, after = yaml.safe_load(text), yaml.safe_load(extended)
    assert after["repos"] == [*before["repos"], {"repo": "local", "hooks": [{"id": "contam-audit"}]}]
    assert {k: v for k, v in after.items() if k != "repos"} == {k: v for k, v in before.items() if k != "repos"}
    kept = iter(extended.splitlines())
    assert all(line in kept for line in text.splitlines())
    assert extended.count("\r\n") == (extended.count("\n") if "\r\n" in text else 0)


@pytest.mark.parametrize("text", ["repos: []\n", "repos: [{repo: local, hooks: []}]\n", "ci: {}\n", "repos:\n"])
def test_another_layout_is_left_to_a_person(text):
    assert with_hook(text, ENTRY) is None


def test_an_entry_that_cannot_be_added_is_printed(cli, project):
    (project / HOOKS).write_text("repos: []\n")
    outcome = cli("init", "--yes")
    assert (project / HOOKS).read_text() == "repos: []\n"
    assert "add this entry yourself" in outcome.out and "id: contam-audit" in outcome.out


def test_gitignore_keeps_its_lines(cli, project):
    (project / ".gitignore").write_text("*.pyc")
    cli("init", "--yes")
    assert (project / ".gitignore").read_text() == "*.pyc\n.contam-cache/\ncontam-report/\n"
    (project / ".gitignore").write_text("/contam-report\n")
    assert "(.contam-cache/ added)" in cli("init", "--yes").out
    assert (project / ".gitignore").read_text() == "/contam-report\n.contam-cache/\n"


# --- finding the corpus ---------------------------------------------------------------------------------------------

PLACES = {
    "a usual folder": (("data/a.txt", "notes/b.jsonl"), "data"),
    "the first usual folder that holds something": (("data/x.png", "corpus/a/b.jsonl.gz"), "corpus"),
    "the folder with most records": (("one/a.jsonl", "two/a.parquet", "two/b.parquet", "tests/1.csv"), "two"),
    "files side by side": (("a.jsonl.gz", "b.jsonl.gz", "README.md"), "*.jsonl.gz"),
    "one file": (("a.parquet", "requirements.txt", "package.json"), "a.parquet"),
    "hidden things do not count": (("data/.x/a.jsonl", ".cache/a.jsonl"), "data"),
}


@pytest.mark.parametrize(("names", "path"), PLACES.values(), ids=PLACES)
def test_the_corpus_is_found(tmp_path, names, path):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    found = find_corpus(tmp_path)
    assert found.path == path and found.why


def test_what_is_asked_for_by_name_is_quoted(cli, project):
    name = 'da"ta/ü [1]\\*.jsonl'
    assert cli("init", "--yes", "--corpus", name).code == 0
    assert configured(project)["include"] == [name]
    (hook,) = yaml.safe_load((project / HOOKS).read_text())["repos"][0]["hooks"]
    re.compile(hook["files"])
    assert cli("init", "--yes", "--corpus", "a\nb").code == 2


# --- questions ------------------------------------------------------------------------------------------------------


def test_a_terminal_is_asked_three_questions_at_most(cli, project, monkeypatch):
    asked = []
    monkeypatch.setattr(command, "_terminal", lambda: True)
    monkeypatch.setattr(command.click, "prompt", lambda text, default, **more: asked.append(text) or default)
    monkeypatch.setattr(command.click, "confirm", lambda text, default, **more: asked.append(text) or default)
    assert cli("init").code == 0 and len(asked) == 3
    assert configured(project)["include"] == ["data"]
    asked.clear()
    assert cli("init", "--yes").code == 0 and not asked


def test_nothing_is_asked_outside_a_terminal(cli, project, monkeypatch):
    monkeypatch.setattr(command.click, "prompt", pytest.fail)
    assert cli("init").code == 0


@pytest.fixture
def audits(monkeypatch):
    """Stands for the audit that makes a baseline: ``audits.code`` is how it ends."""

    class Audits:
        def __init__(self):
            self.code, self.asked = 0, []

        def run(self, args):
            self.asked.append(args)
            Path(BASELINE).write_text("{}")
            return self.code

    found = Audits()
    monkeypatch.setattr(command, "AT_ONCE", 1000)
    monkeypatch.setattr("contam_cli.main.run", found.run)
    return found


def inited(*args: str) -> int:
    with command.init.make_context("contam init", list(args)) as context:
        return command.init.invoke(context)


def test_what_a_healthy_corpus_measures_is_the_baseline(project, audits):
    assert inited("--yes") == 0
    assert audits.asked == [
        ["audit", "--config", CONFIGURATION, "--fail-on", "at_risk", "--write-baseline", BASELINE, "-q"]
    ]
    assert configured(project)["baseline"] == BASELINE
    assert inited("--yes") == 0 and len(audits.asked) == 1


@pytest.mark.parametrize(("args", "code"), [((), 0), (("--baseline",), 2)])
@pytest.mark.parametrize("failure", [1, 2])
def test_a_corpus_that_does_not_pass_is_no_baseline(project, audits, capsys, args, code, failure):
    audits.code = failure
    assert inited("--yes", *args) == code
    assert not (project / BASELINE).exists() and "baseline" not in configured(project)
    assert f"removed   {BASELINE} again" in capsys.readouterr().out and (project / WORKFLOW).exists()


def test_an_interrupted_baseline_ends_as_interrupted(project, audits, capsys):
    audits.code = 130
    assert inited("--yes", "--baseline") == 130
    told = capsys.readouterr().out
    assert "interrupted; the files above are complete" in told and "Next:" not in told
    assert (project / WORKFLOW).exists() and not (project / BASELINE).exists()


def test_a_baseline_later(project, audits):
    assert inited("--yes", "--no-baseline") == 0 and not audits.asked
    assert inited("--yes", "--baseline") == 0 and configured(project)["baseline"] == BASELINE


def test_no_baseline_of_what_is_not_there_or_large(project, audits, monkeypatch):
    monkeypatch.setattr(command, "AT_ONCE", 3)
    assert inited("--yes") == 0 and inited("--yes", "--corpus", "nowhere") == 0 and not audits.asked


# --- how contam was installed ---------------------------------------------------------------------------------------

RECORDS = {
    "an index": (None, True, "contam=="),
    "a repository": (
        {"url": "https://h/o/contam.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}, True,
        "contam @ git+https://h/o/contam.git@abc",
    ),
    "a folder": ({"url": "file:///home/x", "dir_info": {"editable": True}}, False, "contam=="),
    "a folder with git": ({"url": "file:///x", "vcs_info": {"vcs": "git", "commit_id": "a"}}, False, "contam=="),
    "a wheel by address": ({"url": "https://h/contam.whl", "archive_info": {}}, True, "contam @ https://h/contam.whl"),
}  # fmt: skip


@pytest.mark.parametrize(("record", "reachable", "text"), RECORDS.values(), ids=RECORDS)
def test_the_requirement_is_what_is_installed(monkeypatch, record, reachable, text):
    class Installed:
        def read_text(self, name):
            return None if record is None else json.dumps(record)

    monkeypatch.setattr("contam.starting.installed.distribution", lambda name: Installed())
    found = requirement()
    assert isinstance(found, Requirement) and found.reachable is reachable and found.text.startswith(text)
