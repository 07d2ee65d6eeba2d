"""What the perplexity drift does on real text: ``CONTAM_SHARED=../shared python benchmarks/drift.py [--words 10000]``.

Each source is shuffled by documents and cut into text to be predicted, trusted text and text to be audited. Tables:
generations of recursion, mixtures, human text of the same source (false alarms), human text of other sources, time and
memory; with ``--only neural``, the small neural models on two sources. Needs the shared development data.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from recursion import Text, generation
from sources import Source, english
from vectors import as_segments, mixture

from contam.perplexity.drift import Drift, drift_figure, perplexity_drift
from contam.rules import apply_rules
from contam_metrics.prepare import Prepared, prepare
from contam_metrics.segments import Segments, segments_of_texts

NAMES = (
    "brown a", "brown g", "brown j", "novel Haggard_She_1887", "novel Lawrence_Peacock_1911",
    "novel Corelli_Romance_1886", "peps Alyssa Coghlan", "abc science 1", "movie reviews 1", "movie reviews 9",
    "reports firefox", "webtext overheard", "masc mailing lists", "l2r EducationMaterial", "school computers",
    "school laughter",
)  # fmt: skip
NEURAL = ("school computers", "novel Haggard_She_1887")
GENERATIONS = (1, 2, 4, 8)
SHARES = (0.1, 0.25, 0.5, 0.75, 1.0)
KEPT = (0.1, 0.3, 0.5)
HELD_OUT = 8_000


@dataclass(frozen=True)
class Parts:
    """One source in three parts without common documents."""

    name: str
    held_out: Segments
    trusted: Segments
    audited: Segments


def divided(source: Source, words: int, seed: int) -> Parts:
    """Shuffled documents: those to predict, two halves of N0 trusted words and a tenth more, the rest."""
    texts, out = list(source.texts), []
    random.Random(f"{source.name}/{seed}").shuffle(texts)
    for target in (HELD_OUT, 2.1 * words):
        size, part = 0, []
        while texts and size < target:
            part.append(texts.pop())
            size += len(part[-1].split())
        out.append(segments_of_texts(part))
    return Parts(source.name, out[0], out[1], segments_of_texts(texts))


def drift(parts: Parts, audited: Segments, words: int, splits: int = 39) -> Drift:
    """The drift of a text against the human parts; a text too short for it is a mistake of the study."""
    found = perplexity_drift(audited, parts.trusted, parts.held_out, tokens=words, splits=splits)
    if not isinstance(found, Drift):
        raise SystemExit(f"{parts.name}: {found.text}")
    return found


def warns(found: Drift) -> bool:
    """Whether PPL002 warns."""
    results = apply_rules({"perplexity.drift": drift_figure(found)}, {})
    return any(r.id == "PPL002" and r.status == "warn" for r in results)


def likeliest(text: Text, rng: np.random.Generator) -> Text:
    """One generation of a word-pair model without smoothing: each word is one that followed the last."""
    after: dict[int, list[int]] = {}
    for a, b in zip(text.bounds[:-1].tolist(), text.bounds[1:].tolist()):
        words = text.ids[a:b].tolist()
        for word, following in pairwise(words):
            after.setdefault(word, []).append(following)
    everything, out = text.ids.tolist(), []
    for size in np.diff(text.bounds).tolist():
        word = -1
        for chance in rng.random(size):
            seen = after.get(word, everything)
            word = seen[int(chance * len(seen))]
            out.append(word)
    return Text(np.array(out), text.bounds, text.types)


Step = Callable[[Text, np.random.Generator], Text]


def generations_of(human: Text, step: Step, upto: int, kept: float = 0.0) -> list[Text]:
    """Generations 0 to ``upto``; a share of the segments of each may be human text of the same places."""
    rng, out = np.random.default_rng(1), [human]
    for g in range(upto):
        made = step(out[-1], rng)
        out.append(mixture(human, made, 1 - kept, g) if kept else made)
    return out


def machine(parts: Parts, words: int) -> tuple[Prepared, Text]:
    """What a recursion begins with: the first ``words`` words to be audited."""
    prepared = prepare(parts.audited, words)
    return prepared, Text(prepared.ids, prepared.bounds, len(prepared.types))


def of_generations(parts: Parts, words: int) -> dict[str, Drift]:
    """Drift by kind of recursion and generation, and of mixtures."""
    prepared, human = machine(parts, words)
    kinds: dict[str, tuple[Step, float]] = {"word pairs, unsmoothed": (likeliest, 0.0)}
    kinds["smoothed trigram"] = (generation, 0.0)
    kinds |= {f"smoothed, {k:.0%} human text kept": (generation, k) for k in KEPT}
    out = {"human": drift(parts, parts.audited, words)}
    for kind, (step, kept) in kinds.items():
        made = generations_of(human, step, max(GENERATIONS), kept)
        out |= {f"{kind} g{g}": drift(parts, as_segments(made[g], prepared), words, 19) for g in GENERATIONS}
        if not kept:
            for s in SHARES:
                mixed = as_segments(mixture(human, made[3], s, 5), prepared)
                found = perplexity_drift(mixed, parts.trusted, parts.held_out, tokens=words, splits=19, share=s)
                assert isinstance(found, Drift)
                out[f"{kind}, {s:.0%} of g3"] = found
    return out


def table(rows: Iterable[tuple[object, ...]]) -> None:
    """Print the rows of a Markdown table."""
    for row in rows:
        print("| " + " | ".join(f"{c:.3f}" if isinstance(c, float) else str(c) for c in row) + " |", flush=True)


def summary(found: list[dict[str, Drift]]) -> None:
    """Mean, smallest and largest drift over sources, and how many warn, by kind of text."""
    table([("text", "mean", "least", "most", "PPL002", "versus fewer"), ("---",) * 6])
    for kind in found[0]:
        drifts = [f[kind] for f in found]
        values = [d.value for d in drifts]
        less = [d.versus_less for d in drifts if d.versus_less is not None]
        mean = f"{np.mean(less):.3f}" if less else ""
        warned = f"{sum(map(warns, drifts))}/{len(drifts)}"
        table([(kind, float(np.mean(values)), min(values), max(values), warned, mean)])


def false_alarms(chosen: list[Source], words: int, repeats: int) -> None:
    """Other human text of the same source, many divisions of each."""
    values, alarms, small, widths = [], [], [], []
    for source in chosen:
        here = [drift(p, p.audited, words) for p in (divided(source, words, seed) for seed in range(repeats))]
        values += [d.value for d in here]
        alarms += [warns(d) for d in here]
        small += [d.p_value is not None and d.p_value <= 0.05 for d in here]
        widths.append(float(np.mean([d.null.std() for d in here])))
        mine = np.array([d.value for d in here])
        most = np.mean([d.null.max() for d in here])
        told = f"mean {mine.mean():+.3f} sd {mine.std():.3f}, null sd {widths[-1]:.3f}, largest of the null {most:.3f}"
        print(f"{source.name}: {told}, warns {sum(alarms[-repeats:])}/{repeats}", flush=True)
    found = np.array(values)
    print(f"{words:,} words, {len(values)} human texts of {len(chosen)} sources: p <= .05 in {np.mean(small):.3f}")
    print(f"PPL002 in {np.mean(alarms):.3f}, drift above .05 in {np.mean(found > 0.05):.3f}")
    print(f"drift {found.mean():+.3f} +- {found.std():.3f}, most {found.max():.3f}, null sd {np.mean(widths):.3f}")


def across(chosen: list[Source], words: int) -> None:
    """Every source audited against every other one."""
    parts = [divided(s, words, 0) for s in chosen]
    found = {(a.name, b.name): drift(a, b.audited, words, 19) for a in parts for b in parts if a is not b}
    values = np.array([d.value for d in found.values()])
    for a in parts:
        mine = [d.value for (x, _), d in found.items() if x == a.name]
        print(f"trusted {a.name}: drift of the others {min(mine):.2f} .. {np.median(mine):.2f} .. {max(mine):.2f}")
    print(f"other sources: PPL002 in {np.mean([warns(d) for d in found.values()]):.3f} of {len(found)}, "
          f"median drift {np.median(values):.2f}, least {values.min():.3f}")  # fmt: skip


def cost(source: Source) -> None:
    """Seconds and memory of one measurement at 20,000 words, text already cut into words."""
    texts = segments_of_texts(source.texts)
    for held in (None, texts):
        begin = time.perf_counter()
        found = perplexity_drift(texts, texts, None) if held is None else perplexity_drift(texts, None, texts)
        assert isinstance(found, Drift)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{texts.words:,} words given, N0 {found.tokens:,}, held out {found.held_out_tokens:,}: "
              f"{time.perf_counter() - begin:.2f} s, peak of the process {peak:.0f} MiB")  # fmt: skip


def neural(source: Source, words: int) -> None:
    """The small neural models on trusted text, another human half, and generations 1 and 3 of a third part."""
    from contam.demo import recursion
    from contam.perplexity.proxy import ProxySettings, seed_noise, tokenizer, trained_nats

    pieces, texts, parts = tokenizer(), list(source.texts), []
    random.Random(source.name).shuffle(texts)
    for target in (HELD_OUT, words, words, words):
        part: list[str] = []
        while texts and sum(len(t.split()) for t in part) < target:
            part.append(texts.pop())
        parts.append(part)
    held = list(pieces.encode_many(parts[0]))
    arms = [parts[1], parts[2], recursion(parts[3], 1), recursion(parts[3], 3)]
    coded = [np.concatenate([np.append(ids, 0) for ids in pieces.encode_many(arm)]) for arm in arms]
    begin, spent = time.perf_counter(), time.process_time()
    nats = trained_nats(coded, held, pieces.vocabulary, ProxySettings()).sum(-1) / sum(map(len, held))
    told = f"{time.perf_counter() - begin:.0f} s, {time.process_time() - spent:.0f} s of processors"
    print(f"{source.name}: trusted {nats[0].mean():.3f} nats a token (sd of seeds {nats[0].std(ddof=1):.3f}); {told}")
    for name, arm in zip(("human half", "generation 1", "generation 3"), nats[1:]):
        paired = arm - nats[0]
        print(f"  {name}: {paired.mean():+.3f} +- {seed_noise(paired):.3f} (sd of seeds {paired.std(ddof=1):.3f})")


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--only", choices=("recursion", "human", "across", "cost", "neural"))
    options = parser.parse_args()
    every = {s.name: s for s in english(60_000)}
    chosen = [every[n] for n in NAMES if every[n].words >= HELD_OUT + 3.3 * options.words]
    if options.only in (None, "cost"):
        cost(every["brown j"])
    if options.only in (None, "recursion"):
        summary([of_generations(divided(s, options.words, 0), options.words) for s in chosen])
    if options.only in (None, "human"):
        false_alarms(chosen, options.words, options.repeats)
    if options.only in (None, "across"):
        across(chosen, options.words)
    if options.only == "neural":
        for name in NEURAL:
            neural(every[name], 20_000)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
