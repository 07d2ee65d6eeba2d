"""The texts of a dose-response: real text to train on, to tune with and to predict, and synthetic text.

Both corpora are read once, in bounded memory: of each the segments with the smallest keys are kept (see
`contam_metrics.segments`), a few times the words that will be trained on. Segments of one document are one document
again, with what was not kept left out. Equal documents of one corpus count once, so that one text many times over is
not trained on many times: how often a corpus repeats itself is told by an audit of it. Passages of the synthetic corpus
that repeat the real one word for word are real text: they are counted and taken out, else a copy would look as helpful
as more real text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contam.auditing import AuditOptions, measured_of
from contam.corpus import Corpus
from contam.engine import Measured, Progress
from contam.errors import InputError
from contam.mixing.options import Event, MixOptions, Watch
from contam.perplexity.drift import Ints, Passages, Reason, numbers_of, units_of
from contam_metrics.metric import Metric
from contam_metrics.prepare import COPY_GRAM, COPY_SHARE, gram_starts, normalised
from contam_metrics.segments import Segments, mixed
from contam_metrics.streaming import Volume

MOST_HELD_OUT = 60_000
"""Words that are kept from training at the most, a fifth of them to tune with."""
LEAST = 3_000
"""Fewest words to train on, of either side."""
LEAST_HELD_OUT = 2_000
FEW = 5
"""Fewest held-out documents: an interval over fewer says nothing."""
FOREIGN, STRANGE = 0.4, 0.6
"""Shares of the synthetic words that the real text knows: below the first nothing is measured, below the second it is
said."""
VERBATIM = 0.9
"""A synthetic passage of which so many 8-grams stand in the real text is real text. A model's own text is far below,
unless it learned long stretches by heart."""
TUNED_ON = 5
"""One in so many held-out documents is tuned on."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Texts:
    """Documents in an order that their content decides: ``real`` and ``synthetic`` to train on; ``tuning``, real text
    that settings may be chosen on; ``held_out``, real text that is predicted and nothing else. No document of
    ``tuning`` or ``held_out`` is in what is trained on. ``kind``: what the held-out ones are, ``documents`` or
    ``blocks``. ``notes`` say what was done to the corpora."""

    real: tuple[str, ...]
    synthetic: tuple[str, ...]
    held_out: tuple[str, ...]
    tuning: tuple[str, ...]
    kind: str = "documents"
    notes: tuple[str, ...] = ()


def texts_of(
    real: Corpus, synthetic: Corpus, valid: Corpus | None, options: MixOptions, watch: Watch
) -> Texts | Reason:
    """Read the corpora and divide them, or say why nothing can be judged. Raises InputError for a corpus without
    documents, and where two of them are the same."""
    found = [read(c, options, watch) if c is not None else None for c in (real, synthetic, valid)]
    assert found[0] is not None and found[1] is not None
    return divided(found[0], found[1], found[2], options.seed)


