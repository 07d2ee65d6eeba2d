"""How often the synthetic share alarms, how much it finds, and where it fails: ``python benchmarks/shares.py``.

Rewrites the tables of `docs/share.md` from the null pairs (share_pairs.py) and from made-up audits (share_audits.py).
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import authors
import numpy as np
from refits import pool
from share_audits import ORDERS, SHARES, Audit, Cell, auroc, cells, everything
from share_pairs import ALARM, SIZES, TARGET, Told, rates, told

from contam.synthetic.null import NullPairs
from contam.synthetic.ranking import pair_of, rank_test

PAGE = Path(__file__).parents[1] / "docs" / "share.md"
BEGIN, END = "<!-- tables: written by benchmarks/shares.py -->", "<!-- end of tables -->"
GROUPS = ("instruct", "rewrite", "essay")
MORE = ("rewrites mixed", "base")
ASKED = {
    ("known", "power"): {0.25: (0.92, 0.61, 0.56), 0.50: (1.0, 0.89, 1.0)},
    ("known", "bound"): {0.50: (0.35, 0.18, 0.27), 1.0: (0.90, 0.58, 0.72)},
    ("unknown", "power"): {0.25: (0.0, 0.07, 0.0), 0.50: (1.0, 0.50, 0.56)},
    ("unknown", "bound"): {0.50: (0.21, 0.07, 0.11)},
}
"""The targets that were set beforehand, by order, figure and share, for the three groups."""
ASKED_FALSE = {"known": (0.053, 0.018), "unknown": (0.018, 0.018)}
FIGURES: dict[str, Callable[[Audit], float]] = {
    "power": lambda a: float(a.p <= ALARM),
    "bound": lambda a: a.bound,
    "above": lambda a: float(a.bound > a.share + 1e-9),
}


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; figures to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def near(audits: Iterable[Audit], share: float) -> list[Audit]:
    """The audits of about this share."""
    return [a for a in audits if abs(a.share - share) < 0.006]


def over_cells(audits: Iterable[Audit], figure: str) -> tuple[float, float] | None:
    """The mean of the cells' means and its standard error over cells; None of no audit."""
    by_cell: dict[str, list[float]] = defaultdict(list)
    for audit in audits:
        by_cell[audit.cell.name].append(FIGURES[figure](audit))
    means = [statistics.fmean(values) for values in by_cell.values()]
    if not means:
        return None
    return statistics.fmean(means), statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else 0.0


def _said(found: tuple[float, float] | None, asked: float | None = None) -> str:
    if found is None:
        return ""
    mean, error = found
    return f"{mean:.2f} ± {error:.2f}" + ("" if asked is None else f" ({asked:.2f})")


def by_group(audits: list[Audit], order: str, unseen: bool) -> str:
    """Power and mean bound of the groups at each share, beside the targets."""
    columns = [("power", s) for s in (0.10, 0.25, 0.50)] + [("bound", s) for s in (0.25, 0.50, 1.0)]
    rows = []
    for group in (*GROUPS, *MORE):
        here = [a for a in audits if a.cell.group == group and a.order == order and a.unseen == unseen]
        line = [group, str(len({a.cell.name for a in here}))]
        for figure, share in columns:
            asked = ASKED.get((order, figure), {}).get(share)
            wanted = asked[GROUPS.index(group)] if asked and group in GROUPS else None
            line.append(_said(over_cells(near(here, share), figure), wanted))
        rows.append(line)
    head = ["group", "cells", *(f"{'found at' if f == 'power' else 'bound at'} {s:.0%}" for f, s in columns)]
    return table(head, rows)


def false_of_labelled(audits: list[Audit]) -> str:
    """Alarms without machine text, and bounds above the true share."""
    rows = []
    for order in ORDERS:
        here = [a for a in audits if a.order == order]
        alarms = statistics.fmean(FIGURES["power"](a) for a in near(here, 0.0))
        above = [statistics.fmean(FIGURES["above"](a) for a in near(here, share)) for share in SHARES]
        rows.append([order, f"{alarms:.3f}", *(f"{x:.3f}" for x in above)])
    return table(["order", "alarms at 0 %", *(f"bound above a true {s:.0%}" for s in SHARES)], rows)


def false_of_halves(null: NullPairs) -> str:
    """Human halves of every domain, each among the pairs of other families."""
    rows = []
    for order in ORDERS:
        found, (alarms, bounds) = rates(told(null, order)), ASKED_FALSE[order]
        seen, above = (found[what] / found["pairs"] for what in ("alarms", "bounds"))
        rows.append([order, str(found["pairs"]), f"{seen:.3f} ({alarms})", f"{above:.3f} ({bounds})"])
    return table(["order", "pairs", "alarms at p ≤ .05", "bounds above 0"], rows)


