"""How a reference profile is made: every source measured at every size that it reaches."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.profile import Matched, Profile, SourceInfo
from contam_metrics import signals
from contam_metrics.batch import Batch
from contam_metrics.ngrams import TypeCounts
from contam_metrics.prepare import prepare
from contam_metrics.segments import Segments, SegmentSample, document_hashes
from contam_metrics.words import Words, cut

SIZES = (5_000, 10_000, 20_000, 50_000, 100_000, 250_000, 1_000_000)
"""Matched sizes (words) at which sources are measured, as far as they reach."""
LEAST_SOURCES = 39
"""A size is kept where at least so many sources reach it: below that no p-value can go under .025."""
FUNCTION_WORDS = 150
SURVIVAL = "tail.type_survival"
KEPT_TYPES = 20_000
LONGEST_SOURCE = 64 << 20
"""Bytes of a source that are read; the rest would not be drawn."""


@dataclass(frozen=True)
class Settings:
    """What a profile is called and how it is measured. Without ``words`` the function words are chosen
    blindly: those with the highest median share over the sources."""

    name: str
    language: str = ""
    description: str = ""
    words: tuple[str, ...] = ()
    nonletter: float | None = None
    templated: float | None = None
    sizes: tuple[int, ...] = SIZES
    seed: int = 0
    licences: dict[str, str] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Text:
    """One matched text measured: its figures and its most frequent words."""

    values: dict[str, float]
    counts: TypeCounts
    letters: int


@dataclass(frozen=True)
class _Source:
    info: SourceInfo
    whole: dict[int, _Text]
    halves: dict[int, tuple[_Text, _Text]]
    spelling: dict[int, str]


def halves(texts: Sequence[bytes]) -> tuple[list[bytes], list[bytes]]:
    """A source in two contiguous halves of about equal bytes; the document in the middle is cut at a
    space."""
    middle, before = sum(map(len, texts)) // 2, 0
    for i, text in enumerate(texts):
        if before + len(text) >= middle:
            at = text.find(b"\n", middle - before)
            at = text.find(b" ", middle - before) if at < 0 else at
            at = len(text) if at < 0 else at
            return [*texts[:i], text[:at]], [t for t in (text[at:], *texts[i + 1 :]) if t]
        before += len(text)
    return list(texts), []


def _limited(texts: Iterable[str | bytes]) -> list[bytes]:
    out, size = [], 0
    for text in texts:
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        out.append(data)
        size += len(data)
        if size >= LONGEST_SOURCE:
            break
    return out


def _segments(texts: Sequence[bytes], settings: Settings) -> tuple[Segments, Words]:
    batch = Batch.of(texts)
    words = cut(batch)
    sample = SegmentSample(budget=max(settings.sizes) * 3 // 2, seed=settings.seed)
    sample.update(words, document_hashes(batch))
    return sample.segments(), words


def _texts(segments: Segments, sizes: Sequence[int]) -> dict[int, _Text]:
    out = {}
    for size in sizes:
        matched = prepare(segments, size)
        if not matched.reached:
            break
        raw = [segments.texts[i] for i in matched.rows]
        measured = signals.measure(matched, np.empty(0, np.uint64), raw)
        counts = signals.letter_words(matched)
        top = np.sort(np.argsort(-counts.counts, kind="stable")[:KEPT_TYPES])
        out[size] = _Text(measured.values, TypeCounts(counts.types[top], counts.counts[top]), counts.n)
    return out


def _spelling(words: Words, hashes: NDArray[np.uint64]) -> dict[int, str]:
    """One spelling of each of these words as it stands in the text, folded."""
    kinds, first = np.unique(words.hashes, return_index=True)
    place = np.minimum(np.searchsorted(kinds, hashes), len(kinds) - 1)
    rows = first[place[kinds[place] == hashes]]
    data = words.batch.data
    return {
        int(words.hashes[i]): data[words.starts[i] : words.ends[i]].tobytes().decode("utf-8", "replace").casefold()
        for i in rows
    }


def measure_source(name: str, domain: str, texts: Iterable[str | bytes], settings: Settings) -> _Source:
    """Everything a profile keeps of one source, before the function words are known."""
    raw = _limited(texts)
    segments, words = _segments(raw, settings)
    whole = _texts(segments, settings.sizes)
    long_enough = [n for n in settings.sizes if 2 * n <= len(words)]
    pair = [_segments(half, settings)[0] for half in halves(raw)]
    parts = [_texts(half, long_enough) for half in pair]
    both = [n for n in parts[0] if n in parts[1]]
    for n in both:
        parts[1][n].values[SURVIVAL] = signals.type_survival(prepare(pair[0], n), prepare(pair[1], n))
    digest = hashlib.sha256(b"\0".join(raw)).hexdigest()[:16]
    largest = whole[max(whole)].counts if whole else TypeCounts.of(np.empty(0, np.uint64))
    return _Source(
        SourceInfo(name, domain, len(words), digest, settings.licences.get(name, "")),
        whole,
        {n: (parts[0][n], parts[1][n]) for n in both},
        _spelling(words, largest.types),
    )


def common_words(sources: Sequence[_Source], count: int = FUNCTION_WORDS) -> tuple[str, ...]:
    """The words with the highest median share over the sources: function words, found without a list."""
    shares: dict[int, list[float]] = {}
    names: dict[int, str] = {}
    for source in sources:
        text = source.whole[max(source.whole)]
        names |= source.spelling
        for kind, n in zip(text.counts.types.tolist(), text.counts.counts.tolist()):
            shares.setdefault(kind, []).append(n / text.letters)
    absent = {k: [0.0] * (len(sources) - len(v)) + sorted(v) for k, v in shares.items()}
    medians = {k: v[len(v) // 2] for k, v in absent.items() if v[len(v) // 2] > 0}
    chosen = sorted(medians, key=lambda k: (-medians[k], k))[:count]
    return tuple(sorted(names[k] for k in chosen if k in names))


def _hashed(words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.uint64]]:
    """Words and hashes, ascending by hash."""
    from contam_metrics.words import word_hash

    pairs = sorted({word_hash(w): w for w in words}.items())
    return tuple(w for _, w in pairs), np.array([h for h, _ in pairs], np.uint64)


def _widest(sources: Sequence[_Source], key: str, usual: float) -> float:
    """A limit of scope that shuts no source of the profile out."""
    values = [text.values[key] for source in sources for text in source.whole.values()]
    return max([usual, *(v for v in values if math.isfinite(v))])


def _row(text: _Text, columns: Sequence[str], hashes: NDArray[np.uint64]) -> list[float]:
    values = text.values | {"text.function_words": float(_shares(text, hashes).sum())}
    return [values.get(c, math.nan) for c in columns]


def _shares(text: _Text, hashes: NDArray[np.uint64]) -> NDArray[np.float64]:
    return text.counts.of_types(hashes) / max(text.letters, 1)


def _matched(sources: Sequence[_Source], size: int, columns: Sequence[str], hashes: NDArray[np.uint64]) -> Matched:
    rows = [i for i, s in enumerate(sources) if size in s.whole]
    pairs = [i for i, s in enumerate(sources) if size in s.halves]

    def table(texts: Sequence[_Text]) -> NDArray[np.float64]:
        return np.array([_row(t, columns, hashes) for t in texts]).reshape(len(texts), len(columns))

    return Matched(
        np.array(rows, np.int64),
        table([sources[i].whole[size] for i in rows]),
        np.array([_shares(sources[i].whole[size], hashes) for i in rows]).reshape(len(rows), len(hashes)),
        np.array(pairs, np.int64),
        table([sources[i].halves[size][0] for i in pairs]),
        table([sources[i].halves[size][1] for i in pairs]),
    )


def build_profile(
    sources: Iterable[tuple[str, str, Iterable[str | bytes]]],
    settings: Settings,
    progress: Callable[[str], None] = lambda name: None,
) -> Profile:
    """A profile from (name, domain, documents in their order) of independent sources.

    Sizes that fewer than `LEAST_SOURCES` reach are left out. Raises InputError where none is left.
    """
    measured = []
    for name, domain, texts in sources:
        progress(name)
        one = measure_source(name, domain, texts, settings)
        if one.whole:
            measured.append(one)
    reach = {n: sum(n in s.whole for s in measured) for n in settings.sizes}
    sizes = [n for n, count in reach.items() if count >= LEAST_SOURCES]
    if not sizes:
        raise InputError(
            f"{len(measured)} sources of at least {min(settings.sizes):,} words; a profile needs "
            f"{LEAST_SOURCES} (99 to call a corpus collapsing). A source is an author, a genre, a site: "
            "give each its own folder or file."
        )
    words, hashes = _hashed(settings.words or common_words(measured))
    columns = (*measured[0].whole[min(measured[0].whole)].values, SURVIVAL)
    return Profile(
        name=settings.name,
        language=settings.language,
        description=settings.description,
        words=words,
        hashes=hashes,
        sources=tuple(s.info for s in measured),
        columns=columns,
        sizes={n: _matched(measured, n, columns, hashes) for n in sizes},
        nonletter=settings.nonletter or _widest(measured, "text.nonletter", 0.45),
        templated=settings.templated or _widest(measured, "duplicates.cross_13", 0.30),
        provenance={"seed": settings.seed, "smallest": min(settings.sizes)} | settings.provenance,
    )
