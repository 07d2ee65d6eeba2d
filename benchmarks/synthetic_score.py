"""The document score: trains it, writes it, and measures it on sources that it does not know.

    python benchmarks/synthetic_score.py words        writes contam/synthetic/scores/words.npz
    python benchmarks/synthetic_score.py write        writes contam/synthetic/scores/english.npz
    python benchmarks/synthetic_score.py unseen       AUROC on datasets, and on families and generators, left out
    python benchmarks/synthetic_score.py licences     what was used and left out, and what that costs
    python benchmarks/synthetic_score.py tables       what a smaller table of frequencies costs
    python benchmarks/synthetic_score.py speed        documents a second

Reads the shared development data (see authors.py). One core, if OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from authors import MachineSet, TrainingRows, human_domains, machine_sets, training_rows
from numpy.typing import NDArray
from refits import Left, Pool, pool
from sources import rows

from contam.synthetic.features import WordTable, featurised
from contam.synthetic.fitting import Labels, fit_features
from contam.synthetic.score import Score
from contam_metrics.batch import Batch

SCORES = Path(__file__).parents[1] / "contam" / "synthetic" / "scores"
PUBLIC = ("english_novels", "inaugural", "peps")
"""Texts in the public domain, from which the frequencies of words are taken."""
FEWEST = 3
"""Times that a word of the table occurs."""
GROUPS = (("fast_detect_gpt",), ("l2r",), ("school_essays", "student_essays", "essays_toefl_hewlett"))
"""Datasets that are left out together."""
LEAST = 15
"""Documents of a side that a set must have to be measured."""

Floats = NDArray[np.float64]


def labels(found: TrainingRows) -> Labels:
    """What a score is told of its training rows, and keeps."""
    human = sorted({s for s, m in zip(found.sources, found.machine) if not m})
    machine = sorted({f"{s}: {g}" for s, g, m in zip(found.sources, found.generators, found.machine) if m})
    return Labels(np.array(found.machine), found.sources, {"human": human, "generators": machine})


def public_texts() -> Batch:
    """The texts in the public domain."""
    return Batch.of(r["text"] for name in PUBLIC for r in rows(f"human/{name}.jsonl.zst"))


def write_words() -> None:
    """The table of frequencies."""
    WordTable.of([public_texts()], FEWEST).save(SCORES / "words.npz")


def write() -> None:
    """The shipped score."""
    found = training_rows()
    score = fit_features(featurised(found.texts), labels(found))
    score.save(SCORES / "english.npz")
    print(len(found.texts), "texts;", score.trained_on)


def auroc(human: Floats, machine: Floats) -> float:
    """How often a machine text scores above a human one; ties half."""
    human = np.sort(human)
    return float(sum(np.searchsorted(human, machine, side).mean() for side in ("left", "right")) / 2 / len(human))


def refitted(everything: Pool, found: TrainingRows) -> Floats:
    """The score of every text by a fit to some training rows."""
    places = np.array([everything.place[t] for t in found.texts], np.int64)
    machine, sources = np.zeros(len(everything.texts), bool), np.full(len(everything.texts), "", object)
    machine[places], sources[places] = found.machine, found.sources
    score = fit_features(everything.features, Labels(machine, sources.tolist(), {}), places)
    return score.of_features(everything.features)


def by_kind(everything: Pool, scores: Callable[[MachineSet], Floats]) -> dict[str, dict[str, float]]:
    """The AUROC of each set that is large enough, by kind."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for s in machine_sets():
        human, machine = everything.rows(s.human), everything.rows(s.texts)
        if min(len(human), len(machine)) >= LEAST:
            values = scores(s)
            found[s.kind][s.name] = auroc(values[human], values[machine])
    return found


def tell(name: str, found: Mapping[str, Mapping[str, float]]) -> None:
    """One line: the mean and the range of each kind."""
    parts = []
    for kind, sets in sorted(found.items()):
        values = [*sets.values()]
        parts.append(f"{kind} {np.mean(values):.3f} ({min(values):.2f} to {max(values):.2f}, {len(sets)} sets)")
    print(f"{name:28} {'; '.join(parts)}", flush=True)


def datasets_out(everything: Pool, free_only: bool = True) -> dict[str, dict[str, float]]:
    """AUROC where the fit knows no text of the dataset, nor of those of its kind."""
    known: dict[tuple[str, ...], Floats] = {}

    def scores(s: MachineSet) -> Floats:
        group = next(g for g in GROUPS if s.dataset in g)
        if group not in known:
            known[group] = refitted(everything, training_rows(free_only=free_only, without_origins=group))
        return known[group]

    return by_kind(everything, scores)


def unseen() -> None:
    """Datasets left out; families (subjects) left out; families and generators left out."""
    everything = pool()
    found = datasets_out(everything)
    tell("without its dataset", found)
    for kind in ("instruct", "essay", "base"):
        print("   ", kind, {name: round(value, 2) for name, value in found[kind].items()})
    tell("without its family", by_kind(everything, lambda s: everything.scores(Left(frozenset({s.family})))))

    def strict(s: MachineSet) -> Floats:
        dataset = next(g for g in GROUPS if s.dataset in g)
        return everything.scores(Left(frozenset({s.family}), frozenset({s.generator}), frozenset(dataset)))

    tell("and generator and dataset", by_kind(everything, strict))


def licences() -> None:
    """The files used and left out, and the same figures with all of them."""
    used: dict[tuple[bool, str], dict[str, None]] = defaultdict(dict)
    for part in (*human_domains(), *machine_sets()):
        name = part.dataset if isinstance(part, MachineSet) else part.name
        used[part.free, part.licence][name] = None
    for (allowed, licence), names in sorted(used.items(), reverse=True):
        print(f"{'used' if allowed else 'left out'} ({licence}): {', '.join(names)}")
    for free_only, title in ((True, "licences that allow it"), (False, "all")):
        tell(title, datasets_out(pool(), free_only))


def tables() -> None:
    """Figures with tables of other sizes, and without one."""
    everything, texts = pool(), public_texts()
    for fewest in (FEWEST, 10, 30, 100, 10**9):
        table = WordTable.of([texts], min(fewest, 10**6))
        part = replace(everything, features=featurised(everything.texts, table))
        tell(f"{len(table.hashes)} words", datasets_out(part))


def speed() -> None:
    """Documents a second, end to end, from a batch."""
    texts = [t for t in pool().texts if 800 <= len(t) <= 1200][:10_000]
    score = Score.load()
    for name, batch in (("about 1,000 characters", Batch.of(texts)), ("1 MB each", Batch.of([texts[0] * 1000] * 50))):
        score.of(batch)
        taken = []
        for _ in range(5):
            start = time.process_time()
            score.of(batch)
            taken.append(time.process_time() - start)
        print(f"{name}: {len(batch) / min(taken):,.0f} documents a second of one core, {batch.nbytes:,} bytes in all")


PARTS: dict[str, Callable[[], None]] = {
    "words": write_words, "write": write, "unseen": unseen, "licences": licences, "tables": tables, "speed": speed,
}  # fmt: skip


def main(names: Iterable[str]) -> None:
    """The parts named."""
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
