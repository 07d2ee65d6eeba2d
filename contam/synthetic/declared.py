"""The synthetic share where labelled text of the source and of a named generator is given: adjusted classify and count.

It holds for that generator alone: text of another one is found more or less often, and the estimate is off by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contam.synthetic.scored import Scored
from contam.synthetic.share import Declared

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST = 100
"""Labelled documents of either kind below which intervals were seen to miss the truth half of the time."""
LEAST_GAP = 0.1
"""Smallest difference of the rates: below it the estimate divides by next to nothing."""
FOLDS = 5
DRAWS = 1_000
_UNDEFINED = 0.05
"""Share of the draws that may have no estimate; beyond it there is no interval to speak of."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Scores of labelled documents of one kind, and the ``groups`` int64 that they must not be divided from: pairs,
    authors, sources. Documents of both kinds with one number are one group."""

    scores: Floats
    groups: Ints

    @classmethod
    def of(cls, scores: Floats, groups: Ints | None = None, first: int = 0) -> Labelled:
        """Without ``groups`` each document is its own, numbered from ``first`` on."""
        given = np.arange(first, first + len(scores)) if groups is None else groups
        return cls(np.asarray(scores, np.float64), np.asarray(given, np.int64))


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of documents called machine text, each the mean over folds: of machine text and of human text that the
    threshold was not chosen on, and of the audited text (``called``)."""

    true_positive: float
    false_positive: float
    called: float

    @property
    def share(self) -> float:
        """The adjusted share; nan where the rates are too close."""
        return adjusted(self.called, self.true_positive, self.false_positive)


def adjusted(called: float, true_positive: float, false_positive: float) -> float:
    """The share from the share that was ``called`` machine text (Gart & Buck 1966; Forman 2008), within 0 to 1.

    (called - fpr) / (tpr - fpr); nan where tpr - fpr is below `LEAST_GAP`.
    """
    gap = true_positive - false_positive
    if not gap >= LEAST_GAP:
        return float("nan")
    return float(min(1.0, max(0.0, (called - false_positive) / gap)))


def expected(posteriors: Floats, prior: float = 0.5, rounds: int = 10_000, close: float = 1e-10) -> float:
    """The share by expectation and maximisation (Saerens, Latinne & Decaestecker 2002): a second point, never with an
    interval.

    ``posteriors`` are probabilities of machine text where its share was ``prior``.
    """
    p = np.clip(np.asarray(posteriors, np.float64), 1e-12, 1 - 1e-12)
    likelihood = p / (1 - p) * (1 - prior) / prior
    share = prior
    for _ in range(rounds):
        last, share = share, float((share * likelihood / (share * likelihood + 1 - share)).mean())
        if abs(share - last) < close:
            break
    return share


def threshold(human: Floats, machine: Floats) -> float:
    """The score from which a document is called machine text: where tpr - fpr is largest on labelled scores, half-way
    to the next score below; the lowest such where several are."""
    at = np.unique(np.concatenate([human, machine]))
    true = 1 - np.searchsorted(np.sort(machine), at, "left") / len(machine)
    false = 1 - np.searchsorted(np.sort(human), at, "left") / len(human)
    best = int(np.argmax(true - false))
    return float(at[best] if best == 0 else (at[best - 1] + at[best]) / 2)


def rates(human: Labelled, machine: Labelled, audited: Floats, folds: tuple[Ints, Ints]) -> Rates:
    """The rates out of fold.

    ``folds``: the fold of each human and each machine document. For each fold the threshold is chosen on the labelled
    documents of the other folds; its own ones and the audited text are classified with it. All three are means over the
    same thresholds, so that their ratio is unbiased up to the noise of each. nan where no fold has both kinds.
    """
    rows = []
    for fold in range(FOLDS):
        held_h, held_m = (of == fold for of in folds)
        if min(held_h.sum(), held_m.sum(), (~held_h).sum(), (~held_m).sum()) == 0:
            continue
        limit = threshold(human.scores[~held_h], machine.scores[~held_m])
        parts = machine.scores[held_m], human.scores[held_h], audited
        rows.append([float((part >= limit).mean()) for part in parts])
    return Rates(*np.mean(rows, axis=0).tolist()) if rows else Rates(*[float("nan")] * 3)


def folds_of(human: Labelled, machine: Labelled) -> tuple[Ints, Ints]:
    """The fold of each document: groups of both kinds, of human and of machine text alone are dealt out in turn, by
    their numbers, so that every fold gets its share of each."""
    both = np.intersect1d(human.groups, machine.groups)
    kinds = both, np.setdiff1d(human.groups, both), np.setdiff1d(machine.groups, both)
    fold = {int(g): i % FOLDS for kind in kinds for i, g in enumerate(kind)}
    found = [np.array([fold[int(g)] for g in one.groups], np.int64) for one in (human, machine)]
    return found[0], found[1]


