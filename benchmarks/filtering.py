"""Filters of generated text: how fast, how much human text they drop, how well the classifier judges, what they change.

``python benchmarks/filtering.py`` prints four tables. Human and labelled text is that of the shared data
(``sources.py`` says where it is looked for); generated text is that of the labelled sets, and of trigram models that
are trained here. Half of each source makes the sieve, the other half goes through it. Takes some minutes of one core.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import sources
from scipy import sparse

from contam.demo import Trigram
from contam.errors import InputError
from contam.experiments.recurse import classifier
from contam.experiments.recurse.backend import Name
from contam.experiments.recurse.document_scores import GOPHER_RULES, score_texts
from contam.experiments.recurse.filtering import Limits, Sieve
from contam.experiments.recurse.options import FILTERS
from contam_metrics.gopher import PUBLISHED_LIMITS
from contam_metrics.one_text import signals_of
from contam_metrics.streaming.loops import LOOPED
from contam_metrics.witten_bell import WittenBell

Texts = list[str]
NAME = Name("benchmark", 0, 1)
SIZE = 200
HUMAN = (
    "abc_news", "brown", "english_novels", "french_novels", "german_novels", "inaugural", "masc", "movie_reviews",
    "peps", "portuguese_news", "problem_reports", "python_stdlib_source", "reddit_eli5", "spanish_news", "webtext_nltk",
    "wikipedia_abstracts",
)  # fmt: skip
LABELLED = ("l2r", "fast_detect_gpt", "school_essays", "student_essays")


def texts_of(path: str, label: str | None = None) -> Texts:
    """The documents of a file of the shared data, shuffled."""
    rows = sources.rows(f"{path}.jsonl.zst")
    found = [row["text"] for row in rows if label is None or row.get("label") == label]
    random.Random(0).shuffle(found)
    return found


def cut(texts: Texts, size: int = SIZE) -> Texts:
    """Documents of exactly ``size`` words, white space as single spaces."""
    words = [text.split() for text in texts]
    return [" ".join(row[i : i + size]) for row in words for i in range(0, len(row) - size + 1, size)]


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds, the best of three."""
    taken = []
    for _ in range(3):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def speed(documents: Texts) -> None:
    """Documents of 200 words a second."""
    score_texts(documents[:10])
    half = len(documents) // 2
    sieve = Sieve.fit(documents[:half], documents[half:], None, None, name=NAME, kind="resample")
    print(f"| what | documents a second ({len(documents):,} of {SIZE} words) |\n|---|---|")
    print(f"| scores | {len(documents) / seconds(lambda: score_texts(documents)):,.0f} |")
    plain = seconds(lambda: [signals_of(text) for text in documents[:200]])
    print(f"| the plain signals, one text at a time | {200 / plain:,.0f} |")
    print(f"| flagged | {len(documents) / seconds(lambda: flagged(documents[:half])(documents)):,.0f} |")
    print(f"| resample | {len(documents) / seconds(lambda: sieve(documents)):,.0f} |\n")


def flagged(real: Sequence[str]) -> Sieve:
    """The sieve of that name made from real documents."""
    return Sieve.fit(real, (), None, None, name=NAME, kind="flagged")


def human_rates() -> None:
    """How many human documents are flagged, with the audit's limits and with those widened on the other half."""
    plain = Limits(LOOPED, np.array([PUBLISHED_LIMITS[rule] for rule in GOPHER_RULES]))
    print("| source | documents | audit's limits | widened | for |\n|---|---|---|---|---|")
    for source in HUMAN:
        texts = texts_of(f"human/{source}")
        half = len(texts) // 2
        wide = flagged(texts[:half])
        rates = [sieve(texts[half:]) for sieve in (Sieve("flagged", NAME, plain), wide)]
        shares = (f"{kept.dropped / (len(texts) - half):.1%}" for kept in rates)
        print(f"| {source} | {len(texts) - half} | {' | '.join(shares)} | {dict(rates[1].reasons) or ''} |")
    print()


