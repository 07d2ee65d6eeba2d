"""Parts of a corpus that are audited by themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from salads import salads

from contam.auditing import AuditOptions, audit
from contam.configuration.record import PerSource
from contam.errors import InputError, UsageError
from contam.gate.policy import Policy, RuleSetting
from contam.gate.running import REST, Division, audit_parts
from contam.gate.sources import matches, pattern
from contam.result import Level

OPTIONS = AuditOptions(workers=1)


@pytest.mark.parametrize(
    ("glob", "name", "fits"),
    [
        ("data/**", "data/a/b.jsonl", True),
        ("data/*", "data/a/b.jsonl", True),
        ("data/*.jsonl", "data/x.jsonl", True),
        ("data/*.jsonl", "data/a/x.jsonl", False),
        ("data", "data/x.jsonl", True),
        ("./data/", "data/x.jsonl", True),
        ("data", "database/x.jsonl", False),
        ("**/x.jsonl", "x.jsonl", True),
        ("**/x.jsonl", "a/b/x.jsonl", True),
        ("a[12].txt", "a1.txt", True),
        ("a[!12].txt", "a1.txt", False),
        ("a+b(c).txt", "a+b(c).txt", True),
        ("?.txt", "/.txt", False),
        ("[", "[", True),
    ],
)
def test_globs(glob, name, fits):
    assert bool(pattern(glob).fullmatch(name)) is fits


def test_files_are_compared_relative_to_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert matches("../data/x.txt", ["data/*"], tmp_path) == "data/*"
    assert matches(str(tmp_path / "data/x.txt"), ["data/*"], tmp_path) == "data/*"
    assert matches("hf://datasets/a/b", ["hf://datasets/a/*"], tmp_path) == "hf://datasets/a/*"
    assert matches("-", ["*"], tmp_path) == "*"
    assert matches("../data/x.txt", ["./data/./*"], tmp_path) == "./data/./*"


def test_absolute_globs_and_symbolic_links(tmp_path, monkeypatch):
    (tmp_path / "real/data").mkdir(parents=True)
    (tmp_path / "real/data/x.txt").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    whole = f"{tmp_path}/real/data/**"
    monkeypatch.chdir(tmp_path / "link")
    for name in ("data/x.txt", str(tmp_path / "link/data/x.txt"), str(tmp_path / "real/data/x.txt")):
        assert matches(name, [whole], tmp_path / "link") == whole
        assert matches(name, ["data/*"], tmp_path / "link") == matches(name, ["data/*"], tmp_path / "real") == "data/*"


def test_what_is_no_glob_is_told():
    with pytest.raises(UsageError, match="no glob"):
        pattern("data/[z-a]*")


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Three folders of text: prose, more of it, and loops."""
    loops = ["the cat sat on the mat again " * 200] * 3 + ["more " * 99] * 4
    texts = {"a": salads(4, 1), "b": salads(4, 2), "loops": loops}
    for name, documents in texts.items():
        (tmp_path / "data" / name).mkdir(parents=True)
        for i, text in enumerate(documents):
            (tmp_path / "data" / name / f"{i}.txt").write_text(f"{text} {i}", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_nothing_to_divide_is_an_ordinary_audit(corpus):
    plain, divided = audit("data", OPTIONS), audit_parts("data", OPTIONS, Division())
    assert replace(divided, provenance=plain.provenance) == plain


def test_files_that_are_left_out_are_not_read(corpus):
    found = audit_parts("data", OPTIONS, Division(exclude=("data/loops/**",), folder=corpus))
    assert found.corpus.files == 8 and found.name == "" and not found.parts


def test_globs_that_leave_nothing_out_are_told(corpus):
    (corpus / "data" / ".hidden").mkdir()
    (corpus / "data" / ".hidden" / "x.odd").write_text("x")
    idle = ("0.txt", "data/c/**", "elsewhere/**")
    globs = ("data/loops/**", "**/*.odd", "data/.hidden", *idle)
    found = audit_parts(["data"], OPTIONS, Division(exclude=globs, folder=corpus, complete=True))
    told = [note for note in found.notes if note.startswith("exclude: no file fits")]
    assert [note.split("'")[1] for note in told] == list(idle) and "'**/0.txt' would fit data/a/0.txt" in told[0]
    some = audit_parts(["data/a", "data/b"], OPTIONS, Division(exclude=globs, folder=corpus))
    assert not [note for note in some.notes if "exclude" in note]


def test_the_part_that_fails_decides(corpus):
    parts = (PerSource("data/b/**"), PerSource("data/loops/**"))
    found = audit_parts("data", OPTIONS, Division(parts, folder=corpus))
    assert [part.name for part in found.parts] == [REST, "data/b/**", "data/loops/**"]
    assert [part.corpus.documents for part in found.parts] == [4, 4, 7]
    assert found.name == "data/loops/**" and found.level is Level.COLLAPSING
    assert found.exit_code() == 1 and [part.exit_code() for part in found.parts] == [2, 2, 1]
    data = found.to_dict()
    assert [part["name"] for part in data["parts"]] == [part.name for part in found.parts]
    assert "parts" not in data["parts"][0] and data["verdict"]["level"] == "collapsing"


def test_every_part_has_its_own_settings(corpus):
    strict = Policy(rules={"DUP001": RuleSetting(max=-1.0)})
    parts = (PerSource("data/b/**", {"seed": 7}, strict),)
    found = audit_parts("data", OPTIONS, Division(parts, ("data/loops",), corpus))
    rest, own = found.parts
    assert (rest.provenance.seed, own.provenance.seed) == (0, 7)
    assert [[r.id for r in part.rules if r.enforced] for part in (rest, own)] == [[], ["DUP001"]]


def test_the_first_glob_that_fits_takes_the_file(corpus):
    parts = (PerSource("data/a/0.txt"), PerSource("data/**"))
    found = audit_parts("data", OPTIONS, Division(parts, folder=corpus))
    assert [(part.name, part.corpus.documents) for part in found.parts] == [("data/a/0.txt", 1), ("data/**", 14)]


def test_a_part_that_cannot_be_read_does_not_lose_the_others(corpus):
    (corpus / "data/a/0.txt").write_bytes(b" \n ")
    found = audit_parts("data", OPTIONS, Division((PerSource("data/a/0.txt"), PerSource("data/loops")), folder=corpus))
    unread = next(part for part in found.parts if part.name == "data/a/0.txt")
    assert unread.level is Level.INSUFFICIENT and "no documents" in unread.verdict.reasons[0]
    assert found.exit_code() == 1


def test_nothing_left_is_an_error(corpus):
    with pytest.raises(InputError, match="every file is left out"):
        audit_parts("data", OPTIONS, Division(exclude=("**",), folder=corpus))
    with pytest.raises(InputError, match="no such file"):
        audit_parts("dat", OPTIONS, Division(exclude=("x",), folder=corpus))