def read(
    corpus: Corpus, options: MixOptions, watch: Watch, metrics: tuple[type[Metric], ...] = (Volume,)
) -> Measured:
    """One pass over a corpus: its volume, other ``metrics`` that are asked for, and the segments that are kept. Raises
    InputError without a document."""
    name = ", ".join(corpus.sources)

    def told(p: Progress) -> None:
        watch(Event("reading", p.bytes_done, p.bytes_total or 0, name))

    kept = max(options.size, MOST_HELD_OUT // 2)
    asked = AuditOptions(workers=options.workers, sample_tokens=kept, seed=options.seed, on_progress=told)
    return measured_of(corpus, asked, metrics)


def divided(real: Measured, synthetic: Measured, valid: Measured | None, seed: int) -> Texts | Reason:
    """The texts of a dose-response from what was read with ``seed``; see `texts_of`."""
    check_different(real, synthetic, valid)
    if (reason := foreign(real, synthetic) or _unlike(real, valid)) is not None:
        return reason
    human, machine = _passages(real.segments), _passages(synthetic.segments)
    known = _known(real, synthetic)
    if valid is not None:
        held, pool = _passages(valid.segments), human
        held = held.take(np.arange(min(int(np.searchsorted(held.bounds, MOST_HELD_OUT)), len(held.keys))))
    else:
        held, pool = _set_aside(human, seed)
    whole = valid is not None or not np.isin(pool.docs, held.docs).any()
    pool, rest = (_without(held, text, whole) for text in (pool, machine))
    notes = _removed(pool, rest, human, machine, valid)
    own = rest.take(np.flatnonzero(_copied(rest, human) < VERBATIM))
    notes += _overlaps(human, machine, rest, own)
    if (missing := _missing(pool, own, held)) is not None:
        return replace(missing, text="; ".join([missing.text, *notes]))
    if valid is None:
        notes.append(
            "the held-out text is a part of the real text: if the model that wrote the synthetic text had learned it, "
            "effects are too favourable; held-out text (--valid) that it never saw avoids that"
        )
    if known < STRANGE:
        share = f"{100 * known:.0f} % of the synthetic words occur in the real text"
        notes.append(f"{share}: the two are hardly of one kind")
    raw = {int(k): t for m in (real, synthetic, valid) if m for k, t in zip(m.segments.keys, m.segments.texts)}
    found = _told(pool, own, held, raw, seed)
    if not found.tuning:
        return Reason(f"{len(found.held_out)} held-out {found.kind} are too few: give more with --valid")
    return replace(found, notes=tuple(notes))


def foreign(real: Measured, synthetic: Measured) -> Reason | None:
    """Why the two texts cannot be of one language; None where they may be."""
    known = _known(real, synthetic)
    if known >= FOREIGN or synthetic.segments.words < LEAST:
        return None
    return Reason(
        f"only {100 * known:.0f} % of the synthetic words occur in the real text: another language, or no text. A "
        "mixture is judged with real text of the same kind"
    )


def _unlike(real: Measured, valid: Measured | None) -> Reason | None:
    """Why nothing can be told from how held-out text is predicted; None where something may."""
    if valid is None or (known := _known(real, valid)) >= FOREIGN or valid.segments.words < LEAST_HELD_OUT:
        return None
    return Reason(
        f"only {100 * known:.0f} % of the held-out words occur in the real text, so that what is learned from it is "
        "not tested there: give held-out text (--valid) of the same kind"
    )


def _known(real: Measured, other: Measured) -> float:
    """Share of the words of another text that the real text has, by their occurrences."""
    words = [normalised(m.segments.hashes) for m in (other, real)]
    return float(np.isin(words[0], words[1]).mean()) if len(words[0]) else 1.0


def check_different(real: Measured, synthetic: Measured, valid: Measured | None) -> None:
    """Raise InputError where two of the corpora are the same documents."""
    digests: dict[str, str] = {}
    for found, name in ((real, "real"), (synthetic, "synthetic"), (valid, "held-out")):
        if found is None:
            continue
        volume = found.metrics["volume"]
        assert isinstance(volume, Volume)
        if volume.digest in digests:
            raise InputError(
                f"the {digests[volume.digest]} and the {name} text are the same documents: give two different corpora"
            )
        digests[volume.digest] = name


def _passages(segments: Segments) -> Passages:
    sizes = np.array([len(text) for text in segments.texts], np.int64)
    return Passages(segments.bounds, normalised(segments.hashes), segments.keys, segments.docs, sizes)


def _set_aside(human: Passages, seed: int) -> tuple[Passages, Passages]:
    """(text to predict, text to train on): a fifth in whole documents or blocks, at least `FEW` of them."""
    units = units_of(human, seed)
    words = np.bincount(units.of, weights=np.diff(human.bounds), minlength=len(units.ranks))
    order = np.argsort(units.ranks, kind="stable")
    before = np.cumsum(words[order]) - words[order]
    target = min(max(human.words / 5, LEAST_HELD_OUT), MOST_HELD_OUT)
    taken = (before < target) | ((np.arange(len(order)) <= FEW) & (before < human.words / 3))
    aside = np.isin(units.of, order[taken])
    return human.take(np.flatnonzero(aside)), human.take(np.flatnonzero(~aside))


def _without(held: Passages, text: Passages, whole: bool) -> Passages:
    """The text without near copies of held-out segments; where ``whole`` documents are held out and no blocks of them,
    without any other segment of these documents either."""
    copied = _copied(text, held) >= COPY_SHARE
    if whole:
        copied |= np.isin(text.docs, held.docs)
    return text.take(np.flatnonzero(~copied))


def _copied(text: Passages, other: Passages) -> NDArray[np.float64]:
    """Share of the 8-grams of each segment that occur in another text; of a shorter segment 1 where the other text has
    one of the same words, else 0."""
    grams, starts = _grams(text)
    of = np.searchsorted(text.bounds, starts, "right") - 1
    hits = np.bincount(of, weights=np.isin(grams, _grams(other)[0]), minlength=len(text.keys))
    shares = hits / np.maximum(np.bincount(of, minlength=len(text.keys)), 1)
    short, codes = _short(text)
    shares[short] = np.isin(codes, _short(other)[1])
    return np.asarray(shares)


def _short(text: Passages) -> tuple[Ints, NDArray[np.uint64]]:
    """(rows, hashes) of segments that have words, but none of 8 together."""
    lengths = np.diff(text.bounds)
    rows = np.flatnonzero((lengths > 0) & (lengths < COPY_GRAM))
    out = lengths[rows].astype(np.uint64)
    for k in range(COPY_GRAM - 1):
        longer = np.flatnonzero(lengths[rows] > k)
        out[longer] = mixed(out[longer], text.hashes[text.bounds[rows[longer]] + k])
    return rows, out


def _grams(text: Passages) -> tuple[NDArray[np.uint64], Ints]:
    """(hash, place) of every 8-gram that stays within its segment."""
    starts = gram_starts(text.bounds, COPY_GRAM)
    starts = starts[starts + COPY_GRAM <= text.bounds[np.searchsorted(text.bounds, starts, "right")]]
    out = np.zeros(len(starts), np.uint64)
    for k in range(COPY_GRAM):
        out = mixed(out, text.hashes[starts + k])
    return out, starts


def _missing(pool: Passages, rest: Passages, held: Passages) -> Reason | None:
    least = ((pool, "real", LEAST), (rest, "synthetic", LEAST), (held, "held-out", LEAST_HELD_OUT))
    short = [f"{text.words:,} {name} ({n:,} needed)" for text, name, n in least if text.words < n]
    return Reason(f"too few words for a dose-response: {', '.join(short)}") if short else None


def _overlaps(human: Passages, machine: Passages, rest: Passages, own: Passages) -> list[str]:
    """What both corpora hold, as far as they were kept."""
    documents = np.unique(machine.docs)
    same, lost = int(np.isin(documents, human.docs).sum()), rest.words - own.words
    notes = []
    if same:
        notes.append(f"{same:,} of {len(documents):,} synthetic documents that were kept are also in the real text")
    if lost:
        notes.append(
            f"{lost:,} synthetic words ({100 * lost / rest.words:.1f} %) repeat the real text word for word and were "
            "left out: so much of the synthetic text is real"
        )
    return notes


def _removed(
    pool: Passages, rest: Passages, human: Passages, machine: Passages, valid: Measured | None
) -> list[str]:
    lost = {"synthetic": machine.words - rest.words}
    if valid is not None:
        lost["real"] = human.words - pool.words
    return [
        f"{words:,} {name} words are of the held-out text and were left out" for name, words in lost.items() if words
    ]


def _told(pool: Passages, own: Passages, held: Passages, raw: dict[int, bytes], seed: int) -> Texts:
    """Segments to documents; one in `TUNED_ON` of the held-out ones is tuned on."""
    units = units_of(held, seed)
    aside = np.zeros(len(units.ranks), bool)
    aside[np.argsort(units.ranks, kind="stable")[TUNED_ON - 1 :: TUNED_ON]] = True
    tuning = held.take(np.flatnonzero(aside[units.of]))
    predicted = held.take(np.flatnonzero(~aside[units.of]))
    sides = [_documents(text, raw, seed) for text in (pool, own, predicted, tuning)]
    return Texts(sides[0], sides[1], sides[2], sides[3], units.kind)


def _documents(text: Passages, raw: dict[int, bytes], seed: int) -> tuple[str, ...]:
    """The texts of documents (blocks, where there are few), each from its segments in their order."""
    units = units_of(text, seed)
    place = np.zeros(len(text.keys), np.int64)
    several = np.bincount(units.of)[units.of] > 1
    for document in np.unique(text.docs[several]):
        mine = np.flatnonzero(text.docs == document)
        found = numbers_of(text.keys[mine], document, seed)
        place[mine] = np.argsort(np.argsort(text.keys[mine])) if found is None else found
    rows = np.lexsort((place, units.of))
    edges = np.searchsorted(units.of[rows], np.arange(len(units.ranks) + 1))
    parts = [_joined(rows[a:b], place, text, raw) for a, b in pairwise(edges)]
    return tuple(part.decode("utf-8", "replace") for part in parts)


def _joined(rows: Ints, place: Ints, text: Passages, raw: dict[int, bytes]) -> bytes:
    """Segments end to end; a blank line where one between them is missing."""
    out = raw[int(text.keys[rows[0]])]
    for before, row in pairwise(rows):
        out += (b"" if place[row] == place[before] + 1 else b"\n\n") + raw[int(text.keys[row])]
    return out
