"""The document score as metrics of the one pass: of every document, or of a sample that costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contam.synthetic.features import long_enough
from contam.synthetic.scored import Scored
from contam_metrics.accumulators import Arrays, Sums, Worst, packed, unpacked
from contam_metrics.batch import Batch
from contam_metrics.metric import Metric, Reading
from contam_metrics.view import View

Keys = NDArray[np.uint64]

SAMPLE = 1_000
"""Different documents whose openings a sample keeps: enough for the 200 that are compared where most begin alike."""
OPENING = 4_096
"""Bytes of a document that a sample keeps, at least as many as the score reads."""
SHOWN = 100
"""Documents whose beginning is kept for people: those with the highest scores."""
KERNELS = ("contam_metrics.kernels.openings",)
_ALL = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True, slots=True)
class Reader:
    """What documents are read with: ``score`` float64[D] of a batch, nan for documents that are too short, and
    ``openings`` uint64[D], equal for documents that begin alike."""

    score: Callable[[Batch], NDArray[np.float64]]
    openings: Callable[[Batch], Keys]


def built_in() -> Reader:
    """The built-in score; its file is read on first use."""
    from contam.synthetic.score import Score, opening_keys

    return Reader(Score.load().of, opening_keys)


class Opened(NamedTuple):
    """A document of a sample: how often it came, what it is called, its first bytes."""

    times: int
    label: str
    text: bytes


class SmallestKeys:
    """The openings of the ``size`` different documents whose content hashes are smallest, exact in any order.

    A document that stays in the end was never beyond the limit, so how often it came is exact as well.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.limit = _ALL
        self.rows: dict[int, Opened] = {}

    def add(self, view: View, wanted: NDArray[np.bool_]) -> None:
        """Take those of the ``wanted`` documents (bool[D]) of a batch whose keys are small enough."""
        small = np.unique(view.docs[wanted & (view.docs <= np.uint64(self.limit))])
        if len(small) > self.size:
            self.limit = int(small[self.size - 1])
        for i in np.flatnonzero(wanted & (view.docs <= np.uint64(self.limit))):
            self._put(int(view.docs[i]), Opened(1, view.label(int(i)), _opening(view.batch, int(i))))
        self.trim(slack=self.size)

    def _put(self, key: int, row: Opened) -> None:
        """Of equal documents the first name in the alphabet stays, so that no order matters."""
        old = self.rows.get(key)
        self.rows[key] = row if old is None else Opened(old.times + row.times, min(old.label, row.label), row.text)

    def trim(self, slack: int = 0) -> None:
        """Forget the largest keys where there are more than wanted, and ``slack`` more."""
        if len(self.rows) > self.size + slack:
            kept = sorted(self.rows)[: self.size]
            self.limit = kept[-1]
            self.rows = {key: self.rows[key] for key in kept}

    def merge(self, other: SmallestKeys) -> None:
        """Take what another sample of the same size kept."""
        for key, row in other.rows.items():
            self._put(key, row)
        self.limit = min(self.limit, other.limit)
        self.rows = {key: row for key, row in self.rows.items() if key <= self.limit}
        self.trim()

    def arrays(self) -> Arrays:
        """The whole state."""
        self.trim()
        rows = [self.rows[key] for key in sorted(self.rows)]
        return {
            "keys": np.array(sorted(self.rows), np.uint64),
            "times": np.array([row.times for row in rows], np.int64),
            "labels": _packed(row.label for row in rows),
            "texts": packed([row.text for row in rows]),
            "limit": np.array([self.limit], np.uint64),
        }

    def restore(self, arrays: Arrays) -> None:
        """Become the sample whose state ``arrays`` is."""
        rows = zip(arrays["times"].tolist(), _unpacked(arrays["labels"]), unpacked(arrays["texts"]))
        self.rows = {key: Opened(*row) for key, row in zip(arrays["keys"].tolist(), rows)}
        self.limit = int(arrays["limit"][0])


class SampleScores(Metric):
    """Scores of a sample: of the documents that are long enough, those with the smallest content hashes are kept and
    scored at the end. These are the first ones of `AllScores`.

    Equal documents are one document of the sample and count as often as they came. Documents that are too short are
    counted over all documents. Memory: `OPENING` bytes a document of the sample and a little, 4 MB at most, twice as
    much for a moment. Its figures are read with `scored`.
    """

    name = "sample_scores"
    kernels = KERNELS

    def __init__(self, size: int = SAMPLE, reader: Reader | None = None) -> None:
        self.sample = SmallestKeys(size)
        self.sums = Sums("documents", "short")
        self._reader = reader

    def update(self, view: View) -> None:
        wanted = long_enough(view.words)
        self.sums.add(documents=len(wanted), short=int((~wanted).sum()))
        self.sample.add(view, wanted)

    def figures(self) -> dict[str, Reading]:
        return {}

    def scored(self) -> Scored:
        """The sample in the order of its keys; ``sampled`` is false where it holds every document that is not short."""
        self.sample.trim()
        keys = sorted(self.sample.rows)
        rows = [self.sample.rows[key] for key in keys]
        reader, batch = self._reader or built_in(), Batch.of(row.text for row in rows)
        table = _Table(
            np.array(keys, np.uint64), np.array([row.times for row in rows], np.int64), reader.score(batch),
            reader.openings(batch), [row.label for row in rows],
        )  # fmt: skip
        return table.scored(self.sums["short"], self.sums["documents"] if self.sample.limit < _ALL else None)

    def opening(self, key: int) -> bytes:
        """The first bytes of a document of the sample; KeyError for another one."""
        return self.sample.rows[int(key)].text


