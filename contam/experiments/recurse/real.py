"""The human text of a recursion: what the first generation learns, what is held out, what comes in fresh."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contam.errors import InputError
from contam.experiments.recurse.chance import generator
from contam.experiments.recurse.options import RecurseOptions
from contam.models.texts import load_validation

HELD_OUT_WORDS = 60_000
"""Words that are held out at the most: three times what an audit is judged at."""
LEAST_DOCUMENTS = 40
"""A corpus of fewer documents is cut into parts, so that some can be held out."""
LEAST_PART = 50
LEAST_WORDS = 200
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class RealText:
    """Documents of human text: ``training`` (generation 0), ``held_out``, and ``fresh``, in the order of their use.

    ``notes`` tell what was done to the corpus.
    """

    training: tuple[str, ...]
    held_out: tuple[str, ...]
    fresh: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of all texts and of how they are divided."""
        told = hashlib.blake2b(digest_size=16)
        for texts in (self.training, self.held_out, self.fresh):
            for text in texts:
                told.update(text.encode("utf-8", "surrogatepass") + b"\x00")
            told.update(b"\x01")
        return told.hexdigest()


def words_in(text: str) -> int:
    """Words of a text, as white space divides it."""
    return len(text.split())


def real_text(options: RecurseOptions) -> RealText:
    """Read and divide the human text.

    The division depends on the text and ``valid_share`` alone: seeds and paradigms share it. Raises InputError for
    text that cannot be read or is too little.
    """
    found = [load_validation(path, options.text_field) for path in options.real]
    notes = [note for text in found for note in text.notes[:3]]
    documents = [d for text in found for d in text.documents]
    documents, told = _in_parts(documents)
    order = generator("recurse", "split", len(documents)).permutation(len(documents))
    shuffled = [documents[i] for i in order]
    if options.valid is not None:
        known = load_validation(options.valid, options.text_field).documents
        held_out, _ = _until(_in_parts(list(known))[0], HELD_OUT_WORDS)
    else:
        total = sum(map(words_in, shuffled))
        held_out, shuffled = _until(shuffled, min(options.valid_share * total, HELD_OUT_WORDS))
    training, fresh = _divided(shuffled, options)
    _check(training, held_out)
    return RealText(tuple(training), tuple(held_out), tuple(fresh), (*notes, *told))


def _divided(documents: list[str], options: RecurseOptions) -> tuple[list[str], list[str]]:
    """What generation 0 learns, and what is kept for later generations where these get fresh text."""
    total = sum(map(words_in, documents))
    size = options.size or total
    if options.most_documents:
        size = min(size, sum(map(words_in, documents[: options.most_documents])))
    if options.real_kind == "fresh" and "mix" in options.paradigms:
        needed = max(options.real_shares) * options.generations
        return _until(documents, min(size, int(total / (1 + needed))))
    return _until(documents, size)[0], []


def _until(documents: Sequence[str], words: float) -> tuple[list[str], list[str]]:
    """The first documents that have so many words together, the last cut to fit; and the others, rest of it first."""
    taken: list[str] = []
    left = round(words)
    for place, text in enumerate(documents):
        if left <= 0:
            return taken, list(documents[place:])
        size = words_in(text)
        if size > left:
            end = _end_of(text, left)
            return [*taken, text[:end]], [text[end:].lstrip(), *documents[place + 1 :]]
        taken.append(text)
        left -= size
    return taken, []


def _end_of(text: str, count: int) -> int:
    """Where word number ``count`` ends."""
    return [match.end() for match, _ in zip(_WORD.finditer(text), range(count))][-1]


def _in_parts(documents: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Documents that are too few, cut at the ends of lines or else between words into parts of about equal size."""
    if len(documents) >= LEAST_DOCUMENTS:
        return documents, ()
    total = sum(map(words_in, documents))
    size = max(total // (2 * LEAST_DOCUMENTS), LEAST_PART)
    parts = [part for text in documents for part in _cut(text, size)]
    many = "a document was" if len(documents) == 1 else f"{len(documents)} documents were"
    return parts, (f"{many} cut into {len(parts)} parts of about {size} words, so that some can be held out",)


def _cut(text: str, words: int) -> Iterator[str]:
    """Parts of at least ``words`` words that end where a line ends, or after twice as many anywhere."""
    begin = end = count = 0
    for match in _WORD.finditer(text):
        if count >= words and ("\n" in text[end : match.start()] or count >= 2 * words):
            yield text[begin:end]
            begin, count = match.start(), 0
        end, count = match.end(), count + 1
    if count:
        yield text[begin:]


def _check(training: Sequence[str], held_out: Sequence[str]) -> None:
    for texts, whose in ((training, "to train on"), (held_out, "held out")):
        words = sum(map(words_in, texts))
        if words < LEAST_WORDS:
            raise InputError(
                f"the human text has {words} words {whose}, at least {LEAST_WORDS} are needed: give a longer --real"
                + ("" if whose != "held out" else ", or held-out text with --valid")
            )
