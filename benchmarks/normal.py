"""What would be normal: every metric over the human sources of the development data, at one matched size.

``python benchmarks/normal.py [WORDS]`` prints the table of docs/metrics.md. The sources are those of the
English profile; see benchmarks/sources.py for where the data is looked for.
"""

from __future__ import annotations

import re
import sys

import numpy as np
import sources

from contam_metrics import compression, diversity, entropy, gopher, ngrams, repetition, tail
from contam_metrics.prepare import prepare
from contam_metrics.segments import segments_of_texts
from contam_metrics.signals import figures, tables

WORD = re.compile(r"[^\W\d_]+|\d+")
BLOCK = 1 << 17


def matched(texts: tuple[str, ...], words: int) -> dict[str, float]:
    """The figures of the matched text, and estimators that are printed nowhere but belong to the same
    table."""
    prepared = prepare(segments_of_texts(texts), words)
    if not prepared.reached:
        return {}
    ids, bounds = prepared.ids, prepared.bounds
    counts = np.bincount(ids)
    out = {k: v for k, v in figures(tables(ids, bounds)).items() if not k.startswith("text.")}
    out |= {
        "entropy.plug_in": entropy.plug_in(counts),
        "entropy.miller_madow": entropy.miller_madow(counts),
        "entropy.chao_shen": entropy.chao_shen(counts),
        "entropy.ngram_entropy, n = 2": entropy.ngram_entropy(ids, bounds, 2),
        "entropy.ngram_entropy, n = 3": entropy.ngram_entropy(ids, bounds, 3),
        "entropy.conditional_entropy, n = 3": entropy.conditional_entropy(ids, bounds, 3),
        "diversity.hdd": diversity.hdd(counts),
        "diversity.zipf": diversity.zipf_exponent(counts),
        "diversity.heaps": diversity.heaps_exponent(counts),
        "diversity.rarefied_types, m = 5000": diversity.rarefied_types(counts, 5000),
        "diversity.ead, vocabulary 50000": diversity.ead(len(counts), 50_000, words),
        "tail.coverage_chao_jost": tail.coverage_chao_jost(counts),
        "repetition.self_repetition": repetition.self_repetition(ids, bounds),
    }
    return out


def documents(texts: tuple[str, ...]) -> dict[str, float]:
    """The figures of whole documents: of the first ones that make half a million characters."""
    used, size = [], 0
    for text in texts:
        used, size = [*used, text], size + len(text)
        if size > 500_000:
            break
    words = [WORD.findall(text.casefold()) for text in used]
    rules = [
        gopher.gopher_repetition(w, gopher.lines_of(t), gopher.paragraphs_of(t)) for w, t in zip(words, used)
    ]
    corpus, bounds = ngrams.ragged(words)
    loops = [repetition.loop_share(d, t) for d, t in zip(ngrams.documents(corpus, bounds), used)]
    mtld = [diversity.mtld(d) for d in ngrams.documents(corpus, bounds) if len(d) >= 100]
    raw = [text.encode() for text in used]
    return {
        "diversity.mattr_500": diversity.mattr(corpus, bounds),
        "diversity.mtld": float(np.mean(mtld)) if mtld else np.nan,
        "repetition.looped_documents": float(np.mean(np.array(loops) >= 0.25)),
        "repetition.gopher_documents": float(np.mean([bool(gopher.over_limits(r)) for r in rules])),
        **{
            f"compression.block, {codec}": compression.block_compression(raw, codec, BLOCK).value
            for codec in compression.CODECS
        },
    }


def survival(texts: tuple[str, ...], words: int) -> dict[str, float]:
    """Tail survival between a source's first two thirds (as reference) and its last third, in document
    order."""
    third = [sum(map(len, texts)) * i / 3 for i in (1, 2)]
    ends = np.cumsum([len(t) for t in texts])
    cut = int(np.searchsorted(ends, third[1]))
    reference, audit = list(texts[:cut]), list(texts[cut:])
    halves = [prepare(segments_of_texts(part), words) for part in (reference[::2], reference[1::2], audit)]
    if not all(half.reached for half in halves):
        return {}
    a, b, c = (ngrams.TypeCounts.of(h.types[h.ids]) for h in halves)
    return {f"tail.type_survival, {words} words": tail.tail_type_survival(tail.tail_band(a), c, b)}


def main(words: int) -> None:
    """Print quantiles over the sources."""
    found: dict[str, list[float]] = {}
    for source in sources.english():
        print(source.name, file=sys.stderr, flush=True)
        for key, value in (
            matched(source.texts, words) | documents(source.texts) | survival(source.texts, words // 2)
        ).items():
            if np.isfinite(value):
                found.setdefault(key, []).append(value)
    print("| figure | sources | 5 % | median | 95 % |\n|---|---|---|---|---|")
    for key, values in found.items():
        low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
        print(f"| {key} | {len(values)} | {low:.4g} | {middle:.4g} | {high:.4g} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