class ScoredRows:
    """Rows of every document, in whatever order they came."""

    def __init__(self) -> None:
        self.parts: list[tuple[Keys, NDArray[np.float64], Keys]] = []
        self.labels: list[str] = []

    def merge(self, other: ScoredRows) -> None:
        """Take the rows of another."""
        self.parts += other.parts
        self.labels += other.labels

    @property
    def keys(self) -> Keys:
        """The keys of all rows, in no order."""
        return self.columns()[0]

    def columns(self) -> tuple[Keys, NDArray[np.float64], Keys]:
        """(keys, scores, openings) of all rows."""
        self.parts = [_joined(self.parts)]
        return self.parts[0]

    def arrays(self) -> Arrays:
        """The whole state."""
        return dict(zip(("keys", "scores", "openings"), self.columns())) | {"labels": _packed(self.labels)}

    def restore(self, arrays: Arrays) -> None:
        """Become the rows whose state ``arrays`` is."""
        self.parts = [(arrays["keys"], arrays["scores"], arrays["openings"])]
        self.labels = _unpacked(arrays["labels"])


class AllScores(Metric):
    """Scores of every document as it streams by.

    Memory: 24 bytes a document and its label, about 130 bytes together for labels like ``corpus.jsonl:123456``: a
    million documents take some 130 MB; and how `SHOWN` of them begin. Its figures are read with `scored`.
    """

    name = "all_scores"
    kernels = KERNELS

    def __init__(self, reader: Reader | None = None) -> None:
        self.rows = ScoredRows()
        self.highest = Worst(SHOWN, least=-np.inf)
        self._reader = reader

    def update(self, view: View) -> None:
        self._reader = self._reader or built_in()
        found = self._reader.score(view.batch), self._reader.openings(view.batch)
        self.rows.parts.append((view.docs, *found))
        self.rows.labels += [view.label(i) for i in range(len(view.batch))]
        self.highest.add(found[0], view.docs, view.label, view.text)

    def figures(self) -> dict[str, Reading]:
        return {}

    def excerpts(self) -> dict[str, str]:
        """How the `SHOWN` documents with the highest scores begin, by label, the highest first."""
        return {label: text.decode("utf-8", "replace") for _, label, text in self.highest.ranked()}

    def scored(self) -> Scored:
        """All documents in the order of their keys."""
        keys, scores, openings = self.rows.columns()
        order = np.argsort(keys, kind="stable")
        distinct, first, times = np.unique(keys[order], return_index=True, return_counts=True)
        labels = [self.rows.labels[i] for i in order[first]]
        for row in np.flatnonzero(times > 1):
            same = order[first[row] : first[row] + times[row]]
            labels[row] = min(self.rows.labels[i] for i in same)
        return _Table(distinct, times, scores[order[first]], openings[order[first]], labels).scored()


@dataclass(frozen=True, slots=True)
class _Table:
    """Different documents by ascending key: how often each came, its score, its opening, its name."""

    keys: Keys
    times: NDArray[np.int64]
    scores: NDArray[np.float64]
    openings: Keys
    labels: list[str]

    def scored(self, short: int = 0, documents: int | None = None) -> Scored:
        """Without those that are too short, and of those that begin alike the one with the smallest key.

        ``short``: how many more were too short; ``documents``: of how many the table is a sample, None where it has
        all but these.
        """
        usable = np.flatnonzero(np.isfinite(self.scores))
        _, first = np.unique(self.openings[usable], return_index=True)
        kept = usable[np.sort(first)]
        total, read = int(self.times.sum()), int(self.times[usable].sum())
        return Scored(
            self.keys[kept], self.scores[kept], tuple(self.labels[i] for i in kept),
            total + short if documents is None else documents, total - read + short, read - len(kept),
            documents is not None,
        )  # fmt: skip


def _opening(batch: Batch, i: int) -> bytes:
    begin, end = int(batch.offsets[i]), int(batch.offsets[i + 1])
    return batch.data[begin : min(end, begin + OPENING)].tobytes()


def _joined(parts: list[tuple[Keys, NDArray[np.float64], Keys]]) -> tuple[Keys, NDArray[np.float64], Keys]:
    parts = parts or [(np.empty(0, np.uint64), np.empty(0), np.empty(0, np.uint64))]
    keys, scores, openings = (np.concatenate(column) for column in zip(*parts))
    return keys, scores, openings


def _packed(labels: Iterable[str]) -> NDArray[np.uint8]:
    return packed([label.encode("utf-8", "surrogatepass") for label in labels])


def _unpacked(array: NDArray[np.uint8]) -> list[str]:
    return [label.decode("utf-8", "surrogatepass") for label in unpacked(array)]
