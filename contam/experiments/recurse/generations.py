"""The generations of one lineage, and generation 0 of one seed: train, measure, write, measure what was written.

What one generation hands to the next is text. Everything random is drawn by name, so a generation that is done again
after a kill comes out the same.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contam.errors import InputError
from contam.experiments.recurse.backend import Beat, Name, Predicted, Trained, Written, unheard
from contam.experiments.recurse.composing import Composed, Sources, composed, needed
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.downstream import downstream
from contam.experiments.recurse.filtering import Sieve
from contam.experiments.recurse.options import Lineage
from contam.experiments.recurse.place import Place, base_name, forget, read_texts, write_texts
from contam.experiments.recurse.tracking import tracked

HELD_OUT = "held-out"
SAMPLES, SAMPLE_LENGTH = 4, 2_000
"""Documents of every generation that are kept for the report, and how many characters of each."""
REFILLS = 3
"""How often the documents that a filter dropped are written anew."""

_FACTS = {"tokens": "trained_tokens"}
"""Tokens gone through in all epochs, beside those of the corpus."""

Send = Callable[[dict[str, Any], dict[str, Any]], None]
"""Told the log line of a finished generation and its samples."""


def generation_zero(place: Place, seed: int, send: Send, beat: Beat) -> None:
    """Train on real text, write, measure; keep the model and the text for the lineages of the seed."""
    begin = time.perf_counter()
    name = Name(base_name(seed), seed, 0, place.progress_of(base_name(seed)))
    model = place.backend.train(place.real, name, beat)
    most = max((copies_of(lineage) for lineage in place.options.lineages()), default=1)
    written = model.write(Encoded.joined([place.real] * most), name, beat)
    corpus = Composed(place.real, place.real.tokens)
    line = {"generation": 0, "seed": seed} | _line(place, model, model, corpus, written)
    model.save(place.base_of(seed))
    write_texts(place.texts_of(base_name(seed), 0), written.texts)
    forget(place.progress_of(base_name(seed)))
    send(line | {"filtered": None, "seconds": round(time.perf_counter() - begin, 3)}, _samples(0, written.texts))


def lineage_from(place: Place, lineage: Lineage, done: int, send: Send, beat: Beat) -> None:
    """The generations of a lineage after ``done``, the last one that is in the log."""
    course = _Course.taken_up(place, lineage, done)
    for generation in range(len(course.kept), place.options.generations + 1):
        begin = time.perf_counter()
        line, written = course.next(generation, beat)
        send(line | {"seconds": round(time.perf_counter() - begin, 3)}, _samples(generation, written.texts))


@dataclass
class _Course:
    """A lineage on its way; ``kept`` is what each generation so far leaves to train on."""

    place: Place
    lineage: Lineage
    base: Trained
    sieve: Sieve | None
    kept: list[Encoded | None]
    filtered_before: dict[str, Any] | None = None
    """What the filter made of generation 0's text."""

    @classmethod
    def taken_up(cls, place: Place, lineage: Lineage, done: int) -> _Course:
        """From the texts in the run folder; from generation 0 where one that is needed is missing."""
        base = place.backend.read(place.base_of(lineage.seed))
        zero = read_texts(place.texts_of(base_name(lineage.seed), 0))
        if zero is None:
            raise InputError(f"the text of generation 0 of seed {lineage.seed} is missing in {place.folder}")
        course = cls(place, lineage, base, None, [])
        course._begin(zero[: copies_of(lineage) * len(place.real)])
        wanted = needed(lineage.paradigm, done + 1)
        for generation in range(1, done + 1):
            texts = read_texts(place.texts_of(lineage.name, generation)) if generation in wanted else ()
            if texts is None:
                course.kept = course.kept[:1]
                break
            course.kept.append(place.backend.encode(texts) if generation in wanted else None)
        return course

    def _begin(self, zero: tuple[str, ...]) -> None:
        """Generation 0's own text, through the filter where there is one."""
        encoded = self.place.backend.encode(zero)
        if self.lineage.filter == "none":
            self.kept.append(encoded)
            return
        name = Name(self.lineage.name, self.lineage.seed, 0)
        losses = [_losses(self.base.predicted(documents)) for documents in (self.place.held_out, encoded)]
        self.sieve = Sieve.fit(self.place.human.held_out, zero, *losses, name=name, kind=self.lineage.filter)
        _, kept, self.filtered_before = self._sifted(self.base, Written(zero, encoded), name, unheard)
        self.kept.append(kept)

    def next(self, generation: int, beat: Beat) -> tuple[dict[str, Any], Written]:
        """One generation."""
        place, lineage = self.place, self.lineage
        name = Name(lineage.name, lineage.seed, generation, place.progress_of(lineage.name))
        corpus = composed(lineage, Sources(place.real, place.fresh, tuple(self.kept)))
        model = place.backend.train(corpus.corpus, name, beat)
        written = model.write(self._like(), name, beat)
        line = _head(lineage, generation) | _line(place, model, self.base, corpus, written)
        texts, encoded, told = self._sifted(model, written, name, beat)
        write_texts(place.texts_of(lineage.name, generation), texts)
        self.kept.append(encoded)
        self._let_go(generation)
        forget(place.progress_of(lineage.name))
        before = {"filtered_before": self.filtered_before} if generation == 1 and self.sieve is not None else {}
        return line | {"filtered": told} | before, written

    def _like(self) -> Encoded:
        """As many documents as there are real ones; more where the pool takes more than that of each generation."""
        return Encoded.joined([self.place.real] * copies_of(self.lineage))

    def _sifted(
        self, model: Trained, written: Written, name: Name, beat: Beat
    ) -> tuple[tuple[str, ...], Encoded, dict[str, Any] | None]:
        """What goes on to the next generations: all that was written, or as many tokens that pass the filter.

        In the place of what is dropped the model writes other documents; what is then still missing is made up by
        documents that passed, once more.
        """
        if self.sieve is None:
            return written.texts, written.encoded, None
        size, dropped, reasons = written.encoded.tokens, 0, Counter[str]()
        parts, texts, round_ = [], [], written
        for again in range(1, REFILLS + 2):
            kept = self.sieve(round_.texts, _losses(self.base.predicted(round_.encoded)), name)
            texts += [round_.texts[i] for i in kept.indices]
            parts.append(round_.encoded.take(kept.indices))
            dropped, reasons = dropped + kept.dropped, reasons + kept.reasons
            missing = size - sum(part.tokens for part in parts)
            if missing <= 0 or again > REFILLS:
                break
            name = Name(f"{self.lineage.name}/again{again}", self.lineage.seed, name.generation)
            round_ = model.write(_first_documents(self._like(), missing), name, beat)
        passed = Encoded.joined(parts)
        order = _filling(passed, size)
        told = {"dropped": dropped, "documents": len(order), "passed_tokens": passed.tokens, "reasons": dict(reasons)}
        return tuple(texts[i] for i in order), passed.take(order), told | {"sieve": dict(self.sieve.facts)}

    def _let_go(self, generation: int) -> None:
        """Remove text that no generation reads any more; one generation longer than needed, in case of a kill."""
        if self.place.options.keep == "all":
            return
        for old in set(range(1, generation - 2)) - set(needed(self.lineage.paradigm, generation + 1)):
            self.place.texts_of(self.lineage.name, old).unlink(missing_ok=True)
            self.kept[old] = None


