"""Dose-responses of n-gram proxies on real text: ``CONTAM_SHARED=../shared python benchmarks/doses.py``.

Given as synthetic text, beside one half of a human corpus: the other half (documents shuffled, so that the answer is
known: not worse than real text, and helpful when added), a whole other work or author (``by works``), trigram recursion
of the other half after 1 and 5 generations, machine text of the same prompts; and the same documents three times more,
where the effect should be 0. Prints tables. ``--only`` names sources, ``--seeds`` how many splits the null has.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sources import rows

from contam.corpus import Corpus
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import Words
from contam.mixing.dose.ngram_proxy import NgramProxy
from contam.mixing.dose.response import Arm, dose_response
from contam.mixing.dose.texts import Texts, texts_of
from contam.mixing.options import MixOptions, unwatched
from contam.mixing.result import DESIGNS, FIXED_REAL, FIXED_TOTAL, DoseResponse
from contam.models.ngram import Ngram
from contam.models.ngram_writing import Drawing, write

HUMAN = (
    "abc_news", "movie_reviews", "english_novels", "brown", "masc", "german_novels", "spanish_news",
    "wikipedia_abstracts",
)  # fmt: skip
WORDS = 100_000
SHOWN = {FIXED_TOTAL: (0.1, 0.5, 1.0), FIXED_REAL: (0.1, 0.5, 0.75)}


@dataclass(frozen=True, slots=True)
class Case:
    """Two texts whose answer is known, or asked for."""

    name: str
    kind: str
    real: Sequence[str]
    synthetic: Sequence[str]
    seed: int = 0


def human(name: str) -> list[dict[str, str]]:
    """Documents of a shared corpus."""
    return rows(f"human/{name}.jsonl.zst")


def halves(texts: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    """Shuffled documents in two halves."""
    order = list(texts)
    random.Random(seed).shuffle(order)
    return order[: len(order) // 2], order[len(order) // 2 :]


def recursion(texts: Sequence[str], generations: int, words: int = WORDS) -> Iterator[tuple[str, ...]]:
    """What each generation of word trigrams writes, the first trained on ``texts``."""
    alphabet = Words(texts)
    text = alphabet.encode(texts)
    last = int(np.searchsorted(text.bounds, words, "right")) - 1
    text = text.take(np.arange(max(1, last)))
    for generation in range(1, generations + 1):
        model = Ngram.train(text.ids, text.bounds, 3, len(alphabet))
        text = Encoded(write(model, text.bounds, Drawing(), "doses", generation), text.bounds)
        yield alphabet.decode(text).texts


def cases(only: Sequence[str], seeds: int) -> Iterator[Case]:
    """All that is measured of human corpora."""
    for name in HUMAN:
        if only and name not in only:
            continue
        texts = [row["text"] for row in human(name)]
        for seed in range(seeds):
            yield Case(name, "other half", *halves(texts, seed), seed)
        first, second = halves(texts, 0)
        for generation, written in enumerate(recursion(second, 5), 1):
            if generation in (1, 5):
                yield Case(name, f"trigram generation {generation}", first, written)
        for generation, written in enumerate(recursion(first, 5), 1):
            if generation == 5:
                yield Case(name, "trigram generation 5, of the same half", first, written)
    yield from by_works(only)
    yield from machine(only)


def by_works(only: Sequence[str]) -> Iterator[Case]:
    """Works of the one half of the authors beside those of the other: human, and not of one source."""
    if only and "by works" not in only:
        return
    found = human("english_novels")
    works = sorted({row["doc"] for row in found})
    random.Random(0).shuffle(works)
    first = {*works[: len(works) // 2]}
    real, other = ([row["text"] for row in found if (row["doc"] in first) == side] for side in (True, False))
    yield Case("english_novels", "other works", real, other)


def machine(only: Sequence[str]) -> Iterator[Case]:
    """Machine text beside human text of other pairs of the same set."""
    for name in ("l2r", "fast_detect_gpt"):
        if only and name not in only:
            continue
        found = rows(f"labelled/{name}.jsonl.zst")
        pairs = sorted({row["pair"] for row in found if row.get("pair")})
        random.Random(0).shuffle(pairs)
        first = {*pairs[: len(pairs) // 2]}
        people = [" ".join(r["text"].split()) for r in found if r["label"] == "human" and r.get("pair") in first]
        models = sorted({r["model"] for r in found if r["label"] == "machine"})
        for model in models:
            texts = [" ".join(r["text"].split()) for r in found if r["model"] == model and r.get("pair") not in first]
            yield Case(name, model, people, texts)


def line(case: Case, found: DoseResponse, seconds: float) -> str:
    """A row of the table."""
    doses = {(d.design, d.share): d for d in found.doses}

    def told(design: str, share: float) -> str:
        dose = doses.get((design, share))
        if dose is None or dose.effect_nats is None or dose.effect_interval is None:
            return ""
        low, high = dose.effect_interval
        return f"{dose.effect_nats:+.3f} ({low:+.3f} {high:+.3f})"

    effects = [told(design, share) for design in DESIGNS for share in SHOWN[design]]
    least = [f"{v:g}" if (v := found.detectable[design]) is not None else "" for design in DESIGNS]
    kinds = "/".join(found.kinds.values())
    sizes = f"{found.total_tokens:,} | {found.real_tokens:,} | {found.held_out_documents}"
    return f"| {case.name} | {case.kind} | {sizes} | {' | '.join([*effects, *least])} | {kinds} | {seconds:.0f} |"


def copies(name: str) -> str:
    """Effects of the same documents once more: (fixed real, share .5 and .75)."""
    texts = halves([row["text"] for row in human(name)], 0)[0]
    order = texts[: len(texts) * 4 // 5]
    rest = texts[len(texts) * 4 // 5 :]
    proxy = NgramProxy(Texts(tuple(order), tuple(order) * 3, tuple(rest[1::2]), tuple(rest[::2])), MixOptions())
    real, synthetic = proxy.sizes
    arms = [Arm(0.0, FIXED_REAL, real, 0), Arm(0.75, FIXED_REAL, real, synthetic)]
    nats = proxy.measure(arms, 2, 0, unwatched).nats.sum(2).mean(1) / proxy.held_out.sum()
    return f"| {name} | three copies added | {real:,} words | {nats[0]:.4f} | {nats[1] - nats[0]:+.5f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    heads = [f"{design} {share:g}" for design in DESIGNS for share in SHOWN[design]]
    names = ["real text", "given as synthetic", "N", "R", "held out", *heads, *(f"detectable, {d}" for d in DESIGNS)]
    print(f"| {' | '.join([*names, 'kinds', 's'])} |\n|{'---|' * (len(names) + 2)}")
    for case in cases(given.only, given.seeds):
        begin = time.perf_counter()
        options = MixOptions(seed=case.seed, share=0.5)
        texts = texts_of(Corpus.from_texts(case.real), Corpus.from_texts(case.synthetic), None, options, unwatched)
        if not isinstance(texts, Texts):
            print(f"| {case.name} | {case.kind} | {texts.text} |", flush=True)
            continue
        print(line(case, dose_response(texts, options, unwatched), time.perf_counter() - begin), flush=True)
    for name in given.only or HUMAN[:3]:
        if name in HUMAN:
            print(copies(name), flush=True)


if __name__ == "__main__":
    main()
