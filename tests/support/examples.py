"""Audits made by hand, for tests of what is done with an audit's result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contam.result import (
    Audit,
    CorpusInfo,
    DocumentFinding,
    Documents,
    Figure,
    Level,
    Provenance,
    ReferenceInfo,
    Skipped,
    Verdict,
)
from contam.rules import apply_rules

NASTY = "red \x1b[31malarm\x1b[0m \u202eevil\u202c <script>alert(1)</script> @someone `tick` | pipe \x00\x07"


Band = tuple[float, float, float]


def figure(value: float | None, band: Band, direction: str = "falls", **more: Any) -> Figure:
    """A figure of the matched sample whose 1 % limits lie a little outside its band."""
    width = band[2] - band[0]
    limits = (band[0] - 0.1 * width, band[2] + 0.1 * width)
    given = {"unit": "share", "family": "tail", "matched_tokens": 20_000, "limits": limits, "place": 0.4}
    return Figure(value, direction=direction, band=band, **(given | more))


def signals() -> dict[str, Figure]:
    """Figures of a healthy corpus."""
    return {
        "entropy.window": figure(5.98, (5.7, 5.95, 6.1), unit="nats/token", family="entropy"),
        "diversity.distinct_2": figure(0.63, (0.5, 0.61, 0.7), family="diversity", interval=(0.61, 0.65)),
        "diversity.types": figure(3105.0, (2400.0, 3300.0, 4300.0), unit="types", family="diversity"),
        "tail.hapax_share": figure(0.09, (0.06, 0.085, 0.12)),
        "repetition.cover_4": figure(0.02, (0.005, 0.02, 0.05), "rises", family="repetition"),
        "tail.type_survival": Figure(None, "share", "tail", reason="no trusted text (--reference) was given"),
    }


def whole() -> dict[str, Figure]:
    """Whole-corpus figures of a healthy corpus of 1,200 documents."""
    share = "share of documents"
    return {
        "entropy.unigram": Figure(6.8, "nats/token", "entropy"),
        "repetition.looped_documents": Figure(0.0, share, "repetition", "rises", documents=1200),
        "repetition.gopher_documents": Figure(0.07, share, "repetition", "rises", documents=1200),
        "repetition.gopher_dup_line_frac": Figure(0.01, share, "repetition", "rises", documents=1200),
        "duplicates.exact": Figure(0.0, share, "duplicates", "rises", documents=1200),
        "duplicates.near": Figure(0.01, share, "duplicates", "rises", documents=1200),
    }


def make_audit(level: Level = Level.HEALTHY, **more: Any) -> Audit:
    """An audit as the measurement would give it."""
    verdict = Verdict(
        level,
        p_value=None if level is Level.INSUFFICIENT else 0.41,
        score=None if level is Level.INSUFFICIENT else 0.3,
        reasons=("no tail loss and no copying beyond what the references show",),
        detection_floor="text of one generation of n-gram recursion is found in 89 of 100 cases",
        advice=("use --reference with trusted text of the same source",),
    )
    given, full = signals(), whole()
    audit = Audit(
        corpus=CorpusInfo(("corpus.jsonl",), 1, 1200, 480_231, 2_811_234, digest="c0ffee"),
        reference=ReferenceInfo("builtin:english", 161, 20_000, domains=("news", "fiction")),
        verdict=verdict,
        signals=given,
        whole=full,
        rules=apply_rules(given, full),
        documents=Documents(),
        provenance=Provenance("1a2b3c", 0, 3.2, 41e6, workers=2),
    )
    return replace(audit, **more)


def nasty_audit() -> Audit:
    """An audit in which every place that data reaches carries hostile characters."""
    looped = Figure(0.2, "share of documents", "repetition", "rises", documents=1200)
    full = whole() | {"repetition.looped_documents": looped}
    skipped = (Skipped(f"bad\x1b[2J{NASTY}.jsonl", f"invalid JSON: {NASTY}", 17),)
    corpus = CorpusInfo((f"c\x1b]0;title\x07{NASTY}",), 1, 1200, 480_231, 2_811_234, skipped, 40)
    worst = (DocumentFinding(f"a\x1b[1mb{NASTY}:3", "REP001", 0.93, NASTY),)
    rules = apply_rules(signals(), full)
    verdict = Verdict(Level.COLLAPSING, None, None, (NASTY,), NASTY, (NASTY,))
    return make_audit(
        Level.COLLAPSING,
        corpus=corpus,
        rules=rules,
        whole=full,
        documents=Documents(240, worst),
        verdict=verdict,
        notes=(NASTY,),
    )