def copies_of(lineage: Lineage) -> int:
    """How many times as many documents as there are real ones a generation writes: what the pool takes of it."""
    return max(math.ceil(lineage.rate or 1.0), 1) if lineage.paradigm == "accumulate-subsample" else 1


def _filling(documents: Encoded, tokens: int) -> list[int]:
    """Documents in their order until there are so many tokens, beginning again where all are fewer."""
    order: list[int] = []
    left = tokens
    lengths = documents.lengths.tolist()
    while left > 0 and documents.tokens:
        for place, length in enumerate(lengths):
            if left <= 0:
                break
            order.append(place)
            left -= length
    return order


def _first_documents(like: Encoded, tokens: int) -> Encoded:
    """The first documents of so many tokens together."""
    count = int(np.searchsorted(like.bounds, tokens))
    return like.take(range(min(max(count, 1), len(like))))


def _head(lineage: Lineage, generation: int) -> dict[str, Any]:
    return {
        "lineage": lineage.name, "group": lineage.group, "generation": generation, "paradigm": lineage.paradigm,
        "seed": lineage.seed, "rate": lineage.rate, "filter": lineage.filter,
    }  # fmt: skip


def zero_of(lineage: Lineage, line: dict[str, Any]) -> dict[str, Any]:
    """Generation 0 as it stands in the log of a lineage."""
    return _head(lineage, 0) | {k: v for k, v in line.items() if k not in ("generation", "seed")}


def _line(place: Place, model: Trained, base: Trained, corpus: Composed, written: Written) -> dict[str, Any]:
    """All that is measured of a generation, of as many documents as there are real ones."""
    written = _as_many(written, len(place.real))
    empty = sum(not text.strip() for text in written.texts)
    held_out = model.predicted(place.held_out)
    training = {"documents": len(corpus.corpus), "tokens": corpus.corpus.tokens, "real_tokens": corpus.real_tokens}
    measured = place.measurer.audited(written.texts)
    figures = measured["signals"]
    counted = place.measurer.kept(written.texts) | {
        "distinct_2": figures.get("diversity.distinct_2"), "rep_4": figures.get("repetition.seq_rep_4")
    }  # fmt: skip
    return {
        "real_share": round(corpus.real_share, 6),
        "training": training | {_FACTS.get(k, k): v for k, v in model.facts.items()},
        "validation": {HELD_OUT: _loss(held_out) | {"accuracy": _accuracy(held_out)}},
        "own": _loss(model.predicted(written.encoded)),
        "under_generation_0": _loss(base.predicted(written.encoded)),
        "written": {
            "documents": len(written.texts), "empty": empty, "tokens": written.encoded.tokens, "ended": written.ended
        } | counted,
        **measured,
        "tracked": tracked(model, written.texts, place.human.held_out, place.options.track),
        "downstream": downstream(model, place.endings, held_out),
    }  # fmt: skip


def _as_many(written: Written, count: int) -> Written:
    """The first documents."""
    if len(written.texts) <= count:
        return written
    return Written(written.texts[:count], written.encoded.take(range(count)), written.ended)


def _loss(predicted: Predicted) -> dict[str, float]:
    loss = predicted.loss
    return {"loss": loss, "perplexity": math.exp(loss) if loss < 700 else math.inf}


def _accuracy(predicted: Predicted) -> float | None:
    if (predicted.correct < 0).any() or not predicted.tokens.sum():
        return None
    return float(predicted.correct.sum() / predicted.tokens.sum())


def _losses(predicted: Predicted) -> Any:
    """Nats a token of each document, nan for an empty one."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return predicted.nats / predicted.tokens


def _samples(generation: int, texts: Sequence[str]) -> dict[str, Any]:
    return {"generation": generation, "documents": [text[:SAMPLE_LENGTH] for text in texts[:SAMPLES]]}
