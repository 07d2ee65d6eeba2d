"""``contam mix --estimate`` as a command: exit codes, what is refused, and the file of scores."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from examples import NASTY
from salads import dutch, passages, salads


def saved(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    sides = {
        "high": passages()[-130:], "low": passages()[:130], "plain": salads(130, 1), "trusted": salads(130, 2),
        "dutch": dutch(), "few": passages()[-40:],
    }  # fmt: skip
    return {name: saved(folder / f"{name}.jsonl", texts) for name, texts in sides.items()}


def test_without_trusted_text_it_cannot_be_judged(cli, files):
    told = cli("mix", "--estimate", files["high"], "--format", "json")
    share = json.loads(told.out)["synthetic_share"]
    assert told.code == 2 and not share["measured"] and "--reference" in share["reason"]
    assert cli("mix", "--estimate", files["high"], "--allow-insufficient").code == 0


@pytest.mark.parametrize(("audited", "trusted", "why"), [
    ("dutch", "trusted", "the text are unlike"), ("plain", "dutch", "the trusted text are unlike"),
    ("few", "low", "40 different documents"),
])  # fmt: skip
def test_what_cannot_be_compared_is_2_with_the_reason(cli, files, audited, trusted, why):
    told = cli("mix", "--estimate", files[audited], "--reference", files[trusted], "--format", "markdown")
    assert told.code == 2 and why in " ".join(told.out.split()) and "Traceback" not in told.err


def test_the_same_file_is_refused(cli, files):
    told = cli("mix", "--estimate", files["low"], "--reference", files["low"])
    assert told.code == 2 and "the trusted text is the audited text" in told.err and told.out == ""


@pytest.mark.parametrize(("audited", "limit", "code"), [("high", "0", 1), ("high", "1", 0), ("plain", "0", 0)])
def test_the_limit_of_the_share(cli, files, audited, limit, code):
    trusted = files["low" if audited == "high" else "trusted"]
    told = cli("mix", "--estimate", files[audited], "--reference", trusted, "--max-share", limit, "-q")
    assert told.code == code and ("more than the limit of 0 % is proven" in " ".join(told.out.split())) == bool(code)


def test_a_limit_that_is_no_share_is_refused(cli, files):
    for limit in ("1.5", "-0.1", "much"):
        assert cli("mix", "--estimate", files["high"], "--max-share", limit).code == 2


def test_an_alarm_fails_where_at_risk_is_to_fail(cli, files):
    asked = ("mix", "--estimate", files["high"], "--reference", files["low"])
    assert cli(*asked).code == 0 and cli(*asked, "--fail-on", "at_risk").code == 1


def rows_of(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix in (".arrow", ".feather"):
        return pa.ipc.open_file(path).read_all().to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".arrow", ".feather"])
def test_scores_are_written_the_highest_first(cli, files, tmp_path, suffix):
    path = tmp_path / f"scores{suffix}"
    told = cli("mix", "--estimate", files["high"], "--reference", files["low"], "--scores", str(path), "-q")
    rows = rows_of(path)
    scores = [float(row["score"]) for row in rows]
    assert told.code == 0 and len(rows) == 130 and scores == sorted(scores, reverse=True)
    assert list(rows[0]) == ["path", "line", "id", "key", "score", "percentile"]
    first = rows[0]
    assert first["path"] == files["high"] and first["id"] == f"{files['high']}:{first['line']}"
    assert float(first["percentile"]) == 100.0 and len(first["key"]) == 16


def test_scores_that_cannot_be_written_are_refused_before_anything_is_read(cli, files, tmp_path):
    for name in ("scores.xlsx", "none/scores.csv"):
        told = cli("mix", "--estimate", str(tmp_path / "missing.jsonl"), "--scores", str(tmp_path / name))
        assert told.code == 2 and "scores" in told.err and "missing.jsonl" not in told.err


@pytest.mark.parametrize("flags", [
    "--order later", "--human x", "--machine x", "--generator G", "--machine y --human x", "--observer tiny",
    "--share 0.5", "--proxy ngram", "--model no-such-model-anywhere",
])  # fmt: skip
def test_what_does_not_go_together_is_refused(cli, files, flags):
    told = cli("mix", "--estimate", files["plain"], *flags.split())
    assert told.code == 2 and told.out == "" and "Traceback" not in told.err and flags.split()[0][2:] in told.err


def test_a_pipeline_makes_a_forecast_of_the_bound(cli, files):
    asked = ("mix", "--estimate", files["high"], "--reference", files["low"], "--order", "known", "--format", "json")
    found = json.loads(cli(*asked, "--regime", "reused", "--generations", "4").out)
    assert found["forecast"]["share"] == found["synthetic_share"]["lower_bound"] > 0.5
    assert found["forecast"]["share_is"] == "lower bound" and found["forecast"]["generations"][-1]["generation"] == 4
    assert json.loads(cli(*asked).out)["forecast"] is None


def test_labelled_text_needs_no_trusted_text(cli, files):
    told = cli("mix", "--estimate", files["plain"], "--human", files["low"], "--machine", files["high"],
               "--generator", NASTY, "--format", "json")  # fmt: skip
    declared = json.loads(told.out)["synthetic_share"]["declared"]
    assert declared["human"] == declared["machine"] == 130 and declared["estimate"] is not None
    assert cli("mix", "--estimate", files["plain"], "--human", files["low"], "--machine", files["low"],
               "--generator", "G").code == 2  # fmt: skip


def test_names_of_files_are_shown_not_obeyed(cli, files, tmp_path):
    path = saved(tmp_path / "a\x1b[31mred\u202e=1.jsonl", passages()[-105:])
    for form in ("rich", "markdown", "html"):
        told = cli("mix", "--estimate", path, "--reference", files["low"], "--format", form)
        assert told.code == 0 and "\x1b[31m" not in told.out and "\u202e" not in told.out
