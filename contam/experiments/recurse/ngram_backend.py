"""The backend of n-gram models: no GPU, no optimizer, a generation of a million characters in a tenth of a second.

Tokens are words and punctuation (``word``) or UTF-8 bytes (``byte``). The model has no mark for the end of a document:
what it writes has the lengths of other documents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from contam.errors import InputError, UsageError
from contam.experiments.recurse.backend import Beat, Name, Predicted, Written
from contam.experiments.recurse.documents import Encoded
from contam.experiments.recurse.options import RecurseOptions, flag_of
from contam.models.ngram import Ngram, compile_kernels
from contam.models.ngram_writing import Drawing, write
from contam.models.word_text import CLOSING, OPENING, tokens
from contam.reports import write_whole

_FILE = "ngram.npz"
_UNKNOWN = ("\ufffd", *map(chr, range(0xE000, 0xF900)))
"""How the unknown word is written: the first of these that is no word of the vocabulary."""


class Alphabet(Protocol):
    """Which tokens there are."""

    unit: str

    def __len__(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The tokens of each text."""

    def continuations(self, words: Sequence[str]) -> Encoded:
        """What a text goes on with when a space and a word follow."""

    def decode(self, documents: Encoded) -> Written:
        """The texts of documents, and the encoding of these texts."""

    @property
    def digest(self) -> str:
        """The same for equal alphabets only."""


