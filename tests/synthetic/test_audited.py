"""The synthetic share in an audit: measured beside trusted text only, shown, saved and read back."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import cache

import pytest
from examples import NASTY, make_audit
from salads import passages

from contam.auditing import AuditOptions, audit
from contam.errors import UsageError
from contam.reports import render
from contam.result import Audit, DocumentFinding, Documents
from contam.saved import audit_from
from contam.synthetic.share import Declared, SyntheticShare


@cache
def alike() -> Audit:
    """Every second passage beside the others."""
    return audit({"text": list(passages()[::2])}, reference={"text": list(passages()[1::2])}, order="known")


@cache
def unlike() -> Audit:
    """The half with the higher scores beside the lower half."""
    half = len(passages()) // 2
    return audit({"text": list(passages()[half:])}, reference={"text": list(passages()[:half])})


def test_human_text_beside_its_like():
    share = alike().synthetic_share
    assert share.measured and share.order == "known" and share.documents == 200
    assert share.p_value > 0.05 and share.lower_bound == 0
    assert not [found for found in alike().documents.worst if found.rule == "SYN001"]
    rules = {rule.id: rule for rule in alike().rules}
    assert rules["SYN001"].status == "pass" and rules["SYN002"].status == "skipped"


def test_higher_scores_are_found_and_the_highest_named():
    share = unlike().synthetic_share
    assert share.p_value <= 0.05 and share.lower_bound > 0.9 and share.order == "unknown"
    found = [one for one in unlike().documents.worst if one.rule == "SYN001"]
    assert [one.excerpt for one in found] == [text[:400] for text in passages()[:-6:-1]]
    assert {rule.id: rule.status for rule in unlike().rules}["SYN001"] == "warn"
    assert "apart from collapse, at least 9" in unlike().verdict.reasons[-1]
    assert not any("apart from collapse" in reason for reason in alike().verdict.reasons)


def test_nothing_depends_on_workers():
    half = len(passages()) // 2
    again = audit({"text": list(passages()[half:])}, reference={"text": list(passages()[:half])}, workers=1)
    assert again.synthetic_share == unlike().synthetic_share and again.documents == unlike().documents


@pytest.mark.parametrize("form", ["rich", "markdown", "html"])
def test_reports_say_it(form):
    text = " ".join(render(unlike(), form).split())
    assert "Synthetic share" in text and "more instruct-like than its trusted text" in text
    assert "Most instruct-like documents" in text and "nothing of any single one" in text
    text = " ".join(render(alike(), form).split())
    assert "no difference found in known order" in text and "Most instruct-like" not in text


def test_few_documents_are_withheld_with_the_reason():
    found = audit({"text": list(passages()[:60])}, reference={"text": list(passages()[60:])})
    assert not found.synthetic_share.measured and found.synthetic_share.lower_bound is None
    assert "share: not measured" in render(found, "rich")
    (rule,) = [rule for rule in found.rules if rule.id == "SYN001"]
    assert rule.status == "skipped" and found.synthetic_share.reason in rule.message


def test_without_trusted_text_and_where_it_is_not_wanted_nothing_is_measured():
    texts = {"text": list(passages()[:40])}
    assert audit(texts).synthetic_share is None
    assert audit(texts, reference={"text": list(passages()[40:80])}, order=None).synthetic_share is None


def test_a_plain_audit_does_not_load_the_score():
    code = (
        "import sys; from contam.auditing import audit; audit(['a word or two'] * 3);"
        "print([m for m in sys.modules if m.startswith('contam.synthetic.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['contam.synthetic.share']"


def test_options():
    with pytest.raises(UsageError, match="no order 'later'"):
        AuditOptions(order="later")
    plain, known = AuditOptions(reference="t"), AuditOptions(reference="t", order="known")
    assert plain.digest != known.digest and AuditOptions(order="known").digest == AuditOptions().digest


def test_it_is_read_back_and_old_reports_have_none():
    declared = Declared("G", 0.4, (0.2, 0.6), 0.38, 0.9, 0.1, 120, 130)
    counts = {"audited": {"short": 1, "copies": 2, "of": 300}}
    share = SyntheticShare(True, "known", 0.2, 0.01, documents=200, excluded=counts, declared=declared)
    given = make_audit(synthetic_share=share)
    assert audit_from(given.to_dict()) == given
    data = make_audit().to_dict()
    assert data.pop("synthetic_share") is None and audit_from(data) == make_audit()
    assert audit_from(unlike().to_dict()).synthetic_share == unlike().synthetic_share


@pytest.mark.parametrize("form", ["rich", "markdown", "html"])
def test_hostile_text_is_escaped(form):
    worst = (DocumentFinding(NASTY, "SYN001", 3.0, NASTY),)
    share = SyntheticShare(False, "known", reason=NASTY, sentences=(NASTY,))
    text = render(replace(make_audit(), synthetic_share=share, documents=Documents(0, worst)), form)
    assert "\x1b[31m" not in text and "\x07" not in text and ("<script>alert" not in text or form != "html")