def failures(null: NullPairs) -> str:
    """Every human pair that alarmed or got a bound."""
    rows = [[f"{t.domain} ({t.family})", order, "second half" if t.exchanged else "first half", str(t.n), f"{t.p:.3f}",
             f"{t.bound:.2f}"] for order in ORDERS for t in _failed(told(null, order))]  # fmt: skip
    return table(["human text", "order", "block", "n", "p", "bound"], rows)


def _failed(found: Iterable[Told]) -> list[Told]:
    return sorted((t for t in found if t.p <= ALARM or t.bound > 0), key=lambda t: t.p)


def families(null: NullPairs) -> str:
    """How many pairs each family has."""
    rows = []
    for family in null.families(SIZES[0]):
        counts = [sum(row.family == family for row in null.at(n)) for n in SIZES]
        names = [d.name for d in authors.human_domains() if d.family == family]
        rows.append([family, *map(str, counts), ", ".join(names)])
    rows.append(["all", *(str(len(null.at(n))) for n in SIZES), f"{len(null.families(SIZES[0]))} families"])
    return table(["family", *(f"n = {n}" for n in SIZES), "domains"], rows)


def by_cell(audits: list[Audit]) -> str:
    """Every source and generator: order of documents, alarms and mean bound in known order."""
    rows = []
    for cell in cells():
        here = [a for a in audits if a.cell is cell and a.order == "known" and not a.unseen]
        line = [cell.name, cell.group, f"{auroc(cell, False):.2f}", f"{auroc(cell, True):.2f}"]
        for figure, share in (("power", 0.25), ("power", 0.5), ("bound", 0.5), ("bound", 1.0)):
            found = over_cells(near(here, share), figure)
            line.append("" if found is None else f"{found[0]:.2f}")
        rows.append(line)
    head = ["source and generator", "group", "AUROC", "AUROC, dataset unseen", "found at 25 %", "found at 50 %"]
    return table([*head, "bound at 50 %", "bound at 100 %"], rows)


def by_size(null: NullPairs) -> str:
    """How often a quarter is found with 100 and with 200 documents a side, if every source had enough: documents are
    drawn with replacement. Known order."""
    rows = []
    for group in (*GROUPS, *MORE[:1]):
        here = [cell for cell in cells() if cell.group == group]
        found = [statistics.fmean(_found_again(cell, null, n) for cell in here) for n in SIZES]
        rows.append([group, *(f"{power:.2f}" for power in found)])
    return table(["group", *(f"n = {n}" for n in SIZES)], rows)


def _found_again(cell: Cell, null: NullPairs, n: int, share: float = 0.25, times: int = 100) -> float:
    random, scores = np.random.default_rng(0), pool().scores(cell.left(False))
    human, machine = (scores[pool().rows(t for t, _ in side)] for side in (cell.human, cell.machine))
    among, made, found = null.without(*cell.families).values(n, "known")[0], round(share * n), 0
    for _ in range(times):
        audit = np.concatenate([random.choice(human, n - made), random.choice(machine, made)])
        found += rank_test(pair_of(random.choice(human, n), audit).auc, among) <= ALARM
    return found / times


def near_copies() -> str:
    """AUROC of rewrites by how many of its words a rewrite shares with the human text it was made of."""
    rows = []
    for cell in cells():
        if cell.group == "rewrites mixed":
            rows.append([cell.generator, *(f"{value:.2f}" for value in _by_overlap(cell))])
    return table(["generator", "fewest shared words", "second quarter", "third", "most shared words"], rows)


def _by_overlap(cell: Cell) -> list[float]:
    scores, people = pool().scores(cell.left(False)), {pair: text for text, pair in cell.human}
    known = [(text, people[pair]) for text, pair in cell.machine if pair in people]
    overlap = np.array([_overlap(a, b) for a, b in known])
    human = scores[pool().rows(people.values())]
    out = []
    for part in np.array_split(np.argsort(overlap, kind="stable"), 4):
        out.append(pair_of(human, scores[pool().rows(known[i][0] for i in part.tolist())]).auc)
    return out


def _overlap(a: str, b: str) -> float:
    x, y = set(a.casefold().split()), set(b.casefold().split())
    return len(x & y) / len(x | y)


def tables(null: NullPairs, audits: list[Audit]) -> str:
    """All tables with their headings."""
    parts = ["### False alarms", false_of_halves(null), "Labelled sets:", false_of_labelled(audits)]
    for order in ORDERS:
        parts += [f"### Found, {order} order", by_group(audits, order, False)]
    parts += ["### Found, nothing of the dataset known, known order", by_group(audits, "known", True)]
    parts += ["### A quarter, by the number of documents", by_size(null)]
    parts += ["### Failures by name", failures(null), "### Every source and generator", by_cell(audits)]
    parts += ["### Near-copies", near_copies(), "### The null pairs", families(null)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def write(text: str) -> None:
    """Put the tables between their marks."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Measure, write, and say what came out."""
    null = NullPairs.read(TARGET)
    text = tables(null, everything(null))
    write(text)
    print(text)


if __name__ == "__main__":
    main()
