"""What figures are called for people, and how their numbers are written."""

from __future__ import annotations

NAMES = {
    "entropy.window": "window entropy",
    "entropy.conditional": "conditional entropy",
    "entropy.chao_wang_jost": "entropy (CWJ)",
    "entropy.plug_in": "word entropy",
    "entropy.unigram": "unigram entropy",
    "entropy.unigram_cwj": "unigram entropy (CWJ)",
    "diversity.types": "types",
    "diversity.mattr": "MATTR-100",
    "diversity.mattr_500": "MATTR-500",
    "diversity.zipf": "Zipf exponent",
    "diversity.heaps": "Heaps exponent",
    "tail.hapax_share": "hapax share f1/N",
    "tail.type_survival": "tail survival",
    "tail.hapax_types": "hapax types f1/V",
    "text.window_types": "types in 1,000 words",
    "text.window_ttr": "types in 100 words",
    "text.simpson": "Simpson index",
    "text.function_words": "function words",
    "text.word_length": "word length",
    "text.nonletter": "non-letter tokens",
    "text.unk": "<unk> tokens",
    "repetition.seq_rep_4": "seq-rep-4",
    "repetition.cover_4": "shared 4-grams",
    "repetition.looped_documents": "looped documents",
    "repetition.loop_cover": "words in loops",
    "repetition.gopher_documents": "over a Gopher limit",
    "duplicates.cross_4": "4-gram sharers",
    "duplicates.cross_8": "8-gram sharers",
    "duplicates.cross_13": "13-gram sharers",
    "duplicates.exact": "exact duplicates",
    "duplicates.near": "near duplicates",
    "duplicates.near_dropped": "near copies dropped",
    "compression.block": "block compression",
    "diversity.distinct_ngrams_2": "different 2-grams",
    "diversity.distinct_ngrams_3": "different 3-grams",
    "diversity.distinct_ngrams_4": "different 4-grams",
    "perplexity.bits_per_byte": "bits per byte",
    "perplexity.drift": "perplexity drift",
    "perplexity.spread": "spread of surprise",
    "checkpoint.validation_drift": "validation drift",
    "checkpoint.entropy_gap_drift": "drift of the entropy gap",
    "checkpoint.own_entropy": "entropy of own text",
    "mixture.vocabulary_retained": "vocabulary retained",
    "synthetic.share_low": "lower bound of the synthetic share",
    "synthetic.share": "declared synthetic share",
    "volume.nonletter_share": "non-letter tokens",
    "volume.unk_share": "<unk> tokens",
}

PERCENT = {
    "repetition.looped_documents",
    "repetition.loop_cover",
    "duplicates.exact",
    "duplicates.near",
    "duplicates.near_dropped",
    "mixture.vocabulary_retained",
    "synthetic.share_low",
    "synthetic.share",
    "volume.nonletter_share",
    "volume.unk_share",
}


def name_of(key: str) -> str:
    """The name of a figure: ``diversity.distinct_2`` is ``distinct-2``, ``tail.hapax_share`` a phrase."""
    if key in NAMES:
        return NAMES[key]
    tail = key.partition(".")[2] or key
    stem, _, last = tail.rpartition("_")
    if stem.endswith("_at") and last.isdigit():
        return f"{stem.replace('_', ' ')} {int(last):,}"
    if stem and last.isdigit():
        return f"{stem.replace('_', ' ')}-{last}"
    return tail.replace("_", " ")


def written(value: float | None, key: str = "") -> str:
    """A number for people: four significant digits, thousands grouped, shares of documents as per cent."""
    if value is None:
        return "-"
    if key == "synthetic.share_low" and not value:
        return "(none above 0)"
    if key in PERCENT or key.startswith("repetition.gopher_"):
        return f"{100 * value:.1f} %"
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:#.4g}".rstrip(".")


def probability(p: float) -> str:
    """A p-value, never as a false zero."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"
