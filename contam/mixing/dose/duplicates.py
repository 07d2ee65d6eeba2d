"""What near copies among the synthetic documents do to the effect of a mixture: measured with them and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contam.mixing.dose.response import POOL, dose_response
from contam.mixing.dose.texts import Texts
from contam.mixing.options import MixOptions, Watch
from contam.mixing.result import FIXED_REAL, DoseResponse
from contam_metrics.batch import Batch
from contam_metrics.prepare import kept_segments, normalised
from contam_metrics.words import cut

COPIED = 0.02
"""Share of near copies among the synthetic documents from which on their effect is measured."""
_SEEDS = 3
_LEAST = 2_000
"""Fewest words that a proxy is trained on."""


def without_copies(texts: Texts) -> tuple[Texts, float]:
    """The texts without synthetic documents of which half the 8-grams or more are in earlier ones, and the share of
    these documents."""
    words = cut(Batch.of(texts.synthetic))
    kept = kept_segments(normalised(words.hashes), words.bounds)
    left = tuple(text for text, stays in zip(texts.synthetic, kept) if stays)
    return replace(texts, synthetic=left), 1 - len(left) / max(len(texts.synthetic), 1)


def effect_of_copies(
    texts: Texts, dose: DoseResponse, share: float, options: MixOptions, watch: Watch
) -> Mapping[str, float | None] | None:
    """``duplicates``, the share of near copies, with the fixed-real effect at the measured share nearest to ``share``
    as the text is (``before``) and without them (``effect_nats``), both on equally many words; the effects are left out
    where too little text is left. None where there are hardly any copies."""
    doses = [d for d in dose.of(FIXED_REAL) if 0 < d.share < 1]
    if not doses:
        return None
    single, copies = without_copies(texts)
    if copies < COPIED:
        return None
    at = min(doses, key=lambda d: abs(d.share - share)).share
    words = sum(len(text.split()) for text in single.synthetic)
    if POOL * words * min(1.0, 1 / at - 1) < _LEAST:
        return {"duplicates": copies, "effect_nats": None}
    asked = replace(options, shares=(0.0, at), seeds=min(options.seeds, _SEEDS), rounds=0)
    after = dose_response(single, asked, watch)
    before = dose_response(texts, replace(asked, size=max(after.real_tokens, _LEAST)), watch)
    return {"duplicates": copies, "before": _effect(before), "effect_nats": _effect(after)}


def _effect(found: DoseResponse) -> float | None:
    doses = found.of(FIXED_REAL)
    return doses[-1].effect_nats if doses else None
