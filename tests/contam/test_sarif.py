"""SARIF: the schema where it is at hand, what code hosts need everywhere, fingerprints that survive edits."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from examples import make_audit, nasty_audit
from hypothesis import given
from hypothesis import strategies as st

from contam.errors import InputError
from contam.reports import render
from contam.reports.failed import Failure
from contam.reports.findings import VERDICT, Gate
from contam.reports.places import split_label, uri
from contam.reports.sarif import MOST_RESULTS, message
from contam.result import CorpusInfo, DocumentFinding, Documents, Level, RuleResult, Skipped
from contam.rules import RULES

LEVELS = {"error", "warning", "note"}


def log_of(result, gate=None) -> dict:
    return json.loads(render(result, "sarif", gate=gate))


def run_of(result, gate=None) -> dict:
    log = log_of(result, gate)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    return run


def documents(*labels: str, rule: str = "REP001") -> Documents:
    found = (DocumentFinding(label, rule, 0.9, f"text of {label} again") for label in labels)
    return Documents(len(labels), tuple(found))


def looped(*labels: str, **more):
    whole = replace(nasty_audit().whole["repetition.looped_documents"], value=0.3)
    failing = RuleResult("REP001", "looped-documents", "fail", 0.3, 0.1, "looped documents 30 %")
    return make_audit(
        Level.COLLAPSING, rules=(failing,), documents=documents(*labels), whole={"repetition.looped_documents": whole},
        **more,
    )  # fmt: skip


def parted():
    bad = replace(looped("code/a.py:3"), name="data/code/**")
    good = replace(make_audit(), name="data/prose/**")
    return replace(bad, parts=(good, bad))


def copied(label: str, of: str):
    rule = RuleResult("DUP001", "exact-duplicates", "warn", 0.2, 0.05, "exact duplicates 20 %")
    found = DocumentFinding(label, "DUP001", 2.0, "the same text", of)
    return make_audit(rules=(rule,), documents=Documents(1, (found,)))


def test_a_copy_says_where_the_first_one_is():
    (result,) = [one for one in run_of(copied("new.jsonl:7", "data/old.jsonl:12"))["results"] if "copy" in str(one)]
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    (related,) = result["relatedLocations"]
    place = related["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("data/old.jsonl", 12)
    assert "a copy of data/old.jsonl:12" in result["message"]["text"]


RESULTS = {
    "copied": lambda: copied("a.jsonl:7", "](http://x) \x1b[31m{0}.jsonl:12"),
    "healthy": make_audit,
    "nasty": nasty_audit,
    "insufficient": lambda: make_audit(Level.INSUFFICIENT),
    "looped": lambda: looped("data/a b.jsonl:3", "data/ü%.jsonl.gz:17", "s3://bucket/x:1", "-:4"),
    "parts": parted,
    "failed": lambda: Failure.of(InputError("no documents in data"), "audit", ("data",)),
}


@pytest.mark.parametrize("name", RESULTS)
def test_the_published_schema_holds(name):
    given = os.environ.get("CONTAM_SARIF_SCHEMA")
    if not given:
        pytest.skip("CONTAM_SARIF_SCHEMA names no file: the schema of OASIS is not ours to ship")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(given).read_text(encoding="utf-8"))
    checker = jsonschema.FormatChecker()
    jsonschema.Draft4Validator(schema, format_checker=checker).validate(log_of(RESULTS[name]()))


def check_result(result: dict, rules: list[dict]) -> None:
    assert set(result) <= {
        "ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints", "properties",
        "relatedLocations",
    }  # fmt: skip
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    assert result["level"] in LEVELS and result["message"]["text"].strip()
    assert re.fullmatch(r"[0-9a-f]{64}", result["partialFingerprints"]["contam/v1"])
    (location,) = result["locations"]
    place = location["physicalLocation"]
    assert place["region"]["startLine"] >= 1
    address = place["artifactLocation"]["uri"]
    assert re.fullmatch(r"[A-Za-z0-9/._~%:-]+", address) and "\\" not in address
    relative = place["artifactLocation"].get("uriBaseId") == "%SRCROOT%"
    assert not address.startswith("/") and ("://" in address) != relative


@pytest.mark.parametrize("name", RESULTS)
def test_the_structure_that_code_hosts_need_is_there(name):
    run = run_of(RESULTS[name]())
    driver = run["tool"]["driver"]
    assert driver["name"] == "contam" and re.fullmatch(r"\d+\.\d+\.\d+", driver["semanticVersion"])
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids)) and {rule.id for rule in RULES} < set(ids)
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in LEVELS
        assert rule["help"]["text"] and rule["help"]["markdown"] and rule["fullDescription"]["text"]
    assert isinstance(run["results"], list)
    for result in run["results"]:
        check_result(result, driver["rules"])
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] == (invocation["exitCode"] != 2)


def test_a_clean_corpus_has_results_and_they_are_empty():
    run = run_of(make_audit())
    assert run["results"] == [] and run["invocations"][0]["executionSuccessful"] is True
    assert run["invocations"][0]["toolExecutionNotifications"] == []


def test_the_worst_documents_of_a_healthy_corpus_are_no_results():
    healthy = make_audit(documents=Documents(2, documents("x:1", "x:2").worst + documents("x:3", rule="verdict").worst))
    assert run_of(healthy)["results"] == []


def test_the_verdict_the_rule_and_the_document_are_results_worst_first():
    found = run_of(looped("data/x.jsonl:12"))["results"]
    assert [r["ruleId"] for r in found] == [VERDICT, "REP001", "REP001"]
    assert {r["level"] for r in found} == {"error"}
    place = found[2]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "data/x.jsonl", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12}
    assert found[1]["properties"] == {"value": 0.3, "limit": 0.1}


def test_a_gate_that_never_fails_has_warnings_alone():
    found = run_of(looped("x:1"), Gate("never"))
    assert {r["level"] for r in found["results"]} == {"warning"} and found["invocations"][0]["exitCode"] == 0


def test_a_level_below_the_gate_is_a_warning_and_at_it_an_error():
    (loose,) = run_of(make_audit(Level.AT_RISK))["results"]
    (strict,) = run_of(make_audit(Level.AT_RISK), Gate("at_risk"))["results"]
    assert (loose["level"], strict["level"]) == ("warning", "error")


def test_an_enforced_rule_is_an_error_though_the_corpus_is_healthy():
    rule = RuleResult("DUP001", "exact-duplicates", "fail", 0.2, 0.1, "20 % copies", enforced=True)
    found = run_of(make_audit(rules=(rule, replace(rule, id="DUP002", status="warn", enforced=False))))
    assert [(r["ruleId"], r["level"]) for r in found["results"]] == [("DUP001", "error"), ("DUP002", "warning")]
    assert found["invocations"][0]["exitCode"] == 1


def test_what_could_not_be_judged_is_a_notification_and_no_result():
    rule = RuleResult("PPL001", "bits-per-byte", "skipped", None, None, "skipped: no model", enforced=True)
    for audit in (make_audit(Level.INSUFFICIENT), make_audit(rules=(rule,))):
        run = run_of(audit)
        assert run["results"] == [] and run["invocations"][0]["executionSuccessful"] is False
        assert [n["level"] for n in run["invocations"][0]["toolExecutionNotifications"]] == ["error"]
    assert "no model" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_an_input_that_was_not_read_is_a_notification_with_its_place():
    corpus = CorpusInfo(("x",), 1, 1, 1, 1, (Skipped("data/x.jsonl", "invalid JSON", 7),), 1)
    (told,) = run_of(make_audit(corpus=corpus))["invocations"][0]["toolExecutionNotifications"]
    assert told["level"] == "warning" and "invalid JSON" in told["message"]["text"]
    assert told["locations"][0]["physicalLocation"]["region"]["startLine"] == 7


def test_a_fingerprint_knows_no_line_and_no_value_but_rule_file_and_text():
    def prints(label: str, value: float = 0.9, rule: str = "REP001", text: str = "a b") -> str:
        found = Documents(1, (DocumentFinding(label, rule, value, text),))
        loud = RuleResult(rule, "name", "warn", 0.3, 0.1, "it warns")
        return run_of(make_audit(rules=(loud,), documents=found))["results"][1]["partialFingerprints"]["contam/v1"]

    first = prints("data/x.jsonl:3")
    assert prints("data/x.jsonl:99", 0.4) == first == prints("data/x.jsonl:3", text=" A  b\n")
    different = {prints("data/y.jsonl:3"), prints("data/x.jsonl:3", rule="DUP001"), prints("data/x.jsonl:3", text="c")}
    assert first not in different and len(different) == 3


def test_findings_of_the_corpus_stand_at_the_configuration_else_at_the_first_file(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    for name in ("corpus/b.txt", "corpus/a.txt", "sub/contam.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    audit = make_audit(Level.COLLAPSING, corpus=CorpusInfo(("../corpus",), 2, 1, 1, 1))

    def address(gate: Gate) -> str:
        place = run_of(audit, gate)["results"][0]["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] == 1 and place["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        return place["artifactLocation"]["uri"]

    assert address(Gate()) == "corpus/a.txt"
    assert address(Gate(configuration=Path("contam.toml"))) == "sub/contam.toml"


def test_a_file_outside_the_repository_has_an_absolute_address(tmp_path):
    (tmp_path / "repo").mkdir()
    address, relative = uri(str(tmp_path / "out side#.txt"), tmp_path / "repo")
    assert not relative and address == f"file://{tmp_path}/out%20side%23.txt"
    assert uri(str(tmp_path / "repo" / "a:b.txt"), tmp_path / "repo") == ("a%3Ab.txt", True)
    assert uri("-", tmp_path) == ("stdin", True) and uri("", tmp_path) is None
    assert uri("hf://name/x y", tmp_path) == ("hf://name/x%20y", False)


@given(st.text(st.characters(), min_size=1))
def test_every_file_name_makes_an_address_that_leads_back(name):
    found = uri(f"/repo/x{name}", Path("/repo"))
    if not re.search(r"[\0\ud800-\udfff]|/", name):
        assert found == (found[0], True) and unquote(found[0]) == f"x{name}"
    assert found is not None and re.fullmatch(r"[A-Za-z0-9/._~%:-]+", found[0])


def test_labels_are_parted_at_their_last_colon():
    assert split_label("a:b.jsonl:17") == ("a:b.jsonl", 17)
    assert split_label("a:b") == ("a:b", None) and split_label("x:0") == ("x:0", None)
    assert split_label("x:²") == ("x:²", None) and split_label("") == ("", None)


def test_results_are_capped_and_the_total_is_told():
    audit = looped(*(f"data/x.jsonl:{i}" for i in range(1, MOST_RESULTS + 100)))
    run = run_of(audit)
    assert len(run["results"]) == MOST_RESULTS
    assert run["properties"]["resultsTotal"] == MOST_RESULTS + 101 and run["results"][0]["ruleId"] == VERDICT


def test_parts_are_named_and_the_deciding_one_comes_first():
    run = run_of(parted())
    assert [part["level"] for part in run["properties"]["parts"]] == ["collapsing", "healthy"]
    logical = {r["locations"][0]["logicalLocations"][0]["name"] for r in run["results"]}
    assert logical == {"data/code/**"} and run["invocations"][0]["exitCode"] == 1


def test_messages_have_no_link_no_placeholder_and_nothing_hidden():
    assert message("see [here](http://x.example) {0} {12} {x}\x1b[1m") == (
        "see [here] (http://x.example) { 0} { 12} {x}\\x1b[1m"
    )
    assert len(message("x" * 10_000)) <= 1000


@pytest.mark.parametrize("rule", ["verdict", "DIV006"])
def test_a_likely_cause_warns_and_says_of_what_it_is_a_share(rule):
    low = RuleResult("DIV006", "hapax-share", "fail", 0.01, 0.06, "hapax share 1 %", enforced=True)
    found = run_of(make_audit(Level.COLLAPSING, rules=(low,), documents=documents("x.txt:4", rule=rule)))["results"]
    assert [r["level"] for r in found] == ["error", "error", "warning"]
    assert found[2]["ruleId"] == (VERDICT if rule == "verdict" else rule)
    assert found[2]["message"]["text"].startswith("90 % of its words are used by other documents too: ")
