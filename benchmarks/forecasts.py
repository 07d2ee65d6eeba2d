"""How far the forecast is from what recursions of n-gram models do: ``python benchmarks/forecasts.py [OUT.jsonl]``.

Four corpora go through every regime with a unigram model (the world of the formulas, but for real documents, which are
drawn whole) and with an interpolated trigram, through the real text, paradigms and models of
`contam.experiments.recurse`. What counts as a word is the same on both sides: the words and marks of the models. Told
for generations 1, 3, 5 and 10, relative to generation 0: different words (vocabulary), words of the real text that
occur once in it (tail), heterozygosity of what follows each word (contexts, trigram). All rows go to OUT; a table and
the figures that are stated with a forecast go to standard output, and two controls that show where errors come from:
the same words shuffled over all documents, and the offspring of words that occur once.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sources import SHARED

from contam.experiments.recurse.backend import Name, unheard
from contam.experiments.recurse.chance import generator
from contam.experiments.recurse.composing import Sources, composed, drawn
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.ngram_backend import NgramBackend
from contam.experiments.recurse.options import Lineage, RecurseOptions
from contam.experiments.recurse.real import RealText, real_text
from contam.mixing.forecasting.forecast import forecast
from contam.mixing.options import MixOptions

CORPORA = {
    "inaugural": "human/inaugural.jsonl.zst", "wikitext2": "wikitext2/train_slice.txt.zst",
    "movie reviews": "human/movie_reviews.jsonl.zst", "novels": "human/english_novels.jsonl.zst",
}  # fmt: skip
SIZE, SEEDS, TOLD = 120_000, 2, (1, 3, 5, 10)
LAST = max(TOLD)


@dataclass(frozen=True)
class Case:
    """One recursion: the regime and real share, how the model writes, and whether words are shuffled before."""

    regime: str
    share: float = 0.0
    temperature: float = 1.0
    shuffled: bool = False

    @property
    def name(self) -> str:
        """For the table."""
        told = self.regime + (f" {self.share:g}" if self.share else "")
        return told + (f", temperature {self.temperature:g}" if self.temperature != 1 else "")

    @property
    def lineage(self) -> Lineage:
        """The paradigm of `contam recurse`; reused text is drawn here."""
        if self.regime in ("fresh", "redrawn", "reused"):
            return Lineage("mix", 0, real_share=self.share)
        return Lineage(self.regime, 0, rate=1.0 if self.regime == "accumulate-subsample" else None)


CASES = (
    Case("replace"), Case("fresh", 0.1), Case("fresh", 0.3), Case("reused", 0.1), Case("reused", 0.5),
    Case("redrawn", 0.1), Case("redrawn", 0.5), Case("accumulate"), Case("accumulate-subsample"),
)  # fmt: skip
TEMPERED = (Case("replace", temperature=0.8), Case("fresh", 0.3, 0.8))
SHUFFLED = tuple(replace(case, shuffled=True) for case in CASES if case.share)


@dataclass(frozen=True)
class World:
    """A corpus encoded for one model: real text, fresh text, and the model."""

    backend: NgramBackend
    real: Encoded
    fresh: Encoded
    types: int


@cache
def divided(path: str, fresh: bool) -> tuple[RealText, RecurseOptions]:
    """The text divided as `contam recurse` divides it."""
    options = RecurseOptions(
        model="ngram", real=(str(SHARED / path),), size=SIZE, valid_share=0.02, generations=LAST, paradigms=("mix",),
        real_shares=(0.3,), real_kind="fresh" if fresh else "original",
    )  # fmt: skip
    return real_text(options), options


@cache
def encoded(path: str, fresh: bool) -> tuple[Encoded, Encoded]:
    """Real and fresh text; the words of fresh text are known to the model too."""
    text, options = divided(path, fresh)
    backend = NgramBackend(options, (*text.training, *text.fresh))
    return backend.encode(text.training), backend.encode(text.fresh)


def world(path: str, order: int, case: Case) -> World:
    """The text and the model of a case."""
    text, options = divided(path, case.regime == "fresh")
    options = replace(options, order=order, temperature=case.temperature)
    backend = NgramBackend(options, (*text.training, *text.fresh))
    real, more = encoded(path, case.regime == "fresh")
    if case.shuffled:
        both = Encoded.joined([real, more])
        both = replace(both, ids=generator("forecasts", path).permutation(both.ids))
        count = len(real)
        real, more = both.take(range(count)), both.take(range(count, len(both)))
    return World(backend, real, more, int(max(real.ids.max(), more.ids.max(initial=0))) + 1)


def corpora(place: World, case: Case, seed: int) -> Iterator[tuple[Encoded, Encoded]]:
    """What each generation is trained on, and what it writes."""
    lineage, written = replace(case.lineage, seed=seed), list[Encoded | None]()
    size, kept = place.real.tokens, round(case.share * place.real.tokens)
    same = drawn(place.real, kept, generator("forecasts", "kept", seed))
    for generation in range(LAST + 1):
        if case.regime == "reused" and written[-1:]:
            rest = drawn(written[-1] or place.real, size - kept, generator("forecasts", seed, generation))
            corpus = Encoded.joined([same, rest])
        else:
            corpus = composed(lineage, Sources(place.real, place.fresh, tuple(written))).corpus
        name = Name(lineage.name, seed, generation)
        texts = place.backend.train(corpus, name, unheard).write(place.real, name, unheard).encoded
        yield corpus, texts
        written.append(texts)


def counted(corpus: Encoded, types: int) -> np.ndarray:
    """How often each word occurs."""
    return np.bincount(corpus.ids, minlength=types)


def in_documents(corpus: Encoded, types: int) -> np.ndarray:
    """In how many documents each word occurs."""
    place = np.repeat(np.arange(len(corpus)), corpus.lengths)
    return np.bincount(np.unique(place * types + corpus.ids) % types, minlength=types)


def contexts(corpus: Encoded, types: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each word is followed by one, and the heterozygosity of what follows it."""
    inner = np.ones(len(corpus.ids), bool)
    inner[corpus.bounds[1:][corpus.lengths > 0] - 1] = False
    place = np.flatnonzero(inner)
    pairs, times = np.unique(corpus.ids[place].astype(np.int64) * types + corpus.ids[place + 1], return_counts=True)
    total = np.bincount(pairs // types, weights=times, minlength=types)
    squares = np.bincount(pairs // types, weights=times.astype(np.float64) ** 2, minlength=types)
    return total, np.where(total > 0, 1 - squares / np.maximum(total, 1) ** 2, 0.0)


def measured(place: World, case: Case, seed: int) -> dict[str, list[float]]:
    """Figures of each generation, relative to generation 0; ``offspring``: mean and variance of how often the words
    that the real text has once are in what the first model writes."""
    first, (often, mixed) = counted(place.real, place.types), contexts(place.real, place.types)
    weights, once = np.where(often > 1, often, 0), first == 1
    found: dict[str, list[float]] = {n: [] for n in ("vocabulary", "tail", "contexts", "written", "offspring")}
    for corpus, written in corpora(place, case, seed):
        counts, wrote = counted(corpus, place.types), counted(written, place.types)
        found["vocabulary"].append(np.count_nonzero(counts) / np.count_nonzero(first))
        found["tail"].append(float((counts[once] > 0).mean()))
        found["contexts"].append(float(weights @ contexts(corpus, place.types)[1] / (weights @ mixed)))
        found["written"].append(np.count_nonzero(wrote) / np.count_nonzero(first))
        if not found["offspring"]:
            found["offspring"] = [float(wrote[once].mean()), float(wrote[once].var())]
    return found


def rows_of(name: str, order: int, case: Case) -> Iterator[dict[str, Any]]:
    """One recursion beside its forecast; ``by_documents``: the forecast from numbers of documents instead of counts."""
    place = world(CORPORA[name], order, case)
    runs = [measured(place, case, seed) for seed in range(SEEDS)]
    options = MixOptions(share=1 - case.share, regime=case.regime, generations=LAST, temperature=case.temperature)
    said = forecast(counted(place.real, place.types), options).generations
    other = forecast(in_documents(place.real, place.types), replace(options, temperature=1.0)).generations
    for g in TOLD:
        for figure in ("vocabulary", "tail", *(["contexts"] if order > 1 and case.temperature == 1 else [])):
            was = [run[figure][g] for run in runs]
            yield {
                "corpus": name, "words": place.real.tokens, "order": order, "case": case.name, "regime": case.regime,
                "share": case.share, "temperature": case.temperature, "shuffled": case.shuffled, "generation": g,
                "figure": figure, "measured": float(np.mean(was)), "spread": float(np.ptp(was)),
                "forecast": getattr(said[g], f"{figure}_retained"),
                "by_documents": getattr(other[g], f"{figure}_retained"),
                "written": float(np.mean([run["written"][g] for run in runs])),
                "offspring": np.mean([run["offspring"] for run in runs], axis=0).tolist(),
            }  # fmt: skip


def error(row: dict[str, Any], told: str = "forecast") -> float:
    """Relative error of the forecast; nan where nothing was left."""
    return row[told] / row["measured"] - 1 if row["measured"] else float("nan")


def table(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown: vocabulary and tail in generation 10, measured and forecast, and the relative error."""
    yield "| model | regime | figure | " + " | ".join(f"{name}, measured / forecast" for name in CORPORA) + " |"
    yield "|---" * (3 + len(CORPORA)) + "|"
    for order in (1, 3):
        for case in (*CASES, *TEMPERED):
            for figure in ("vocabulary", "tail"):
                cells = [
                    f"{r['measured']:.3f} / {r['forecast']:.3f} ({error(r):+.0%})" for r in rows
                    if (r["order"], r["case"], r["figure"], r["generation"]) == (order, case.name, figure, LAST)
                    and not r["shuffled"]
                ]  # fmt: skip
                if cells:
                    yield f"| {'unigram' if order == 1 else 'trigram'} | {case.name} | {figure} | {' | '.join(cells)} |"


def summary(rows: list[dict[str, Any]]) -> Iterator[str]:
    """What is stated with a forecast, and the controls."""
    plain = [r for r in rows if r["temperature"] == 1 and not r["shuffled"] and r["regime"] != "accumulate"]
    for order in (1, 3):
        for figure in ("vocabulary", "tail", "contexts"):
            for told in ("forecast", "by_documents"):
                found = [abs(error(r, told)) for r in plain if (r["order"], r["figure"]) == (order, figure)]
                if found:
                    middle, most = np.quantile(found, [0.5, 0.95])
                    yield f"order {order}, {figure}, {told}: median {middle:.3f}, 95 % {most:.3f}, all {max(found):.3f}"
    for figure in ("vocabulary", "tail", "contexts"):
        for regime in dict.fromkeys(case.regime for case in CASES):
            told = []
            for g in TOLD:
                ratio = [1 / (1 + error(r)) for r in rows if r["temperature"] == 1 and not r["shuffled"]
                         and (r["regime"], r["figure"], r["generation"]) == (regime, figure, g)]  # fmt: skip
                told.append(f"({g}, {min(ratio):.2f}, {max(ratio):.2f})")
            yield f"{regime}, {figure}, measured over forecast (generation, least, most): {', '.join(told)}"
    for name in CORPORA:
        for order in (1, 3):
            mean, spread = next(r for r in rows if (r["corpus"], r["order"]) == (name, order))["offspring"]
            yield f"{name}, order {order}: words that occur once come {mean:.3f} times, variance {spread:.3f}"
        for case in SHUFFLED:
            both = [[error(r) for r in rows if r["corpus"] == name and r["case"] == case.name and r["order"] == 1
                     and r["shuffled"] == how and r["figure"] == "vocabulary"] for how in (False, True)]  # fmt: skip
            told = [" ".join(f"{e:+.3f}" for e in errors) for errors in both]
            yield f"{name}, {case.name}, unigram, vocabulary: {told[0]}; shuffled {told[1]}"


def run(out: Path | None) -> list[dict[str, Any]]:
    """All recursions; those that stand in ``out`` are not run again."""
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] if out and out.exists() else []
    known = {(r["corpus"], r["order"], r["case"], r["shuffled"]) for r in rows}
    for name in CORPORA:
        for order in (1, 3):
            for case in (*CASES, *TEMPERED, *(SHUFFLED if order == 1 else ())):
                if (name, order, case.name, case.shuffled) in known:
                    continue
                rows += rows_of(name, order, case)
                if out:
                    out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return rows


def main(out: str | None) -> None:
    """The table, and what follows from it."""
    rows = run(Path(out) if out else None)
    print("\n".join([*table(rows), "", *summary(rows)]))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
