"""Which generated documents the next generation learns from: none left out, flagged, too likely, or resampled.

A sieve is made once, from held-out real documents and documents of generation 0, and then judges the documents of
every generation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError
from contam.experiments.recurse.backend import Name
from contam.experiments.recurse.chance import generator
from contam.experiments.recurse.classifier import Classifier
from contam.experiments.recurse.document_scores import GOPHER_RULES, DocumentScores, score_texts
from contam.experiments.recurse.options import FILTERS
from contam_metrics.gopher import PUBLISHED_LIMITS
from contam_metrics.streaming.loops import LOOPED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EMPTY, LOOPS, GOPHER, COPIES = "empty", "looped-documents", "gopher-repetition", "exact-duplicates"
LIKELY, NOT_DRAWN = "too-likely", "not-drawn"
ORDINARY = 0.99
"""Share of the real documents that no limit of ``flagged`` may touch."""
UNLIKELY = 0.05
"""Share of the real documents that lie below the limit of ``likely``."""
LEAST = 20
"""Real documents from which a 5 % point is taken."""
POWER, REPEATS, DRAWN = 10, 3, 1.5
"""Drayson et al. 2025: the weight's exponent, copies of each row to draw from, rows drawn for each row."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a sieve leaves of D documents.

    ``indices`` int64[K]: the documents in the order to train on; only ``resample`` names one more than once.
    ``dropped``: how many are not among them, and ``reasons``: why, one for each. ``weights`` float64[D]: what
    ``resample`` drew by; None otherwise.
    """

    indices: Ints
    dropped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    weights: Floats | None = None

    def filling(self, lengths: Ints, tokens: int) -> tuple[Ints, int]:
        """(documents, tokens of the last one to use) that have ``tokens`` tokens together, as `Encoded.take` wants
        them; ``lengths`` int64[D] in tokens. Where all that is kept is less, its order begins again.

        Raises InputError where no document that is kept has a token.
        """
        ends = np.cumsum(lengths[self.indices])
        if not len(ends) or not ends[-1]:
            raise InputError("no document that the filter keeps has a token: leave the filter out")
        rounds, rest = divmod(max(tokens, 1) - 1, int(ends[-1]))
        last = int(np.searchsorted(ends, rest + 1))
        chosen = np.concatenate([np.tile(self.indices, rounds), self.indices[: last + 1]])
        return chosen, rest + 1 - int(ends[last] - lengths[self.indices[last]])


@dataclass(frozen=True, slots=True)
class Limits:
    """What ``flagged`` lets pass: documents with less than the share ``loop`` in loops, and none of the shares
    ``gopher`` float64[13] exceeded."""

    loop: float
    gopher: Floats

    @classmethod
    def of(cls, real: DocumentScores) -> Limits:
        """The audit's limits, each raised to the same quantile of the real documents where that is more: the lowest
        from the 99 % one up at which 99 % of these documents are within all limits together."""
        limits = cls(LOOPED, np.array([PUBLISHED_LIMITS[rule] for rule in GOPHER_RULES]))
        for level in np.linspace(ORDINARY, 1.0, 21) if len(real) else ():
            own = np.quantile(real.gopher, level, axis=0, method="inverted_cdf")
            loop = float(np.quantile(real.loop, level, method="inverted_cdf"))
            limits = cls(max(LOOPED, float(np.nextafter(loop, 2.0))), np.maximum(limits.gopher, own))
            if (limits.looped(real) | limits.repetitive(real)).mean() <= 1 - ORDINARY:
                break
        return limits

    def looped(self, scores: DocumentScores) -> NDArray[np.bool_]:
        """Which documents are loops."""
        return np.greater_equal(scores.loop, self.loop)

    def repetitive(self, scores: DocumentScores) -> NDArray[np.bool_]:
        """Which documents are over a Gopher limit."""
        return np.any(scores.gopher > self.gopher, axis=1)


@dataclass(frozen=True, slots=True)
class Sieve:
    """A filter of generated documents, called with their texts and their nats a token under generation 0.

    ``none`` keeps all. The others drop documents without text, and

    * ``flagged``: those that the audit's document rules flag: looped (REP001), over a repetition limit of Gopher
      (REP004), copies of an earlier document (DUP001). Limits are widened until 99 % of the real documents stay
      within them.
    * ``likely``: those with fewer nats a token under generation 0 than 95 % of the real documents have: what
      a perplexity filter for machine text leaves out. Of a model that knows its training text by heart, such as a
      trigram of little text, that is everything it writes.
    * ``resample``: draws documents by how human they look, after Drayson et al. 2025 (EMNLP). Theirs: the weight
      (1 - confidence)^10, every row three times, 1.5 N of these 3 N rows drawn without replacement. Ours: the
      confidence, p(generated) by a `Classifier` trained in the run on held-out real documents against generation 0's
      (they had ModernBERT trained on MAGE, with a temperature); and only generated documents are drawn from, where
      they resampled the mixture with human text. The rows are then shuffled, so that a part of them is a fair one.
      Fewer different documents are left: where nothing but generated text is trained on, that can cost more than it
      helps (a trigram in a replace recursion loses words faster with it than without).

    ``facts`` are for the log: limits or the classifier's quality.
    """

    kind: str
    name: Name
    limits: Limits | None = None
    least: float = -np.inf
    classifier: Classifier | None = None
    facts: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, real_texts: Sequence[str], generated_texts: Sequence[str], surprise_real: Floats | None,
        surprise_generated: Floats | None, *, name: Name, kind: str,
    ) -> Sieve:  # fmt: skip
        """A sieve from held-out real documents and documents that generation 0 wrote, each with their nats a token
        under generation 0, float64[D] (None: not measured).

        ``flagged`` and ``likely`` look at the real ones only, ``none`` at nothing. Real and generated documents should
        be of like length: repetition and surprise depend on it. ``name`` names the random numbers.

        Raises InputError for fewer than 20 documents where that is too few (``likely``, ``resample``).
        """
        if kind == "none":
            return cls(kind, name)
        if kind == "flagged":
            limits = Limits.of(score_texts(real_texts))
            facts = {"loop": limits.loop, **dict(zip(GOPHER_RULES, limits.gopher.tolist()))}
            return cls(kind, name, limits, facts=facts)
        if kind == "likely":
            least = _five_percent_point(surprise_real)
            return cls(kind, name, least=least, facts={"least_nats": least})
        if kind == "resample":
            human = real_texts, score_texts(real_texts, surprise_real)
            machine = generated_texts, score_texts(generated_texts, surprise_generated)
            found = Classifier.trained(human, machine, generator(*name.parts, "classifier"))
            facts = {k: getattr(found, k) for k in ("auc", "calibration_error", "real", "generated")}
            return cls(kind, name, classifier=found, facts=facts)
        raise ValueError(f"no filter {kind!r}: {', '.join(FILTERS)}")

    def __call__(self, texts: Sequence[str], surprise: Floats | None = None, name: Name | None = None) -> Kept:
        """What is left of documents; ``surprise`` [D] as from `surprise_of` with generation 0.

        ``resample`` draws by ``name``, or by that of the sieve. Raises InputError where nothing is left.
        """
        if self.kind == "none":
            return Kept(np.arange(len(texts)))
        reasons = np.array(["" if text.strip() else EMPTY for text in texts], dtype=object)
        if self.kind == "likely":
            nats = _checked(surprise, len(texts))
            reasons[(reasons == "") & np.isnan(nats)] = EMPTY
            reasons[(reasons == "") & (nats < self.least)] = LIKELY
            return self._left(np.flatnonzero(reasons == ""), reasons)
        scores = score_texts(texts, surprise)
        if self.limits is not None:
            hits = {LOOPS: self.limits.looped(scores), GOPHER: self.limits.repetitive(scores), COPIES: scores.copy}
            for reason, hit in hits.items():
                reasons[(reasons == "") & hit] = reason
            return self._left(np.flatnonzero(reasons == ""), reasons)
        return self._resampled(texts, scores, reasons, generator(*(name or self.name).parts, "resample"))

    def _resampled(
        self, texts: Sequence[str], scores: DocumentScores, reasons: NDArray, chance: np.random.Generator
    ) -> Kept:
        assert self.classifier is not None
        able = np.flatnonzero(reasons == "")
        # ln (1 - p) of p = 1 / (1 + exp(-odds)), which keeps its digits where p is one.
        logs = -POWER * np.logaddexp(0.0, self.classifier.log_odds(texts, scores))
        indices = able[drawn(logs[able], chance)]
        reasons[np.setdiff1d(able, indices)] = NOT_DRAWN
        return self._left(indices, reasons, np.where(reasons == EMPTY, 0.0, np.exp(logs)))

    def _left(self, indices: Ints, reasons: NDArray, weights: Floats | None = None) -> Kept:
        counts = Counter(reason for reason in reasons if reason)
        if not len(indices):
            told = ", ".join(f"{n} {reason}" for reason, n in counts.most_common()) or "there were none"
            heart = "generation 0 knows its training text by heart (give more text, or a lower --order); "
            raise InputError(
                f"--filter {self.kind} leaves none of {len(reasons)} generated documents ({told}), so there is nothing "
                f"to train on: {heart if self.kind == 'likely' else ''}write at a --temperature nearer 1, or leave "
                "the filter out"
            )
        return Kept(indices, counts.total(), counts, weights)


def drawn(log_weights: Floats, chance: np.random.Generator) -> Ints:
    """round(1.5 N) of N rows that stand there three times each, drawn one by one without replacement in proportion
    to their weights, in random order; int64. ``log_weights`` [N] may be as low as they like.

    The largest of log weights with Gumbel noise are such a draw (Efraimidis & Spirakis 2006, in logs).
    """
    rows = np.repeat(np.arange(len(log_weights)), REPEATS)
    keys = log_weights[rows] + chance.gumbel(size=len(rows))
    first = np.argsort(-keys, kind="stable")[: round(DRAWN * len(log_weights))]
    return chance.permutation(rows[first])


def _five_percent_point(surprise: Floats | None) -> float:
    known = np.asarray([] if surprise is None else surprise, np.float64)
    known = known[np.isfinite(known)]
    if len(known) < LEAST:
        raise InputError(
            f"--filter likely takes the 5 % point of held-out real documents and needs {LEAST} of them: there are "
            f"{len(known)} with tokens; give more text in more documents, or use another filter"
        )
    return float(np.quantile(known, UNLIKELY))


def _checked(surprise: Floats | None, count: int) -> Floats:
    if surprise is None or len(surprise) != count:
        raise ValueError("this filter needs the nats a token of every document under generation 0")
    return np.asarray(surprise, np.float64)