class Language:
    """A trigram's view of white-space words: ``nats`` a word of each document; foreign words stand for one."""

    def __init__(self, texts: Texts, known: Texts) -> None:
        self.ids = {word: i for i, word in enumerate(sorted({w for text in (*texts, *known) for w in text.split()}))}
        self.model = WittenBell.train(*self.encoded(texts), 3, len(self.ids) + 1)

    def encoded(self, texts: Texts) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all documents end to end, and their bounds."""
        rows = [[self.ids.get(word, len(self.ids)) for word in text.split()] for text in texts]
        bounds = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return np.array([i for row in rows for i in row], np.int64), bounds

    def surprise(self, texts: Texts) -> np.ndarray:
        """Nats a word of each document."""
        ids, bounds = self.encoded(texts)
        return np.add.reduceat(self.model.nats(ids, bounds), bounds[:-1]) / np.diff(bounds)


def written(train: Texts, count: int, seed: int) -> Texts:
    """What a trigram model of these documents writes."""
    model, chance = Trigram([text.split() for text in train]), random.Random(seed)
    return [" ".join(model.sample(SIZE, chance)) for _ in range(count)]


def pairs() -> Iterator[tuple[str, Texts, Texts, np.ndarray | None, np.ndarray | None]]:
    """Human and machine documents with line breaks taken out, and their surprise where there is a generation 0."""
    for name in LABELLED:
        human, machine = ([" ".join(t.split()) for t in texts_of(f"labelled/{name}", k)] for k in ("human", "machine"))
        yield name, human[:800], machine[:800], None, None
    for name in ("abc_news", "movie_reviews"):
        documents = cut(texts_of(f"human/{name}"))[:2000]
        human, train = documents[:500], documents[500:]
        machine, language = written(train, 500, 0), Language(train, human)
        yield f"{name}, trigram", human, machine, None, None
        yield f"{name}, trigram, with surprise", human, machine, language.surprise(human), language.surprise(machine)


def quality() -> None:
    """The classifier with and without n-grams of bytes, and with and without Platt scaling, on unseen documents."""
    grams, calibrated = classifier.byte_grams, classifier._calibrated
    ways = {
        "scores alone": (lambda texts: sparse.csr_matrix((len(texts), 1)), calibrated),
        "with n-grams": (grams, calibrated),
        "uncalibrated": (grams, lambda fold, *_: fold),
    }
    print(f"| set | documents | {' | '.join(f'AUC, {w} | calibration error' for w in ways)} |")
    print("|---|---|" + "---|---|" * len(ways))
    for name, human, machine, surprise, its in pairs():
        row = []
        for classifier.byte_grams, classifier._calibrated in ways.values():
            facts = Sieve.fit(human, machine, surprise, its, name=NAME, kind="resample").facts
            row.append(f"{facts['auc']:.3f} | {facts['calibration_error']:.3f}")
        print(f"| {name} | {len(human)} + {len(machine)} | {' | '.join(row)} |")
    classifier.byte_grams, classifier._calibrated = grams, calibrated
    print()


def recursion(source: str, generations: int = 5) -> None:
    """Replace with each filter: perplexity of held-out text, word types and distinct-2 by generation of a trigram."""
    documents = cut(texts_of(f"human/{source}"))[:2000]
    held_out, real = documents[:500], documents[500:]
    base = Language(real, held_out)
    zero = written(real, len(real), 0)
    known = (held_out, zero, base.surprise(held_out), base.surprise(zero))
    print(f"| {source}, replace | " + " | ".join(f"generation {g}" for g in range(generations + 1)) + " |")
    print("|---|" + "---|" * (generations + 1))
    for kind in FILTERS:
        sieve = Sieve.fit(*known, name=NAME, kind=kind)
        text, cells = real, []
        for g in range(generations + 1):
            language = Language(text, held_out + real)
            loss = language.surprise(held_out).mean()
            types = len({word for row in text for word in row.split()})
            cells.append(f"{np.exp(loss):,.0f}, {types:,} types, {np.nanmean(score_texts(text).distinct_2):.3f}")
            new = written(text, len(real), g)
            try:
                kept = sieve(new, base.surprise(new), Name("benchmark", 0, g))
            except InputError as told:
                cells.append(str(told))
                break
            chosen, _ = kept.filling(np.full(len(new), SIZE), SIZE * len(real))
            text = [new[i] for i in chosen]
        print(f"| {kind} | {' | '.join(cells)} |")
    print()


def main() -> None:
    """All four tables."""
    speed(cut(texts_of("human/movie_reviews"))[:4000])
    human_rates()
    quality()
    for source in ("movie_reviews", "abc_news"):
        recursion(source)


if __name__ == "__main__":
    main()
