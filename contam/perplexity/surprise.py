"""How surprising a corpus is to a language model: bits per byte of its matched segments, and how much they differ.

Every segment of the matched sample (about 200 words) is scored as a document of its own, so that a long document
is not easier for the context that it has, and so that any two corpora are compared at one size and one length.
White space at the ends of a segment is not scored: how much of it there is depends on how the file was cut.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from contam.models.finding import ModelFiles, find
from contam.models.loading import device_of, read
from contam.models.network import Network
from contam.models.scoring import Windowing, score_documents
from contam.models.tokenizer import Tokenizer
from contam.perplexity.calibration import BITS, GAP, SPREAD, expected, population
from contam.placing import among
from contam.result import DocumentFinding, Figure
from contam_metrics.segments import Segments

LONG_WORDS = 100
"""Segments shorter than this do not count for the spread: a few words differ much in bits per byte by chance alone,
and documents of at least so many words are cut into segments of 100 to 299."""
LONG_LEAST = 15
"""Long segments that a spread needs; 5,000 words of long documents have at least so many."""
DOCUMENTS_LEAST = 10
"""Documents that an interval needs: the bootstrap of fewer covers too little."""
RESAMPLES = 1000
DIGESTED = 64 << 20
"""Bytes of weights up to which a digest is made: larger models have no reference values."""
STRANGE = 3.0
"""Robust standard deviations from the median beyond which a segment is strange."""
STRANGE_WORDS = 10
"""Segments shorter than this are never strange: a word or two can be anything."""
EXCERPT = 400
"""Bytes of a strange segment that are shown."""

Column = NDArray[np.float64]
Ints = NDArray[np.int64]

UNITS = {BITS: "bits/byte", SPREAD: "bits/byte", GAP: "nats/token"}


@dataclass(frozen=True)
class LoadedModel:
    """A language model ready to score. ``digest``: of its weights, "" for models too large to have reference values."""

    name: str
    digest: str
    network: Network
    tokenizer: Tokenizer


def load_model(name: str = "tiny", device: str = "auto", precision: str = "fp32") -> LoadedModel:
    """The model of that name (see `contam.models.finding.find`) on a device; InputError where there is none."""
    files = find(name)
    network = read(files).network(1, device_of(device, precision))
    return LoadedModel(name, weights_digest(files), network, Tokenizer(files.tokenizer_folder))


def weights_digest(files: ModelFiles) -> str:
    """The first 16 hexadecimal digits of the weights' SHA-256, "" above `DIGESTED` bytes."""
    if sum(path.stat().st_size for path in files.weights) > DIGESTED:
        return ""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files.weights)).hexdigest()[:16]


@dataclass(frozen=True)
class Surprise:
    """What a model made of n segments, in their order.

    ``rows`` int64[n] among the segments given, ``documents`` uint64[n] the content hash of the document of each;
    ``words``, ``bytes``, ``tokens`` int64[n]; ``nats`` and ``entropy`` float64[n], summed over the tokens of each.
    """

    rows: Ints
    documents: NDArray[np.uint64]
    words: Ints
    bytes: Ints
    tokens: Ints
    nats: Column
    entropy: Column

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def bits(self) -> Column:
        """Bits per byte of each segment; nan where there is no byte."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.bytes > 0, self.nats / (math.log(2) * self.bytes), np.nan)

    @property
    def values(self) -> dict[str, float]:
        """The figures by key; nan where there is too little text."""
        return {key: float(value[0]) for key, value in _figures(self._sums()[None]).items()}

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % percentile intervals of the figures by a bootstrap over documents; empty for few documents."""
        documents, of = np.unique(self.documents, return_inverse=True)
        if len(documents) < DOCUMENTS_LEAST:
            return {}
        sums = np.stack([np.bincount(of, column) for column in self._columns()], axis=1).astype(float)
        found = _figures(_resampled(sums))
        return {key: (float(low), float(high)) for key, v in found.items() for low, high in [_middle(v)]}

    def head(self, segments: int) -> Surprise:
        """The first so many segments: what `surprise` finds at a smaller matched size."""
        return Surprise(**{f.name: getattr(self, f.name)[:segments] for f in fields(self)})

    def _columns(self) -> list[Column]:
        """What is summed for the figures, one row a segment; see `_figures`."""
        long = (self.words >= LONG_WORDS) & (self.bytes > 0)
        bits = np.where(long, self.bits, 0.0)
        return [self.nats, self.bytes, self.entropy, self.tokens, long.astype(float), bits, bits**2]

    def _sums(self) -> Column:
        return np.array([column.sum() for column in self._columns()])


def _figures(sums: Column) -> dict[str, Column]:
    """The figures of float64[k, 7] sums: nats, bytes, entropy, tokens; number, bits and squares of long segments."""
    nats, size, entropy, tokens, n, bits, squares = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares - bits**2 / n, 0.0) / (n - 1)
        return {
            BITS: np.where(size > 0, nats / (math.log(2) * size), np.nan),
            SPREAD: np.where(n >= LONG_LEAST, np.sqrt(variance), np.nan),
            GAP: np.where(tokens > 0, (nats - entropy) / tokens, np.nan),
        }