def declared_share(
    human: Scored, machine: Scored, audited: Scored, generator: str, *, seed: int = 0
) -> Declared:
    """The declared estimate of ``audited`` text from labelled text, each document its own group; see `estimate`.

    Labelled documents that are in the audited text are left out: they would be judged by themselves.
    """
    human, machine = human.without(audited.keys), machine.without(audited.keys)
    sides = Labelled.of(human.scores), Labelled.of(machine.scores, first=len(human))
    found = estimate(*sides, audited.scores, generator, seed=seed)
    return replace(found, shared=human.shared + machine.shared)


def estimate(
    human: Labelled, machine: Labelled, audited: Floats, generator: str, *, seed: int = 0
) -> Declared:
    """The share of ``generator``'s text among ``audited`` documents, with an approximate 95 % interval.

    The interval is the percentile bootstrap of labelled groups and of audited documents, the thresholds chosen anew in
    each draw. Without an estimate there is a reason: too few labelled documents, or rates too close to each other.
    """
    nothing = Declared(generator, None, None, None, None, None, len(human.scores), len(machine.scores))
    for kind, count in zip(("human", "machine"), (nothing.human, nothing.machine)):
        if count < LEAST:
            told = f"{count:,} labelled {kind} documents of at least 80 words; {LEAST} are needed"
            return replace(nothing, reason=told)
    if not len(audited):
        return replace(nothing, reason="no audited document of at least 80 words")
    folds = folds_of(human, machine)
    found = rates(human, machine, audited, folds)
    rated = replace(nothing, true_positive=found.true_positive, false_positive=found.false_positive)
    if not np.isfinite(found.share):
        told = f"{found.true_positive:.0%} of its text and {found.false_positive:.0%} of human text called machine text"
        return replace(rated, reason=f"the score cannot tell {generator}'s text from human text of the source ({told})")
    interval = _interval(human, machine, audited, folds, seed)
    if interval is None:
        return replace(rated, reason="the rates of both kinds are too close to each other in too many bootstrap draws")
    second = expected(_posteriors(human.scores, machine.scores, audited))
    return replace(rated, estimate=found.share, interval=interval, emq=second)


def _interval(
    human: Labelled, machine: Labelled, audited: Floats, folds: tuple[Ints, Ints], seed: int
) -> tuple[float, float] | None:
    """The 2.5 and 97.5 % quantiles over bootstrap draws; None where too many of them have no estimate."""
    rng = np.random.default_rng([seed, 1])
    members = _members(human, machine)
    draws = np.full(DRAWS, np.nan)
    for i in range(DRAWS):
        chosen = rng.integers(len(members), size=len(members))
        h, m = (np.concatenate([members[c][side] for c in chosen]) for side in (0, 1))
        if len(h) and len(m):
            drawn = Labelled(human.scores[h], human.groups[h]), Labelled(machine.scores[m], machine.groups[m])
            sample = audited[rng.integers(len(audited), size=len(audited))]
            draws[i] = rates(*drawn, sample, (folds[0][h], folds[1][m])).share
    known = draws[np.isfinite(draws)]
    if len(known) < (1 - _UNDEFINED) * DRAWS:
        return None
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _members(human: Labelled, machine: Labelled) -> list[tuple[Ints, Ints]]:
    """Of each group the rows of its human and of its machine documents."""
    groups = np.unique(np.concatenate([human.groups, machine.groups]))
    sides = []
    for one in (human, machine):
        order = np.argsort(one.groups, kind="stable")
        bounds = np.searchsorted(one.groups[order], groups), np.searchsorted(one.groups[order], groups, "right")
        sides.append([order[a:b] for a, b in zip(*bounds)])
    return list(zip(*sides))


def _posteriors(human: Floats, machine: Floats, audited: Floats, rounds: int = 50) -> Floats:
    """Probabilities of machine text at even odds: a logistic curve through the labelled scores, both kinds of one
    weight together, with a little shrinkage so that kinds without overlap have a curve too."""
    x = np.concatenate([human, machine])
    y = np.concatenate([np.zeros(len(human)), np.ones(len(machine))])
    weight = np.where(y > 0, 0.5 / len(machine), 0.5 / len(human)) * len(x)
    centre, scale = x.mean(), x.std() or 1.0
    columns = np.stack([np.ones(len(x)), (x - centre) / scale], axis=1)
    beta, shrink = np.zeros(2), np.diag([1e-6, 1.0])
    for _ in range(rounds):
        p = 1 / (1 + np.exp(-columns @ beta))
        slope = columns.T @ (weight * (y - p)) - shrink @ beta
        curve = (columns * (weight * p * (1 - p))[:, None]).T @ columns + shrink
        step = np.linalg.solve(curve, slope)
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    return 1 / (1 + np.exp(-(beta[0] + beta[1] * (audited - centre) / scale)))
