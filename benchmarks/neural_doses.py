"""Dose-response by small networks: ``CONTAM_SHARED=../shared python benchmarks/neural_doses.py [--only doses]``.

English novels are cut into passages of about 300 words, shuffled and divided into held-out text, real text, another
human half and a third part, of which word trigrams make generations 3 and 5. Each of the last three is mixed into the
real text in both designs. Tables in Markdown: effects by share, interval and the spread of seeds; later generations;
what the models write; time; and how long a step takes by how many replicas are trained side by side. ``--tiny`` runs
all of it in small on text that comes with the package.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from contam import demo
from contam.mixing.dose.neural_proxy import SETTINGS, NeuralProxy, neural_settings
from contam.mixing.dose.response import respond
from contam.mixing.dose.texts import Texts
from contam.mixing.options import MixOptions, unwatched
from contam.mixing.result import DESIGNS, Dose, DoseResponse
from contam.perplexity.proxy import ProxySettings

PASSAGE = 300
GENERATIONS = (3, 5)
SIDE_BY_SIDE = (1, 2, 4, 8, 16, 32)
SIGNALS = ("diversity.types", "tail.hapax_share", "diversity.distinct_2", "entropy.window")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Words of the held-out text and of each of the other parts; ``settings`` of the models."""

    held_out: int
    words: int
    options: MixOptions
    settings: ProxySettings


def passages(texts: Sequence[str]) -> Iterator[str]:
    """Paragraphs joined until they have `PASSAGE` words."""
    for text in texts:
        held: list[str] = []
        for paragraph in text.split("\n\n"):
            held.append(paragraph)
            if sum(len(p.split()) for p in held) >= PASSAGE:
                yield "\n\n".join(held)
                held = []


def parts(texts: Sequence[str], sizes: Sequence[int], seed: int) -> list[tuple[str, ...]]:
    """Disjoint parts of shuffled passages, of so many words."""
    found, out = list(passages(texts)), []
    random.Random(seed).shuffle(found)
    for size in sizes:
        part: list[str] = []
        words = 0
        while found and words < size:
            part.append(found.pop())
            words += len(part[-1].split())
        out.append(tuple(part))
    return out


def row(dose: Dose, base: Dose) -> str:
    """A dose as a row of a table."""
    if dose.effect_nats is None or dose.effect_interval is None:
        return f"| {dose.share:g} | loss {dose.loss_nats:.3f} | | {statistics.stdev(dose.by_seed):.3f} | |"
    low, high = dose.effect_interval
    later = " ".join(f"{loss - base.loss_nats:+.3f}" for loss in dose.later)
    spread = statistics.stdev(dose.by_seed)
    return f"| {dose.share:g} | {dose.effect_nats:+.3f} | {low:+.3f} to {high:+.3f} | {spread:.3f} | {later} |"


def table(name: str, found: DoseResponse) -> None:
    """One kind of synthetic text."""
    print(f"\n### {name}: N {found.total_tokens:,}, R {found.real_tokens:,}, {found.seconds:.0f} s")
    print(f"kinds {dict(found.kinds)}, detectable {dict(found.detectable)}")
    for design in DESIGNS:
        doses = found.of(design)
        print(f"\n| {design}: share | effect, nats a token | 95 % | sd of seeds | later generations |")
        print("|---|---|---|---|---|")
        for dose in doses:
            print(row(dose, doses[0]))
    print(f"\n| written at share | {' | '.join(SIGNALS)} |\n|{'---|' * (len(SIGNALS) + 1)}")
    for dose in found.doses:
        if dose.output:
            figures = [f"{dose.output[name]:.4g}" if name in dose.output else "" for name in SIGNALS]
            print(f"| {dose.share:g} | {' | '.join(figures)} |")
    for note in found.notes:
        print(f"- {note}")


def doses(texts: Sequence[str], sizes: Sizes, only: str | None) -> None:
    """Another human half and two generations as synthetic text."""
    held, real, human, source = parts(texts, (sizes.held_out, *3 * (sizes.words,)), 5)
    kinds = {"another human half": lambda: human}
    kinds |= {f"generation {g}": lambda g=g: demo.recursion(source, g) for g in GENERATIONS}
    for name, made in kinds.items():
        if only in (None, name):
            mixed = Texts(real, made(), held, ())
            table(name, respond(NeuralProxy(mixed, sizes.options, sizes.settings), mixed, sizes.options, unwatched))
            sys.stdout.flush()


def speed(settings: ProxySettings, side_by_side: Sequence[int]) -> None:
    """Time of a step for each replica, by how many are trained together (medians of two rounds, interleaved)."""
    import numpy as np

    from contam.perplexity.proxy import Replica, tokenizer, trained

    vocabulary, few = tokenizer().vocabulary, replace(settings, steps=6)
    text, spent = np.random.default_rng(0).integers(1, vocabulary, 5_000), {n: [] for n in side_by_side}
    for _ in range(2):
        for count, times in spent.items():
            last = [time.perf_counter()]

            def tell(phase: str, done: int, times: list[float] = times, last: list[float] = last) -> None:
                times.append(time.perf_counter() - last[0])
                last[0] = time.perf_counter()

            trained([Replica(text, s) for s in range(count)], vocabulary, few, tell=tell)
    least = min(statistics.median(times) / n for n, times in spent.items())
    print("| replicas | time of a replica's step, the shortest 1 |\n|---|---|")
    for count, times in spent.items():
        print(f"| {count} | {statistics.median(times) / count / least:.2f} |")


def main(given: Sequence[str] | None = None) -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--only", choices=("doses", "speed"))
    parser.add_argument("--kind", help="one kind of synthetic text: 'another human half', 'generation 3', ...")
    parser.add_argument("--words", type=int, default=50_000, help="words of each part")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args(given)
    options = neural_settings(MixOptions(device=asked.device, seeds=asked.seeds))
    sizes = Sizes(8_000, asked.words, replace(options, rounds=asked.rounds), SETTINGS)
    if asked.tiny:
        small = replace(SETTINGS, width=32, layers=1, context=16, steps=8)
        few = replace(sizes.options, seeds=2, size=3_000, shares=(0.0, 0.5), rounds=1)
        sizes = Sizes(1_000, 2_500, few, small)
        texts: Sequence[str] = demo.human_documents()[1]
    elif asked.only != "speed":
        from sources import rows

        texts = [r["text"] for r in rows("human/english_novels.jsonl.zst")]
        random.Random(5).shuffle(texts)
        texts = texts[:300]
    if asked.only in (None, "speed"):
        speed(sizes.settings, SIDE_BY_SIDE[:2] if asked.tiny else SIDE_BY_SIDE)
    if asked.only in (None, "doses"):
        doses(texts, sizes, asked.kind)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
