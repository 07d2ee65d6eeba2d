"""Made-up audits of the synthetic share, whose true share is known.

Audits are drawn from the labelled sets: a trusted block of human text and an audit of the same source with a known
share of machine text. The score is fitted without the source and without the generator (other parts of the dataset, by
other generators, are in its training) and once more without the whole dataset (``unseen``); the families of the source
are taken out of the null pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import authors
import numpy as np
from numpy.typing import NDArray
from refits import Left, pool
from share_pairs import SIZES

from contam.synthetic.null import NullPairs
from contam.synthetic.ranking import bound, pair_of, rank_test

SHARES = (0.0, 0.10, 0.25, 0.50, 1.0)
ORDERS = ("known", "unknown")
DRAWS = 20
SOURCES = (
    ("EducationMaterial",), ("AcademicResearch", "TechnicalWriting"), ("Entertainment", "OnlineContent"),
    ("NewsArticle", "Environmental"), ("LiteratureCreativeWriting", "FoodCusine"),
)  # fmt: skip
"""Domains of the rewritten paragraphs that have 200 human documents together: a block and an audit need 100 each."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A source and a generator: human and machine documents with the ids of their pairs, what the score and the null
    may not know, and the group it is told in."""

    group: str
    name: str
    generator: str
    families: frozenset[str]
    origins: frozenset[str]
    datasets: frozenset[str]
    human: tuple[tuple[str, str], ...]
    machine: tuple[tuple[str, str], ...]

    def left(self, unseen: bool) -> Left:
        """What the score of this cell's audits was not trained on: with ``unseen`` the whole dataset."""
        return Left(generators=frozenset({self.generator}), origins=self.datasets if unseen else self.origins)


@dataclass(frozen=True, slots=True)
class Audit:
    """What one made-up audit of ``n`` documents with a true ``share`` got, under the null of one ``order``. The
    bound is that of the formula, with an alarm or without one."""

    cell: Cell
    order: str
    unseen: bool
    share: float
    n: int
    p: float
    bound: float


def joined(group: str, name: str, sets: Iterable[authors.MachineSet]) -> Cell:
    """A cell of one or several sets of one generator."""
    found = list(sets)
    return Cell(
        group, name, found[0].generator, frozenset(s.family for s in found), frozenset(s.origin for s in found),
        frozenset(s.dataset for s in found),
        tuple(pair for s in found for pair in zip(s.human, s.human_pairs)),
        tuple(pair for s in found for pair in zip(s.texts, s.pairs)),
    )  # fmt: skip


@cache
def cells() -> tuple[Cell, ...]:
    """Every source and generator that an audit can be made of."""
    return (*_continuations(), *_rewrites(), *_essays())


def _continuations() -> Iterator[Cell]:
    for s in authors.machine_sets():
        if s.dataset == "fast_detect_gpt":
            yield joined(s.kind, s.name.removeprefix("fast_detect_gpt "), [s])


def _rewrites() -> Iterator[Cell]:
    sets = [s for s in authors.machine_sets() if s.dataset == "l2r"]
    for generator in sorted({s.generator for s in sets}):
        of_generator = [s for s in sets if s.generator == generator]
        for names in SOURCES:
            here = [s for s in of_generator if s.origin.removeprefix("l2r ") in names]
            yield joined("rewrite", f"{' and '.join(names)} {generator}", here)
        yield joined("rewrites mixed", f"all domains {generator}", of_generator)


def _essays() -> Iterator[Cell]:
    sets = [s for s in authors.machine_sets() if s.kind == "essay"]
    yield joined("essay", "school gpt-3.5", [s for s in sets if s.dataset == "school_essays"])
    small = [s for s in sets if s.dataset != "school_essays"]
    human = tuple(pair for s in {s.human: s for s in small}.values() for pair in zip(s.human, s.human_pairs))
    whole = frozenset(s.dataset for s in small)
    for generator in ("gpt-3.5", "gpt-4"):
        name = f"student, TOEFL and Hewlett {generator}"
        cell = joined("essay", name, [s for s in small if s.generator == generator])
        yield replace(cell, origins=whole, datasets=whole, human=human)


@dataclass(frozen=True, slots=True)
class Draw:
    """Documents of a block and of an audit, as rows of the pool."""

    block: NDArray[np.int64]
    audit: NDArray[np.int64]


def draw(cell: Cell, share: float, n: int, random: np.random.Generator) -> Draw | None:
    """A block and an audit of ``n`` documents each, no pair on both sides nor twice in the audit; None where the cell
    has too few documents."""
    texts, wanted = pool(), round(share * n)
    machine: list[str] = []
    used: set[str] = set()
    for i in random.permutation(len(cell.machine)).tolist():
        text, pair = cell.machine[i]
        if len(machine) < wanted and pair not in used and texts.usable(text):
            machine.append(text)
            used.add(pair)
    free = [text for text, pair in cell.human if pair not in used and texts.usable(text)]
    if len(machine) < wanted or len(free) < 2 * n - wanted:
        return None
    human = [free[i] for i in random.permutation(len(free))[: 2 * n - wanted].tolist()]
    return Draw(texts.rows(human[:n]), texts.rows([*human[n:], *machine]))


def draws(cell: Cell, share: float) -> Iterator[Draw]:
    """``DRAWS`` audits at the most documents that the cell has for this share; none where it has too few."""
    for seed in range(DRAWS):
        tries = (draw(cell, share, n, np.random.default_rng(seed)) for n in sorted(SIZES, reverse=True))
        found = next((d for d in tries if d), None)
        if found is not None:
            yield found


def audits(cell: Cell, null: NullPairs) -> Iterator[Audit]:
    """Every audit of a cell, in known and unknown order, by a score that knows other parts of the dataset and by one
    that does not."""
    others = null.without(*cell.families)
    values = {(n, order): others.values(n, order) for n in SIZES for order in ORDERS}
    scores = {unseen: pool().scores(cell.left(unseen)) for unseen in (False, True)}
    for share in SHARES:
        for found in draws(cell, share):
            n = len(found.block)
            for unseen, score in scores.items():
                pair = pair_of(score[found.block], score[found.audit])
                for order in ORDERS:
                    u, r = values[n, order]
                    p, low = rank_test(pair.auc, u), bound(pair.left, r).share
                    yield Audit(cell, order, unseen, round(share * n) / n, n, p, low)


def everything(null: NullPairs) -> list[Audit]:
    """All audits of all cells."""
    return [audit for cell in cells() for audit in audits(cell, null)]


def auroc(cell: Cell, unseen: bool) -> float:
    """How well the score orders machine above human text of a cell."""
    scores = pool().scores(cell.left(unseen))
    human, machine = (scores[pool().rows(t for t, _ in side)] for side in (cell.human, cell.machine))
    return pair_of(human, machine).auc
