"""Figures of collapsing text made from every source, kept under ``build/`` so that the study need not wait twice.

Of each source: the Replace recursion at generations 1, 3 and 10, and mixtures in which 10, 25 or 50 % of the
segments are of generation 5. The model is trained on up to 100,000 words of the source, of which the audit sees a
part. ``pair``: the same from the second half of the source, which is to be compared with its first half.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from recursion import Text, generations
from sources import Source

from contam.profile import Profile
from contam.profiling import halves
from contam.scope import NEIGHBOUR, distances
from contam_metrics.prepare import Prepared, prepare
from contam_metrics.segments import Segments, mixed, segments_of_texts
from contam_metrics.signals import measure

CACHE = Path(__file__).parents[1] / "build" / "verdict"
VERSION = 4
GENERATIONS = (1, 3, 10)
MIXED = (10, 25, 50)
MIXED_GENERATION = 5
LARGEST = 100_000

Figures = dict[str, float]
Table = dict[str, Figures]


def as_segments(text: Text, prepared: Prepared) -> Segments:
    """Generated ids as segments in the order of fresh keys."""
    n = len(text.bounds) - 1
    keys = mixed(np.arange(n).astype(np.uint64), np.full(n, 7, np.uint64))
    order = np.argsort(keys)
    ids = np.concatenate([text.ids[text.bounds[i] : text.bounds[i + 1]] for i in order])
    bounds = np.concatenate(([0], np.cumsum(np.diff(text.bounds)[order])))
    lengths = np.rint(prepared.type_lengths[ids]).astype(np.int32)
    none = np.zeros(n, np.int64)
    return Segments(keys[order], keys[order], prepared.types[ids], lengths, bounds, none, none, (b"",) * n)


def mixture(human: Text, machine: Text, share: float, seed: int) -> Text:
    """``share`` of the segments replaced by generated ones of the same lengths."""
    n = len(human.bounds) - 1
    replaced = np.zeros(n, bool)
    replaced[np.random.default_rng(seed).permutation(n)[: round(share * n)]] = True
    of = np.repeat(replaced, np.diff(human.bounds))
    return Text(np.where(of, machine.ids, human.ids), human.bounds, human.types)


def collapsing(segments: Segments, words: int, seed: int) -> tuple[Prepared, dict[str, Text]]:
    """Recursions and mixtures of a model trained on up to ``words`` words."""
    prepared = prepare(segments, words)
    text = Text(prepared.ids, prepared.bounds, len(prepared.types))
    made = generations(text, max(*GENERATIONS, MIXED_GENERATION), seed)
    out = {f"g{g}": made[g] for g in GENERATIONS}
    out |= {f"m{s}": mixture(text, made[MIXED_GENERATION], s / 100, seed) for s in MIXED}
    return prepared, out


def _measured(segments: Segments, size: int, profile: Profile, own: str) -> Figures | None:
    """Figures at ``size``, and the distance to the references without the source itself."""
    prepared = prepare(segments, size)
    if not prepared.reached:
        return None
    found = measure(prepared, profile.hashes)
    matched = profile.sizes[size]
    others = np.array([profile.sources[i].name != own for i in matched.rows])
    distance = np.sort(distances(found.words, matched.words[others]))[NEIGHBOUR - 1]
    return found.values | {"scope": float(distance), "copies": prepared.dropped_share}


def _tables(segments: Segments, design: str, sizes: Iterable[int], profile: Profile, own: str) -> Iterator:
    prepared, made = collapsing(segments, LARGEST, zlib.crc32(own.encode()))
    for kind, text in made.items():
        generated = as_segments(text, prepared)
        for size in sizes:
            figures = _measured(generated, size, profile, own)
            if figures:
                yield f"{design}/{kind}/{size}", figures


def vectors(source: Source, profile: Profile, sizes: tuple[int, ...]) -> Table:
    """Every figure of collapsing text made from one source; from the cache where it is there."""
    key = hashlib.sha256(f"{VERSION}{sizes}{profile.words}".encode())
    key.update("\0".join(source.texts).encode("utf-8", "surrogatepass"))
    path = CACHE / f"{key.hexdigest()[:20]}.json"
    if path.exists():
        return json.loads(path.read_text())
    names = [s.name for s in profile.sources]
    row = names.index(source.name)
    reach = [n for n in sizes if row in profile.sizes[n].rows]
    pairs = [n for n in sizes if row in profile.sizes[n].pair_rows]
    out = dict(_tables(segments_of_texts(source.texts), "one", reach, profile, source.name))
    if pairs:
        _, second = halves([t.encode("utf-8", "surrogatepass") for t in source.texts])
        out |= dict(_tables(segments_of_texts(second), "pair", pairs, profile, source.name))
    CACHE.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(out))
    return out
