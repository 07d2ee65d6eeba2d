"""The words of a corpus of any size and how often each occurs, in one pass and bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contam.auditing import AuditOptions, measured_of
from contam.corpus import Corpus
from contam.engine import Measured, Progress
from contam.mixing.options import Event, MixOptions, Watch, unwatched
from contam_metrics.accumulators import Counts as Table
from contam_metrics.ngrams import Spectrum, spectrum
from contam_metrics.streaming import Vocabulary, Volume

METRICS = (Volume, Vocabulary)
"""What a pass must measure for `counts_of`."""


@dataclass(frozen=True, slots=True)
class RealCounts:
    """How many ``types`` of words occur how often, of a corpus of ``documents``. ``sampled``: there were more different
    words than are counted one by one, and the table is that of a sample of the words, scaled up."""

    types: Spectrum
    documents: int
    sampled: bool = False

    @property
    def tokens(self) -> int:
        """Words of the corpus."""
        return self.types.n


def count_corpus(corpus: Corpus, options: MixOptions, watch: Watch = unwatched) -> RealCounts:
    """Count a corpus in one pass. InputError where it has no document, or cannot be read."""
    name = ", ".join(corpus.sources)

    def told(p: Progress) -> None:
        watch(Event("reading", p.bytes_done, p.bytes_total or 0, name))

    asked = AuditOptions(workers=options.workers, sample_tokens=1, seed=options.seed, on_progress=told)
    return counts_of(measured_of(corpus, asked, METRICS))


def counts_of(measured: Measured) -> RealCounts:
    """The counts of a corpus that was measured with `METRICS`."""
    vocabulary, volume = measured.metrics["vocabulary"], measured.metrics["volume"]
    assert isinstance(vocabulary, Vocabulary) and isinstance(volume, Volume)
    table = _table(vocabulary.counts, volume.sums["words"])
    return RealCounts(table, volume.sums["documents"], vocabulary.counts.level > 0)


def without_copies(table: Spectrum, copied: float) -> Spectrum:
    """The spectrum of a corpus of which a share of the documents are ``copied``, about as it is without them.

    Every count goes down by that share, to 1 at the least: exact where all documents are there equally often.
    """
    counts = np.maximum(np.rint(table.counts * (1 - copied)), 1).astype(np.int64)
    return _added(counts, table.types)


def _table(counts: Table, words: int) -> Spectrum:
    """The spectrum; from a sample of the words, one that has as many words in all as the corpus.

    Each word of the sample stands for 2^level. The few that make most of the text may be in it or not: where they come
    to more than there is, the commonest are left out, and what is missing is put in as one word.
    """
    kept: NDArray[np.int64] = counts.counts()
    if not counts.level:
        return spectrum(kept)
    fits = kept[np.cumsum(kept) << counts.level <= words]
    table = spectrum(fits)
    rest = words - (table.n << counts.level)
    types = np.append(table.types << counts.level, [1] if rest else [])
    return _added(np.append(table.counts, [rest] if rest else []), types)


def _added(counts: NDArray[np.int64], types: NDArray[np.int64]) -> Spectrum:
    """A spectrum of counts that may come twice."""
    values, place = np.unique(counts, return_inverse=True)
    return Spectrum(values.astype(np.int64), np.bincount(place, weights=types).astype(np.int64))
