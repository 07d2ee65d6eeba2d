"""The audit's signals of one generated text, a few hundred words long: what is measured at every iteration.

The figures are the audit's own, in their plain form on one document: no kernel is compiled, and a text of a
thousand tokens takes some milliseconds. What the audit measures on twenty thousand words needs other windows
here, and then has another name:

* ``entropy.window_50`` and ``diversity.mattr_50`` have windows of 50 words (the audit: 1,000 and 100);
  ``entropy.plug_in`` and ``entropy.chao_wang_jost`` are of the whole text.
* ``gopher.*`` are shares of the characters of this text (the audit counts documents over a limit).
* ``compression.zlib`` is of the whole text (the audit's is lzma on large blocks).
* ``repetition.loop_characters`` is ``repetition.loop_cover`` on characters, white space included: small models collapse
  into one syllable, one mark or line feeds more often than into words that could loop.

The conditional entropy H(w2|w1) is left out: almost every pair of words in so short a text occurs once, so that it
is ln N less the entropy of the words, and *rises* as the vocabulary shrinks. So are figures of copying between
documents: there is one.

Words are the audit's (letters with marks, numbers as one word, case-folded). Figures of whole texts move with their
length; the texts of a run have equally many tokens.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from contam_metrics import unicode_tables
from contam_metrics.diversity import distinct_n, mattr
from contam_metrics.entropy import chao_wang_jost, plug_in, window_entropy
from contam_metrics.gopher import duplicate_ngram_share, top_ngram_share
from contam_metrics.ngrams import ragged
from contam_metrics.repetition import (
    LONGEST_PERIOD,
    SHORTEST_CHARACTER_LOOP,
    loop_cover,
    seq_rep_n,
)
from contam_metrics.tail import hapax_share

FALLS, RISES = "falls", "rises"
WINDOW = 50
NUMBER = "0"
"""The word that stands for every run of digits."""

DIRECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "entropy.plug_in": FALLS,
        "entropy.window_50": FALLS,
        "entropy.chao_wang_jost": FALLS,
        "diversity.distinct_1": FALLS,
        "diversity.distinct_2": FALLS,
        "diversity.distinct_3": FALLS,
        "diversity.distinct_4": FALLS,
        "diversity.mattr_50": FALLS,
        "tail.hapax_share": FALLS,
        "repetition.seq_rep_4": RISES,
        "repetition.loop_cover": RISES,
        "repetition.loop_characters": RISES,
        "gopher.top_2_gram": RISES,
        "gopher.duplicate_5_grams": RISES,
        "compression.zlib": RISES,
    }
)
"""Every signal, and which way collapse moves it."""

Signals = dict[str, float | None]

_WORD = re.compile(f"{NUMBER}+|[^{NUMBER} ]+")


@cache
def _unicode() -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    return unicode_tables.load()


class _Plain(dict[int, str]):
    """What stands for each code point once a text is cut into words, for ``str.translate``; filled on use."""

    def __missing__(self, code: int) -> str:
        classes, fold = _unicode()
        kind = classes[code]
        if kind == unicode_tables.DIGIT:
            plain = NUMBER
        elif kind == unicode_tables.LETTER:
            plain = chr(fold[code])
        elif kind == unicode_tables.SINGLE:
            plain = f" {chr(fold[code])} "
        else:
            plain = " "
        self[code] = plain
        return plain


_PLAIN = _Plain()


def words_of(text: str) -> list[str]:
    """The words of a text by the audit's segmentation, case-folded, every number as ``"0"``.

    Symbols, white space, lone surrogates and the literal ``<unk>`` separate words and are none.
    """
    found: list[str] = _WORD.findall(text.replace("<unk>", "|").translate(_PLAIN))
    return [NUMBER if word[0] == NUMBER else word for word in found]


def signals_of(text: str) -> Signals:
    """Every signal of ``DIRECTIONS``, for one text; None where the text is too short to have it.

    Units: nats for the entropies, bytes over bytes for the compression, shares for the others. No text, however
    odd, raises an exception.
    """
    return _signals(text, words_of(text))


def _signals(text: str, words: list[str]) -> Signals:
    ids, bounds = ragged([words])
    counts = np.bincount(ids) if len(ids) else np.empty(0, np.int64)
    figures = {
        "entropy.plug_in": plug_in(counts),
        "entropy.window_50": window_entropy(ids, WINDOW),
        "entropy.chao_wang_jost": chao_wang_jost(counts),
        **{f"diversity.distinct_{n}": distinct_n(ids, bounds, n) for n in (1, 2, 3, 4)},
        "diversity.mattr_50": mattr(ids, bounds, WINDOW),
        "tail.hapax_share": hapax_share(counts),
        "repetition.seq_rep_4": seq_rep_n(ids, bounds),
        "repetition.loop_cover": loop_cover(ids),
        "repetition.loop_characters": loop_characters(text),
        "gopher.top_2_gram": top_ngram_share(words, 2),
        "gopher.duplicate_5_grams": duplicate_ngram_share(words, 5),
        "compression.zlib": compression(text),
    }
    return {name: float(value) if math.isfinite(value) else None for name, value in figures.items()}


def loop_characters(text: str) -> float:
    """Share of the characters that lie in a loop: a stretch of period k <= 64, at least 3k and 24 characters long.

    White space counts. nan for no text. As ``contam_metrics.repetition.looped_positions``, but quick where characters
    repeat by chance all the time.
    """
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    marked = np.zeros(len(points), bool)
    for k in range(1, min(LONGEST_PERIOD, len(points) - 1) + 1):
        edges = np.flatnonzero(np.diff(points[:-k] == points[k:], prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2] + k
        for i in np.flatnonzero(ends - starts >= max(3 * k, SHORTEST_CHARACTER_LOOP)):
            marked[starts[i] : ends[i]] = True
    return float(marked.mean()) if len(points) else math.nan


def compression(text: str) -> float:
    """Bytes of a text over its bytes compressed by zlib; nan for no text. Grows a little with the length."""
    raw = text.encode("utf-8", "surrogatepass")
    return len(raw) / len(zlib.compress(raw, 6)) if raw else math.nan


def log_fields(text: str) -> dict[str, object]:
    """What a line of a run's log says of the generated text.

    ``entropy`` (plug-in, of the whole text), ``distinct_1`` to ``distinct_4``, ``rep_4`` (seq-rep-4), ``loop_cover``
    (the larger of the two loop figures, of words and of characters), ``words`` (how many), and ``signals``, all of
    `signals_of`.
    """
    words = words_of(text)
    signals = _signals(text, words)
    loops = [signals[name] for name in ("repetition.loop_cover", "repetition.loop_characters")]
    return {
        "entropy": signals["entropy.plug_in"],
        **{f"distinct_{n}": signals[f"diversity.distinct_{n}"] for n in (1, 2, 3, 4)},
        "rep_4": signals["repetition.seq_rep_4"],
        "loop_cover": max((share for share in loops if share is not None), default=None),
        "words": len(words),
        "signals": signals,
    }
