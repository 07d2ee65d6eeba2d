"""How likely a word is after another, in what a model writes and by the model itself, generation after generation.

What Wang et al. 2024 (arXiv 2412.14872) follow with p(was | there) and p(were | there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contam.errors import UsageError
from contam.experiments.recurse.backend import Trained
from contam_metrics.batch import Batch
from contam_metrics.one_text import words_of
from contam_metrics.words import Words, cut, word_hash

PLACES = 200
"""Places of the held-out text at most where a model is asked what follows."""
FORM = "'there: was, were' (a word, a colon, the words that may follow it)"


@dataclass(frozen=True, slots=True)
class Followed:
    """A word, and words after it whose probability is followed."""

    context: str
    words: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """``there: was`` for each word."""
        return tuple(f"{self.context}: {word}" for word in self.words)


def parsed(track: Sequence[str]) -> tuple[Followed, ...]:
    """What to follow, of ``there: was, were`` each; the same context twice is one.

    Raises UsageError for another form, and for what is not one word by the audit's segmentation.
    """
    found: dict[str, list[str]] = {}
    for given in track:
        context, colon, rest = given.partition(":")
        words = [word.strip() for word in rest.split(",")]
        wrong = [word for word in (context.strip(), *words) if not _one_word(word)]
        if not colon or wrong:
            told = f": {wrong[0]!r} is not one word" if colon and wrong[0] else ""
            raise UsageError(f"--track takes {FORM}, not {given!r}{told}")
        known = found.setdefault(context.strip(), [])
        known += [word for word in dict.fromkeys(words) if word not in known]
    return tuple(Followed(context, tuple(words)) for context, words in found.items())


def human_tracked(texts: Sequence[str], track: Sequence[str]) -> dict[str, dict[str, Any]]:
    """How often a text goes on from one word to the other: ``{"there: was": {"text": .76, "occurrences": 331}}``.

    ``text`` is count(there was) / count(there), None where the text has no "there"; ``occurrences`` is count(there).
    Words are the audit's, case-folded, and what stands between two of them (a comma, a full stop) is passed over; a
    pair does not cross the border of a document.
    """
    pairs = parsed(track)
    if not pairs:
        return {}
    words = cut(Batch.of(texts))
    return {key: figures for pair in pairs for key, figures in _counted(words, pair).items()}


def tracked(
    model: Trained, texts: Sequence[str], contexts: Sequence[str], track: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """The figures of `human_tracked` of the texts a model wrote, and ``model``: its own p(was | ... there).

    That is the mean over up to 200 places of the held-out ``contexts`` where the word stands, spread evenly over them;
    the model is given the document up to and including the word. Where held-out text has none, it is given the word
    alone. None where the model has no such probability.
    """
    pairs = parsed(track)
    if not pairs:
        return {}
    found = human_tracked(texts, track)
    held_out = cut(Batch.of(contexts))
    for pair in pairs:
        begun = _beginnings(held_out, pair.context) or [pair.context]
        chances = np.asarray(model.following(begun, pair.words), np.float64).mean(axis=0)
        for key, chance in zip(pair.keys, chances.tolist()):
            found[key]["model"] = chance if np.isfinite(chance) else None
    return found


def _one_word(word: str) -> bool:
    return len(words_of(word)) == 1 and len(cut(Batch.of([word]))) == 1


def _counted(words: Words, pair: Followed) -> dict[str, dict[str, Any]]:
    here = words.hashes == np.uint64(word_hash(pair.context))
    occurrences = int(here.sum())
    here[words.bounds[1:][words.bounds[1:] > 0] - 1] = False
    after = words.hashes[np.flatnonzero(here) + 1]
    counts = (int((after == np.uint64(word_hash(word))).sum()) for word in pair.words)
    return {
        key: {"text": count / occurrences if occurrences else None, "occurrences": occurrences}
        for key, count in zip(pair.keys, counts)
    }


def _beginnings(words: Words, context: str) -> list[str]:
    """The documents up to and including the word, at some of its places."""
    places = np.flatnonzero(words.hashes == np.uint64(word_hash(context)))
    places = places[_spread(len(places))]
    documents = np.searchsorted(words.bounds, places, side="right") - 1
    starts = words.batch.offsets[documents]
    data = words.batch.data
    return [
        data[start:end].tobytes().decode("utf-8", "replace")
        for start, end in zip(starts.tolist(), words.ends[places].tolist())
    ]


def _spread(count: int) -> NDArray[np.int64]:
    """Up to 200 of so many, at even distances."""
    return np.arange(min(count, PLACES)) * count // max(min(count, PLACES), 1)
