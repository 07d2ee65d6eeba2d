"""How many of the documents that an audit names were generated: ``python benchmarks/attribution.py``.

Human sources with a part of word-trigram recursion appended (10, 30 and 50 % of the words; generations 1, 3, 5, 10):
of the first 10 named documents, the share that is of the appended part, by score. ``itself``: the recursion began with
the very text that is audited; ``elsewhere``: with other text of the same source. Scores were chosen on every second
domain (``--choose`` prints those figures), the tables of the documentation are of the others.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import sources
from numpy.typing import NDArray
from recursion import Text, generations

from contam.attributing import _beyond, _elsewhere
from contam_metrics.batch import Batch
from contam_metrics.prepare import normalised
from contam_metrics.words import cut

WORDS, LEAST, NAMED = 20_000, 22_000, 10
PIECE, SHORTEST = 300, 20
"""Words: of the pieces that longer documents are cut into; of the shortest document that takes part."""
SHARES, GENERATIONS = (0.1, 0.3, 0.5), (1, 3, 5, 10)
LENGTHS = (1, 2, 3, 4, 5, 6, 8)
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A corpus of which it is known what was appended (``made``, by document)."""

    domain: str
    kind: str
    share: float
    generation: int
    ids: Ints
    bounds: Ints
    made: NDArray[np.bool_]


def scores(ids: Ints, bounds: Ints) -> dict[str, Floats]:
    """Every score that was considered, of every document."""
    n = len(bounds) - 1
    rows = np.arange(n)
    far = {k: _beyond(*_elsewhere(ids, bounds, rows, k), n)[0] for k in LENGTHS}
    found = {"rare words": far[1], "few words": -_distinct(ids, bounds)}
    found |= {f"{k}-grams": far[k] for k in LENGTHS[2:]}
    found |= {f"{k}-grams less 8-grams": far[k] - far[8] for k in (3, 4)}
    return found | {"rare words + 3-grams less 8-grams": far[1] + far[3] - far[8]}


def _distinct(ids: Ints, bounds: Ints) -> Floats:
    """Different words over the square root of all words, of every document: what does not look at the others."""
    return np.array([len(np.unique(ids[a:b])) / (b - a) ** 0.5 for a, b in pairwise(bounds)])


def pieces(texts: tuple[str, ...]) -> list[bytes]:
    """The documents of a source, long ones in pieces."""
    out = []
    for text in texts:
        words = text.split(" ")
        count = max(1, round(len(words) / PIECE))
        edges = [i * len(words) // count for i in range(count + 1)]
        out += [" ".join(words[a:b]).encode() for a, b in pairwise(edges)]
    return out


def _taken(order: Ints, sizes: Ints, words: float, start: int = 0) -> Ints:
    """As many documents of an order as it takes to have so many words."""
    return order[start : start + int(np.searchsorted(np.cumsum(sizes[order[start:]]), words)) + 1]


def _joined(ids: Ints, bounds: Ints, documents: Ints) -> tuple[Ints, Ints]:
    parts = [ids[bounds[d] : bounds[d + 1]] for d in documents]
    return np.concatenate(parts), np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)


def cases(source: sources.Source) -> Iterator[Case]:
    """Every share and generation for one source."""
    words = cut(Batch.of(pieces(source.texts)))
    types, ids = np.unique(normalised(words.hashes), return_inverse=True)
    sizes = np.diff(words.bounds)
    order = np.random.default_rng(1).permutation(len(sizes))
    order = order[sizes[order] >= SHORTEST]
    if sizes[order].sum() < LEAST:
        return
    for share in SHARES:
        human = _taken(order, sizes, WORDS * (1 - share))
        other = _taken(order, sizes, WORDS * (1 - share), len(human))
        for kind, begun in (("itself", human), ("elsewhere", other)):
            if sizes[begun].sum() < 0.9 * WORDS * (1 - share):
                continue
            text = Text(*_joined(ids, words.bounds, begun), len(types))
            real = _joined(ids, words.bounds, human)
            for generation, made in enumerate(generations(text, max(GENERATIONS), seed=3)):
                if generation in GENERATIONS:
                    yield _mixed(source.domain, kind, share, generation, real, made)


def _mixed(domain: str, kind: str, share: float, generation: int, real: tuple[Ints, Ints], made: Text) -> Case:
    sizes = np.diff(made.bounds)
    chosen = _taken(np.random.default_rng(2).permutation(len(sizes)), sizes, WORDS * share)
    ids, bounds = _joined(made.ids, made.bounds, chosen)
    together = np.concatenate([real[1], bounds[1:] + real[1][-1]])
    is_made = np.arange(len(together) - 1) >= len(real[1]) - 1
    return Case(domain, kind, share, generation, np.concatenate([real[0], ids]), together, is_made)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose", action="store_true", help="the domains on which scores were chosen")
    chosen = sources.english(LEAST)
    domains = sorted({source.domain for source in chosen})
    mine = domains[::2] if parser.parse_args().choose else domains[1::2]
    found: dict[tuple[str, str, float, int], list[float]] = defaultdict(list)
    for source in (source for source in chosen if source.domain in mine):
        for case in cases(source):
            key = (case.kind, case.share, case.generation)
            for name, score in scores(case.ids, case.bounds).items():
                first = np.argsort(-score, kind="stable")[:NAMED]
                found[(name, *key)].append(float(case.made[first].mean()))
            found[("chance", *key)].append(float(case.made.mean()))
        print(source.name, file=sys.stderr)
    print(f"domains: {', '.join(mine)}")
    _print(found)


def _print(found: dict[tuple[str, str, float, int], list[float]]) -> None:
    columns = [(share, generation) for share in SHARES for generation in GENERATIONS]
    for kind in ("itself", "elsewhere"):
        print(f"\n{kind}: {len(found['chance', kind, *columns[0]])} sources\n")
        print("| score | " + " | ".join(f"{100 * share:.0f} %, {g}" for share, g in columns) + " | mean |")
        print("|---" * (len(columns) + 2) + "|")
        for name in dict.fromkeys(key[0] for key in found):
            means = [float(np.mean(found[name, kind, *column])) for column in columns]
            print(f"| {name} | " + " | ".join(f"{v:.2f}" for v in means) + f" | {np.mean(means):.2f} |")


if __name__ == "__main__":
    main()
