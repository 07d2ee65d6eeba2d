"""Results of a mixture made by hand, for tests of what is done with them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from examples import NASTY

from contam.mixing.asked import Evidence
from contam.mixing.judging import judge_mix
from contam.mixing.result import (
    FIXED_REAL,
    FIXED_TOTAL,
    Dose,
    DoseResponse,
    Forecast,
    Mix,
    Retained,
    ScoredDocument,
)
from contam.result import CorpusInfo, Provenance
from contam.synthetic.share import SyntheticShare

SHARES = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 1.0)
HARM = {0.05: 0.01, 0.1: 0.03, 0.25: 0.08, 0.5: 0.17, 0.75: 0.31, 1.0: 0.55}
LOSS = 6.42
REAL = CorpusInfo(("real.jsonl",), 1, 1_210, 412_880, 2_403_112, digest="a1")
SYNTHETIC = CorpusInfo(("written.jsonl",), 1, 2_004, 398_204, 2_210_430, digest="b2")
PROVENANCE = Provenance("c0ffee", 0, 31.4, 1.1e6)
SETTINGS: dict[str, Any] = {"share": 0.5, "regime": "fresh", "generations": 10, "proxy": "ngram", "seed": 0}


def dose(share: float, design: str, effect: float, half: float = 0.02, later: tuple[float, ...] = ()) -> Dose:
    """A dose with an effect and an interval of that half width around it."""
    total = 100_000 if design == FIXED_TOTAL else round(50_000 / (1 - share))
    real = round((1 - share) * total)
    loss = LOSS + effect
    span = (effect - half, effect + half) if half else None
    output = {"diversity.types": 8_200 - 3_000 * share, "tail.hapax_share": 0.16 - 0.08 * share}
    output |= {"diversity.distinct_2": 0.82 - 0.1 * share, "entropy.window": 5.9 - 0.4 * share}
    return Dose(
        share, design, real, total - real, loss, (loss - 0.05, loss + 0.05),
        effect if share else None, span if share else None, (effect - 0.01, effect + 0.01),
        output if design == FIXED_TOTAL else {}, later if design == FIXED_TOTAL else (),
    )  # fmt: skip


def make_dose(scale: float = 1.0, real_scale: float = 0.8, half: float = 0.02, rises: float = 0.3) -> DoseResponse:
    """A dose-response: effects in the place of real text are ``scale`` times `HARM`, added to it ``real_scale`` times;
    three generations on, each costs ``rises`` times the share again."""
    doses = []
    for share in SHARES:
        effect = HARM.get(share, 0.0)
        later = tuple(LOSS + scale * effect + rises * share * k for k in (1, 2, 3))
        doses.append(dose(share, FIXED_TOTAL, scale * effect, half, later))
        if share < 1:
            doses.append(dose(share, FIXED_REAL, real_scale * effect, half))
    kinds = {f"{share:g}": _kind(scale * HARM[share], real_scale * HARM[share], half) for share in SHARES[1:]}
    seen = {FIXED_TOTAL: 0.25 if scale > 0 else None, FIXED_REAL: 0.25 if real_scale > 0 else None}
    return DoseResponse(
        "ngram", "word", 5, 100_000, 50_000, 48_112, 240, tuple(doses), seen, kinds, ("Proxies count words.",), 12.0
    )


def _kind(total: float, real: float, half: float) -> str:
    if real - half > 0:
        return "harmful"
    if real + half < 0:
        return "helpful"
    return "wasted" if total - half > 0 else "unseen"


def make_forecast(rate: float = 0.03, share: float = 0.5, last: int = 10, **more: Any) -> Forecast:
    """A forecast in which each generation loses ``rate`` of what the vocabulary has left to lose, to two thirds."""
    generations = tuple(_retained(k, (1 + 2 * math.exp(-rate * k)) / 3) for k in range(1, last + 1))
    kept = generations[-1].vocabulary_retained
    given: dict[str, Any] = {
        "regime": "fresh",
        "share": share,
        "share_is": "given",
        "tokens": 412_880,
        "vocabulary": 23_914,
        "temperature": 1.0,
        "fresh_share_for": {"0.8": 0.279, "0.9": 0.45, "0.95": 0.596},
        "half_lives": {"head": None, "vocabulary": 14.2, "tail": 3.0},
        "regimes": {"replace": 0.31, "fresh": kept, "reused": 0.93, "redrawn": 0.88, "accumulate": 0.985},
        "limit": 0.66,
        "method": "closed form",
        "assumptions": ("The real tokens of every generation are fresh.", "The model counts exactly."),
        "error": "95 % of measured retentions lay within 4 points",
        "notes": (),
    }
    return Forecast(generations=generations, **(given | more))


def _retained(generation: int, kept: float) -> Retained:
    return Retained(generation, 1 - 0.0001 * generation, kept, kept**3, kept**1.5, (kept - 0.04, min(kept + 0.04, 1)))


def make_share(p_value: float = 0.017, bound: float = 0.32, **more: Any) -> SyntheticShare:
    """A measured synthetic share."""
    told = f"At least {bound:.0%} of the documents, if both share source and subject mix (p = {p_value})."
    if p_value > 0.05:
        told = "No difference found: half of the documents would have been found in most sources."
    given: dict[str, Any] = {
        "documents": 200,
        "excluded": {"audited": {"short": 41, "copies": 3, "of": 2_048}},
        "trained_on": {"human": ["essays", "news"], "generators": ["two instruct models"]},
        "null_pairs": 57,
        "null_families": 41,
        "auc": 0.81,
        "left": 0.52,
        "limit": 0.84,
        "false_alarms": 0.053,
        "false_bounds": 0.018,
        "sentences": (told,),
    }
    return SyntheticShare(True, "known", **({"lower_bound": bound, "p_value": p_value} | given | more))


NOT_MEASURED = SyntheticShare(
    False, "unknown", reason="no trusted text of this source", sentences=("Share: not measured (no trusted text).",)
)
SCORES = {
    "audited": tuple(round(0.9 + 1.4 * math.sin(k), 4) for k in range(200)),
    "trusted": tuple(round(-0.6 + 1.1 * math.sin(3 * k), 4) for k in range(200)),
}


def _detection(k: int) -> dict[str, float]:
    return {"fast_detect_gpt": 2.1 - 0.3 * k, "binoculars": 0.8 + 0.05 * k}


def documents(count: int = 8) -> tuple[ScoredDocument, ...]:
    """Documents of an estimate, the most machine-like first."""
    return tuple(
        ScoredDocument(f"crawl/{k:03d}.jsonl:{k + 1}", 3.2 - 0.2 * k, 99.5 - k, f"It is important: {k}", _detection(k))
        for k in range(count)
    )


def make_mix(kind: str = "full", **more: Any) -> Mix:
    """A result: ``full``, ``neural``, ``forecast`` only, ``estimate`` only, ``none`` (no difference found) or
    ``unmeasured`` (no share)."""
    share = {"estimate": make_share(), "none": make_share(0.4, 0.0), "unmeasured": NOT_MEASURED}.get(kind)
    found = make_dose() if kind in ("full", "neural") else None
    if kind == "neural" and found is not None:
        found = replace(found, proxy="neural", unit="token", seeds=3)
    ahead = make_forecast() if kind in ("full", "neural", "forecast") else None
    estimated = share is not None and share.measured
    given: dict[str, Any] = {
        "verdict": None,
        "real": REAL,
        "synthetic": None if kind == "forecast" else SYNTHETIC,
        "synthetic_share": share,
        "dose_response": found,
        "forecast": ahead,
        "rules": (),
        "provenance": PROVENANCE,
        "documents": documents() if estimated else (),
        "documents_total": 2_004 if estimated else 0,
        "notes": ("3 documents of the synthetic text also stand in the real text.",) if found else (),
        "settings": SETTINGS,
        "compared": SCORES if estimated else {},
    }
    given |= more
    verdict, rules = judge_mix(Evidence(given["synthetic_share"], given["dose_response"], given["forecast"]))
    return Mix(**(given | {"verdict": more.get("verdict", verdict), "rules": more.get("rules", rules)}))


def nasty_mix() -> Mix:
    """A result every string of which is hostile."""
    found = replace(make_dose(), notes=(NASTY,), unit=NASTY, proxy=NASTY)
    ahead = make_forecast(assumptions=(NASTY,), notes=(NASTY,), error=NASTY, method=NASTY)
    share = make_share(sentences=(NASTY,), trained_on={"human": [NASTY], "generators": [NASTY]})
    told = (ScoredDocument(f"a\x1b[1mb{NASTY}:3", 2.5, 99.0, NASTY, {NASTY: 1.0}),)
    corpus = replace(REAL, sources=(NASTY,))
    return make_mix(
        dose_response=found, forecast=ahead, synthetic_share=share, documents=told, documents_total=1, real=corpus,
        synthetic=corpus, notes=(NASTY,), settings={NASTY: NASTY}, compared=SCORES,
    )  # fmt: skip
