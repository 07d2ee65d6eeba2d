"""``contam demo`` and what follows from it, end to end: the real measurement, references and verdict."""

from __future__ import annotations

import json

import pytest

from contam_cli.main import run

LEVELS = {
    "human-alone": "healthy",
    "human-against-trusted-text": "healthy",
    "collapsing-alone": "collapsing",
    "collapsing-against-trusted-text": "collapsing",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("demo")
    assert run(["demo", "--out", str(place), "-q"]) == 0
    return place


@pytest.mark.parametrize(("name", "level"), LEVELS.items())
def test_human_is_healthy_and_its_recursion_collapses(folder, name, level):
    report = json.loads((folder / f"{name}.json").read_text())
    assert report["verdict"]["level"] == level
    assert report["reference"]["paired"] == ("trusted" in name)
    assert (folder / f"{name}.md").read_text().startswith("# contam audit")


def test_the_recursion_lost_rare_words(folder):
    human, collapsing = (
        json.loads((folder / f"{name}-alone.json").read_text())["signals"] for name in ("human", "collapsing")
    )
    for key in ("tail.hapax_share", "diversity.types"):
        assert collapsing[key]["value"] < human[key]["value"]


@pytest.mark.parametrize(("name", "code"), [("human", 0), ("collapsing", 1)])
def test_the_audit_exits_by_its_verdict(cli, folder, name, code):
    outcome = cli("audit", str(folder / f"{name}.jsonl"))
    assert outcome.code == code and "Figures at 20,000 matched words" in outcome.out


def test_reports_of_one_corpus_are_the_same_but_for_the_time(cli, folder):
    command = ("audit", str(folder / "human.jsonl"), "--format", "json")
    first, again = (json.loads(cli(*command).out) for _ in "ab")
    for report in (first, again):
        del report["provenance"]["seconds"], report["provenance"]["bytes_per_second"]
    assert first == again


def test_two_corpora_and_their_saved_audits_compare_alike(cli, folder):
    corpora = [str(folder / f"{name}.jsonl") for name in ("human", "collapsing")]
    saved = [str(folder / f"{name}-alone.json") for name in ("human", "collapsing")]
    live = json.loads(cli("compare", *corpora, "--format", "json").out)
    kept = json.loads(cli("compare", *saved, "--format", "json").out)
    assert live["differences"] == kept["differences"]
    assert live["differences"]["tail.hapax_share"]["status"] == "beyond noise"
    assert live["differences"]["tail.hapax_share"]["toward_collapse"] is True


def test_different_sizes_are_compared_at_the_smaller(cli, folder, tmp_path):
    lines = (folder / "human.jsonl").read_text().splitlines()
    short = tmp_path / "short.jsonl"
    short.write_text("\n".join(lines[:40]) + "\n")
    outcome = cli("compare", str(folder / "human.jsonl"), str(short), "--format", "json")
    data = json.loads(outcome.out)
    sizes = {data[side]["reference"]["matched_tokens"] for side in ("base", "head")}
    assert outcome.code == 0 and len(sizes) == 1 and sizes < {5_000, 10_000, 20_000}


def test_nothing_there_is_2(cli, tmp_path):
    outcome = cli("audit", str(tmp_path / "no-such.txt"))
    assert outcome.code == 2 and "no-such.txt" in outcome.err and "bug" not in outcome.err
    empty = tmp_path / "empty.txt"
    empty.write_text("")
    assert cli("audit", str(empty)).code == 2


def test_a_short_text_is_insufficient_and_can_be_allowed(cli, tmp_path):
    path = tmp_path / "short.txt"
    path.write_text("A few words are not evidence.\n")
    outcome = cli("audit", str(path))
    assert outcome.code == 2 and "INSUFFICIENT EVIDENCE" in outcome.out
    assert cli("audit", str(path), "--allow-insufficient").code == 0


def test_several_paths_are_one_corpus(cli, folder):
    paths = [str(folder / f"{name}.jsonl") for name in ("human", "trusted")]
    there, back = (json.loads(cli("audit", *order, "--format", "json").out) for order in (paths, paths[::-1]))
    assert there["corpus"]["files"] == 2
    assert there["signals"] == back["signals"] and there["whole"] == back["whole"]
