"""Measures human sources under the embedded model `tiny`, and what its two rules find and do not find.

    CONTAM_SHARED=../shared python benchmarks/surprise.py [calibrate] [rates] [power] [machine]

``calibrate`` writes contam/perplexity/calibrated/tiny-PROFILE.json: the sources of the built-in profiles as
`benchmarks/profiles.py` takes them, at each matched size, whole and in halves in document order. The others print
tables. Scores are kept in build/surprise, so that nothing is scored twice; the whole takes about half an hour on one
core. Set OMP_NUM_THREADS=1 on a shared machine.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sources

from contam import demo
from contam.perplexity.calibration import BITS, FOLDER, FORMAT, GAP, KEYS, SPREAD, Calibration, calibrations, moved
from contam.perplexity.surprise import LoadedModel, Surprise, load_model, surprise
from contam.profile import builtin
from contam.profiling import halves
from contam_metrics.prepare import prepare
from contam_metrics.segments import Segments, segments_of_texts

CACHE = Path(__file__).parents[1] / "build" / "surprise"
SIZES = (5_000, 10_000, 20_000)
PROFILES = {"english": sources.english, "code": sources.python_code}
DIGITS = 4
Column = np.ndarray


class Scores:
    """Scores of segments under one model, remembered by their text in a file."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model
        self.path = CACHE / f"{model.name.replace('/', '_')}-{model.digest or 'large'}.npz"
        self.rows: dict[bytes, tuple[float, ...]] = {}
        if self.path.exists():
            with np.load(self.path) as held:
                self.rows = {k.tobytes(): tuple(v) for k, v in zip(held["keys"], held["values"])}

    def save(self) -> None:
        """Write what was scored so far."""
        CACHE.mkdir(parents=True, exist_ok=True)
        keys = np.frombuffer(b"".join(self.rows), np.uint8).reshape(-1, 16)
        np.savez(self.path, keys=keys, values=np.array(list(self.rows.values())))

    def surprise(self, segments: Segments, rows: Sequence[int]) -> Surprise:
        """`contam.perplexity.surprise.surprise`, of which only what is new is computed."""
        names = [hashlib.blake2b(segments.texts[i], digest_size=16).digest() for i in rows]
        fresh = {name: i for name, i in zip(names, rows) if name not in self.rows}
        if fresh:
            found = surprise(segments, list(fresh.values()), self.model)
            values = zip(found.bytes, found.tokens, found.nats, found.entropy)
            self.rows |= {name: tuple(map(float, v)) for name, v in zip(fresh, values)}
        table = np.array([self.rows[name] for name in names]).reshape(-1, 4)
        at = np.asarray(rows, np.int64)
        words = np.diff(segments.bounds)[at]
        sizes = table[:, :2].astype(np.int64).T
        return Surprise(at, segments.docs[at], words, sizes[0], sizes[1], table[:, 2], table[:, 3])

    def at_sizes(self, segments: Segments, sizes: Iterable[int] = SIZES) -> dict[int, Surprise]:
        """The matched sample at every size that the text reaches."""
        matched = [prepare(segments, n) for n in sizes]
        matched = [m for m in matched if m.reached]
        if not matched:
            return {}
        largest = self.surprise(segments, matched[-1].rows.tolist())
        return {m.target: largest.head(len(m.rows)) for m in matched}


# --- calibration ------------------------------------------------------------------------------------------------------


def encoded(texts: Iterable[str]) -> list[bytes]:
    """Texts as the profiles read them."""
    return [t.encode("utf-8", "surrogatepass") for t in texts]


def rounded(found: dict[int, Surprise]) -> dict[str, list[float | None]]:
    """The figures at each size, for a file."""
    out = {}
    for size, one in found.items():
        values = one.values
        out[str(size)] = [round(values[k], DIGITS) if np.isfinite(values[k]) else None for k in KEYS]
    return out


def measured(source: sources.Source, scores: Scores) -> dict[str, Any]:
    """One source as it stands in a calibration."""
    raw = encoded(source.texts)
    whole = segments_of_texts(raw)
    pair = [segments_of_texts(half) for half in halves(raw)]
    long_enough = [n for n in SIZES if 2 * n <= whole.words]
    first, second = (scores.at_sizes(half, long_enough) for half in pair)
    both = set(first) & set(second)
    parts = {"whole": scores.at_sizes(whole), "first": first, "second": second}
    kept = {k: {n: s for n, s in v.items() if k == "whole" or n in both} for k, v in parts.items()}
    return {"name": source.name, "domain": source.domain} | {k: rounded(v) for k, v in kept.items()}