class Words:
    """Words and punctuation of some texts, and one more word that stands for all others."""

    unit = "word"

    def __init__(self, texts: Sequence[str]) -> None:
        words = dict.fromkeys(chain.from_iterable(map(tokens, texts)))
        self._unknown = len(words)
        unknown = next(sign for sign in _UNKNOWN if sign not in words)
        self._numbers = dict(zip(words, range(len(words))))
        known = [*words, unknown]
        self._pieces = np.array([*known, *(f" {word}" for word in known)], object)
        self._opening = np.array([word in OPENING for word in known])
        self._closing = np.array([word in CLOSING for word in known])

    def __len__(self) -> int:
        return self._unknown + 1

    @property
    def digest(self) -> str:
        return hashlib.blake2b("\n".join(self._numbers).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def encode(self, texts: Sequence[str]) -> Encoded:
        found = [tokens(text) for text in texts]
        bounds = np.concatenate(([0], np.cumsum([len(words) for words in found]))).astype(np.int64)
        numbers = map(self._numbers.get, chain.from_iterable(found), repeat(self._unknown))
        return Encoded(np.fromiter(numbers, np.int32, int(bounds[-1])), bounds)

    def continuations(self, words: Sequence[str]) -> Encoded:
        return self.encode(words)

    def decode(self, documents: Encoded) -> Written:
        """As `contam.models.word_text.written` writes them, all at once."""
        ids, bounds = documents.ids, documents.bounds
        close = self._closing[ids]
        close[1:] |= self._opening[ids[:-1]]
        first = bounds[:-1]
        close[first[first < bounds[1:]]] = True
        pieces = self._pieces[np.where(close, ids, ids + np.int32(len(self)))].tolist()
        edges = bounds.tolist()
        return Written(tuple("".join(pieces[a:b]) for a, b in pairwise(edges)), documents)


class Bytes:
    """The bytes of UTF-8. Written bytes that are no UTF-8 become U+FFFD, so a text may have more bytes than were
    written."""

    unit = "byte"
    digest = "bytes"

    def __len__(self) -> int:
        return 256

    def encode(self, texts: Sequence[str]) -> Encoded:
        parts = [text.encode("utf-8", "replace") for text in texts]
        bounds = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
        return Encoded(np.frombuffer(b"".join(parts), np.uint8).astype(np.int32), bounds)

    def continuations(self, words: Sequence[str]) -> Encoded:
        return self.encode([f" {word}" for word in words])

    def decode(self, documents: Encoded) -> Written:
        data, edges = documents.ids.astype(np.uint8).tobytes(), documents.bounds.tolist()
        texts = tuple(data[a:b].decode("utf-8", "replace") for a, b in pairwise(edges))
        return Written(texts, documents if data.isascii() else self.encode(texts))


@dataclass(slots=True)
class NgramTrained:
    """A trained n-gram model, with what it was trained on."""

    model: Ngram
    corpus: Encoded
    alphabet: Alphabet
    how: Drawing
    facts: Mapping[str, Any]

    def predicted(self, documents: Encoded) -> Predicted:
        """Every token given those before it. A word that the training corpus lacks has its part of the uniform level;
        so has the unknown word, however many words it stands for."""
        chances, first = self.model.predicted(documents.ids, documents.bounds)
        of = np.repeat(np.arange(len(documents)), documents.lengths)
        nats = np.bincount(of, weights=-np.log(chances), minlength=len(documents)).astype(np.float64)
        correct = np.bincount(of[first.astype(bool)], minlength=len(documents)).astype(np.int64)
        return Predicted(nats, documents.lengths, correct)

    def write(self, like: Encoded, name: Name, beat: Beat) -> Written:
        """Documents of the lengths of ``like`` in tokens."""
        beat("writing", 0.0)
        ids = write(self.model, like.bounds, self.how, *name.parts, "write")
        written = self.alphabet.decode(Encoded(ids, like.bounds))
        beat("writing", 1.0)
        return written

    def following(self, contexts: Sequence[str], words: Sequence[str]) -> NDArray[np.float64]:
        """p(word | context) over all levels of the model, float64[contexts, words]; that of the first piece times
        that of the second and so on where a word is several tokens, 1 where it is none."""
        histories, added = self.alphabet.encode(contexts), self.alphabet.continuations(words)
        long = max(self.model.order - 1, 1)
        ends = [histories.document(i)[-long:] for i in range(len(histories))]
        pairs = [np.concatenate((end, added.document(j))) for end in ends for j in range(len(added))]
        documents = Encoded.of(pairs)
        chances, _ = self.model.predicted(documents.ids, documents.bounds)
        lengths = np.tile(added.lengths, len(contexts))
        place = np.arange(documents.tokens) - np.repeat(documents.bounds[1:] - lengths, documents.lengths)
        nats = np.where(place >= 0, -np.log(chances), 0.0)
        of = np.repeat(np.arange(len(documents)), documents.lengths)
        sums = np.bincount(of, weights=nats, minlength=len(documents))
        return np.exp(-sums).reshape(len(contexts), len(words))

    def save(self, folder: Path) -> None:
        """Keep the training corpus as numbers: from it the model is counted again within a moment. Raises InputError
        where it cannot be written."""
        small = self.corpus.ids.astype(np.min_scalar_type(len(self.alphabet)))
        held = BytesIO()
        np.savez(held, ids=small, bounds=self.corpus.bounds, vocabulary=np.array(self.alphabet.digest))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make {folder}: {error.strerror or error}") from error
        write_whole(folder / _FILE, held.getvalue())


class NgramBackend:
    """N-gram models of ``options.order`` over words or bytes (``options.unit``). The vocabulary is that of the human
    text: what later generations lose stays a word that may be asked for.

    Raises UsageError for settings that such a model does not have; ``lengths`` and ``max_tokens`` are no choice here,
    since documents get the lengths of others.
    """

    kind = "ngram"

    def __init__(self, options: RecurseOptions, real: Sequence[str]) -> None:
        for name, without in (("beams", 1), ("repetition_penalty", 1.0), ("prompt_tokens", 0)):
            if getattr(options, name) != without:
                raise UsageError(
                    f"{flag_of(name)} is for neural models: an n-gram model samples whole documents; leave it out"
                )
        self.unit = options.unit
        self.hardware: Mapping[str, Any] = {"device": "cpu"}
        self._order = options.order
        self._how = Drawing(options.temperature, options.top_k, options.top_p)
        compile_kernels()
        self._alphabet: Alphabet = Words(real) if options.unit == "word" else Bytes()
        self._size = max(self._alphabet.encode(real).tokens, 1)

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The tokens of each text; words that the human text lacks are the unknown word."""
        return self._alphabet.encode(texts)

    def train(self, corpus: Encoded, name: Name, beat: Beat) -> NgramTrained:
        """Count the n-grams of a corpus; the counts of one that is larger than the real text are worth as many as
        that has. Raises InputError for one without a token."""
        if not corpus.tokens:
            raise InputError(f"generation {name.generation} of {name.lineage} has no text to be trained on")
        beat("training", 0.0)
        trained = self._counted(corpus, max(1.0, corpus.tokens / self._size))
        beat("training", 1.0)
        return trained

    def read(self, folder: Path) -> NgramTrained:
        """A model that was saved. Raises InputError where it is missing, damaged or of another vocabulary."""
        path = folder / _FILE
        try:
            with np.load(path, allow_pickle=False) as kept:
                corpus = Encoded(kept["ids"].astype(np.int32), kept["bounds"])
                same = str(kept["vocabulary"]) == self._alphabet.digest
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise InputError(f"{path} is no n-gram model that can be read ({error}); delete its folder") from error
        if not same:
            raise InputError(f"{path} was trained with another vocabulary: it belongs to another human text or --unit")
        return self._counted(corpus)

    def close(self) -> None:
        """There is nothing to be closed: a model is memory alone."""

    def _counted(self, corpus: Encoded, worth: float = 1.0) -> NgramTrained:
        model = Ngram.train(corpus.ids, corpus.bounds, self._order, len(self._alphabet), worth)
        facts = {"loss": model.loss, "tokens": corpus.tokens, "ngrams": model.ngrams}
        return NgramTrained(model, corpus, self._alphabet, self._how, facts)
