"""A corpus that is smaller than its baseline: what is gone leaves no document behind that could be judged."""

from __future__ import annotations

from contam.baseline.record import Since
from contam.result import CorpusInfo

TOLD = 0.9
"""Share of the baseline's documents, or of its words, up to which a corpus is called smaller."""


def size_of_baseline(since: Since) -> tuple[int, int] | None:
    """(documents, words) that the baseline was written from; None where it does not say."""
    documents, words = (since.facts.get(name) for name in ("documents", "words"))
    return (documents, words) if isinstance(documents, int) and isinstance(words, int) else None


def told_of_shrinking(since: Since | None, corpus: CorpusInfo) -> tuple[str, ...]:
    """A note where at least a tenth of the baseline's documents, or of its words, is gone."""
    had = size_of_baseline(since) if since is not None else None
    if had is None or (corpus.documents > TOLD * had[0] and corpus.tokens > TOLD * had[1]):
        return ()
    now = f"{corpus.documents:,} documents, {corpus.tokens:,} words"
    return (f"the corpus is smaller than the baseline: {now}; the baseline had {had[0]:,} and {had[1]:,}",)