def _resampled(sums: Column) -> Column:
    """Sums [`RESAMPLES`, columns] of documents [D, columns] drawn with replacement, the same draws every time."""
    n = len(sums)
    times = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    return np.asarray(times @ sums, float)


def _middle(values: Column) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if len(known) < RESAMPLES // 2:
        return math.nan, math.nan
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def surprise(
    segments: Segments,
    rows: Sequence[int] | Ints,
    model: LoadedModel,
    *,
    windowing: Windowing | None = None,
    batch: int = 32,
    beat: Callable[[int], None] | None = None,
) -> Surprise:
    """Score the segments ``rows`` (of a `contam_metrics.prepare.Prepared`, for the matched sample) under a model.

    The last segment of a matched sample is scored whole. ``beat(tokens)`` is called as the scoring goes on.
    """
    at = np.asarray(rows, np.int64)
    texts = [segments.texts[i].decode("utf-8", "replace").strip() for i in at]
    scored = score_documents(model.network, model.tokenizer, texts, windowing or Windowing(), batch=batch, beat=beat)
    return Surprise(
        rows=at,
        documents=segments.docs[at],
        words=np.diff(segments.bounds)[at],
        bytes=np.asarray(scored.bytes, np.int64),
        tokens=np.diff(scored.offsets),
        nats=scored.document_nats(),
        entropy=scored.document_entropy(),
    )


def surprise_figures(
    audited: Surprise,
    trusted: Surprise | None,
    profile: str,
    size: int | None,
    digest: str,
) -> dict[str, Figure]:
    """The figures ``perplexity.*`` of an audit, with their limits where there is something to compare with.

    ``audited`` and ``trusted`` were scored by the same model, whose weights have that ``digest``, and at the same
    matched ``size`` in words (None where it was not reached: no limits then). Without trusted text the limits are
    those of the sources of the ``profile`` under the same model; with it, its own values moved by the differences
    between the halves of human sources.
    """
    values, intervals = audited.values, audited.intervals
    references, reason = _references(trusted, profile, size, digest)
    words, documents = int(audited.words.sum()), len(np.unique(audited.documents))
    out = {}
    for key, unit in UNITS.items():
        known = math.isfinite(values[key])
        figure = Figure(
            value=values[key] if known else None,
            unit=unit,
            family="perplexity",
            direction="both",
            interval=intervals.get(key) if known else None,
            matched_tokens=size or words,
            documents=documents,
            reason=reason if known else _missing(key),
        )
        out[key] = among(figure, references[key]) if key in references else figure
    return out


def _missing(key: str) -> str:
    return f"fewer than {LONG_LEAST} segments of {LONG_WORDS} words or more" if key == SPREAD else "empty"


def _references(
    trusted: Surprise | None, profile: str, size: int | None, digest: str
) -> tuple[dict[str, Column], str | None]:
    """What each figure is placed among, or why there is nothing."""
    if size is None:
        return {}, "the matched size was not reached"
    if trusted is not None:
        return expected(trusted.values, profile, size)
    return population(digest, profile, size)


def strangest(surprise: Surprise, segments: Segments, count: int = 10) -> list[DocumentFinding]:
    """The segments farthest from the median bits per byte on either side, farthest first, with their documents' names.

    The distance is in robust standard deviations (1.4826 median absolute deviations); that of a segment shorter than
    `LONG_WORDS` counts less by the root of its length, because short ones differ more by chance, and below
    `STRANGE_WORDS` not at all. Only what lies farther than `STRANGE` of them is listed. ``value`` is the segment's
    bits per byte, ``id`` its document's name.
    """
    distance = np.abs(_distances(surprise))
    order = sorted(np.flatnonzero(distance > STRANGE), key=lambda i: (-distance[i], int(surprise.rows[i])))
    return [_finding(surprise, segments, int(i)) for i in order[:count]]


def _distances(surprise: Surprise) -> Column:
    """Robust z of every segment's bits per byte; of short segments less, see `strangest`."""
    bits = surprise.bits
    known = np.isfinite(bits) & (surprise.words >= STRANGE_WORDS)
    if known.sum() < LONG_LEAST:
        return np.zeros(len(bits))
    middle = float(np.median(bits[known]))
    length = np.sqrt(np.minimum(surprise.words, LONG_WORDS) / LONG_WORDS)
    offset = np.where(known, (bits - middle) * length, 0.0)
    scale = 1.4826 * float(np.median(np.abs(offset[known])))
    return offset / max(scale, 1e-3)


def _finding(surprise: Surprise, segments: Segments, i: int) -> DocumentFinding:
    row = int(surprise.rows[i])
    label = segments.labels[row] if segments.labels else ""
    text = segments.texts[row][:EXCERPT].decode("utf-8", "replace")
    return DocumentFinding(label, "PPL001", float(surprise.bits[i]), text)