def calibrate(name: str, scores: Scores) -> None:
    """Measure the sources of a profile and write the file."""
    known = {s.name for s in builtin(name).sources}
    found = [s for s in PROFILES[name]() if s.name in known]
    rows, begin = [], time.perf_counter()
    for i, source in enumerate(found):
        rows.append(measured(source, scores))
        told = f"{i + 1}/{len(found)} {source.name}: {rows[-1]['whole']}"
        print(f"{time.perf_counter() - begin:.0f} s {told}", file=sys.stderr, flush=True)
        if i % 10 == 9 or source is found[-1]:
            scores.save()
    provenance = {
        "script": "benchmarks/surprise.py", "columns": list(KEYS), "sample": "as the profile's, seed 0",
        "windows": "of the model's context, moved by half of it; every segment on its own after the beginning token",
    }  # fmt: skip
    head = {"format": FORMAT, "model": scores.model.name, "digest": scores.model.digest, "profile": name}
    write(FOLDER / f"{scores.model.name}-{name}.json", head | {"sizes": list(SIZES), "provenance": provenance}, rows)


def write(path: Path, head: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """A calibration with one line a source, so that changes can be read."""
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in rows)
    told = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    path.write_text(f'{told},\n "sources": [\n  {lines}\n ]\n}}\n', encoding="utf-8")
    print(f"{path}: {len(rows)} sources, {path.stat().st_size:,} bytes")


# --- false alarms -----------------------------------------------------------------------------------------------------


def beyond(value: float, references: Column) -> str:
    """``low`` or ``high`` where a value trips a rule, "" where it does not, "-" where nothing can be said."""
    known = references[np.isfinite(references)]
    if not np.isfinite(value) or len(known) < 39:
        return "-"
    low, high = np.quantile(known, (0.01, 0.99))
    return "low" if value < low else "high" if value > high else ""


def alarms(one: Calibration, size: int, key: str, paired: bool, unknown: str) -> dict[str, str]:
    """What each source trips among the others: without itself, or without its ``domain``."""
    k, domains = KEYS.index(key), np.array(one.domains)
    whole, first, second = (table[size][:, k] for table in (one.whole, one.first, one.second))
    out = {}
    for i, name in enumerate(one.names):
        others = domains != domains[i] if unknown == "domain" else np.arange(len(domains)) != i
        if paired:
            value, references = second[i], moved(first[i], first[others], second[others], relative=key != GAP)
        else:
            value, references = whole[i], whole[others]
        out[name] = beyond(float(value), references)
    return {name: what for name, what in out.items() if what != "-"}


def share(found: Iterable[str]) -> str:
    """Alarms on the low and the high side."""
    told = list(found)
    if not told:
        return "-"
    low, high = (sum(t == side for t in told) / len(told) for side in ("low", "high"))
    return f"{low + high:.2f} ({low:.2f} + {high:.2f}) of {len(told)}"


def rates(one: Calibration) -> None:
    """How often human sources trip the rules, and which."""
    print(f"\n{one.profile}: human sources beyond the 1 % limits, both sides (low + high)")
    print("| figure | words | another source | another domain | halves, another pair | halves, another domain |")
    print("|---|---|---|---|---|---|")
    for key in KEYS:
        for size in SIZES:
            cells = [
                share(alarms(one, size, key, paired, unknown).values())
                for paired in (False, True) for unknown in ("source", "domain")
            ]  # fmt: skip
            print(f"| {key} | {size:,} | {' | '.join(cells)} |")
    named(one)


def named(one: Calibration, size: int = 20_000) -> None:
    """The domains, and the sources that trip a rule with their domain unknown."""
    domains = np.array(one.domains)
    print(f"\n{one.profile}, by domain at {size:,} words: median (5 % to 95 %)")
    for domain in sorted(set(one.domains)):
        table = one.whole[size][domains == domain]
        table = table[np.isfinite(table[:, 0])]
        if len(table):
            told = [_spanned(table[:, k]) for k in range(len(KEYS))]
            print(f"| {domain} | {len(table)} | {' | '.join(told)} |")
    for key in (BITS, SPREAD):
        for paired in (False, True):
            found = alarms(one, size, key, paired, "domain")
            print(f"{key}{' paired' if paired else ''}: {', '.join(f'{n} {w}' for n, w in found.items() if w)}")


def _spanned(values: Column) -> str:
    values = values[np.isfinite(values)]
    if not len(values):
        return "-"
    low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
    return f"{middle:.3f} ({low:.3f} to {high:.3f})"


