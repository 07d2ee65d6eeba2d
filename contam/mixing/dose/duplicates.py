"""What near copies among the synthetic documents do to the effect of a mixture: measured with them and without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contam.mixing.dose.response import dose_response
from contam.mixing.dose.texts import Texts
from contam.mixing.options import MixOptions, Watch
from contam.mixing.result import FIXED_REAL, DoseResponse
from contam_metrics.batch import Batch
from contam_metrics.prepare import kept_segments, normalised
from contam_metrics.words import cut

COPIED = 0.02
"""Share of near copies among the synthetic documents from which on their effect is measured."""
_SEEDS = 3
_ROOM = 0.9
"""Part of the synthetic words that is planned with: documents are drawn whole."""


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
    as the text is (``before``) and without them (``effect_nats``), both on equally many words. None where there are
    hardly any copies, or too little text is left."""
    doses = [d for d in dose.of(FIXED_REAL) if 0 < d.share < 1]
    if not doses:
        return None
    single, copies = without_copies(texts)
    if copies < COPIED:
        return None
    at = min(doses, key=lambda d: abs(d.share - share)).share
    words = sum(len(text.split()) for text in single.synthetic)
    size = min(options.size, int(_ROOM * words / max(at, at / (1 - at))))
    if size < 2_000:
        return {"duplicates": copies, "effect_nats": None}
    asked = replace(options, shares=(0.0, at), seeds=min(options.seeds, _SEEDS), size=size, rounds=0)
    before, after = (_effect(one, asked, watch) for one in (texts, single))
    return {"duplicates": copies, "before": before, "effect_nats": after}


def _effect(texts: Texts, options: MixOptions, watch: Watch) -> float | None:
    found = dose_response(texts, options, watch).of(FIXED_REAL)
    return found[-1].effect_nats if found else None
