"""Which documents a finding about the whole corpus comes from, as far as that can be told.

A corpus that lost its tail, or that copies itself, is judged as a whole; a person wants to see documents. They are
ordered by how far they pull the corpus the way the finding says, beside the other documents of the same sample. That
orders documents and proves nothing of one: the order was chosen, and measured, on human text with trigram recursion
mixed in (``docs/rules.md``), where it finds recursed documents well once they are a third of the text.

Two measures are read, both counts beyond what the sample's average gives a document of that length, in standard
deviations, so that short documents do not come out on top by chance:

* *tail*: the words of a document that no other document of the sample uses. Where models feed on models, these go
  first.
* *copying*: its word triples that occur in another document too, less its 8-grams that do. A model recombines short
  pieces; people who quote, or use a template, repeat long ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.result import DocumentFinding, RuleResult, Verdict
from contam_metrics.ngrams import document_of, ngrams, recode
from contam_metrics.prepare import COPY_GRAM, COPY_SHARE, kept_segments, normalised
from contam_metrics.segments import Segments

VERDICT = "verdict"
"""Stands for a rule where the verdict speaks and no rule of these families does."""
TAIL = ("DIV001", "DIV005", "DIV006", "DIV007")
COPYING = ("DIV002", "DIV003", "DIV004", "DUP003", "DUP004")
NEAR = "DUP002"
MEANS = {
    **dict.fromkeys((VERDICT, *TAIL), "of its words are used by other documents too"),
    **dict.fromkeys(COPYING, "of its word triples occur in other documents too"),
    NEAR: "of it is in the document that it is beside",
}
"""What the value of a finding is a share of, by rule."""
PROVISO = "ordered by how much they pull the figures of the corpus; that proves nothing of a single document"
NAMED, NAMED_NEAR = 10, 5
LEAST_DOCUMENTS = 20
"""In a sample of fewer documents nothing is said: each is a large part of what it is compared with."""
EXCERPT = 400
_SHORT, _LONG = 3, 8

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The documents of a sample, and how far each pulls the corpus.

    ``first`` int64[n], the row of each document's first segment; ``tail`` and ``copying`` float64[n], standard
    deviations beyond the average document, high is suspicious; ``words`` and ``triples`` float64[n], the shares of
    words and of word triples that other documents have too.
    """

    first: Ints
    tail: Floats
    copying: Floats
    words: Floats
    triples: Floats


def responsible(
    segments: Segments, rules: Iterable[RuleResult], verdict: Verdict, least: int = LEAST_DOCUMENTS
) -> tuple[DocumentFinding, ...]:
    """The documents that pull the corpus the way its loud rules and its verdict say, most suspicious first.

    ``segments`` is the sample of the corpus. A finding's rule is the one that it
    explains (`VERDICT` where none of these families warns), its value a share (`MEANS`). Near copies (DUP002) come
    in pairs: the document, and behind it the one that it is a copy of. Nothing is named where nothing is found, or
    where the sample has fewer than ``least`` documents.
    """
    loud = [rule.id for rule in rules if rule.status in ("warn", "fail")]
    tail = next((rule for rule in TAIL if rule in loud), None)
    copying = next((rule for rule in COPYING if rule in loud), None)
    found: tuple[DocumentFinding, ...] = ()
    judged = verdict.level.severity > 0 and verdict.p_value is not None
    if judged or tail or copying:
        seen = suspicion(segments, least)
        both = judged or (tail and copying)
        score = seen.tail + seen.copying if both else seen.tail if tail else seen.copying
        value = seen.words if both or tail else seen.triples
        found = _worst(segments, seen.first, score, value, tail or copying or VERDICT)
    return found + (near_copies(segments) if NEAR in loud else ())


def suspicion(segments: Segments, least: int = LEAST_DOCUMENTS) -> Suspicion:
    """Every document of a sample measured beside the others; segments that nearly copy another are left out."""
    words = normalised(segments.hashes)
    kept = kept_segments(words, segments.bounds) if len(segments) else np.zeros(0, bool)
    rows = np.flatnonzero(kept)
    ids, bounds = _selected(recode(words)[0], segments.bounds, rows)
    _, first, documents = np.unique(segments.docs[rows], return_index=True, return_inverse=True)
    n = len(first)
    if n < least:
        none = np.empty(0)
        return Suspicion(np.empty(0, np.int64), none, none, none, none)
    shared, words_too = _beyond(*_elsewhere(ids, bounds, documents.ravel(), 1), n)
    short, triples_too = _beyond(*_elsewhere(ids, bounds, documents.ravel(), _SHORT), n)
    long, _ = _beyond(*_elsewhere(ids, bounds, documents.ravel(), _LONG), n)
    return Suspicion(rows[first], shared, short - long, words_too, triples_too)