def scaling(one: Calibration) -> None:
    """Whether the differences of halves grow with the level: rank correlation of |second - first| with the mean."""
    from scipy.stats import spearmanr

    print(f"\n{one.profile}: differences between halves")
    for k, key in enumerate(KEYS):
        for size in SIZES:
            a, b = one.first[size][:, k], one.second[size][:, k]
            known = np.isfinite(a) & np.isfinite(b)
            a, b = a[known], b[known]
            rank = spearmanr(np.abs(b - a), a + b).statistic
            ratio = spearmanr(np.abs(np.log(np.abs(b / a))), a + b).statistic
            spread = np.quantile(b - a, (0.01, 0.05, 0.5, 0.95, 0.99)).round(3)
            told = f"|b - a| {rank:+.2f}, |ln b/a| {ratio:+.2f}, sd of ln b/a {np.log(np.abs(b / a)).std():.3f}"
            print(f"| {key} | {size:,} | {known.sum()} | {told} | {spread} |")


# --- what is found ----------------------------------------------------------------------------------------------------

KINDS = ("human", "spaced", "g1", "g3", "g10", "looped", "shuffled", "tenth looped", "half g3")


def collapsing(segments: Segments, words: int, seed: int) -> dict[str, list[str]]:
    """Texts made from about so many words of a text, one a segment.

    ``spaced``: the human text cut into tokens and written again as the generations are; ``g1`` to ``g10``: the
    Witten-Bell trigram recursion of it; ``looped``: each segment's first 20 words over and over; ``shuffled``: the
    words of each segment in another order; ``half g3``: every second segment of the third generation.
    """
    rng = random.Random(seed)
    n = int(np.searchsorted(segments.bounds, words))
    human = [t.decode("utf-8", "replace") for t in segments.texts[:n]]
    out = {"human": human, "spaced": list(demo.recursion(human, 0))}
    out |= {f"g{g}": list(demo.recursion(human, g, seed)) for g in (1, 3, 10)}
    out["looped"] = [" ".join((t.split()[:20] * (len(t.split()) // 20 + 1))[: len(t.split())]) for t in human]
    out["shuffled"] = [" ".join(rng.sample(t.split(), len(t.split()))) for t in human]
    out["tenth looped"] = [a if i % 10 == 0 else b for i, (a, b) in enumerate(zip(out["looped"], human))]
    out["half g3"] = [a if i % 2 == 0 else b for i, (a, b) in enumerate(zip(out["g3"], human))]
    return out


@dataclass
class Found:
    """What the rules said of texts of one kind: by (kind, size, key, paired) a list of ``low``, ``high`` or ""."""

    said: dict[tuple[str, int, str, bool], list[str]]
    levels: dict[tuple[str, int, str], list[float]]

    def judge(self, one: Calibration, kind: str, domain: str, audited: dict[int, Surprise],
              trusted: dict[int, Surprise]) -> None:  # fmt: skip
        """Place a text among the sources of other domains, and beside trusted text."""
        others = np.array(one.domains) != domain
        for size, text in audited.items():
            for k, key in enumerate(KEYS):
                value = text.values[key]
                self.levels.setdefault((kind, size, key), []).append(value)
                self.put(kind, size, key, False, beyond(value, one.whole[size][others, k]))
                if size in trusted:
                    pairs = one.first[size][others, k], one.second[size][others, k]
                    expected = moved(trusted[size].values[key], *pairs, relative=key != GAP)
                    self.put(kind, size, key, True, beyond(value, expected))

    def put(self, kind: str, size: int, key: str, paired: bool, said: str) -> None:
        """Count one judgement."""
        if said != "-":
            self.said.setdefault((kind, size, key, paired), []).append(said)

    def print(self, kinds: Sequence[str], sizes: Sequence[int]) -> None:
        """One line a kind and size: the median of each figure, and how often it lies beyond its limits."""
        short = [key.partition(".")[2] for key in KEYS]
        columns = ["text", "words", "texts", *short]
        columns += [f"{key}, {what}" for what in ("population", "paired") for key in short]
        print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
        for kind in kinds:
            for size in sizes:
                if (kind, size, BITS) in self.levels:
                    levels = [f"{np.nanmedian(self.levels[kind, size, k]):.3f}" for k in KEYS]
                    order = [(kind, size, k, paired) for paired in (False, True) for k in KEYS]
                    cells = [share(self.said.get(where, ())) for where in order]
                    count = len(self.levels[kind, size, BITS])
                    print(f"| {kind} | {size:,} | {count} | {' | '.join(levels + cells)} |", flush=True)


def power(one: Calibration, scores: Scores, count: int = 7) -> None:
    """Collapsing text made from the second halves of sources, beside their first halves."""
    found = Found({}, {})
    long = [s for s in PROFILES[one.profile]() if s.name in one.names]
    long = [s for s in long if np.isfinite(one.first[10_000][one.names.index(s.name), 0])]
    for i, source in enumerate(long[:: max(1, len(long) // count)][:count]):
        first, second = (segments_of_texts(half) for half in halves(encoded(source.texts)))
        trusted = scores.at_sizes(first, SIZES[:2])
        for kind, texts in collapsing(second, 13_000, i).items():
            audited = scores.at_sizes(segments_of_texts(texts), SIZES[:2])
            found.judge(one, kind, source.domain, audited, trusted)
        scores.save()
        print(f"power {i + 1} {source.name}", file=sys.stderr, flush=True)
    print(f"\n{one.profile}: share of texts beyond the limits (low + high)")
    found.print(KINDS, SIZES[:2])


def machine(one: Calibration, scores: Scores) -> None:
    """Text of language models of one generation beside human text of the same source, line breaks made spaces."""
    found = Found({}, {})
    for file in ("fast_detect_gpt", "l2r", "school_essays", "student_essays"):
        rows = [r | {"text": r["text"].replace("\n", " ")} for r in sources.rows(f"labelled/{file}.jsonl.zst")]
        for domain, human in sources.grouped((r for r in rows if r["label"] == "human"), lambda r: r["domain"]).items():
            trusted = scores.at_sizes(segments_of_texts(human), SIZES[:1])
            made = [r for r in rows if r["label"] == "machine" and r["domain"] == domain]
            for model, texts in sources.grouped(made, lambda r: r["model"]).items():
                audited = scores.at_sizes(segments_of_texts(texts), SIZES[:1])
                found.judge(one, f"{file}: {model}", "", audited, trusted)
    for temperature in (0.5, 0.8, 1.0):
        audited = scores.at_sizes(segments_of_texts(own(scores.model, temperature)), SIZES[:1])
        found.judge(one, f"tiny itself, temperature {temperature}", "", audited, {})
    scores.save()
    print(f"\n{one.profile}: text of models")
    found.print(list(dict.fromkeys(kind for kind, _, _ in found.levels)), SIZES[:1])


def own(model: LoadedModel, temperature: float, texts: int = 90, tokens: int = 384) -> list[str]:
    """What the model writes after its beginning token."""
    import torch

    from contam.models.decode import generate
    from contam.models.sampling import Sampling

    prompt = torch.full((1, texts, 1), model.tokenizer.bos or 0)
    uniforms = torch.rand((1, texts, tokens), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    how = Sampling(tokens, model.network.shape.context, temperature, 0, "stride")
    return [model.tokenizer.decode(row[1:].tolist()) for row in generate(model.network, prompt, uniforms, how)[0]]


def seen(one: Calibration, scores: Scores) -> None:
    """Whether it matters that tiny was trained on most novels, speeches and PEPs: works that it read beside works
    that were held out, in bits per byte at up to 5,000 words."""
    print("\nworks that tiny was trained on and works held out, bits per byte of 5,000 words: median (5 % to 95 %)")
    for name in ("english_novels", "peps"):
        rows = sources.rows(f"human/{name}.jsonl.zst")
        values: dict[bool, list[float]] = {True: [], False: []}
        for i, (doc, texts) in enumerate(sources.grouped(rows, lambda r: r["doc"]).items()):
            aside = int(hashlib.sha256(f"{name}/{doc}".encode()).hexdigest(), 16) % 20 == 0
            if aside or name == "english_novels" or i % 12 == 0:
                at = scores.at_sizes(segments_of_texts(texts), SIZES[:1])
                values[aside] += [s.values[BITS] for s in at.values()]
        told = [f"{_spanned(np.array(values[a]))} of {len(values[a])}" for a in (False, True)]
        print(f"| {name} | read: {told[0]} | held out: {told[1]} |", flush=True)
    scores.save()


def main(only: list[str]) -> None:
    """The named parts, or all."""
    scores = Scores(load_model("tiny", "cpu"))
    if not only or "calibrate" in only:
        for name in PROFILES:
            calibrate(name, scores)
        calibrations.cache_clear()
    for one in calibrations():
        if not only or "rates" in only:
            rates(one)
            scaling(one)
        if not only or "power" in only:
            power(one, scores)
        if one.profile == "english" and (not only or "machine" in only):
            machine(one, scores)
            seen(one, scores)


if __name__ == "__main__":
    main(sys.argv[1:])