def near_copies(segments: Segments, most: int = NAMED_NEAR) -> tuple[DocumentFinding, ...]:
    """Pairs of documents of which at least half of one's 8-grams are in the other: the later, then the earlier.

    "Earlier" is by name and line. The value is that share, for both; of several earlier ones the one with most of it.
    """
    if not len(segments):
        return ()
    order, first = _by_label(segments)
    ids, bounds = _selected(recode(normalised(segments.hashes))[0], segments.bounds, order)
    grams = ngrams(ids, bounds, COPY_GRAM)
    documents = np.searchsorted(first, grams.documents(), "right") - 1
    owner = np.full(grams.types, len(first), np.int64)
    np.minimum.at(owner, grams.codes, documents)
    taken = owner[grams.codes] < documents
    pairs, counts = np.unique(documents[taken] * len(first) + owner[grams.codes][taken], return_counts=True)
    share = counts / np.bincount(documents, minlength=len(first))[pairs // len(first)]
    found: list[DocumentFinding] = []
    named: set[int] = set()
    for i in np.argsort(-share, kind="stable"):
        later, earlier = divmod(int(pairs[i]), len(first))
        if share[i] < COPY_SHARE or len(found) >= 2 * most:
            break
        if later not in named:
            named.add(later)
            both = (int(order[first[later]]), int(order[first[earlier]]))
            found += [_finding(segments, row, NEAR, float(share[i])) for row in both]
    return tuple(found)


def _by_label(segments: Segments) -> tuple[Ints, Ints]:
    """The segments document by document, in the order of names and lines, and where each document begins."""
    labels = segments.labels or ("",) * len(segments)
    keys = [(*_place(label), doc) for label, doc in zip(labels, segments.docs.tolist())]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    docs = segments.docs[order]
    first = np.flatnonzero(np.concatenate(([True], docs[1:] != docs[:-1])))
    return np.array(order, np.int64), first


def _place(label: str) -> tuple[str, int]:
    """A name as its path and its line, so that line 9 comes before line 10."""
    path, _, line = label.rpartition(":")
    return (path, int(line)) if line.isascii() and line.isdigit() else (label, 0)


def _selected(ids: Ints, bounds: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Some segments, end to end."""
    sizes = np.diff(bounds)[rows]
    edges = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    return ids[np.repeat(bounds[rows] - edges[:-1], sizes) + np.arange(edges[-1])], edges


def _elsewhere(ids: Ints, bounds: Ints, documents: Ints, n: int) -> tuple[NDArray[np.bool_], Ints]:
    """Of every n-gram position: whether another document has that n-gram too, and whose position it is."""
    if n == 1:
        codes, places, types = ids, documents[document_of(bounds)], int(ids.max()) + 1
    else:
        grams = ngrams(ids, bounds, n)
        codes, places, types = grams.codes, documents[grams.documents()], grams.types
    low, high = np.full(types, len(bounds), np.int64), np.full(types, -1, np.int64)
    np.minimum.at(low, codes, places)
    np.maximum.at(high, codes, places)
    return (high > low)[codes], places


def _beyond(elsewhere: NDArray[np.bool_], places: Ints, n: int) -> tuple[Floats, Floats]:
    """How far each of ``n`` documents has more of it than the average gives, in standard deviations, and its share."""
    size = np.bincount(places, minlength=n)
    count = np.bincount(places, weights=elsewhere, minlength=n)
    usual = float(elsewhere.mean()) if len(elsewhere) else 0.0
    spread = np.sqrt(size * usual * (1 - usual))
    some = spread > 0
    far = np.divide(count - size * usual, spread, out=np.zeros(n), where=some)
    return far, np.divide(count, size, out=np.zeros(n), where=size > 0)


def _worst(segments: Segments, first: Ints, score: Floats, value: Floats, rule: str) -> tuple[DocumentFinding, ...]:
    """The documents with the highest scores, as long as these are above the average's."""
    order = np.argsort(-score, kind="stable")[:NAMED]
    return tuple(_finding(segments, int(first[i]), rule, float(value[i])) for i in order if score[i] > 0)


def _finding(segments: Segments, row: int, rule: str, value: float) -> DocumentFinding:
    """A document by its name (its content hash where it has none), and how its sampled text begins."""
    name = segments.labels[row] if segments.labels else ""
    text = segments.texts[row][:EXCERPT].decode("utf-8", "replace")
    return DocumentFinding(name or f"{int(segments.docs[row]):016x}", rule, value, text)
